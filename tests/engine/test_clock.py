"""The clock: integrates, never jumps, never runs backwards, follows taps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.engine import Clock
from studio.engine.clock import MAX_BPM, MIN_BPM


class Time:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def clock(bpm: float = 120.0, **more: int) -> tuple[Clock, Time]:
    time = Time()
    return Clock(bpm, now=time, **more), time


def test_beats_and_bars_grow_with_the_tempo() -> None:
    c, time = clock(120.0, beats_per_bar=3)
    time.now += 3.0
    moment = c.read()
    assert (moment.t, moment.beat, moment.bar, moment.bpm) == (3.0, 6.0, 2.0, 120.0)


def test_a_new_tempo_never_moves_the_beat() -> None:
    c, time = clock(120.0)
    time.now += 10.25
    before = c.read().beat
    c.bpm = 173.0
    assert c.read().beat == before == 20.5
    time.now += 60.0
    assert c.read().beat == pytest.approx(before + 173.0)


@pytest.mark.parametrize(("wish", "gets"), [(0.0, MIN_BPM), (1e9, MAX_BPM), (float("nan"), 120.0), (-5, MIN_BPM)])
def test_tempo_is_clamped(wish: float, gets: float) -> None:
    c, _ = clock()
    c.bpm = wish
    assert c.bpm == gets


def test_time_that_runs_backwards_counts_as_none() -> None:
    c, time = clock()
    time.now += 1.0
    assert c.read().beat == 2.0
    time.now -= 3600.0
    assert c.read().beat == 2.0
    time.now += 3601.0
    assert c.read().beat == 4.0


def test_taps_set_tempo_and_phase() -> None:
    c, time = clock(120.0)
    time.now += 0.3
    for _ in range(8):
        c.tap()
        time.now += 0.6
    assert c.bpm == pytest.approx(100.0)
    c.tap()
    time.now += 6.0  # the correction is spread over the beats after the last tap
    assert c.read().beat % 1.0 == pytest.approx(0.0, abs=1e-6) or c.read().beat % 1.0 == pytest.approx(1.0, abs=1e-6)


def test_a_wrong_tap_hardly_matters_and_a_pause_starts_anew() -> None:
    c, time = clock()
    for gap in (0.5, 0.5, 0.9, 0.5, 0.5, 0.5):
        c.tap()
        time.now += gap
    assert c.bpm == pytest.approx(120.0)
    time.now += 10.0
    before = c.bpm
    c.tap()
    assert c.bpm == before
    time.now += 0.4
    assert c.tap() == pytest.approx(150.0)


def test_double_and_half() -> None:
    c, _ = clock(100.0)
    c.double()
    assert c.bpm == 200.0
    c.halve()
    c.halve()
    assert c.bpm == 50.0


def test_align_makes_now_the_first_beat_of_a_bar() -> None:
    c, time = clock(120.0)
    time.now += 2.6  # beat 5.2
    c.align(bar=True)
    time.now += 4.0  # eight beats later
    moment = c.read()
    assert moment.beat == pytest.approx(13.0) and moment.bar % 1.0 == pytest.approx(0.0, abs=1e-9)


def test_a_new_metre_keeps_the_bar() -> None:
    c, time = clock(120.0)
    time.now += 4.5  # beat 9: bar 2, its second beat
    c.beats_per_bar = 3
    assert c.read().bar == pytest.approx(2 + 1 / 3)


ACTIONS: dict[str, Callable[[Clock], object]] = {
    "nothing": lambda c: None, "tap": Clock.tap, "align": Clock.align, "bar": lambda c: c.align(bar=True),
    "nudge": lambda c: c.nudge(0.3), "back": lambda c: c.nudge(-0.9), "bpm": lambda c: setattr(c, "bpm", 90.0),
    "double": Clock.double,
}


@given(st.lists(st.tuples(st.floats(0.001, 0.5), st.sampled_from(sorted(ACTIONS))), max_size=60))
def test_the_beat_never_jumps_and_never_goes_back(events: list[tuple[float, str]]) -> None:
    c, time = clock(120.0)
    last = c.read().beat
    for gap, what in events:
        time.now += gap
        fastest = gap * max(c.bpm, 20.0) / 60.0 * 1.25 + 1e-9
        ACTIONS[what](c)
        beat = c.read().beat
        assert last <= beat <= last + fastest
        last = beat
