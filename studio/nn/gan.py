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

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from studio.nn.featurenet import FeatureNet
from studio.nn.gan_base import COMPONENTS, PictureGenerator, class_names
from studio.nn.gan_dcgan import DcganConfig, DcganGenerator
from studio.nn.gan_fast import FastConfig, FastGenerator, without_spectral_norm
from studio.nn.weights import WeightsError, load_model

__all__ = ["ARCHITECTURE", "COMPONENTS", "GanConfig", "GeneratorNet", "PlainDiscriminator", "ProjectedHeads",
           "Projector", "build", "load_generator", "pyramid_layers"]

ARCHITECTURE = "gan"
NETWORKS = ("style", "dcgan", "fastgan")
"""What the configuration of a model that was trained here says under ``network``."""


@dataclass(frozen=True)
class GanConfig:
    """Shape of a generator. ``size`` is a power of two from 32; ``widths`` are the channels at 8, 16, 32 ... size/2;
    ``classes`` are the names of what it can be asked for, if it learned any."""

    size: int = 128
    latent: int = 128
    mapping: int = 3
    base: int = 256
    widths: tuple[int, ...] = (256, 160, 96, 48)
    last: int = 16
    classes: tuple[str, ...] = ()

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
        picked["classes"] = class_names(picked.get("classes", ()))
        return cls(**picked)

    def to_dict(self) -> dict[str, Any]:
        return {"network": "style", **asdict(self), "widths": list(self.widths), "classes": list(self.classes)}


def _on_sphere(z: torch.Tensor) -> torch.Tensor:
    return z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)


class Mapping(nn.Module):
    """z (normal) to w: a few dense layers; z is first brought to the sphere of radius sqrt(latent).

    With classes, a learned vector of the class, on the same sphere, stands beside z (Karras et al. 2020, "ADA", 2.3).
    """

    def __init__(self, latent: int, layers: int, classes: int = 0) -> None:
        super().__init__()
        self.labels = nn.Embedding(classes, latent) if classes else None
        inputs = [2 * latent if classes else latent] + [latent] * (layers - 1)
        self.layers = nn.ModuleList(nn.Linear(count, latent) for count in inputs)
        for layer in self.layers:
            assert isinstance(layer, nn.Linear)
            nn.init.normal_(layer.weight, 0.0, math.sqrt(2.0 / layer.in_features))
            layer.bias.data.zero_()

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """w ``(N, latent)``; ``labels (N,)`` are numbers of classes, none: the mean over all classes."""
        if self.labels is not None and labels is None:
            count = self.labels.num_embeddings
            every = [self(z, torch.full((z.shape[0],), index, device=z.device)) for index in range(count)]
            return torch.stack(every).mean(0)
        x = _on_sphere(z)
        if self.labels is not None:
            x = torch.cat([x, _on_sphere(self.labels(labels))], 1)
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


class GeneratorNet(PictureGenerator):
    """z -> w -> picture, a w for each layer if wished."""

    config: GanConfig

    def __init__(self, config: GanConfig) -> None:
        super().__init__(config)
        self.mapping = Mapping(config.latent, config.mapping, len(config.classes))
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


def load_generator(path: Path, device: str = "cpu") -> PictureGenerator:
    """A trained generator of any of the studio's networks, frozen, in evaluation mode. Raises WeightsError."""
    model = load_model(path, ARCHITECTURE)
    if model.config.get("network", "style") not in NETWORKS:
        from studio.nn.foreign_gan import filled  # networks that were trained elsewhere

        return _ready(filled(model.config, model.tensors, where=str(path)), device)
    try:
        net = build(model.config)
        net.load_state_dict(model.tensors)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{path} does not hold the generator it describes ({reason}); train it again") from None
    return _ready(net, device)


def _ready(net: PictureGenerator, device: str) -> PictureGenerator:
    net.eval().requires_grad_(False)
    return net.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def build(config: dict[str, Any]) -> PictureGenerator:
    """The network that a model file describes, with first weights. Raises TypeError or ValueError."""
    network = config.get("network", "style")
    if network == "style":
        return GeneratorNet(GanConfig.from_dict(config))
    if network == "dcgan":
        return DcganGenerator(DcganConfig.from_dict(config))
    net = FastGenerator(FastConfig.from_dict(config))
    without_spectral_norm(net)
    return net


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
    """Real or made, by patch, from one scale of features: halve ``halvings`` times, then score each place.

    With classes each place is also scored by how well it goes with a learned vector of the class (Miyato and Koyama
    2018, "cGANs with projection discriminator").
    """

    def __init__(self, inputs: int, width: int, halvings: int, classes: int = 0) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        if not halvings:
            steps += [spectral_norm(nn.Conv2d(inputs, width, 3, padding=1)), nn.LeakyReLU(0.2)]
        for index in range(halvings):
            steps.append(_down(width if index else inputs, width))
        self.body = nn.Sequential(*steps)
        self.score = PatchScore(width, classes)

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        return self.score(self.body(x), labels)  # type: ignore[no-any-return]


class PatchScore(nn.Module):
    """Features ``(N, width, h, w)`` to a score per patch ``(N, patches)``; with classes, of it as its class."""

    def __init__(self, width: int, classes: int = 0, match: int = 32) -> None:
        super().__init__()
        self.plain = spectral_norm(nn.Conv2d(width, 1, 4, padding=1))
        self.match, self.labels = None, None
        if classes:
            self.match = spectral_norm(nn.Conv2d(width, match, 4, padding=1))
            self.labels = nn.Embedding(classes, match)

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        scores: torch.Tensor = self.plain(x)
        if self.match is not None and self.labels is not None and labels is not None:
            wanted = F.normalize(self.labels(labels), dim=1)[:, :, None, None]
            # both of length about one per channel: the class weighs as much as the picture
            scores = scores + (self.match(x) * wanted).sum(1, keepdim=True)
        return scores.flatten(1)


class ProjectedHeads(nn.Module):
    """One head per scale of a Projector; ``forward`` gives a score per patch ``(N, patches)``, all scales together."""

    def __init__(self, scales: int, inputs: int = 64, width: int = 64, classes: int = 0) -> None:
        super().__init__()
        self.heads = nn.ModuleList(Head(inputs, width, scales - 1 - index, classes) for index in range(scales))

    def forward(self, features: Sequence[torch.Tensor], labels: torch.Tensor | None = None) -> torch.Tensor:
        scores = [head(feature, labels) for head, feature in zip(self.heads, features, strict=True)]
        return torch.cat(scores, 1)


class PlainDiscriminator(nn.Module):
    """Without feature network: spectrally normalised convolutions from pixels to patch scores ``(N, patches)``."""

    def __init__(self, size: int, width: int = 32, classes: int = 0) -> None:
        super().__init__()
        steps: list[nn.Module] = [spectral_norm(nn.Conv2d(3, width, 4, 2, 1)), nn.LeakyReLU(0.2)]
        side = size // 2
        while side > 8:
            steps.append(_down(width, min(256, width * 2)))
            width, side = min(256, width * 2), side // 2
        self.body = nn.Sequential(*steps)
        self.score = PatchScore(width, classes)

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        return self.score(self.body(x), labels)  # type: ignore[no-any-return]
