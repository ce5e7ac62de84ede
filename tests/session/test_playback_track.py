"""Musical time without threads: blocks on beats, tempo changes, pauses that keep the phase, typing at a rate."""

from __future__ import annotations

import numpy as np
import pytest

from studio.engine import Clock
from studio.media import Audio, Note, Notes
from studio.nn.sampling import Drawn
from studio.session.playback_track import KEPT_CHARACTERS, Letter, NotesTrack, TextTrack, Timeline


class Time:
    """A clock's time that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def block(*starts: float, length: float = 4.0, pitch: int = 60) -> Notes:
    return Notes(tuple(Note(pitch, 80, start, 0.5) for start in starts), length)


def test_it_begins_on_the_next_beat_and_follows_the_tempo() -> None:
    time, line = Time(), Timeline()
    clock = Clock(120.0, now=time)
    time.seconds = 1.3  # beat 2.6
    line.begin(clock.read(), 1.0, 0.0)
    assert line.origin == 4.0  # beat 3 is less than a quarter of a second away
    time.seconds = 3.0
    assert line.position(clock.read()) == pytest.approx(2.0)
    clock.bpm = 60.0
    assert line.position(clock.read()) == pytest.approx(2.0)  # a new tempo moves nothing
    time.seconds = 4.0
    assert line.position(clock.read()) == pytest.approx(3.0)


def test_a_pause_keeps_the_place_and_the_phase_of_the_bar() -> None:
    time, line = Time(), Timeline()
    clock = Clock(60.0, now=time)
    line.begin(clock.read(), 4.0, 0.0)
    assert line.origin == 4.0
    time.seconds = 9.5
    line.pause(clock.read())
    assert line.position(clock.read()) == pytest.approx(5.5)
    time.seconds = 16.0
    assert line.position(clock.read()) == pytest.approx(5.5)
    line.resume(clock.read(), 4.0)
    assert line.origin is not None and line.origin % 4.0 == 0.0
    here = line.position(clock.read())
    assert 1.5 < here <= 5.5  # it waits for its place; nothing is skipped
    time.seconds += 5.5 - here
    assert line.position(clock.read()) == pytest.approx(5.5)


def test_notes_come_due_once_and_in_their_order() -> None:
    time, track = Time(), NotesTrack()
    clock = Clock(60.0, now=time)
    track.time.begin(clock.read(), 1.0, 0.0)
    track.add(block(0.0, 2.0, 1.0), clock.read())
    track.add(block(0.5, 3.9), clock.read())
    assert [item.beat for item in track.due(2.5)] == [0.0, 1.0, 2.0]
    assert [item.beat for item in track.due(9.0)] == [4.5, 7.9]
    assert track.due(99.0) == []
    assert [item.beat for item in track.settle(4.5)] == [0.0, 1.0, 2.0] and len(track.played) == 3
    track.settle(99.0)
    assert len(track.played) == 5


def test_a_block_that_comes_too_late_keeps_the_beat() -> None:
    time, track = Time(), NotesTrack()
    clock = Clock(60.0, now=time)
    track.time.begin(clock.read(), 1.0, 0.0)
    track.add(block(0.0), clock.read())
    time.seconds = 1.0 + 6.2  # position 6.2, two beats after the end of what was known
    placed = track.add(block(0.0), clock.read())
    assert placed.beat == 8.0 and track.late == 1  # the next whole block from 4
    assert not track.wants(clock.read()) and len(track.blocks) == 2


def test_what_comes_can_be_cut_and_replaced() -> None:
    time, track = Time(), NotesTrack()
    clock = Clock(60.0, now=time)
    track.time.begin(clock.read(), 1.0, 0.0)
    first = track.add(block(0.0, pitch=60), clock.read())
    track.add(block(0.0, pitch=61), clock.read())
    track.add(block(0.0, pitch=62), clock.read())
    track.due(1.0)
    track.cut(first.end)
    assert track.end == 4.0 and [placed.block for placed in track.blocks] == [first.block]
    track.add(block(0.0, pitch=72), clock.read())
    assert [(item.beat, item.note.pitch) for item in track.due(99.0)] == [(4.0, 72)]


def test_the_window_has_what_was_played_and_what_comes() -> None:
    time, track = Time(), NotesTrack()
    clock = Clock(60.0, now=time)
    track.time.begin(clock.read(), 1.0, 0.0)
    for _ in range(30):
        track.add(block(0.0, 2.0), clock.read())
    track.due(62.5)
    track.settle(60.0)
    played, coming = track.window(56.0, 64.0)
    assert {item.beat for item in played} >= {56.0, 58.0} and all(item.beat < 60.0 for item in played)
    assert [item.beat for item in sorted(coming, key=lambda item: item.beat)] == [60.0, 62.0]


def test_sound_is_placed_by_its_length() -> None:
    time, track = Time(), NotesTrack()
    clock = Clock(120.0, now=time)
    second = Audio(np.zeros((1000, 1), np.float32), 1000)
    assert track.add(second, clock.read()).length == pytest.approx(2.0)
    assert [sound.beat for sound in track.due_sounds(1.0)] == [0.0]


def typed(track: TextTrack, clock: Clock, time: Time, until: float, rate: float, per_beat: bool = False) -> str:
    made = ""
    while time.seconds < until - 1e-9:
        time.seconds += 0.01
        while track.wants(rate):
            track.add("abcdefghij")
        made += track.due(clock.read(), rate, per_beat)
    return made


def test_text_is_typed_at_its_rate() -> None:
    time, track = Time(), TextTrack()
    clock = Clock(120.0, now=time)
    track.due(clock.read(), 20.0, False)
    assert abs(len(typed(track, clock, time, 2.0, 20.0)) - 40) <= 1
    assert abs(len(typed(track, clock, time, 4.0, 5.0)) - 10) <= 1
    track.due(clock.read(), 5.0, True)
    assert abs(len(typed(track, clock, time, 6.0, 5.0, True)) - 20) <= 1  # four beats of five
    assert track.text.startswith("abcdefghijabc")


def test_after_a_pause_or_a_late_generator_nothing_is_hurried_after() -> None:
    time, track = Time(), TextTrack()
    clock = Clock(120.0, now=time)
    typed(track, clock, time, 1.0, 20.0)
    before = len(track.letters)
    track.paused = True
    time.seconds += 30.0
    track.due(clock.read(), 20.0, False)
    track.paused = False
    time.seconds += 0.1
    track.due(clock.read(), 20.0, False)
    assert len(track.letters) - before <= 3
    track.forget_waiting()
    time.seconds += 30.0
    assert track.due(clock.read(), 20.0, False) == ""
    track.add("x" * 200)
    time.seconds += 0.05
    assert len(track.due(clock.read(), 20.0, False)) <= 2


def test_letters_know_what_they_were_chosen_from() -> None:
    track = TextTrack()
    track.add(Drawn("ab", [(0.5, (("a", 0.5), ("b", 0.25))), None]))
    first = track.next_letter()
    assert first == Letter("a", 0.5, (("a", 0.5), ("b", 0.25)))
    assert track.coming()[1] == Letter("b")


def test_the_transcript_is_bounded() -> None:
    time, track = Time(), TextTrack()
    clock = Clock(120.0, now=time)
    track.due(clock.read(), 1.0, False)
    for _ in range(30):
        track.add("y" * (KEPT_CHARACTERS // 25))
        time.seconds += 1.0
        track.due(clock.read(), 1e6, False)
    assert len(track.letters) <= KEPT_CHARACTERS * 1.06
    assert track.dropped + len(track.letters) == 30 * (KEPT_CHARACTERS // 25)


def test_what_was_handed_over_can_be_taken_back_and_is_asked_for_again() -> None:
    time, track = Time(), NotesTrack()
    clock = Clock(60.0, now=time)
    track.time.begin(clock.read(), 1.0, 0.0)
    track.add(block(0.0, 1.0, 2.0, 3.0), clock.read())
    assert len(track.due(4.0)) == 4 and track.revised is None
    track.settle(1.0)
    track.take_back(1.5)
    assert track.revised == 1.5
    assert [item.beat for item in track.due(9.0)] == [2.0, 3.0], "what begins before stays where it was handed to"
    assert [item.beat for item in track.settle(99.0)] == [1.0, 2.0, 3.0]
    assert [item.beat for item in track.played] == [0.0, 1.0, 2.0, 3.0]


def test_the_last_bar_comes_again_as_often_as_nothing_new_is_there() -> None:
    time, track = Time(), NotesTrack()
    clock = Clock(60.0, now=time)
    assert track.loop(4.0) is None, "there is nothing yet"
    track.time.begin(clock.read(), 1.0, 0.0)
    for place in range(6):  # blocks of one beat
        track.add(Notes((Note(60 + place, 90, 0.25, 0.5),), 1.0), clock.read())
    for _ in range(2):
        again = track.loop(4.0)
        assert again is not None and again.length == 4.0
    assert track.end == 14.0 and track.loops == 2
    heard = [(item.beat, item.note.pitch) for item in track.due(99.0)]
    assert heard[2:6] == [(2.25, 62), (3.25, 63), (4.25, 64), (5.25, 65)]
    assert heard[6:10] == [(beat + 4.0, pitch) for beat, pitch in heard[2:6]]
    assert heard[10:] == [(beat + 8.0, pitch) for beat, pitch in heard[2:6]]
