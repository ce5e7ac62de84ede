"""Sound out: a thread mixes ahead, the device's callback only copies ready samples.

A card that is not there, or goes away, is said once with its cure; it is looked for again, and everything else goes on.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.devices import portaudio
from studio.devices.mixer import BLOCK, Mixer
from studio.devices.portaudio import SoundError as SoundError
from studio.devices.sound_tap import SoundRing
from studio.engine.threads import spawn

LEAD = 0.16
"""Seconds that are mixed ahead of the device."""
LATENCY = 0.08
"""Seconds asked of the device: what is played is known ahead, so that many cost nothing and save from gaps."""
RETRY = 3.0
"""Seconds between two looks for a card that is not there."""
_RING = 1 << 15
_STALE = 0.05


@dataclass(frozen=True)
class SoundDevice:
    """A sound output: its ``name``, its place in the driver's list, its own rate (Hz)."""

    name: str
    index: int
    rate: int
    default: bool = False


def sound_outputs(*, refresh: bool = False) -> list[SoundDevice]:
    """Outputs with two channels or more; ``refresh`` asks the driver anew (only while nothing plays).

    May take a second: not for the thread of the window. Raises SoundError when there is none.
    """
    rows, (_, chosen) = portaudio.devices(refresh=refresh)
    found = [
        SoundDevice(str(row["name"]), number, int(row["default_samplerate"]), number == chosen)
        for number, row in enumerate(rows) if row["max_output_channels"] >= 2
    ]
    if not found:
        raise SoundError("no sound card is connected, or its server is not running",
                         "connect one or start PipeWire or PulseAudio; MIDI and everything else go on")
    return found


def find_output(name: str, *, refresh: bool = False) -> SoundDevice:
    """The output whose name is or holds ``name``; '' is the system's own choice. Raises SoundError."""
    return portaudio.find(sound_outputs(refresh=refresh), name, "sound output")


class SoundOutput:
    """A device that plays what ``make_mixer(rate)`` mixes.

    ``told(reason, cure)`` hears, on a thread of ours, when sound is lost, and ``("", "")`` when it is there again.
    """

    def __init__(
        self, make_mixer: Callable[[int], Mixer], *, device: str = "", told: Callable[[str, str], None] | None = None,
    ) -> None:
        self.device = device
        self.mixer: Mixer | None = None
        self.reason = ""
        self.name = ""
        self.latency = 0.0
        self.missed = 0
        self.tap: SoundRing | None = None
        """Where what is played is kept for a recording, while there is one."""
        self._make_mixer, self._told = make_mixer, told or (lambda reason, cure: None)
        self._ring: NDArray[np.float32] = np.zeros((_RING, 2), np.float32)
        self._written = self._read = 0
        self._anchor: float | None = None
        self._anchors: deque[float] = deque(maxlen=15)
        self._stop, self._reopen = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._stream: Any = None

    def start(self) -> None:
        """Open the device on a thread of its own; returns at once."""
        if self._thread is None or not self._thread.is_alive():
            self._stop.clear()
            self._thread = spawn("reverie sound", self._work, self._stop.set)

    def close(self, seconds: float = 0.0) -> None:
        """End; ``seconds`` is how long to wait for it."""
        self._stop.set()
        if seconds > 0 and self._thread is not None:
            self._thread.join(seconds)

    def choose(self, device: str) -> None:
        """Go over to another device."""
        if device != self.device:
            self.device = device
            self._reopen.set()

    @property
    def running(self) -> bool:
        """Whether a device plays."""
        return self._stream is not None and self._anchor is not None

    def sample_at(self, when: float) -> int:
        """The sample that is heard at ``when`` (seconds of ``perf_counter``); one already mixed counts as late."""
        anchor = self._anchor
        if anchor is None or self.mixer is None:
            return 0
        return round((when - anchor - self.latency) * self.mixer.rate)

    # --- the thread ---

    def _work(self) -> None:
        lost = ""
        try:
            while not self._stop.is_set():
                self._reopen.clear()
                try:
                    self._open(refresh=bool(lost))
                except SoundError as error:
                    if str(error) != lost:
                        lost = self.reason = str(error)
                        self._told(lost, error.cure)
                    self._wait(RETRY)
                    continue
                self.reason = ""
                if lost:
                    lost = ""
                    self._told("", "")
                ended = self._fill()
                self._shut()
                if ended:
                    lost = self.reason = f"the sound output {self.name} went away"
                    self._told(lost, "connect it again; it is taken up by itself")
        finally:
            self._shut()

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stop.is_set() and not self._reopen.is_set():
            self._stop.wait(0.05)

    def _open(self, *, refresh: bool) -> None:
        found = find_output(self.device, refresh=refresh)
        self.mixer = self._make_mixer(found.rate)
        self._written = self._read = 0
        self._anchor = None
        self._anchors.clear()
        try:
            self._stream = portaudio.start(
                lambda sounddevice: sounddevice.OutputStream(
                    samplerate=found.rate, device=found.index, channels=2, dtype="float32", latency=LATENCY,
                    callback=self._callback,
                ),
                lambda: self._mix_ahead(LEAD + 3 * LATENCY),  # a device fills its own buffers at once
            )
        except Exception as error:
            self._shut()
            raise SoundError(f"{found.name} could not be opened ({error})",
                             "close what else uses it, or choose another output") from None
        # a driver that says nonsense must not move the music by more than a moment
        self.name, self.latency = found.name, min(0.15, max(0.0, float(self._stream.latency)))

    def _shut(self) -> None:
        stream, self._stream, self._anchor = self._stream, None, None
        if stream is not None:
            portaudio.close(stream)

    def _fill(self) -> bool:
        """Keep the ring filled until told otherwise; True when the device ended by itself."""
        while not self._stop.is_set() and not self._reopen.is_set():
            self._mix_ahead()
            if not self._stream.active:
                return True
            self._stop.wait(0.005)
        return False

    def _mix_ahead(self, seconds: float = LEAD) -> None:
        assert self.mixer is not None
        wanted = self._read + round(seconds * self.mixer.rate)
        while self._written < wanted:
            place = self._written % _RING
            block = self.mixer.mix()
            self._ring[place : place + BLOCK] = block  # the ring is a whole number of blocks
            if self.tap is not None and self._anchor is not None:
                self.tap.keep(self._written, block, self._anchor + self.latency, self.mixer.rate)
            self._written += BLOCK

    def _callback(self, out: NDArray[np.float32], frames: int, when: Any, status: Any) -> None:
        now = time.perf_counter()
        read = self._read
        ready = min(frames, self._written - read)
        place = read % _RING
        first = min(ready, _RING - place)
        out[:first] = self._ring[place : place + first]
        out[first:ready] = self._ring[: ready - first]
        if ready < frames:
            out[ready:] = 0.0
            self.missed += 1
        self._read = read + ready
        mixer = self.mixer
        if mixer is None:
            return
        # a busy machine calls late, and a device that caught up takes several blocks at once: the middle one counts
        self._anchors.append(now - read / mixer.rate)
        anchor = sorted(self._anchors)[len(self._anchors) // 2]
        if self._anchor is None or abs(anchor - self._anchor) > _STALE:
            self._anchor = anchor
        else:
            self._anchor += 0.02 * (anchor - self._anchor)
