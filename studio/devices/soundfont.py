"""A native sound-font player (TinySoundFont, MIT): events by sample in, stereo blocks out.

The package ``tinysoundfont`` is optional: it has wheels for every system, but names PyAudio as a requirement, which
has none for Linux and macOS and which we do not need. ``main.py`` installs it without that.
"""

from __future__ import annotations

import heapq
import importlib.util
import itertools
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CURE = "python -m pip install --no-deps tinysoundfont==0.3.7"
DRUMS = 9
"""Channel of drums, counted from 0."""
GAIN, DRUM_GAIN = -2.0, 2.0
"""Decibels, so that a choir of four and a kit stand beside each other."""
HALL, DRUM_HALL = 0.42, 0.2
"""Parts that go into the hall."""
VOICES = 192
"""Samples that one player sounds at once; of more the oldest end."""
_LIMIT = 64 * 2**20
FADE = 0.03
"""Seconds in which what is ended dies away."""
_QUIET = 1e-6
_OFF, _CONTROL, _PROGRAM, _ON = 0, 1, 2, 3

Samples = NDArray[np.float32]


class FontProblem(RuntimeError):
    """No sound font can be played; the message says why, ``cure`` what helps."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure


def absent() -> str:
    """Why there is no sound-font player here, '' where it is installed. Quick: nothing is imported."""
    found = importlib.util.find_spec("tinysoundfont") is not None
    return "" if found else "the sound-font player is not installed; the studio's own voices play instead"


class Font:
    """A sound font that is loaded; players are copies that share its samples. Raises FontProblem."""

    def __init__(self, path: Path) -> None:
        try:
            from tinysoundfont import _tinysoundfont as native
        except ImportError as error:
            raise FontProblem(f"the sound-font player is not installed ({error})", CURE) from None
        try:
            if path.stat().st_size > _LIMIT:
                raise FontProblem(f"{path.name} is larger than {_LIMIT // 2**20} MB", "use a smaller sound font")
            data = path.read_bytes()
            if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
                raise FontProblem(f"{path.name} is no sound font (.sf2)", "install the studio again")
            self._font = native.SoundFont(data)
        except OSError as error:
            raise FontProblem(f"{path.name} cannot be read ({error.strerror})", "install the studio again") from None
        except RuntimeError as error:
            if isinstance(error, FontProblem):
                raise
            raise FontProblem(f"{path.name} is damaged ({error})", "install the studio again") from None
        self._native = native

    def player(self, rate: int, gain: float) -> Any:
        """A native player of its own at ``rate`` Hz and ``gain`` dB."""
        made = self._native.SoundFont(self._font)
        made.set_output(self._native.OutputMode.StereoInterleaved, rate, gain)
        made.set_max_voices(VOICES)
        for channel in range(16):
            made.channel_set_bank(channel, 0)
            made.channel_set_preset_number(channel, 0, channel == DRUMS)
        return made


class _Part:
    """One native player with the events that wait for it."""

    def __init__(self, font: Font, rate: int, gain: float, hall: float) -> None:
        self.native, self.hall = font.player(rate, gain), hall
        self.events: list[tuple[int, int, int, tuple[int, ...]]] = []
        self.sounds = False
        self.held = 0

    def render(self, start: int, out: Samples) -> bool:
        """Fill ``out``, whose first sample is ``start``; False where it stays silent."""
        stop = start + len(out)
        if not self.sounds and not (self.events and self.events[0][0] < stop):
            return False
        at = start
        while self.events and self.events[0][0] < stop:
            when, kind, _, values = heapq.heappop(self.events)
            if when > at:
                self.fill(out[at - start : when - start])
                at = when
            self.do(kind, values)
        self.fill(out[at - start :])
        self.sounds = self.held > 0 or bool(np.abs(out).max() > _QUIET)
        return True

    def fill(self, part: Samples) -> None:
        """The next samples, without events."""
        if len(part):
            self.native.render(part.data.cast("B"))

    def do(self, kind: int, values: tuple[int, ...]) -> None:
        if kind == _ON:
            self.native.channel_note_on(values[0], values[1], values[2] / 127.0)
            self.held += 1
        elif kind == _OFF:
            self.native.channel_note_off(values[0], values[1])
            self.held = max(0, self.held - 1)
        elif kind == _CONTROL:
            self.native.channel_midi_control(*values)
        else:
            self.native.channel_set_preset_number(values[0], values[1], values[0] == DRUMS)

    def end(self) -> None:
        """Everything ends at once: it has been faded out."""
        self.held = 0
        self.sounds = False
        for channel in range(16):
            self.native.channel_midi_control(channel, 64, 0)
            self.native.channel_note_off(channel)
            self.native.channel_sounds_off(channel)


class FontVoices:
    """What one player plays with a font: a source for ``mixer.Mixer``. Any thread hands events over; one renders.

    ``position`` gives the first sample that has not been mixed: an event that comes later than its time happens there.
    """

    def __init__(self, font: Font, rate: int) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._song = _Part(font, rate, GAIN, HALL)
        self._kit = _Part(font, rate, DRUM_GAIN, DRUM_HALL)
        self._rate = rate
        self._fading = 0
        """Samples until everything has ended."""

    def note_on(self, channel: int, pitch: int, velocity: int, sample: int) -> None:
        """Begin a note at a sample."""
        self._push(channel, sample, _ON, (channel, pitch, velocity))

    def note_off(self, channel: int, pitch: int, sample: int) -> None:
        """End one."""
        self._push(channel, sample, _OFF, (channel, pitch))

    def control(self, channel: int, number: int, value: int, sample: int) -> None:
        """Move a controller."""
        self._push(channel, sample, _CONTROL, (channel, number, value))

    def program(self, channel: int, number: int, sample: int) -> None:
        """Choose a General MIDI voice; the drums keep theirs."""
        if channel != DRUMS:
            self._push(channel, sample, _PROGRAM, (channel, number))

    def quiet(self) -> None:
        """End everything now; forget what waits."""
        with self._lock:
            self._song.events.clear()
            self._kit.events.clear()
            self._fading = self._fading or round(FADE * self._rate)

    def _push(self, channel: int, sample: int, kind: int, values: tuple[int, ...]) -> None:
        with self._lock:
            part = self._kit if channel == DRUMS else self._song
            heapq.heappush(part.events, (sample, kind, next(self._numbers), values))

    def render(self, start: int, dry: Samples, wet: Samples) -> None:
        """Add the block whose first sample is ``start`` to ``dry`` and, for the hall, to ``wet`` ``(count, 2)``."""
        with self._lock:
            if self._fading:
                self._fade(dry, wet)
                return
            for part in (self._song, self._kit):
                block = np.zeros_like(dry)
                if part.render(start, block):
                    dry += block
                    wet += np.float32(part.hall) * block

    def _fade(self, dry: Samples, wet: Samples) -> None:
        """What sounds dies away; what comes meanwhile waits for that."""
        whole = round(FADE * self._rate)
        left = np.maximum(0, self._fading - np.arange(1, len(dry) + 1))
        curve = (0.5 - 0.5 * np.cos(np.pi * left / whole)).astype(np.float32)[:, None]
        self._fading = max(0, self._fading - len(dry))
        for part in (self._song, self._kit):
            if part.sounds:
                block = np.zeros_like(dry)
                part.fill(block)
                dry += curve * block
                wet += np.float32(part.hall) * curve * block
            if not self._fading:
                part.end()
