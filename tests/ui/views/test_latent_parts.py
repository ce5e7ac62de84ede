"""The parts of the latent view that need no window: what the map shows, where a spot on it leads, what children are."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.nn.places import Place, combine, direction_of, of_seed, parse_place
from studio.ui.views.latent.breed import child
from studio.ui.views.latent.pictures import scatter
from studio.ui.views.latent.steer import place_at

SEEDS = np.random.default_rng(4).standard_normal((600, 2)).astype(np.float32)
LEVELS = scatter(SEEDS, 14)
SHOWN = LEVELS[8][1]
spots = st.floats(-2, 2)


def test_levels_lie_within_each_other_and_keep_their_distance() -> None:
    for (far, few), (near, many) in pairwise(LEVELS):
        assert near < far and set(few) <= set(many)
        placed = SEEDS[many]
        apart = np.hypot(*(placed[:, None] - placed[None]).transpose(2, 0, 1))
        assert apart[~np.eye(len(many), dtype=bool)].min() >= near * 0.999
        # and no hole is left that another seed would fit into
        away = np.hypot(*(SEEDS[:, None] - placed[None]).transpose(2, 0, 1)).min(1)
        assert away.max() < near
    assert LEVELS[0][1][0] == 0


def where(place: Place) -> np.ndarray:
    """Where a place lies on the map."""
    total = np.zeros(2)
    for source, weight in place.terms:
        number = direction_of(source)
        total += weight * (np.eye(2)[number - 1] if number else SEEDS[int(source)])
    return total


@settings(deadline=None)
@given(spots, spots)
def test_a_spot_leads_to_a_place_that_lies_there(x: float, y: float) -> None:
    assert where(place_at(x, y, SHOWN, SEEDS)) == pytest.approx((x, y), abs=0.05)


def test_on_a_seed_the_place_is_that_seed() -> None:
    for seed in SHOWN[:20]:
        assert place_at(*map(float, SEEDS[seed]), SHOWN, SEEDS).seed == seed
    assert where(place_at(0.5, -0.25, SHOWN[:0], SEEDS)) == pytest.approx((0.5, -0.25))


@settings(deadline=None)
@given(spots, spots, st.floats(0, 6.3))
def test_a_small_step_of_the_hand_is_a_small_step_of_the_picture(x: float, y: float, angle: float) -> None:
    here = place_at(x, y, SHOWN, SEEDS)
    there = place_at(x + 0.004 * np.cos(angle), y + 0.004 * np.sin(angle), SHOWN, SEEDS)
    change = combine([(there, 1.0), (here, -1.0)])
    assert sum(weight**2 for _, weight in change.terms) ** 0.5 < 0.25


@settings(deadline=None)
@given(st.floats(0.05, 1.0), st.integers(0, 1000))
def test_children_are_as_far_from_the_average_as_their_parents(strength: float, number: int) -> None:
    for parents in ([of_seed(1)], [of_seed(1), of_seed(2)], [parse_place("1:0.6 2:0.8")]):
        made = child(parents, strength, random.Random(number))
        assert sum(weight**2 for _, weight in made.terms) == pytest.approx(1.0, abs=0.01)
    place = of_seed(1)
    for _ in range(60):  # generations do not grow without bound
        place = child([place], 0.4, random.Random(number))
        assert len(place.text()) < 300
