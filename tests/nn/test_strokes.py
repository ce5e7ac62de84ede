"""The stroke font: its digits, curves through their points, and files that are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.files import FileError
from studio.nn.strokes import Hand, Stroke, StrokesError, curve, house_font, load_font, write, writings

GOOD = {"format": "reverie.strokes", "format_version": 1, "signs": {"i": [[{"points": [[0.5, 0.1], [0.5, 0.9]]}]]}}


def test_the_house_font_has_the_ten_digits() -> None:
    assert house_font().names == list("0123456789")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=9))
def test_a_curve_passes_its_points(points: list[tuple[float, float]]) -> None:
    given_points = np.array(points)
    made = curve(given_points, 5)
    assert len(made) == 5 * (len(points) - 1) + 1 and np.allclose(made[::5], given_points)


def test_a_straight_row_stays_straight() -> None:
    assert np.allclose(curve(np.array([[0, 0], [0.5, 0.5], [1, 1]]))[:, 0], np.linspace(0, 1, 17))


def test_a_bar_is_where_it_was_drawn() -> None:
    steady = Hand(turn=0, slant=0, size=0, place=0, shake=0, pen=(0.1, 0.1))
    bar = (Stroke(np.array([[0.5, 0.1], [0.5, 0.9]]), smooth=False),)
    drawn = write(bar, 40, np.random.default_rng(0), steady) / 255.0
    rows, columns = np.nonzero(drawn > 0.5)
    assert abs(columns.mean() - 19.5) <= 1 and 3 <= np.ptp(columns) + 1 <= 6
    assert rows.min() == pytest.approx(20 - 0.4 * 0.74 * 40, abs=3) and drawn[:, :12].max() == 0


def test_writings_are_all_there_equally_often_and_follow_from_the_seed() -> None:
    one, labels = writings(house_font(), 40, 20, np.random.default_rng(4))
    two, same = writings(house_font(), 40, 20, np.random.default_rng(4))
    assert np.array_equal(one, two) and np.array_equal(labels, same) and np.bincount(labels).tolist() == [4] * 10
    assert len({picture.tobytes() for picture in one}) == 40 and all(20 < p.sum() / 255 < 160 for p in one)


def test_digits_can_be_told_apart() -> None:
    """The nearest of 300 others is of the same sign, nearly always: they are ten signs, not ten smudges."""
    rng = np.random.default_rng(1)
    known, names = writings(house_font(), 300, 16, rng)
    asked, truth = writings(house_font(), 100, 16, rng)
    a, b = (part.reshape(len(part), -1).astype(float) for part in (asked, known))
    found = names[np.argmin(((a[:, None] - b[None]) ** 2).sum(2), 1)]
    assert (found == truth).mean() > 0.8


@pytest.mark.parametrize(("change", "words"), [
    ({"format": "x"}, "not a stroke font"), ({"format_version": 2}, "reads version 1"),
    ({"signs": {}}, "1 to 256 signs"),
    ({"signs": {"a": []}}, "sign 'a'.*list of ways"), ({"signs": {"a": [[{"points": [[0, 0]]}]]}}, "2 to 64 pairs"),
    ({"signs": {"a": [[{"points": [[0, 0], [0, 1.5]]}]]}}, "from 0 to 1"),
    ({"signs": {"a": [[{"points": [[0, 0], [0, 1]], "smooth": "no"}]]}}, "smooth"),
    ({"signs": {"a": [[[0, 1]]]}}, "must be an object"),
])
def test_a_wrong_font_is_a_sentence(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = tmp_path / "font.json"
    path.write_text(json.dumps({**GOOD, **change}), encoding="utf-8")
    with pytest.raises(StrokesError, match=words):
        load_font(path)


def test_a_good_font_and_a_missing_one(tmp_path: Path) -> None:
    path = tmp_path / "font.json"
    path.write_text(json.dumps(GOOD), encoding="utf-8")
    assert load_font(path).title == "font" and load_font(path).signs["i"][0][0].smooth
    with pytest.raises(FileError, match=r"none\.json"):
        load_font(tmp_path / "none.json")
