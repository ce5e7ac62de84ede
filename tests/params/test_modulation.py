"""Modulation: an offset that only the steps see, on any kind a control can move."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.api import Bool, Choice, Color, Float, Generator, Int, Point, Text, Trigger
from studio.params import ParamError, ParamSet


class Look(Generator):
    speed = Float(1.0, 0.0, 4.0)
    scale = Float(4.0, 1.0, 16.0, curve="log")
    steps = Int(3, 1, 9)
    loud = Bool(False)
    kind = Choice("a", ("a", "b", "c"))
    tint = Color((1.0, 0.0, 0.0))
    place = Point((0.0, 0.5))
    words = Text("x")
    go = Trigger()
    size = Int(64, 16, 256, live=False)


def values() -> ParamSet:
    return ParamSet(Look.params)


def test_an_offset_is_in_the_step_and_nowhere_else() -> None:
    bag = values()
    before = bag.dump()
    bag.modulate("speed", 0.25)
    assert bag.take()["speed"] == pytest.approx(2.0)
    assert bag["speed"] == 1.0 and bag.norm("speed") == 0.25 and bag.dump() == before
    assert bag.modulated("speed") == pytest.approx(0.5) and bag.modulated("scale") is None
    bag.set("speed", 2.0)
    assert bag.take()["speed"] == pytest.approx(3.0)
    bag.modulate("speed", None)
    assert bag.take()["speed"] == 2.0 and bag.modulated("speed") is None


def test_every_kind_that_a_control_moves() -> None:
    bag = values()
    for name in ("scale", "steps", "loud", "kind", "tint", "place"):
        bag.modulate(name, 0.5)
    step = bag.take()
    assert step["scale"] == pytest.approx(16.0) and step["steps"] == 7 and step["loud"] is True
    assert step["kind"] == "b" and step["place"] == (1.0, 0.5)
    assert step["tint"] == pytest.approx((0.0, 1.0, 1.0))
    bag.modulate("tint", -0.25)  # a hue goes round
    assert bag.modulated("tint") == pytest.approx(0.75)


@pytest.mark.parametrize(("name", "says"), [("words", "cannot be modulated"), ("go", "bind it"), ("size", "restarts"),
                                            ("speeed", "speed")])
def test_what_cannot_be_modulated_says_why(name: str, says: str) -> None:
    with pytest.raises(ParamError, match=says):
        values().modulate(name, 0.1)


@given(st.floats(0.0, 4.0), st.floats(allow_nan=True, allow_infinity=True))
def test_a_step_never_leaves_the_range(value: float, amount: float) -> None:
    bag = values()
    bag.set("speed", value)
    bag.modulate("speed", amount)
    assert 0.0 <= bag.take()["speed"] <= 4.0 and bag["speed"] == value


def test_threads_modulate_while_a_worker_takes() -> None:
    bag = values()
    bag.set("speed", 2.0)
    stop = threading.Event()

    def turn() -> None:
        place = 0
        while not stop.is_set():
            place += 1
            bag.modulate("speed", (0.25, -0.25, None)[place % 3])

    thread = threading.Thread(target=turn)
    thread.start()
    seen = {bag.take()["speed"] for _ in range(2000)}
    stop.set()
    thread.join()
    assert seen <= {1.0, 2.0, 3.0}
