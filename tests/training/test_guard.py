"""The guard against divergence: swings are none, explosions are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.training.guard import LAG, LEAST, Guard


def seen(values: list[float], guard: Guard | None = None) -> list[str]:
    guard = guard or Guard()
    return [guard.see({"loss": value}) for value in values]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), size=st.floats(1e-6, 1e6), middle=st.floats(-100, 100))
def test_noise_is_no_divergence(seed: int, size: float, middle: float) -> None:
    rng = np.random.default_rng(seed)
    assert not any(seen(list(middle + size * rng.standard_normal(400))))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), growth=st.floats(1.15, 5.0))
def test_exponential_growth_is_told_before_it_overflows(seed: int, growth: float) -> None:
    rng = np.random.default_rng(seed)
    calm = list(1 + 0.1 * rng.standard_normal(LEAST + LAG + 1))
    burst = [growth**k for k in range(1, 120)]
    said = [bool(text) for text in seen(calm + burst)]
    assert not any(said[: len(calm)]) and any(said)
    assert burst[said.index(True) - len(calm)] < 1e5


@settings(deadline=None, max_examples=30)
@given(falling=st.booleans(), size=st.floats(0.01, 100))
def test_a_trend_is_no_explosion(falling: bool, size: float) -> None:
    values = [size * (1 + k / 50) for k in range(600)]
    assert not any(seen(values[::-1] if falling else values))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_always_told(value: float) -> None:
    assert "not finite" in seen([value])[0]
    assert "not finite" in Guard(watched=()).see({"loss": value})


def test_only_watched_losses_count_and_after_forgetting_none() -> None:
    guard = Guard(watched=("kind",))
    assert not any(guard.see({"wild": value, "kind": 1.0}) for value in [1.0] * 100 + [1e9] * 20)
    guard = Guard()
    seen([1.0] * 100, guard)
    assert guard.calm()
    guard.see({"loss": 60.0})
    assert not guard.calm(), "no state to go back to"
    guard.forget()
    assert not any(seen([1e9] * 20, guard)) and guard.calm()
