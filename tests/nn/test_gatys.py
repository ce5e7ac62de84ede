"""Painting by optimisation, on a small random network: aims, previews, cancelling, repeatability."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from studio.nn import gatys, gram
from studio.nn.featurenet import FeatureError, FeatureNet
from studio.nn.vgg import VGG

SETTINGS = gatys.Settings(
    steps=12, levels=1, preview=4, style_layers=("relu1_1", "relu2_1"), content_layers=("relu2_1",)
)


@pytest.fixture(scope="module")
def features() -> FeatureNet:
    torch.manual_seed(1)
    return VGG(["1_1", "2_1"], [8, 12], padding="reflect").frozen()


def blotches(seed: int, height: int = 48, width: int = 64) -> torch.Tensor:
    grid = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(grid, (height, width), mode="bilinear")[0]


def run(features: FeatureNet, settings: gatys.Settings, **changes: object) -> list[torch.Tensor]:
    arguments: dict[str, object] = {
        "shape": (48, 64), "content": blotches(0), "styles": [(blotches(7) > 0.5).float()], **changes,
    }
    styles = [(style, 1.0) for style in arguments["styles"]]  # type: ignore[attr-defined]
    return list(gatys.paint(
        features, arguments["shape"], arguments["content"], styles, settings,  # type: ignore[arg-type]
        random=torch.Generator().manual_seed(0),
    ))


@pytest.mark.parametrize("optimiser", ["lbfgs", "adam"])
def test_style_comes_nearer_and_previews_come_in_between(features: FeatureNet, optimiser: str) -> None:
    seen = run(features, replace(SETTINGS, optimiser=optimiser, steps=20))  # type: ignore[arg-type]
    assert len(seen) == 5
    style = gram.grams(features.forward_to((blotches(7) > 0.5).float()[None], SETTINGS.style_layers))
    distances = []
    for picture in (blotches(0), seen[0], seen[-1]):
        found = gram.grams(features.forward_to(picture[None], SETTINGS.style_layers))
        distances.append(sum(float(gram.gram_distance(found[k], style[k])) for k in style))
    assert distances[0] > distances[1] > distances[2]
    assert all(picture.shape == (3, 48, 64) for picture in seen)
    assert all(0 <= float(picture.min()) <= float(picture.max()) <= 1 for picture in seen)


def test_content_only_finds_the_content_again_from_noise(features: FeatureNet) -> None:
    settings = replace(SETTINGS, style=0.0, mix=1.0, steps=60, variation=0.0)
    painted, content = run(features, settings)[-1], blotches(0)
    found, wanted = (features.forward_to(p[None], "relu2_1")["relu2_1"] for p in (painted, content))
    assert float(gram.feature_distance(found, wanted)) < 0.1


def test_style_only_needs_no_content(features: FeatureNet) -> None:
    assert run(features, SETTINGS, content=None)[-1].shape == (3, 48, 64)


def test_the_same_seed_gives_the_same_bits(features: FeatureNet) -> None:
    settings = replace(SETTINGS, mix=0.5)
    assert torch.equal(run(features, settings)[-1], run(features, settings)[-1])


def test_coarse_levels_come_first_and_previews_have_the_final_size(features: FeatureNet) -> None:
    seen = run(features, replace(SETTINGS, levels=3), shape=(200, 232))
    assert {tuple(picture.shape) for picture in seen} == {(3, 200, 232)}
    assert gatys.level_shapes(200, 232, 3) == [(100, 116), (200, 232)]


@given(steps=st.integers(1, 500), levels=st.integers(1, 5))
def test_steps_are_shared_out_in_full(steps: int, levels: int) -> None:
    shares = gatys.share_steps(steps, levels)
    assert len(shares) == levels and min(shares) >= 1
    assert sum(shares) == max(steps, sum(shares)) and sum(shares) <= max(steps, 2 * levels)


@pytest.mark.parametrize("calls", [1, 3, 6, 20])
def test_stopping_takes_less_than_one_step(features: FeatureNet, calls: int) -> None:
    asked: list[float] = []

    class Stop(Exception):
        pass

    def check(progress: float) -> None:
        asked.append(progress)
        if len(asked) == calls:
            raise Stop

    painting = gatys.paint(
        features, (48, 64), blotches(0), [(blotches(2), 1.0)], SETTINGS, random=torch.Generator(), check=check
    )
    with pytest.raises(Stop):
        list(painting)
    assert len(asked) == calls and asked == sorted(asked) and asked[-1] < 1.0


def test_it_can_be_stopped_within_every_step(features: FeatureNet) -> None:
    asked: list[float] = []
    painting = gatys.paint(
        features, (48, 64), blotches(0), [(blotches(2), 1.0)], SETTINGS, random=torch.Generator(), check=asked.append
    )
    list(painting)
    assert asked == sorted(asked) and asked[-1] == 1.0
    for step in range(SETTINGS.steps):  # before it, after the forward pass, and at layers on the way back
        assert asked.count(pytest.approx(step / SETTINGS.steps)) >= 4


def test_an_overshoot_is_taken_back(features: FeatureNet) -> None:
    wild = replace(SETTINGS, optimiser="adam", rate=1e30, steps=3)
    assert all(bool(torch.isfinite(picture).all()) for picture in run(features, wild))


@pytest.mark.parametrize(
    ("changes", "settings", "words"),
    [
        ({"styles": []}, replace(SETTINGS, content=0.0), "nothing to aim at"),
        ({"content": None}, replace(SETTINGS, style=0.0), "nothing to aim at"),
        ({"shape": (3, 3)}, SETTINGS, "too few for these layers; they need 4"),
    ],
)
def test_impossible_wishes_are_sentences(
    features: FeatureNet, changes: dict[str, object], settings: gatys.Settings, words: str
) -> None:
    with pytest.raises(gatys.PaintError, match=words):
        run(features, settings, **changes)


def test_an_unknown_layer_names_those_there_are(features: FeatureNet) -> None:
    with pytest.raises(FeatureError, match=r"relu9_1.*relu1_1, relu2_1"):
        run(features, replace(SETTINGS, style_layers=("relu9_1",)))
