"""What a layer or a channel dreams when there is nothing to see: small pictures for browsing a feature network.

They begin as noise and climb, like any dream; a layer's picture is the same on every run.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from studio.media import Frame
from studio.nn.dream import Settings, Target, dream, smallest_side
from studio.nn.featurenet import FeatureNet
from studio.nn.imaging import fractal, recolour, resize, soft_clip

SIDE, CHANNEL_SIDE = 192, 112
"""Sides (pixels) of the picture of a layer and of one of its channels."""

_MEAN = (0.46, 0.44, 0.42)
_SPREAD = ((0.050, 0.042, 0.033), (0.042, 0.046, 0.042), (0.033, 0.042, 0.050))
"""Mean and covariance of the colours that every tile is given: those of photographs, a little livelier."""


def tile(
    net: FeatureNet, layer: str, channel: int | None = None, *, side: int = 0,
    check: Callable[[float], None] = lambda _: None,
) -> Frame:
    """What ``layer`` (or one ``channel`` of it) dreams, ``uint8 (side, side, 3)``.

    ``check`` is called with the progress 0..1 and may raise to stop. Raises FeatureError for a layer that is not there.
    """
    layer = net.resolve(layer)
    side = side or (SIDE if channel is None else CHANNEL_SIDE)
    target = Target(layer, () if channel is None else (channel,))
    # larger than the picture: what grows at the border has only half of its surroundings
    full = max(smallest_side(net, [target]), round(side * 1.25))
    rng = torch.Generator().manual_seed(7 + 1009 * net.layers.index(layer) + (0 if channel is None else 1 + channel))
    start = (0.5 + 0.12 * fractal((full, full), rng, slope=0.8)).clamp(0, 1)
    steps, rate = (26, 0.014) if channel is None else (18, 0.018)
    settings = Settings(
        targets=(target,), octaves=3, scale=1.5, steps=steps, rate=rate, jitter=10, smooth=0.45, natural=0.55,
    )
    device = net.mean.device
    mean, spread = torch.tensor(_MEAN, device=device), torch.tensor(_SPREAD, device=device)
    *_, made = dream(net, start.to(device), settings, rng, check=check)
    edge = (full - side) // 2
    made = soft_clip(recolour(made, mean, spread, 0.85))
    made = made[:, :, edge : edge + side, edge : edge + side].clamp(0, 1)
    pixels = made[0].permute(1, 2, 0).mul(255).round().to(torch.uint8)
    return np.ascontiguousarray(pixels.cpu().numpy())


@torch.no_grad()
def rank(net: FeatureNet, picture: Frame, layer: str, *, side: int = 192) -> list[int]:
    """All channels of ``layer``, those first that fire on ``picture`` (uint8) more than they do on noise."""
    layer = net.resolve(layer)
    device = net.mean.device
    seen = torch.from_numpy(np.ascontiguousarray(picture)).to(device).permute(2, 0, 1)[None].float() / 255
    longer = side / max(seen.shape[2:])
    small = (max(64, round(seen.shape[2] * longer)), max(64, round(seen.shape[3] * longer)))
    plain = (0.5 + 0.15 * fractal(small, torch.Generator().manual_seed(3), slope=1.0)).clamp(0, 1).to(device)
    levels = []
    for x in (resize(seen, small).clamp(0, 1), plain):
        found = net.forward_to(x, layer)[layer].float()
        levels.append(found.square().mean((0, 2, 3)).sqrt())
    # a channel that fires on everything says nothing about this picture
    score = levels[0] / (levels[1] + 0.25 * levels[1].mean() + 1e-6)
    return [int(index) for index in torch.argsort(score, descending=True, stable=True)]
