"""Moving in a latent space: interpolation, splines, closed paths, truncation; its texts are in ``places``.

Everything is deterministic and runs on small CPU vectors; where a path passes through a point, it returns that very
point, bit for bit, so that one seed is one picture however it is reached.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from studio.nn.places import (
    EASINGS,
    MAX_KEYFRAMES,
    Keyframe,
    LatentError,
    Place,
    Where,
    arc,
    as_place,
    at_time,
    combine,
    direction_of,
    ease,
    format_keyframes,
    format_points,
    held,
    of_seed,
    of_vector,
    on_the_way,
    parse_keyframes,
    parse_place,
    parse_point,
    parse_points,
    straying,
    vector_of,
)

__all__ = [
    "EASINGS",
    "MAX_KEYFRAMES",
    "Keyframe",
    "LatentError",
    "Place",
    "Where",
    "along",
    "arc",
    "around",
    "as_place",
    "at_time",
    "combine",
    "direction_of",
    "ease",
    "format_keyframes",
    "format_points",
    "held",
    "lerp",
    "of_seed",
    "of_vector",
    "offset",
    "on_the_way",
    "parse_keyframes",
    "parse_place",
    "parse_point",
    "parse_points",
    "place_w",
    "seed_latent",
    "slerp",
    "spline",
    "straying",
    "there_and_back",
    "truncate",
    "vector_of",
    "wander",
]

def seed_latent(seed: int, length: int) -> torch.Tensor:
    """The normal vector ``(1, length)`` that belongs to a seed, the same on every machine."""
    draw = np.random.default_rng(seed).standard_normal((1, length), np.float32)
    return torch.from_numpy(draw)


def lerp(a: torch.Tensor, b: torch.Tensor, t: float) -> torch.Tensor:
    """Straight line: exactly ``a`` at 0 and ``b`` at 1. ``t`` may leave 0..1."""
    if t == 0.0:
        return a
    if t == 1.0:
        return b
    return a + (b - a) * t


def slerp(a: torch.Tensor, b: torch.Tensor, t: float) -> torch.Tensor:
    """Along the arc between the directions of ``a`` and ``b``, row by row; lengths change evenly.

    Exactly ``a`` at 0 and ``b`` at 1; a straight line where the two are (anti)parallel or zero (Shoemake 1985).
    """
    if t == 0.0:
        return a
    if t == 1.0:
        return b
    length_a, length_b = a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True)
    cosine = ((a * b).sum(-1, keepdim=True) / (length_a * length_b).clamp_min(1e-12)).clamp(-1, 1).double()
    angle = torch.acos(cosine)
    sine = torch.sin(angle)
    usable = sine > 1e-4
    safe = torch.where(usable, sine, torch.ones_like(sine))
    direction = (
        (torch.sin((1 - t) * angle) / safe).float() * a / length_a.clamp_min(1e-12)
        + (torch.sin(t * angle) / safe).float() * b / length_b.clamp_min(1e-12)
    )
    return torch.where(usable, direction * (length_a + (length_b - length_a) * t), a + (b - a) * t)


def spline(before: torch.Tensor, a: torch.Tensor, b: torch.Tensor, after: torch.Tensor, t: float) -> torch.Tensor:
    """Catmull-Rom between ``a`` (t = 0) and ``b`` (t = 1): passes each point without a corner."""
    if t == 0.0:
        return a
    if t == 1.0:
        return b
    return (
        a + (b - before) * (0.5 * t)
        + (before - a * 2.5 + b * 2.0 - after * 0.5) * t**2
        + ((a - b) * 1.5 + (after - before) * 0.5) * t**3
    )


def along(point: Callable[[int], torch.Tensor], phase: float) -> torch.Tensor:
    """The place at ``phase`` on the smooth path through ``point(0), point(1), ...`` (one per unit, also negative)."""
    index = math.floor(phase)
    return spline(point(index - 1), point(index), point(index + 1), point(index + 2), phase - index)


def around(points: Sequence[torch.Tensor], phase: float) -> torch.Tensor:
    """The place at ``phase`` (0..1, wraps) on the smooth closed path through ``points``."""
    count = len(points)
    return along(lambda index: points[index % count], (phase % 1.0) * count)


def wander(anchor: torch.Tensor, seed: int, index: int, reach: float) -> torch.Tensor:
    """Way point ``index`` (0 is the anchor itself) of a walk: ``reach`` 0 stays at the anchor, 1 goes anywhere.

    A function of its arguments alone: a walk can go backwards and start anywhere. Its length is the anchor's.
    """
    if index == 0 or reach == 0.0:
        return anchor
    key = np.random.SeedSequence([seed, index % 2**32, 0x57A1])
    fresh = torch.from_numpy(np.random.default_rng(key).standard_normal(tuple(anchor.shape), np.float32))
    return slerp(anchor, fresh * (anchor.norm() / fresh.norm()), min(1.0, reach))


def truncate(w: torch.Tensor, mean: torch.Tensor, amount: float) -> torch.Tensor:
    """Towards the mean: 1 leaves ``w`` as it is, 0 is the mean, above 1 exaggerates, below 0 is the opposite."""
    return w if amount == 1.0 else mean + (w - mean) * amount


def offset(w: torch.Tensor, directions: torch.Tensor, sigmas: torch.Tensor, amounts: Sequence[float]) -> torch.Tensor:
    """``w`` moved along principal directions ``(K, length)`` by ``amounts`` standard deviations each."""
    for index, amount in enumerate(amounts):
        if amount and index < len(sigmas):
            w = w + directions[index] * (sigmas[index] * amount)
    return w


def there_and_back(phase: float) -> float:
    """0..1..0 over a phase of 2, without a jump anywhere."""
    phase = phase % 2.0
    return phase if phase <= 1 else 2.0 - phase


def place_w(
    place: Place, mean: torch.Tensor, directions: torch.Tensor, sigmas: torch.Tensor,
    seed_w: Callable[[int], torch.Tensor],
) -> torch.Tensor:
    """The w ``(1, length)`` of a place; ``seed_w`` gives that of a seed. A place that is a seed is exactly its w.

    Raises LatentError where the place names a direction or holds a vector that this network has not.
    """
    if place.seed is not None:
        return seed_w(place.seed)
    length = mean.shape[-1]
    total = torch.zeros(1, length)
    for source, weight in place.terms:
        number, vector = direction_of(source), vector_of(source)
        if vector is not None:
            if len(vector) != length:
                raise LatentError(
                    f"this place is of another network: it has {len(vector)} numbers, this network has {length}; "
                    "load the network it was made with or pin the place again"
                )
            total = total + torch.from_numpy(vector) * weight
        elif number is not None:
            if number > len(sigmas):
                raise LatentError(f"there is no direction pc{number}; this network has pc1 to pc{len(sigmas)}")
            total = total + directions[number - 1] * (sigmas[number - 1] * weight)
        else:
            total = total + (seed_w(int(source)) - mean) * weight
    return mean + total
