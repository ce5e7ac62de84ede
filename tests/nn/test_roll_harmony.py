"""Chords beneath a melody: it is kept and stays on top, and more rows find likelier harmonies."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from studio.media import Note
from studio.nn.harmonise import MelodyError
from studio.nn.lstm import KEYS, RNNSpec, RollRNN
from studio.nn.roll_harmony import chords_beneath
from studio.nn.roll_player import RollImproviser

torch.set_num_threads(1)

TUNE = [Note(pitch, 80, float(beat), 1.0) for beat, pitch in enumerate((72, 74, 76, 74, 72, 79)) if beat != 3]


def player() -> RollImproviser:
    torch.manual_seed(3)
    network = RollRNN(RNNSpec(KEYS, 1, 12, 1, nade=6)).eval()
    with torch.no_grad():
        network.head.bias[:] = -7.0
        network.head.bias[24:60] = -2.2
        network.head.weight.mul_(6.0)
        for tensor in network.rnn.parameters():
            tensor.mul_(3.0)
    return RollImproviser(network)


def test_the_melody_is_kept_and_stays_on_top() -> None:
    made = chords_beneath(player(), TUNE, rows=8, seed=1)
    assert [(n.pitch, n.start, n.duration) for n in made.notes if n.voice == 0] == [
        (n.pitch, n.start, n.duration) for n in TUNE]
    for beat in range(6):
        chord = [n for n in made.notes if n.start <= beat < n.start + n.duration]
        if beat == 3:
            assert chord == [], "where the melody rests all do"
        else:
            assert {n.voice for n in chord} == {0, 1, 2, 3}
            assert max(n.pitch for n in chord) == next(n.pitch for n in chord if n.voice == 0)
    assert made == chords_beneath(player(), TUNE, rows=8, seed=1) != chords_beneath(player(), TUNE, rows=8, seed=2)
    assert made.key == "G major"


def test_of_more_rows_the_model_likes_the_harmony_better() -> None:
    one, many = (np.mean([chords_beneath(player(), TUNE, rows=rows, temperature=1.5, seed=seed).nats_per_beat
                          for seed in range(12)]) for rows in (1, 24))
    assert many < one - 0.3


def test_a_melody_that_cannot_be_accompanied_is_a_sentence() -> None:
    with pytest.raises(MelodyError, match="has no notes"):
        chords_beneath(player(), [])
    with pytest.raises(MelodyError, match="leaves the range 21 to 108"):
        chords_beneath(player(), [Note(10, 80, 0.0, 1.0)])
    with pytest.raises(MelodyError, match="5,000 beats"):
        chords_beneath(player(), [Note(60, 80, 0.0, 5000.0)])
