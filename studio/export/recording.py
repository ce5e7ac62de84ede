"""A live recording: pictures at a constant rate and the sound heard with them, on threads beside the show.

One thread keeps the time: for every place on the timeline it looks at what is seen now. Another encodes. Between them
is a short queue, so memory is bounded; a place for which there was no time, no room or nothing new gets the picture
before it once more, so the file keeps its rate whatever happens. The disk is looked at all the while: the recording
ends cleanly before it is full.
"""

from __future__ import annotations

import logging
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from studio.engine.threads import PICTURES, spawn
from studio.export.recording_file import SOUND_RATE, MovieFile, best_encoder
from studio.export.writers import exact_fps
from studio.files import FileError, explain, short_path
from studio.media import Frame

log = logging.getLogger("reverie.recording")

QUEUE = 8
"""Most pictures that wait for the encoder."""
FLOOR = 256 * 2**20
"""Bytes that stay free on the disk: a recording ends before, and does not begin with less than twice as much."""
LOW_BYTES, LOW_SECONDS = 5 * 2**30, 600.0
"""With less room, or less time at the present rate, the disk counts as low."""
LOOK = 1.0
"""Seconds between two looks at the disk."""


class Sound(Protocol):
    """Where the sound of a recording comes from."""

    def read(self, when: float, count: int) -> NDArray[np.float32]:
        """What is heard from ``when`` (seconds of ``perf_counter``), float32 ``(count, 2)`` at ``SOUND_RATE``; silence
        where there is nothing."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A recording at one instant. ``state``: starting, recording, ending, done, failed.

    ``seconds`` and ``frames`` are those of the file; ``repeated`` places got the picture before, because the programme
    or the timeline was late; ``dropped`` pictures were there, but the encoder was not ready for them. ``free`` is the
    room of the disk (bytes), ``left`` how many seconds it lasts; ``low`` when that is little. ``reason`` is a sentence
    where it did not end as asked.
    """

    state: str = "starting"
    seconds: float = 0.0
    frames: int = 0
    repeated: int = 0
    dropped: int = 0
    written: int = 0
    free: int | None = None
    left: float | None = None
    low: bool = False
    reason: str = ""
    encoder: str = ""


def room_for(folder: Path, floor: int = FLOOR) -> str:
    """Why nothing can be recorded into ``folder``, as a sentence with its cure; '' when it can."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return str(explain(error, folder / "recording", writing=True))
    if not os.access(folder, os.W_OK):
        return f"nothing can be written into {short_path(folder)}; choose another folder for recordings"
    if free < 2 * floor:
        return (f"only {free / 1e6:,.0f} MB are free in {short_path(folder)}, and {2 * floor / 1e6:,.0f} MB are needed "
                "to begin a recording; free some space or choose another folder")
    return ""


class Recording:
    """One recording into ``path``. ``picture()`` gives what is seen now, uint8 of ``size``, the same object while
    nothing changes; it is called on the timeline's thread. ``ended(progress)`` is called once, on a thread, however it
    ends.

    ``crf`` is the quality of the software encoder, ``threads`` how many it may use: few, for the show needs them.
    """

    def __init__(
        self, path: Path, picture: Callable[[], Frame], *, size: tuple[int, int], fps: float | Fraction = 30.0,
        sound: Sound | None = None, encoder: str = "", threads: int = 0, crf: int = 20, floor: int = FLOOR,
        recipe: dict[str, Any] | None = None, ended: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        if min(size) < 16 or max(size) > 8192 or size[0] % 2 or size[1] % 2:
            raise FileError(f"a recording cannot have {size[0]}x{size[1]} pixels: both sides are even, 16 to 8192")
        self.path, self.size, self.fps = path, size, exact_fps(fps)
        self._picture, self._sound, self._recipe = picture, sound, recipe
        self._encoder, self._crf, self._floor = encoder, crf, floor
        self._threads = threads or max(1, min(4, (os.cpu_count() or 1) // 4))
        self._ended = ended
        self._queue: queue.Queue[tuple[int, Frame | None, NDArray[np.float32]]] = queue.Queue(QUEUE)
        self._stop, self._over = threading.Event(), threading.Event()
        self._progress = Progress()
        self._lock = threading.Lock()
        self._end = 0
        self.began: float | None = None
        """When its first picture was taken (``perf_counter``)."""

    # --- from any thread ---

    def start(self) -> Recording:
        """Begin; returns at once. Opening the encoder is done on its thread."""
        spawn("reverie recording", self._encode, self._stop.set, nice=PICTURES)
        return self

    def stop(self) -> None:
        """End soon; returns at once, ``ended`` tells when it has."""
        self._stop.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; False when it has not ended in ``timeout`` seconds."""
        return self._over.wait(timeout)

    def progress(self) -> Progress:
        """How it does; cheap."""
        with self._lock:
            return self._progress

    def _tell(self, **changes: Any) -> None:
        with self._lock:
            self._progress = replace(self._progress, **changes)

    # --- the timeline ---

    def _keep_time(self) -> None:
        began = self.began = time.perf_counter()
        period, place = 1.0 / float(self.fps), 0
        last: Frame | None = None
        missed: Frame | None = None
        heard, waiting = 0, np.zeros((0, 2), np.float32)
        while not self._stop.is_set():
            behind = int((time.perf_counter() - began) / period)
            if behind > place + 1:  # this thread came too late: the encoder fills the gap with the picture before
                self._tell(repeated=self._progress.repeated + behind - place)
                place = behind
            picture = self._look()
            fresh = picture if picture is not last and picture is not None else None
            until = round((place + 1) * period * SOUND_RATE)
            if self._sound is not None:
                waiting = np.concatenate([waiting, self._sound.read(began + heard / SOUND_RATE, until - heard)])
                waiting = waiting[-10 * SOUND_RATE :]
            heard = until
            try:
                self._queue.put_nowait((place, fresh, waiting))
            except queue.Full:
                if missed is not None and picture is not missed:
                    self._tell(dropped=self._progress.dropped + 1)  # another came before it had a place
                missed = picture if fresh is not None else missed
            else:
                if missed is not None and picture is not missed:
                    self._tell(dropped=self._progress.dropped + 1)
                waiting, missed = np.zeros((0, 2), np.float32), None
                last = picture if picture is not None else last
                if fresh is None:
                    self._tell(repeated=self._progress.repeated + 1)
            place += 1
            self._end = place
            self._stop.wait(max(0.0, began + place * period - time.perf_counter()))

    def _look(self) -> Frame | None:
        try:
            return self._picture()
        except Exception:  # a picture that cannot be composed must not end the file
            log.exception("the programme could not be composed")
            return None

    # --- the encoder ---

    def _encode(self) -> None:
        movie: MovieFile | None = None
        keeper: threading.Thread | None = None
        reason = ""
        try:
            encoder = self._encoder or best_encoder()
            movie = MovieFile(
                self.path, size=self.size, fps=self.fps, sound=self._sound is not None, encoder=encoder,
                threads=self._threads, crf=self._crf, recipe=self._recipe,
            )
            self._tell(state="recording", encoder=encoder)
            keeper = spawn("reverie recording time", self._keep_time, self._stop.set)
            reason = self._take(movie, keeper)
            self._tell(state="ending")
            movie.close()
        except FileError as error:
            reason = str(error)
        except OSError as error:
            reason = str(explain(error, self.path, writing=True))
        except Exception as error:
            log.exception("the recording failed")
            reason = f"the recording {short_path(self.path.name)} ended by a fault of the studio: {error}"
        finally:
            self._stop.set()
            if movie is not None:
                movie.abort()
            if keeper is not None:
                keeper.join(2.0)
        self._tell(state="failed" if reason else "done", reason=reason, written=self._bytes())
        self._over.set()
        try:
            self._ended(self.progress())
        except Exception:
            log.exception("the end of a recording could not be told")

    def _take(self, movie: MovieFile, keeper: threading.Thread) -> str:
        """Encode until told to stop; the sentence why it ended, '' when it was asked to."""
        looked = time.monotonic() - LOOK
        while True:
            try:
                place, picture, sound = self._queue.get(timeout=0.1)
            except queue.Empty:
                if self._stop.is_set() and not keeper.is_alive():
                    break
                continue
            while movie.frames < place:
                movie.add(None)
            movie.add(picture)
            movie.add_sound(sound)
            self._tell(frames=movie.frames, seconds=float(movie.frames / self.fps))
            if time.monotonic() - looked >= LOOK:
                looked = time.monotonic()
                if why := self._disk():
                    return why
        while movie.frames < self._end:
            movie.add(None)
        self._tell(frames=movie.frames, seconds=float(movie.frames / self.fps))
        return ""

    def _bytes(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def _disk(self) -> str:
        """Look at the disk; why the recording must end, or ''."""
        try:
            free = shutil.disk_usage(self.path.parent).free
        except OSError as error:
            return str(explain(error, self.path, writing=True))
        written, seconds = self._bytes(), self._progress.seconds
        rate = written / seconds if seconds > 2.0 else 0.0
        left = max(0, free - self._floor) / rate if rate else None
        self._tell(written=written, free=free, left=left,
                   low=free < LOW_BYTES or (left is not None and left < LOW_SECONDS))
        if free < self._floor:
            return (f"the disk of {short_path(self.path.parent)} is nearly full: the recording ended, and everything "
                    "until now is kept; free some space or choose another folder")
        return ""
