"""Few pictures that move all the same: each fades into the next at the full rate, on a thread of its own."""

from __future__ import annotations

import threading
import time
from typing import cast

from studio.engine.mailbox import Mailbox
from studio.engine.threads import PICTURES, spawn
from studio.media import Frame

LONGEST = 1.0
"""Seconds that a dissolve takes at the most."""


class Dissolver:
    """Puts what is between two pictures into ``mailbox``. It begins with the first ``show`` and costs nothing before.

    A picture is whole when the next one comes, so what is seen is one picture late.
    """

    def __init__(self, name: str, mailbox: Mailbox[Frame]) -> None:
        self._name, self._mailbox = name, mailbox
        self._condition = threading.Condition()
        self._shown: Frame | None = None
        self._from: Frame | None = None
        self._to: Frame | None = None
        self._began, self._length = 0.0, 1.0 / 15.0
        self._fps = 30.0
        self._runs = 0
        self._running = False

    def show(self, frame: Frame, fps: float) -> None:
        """Dissolve to ``frame`` from what is seen now, at ``fps`` pictures a second."""
        with self._condition:
            now = time.monotonic()
            if self._to is not None and self._running:
                self._length = min(LONGEST, max(1.0 / fps, 0.5 * self._length + 0.5 * (now - self._began)))
            before = self._shown if self._shown is not None else self._mailbox.last
            self._from = before if before is not None and before.shape == frame.shape else frame
            self._to, self._began, self._fps = frame, now, fps
            self._condition.notify()
            if self._running:
                return
            self._running = True
            self._runs += 1
            number = self._runs
        spawn(f"{self._name} dissolve", lambda: self._work(number), self.end, nice=PICTURES)

    def end(self) -> None:
        """Stop where it is; returns at once."""
        with self._condition:
            self._running = False
            self._shown = self._from = self._to = None
            self._condition.notify()

    def _work(self, number: int) -> None:
        while True:
            with self._condition:
                if not self._running or number != self._runs:
                    return
                share = min(1.0, (time.monotonic() - self._began) / self._length)
                start, end = self._from, self._to
                assert start is not None and end is not None
                made = end if share >= 1.0 or start is end else blend(start, end, share)
                self._shown = made
                self._mailbox.put(made)
                self._condition.wait(1.0 / self._fps if made is not end else None)


def blend(first: Frame, second: Frame, share: float) -> Frame:
    """Two frames of one shape, ``uint8 (height, width, 3)``; ``share`` 0..1 of the second."""
    import cv2

    return cast(Frame, cv2.addWeighted(first, 1.0 - share, second, share, 0.0))
