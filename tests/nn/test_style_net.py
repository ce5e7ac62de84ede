"""The live style network: ready form against training form, sizes, mixing, remembered statistics."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.nn.style import ARCHITECTURE, MAX_PARAMETERS, StyleNet, Stylist, load_style
from studio.nn.weights import WeightsError, save_model


def network(**sizes: int) -> StyleNet:
    torch.manual_seed(3)
    net = StyleNet(["one", "two"], **{"stem": 16, "trunk": 24, "blocks": 2, **sizes})
    with torch.no_grad():
        net.gamma.add_(0.3 * torch.randn_like(net.gamma))
        net.beta.add_(0.3 * torch.randn_like(net.beta))
    return net.eval()


def picture(height: int = 96, width: int = 128, seed: int = 0) -> torch.Tensor:
    grid = torch.rand(1, 3, 7, 9, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(grid, (height, width), mode="bicubic", align_corners=False)[0].clamp(0, 1)


def test_the_ready_form_computes_what_was_trained() -> None:
    net, x = network(), picture()
    padded = F.pad(x[None], (8, 8, 8, 8), mode="reflect")
    with torch.no_grad():
        wanted = net(padded, torch.tensor([[0.7, 0.1, 0.2]]))[0, :, 8:-8, 8:-8].clamp(0, 1)
    stylist = Stylist(net)
    stylist.mix({"one": 0.7, "two": 0.1})
    assert torch.allclose(stylist(x), wanted, atol=2e-5)


def test_bfloat16_looks_the_same() -> None:
    net, x = network(), picture()
    exact, fast = Stylist(net)(x), Stylist(net, dtype=torch.bfloat16)(x)
    assert fast.dtype == torch.float32
    assert float((exact - fast).abs().mean()) < 0.01


def test_less_precision_in_the_middle_of_a_film_changes_the_blend_and_keeps_the_statistics() -> None:
    stylist, x = Stylist(network()), picture()
    stylist.memory = 0.9
    stylist.mix({"one": 1.0})
    stylist(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):  # as the engine does while the machine is too slow
        stylist.mix({"one": 0.5, "two": 0.5})
        lowered = stylist(x)
    exact = stylist(x)
    assert float((exact - lowered).abs().mean()) < 0.01


@settings(max_examples=12, deadline=None)
@given(height=st.integers(16, 70), width=st.integers(16, 70))
def test_any_size_goes_in_and_comes_out(height: int, width: int) -> None:
    shown = Stylist(network())(picture(height, width))
    assert shown.shape == (3, height, width)
    assert float(shown.min()) >= 0.0 and float(shown.max()) <= 1.0


def test_too_small_a_picture_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"12x40 pixels is too small .* 16 each way"):
        Stylist(network())(picture(40, 12))


def test_house_size_stays_under_two_million_parameters() -> None:
    assert sum(p.numel() for p in StyleNet([f"s{k}" for k in range(16)]).parameters()) <= MAX_PARAMETERS


def test_full_share_missing_is_the_plain_row() -> None:
    net, x = network(), picture()
    stylist = Stylist(net)
    stylist.mix({})
    plain = stylist(x)
    padded = F.pad(x[None], (8, 8, 8, 8), mode="reflect")
    with torch.no_grad():
        wanted = net(padded, torch.tensor([[0.0, 0.0, 1.0]]))[0, :, 8:-8, 8:-8].clamp(0, 1)
    assert torch.allclose(plain, wanted, atol=2e-5)


def test_an_unknown_style_names_those_there_are() -> None:
    with pytest.raises(KeyError, match=r"'three'.*one, two"):
        Stylist(network()).mix({"three": 1.0})


def test_held_statistics_keep_the_far_side_unchanged() -> None:
    """What enters at the left must not change the right: plain instance normalisation fails this."""
    x = picture(64, 480)
    entered = x.clone()
    entered[:, :, :80] = torch.tensor([1.0, 0.5, 0.0])[:, None, None]
    changes = []
    for memory in (0.0, 1.0):
        stylist = Stylist(network())
        stylist.memory = memory
        before = stylist(x)
        changes.append(float((stylist(entered) - before)[:, :, 360:].abs().mean()))
    assert changes[0] > 1e-3
    assert changes[1] < 1e-6


def test_remembered_statistics_change_slowly_and_can_be_forgotten() -> None:
    x, other = picture(), 1 - picture(seed=5)
    direct = Stylist(network())(other)
    stylist = Stylist(network())
    stylist(x)
    stylist.memory = 0.9
    slow = stylist(other)
    for _ in range(80):
        late = stylist(other)
    stylist.forget()
    assert float((slow - direct).abs().mean()) > 5 * float((late - direct).abs().mean())
    assert torch.allclose(stylist(other), direct, atol=1e-6)


def test_model_files_round_trip(tmp_path: Path) -> None:
    net, x = network(), picture()
    save_model(tmp_path / "s.safetensors", dict(net.state_dict()), ARCHITECTURE, net.config)
    loaded = load_style(tmp_path / "s.safetensors")
    assert loaded.styles == ("one", "two")
    assert torch.equal(loaded(x), Stylist(net)(x))


@pytest.mark.parametrize("config", [{}, {"styles": ["a"], "stem": 16, "trunk": 24, "blocks": 2}, {"styles": 5}])
def test_a_model_that_does_not_fit_is_a_sentence(tmp_path: Path, config: dict[str, object]) -> None:
    save_model(tmp_path / "bad.safetensors", dict(network().state_dict()), ARCHITECTURE, config)
    with pytest.raises(WeightsError, match=r"bad\.safetensors.*train it again"):
        load_style(tmp_path / "bad.safetensors")
