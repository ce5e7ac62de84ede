"""Every built-in generator of pictures works as a deck that is too slow works: with less precision, and much alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from studio.engine import Stage, render
from studio.params import ParamSet
from studio.plugins import Plugin, discover

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK: dict[str, dict[str, Any]] = {
    "deep_dream": {"steps": 1, "opening": 1, "octaves": 2, "layer": "3a"},
    "style_camera": {"size": 128},
    "style_painting": {"steps": 1, "size": 64, "levels": 1, "preview": 1},
}


def pictures(plugin: Plugin) -> list[np.ndarray[Any, Any]]:
    generator = plugin.load()
    values = ParamSet(generator.params)
    values.load(QUICK.get(plugin.name, {}))
    stages = [Stage(generator, values, plugin.folder)]
    source = None
    if generator.takes == "image":
        rng = np.random.default_rng(0)
        source = iter([np.kron(rng.integers(0, 255, (8, 8, 3), np.uint8), np.ones((8, 8, 1), np.uint8))] * 3)
    return [np.asarray(frame) for frame in render(stages, frames=3, size=(64, 64), source=source)]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("plugin", list(discover(builtin_only=True)), ids=lambda plugin: plugin.name)
def test_less_precision_is_much_alike(plugin: Plugin) -> None:
    if plugin.load().makes != "image":
        pytest.skip("it makes no pictures")
    exact = pictures(plugin)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        quick = pictures(plugin)
    for one, two in zip(exact, quick, strict=True):
        assert one.shape == two.shape and one.dtype == two.dtype == np.uint8
        assert np.abs(one.astype(int) - two.astype(int)).mean() < 6.0
