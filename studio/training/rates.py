"""Learning rates that follow a schedule."""

from __future__ import annotations

import math

import torch


def cosine(index: int, steps: int, *, warm: int = 50, last: float = 0.05) -> float:
    """Share of the full rate at step ``index`` (0-based): a linear start, then half a cosine down to ``last``."""
    progress = min(1.0, index / max(1, steps))
    return min(1.0, (index + 1) / max(1, warm)) * (last + (1 - last) * 0.5 * (1 + math.cos(math.pi * progress)))


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the learning rate ``rate``."""
    for group in optimiser.param_groups:
        group["lr"] = rate
