"""What the synth sends out, kept for a few seconds so that a recording can take it: by the time at which it is heard.

Whoever mixes sound keeps it in a ``SoundRing``; the ring lies in any buffer, also in one that two processes share, for
times are those of ``perf_counter``, which is one clock for all processes of a machine. A ``TapSound`` reads it as one
unbroken stream: it follows the ring's own count of samples and looks at the time only to find its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
"""Samples a second that ``TapSound`` gives (Hz)."""
SAMPLES = 1 << 18
"""Samples that a ring holds: five seconds."""
_HEADER = 4
SLACK = 0.04
"""Seconds between the time and the count of samples from which the place is looked for anew."""

Samples = NDArray[np.float32]


def ring_bytes() -> int:
    """Bytes of the buffer that a ring needs."""
    return 8 * _HEADER + 8 * SAMPLES


class SoundRing:
    """Stereo samples by their number; one thread (of any process) keeps, others read.

    ``buffer`` has ``ring_bytes`` bytes, zero at first; None makes one.
    """

    def __init__(self, buffer: Any = None) -> None:
        memory = bytearray(ring_bytes()) if buffer is None else buffer
        self._header = np.frombuffer(memory, np.float64, _HEADER)
        self._samples = np.frombuffer(memory, np.float32, 2 * SAMPLES, 8 * _HEADER).reshape(SAMPLES, 2)

    def keep(self, position: int, block: Samples, zero: float, rate: int) -> None:
        """Keep ``block`` float32 ``(count, 2)`` that begins at sample ``position``; sample 0 is heard at ``zero``
        (seconds of ``perf_counter``), ``rate`` in Hz."""
        place = position % SAMPLES
        first = min(len(block), SAMPLES - place)
        self._samples[place : place + first] = block[:first]
        self._samples[: len(block) - first] = block[first:]
        self._header[:3] = rate, zero, position + len(block)  # last: what is counted is there

    @property
    def rate(self) -> int:
        """Samples a second; 0 before anything was kept."""
        return int(self._header[0])

    @property
    def zero(self) -> float:
        """When sample 0 is heard."""
        return float(self._header[1])

    @property
    def end(self) -> int:
        """The number of the sample after the last one."""
        return int(self._header[2])

    def at(self, position: int, count: int) -> Samples:
        """``count`` samples from ``position`` on; silence where they are not there any more, or not yet."""
        made = np.zeros((count, 2), np.float32)
        low, high = max(position, self.end - SAMPLES, 0), min(position + count, self.end)
        if low < high:
            made[low - position : high - position] = self._samples.take(range(low, high), axis=0, mode="wrap")
        return made


class Together:
    """Several sounds as one, for a recording; what is too loud together is cut at full scale."""

    def __init__(self, *sounds: TapSound) -> None:
        self._sounds = sounds

    def read(self, when: float, count: int) -> Samples:
        """As of ``TapSound``."""
        total = np.zeros((count, 2), np.float32)
        for sound in self._sounds:
            total += sound.read(when, count)
        return np.clip(total, -1.0, 1.0, out=total)


class TapSound:
    """What is heard, as one stream for a recording (``studio.export.recording.Sound``). ``ring()`` gives the ring of
    now, or None for silence."""

    def __init__(self, ring: Callable[[], SoundRing | None]) -> None:
        self._ring = ring
        self._known: SoundRing | None = None
        self._next = 0.0

    def read(self, when: float, count: int) -> Samples:
        """What is heard from ``when`` (seconds of ``perf_counter``), float32 ``(count, 2)`` at ``RATE``."""
        ring = self._ring()
        if ring is None or not ring.rate:
            self._known = None
            return np.zeros((count, 2), np.float32)
        step = ring.rate / RATE
        wanted = (when - ring.zero) * ring.rate
        if ring is not self._known or abs(wanted - self._next) > SLACK * ring.rate:
            self._known, self._next = ring, float(round(wanted))
        first = math.floor(self._next)
        if step == 1.0:
            made = ring.at(first, count)
        else:
            places = self._next - first + step * np.arange(count)
            raw = ring.at(first, math.ceil(count * step) + 2)
            whole = np.arange(len(raw))
            made = np.stack([np.interp(places, whole, raw[:, side]) for side in (0, 1)], axis=1).astype(np.float32)
        self._next += step * count
        return made
