"""Events of music: coding there and back, and a grammar under which nothing can hang, whatever is chosen."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.media import Note
from studio.midi_file import MidiSong, MidiTrack
from studio.nn.improvise import voiced
from studio.nn.music import (
    SCALES,
    EventVocabulary,
    Grammar,
    Limits,
    VoiceNote,
    duration_grid,
    piano_roll,
)

VOICES = EventVocabulary(
    4, 1, tuple((voice, pitch) for voice in range(3) for pitch in range(50 - 8 * voice, 80 - 8 * voice)),
    duration_grid(4), (), (), ("C major", "A minor"),
)
CHORDS = EventVocabulary(4, 4, tuple((0, p) for p in range(40, 80)), duration_grid(4), (30, 60, 90), ())
DRUMS = EventVocabulary(
    4, 4, tuple((0, p) for p in (22, 26, 36, 38, 42)), (), (20, 60, 100), (-0.4, 0.0, 0.4), ("rock",)
)


def walk(words: EventVocabulary, limits: Limits, seed: int, count: int = 400) -> list[VoiceNote]:
    """Notes of a random walk through what the grammar allows."""
    rng, grammar, notes = np.random.default_rng(seed), Grammar(words), []
    for _ in range(count):
        mask = grammar.allowed(limits)
        assert mask.any()
        note = grammar.push(int(rng.choice(np.flatnonzero(mask))))
        notes += [note] if note else []
    return notes


@given(
    st.sampled_from([VOICES, CHORDS, DRUMS]), st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 5),
    st.booleans(), st.sampled_from(sorted(SCALES)), st.integers(0, 11), st.integers(-3, 3),
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_chosen_can_be_played(
    words: EventVocabulary, seed: int, per_beat: int, polyphony: int, full: bool, scale: str, root: int, shift: int
) -> None:
    classes = frozenset((root + step) % 12 for step in SCALES[scale])
    limits = Limits(classes, 45, 70, per_beat, polyphony, full, shift)
    notes = walk(words, limits, seed)
    busy: dict[int, float] = {}
    begun: dict[int, int] = {}
    for note in notes:
        step = round(note.start * 4)
        assert note.duration >= 0.25
        assert (note.pitch + shift) % 12 in classes and 45 <= note.pitch + shift <= 70
        group = note.voice if words.voices > 1 else note.pitch
        assert busy.get(group, 0) <= step
        busy[group] = step + note.duration * 4
        begun[step // 4] = begun.get(step // 4, 0) + 1
        assert sum(end > step for end in busy.values()) <= polyphony
    assert all(count <= per_beat for count in begun.values())


def test_full_keeps_every_voice_sounding() -> None:
    notes = walk(VOICES, Limits(full=True), 5, 1500)
    for voice in range(3):
        line = [n for n in notes if n.voice == voice]
        assert line[0].start == 0.0
        for before, after in itertools.pairwise(line):
            assert after.start == before.start + before.duration


@given(st.integers(0, 2**31), st.sampled_from([VOICES, CHORDS, DRUMS]))
@settings(max_examples=60, deadline=None)
def test_pieces_are_coded_there_and_back(seed: int, words: EventVocabulary) -> None:
    notes = walk(words, Limits(), seed, 200)
    beats = 4 * (int(max(n.start for n in notes)) // 4 + 2)
    grammar, again = Grammar(words), []
    symbols = words.encode(notes, beats, "rock")
    for symbol in symbols:
        note = grammar.push(symbol)
        again += [note] if note else []
    assert grammar.ended and grammar.beat == beats - 1
    key = lambda n: (n.start, n.voice, n.pitch)  # noqa: E731
    assert sorted(again, key=key) == sorted(notes, key=key)


def test_overlapping_notes_are_cut_when_coded() -> None:
    notes = [VoiceNote(0, 60, 0.0, 4.0), VoiceNote(0, 60, 1.0, 1.0), VoiceNote(0, 64, 0.5, 1.0, 88)]
    grammar, again = Grammar(CHORDS), []
    for symbol in CHORDS.encode(notes, 4):
        note = grammar.push(symbol)
        again += [note] if note else []
    assert [(n.pitch, n.start, n.duration) for n in again] == [(60, 0.0, 1.0), (64, 0.5, 1.0), (60, 1.0, 1.0)]
    assert again[1].velocity == 90


def test_a_symbol_out_of_place_is_an_error() -> None:
    grammar = Grammar(CHORDS)
    for wrong in (CHORDS.bases[2], CHORDS.bases[3]):
        with pytest.raises(ValueError, match="needs a note or a beat"):
            grammar.push(wrong)
    grammar.push(CHORDS.bases[0])
    grammar.push(CHORDS.bases[2])
    with pytest.raises(ValueError, match="inside a note"):
        grammar.push(0)


def test_a_vocabulary_survives_json_and_refuses_nonsense() -> None:
    for words in (VOICES, CHORDS, DRUMS):
        assert EventVocabulary.from_json(words.to_json()) == words
    for change in ({"grid": 0}, {"notes": []}, {"notes": [[0, 200]]}, {"durations": [3, 2]}, {"velocities": [0]}):
        with pytest.raises(ValueError):
            EventVocabulary.from_json({**CHORDS.to_json(), **change})
    with pytest.raises(ValueError, match="not complete"):
        EventVocabulary.from_json({"grid": 4})


def test_songs_are_dealt_into_voices() -> None:
    chord = (*(Note(p, 80, 0.0, 1.0) for p in (48, 60, 64)), Note(67, 80, 0.5, 1.0), Note(36, 99, 0.0, 0.1, 9))
    song = MidiSong(chord, 120, (4, 4), "", (MidiTrack("", None, chord),), ((0.0, 120.0),))
    assert [(n.voice, n.pitch) for n in voiced(song, 3)] == [(0, 64), (1, 60), (2, 48)]
    assert [n.pitch for n in voiced(song, 1)] == [48, 60, 64, 67]
    assert [n.pitch for n in voiced(song, 1, drums=True)] == [36]


def test_a_piano_roll_shows_notes() -> None:
    picture = piano_roll([Note(60, 100, 0.0, 1.0), Note(64, 50, 1.0, 1.0, 1)], 4)
    assert picture.dtype == np.uint8 and picture.shape[1] == 64
    assert picture[:, 2].max() > 200
