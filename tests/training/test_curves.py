"""The curves of a training and their picture."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from studio.files import FileError
from studio.training.curves import POINTS, Curves, add, beside, smoothed

LOSS = (0xB4, 0xA6, 0xF0)
VALIDATION = (0xF8, 0xB0, 0x56)
DANGER = (0xF5, 0x77, 0x72)


def step(index: int, value: float) -> dict[str, object]:
    return {"kind": "step", "step": index, "losses": {"loss": value}}


def validation(index: int, **figures: float) -> dict[str, object]:
    return {"kind": "validate", "step": index, "figures": figures}


@settings(deadline=None)
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_what_is_smoothed_stays_within_its_values(values: list[float]) -> None:
    out = smoothed(values)
    room = 1e-6 * max(1.0, *map(abs, values))
    assert len(out) == len(values) and min(values) - room <= min(out) and max(out) <= max(values) + room


def test_smoothing_does_not_lag_behind_a_straight_line() -> None:
    line = [0.01 * k for k in range(600)]
    out = smoothed(line)
    assert max(abs(a - b) for a, b in zip(line[100:-100], out[100:-100], strict=True)) < 0.01


def test_after_a_roll_back_a_curve_goes_on_from_there_and_long_ones_are_thinned() -> None:
    curves = Curves()
    for index in range(1, 50):
        curves.hear(step(index, float(index)))
    curves.hear({"kind": "rollback", "step": 49, "to": 20})
    curves.hear(step(21, 0.5))
    assert curves.train["loss"][-2:] == [(20, 20.0), (21, 0.5)] and curves.rollbacks == [20]
    kept: dict[str, list[tuple[int, float]]] = {}
    for index in range(3 * POINTS):
        add(kept, "x", index, 1.0)
    assert len(kept["x"]) <= POINTS and kept["x"][0][0] == 0 and kept["x"][-1][0] == 3 * POINTS - 1


def test_a_file_of_events_is_read_in_whatever_state_it_is(tmp_path: Path) -> None:
    path = tmp_path / "m.events.jsonl"
    lines = [
        json.dumps(step(1, 2.0)), "not json", "[1]", '{"kind": "step", "step": "x", "losses": {"loss": 1}}',
        '{"kind": "step", "step": 2, "losses": 5}', json.dumps(step(3, math.nan)), json.dumps(step(4, 1.0)), '{"kin',
    ]
    path.write_text("\n".join(lines))
    curves = Curves()
    curves.read(path)
    curves.read(tmp_path / "missing.jsonl")
    assert curves.train == {"loss": [(1, 2.0), (4, 1.0)]} and curves.valid == {}


def drawn(curves: Curves, path: Path) -> np.ndarray:
    curves.draw(path, "Rain", "text")
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def places(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Rows and columns inside the frames that have this colour."""
    return np.argwhere((np.abs(picture[190:812] - colour) < 12).all(2)) + np.array([190, 0])


def test_the_picture_shows_falling_curves_and_where_it_went_back(tmp_path: Path) -> None:
    curves = Curves()
    for index in range(1, 401):
        curves.hear(step(index, 3.0 - index / 200))
    for index in range(100, 401, 100):
        curves.hear(validation(index, score=1.0, validation_loss=3.2 - index / 200))
    curves.hear({"kind": "rollback", "step": 300, "to": 280})
    picture = drawn(curves, tmp_path / "m.png")
    line = places(picture, LOSS)
    left, right = line[line[:, 1] < 400], line[line[:, 1] > 1300]
    assert len(left) and len(right) and left[:, 0].max() < right[:, 0].min(), "down is less"
    dots = places(picture, VALIDATION)
    assert len(dots) > 100 and dots[dots[:, 1] < 600][:, 0].mean() < dots[dots[:, 1] > 1300][:, 0].mean()
    red = places(picture, DANGER)
    assert len(red) > 50 and len(set(red[:, 1])) == 1, "an upright line"


def test_a_figure_of_another_kind_has_an_axis_of_its_own(tmp_path: Path) -> None:
    curves = Curves()
    for index in range(1, 100):
        curves.hear(step(index, 1.0))
        curves.hear(validation(index, kernel_distance=10.0 / index))
    assert beside("validation_nats_per_character") and not beside("kernel_distance")
    picture = drawn(curves, tmp_path / "m.png")
    assert places(picture, LOSS)[:, 1].max() < 950 < places(picture, VALIDATION)[:, 1].min()


@pytest.mark.parametrize("value", [0.0, -3.0, 1e-30, 1e30])
def test_any_single_value_can_be_drawn(tmp_path: Path, value: float) -> None:
    curves = Curves()
    curves.hear(step(1, value))
    curves.hear(validation(1, score=value))
    assert drawn(curves, tmp_path / "m.png").shape == (900, 1600, 3)


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    curves = Curves()
    curves.hear(step(1, 1.0))
    with pytest.raises(FileError, match="does not exist"):
        curves.draw(tmp_path / "no" / "m.png", "Rain", "text")
