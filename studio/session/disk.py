"""Work with files beside the thread that owns the session: one piece after the other, in the order they were asked for.

A slow disk, a stick that wakes up, a folder on another machine: nothing of it may hold the window or the show.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from studio.engine.threads import spawn
from studio.files import FileError
from studio.session.events import Events

T = TypeVar("T")


class Disk:
    """A lane for work with files. Nothing that was asked for is left out, and what comes later waits for it."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], None]] = deque()
        self._idle = threading.Event()
        self._idle.set()

    @property
    def busy(self) -> bool:
        """Whether something is still being read or written."""
        return not self._idle.is_set()

    def do(
        self, work: Callable[[], T], done: Callable[[T], object] | None = None,
        failed: Callable[[FileError], object] | None = None,
    ) -> None:
        """Run ``work`` on the lane, then ``done(result)`` or ``failed(error)`` in the session's next ``pump``."""

        def run() -> None:
            try:
                found = work()
            except FileError as error:
                self._say(failed, error)
            except OSError as error:
                self._say(failed, FileError(str(error)))
            else:
                self._say(done, found)

        with self._lock:
            self._waiting.append(run)
            if self.busy:
                return
            self._idle.clear()
        spawn("reverie disk", self._run, lambda: None)

    def wait(self, timeout: float) -> bool:
        """Wait until all of it is done; False when that takes longer than ``timeout`` seconds."""
        return self._idle.wait(timeout)

    def _say(self, call: Callable[[Any], object] | None, value: Any) -> None:
        if call is not None:
            self._events.call(lambda: call(value))

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._idle.set()
                    return
                work = self._waiting.popleft()
            work()
