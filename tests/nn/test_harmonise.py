"""A melody harmonised: it is kept exactly, the others sound all the time, in range and in order; its likelihood."""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.media import Note
from studio.midi_file import MidiSong, MidiTrack
from studio.nn.harmonise import Harmoniser, Harmony, MelodyError, melody_of, top_line
from studio.nn.keys import key_fits, key_names, transposed, way_to
from studio.nn.lstm import RNNSpec, SequenceRNN
from studio.nn.music import KEYS, EventVocabulary, duration_grid
from studio.nn.stepper import Stepper

torch.set_num_threads(1)

WORDS = EventVocabulary(
    4, 1, tuple((v, p) for v in range(4) for p in range(60 - 8 * v, 82 - 8 * v)), duration_grid(4)[:12], (), (),
    tuple(f"{tonic} {mode}" for mode in ("major", "minor") for tonic in KEYS),
)
HOME = replace(WORDS, labels=("C major", "A minor"))


@functools.cache
def network(words: EventVocabulary = WORDS) -> SequenceRNN:
    torch.manual_seed(1)
    return SequenceRNN(RNNSpec(words.size, 8, 24, 2)).eval()


@functools.cache
def stepper(words: EventVocabulary = WORDS) -> Stepper:
    return Stepper(network(words))


def melody(*pitches: int, step: float = 1.0) -> list[Note]:
    return [Note(pitch, 80, place * step, step) for place, pitch in enumerate(pitches)]


def assert_whole(harmony: Harmony, tune: list[Note], *, words: EventVocabulary = WORDS, crossing: bool = False) -> None:
    mine = [(n.pitch, n.velocity, n.start, n.duration) for n in harmony.notes if n.voice == 0]
    assert mine == [(n.pitch, n.velocity, n.start, n.duration) for n in tune]
    end = max(note.start + note.duration for note in tune)
    for voice in range(1, 4):
        notes = [n for n in harmony.notes if n.voice == voice]
        assert notes[0].start == 0 and end - 1 / 32 <= notes[-1].start + notes[-1].duration <= end + 1e-9
        for before, after in itertools.pairwise(notes):
            assert before.start + before.duration == pytest.approx(after.start)
        shifted = {n.pitch for n in notes}
        assert max(shifted) - min(shifted) <= 21


@given(
    st.lists(st.tuples(st.integers(60, 81), st.sampled_from([0.25, 0.5, 1.0, 1.5, 4.0]), st.booleans()),
             min_size=1, max_size=5),
    st.floats(-0.05, 0.05), st.integers(0, 1000),
)
@settings(max_examples=10, deadline=None)
def test_any_melody_is_kept_and_the_voices_never_fall_silent(
    tune: list[tuple[int, float, bool]], late: float, seed: int
) -> None:
    notes, now = [], 0.0
    for place, (pitch, duration, rest) in enumerate(tune):
        now += 0.5 if rest and place else 0.0
        notes.append(Note(pitch, 40 + place, max(0.0, now + (late if place else 0.0)), duration - 0.06))
        now += duration
    made = Harmoniser(stepper(), WORDS, rows=2, seed=seed).harmonise(notes)
    assert_whole(made, notes)
    for note in made.notes:
        if note.voice:
            assert (note.voice, note.pitch) in WORDS.note_index


def test_voices_do_not_cross_and_stay_in_the_key_unless_they_may() -> None:
    tune = melody(67, 69, 71, 72, 74, 76, 77, 79, 72)
    made = Harmoniser(stepper(), WORDS, rows=8, colour=0.0).harmonise(tune, key="C major")
    assert made.key == "C major"
    assert {n.pitch % 12 for n in made.notes} <= {0, 2, 4, 5, 7, 9, 11}
    for note in made.notes:
        over = [n for n in made.notes if n.voice < note.voice and n.start <= note.start < n.start + n.duration]
        assert all(n.pitch >= note.pitch for n in over if n.start == note.start or n.voice == note.voice - 1)
    free = Harmoniser(stepper(), WORDS, rows=8, colour=1.0, crossing=True).harmonise(tune, key="C major")
    assert_whole(free, tune)
    assert not {n.pitch % 12 for n in free.notes} <= {0, 2, 4, 5, 7, 9, 11}
    again = Harmoniser(stepper(), WORDS, rows=8, colour=1.0, crossing=True).harmonise(tune, key="C major")
    assert again == free, "the same seed"


def test_the_likelihood_is_that_of_the_whole_piece_and_more_rows_find_better_ones() -> None:
    tune = melody(67, 69, 71, 72, 71, 69, 67, 67)
    figures = []
    for rows in (1, 32):
        made = Harmoniser(stepper(), WORDS, rows=rows, colour=1.0, temperature=1.0).harmonise(tune, key="G major")
        symbols = torch.tensor(WORDS.encode(made.notes, 8, "G major"))
        with torch.no_grad():
            logits = network()(symbols[None, :-1])[0][0]
        nats = float(F.cross_entropy(logits, symbols[1:], reduction="sum")) / 8
        assert made.nats_per_beat == pytest.approx(nats, rel=1e-4)
        figures.append(nats)
    assert figures[1] < figures[0]


def test_a_model_of_one_key_is_moved_to_the_key_of_the_melody() -> None:
    tune = melody(71, 73, 74, 76, 74, 73, 71, 71)  # B minor
    made = Harmoniser(stepper(HOME), HOME, rows=4, colour=0.0)
    harmony = made.harmonise(tune)
    assert harmony.key == "B minor" and made.shift == -2 and made.label == "A minor"
    assert_whole(harmony, tune)
    assert {(n.pitch - 11) % 12 for n in harmony.notes} <= {0, 2, 3, 5, 7, 8, 10, 11}


def test_a_melody_out_of_range_is_moved_and_comes_back() -> None:
    tune = melody(48, 52, 55, 48)
    made = Harmoniser(stepper(), WORDS, rows=4)
    assert_whole(made.harmonise(tune), tune)
    assert made.shift == 12


@pytest.mark.parametrize(("tune", "key", "said"), [
    ([], "", "no notes"), (melody(30, 90), "", "60 semitones"), (melody(60), "H major", "no key"),
    ([Note(60, 80, 5000.0, 1.0)], "", "beats long"),
])
def test_what_cannot_be_harmonised_is_a_sentence(tune: list[Note], key: str, said: str) -> None:
    with pytest.raises(MelodyError, match=said):
        Harmoniser(stepper(), WORDS, rows=2).harmonise(tune, key=key)


def test_models_without_voices_are_refused() -> None:
    drums = EventVocabulary(4, 4, ((0, 36), (0, 38)))
    with pytest.raises(MelodyError, match="several voices"):
        Harmoniser(stepper(drums), drums)


def test_the_top_line_of_chords_and_of_the_highest_track() -> None:
    chords = [Note(60, 80, 0.0, 2.0), Note(67, 70, 0.0, 2.0), Note(65, 80, 1.0, 1.0), Note(50, 80, 1.0, 1.0)]
    assert [(n.pitch, n.start, n.duration) for n in top_line(chords)] == [(67, 0.0, 1.0), (65, 1.0, 1.0)]
    bass = [Note(40, 80, 0.0, 4.0, 1)]
    drums = [Note(81, 80, 0.0, 1.0, 9)]

    def song(*tracks: list[Note]) -> MidiSong:
        parts = tuple(MidiTrack("", None, tuple(notes)) for notes in tracks)
        return MidiSong(tuple(n for notes in tracks for n in notes), 80.0, (4, 4), "", parts, ((0.0, 80.0),))

    assert [n.pitch for n in melody_of(song(bass, drums, chords))] == [67, 65]
    with pytest.raises(MelodyError, match="no pitched"):
        melody_of(song(drums))


@given(st.integers(0, 11), st.booleans())
def test_keys_are_found_and_move(tonic: int, minor: bool) -> None:
    heard = np.zeros(12)
    for step, weight in zip((0, 2, 3 if minor else 4, 5, 7, 8 if minor else 9, 11), (4, 1, 2, 1, 3, 1, 1), strict=True):
        heard[(tonic + step) % 12] = weight
    name = f"{KEYS[tonic]} {'minor' if minor else 'major'}"
    assert key_names(key_fits(heard, final=tonic))[0] == name
    assert transposed(transposed(name, 5), -5) == name
    way = way_to(name, ("C major", "A minor"))
    assert way is not None and abs(way) <= 6 and transposed(name, way) == ("A minor" if minor else "C major")
    assert way_to("jazz", ("rock",)) is None and way_to("C major", ("A minor",)) is None
    assert len(set(key_names(np.zeros((2, 12))))) == 24
