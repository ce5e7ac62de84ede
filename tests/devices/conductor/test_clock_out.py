"""MIDI clock out: 24 pulses to a beat, in place through every tempo, with Start, Stop, Continue and position."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.control.midi_clock import CLOCK, CONTINUE, POSITION, PULSES, START, STOP, ClockFollower
from studio.devices.conductor.clock_out import ClockOut
from studio.devices.conductor.tempo import Tempo


def run(out: ClockOut, tempo: Tempo, now: float, until: float) -> list[tuple[float, bytes]]:
    """Fire every pulse at its own time."""
    heard: list[tuple[float, bytes]] = []
    while (due := out.due(tempo, now)) is not None and due <= until:
        now = max(now, due)
        heard += [(now, message) for message in out.fire(tempo, now)]
    return heard


def test_pulses_always_start_on_the_beat_and_stop() -> None:
    out, tempo = ClockOut(), Tempo(0.0, 0.0, 2.0)
    out.run(4.0)
    heard = run(out, tempo, 0.0, 3.0)
    assert len([m for _, m in heard if m[0] == CLOCK]) == 6 * PULSES + 1
    place = next(place for place, (_, m) in enumerate(heard) if m[0] == START)
    assert heard[place][0] == heard[place + 1][0] == pytest.approx(2.0) and heard[place + 1][1][0] == CLOCK
    assert out.stop() == bytes([STOP]) and out.stop() is None
    assert {m[0] for _, m in run(out, tempo, 3.0, 4.0)} == {CLOCK}


def test_going_on_tells_the_place() -> None:
    out, tempo = ClockOut(), Tempo(0.0, 100.0, 2.0)
    out.run(101.0, 33.25)
    heard = [m for _, m in run(out, tempo, 0.0, 0.6) if m[0] != CLOCK]
    assert heard == [bytes([POSITION, 133 & 127, 133 >> 7]), bytes([CONTINUE])]


def test_a_song_that_runs_already_is_joined_on_the_next_sixteenth() -> None:
    out, tempo = ClockOut(), Tempo(0.0, 100.0, 2.0)
    out.run(40.0, 0.0, soonest=100.1)
    heard = [(at, m) for at, m in run(out, tempo, 0.05, 0.6) if m[0] != CLOCK]
    assert [m for _, m in heard] == [bytes([POSITION, 241 & 127, 241 >> 7]), bytes([CONTINUE])]
    assert heard[0][0] == pytest.approx(0.125)


def test_who_was_not_there_at_the_start_hears_the_place() -> None:
    out, tempo = ClockOut(), Tempo(0.0, 100.0, 2.0)
    out.run(101.0)
    heard = [m for _, m in run(out, tempo, 3.05, 3.6) if m[0] != CLOCK]
    assert heard == [bytes([POSITION, 21, 0]), bytes([CONTINUE])], "beat 106.25 is 5.25 beats into the song"


@given(st.lists(st.tuples(st.floats(0.05, 2.0), st.floats(0.35, 6.6), st.floats(-0.4, 0.4)), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_tempo_changes_move_no_pulse_and_lose_none(turns: list[tuple[float, float, float]]) -> None:
    out, tempo, now = ClockOut(), Tempo(0.0, 0.0, 2.0), 0.0
    out.run(0.0)
    heard: list[tuple[float, bytes]] = []
    for seconds, rate, owed in turns:
        heard += run(out, tempo, now, now + seconds)
        now += seconds
        tempo = Tempo(now, tempo.beat_at(now), rate, owed)
    count = sum(m[0] == CLOCK for _, m in heard)
    assert count == pytest.approx(tempo.beat_at(now) * PULSES, abs=1.5), "as many as the beats that went by"
    times = [at for at, m in heard if m[0] == CLOCK]
    assert times == sorted(times)


def test_after_a_standstill_no_burst_comes_and_the_place_is_told() -> None:
    out, tempo = ClockOut(), Tempo(0.0, 0.0, 2.0)
    out.run(0.0)
    heard = run(out, tempo, 0.0, 1.0)
    late = out.fire(tempo, 11.003)
    assert sum(m[0] == CLOCK for m in late) <= 4
    follower = ClockFollower()
    for at, message in [*heard, *((11.003, m) for m in late), *run(out, tempo, 11.003, 14.0)]:
        beat = follower.hear(message, at)
    assert beat is not None and beat.position == pytest.approx(tempo.beat_at(beat.when), abs=0.05)
    assert beat.bpm == pytest.approx(120.0, abs=0.5)
