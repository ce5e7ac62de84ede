"""Pictures as tensors ``(N, 3, H, W)`` in 0..1: size, blur, movement, colour statistics, and skies to start from."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import torch
import torch.nn.functional as F

P = ParamSpec("P")
R = TypeVar("R")

# Colour axes of natural pictures (Olah, Mordvintsev, Schubert 2017, "Feature visualization"): square root of the
# covariance of RGB over many photographs, its largest column normalised to length 1.
_COLOUR_ROOT = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))


STRIP = 512
"""Rows of a picture that are blurred at once."""


def exact(work: Callable[Concatenate[torch.Tensor, P], R]) -> Callable[Concatenate[torch.Tensor, P], R]:
    """``work`` in the precision of the picture, its first argument, also inside an autocast.

    Colour statistics need it, and oneDNN 3.x never comes back from making a bfloat16 convolution of three separate
    channels, last in memory, with a kernel of more than ten pixels: the thread that asked for one was lost.
    """

    @functools.wraps(work)
    def run(x: torch.Tensor, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with torch.autocast(x.device.type, enabled=False):
            return work(x, *args, **kwargs)

    return run


def resize(x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """``x`` at ``size`` (height, width), smoothly, without aliasing when it shrinks."""
    if x.shape[2:] == size:
        return x
    smaller = size[0] < x.shape[2] or size[1] < x.shape[3]
    return F.interpolate(x, size, mode="bicubic", align_corners=False, antialias=smaller)


@exact
def blur(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian blur with standard deviation ``sigma`` pixels; edges are mirrored."""
    radius = min(math.ceil(3 * sigma), *(side - 1 for side in x.shape[2:]))
    if sigma <= 0 or radius < 1:
        return x
    places = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
    kernel = torch.exp(-0.5 * (places / sigma) ** 2)
    kernel = (kernel / kernel.sum()).repeat(x.shape[1], 1)
    x = F.pad(x, (0, 0, radius, radius), mode="reflect")
    height = x.shape[2] - 2 * radius
    out = x.new_empty(x.shape[0], x.shape[1], height, x.shape[3])
    # in strips: a convolution of three channels is computed in blocks of sixteen, five times the picture's memory
    for top in range(0, height, STRIP):
        part = F.pad(x[:, :, top : top + STRIP + 2 * radius], (radius, radius, 0, 0), mode="reflect")
        part = F.conv2d(part, kernel[:, None, None, :], groups=x.shape[1])
        out[:, :, top : top + STRIP] = F.conv2d(part, kernel[:, None, :, None], groups=x.shape[1])
    return out


@exact
def move(
    x: torch.Tensor, *, zoom: float = 1.0, degrees: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)
) -> torch.Tensor:
    """Zoom (2.0: twice as near), turn (counter-clockwise), shift (of the frame's width and height); edges are mirrored.

    ``shift`` (0.1, 0) moves what is seen 10 % to the left, as a camera that goes right.
    """
    if zoom == 1.0 and degrees == 0.0 and shift == (0.0, 0.0):
        return x
    height, width = x.shape[2:]
    cosine, sine = math.cos(math.radians(degrees)) / zoom, math.sin(math.radians(degrees)) / zoom
    # affine_grid works in a square of -1..1: the aspect ratio keeps the rotation from shearing
    aspect = height / width
    theta = torch.tensor([[
        [cosine, sine * -1.0 * aspect, 2 * shift[0]],
        [sine / aspect, cosine, 2 * shift[1]],
    ]], dtype=torch.float32, device=x.device)
    grid = F.affine_grid(theta.repeat(len(x), 1, 1), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid.to(x.dtype), mode="bicubic", padding_mode="reflection", align_corners=False)


def graded(picture: torch.Tensor, saturation: float, contrast: float) -> torch.Tensor:
    """A picture ``(3, H, W)`` in 0..1 with another saturation (0: grey, 1: as it is) and contrast around middle grey;
    not clamped."""
    if saturation != 1.0:
        red, green, blue = picture
        grey = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        picture = grey + (picture - grey) * saturation
    return picture if contrast == 1.0 else 0.5 + (picture - 0.5) * contrast


def fold(x: torch.Tensor, parts: int) -> torch.Tensor:
    """Mirror ``x``: 0 leaves it, 1 mirrors the left half to the right, 2 and more: a kaleidoscope of so many parts."""
    if parts <= 0:
        return x
    height, width = x.shape[2:]
    if parts == 1:
        half = x[:, :, :, : (width + 1) // 2]
        return torch.cat([half, half[:, :, :, : width // 2].flip(3)], 3)
    down = (torch.arange(height, device=x.device) + 0.5 - height / 2).view(-1, 1)
    across = (torch.arange(width, device=x.device) + 0.5 - width / 2).view(1, -1)
    radius, wedge = torch.sqrt(down**2 + across**2), math.pi / parts
    # every point is read from the first wedge, above the centre line, its neighbours mirrored
    angle = torch.remainder(torch.atan2(down, across) + math.pi / 2, 2 * wedge)
    angle = torch.minimum(angle, 2 * wedge - angle) - math.pi / 2
    grid = torch.stack([radius * torch.cos(angle) * (2 / width), radius * torch.sin(angle) * (2 / height)], 2)
    grid = grid[None].expand(len(x), -1, -1, -1).to(x.dtype)
    return F.grid_sample(x, grid, mode="bicubic", padding_mode="reflection", align_corners=False)


@exact
def statistics(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean ``(3,)`` and covariance ``(3, 3)`` of the colours of the first picture."""
    flat = x[0].float().flatten(1)
    mean = flat.mean(1)
    centred = flat - mean[:, None]
    return mean, centred @ centred.T / flat.shape[1]


@exact
def recolour(
    x: torch.Tensor, mean: torch.Tensor, covariance: torch.Tensor, strength: float = 1.0, ridge: float = 3e-4
) -> torch.Tensor:
    """Give ``x`` the colour ``mean`` and ``covariance``: brightness, contrast and palette are held in one linear map.

    ``strength`` 0..1 is how far it goes; ``ridge`` keeps colours that are hardly there from being blown up.
    """
    if strength <= 0:
        return x
    own_mean, own = statistics(x)
    eye = torch.eye(3, device=x.device)
    change = _root(covariance + ridge * eye, 0.5) @ _root(own + ridge * eye, -0.5)
    change = torch.lerp(eye, change, strength)
    target = torch.lerp(own_mean, mean, strength)
    moved = torch.einsum("ij,njhw->nihw", change, x.float() - own_mean.view(1, 3, 1, 1))
    return (moved + target.view(1, 3, 1, 1)).to(x.dtype)


def _root(matrix: torch.Tensor, power: float) -> torch.Tensor:
    # three by three: on the host, in double precision, which costs nothing
    values, vectors = torch.linalg.eigh(matrix.double().cpu())
    made: torch.Tensor = vectors @ torch.diag(values.clamp_min(1e-9) ** power) @ vectors.T
    return made.to(matrix.device, torch.float32)


def soft_clip(x: torch.Tensor, knee: float = 0.12) -> torch.Tensor:
    """Into 0..1 without flat whites and blacks: the last ``knee`` at both ends is reached asymptotically."""
    over, under = (x - (1 - knee)).clamp_min(0), (knee - x).clamp_min(0)
    return x.clamp(knee, 1 - knee) + knee * (torch.tanh(over / knee) - torch.tanh(under / knee))


@exact
def natural_colours(gradient: torch.Tensor, amount: float) -> torch.Tensor:
    """Turn a colour gradient towards the colours of photographs: mostly light and dark, some blue-orange, little green.

    ``amount`` 0 leaves it, 1 is ascent in a decorrelated colour space.
    """
    if amount <= 0:
        return gradient
    root = torch.tensor(_COLOUR_ROOT, dtype=gradient.dtype, device=gradient.device)
    metric = root @ root.T
    metric = metric * (3.0 / metric.trace())
    metric = torch.lerp(torch.eye(3, dtype=gradient.dtype, device=gradient.device), metric, amount)
    return torch.einsum("ij,njhw->nihw", metric, gradient)


def fractal(size: tuple[int, int], rng: torch.Generator, *, slope: float = 1.0, channels: int = 3) -> torch.Tensor:
    """Noise ``(1, channels, H, W)`` with a spectrum of 1/f**slope, mean 0 and deviation 1; it tiles."""
    height, width = size
    down = torch.fft.fftfreq(height)[:, None]
    across = torch.fft.rfftfreq(width)[None, :]
    frequency = torch.sqrt(down**2 + across**2).clamp_min(1.0 / max(height, width))
    spectrum = torch.fft.rfft2(torch.randn(1, channels, height, width, generator=rng))
    x = torch.fft.irfft2(spectrum / frequency**slope, s=(height, width))
    x = x - x.mean((2, 3), keepdim=True)
    return torch.div(x, x.std((2, 3), keepdim=True).clamp_min(1e-6))


def clouds(size: tuple[int, int], rng: torch.Generator) -> torch.Tensor:
    """A sky of the project's own making ``(1, 3, H, W)``: banks of cloud in three random related hues."""
    height = size[0]
    heights = fractal(size, rng, slope=1.5, channels=3)
    fine = fractal(size, rng, slope=0.9, channels=1)
    hue = float(torch.rand((), generator=rng))
    spread = 0.08 + 0.17 * float(torch.rand((), generator=rng))
    tones = ((0.0, 0.75, 0.22), (1.0, 0.6, 0.6), (2.4, 0.35, 0.95))
    low, middle, high = (_hsv(hue + place * spread, s, v) for place, s, v in tones)
    down = torch.linspace(-1.0, 1.0, height).view(1, 1, height, 1)
    level = torch.sigmoid(1.3 * heights[:, :1] - 0.9 * down + 0.2 * fine)
    warm = torch.sigmoid(2.0 * heights[:, 1:2])
    x = torch.lerp(low, middle, (2 * level).clamp(0, 1))
    x = torch.lerp(x, high, ((2 * level - 1) * (0.5 + 0.5 * warm)).clamp(0, 1))
    return (x + 0.03 * fine + 0.02 * heights).clamp(0, 1)


def _hsv(hue: float, saturation: float, value: float) -> torch.Tensor:
    import colorsys

    return torch.tensor(colorsys.hsv_to_rgb(hue % 1.0, saturation, value)).view(1, 3, 1, 1)
