"""How numbers are written, read, rounded and stepped, for any range and curve."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from studio.params import Float, Int, ParamError
from studio.ui.inspector.numbers import Number, digits_of, parse, stepped, tidy, to_text, with_unit


@st.composite
def floats(draw: st.DrawFn) -> Float:
    curve = draw(st.sampled_from(("linear", "log", "exp")))
    span = 10.0 ** draw(st.integers(-3, 5))
    low = span / draw(st.sampled_from((10, 1000))) if curve == "log" else draw(st.sampled_from((0.0, -span, span)))
    param = Float(low, low, low + span, curve=curve, unit=draw(st.sampled_from(("", "Hz", "px", "1/s", "°/s", "s"))))
    param.name = "x"
    return param


@st.composite
def ints(draw: st.DrawFn) -> Int:
    low = draw(st.integers(1, 100))
    param = Int(low, low, low + draw(st.integers(1, 5000)), curve=draw(st.sampled_from(("linear", "log", "exp"))))
    param.name = "n"
    return param


positions = st.floats(0.0, 1.0)


@given(floats(), positions, st.booleans())
def test_a_dragged_value_stays_under_the_hand(param: Float, position: float, fine: bool) -> None:
    value = tidy(param, position, fine=fine)
    assert param.low <= value <= param.high
    # the square law is flat at its low end: a small step of the value is a larger one of the hand
    reach = 0.0105 if param.curve == "exp" and position < 0.02 else 0.0015
    assert abs(param.to_norm(value) - position) <= reach


@given(floats())
def test_both_ends_can_be_reached_exactly(param: Float) -> None:
    assert (tidy(param, 0.0), tidy(param, 1.0)) == (param.low, param.high)


@given(floats(), positions)
def test_what_is_shown_can_be_typed_again(param: Float, position: float) -> None:
    value = tidy(param, position)
    again, note = parse(param, to_text(param, value))
    assert math.isclose(again, value, rel_tol=1e-6, abs_tol=1e-9 + (param.high - param.low) * 1e-6)
    assert not note or value in (param.low, param.high)


@given(ints(), positions)
def test_whole_numbers_are_written_whole(param: Int, position: float) -> None:
    value = tidy(param, position)
    assert isinstance(value, int)
    assert parse(param, digits_of(param, value)) == (value, "")


@given(st.one_of(floats(), ints()), positions, st.sampled_from((-1, 1)), st.booleans())
def test_a_key_always_moves_a_value_and_never_out_of_its_range(
    param: Number, position: float, direction: int, fine: bool
) -> None:
    value = tidy(param, position)
    moved = stepped(param, value, direction, fine=fine)
    assert param.low <= moved <= param.high
    at_the_end = value == (param.high if direction > 0 else param.low)
    assert (moved - value) * direction > 0 or at_the_end


@settings(deadline=None, max_examples=20)
@given(st.one_of(floats(), ints()))
def test_keys_alone_reach_both_ends(param: Number) -> None:
    assume(not (isinstance(param, Int) and param.high - param.low > 1000))
    value: float = param.low
    for _ in range(1200):
        value = stepped(param, value, 1)
    assert value == param.high


SPEED = Float(0.3, 0.0, 4.0, unit="Hz")
SPEED.name = "speed"


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.5", 1.5), (" 1,5 ", 1.5), ("1.5 Hz", 1.5), ("1.5hz", 1.5), ("50%", 0.5), ("1/4", 0.25), ("3e-1", 0.3),
     ("−0", 0.0)],
)
def test_numbers_as_people_type_them(text: str, value: float) -> None:
    assert parse(SPEED, text) == (value, "")


@pytest.mark.parametrize("text", ["fast", "", "1.5 px", "1/0", "nan", "--1", "1" * 500, "1,2,3"])
def test_nonsense_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(ParamError, match=r"0\.00 to 4\.00"):
        parse(SPEED, text)


@pytest.mark.parametrize("text", ["0.411/s", "0.411 1/s", "0.411", "0.411 /S"])
def test_a_rate_per_second_is_not_read_as_part_of_the_number(text: str) -> None:
    rate = Float(0.4, 0.0, 1.0, unit="1/s")
    rate.name = "rate"
    assert parse(rate, text) == (0.411, "")


def test_too_much_is_clamped_and_told() -> None:
    value, note = parse(SPEED, "17")
    assert value == 4.0 and "above 4" in note


def test_units_stand_as_in_print() -> None:
    assert with_unit("0.4", "1/s") == "0.4/s"
    assert with_unit("90", "°/s") == "90°/s"
    assert with_unit("4", "px") == "4\u202fpx"
    assert digits_of(Float(-0.5, -1, 1), -0.5) == "−0.50"
    assert digits_of(Float(0.0, -1, 1), -0.0) == "0.00"
