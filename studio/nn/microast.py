"""MicroAST (Wang et al. 2023): a foreign network that takes any picture as a style, in the form the style camera plays.

Two small encoders look at picture and style at a quarter of their size. The style's features give the means and
deviations that the picture's features take on (AdaIN, Huang and Belongie 2017), at two depths, and through the
*modulator* a factor for each channel of the decoder's filters and of their shortcut. All that is needed of a style is
thus one row of 512 numbers, which mix as those of our own style networks do.

Layout of the weights: ``content_encoder.``, ``style_encoder.``, ``modulator.``, ``decoder.``; RGB 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from studio.nn.style import EPSILON, Stylist
from studio.nn.weights import check_against

Tensors = Mapping[str, Tensor]

KIND = "microast"
"""What the configuration of such a model says under ``kind``; its architecture is that of all style networks."""
CHANNELS = 64
WIDTH = 8 * CHANNELS
"""Numbers in a row: mean, deviation, filter and shortcut factors of 64 channels, at two depths."""
MULTIPLE, BORDER = 4, 8
SIDE = 512
"""A style picture is read with this longer side, pixels."""


def expected() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors."""
    found: dict[str, tuple[int, ...]] = {}

    def conv(name: str, outputs: int, inputs: int, kernel: int) -> None:
        found[f"{name}.conv_layer.weight"] = (outputs, inputs, kernel, kernel)
        found[f"{name}.conv_layer.bias"] = (outputs,)

    for part in ("content_encoder", "style_encoder"):
        for number, outputs, inputs, kernel in ((0, 16, 3, 9), (2, 32, 1, 3), (4, 32, 32, 1), (6, 64, 1, 3),
                                                (8, 64, 64, 1)):
            conv(f"{part}.enc1.{number}", outputs, inputs, kernel)
        for block in ("enc1.10", "enc2.0"):
            for half in ("conv1", "conv2"):
                conv(f"{part}.{block}.{half}", CHANNELS, CHANNELS, 3)
    for block in ("dec1", "dec2"):
        for half in ("conv1", "conv2"):
            conv(f"decoder.{block}.{half}", CHANNELS, CHANNELS, 3)
    for number, outputs, inputs, kernel in ((1, 32, 2, 3), (3, 32, 32, 1), (6, 16, 2, 3), (8, 16, 16, 1),
                                            (10, 3, 16, 9)):
        conv(f"decoder.dec3.{number}", outputs, inputs, kernel)
    for name in ("weight1", "bias1", "weight2", "bias2"):
        conv(f"modulator.{name}.0", CHANNELS, 1, 3)
    return found


def _conv(weights: Tensors, name: str, x: Tensor, stride: int = 1) -> Tensor:
    weight, bias = weights[f"{name}.conv_layer.weight"], weights[f"{name}.conv_layer.bias"]
    pad = weight.shape[2] // 2
    x = F.pad(x, (pad, pad, pad, pad), mode="reflect") if pad else x
    return F.conv2d(x, weight, bias, stride, groups=x.shape[1] // weight.shape[1])


def _residual(weights: Tensors, name: str, x: Tensor, factors: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Two convolutions beside a shortcut; ``factors`` scale what each gives and what went into it."""
    value = _conv(weights, f"{name}.conv1", x)
    value = F.relu(value if factors is None else factors[0] * value + factors[1] * x)
    after = _conv(weights, f"{name}.conv2", value)
    return x + (after if factors is None else factors[0] * after + factors[1] * value)


def _encode(weights: Tensors, part: str, x: Tensor) -> tuple[Tensor, Tensor]:
    """Features ``(N, 64, H/4, W/4)`` at two depths."""
    for number, stride in ((0, 1), (2, 2), (4, 1), (6, 2), (8, 1)):
        x = F.relu(_conv(weights, f"{part}.enc1.{number}", x, stride))
    first = _residual(weights, f"{part}.enc1.10", x)
    return first, _residual(weights, f"{part}.enc2.0", first)


def _statistics(value: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel ``(1, C, 1, 1)``."""
    value = value.float()
    return value.mean((2, 3), keepdim=True), (value.var((2, 3), keepdim=True) + EPSILON).sqrt()


def _decode(weights: Tensors, x: Tensor) -> Tensor:
    for first, second in ((1, 3), (6, 8)):
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
        x = F.relu(_conv(weights, f"decoder.dec3.{second}", F.relu(_conv(weights, f"decoder.dec3.{first}", x))))
    return _conv(weights, "decoder.dec3.10", x)


class MicroReader:
    """Reads the row of a style picture; see ``studio.nn.style_reader.StyleReader``."""

    def __init__(self, weights: Tensors, device: str = "cpu") -> None:
        self._weights = {name: value.to(device) for name, value in weights.items()
                         if name.startswith(("style_encoder.", "modulator."))}
        self._device = device

    @torch.no_grad()
    def read(self, picture: Tensor) -> Tensor:
        """The row ``(512,)`` of one picture ``(3, H, W)`` in 0..1, from 32 pixels a side."""
        height, width = picture.shape[1:]
        if min(height, width) < 32:
            raise ValueError(f"a picture of {width}x{height} pixels is too small for a style; it needs 32 each way")
        factor = SIDE / max(height, width)
        shape = [max(32, round(side * factor) // MULTIPLE * MULTIPLE) for side in (height, width)]
        x = F.interpolate(picture[None].float(), shape, mode="bilinear", align_corners=False, antialias=factor < 1)
        parts: list[Tensor] = []
        for depth, value in enumerate(_encode(self._weights, "style_encoder", x.to(self._device)), 1):
            factors = [_conv(self._weights, f"modulator.{name}{depth}.0", value).mean((2, 3), keepdim=True)
                       for name in ("weight", "bias")]
            parts += [*_statistics(value), *factors]
        return torch.cat(parts, 1).flatten()


class MicroStylist(Stylist):
    """MicroAST for a stream of pictures, used like any other; it has no styles of its own, and takes any."""

    def __init__(self, weights: Tensors, *, device: str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        # nothing of what the studio's own network keeps is needed here, but the rows by their names
        self.styles, self.device, self.dtype = (), device, dtype
        self.memory, self.every = 0.0, 1
        self._tensors = {
            name: value.to(device, dtype).contiguous(memory_format=torch.channels_last) if value.dim() == 4
            else value.to(device, dtype)
            for name, value in weights.items() if name.startswith(("content_encoder.", "decoder."))
        }
        self._rows: dict[str, Tensor] = {}
        self._row: Tensor | None = None
        self._share = 0.0
        self._seen: list[tuple[Tensor, Tensor]] = []

    def mix(self, shares: Mapping[str, float]) -> None:
        """Share of each style that was taken; what is missing to 1 is the plain picture. Raises KeyError."""
        for name in shares:
            if name not in self._rows:
                raise KeyError(f"there is no style {name!r} in this model; it takes its styles from pictures")
        self._share = sum(shares.values())
        if self._share <= 1e-6:
            self._row = None
            return
        mixed = torch.stack([self._rows[name] * (share / self._share) for name, share in shares.items()])
        self._row = mixed.sum(0).view(8, 1, CHANNELS, 1, 1)

    def forget(self) -> None:
        """Start the statistics afresh at the next picture (another source, a cut)."""
        self._seen = []

    @torch.inference_mode()
    def __call__(self, picture: Tensor) -> Tensor:
        """Stylise ``(3, H, W)`` in 0..1, from 16 pixels a side; returns float32 of the same shape, in 0..1."""
        height, width = picture.shape[1:]
        if min(height, width) < 16:
            raise ValueError(f"a picture of {width}x{height} pixels is too small to stylise; it needs 16 each way")
        x = picture.to(self.device, torch.float32)
        if self._row is None:
            return x.clamp(0.0, 1.0)
        right, below = (-width) % MULTIPLE + BORDER, (-height) % MULTIPLE + BORDER
        padded = F.pad(x[None], (BORDER, right, BORDER, below), mode="reflect").to(self.dtype)
        padded = padded.contiguous(memory_format=torch.channels_last)
        fresh: list[tuple[Tensor, Tensor]] = []
        _, value = _encode(self._tensors, "content_encoder", padded)
        for place, depth in enumerate((1, 0)):  # the deeper features of the style come first
            value = self._adapt(value, 4 * depth, place, fresh)
            factors = (self._row[4 * depth + 2].to(value.dtype), self._row[4 * depth + 3].to(value.dtype))
            value = _residual(self._tensors, f"decoder.dec{place + 1}", value, factors)
        self._seen = fresh
        shown = _decode(self._tensors, value).float()[0, :, BORDER : BORDER + height, BORDER : BORDER + width]
        return torch.lerp(x, shown, self._share).clamp(0.0, 1.0)

    def _adapt(self, value: Tensor, first: int, place: int, fresh: list[tuple[Tensor, Tensor]]) -> Tensor:
        """AdaIN, with the picture's statistics remembered from frame to frame."""
        assert self._row is not None
        mean, deviation = _statistics(value)
        if self._seen and self.memory > 0.0:
            mean = torch.lerp(mean, self._seen[place][0], self.memory)
            deviation = torch.lerp(deviation, self._seen[place][1], self.memory)
        fresh.append((mean, deviation))
        normal = (value.float() - mean) / deviation
        return (normal * self._row[first + 1] + self._row[first]).to(value.dtype)


def stylist(tensors: Tensors, *, device: str = "cpu", dtype: torch.dtype = torch.float32) -> MicroStylist:
    """From a model file's tensors. Raises WeightsError when they are not all there."""
    check_against(expected(), {name: tuple(value.shape) for name, value in tensors.items()}, where="its network")
    return MicroStylist(tensors, device=device, dtype=dtype)
