"""From a picture to a place: what a network made is found again, guesses only get better, and the work can be ended."""

from __future__ import annotations

import pytest
import torch

from studio.nn.features import load_features
from studio.nn.gan import GanConfig, GeneratorNet, load_generator
from studio.nn.gan_base import PictureGenerator
from studio.nn.invert import Eyes, Guess, Settings, invert, paint, square
from studio.paths import find_model

QUICK = Settings(starts=32, steps=60)


@pytest.fixture(scope="module")
def tiny() -> GeneratorNet:
    torch.manual_seed(5)
    net = GeneratorNet(GanConfig(size=32, latent=16, base=16, widths=(16, 16), last=4))
    with torch.no_grad():
        net(torch.randn(32, 16))
        net.paint.weight.mul_(4)
    net.survey(512)
    net.eval().requires_grad_(False)
    return net


def made_by(net: PictureGenerator, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A deviation and its picture."""
    with torch.no_grad():
        deviation = net.seed_w(seed) - net.w_mean
        return deviation[0], paint(net, deviation)[0]


def guesses(net: GeneratorNet, picture: torch.Tensor, settings: Settings = QUICK) -> list[Guess]:
    return list(invert(net, picture, settings=settings))


def test_a_picture_of_the_network_is_found_again(tiny: GeneratorNet) -> None:
    deviation, picture = made_by(tiny, 7001)
    found = guesses(tiny, picture, Settings(starts=32, steps=160))
    distances = [guess.distance for guess in found]
    assert distances == sorted(distances, reverse=True) and distances[-1] < distances[0] / 20
    assert float((found[-1].picture - picture).abs().mean()) < 0.02
    assert float((found[-1].deviation - deviation).norm()) < 0.5 * float((found[0].deviation - deviation).norm())
    progress = [guess.progress for guess in found]
    assert progress == sorted(progress) and progress[-1] == 1.0


def test_a_seed_among_the_first_is_found_at_once(tiny: GeneratorNet) -> None:
    deviation, picture = made_by(tiny, 20)
    found = guesses(tiny, picture, Settings(starts=32, steps=0))
    assert found[-1].distance < 1e-6 and torch.allclose(found[-1].deviation, deviation, atol=1e-4)


def test_the_house_network_and_features_find_a_flower() -> None:
    net, eyes = load_generator(find_model("flowers")), load_features(find_model("style_features"))
    deviation, picture = made_by(net, 5002)
    found = list(invert(net, picture, eyes, Settings(starts=48, steps=48)))
    assert found[-1].distance < 0.35 * found[0].distance
    assert float((found[-1].deviation - deviation).norm()) < float((found[0].deviation - deviation).norm())


def test_truncation_is_that_under_which_the_place_is_shown(tiny: GeneratorNet) -> None:
    _, picture = made_by(tiny, 7001)
    best = guesses(tiny, picture, Settings(starts=32, steps=160, truncation=0.7))[-1]
    with torch.no_grad():
        shown = paint(tiny, best.deviation[None], 0.7)[0]
    assert torch.allclose(shown, best.picture, atol=1e-4) and float((shown - picture).abs().mean()) < 0.04


def test_the_same_picture_gives_the_same_place_and_any_shape_is_taken(tiny: GeneratorNet) -> None:
    draw = torch.Generator().manual_seed(3)
    photograph = torch.rand(3, 50, 120, generator=draw)
    first, second = guesses(tiny, photograph)[-1], guesses(tiny, photograph)[-1]
    assert torch.equal(first.deviation, second.deviation) and torch.isfinite(first.deviation).all()
    assert square(photograph, 32).shape == (3, 32, 32)
    # far from anything the network can make, the place stays near the cloud
    assert float(first.deviation.norm()) < 6 * float(tiny.sigmas.square().sum().sqrt())
    with pytest.raises(ValueError, match="RGB"):
        guesses(tiny, torch.zeros(1, 8, 8))


def test_the_work_ends_when_it_is_told_to(tiny: GeneratorNet) -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(invert(tiny, torch.rand(3, 32, 32), settings=QUICK, check=check))
    assert calls == 5


def test_distance_is_nought_for_the_same_picture(tiny: GeneratorNet) -> None:
    _, picture = made_by(tiny, 1)
    _, other = made_by(tiny, 2)
    eyes = Eyes(picture[None], None)
    assert float(eyes.distance(picture[None])) == 0.0 < float(eyes.distance(other[None]))


def test_the_place_is_that_under_the_class_that_is_shown() -> None:
    torch.manual_seed(5)
    net = GeneratorNet(GanConfig(size=32, latent=16, base=16, widths=(16, 16), last=4, classes=("rose", "tulip")))
    with torch.no_grad():
        net(torch.randn(32, 16))
        net.paint.weight.mul_(4)
    net.survey(512)
    net.eval().requires_grad_(False)
    rose, tulip = [1.0, 0.0], [0.0, 1.0]
    with torch.no_grad():
        picture = paint(net, net.seed_w(7001, rose) - net.centre(rose), 1.0, rose)[0]
    for shares in (rose, tulip):
        best = list(invert(net, picture, settings=QUICK, shares=shares))[-1]
        with torch.no_grad():
            shown = paint(net, best.deviation[None], 1.0, shares)[0]
        assert torch.allclose(shown, best.picture, atol=1e-4) and float((shown - picture).abs().mean()) < 0.05
