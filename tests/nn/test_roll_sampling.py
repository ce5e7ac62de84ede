"""Drawing frames: frequencies agree with the likelihood, bounds hold, a mixture is drawn from as it is scored."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.nn.lstm import RNNSpec, RollMixture, RollRNN, roll_of
from studio.nn.roll_sampling import Bounds, RollSampler, read_together
from studio.nn.sampling import Sampling

torch.set_num_threads(1)

PAST = ((), (0, 3), (1, 2, 4), (5,))


def roll(order: str = "rising", members: int = 1, units: int = 4, cell: str = "lstm") -> RollRNN | RollMixture:
    torch.manual_seed(8)
    made = roll_of(RNNSpec(6, 1, 8, 1, cell, nade=units, order=order), members)
    with torch.no_grad():
        for name, tensor in made.named_parameters():
            tensor.mul_(8.0 if "nade" in name or "head" in name else 2.0)
    return made.eval()


def chances_of_frames(network: RollRNN | RollMixture) -> dict[tuple[int, ...], float]:
    """The chance of each of the 64 frames after ``PAST``, by the network that is trained."""
    frames = torch.zeros(64, len(PAST) + 1, 6)
    every = [tuple(np.flatnonzero(bits)) for bits in itertools.product((0, 1), repeat=6)]
    for row, keys in enumerate(every):
        for time, sounding in enumerate((*PAST, keys)):
            frames[row, time, list(sounding)] = 1.0
    with torch.no_grad():
        nats = network.log_likelihood(frames[:, :-1], frames[:, 1:])[:, -1]
    return {tuple(int(k) for k in keys): float(chance) for keys, chance in zip(every, nats.exp(), strict=True)}


def sampler_of(network: RollRNN | RollMixture) -> RollSampler:
    made = RollSampler(network)
    for keys in PAST:
        made.read(keys)
    return made


@pytest.mark.parametrize(
    ("order", "members", "units", "cell"),
    [("rising", 1, 4, "lstm"), ("falling", 1, 4, "gru"), ("rising", 3, 4, "rnn"), ("rising", 1, 0, "lstm")],
)
def test_frequencies_are_the_chances(order: str, members: int, units: int, cell: str) -> None:
    network = roll(order, members, units, cell)
    wanted = chances_of_frames(network)
    assert sum(wanted.values()) == pytest.approx(1.0, abs=1e-5)
    sampler, rng, count = sampler_of(network), np.random.default_rng(0), 1500
    drawn = [sampler.draw(rng, Sampling()) for _ in range(count)]
    for frame in drawn[:50]:
        assert frame.nats == pytest.approx(math.log(wanted[frame.keys]), abs=1e-3)
    seen = Counter(frame.keys for frame in drawn)
    for keys, chance in wanted.items():
        room = 5.0 * math.sqrt(chance * (1.0 - chance) / count) + 2.0 / count
        assert abs(seen[keys] / count - chance) < room, (keys, chance)


@settings(max_examples=60, deadline=None)
@given(
    order=st.sampled_from(["rising", "falling"]), allowed=st.lists(st.booleans(), min_size=6, max_size=6),
    least=st.integers(0, 6), most=st.integers(0, 6), held=st.sets(st.integers(0, 5), max_size=3),
    fresh=st.lists(st.booleans(), min_size=6, max_size=6), most_fresh=st.integers(0, 6),
    temperature=st.floats(0.0, 3.0), seed=st.integers(0, 1000),
)
def test_bounds_hold(
    order: str, allowed: list[bool], least: int, most: int, held: set[int], fresh: list[bool], most_fresh: int,
    temperature: float, seed: int,
) -> None:
    bounds = Bounds(np.array(allowed), least, most, np.array(fresh), most_fresh, frozenset(held))
    drawn = sampler_of(roll(order)).draw(np.random.default_rng(seed), Sampling(temperature, top_p=0.95), bounds)
    keys = set(drawn.keys)
    assert keys >= held and all(allowed[key] for key in keys - held)
    assert len(keys) <= max(most, len(held)) and list(drawn.keys) == sorted(keys)
    free = keys - held
    if not all(fresh[key] is False for key in free):
        assert sum(fresh[key] for key in keys) <= most_fresh + len(held)
    assert drawn.nats <= 1e-6 and all(odds.shape == (6,) for odds in drawn.odds)


def test_as_many_keys_sound_as_are_wanted_where_they_may() -> None:
    sampler, rng = sampler_of(roll()), np.random.default_rng(0)
    for _ in range(40):
        assert 1 <= len(sampler.draw(rng, Sampling(), Bounds(least=1, most=2)).keys) <= 2
    silent = [sampler.draw(rng, Sampling(), Bounds(silence=30.0)).keys for _ in range(20)]
    assert silent == [()] * 20


@pytest.mark.parametrize("order", ["rising", "falling"])
def test_keys_that_are_held_first_leave_the_others_as_the_model_has_them(order: str) -> None:
    """With the outermost key of the order given, what is drawn is exactly the rest of such frames."""
    network = roll(order)
    held = 0 if order == "rising" else 5
    wanted = {keys: chance for keys, chance in chances_of_frames(network).items() if held in keys}
    total = sum(wanted.values())
    sampler, rng = sampler_of(network), np.random.default_rng(1)
    count = 1000
    seen = Counter(sampler.draw(rng, Sampling(), Bounds(held=frozenset({held}))).keys for _ in range(count))
    for keys, chance in wanted.items():
        share = chance / total
        assert abs(seen[keys] / count - share) < 5.0 * math.sqrt(share * (1.0 - share) / count) + 2.0 / count


def test_a_cold_choice_takes_the_likeliest_next_key() -> None:
    sampler = sampler_of(roll())
    frames = {sampler.draw(np.random.default_rng(seed), Sampling(temperature=0.0)).keys for seed in range(10)}
    assert len(frames) == 1


def test_frames_that_are_read_together_are_read_as_each_alone() -> None:
    network = roll(members=2)
    frames = [(0, 2), (), (1, 3, 5)]
    alone, together = ([sampler_of(network) for _ in frames] for _ in range(2))
    for sampler, keys in zip(alone, frames, strict=True):
        sampler.read(keys)
    read_together(together, frames)
    for one, other in zip(alone, together, strict=True):
        got, wanted = ([s.draw(np.random.default_rng(seed), Sampling()) for seed in range(20)] for s in (one, other))
        assert [drawn.keys for drawn in got] == [drawn.keys for drawn in wanted]
        assert np.allclose([drawn.nats for drawn in got], [drawn.nats for drawn in wanted], atol=1e-4)


def test_a_twin_goes_its_own_way() -> None:
    one = sampler_of(roll(members=2))
    two = one.twin()
    two.read((2,))
    frames = [one.draw(np.random.default_rng(s), Sampling()).keys for s in range(30)]
    again = sampler_of(roll(members=2))
    assert frames == [again.draw(np.random.default_rng(s), Sampling()).keys for s in range(30)]
    assert frames != [two.draw(np.random.default_rng(s), Sampling()).keys for s in range(30)]
