"""Samplers: temperature, top-k, nucleus, repetition penalty, masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from studio.nn.sampling import Sampling, chances, choose, draw, repeats

LOGITS = arrays(np.float32, st.integers(2, 40), elements=st.floats(-30, 30, width=32))


@given(LOGITS, st.floats(0.01, 5), st.integers(0, 50), st.floats(0.01, 1), st.integers(0, 2**31))
@settings(max_examples=150, deadline=None)
def test_chances_are_chances(logits: np.ndarray, temperature: float, top_k: int, top_p: float, seed: int) -> None:
    mask = np.random.default_rng(seed).random(len(logits)) < 0.6
    mask[int(np.argmin(logits))] = True
    made = chances(logits, Sampling(temperature, top_k, top_p), mask=mask)
    assert made.sum() == pytest.approx(1.0)
    assert (made[~mask] == 0).all() and (made >= 0).all()
    if top_k:
        assert np.count_nonzero(made) <= top_k
    token = draw(made, float(np.random.default_rng(seed).random()))
    assert made[token] > 0


def test_a_mask_renormalises() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.2], np.float32))
    made = chances(logits, Sampling(), mask=np.array([False, True, True]))
    assert made == pytest.approx([0.0, 0.6, 0.4], abs=1e-6)


def test_temperature_sharpens_and_flattens() -> None:
    logits = np.array([1.0, 0.0], np.float32)
    warm, plain, cold = (chances(logits, Sampling(t))[0] for t in (2.0, 1.0, 0.5))
    assert warm < plain < cold
    assert chances(logits, Sampling(0.0)).tolist() == [1.0, 0.0]


def test_nucleus_keeps_the_smallest_set() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05], np.float32))
    assert np.count_nonzero(chances(logits, Sampling(top_p=0.75))) == 2
    assert np.count_nonzero(chances(logits, Sampling(top_p=0.85))) == 3
    assert np.count_nonzero(chances(logits, Sampling(top_p=0.01))) == 1


def test_the_penalty_ends_loops_and_leaves_single_letters_alone() -> None:
    history = np.array([1, 2, 3, 4, 5] * 6)
    excess = repeats(history, 10, 4)
    assert excess[1] > 10 and excess[[0, 2, 3, 4, 5]].max() == 0
    assert repeats(np.array([1, 2, 1, 3, 1]), 10, 4).max() == 0
    free = chances(np.zeros(10, np.float32), Sampling(penalty=1.5, shortest=4), history=history)
    assert free[1] < 0.01 < free[2]


@given(st.lists(st.integers(0, 3), min_size=2, max_size=60), st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_repeats_against_the_definition(symbols: list[int], shortest: int) -> None:
    history = np.array(symbols)
    wanted = np.zeros(4)
    for follower in range(1, len(symbols)):
        length = 0
        while length < follower and symbols[follower - 1 - length] == symbols[-1 - length] and length < 47:
            length += 1
        if length >= shortest:
            wanted[symbols[follower]] = max(wanted[symbols[follower]], length - shortest + 1)
    assert repeats(history, 4, shortest).tolist() == wanted.tolist()


def test_a_mask_that_allows_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no symbol is allowed"):
        chances(np.zeros(3, np.float32), Sampling(), mask=np.zeros(3, bool))


def test_choices_follow_the_chances() -> None:
    rng = np.random.default_rng(0)
    logits = np.log(np.array([0.7, 0.2, 0.1], np.float32))
    drawn = np.bincount([choose(logits, Sampling(), rng) for _ in range(4000)], minlength=3) / 4000
    assert drawn == pytest.approx([0.7, 0.2, 0.1], abs=0.03)
