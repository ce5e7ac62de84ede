"""A live camera: its own reader thread, the newest frame only, and a time limit on everything.

A driver that stalls blocks OpenCV's ``read`` for half a minute or for ever; it blocks this thread and nobody else.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from studio.devices.inputs import InputError, Source, SourceInfo
from studio.media import Frame

OPEN_SECONDS = 5.0
STALE_SECONDS = 5.0
"""A camera that gives no frame for so long is reported as stalled."""

REOPEN_SECONDS = (0.2, 0.5, 1.0, 2.0)
"""Pauses before the attempts to open a camera that went away; the last one repeats."""

log = logging.getLogger("reverie.camera")


def open_capture(device: int | Path) -> Any:
    """OpenCV's VideoCapture for a camera number, or for a file that stands in for one; may not be open."""
    import cv2

    # absence is said by our own sentence, not by OpenCV on stderr
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    if isinstance(device, Path):
        return cv2.VideoCapture(str(device), cv2.CAP_FFMPEG)
    capture = cv2.VideoCapture(device)
    if capture.isOpened():
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # old frames are worth nothing
    return capture


class Camera:
    """Reads a device on its own thread into a mailbox of one. ``device`` may be a video file that plays the camera."""

    def __init__(self, device: int | Path, *, reopen: bool = True) -> None:
        self.device, self.reopen = device, reopen
        self.frame: Frame | None = None
        self.count = 0
        self.arrived = 0.0
        self.ended = False
        self.opened = threading.Event()
        """Set after the first attempt to open, whether it succeeded or not."""
        self._new = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera {device}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        attempt = 0
        while not self._stop.is_set():
            capture = open_capture(self.device)
            found = bool(capture.isOpened())
            seen = self._read(capture) if found else 0
            capture.release()
            self.opened.set()
            if not self.reopen or (self.count == 0 and not found):
                break
            attempt = 0 if seen else attempt + 1
            pause = REOPEN_SECONDS[min(attempt, len(REOPEN_SECONDS) - 1)]
            log.warning("camera %s went away; trying again in %.1f s", self.device, pause)
            self._stop.wait(pause)
        with self._new:
            self.ended = True
            self._new.notify_all()

    def _read(self, capture: Any) -> int:
        """Put frames into the mailbox until there are no more; returns how many came."""
        import cv2

        seen = 0
        while not self._stop.is_set():
            good, picture = capture.read()
            if not good or picture is None or picture.size == 0:
                break
            if picture.ndim == 2:
                picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
            frame: Frame = cv2.cvtColor(picture[:, :, :3], cv2.COLOR_BGR2RGB)
            with self._new:
                self.frame, self.arrived = frame, time.monotonic()
                self.count += 1
                self._new.notify_all()
            self.opened.set()
            seen += 1
        return seen

    def newer_than(self, count: int, timeout: float) -> tuple[int, Frame] | None:
        """The newest frame and its number, once later than ``count``; None after ``timeout`` seconds or at the end."""
        with self._new:
            self._new.wait_for(lambda: self.count > count or self.ended, timeout)
            return (self.count, self.frame) if self.count > count and self.frame is not None else None

    @property
    def age(self) -> float:
        """Seconds since the last frame came; infinite before the first."""
        return time.monotonic() - self.arrived if self.count else float("inf")

    def close(self, timeout: float = 2.0) -> None:
        """Stop reading. A driver that hangs keeps its (daemon) thread; nothing waits longer than ``timeout`` for it."""
        self._stop.set()
        self._thread.join(timeout)


class CameraSource(Source):
    """A live camera as an iterator: every call gives a newer frame, in the size of the first one."""

    def __init__(self, device: int | Path, *, reopen: bool = True) -> None:
        self._camera = Camera(device, reopen=reopen)
        self._name = f"camera:{device}" if isinstance(device, int) else device.name
        self._count = 0
        first = self._camera.newer_than(0, OPEN_SECONDS)
        if first is None:
            ended = self._camera.ended
            self.close()
            reason = "there is no such camera" if ended else f"it gave no picture within {OPEN_SECONDS:.0f} s"
            raise InputError(
                f"cannot read {self._name}: {reason}; 'reverie devices' lists what is there, or give a video file"
            )
        height, width = first[1].shape[:2]
        self.info = SourceInfo("camera", width, height, 30.0, None)

    def __next__(self) -> Frame:
        newer = self._camera.newer_than(self._count, STALE_SECONDS)
        if newer is None:
            if self._camera.ended:
                raise StopIteration
            raise InputError(f"cannot read {self._name}: no new picture for {STALE_SECONDS:.0f} s; check its cable")
        self._count, frame = newer
        if frame.shape[:2] != (self.info.height, self.info.width):
            import cv2

            size = (self.info.width, self.info.height)
            return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
        return frame

    def close(self) -> None:
        self._camera.close()
