"""StyleGAN2 (Karras et al. 2020): modulated convolutions with demodulation, noise, skips of RGB from every resolution.

Own code; shapes and names of tensors as in NVIDIA's stylegan2-ada-pytorch, ``pictures.b8.conv0.weight (O, I, 3, 3)``.
Of its architectures the usual one, ``skip``. Modulation and demodulation scale the activations before and after a
convolution with shared weights, which is the same in exact numbers as scaling the weights for each picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from studio.nn.stylegan import ROOT2, Dense, StyleGan, StyleShape, clamp_of, resample

TAPS = 4
"""Length of the low-pass filter (1, 3, 3, 1) / 8."""


def demodulation(weight: torch.Tensor, styles: torch.Tensor) -> torch.Tensor:
    """1 / standard deviation ``(N, O)`` of what ``weight (O, I, k, k)`` makes of unit inputs scaled by ``styles
    (N, I)``: equation 3 of the paper."""
    power = weight.square().sum((2, 3))  # (O, I)
    return torch.rsqrt(styles.square() @ power.t() + 1e-8)


class ModulatedConv(nn.Module):
    """One layer: style from w, 3x3 convolution (after doubling the size with ``up``), noise, bias, leaky ReLU."""

    noise_const: torch.Tensor
    resample_filter: torch.Tensor

    def __init__(self, inputs: int, outputs: int, w: int, side: int, *, up: bool, noise: bool, clamp: float | None):
        super().__init__()
        self.up, self.clamp, self.noisy = up, clamp, noise
        self.register_buffer("resample_filter", torch.zeros(TAPS, TAPS))
        self.affine = Dense(w, inputs)
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, 3, 3))
        if noise:
            self.register_buffer("noise_const", torch.zeros(side, side))
            self.noise_strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: torch.Tensor, w: torch.Tensor, noise: torch.Tensor | None) -> torch.Tensor:
        """``(N, inputs, r, r)`` to ``(N, outputs, r or 2r, …)``; ``noise`` is a map of the result's size, or None."""
        styles, weight = self.affine(w), self.weight.float()
        scale = demodulation(weight, styles)
        if x.dtype == torch.float16:
            # both brought to at most 1 and the scale back into the demodulation: nothing overflows
            most, largest = styles.abs().amax(1, keepdim=True).clamp_min(1e-12), weight.abs().amax().clamp_min(1e-12)
            spread = math.sqrt(weight[0].numel())
            styles, weight, scale = styles / most, weight / (largest * spread), scale * most * largest * spread
        x = x * styles.to(x.dtype)[:, :, None, None]
        weight = weight.to(x.dtype)
        if self.up:
            # a transposed convolution convolves the picture with zeros between its pixels; the filter follows
            x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
            x = resample(x, self.resample_filter, pad=(1, 1), gain=4.0)
        else:
            x = F.conv2d(x, weight, padding=1)
        x = x * scale.to(x.dtype)[:, :, None, None]
        if noise is not None:
            x = x + (noise.float() * self.noise_strength.float()).to(x.dtype)
        x = F.leaky_relu(x + self.bias.to(x.dtype)[:, None, None], 0.2) * ROOT2
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)


class ToRgb(nn.Module):
    """Style from w and a 1x1 convolution to colours, without demodulation."""

    def __init__(self, inputs: int, colours: int, w: int, clamp: float | None) -> None:
        super().__init__()
        self.clamp = clamp
        self.affine = Dense(w, inputs)
        self.weight = nn.Parameter(torch.zeros(colours, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(colours))

    def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        styles = self.affine(w) / math.sqrt(self.weight.shape[1])
        y = F.conv2d(x * styles.to(x.dtype)[:, :, None, None], self.weight.to(x.dtype), self.bias.to(x.dtype)).float()
        return y if self.clamp is None else y.clamp(-self.clamp, self.clamp)


class Block(nn.Module):
    """One resolution: two layers (the first resolution: a constant and one), and what it adds to the picture."""

    resample_filter: torch.Tensor

    def __init__(self, inputs: int, outputs: int, side: int, shape: StyleShape, noise: bool, clamp: float | None):
        super().__init__()
        self.register_buffer("resample_filter", torch.zeros(TAPS, TAPS))
        if inputs:
            self.conv0 = ModulatedConv(inputs, outputs, shape.w, side, up=True, noise=noise, clamp=clamp)
        else:
            self.const = nn.Parameter(torch.zeros(outputs, side, side))
        self.conv1 = ModulatedConv(outputs, outputs, shape.w, side, up=False, noise=noise, clamp=clamp)
        self.torgb = ToRgb(outputs, shape.colours, shape.w, clamp)

    def convs(self) -> list[ModulatedConv]:
        """The layers with noise, in their order."""
        return [self.conv0, self.conv1] if hasattr(self, "conv0") else [self.conv1]


class StyleGan2(StyleGan):
    """The network of a configuration (``studio.library.stylegan_pickle``); ``widths`` are channels at 4, 8, 16 …"""

    def __init__(self, values: Mapping[str, Any], tensors: Mapping[str, tuple[int, ...]]) -> None:
        shape = StyleShape.of(values)
        super().__init__(shape, tensors)
        widths = [int(width) for width in values["widths"]]
        if len(widths) != int(math.log2(shape.size)) - 1 or any(not 1 <= width <= 4096 for width in widths):
            raise ValueError(f"a picture of {shape.size} pixels does not go with {len(widths)} resolutions")
        clamp = clamp_of(values.get("clamp"))
        noise = bool(values.get("noise", True))
        self.pictures = nn.ModuleDict({
            f"b{4 << index}": Block(widths[index - 1] if index else 0, width, 4 << index, shape, noise, clamp)
            for index, width in enumerate(widths)
        })

    @property
    def layers(self) -> int:
        """Places where w enters: each layer, and the last step to colours."""
        return sum(len(block.convs()) for block in self._blocks()) + 1

    def _blocks(self) -> list[Block]:
        return [block for block in self.pictures.values() if isinstance(block, Block)]

    def noise_shapes(self) -> list[tuple[int, int]]:
        """Height and width of each layer's pixels; none for a network that was trained without noise."""
        return [(noise.shape[0], noise.shape[1]) for noise in self.fixed_noise()]

    def fixed_noise(self) -> list[torch.Tensor]:
        """The maps that the network was trained to show, one for each of ``noise_shapes``."""
        return [conv.noise_const for block in self._blocks() for conv in block.convs() if conv.noisy]

    def paint(self, w: torch.Tensor, noise: Sequence[torch.Tensor | None] | None) -> torch.Tensor:
        maps = iter(self.fixed_noise() if noise is None else noise)
        x = next(iter(self._blocks())).const.float().expand(w.shape[0], -1, -1, -1)
        picture: torch.Tensor | None = None
        place = 0
        for index, block in enumerate(self._blocks()):
            x = x.to(self.low(4 << index))
            for conv in block.convs():
                x = conv(x, w[:, place], next(maps) if conv.noisy else None)
                place += 1
            # the w of the next resolution's first layer also colours this one
            colours = block.torgb(x, w[:, place])
            if picture is not None:
                picture = resample(picture, block.resample_filter, up=2, pad=(2, 1), gain=4.0)
            picture = colours if picture is None else picture + colours
        assert picture is not None
        return picture
