"""Handwriting on paper: words find their places, ink grows with the beat, strokes leave as SVG."""

from __future__ import annotations

import itertools
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.api import Words
from studio.cli import main
from studio.engine import GeneratorError, Stage, render
from studio.media import Drawing
from studio.nn.handwriting import HANDWRITING, PenRNN, PenSpec
from studio.nn.ink import lay, pressed
from studio.nn.pen_files import read_strokes
from studio.nn.weights import save_model
from studio.params import ParamSet
from studio.plugins import discover

torch.set_num_threads(1)
PLUGIN = discover(builtin_only=True).get("reverie.handwriting")
MADE = PLUGIN.load()
PACKAGE = MADE.__module__.rpartition(".")[0]
hand, sheet = (sys.modules[f"{PACKAGE}.{name}"] for name in ("hand", "sheet"))
CHARACTERS = [*" abcdefghijklmnop.", "\x03"]
SCRIBBLE = [[0.0, 0.0, 0], [0.3, 0.9, 0], [0.2, -0.9, 0], [0.3, 0.4, 0], [0.2, -0.4, 1]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A network that knows nothing yet, and moves on by a third of a character per point."""
    torch.manual_seed(2)
    network = PenRNN(PenSpec(len(CHARACTERS), 8, windows=2, mixtures=2))
    with torch.no_grad():
        network.look.weight.zero_()
        network.look.bias[4:] = math.log(0.33)
        network.head.bias[2:6] = 0.2
    path = tmp_path_factory.mktemp("hand") / "tiny.safetensors"
    save_model(path, dict(network.state_dict()), HANDWRITING, {
        "network": network.spec.to_json(), "characters": CHARACTERS, "scale": 0.4, "points_per_character": 3.0,
        "primers": [{"text": "a", "points": SCRIBBLE}, {"text": "b", "points": SCRIBBLE[::-1]}],
    })
    return str(path)


def stage(model: str, **values: Any) -> Stage:
    found = ParamSet(MADE.params)
    for name, value in {"model": model, "text": "a big fog", "pen_shown": "none", **values}.items():
        found.set(name, value)
    return Stage(MADE, found, PLUGIN.folder)


def frames(model: str, count: int, dims: tuple[int, int] = (320, 180), **values: Any) -> list[np.ndarray]:
    keys = {"still", "on_drawing", "spoken", "on_notice"}
    extra = {name: values.pop(name) for name in keys & set(values)}
    return list(render([stage(model, **values)], frames=count, fps=30.0, size=dims, **extra))  # type: ignore[arg-type]


def ink(picture: np.ndarray) -> float:
    """How dark the writing makes a picture."""
    return float((255.0 - picture.astype(float)).clip(60.0).sum())


# --- words on a sheet ---


def word(width: float, text: str = "w") -> Any:
    strokes = (np.array([[0.0, 0.0], [width / 2, 1.0], [width, 0.0]], np.float32),)
    return hand.Word(text, strokes, 0.7, width)


LOOK = sheet.Look(20.0, 30.0, 4.0, 0.0, 0.1, 0.5, (0.0, 0.0, 0.5), (1.0, 1.0, 1.0), "plain")


@given(st.lists(st.floats(0.2, 12.0), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_no_word_leaves_its_line_and_none_overlaps_another(widths: list[float]) -> None:
    page = sheet.Sheet(14.0, 100)
    spans: dict[float, list[tuple[float, float]]] = {}
    for width in widths:
        (line,) = page.place(word(width), LOOK)
        left, right = float(line.points[:, 0].min()), float(line.points[:, 0].max())
        assert left >= -1e-4 and right <= 14.0 + 1e-4
        spans.setdefault(round(float(line.points[0, 1]), 3), []).append((left, right))
    for row in spans.values():
        assert all(b[0] - a[1] > 0.5 for a, b in itertools.pairwise(row))
    downs = sorted(spans)
    assert np.allclose(np.diff(downs), 4.0, atol=0.01), "line by line"


def test_a_full_sheet_says_so() -> None:
    page = sheet.Sheet(10.0, 2)
    for _ in range(2):
        assert page.fits(word(9.0))
        page.place(word(9.0), LOOK)
    assert not page.fits(word(9.0)) and page.fits(word(0.2))


def test_ink_is_as_wide_as_it_is_said() -> None:
    mask = np.zeros((60, 240), np.uint8)
    points = np.array([[20.0, 30.0], [120.0, 30.0], [220.0, 30.0]], np.float32)
    assert lay(mask, points, np.full(3, 8.0)) == (15, 25, 225, 35)
    assert mask.sum() / 255.0 == pytest.approx(200 * 8 + math.pi * 16, rel=0.03)
    thin = np.zeros((60, 240), np.uint8)
    lay(thin, points, np.full(3, 1.5))
    assert thin.sum() / 255.0 == pytest.approx(200 * 1.5, rel=0.1)
    down = np.stack([np.zeros(9), np.arange(9) * 0.3], 1).astype(np.float32)
    assert pressed(down, 1.0, unit=1.0)[-1] > 1.3 > pressed(down[::-1], 1.0, unit=1.0)[-1]
    assert np.allclose(pressed(down, 0.0, unit=1.0), 1.0)


# --- the generator ---


def test_it_writes_in_time_and_the_same_each_time(model: str) -> None:
    slow, again, quick = frames(model, 30, speed=2.0), frames(model, 30, speed=2.0), frames(model, 30, speed=4.0)
    assert all(np.array_equal(a, b) for a, b in zip(slow, again, strict=True))
    grown = [ink(picture) for picture in slow]
    assert grown[-1] > grown[10] > grown[0], "ink only grows"
    assert grown[-1] - grown[0] < ink(quick[-1]) - ink(quick[0])
    other = frames(model, 30, speed=2.0, seed=9)
    assert not np.array_equal(slow[-1], other[-1])


def test_a_word_waits_for_its_beat(model: str) -> None:
    pictures = frames(model, 46, text="a a a", start_on="beat", speed=64.0)
    changes = [i for i in range(1, 46) if not np.array_equal(pictures[i], pictures[i - 1])]
    starts = [i for before, i in itertools.pairwise([0, *changes]) if i - before > 3]
    assert [round(start / 15) for start in starts] == [1, 2], "15 frames are a beat"


def test_a_still_is_finished_and_leaves_as_strokes(model: str, tmp_path: Path) -> None:
    drawn: list[Drawing] = []
    (picture,) = frames(model, 1, still=True, on_drawing=drawn.append)
    assert drawn[0].width == 320 and len(drawn[0].strokes) >= 3
    every = np.vstack([stroke.points for stroke in drawn[0].strokes])
    (empty,) = frames(model, 1, still=True, text=" ")
    lit = np.abs(picture.astype(int) - empty).sum(2) > 60
    rows, columns = np.flatnonzero(lit.any(1)), np.flatnonzero(lit.any(0))
    assert columns[0] == pytest.approx(every[:, 0].min(), abs=6) and rows[-1] == pytest.approx(every[:, 1].max(), abs=6)
    out = tmp_path / "a.svg"
    assert main(["render", "handwriting", "--set", f"model={model}", "--set", "text=a big fog", "--size", "320x180",
                 "-o", str(out), "-o", str(tmp_path / "a.png"), "--quiet", "--option", "lines=centre"]) == 0
    (piece,), _ = read_strokes(out)
    assert len(piece.strokes) == len(drawn[0].strokes)
    assert main(["render", "--recipe", str(out), "-o", str(tmp_path / "b.svg"), "--quiet"]) == 0
    assert (tmp_path / "b.svg").read_text() == out.read_text()


def test_players_write_by_hand(model: str) -> None:
    def spoken(t: float) -> tuple[Words, ...]:
        return (Words("nomad ", "1"),) if abs(t - 10 / 30) < 1e-6 else ()

    pictures = frames(model, 40, source="players", speed=16.0, spoken=spoken, text="")
    assert np.array_equal(pictures[0], pictures[9])
    assert ink(pictures[-1]) > ink(pictures[9])


def test_pages_turn_and_the_text_begins_again(model: str) -> None:
    pictures = frames(model, 200, text="a / b", speed=64.0, rest=1.0)
    blank = ink(pictures[0])
    amounts = [ink(picture) for picture in pictures]
    full = int(np.argmax(amounts[:100]))
    assert min(amounts[full:]) == pytest.approx(blank, rel=0.02), "the page was turned"
    assert max(amounts[full + 60 :]) - blank > 0.5 * (amounts[full] - blank), "and written on again"
    once = frames(model, 150, text="a / b", speed=64.0, rest=1.0, repeat=False)
    assert np.array_equal(once[-1], once[-40])


def test_own_strokes_are_gone_on_from_and_bad_ones_are_said(model: str, tmp_path: Path) -> None:
    (tmp_path / "me.svg").write_text('<svg><title>am</title><path d="M0 40 10 0 20 40 30 10 40 40"/></svg>')
    plain = frames(model, 20, speed=16.0)
    mine = frames(model, 20, speed=16.0, primer=str(tmp_path / "me.svg"))
    assert not np.array_equal(plain[-1], mine[-1])
    notices: list[str] = []
    assert np.array_equal(frames(model, 20, speed=16.0, primer=str(tmp_path / "no.svg"), on_notice=notices.append)[-1],
                          plain[-1])
    assert any(line.startswith("primer:") for line in notices)
    frames(model, 2, text="café ☃", on_notice=notices.append)
    assert any("é" in line for line in notices)


def test_the_look_changes_while_it_writes(model: str) -> None:
    values = stage(model, speed=32.0)
    pictures = []
    for number, picture in enumerate(render([values], frames=24, fps=30.0, size=(320, 180))):
        pictures.append(picture)
        if number == 19:
            values.values.set("ink_colour", "#ff0000")
            values.values.set("paper_colour", "#000000")
    assert pictures[19].mean() > 150 and pictures[23].mean() < 60  # type: ignore[union-attr]
    assert pictures[23][:, :, 0].max() > 120, "what stands there is written again"  # type: ignore[index]


def test_a_pen_is_seen_over_the_paper_and_leaves_no_trace(model: str) -> None:
    with_pen, without = frames(model, 30, pen_shown="nib", speed=1.0), frames(model, 30, speed=1.0)
    assert not np.array_equal(with_pen[20], without[20])
    assert (with_pen[20] != without[20]).any(2).mean() < 0.2


def test_a_model_that_is_no_handwriting_is_a_sentence(tmp_path: Path) -> None:
    network = PenRNN(PenSpec(4, 8, windows=2, mixtures=2))
    path = tmp_path / "a.safetensors"
    save_model(path, dict(network.state_dict()), HANDWRITING, {"network": network.spec.to_json(), "scale": 1.0})
    with pytest.raises(GeneratorError, match="no usable handwriting"):
        frames(str(path), 1)
    save_model(path, dict(network.state_dict()), HANDWRITING, {
        "network": network.spec.to_json(), "scale": 1.0, "characters": ["a"]})
    with pytest.raises(GeneratorError, match="do not fit its network"):
        frames(str(path), 1)
    with pytest.raises(GeneratorError, match="needs a handwriting-mdn model"):
        frames("house_feel", 1)
