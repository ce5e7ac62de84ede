"""A recipe that fits a line, for tests of the loop: small, with both random streams, and with faults on demand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from studio.training.loop import Config, Event, Export, Recipe, TrainingError


@dataclass
class LineConfig(Config):
    batch: int = 8
    dropout: float = 0.2
    clip: float = 0.0
    rate: float = 0.01


class LineRecipe(Recipe):
    """A line fitted through noisy points. ``trouble(index, loss)`` may change a loss, raise, or do nothing."""

    name, help, Settings = "line", "fit a line", LineConfig
    config: LineConfig

    def __init__(self, config: Config, trouble: Callable[[int, torch.Tensor], torch.Tensor] | None = None) -> None:
        super().__init__(config)
        self.trouble = trouble
        self.rows: list[int] = []

    def prepare(self, data: Path) -> dict[str, Any]:
        if not data.exists():
            raise TrainingError(f"{data} does not exist; give a file of numbers")
        values = np.loadtxt(data, dtype=np.float32)
        self.x, self.y = torch.from_numpy(values[:, :1]), torch.from_numpy(values[:, 1:])
        return {"points": len(values)}

    def build(self) -> None:
        self.modules["net"] = torch.nn.Sequential(
            torch.nn.Linear(1, 16), torch.nn.Dropout(self.config.dropout), torch.nn.Linear(16, 1)
        )
        self.optimisers["net"] = torch.optim.Adam(self.modules["net"].parameters(), lr=self.config.rate)
        self.seen = 0

    def _loss(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.mse_loss(self.modules["net"](self.x[rows]), self.y[rows])

    def step(self, index: int) -> dict[str, float]:
        self.modules["net"].train()
        with self.fetching():
            drawn = torch.from_numpy(self.rng.integers(0, len(self.x), self.config.batch))
        rows = self.share(drawn) if self.shares else drawn
        self.rows.append(len(rows))
        loss = self._loss(rows)
        if self.trouble is not None:
            loss = self.trouble(index, loss)
        self.optimisers["net"].zero_grad()
        self.backward(loss)
        self.update("net", self.config.clip)
        self.seen += len(rows)
        return {"loss": loss.item()}

    def validate(self) -> dict[str, float]:
        self.modules["net"].eval()
        with torch.no_grad():
            return {"score": self._loss(torch.arange(len(self.x))).item()}

    def export(self) -> Export:
        card = {"title": "A line", "seen": self.seen}
        return Export(dict(self.modules["net"].state_dict()), "line", {"width": 16}, card)

    def extra_state(self) -> dict[str, Any]:
        return {"seen": self.seen}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        self.seen = state["seen"]


class SharedLine(LineRecipe):
    """Draws whole batches and takes its share."""

    shares = True


class Once:
    """Trouble at one step, the first time it is reached: ``what(loss)``."""

    def __init__(self, index: int, what: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self._index, self._what, self.done = index, what, False

    def __call__(self, index: int, loss: torch.Tensor) -> torch.Tensor:
        if index == self._index and not self.done:
            self.done = True
            return self._what(loss)
        return loss


def poison(loss: torch.Tensor) -> torch.Tensor:
    """A loss that is not a number."""
    return loss * math.nan


def config(**changes: Any) -> LineConfig:
    return LineConfig(**{"steps": 40, "validate_every": 10, "checkpoint_every": 10, "seed": 3, **changes})


def of_kind(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event["kind"] == kind]


def write_points(path: Path) -> Path:
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, 64)
    np.savetxt(path, np.stack([x, 2 * x + rng.normal(0, 0.1, 64)], 1))
    return path
