"""Two networks as one: the ends are the networks alone, the middle is the logarithmic pool of both."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from studio.nn.charset import Charset
from studio.nn.lstm import RNNSpec, SequenceRNN
from studio.nn.mixture import Mixture, mixed, shared
from studio.nn.stepper import Stepper


def network(size: int, seed: int) -> SequenceRNN:
    torch.manual_seed(seed)
    return SequenceRNN(RNNSpec(size, 8, 16, 2))


def chances(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits.astype(np.float64) - logits.max())
    return shifted / shifted.sum()


def test_the_ends_are_the_networks_alone() -> None:
    one, two = network(12, 1), network(12, 2)
    tokens = [3, 7, 1, 0, 11]
    for mix, alone in ((0.0, one), (1.0, two)):
        both = Mixture(Stepper(one), Stepper(two), mix=mix)
        single = Stepper(alone)
        for token in tokens:
            assert np.array_equal(both.step(token), single.step(token))


@given(st.floats(0.01, 0.99), st.integers(0, 1000))
def test_the_middle_is_the_pool_of_both(mix: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = (rng.normal(0.0, 2.0, (1, 9)).astype(np.float32) for _ in range(2))
    first[0, 2] = second[0, 2] = -np.inf
    pool = chances(first[0]) ** (1 - mix) * chances(second[0]) ** mix
    pool[2] = 0.0
    assert np.allclose(chances(mixed(first, second, mix)[0]), pool / pool.sum(), atol=1e-6)


def test_state_and_twins_carry_both() -> None:
    both = Mixture(Stepper(network(12, 1)), Stepper(network(12, 2)), mix=0.4)
    both.prime([1, 2, 3])
    kept, twin = both.state, both.twin()
    wanted = both.step(4)
    assert np.allclose(twin.step(4), wanted, atol=1e-6)
    both.step(5)
    both.state = kept
    assert np.allclose(both.step(4), wanted, atol=1e-5)
    both.keep(0, 3)
    rows = both.step(np.array([1, 2, 2]))
    assert rows.shape == (3, 12) and np.allclose(rows[1], rows[2]) and not np.allclose(rows[0], rows[1])


def test_characters_of_one_fade_in_and_out() -> None:
    first, second = Charset("\n abcE"), Charset(" abé\nxyz")
    both, maps = shared(first, second)
    assert both.characters[: len(first)] == first.characters and set(both.characters) == set("\n abcEéxyz")
    for mix, never in ((0.0, "éxyz"), (1.0, "cE")):
        mixture = Mixture(Stepper(network(len(first), 1)), Stepper(network(len(second), 2)), mix=mix, maps=maps)
        odds = chances(mixture.prime(both.encode("ab éxE"))[0])
        assert all(odds[both.tokens[c]] == 0.0 for c in never) and odds.sum() == pytest.approx(1.0)
    mixture.mix = 0.5
    odds = chances(mixture.step(both.tokens["x"])[0])
    assert odds.min() > 0.0
    assert sum(odds[both.tokens[c]] for c in "\n ab") > 0.5


def test_other_symbols_are_refused() -> None:
    with pytest.raises(ValueError, match="12 and 13 symbols"):
        Mixture(Stepper(network(12, 1)), Stepper(network(13, 2)))
