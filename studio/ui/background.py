"""Work off the GUI thread for one widget: previews, thumbnails, scans of files."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import shiboken6
from PySide6.QtCore import QObject

from studio.engine.chain import reason
from studio.engine.threads import PICTURES, spawn
from studio.generator import Cancelled
from studio.session.core import Core

T = TypeVar("T")
log = logging.getLogger("reverie.ui")


class Task:
    """One piece of work. ``cancel`` forgets it: neither callback comes any more; ``cancelled`` tells the work so."""

    def __init__(self) -> None:
        self._cancel = threading.Event()

    def cancel(self) -> None:
        self._cancel.set()

    def cancelled(self) -> bool:
        return self._cancel.is_set()

    def check(self) -> None:
        """For the work: raises Cancelled when nobody wants it."""
        if self._cancel.is_set():
            raise Cancelled


class _Lane:
    """One thread that does its work in order and ends when there is none: two such would starve a two-core machine."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Task, Callable[[], None]]] = deque()
        self._busy = False
        self._task: Task | None = None

    def add(self, task: Task, work: Callable[[], None]) -> None:
        with self._lock:
            self._waiting.append((task, work))
            if self._busy:
                return
            self._busy = True
        spawn("reverie background", self._run, self._stop, nice=PICTURES)

    def _stop(self) -> None:
        for task in [self._task, *(task for task, _ in list(self._waiting))]:
            if task is not None:
                task.cancel()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy = False
                    return
                task, work = self._waiting.popleft()
                self._task = task
            if not task.cancelled():
                work()


_lane = _Lane()


def background(
    session: Core, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[str], None] | None = None, *,
    owner: QObject, task: Task | None = None,
) -> Task:
    """Run ``work`` on the background thread and ``done(result)`` on this one, in ``session.pump``.

    ``failed`` gets a sentence when ``work`` raises; without it the sentence becomes a notice. Nothing is called after
    ``owner`` is gone or the task was cancelled. Long work should ask ``task.check()``.
    """
    made = task or Task()

    def finish(call: Callable[[Any], None], value: Any) -> None:
        def deliver() -> None:
            if not made.cancelled() and shiboken6.isValid(owner):
                call(value)

        session.events.call(deliver)

    def run() -> None:
        try:
            result = work()
        except Cancelled:
            return
        except Exception as error:
            if made.cancelled():
                return
            log.warning("background work failed", exc_info=True)
            finish(failed or (lambda text: session.notice(text, level="error")), reason(error))
        else:
            finish(done, result)

    _lane.add(made, run)
    return made
