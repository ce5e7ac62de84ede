"""Losses of style transfer: Gram matrices, feature distance, total variation.

Gatys, Ecker, Bethge: "Image Style Transfer Using Convolutional Neural Networks" (2016). Every style layer is divided
by the loss a start picture had on it, so that one weight means the same for every layer, network and picture.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def gram(activation: Tensor) -> Tensor:
    """Gram matrices ``(N, C, C)`` of activations ``(N, C, H, W)``, per position: independent of the picture's size."""
    flat = activation.float().flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def grams(activations: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The Gram matrices of all layers."""
    return {name: gram(value) for name, value in activations.items()}


def gram_distance(found: Tensor, wanted: Tensor) -> Tensor:
    """Squared Frobenius distance per picture ``(N,)``."""
    return (found - wanted).square().sum((1, 2))


def feature_distance(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared distance of activations per picture ``(N,)``, as a share of the variance of ``wanted``."""
    wanted = wanted.float()
    scale = wanted.var((1, 2, 3)).clamp_min(1e-8)
    return (found.float() - wanted).square().mean((1, 2, 3)) / scale


def total_variation(image: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels, per picture ``(N,)``, of ``(N, 3, H, W)`` in 0..1."""
    down = (image[:, :, 1:] - image[:, :, :-1]).square().mean((1, 2, 3))
    across = (image[:, :, :, 1:] - image[:, :, :, :-1]).square().mean((1, 2, 3))
    return down + across


def outside(image: Tensor) -> Tensor:
    """How far values leave 0..1, mean square, per picture ``(N,)``."""
    return (image - image.clamp(0.0, 1.0)).square().mean((1, 2, 3))


def mix_grams(tables: list[dict[str, Tensor]], weights: list[float]) -> dict[str, Tensor]:
    """Weighted mean of several pictures' Gram matrices: a style between them. Weights need not sum to 1."""
    total = sum(weights)
    if not tables or total <= 0.0:
        raise ValueError("at least one style needs a weight above 0")
    shares = [weight / total for weight in weights]
    return {
        name: torch.stack([table[name] * share for table, share in zip(tables, shares, strict=True)]).sum(0)
        for name in tables[0]
    }
