"""Bindings at work: one mailbox per source, take-over, switches, encoders, feedback, learning."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.control.binding import Binding, Source, Target
from studio.control.router import HELD_SECONDS, Router

KNOB = Source("cc", 7)
SPEED, LOUD, GO = Target("speed", "A"), Target("loud", "A"), Target("go", "A")


class Desk:
    """Targets of a test: numbers, switches and actions by name."""

    def __init__(self) -> None:
        self.values = {"speed": 0.5, "other": 0.5, "loud": 0.0}
        self.fired: list[str] = []
        self.writes = 0
        self.gone: set[str] = set()

    def style(self, target: Target) -> str:
        if target.name in self.gone:
            return ""
        return {"loud": "switch", "go": "action"}.get(target.name, "number")

    def read(self, target: Target) -> float:
        return self.values[target.name]

    def write(self, target: Target, position: float) -> None:
        self.writes += 1
        self.values[target.name] = float(position >= 0.5) if target.name == "loud" else position

    def fire(self, target: Target) -> None:
        self.fired.append(target.name)


class Stand:
    """A router, a desk and a clock."""

    def __init__(self, *bindings: Binding) -> None:
        self.router, self.desk, self.now = Router(), Desk(), 100.0
        self.router.set_bindings(bindings)
        self.tick()

    def tick(self, seconds: float = 0.01) -> list[tuple[str, bytes]]:
        self.now += seconds
        return self.router.tick(self.now, self.desk)

    def cc(self, value: int, number: int = 7, channel: int = 1, device: str = "pad") -> float:
        self.router.push_midi(device, bytes([0xB0 | channel - 1, number, value]), self.now)
        self.tick()
        return self.desk.values["speed"]

    def note(self, velocity: int, number: int = 36) -> None:
        self.router.push_midi("pad", bytes([0x90, number, velocity]), self.now)
        self.tick()


def test_a_flood_costs_one_write_and_keeps_the_last_value() -> None:
    stand = Stand(Binding(KNOB, SPEED, takeover="jump"))
    begin = time.perf_counter()
    for place in range(5000):
        stand.router.push_midi("pad", bytes([0xB0, 7, place % 128]), stand.now)
    stand.router.push_midi("pad", bytes([0xB0, 7, 99]), stand.now)
    spent = time.perf_counter() - begin
    stand.tick()
    assert stand.desk.values["speed"] == 99 / 127 and stand.desk.writes == 1
    assert spent < 1.0, "a second's flood is taken in less than a second, with room"


@given(st.lists(st.tuples(st.integers(0, 127), st.booleans()), min_size=1, max_size=60))
def test_the_last_value_counts_whenever_ticks_fall(moves: list[tuple[int, bool]]) -> None:
    stand = Stand(Binding(KNOB, SPEED, takeover="jump"))
    for value, tick in moves:
        stand.router.push_midi("pad", bytes([0xB0, 7, value]), stand.now)
        if tick:
            stand.tick()
    stand.tick()
    assert stand.desk.values["speed"] == moves[-1][0] / 127


def test_channel_and_port_filters() -> None:
    stand = Stand(Binding(Source("cc", 7, channel=2, device="pad"), SPEED, takeover="jump"))
    assert stand.cc(127) == 0.5 and stand.cc(127, channel=2, device="keys") == 0.5
    assert stand.cc(127, channel=2) == 1.0


def test_pick_up_waits_for_the_value_and_lets_go_when_it_is_moved() -> None:
    stand = Stand(Binding(KNOB, SPEED))
    assert stand.cc(10) == 0.5 and stand.cc(30) == 0.5
    assert stand.cc(90) == 90 / 127, "it crossed the value"
    assert stand.cc(0) == 0.0
    stand.desk.values["speed"] = 0.8  # a preset
    assert stand.cc(5) == 0.8 and stand.cc(60) == 0.8
    assert stand.cc(101) == pytest.approx(101 / 127)  # within a hundredth of 0.8
    assert stand.cc(20) == 20 / 127


@given(st.floats(0.0, 1.0), st.lists(st.integers(0, 127), min_size=1, max_size=40))
def test_pick_up_never_jumps_and_scale_goes_the_knobs_way(start: float, places: list[int]) -> None:
    for takeover in ("pickup", "scale"):
        stand = Stand(Binding(KNOB, SPEED, takeover=takeover))
        stand.desk.values["speed"] = start
        before, knob = start, places[0]
        stand.cc(knob)
        for goal in places[1:]:
            while knob != goal:
                way = 1 if goal > knob else -1
                knob += way
                now = stand.cc(knob)
                if takeover == "pickup":
                    assert abs(now - before) <= 0.02
                else:  # within a hundredth it takes the knob's place
                    assert (now - before) * way >= -0.011
                before = now


def test_a_flick_between_two_ticks_picks_up() -> None:
    stand = Stand(Binding(KNOB, SPEED))
    for value in (90, 20, 100):
        stand.router.push_midi("pad", bytes([0xB0, 7, value]), stand.now)
    stand.tick()
    assert stand.desk.values["speed"] == 100 / 127


def test_scale_moves_at_once_and_arrives_at_the_ends() -> None:
    stand = Stand(Binding(KNOB, SPEED, takeover="scale"))
    assert stand.cc(0) == 0.5
    half = stand.cc(64)
    assert 0.5 < half < 0.8
    assert stand.cc(127) == pytest.approx(1.0) and stand.cc(0) == 0.0


def test_one_to_many_and_many_to_one() -> None:
    other = Target("other", "A")
    stand = Stand(Binding(KNOB, SPEED, takeover="jump"), Binding(KNOB, other, invert=True, takeover="jump"),
                  Binding(Source("cc", 8), SPEED, low=0.2, high=0.4, takeover="jump"))
    stand.cc(127)
    assert stand.desk.values["speed"] == 1.0 and stand.desk.values["other"] == 0.0
    assert stand.cc(0, number=8) == pytest.approx(0.2)


def test_toggle_momentary_and_actions() -> None:
    pad = Source("note", 36)
    stand = Stand(Binding(pad, LOUD), Binding(pad, GO))
    stand.note(100)
    stand.note(0)
    assert stand.desk.values["loud"] == 1.0 and stand.desk.fired == ["go"]
    for velocity in (90, 0, 80, 0, 70, 0):  # three presses between two ticks: odd, and three shots
        stand.router.push_midi("pad", bytes([0x90, 36, velocity]), stand.now)
    stand.tick()
    assert stand.desk.values["loud"] == 0.0 and stand.desk.fired == ["go"] * 4
    held = Stand(Binding(pad, LOUD, mode="momentary"))
    held.note(1)
    assert held.desk.values["loud"] == 1.0
    held.note(0)
    assert held.desk.values["loud"] == 0.0


def test_a_pad_that_is_held_when_its_port_goes_away_is_let_go() -> None:
    pad = Source("note", 36)
    stand = Stand(Binding(pad, LOUD, mode="momentary"))
    stand.note(100)
    stand.router.forget("another")
    stand.tick(0.1)
    assert stand.desk.values["loud"] == 1.0
    stand.router.forget("pad")
    stand.tick(0.1)
    assert stand.desk.values["loud"] == 0.0
    switched = Stand(Binding(pad, LOUD), Binding(pad, SPEED))
    switched.note(127)
    switched.router.forget("pad")
    switched.tick(0.1)
    assert switched.desk.values["loud"] == switched.desk.values["speed"] == 1.0, "only what lasts while it is held"


def test_a_momentary_controller_is_let_go_with_its_port_and_a_knob_stays() -> None:
    stand = Stand(Binding(Source("cc", 64), LOUD, mode="momentary"), Binding(Source("cc", 7), SPEED, takeover="jump"))
    for number in (64, 7):
        stand.router.push_midi("pad", bytes([0xB0, number, 127]), stand.now)
    stand.tick(0.1)
    assert stand.desk.values["loud"] == stand.desk.values["speed"] == 1.0
    stand.router.forget("pad")
    stand.tick(0.1)
    assert stand.desk.values["loud"] == 0.0 and stand.desk.values["speed"] == 1.0


def test_velocity_stays_when_the_key_is_let_go() -> None:
    stand = Stand(Binding(Source("note", 36), SPEED))
    stand.note(127)
    stand.note(0)
    assert stand.desk.values["speed"] == 1.0


@pytest.mark.parametrize(("encoder", "right", "left"), [("twos", 1, 127), ("offset", 65, 63), ("sign", 1, 65)])
def test_encoders_add_up_and_stop_at_the_ends(encoder: str, right: int, left: int) -> None:
    stand = Stand(Binding(Source("cc", 7, encoder=encoder), SPEED, step=0.01))
    for _ in range(10):
        stand.router.push_midi("pad", bytes([0xB0, 7, right]), stand.now)
    stand.tick()
    assert stand.desk.values["speed"] == pytest.approx(0.6)
    stand.cc(left)
    assert stand.desk.values["speed"] == pytest.approx(0.59)
    for _ in range(90):
        stand.cc(right)
    assert stand.desk.values["speed"] == 1.0
    assert stand.cc(left) == pytest.approx(0.99), "it does not wind up past the end"


def test_smoothing_glides_and_gives_way() -> None:
    stand = Stand(Binding(KNOB, SPEED, takeover="jump", smooth=0.2))
    stand.cc(127)
    first = stand.desk.values["speed"]
    assert 0.5 < first < 0.6
    for _ in range(300):
        stand.tick()
    assert stand.desk.values["speed"] == 1.0
    writes = stand.desk.writes
    stand.tick()
    assert stand.desk.writes == writes, "what has arrived is left alone"
    stand.cc(0)
    stand.desk.values["speed"] = 0.9  # a hand on the screen's slider
    stand.tick()
    stand.tick()
    assert stand.desk.values["speed"] == 0.9


def test_feedback_follows_the_value_and_is_no_echo() -> None:
    stand = Stand()
    stand.router.set_bindings([Binding(KNOB, SPEED, takeover="jump")])
    assert stand.tick(0.1) == [("", bytes([0xB0, 7, 64]))]
    assert stand.tick(0.1) == []
    stand.cc(20)
    assert stand.tick(0.1) == [], "a hand is on it"
    assert stand.tick(HELD_SECONDS + 0.1) == [], "the knob stands where its value is"
    stand.desk.values["speed"] = 1.0
    assert stand.tick(0.1) == [("pad", bytes([0xB0, 7, 127]))]
    stand.router.forget("pad")
    assert stand.tick(0.1) == [("pad", bytes([0xB0, 7, 127]))], "a port that came back is told anew"


def test_a_light_is_told_again_after_its_button() -> None:
    stand = Stand(Binding(Source("note", 36, channel=1, device="pad"), LOUD))
    stand.tick(0.1)
    stand.note(100)
    stand.note(0)
    assert stand.tick(HELD_SECONDS + 0.1) == [("pad", bytes([0x90, 36, 127]))]


def test_a_target_that_is_away_rests_and_comes_back() -> None:
    stand = Stand(Binding(KNOB, SPEED))
    stand.desk.gone.add("speed")
    assert stand.cc(64) == 0.5 and stand.desk.writes == 0
    stand.desk.gone.clear()
    assert stand.cc(70) == 0.5 and stand.cc(20) == 20 / 127


def test_learning_finds_what_moves() -> None:
    def learn(messages: list[tuple[int, ...]], steps: float = 0.03) -> Source:
        stand, found = Stand(), list[Source]()
        stand.router.learn(found.append)
        for message in messages:
            stand.router.push_midi("pad", bytes(message), stand.now)
            stand.tick(steps)
        stand.tick(0.5)
        assert not stand.router.learning and len(found) == 1
        return found[0]

    assert learn([(0xB2, 20, v) for v in (40, 41, 43, 46)]) == Source("cc", 20, 3, "pad")
    assert learn([(0x90, 36, 0), (0x90, 37, 90)]) == Source("note", 37, 1, "pad")
    assert learn([(0xC0, 9)]) == Source("program", 9, 1, "pad")
    assert learn([(0xB0, 20, v) for v in (1, 1, 1, 127, 127, 1)]) == Source("cc", 20, 1, "pad", encoder="twos")
    assert learn([(0xB0, 20, v) for v in (65, 65, 65, 63, 63)]) == Source("cc", 20, 1, "pad", encoder="offset")
    assert learn([(0xB0, 20, v) for v in (65, 65, 1, 1, 1)]) == Source("cc", 20, 1, "pad", encoder="sign")
    wide = [message for v in (5, 6, 7) for message in ((0xB0, 2, v), (0xB0, 34, 3 * v))]
    assert learn(wide) == Source("cc14", 2, 1, "pad")
    nrpn = [(0xB0, 99, 1), (0xB0, 98, 2), (0xB0, 6, 40), (0xB0, 38, 0)]
    assert learn(nrpn, 0.001) == Source("nrpn", 130, 1, "pad")
    assert learn([(0xE0, 0, 70), (0xE0, 0, 80)]) == Source("bend", 0, 1, "pad")


def test_learning_an_osc_address() -> None:
    stand, found = Stand(), list[Source]()
    stand.router.learn(found.append)
    assert stand.router.push_value("osc", "/fader/1", 0.4, stand.now)
    stand.tick()
    assert found == [Source("osc", address="/fader/1")]
    stand.router.set_bindings([Binding(found[0], SPEED, takeover="jump")])
    assert stand.router.push_value("osc", "/fader/1", 0.75, stand.now)
    assert not stand.router.push_value("osc", "/fader/2", 0.75, stand.now)
    stand.tick()
    assert stand.desk.values["speed"] == 0.75
