"""The recipe of a drummer's feel: data, exactness of its figures, and that it learns what is there to learn."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.export import open_writer
from studio.media import Note, Notes
from studio.midi_file import read_midi
from studio.nn.humanise import FEEL, Felt, build_feel
from studio.nn.weights import load_model
from studio.training.humanise import HumaniseRecipe, HumaniseSettings, errors, performance_of
from studio.training.loop import train
from studio.training.recipe import Shard, TrainingError

torch.set_num_threads(1)


def song(path: Path, notes: list[Note], length: float = 8.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_writer(path, bpm=120.0) as writer:
        writer.add(Notes(tuple(notes), length))
    return path


def groove(path: Path, beats: int = 8) -> Path:
    """Loud and on time on the beat, soft and late (a quarter step) on every second eighth."""
    notes = []
    for beat in range(beats):
        notes.append(Note(36 if beat % 2 == 0 else 38, 110, float(beat), 0.1, 9))
        notes.append(Note(42, 40, beat + 0.5 + 0.0625, 0.1, 9))
    return song(path, notes, float(beats))


def settings(**values: Any) -> HumaniseSettings:
    return HumaniseSettings(**{
        "steps": 6, "hidden": 8, "layers": 1, "batch": 4, "window": 16, "validate_every": 3, "checkpoint_every": 3,
        "sample_every": 6, "precision": "float32", **values,
    })


def test_a_performance_is_put_on_the_grid(tmp_path: Path) -> None:
    path = song(tmp_path / "a.mid", [Note(36, 100, 0.0, 0.1, 9), Note(22, 50, 1.05, 0.1, 9), Note(42, 90, 0.98, 0.1, 9),
                                     Note(60, 90, 0.5, 0.1, 9)])
    found = performance_of(read_midi(path))
    assert found is not None and found.hits.sum() == 2 and found.hits[0, 0] == found.hits[4, 2] == 1.0
    assert found.velocities[4, 2] == pytest.approx(90 / 127), "the louder of two hits of a drum"
    assert found.offsets[4, 2] == pytest.approx(-0.08, abs=0.01)
    assert performance_of(read_midi(song(tmp_path / "b.mid", [Note(60, 90, 0.5, 0.1)]))) is None


def test_it_learns_what_one_value_for_each_drum_cannot_know(tmp_path: Path) -> None:
    for number in range(3):
        notes = []
        for beat in range(12):  # the same drum, loud on the beat and soft and late between
            notes += [Note(42, 110, float(beat), 0.1, 9), Note(42, 40, beat + 0.5625, 0.1, 9)]
        song(tmp_path / f"{number}.mid", notes, 12.0)
    out = tmp_path / "feel.safetensors"
    figures = train(HumaniseRecipe(settings(steps=150, lr=4e-2, dropout=0.0, validate_every=50)), tmp_path, out)
    assert figures["velocity_error"] < 0.35 * figures["velocity_error_per_drum"]
    assert figures["offset_error"] < 0.5 * figures["offset_error_per_drum"]
    assert build_feel(load_model(out, FEEL)).spec.hidden == 8
    assert not list(tmp_path.glob("samples/*.wav"))


def test_the_figures_are_those_of_the_definition(tmp_path: Path) -> None:
    one = performance_of(read_midi(groove(tmp_path / "a.mid")))
    assert one is not None

    class Guess(torch.nn.Module):
        def forward(self, inputs: torch.Tensor) -> Felt:
            shape = (*inputs.shape[:2], 9)
            return Felt(torch.full(shape, 0.5), torch.ones(shape), torch.zeros(shape), torch.ones(shape))

    found = errors(Guess(), [one], [one])  # type: ignore[arg-type]
    assert found["velocity_error"] == pytest.approx(((110 - 63.5) + (63.5 - 40)) / 2, abs=0.01)
    assert found["offset_error"] == pytest.approx(0.25 / 2, abs=0.01)
    assert found["offset_ms"] == pytest.approx(0.125 * 125.0, abs=1.0), "a sixteenth at 120 is 125 ms"
    assert found["velocity_error_per_drum"] == pytest.approx(0.0, abs=0.01)
    assert found["velocity_error_constant"] == pytest.approx(35.0, abs=0.6)


def test_a_stopped_training_goes_on_exactly(tmp_path: Path) -> None:
    for number in range(3):
        groove(tmp_path / "data" / f"{number}.mid")
    whole = train(HumaniseRecipe(settings()), tmp_path / "data", tmp_path / "a.safetensors")
    count = iter(range(100))
    train(HumaniseRecipe(settings()), tmp_path / "data", tmp_path / "b.safetensors",
          should_stop=lambda: next(count) == 3)
    assert train(HumaniseRecipe(settings()), tmp_path / "data", tmp_path / "b.safetensors", resume=True) == whole
    (sample,) = (tmp_path / "samples").glob("humanise-*.mid")
    assert len(read_midi(sample).notes) == 2 * 16, "as written, then as played"


def test_a_batch_in_pieces_has_the_loss_of_the_whole(tmp_path: Path) -> None:
    for number in range(3):
        groove(tmp_path / f"{number}.mid")
    recipe = HumaniseRecipe(settings(dropout=0.0))
    recipe.prepare(tmp_path)
    recipe.build()
    recipe.descend = lambda loss, index: None  # type: ignore[method-assign]
    found = []
    for shard in (Shard(), Shard(0, 2), Shard(1, 2)):
        recipe.shard, recipe.rng = shard, copy.deepcopy(np.random.default_rng(1))
        found.append(recipe.step(0)["loss"])
    assert found[0] == pytest.approx((found[1] + found[2]) / 2, rel=1e-5)


def test_what_cannot_be_learned_from_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not a folder"):
        HumaniseRecipe(settings()).prepare(groove(tmp_path / "x" / "a.mid"))
    with pytest.raises(TrainingError, match="too few files"):
        HumaniseRecipe(settings()).prepare(tmp_path / "x")
    song(tmp_path / "x" / "b.mid", [Note(36, 80, float(beat), 0.1, 9) for beat in range(8)])
    (tmp_path / "x" / "c.mid").write_bytes(b"MThd")
    song(tmp_path / "x" / "d.mid", [Note(60, 80, 0.0, 0.1)])
    groove(tmp_path / "x" / "e.mid")
    report = HumaniseRecipe(settings()).prepare(tmp_path / "x")
    skipped = report["skipped"]
    assert (report["train_performances"], report["valid_performances"]) == (1, 1), "one is held out all the same"
    assert len(skipped) == 3 and "written, not played" in skipped[0] and "c.mid" in skipped[1]
