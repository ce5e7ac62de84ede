"""Latent paths: exact at their points, smooth between, closed where they should be; texts refused in a sentence."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.nn import latent

LENGTH = 32


def z(seed: int) -> torch.Tensor:
    return latent.seed_latent(seed, LENGTH)


def test_a_seed_is_one_vector_everywhere() -> None:
    assert torch.equal(z(7), z(7)) and not torch.equal(z(7), z(8))
    assert z(7).shape == (1, LENGTH) and z(7).dtype == torch.float32
    # fixed by value: a change here would change every picture that anyone has made
    assert z(12)[0, :3].tolist() == pytest.approx([-0.63416767, 0.19629899, 1.77324164], abs=1e-6)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1), st.floats(0, 1))
def test_slerp_stays_on_the_sphere_and_is_exact_at_its_ends(a: int, b: int, t: float) -> None:
    first, second = z(a), z(b)
    assert torch.equal(latent.slerp(first, second, 0.0), first)
    assert torch.equal(latent.slerp(first, second, 1.0), second)
    between = latent.slerp(first, second, t)
    if a != b:
        wanted = first.norm() + (second.norm() - first.norm()) * t
        assert float(between.norm()) == pytest.approx(float(wanted), rel=1e-4)


def test_slerp_angles_are_even_and_parallel_vectors_do_not_divide_by_zero() -> None:
    a, b = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    quarter = latent.slerp(a, b, 1 / 3)
    assert math.degrees(math.atan2(float(quarter[0, 1]), float(quarter[0, 0]))) == pytest.approx(30, abs=1e-3)
    assert torch.allclose(latent.slerp(a, a * 3, 0.5), a * 2)
    assert torch.isfinite(latent.slerp(a, -a, 0.5)).all() and torch.isfinite(latent.slerp(a * 0, b, 0.5)).all()


def test_spline_passes_its_points_without_a_corner() -> None:
    points = [z(seed) for seed in range(5)]
    assert torch.allclose(latent.around(points, 0.4), points[2], atol=1e-5)
    assert torch.equal(latent.around(points, 0.0), points[0]) and torch.equal(latent.around(points, 1.0), points[0])
    step = 1e-3
    before = latent.around(points, 0.2) - latent.around(points, 0.2 - step)
    after = latent.around(points, 0.2 + step) - latent.around(points, 0.2)
    assert torch.allclose(before, after, atol=0.02)


@settings(deadline=None, max_examples=50)
@given(st.floats(-50, 50), st.floats(0, 1))
def test_walk_is_continuous_and_goes_backwards_the_same_way(phase: float, reach: float) -> None:
    def place(at: float) -> torch.Tensor:
        return latent.along(lambda index: latent.wander(z(3), 3, index, reach), at)

    here = place(phase)
    assert torch.equal(here, place(phase))
    assert float((place(phase + 1e-4) - here).norm()) < 0.02
    assert torch.equal(place(0.0), z(3))


@pytest.mark.parametrize("name", latent.EASINGS)
def test_easings_begin_and_end_exactly(name: str) -> None:
    assert (latent.ease(name, 0.0), latent.ease(name, 1.0)) == (0.0, 1.0)
    assert latent.ease(name, -3) == 0.0 and latent.ease(name, 9) == 1.0
    if name != "hold":
        assert latent.ease(name, 1e-6) == pytest.approx(0, abs=1e-4)
        assert latent.ease(name, 1 - 1e-6) == pytest.approx(1, abs=1e-4)


@settings(deadline=None, max_examples=50)
@given(st.floats(-1e4, 1e4))
def test_there_and_back_never_jumps(phase: float) -> None:
    assert 0 <= latent.there_and_back(phase) <= 1
    assert abs(latent.there_and_back(phase + 1e-3) - latent.there_and_back(phase)) < 1.1e-3


def test_truncation_and_directions() -> None:
    mean = torch.ones(LENGTH)
    assert torch.equal(latent.truncate(z(1), mean, 1.0), z(1))
    assert torch.equal(latent.truncate(z(1), mean, 0.0)[0], mean)
    directions, sigmas = torch.eye(LENGTH)[:2], torch.tensor([2.0, 3.0])
    moved = latent.offset(z(1), directions, sigmas, (1.0, -2.0, 5.0)) - z(1)
    assert moved[0, :3].tolist() == pytest.approx([2.0, -6.0, 0.0], abs=1e-5)
    assert torch.equal(latent.offset(z(1), directions, sigmas, (0.0, 0.0)), z(1))


def test_keyframes() -> None:
    frames = latent.parse_keyframes("40@2:smooth, 12@0\nrose@4.5:in", {"rose": 9})
    assert [(f.seed, f.time, f.easing) for f in frames] == [(12, 0.0, "smooth"), (40, 2.0, "smooth"), (9, 4.5, "in")]
    assert latent.at_time(frames, -1) == (12, 12, 0.0) and latent.at_time(frames, 99) == (9, 9, 0.0)
    assert latent.at_time(frames, 1.0) == (12, 40, 0.5) and latent.at_time(frames, 2.0) == (40, 9, 0.0)


@pytest.mark.parametrize(("text", "reason"), [
    ("", "at least two"), ("12@0", "at least two"), ("12 40@1", "has no time"), ("12@zero 4@1", "not a time"),
    ("12@-1 4@1", "not a time"), ("12@nan 4@1", "not a time"), ("12@0 4@1:wobble", "no easing 'wobble'"),
    ("12@1 4@1", "two keyframes"), ("rose@0 4@1", "no point 'rose'"), ("99999999999@0 4@1", "not a seed"),
    ("-3@0 4@1", "not a seed"), (" ".join(f"1@{n}" for n in range(1001)), "at most 1000"),
])
def test_a_wrong_path_is_refused_in_a_sentence(text: str, reason: str) -> None:
    with pytest.raises(latent.LatentError, match=reason):
        latent.parse_keyframes(text)


@pytest.mark.parametrize(("text", "reason"), [
    ("rose", "name=seed"), ("a=1 a=2", "named twice"), ("1a=3", "name=seed"), ("a=x", "not a seed"),
])
def test_wrong_points_are_refused_in_a_sentence(text: str, reason: str) -> None:
    with pytest.raises(latent.LatentError, match=reason):
        latent.parse_points(text)


def test_points() -> None:
    points = latent.parse_points("rose=12, sun=40;moon=0")
    assert points == {"rose": 12, "sun": 40, "moon": 0}
    assert latent.parse_point(" sun ", points) == 40 and latent.parse_point("17", points) == 17


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=60))
def test_no_text_breaks_the_parsers(text: str) -> None:
    for parse in (latent.parse_keyframes, latent.parse_points, lambda t: latent.parse_point(t, {})):
        try:
            parse(text)
        except latent.LatentError as error:
            assert str(error)
