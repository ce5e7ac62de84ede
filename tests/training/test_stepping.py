"""Steps in pieces: the same gradient, whatever a recipe does with its optimisers; float16's scale; precision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.training.loop import Event, Recipe, TrainingError, train
from studio.training.midi import MidiRecipe, MidiSettings
from studio.training.recipe import Shard, working_dtype
from studio.training.stepping import LossScale, Stepper
from studio.training.team import Team
from studio.training.text import TextRecipe, TextSettings
from tests.training.line import LineRecipe, SharedLine, config, of_kind, write_points


@pytest.fixture
def points(tmp_path: Path) -> Path:
    return write_points(tmp_path / "points.txt")


@pytest.mark.parametrize("pieces", [2, 4, 8])
def test_accumulated_steps_are_those_of_the_whole_batch(tmp_path: Path, points: Path, pieces: int) -> None:
    settings: dict[str, Any] = {"dropout": 0.0, "clip": 0.5}
    whole = train(SharedLine(config(**settings)), points, tmp_path / "a.safetensors")
    cut = train(SharedLine(config(accumulate=pieces, **settings)), points, tmp_path / "b.safetensors")
    assert cut["score"] == pytest.approx(whole["score"], rel=1e-4)


@pytest.mark.parametrize("kind", [LineRecipe, SharedLine])
def test_pieces_resume_exactly(tmp_path: Path, points: Path, kind: type[LineRecipe]) -> None:
    whole = train(kind(config(accumulate=4)), points, tmp_path / "whole.safetensors")
    stops = iter([False] * 16 + [True])
    train(kind(config(accumulate=4)), points, tmp_path / "m.safetensors", should_stop=lambda: next(stops))
    torch.manual_seed(999)
    assert train(kind(config(accumulate=4)), points, tmp_path / "m.safetensors", resume=True) == whole


def test_a_batch_that_cannot_be_cut_is_a_sentence(tmp_path: Path, points: Path) -> None:
    with pytest.raises(TrainingError, match=r"batch of 8 cannot be cut into 3 equal parts; choose another batch"):
        train(LineRecipe(config(accumulate=3)), points, tmp_path / "m.safetensors")


class Duel(LineRecipe):
    """Two networks against each other, as in a GAN: the second's loss leaves gradients in the first, which are not
    meant and cleared before its next step."""

    shares = True

    def build(self) -> None:
        for name in ("judge", "maker"):
            self.modules[name] = torch.nn.Linear(1, 1)
            self.optimisers[name] = torch.optim.SGD(self.modules[name].parameters(), lr=0.1)

    def step(self, index: int) -> dict[str, float]:
        x = self.share(torch.from_numpy(self.rng.random((8, 1), "float32")))
        judge, maker = self.modules["judge"], self.modules["maker"]
        judged = (judge(maker(x).detach()) - 1).square().mean()
        self.optimisers["judge"].zero_grad()
        judged.backward()
        self.optimisers["judge"].step()
        made = judge(maker(x)).square().mean()
        self.optimisers["maker"].zero_grad()
        made.backward()
        self.optimisers["maker"].step()
        return {"judge": judged.item(), "maker": made.item()}


def test_what_another_loss_left_is_not_added() -> None:
    """Against gradients computed by hand: the judge's from its own loss alone, the maker's as the mean of its pieces,
    of which the last saw the judge that had moved."""
    torch.manual_seed(0)
    recipe = Duel(config())
    recipe.build()
    before = {name: (m.weight.item(), m.bias.item()) for name, m in recipe.modules.items()}
    stepper = Stepper(recipe, Team(), pieces=2)
    losses = [stepper.step(0), stepper.step(1)]
    assert stepper.moved and all(value > 0 for value in losses[0].values())

    torch.manual_seed(0)
    plain = Duel(config())
    plain.build()
    judge, maker = plain.modules["judge"], plain.modules["maker"]
    assert before["judge"] == (judge.weight.item(), judge.bias.item())
    for _ in range(2):
        x = torch.from_numpy(plain.rng.random((8, 1), "float32"))
        judge_gradients = torch.autograd.grad((judge(maker(x).detach()) - 1).square().mean(), list(judge.parameters()))
        first = torch.autograd.grad(judge(maker(x[:4])).square().mean(), list(maker.parameters()))
        with torch.no_grad():
            for p, g in zip(judge.parameters(), judge_gradients, strict=True):
                p -= 0.1 * g
        second = torch.autograd.grad(judge(maker(x[4:])).square().mean(), list(maker.parameters()))
        with torch.no_grad():
            for p, a, b in zip(maker.parameters(), first, second, strict=True):
                p -= 0.1 * (a + b) / 2
    for name in ("judge", "maker"):
        for ours, theirs in zip(recipe.modules[name].parameters(), plain.modules[name].parameters(), strict=True):
            torch.testing.assert_close(ours, theirs)


def test_shards_are_every_row_once() -> None:
    rows = list(range(12))
    for count in (1, 2, 3, 4, 6, 12):
        assert [row for index in range(count) for row in rows[Shard(index, count).of(12)]] == rows


def test_a_lower_rate_lasts_for_the_step_alone(points: Path) -> None:
    recipe = LineRecipe(config())
    recipe.prepare(points)
    recipe.build()
    recipe.optimisers["net"] = optimiser = torch.optim.SGD(recipe.modules["net"].parameters(), lr=0.5)
    stepper = Stepper(recipe, Team())
    stepper.factor = 0.25
    before = [p.detach().clone() for p in recipe.modules["net"].parameters()]
    stepper.step(0)
    for old, new in zip(before, recipe.modules["net"].parameters(), strict=True):
        assert new.grad is not None
        torch.testing.assert_close(new.detach(), old - 0.25 * 0.5 * new.grad)
    assert optimiser.param_groups[0]["lr"] == 0.5


def test_the_scale_of_float16_gives_the_gradient_back_and_falls_when_it_overflows() -> None:
    weight = torch.nn.Parameter(torch.tensor([3.0]))
    scale = LossScale()
    scale((weight * 2).sum()).backward()
    assert weight.grad is not None and weight.grad.item() == 2 * 2.0**14
    assert scale.undo([weight.grad]) and weight.grad.item() == 2.0
    scale.adapt()
    assert scale.value == 2.0**14
    assert not scale.undo([torch.tensor([float("inf")])])
    scale.adapt()
    assert scale.value == 2.0**13 and scale.good == 0
    for _ in range(LossScale.PATIENCE):
        scale.adapt()
    assert scale.value == 2.0**14


def test_a_gradient_that_overflows_moves_nothing(points: Path) -> None:
    recipe = LineRecipe(config(), lambda index, loss: loss * (1e38 if index == 0 else 1.0))
    recipe.prepare(points)
    recipe.build()
    stepper = Stepper(recipe, Team())
    stepper.scale = recipe.loss_scale = LossScale()
    before = [p.detach().clone() for p in recipe.modules["net"].parameters()]
    stepper.step(0)
    assert not stepper.moved and stepper.scale.value == 2.0**13
    assert all(torch.equal(old, new) for old, new in zip(before, recipe.modules["net"].parameters(), strict=True))
    stepper.step(1)
    assert stepper.moved


@pytest.mark.parametrize(("precision", "device", "dtype"), [
    ("float32", "cpu", None), ("float32", "cuda", None), ("bfloat16", "cpu", torch.bfloat16),
    ("bfloat16", "cuda", torch.bfloat16), ("float16", "cuda", torch.float16),
])
def test_precision(precision: str, device: str, dtype: torch.dtype | None) -> None:
    assert working_dtype(precision, device) == dtype


def test_float16_needs_a_gpu() -> None:
    with pytest.raises(TrainingError, match="float16 needs a GPU"):
        working_dtype("float16", "cpu")


def test_compiled_networks_keep_the_names_of_their_tensors(
    tmp_path: Path, points: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[torch.nn.Module] = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **options: compiled.append(self))
    recipe = LineRecipe(config(compile=True))
    train(recipe, points, tmp_path / "m.safetensors")
    assert compiled == [recipe.modules["net"]]


@pytest.mark.parametrize("kind", ["text", "midi"])
def test_recipes_that_share_their_batches_take_the_steps_of_whole_ones(tmp_path: Path, kind: str) -> None:
    """Text with labels and carried state, and music of pieces of different lengths, in two pieces and in one."""
    base: dict[str, Any] = {
        "steps": 6, "hidden": 12, "embedding": 8, "batch": 4, "window": 16, "validate_every": 3, "dropout": 0.0,
        "precision": "float32", "lr": 0.02, "seed": 1,
    }
    data, make = (_texts, _text) if kind == "text" else (_music, _midi)
    scores: list[list[float]] = []
    for pieces in (1, 2):
        events: list[Event] = []
        recipe = make({**base, "accumulate": pieces})
        train(recipe, data(tmp_path), tmp_path / f"{pieces}.safetensors", on_event=events.append)
        scores.append([event["figures"]["score"] for event in of_kind(events, "validate")])
    assert scores[1] == pytest.approx(scores[0], rel=1e-4) and scores[0][0] != scores[0][1]


def _texts(folder: Path) -> Path:
    for name, line in (("sea", "the sea is wide and grey\n"), ("town", "old houses stand in rows\n")):
        (folder / "texts" / name).mkdir(parents=True, exist_ok=True)
        (folder / "texts" / name / "a.txt").write_text(line * 30)
    return folder / "texts"


def _text(settings: dict[str, Any]) -> Recipe:
    return TextRecipe(TextSettings(**settings))


def _music(folder: Path) -> Path:
    lengths = {"train": (8, 20, 32), "valid": (24,), "test": (16,)}
    tree = {split: [[[60 + k % 5, 55, 48, 43] for k in range(n)] for n in counts] for split, counts in lengths.items()}
    path = folder / "voices.json"
    path.write_text(json.dumps(tree))
    return path


def _midi(settings: dict[str, Any]) -> Recipe:
    return MidiRecipe(MidiSettings(**settings))
