"""Voices: nobody crosses, nothing is lost, and the steps are the smallest that there are."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.nn.voicing import DOUBLING_COST, REST_COST, voiced_chord


def cost(line: tuple[int | None, ...], before: list[int | None]) -> float:
    total = 0.0
    for place, (pitch, last) in enumerate(zip(line, before, strict=True)):
        if pitch is None:
            total += REST_COST
            continue
        total += 0.0 if last is None else abs(pitch - last)
        total += DOUBLING_COST if place and line[place - 1] == pitch else 0.0
    return total


@settings(max_examples=150, deadline=None)
@given(
    pitches=st.sets(st.integers(40, 80), max_size=4), full=st.booleans(),
    before=st.lists(st.one_of(st.none(), st.integers(40, 80)), min_size=4, max_size=4),
)
def test_of_all_ways_the_smallest_steps(pitches: set[int], before: list[int | None], full: bool) -> None:
    line = voiced_chord(sorted(pitches), before, full=full)
    sung = [pitch for pitch in line if pitch is not None]
    assert set(sung) == pitches and sung == sorted(sung, reverse=True)
    if not pitches:
        assert line == (None,) * 4
        return
    assert (None not in line) if full else (len(sung) == len(pitches))
    ways = []
    for way in itertools.product([*pitches, None], repeat=4):
        own = [pitch for pitch in way if pitch is not None]
        fits = None not in way if full else len(own) == len(pitches)
        if fits and set(own) == pitches and own == sorted(own, reverse=True):
            ways.append(way)
    assert cost(line, before) == pytest.approx(min(cost(way, before) for way in ways))


def test_a_unison_is_sung_by_the_nearer_voice() -> None:
    assert voiced_chord([72, 64, 48], [74, 66, 62, 48]) == (72, 64, 64, 48)
    assert voiced_chord([72, 64, 48], [74, 66, 50, 46]) == (72, 64, 48, 48)
    assert voiced_chord([72, 64, 48], [74, 66, 62, 48], full=False) == (72, 64, None, 48)


def test_too_many_pitches_are_refused() -> None:
    with pytest.raises(ValueError, match="5 pitches are too many for 4 voices"):
        voiced_chord([1, 2, 3, 4, 5], [None] * 4)
