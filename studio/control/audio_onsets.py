"""Onsets as they happen: spectral flux over mel bands against a threshold that follows it, without looking ahead.

S. Böck, F. Krebs, M. Schedl, "Evaluating the Online Capabilities of Onset Detection Methods", ISMIR 2012; the maximum
over neighbouring bands against vibrato is from S. Böck, G. Widmer, "Maximum Filter Vibrato Suppression", DAFx 2013.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studio.control.audio_spectrum import HOPS

APART = 0.06
"""Seconds between two onsets at the least."""
_BEFORE = 3
_NEAR = 30
_LAG = 2


class OnsetFinder:
    """One flux and one answer per hop."""

    def __init__(self) -> None:
        self.flux = 0.0
        """How much new sound there is in the last hop, 0 for none; about 1 for a loud beat out of silence."""
        self._bands: list[NDArray[np.float64]] = []
        self._past: NDArray[np.float64] = np.zeros(_NEAR)
        self._since = 1000

    def step(self, bands: NDArray[np.float64], sensitivity: float) -> bool:
        """Whether an onset is in the newest hop. ``bands`` are those of ``Spectra``; ``sensitivity`` 0..1."""
        self._bands.append(bands)
        if len(self._bands) <= _LAG:
            return False
        before = self._bands.pop(0)
        wide = np.maximum(before, np.maximum(np.roll(before, 1), np.roll(before, -1)))
        wide[[0, -1]] = np.maximum(before[[0, -1]], before[[1, -2]])
        self.flux = float(np.maximum(bands - wide, 0.0).mean())
        past, self._past = self._past, np.append(self._past[1:], self.flux)
        self._since += 1
        strictness = 1.0 - sensitivity
        # the median: onsets just before must not hide this one
        threshold = 0.01 + 0.07 * strictness + (1.0 + 2.0 * strictness) * float(np.median(past))
        found = self.flux > threshold and self.flux >= past[-_BEFORE:].max() and self._since >= APART * HOPS
        if found:
            self._since = 0
        return bool(found)
