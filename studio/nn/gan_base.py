"""What every picture generator of the studio offers, whatever its network: z -> w -> picture, and classes to blend.

Whoever plays a model needs nothing else: ``seed_w`` or ``to_w`` for places, ``synthesis`` for pictures, ``w_mean``,
``directions`` and ``sigmas`` for the shape of the cloud of places. Networks without a mapping have w = z.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

COMPONENTS = 16
"""Principal directions of *w* that a model file holds."""

MAX_CLASSES = 256
"""Most classes of one model."""


class Shape(Protocol):
    """What every configuration says: pixels per side, numbers in z, names of the classes (none: without)."""

    @property
    def size(self) -> int: ...
    @property
    def latent(self) -> int: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    def to_dict(self) -> dict[str, Any]: ...


def class_names(values: Sequence[Any]) -> tuple[str, ...]:
    """Names of classes from a file. Raises ValueError for too many, equal or unusable ones."""
    names = tuple(str(value) for value in values)
    if len(names) > MAX_CLASSES or len(set(names)) != len(names) or any(not 0 < len(name) <= 100 for name in names):
        raise ValueError(f"a model has at most {MAX_CLASSES} classes, each with a name of its own")
    return names


class PictureGenerator(nn.Module):
    """A generator network. ``w_mean (latent)``, ``directions (COMPONENTS, latent)`` and ``sigmas (COMPONENTS)``
    describe the cloud of w's; ``class_means (classes, latent)`` its part for each class, where there are some."""

    config: Shape
    mapping: nn.Module
    """z ``(N, latent)``, and with classes their numbers ``(N,)``, to w ``(N, latent)``."""
    w_mean: torch.Tensor
    directions: torch.Tensor
    sigmas: torch.Tensor
    class_means: torch.Tensor

    def __init__(self, config: Shape) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("w_mean", torch.zeros(config.latent))
        self.register_buffer("directions", torch.zeros(COMPONENTS, config.latent))
        self.register_buffer("sigmas", torch.zeros(COMPONENTS))
        if config.classes:
            self.register_buffer("class_means", torch.zeros(len(config.classes), config.latent))

    @property
    def shape(self) -> Shape:
        """The configuration, as every network has it."""
        return self.config

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; empty for a network without."""
        return self.config.classes

    @property
    def layers(self) -> int:
        """Places where w enters: 1 where one w makes the whole picture."""
        return 1

    @property
    def dtype(self) -> torch.dtype:
        """In what precision it computes."""
        return next(self.parameters()).dtype

    def noise_shapes(self) -> list[tuple[int, int]]:
        """Height and width of the pixels where noise may be added; none for most networks."""
        return []

    def fixed_noise(self) -> list[torch.Tensor]:
        """The noise that a network was trained to show, a map for each of ``noise_shapes``; none for most networks."""
        return []

    def place(self, x: float = 0.0, y: float = 0.0, degrees: float = 0.0, zoom: float = 1.0) -> None:
        """Move, turn and enlarge the picture inside the network; only a StyleGAN3 can."""

    @abstractmethod
    def synthesis(self, w: torch.Tensor, noise: Sequence[torch.Tensor | None] | None = None) -> torch.Tensor:
        """Pictures ``(N, 3, size, size)`` in -1..1 from w ``(N, latent)`` or one per layer ``(N, layers, latent)``."""

    def forward(
        self, z: torch.Tensor, noise: Sequence[torch.Tensor | None] | None = None, labels: torch.Tensor | None = None
    ) -> torch.Tensor:
        return self.synthesis(self.mapping(z, labels) if self.classes else self.mapping(z), noise)

    def to_w(self, z: torch.Tensor, shares: Sequence[float] | None = None) -> torch.Tensor:
        """w ``(N, latent)`` of z under a blend of classes: ``blended`` with this network's own mapping."""
        return blended(self.mapping, z, len(self.classes), shares)

    def seed_w(self, seed: int, shares: Sequence[float] | None = None) -> torch.Tensor:
        """w ``(1, latent)`` of a seed; without ``shares`` of the class that the seed falls into."""
        draw = np.random.default_rng(seed).standard_normal((1, self.config.latent), np.float32)
        z = torch.from_numpy(draw).to(self.w_mean.device, self.dtype)
        return self.to_w(z, shares if shares is not None else seed_shares(seed, len(self.classes)))

    def seeds_w(self, z: torch.Tensor) -> torch.Tensor:
        """w ``(N, latent)`` of the z of the seeds 0, 1, 2 ..., each of the class that it falls into."""
        if not self.classes:
            return self.mapping(z)  # type: ignore[no-any-return]
        return self.mapping(z, torch.arange(len(z), device=z.device) % len(self.classes))  # type: ignore[no-any-return]

    def centre(self, shares: Sequence[float] | None = None) -> torch.Tensor:
        """The middle ``(latent,)`` of the cloud of w's under a blend of classes."""
        if not self.classes or shares is None:
            return self.w_mean
        return blend_means(self.class_means, shares)

    @torch.no_grad()
    def survey(self, samples: int = 8192) -> None:
        """Fill ``w_mean``, ``directions`` and ``sigmas`` from a fixed sample of z's (the same on every machine)."""
        z = torch.from_numpy(np.random.default_rng(20).standard_normal((samples, self.config.latent), np.float32))
        z = z.to(self.w_mean)
        count = len(self.classes)
        if count:
            labels = torch.arange(samples, device=z.device) % count
            w = self.mapping(z, labels).double()
            for index in range(count):
                self.class_means[index] = w[labels == index].mean(0)
        else:
            w = self.mapping(z).double()
        self.w_mean.copy_(w.mean(0))
        # what a class has in common is no direction: the class is chosen by its name
        centred = w - (self.class_means.double()[labels] if count else w.mean(0))
        values, vectors = torch.linalg.eigh(torch.cov(centred.T))
        found = min(COMPONENTS, values.numel())
        order = values.argsort(descending=True)[:found]
        self._describe(vectors.T[order], values[order].clamp_min(0).sqrt())

    def _describe(self, directions: torch.Tensor, sigmas: torch.Tensor) -> None:
        """Keep principal directions ``(K, latent)``, the widest first, and the cloud's width along each."""
        # an eigenvector's sign is arbitrary: the largest entry is made positive
        largest = directions.abs().argmax(1, keepdim=True)
        directions = directions * directions.gather(1, largest).sign()
        self.directions[: len(directions)].copy_(directions)
        self.sigmas[: len(sigmas)].copy_(sigmas)


def seed_shares(seed: int, classes: int) -> list[float]:
    """The class that a seed falls into, wholly; [] without classes. Neighbouring seeds are of different classes."""
    return [1.0 if index == seed % classes else 0.0 for index in range(classes)]


def blended(mapping: nn.Module, z: torch.Tensor, classes: int, shares: Sequence[float] | None) -> torch.Tensor:
    """w of z under a blend of classes, their shares in any scale; none given: of all alike.

    The w's of the classes are averaged: a single class is exactly its own w, bit for bit, and a fade between two is
    a straight line. Raises ValueError for another number of shares than there are classes.
    """
    if not classes:
        return mapping(z)  # type: ignore[no-any-return]
    given = [1.0] * classes if shares is None else list(shares)
    if len(given) != classes:
        raise ValueError(f"there are {classes} classes, not {len(given)}")
    used = [(index, share) for index, share in enumerate(given) if share]
    total = sum(share for _, share in used)
    if not used or not total:
        return blended(mapping, z, classes, None)
    made: torch.Tensor | None = None
    for index, share in used:
        w: torch.Tensor = mapping(z, torch.full((z.shape[0],), index, device=z.device))
        if len(used) == 1:
            return w
        made = w * (share / total) if made is None else made + w * (share / total)
    assert made is not None
    return made


def blend_means(means: torch.Tensor, shares: Sequence[float]) -> torch.Tensor:
    """The middle of a blend of classes ``(latent,)``, from ``means (classes, latent)``; one class: exactly its own."""
    used = [(index, share) for index, share in enumerate(shares) if share]
    if len(used) == 1:
        return means[used[0][0]]
    weights = torch.as_tensor(list(shares), dtype=means.dtype, device=means.device)
    total = weights.sum()
    return means.mean(0) if not used or not total else (weights / total) @ means
