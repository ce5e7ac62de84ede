"""Moving in a latent space: interpolation, splines, closed paths, easing, truncation, keyframes in text.

Everything is deterministic and runs on small CPU vectors; where a path passes through a point, it returns that very
point, bit for bit, so that one seed is one picture however it is reached.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from studio.params import Seed

MAX_KEYFRAMES = 1000


class LatentError(ValueError):
    """A text that names no path or point; the message quotes it and says what was expected."""


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


EASINGS: dict[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "smooth": lambda t: t * t * (3 - 2 * t),
    "smoother": lambda t: t * t * t * (t * (6 * t - 15) + 10),
    "in": lambda t: t * t,
    "out": lambda t: t * (2 - t),
    "sine": lambda t: 0.5 - 0.5 * math.cos(math.pi * t),
    "hold": lambda t: 0.0 if t < 1 else 1.0,
    "overshoot": lambda t: 1 + 2.7 * (t - 1) ** 3 + 1.7 * (t - 1) ** 2,
}
"""How a way is travelled, 0..1 to 0..1 (``overshoot`` passes its goal and comes back)."""


def ease(name: str, t: float) -> float:
    """Easing ``name`` at ``t``, which is clamped to 0..1; the ends are exact."""
    return 0.0 if t <= 0 else 1.0 if t >= 1 else EASINGS[name](t)


def there_and_back(phase: float) -> float:
    """0..1..0 over a phase of 2, without a jump anywhere."""
    phase = phase % 2.0
    return phase if phase <= 1 else 2.0 - phase


@dataclass(frozen=True)
class Keyframe:
    """Be at ``seed`` at ``time``; ``easing`` is how the way *to* it is travelled."""

    time: float
    seed: int
    easing: str = "smooth"


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


def parse_points(text: str) -> dict[str, int]:
    """Named points, ``rose=12 sun=40`` (spaces, commas or lines between them). Raises LatentError."""
    points: dict[str, int] = {}
    for item in re.split(r"[\s,;]+", text.strip()):
        if not item:
            continue
        name, equals, value = item.partition("=")
        if not equals or not _NAME.match(name):
            raise LatentError(f"point {item[:40]!r} is not of the form name=seed, such as rose=12")
        if name in points:
            raise LatentError(f"the point {name[:40]!r} is named twice; give each a name of its own")
        points[name] = _seed(value, item)
    return points


def parse_point(text: str, points: Mapping[str, int]) -> int:
    """The seed that a seed number or a point's name means. Raises LatentError."""
    word = text.strip()
    if word in points:
        return points[word]
    if _NAME.match(word):
        known = ", ".join(sorted(points)) or "none"
        raise LatentError(f"there is no point {word[:40]!r}; the named points are: {known}")
    return _seed(word, text)


def _seed(word: str, item: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", word, re.ASCII) or int(word) > Seed.LIMIT:
        raise LatentError(f"{item[:40]!r}: {word[:20]!r} is not a seed, a whole number from 0 to {Seed.LIMIT}")
    return int(word)


def parse_keyframes(text: str, points: Mapping[str, int] | None = None) -> list[Keyframe]:
    """``12@0 40@2:smooth rose@4:in``: a seed or point, its time (seconds or beats), how the way to it is travelled.

    Separated by spaces, commas or lines; sorted by time. Raises LatentError with a sentence.
    """
    frames: list[Keyframe] = []
    for item in re.split(r"[\s,;]+", text.strip()):
        if not item:
            continue
        where, at, rest = item.partition("@")
        when, _, easing = rest.partition(":")
        if not at:
            raise LatentError(f"keyframe {item[:40]!r} has no time; write seed@time, such as 12@0 or 40@2:smooth")
        try:
            time = float(when)
        except ValueError:
            time = math.nan
        if not 0 <= time <= 1e6:
            raise LatentError(f"keyframe {item[:40]!r}: {when[:20]!r} is not a time from 0 to 1000000")
        easing = easing or "smooth"
        if easing not in EASINGS:
            known = ", ".join(EASINGS)
            raise LatentError(f"keyframe {item[:40]!r}: there is no easing {easing[:20]!r}; there are {known}")
        frames.append(Keyframe(time, parse_point(where, points or {}), easing))
    if len(frames) < 2:
        raise LatentError("a path needs at least two keyframes, such as 12@0 40@2:smooth")
    if len(frames) > MAX_KEYFRAMES:
        raise LatentError(f"there are {len(frames)} keyframes; a path has at most {MAX_KEYFRAMES}")
    frames.sort(key=lambda frame: frame.time)
    for first, second in pairwise(frames):
        if first.time == second.time:
            raise LatentError(f"two keyframes are at the time {first.time:g}; give each a time of its own")
    return frames


def at_time(frames: Sequence[Keyframe], time: float) -> tuple[int, int, float]:
    """Where a path is: from seed, to seed, and the eased 0..1 between. Before its start and after its end it rests."""
    if time <= frames[0].time:
        return frames[0].seed, frames[0].seed, 0.0
    for first, second in pairwise(frames):
        if time < second.time:
            return first.seed, second.seed, ease(second.easing, (time - first.time) / (second.time - first.time))
    return frames[-1].seed, frames[-1].seed, 0.0
