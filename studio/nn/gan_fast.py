"""FastGAN (Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image Synthesis"):
a light generator with skip-layer excitation, and a discriminator that also has to draw what it saw.

For a hundred to two thousand pictures at 256 pixels and more; smaller sizes work. Pictures are RGB -1..1
``(N, 3, size, size)``; z ``(N, latent)`` is w.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

from studio.nn.gan_base import PictureGenerator, class_names
from studio.nn.gan_dcgan import Straight

SHARES = {4: 16.0, 8: 8.0, 16: 4.0, 32: 2.0, 64: 2.0, 128: 1.0, 256: 0.5, 512: 0.25, 1024: 0.125}
"""Channels at each side, as multiples of ``base`` (the authors' table)."""

SKIPS = {64: 4, 128: 8, 256: 16, 512: 32}
"""Side whose features are excited by those of a much smaller side."""


@dataclass(frozen=True)
class FastConfig:
    """Shape of the networks: ``base`` channels at 128 pixels (the paper: 64), more at smaller sides."""

    size: int = 256
    latent: int = 256
    base: int = 64
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.size not in SHARES or self.size < 64:
            raise ValueError(f"this generator's size must be 64, 128, 256, 512 or 1024, not {self.size}")
        if not (1 <= self.latent <= 4096 and 8 <= self.base <= 512):
            raise ValueError(f"latent {self.latent} or base {self.base} is out of range; base is 8 to 512")

    def width(self, side: int) -> int:
        """Channels at ``side`` pixels."""
        return max(1, int(SHARES[side] * self.base))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> FastConfig:
        """Back from JSON. Raises TypeError or ValueError."""
        known = {field.name for field in fields(cls)}
        picked = {key: value for key, value in values.items() if key in known}
        picked["classes"] = class_names(picked.get("classes", ()))
        return cls(**picked)

    def to_dict(self) -> dict[str, Any]:
        return {"network": "fastgan", **asdict(self), "classes": list(self.classes)}


def _normed(conv: nn.Conv2d | nn.ConvTranspose2d) -> nn.Module:
    nn.init.normal_(conv.weight, 0.0, 0.02)  # before the norm, which begins with the directions of these weights
    return spectral_norm(conv)


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, padding: int = 1) -> nn.Module:
    return _normed(nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False))


class Excitation(nn.Module):
    """Skip-layer excitation: 4x4 averages of small features ``(N, inputs, r, r)`` become one gate 0..1 for each channel
    of large ones ``(N, outputs, R, R)``: y = F(small) * large (equation 1)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(4), _conv(inputs, outputs, 4, 1, 0), nn.SiLU(), _conv(outputs, outputs, 1, 1, 0),
            nn.Sigmoid(),
        )

    def forward(self, small: torch.Tensor, large: torch.Tensor) -> torch.Tensor:
        return large * self.gate(small)  # type: ignore[no-any-return]


class _Grow(nn.Module):
    """``(N, inputs, r, r)`` to ``(N, outputs, 2r, 2r)``: once convolved and gated, or ``twice`` with noise."""

    def __init__(self, inputs: int, outputs: int, *, twice: bool) -> None:
        super().__init__()
        self.conv, self.norm = _conv(inputs, 2 * outputs), nn.BatchNorm2d(2 * outputs)
        self.again: nn.Module | None = None
        if twice:
            self.again, self.norm_again = _conv(outputs, 2 * outputs), nn.BatchNorm2d(2 * outputs)
            self.loud = nn.Parameter(torch.zeros(2))

    def forward(self, x: torch.Tensor, noise: torch.Tensor | None) -> torch.Tensor:
        x = self.conv(F.interpolate(x, scale_factor=2))
        if self.again is None:
            return F.glu(self.norm(x), 1)
        x = F.glu(self.norm(self._with_noise(x, noise, 0)), 1)
        return F.glu(self.norm_again(self._with_noise(self.again(x), noise, 1)), 1)

    def _with_noise(self, x: torch.Tensor, noise: torch.Tensor | None, place: int) -> torch.Tensor:
        if noise is None and self.training:
            noise = torch.randn(x.shape[0], 1, *x.shape[2:], device=x.device, dtype=x.dtype)
        return x if noise is None else x + noise * self.loud[place].to(x.dtype)


class FastGenerator(PictureGenerator):
    """z -> 4x4 -> doubled block by block; every second block is a deep one with noise. Where a side is named in SKIPS
    its channels are gated by the features of sixteen times smaller ones."""

    config: FastConfig

    def __init__(self, config: FastConfig) -> None:
        super().__init__(config)
        self.mapping = Straight(config.latent, len(config.classes))
        first = config.width(4)
        self.first = _normed(nn.ConvTranspose2d(config.latent, 2 * first, 4, bias=False))
        self.norm = nn.BatchNorm2d(2 * first)
        self.sides = [8 << level for level in range(int(math.log2(config.size)) - 2)]
        self.blocks = nn.ModuleList(
            _Grow(config.width(side // 2), config.width(side), twice=level % 2 == 0)
            for level, side in enumerate(self.sides)
        )
        self.skips = nn.ModuleDict({
            str(side): Excitation(config.width(SKIPS[side]), config.width(side)) for side in self.sides if side in SKIPS
        })
        self.paint = _conv(config.width(config.size), 3)
        self.paint_small = _conv(config.width(config.size // 2), 3, 1, 1, 0)
        self.apply(_from_authors)

    def noise_shapes(self) -> list[tuple[int, int]]:
        return [(side, side) for side in self.sides]

    def both(
        self, w: torch.Tensor, noise: Sequence[torch.Tensor | None] | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The pictures, and as the generator sees them at half their size: the discriminator judges both."""
        w = w[:, 0] if w.ndim == 3 else w
        x = F.glu(self.norm(self.first(w[:, :, None, None])), 1)
        seen = {4: x}
        for index, (side, block) in enumerate(zip(self.sides, self.blocks, strict=True)):
            x = block(x, None if noise is None else noise[index])
            if str(side) in self.skips:
                x = self.skips[str(side)](seen[SKIPS[side]], x)
            seen[side] = x
        small = seen[self.config.size // 2]
        return torch.tanh(self.paint(x)), torch.tanh(self.paint_small(small))

    def synthesis(self, w: torch.Tensor, noise: Sequence[torch.Tensor | None] | None = None) -> torch.Tensor:
        return self.both(w, noise)[0]


class _Shrink(nn.Module):
    """``(N, inputs, r, r)`` to ``(N, outputs, r/2, r/2)``: a strided path, averaged with a pooled one if ``twice``."""

    def __init__(self, inputs: int, outputs: int, *, twice: bool) -> None:
        super().__init__()
        main: list[nn.Module] = [_conv(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
        self.direct: nn.Module | None = None
        if twice:
            main += [_conv(outputs, outputs), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
            self.direct = nn.Sequential(
                nn.AvgPool2d(2, 2), _conv(inputs, outputs, 1, 1, 0), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)
            )
        self.main = nn.Sequential(*main)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.main(x)
        return made if self.direct is None else (made + self.direct(x)) / 2


class _Decoder(nn.Module):
    """Features to a small picture ``(N, 3, side, side)`` of what they were made of; ``side`` is a power of two."""

    def __init__(self, inputs: int, base: int, side: int) -> None:
        super().__init__()
        steps: list[nn.Module] = [nn.AdaptiveAvgPool2d(8)]
        here = 8
        while here < side:
            here *= 2
            width = max(4, int(SHARES[here] * base / 2))
            steps += [nn.Upsample(scale_factor=2), _conv(inputs, 2 * width), nn.BatchNorm2d(2 * width), nn.GLU(1)]
            inputs = width
        self.main = nn.Sequential(*steps, _conv(inputs, 3), nn.Tanh())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.main(x)  # type: ignore[no-any-return]


@dataclass
class Judged:
    """Scores per patch ``(N, patches)``; of real pictures also what was drawn again, beside what it should show."""

    scores: torch.Tensor
    drawn: list[tuple[torch.Tensor, torch.Tensor]]


class FastDiscriminator(nn.Module):
    """Judges a picture and a small copy of it. On real ones decoders draw the picture, a quarter of it, and the small
    copy from its features: it must look at all of the picture, not at what betrays a fake (section 3.2)."""

    def __init__(self, config: FastConfig) -> None:
        super().__init__()
        self.config = config
        top = min(256, config.size)
        width = {side: config.width(min(1024, 2 * side)) for side in (256, 128, 64, 32, 16, 8)}
        fold = config.size // top
        self.begin = nn.Sequential(_conv(3, width[top]), nn.LeakyReLU(0.2))
        if fold > 1:
            steps: list[nn.Module] = [_conv(3, width[top], 4, 2, 1), nn.LeakyReLU(0.2)]
            if fold > 2:
                steps += [_conv(width[top], width[top], 4, 2, 1), nn.BatchNorm2d(width[top]), nn.LeakyReLU(0.2)]
            self.begin = nn.Sequential(*steps)
        self.sides = [side for side in (256, 128, 64, 32, 16, 8) if side <= top]
        self.downs = nn.ModuleList(
            _Shrink(width[before], width[after], twice=True)
            for before, after in pairwise(self.sides)
        )
        # features of one side excite those of an eighth of it
        self.skips = nn.ModuleDict({
            str(side // 8): Excitation(width[side], width[side // 8]) for side in self.sides if side >= 64
        })
        last = width[8]
        self.judge = nn.Sequential(
            _conv(last, 2 * last, 1, 1, 0), nn.BatchNorm2d(2 * last), nn.LeakyReLU(0.2), _conv(2 * last, 1, 4, 1, 0)
        )
        self.small_side = min(128, config.size // 2)
        side = self.small_side // 2
        small: list[nn.Module] = [_conv(3, config.width(4 * side), 4, 2, 1), nn.LeakyReLU(0.2)]
        while side > 8:
            small.append(_Shrink(config.width(4 * side), config.width(2 * side), twice=False))
            side //= 2
        self.look_small = nn.Sequential(*small)
        self.judge_small = _conv(config.width(32), 1, 4, 1, 0)
        self.drawn_side = min(128, config.size // 2)
        self.draw = _Decoder(last, config.base, self.drawn_side)
        self.draw_part = _Decoder(width[16], config.base, self.drawn_side)
        self.draw_small = _Decoder(config.width(32), config.base, self.drawn_side)
        # with classes: do the features go with a learned vector of the class (Miyato and Koyama 2018)
        self.labels = nn.Embedding(len(config.classes), last) if config.classes else None
        self.apply(_from_authors)

    def forward(
        self, picture: torch.Tensor, small: torch.Tensor, labels: torch.Tensor | None = None, part: int | None = None
    ) -> Judged:
        """``small`` is of any size. ``part`` (0..3) is the quarter to be drawn again, for real pictures."""
        x = self.begin(picture)
        seen = {self.sides[0]: x}
        for side, down in zip(self.sides[1:], self.downs, strict=True):
            x = down(x)
            if str(side) in self.skips:
                x = self.skips[str(side)](seen[8 * side], x)
            seen[side] = x
        small = F.interpolate(small, (self.small_side, self.small_side), mode="bilinear", align_corners=False)
        glimpse = self.look_small(small)
        scores = self.judge(x).flatten(1)
        if self.labels is not None and labels is not None:
            scores = scores + (self.labels(labels) * x.mean((2, 3))).sum(1, keepdim=True)
        scores = torch.cat([scores, self.judge_small(glimpse).flatten(1)], 1)
        if part is None:
            return Judged(scores, [])
        return Judged(scores, [
            (self.draw(x), self._shown(picture)), (self.draw_small(glimpse), self._shown(small)),
            (self.draw_part(quarter(seen[16], part)), self._shown(quarter(picture, part))),
        ])

    def _shown(self, x: torch.Tensor) -> torch.Tensor:
        """What a decoder should draw."""
        side = (self.drawn_side, self.drawn_side)
        return F.interpolate(x, side, mode="bilinear", align_corners=False, antialias=True)


def quarter(x: torch.Tensor, part: int) -> torch.Tensor:
    """One of the four quarters of ``(N, C, H, W)``: 0 and 1 above, 2 and 3 below."""
    height, width = x.shape[2] // 2, x.shape[3] // 2
    top, left = part // 2 * height, part % 2 * width
    return x[:, :, top : top + height, left : left + width]


def without_spectral_norm(net: nn.Module) -> nn.Module:
    """The same network with the norms multiplied into its weights, as it is played and kept."""
    for module in net.modules():
        if is_parametrized(module, "weight"):
            remove_parametrizations(module, "weight")
    return net


def _from_authors(module: nn.Module) -> None:
    """Scales of the normalisation from N(1, 0.02)."""
    if isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
