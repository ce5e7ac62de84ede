"""Generators from elsewhere: StyleGAN2, StyleGAN3, and the DCGAN of PyTorch's examples; one door to build them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from studio.nn.foreign_names import Shapes
from studio.nn.gan_base import COMPONENTS, PictureGenerator
from studio.nn.weights import WeightsError, check_against

NETWORKS = ("stylegan2", "stylegan3", "dcgan_example")
"""What the configuration of such a model says under ``network``."""

BATCH_NORM_EPS = 1e-5
MAX_LATENT = 2048
"""Most numbers of z."""


@dataclass(frozen=True)
class DcganShape:
    """``widths`` are the channels of each layer, from z to colours: 100, 512, 256, 128, 64, 3."""

    widths: tuple[int, ...]
    classes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return 4 << (len(self.widths) - 2)

    @property
    def latent(self) -> int:
        return self.widths[0]

    def to_dict(self) -> dict[str, Any]:
        return {"network": "dcgan_example", "widths": list(self.widths)}


class Unmapped(nn.Module):
    """A network without a mapping: w is z."""

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        return z


class ExampleDcgan(PictureGenerator):
    """The generator of PyTorch's DCGAN example (Radford et al. 2016), batch norm folded into its convolutions."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        widths = tuple(int(width) for width in values["widths"])
        sound = all(1 <= width <= 8192 for width in widths) and widths[-1] in (1, 3) and widths[0] <= MAX_LATENT
        if not 4 <= len(widths) <= 10 or not sound:
            raise ValueError(f"a DCGAN of the widths {widths} is not known")
        self.config = DcganShape(widths)
        super().__init__(self.config)
        self.mapping = Unmapped()
        self.steps = nn.ModuleList(
            nn.ConvTranspose2d(inputs, outputs, 4, 2 if index else 1, 1 if index else 0)
            for index, (inputs, outputs) in enumerate(pairwise(widths))
        )

    def synthesis(self, w: torch.Tensor, noise: Sequence[torch.Tensor | None] | None = None) -> torch.Tensor:
        """Pictures ``(N, 3, size, size)`` in -1..1; the network has one layer where w enters, and no noise."""
        x = (w[:, 0] if w.ndim == 3 else w)[:, :, None, None]
        for index, step in enumerate(self.steps):
            x = step(F.relu(x) if index else x)
        return torch.tanh(x).expand(-1, 3, -1, -1)

    @torch.no_grad()
    def survey(self, samples: int = 8192) -> None:
        """z is alike in all directions; principal are those that change the first layer most (Shen and Zhou 2021)."""
        first = self.steps[0].get_parameter("weight").flatten(1).double()  # (z, channels * 16)
        values, vectors = torch.linalg.eigh(first @ first.t())
        order = values.argsort(descending=True)[: min(COMPONENTS, len(values))]
        self.w_mean.zero_()
        self._describe(vectors.t()[order].to(self.directions), torch.ones(len(order)).to(self.sigmas))


def fold_dcgan(tensors: Mapping[str, torch.Tensor], widths: Sequence[int]) -> dict[str, torch.Tensor]:
    """The example's tensors as ours: what batch norm does to a layer becomes part of its weights."""
    found: dict[str, torch.Tensor] = {}
    for index in range(len(widths) - 1):
        weight = tensors[f"main.{3 * index}.weight"].float()
        bias = tensors.get(f"main.{3 * index}.bias", torch.zeros(weight.shape[1])).float()
        if index < len(widths) - 2:
            gain, shift, mean, variance = (
                tensors[f"main.{3 * index + 1}.{part}"].float()
                for part in ("weight", "bias", "running_mean", "running_var")
            )
            scale = gain * torch.rsqrt(variance + BATCH_NORM_EPS)
            weight, bias = weight * scale[:, None, None], shift + (bias - mean) * scale
        found |= {f"steps.{index}.weight": weight, f"steps.{index}.bias": bias}
    return found


def build(values: Mapping[str, Any], shapes: Shapes) -> PictureGenerator:
    """The empty network of a configuration; ``shapes`` tell what the configuration leaves open. Raises WeightsError."""
    from studio.nn.stylegan2 import StyleGan2
    from studio.nn.stylegan3 import StyleGan3

    kind = values.get("network")
    try:
        if kind == "stylegan2":
            return StyleGan2(values, shapes)
        if kind == "stylegan3":
            return StyleGan3(values, shapes)
        if kind == "dcgan_example":
            return ExampleDcgan(values)
    except (KeyError, TypeError, ValueError, OverflowError, IndexError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise WeightsError(f"its configuration cannot be used: {reason}") from None
    raise WeightsError(f"it holds a network of the kind {str(kind)[:30]!r}; a newer version may read it")


def filled(values: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], *, where: str) -> PictureGenerator:
    """The network with these tensors, frozen. Tensors that describe the cloud of w's may be missing: then the network
    is surveyed (seconds). Raises WeightsError before anything large is made."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    with torch.device("meta"):
        expected = {name: tuple(tensor.shape) for name, tensor in build(values, shapes).state_dict().items()}
    described = [name for name in ("w_mean", "directions", "sigmas", "class_means") if name in expected]
    missing = [name for name in described if name not in shapes]
    optional = {*missing, *({"mapping.w_avg"} - shapes.keys())}
    check_against({name: shape for name, shape in expected.items() if name not in optional}, shapes, where=where)
    net = build(values, shapes)
    net.load_state_dict(dict(tensors), strict=False)
    net.eval().requires_grad_(False)
    if missing:
        net.survey()
    return net
