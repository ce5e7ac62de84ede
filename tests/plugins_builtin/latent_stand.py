"""The latent explorer with a small random network: its pictures, and how far two of them are apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from studio import paths
from studio.engine import Stage, render
from studio.nn.gan import ARCHITECTURE, GanConfig, GeneratorNet
from studio.nn.weights import save_model
from studio.params import ParamSet
from studio.plugins import discover

Frame = NDArray[np.uint8]
PLUGIN = discover().get("latent_explorer")
Explorer = PLUGIN.load()


def save_tiny_network() -> Path:
    """A model under the name ``tiny``; one thread from now on, as the pictures are small."""
    torch.set_num_threads(1)
    torch.manual_seed(5)
    net = GeneratorNet(GanConfig(size=32, latent=16, base=16, widths=(16, 16), last=4))
    with torch.no_grad():
        net(torch.randn(32, 16))
        net.paint.weight.mul_(4)
    net.survey(512)
    path = paths.user_folder("data") / "models" / "tiny.safetensors"
    save_model(path, dict(net.state_dict()), ARCHITECTURE, net.config.to_dict())
    return path


def frames(
    count: int = 1, *, fps: float = 10.0, said: list[str] | None = None, automate: Any = None,
    output: tuple[int, int] | None = None, bpm: float = 120.0, **params: Any,
) -> list[Frame]:
    """What the explorer shows with the tiny network; ``said`` takes its notices."""
    values = ParamSet(Explorer.params)
    for name, value in {"model": "tiny", "size": 64, **params}.items():
        values.set(name, value)
    notices = [] if said is None else said
    return [
        np.asarray(frame) for frame in render(
            [Stage(Explorer, values, PLUGIN.folder)], frames=count, fps=fps, size=output, bpm=bpm,
            on_notice=notices.append, automate=automate)
    ]


def gap(a: Frame, b: Frame) -> float:
    """Mean absolute difference in levels of 255."""
    return float(np.abs(a.astype(np.float64) - b).mean())
