"""From levels in dB to values 0..1: a follower with attack and release, and a range that finds the loud and the quiet
by itself. Silence stays silence: below the gate everything is 0, however long it lasts."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

RANGE = 36.0
"""dB below the loudest that count as 0."""
LEAST = 12.0
"""dB that the loudest is taken to be above the gate at the least: what hardly passes the gate is not blown up."""
FORGET = 3.0
"""dB a second by which the loudest is forgotten."""


class Follower:
    """Smooths values with one time constant upwards and another one downwards: the branching, smooth one-pole detector
    of Giannoulis, Massberg and Reiss, "Digital Dynamic Range Compressor Design", JAES 60 (2012), eq. 16.

    After ``attack`` (seconds) of a step upwards 63 % of it is reached.
    """

    def __init__(self, count: int, hops: float) -> None:
        self.values: NDArray[np.float64] = np.zeros(count)
        self._hops = hops

    def step(self, wanted: NDArray[np.float64], attack: float, release: float) -> NDArray[np.float64]:
        """The values one hop later; times in seconds, 0 is at once."""
        up, down = (math.exp(-1.0 / (seconds * self._hops)) if seconds > 0.0 else 0.0 for seconds in (attack, release))
        keep = np.where(wanted > self.values, up, down)
        self.values = keep * self.values + (1.0 - keep) * wanted
        self.values[self.values < 1e-4] = 0.0
        return self.values


class AutoRange:
    """Where 0 and 1 are for each of several levels. Automatic: 1 is the loudest of late, 0 is ``RANGE`` dB below it
    or the gate. Fixed: 0 is the gate and 1 is full scale."""

    def __init__(self, count: int, hops: float) -> None:
        self.tops: NDArray[np.float64] = np.full(count, -math.inf)
        self._forget = FORGET / hops

    def step(self, levels: NDArray[np.float64], gate: float, automatic: bool) -> NDArray[np.float64]:
        """Values 0..1 for ``levels`` (dB)."""
        self.tops = np.maximum(np.maximum(levels, self.tops - self._forget), gate + LEAST)
        if not automatic:
            return np.clip((levels - gate) / max(1.0, -gate), 0.0, 1.0)
        bottoms = np.maximum(gate, self.tops - RANGE)
        return np.clip((levels - bottoms) / (self.tops - bottoms), 0.0, 1.0)
