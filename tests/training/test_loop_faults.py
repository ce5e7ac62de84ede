"""What goes wrong in the middle of a training: memory, disk, divergence. Nothing is lost, and it is said."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.files import FileError
from studio.training import checkpoint
from studio.training.loop import Event, TrainingError, train
from tests.training.line import LineRecipe, Once, SharedLine, config, of_kind, write_points


@pytest.fixture
def points(tmp_path: Path) -> Path:
    return write_points(tmp_path / "points.txt")


def real_shortage(most: int) -> Callable[[Any], Any]:
    """Makes a recipe ask torch for far more memory than there is when a piece has more rows than ``most``."""
    def fit(recipe: LineRecipe) -> LineRecipe:
        def ask(index: int, loss: torch.Tensor) -> torch.Tensor:
            if index >= 5 and recipe.rows[-1] > most:
                torch.empty(2**48, dtype=torch.float64)  # two petabytes
            return loss

        recipe.trouble = ask
        return recipe

    return fit


def test_out_of_memory_goes_on_in_pieces_of_the_same_batch(tmp_path: Path, points: Path) -> None:
    events: list[Event] = []
    short = real_shortage(2)(SharedLine(config(dropout=0.0, clip=0.5)))
    figures = train(short, points, tmp_path / "short.safetensors", on_event=events.append)
    first, second = of_kind(events, "memory")
    assert (first["pieces"], first["piece"], second["pieces"], second["piece"]) == (2, 4, 4, 2)
    assert first["batch"] == second["batch"] == 8 and first["step"] == 5 and "allocate" in first["reason"]
    plain = train(SharedLine(config(dropout=0.0, clip=0.5)), points, tmp_path / "plain.safetensors")
    assert figures["score"] == pytest.approx(plain["score"], rel=1e-4), "the steps are those of the whole batch"
    assert checkpoint.load(tmp_path / "short.safetensors.ckpt")["pieces"] == 4, "a resumed run need not find it out"


def test_recipes_that_know_nothing_of_pieces_get_smaller_batches(tmp_path: Path, points: Path) -> None:
    recipe = real_shortage(4)(LineRecipe(config()))
    train(recipe, points, tmp_path / "m.safetensors")
    assert recipe.rows[:5] == [8] * 5 and recipe.rows[6:] == [4] * 70 and recipe.config.batch == 8


def test_memory_that_suffices_for_no_row_is_a_sentence(tmp_path: Path, points: Path) -> None:
    with pytest.raises(TrainingError, match=r"out of memory, even with 1 at a time.*smaller size"):
        train(real_shortage(0)(LineRecipe(config())), points, tmp_path / "m.safetensors")


def test_a_gpus_shortage_is_understood_and_other_errors_are_not_hidden(tmp_path: Path, points: Path) -> None:
    events: list[Event] = []
    recipe = LineRecipe(config(), Once(3, lambda loss: _raise(torch.OutOfMemoryError("CUDA out of memory. Tried …"))))
    train(recipe, points, tmp_path / "m.safetensors", on_event=events.append)
    assert of_kind(events, "memory")[0]["reason"].startswith("CUDA out of memory")
    broken = LineRecipe(config(), Once(3, lambda loss: _raise(RuntimeError("shapes do not match"))))
    with pytest.raises(RuntimeError, match="shapes do not match"):
        train(broken, points, tmp_path / "n.safetensors")


def _raise(error: Exception) -> torch.Tensor:
    raise error


def test_a_shortage_after_a_network_has_moved_goes_back_to_the_last_good_state(tmp_path: Path, points: Path) -> None:
    class Two(LineRecipe):
        short = True

        def step(self, index: int) -> dict[str, float]:
            losses = super().step(index)
            if index == 13 and self.short:
                self.short = False
                raise MemoryError
            return losses

    events: list[Event] = []
    train(Two(config()), points, tmp_path / "m.safetensors", on_event=events.append)
    assert [event["to"] for event in of_kind(events, "memory")] == [10]


@pytest.fixture
def small_disk() -> Iterator[Callable[[int], None]]:
    """Sets the largest size of a file that the system lets this process write: writing more fails in the middle."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size or before[0], before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_up_costs_no_checkpoint_and_no_training(
    tmp_path: Path, points: Path, small_disk: Callable[[int], None]
) -> None:
    out, events = tmp_path / "m.safetensors", []
    ckpt = out.with_name(out.name + ".ckpt")
    kept: list[bytes] = []

    def watch(event: Event) -> None:
        events.append(event)
        if event["kind"] == "checkpoint" and len(of_kind(events, "checkpoint")) == 1:
            kept.append(ckpt.read_bytes())
            small_disk(len(kept[0]) // 2)
        elif event["kind"] == "unsaved":
            kept.append(ckpt.read_bytes())
            small_disk(0)  # somebody made room

    figures = train(LineRecipe(config()), points, out, on_event=watch)
    said = of_kind(events, "unsaved")[0]
    assert "cannot write" in said["message"] and "checkpoint of before is kept" in said["message"]
    assert kept[0] == kept[1], "the checkpoint of before is whole"
    assert len(of_kind(events, "checkpoint")) == 3 and of_kind(events, "done")
    assert figures == train(LineRecipe(config()), points, tmp_path / "whole.safetensors")
    assert not [path for path in tmp_path.iterdir() if ".part" in path.name]


def test_a_model_that_finds_no_room_can_be_written_later(
    tmp_path: Path, points: Path, small_disk: Callable[[int], None]
) -> None:
    out = tmp_path / "m.safetensors"

    def watch(event: Event) -> None:
        if event["kind"] == "validate" and event["step"] == 40:
            small_disk(100)

    with pytest.raises(FileError, match=r"cannot write .*m\.safetensors"):
        train(LineRecipe(config()), points, out, on_event=watch)
    small_disk(0)
    assert not out.exists() and checkpoint.load(out.with_name(out.name + ".ckpt"))["step"] == 30
    whole = train(LineRecipe(config()), points, tmp_path / "whole.safetensors")
    assert train(LineRecipe(config()), points, out, resume=True) == whole


def test_room_on_the_disk_is_looked_at_first(
    tmp_path: Path, points: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9 - 10**6, 10**6))
    recipe = LineRecipe(config(), lambda index, loss: pytest.fail("no step may be taken"))
    with pytest.raises(FileError, match=r"1 MB are free, .* needs 32 MB .*another disk"):
        train(recipe, points, tmp_path / "m.safetensors")


def test_a_sample_that_cannot_be_written_is_no_end(tmp_path: Path, points: Path) -> None:
    class Sampling(LineRecipe):
        def sample(self, folder: Path, index: int) -> list[Path]:
            raise OSError(28, "No space left on device")

    events: list[Event] = []
    train(Sampling(config(sample_every=20)), points, tmp_path / "m.safetensors", on_event=events.append)
    assert len(of_kind(events, "unsaved")) == 2 and "the disk is full" in of_kind(events, "unsaved")[0]["message"]


def test_a_loss_that_explodes_is_rolled_back(tmp_path: Path, points: Path) -> None:
    class Exploding(LineRecipe):
        """From step 130 on its weights grow, until it is rolled back."""

        grows = True

        def step(self, index: int) -> dict[str, float]:
            if index >= 130 and self.grows:
                with torch.no_grad():
                    self.modules["net"][0].weight.mul_(1.7)
            return super().step(index)

    events: list[Event] = []
    recipe = Exploding(config(steps=200))

    def watch(event: Event) -> None:
        events.append(event)
        recipe.grows = recipe.grows and event["kind"] != "rollback"

    figures = train(recipe, points, tmp_path / "m.safetensors", on_event=watch)
    rollback, = of_kind(events, "rollback")
    assert rollback["to"] == 130 and 131 < rollback["step"] < 150 and "loss" in rollback["reason"]
    assert figures["score"] < 0.1
