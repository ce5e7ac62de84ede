"""Waves at sample positions, mixed block by block: levels by group, one hall, a limiter. Numpy only, no device.

Nothing here clicks: waves begin and end at zero, levels move along ramps, and what is stopped fades within 30 ms.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

BLOCK = 512
"""Samples of one block."""
CEILING = 10 ** (-1.0 / 20.0)
"""No sample is louder: -1 dB of full scale."""
MOST_VOICES = 160
"""Waves that sound together at most; of more the oldest fade."""
_FADE = 0.03
_RECOVER = 0.25
_HALL_BLOCK = 4 * BLOCK


@dataclass(eq=False, slots=True)
class _Voice:
    group: str
    wave: Samples
    at: int
    send: float
    tag: str
    end: int | None = None
    """Sample from which it fades."""
    fade: float = _FADE
    """Seconds in which it does."""


class Source(Protocol):
    """Something that sounds by itself, block after block, on the thread that mixes."""

    def render(self, start: int, dry: Samples, wet: Samples) -> None:
        """Add the block that begins at sample ``start`` to ``dry``, and what goes into the hall to ``wet``."""


class Mixer:
    """Any thread may add and stop; one thread calls ``mix``.

    ``rate`` in Hz; ``hall`` is the impulse response of the reverberation ``(samples, 2)``, None for a dry sound;
    ``gain`` is applied to everything before the limiter.
    """

    def __init__(self, rate: int = 48_000, *, hall: NDArray[np.floating] | None = None, gain: float = 1.0) -> None:
        self.rate, self.gain = rate, gain
        self.position = 0
        self.peak = 0.0
        self._lock = threading.Lock()
        self._voices: list[_Voice] = []
        self._sources: dict[str, Source] = {}
        self._wanted: dict[str, float] = {}
        self._levels: dict[str, float] = {}
        self._hall = _Hall(hall) if hall is not None else None
        self._limiter = _Limiter(rate)

    def add(self, group: str, wave: Samples, at: int, *, send: float = 0.0, tag: str = "") -> None:
        """Let ``wave`` float32 ``(samples, 2)`` begin at sample ``at``; one that comes late begins with the next block.

        ``send`` is the part that also goes into the hall; ``tag`` is for ``choke``.
        """
        with self._lock:
            voice = _Voice(group, wave, max(at, self.position), send, tag)
            self._voices.append(voice)
            for old in self._voices[:-MOST_VOICES]:
                old.end = self.position if old.end is None else min(old.end, self.position)

    def attach(self, group: str, source: Source) -> None:
        """Let a source sound in a group; it takes the place of the one before."""
        with self._lock:
            self._sources[group] = source

    def choke(self, group: str, tag: str, at: int, fade: float = _FADE) -> None:
        """Fade the waves with this tag that began before ``at``, from there on, within ``fade`` seconds."""
        with self._lock:
            for voice in self._voices:
                if voice.group == group and voice.tag == tag and voice.at < at and (
                        voice.end is None or at < voice.end):
                    voice.end, voice.fade = at, fade

    def stop(self, group: str | None = None) -> None:
        """End everything of a group, or all, within 30 ms; what has not begun is forgotten."""
        with self._lock:
            begun = []
            for voice in self._voices:
                if group is not None and voice.group != group:
                    begun.append(voice)
                elif voice.at < self.position:
                    if voice.end is None or voice.end > self.position:  # one that fades goes on fading
                        voice.end, voice.fade = self.position, _FADE
                    begun.append(voice)
            self._voices = begun

    def set_level(self, group: str, level: float) -> None:
        """The level of a group, 0..2; reached along a ramp."""
        self._wanted[group] = min(2.0, max(0.0, level))

    @property
    def voices(self) -> int:
        """Waves that sound or wait."""
        return len(self._voices)

    def mix(self) -> Samples:
        """The next block, float32 ``(BLOCK, 2)``, never above ``CEILING``."""
        start, stop = self.position, self.position + BLOCK
        with self._lock:
            active = [voice for voice in self._voices if voice.at < stop]
            sources = list(self._sources.items())
            self.position = stop
        buses: dict[str, tuple[Samples, Samples]] = {}
        for group in dict.fromkeys([voice.group for voice in active] + [group for group, _ in sources]):
            buses[group] = np.zeros((BLOCK, 2), np.float32), np.zeros((BLOCK, 2), np.float32)
        for group, source in sources:
            source.render(start, *buses[group])
        for voice in active:
            self._render(voice, start, *buses[voice.group])
        with self._lock:
            self._voices = [
                voice for voice in self._voices
                if voice.at + len(voice.wave) > stop and (
                    voice.end is None or voice.end + round(voice.fade * self.rate) > stop)
            ]
        dry, send = np.zeros((BLOCK, 2), np.float32), np.zeros((BLOCK, 2), np.float32)
        for group, (bus, wet) in buses.items():
            ramp = self._ramp(group)
            dry += bus * ramp
            send += wet * ramp
        if self._hall is not None:
            dry += self._hall.process(send)
        made = self._limiter.process(dry * np.float32(self.gain))
        self.peak = max(0.9 * self.peak, float(np.abs(made).max()))
        return made

    def _render(self, voice: _Voice, start: int, bus: Samples, wet: Samples) -> None:
        first = max(0, voice.at - start)
        offset = start + first - voice.at
        part = voice.wave[offset : offset + BLOCK - first]
        if voice.end is not None and voice.end < start + first + len(part):
            fade = voice.fade * self.rate
            gone = (start + first - voice.end + np.arange(len(part), dtype=np.float32)) / np.float32(fade)
            part = part * (0.5 + 0.5 * np.cos(np.pi * np.clip(gone, 0.0, 1.0)))[:, None].astype(np.float32)
        bus[first : first + len(part)] += part
        if voice.send:
            wet[first : first + len(part)] += np.float32(voice.send) * part

    def _ramp(self, group: str) -> Samples:
        wanted = self._wanted.get(group, 1.0)
        level = self._levels.get(group, wanted)
        reach = BLOCK / (_FADE * self.rate)
        target = level + min(reach, max(-reach, wanted - level))
        self._levels[group] = target
        return np.linspace(level, target, BLOCK, dtype=np.float32)[:, None]


class _Limiter:
    """Gain that is low enough before a peak comes, and recovers within a quarter of a second; one block of delay."""

    def __init__(self, rate: int) -> None:
        self._waiting = np.zeros((BLOCK, 2), np.float32)
        self._need = self._edge = 1.0
        self._step = 1.0 - np.exp(-BLOCK / (_RECOVER * rate))

    def process(self, block: Samples) -> Samples:
        peak = float(np.abs(block).max())
        need = min(1.0, CEILING / peak) if peak > 0.0 else 1.0
        # both edges of a block are below what it needs, so every gain between them is
        edge = min(self._need, need, self._edge + (1.0 - self._edge) * self._step)
        curve = np.linspace(self._edge, edge, BLOCK, endpoint=False, dtype=np.float32)[:, None]
        made = self._waiting * curve if min(edge, self._edge) < 1.0 else self._waiting
        self._waiting, self._need, self._edge = block, need, edge
        return made


class _Hall:
    """Convolution with a long response in equal partitions (overlap-save); it answers one partition late."""

    def __init__(self, response: NDArray[np.floating]) -> None:
        silent = int(np.flatnonzero(np.abs(response).max(axis=1))[0]) if np.any(response) else 0
        response = response[min(silent, _HALL_BLOCK) :]  # the delay of the partition takes the place of the silence
        parts = -(-len(response) // _HALL_BLOCK)
        padded = np.zeros((parts * _HALL_BLOCK, 2))
        padded[: len(response)] = response
        blocks = padded.reshape(parts, _HALL_BLOCK, 2)
        self._response = np.fft.rfft(blocks, 2 * _HALL_BLOCK, axis=1).astype(np.complex64)
        self._heard = np.zeros_like(self._response)
        self._loud = np.zeros(parts, bool)
        self._input = np.zeros((2 * _HALL_BLOCK, 2), np.float32)
        self._output = np.zeros((_HALL_BLOCK, 2), np.float32)
        self._place = self._slot = 0

    def process(self, block: Samples) -> Samples:
        place = self._place
        made = self._output[place : place + BLOCK].copy()
        self._input[_HALL_BLOCK + place : _HALL_BLOCK + place + BLOCK] = block
        self._place = (place + BLOCK) % _HALL_BLOCK
        if self._place == 0:
            self._convolve()
        return made

    def _convolve(self) -> None:
        parts = len(self._loud)
        self._slot = (self._slot - 1) % parts
        self._loud[self._slot] = bool(self._input.any())
        if self._loud[self._slot]:
            self._heard[self._slot] = np.fft.rfft(self._input, axis=0)
        self._input[:_HALL_BLOCK] = self._input[_HALL_BLOCK:]
        total = np.zeros(self._response.shape[1:], np.complex64)
        for age in range(parts):
            slot = (self._slot + age) % parts
            if self._loud[slot]:
                total += self._heard[slot] * self._response[age]
        self._output = np.fft.irfft(total, axis=0)[_HALL_BLOCK:].astype(np.float32)
