"""The pen network: its likelihood against values worked out by hand, its window, its sampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.nn.handwriting import (
    HANDWRITING,
    Mixture,
    PenRNN,
    PenSpec,
    Scribe,
    build_pen,
    draw_point,
    expected_shapes,
    log_likelihood,
    one_hot,
    split_mixture,
)
from studio.nn.weights import WeightsError, load_model, save_model

torch.set_num_threads(1)


def mixture(*parts: tuple[float, float, float, float, float, float], up: float = 0.0) -> Mixture:
    """Of (weight, mean x, mean y, sigma x, sigma y, r)."""
    table = torch.tensor(parts, dtype=torch.float64)
    return Mixture(torch.log(table[:, 0]), table[:, 1:3], torch.log(table[:, 3:5]), table[:, 5],
                   torch.tensor(up, dtype=torch.float64))


def point(x: float, y: float, up: float) -> torch.Tensor:
    return torch.tensor([x, y, up], dtype=torch.float64)


def test_the_density_at_the_middle_of_one_gaussian_is_known() -> None:
    # 1 / (2 pi) and a fair coin
    found = log_likelihood(mixture((1.0, 0.0, 0.0, 1.0, 1.0, 0.0)), point(0.0, 0.0, 1.0))
    assert float(found) == pytest.approx(-math.log(2 * math.pi) - math.log(2))


def test_two_correlated_gaussians_worked_out_by_hand() -> None:
    rho, r = 0.6, math.atanh(0.6)
    x, y = 0.7, -0.4
    # equations 24 and 25 of the paper, term by term
    z = (x - 0.5) ** 2 / 4.0 + (y - 0.1) ** 2 / 0.25 - 2 * rho * (x - 0.5) * (y - 0.1) / (2.0 * 0.5)
    one = math.exp(-z / (2 * (1 - rho**2))) / (2 * math.pi * 2.0 * 0.5 * math.sqrt(1 - rho**2))
    other = math.exp(-((x + 1) ** 2 + y**2) / 2) / (2 * math.pi)
    known = math.log(0.3 * one + 0.7 * other) + math.log(1 / (1 + math.exp(-2.0)))
    made = mixture((0.3, 0.5, 0.1, 2.0, 0.5, r), (0.7, -1.0, 0.0, 1.0, 1.0, 0.0), up=2.0)
    found = log_likelihood(made, point(x, y, 1.0))
    assert float(found) == pytest.approx(known)


def test_the_density_sums_to_one() -> None:
    made = mixture((0.4, 0.5, -0.5, 0.6, 0.3, 0.9), (0.6, -0.4, 0.2, 0.3, 0.5, -1.2), up=-0.3)
    axis = torch.linspace(-6.0, 6.0, 481, dtype=torch.float64)
    x, y = torch.meshgrid(axis, axis, indexing="ij")
    total = 0.0
    for up in (0.0, 1.0):
        points = torch.stack([x, y, torch.full_like(x, up)], -1).reshape(-1, 3)
        here = made._replace(up=made.up.expand(len(points)))
        total += float(torch.exp(log_likelihood(here, points)).sum()) * (12.0 / 480) ** 2
    assert total == pytest.approx(1.0, abs=1e-4)


@given(st.lists(st.floats(-1e4, 1e4), min_size=13, max_size=13), st.tuples(st.floats(-50, 50), st.floats(-50, 50)))
@settings(max_examples=60, deadline=None)
def test_whatever_a_network_says_the_likelihood_and_its_gradient_are_finite(
    raw: list[float], place: tuple[float, float]
) -> None:
    said = torch.tensor(raw, requires_grad=True)
    found = log_likelihood(split_mixture(said, 2), torch.tensor([*place, 1.0]))
    found.backward()  # type: ignore[no-untyped-call]
    assert math.isfinite(float(found.detach())) and said.grad is not None and bool(torch.isfinite(said.grad).all())


def test_a_bias_narrows_and_prefers() -> None:
    made = mixture((0.3, 0.0, 0.0, 1.0, 2.0, 0.0), (0.7, 5.0, 5.0, 1.0, 1.0, 0.0)).sharpened(1.0)
    # equation 62: sigma falls by e; equation 61 with its softmax: weights 0.3^2 and 0.7^2, normalised
    assert torch.allclose(torch.exp(made.log_sigma[0]), torch.tensor([1.0, 2.0], dtype=torch.float64) / math.e)
    assert torch.allclose(torch.exp(made.log_weight), torch.tensor([0.09, 0.49], dtype=torch.float64) / 0.58)


def test_points_are_drawn_from_the_mixture() -> None:
    made = Mixture(*(part.float()[None, None] for part in mixture((1.0, 2.0, -1.0, 0.5, 0.2, math.atanh(0.8)), up=1.0)))
    rng = np.random.default_rng(0)
    points = np.array([draw_point(made, 0.0, rng) for _ in range(4000)])
    assert points[:, :2].mean(0) == pytest.approx([2.0, -1.0], abs=0.03)
    assert points[:, :2].std(0) == pytest.approx([0.5, 0.2], rel=0.05)
    assert np.corrcoef(points[:, 0], points[:, 1])[0, 1] == pytest.approx(0.8, abs=0.03)
    assert points[:, 2].mean() == pytest.approx(1 / (1 + math.exp(-1.0)), abs=0.03)


def network(characters: int = 4, hidden: int = 8) -> PenRNN:
    torch.manual_seed(1)
    return PenRNN(PenSpec(characters, hidden, windows=3, mixtures=2)).eval()


@torch.no_grad()
def test_reading_in_pieces_is_reading_at_once() -> None:
    made, points = network(), torch.randn(2, 9, 3)
    text = torch.stack([one_hot([0, 1, 2], 4), one_hot([3, 1], 4, 3)])
    whole, _, kappa = made(points, text)
    first, state, _ = made(points[:, :4], text)
    second, _, after = made(points[:, 4:], text, state)
    assert torch.allclose(whole.mean, torch.cat([first.mean, second.mean], 1), atol=1e-5)
    assert torch.allclose(kappa[:, 4:], after, atol=1e-5)
    assert bool((kappa.diff(dim=1) > 0).all()), "the window only moves forwards"


@torch.no_grad()
def test_the_window_is_the_sum_of_gaussians_of_equation_46() -> None:
    made = network()
    made.look.weight.zero_()
    made.look.bias.copy_(torch.log(torch.tensor([0.5, 0.25, 2.0, 1.0, 0.5, 3.0, 0.1, 0.7, 0.2])))
    text = one_hot([2, 0, 1], 4)[None]
    _, state, _ = made(torch.zeros(1, 1, 3), text)
    phi = [sum(a * math.exp(-b * (k - u) ** 2) for a, b, k in ((0.5, 1, 0.1), (0.25, 0.5, 0.7), (2, 3, 0.2)))
           for u in range(3)]
    assert state.window[0].tolist() == pytest.approx([phi[1], phi[2], phi[0], 0.0], rel=1e-5)


def test_a_scribe_writes_the_same_for_the_same_numbers_and_ends() -> None:
    made = network()
    with torch.no_grad():
        made.look.weight.zero_()
        made.look.bias[6:] = math.log(0.25)  # a quarter of a character per point
    written = []
    for _ in range(2):
        scribe, rng = Scribe(made), np.random.default_rng(3)
        scribe.begin([0, 1, 3])
        count = 0
        while not scribe.finished:
            written.append(scribe.write(0.5, rng))
            count += 1
        assert 3 <= count <= 12
    half = len(written) // 2
    assert np.array_equal(written[:half], written[half:])


def test_a_primed_scribe_has_read_the_strokes() -> None:
    made = network()
    scribe = Scribe(made)
    prime = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    scribe.begin([1, 3], prime, [0, 2])
    with torch.no_grad():
        start = torch.tensor([[[0.0, 0.0, 1.0]]])
        _, state, _ = made(torch.cat([start, torch.from_numpy(prime)[None, :-1]], 1), one_hot([0, 2, 1, 3], 4)[None])
    assert torch.allclose(scribe.state.h2, state.h2) and torch.equal(scribe.point[0, 0], torch.from_numpy(prime[-1]))
    assert scribe.place == pytest.approx(float(state.kappa.mean()) - 2.0)


def test_a_model_file_comes_back_and_a_wrong_one_is_a_sentence(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("pen")
    made = network()
    tensors = dict(made.state_dict())
    assert expected_shapes(made.spec) == {name: tuple(t.shape) for name, t in tensors.items()}
    save_model(folder / "a.safetensors", tensors, HANDWRITING, {"network": made.spec.to_json()})
    again = build_pen(load_model(folder / "a.safetensors", HANDWRITING))
    assert torch.equal(again.head.weight, made.head.weight)
    save_model(folder / "b.safetensors", tensors, HANDWRITING, {"network": {**made.spec.to_json(), "hidden": 9}})
    with pytest.raises(WeightsError, match="does not fit this network"):
        build_pen(load_model(folder / "b.safetensors", HANDWRITING))
    save_model(folder / "c.safetensors", tensors, HANDWRITING, {"network": {"hidden": -1}})
    with pytest.raises(WeightsError, match="no usable network shape"):
        build_pen(load_model(folder / "c.safetensors", HANDWRITING))
