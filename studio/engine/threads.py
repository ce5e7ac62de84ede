"""Threads that end: every worker is told to stop and joined before the interpreter goes.

A torch thread that still runs at exit aborts the process (SIGABRT), so each show would end with a "crash".
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable

STOP_SECONDS = 3.0
"""How long a worker may take to end."""

_lock = threading.Lock()
_running: dict[threading.Thread, Callable[[], None]] = {}


def spawn(name: str, work: Callable[[], None], stop: Callable[[], None]) -> threading.Thread:
    """Start a worker thread; ``stop`` asks it to end and must return at once."""

    def run() -> None:
        try:
            work()
        finally:
            with _lock:
                _running.pop(threading.current_thread(), None)

    thread = threading.Thread(target=run, name=name, daemon=True)
    with _lock:
        _running[thread] = stop
    thread.start()
    return thread


def running() -> list[threading.Thread]:
    """Workers that have not ended."""
    with _lock:
        return [thread for thread in _running if thread.is_alive()]


def stop_all(seconds: float = STOP_SECONDS) -> list[threading.Thread]:
    """Ask all workers to end and wait for them, ``seconds`` in all; returns those that did not."""
    with _lock:
        waiting = dict(_running)
    for stop in waiting.values():
        with contextlib.suppress(Exception):
            stop()
    until = time.monotonic() + seconds
    for thread in waiting:
        if thread is not threading.current_thread():
            thread.join(max(0.0, until - time.monotonic()))
    return running()


def leave(code: int) -> None:
    """End the process with ``code``, cleanly even when a worker hangs in a plugin: then without waiting for it."""
    if stop_all():
        logging.shutdown()
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    raise SystemExit(code)


atexit.register(stop_all)
