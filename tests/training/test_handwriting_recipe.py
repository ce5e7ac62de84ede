"""Handwriting: the studio's own pen, and the recipe that learns from it or from files."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.nn.handwriting import HANDWRITING, build_pen
from studio.nn.pen_files import to_json
from studio.nn.weights import load_model
from studio.training.handwriting import HandwritingRecipe, HandwritingSettings
from studio.training.handwriting_letters import LETTERS
from studio.training.handwriting_pen import FINE, Hand, any_hand, curve, hobby, moved, own_lines, write_line
from studio.training.loop import train
from studio.training.recipe import Shard, TrainingError

torch.set_num_threads(1)

STEADY = Hand(wobble=0.0, drift=0.0, swell=0.0)
TEXT = "the pen goes over the paper and the words are there; a line, another line"


def test_hobbys_curve_through_four_points_of_a_circle_is_nearly_that_circle() -> None:
    angles = np.linspace(0.0, 1.5 * np.pi, 4)
    points = np.stack([np.cos(angles), np.sin(angles)], 1)
    made = curve([(x, y, False) for x, y in points])
    assert np.abs(np.hypot(*made.T) - 1.0).max() < 0.004
    assert np.allclose(made[::FINE], points), "it goes through them"


def test_a_curve_is_smooth_where_no_corner_is() -> None:
    parts = hobby(np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0], [4.0, 4.0]]))
    for before, after in itertools.pairwise(parts):
        a, b = before[3] - before[2], after[1] - after[0]
        assert abs(a[0] * b[1] - a[1] * b[0]) < 1e-9 and a @ b > 0


def test_the_pen_is_slow_in_bends_and_at_corners() -> None:
    corner = curve([(0.0, 0.0, False), (3.0, 0.0, True), (3.0, 3.0, False)])
    steps = np.hypot(*np.diff(moved(corner, [FINE], 0.3), axis=0).T)
    middle = len(steps) // 2
    assert steps[middle - 1 : middle + 1].max() < 0.75 * np.median(steps)


def test_words_are_written_without_lifting_and_letters_get_their_dots() -> None:
    rng = np.random.default_rng(0)
    assert len(write_line("anemone", STEADY, rng)) == 1
    assert len(write_line("an emu", STEADY, rng)) == 2
    strokes = write_line("ink", STEADY, rng)
    assert len(strokes) == 3, "the i, its dot, the rest"
    assert strokes[1][:, 1].min() > 1.2 and np.allclose(strokes[0][-1], strokes[2][0], atol=1e-6), "it goes on there"
    assert write_line("", STEADY, rng) == [] and write_line(" \u1234 ", STEADY, rng) == []


@pytest.mark.parametrize("character", list(LETTERS))
def test_every_letter_stands_on_the_line_and_within_its_height(character: str) -> None:
    every = np.vstack(write_line(character, STEADY, np.random.default_rng(0)))
    assert -1.3 < every[:, 1].min() and every[:, 1].max() < 2.4
    if character.isalnum() and character not in "fgjpqyJY":
        assert abs(every[:, 1].min()) < 0.2, "it stands on the line"


def test_own_lines_are_the_same_for_a_seed_and_hold_every_character() -> None:
    first, second = (own_lines(TEXT, 120, np.random.default_rng(4)) for _ in range(2))
    assert [piece.text for piece in first] == [piece.text for piece in second]
    assert np.array_equal(first[7].strokes[0], second[7].strokes[0])
    seen = set("".join(piece.text for piece in first))
    assert set("0123456789TPW.,!?") <= seen
    slants = {round(any_hand(np.random.default_rng(seed)).slant, 3) for seed in range(9)}
    assert len(slants) == 9


def settings(**values: Any) -> HandwritingSettings:
    return HandwritingSettings(**{
        "steps": 6, "hidden": 12, "mixtures": 2, "windows": 2, "batch": 4, "lines": 20, "validate_every": 3,
        "checkpoint_every": 3, "sample_every": 6, "precision": "float32", **values,
    })


def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_text(TEXT * 3)
    return path


def test_it_learns_from_a_text_and_the_model_is_whole(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    out = tmp_path / "hand.safetensors"
    recipe = HandwritingRecipe(settings(steps=24, lr=1e-2, sample_every=24, validate_every=6))
    figures = train(recipe, book(tmp_path), out, on_event=events.append)
    losses = [event["figures"]["score"] for event in events if event["kind"] == "validate"]
    assert losses[-1] < losses[0] - 0.2
    model = load_model(out, HANDWRITING)
    network = build_pen(model)
    assert network.spec.characters == len(model.config["characters"])
    assert figures["score"] == pytest.approx(losses[-1], abs=0.3)
    assert model.config["primers"] and 5 < model.config["points_per_character"] < 20
    sheet = (tmp_path / "samples" / "handwriting-000024.svg").read_text()
    assert sheet.startswith("<svg") and "<polyline" in sheet


def test_a_stopped_training_goes_on_exactly(tmp_path: Path) -> None:
    data = book(tmp_path)
    whole = train(HandwritingRecipe(settings()), data, tmp_path / "a.safetensors")
    count = iter(range(100))
    train(HandwritingRecipe(settings()), data, tmp_path / "b.safetensors", should_stop=lambda: next(count) == 3)
    again = train(HandwritingRecipe(settings()), data, tmp_path / "b.safetensors", resume=True)
    assert again == whole


def test_a_batch_in_pieces_has_the_loss_of_the_whole(tmp_path: Path) -> None:
    recipe = HandwritingRecipe(settings())
    recipe.prepare(book(tmp_path))
    recipe.build()
    recipe.descend = lambda loss, index: None  # type: ignore[method-assign]
    losses = []
    for shards in ((Shard(),), (Shard(0, 2), Shard(1, 2))):
        recipe.rng = np.random.default_rng(1)
        found = []
        for shard in shards:
            recipe.shard, recipe.rng = shard, copy.deepcopy(np.random.default_rng(1))
            found.append(recipe.step(0)["loss"])
        losses.append(float(np.mean(found)))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_strokes_from_files_are_checked_first(tmp_path: Path) -> None:
    lines = own_lines(TEXT, 20, np.random.default_rng(0))
    pieces = [(line.text, [stroke * 50.0 for stroke in line.strokes]) for line in lines]
    (tmp_path / "mine.json").write_text(to_json([*pieces, ("", pieces[0][1]), ("x" * 9, [np.zeros((4, 2))])]))
    (tmp_path / "bad.svg").write_text("<svg")
    report = HandwritingRecipe(settings(rare=1)).prepare(tmp_path)
    assert report["pieces"] == 20 and len(report["skipped"]) == 3
    assert any("no text" in line for line in report["skipped"]) and any("bad.svg" in line for line in report["skipped"])
    assert report["x_height"] == pytest.approx(50.0, rel=0.25)
    assert 6 < report["points_per_character"] < 16


@pytest.mark.parametrize(("files", "values", "why"), [
    ({}, {}, "holds 0 usable pieces"),
    ({"a.svg": '<svg><path d="M0 0 1 1 2 0"/></svg>'}, {}, "holds 1 usable pieces"),
    ({"a.json": "{}"}, {}, "a.json: it is not"),
])
def test_what_cannot_be_learned_from_is_a_sentence(
    tmp_path: Path, files: dict[str, str], values: dict[str, Any], why: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(TrainingError, match=why):
        HandwritingRecipe(settings(**values)).prepare(tmp_path)
    with pytest.raises(TrainingError, match="longer than 5 points"):
        HandwritingRecipe(settings(longest=5)).prepare(book(tmp_path))
    with pytest.raises(TrainingError, match="hidden: 0 is not"):
        recipe = HandwritingRecipe(settings(hidden=0))
        recipe.prepare(book(tmp_path))
        recipe.build()
