"""Range, inversion, curve and smoothing can be undone and never leave the range."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.control.mapping import CURVES, approach, place, shape, unplace, unshape

UNIT = st.floats(0.0, 1.0)


@given(UNIT, st.sampled_from(CURVES))
def test_a_curve_and_back(x: float, curve: str) -> None:
    assert 0.0 <= shape(curve, x) <= 1.0
    assert unshape(curve, shape(curve, x)) == pytest.approx(x, abs=1e-6)


@given(UNIT, UNIT, st.sampled_from(CURVES))
def test_a_curve_rises_and_keeps_its_ends(a: float, b: float, curve: str) -> None:
    assert shape(curve, 0.0) == 0.0 and shape(curve, 1.0) == 1.0
    assert (shape(curve, a) <= shape(curve, b)) or a >= b


@given(UNIT, UNIT, UNIT, st.sampled_from(CURVES), st.booleans())
def test_a_range_and_back(x: float, low: float, high: float, curve: str, invert: bool) -> None:
    there = place(x, low, high, curve, invert)
    assert min(low, high) - 1e-12 <= there <= max(low, high) + 1e-12
    if abs(high - low) > 0.01:
        assert unplace(there, low, high, curve, invert) == pytest.approx(x, abs=1e-5)


@pytest.mark.parametrize("x", [float("nan"), float("inf"), -5.0, 7.0])
def test_a_wild_control_stays_inside(x: float) -> None:
    assert 0.0 <= place(x, 0.0, 1.0) <= 1.0


@given(UNIT, UNIT, st.floats(0.0, 2.0), st.lists(st.floats(0.0, 0.5), max_size=30))
def test_smoothing_moves_towards_the_goal_and_never_past_it(now: float, goal: float, seconds: float,
                                                           steps: list[float]) -> None:
    for dt in steps:
        after = approach(now, goal, seconds, dt)
        assert min(now, goal) - 1e-9 <= after <= max(now, goal) + 1e-9
        now = after


def test_smoothing_takes_its_time_and_arrives() -> None:
    assert approach(0.0, 1.0, 0.5, 0.5) == pytest.approx(0.632, abs=0.001)
    now = 0.0
    for _ in range(600):
        now = approach(now, 1.0, 0.5, 0.01)
    assert now == 1.0
    steps = 0.0
    for _ in range(50):  # in many steps as in one
        steps = approach(steps, 1.0, 0.5, 0.01)
    assert steps == pytest.approx(approach(0.0, 1.0, 0.5, 0.5))
