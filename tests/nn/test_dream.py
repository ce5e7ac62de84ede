"""The dream algorithm on small random networks: what it climbs, octaves, tiles, targets written as text."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from studio.nn.dream import (
    Objective,
    Settings,
    Target,
    dream,
    excitement,
    fit_targets,
    gradient,
    make_guide,
    octave_sizes,
    parse_targets,
    shape_gradient,
    smallest_side,
)
from studio.nn.featurenet import FeatureError, FeatureNet
from studio.nn.vgg import VGG

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def net() -> FeatureNet:
    torch.manual_seed(3)
    return VGG(["1_1", "2_1", "3_1"], [8, 12, 16], padding="reflect").frozen()


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def last(net: FeatureNet, x: torch.Tensor, settings: Settings, seed: int = 0, **more) -> torch.Tensor:
    *_, made = dream(net, x, settings, rng(seed), **more)
    return made


def energy(net: FeatureNet, x: torch.Tensor, layer: str = "relu3_1") -> float:
    return float(net.forward_to(x, layer)[layer].square().mean())


SMALL = Settings(targets=(Target("relu3_1"),), octaves=3, steps=4, rate=0.02, jitter=4)


def test_a_dream_excites_its_layer(net: FeatureNet) -> None:
    x = torch.rand(1, 3, 72, 96, generator=rng(1)) * 0.2 + 0.4
    made = last(net, x, SMALL)
    assert made.shape == x.shape
    assert made.min() >= 0
    assert made.max() <= 1
    assert energy(net, made) > 1.5 * energy(net, x)


def test_same_seed_same_dream(net: FeatureNet) -> None:
    x = torch.rand(1, 3, 64, 64, generator=rng(1))
    assert torch.equal(last(net, x, SMALL, 5), last(net, x, SMALL, 5))
    assert not torch.equal(last(net, x, SMALL, 5), last(net, x, SMALL, 6))


def test_one_yield_per_octave_from_small_to_large(net: FeatureNet) -> None:
    shapes = [tuple(x.shape[2:]) for x in dream(net, torch.rand(1, 3, 80, 100), SMALL, rng())]
    assert shapes == [(41, 51), (57, 71), (80, 100)]
    assert shapes == octave_sizes((80, 100), 3, 1.4, smallest_side(net, SMALL.targets))


def test_detail_of_the_picture_survives_the_octaves(net: FeatureNet) -> None:
    x = torch.rand(1, 3, 96, 96, generator=rng(2))
    torch.testing.assert_close(last(net, x, replace(SMALL, rate=0.0)), x)


def test_too_small_octaves_are_left_out_with_a_notice(net: FeatureNet) -> None:
    said: list[str] = []
    last(net, torch.rand(1, 3, 40, 40), replace(SMALL, octaves=9, steps=1), notice=said.append)
    assert said == ["1 of 9 octaves used: the others are under 32 pixels a side"]
    with pytest.raises(FeatureError, match="needs at least 32 a side"):
        last(net, torch.rand(1, 3, 20, 90), SMALL)


@given(st.integers(32, 5000), st.integers(32, 5000), st.integers(1, 12), st.floats(1.1, 2.0), st.integers(32, 64))
def test_octave_sizes_grow_to_the_full_size(height: int, width: int, octaves: int, scale: float, smallest: int) -> None:
    sizes = octave_sizes((height, width), octaves, scale, smallest)
    assert sizes[-1] == (height, width)
    assert 1 <= len(sizes) <= octaves
    assert all(min(size) >= smallest for size in sizes[:-1])
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(sizes))


def test_a_negative_weight_calms_the_layer(net: FeatureNet) -> None:
    x = torch.rand(1, 3, 64, 64, generator=rng(1))
    calm = replace(SMALL, targets=(Target("relu3_1", (), -1.0),))
    assert energy(net, last(net, x, calm)) < energy(net, x) < energy(net, last(net, x, SMALL))


def test_a_channel_is_excited_even_from_silence(net: FeatureNet) -> None:
    x = torch.full((1, 3, 64, 64), 0.5)
    for channel in range(4):
        before = net.forward_to(x, "relu3_1", before_relu=True)["relu3_1"][:, channel].mean()
        made = last(net, x, replace(SMALL, targets=(Target("relu3_1", (channel,)),)))
        assert net.forward_to(made, "relu3_1", before_relu=True)["relu3_1"][:, channel].mean() > before
    silent = torch.full((1, 2, 3, 3), -5.0, requires_grad=True)
    excitement(silent, (1,)).backward()
    assert (silent.grad[:, 1] > 0).all()
    assert (silent.grad[:, 0] == 0).all()


def test_weights_mean_the_same_on_every_layer(net: FeatureNet) -> None:
    x = torch.rand(1, 3, 64, 64, generator=rng(1))
    both = Objective(net, replace(SMALL, targets=(Target("relu1_1"), Target("relu3_1"))), None)
    both.measure(x)
    assert float(both(x)) == pytest.approx(2.0, rel=1e-4)


def test_tiles_do_what_the_whole_does(net: FeatureNet) -> None:
    x = torch.rand(1, 3, 128, 128, generator=rng(1))
    objective = Objective(net, SMALL, None)
    whole, tiled = gradient(objective, x, 640, lambda: None), gradient(objective, x, 64, lambda: None)
    # they differ only within the reach of a tile's edge
    assert torch.cosine_similarity(whole.flatten(), tiled.flatten(), 0) > 0.9
    torch.testing.assert_close(whole[:, :, 20:44, 20:44], tiled[:, :, 20:44, 20:44], rtol=1e-3, atol=1e-4)
    made = [energy(net, last(net, x, replace(SMALL, tile=tile))) for tile in (640, 64)]
    assert made[1] == pytest.approx(made[0], rel=0.1)


def test_no_seam_stays_where_the_tiles_met(net: FeatureNet) -> None:
    x = torch.rand(1, 3, 128, 128, generator=rng(1)) * 0.3 + 0.3
    made = last(net, x, replace(SMALL, tile=64, octaves=1, steps=12))
    steps = (made - x).diff(dim=3).abs().mean((0, 1, 2))
    seam, other = steps[63], torch.cat([steps[10:60], steps[68:118]])
    assert seam < other.mean() + 3 * other.std()


def test_the_network_never_sees_more_than_a_tile(net: FeatureNet) -> None:
    seen: list[int] = []
    objective = Objective(net, SMALL, None)
    original = net.forward_to
    net.forward_to = lambda x, *a, **k: seen.append(max(x.shape[2:])) or original(x, *a, **k)
    try:
        gradient(objective, torch.rand(1, 3, 300, 500), 96, lambda: None)
        last(net, torch.rand(1, 3, 300, 200), replace(SMALL, tile=96, steps=1))
    finally:
        del net.forward_to
    assert max(seen) <= 96


def test_a_guide_pulls_towards_its_features(net: FeatureNet) -> None:
    x = torch.rand(1, 3, 64, 64, generator=rng(1)) * 0.1 + 0.45
    # stripes: a direction the picture does not have
    stripes = (torch.arange(64) % 8 < 4).float().expand(1, 3, 64, 64).clone()
    guide = make_guide(net, stripes, ["relu2_1"])
    settings = replace(SMALL, targets=(Target("relu2_1"),), guide_weight=1.0, smooth=0.0)
    made = last(net, x, settings, guide=guide)

    def match(picture: torch.Tensor) -> float:
        places = net.forward_to(picture, "relu2_1")["relu2_1"][0].flatten(1).T
        return float((places @ guide.vectors["relu2_1"].T).max(1).values.mean())

    assert match(made) > match(x)


def test_cancelling_within_one_step(net: FeatureNet) -> None:
    class Stop(Exception):
        pass

    calls = []

    def check(progress: float) -> None:
        calls.append(progress)
        if len(calls) == 5:
            raise Stop

    with pytest.raises(Stop):
        last(net, torch.rand(1, 3, 64, 64), SMALL, check=check)
    assert calls == sorted(calls)
    assert calls[0] == 0.0
    assert calls[-1] < 1.0


def test_a_shaped_gradient_has_unit_size_and_zero_stays_zero() -> None:
    found = torch.randn(1, 3, 40, 40, generator=rng())
    assert float(shape_gradient(found, SMALL).abs().mean()) == pytest.approx(1.0, rel=1e-3)
    assert not shape_gradient(torch.zeros(1, 3, 40, 40), SMALL).any()


def test_targets_as_text() -> None:
    assert parse_targets("4c:97*0.8 + 4d") == (Target("4c", (97,), 0.8), Target("4d"))
    assert parse_targets("relu3_1:1,3-5 - 4e*2") == (Target("relu3_1", (1, 3, 4, 5)), Target("4e", (), -2.0))
    for text in ("", "   ", "4c 4d", "4c:", "4c:x", "4c*", "+", "4c:9-3", "4c*99999", "4c:1-99999999", "4c + "):
        with pytest.raises(FeatureError, match="targets: "):
            parse_targets(text)


@given(st.text(max_size=60))
def test_any_text_is_targets_or_a_sentence(text: str) -> None:
    try:
        targets = parse_targets(text)
    except FeatureError as error:
        assert str(error).startswith("targets: ")
    else:
        assert targets


def test_targets_are_fitted_to_the_network(net: FeatureNet) -> None:
    said: list[str] = []
    fitted = fit_targets(net, parse_targets("conv3_1:2,99 + 4c + relu1_1:50"), said.append)
    assert fitted == (Target("relu3_1", (2,)),)
    assert len(said) == 3
    with pytest.raises(FeatureError, match="no layer to dream on is left"):
        fit_targets(net, [Target("4c")], said.append)
