"""A small style-modulated GAN: mapping network, convolutional synthesis, projected and plain discriminators.

The generator is light (FastGAN's skip-layer excitation and gated units, Liu et al. 2021) but has a mapping network
(StyleGAN, Karras et al. 2019): truncation, arithmetic and principal directions work in its smoother space *w*.
The discriminator is projected (Sauer et al. 2021): small heads on frozen features, mixed by fixed random 1x1 filters.
Pictures are RGB -1..1 ``(N, 3, size, size)`` here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from studio.nn.featurenet import FeatureNet
from studio.nn.weights import WeightsError, load_model

ARCHITECTURE = "gan"
COMPONENTS = 16
"""Principal directions of *w* that a model file holds."""


@dataclass(frozen=True)
class GanConfig:
    """Shape of a generator. ``size`` is a power of two from 32; ``widths`` are the channels at 8, 16, 32 ... size/2."""

    size: int = 128
    latent: int = 128
    mapping: int = 3
    base: int = 256
    widths: tuple[int, ...] = (256, 160, 96, 48)
    last: int = 16

    def __post_init__(self) -> None:
        if self.size < 32 or self.size & (self.size - 1):
            raise ValueError(f"a generator's size must be a power of two from 32, not {self.size}")
        if len(self.widths) != int(math.log2(self.size)) - 3:
            wanted = int(math.log2(self.size)) - 3
            raise ValueError(f"a generator of {self.size} pixels needs {wanted} widths, there are {len(self.widths)}")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> GanConfig:
        """Back from JSON. Raises TypeError or ValueError."""
        known = {field.name for field in fields(cls)}
        picked = {key: value for key, value in values.items() if key in known}
        picked["widths"] = tuple(int(width) for width in picked.get("widths", cls.widths))
        return cls(**picked)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "widths": list(self.widths)}


class Mapping(nn.Module):
    """z (normal) to w: a few dense layers; z is first brought to the sphere of radius sqrt(latent)."""

    def __init__(self, latent: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(latent, latent) for _ in range(layers))
        for layer in self.layers:
            assert isinstance(layer, nn.Linear)
            nn.init.normal_(layer.weight, 0.0, math.sqrt(2.0 / latent))
            layer.bias.data.zero_()

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
        return x


class Block(nn.Module):
    """Upsample, 3x3 convolution, normalisation, style, gate: ``(N, inputs, r, r)`` to ``(N, outputs, 2r, 2r)``.

    ``skip`` > 0 adds FastGAN's skip-layer excitation: that many channels at 4x4 decide which of this block's speak.
    """

    def __init__(self, inputs: int, outputs: int, latent: int, skip: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, 2 * outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(2 * outputs, affine=False)
        self.style = nn.Linear(latent, 4 * outputs)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="linear")
        nn.init.normal_(self.style.weight, 0.0, 0.5 / math.sqrt(latent))
        nn.init.zeros_(self.style.bias)
        self.excite: nn.Module | None = None
        if skip:
            self.excite = nn.Sequential(nn.Conv2d(skip, outputs, 4), nn.SiLU(), nn.Conv2d(outputs, outputs, 1))

    def forward(
        self, x: torch.Tensor, w: torch.Tensor, low: torch.Tensor | None = None, noise: torch.Tensor | None = None
    ) -> torch.Tensor:
        x = self.norm(self.conv(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)))
        if noise is not None:
            x = x + noise
        scale, shift = self.style(w)[:, :, None, None].chunk(2, 1)
        scale = scale + 1
        if self.excite is not None and low is not None:
            # multiplying the value's scale and shift is multiplying the block's result, without a pass over the pixels
            speak = 2 * torch.sigmoid(self.excite(low))
            speak = torch.cat([speak, torch.ones_like(speak)], 1)
            scale, shift = scale * speak, shift * speak
        value, gate = torch.addcmul(shift.to(x.dtype), x, scale.to(x.dtype)).chunk(2, 1)
        return value * torch.sigmoid(gate)


def _soften(x: torch.Tensor) -> torch.Tensor:
    """Binomial 1-2-1 filter: takes exactly the finest chequerboard out of a pixel shuffle."""
    x = F.pad(x, (1, 1, 1, 1), mode="replicate")
    return F.avg_pool2d(F.avg_pool2d(x, 2, 1), 2, 1)


class GeneratorNet(nn.Module):
    """z -> w -> picture. ``w_mean``, ``directions`` (COMPONENTS, latent) and ``sigmas`` describe the cloud of w's."""

    w_mean: torch.Tensor
    directions: torch.Tensor
    sigmas: torch.Tensor

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = Mapping(config.latent, config.mapping)
        self.first = nn.Linear(config.latent, config.base * 16)
        nn.init.normal_(self.first.weight, 0.0, 1.0 / math.sqrt(config.latent))
        channels = (config.base, *config.widths)
        last = len(config.widths) - 1
        self.blocks = nn.ModuleList(
            Block(i, o, config.latent, config.base if index >= last - 1 else 0)
            for index, (i, o) in enumerate(pairwise(channels))
        )
        # the finest pixels come out of a pixel shuffle: no wide convolution runs at full size
        self.spread = nn.Conv2d(channels[-1], 4 * config.last, 3, padding=1)
        with torch.no_grad():
            # the four pixels of a shuffle begin equal: no chequerboard to be unlearned (Aitken et al. 2017)
            self.spread.weight.copy_(self.spread.weight[::4].repeat_interleave(4, 0))
            nn.init.zeros_(self.spread.bias)  # type: ignore[arg-type]
        self.paint = nn.Conv2d(config.last, 3, 3, padding=1)
        nn.init.normal_(self.paint.weight, 0.0, 0.3 / math.sqrt(9 * config.last))
        assert self.paint.bias is not None
        nn.init.zeros_(self.paint.bias)
        self.register_buffer("w_mean", torch.zeros(config.latent))
        self.register_buffer("directions", torch.zeros(COMPONENTS, config.latent))
        self.register_buffer("sigmas", torch.zeros(COMPONENTS))

    @property
    def layers(self) -> int:
        """Places where w enters: the 4x4 start and each block."""
        return 1 + len(self.blocks)

    def noise_shapes(self) -> list[tuple[int, int]]:
        """Height and width of the pixels each block makes, where noise may be added."""
        return [(8 << index, 8 << index) for index in range(len(self.blocks))]

    def synthesis(self, w: torch.Tensor, noise: Sequence[torch.Tensor | None] | None = None) -> torch.Tensor:
        """Pictures from w ``(N, latent)``, or one w per layer ``(N, layers, latent)``; ``noise`` per block or none."""
        per_layer = w.unsqueeze(1).expand(-1, self.layers, -1) if w.ndim == 2 else w
        x = self.first(per_layer[:, 0]).view(w.shape[0], -1, 4, 4)
        # gated like the blocks, so that the start is not linear in w
        x = (x * torch.sigmoid(x)).contiguous(memory_format=torch.channels_last)
        low = x
        for index, block in enumerate(self.blocks):
            x = block(x, per_layer[:, index + 1], low, None if noise is None else noise[index])
        x = F.leaky_relu(_soften(F.pixel_shuffle(self.spread(x), 2)), 0.2)
        return torch.tanh(self.paint(x))

    def forward(self, z: torch.Tensor, noise: Sequence[torch.Tensor | None] | None = None) -> torch.Tensor:
        return self.synthesis(self.mapping(z), noise)

    @torch.no_grad()
    def survey(self, samples: int = 8192) -> None:
        """Fill ``w_mean``, ``directions`` and ``sigmas`` from a fixed sample of z's (the same on every machine)."""
        z = torch.from_numpy(np.random.default_rng(20).standard_normal((samples, self.config.latent), np.float32))
        w = self.mapping(z.to(self.w_mean)).double()
        self.w_mean.copy_(w.mean(0))
        values, vectors = torch.linalg.eigh(torch.cov(w.T))
        count = min(COMPONENTS, values.numel())
        order = values.argsort(descending=True)[:count]
        directions = vectors.T[order]
        # an eigenvector's sign is arbitrary: the largest entry is made positive
        largest = directions.abs().argmax(1, keepdim=True)
        directions = directions * directions.gather(1, largest).sign()
        self.directions[:count].copy_(directions)
        self.sigmas[:count].copy_(values[order].clamp_min(0).sqrt())


def load_generator(path: Path, device: str = "cpu") -> GeneratorNet:
    """A trained generator, frozen, in evaluation mode. Raises WeightsError with a sentence."""
    model = load_model(path, ARCHITECTURE)
    try:
        net = GeneratorNet(GanConfig.from_dict(model.config))
        net.load_state_dict(model.tensors)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{path} does not hold the generator it describes ({reason}); train it again") from None
    net.eval().requires_grad_(False)
    return net.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


class Projector(nn.Module):
    """Frozen features mixed by fixed random filters, across channels (1x1) and across scales (top-down sums).

    ``layers`` are one feature layer per stride; ``forward`` gives one tensor per layer, finest first.
    """

    def __init__(self, features: FeatureNet, layers: Sequence[str], width: int = 64) -> None:
        super().__init__()
        self.features, self.layers, self.width = features.frozen(), tuple(layers), width
        self.mix = nn.ModuleList(nn.Conv2d(features.channels(layer), width, 1, bias=False) for layer in layers)
        self.out = nn.ModuleList(nn.Conv2d(width, width, 1, bias=False) for _ in layers)
        for conv in (*self.mix, *self.out):
            assert isinstance(conv, nn.Conv2d)
            nn.init.kaiming_normal_(conv.weight, nonlinearity="linear")
        self.requires_grad_(False)

    @torch.no_grad()
    def calibrate(self, x: torch.Tensor) -> None:
        """Bring every layer to unit power on real pictures ``x`` (-1..1), by scaling the mixing filters: once."""
        found = self.features.forward_to((x + 1) * 0.5, self.layers)
        for layer, conv in zip(self.layers, self.mix, strict=True):
            assert isinstance(conv, nn.Conv2d)
            conv.weight /= found[layer].square().mean().sqrt().clamp_min(1e-6)

    def train(self, mode: bool = True) -> Projector:
        """The features never train."""
        return super().train(False)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        found = self.features.forward_to((x + 1) * 0.5, self.layers)
        above: torch.Tensor | None = None
        mixed: list[torch.Tensor] = []
        for index in reversed(range(len(self.layers))):
            feature = found[self.layers[index]]
            here = self.mix[index](feature)
            if above is not None:
                here = (here + F.interpolate(above, here.shape[2:], mode="bilinear")) * math.sqrt(0.5)
            above = self.out[index](here)
            mixed.append(above)
        return mixed[::-1]


def pyramid_layers(features: FeatureNet) -> list[str]:
    """The deepest layer of each stride up to 16, finest first."""
    deepest = {features.stride(layer): layer for layer in features.layers}
    return [layer for stride, layer in sorted(deepest.items()) if 1 < stride <= 16]


def _down(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        spectral_norm(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False)), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2),
    )


class Head(nn.Module):
    """Real or made, by patch, from one scale of features: halve ``halvings`` times, then score each place."""

    def __init__(self, inputs: int, width: int, halvings: int) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        if not halvings:
            steps += [spectral_norm(nn.Conv2d(inputs, width, 3, padding=1)), nn.LeakyReLU(0.2)]
        for index in range(halvings):
            steps.append(_down(width if index else inputs, width))
        steps.append(spectral_norm(nn.Conv2d(width, 1, 4, padding=1)))
        self.body = nn.Sequential(*steps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x).flatten(1)  # type: ignore[no-any-return]


class ProjectedHeads(nn.Module):
    """One head per scale of a Projector; ``forward`` gives a score per patch ``(N, patches)``, all scales together."""

    def __init__(self, scales: int, inputs: int = 64, width: int = 64) -> None:
        super().__init__()
        self.heads = nn.ModuleList(Head(inputs, width, scales - 1 - index) for index in range(scales))

    def forward(self, features: Sequence[torch.Tensor]) -> torch.Tensor:
        return torch.cat([head(feature) for head, feature in zip(self.heads, features, strict=True)], 1)


class PlainDiscriminator(nn.Module):
    """Without feature network: spectrally normalised convolutions from pixels to patch scores ``(N, patches)``."""

    def __init__(self, size: int, width: int = 32) -> None:
        super().__init__()
        steps: list[nn.Module] = [spectral_norm(nn.Conv2d(3, width, 4, 2, 1)), nn.LeakyReLU(0.2)]
        side = size // 2
        while side > 8:
            steps.append(_down(width, min(256, width * 2)))
            width, side = min(256, width * 2), side // 2
        steps.append(spectral_norm(nn.Conv2d(width, 1, 4, padding=1)))
        self.body = nn.Sequential(*steps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x).flatten(1)  # type: ignore[no-any-return]
