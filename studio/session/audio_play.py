"""A sound file that plays in time and is heard as a device would be: around and around, also through the speakers."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import numpy as np

from studio.devices.mixer import Mixer
from studio.devices.sound import SoundError, SoundOutput, find_output
from studio.devices.sound_file import Samples, SoundReader
from studio.devices.sound_tap import SoundRing
from studio.engine.threads import spawn
from studio.files import FileError

RATE = 48_000
AHEAD = 0.4
"""Seconds that are read ahead of what is heard."""
BLOCK = 0.1
"""Seconds that are read at once."""
LOOK = 0.005


class FilePlayer:
    """Calls ``take(samples, rate, when)`` as ``SoundInput`` does. ``told(reason, cure)`` hears when it cannot go on."""

    def __init__(
        self, path: str, take: Callable[[Samples, int, float], object], told: Callable[[str, str], object], *,
        aloud: bool = True, output: str = "",
    ) -> None:
        self.path, self.aloud = path, aloud
        self.reason = ""
        self.seconds = self.position = 0.0
        """How long the file is (0: unknown), and where it plays."""
        self._take, self._told, self._device = take, told, output
        self._again = threading.Event()
        self._stop = threading.Event()
        self.ring: SoundRing | None = None
        """What is played aloud, for a recording."""
        self._output: SoundOutput | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Play from the beginning, on a thread of its own; returns at once."""
        if self._thread is None:
            self._thread = spawn("reverie sound file", self._work, self._stop.set)

    def rewind(self) -> None:
        """From the beginning."""
        self._again.set()

    def close(self, seconds: float = 0.0) -> None:
        """End; ``seconds`` is how long to wait for it."""
        self._stop.set()
        if seconds > 0.0 and self._thread is not None:
            self._thread.join(seconds)

    # --- the thread ---

    def _work(self) -> None:
        try:
            rate = self._open_output() if self.aloud else RATE
            while not self._stop.is_set():
                self._again.clear()
                reader = SoundReader(self.path, rate)
                try:
                    self._play(reader)
                finally:
                    reader.close()
        except FileError as error:
            self.reason = str(error)
            self._told(str(error), "choose another sound file")
        finally:
            if self._output is not None:
                self._output.close()

    def _open_output(self) -> int:
        """The rate of the sound output; without one the file is heard by the studio alone."""
        try:
            rate = find_output(self._device).rate
        except SoundError:
            return RATE
        self._output = SoundOutput(Mixer, device=self._device)
        self._output.tap = self.ring = SoundRing()
        self._output.start()
        self._stop.wait(0.05)
        return rate

    def _play(self, reader: SoundReader) -> None:
        """Once through the file, in time."""
        self.seconds = reader.file.seconds
        line = _Timeline(self._output, reader.rate)
        waiting: deque[tuple[int, Samples]] = deque()
        step = round(BLOCK * reader.rate)
        while not self._stop.is_set() and not self._again.is_set():
            now = time.perf_counter()
            place = line.place(now)
            while not reader.ended and reader.at < place + AHEAD * reader.rate:
                at = reader.at
                block = reader.read(at + step)
                line.sound(at, block)
                waiting.append((at, block))
            self._hand_on(waiting, place, now, reader.rate)
            self.position = max(0.0, place / reader.rate)
            if reader.ended and not waiting:
                return
            self._stop.wait(LOOK)
        line.quiet()

    def _hand_on(self, waiting: deque[tuple[int, Samples]], place: int, now: float, rate: int) -> None:
        """Give to the analysis what is heard by now."""
        while waiting and waiting[0][0] < place:
            at, block = waiting[0]
            count = min(len(block), place - at)
            if count < len(block) and count < 0.008 * rate:
                return
            waiting.popleft()
            if count < len(block):
                waiting.appendleft((at + count, block[count:]))
            self._take(block[:count], rate, now - (place - at - count) / rate)


class _Timeline:
    """Which sample of the file is heard: counted by the sound output, which is the one that plays, and by the clock
    where there is none. It never runs backwards; an output that stops and comes back goes on where it was."""

    def __init__(self, output: SoundOutput | None, rate: int) -> None:
        self._output, self._rate = output, rate
        self._mixer: Mixer | None = None
        self._start = 0
        self._last = -round(AHEAD / 2 * rate)
        self._begin = time.perf_counter() + AHEAD / 2

    def _ready(self) -> Mixer | None:
        output = self._output
        mixer = output.mixer if output is not None and output.running else None
        return mixer if mixer is not None and mixer.rate == self._rate else None

    def place(self, now: float) -> int:
        """The sample that is heard now; negative before the first."""
        mixer = self._ready()
        if mixer is not self._mixer:
            self._mixer = mixer
            self._begin = now - self._last / self._rate
            if mixer is not None and self._output is not None:
                self._start = self._output.sample_at(now) - self._last
        if mixer is not None and self._output is not None:
            made = self._output.sample_at(now) - self._start
        else:
            made = int((now - self._begin) * self._rate)
        self._last = max(self._last, made)
        return self._last

    def sound(self, at: int, block: Samples) -> None:
        """Let ``block`` be heard from sample ``at`` of the file on, right behind the one before."""
        mixer = self._mixer
        if mixer is None:
            return
        self._start += max(0, mixer.position - self._start - at)  # late: the file waits, nothing is cut
        mixer.add("file", np.ascontiguousarray(block, np.float32), self._start + at)

    def quiet(self) -> None:
        """End what sounds."""
        if self._mixer is not None:
            self._mixer.stop()
