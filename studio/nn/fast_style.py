"""The style network of PyTorch's examples (``fast_neural_style``), one painting per file, ready for a camera.

Johnson et al. 2016 with instance normalisation (Ulyanov et al. 2016) and resize-convolutions; 1.7 million weights.
It computes in 0..255. Files from before PyTorch 0.4 also hold running statistics, which were never used: left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from studio.nn.style import EPSILON, Stylist
from studio.nn.weights import WeightsError, check_against

KIND = "fast_style"
"""What the configuration of such a model says under ``kind``; its architecture is that of all style networks."""

MULTIPLE = 4
BORDER = 16
"""Pixels of mirrored picture around the picture, so that its edges are free of artefacts."""

_LAYERS: tuple[tuple[str, str, int, int, int, int, int], ...] = (
    # convolution, normalisation, inputs, outputs, kernel, stride, enlarged before
    ("conv1.conv2d", "in1", 3, 32, 9, 1, 1), ("conv2.conv2d", "in2", 32, 64, 3, 2, 1),
    ("conv3.conv2d", "in3", 64, 128, 3, 2, 1),
    *(
        (f"res{block}.conv{half}.conv2d", f"res{block}.in{half}", 128, 128, 3, 1, 1)
        for block in range(1, 6) for half in (1, 2)
    ),
    ("deconv1.conv2d", "in4", 128, 64, 3, 1, 2), ("deconv2.conv2d", "in5", 64, 32, 3, 1, 2),
    ("deconv3.conv2d", "", 32, 3, 9, 1, 1),
)


def expected() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors."""
    shapes: dict[str, tuple[int, ...]] = {}
    for conv, norm, inputs, outputs, kernel, _, _ in _LAYERS:
        shapes |= {f"{conv}.weight": (outputs, inputs, kernel, kernel), f"{conv}.bias": (outputs,)}
        if norm:
            shapes |= {f"{norm}.weight": (outputs,), f"{norm}.bias": (outputs,)}
    return shapes


def without_statistics(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that count: old files' running statistics of the normalisations are left out."""
    unused = re.compile(r"(.*\.)?in\d+\.(running_(mean|var)|num_batches_tracked)\Z")
    return {name: tensor for name, tensor in tensors.items() if not unused.match(name)}


class FastStylist(Stylist):
    """A network of the example for a stream of pictures, used like any other; it has one style.

    ``memory`` is the share of the statistics kept per picture (0..1; 1 holds them), ``every`` how often they are taken.
    """

    def __init__(
        self, tensors: Mapping[str, Tensor], name: str, *, device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        # nothing of what the studio's own network keeps is needed here
        check_against(expected(), {key: tuple(value.shape) for key, value in tensors.items()}, where=name)
        self.styles, self.device, self.dtype = (name,), device, dtype
        self.memory, self.every = 0.0, 1
        self._tensors = {key: value.detach().to(device, torch.float32) for key, value in tensors.items()}
        self._kernels = {
            layer[0]: self._tensors[f"{layer[0]}.weight"].to(dtype).contiguous(memory_format=torch.channels_last)
            for layer in _LAYERS
        }
        self._moments: dict[str, tuple[Tensor, Tensor]] = {}
        self._pictures, self._share = 0, 1.0

    def mix(self, shares: Mapping[str, float]) -> None:
        """Share of the style; what is missing to 1 is the plain picture. Raises KeyError for another name."""
        for name in shares:
            if name not in self.styles:
                raise KeyError(f"there is no style {name!r} in this model; it has {self.styles[0]}")
        self._share = sum(shares.values())

    def forget(self) -> None:
        """Start the statistics afresh at the next picture."""
        self._moments, self._pictures = {}, 0

    @torch.inference_mode()
    def __call__(self, picture: Tensor) -> Tensor:
        """Stylise ``(3, H, W)`` in 0..1, from 17 pixels a side; returns float32 of the same shape, in 0..1."""
        height, width = picture.shape[1:]
        if min(height, width) <= BORDER:
            raise ValueError(f"a picture of {width}x{height} pixels is too small to stylise; it needs 17 each way")
        plain = picture.to(self.device, torch.float32)[None]
        # the last few pixels that make a multiple are repeated: a mirror image has no room for more than the side
        x = F.pad(plain, (0, (-width) % MULTIPLE, 0, (-height) % MULTIPLE), mode="replicate")
        x = F.pad(x, (BORDER, BORDER, BORDER, BORDER), mode="reflect") * 255.0
        measure = not self._moments or (self.memory < 1.0 and self._pictures % self.every == 0)
        made = self._network(x.to(self.dtype).contiguous(memory_format=torch.channels_last), measure).float() / 255.0
        self._pictures += 1
        made = made[:, :, BORDER : BORDER + height, BORDER : BORDER + width]
        return torch.lerp(plain, made.clamp(0, 1), self._share)[0].clamp(0, 1)

    def _network(self, x: Tensor, measure: bool) -> Tensor:
        layers = {layer[0]: layer for layer in _LAYERS}
        residual = x
        for name in layers:
            if name.startswith("res") and name.endswith("conv1.conv2d"):
                residual = x
            x = self._layer(layers[name], x, measure)
            if name.startswith("res") and name.endswith("conv2.conv2d"):
                x = x + residual
            elif name != "deconv3.conv2d":
                x = F.relu_(x)
        return x

    def _layer(self, layer: tuple[str, str, int, int, int, int, int], x: Tensor, measure: bool) -> Tensor:
        conv, norm, _, _, kernel, stride, enlarged = layer
        if enlarged > 1:
            x = F.interpolate(x, scale_factor=float(enlarged), mode="nearest")
        x = F.pad(x, (kernel // 2,) * 4, mode="reflect")
        x = F.conv2d(x, self._kernels[conv], self._tensors[f"{conv}.bias"].to(x.dtype), stride=stride)
        if not norm:
            return x
        value = x.float()
        if measure:
            mean, variance = value.mean((2, 3)), value.var((2, 3), correction=0)
            if norm in self._moments and self.memory > 0.0:
                kept = self.memory**self.every
                mean = mean.lerp(self._moments[norm][0], kept)
                variance = variance.lerp(self._moments[norm][1], kept)
            self._moments[norm] = (mean, variance)
        mean, variance = self._moments[norm]
        scale = self._tensors[f"{norm}.weight"] * torch.rsqrt(variance + EPSILON)
        shift = self._tensors[f"{norm}.bias"] - mean * scale
        return (value * scale[:, :, None, None] + shift[:, :, None, None]).to(x.dtype)


def stylist(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], *, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> FastStylist:
    """From a model file's configuration and tensors. Raises WeightsError."""
    names = config.get("styles")
    if not isinstance(names, list) or len(names) != 1:
        raise WeightsError("its configuration does not name its one style; import it again")
    return FastStylist(tensors, str(names[0]), device=device, dtype=dtype)
