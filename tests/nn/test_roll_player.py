"""Playing from a piano roll: ties, voices, beginnings, ends, limits, and that thinking ahead changes nothing."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.nn.lstm import KEYS, ROLL, RNNSpec, RollRNN, pack, roll_of
from studio.nn.music import Limits, VoiceNote
from studio.nn.roll_player import LONGEST, RollImproviser, load_improviser
from studio.nn.sampling import Sampling
from studio.nn.weights import WeightsError, load_model, save_model

torch.set_num_threads(1)


def network() -> RollRNN:
    """An untrained network whose chords have some four keys near the middle and change slowly."""
    torch.manual_seed(3)
    made = roll_of(RNNSpec(KEYS, 1, 12, 1, nade=6))
    assert isinstance(made, RollRNN)
    with torch.no_grad():
        made.head.bias[:] = -7.0
        made.head.bias[24:60] = -2.2
        made.head.weight.mul_(3.0)
    return made.eval()


def play(
    player: RollImproviser, beats: int, step: float = 4.0, limits: Limits | None = None, **more: Any
) -> list[VoiceNote]:
    notes: list[VoiceNote] = []
    limits = limits or Limits(full=True)
    until = 0.0
    while until < beats and not player.ended:
        until += step
        notes += player.play(until, Sampling(), limits, **more)
    return notes


def assert_sung(notes: list[VoiceNote], voices: int = 4) -> None:
    """No voice overlaps itself, no two notes of a pitch that could have been tied follow each other."""
    for voice in range(voices):
        line = sorted((n for n in notes if n.voice == voice), key=lambda n: n.start)
        for one, other in itertools.pairwise(line):
            assert one.start + one.duration <= other.start + 1e-9
            if one.pitch == other.pitch and one.start + one.duration == pytest.approx(other.start):
                assert one.duration == LONGEST, "a kept pitch is one note"


@pytest.mark.parametrize("step", [1.0, 4.0])
@pytest.mark.parametrize("rate", [1, 4])
def test_kept_pitches_are_tied_and_nothing_overlaps(step: float, rate: int) -> None:
    player = RollImproviser(network(), frames_per_beat=rate, seed=1)
    notes = play(player, 24, step, may_end=lambda beat: False)
    assert_sung(notes)
    assert {n.voice for n in notes} == {0, 1, 2, 3} and len(notes) > 24
    assert all(0 < n.duration <= LONGEST and (n.start * rate) % 1 == 0 for n in notes)
    assert player.now == 24.0
    for beat in np.arange(0, 24, 1 / rate):  # all voices sing, none above a higher one
        chord = {n.voice: n.pitch for n in notes if n.start <= beat < n.start + n.duration}
        assert len(chord) == 4 and [chord[v] for v in range(4)] == sorted(chord.values(), reverse=True)


def test_the_notes_are_the_frames() -> None:
    player = RollImproviser(network(), seed=2)
    notes = play(player, 16, may_end=lambda beat: False)
    for beat, chord in enumerate(player._chords[:16]):
        assert {n.pitch for n in notes if n.start <= beat < n.start + n.duration} == set(chord)


def test_how_much_is_asked_for_at_once_changes_nothing() -> None:
    wanted = play(RollImproviser(network(), seed=5), 24, 24.0, may_end=lambda beat: False)
    for step in (1.0, 3.0):
        got = play(RollImproviser(network(), seed=5), 24, step, may_end=lambda beat: False)
        assert sorted(got, key=lambda n: (n.start, n.voice)) == sorted(wanted, key=lambda n: (n.start, n.voice))
    assert wanted != play(RollImproviser(network(), seed=6), 24, 24.0, may_end=lambda beat: False)


def test_a_piece_begins_in_its_key_and_ends_where_it_may() -> None:
    for label, classes in (("D minor", {2, 5, 9}), ("Eb major", {3, 7, 10})):
        player = RollImproviser(network(), seed=3)
        player.begin(label)
        first = [n for n in play(player, 1, 1.0) if n.start == 0.0]
        assert first and {n.pitch % 12 for n in first} <= classes
    player = RollImproviser(network(), seed=3)
    notes = play(player, 40, may_end=lambda beat: beat >= 6, wish_to_end=60.0)
    assert player.ended and player.now == 6.0 and max(n.start + n.duration for n in notes) <= 6.0
    assert play(player, 80) == []


@settings(max_examples=25, deadline=None)
@given(
    low=st.integers(45, 60), width=st.integers(6, 30), polyphony=st.integers(1, 4), per_beat=st.integers(1, 4),
    shift=st.integers(-5, 5), full=st.booleans(), classes=st.sets(st.integers(0, 11), min_size=3),
)
def test_limits_hold_for_what_is_heard(
    low: int, width: int, polyphony: int, per_beat: int, shift: int, full: bool, classes: set[int]
) -> None:
    limits = Limits(frozenset(classes), low, low + width, per_beat, polyphony, full, shift)
    notes = play(RollImproviser(network(), seed=1), 6, limits=limits, may_end=lambda beat: False)
    assert_sung(notes)
    heard = {n.pitch + shift for n in notes}
    assert all(low <= pitch <= low + width and pitch % 12 in classes for pitch in heard)
    for beat in range(6):
        sounding = [n for n in notes if n.start <= beat < n.start + n.duration]
        assert len(sounding) <= polyphony
        begun = {n.pitch for n in notes if n.start == beat} - {n.pitch for n in notes if n.start + n.duration == beat}
        assert len(begun) <= per_beat


def test_notes_that_were_read_are_gone_on_from() -> None:
    tune = [(0, 72, 0.0, 4.0), (1, 64, 0.0, 2.0), (1, 65, 2.0, 2.0), (3, 5, 0.0, 4.0)]
    player, other = (RollImproviser(network(), seed=4) for _ in range(2))
    heard = player.read([VoiceNote(*note) for note in tune], 4)
    assert [n.pitch for n in heard] == [72, 64, 65] and player.now == 4.0
    assert player._chords[0][:1] == (72,) and {p for p in player._chords[3] if p is not None} == {72, 65}
    notes = play(player, 8, may_end=lambda beat: False)
    assert min(n.start for n in notes) == 4.0
    other.read([VoiceNote(0, 50, 0.0, 4.0)], 4)
    assert [n.pitch for n in play(other, 8, may_end=lambda beat: False)] != [n.pitch for n in notes]


def test_a_lift_is_heard_and_changes_nothing_else() -> None:
    plain, lifted = RollImproviser(network(), seed=1), RollImproviser(network(), lift=-12, seed=1)
    for player in (plain, lifted):
        player.begin("C major")
    notes, lower = (play(player, 8, may_end=lambda beat: False) for player in (plain, lifted))
    assert [(n.pitch - 12, n.start, n.duration, n.voice) for n in notes] == [
        (n.pitch, n.start, n.duration, n.voice) for n in lower]
    limits = Limits(low=45, high=60)
    deep = play(RollImproviser(network(), lift=-12, seed=1), 8, limits=limits, may_end=lambda beat: False)
    assert deep and all(45 <= n.pitch <= 60 for n in deep)


def test_of_candidates_the_one_that_is_judged_best_is_kept() -> None:
    def high(notes: list[VoiceNote], ended: bool) -> float:
        return sum(n.pitch for n in notes) / len(notes)

    def mean(**more: Any) -> float:
        notes = play(RollImproviser(network(), seed=1), 8, may_end=lambda beat: False, **more)
        return sum(n.pitch for n in notes) / len(notes)

    assert mean(candidates=8, judge=high) > mean() + 1.0


def test_a_twin_plays_on_by_itself_and_the_view_sees_the_chances() -> None:
    player = RollImproviser(network(), seed=7)
    play(player, 4)
    twin = player.twin()
    player.watch = []
    wanted = player.play(8.0, Sampling(), Limits(full=True), may_end=lambda beat: False)
    assert twin.watch is None and twin.play(8.0, Sampling(), Limits(full=True), may_end=lambda beat: False) == wanted
    assert player.watch and all(len(odds) == len(player.vocabulary.notes) for _, odds in player.watch)
    first = player.watch[0][1]
    assert 0.0 < first.sum() <= 1.0 + 1e-6


def test_what_was_thought_ahead_can_be_thought_again() -> None:
    sounding: dict[tuple[int, int], float] = {}
    seed = 0
    while not sounding:  # a note is held beyond what was played
        seed += 1
        player = RollImproviser(network(), seed=seed)
        before = play(player, 4, may_end=lambda beat: False)
        sounding = {(n.voice, n.pitch): n.start + n.duration for n in before if n.start + n.duration > 4.0}
    ways = set()
    for seed in range(6):
        other = player.twin()
        other.rng = np.random.default_rng(seed)
        other.rethink()
        notes = play(other, 8, 8.0, may_end=lambda beat: False)
        for voice in range(4):
            line = sorted((n for n in (*before, *notes) if n.voice == voice), key=lambda n: n.start)
            assert all(one.start + one.duration <= after.start + 1e-9 for one, after in itertools.pairwise(line))
        ways.add(tuple(n.pitch for n in notes if n.start == 4.0))
        for (_, pitch), end in sounding.items():  # what sounds on is part of the chords
            assert all(pitch in other._chords[frame] for frame in range(4, round(end)))
    assert len(ways) > 2, "the very next frame may be another"
    again = player.twin()
    again.rethink()
    again.rethink()
    assert again.now == 4.0


def test_model_files(tmp_path: Path) -> None:
    made, path = network(), tmp_path / "m.safetensors"
    config = {"network": made.spec.to_json(), "kind": "roll", "members": 1, "voices": 3, "frames_per_beat": 2}
    save_model(path, pack(made.state_dict()), ROLL, config)
    player = load_improviser(load_model(path), seed=2)
    assert player.vocabulary.voices == 3 and player.vocabulary.grid == 2
    assert {n.voice for n in play(player, 8, may_end=lambda beat: False)} <= {0, 1, 2}
    for change, said in (
        ({"voices": 0}, "0 voices"), ({"voices": "x"}, "'x' voices"), ({"frames_per_beat": 99}, "99 frames"),
        ({"lift": 90}, "90 semitones"),
    ):
        save_model(path, pack(made.state_dict()), ROLL, {**config, **change})
        with pytest.raises(WeightsError, match=said):
            load_improviser(load_model(path))
    plain = RollRNN(RNNSpec(KEYS, 1, 8, 1))
    save_model(path, pack(plain.state_dict()), ROLL, {"network": plain.spec.to_json()})
    with pytest.raises(WeightsError, match="every key for itself"):
        load_improviser(load_model(path))
    toy = RollRNN(RNNSpec(12, 1, 8, 1, nade=4))
    save_model(path, pack(toy.state_dict()), ROLL, {"network": toy.spec.to_json()})
    with pytest.raises(WeightsError, match="12 keys, not the 88"):
        load_improviser(load_model(path))
