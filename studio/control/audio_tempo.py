"""Tempo and beat of a flux of onsets: a comb over its autocorrelation finds the period, a comb over the flux itself
where the beats lie, and an oscillator carries them on so that they never stutter.

The comb is that of M. Davies, M. Plumbley, "Context-Dependent Beat Tracking of Musical Audio", IEEE TASLP 15 (2007);
the preference for tempos near 120 bpm is that of D. Ellis, "Beat Tracking by Dynamic Programming", JNMR 36 (2007).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SLOWEST, FASTEST = 55.0, 190.0
"""Tempos (bpm) that are looked for."""
MEMORY = 10.24
"""Seconds of sound that the tempo is taken from."""
FIRST = 3.0
"""Seconds until the first guess."""
EVERY = 0.25
"""Seconds between two guesses."""
SURE = 0.22
"""Confidence from which beats are given."""
_WIDTH = 1.2
_FASTER = 0.9
_STAY = 0.06
_PATIENCE = 4
_TEMPOS: NDArray[np.float64] = np.arange(SLOWEST, FASTEST + 0.01, 0.25)
_PRIOR: NDArray[np.float64] = np.exp(-0.5 * np.square(np.log2(_TEMPOS / 120.0) / _WIDTH))


class TempoTracker:
    """``bpm`` is 0 until there is a guess; ``confidence`` 0..1; ``phase`` 0..1 within the beat of now."""

    def __init__(self, delay: float, hops: float) -> None:
        """``delay`` (seconds): how much later than a sound its flux has its top; ``hops``: steps a second."""
        self.bpm = self.confidence = self.phase = 0.0
        self.beats = 0
        self._hops, self._delay = hops, delay * hops
        self._flux: NDArray[np.float64] = np.zeros(round(MEMORY * hops))
        self._count = 0
        self._other = self._off = 0
        self._since = 1.0

    def step(self, flux: float) -> bool:
        """One hop on; True when a beat falls into it."""
        place = self._count % len(self._flux)
        self._flux[place] = flux
        self._count += 1
        if self._count >= FIRST * self._hops and self._count % round(EVERY * self._hops) == 0:
            self._guess()
        if not self.bpm:
            return False
        way = self.bpm / 60.0 / self._hops
        self.phase += way
        self._since += way
        if self.phase < 1.0:
            return False
        self.phase -= 1.0
        if self._since < 0.5:  # the phase was set back over a beat that was given already
            return False
        self._since = 0.0
        if self.confidence < SURE:
            return False
        self.beats += 1
        return True

    def _guess(self) -> None:
        known = min(self._count, len(self._flux))
        flux = np.roll(self._flux, -(self._count % len(self._flux)))[len(self._flux) - known :]
        # what rises above its surroundings (Davies & Plumbley, eq. 1 and 2)
        near = np.convolve(flux, np.ones(17) / 17.0, "same")
        sharp = np.maximum(flux - near, 0.0)
        power = float(sharp @ sharp) / known
        if power < 1e-6 or not flux[-round(2 * self._hops) :].max() > 0.02:
            self.confidence *= 0.6
            return
        found = _best(_autocorrelation(sharp), self._hops)
        if found is None:
            self.confidence *= 0.8
            return
        bpm, score = found
        self.confidence += 0.4 * (min(1.0, max(0.0, score)) - self.confidence)
        if self.bpm and abs(bpm / self.bpm - 1.0) > _STAY:
            self._other += 1
            if self._other < _PATIENCE:
                return
            self.bpm, self._off = bpm, _PATIENCE
        elif self.bpm:
            self.bpm += 0.3 * (bpm - self.bpm)
        else:
            self.bpm, self._off = bpm, _PATIENCE
        self._other = 0
        self._find_phase(sharp)

    def _find_phase(self, sharp: NDArray[np.float64]) -> None:
        """Bring the oscillator to where the beats lie: gently, or at once when it has been wrong for a while."""
        period = 60.0 * self._hops / self.bpm
        most = min(len(sharp) - 1.0, 6.0 * self._hops)
        starts = np.arange(0.0, period, 0.5)
        turns = np.arange(max(1, int((most - period) / period)))
        places = len(sharp) - 1.0 - (starts[:, None] + turns[None, :] * period)
        soft = np.convolve(sharp, (0.25, 0.5, 0.25), "same")
        sums = np.interp(places, np.arange(len(soft)), soft) @ (0.9**turns)
        ago = float(starts[int(sums.argmax())]) + self._delay
        error = ((ago / period) % 1.0 - self.phase + 0.5) % 1.0 - 0.5
        self._off = self._off + 1 if abs(error) > 0.15 else 0
        if self._off >= _PATIENCE:
            self.phase, self._off = (self.phase + error) % 1.0, 0
        else:
            self.phase += 0.3 * error
            if self.phase < 0.0:
                self.phase += 1.0


def _autocorrelation(sharp: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unbiased and normalised: 1 at lag 0. Lags up to half of the length."""
    centred = sharp - sharp.mean()
    size = 1 << (2 * len(centred) - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    raw = np.fft.irfft(np.square(np.abs(spectrum)), size)[: len(centred) // 2]
    raw = np.convolve(raw, (0.25, 0.5, 0.25), "same")
    unbiased = raw / (len(centred) - np.arange(len(raw)))
    made: NDArray[np.float64] = unbiased / max(1e-12, float(unbiased[0]))
    return made


def _best(correlation: NDArray[np.float64], hops: float) -> tuple[float, float] | None:
    """The tempo (bpm) whose multiples of the period correlate most, and how well (1: perfectly)."""
    lags = 60.0 * hops / _TEMPOS
    longest = len(correlation) - 2.0
    turns = np.arange(1, 17)
    places = lags[:, None] * turns[None, :]
    inside = places <= longest
    if not inside[:, 0].all():
        inside[:, 0] = True
        places = np.minimum(places, longest)
    values = np.interp(places, np.arange(len(correlation)), correlation) * inside
    scores = values.sum(axis=1) / inside.sum(axis=1)
    best = int((scores * _PRIOR).argmax())
    if scores[best] <= 0.0:
        return None
    # twice or three times as fast with (nearly) the same right: the pulse is meant, not every second of it
    for times in (3, 2):
        wanted = _TEMPOS[best] * times
        if wanted <= FASTEST:
            near = np.flatnonzero(np.abs(_TEMPOS / wanted - 1.0) < 0.02)
            place = int(near[scores[near].argmax()])
            if scores[place] >= _FASTER * scores[best]:
                best = place
                break
    return _refined(scores, best), float(scores[best])


def _refined(scores: NDArray[np.float64], place: int) -> float:
    """The top of a parabola through three neighbours."""
    if not 0 < place < len(scores) - 1:
        return float(_TEMPOS[place])
    left, middle, right = (float(score) for score in scores[place - 1 : place + 2])
    bend = left - 2.0 * middle + right
    shift = 0.5 * (left - right) / bend if bend < 0.0 else 0.0
    return float(_TEMPOS[place] + min(1.0, max(-1.0, shift)) * (_TEMPOS[1] - _TEMPOS[0]))
