"""Twins of steppers and improvisers, what was chosen from, and text that knows its chances."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from studio.nn import rows8
from studio.nn.improvise import Improviser
from studio.nn.lstm import RNNSpec, SequenceRNN
from studio.nn.music import EventVocabulary, Limits, duration_grid
from studio.nn.sampling import Drawn, Sampling, best
from studio.nn.stepper import Stepper

torch.set_num_threads(1)
WORDS = EventVocabulary(4, 4, tuple((v, p) for v in range(2) for p in range(60 - 12 * v, 72 - 12 * v)),
                        duration_grid(4)[:8])


def network() -> SequenceRNN:
    torch.manual_seed(3)
    return SequenceRNN(RNNSpec(WORDS.size, 8, 24, 2)).eval()


def test_a_twin_goes_its_own_way() -> None:
    one = Improviser(network(), WORDS, seed=4)
    one.play(4.0, Sampling(), Limits())
    other, third = one.twin(), one.twin()
    first = other.play(12.0, Sampling(), Limits())
    assert one.now < 6.0 and len(one.history) < len(other.history)
    assert third.play(12.0, Sampling(), Limits()) == first == one.play(12.0, Sampling(), Limits())


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_twins_of_steppers_share_weights_only(precision: str) -> None:
    stepper = Stepper(network(), precision=precision)  # type: ignore[arg-type]
    stepper.prime(np.array([1, 5, 9]))
    twin = stepper.twin()
    ours = stepper.step(7).copy()
    assert np.allclose(twin.step(7), ours, atol=1e-6)
    twin.step(3)
    assert np.allclose(stepper.step(8), Stepper(network(), precision=precision).prime(  # type: ignore[arg-type]
        np.array([1, 5, 9, 7, 8])), atol=1e-4)


def test_a_twin_of_8_bit_rows_has_its_own_buffer() -> None:
    torch.manual_seed(0)
    rows = rows8.ExactRows(*rows8.round_rows(torch.randn(32, 16)))
    twin = rows.twin()
    x, y = np.full((1, 16), 0.5, np.float32), np.full((1, 16), -0.25, np.float32)
    expected = rows(x).copy()
    twin(y)
    assert np.array_equal(rows(x), expected) and np.array_equal(twin(x), expected)


def test_watching_changes_nothing_and_holds_every_choice() -> None:
    plain, watched = Improviser(network(), WORDS, seed=4), Improviser(network(), WORDS, seed=4)
    watched.watch = []
    notes = watched.play(8.0, Sampling(), Limits(), candidates=2)
    assert notes == plain.play(8.0, Sampling(), Limits(), candidates=2)
    assert watched.watch and all(row.shape == (len(WORDS.notes),) and 0.0 < row.sum() <= 1.0 + 1e-9
                                 for _, row in watched.watch)
    beats = [beat for beat, _ in watched.watch]
    assert beats == sorted(beats) and {note.start for note in notes} <= set(beats)
    for note in notes:
        index = WORDS.note_index[note.voice, note.pitch]
        assert any(beat == note.start and row[index] > 0.0 for beat, row in watched.watch)


def test_the_best_come_first_and_the_impossible_not_at_all() -> None:
    assert best(np.array([0.1, 0.0, 0.6, 0.3]), "abcd", 3) == (("c", 0.6), ("d", 0.3), ("a", 0.1))
    assert best(np.array([0.0, 1.0]), "ab", 8) == (("b", 1.0),)


def test_drawn_text_is_text() -> None:
    made = Drawn("hi", [(0.5, (("h", 0.5),)), None])
    assert made == "hi" and isinstance(made, str) and made + "!" == "hi!" and made.choices[1] is None
