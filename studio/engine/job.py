"""A job: one long piece of work on its own thread (export, training, import) with progress, time left and cancel."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from studio.engine.chain import reason
from studio.engine.threads import BESIDE, spawn
from studio.generator import Cancelled

T = TypeVar("T")
log = logging.getLogger("reverie.engine")


class Job(Generic[T]):
    """Runs ``work(job)`` once. ``state``: waiting, running, done, failed, cancelled.

    The work calls ``job.check(progress, message)`` often; it raises Cancelled when the user no longer wants it. Of an
    error the user sees ``error``, a sentence; ``exception`` and the log have the rest.
    """

    def __init__(
        self, title: str, work: Callable[[Job[T]], T], *, on_change: Callable[[Job[T]], None] | None = None
    ) -> None:
        """``on_change`` is called on the job's thread: at the start, with progress (at most 20 times a second), at the
        end."""
        self.title, self.state, self.message, self.error = title, "waiting", "", ""
        self.progress = 0.0
        self.exception: BaseException | None = None
        self._result: T | None = None
        self._work, self._on_change = work, on_change
        self._cancel, self._ended = threading.Event(), threading.Event()
        self._started = self._told = 0.0
        self._spent = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> Job[T]:
        """Begin; returns itself."""
        if self.state != "waiting":
            raise RuntimeError(f"the job {self.title!r} was already started")
        self.state, self._started = "running", time.monotonic()
        self._thread = spawn(f"reverie job {self.title}", self._run, self.cancel, nice=BESIDE)
        return self

    def cancel(self) -> None:
        """Ask the work to end; it does at its next ``check``."""
        self._cancel.set()

    def cancelled(self) -> bool:
        """Whether the user no longer wants it; for ``render(cancelled=…)`` and the like."""
        return self._cancel.is_set()

    def check(self, progress: float | None = None, message: str | None = None) -> None:
        """Called by the work: tell how far it is (0..1) and what it does. Raises Cancelled."""
        if self._cancel.is_set():
            raise Cancelled
        if progress is not None:
            self.progress = min(1.0, max(0.0, progress))
        if message is not None:
            self.message = message
        now = time.monotonic()
        if now - self._told > 0.05:
            self._told = now
            self._changed()

    @property
    def elapsed(self) -> float:
        """Seconds it has run."""
        if self.state == "waiting":
            return 0.0
        return self._spent or time.monotonic() - self._started

    @property
    def left(self) -> float | None:
        """Seconds it still needs, by its progress so far; None while that cannot be told."""
        if self.state != "running" or self.progress < 0.01 or self.elapsed < 0.5:
            return None
        return self.elapsed * (1.0 - self.progress) / self.progress

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; False when it has not ended in ``timeout`` seconds."""
        return self._ended.wait(timeout)

    def result(self) -> T:
        """What the work returned, waiting for it. Raises what it raised, or Cancelled."""
        self._ended.wait()
        if self.exception is not None:
            raise self.exception
        return self._result  # type: ignore[return-value]

    def _run(self) -> None:
        self._changed()
        try:
            self._result = self._work(self)
            self.progress, state = 1.0, "done"
        except Cancelled as error:
            self.exception, state = error, "cancelled"
        except BaseException as error:
            self.exception, self.error, state = error, f"{self.title}: {reason(error)}", "failed"
            log.error("%s", self.error, exc_info=error)
        self._spent = time.monotonic() - self._started
        self.state = state
        self._ended.set()
        self._changed()

    def _changed(self) -> None:
        if self._on_change is not None:
            try:
                self._on_change(self)
            except Exception:
                log.exception("the progress of %s could not be shown", self.title)
