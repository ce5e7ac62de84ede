"""The latent explorer plays every kind of network, and asks one that learned classes for them, live."""

from __future__ import annotations

import functools
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from studio import paths
from studio.engine import Stage, render
from studio.nn.gan import ARCHITECTURE, GanConfig, GeneratorNet
from studio.nn.gan_base import PictureGenerator
from studio.nn.gan_dcgan import DcganConfig, DcganGenerator
from studio.nn.gan_fast import FastConfig, FastGenerator, without_spectral_norm
from studio.nn.weights import save_model
from studio.params import ParamSet
from studio.plugins import discover

Frame = NDArray[np.uint8]
PLUGIN = discover().get("latent_explorer")
Explorer = PLUGIN.load()
KINDS = ("daisy", "rose", "tulip")


@functools.cache
def _net(kind: str) -> PictureGenerator:
    torch.manual_seed(5)
    net: PictureGenerator
    if kind == "style":
        net = GeneratorNet(GanConfig(32, 16, 3, 16, (16, 16), 4, KINDS))
    elif kind == "few":
        net = FastGenerator(FastConfig(64, 8, 8, KINDS))
        without_spectral_norm(net)
    else:
        net = DcganGenerator(DcganConfig(32, 8, 8, KINDS if kind == "dcgan" else ()))
    with torch.no_grad():
        net(torch.randn(32, net.config.latent))
        for parameter in net.parameters():  # unlearned networks make nearly grey pictures
            parameter.mul_(1.5)
        if isinstance(net, DcganGenerator):
            net.main[-2].weight.mul_(60)  # type: ignore[operator]
    net.survey(256)
    return net.eval()


@pytest.fixture(autouse=True)
def models(_own_home: None) -> None:
    torch.set_num_threads(1)
    folder = paths.user_folder("data") / "models"
    for kind in ("style", "few", "dcgan", "plain"):
        net = _net(kind)
        save_model(folder / f"{kind}.safetensors", dict(net.state_dict()), ARCHITECTURE, net.config.to_dict())


def frames(count: int = 1, *, said: list[str] | None = None, automate: Any = None, **params: Any) -> list[Frame]:
    values = ParamSet(Explorer.params)
    for name, value in {"model": "style", "size": 64, "mode": "still", "seed": 3, **params}.items():
        values.set(name, value)
    notices = [] if said is None else said
    stage = [Stage(Explorer, values, PLUGIN.folder)]
    return [np.asarray(f) for f in render(stage, frames=count, fps=10.0, on_notice=notices.append, automate=automate)]


@pytest.mark.parametrize("model", ["style", "few", "dcgan", "plain"])
def test_every_network_is_played_in_every_mode(model: str) -> None:
    still = frames(model=model)[0]
    assert still.std() > 1
    for params in ({"mode": "walk"}, {"mode": "loop"}, {"mode": "interpolate"}, {"noise": 0.5}, {"pc1": 2.0},
                   {"mode": "keyframes", "keyframes": "3@0 5@2"}, {"detail": 1.0}, {"place": "3:0.5 4:0.5"}):
        made = frames(3, model=model, **params)
        assert len(made) == 3 and all(frame.shape == (64, 64, 3) for frame in made)
        if params.get("mode") not in (None, "loop"):
            assert np.array_equal(made[0], still), params
    assert not np.array_equal(frames(model=model, pc1=2.0)[0], still)
    if model in ("dcgan", "few"):  # one w makes all of it: there is no detail to be taken from elsewhere
        assert np.array_equal(frames(model=model, detail=1.0)[0], still)


@pytest.mark.parametrize("model", ["style", "dcgan", "few"])
def test_a_class_is_asked_for_and_faded_into_another(model: str) -> None:
    daisy, rose = frames(model=model, class_a="daisy")[0], frames(model=model, class_a="rose")[0]
    assert not np.array_equal(daisy, rose)
    assert np.array_equal(frames(model=model, class_a="2")[0], rose), "by its number"
    for blend, end in ((0.0, daisy), (1.0, rose)):
        assert np.array_equal(frames(model=model, class_a="daisy", class_b="rose", class_blend=blend)[0], end)
    half = frames(model=model, class_a="daisy", class_b="rose", class_blend=0.5)[0]
    assert np.array_equal(half, frames(model=model, class_a="daisy:1 rose:1")[0])
    assert not np.array_equal(half, daisy) and not np.array_equal(half, rose)


def test_without_a_wish_every_seed_has_its_own_class() -> None:
    assert np.array_equal(frames(seed=3)[0], frames(seed=3, class_a="daisy")[0])
    assert np.array_equal(frames(seed=4)[0], frames(seed=4, class_a="rose")[0])
    end = frames(11, mode="interpolate", seed=3, end_seed=4, speed=1.0)
    assert np.array_equal(end[10], frames(seed=4)[0])
    sheet = frames(mode="grid", rows=1, columns=3, gap=0, seed=3, class_a="tulip")[0]
    mixed = frames(mode="grid", rows=1, columns=3, gap=0, seed=3)[0]
    assert not np.array_equal(sheet[:, :40], mixed[:, :40])


def test_a_class_turned_by_hand_never_jumps() -> None:
    def turn(frame: int, values: list[ParamSet]) -> None:
        values[0].set("class_blend", min(1.0, max(0.0, (frame - 2) / 20)))

    made = frames(26, mode="walk", speed=0.2, class_a="daisy", class_b="tulip", automate=turn)
    steps = [float(np.abs(a.astype(float) - b).mean()) for a, b in pairwise(made)]
    whole = float(np.abs(made[0].astype(float) - made[-1]).mean())
    assert max(steps) < 0.35 * whole and whole > 1


def test_a_class_that_is_not_there_is_said_once_and_the_picture_goes_on() -> None:
    said: list[str] = []
    made = frames(3, said=said, class_a="violet")
    assert len(said) == 1 and "violet" in said[0] and "daisy, rose, tulip" in said[0]
    assert np.array_equal(made[2], frames()[0])
    assert np.array_equal(frames(model="plain", class_a="violet")[0], frames(model="plain")[0])
