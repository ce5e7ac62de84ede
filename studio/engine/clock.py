"""The one musical clock: tempo, beat and bar phase, tap tempo. Only monotonic time is used.

The beat is integrated over time: a new tempo changes how fast it grows and never where it is. Corrections (nudge,
re-align, taps) are spread over time too, so that the beat never jumps and never runs backwards.
"""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

MIN_BPM, MAX_BPM = 20.0, 400.0

SLEW = 0.25
"""Most that a correction speeds the beat up or slows it down, as a part of its speed."""

TAP_GAP = 2.5
"""Seconds without a tap after which the next one starts a new count."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The clock at one instant: ``t`` seconds since it started, ``beat`` and ``bar`` (fractional) since then, tempo."""

    t: float
    beat: float
    bar: float
    bpm: float


class Clock:
    """Any thread may read and change it. ``now`` gives monotonic seconds; tests pass their own."""

    def __init__(
        self, bpm: float = 120.0, *, beats_per_bar: int = 4, now: Callable[[], float] = time.perf_counter
    ) -> None:
        self._now, self._lock = now, threading.Lock()
        self._start = self._last = now()
        self._bpm = _clamp(bpm)
        self._beat = self._owed = 0.0  # beats since the start; correction still to be spread
        self._beats_per_bar = max(1, beats_per_bar)
        self._bar_zero = 0.0  # the beat that bar one is counted from
        self._taps: deque[float] = deque(maxlen=8)

    def _advance(self) -> None:
        """Integrate up to now. Time that seems to run backwards counts as none."""
        instant = self._now()
        elapsed = max(0.0, instant - self._last)
        self._last = max(self._last, instant)
        grown = elapsed * self._bpm / 60.0
        step = min(abs(self._owed), grown * SLEW)
        if self._owed < 0:
            step = -step
        self._owed -= step
        self._beat += grown + step

    def read(self) -> Moment:
        """Where the clock is now."""
        with self._lock:
            self._advance()
            bar = (self._beat - self._bar_zero) / self._beats_per_bar
            return Moment(self._last - self._start, self._beat, bar, self._bpm)

    def line(self) -> tuple[float, float, float, float, float]:
        """Where it is and how it goes on, for whoever keeps time elsewhere: (now in seconds of its own source, beat,
        beats per second, beats still to be made up for, the most that this changes its speed)."""
        with self._lock:
            self._advance()
            return self._last, self._beat, self._bpm / 60.0, self._owed, SLEW

    @property
    def bpm(self) -> float:
        return self._bpm

    @bpm.setter
    def bpm(self, value: float) -> None:
        with self._lock:
            self._advance()
            self._bpm = _clamp(value)

    @property
    def beats_per_bar(self) -> int:
        return self._beats_per_bar

    @beats_per_bar.setter
    def beats_per_bar(self, value: int) -> None:
        """The present bar stays the same number and its start stays where it is."""
        with self._lock:
            self._advance()
            bars, new = (self._beat - self._bar_zero) // self._beats_per_bar, max(1, value)
            start = self._bar_zero + bars * self._beats_per_bar
            self._bar_zero, self._beats_per_bar = start - bars * new, new

    def double(self) -> None:
        """Twice the tempo."""
        self.bpm = self._bpm * 2.0

    def halve(self) -> None:
        """Half the tempo."""
        self.bpm = self._bpm / 2.0

    def nudge(self, beats: float) -> None:
        """Move the beat by a part of a beat, gently (a DJ's finger on the record)."""
        with self._lock:
            self._advance()
            self._owed += min(1.0, max(-1.0, beats))

    def approach(self, beat: float, *, bar_zero: float | None = None) -> None:
        """The beat should be ``beat`` by now, says a master; what is missing is made up for gently, in place of other
        corrections. Bar one is counted from ``bar_zero`` on."""
        with self._lock:
            self._advance()
            self._owed = beat - self._beat
            if bar_zero is not None:
                self._bar_zero = bar_zero

    def align(self, *, bar: bool = False) -> None:
        """Now is a beat, with ``bar`` the first one of a bar: the nearest beat is meant, and approached gently."""
        with self._lock:
            self._advance()
            self._align(bar)

    def _align(self, bar: bool) -> None:
        self._owed = round(self._beat) - self._beat
        if bar:  # which beat is the first is only a label: it may change at once
            self._bar_zero += (round(self._beat) - self._bar_zero) % self._beats_per_bar
            if self._bar_zero > self._beat + 0.5:
                self._bar_zero -= self._beats_per_bar

    def tap(self) -> float:
        """One tap on the beat; from the second on the tempo follows the median of the last gaps. Returns the bpm."""
        with self._lock:
            self._advance()
            if self._taps and self._last - self._taps[-1] > TAP_GAP:
                self._taps.clear()
            self._taps.append(self._last)
            times = list(self._taps)
            gaps = [late - early for early, late in itertools.pairwise(times) if late > early]
            if gaps:
                self._bpm = _clamp(60.0 / statistics.median(gaps))
                self._align(bar=False)
            return self._bpm


def _clamp(bpm: float) -> float:
    if not bpm == bpm:  # NaN
        return 120.0
    return min(MAX_BPM, max(MIN_BPM, float(bpm)))
