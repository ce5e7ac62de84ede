"""DRAW: the filterbank as the paper writes it down, windows that see and write exactly, and a bound that is one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.nn.draw import DrawConfig, DrawNet, Window, attend, kl_divergence, load_draw, read_through, write_through
from studio.nn.weights import WeightsError, save_model

TINY = DrawConfig(size=8, steps=3, latent=2, hidden=12, read=3, write=3)


def window(count: int, centre: float, stride: float, deviation: float, gain: float = 1.0) -> Window:
    one = torch.ones(1)
    return Window(centre * one, centre * one, stride * one, deviation**2 * one, gain * one, count)


def test_zeros_are_a_window_over_the_whole_picture() -> None:
    found = attend(torch.zeros(1, 5), 5, 28, 28)
    assert found.x.item() == found.y.item() == 14.5  # the middle of pixels 1 to 28
    assert found.stride.item() == pytest.approx(27 / 4) and found.variance.item() == found.gain.item() == 1.0
    assert found.places(found.x)[0].tolist() == pytest.approx([1.0, 7.75, 14.5, 21.25, 28.0])
    assert found.edges()[0].tolist() == pytest.approx([14 - 16.875, 14 - 16.875, 14 + 16.875, 14 + 16.875])


def test_the_five_numbers_are_those_of_equations_21_to_24() -> None:
    found = attend(torch.tensor([[0.5, -0.25, 0.6, -1.0, 0.7]]), 3, 20, 10)
    assert found.x.item() == pytest.approx(21 / 2 * 1.5) and found.y.item() == pytest.approx(11 / 2 * 0.75)
    assert found.variance.item() == pytest.approx(1.8221, rel=1e-4)  # e^0.6
    assert found.stride.item() == pytest.approx(19 / 2 * 0.36788, rel=1e-4)
    assert found.gain.item() == pytest.approx(2.01375, rel=1e-4)


def test_a_filter_has_known_values() -> None:
    across, down = window(1, 3.0, 1.0, 1.0).filters(5, 5)
    raw = torch.exp(-torch.tensor([2.0, 0.5, 0.0, 0.5, 2.0]))
    assert torch.allclose(across[0, 0], raw / raw.sum()) and torch.equal(across, down)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=5, max_size=5), st.integers(1, 9), st.integers(4, 20), st.integers(4, 20))
def test_every_filter_within_the_picture_sums_to_one(numbers: list[float], count: int, width: int, height: int) -> None:
    found = attend(torch.tensor([numbers]), count, width, height)
    for centre, bank, side in zip((found.x, found.y), found.filters(width, height), (width, height), strict=True):
        inside = (found.places(centre)[0] >= 1) & (found.places(centre)[0] <= side)
        assert torch.allclose(bank[0].sum(1)[inside], torch.ones(int(inside.sum())), atol=1e-5)
        assert torch.isfinite(bank).all() and (bank >= 0).all() and bank.shape == (1, count, side)


def test_a_filter_far_outside_sees_nothing() -> None:
    assert read_through(window(3, 900.0, 1.0, 0.5), torch.ones(1, 1, 8, 8)).abs().max() == 0


def test_full_sharp_attention_reads_and_writes_the_picture_itself() -> None:
    picture = torch.rand(1, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    whole = window(9, 5.0, 1.0, 0.05)
    assert torch.allclose(read_through(whole, picture), picture, atol=1e-6)
    assert torch.allclose(write_through(whole, picture, 9, 9), picture, atol=1e-6)
    # the gain of reading is undone by that of writing (equations 27 and 29)
    louder = window(9, 5.0, 1.0, 0.05, gain=3.0)
    assert torch.allclose(read_through(louder, picture), 3 * picture, atol=1e-5)
    assert torch.allclose(write_through(louder, 3 * picture, 9, 9), picture, atol=1e-6)


def test_a_small_window_looks_at_its_own_place() -> None:
    picture = torch.zeros(1, 1, 8, 8)
    picture[0, 0, 1, 5] = 1.0  # row 2, column 6 counted from 1
    small = Window(torch.tensor([6.0]), torch.tensor([2.0]), torch.ones(1), torch.tensor([0.01]), torch.ones(1), 3)
    assert read_through(small, picture)[0, 0].round().tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert small.edges()[0].tolist() == [4.0, 0.0, 7.0, 3.0]  # three pixels, from the left of the first on


def test_divergence_agrees_with_the_distribution() -> None:
    draw = torch.Generator().manual_seed(3)
    mean, log_deviation = torch.randn(6, 4, generator=draw), torch.randn(6, 4, generator=draw) * 0.5
    normal = torch.distributions.Normal
    wanted = torch.distributions.kl_divergence(normal(mean, log_deviation.exp()), normal(0.0, 1.0)).sum(1)
    assert torch.allclose(kl_divergence(mean, log_deviation), wanted, atol=1e-5)
    assert kl_divergence(torch.zeros(1, 9), torch.zeros(1, 9)).item() == 0


def test_the_loss_is_that_of_its_last_canvas_and_lies_above_the_truth() -> None:
    """With what is seen cut off, all latents equal the prior: the bound is then -log p(x) of a known coin."""
    torch.manual_seed(0)
    net = DrawNet(TINY)
    pictures = torch.rand(5, 1, 8, 8).round()
    picture_loss, latent_loss, strokes = net(pictures)
    chance = torch.sigmoid(strokes[-1].canvas)
    wanted = -torch.log(torch.where(pictures > 0.5, chance, 1 - chance)).flatten(1).sum(1)
    assert len(strokes) == 3 and torch.allclose(picture_loss, wanted, rtol=1e-4) and (latent_loss > 0).all()
    with torch.no_grad():
        for layer in (net.to_mean, net.to_log_deviation, net.to_patch):
            layer.weight.zero_()
            layer.bias.zero_()
    picture_loss, latent_loss, _ = net(pictures)
    assert torch.allclose(picture_loss + latent_loss, torch.full((5,), 64 * 0.693147), rtol=1e-5)


def test_a_few_steps_lower_the_bound() -> None:
    torch.manual_seed(1)
    net = DrawNet(TINY)
    pictures = torch.zeros(8, 1, 8, 8)
    pictures[:, :, 2:6, 2:6] = 1.0
    optimiser = torch.optim.Adam(net.parameters(), 0.02)
    bounds = []
    for _ in range(40):
        picture_loss, latent_loss, _ = net(pictures)
        bound = (picture_loss + latent_loss).mean()
        optimiser.zero_grad()
        bound.backward()
        optimiser.step()
        bounds.append(bound.item())
    assert bounds[-1] < 0.4 * bounds[0]


def test_drawing_follows_from_its_numbers_and_its_class() -> None:
    torch.manual_seed(2)
    net = DrawNet(DrawConfig(**{**TINY.to_dict(), "classes": ("a", "b")}))
    torch.nn.init.normal_(net.decoder.weight_ih)
    z = torch.randn(3, 2, 2, generator=torch.Generator().manual_seed(1))
    one, again = ([s.canvas for s in net.draw(z, torch.tensor([0, 0]))] for _ in range(2))
    other = [s.canvas for s in net.draw(z, torch.tensor([1, 1]))]
    mixed = [s.canvas for s in net.draw(z, torch.tensor([[1.0, 0.0], [1.0, 0.0]]))]
    assert len(one) == 3 and all(map(torch.equal, one, again)) and all(map(torch.equal, one, mixed))
    assert not torch.equal(one[-1], other[-1])
    with pytest.raises(ValueError, match="say which"):
        next(net.draw(z))


def test_a_model_comes_back_from_its_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net, path = DrawNet(TINY), tmp_path / "a.safetensors"
    save_model(path, net.state_dict(), "draw", TINY.to_dict())
    z = torch.randn(3, 1, 2)
    assert torch.equal(list(load_draw(path).draw(z))[-1].canvas, list(net.draw(z))[-1].canvas)
    save_model(path, net.state_dict(), "draw", {**TINY.to_dict(), "channels": 2})
    with pytest.raises(WeightsError, match="neither 1"):
        load_draw(path)
    save_model(path, net.state_dict(), "draw", {**TINY.to_dict(), "hidden": 16})
    with pytest.raises(WeightsError, match="does not fit"):
        load_draw(path)
