"""The training loop: exact resume, roll-back, stopping, best weights, the event file."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.nn.weights import load_model, sha256
from studio.training.loop import Config, Event, Export, Recipe, TrainingError, train


@dataclass
class LineConfig(Config):
    poison_at: int = -1
    """Step whose loss is made NaN the first time it is reached; -1 never; -2 always."""


class LineRecipe(Recipe):
    """A line fitted through noisy points, with dropout, so that both random streams matter."""

    name, help, Settings = "line", "fit a line", LineConfig

    def prepare(self, data: Path) -> dict[str, Any]:
        if not data.exists():
            raise TrainingError(f"{data} does not exist; give a file of numbers")
        values = np.loadtxt(data, dtype=np.float32)
        self.x, self.y = torch.from_numpy(values[:, :1]), torch.from_numpy(values[:, 1:])
        return {"points": len(values)}

    def build(self) -> None:
        self.modules["net"] = torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.Dropout(0.2), torch.nn.Linear(16, 1))
        self.optimisers["net"] = torch.optim.Adam(self.modules["net"].parameters(), lr=0.01)
        self.poisoned = False
        self.seen = 0

    def _loss(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.mse_loss(self.modules["net"](self.x[rows]), self.y[rows])

    def step(self, index: int) -> dict[str, float]:
        self.modules["net"].train()
        loss = self._loss(torch.from_numpy(self.rng.integers(0, len(self.x), 8)))
        config = self.config
        assert isinstance(config, LineConfig)
        if config.poison_at == -2 or (index == config.poison_at and not self.poisoned):
            self.poisoned = True
            loss = loss * math.nan
        self.optimisers["net"].zero_grad()
        loss.backward()
        self.optimisers["net"].step()
        self.seen += 8
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


@pytest.fixture
def points(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, 64)
    path = tmp_path / "points.txt"
    np.savetxt(path, np.stack([x, 2 * x + rng.normal(0, 0.1, 64)], 1))
    return path


def config(**changes: int) -> LineConfig:
    return LineConfig(**{"steps": 40, "validate_every": 10, "checkpoint_every": 10, "seed": 3, **changes})


def test_stopped_and_resumed_equals_uninterrupted(tmp_path: Path, points: Path) -> None:
    whole = train(LineRecipe(config()), points, tmp_path / "whole.safetensors")
    stops = iter([False] * 16 + [True])
    halted = train(LineRecipe(config()), points, tmp_path / "halved.safetensors", should_stop=lambda: next(stops))
    assert halted["stopped"] and halted["step"] == 17
    assert not (tmp_path / "halved.safetensors").exists()
    torch.manual_seed(999)  # a new process would have another state
    halved = train(LineRecipe(config()), points, tmp_path / "halved.safetensors", resume=True)
    assert halved == whole
    first, second = (load_model(tmp_path / f"{name}.safetensors", "line") for name in ("whole", "halved"))
    assert all(torch.equal(first.tensors[name], second.tensors[name]) for name in first.tensors)
    card = json.loads((tmp_path / "halved.json").read_text())
    assert card["seen"] == 40 * 8 and card["sha256"] == sha256(tmp_path / "halved.safetensors")


def test_interrupt_keeps_the_last_good_checkpoint(tmp_path: Path, points: Path) -> None:
    class Interrupted(LineRecipe):
        def step(self, index: int) -> dict[str, float]:
            if index == 25:
                raise KeyboardInterrupt
            return super().step(index)

    result = train(Interrupted(config()), points, tmp_path / "m.safetensors")
    assert result["stopped"] and result["step"] == 20
    whole = train(LineRecipe(config()), points, tmp_path / "whole.safetensors")
    assert train(LineRecipe(config()), points, tmp_path / "m.safetensors", resume=True) == whole


def test_nan_rolls_back_with_a_lower_rate(tmp_path: Path, points: Path) -> None:
    events: list[Event] = []
    recipe = LineRecipe(config(poison_at=15))
    figures = train(recipe, points, tmp_path / "m.safetensors", on_event=events.append)
    rollbacks = [event for event in events if event["kind"] == "rollback"]
    assert [event["to"] for event in rollbacks] == [10]
    assert rollbacks[0]["factor"] == 0.5 and "not finite" in rollbacks[0]["reason"]
    assert math.isfinite(figures["score"])


def test_loss_that_stays_nan_is_a_sentence(tmp_path: Path, points: Path) -> None:
    with pytest.raises(TrainingError, match="lower the learning rate"):
        train(LineRecipe(config(poison_at=-2)), points, tmp_path / "m.safetensors")
    assert not (tmp_path / "m.safetensors").exists()


def test_events_are_json_lines_in_order(tmp_path: Path, points: Path) -> None:
    events: list[Event] = []
    train(LineRecipe(config()), points, tmp_path / "m.safetensors", on_event=events.append)
    written = [json.loads(line) for line in (tmp_path / "m.safetensors.events.jsonl").read_text().splitlines()]
    assert written == events
    kinds = [event["kind"] for event in events]
    assert kinds[0] == "start" and kinds[-1] == "done"
    assert kinds.count("validate") == 4 and kinds.count("checkpoint") >= 4
    assert events[0]["data"] == {"points": 64}


def test_missing_checkpoint_is_a_sentence(tmp_path: Path, points: Path) -> None:
    with pytest.raises(ValueError, match="not a readable checkpoint"):
        train(LineRecipe(config()), points, tmp_path / "m.safetensors", resume=True)
