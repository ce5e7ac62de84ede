"""DiffAugment (Zhao et al. 2020): augmentations through which gradients flow, for discriminators with little data.

Everything is drawn from torch's global generator, so a seeded or resumed training repeats itself.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F


def colour(x: torch.Tensor, strength: float = 1.0) -> torch.Tensor:
    """Random brightness (±0.5 of the value range 2), saturation (0..2) and contrast (0.5..1.5) per picture.

    ``x`` is ``(N, 3, H, W)`` in -1..1; the result may leave that range. ``strength`` below 1 narrows all three.
    """
    draw = (torch.rand(3, x.shape[0], 1, 1, 1, device=x.device, dtype=x.dtype) - 0.5) * strength
    x = x + draw[0]
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * (1 + draw[1] * 2)
    middle = x.mean((1, 2, 3), keepdim=True)
    return middle + (x - middle) * (1 + draw[2])


def translate(x: torch.Tensor, ratio: float = 0.125) -> torch.Tensor:
    """Shift each picture by up to ``ratio`` of its sides, in whole pixels; what comes in is zero (mid-grey)."""
    height, width = x.shape[2:]
    most = (max(1, int(height * ratio)), max(1, int(width * ratio)))
    padded = F.pad(x, (most[1], most[1], most[0], most[0]))
    tops = torch.randint(0, 2 * most[0] + 1, (x.shape[0],)).tolist()
    lefts = torch.randint(0, 2 * most[1] + 1, (x.shape[0],)).tolist()
    places = enumerate(zip(tops, lefts, strict=True))
    return torch.stack([padded[i, :, top : top + height, left : left + width] for i, (top, left) in places])


def cutout(x: torch.Tensor, ratio: float = 0.5) -> torch.Tensor:
    """Cover a square of ``ratio`` times the sides with zeros (mid-grey), somewhere else in each picture."""
    count, _, height, width = x.shape
    tall, wide = int(height * ratio), int(width * ratio)
    top = torch.randint(-(tall // 2), height - tall // 2, (count, 1), device=x.device)
    left = torch.randint(-(wide // 2), width - wide // 2, (count, 1), device=x.device)
    rows = torch.arange(height, device=x.device).view(1, -1)
    columns = torch.arange(width, device=x.device).view(1, -1)
    inside_rows = (rows >= top) & (rows < top + tall)
    inside_columns = (columns >= left) & (columns < left + wide)
    hidden = inside_rows.view(count, 1, height, 1) & inside_columns.view(count, 1, 1, width)
    return x.masked_fill(hidden, 0.0)


def diff_augment(x: torch.Tensor, strength: float = 1.0) -> torch.Tensor:
    """Colour, translation, cutout: at ``strength`` 1 the paper's strongest policy, for a few hundred pictures.

    ``x`` is ``(N, 3, H, W)`` in -1..1.
    """
    return cutout(translate(colour(x, strength), 0.125 * strength), 0.5 * strength)
