"""When a training diverges: a loss that is not finite, or one that leaves the range it has moved in.

The bound is wide, for losses of GANs swing: the mean of the last steps has to be above everything of the last hundreds
by several times the width of their range, a single step by a thousand times. A slow rise is no explosion: validation
and early stop are for that.
"""

from __future__ import annotations

import math
from collections import deque

RECENT = 8
"""Steps whose mean is judged."""
LAG = 32
"""Steps before the present that do not belong to the range yet: what grows slowly would hide in it."""
MEMORY = 300
"""Steps before those that the range is taken from."""
LEAST = 50
"""Steps before an explosion can be told."""
SUSTAINED, SUDDEN, ODD = 10.0, 1000.0, 3.0
"""How many widths above its range the mean of recent losses, or a single loss, is an explosion; or at least odd."""


class Guard:
    """Sees every step's losses. ``watched``: the names of those that count, None for all."""

    def __init__(self, watched: tuple[str, ...] | None = None) -> None:
        self._watched = watched
        self._recent: dict[str, deque[float]] = {}
        self._before: dict[str, deque[float]] = {}

    def see(self, losses: dict[str, float]) -> str:
        """The losses of one more step; returns why to roll back, or ''."""
        for name, value in losses.items():
            if not math.isfinite(value):
                return f"the loss {name} is not finite"
        for name, value in losses.items():
            if self._watched is not None and name not in self._watched:
                continue
            excess = self._excess(name, value)
            if excess is not None and excess[1] > SUDDEN:
                return f"the loss {name} leapt to {value:.4g}"
            self._keep(name, value)
            if excess is not None and excess[0] > SUSTAINED:
                mean = sum(list(self._recent[name])[-RECENT:]) / RECENT
                return f"the loss {name} exploded to {mean:.4g}, from at most {max(self._before[name]):.4g}"
        return ""

    def calm(self) -> bool:
        """Whether all losses are within reach of their range, so that this is a state to go back to."""
        for name, recent in self._recent.items():
            excess = self._excess(name, recent[-1])
            if excess is not None and excess[0] > ODD:
                return False
        return True

    def forget(self) -> None:
        """After a roll-back: what was seen counts no more."""
        self._recent.clear()
        self._before.clear()

    def _keep(self, name: str, value: float) -> None:
        recent = self._recent.setdefault(name, deque())
        before = self._before.setdefault(name, deque(maxlen=MEMORY))
        recent.append(value)
        if len(recent) > LAG:
            before.append(recent.popleft())

    def _excess(self, name: str, value: float) -> tuple[float, float] | None:
        """How many widths of its range the mean of the last losses with this one, and this one, are above it."""
        before, recent = self._before.get(name), self._recent.get(name)
        if not before or not recent or len(before) < LEAST:
            return None
        high, low = max(before), min(before)
        width = max(high - low, 0.1 * abs(high), 1e-6)
        newest = [*list(recent)[-(RECENT - 1) :], value]
        return (sum(newest) / len(newest) - high) / width, (value - high) / width
