"""What the small GAN is to learn: densities on a line and curves in the plane."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

Bells = tuple[tuple[float, float, float], ...]
"""Weight, middle and deviation of each bell of a mixture."""

MIXTURES: dict[str, Bells] = {
    "one bell": ((1.0, 0.0, 0.7),),
    "two bells": ((0.5, -1.6, 0.45), (0.5, 1.6, 0.45)),
    "three bells": ((0.3, -2.3, 0.3), (0.4, 0.0, 0.3), (0.3, 2.3, 0.3)),
    "tall and wide": ((0.35, -1.7, 0.2), (0.65, 1.1, 0.95)),
    "comb": tuple((1 / 7, place, 0.13) for place in (-2.7, -1.8, -0.9, 0.0, 0.9, 1.8, 2.7)),
}
BOX = 2.2
DENSITIES = (*MIXTURES, "box", "ramp")


def density(name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The density at ``x``; its integral is 1."""
    if name == "box":
        return np.where(np.abs(x) <= BOX, 1 / (2 * BOX), 0.0)
    if name == "ramp":
        return np.where(np.abs(x) <= BOX, (x + BOX) / (2 * BOX * BOX), 0.0)
    parts = [
        weight / (deviation * math.sqrt(2 * math.pi)) * np.exp(-0.5 * ((x - middle) / deviation) ** 2)
        for weight, middle, deviation in MIXTURES[name]
    ]
    return np.asarray(np.sum(parts, 0), np.float64)


def draw_density(name: str, count: int, rng: torch.Generator) -> torch.Tensor:
    """Samples ``(count, 1)``."""
    share = torch.rand(count, 1, generator=rng)
    if name == "box":
        return (2 * share - 1) * BOX
    if name == "ramp":
        return (2 * share.sqrt() - 1) * BOX
    weights, middles, deviations = (torch.tensor(column) for column in zip(*MIXTURES[name], strict=True))
    which = torch.searchsorted(torch.cumsum(weights, 0), share[:, 0]).clamp_max(len(weights) - 1)
    return middles[which, None] + deviations[which, None] * torch.randn(count, 1, generator=rng)


def _heart(t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    x = 16 * torch.sin(t) ** 3
    y = 13 * torch.cos(t) - 5 * torch.cos(2 * t) - 2 * torch.cos(3 * t) - torch.cos(4 * t)
    return x / 15, (y + 2.5) / 15


def _butterfly(t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    reach = torch.exp(torch.sin(t)) - 2 * torch.cos(4 * t) + torch.sin((2 * t - math.pi) / 24) ** 5
    return reach * torch.cos(t) / 3.2, reach * torch.sin(t) / 3.2 - 0.15


def _spiral(t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    reach = torch.sqrt(t / (2 * math.pi))
    return reach * torch.cos(2 * t), reach * torch.sin(2 * t)


CURVES: dict[str, Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]] = {
    "parabola": lambda t: (t / math.pi - 1, 1.5 * (t / math.pi - 1) ** 2 - 0.75),
    "sine": lambda t: (1.4 * (t / math.pi - 1), 0.7 * torch.sin(2 * t)),
    "circle": lambda t: (torch.cos(t), torch.sin(t)),
    "figure eight": lambda t: (1.25 * torch.sin(t), torch.sin(2 * t) * 0.75),
    "spiral": _spiral,
    "heart": _heart,
    "rose": lambda t: (torch.cos(2.5 * 2 * t) * torch.cos(2 * t), torch.cos(2.5 * 2 * t) * torch.sin(2 * t)),
    "butterfly": _butterfly,
}


def place(name: str, t: torch.Tensor, turn: float, scale: float) -> torch.Tensor:
    """Points ``(N, 2)`` of a curve at ``t`` in 0..1, turned by ``turn`` radians; most lie within -1..1."""
    x, y = CURVES[name](t * 2 * math.pi)
    cosine, sine = math.cos(turn) * scale, math.sin(turn) * scale
    return torch.stack([cosine * x - sine * y, sine * x + cosine * y], 1)
