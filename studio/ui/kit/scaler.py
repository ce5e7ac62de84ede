"""Live pictures are brought to the size of the screen beside the GUI thread.

Scaling a frame takes one to several milliseconds, and four live views would take that from the GUI thread
thirty times a second. One thread does it for all views, newest frame of each first; the GUI thread only copies
finished pixels.
OpenCV lets go of the interpreter while it works, Qt's own scaling does not.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from typing import Any, Protocol

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, Signal

Frame = np.ndarray[Any, Any]
_IDLE_S = 0.5


class Receiver(Protocol):
    """What wants a frame scaled."""

    def scaled_ready(self, frame: Frame, pixels: Frame) -> None:
        """Called on the GUI thread with the frame as it was given and ``uint8 (height, width, 4)`` in BGRA order."""


def scale(frame: Frame, width: int, height: int) -> Frame:
    """``uint8`` (height, width[, 3]) at another size as BGRA; averaged where it shrinks, linear where it grows."""
    import cv2

    source = np.ascontiguousarray(frame)
    if source.shape[1::-1] != (width, height):
        shrinks = width < source.shape[1] or height < source.shape[0]
        source = cv2.resize(source, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    code = cv2.COLOR_GRAY2BGRA if source.ndim == 2 else cv2.COLOR_RGB2BGRA
    return np.asarray(cv2.cvtColor(source, code))


class Scaler(QObject):
    """One slot per receiver; the thread ends by itself when nothing has come for half a second."""

    _done = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._waiting: dict[int, tuple[Frame, int, int]] = {}
        self._finished: dict[int, tuple[Frame, Frame | None]] = {}
        self._receivers: weakref.WeakValueDictionary[int, Receiver] = weakref.WeakValueDictionary()
        self._keys = itertools.count(1)
        self._done.connect(self._deliver)

    def register(self, receiver: Receiver) -> int:
        """A key for ``submit``; the receiver is not kept alive."""
        key = next(self._keys)
        self._receivers[key] = receiver
        return key

    def submit(self, key: int, frame: Frame, width: int, height: int) -> None:
        """Scale ``frame``; a frame of the same receiver that was not begun yet is dropped."""
        with self._change:
            self._stopping = False
            self._waiting[key] = (frame, width, height)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="picture scaler", daemon=True)
                self._thread.start()
            self._change.notify()

    def stop(self, seconds: float = 1.0) -> None:
        """End the thread, if there is one, and forget what waits."""
        with self._change:
            self._stopping = True
            self._waiting.clear()
            thread = self._thread
            self._change.notify()
        if thread is not None:
            thread.join(seconds)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            key, (frame, width, height) = job
            try:
                pixels: Frame | None = scale(frame, width, height)
            except Exception:  # an odd frame or no OpenCV: the view scales for itself
                pixels = None
            with self._change:
                if self._stopping:
                    continue
                self._finished[key] = (frame, pixels)
            self._done.emit(key)

    def _next(self) -> tuple[int, tuple[Frame, int, int]] | None:
        with self._change:
            if not self._waiting and not self._stopping:
                self._change.wait(_IDLE_S)
            if self._stopping or not self._waiting:
                self._thread = None
                return None
            key = next(iter(self._waiting))
            return key, self._waiting.pop(key)

    def _deliver(self, key: int) -> None:
        with self._change:
            result = self._finished.pop(key, None)
        receiver = self._receivers.get(key)
        if result is not None and receiver is not None:
            frame, pixels = result
            receiver.scaled_ready(frame, pixels if pixels is not None else frame[:0])


_shared: list[Scaler] = []


def shared() -> Scaler:
    """The one that all views use; ends with the application. GUI thread only."""
    if not _shared:
        made = Scaler()
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(made.stop)
        _shared.append(made)
    return _shared[0]
