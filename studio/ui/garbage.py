"""Garbage is collected on the window's thread alone, in small rounds between frames.

Python collects cycles on whatever thread happens to make the next object. A widget that dies on a worker's thread
crashes Qt or locks it up for ever (only the thread that owns a QObject may destroy it), and a round in the middle of
a frame is a frame late.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

ROUND_MS, WHOLE_EVERY = 5_000, 24
"""Time between rounds; each so-manieth looks at old objects too: every two minutes."""
SETTLED_MS = 15_000
"""When everything that stays for the whole show is there."""


class Garbage(QObject):
    """Collects for as long as it is there. Make it on the window's thread before the first window."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rounds = 0
        gc.disable()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._round)
        self._timer.start(ROUND_MS)
        self._settled = QTimer(self, singleShot=True)
        self._settled.timeout.connect(self._set_aside)
        self._settled.start(SETTLED_MS)

    def end(self) -> None:
        """As before: no window is left."""
        self._timer.stop()
        self._settled.stop()
        gc.unfreeze()
        gc.collect()
        gc.enable()

    def _round(self) -> None:
        self._rounds += 1
        gc.collect(2 if self._rounds % WHOLE_EVERY == 0 else 1)

    @staticmethod
    def _set_aside() -> None:
        """Whole rounds need not look at libraries and pages again and again."""
        gc.collect()
        gc.freeze()
