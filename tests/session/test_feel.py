"""How a player plays: swing, looseness, chance by step, transposition; nothing moves across a beat."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.media import Note
from studio.params import ParamSet
from studio.session.feel import FEEL, Feel, steps_of

notes = st.builds(
    Note, st.integers(0, 127), st.integers(1, 127), st.just(0.0), st.floats(0.05, 8.0), st.sampled_from((0, 3, 9)))
feels = st.builds(
    Feel, st.floats(0.5, 0.75), st.sampled_from((0.5, 1.0)), st.floats(0.0, 1.0), st.floats(0.0, 1.0),
    st.lists(st.floats(0.0, 1.0), max_size=16).map(tuple), st.integers(-24, 24), st.booleans(), st.integers(0, 9))


@given(feels, notes, st.floats(0.0, 400.0), st.floats(30.0, 300.0))
def test_a_note_stays_in_its_beat_and_is_heard_the_same_again(feel: Feel, note: Note, beat: float, bpm: float) -> None:
    heard = feel.played(beat, note, bpm)
    assert heard == feel.played(beat, note, bpm)
    if heard is None:
        assert feel.chance < 1.0 or feel.steps or not 0 <= note.pitch + feel.transpose <= 127
        return
    begins, made = heard
    assert (beat - 1e-9 <= begins and int(begins) == int(beat + 1e-9)) or begins == pytest.approx(round(beat))
    assert made.duration > 0 and 1 <= made.velocity <= 127 and made.channel == note.channel
    assert made.pitch == (note.pitch if note.channel == 9 else note.pitch + feel.transpose)


@given(st.floats(0.5, 0.75), st.sampled_from((0.5, 1.0)), st.lists(st.floats(0.0, 50.0), min_size=2, max_size=2))
def test_swing_keeps_the_order(swing: float, pair: float, beats: list[float]) -> None:
    feel = Feel(swing=swing, pair=pair)
    one, two = (feel.played(beat, Note(60, 80, 0.0, 0.2), 120.0) for beat in sorted(beats))
    assert one is not None and two is not None and one[0] <= two[0] + 1e-9


def test_swing_puts_the_second_sixteenth_where_it_says() -> None:
    feel = Feel(swing=2 / 3)
    for beat, wanted in ((0.0, 0.0), (0.25, 1 / 3), (0.5, 0.5), (0.75, 0.5 + 1 / 3), (7.25, 7 + 1 / 3)):
        heard = feel.played(beat, Note(60, 80, 0.0, 0.25), 120.0)
        assert heard is not None and heard[0] == pytest.approx(wanted)
    eighths = replace(feel, pair=1.0).played(0.5, Note(60, 80, 0.0, 0.5), 120.0)
    assert eighths is not None and eighths[0] == pytest.approx(2 / 3) and eighths[1].duration == pytest.approx(1 / 3)


def test_steps_and_chance() -> None:
    assert steps_of("x-5 X.0|9") == (1.0, 0.0, 0.5, 1.0, 0.0, 0.0, 0.9)
    feel = Feel(steps=steps_of("x-"))
    assert [feel.played(step / 4, Note(60, 80, 0.0, 0.2), 120.0) is not None for step in range(6)] == [True, False] * 3
    rare = Feel(chance=0.3)
    heard = [rare.played(step / 4, Note(60, 80, 0.0, 0.2), 120.0) is not None for step in range(2000)]
    assert 0.25 < sum(heard) / 2000 < 0.35
    for step in range(50):  # a chord is whole or silent
        chord = {rare.played(step / 4, Note(pitch, 80, 0.0, 0.2), 120.0) is None for pitch in (60, 64, 67)}
        assert len(chord) == 1


def test_looseness_is_late_by_no_more_than_it_says() -> None:
    feel = Feel(humanise=1.0)
    late = []
    velocities = set()
    for step in range(400):
        heard = feel.played(step / 4, Note(60 + step % 12, 80, 0.0, 0.25), 120.0)
        assert heard is not None
        late.append((heard[0] - step / 4) * 0.5)
        velocities.add(heard[1].velocity)
    assert 0.0 <= min(late) and 0.02 < max(late) <= 0.03 + 1e-9
    assert 70 <= min(velocities) < 75 and 85 < max(velocities) <= 90


def test_the_declared_defaults_change_nothing() -> None:
    feel = Feel.of(ParamSet(FEEL).take())
    note = Note(60, 80, 0.0, 1.0)
    assert feel.plain and not feel.latch and feel.played(3.21, note, 120.0) == (3.21, note)
