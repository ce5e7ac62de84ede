"""Parameters: one mapping between a value and 0..1, files that never fail, a mailbox that loses no shot."""

from __future__ import annotations

import json
import math
import threading
from pathlib import PurePosixPath

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from studio.api import Bool, Choice, Color, Float, Generator, Int, Model, Path, Point, Seed, Text, Trigger
from studio.params import MAX_TEXT, Param, ParamError, ParamSet

POSITION = st.floats(0.0, 1.0)


@st.composite
def floats(draw: st.DrawFn) -> Float:
    curve = draw(st.sampled_from(["linear", "log", "exp"]))
    low = draw(st.floats(1e-6, 1e6) if curve == "log" else st.floats(-1e6, 1e6))
    span = draw(st.floats(1e-3, 1e6))
    low, high = low, low + max(span, abs(low) * 1e-3)
    return Float(low, low, high, curve=curve)


@st.composite
def ints(draw: st.DrawFn) -> Int:
    curve = draw(st.sampled_from(["linear", "log", "exp"]))
    low = draw(st.integers(1 if curve == "log" else -10_000, 10_000))
    return Int(low, low, low + draw(st.integers(1, 100_000)), curve=curve)


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    names = draw(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=200, unique=True))
    return Choice(names[0], names)


ORDERED = st.one_of(floats(), ints(), choices(), st.just(Bool(False)), st.just(Seed(0)))


def rank(param: Param, value: object) -> float:
    return param.choices.index(value) if isinstance(param, Choice) else float(value)


@given(ORDERED, POSITION, POSITION)
def test_the_mapping_is_monotonic(param: Param, a: float, b: float) -> None:
    a, b = sorted((a, b))
    assert rank(param, param.from_norm(a)) <= rank(param, param.from_norm(b))


@given(ORDERED, POSITION)
def test_a_value_survives_the_way_to_the_control_and_back(param: Param, position: float) -> None:
    value = param.from_norm(position)
    assert param.clean(value) == (value, "")
    there = param.to_norm(value)
    assert 0.0 <= there <= 1.0
    back = param.from_norm(there)
    if isinstance(param, Float):
        assert math.isclose(back, value, rel_tol=1e-6, abs_tol=1e-6 * (param.high - param.low))
    else:
        assert back == value


@given(ORDERED)
def test_the_ends_of_the_control_are_the_ends_of_the_range(param: Param) -> None:
    low, high = param.from_norm(0.0), param.from_norm(1.0)
    if isinstance(param, (Float, Int)):
        assert (low, high) == (param.low, param.high)
    elif isinstance(param, Choice):
        assert (low, high) == (param.choices[0], param.choices[-1])
    for outside in (-3.0, math.nan, -math.inf):
        assert param.from_norm(outside) == low
    assert param.from_norm(2.0) == high


@given(POSITION, st.floats(-3, 3), st.floats(0.01, 5), st.floats(0, 1))
def test_a_point_moves_in_x_and_keeps_y(position: float, low: float, span: float, y: float) -> None:
    point = Point((low, low), low, low + span)
    values = ParamSet({"pad": point})
    values.set("pad", (low, low + span * y))
    kept = values["pad"][1]
    values.set_norm("pad", position)
    assert values["pad"][1] == kept
    assert point.clean(values["pad"]) == (values["pad"], "")
    assert math.isclose(values.norm("pad"), position, abs_tol=1e-9)


@given(st.floats(0.0, 0.999), st.tuples(POSITION, POSITION, POSITION))
def test_a_colour_turns_its_hue_and_comes_back(position: float, default: tuple[float, float, float]) -> None:
    values = ParamSet({"tint": Color(default)})
    values.set_norm("tint", position)
    assert math.isclose(values.norm("tint"), position, abs_tol=1e-6)
    assert Color(default).clean(Color(default).to_json(values["tint"]))[0] == values["tint"]


def test_a_colour_is_written_short_where_that_is_exact() -> None:
    color = Color((0.0, 0.0, 0.0))
    assert color.to_json(color.clean("#ff8800")[0]) == "#ff8800"
    assert color.to_json((0.5, 0.1, 0.2)) == [0.5, 0.1, 0.2]
    assert color.clean([2, -1, 0.5]) == ((1.0, 0.0, 0.5), ": colour clamped to 0..1")


def test_choices_share_the_travel_equally() -> None:
    choice = Choice("a", "abcd")
    counts = [sum(choice.from_norm(cc / 127) == name for cc in range(128)) for name in "abcd"]
    assert max(counts) - min(counts) <= 1


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("9" * 5000)
    | st.just("x" * 30_000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=6,
)


def everything() -> dict[str, Param]:
    made: dict[str, Param] = {
        "f": Float(0.5, 0, 1), "l": Float(2, 1, 9, curve="log"), "i": Int(3, 0, 9), "b": Bool(True),
        "c": Choice("x", "xyz"), "t": Text("hi"), "p": Path(), "m": Model(architecture="gan"), "o": Color((0, 0, 0)),
        "q": Point(), "s": Seed(7), "g": Trigger(),
    }
    for name, param in made.items():
        param.name = name
    return made


@given(st.dictionaries(st.sampled_from([*"flibctpmoqsg", "else", ""]), ANYTHING))
@example({name: [["x" * 30_000] * 3] * 3 for name in "flibctpmoqsg"})
def test_load_takes_any_json_and_leaves_valid_values(data: dict[str, object]) -> None:
    values = ParamSet(everything())
    report = values.load(data)
    assert all(isinstance(line, str) and line and len(line) < 400 for line in report)
    for name, param in values.params.items():
        assert param.clean(values[name]) == (values[name], "")
    assert set(values.unknown) == {name for name in data if name not in values.params}


@given(st.none() | st.lists(st.integers()) | st.text() | st.integers())
def test_load_of_something_without_names_is_reported(data: object) -> None:
    values = ParamSet(everything())
    before = values.dump()
    assert len(values.load(data)) == 1
    assert values.dump() == before


@given(st.data())
@settings(max_examples=50)
def test_dump_and_load_round_trip_through_json(data: st.DataObject) -> None:
    values = ParamSet(everything())
    for name in "flibcqso":
        values.set_norm(name, data.draw(POSITION))
    values.set("t", data.draw(st.text(max_size=50)))
    again = ParamSet(everything())
    assert again.load(json.loads(json.dumps(values.dump()))) == []
    assert again.dump() == values.dump()
    assert "g" not in values.dump()


def test_unknown_names_are_kept_reported_and_belong_to_one_file() -> None:
    values = ParamSet(everything())
    assert values.load({"warp": [1, {"a": 2}], "i": 5}) == ["warp: unknown parameter, kept but not used"]
    assert values.dump()["warp"] == [1, {"a": 2}]
    values.load({"i": 6})
    assert "warp" not in values.dump()


@pytest.mark.parametrize(
    ("name", "value", "kept", "says"),
    [
        ("f", 7, 1.0, "above 1"), ("f", math.nan, 0.5, "NaN"), ("f", "abc", 0.5, "not a number"),
        ("f", True, 0.5, "not a number"),
        ("f", -math.inf, 0.0, "below"), ("i", 3.4, 3, "rounded"), ("b", 2, True, "on or off"),
        ("c", "w", "x", "x, y, z"),
        ("t", 5, "hi", "not text"), ("p", "a\0b", "", "not a path"), ("o", "red", (0.0, 0.0, 0.0), "colour"),
        ("q", [1], (0.0, 0.0), "two numbers"), ("s", -1, 2**31 - 1, "wrapped"), ("s", 0.5, 7, "whole"),
        ("f", 10**400, 1.0, "above"), ("f", "1" * 10_000_000, 0.5, "not a number"),
    ],
)
def test_bad_values_are_clamped_or_refused_with_a_sentence(name: str, value: object, kept: object, says: str) -> None:
    values = ParamSet(everything())
    (line,) = values.load({name: value})
    assert says in line and line.startswith(f"{name}:") and len(line) < 250
    assert values[name] == kept


def test_numbers_of_numpy_and_text_of_the_command_line_are_taken() -> None:
    values = ParamSet(everything())
    assert values.load({
        "f": np.float32(0.25), "i": np.int64(4), "b": "off", "c": " Y ", "q": "0.5, -0.5", "o": "#FFFFFF",
        "s": "2147483647", "p": PurePosixPath("a/b.png"),
    }) == []
    assert values["f"] == 0.25 and values["i"] == 4 and values["b"] is False and values["c"] == "y"
    assert values["q"] == (0.5, -0.5) and values["o"] == (1.0, 1.0, 1.0) and values["p"] == "a/b.png"
    assert values["s"] == 2**31 - 1


def test_a_number_too_long_to_write_out_is_clamped_or_refused() -> None:
    values = ParamSet(everything())
    report = values.load(dict.fromkeys("fibctoqs", 10 ** 6000))
    assert len(report) == 8 and values["i"] == 9 and values["f"] == 1.0 and values["c"] == "x"
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert len(values.load({"f": deep, "t": deep, "o": deep})) == 3


def test_long_text_is_cut_and_reported() -> None:
    values = ParamSet(everything())
    (line,) = values.load({"t": "x" * 10_000_000})
    assert "cut" in line and len(values["t"]) == MAX_TEXT


def test_a_wrong_name_gets_a_near_match() -> None:
    with pytest.raises(ParamError, match="did you mean speed"):
        ParamSet({"speed": Float(0.5, 0, 1)}).set("sped", 1)


def test_text_is_not_moved_by_a_controller() -> None:
    with pytest.raises(ParamError, match="cannot be moved"):
        ParamSet(everything()).set_norm("t", 0.5)


def test_a_trigger_is_true_in_one_step_and_a_release_does_not_take_it_back() -> None:
    values = ParamSet(everything())
    values.set_norm("g", 1.0)
    values.set_norm("g", 0.0)
    assert values.take()["g"] is True
    assert values.take()["g"] is False
    for position in (0.6, 0.7, 0.8):  # one sweep of a knob is one shot
        values.set_norm("g", position)
    assert values.take()["g"] is True
    values.set_norm("g", 0.9)
    assert values.take()["g"] is False


def test_a_snapshot_is_consistent_while_others_set() -> None:
    values = ParamSet(everything())
    stop = threading.Event()

    def turn() -> None:
        while not stop.is_set():
            for position in (0.0, 1.0):
                values.set_norm("q", position)

    thread = threading.Thread(target=turn)
    thread.start()
    try:
        for _ in range(300):
            snapshot = values.take()
            assert set(snapshot) == set(values.params) and snapshot["q"][0] in (-1.0, 0.0, 1.0)
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Float(0, 1, 1), "low < high"), (lambda: Float(0, 0, math.inf), "low < high"),
        (lambda: Float(0, -1e308, 1e308), "low < high"), (lambda: Float(1, 0, 1, curve="log"), "low > 0"),
        (lambda: Float(1, 0, 1, curve="wavy"), "unknown curve"), (lambda: Int(1, 0.5, 3), "whole numbers"),
        (lambda: Choice("a", []), "at least one"), (lambda: Choice("a", ["a", "a"]), "twice"),
        (lambda: Choice(1, [1, 2]), "must be text"), (lambda: Point(low=1, high=0), "low < high"),
    ],
)
def test_a_wrong_declaration_is_told_at_once(make: object, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        make()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"speed": Float(9, 0, 1)}, r"Odd\.speed: the default is not valid: speed: 9 is above 1"),
        ({"speed": Choice("q", "ab")}, r"Odd\.speed: the default is not valid"),
        ({"_speed": Float(0, 0, 1)}, "underscore"),
        ({"setup": Float(0, 0, 1)}, "used by Generator itself"),
    ],
)
def test_a_wrong_default_names_class_parameter_and_rule(body: dict[str, object], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        type("Odd", (Generator,), {"id": "test.odd", "step": lambda self, ctx: None, **body})


def test_one_object_is_one_parameter() -> None:
    knob = Float(0, 0, 1)
    with pytest.raises(TypeError, match="declare each parameter on its own"):
        type("Odd", (Generator,), {"id": "test.odd", "step": lambda self, ctx: None, "a": knob, "b": knob})
