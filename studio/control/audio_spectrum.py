"""Spectra of sound in hops of a hundredth of a second: levels by band, weighting, centroid, and the flux of onsets.

Levels are dB of full scale as AES17 counts them: a sine whose peaks touch full scale has 0 dB, whatever its frequency.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

HOPS = 100
"""Analyses a second."""
BANDS = (63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
"""Centres of the octave bands (Hz), the nominal ones of IEC 61260-1."""
BASS, MID, TREBLE = (20.0, 178.0), (178.0, 2818.0), (2818.0, 20_000.0)
"""Edges of the three wide bands (Hz), on edges of octaves."""
QUIETEST = -120.0
"""What silence counts as (dB)."""
_WINDOW = 0.04
_MELS = 32
_COMPRESSION = 1000.0


def decibels(power: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Mean square of samples -1..1 as dB of full scale (AES17: a full-scale sine has 0 dB)."""
    return np.maximum(QUIETEST, 10.0 * np.log10(np.maximum(2.0 * np.asarray(power, np.float64), 1e-30)))


def a_weighting(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """The A curve as a factor of power, 1 at 1 kHz; IEC 61672-1:2013, annex E."""
    f2 = np.square(hertz)
    gain = (12194.0**2 * f2 * f2) / (
        (f2 + 20.6**2) * np.sqrt((f2 + 107.7**2) * (f2 + 737.9**2)) * (f2 + 12194.0**2)
    )
    made: NDArray[np.float64] = np.square(gain * 10.0 ** (2.0 / 20.0))
    return made


def _mel(hertz: float) -> float:
    return 2595.0 * math.log10(1.0 + hertz / 700.0)


class Spectra:
    """Windows and weights for one sample rate (Hz)."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.hop = max(1, round(rate / HOPS))
        self.size = 1 << max(8, math.ceil(math.log2(_WINDOW * rate)))
        """Samples of the window for levels and bands: 43 ms at 48 kHz; half of it for onsets."""
        self.short = self.size // 2
        self._window = np.hanning(self.size + 1)[:-1]
        self._short_window = np.hanning(self.short + 1)[:-1]
        # Parseval, one-sided: power of a bin so that the sum over bins is the mean square of the windowed samples
        self._scale = 2.0 / (self.size * float(np.square(self._window).sum()))
        self.hertz: NDArray[np.float64] = np.arange(self.size // 2 + 1, dtype=np.float64) * (rate / self.size)
        edges = [(centre / 10**0.15, centre * 10**0.15) for centre in BANDS]
        self._bands = np.stack([self._share(low, high) for low, high in (*edges, BASS, MID, TREBLE)])
        self._heard = self._share(20.0, 20_000.0)
        self._a = a_weighting(self.hertz) * self._heard
        self._mels = self._mel_bank()
        self._mel_scale = 2.0 / float(self._short_window.sum())

    def _share(self, low: float, high: float) -> NDArray[np.float64]:
        """How much of each bin lies between two edges (Hz)."""
        width = self.rate / self.size
        below, above = self.hertz - width / 2.0, self.hertz + width / 2.0
        return np.clip((np.minimum(above, high) - np.maximum(below, low)) / width, 0.0, 1.0)

    def _mel_bank(self) -> NDArray[np.float64]:
        """Triangles on the mel scale (O'Shaughnessy 1987), 40 Hz to 14 kHz; those too narrow for a bin are left out."""
        top = min(14_000.0, self.rate * 0.48)
        points = 700.0 * (10.0 ** (np.linspace(_mel(40.0), _mel(top), _MELS + 2) / 2595.0) - 1.0)
        hertz = np.arange(self.short // 2 + 1) * self.rate / self.short
        rows = []
        for low, middle, high in zip(points, points[1:], points[2:], strict=False):
            row = np.clip(np.minimum((hertz - low) / (middle - low), (high - hertz) / (high - middle)), 0.0, None)
            if row.any():
                rows.append(row)
        return np.stack(rows)

    def powers(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """Power in each bin of ``size`` samples; their sum is the mean square, without what a steady offset adds."""
        spectrum = np.fft.rfft((samples - samples.mean()) * self._window)
        made: NDArray[np.float64] = np.square(np.abs(spectrum)) * self._scale
        return made

    def level(self, powers: NDArray[np.float64], weighting: str) -> float:
        """Level (dB) between 20 Hz and 20 kHz, with weighting ``A`` or ``flat``."""
        return float(decibels(float(powers @ (self._a if weighting == "A" else self._heard))))

    def bands(self, powers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Levels (dB) of the octave bands, then bass, mid and treble."""
        return decibels(self._bands @ powers)

    def centroid(self, powers: NDArray[np.float64]) -> float:
        """Spectral centroid (Hz): the mean frequency, weighted by magnitude (Grey & Gordon 1978)."""
        magnitudes = np.sqrt(powers * self._heard)
        total = float(magnitudes.sum())
        return float(self.hertz @ magnitudes) / total if total > 0.0 else 0.0

    def loudness_of_mels(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compressed magnitudes of the mel bands of ``short`` samples, for the flux of ``OnsetFinder``."""
        magnitudes = np.abs(np.fft.rfft(samples * self._short_window)) * self._mel_scale
        return np.log10(1.0 + _COMPRESSION * (self._mels @ magnitudes))
