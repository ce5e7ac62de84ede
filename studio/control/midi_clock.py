"""MIDI clock: following one (position, tempo, loss and return) and making one. Pure; times are given.

Position is counted, 24 pulses to a beat; the tempo is the slope of a line through the last pulses, so that jitter of a
few milliseconds neither shows nor adds up.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

PULSES = 24
"""Pulses in a beat."""
CLOCK, START, CONTINUE, STOP, POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2
WINDOW = 48
"""Pulses that the tempo is measured over."""
LOST_SECONDS = 0.5
"""Silence after which the clock counts as lost; the tempo goes on from memory."""
MIN_BPM, MAX_BPM = 20.0, 400.0
SLEW = 1.05
"""Most that the reported tempo changes with one pulse: a jump from 30 to 300 takes two beats."""
_JUMP = 0.012
_RECENT = 6


@dataclass(frozen=True, slots=True)
class Beat:
    """Where the master is at ``when``. ``position`` in beats since its start, or None while it does not tell one
    (stopped, or nothing but pulses was heard yet: then only ``bpm`` counts). ``first``: a start's first pulse."""

    bpm: float
    position: float | None
    first: bool
    when: float


class ClockFollower:
    """Follows the messages of one port."""

    def __init__(self) -> None:
        self.running = False
        self.bpm: float | None = None
        self._times: deque[tuple[int, float]] = deque(maxlen=WINDOW)
        self._pulse = -1  # number of the newest pulse, for the line
        self._at = 0  # position of the next pulse, in pulses; counts only while running
        self._known = False
        self._fresh = False
        self._last: float | None = None

    def hear(self, message: bytes, now: float) -> Beat | None:
        """Take one message, received at ``now`` (monotonic seconds); the result is where the master is at that pulse.

        None for messages that are no pulse.
        """
        if not message:
            return None
        status = message[0]
        if status == CLOCK:
            return self._pulsed(now)
        if status == START:
            self.running, self._known, self._fresh, self._at = True, True, True, 0
        elif status == CONTINUE:
            self.running, self._fresh = True, True
        elif status == STOP:
            self.running = False
        elif status == POSITION and len(message) >= 3 and max(message[1:3]) < 128:
            self._at, self._known, self._fresh = (message[2] << 7 | message[1]) * 6, True, True
        return None

    def lost(self, now: float) -> bool:
        """Whether it was heard and now is silent."""
        period = 60.0 / ((self.bpm or 120.0) * PULSES)
        return self._last is not None and now - self._last > max(LOST_SECONDS, 4.0 * period)

    def _pulsed(self, now: float) -> Beat | None:
        missed = self._missed(now)
        self._pulse += 1 + missed
        first, self._fresh = self._fresh and self.running, False
        if self.running:
            self._at += 0 if first else missed
            at: float | None = self._at / PULSES if self._known else None
            self._at += 1
        else:
            at = None
        self._last = now if self._last is None else max(now, self._last)
        self._times.append((self._pulse, now))
        line = self._line()
        if line is None:
            return None
        period, fitted = line
        self._slew(60.0 / (period * PULSES))
        assert self.bpm is not None
        if at is not None and len(self._times) >= _RECENT:
            # the line says when this pulse was due: when a late one comes the master is past it already
            at += min(1.0, max(-1.0, (now - fitted) / period)) / PULSES
        return Beat(self.bpm, at, first, now)

    def _missed(self, now: float) -> int:
        """Pulses that must have been lost since the last one; after a gap the tempo is measured anew."""
        if self._last is None or self.bpm is None:
            return 0
        gap, period = now - self._last, 60.0 / (self.bpm * PULSES)
        if gap <= max(LOST_SECONDS, 4.0 * period):
            return 0
        self._times.clear()
        return max(0, round(gap / period) - 1) if gap < 60.0 else 0

    def _line(self) -> tuple[float, float] | None:
        """(seconds per pulse, time of the newest pulse) by least squares; None before there are two."""
        fit = _fit(list(self._times))
        if fit is None:
            return None
        recent = list(self._times)[-_RECENT - 1 :]
        if len(self._times) > 2 * _RECENT:
            measured = (recent[-1][1] - recent[0][1]) / _RECENT
            if abs(measured - fit[0]) * _RECENT > _JUMP and abs(measured / fit[0] - 1.0) > 0.15:
                self._times = deque(recent, maxlen=WINDOW)  # another tempo: what was before tells nothing
                fit = _fit(recent) or fit
        shortest, longest = 60.0 / (MAX_BPM * PULSES), 60.0 / (MIN_BPM * PULSES)
        return min(longest, max(shortest, fit[0])), fit[1]

    def _slew(self, bpm: float) -> None:
        if self.bpm is None or len(self._times) <= 3:
            if self.bpm is None:
                self.bpm = bpm
            return
        self.bpm = min(self.bpm * SLEW, max(self.bpm / SLEW, bpm))


def _fit(points: list[tuple[int, float]]) -> tuple[float, float] | None:
    count = len(points)
    if count < 2:
        return None
    newest = points[-1][0]
    mean_x = sum(x - newest for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - newest - mean_x) ** 2 for x, _ in points)
    slope = sum((x - newest - mean_x) * (y - mean_y) for x, y in points) / spread
    return (slope, mean_y - slope * mean_x) if slope > 0.0 else None


class ClockMaker:
    """The messages of a clock out, for beats that a caller asks for in order.

    ``between(a, b)`` gives every message that belongs to a beat in ``a <= beat < b``. Pulses stand on multiples of a
    24th of a beat: nothing adds up, whatever the tempo does.
    """

    def __init__(self) -> None:
        self._next: int | None = None
        self._waiting: list[bytes] = []
        self._origin = 0
        self.running = False

    def start(self, beat: float, position: float = 0.0) -> None:
        """Start (or continue from ``position``, in beats) with the next pulse at or after ``beat``."""
        self._origin = math.ceil(beat * PULSES - 1e-6)
        sixteenths = max(0, round(position * 4)) % 16384  # all it can say: after 1,024 bars of four it begins anew
        if sixteenths:
            self._waiting = [bytes([POSITION, sixteenths & 127, sixteenths >> 7]), bytes([CONTINUE])]
        else:
            self._waiting = [bytes([START])]
        self.running = True

    def stop(self) -> bytes:
        """Stop; the message for it."""
        self.running, self._waiting = False, []
        return bytes([STOP])

    def between(self, low: float, high: float) -> Iterator[tuple[float, bytes]]:
        """Messages with their beats. After a jump backwards or of more than a beat it goes on from ``low``."""
        first = math.ceil(low * PULSES - 1e-6)
        if self._next is None or first < self._next - PULSES or first > self._next + PULSES:
            self._next = first
        while self._next < high * PULSES - 1e-6:
            beat = self._next / PULSES
            if self._waiting and self._next >= self._origin:
                yield from ((beat, message) for message in self._waiting)
                self._waiting = []
            yield beat, bytes([CLOCK])
            self._next += 1
