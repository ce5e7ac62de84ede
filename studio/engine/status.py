"""One life of a worker's thread, and how it does at one instant."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

RECENT = 2.0
"""Seconds that the figures are of."""


class Run:
    """One life of the thread. An abandoned one (hung, replaced) no longer counts: see ``Worker._current``."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.thread: threading.Thread | None = None
        self.heartbeat = time.monotonic()
        self.epoch = 0

    def cancelled(self) -> bool:
        """Whether to end; asking is a sign of life."""
        self.heartbeat = time.monotonic()
        return self.stop.is_set()


@dataclass(frozen=True, slots=True)
class Status:
    """A worker at one instant. ``state``: stopped, starting, running, hung, failed (will try again), paused, finished.

    ``reason`` is a sentence for failed, hung and paused. ``age`` is seconds since the last sign of life, ``step_ms``
    the median time of a step, ``late`` steps over budget, ``dropped`` pictures nobody took. ``scale`` is the part
    of the working size that is left, ``rung`` says all that was given up (see ``ladder``) and ``rung_why`` the reason.
    """

    state: str
    reason: str = ""
    fps: float = 0.0
    step_ms: float = 0.0
    age: float = 0.0
    steps: int = 0
    late: int = 0
    dropped: int = 0
    failures: int = 0
    scale: float = 1.0
    rung: str = ""
    rung_why: str = ""


def figures(steps: Sequence[tuple[float, float]], now: float) -> tuple[float, float]:
    """Steps a second and the median seconds of a step, from (end, seconds) of the last ones."""
    recent = [(end, spent) for end, spent in steps if now - end < RECENT]
    span = recent[-1][0] - recent[0][0] if recent else 0.0
    fps = (len(recent) - 1) / span if span > 0.0 else 0.0
    middle = sorted(spent for _, spent in recent)[len(recent) // 2] if recent else 0.0
    return fps, middle
