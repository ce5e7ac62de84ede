"""The built-in synth as players hear it: notes and sound for ``conducted_synth`` in the conductor's process."""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from studio.devices.conductor.client import Conductor
from studio.devices.sound_tap import SoundRing, ring_bytes
from studio.media import Audio, Note
from studio.session.playback_ports import SYNTH as OUT
from studio.session.playback_sinks import Conducted

_STRINGS, _KEYS = 48, 4
_LONG = 0.8
"""Beats from which the notes of a channel without a voice of its own are played by strings."""


class SynthOutput:
    """The synth's sound output: what it is, and which one is wished."""

    def __init__(self, conductor: Conductor, device: str) -> None:
        self.device = device
        self._conductor = conductor
        self._ring: tuple[SoundRing, mmap.mmap, Path] | None = None

    def choose(self, device: str) -> None:
        """Go over to another device, by name; '' is the system's choice."""
        if device != self.device:
            self.device = device
            self._conductor.set(OUT, {"device": device})

    @property
    def running(self) -> bool:
        """Whether it plays."""
        return self._conductor.state(OUT)[0]

    @property
    def reason(self) -> str:
        """Why it does not play, '' where it does or is being opened."""
        return self._conductor.state(OUT)[1]

    @property
    def cure(self) -> str:
        """What helps against the ``reason``."""
        return self._conductor.state(OUT)[2]

    @property
    def name(self) -> str:
        """The device that plays, '' before there is one."""
        return str(self._figure("device", ""))

    @property
    def latency(self) -> float:
        """Seconds that a sample waits in the device."""
        return float(self._figure("latency", 0.0))

    @property
    def missed(self) -> int:
        """Blocks that came too late: gaps."""
        return int(self._figure("missed", 0))

    @property
    def peak(self) -> float:
        """Loudest sample of the last moments, 0..1."""
        return float(self._figure("peak", 0.0))

    @property
    def missing(self) -> str:
        """Why the sound font is not played but our own voices are, with the cure; '' where it is."""
        return str(self._figure("missing", ""))

    def _figure(self, name: str, default: Any) -> Any:
        return self._conductor.figures(OUT).get(name, default)

    def record(self) -> SoundRing:
        """A ring, shared with the process that plays, in which all that is played is kept from now on."""
        if self._ring is None:
            number, name = tempfile.mkstemp(prefix="reverie-sound-")
            with os.fdopen(number, "r+b") as file:
                file.truncate(ring_bytes())
                memory = mmap.mmap(file.fileno(), ring_bytes())
            self._ring = SoundRing(memory), memory, Path(name)
            self._conductor.set(OUT, {"tap": name})
        return self._ring[0]

    def close(self) -> None:
        """Nothing is kept any more."""
        ring, self._ring = self._ring, None
        if ring is not None:
            with contextlib.suppress(OSError):
                ring[2].unlink()


class Synth(Conducted):
    """A sink. The process and the device are there from ``start`` on."""

    levelled = True

    def __init__(self, conductor: Conductor, *, device: str = "") -> None:
        super().__init__(conductor, OUT)
        self.output = SynthOutput(conductor, device)
        self._levels: dict[str, float] = {}
        self._lengths: dict[tuple[str, int], float] = {}
        self._begun = self._closed = False

    def start(self) -> None:
        """Open the sound output in its process; returns at once."""
        if not self._begun and not self._closed:
            self._begun = True
            self.conductor.open(OUT, "synth", {"device": self.output.device})
            for player, level in self._levels.items():
                self.conductor.level(OUT, player, level)

    def close(self) -> None:
        """Let go; the conductor ends the notes."""
        self._closed = True
        self.output.close()

    def set_level(self, player: str, level: float) -> None:
        """Loudness of a player, 0..2."""
        self._levels[player] = level
        self.conductor.level(OUT, player, level)

    def plan(self, player: str, note: Note, beat: float, programs: Mapping[int, int]) -> None:
        """A note on a beat of the clock."""
        super().plan(player, note, beat, self._voiced(player, note, programs))

    def play(self, player: str, note: Note, at: float, seconds: float, programs: Mapping[int, int]) -> None:
        """A note at a time, outside the music's beats."""
        super().play(player, note, at, seconds, self._voiced(player, note, programs))

    def _voiced(self, player: str, note: Note, programs: Mapping[int, int]) -> Mapping[int, int]:
        """A channel without a voice gets one: strings when its notes are long, else an electric piano."""
        if note.channel in programs:
            return programs
        key = player, note.channel
        known = self._lengths.get(key)
        mean = note.duration if known is None else known + 0.1 * (note.duration - known)
        self._lengths[key] = mean
        return {note.channel: _STRINGS if mean >= _LONG else _KEYS}

    def sound(self, player: str, audio: Audio, at: float) -> None:
        """Play samples as they are, at a time of ``perf_counter``."""
        if self.output.running:
            threading.Thread(target=self._hand_over, args=(player, audio, at), name="reverie sound over",
                             daemon=True).start()

    def _hand_over(self, player: str, audio: Audio, at: float) -> None:
        with contextlib.suppress(OSError):  # a full disk: this block is not heard
            number, name = tempfile.mkstemp(prefix="reverie-sound-", suffix=".f32")
            with os.fdopen(number, "wb") as file:
                file.write(np.ascontiguousarray(audio.samples, "<f4").tobytes())
            self.conductor.sound(OUT, player, name, audio.samples.shape[1], audio.rate, at)
