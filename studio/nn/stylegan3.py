"""StyleGAN3 (Karras et al. 2021, "Alias-Free Generative Adversarial Networks"): T and R.

Own code; shapes and names of tensors as in NVIDIA's stylegan3, ``pictures.L0_36_512.weight``. The signal is treated as
continuous: Fourier features, then layers whose cutoff frequencies rise, each nonlinearity wrapped in filters that were
stored with the network. The input can be moved, turned and scaled as a whole: ``place``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from studio.nn.stylegan import ROOT2, Dense, StyleGan, StyleShape, clamp_of, resample

MAX_FACTOR = 16
"""Largest step of the sampling rate in one layer; the published networks have 2 and 4."""


@dataclass(frozen=True)
class Layer:
    """What one layer does to the sampling: section 3.2 and appendix C of the paper. Rates in samples per picture."""

    name: str
    inputs: int
    outputs: int
    up: int
    down: int
    up_taps: int
    down_taps: int
    radial: bool
    pad: tuple[int, int]
    rate: int
    kernel: int
    colours: bool


@dataclass(frozen=True)
class Plan:
    """The whole network: the input's channels, size, rate and band, and its layers."""

    channels: int
    size: int
    rate: float
    band: float
    layers: tuple[Layer, ...]


def plan(values: Mapping[str, Any]) -> Plan:
    """Sizes, rates and filters of every layer from a configuration. Raises ValueError, KeyError or TypeError."""
    count, critical, size = int(values["num_layers"]), int(values["num_critical"]), int(values["size"])
    margin, taps = int(values["margin_size"]), int(values["filter_size"])
    if not (2 <= count <= 64 and 0 <= critical < count and 0 <= margin <= 64 and 1 <= taps <= 32):
        raise ValueError(f"{count} layers, {critical} of them critical, is not a known arrangement")
    first, last = float(values["first_cutoff"]), size / 2
    stop, last_stop = float(values["first_stopband"]), last * float(values["last_stopband_rel"])
    if not (0 < first < last and 0 < stop and last_stop > 0):
        raise ValueError("its cutoff frequencies do not rise")
    # geometric progressions of cutoffs and stop bands, which end where the critically sampled layers begin
    way = np.minimum(np.arange(count + 1) / (count - critical), 1.0)
    cutoffs, stops = first * (last / first) ** way, stop * (last_stop / stop) ** way
    rates = np.exp2(np.ceil(np.log2(np.minimum(stops * 2, size))))
    sizes = rates + margin * 2
    sizes[-2:] = size
    widths = np.rint(np.minimum(float(values["channel_base"]) / 2 / cutoffs, float(values["channel_max"])))
    widths[-1] = int(values["colours"])
    layers = [
        _layer(index, count, critical, values, sizes, rates, widths, taps) for index in range(count + 1)
    ]
    return Plan(int(widths[0]), int(sizes[0]), float(rates[0]), float(cutoffs[0]), tuple(layers))


def _layer(
    index: int, count: int, critical: int, values: Mapping[str, Any], sizes: Any, rates: Any, widths: Any, taps: int
) -> Layer:
    before, colours = max(index - 1, 0), index == count
    inside = max(rates[before], rates[index]) * (1 if colours else int(values["lrelu_upsampling"]))
    up, down = round(inside / rates[before]), round(inside / rates[index])
    if not (1 <= up <= MAX_FACTOR and 1 <= down <= MAX_FACTOR):
        raise ValueError(f"its layer {index} changes the sampling rate by {max(up, down)}")
    up_taps = taps * up if up > 1 and not colours else 1
    down_taps = taps * down if down > 1 and not colours else 1
    kernel = 1 if colours else int(values["conv_kernel"])
    # what must be added so that, after both filters, exactly the next size is left
    total = (int(sizes[index]) - 1) * down + 1 - (int(sizes[before]) + kernel - 1) * up + up_taps + down_taps - 2
    low = (total + up) // 2
    radial = bool(values["use_radial_filters"]) and index < count - critical
    inputs, outputs = int(widths[before]), int(widths[index])
    return Layer(f"L{index}_{int(sizes[index])}_{outputs}", inputs, outputs, up, down, up_taps, down_taps, radial,
                 (low, total - low), int(rates[index]), kernel, colours)


class FourierInput(nn.Module):
    """Waves of the frequencies ``freqs (C, 2)`` and ``phases (C,)``, moved and turned by w and by the user."""

    transform: torch.Tensor
    freqs: torch.Tensor
    phases: torch.Tensor

    def __init__(self, w: int, whole: Plan) -> None:
        super().__init__()
        self.size, self.rate, self.band = whole.size, whole.rate, whole.band
        self.weight = nn.Parameter(torch.zeros(whole.channels, whole.channels))
        self.affine = Dense(w, 4)
        # (torch.eye would load a quarter of torch when only shapes are asked for)
        self.register_buffer("transform", torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
        self.register_buffer("freqs", torch.zeros(whole.channels, 2))
        self.register_buffer("phases", torch.zeros(whole.channels))

    def forward(self, w: torch.Tensor) -> torch.Tensor:
        """``(N, C, size, size)`` from w ``(N, w)``; in full precision, as phases need it."""
        with torch.autocast(w.device.type, enabled=False):
            return self._waves(w.float())

    def _waves(self, w: torch.Tensor) -> torch.Tensor:
        t = self.affine(w)  # rotation as cosine and sine, shift in x and y
        t = t / t[:, :2].norm(dim=1, keepdim=True).clamp_min(1e-12)
        cosine, sine, x, y = t.unbind(1)
        zero, one = torch.zeros_like(x), torch.ones_like(x)
        turned = torch.stack([cosine, -sine, zero, sine, cosine, zero, zero, zero, one], 1).view(-1, 3, 3)
        moved = torch.stack([one, zero, -x, zero, one, -y, zero, zero, one], 1).view(-1, 3, 3)
        whole = turned @ moved @ self.transform.float()
        freqs = self.freqs.float()
        phases = self.phases.float() + (freqs @ whole[:, :2, 2:]).squeeze(2)  # (N, C)
        waves = freqs @ whole[:, :2, :2]  # (N, C, 2)
        # waves that the user's transform made too fine for this sampling fade out
        room = self.rate / 2 - self.band
        loud = (1 - (waves.norm(dim=2) - self.band) / room).clamp(0, 1)
        # centres of the pixels, in pictures: 0 is the middle, and the margin reaches beyond ±0.5
        places = (torch.arange(self.size, device=w.device) - (self.size - 1) / 2) / self.rate
        angle = (
            places[None, None, None, :] * waves[:, :, 0, None, None] + places[None, None, :, None]
            * waves[:, :, 1, None, None] + phases[:, :, None, None]
        )
        made = torch.sin(angle * (2 * math.pi)) * loud[:, :, None, None]
        return torch.einsum("nchw,oc->nohw", made, self.weight.float() / math.sqrt(self.weight.shape[0]))


class FilteredConv(nn.Module):
    """Modulated convolution, then a leaky ReLU between the stored filters ``up_filter`` and ``down_filter``."""

    magnitude_ema: torch.Tensor
    up_filter: torch.Tensor | None
    down_filter: torch.Tensor | None

    def __init__(self, layer: Layer, w: int, clamp: float | None) -> None:
        super().__init__()
        self.layer, self.clamp = layer, clamp
        self.affine = Dense(w, layer.inputs)
        self.weight = nn.Parameter(torch.zeros(layer.outputs, layer.inputs, layer.kernel, layer.kernel))
        self.bias = nn.Parameter(torch.zeros(layer.outputs))
        self.register_buffer("magnitude_ema", torch.ones(()))
        self.register_buffer("up_filter", torch.zeros(layer.up_taps) if layer.up_taps > 1 else None)
        shape = (layer.down_taps,) * (2 if layer.radial else 1)
        self.register_buffer("down_filter", torch.zeros(shape) if layer.down_taps > 1 else None)

    def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        styles, weight, layer = self.affine(w), self.weight.float(), self.layer
        if layer.colours:
            styles = styles / math.sqrt(layer.inputs)
            scale = None
        else:
            # first to unit power, so that the small number in the root means the same for every network
            weight = weight * torch.rsqrt(weight.square().mean((1, 2, 3), keepdim=True))
            styles = styles * torch.rsqrt(styles.square().mean())
            scale = torch.rsqrt(styles.square() @ weight.square().sum((2, 3)).t() + 1e-8)
        styles = styles * torch.rsqrt(self.magnitude_ema.float())
        x = F.conv2d(x * styles.to(x.dtype)[:, :, None, None], weight.to(x.dtype), padding=layer.kernel - 1)
        if scale is not None:
            x = x * scale.to(x.dtype)[:, :, None, None]
        x = x + self.bias.to(x.dtype)[:, None, None]
        if layer.colours:
            x = resample(x, self.up_filter, up=layer.up, pad=layer.pad, gain=float(layer.up**2))
        else:
            # the activation's gain may as well come before it
            x = resample(x, self.up_filter, up=layer.up, pad=layer.pad, gain=ROOT2 * layer.up**2)
            x = F.leaky_relu(x, 0.2)
        if self.clamp is not None:
            x = x.clamp(-self.clamp, self.clamp)
        return resample(x, self.down_filter, down=layer.down)


class StyleGan3(StyleGan):
    """The network of a configuration (``studio.library.stylegan_pickle``); T and R differ in filters and kernels."""

    def __init__(self, values: Mapping[str, Any], tensors: Mapping[str, tuple[int, ...]]) -> None:
        shape = StyleShape.of(values)
        super().__init__(shape, tensors)
        self.plan = plan(values)
        clamp = clamp_of(values.get("conv_clamp"))
        self.output_scale = float(values["output_scale"])
        parts: dict[str, nn.Module] = {"input": FourierInput(shape.w, self.plan)}
        parts |= {layer.name: FilteredConv(layer, shape.w, clamp) for layer in self.plan.layers}
        self.pictures = nn.ModuleDict(parts)

    @property
    def layers(self) -> int:
        """Places where w enters: the input and each layer."""
        return 1 + len(self.plan.layers)

    def place(self, x: float = 0.0, y: float = 0.0, degrees: float = 0.0, zoom: float = 1.0) -> None:
        """Move the picture by parts of its width to the right and down, turn it clockwise, and bring it nearer."""
        angle = math.radians(degrees)
        cosine, sine = math.cos(angle) / max(0.05, zoom), math.sin(angle) / max(0.05, zoom)
        # what is stored leads from places in the picture back to places in the signal
        inverse = torch.tensor([
            [cosine, sine, -cosine * x - sine * y], [-sine, cosine, sine * x - cosine * y], [0.0, 0.0, 1.0],
        ])
        source = self.pictures["input"]
        assert isinstance(source, FourierInput)
        source.transform.copy_(inverse)

    def paint(self, w: torch.Tensor, noise: Sequence[torch.Tensor | None] | None) -> torch.Tensor:
        x = self.pictures["input"](w[:, 0])
        for index, layer in enumerate(self.plan.layers):
            x = self.pictures[layer.name](x.to(self.low(layer.rate)), w[:, index + 1])
        return torch.as_tensor(x).float() * self.output_scale
