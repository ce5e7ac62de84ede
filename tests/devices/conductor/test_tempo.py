"""The line between beats and seconds says what the clock does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.devices.conductor.tempo import Tempo
from studio.engine import Clock


@given(st.floats(0.3, 7.0), st.floats(-1.0, 1.0), st.floats(0.0, 60.0))
def test_beats_and_times_belong_together(rate: float, owed: float, later: float) -> None:
    line = Tempo(100.0, 40.0, rate, owed)
    beat = line.beat_at(100.0 + later)
    assert line.time_of(beat) == pytest.approx(100.0 + later, abs=1e-6)
    assert line.beat_at(line.time_of(39.0)) == pytest.approx(39.0)


class Time:
    seconds = 50.0

    def __call__(self) -> float:
        return self.seconds


@given(st.lists(st.tuples(st.sampled_from(["bpm", "nudge", "approach", "wait"]), st.floats(-1.0, 1.0)), max_size=12))
def test_the_line_foretells_the_clock_through_nudges_and_tempi(deeds: list[tuple[str, float]]) -> None:
    now = Time()
    clock = Clock(120.0, now=now)
    for deed, amount in deeds:
        if deed == "bpm":
            clock.bpm = 120.0 + 90.0 * amount
        elif deed == "nudge":
            clock.nudge(amount)
        elif deed == "approach":
            clock.approach(clock.read().beat + amount)
        else:
            now.seconds += abs(amount)
    line = Tempo(*clock.line())
    for _ in range(20):
        now.seconds += 0.17
        assert line.beat_at(now.seconds) == pytest.approx(clock.read().beat, abs=1e-9)
        assert not line.differs(Tempo(*clock.line()))
    clock.nudge(0.01)
    assert line.differs(Tempo(*clock.line()))
