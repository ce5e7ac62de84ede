"""DCGAN (Radford et al. 2015, "Unsupervised Representation Learning with Deep Convolutional GANs") and the critic of
WGAN-GP (Gulrajani et al. 2017), for any power of two of pixels.

The guidelines of section 3: strided and fractionally strided convolutions in the place of pooling, no hidden dense
layers, batch normalisation except at the generator's output and the discriminator's input, ReLU in the generator and
tanh at its end, LeakyReLU 0.2 in the discriminator, weights from N(0, 0.02). Tensors are named as in the PyTorch
examples. Pictures are RGB -1..1 ``(N, 3, size, size)``; z ``(N, latent)`` is w.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from studio.nn.gan_base import COMPONENTS, PictureGenerator, class_names


@dataclass(frozen=True)
class DcganConfig:
    """Shape of the networks: ``base`` channels at size/2 pixels, twice as many at each half of it down to 4."""

    size: int = 64
    latent: int = 100
    base: int = 64
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 32 or self.size & (self.size - 1):
            raise ValueError(f"a generator's size must be a power of two from 32, not {self.size}")
        if not (1 <= self.latent <= 4096 and 1 <= self.base <= 1024):
            raise ValueError(f"latent {self.latent} or base {self.base} is out of range")

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels at 4, 8 ... size/2 pixels."""
        return tuple(self.base << level for level in range(int(math.log2(self.size)) - 3, -1, -1))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DcganConfig:
        """Back from JSON. Raises TypeError or ValueError."""
        known = {field.name for field in fields(cls)}
        picked = {key: value for key, value in values.items() if key in known}
        picked["classes"] = class_names(picked.get("classes", ()))
        return cls(**picked)

    def to_dict(self) -> dict[str, Any]:
        return {"network": "dcgan", **asdict(self), "classes": list(self.classes)}


class Straight(nn.Module):
    """w is z. With classes it is shifted by a learned vector of the class, so that classes blend on straight lines."""

    def __init__(self, latent: int, classes: int = 0) -> None:
        super().__init__()
        self.labels = nn.Embedding(classes, latent) if classes else None

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        if self.labels is None:
            return z
        return z + (self.labels.weight.mean(0) if labels is None else self.labels(labels))


class DcganGenerator(PictureGenerator):
    """z ``(N, latent)`` -> ``(N, widths[0], 4, 4)`` -> twice the side, half the channels ... ``(N, 3, size, size)``."""

    config: DcganConfig

    def __init__(self, config: DcganConfig) -> None:
        super().__init__(config)
        self.mapping = Straight(config.latent, len(config.classes))
        steps: list[nn.Module] = []
        before = config.latent
        for index, width in enumerate(config.widths):
            stride, padding = (2, 1) if index else (1, 0)
            steps += [nn.ConvTranspose2d(before, width, 4, stride, padding, bias=False), nn.BatchNorm2d(width),
                      nn.ReLU(inplace=True)]
            before = width
        self.main = nn.Sequential(*steps, nn.ConvTranspose2d(before, 3, 4, 2, 1, bias=False), nn.Tanh())
        self.apply(from_paper)

    def synthesis(self, w: torch.Tensor, noise: Sequence[torch.Tensor | None] | None = None) -> torch.Tensor:
        w = w[:, 0] if w.ndim == 3 else w
        return self.main(w[:, :, None, None])  # type: ignore[no-any-return]

    @torch.no_grad()
    def survey(self, samples: int = 8192) -> None:
        """z has the same width everywhere: what counts as a direction is what moves the first features most, the
        largest singular vectors of the first layer (Shen and Zhou 2021, "Closed-Form Factorization")."""
        super().survey(samples)
        first = self.main[0]
        assert isinstance(first, nn.ConvTranspose2d)
        matrix = first.weight.flatten(1).double()  # (latent, channels x 16)
        values, vectors = torch.linalg.eigh(matrix @ matrix.T)
        count = min(COMPONENTS, len(values))
        order = values.argsort(descending=True)[:count]
        self._describe(vectors.T[order], torch.ones(count, dtype=values.dtype, device=values.device))


class DcganDiscriminator(nn.Module):
    """Pictures to one score each ``(N, 1)``, before any sigmoid. ``normalise`` False: the critic of WGAN-GP, where
    batch normalisation would tie the pictures together and make the gradient penalty meaningless (section 4)."""

    def __init__(self, config: DcganConfig, *, normalise: bool = True) -> None:
        super().__init__()
        widths = config.widths[::-1]
        steps: list[nn.Module] = [nn.Conv2d(3, widths[0], 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
        for before, width in pairwise(widths):
            steps.append(nn.Conv2d(before, width, 4, 2, 1, bias=False))
            if normalise:
                steps.append(nn.BatchNorm2d(width))
            steps.append(nn.LeakyReLU(0.2))
        self.main = nn.Sequential(*steps)
        self.score = nn.Conv2d(widths[-1], 1, 4, 1, 0, bias=False)
        # with classes: does the picture go with a learned vector of its class (Miyato and Koyama 2018)
        self.labels = nn.Embedding(len(config.classes), widths[-1]) if config.classes else None
        self.apply(from_paper)

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        x = self.main(x)
        score: torch.Tensor = self.score(x).flatten(1)
        if self.labels is not None and labels is not None:
            score = score + (self.labels(labels) * x.mean((2, 3))).sum(1, keepdim=True)
        return score


def from_paper(module: nn.Module) -> None:
    """Weights from N(0, 0.02); scales of the normalisation from N(1, 0.02)."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
