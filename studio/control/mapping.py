"""From a control's travel to a position 0..1: range, inversion, curve, smoothing. Pure, and each step can be undone."""

from __future__ import annotations

import math

CURVES = ("linear", "exp", "log", "s")
"""linear; exp: fine at the low end; log: fine at the high end; s: fine at both ends."""

SETTLED = 1e-4
"""Way (0..1) from its goal at which a smoothed value has arrived."""


def shape(curve: str, x: float) -> float:
    """A curve over 0..1; it rises, and keeps 0 and 1 where they are."""
    x = min(1.0, max(0.0, x))
    if curve == "exp":
        return x * x
    if curve == "log":
        return math.sqrt(x)
    if curve == "s":
        return x * x * (3.0 - 2.0 * x)
    return x


def unshape(curve: str, y: float) -> float:
    """Where on 0..1 the curve has the height ``y``."""
    y = min(1.0, max(0.0, y))
    if curve == "exp":
        return math.sqrt(y)
    if curve == "log":
        return y * y
    if curve == "s":
        return min(1.0, max(0.0, 0.5 - math.sin(math.asin(1.0 - 2.0 * y) / 3.0)))
    return y


def place(x: float, low: float, high: float, curve: str = "linear", invert: bool = False) -> float:
    """The position for a control at ``x``: ``low`` at its beginning, ``high`` at its end (``invert`` swaps them)."""
    y = shape(curve, x if math.isfinite(x) else 0.0)
    if invert:
        y = 1.0 - y
    return low + (high - low) * y


def unplace(position: float, low: float, high: float, curve: str = "linear", invert: bool = False) -> float:
    """Where a control stands for ``position``; the nearest end for one outside its range."""
    y = 0.0 if high == low else min(1.0, max(0.0, (position - low) / (high - low)))
    return unshape(curve, 1.0 - y if invert else y)


def approach(now: float, goal: float, seconds: float, dt: float) -> float:
    """A smoothed value ``dt`` seconds later, with time constant ``seconds``; it arrives exactly."""
    if seconds <= 0.0:
        return goal
    now += (goal - now) * -math.expm1(-max(0.0, dt) / seconds)
    return goal if abs(goal - now) < SETTLED else now
