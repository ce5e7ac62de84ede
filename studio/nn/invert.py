"""From a picture to a place: the *w* whose picture comes nearest, found by an encoder or among seeds, then by descent.

An encoder (``studio.nn.encoder``) guesses at once; without one the nearest of a set of seeds is known within a second.
Adam then follows the gradient of a loss on features and pixels.
Pictures are RGB 0..1 ``(3, height, width)`` here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from studio.nn.encoder import Encoder
from studio.nn.featurenet import FeatureNet
from studio.nn.gan_base import PictureGenerator

LAYERS = ("relu1_2", "relu2_2", "relu3_3")
"""Where features are compared, where the network has them; else its first layers of three strides."""

BATCH_PIXELS = 16 * 64 * 64
"""Pixels of seeds that are looked at together."""


@dataclass(frozen=True)
class Settings:
    """``starts`` seeds are looked at, or ``beside`` where an encoder guesses; from the best ``tries`` of them ``steps``
    of Adam with ``rate`` (in standard deviations of w) follow.

    ``pixels`` weighs the pixel loss against the features; ``stay`` draws w towards the cloud of known ones, so that the
    picture stays one that the network can make; ``truncation`` is that under which the place will be shown.
    """

    starts: int = 96
    beside: int = 32
    steps: int = 160
    rate: float = 0.12
    pixels: float = 1.0
    stay: float = 2.0
    tries: int = 3
    truncation: float = 1.0
    every: int = 8
    """Steps between two guesses."""


@dataclass(frozen=True)
class Guess:
    """The best so far: ``deviation`` of w from its mean ``(length,)``, its ``picture`` ``(3, side, side)``, its
    ``distance`` (mean of features and pixels, 0 is the same picture), and how far the work is, 0..1."""

    deviation: torch.Tensor
    picture: torch.Tensor
    distance: float
    progress: float


class Eyes:
    """Compares pictures ``(N, 3, side, side)`` with one target, or each with its own of ``N``, by pixels and, with a
    network, by features."""

    def __init__(self, target: torch.Tensor, features: FeatureNet | None, pixels: float = 1.0) -> None:
        self._target, self._features, self._pixels = target, features, pixels
        self._layers = _layers(features) if features is not None else []
        self._wanted = self._see(target)

    def _see(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        if self._features is None or not self._layers:
            return []
        found = self._features.forward_to(pictures, self._layers)
        # unit length at every place, so that no layer and no bright spot outweighs the others (Zhang et al. 2018)
        return [F.normalize(found[layer].float(), dim=1, eps=1e-3) for layer in self._layers]

    def distance(self, pictures: torch.Tensor) -> torch.Tensor:
        """One number per picture ``(N,)``, differentiable."""
        total = self._pixels * 4.0 * (pictures - self._target).square().mean((1, 2, 3))
        seen = self._see(pictures)
        for mine, wanted in zip(seen, self._wanted, strict=True):
            total = total + (mine - wanted).square().sum(1).mean((1, 2)) / len(seen)
        return total


def _layers(features: FeatureNet) -> list[str]:
    if all(layer in features.layers for layer in LAYERS):
        return list(LAYERS)
    by_stride: dict[int, str] = {}
    for layer in features.layers:
        by_stride[features.stride(layer)] = layer
    return [by_stride[stride] for stride in sorted(by_stride) if stride <= 8][:3]


def square(picture: torch.Tensor, side: int) -> torch.Tensor:
    """The middle square of a picture ``(3, height, width)``, ``side`` pixels wide, its fine detail averaged away."""
    height, width = picture.shape[1:]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    part = picture[None, :, top : top + edge, left : left + edge]
    return F.interpolate(part, (side, side), mode="bilinear", antialias=True)[0].clamp(0, 1)


def paint(
    net: PictureGenerator, deviation: torch.Tensor, truncation: float = 1.0, shares: Sequence[float] | None = None
) -> torch.Tensor:
    """Pictures (0..1) at deviations ``(N, length)`` under a truncation, from the middle of a blend of classes."""
    made = net.synthesis((net.centre(shares) + deviation * truncation).to(net.dtype))
    return (made.float() + 1) * 0.5


def invert(
    net: PictureGenerator, picture: torch.Tensor, features: FeatureNet | None = None, settings: Settings | None = None,
    *, encoder: Encoder | None = None, shares: Sequence[float] | None = None,
    check: Callable[[], None] = lambda: None,
) -> Iterator[Guess]:
    """Guesses, each at least as good as the one before: the encoder's or the nearest seeds, then refinements of them.

    ``shares`` is the blend of classes under which the place will be shown, for a network that learned some.
    ``check`` is called before every batch and step, and may raise to end the work. The same picture gives the same
    guesses. Raises ValueError for a picture of another shape.
    """
    if picture.ndim != 3 or picture.shape[0] != 3 or 0 in picture.shape:
        raise ValueError(f"a picture is RGB (3, height, width), not {tuple(picture.shape)}")
    wish = settings or Settings()
    target = square(picture.to(net.w_mean.device).float(), net.shape.size)[None]
    eyes = Eyes(target, features, wish.pixels)
    canvas = _Canvas(net, wish.truncation if abs(wish.truncation) > 0.2 else 1.0, shares)
    seeds = wish.starts if encoder is None else wish.beside
    # seeing a seed takes about a third as long as a step
    share = seeds / (seeds + 3.0 * wish.steps) if wish.steps else 1.0
    seen: list[Guess] = []
    best: Guess | None = None
    for places, way in _starts(canvas, seeds, target, encoder):
        check()
        batch = _looked_at(canvas, eyes, places)
        seen = sorted([*seen, *batch], key=lambda guess: guess.distance)[: max(1, wish.tries)]
        if best is None or seen[0].distance < best.distance or way >= 1.0:
            best = replace(seen[0], progress=way * share)
            yield best
    if best is not None and wish.steps:
        yield from _descend(canvas, eyes, wish, seen, share, check)


@dataclass(frozen=True)
class _Canvas:
    """How places are shown while they are looked for."""

    net: PictureGenerator
    truncation: float
    shares: Sequence[float] | None

    def paint(self, deviations: torch.Tensor) -> torch.Tensor:
        return paint(self.net, deviations, self.truncation, self.shares)


@torch.no_grad()
def _looked_at(canvas: _Canvas, eyes: Eyes, places: torch.Tensor) -> list[Guess]:
    """Deviations ``(N, length)`` as guesses, with their pictures and distances."""
    pictures = canvas.paint(places)
    distances = eyes.distance(pictures).tolist()
    return [Guess(places[index], pictures[index], distance, 0.0) for index, distance in enumerate(distances)]


@torch.no_grad()
def _starts(
    canvas: _Canvas, seeds: int, target: torch.Tensor, encoder: Encoder | None
) -> Iterator[tuple[torch.Tensor, float]]:
    """Batches of deviations to begin from, and how far through them it is: the mean, which is the safest guess, what
    the encoder says (and that nearer to the mean), then seeds."""
    net = canvas.net
    centre = net.centre(canvas.shares).float()
    first = torch.zeros(1, net.shape.latent, device=target.device)
    if encoder is not None:
        said = (encoder(target).to(first) + net.w_mean.float() - centre) / canvas.truncation
        first = torch.cat([first, said, 0.8 * said])
        if not seeds:
            yield first, 1.0
            return
        yield first, 0.0
        first = first[:0]
    size = max(1, min(16, BATCH_PIXELS // net.shape.size**2))
    for begin in range(0, max(1, seeds), size):
        numbers = range(begin, min(max(1, seeds), begin + size))
        places = torch.cat([net.seed_w(seed, canvas.shares) for seed in numbers]).float() - centre
        yield torch.cat([first, places]), min(1.0, (begin + size) / max(1, seeds))
        first = first[:0]


def _descend(
    canvas: _Canvas, eyes: Eyes, wish: Settings, starts: list[Guess], done: float,
    check: Callable[[], None],
) -> Iterator[Guess]:
    """Adam from several starts at once; after a quarter of the way only the best of them goes on."""
    best = starts[0]
    # steps are taken in units of the cloud's width, whatever the network
    width = float(canvas.net.sigmas.square().mean().sqrt()) or 1.0
    places = torch.stack([start.deviation for start in starts]) / width
    radius = max(float(places.norm(dim=1).max()), 0.5 * math.sqrt(places.shape[1]))
    places.requires_grad_(True)
    descent = torch.optim.Adam([places], lr=wish.rate, betas=(0.9, 0.98))
    improved = False
    for step in range(wish.steps):
        check()
        if step == wish.steps // 4 and len(places) > 1:
            places = (best.deviation / width)[None].clone().requires_grad_(True)
            descent = torch.optim.Adam([places], lr=wish.rate, betas=(0.9, 0.98))
        for group in descent.param_groups:  # warm up, then come to rest (Karras et al. 2020)
            group["lr"] = wish.rate * min(1.0, (step + 1) / 5) * (0.5 + 0.5 * math.cos(math.pi * step / wish.steps))
        descent.zero_grad()
        with torch.enable_grad():
            made = canvas.paint(places * width)
            distances = eyes.distance(made)
            far = F.relu(places.norm(dim=1) / radius - 1.0).square()
            (distances + wish.stay * far).sum().backward()  # type: ignore[no-untyped-call]
        nearest = int(distances.argmin())
        distance = float(distances[nearest].detach())
        if distance < best.distance:
            deviation = (places[nearest].detach() * width).clone()
            best, improved = Guess(deviation, made[nearest].detach(), distance, 0.0), True
        descent.step()
        last = step + 1 == wish.steps
        if last or (improved and (step + 1) % wish.every == 0):
            yield replace(best, progress=done + (1 - done) * (step + 1) / wish.steps)
            improved = False
