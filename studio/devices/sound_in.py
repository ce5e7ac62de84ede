"""Sound in: the device's callback copies into a ring, a thread of ours hands it on. One that is not there, or goes
away, is said once with its cure and looked for again; everything else goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.devices import portaudio
from studio.devices.portaudio import SoundError as SoundError
from studio.engine.threads import spawn

Samples = NDArray[np.float32]

RETRY = 2.0
"""Seconds between two looks for a device that is not there."""
STALLED = 2.0
"""Seconds without a sample after which a device that calls itself active counts as gone."""
LOOK = 0.004
"""Seconds between two looks into the ring."""
_RING = 1 << 16
_MOST_CHANNELS = 64


@dataclass(frozen=True)
class SoundSource:
    """A sound input: its ``name``, its place in the driver's list, its own rate (Hz), its channels."""

    name: str
    index: int
    rate: int
    channels: int
    default: bool = False


def sound_inputs(*, refresh: bool = False) -> list[SoundSource]:
    """Inputs that are there; ``refresh`` asks the driver anew where that ends nothing.

    May take a second: not for the thread of the window. Raises SoundError when there is none.
    """
    rows, (chosen, _) = portaudio.devices(refresh=refresh)
    found = [
        SoundSource(str(row["name"]), number, int(row["default_samplerate"]),
                    min(_MOST_CHANNELS, int(row["max_input_channels"])), number == chosen)
        for number, row in enumerate(rows) if row["max_input_channels"] >= 1
    ]
    if not found:
        raise SoundError("no sound input is connected, or its server is not running",
                         "connect a microphone or sound card, start PipeWire or PulseAudio, or choose a sound file")
    return found


def find_input(name: str, *, refresh: bool = False) -> SoundSource:
    """The input whose name is or holds ``name``; '' is the system's own choice. Raises SoundError."""
    return portaudio.find(sound_inputs(refresh=refresh), name, "sound input")


class SoundInput:
    """Opens a device and calls ``take(samples, rate, when)`` on a thread of its own, a few milliseconds after it came.

    ``samples`` are float32 ``(frames, channels)``, ``when`` the moment (seconds of ``perf_counter``) of the last one.
    ``opened(device)`` is called before the first samples of a device, ``told(reason, cure)`` when sound is lost and
    ``("", "")`` when it is there again.
    """

    def __init__(
        self, take: Callable[[Samples, int, float], object], *, device: str = "",
        opened: Callable[[SoundSource], object] = lambda device: None,
        told: Callable[[str, str], object] = lambda reason, cure: None,
    ) -> None:
        self.device = device
        self.reason = self.cure = ""
        self.source: SoundSource | None = None
        self.latency = 0.0
        self.missed = 0
        """Samples that were lost, because the machine was too slow or the driver said so."""
        self._take, self._opened, self._told = take, opened, told
        self._ring: Samples = np.zeros((_RING, 1), np.float32)
        self._written = self._read = 0
        self._at = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._stream: Any = None

    def start(self) -> None:
        """Open the device on a thread of its own; returns at once."""
        if self._thread is None:
            self._thread = spawn("reverie sound in", self._work, self._stop.set)

    def close(self, seconds: float = 0.0) -> None:
        """End; ``seconds`` is how long to wait for it."""
        self._stop.set()
        if seconds > 0.0 and self._thread is not None:
            self._thread.join(seconds)

    @property
    def running(self) -> bool:
        """Whether a device is open."""
        return self._stream is not None

    # --- the thread ---

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    self._open(refresh=bool(self.reason))
                except SoundError as error:
                    self._lost(str(error), error.cure)
                    self._stop.wait(RETRY)
                    continue
                if self.reason:
                    self.reason = self.cure = ""
                    self._told("", "")
                name = self.source.name if self.source is not None else ""
                ended = self._hear()
                self._shut()
                if ended:
                    self._lost(f"the sound input {name} went away", "connect it again; it is taken up by itself")
        finally:
            self._shut()

    def _lost(self, reason: str, cure: str) -> None:
        if reason != self.reason:
            self.reason, self.cure = reason, cure
            self._told(reason, cure)

    def _open(self, *, refresh: bool) -> None:
        found = find_input(self.device, refresh=refresh)
        self._ring = np.zeros((_RING, found.channels), np.float32)
        self._written = self._read = 0
        self.source = found
        self._opened(found)
        try:
            self._stream = portaudio.start(lambda sounddevice: sounddevice.InputStream(
                samplerate=found.rate, device=found.index, channels=found.channels, dtype="float32", latency="low",
                callback=self._callback,
            ))
        except Exception as error:
            self.source = None
            raise SoundError(f"{found.name} could not be opened ({error})",
                             "close what else uses it, allow the microphone, or choose another input") from None
        self.latency = min(0.5, max(0.0, float(self._stream.latency)))

    def _shut(self) -> None:
        stream, self._stream, self.source = self._stream, None, None
        if stream is not None:
            portaudio.close(stream)

    def _hear(self) -> bool:
        """Hand samples on until told otherwise; True when the device ended by itself."""
        assert self.source is not None
        heard_at = time.monotonic()
        while not self._stop.is_set():
            written, at = self._written, self._at
            fresh = written - self._read
            if fresh > _RING // 2:  # we were held up so long that the callback may be writing there
                self.missed += fresh - _RING // 4
                self._read = written - _RING // 4
                fresh = _RING // 4
            if fresh:
                heard_at = time.monotonic()
                places = np.arange(self._read, written) % _RING
                self._read = written
                self._take(self._ring[places], self.source.rate, at)
            elif not self._stream.active or time.monotonic() - heard_at > STALLED:
                return True
            self._stop.wait(LOOK)
        return False

    def _callback(self, data: Samples, frames: int, when: Any, status: Any) -> None:
        if status:
            self.missed += frames
        place = self._written % _RING
        first = min(frames, _RING - place)
        self._ring[place : place + first] = data[:first]
        self._ring[: frames - first] = data[first:]
        self._at = time.perf_counter()
        self._written += frames
