"""A sound file that plays in time and is heard as a device would be: around and around, also through the speakers."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from studio.devices.mixer import Mixer
from studio.devices.sound import SoundError, SoundOutput, find_output
from studio.devices.sound_file import Samples, SoundReader
from studio.engine.threads import spawn
from studio.files import FileError

RATE = 48_000
AHEAD = 0.4
"""Seconds that are read ahead of what is heard."""
BLOCK = 0.1
"""Seconds that are read at once."""
LOOK = 0.005
_ADRIFT = 0.05


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
        self._output: SoundOutput | None = None
        self._thread: threading.Thread | None = None
        self._next: int | None = None

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
        self._output.start()
        self._stop.wait(0.05)
        return rate

    def _play(self, reader: SoundReader) -> None:
        """Once through the file, in time."""
        self.seconds = reader.file.seconds
        self._next = None
        waiting: deque[tuple[float, Samples]] = deque()
        begin = time.perf_counter() + AHEAD
        step = round(BLOCK * reader.rate)
        while not self._stop.is_set() and not self._again.is_set():
            now = time.perf_counter()
            while not reader.ended and begin + reader.at / reader.rate < now + AHEAD:
                at = begin + reader.at / reader.rate
                block = reader.read(reader.at + step)
                self._sound(block, at, reader.rate)
                waiting.append((at, block))
            self._hand_on(waiting, now, reader.rate)
            self.position = max(0.0, now - begin)
            if reader.ended and not waiting:
                return
            self._stop.wait(LOOK)
        if self._output is not None and self._output.mixer is not None:
            self._output.mixer.stop()

    def _hand_on(self, waiting: deque[tuple[float, Samples]], now: float, rate: int) -> None:
        """Give to the analysis what is heard by now."""
        while waiting and waiting[0][0] < now:
            at, block = waiting[0]
            count = min(len(block), int((now - at) * rate))
            if count < len(block) and count < 0.008 * rate:
                return
            waiting.popleft()
            if count < len(block):
                waiting.appendleft((at + count / rate, block[count:]))
            self._take(block[:count], rate, at + count / rate)

    def _sound(self, block: Samples, at: float, rate: int) -> None:
        """Put a block into the sound output, right behind the one before."""
        output = self._output
        mixer = output.mixer if output is not None else None
        if output is None or mixer is None or not output.running or mixer.rate != rate:
            self._next = None
            return
        place = output.sample_at(at)
        if self._next is None or abs(place - self._next) > _ADRIFT * rate or self._next < mixer.position:
            self._next = max(place, mixer.position)
        mixer.add("file", np.ascontiguousarray(block, np.float32), self._next)
        self._next += len(block)


def file_name(path: str) -> str:
    """A file's name for a person."""
    return Path(path).name
