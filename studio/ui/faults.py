"""Errors that nobody caught: logged whole, shown as one sentence, never as a dialog in the middle of a show."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from studio.session.core import Core

log = logging.getLogger("reverie.ui")

QUIET_SECONDS = 5.0
"""The same fault is shown again after this time at the earliest."""


class Faults:
    """Hooks of Python's own; ``remove`` puts the former ones back."""

    def __init__(self, session: Core) -> None:
        self._session = session
        self._told: dict[str, float] = {}
        self._lock = threading.Lock()
        self._before: tuple[Callable[..., Any], Callable[..., Any]] = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._main
        threading.excepthook = self._thread

    def remove(self) -> None:
        """Take the hooks out."""
        sys.excepthook, threading.excepthook = self._before

    def _main(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, (KeyboardInterrupt, SystemExit)):
            sys.__excepthook__(kind, error, trace)
            return
        self._tell("the window", error)

    def _thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
            self._tell(args.thread.name if args.thread else "a thread", args.exc_value)

    def _tell(self, where: str, error: BaseException) -> None:
        key = f"{where}:{type(error).__name__}:{error}"[:300]
        now = time.monotonic()
        with self._lock:
            if now - self._told.get(key, -1e9) < QUIET_SECONDS:
                return
            if len(self._told) > 200:
                self._told.clear()
            self._told[key] = now
        log.error("uncaught in %s", where, exc_info=error)
        words = " ".join(str(error).split())[:200] or type(error).__name__
        self._session.notice(f"A fault of the studio in {where}: {words}", level="error",
                             cure="the rest goes on; the log has the details")
