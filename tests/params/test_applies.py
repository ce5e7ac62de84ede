"""When a parameter counts: declared as data, checked when the class is made, told in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.api import Bool, Choice, Context, Float, Generator, Int, Model, Path, Text
from studio.params import ParamSet
from studio.params import applies as conditions
from studio.params.described import from_dict, to_dict


class Moving(Generator):
    """Parameters that do not always count."""

    id, version, makes = "test.moving", 1, "text"

    mode = Choice("still", ("still", "walk", "loop", "grid"))
    moves = Bool(False)
    length = Float(8.0, 1.0, 60.0, applies={"mode": "loop"})
    speed = Float(1.0, 0.0, 4.0, applies=[{"mode": ("walk", "loop")}, {"mode": "grid", "moves": True}])
    boil = Float(0.0, 0.0, 1.0)
    rate = Float(8.0, 0.5, 30.0, applies={"boil": True})
    count = Int(1, 1, 9)
    ratio = Float(1.4, 1.0, 2.0, applies={"count": "> 1"})
    picture = Path("")
    start = Choice("clouds", ("clouds", "noise"), live=False, applies={"picture": False})

    def step(self, ctx: Context) -> str:
        return "."


@pytest.fixture
def values() -> ParamSet:
    return ParamSet(Moving.params)


def test_the_reason_names_the_parameter_and_its_value(values: ParamSet) -> None:
    assert values.why_idle("mode") == "" and values.why_idle("start") == ""
    assert values.why_idle("length") == "Does nothing now: Mode is still."
    assert values.why_idle("rate") == "Does nothing now: Boil is 0."
    assert values.why_idle("ratio") == "Does nothing now: Count is 1."
    values.set("picture", "a.png")
    assert values.why_idle("start") == "Does nothing now: Picture is set."
    values.set("mode", "loop")
    assert values.why_idle("length") == values.why_idle("speed") == ""
    values.set("mode", "grid")
    assert values.why_idle("speed") == "Does nothing now: Moves is off."  # the nearer of the two ways
    values.set("moves", True)
    values.set("count", 2)
    assert values.why_idle("speed") == values.why_idle("ratio") == ""


def test_what_a_modulation_moves_keeps_nothing_back(values: ParamSet) -> None:
    values.modulate("boil", 0.5)
    assert values.why_idle("rate") == ""
    values.modulate("boil", None)
    assert values.why_idle("rate")


def test_words_for_a_list_and_a_tool_tip() -> None:
    params = Moving.params
    assert conditions.in_words(params["mode"], params) == ""
    assert conditions.in_words(params["length"], params) == "only while Mode is loop"
    assert conditions.in_words(params["speed"], params) == (
        "only while Mode is walk or loop, or Mode is grid and Moves is on")
    assert conditions.in_words(params["rate"], params) == "only while Boil is not 0"
    assert conditions.in_words(params["ratio"], params) == "only while Count is above 1"
    assert conditions.in_words(params["start"], params) == "only while Picture is empty"


@pytest.mark.parametrize(("wrong", "says"), [
    ({"mood": "loop"}, "names 'mood'"), ({"mode": "lop"}, "asks mode for 'lop'"),
    ({"mode": True}, "asks mode for True"),
    ({"boil": "loud"}, "asks boil for 'loud'"), ({"own": True}, "names 'own'"), ({"boil": 1.0}, "a comparison like"),
    ({}, "needs the form"), ("mode", "needs the form"), ([{"mode": "loop"}, 3], "needs the form"),
])
def test_a_wrong_declaration_is_told_when_the_class_is_made(wrong: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        type("Wrong", (Generator,), {
            "mode": Choice("still", ("still", "loop")), "boil": Float(0.0, 0.0, 1.0),
            "own": Float(0.0, 0.0, 1.0, applies=wrong), "__module__": __name__})


def test_a_declaration_goes_through_json_to_another_process() -> None:
    for name, param in Moving.params.items():
        again = from_dict(json.loads(json.dumps(to_dict(param))))
        assert again.applies == param.applies, name


def test_a_model_of_several_kinds_is_declared_in_another_process() -> None:
    param = Model("chorales", architecture="event-rnn", also=("roll-rnn",))
    again = from_dict(json.loads(json.dumps(to_dict(param))))
    assert isinstance(again, Model) and again.architectures == ("event-rnn", "roll-rnn") and again.default == "chorales"


def test_a_value_that_does_nothing_asks_for_no_setup_until_it_counts() -> None:
    made, values = Moving(), ParamSet(Moving.params)
    values.set("picture", "a.png")
    made.freeze(values.take())
    values.set("start", "noise")
    assert made.freeze(values.take()) is False and "start" not in made.in_use()
    values.set("picture", "")
    assert made.freeze(values.take()) is True and made.in_use()["start"] == "noise"
    assert made.freeze(values.take()) is False


@given(st.floats(-9, 9), st.sampled_from((">", "<", ">=", "<=", "=", "!=")), st.integers(-9, 9))
def test_comparisons_are_those_of_numbers(value: float, sign: str, limit: int) -> None:
    expected = {">": value > limit, "<": value < limit, ">=": value >= limit, "<=": value <= limit,
                "=": value == limit, "!=": value != limit}
    assert conditions.holds(f"{sign} {limit}", value) is expected[sign]


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=5) | st.integers(),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
                    max_leaves=8))
def test_anything_from_another_process_is_a_declaration_or_a_sentence(given_data: Any) -> None:
    try:
        cleaned = conditions.clean(given_data)
    except TypeError as error:
        assert str(error).startswith("applies")
    else:
        assert all(isinstance(one, dict) for one in cleaned)


def test_a_text_of_blanks_is_empty() -> None:
    class Words(Generator):
        own = Text("")
        style = Choice("a", ("a", "b"), applies={"own": False})

    values = ParamSet(Words.params)
    values.set("own", "  ")
    assert values.why_idle("style") == ""
