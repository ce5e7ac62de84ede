"""The training loop: exact resume, roll-back, stopping, best weights, the event file, early end."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from studio.nn.weights import load_model, sha256
from studio.training.loop import Control, Event, TrainingError, train
from tests.training.line import LineRecipe, Once, config, of_kind, poison, write_points


@pytest.fixture
def points(tmp_path: Path) -> Path:
    return write_points(tmp_path / "points.txt")


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
    assert card["throughput"]["items_per_second"] > 0 and "waits for it" in card["throughput"]["waits"]


def test_looking_at_a_training_does_not_change_it(tmp_path: Path, points: Path) -> None:
    class Throwing(LineRecipe):
        def sample(self, folder: Path, index: int) -> list[Path]:
            self.rng.random(7)
            torch.rand(7)
            return []

    often = train(Throwing(config(sample_every=3)), points, tmp_path / "often.safetensors")
    assert often == train(Throwing(config()), points, tmp_path / "never.safetensors")


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
    recipe = LineRecipe(config(), Once(15, poison))
    figures = train(recipe, points, tmp_path / "m.safetensors", on_event=events.append)
    rollbacks = of_kind(events, "rollback")
    assert [event["to"] for event in rollbacks] == [10]
    assert rollbacks[0]["factor"] == 0.5 and "not finite" in rollbacks[0]["reason"]
    assert recipe.optimisers["net"].param_groups[0]["lr"] == 0.01, "a recipe's own schedule is not touched"
    assert math.isfinite(figures["score"])


def test_a_run_that_was_rolled_back_resumes_exactly(tmp_path: Path, points: Path) -> None:
    whole = train(LineRecipe(config(), Once(15, poison)), points, tmp_path / "whole.safetensors")
    stops = iter([False] * 16 + [True])  # two steps after the roll-back to 10
    first = LineRecipe(config(), Once(15, poison))
    assert train(first, points, tmp_path / "m.safetensors", should_stop=lambda: next(stops))["step"] < 20
    torch.manual_seed(999)
    assert train(LineRecipe(config()), points, tmp_path / "m.safetensors", resume=True) == whole
    calm = train(LineRecipe(config()), points, tmp_path / "calm.safetensors")
    assert calm["score"] != whole["score"], "the rate was lowered and other batches were drawn"


def test_what_the_disk_holds_after_a_roll_back_is_the_lower_rate(tmp_path: Path, points: Path) -> None:
    def die(event: Event) -> None:
        if event["kind"] == "rollback":
            events.append(event)
        elif event["kind"] == "checkpoint" and events:
            raise RuntimeError("the process is killed here")

    events: list[Event] = []
    whole = train(LineRecipe(config(), Once(15, poison)), points, tmp_path / "whole.safetensors")
    with pytest.raises(RuntimeError, match="killed"):
        train(LineRecipe(config(), Once(15, poison)), points, tmp_path / "m.safetensors", on_event=die)
    assert train(LineRecipe(config()), points, tmp_path / "m.safetensors", resume=True) == whole


def test_loss_that_stays_nan_is_a_sentence(tmp_path: Path, points: Path) -> None:
    with pytest.raises(TrainingError, match="lower the learning rate"):
        train(LineRecipe(config(), lambda index, loss: poison(loss)), points, tmp_path / "m.safetensors")
    assert not (tmp_path / "m.safetensors").exists()


def test_events_are_json_lines_in_order(tmp_path: Path, points: Path) -> None:
    events: list[Event] = []
    train(LineRecipe(config()), points, tmp_path / "m.safetensors", on_event=events.append)
    written = [json.loads(line) for line in (tmp_path / "m.safetensors.events.jsonl").read_text().splitlines()]
    assert written == events
    kinds = [event["kind"] for event in events]
    assert kinds[0] == "start" and kinds[-1] == "done"
    assert kinds.count("validate") == 4 and kinds.count("checkpoint") >= 4
    assert events[0]["data"] == {"points": 64} and events[0]["processes"] == 1
    assert {"rate", "left", "seconds", "items", "data_share"} <= of_kind(events, "step")[-1].keys()


def test_the_curves_are_drawn_beside_the_model(tmp_path: Path, points: Path) -> None:
    train(LineRecipe(config()), points, tmp_path / "m.safetensors")
    picture = np.asarray(Image.open(tmp_path / "m.safetensors.curves.png"))
    assert picture.shape == (900, 1600, 3) and tuple(picture[2, 2]) == (0x0C, 0x0C, 0x12), "the studio's ground"


def test_it_ends_early_when_nothing_gets_better(tmp_path: Path, points: Path) -> None:
    events: list[Event] = []
    recipe = LineRecipe(config(steps=2000, patience=2, rate=1e-12))  # far too low a rate to get any better
    figures = train(recipe, points, tmp_path / "m.safetensors", on_event=events.append)
    assert "stopped" not in figures and (tmp_path / "m.safetensors").exists()
    early, = of_kind(events, "early")
    assert early["validations"] == 2 and early["step"] < 200
    assert figures["score"] == early["best"] == min(event["figures"]["score"] for event in of_kind(events, "validate"))


def test_a_word_ends_it_early_with_a_model(tmp_path: Path, points: Path) -> None:
    figures = train(LineRecipe(config()), points, tmp_path / "m.safetensors", control=Control(finish=True))
    assert "stopped" not in figures and json.loads((tmp_path / "m.json").read_text())["steps"] == 1


def test_missing_checkpoint_is_a_sentence(tmp_path: Path, points: Path) -> None:
    with pytest.raises(ValueError, match="not a readable checkpoint"):
        train(LineRecipe(config()), points, tmp_path / "m.safetensors", resume=True)


@pytest.mark.parametrize("name", ["steps", "validate_every", "checkpoint_every", "accumulate"])
def test_a_setting_below_one_is_a_sentence(tmp_path: Path, points: Path, name: str) -> None:
    with pytest.raises(TrainingError, match=name):
        train(LineRecipe(config(**{name: 0})), points, tmp_path / "m.safetensors")
