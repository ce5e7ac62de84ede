"""Augmentations of which each happens with a probability (Karras et al. 2020, "Training GANs with Limited Data").

Below a probability of about 0.8 nothing of them shows in what the generator makes. Differentiable; drawn from torch's
generator. Pictures are ``(N, 3, H, W)`` in -1..1.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from studio.nn.augment import colour, cutout, translate


def _some(made: torch.Tensor, x: torch.Tensor, probability: float) -> torch.Tensor:
    """``made`` for some pictures, ``x`` for the others."""
    chosen = torch.rand(x.shape[0], 1, 1, 1, device=x.device) < probability
    return torch.where(chosen, made, x)


def turn(x: torch.Tensor) -> torch.Tensor:
    """Scaled by about 2^(0.2 N) and turned by up to 180 degrees either way, mirrored beyond the edges."""
    count = x.shape[0]
    scale = torch.exp2(torch.randn(count, device=x.device) * 0.2)
    angle = (torch.rand(count, device=x.device) * 2 - 1) * math.pi
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    nothing = torch.zeros_like(cosine)
    matrix = torch.stack([torch.stack([cosine, -sine, nothing], 1), torch.stack([sine, cosine, nothing], 1)], 1)
    grid = F.affine_grid(matrix.to(x.dtype), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def augment_some(x: torch.Tensor, probability: float) -> torch.Tensor:
    """Shift, turn and scale, colour, and a covered square, each with ``probability`` (0: the pictures as they are)."""
    if probability <= 0:
        return x
    x = _some(translate(x, 0.125), x, probability)
    x = _some(turn(x), x, probability)
    x = _some(colour(x), x, probability)
    return _some(cutout(x, 0.5), x, probability)
