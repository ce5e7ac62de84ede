"""Threads that end: every worker is told to stop and joined before the interpreter goes.

A torch thread that still runs at exit aborts the process (SIGABRT), so each show would end with a "crash".
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import logging
import os
import platform
import struct
import sys
import threading
import time
from collections.abc import Callable

STOP_SECONDS = 3.0
"""How long a worker may take to end."""

PICTURES, BESIDE = 5, 10
"""Niceness of threads that make pictures, and of work beside the show (thumbnails, exports): with every core at work
the window's thread and the players' come first. Measured by ``benchmarks/gui_latency.py``."""

_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
_SLICE_NS = 100_000
_RESET_ON_FORK = 1  # threads that it starts have ordinary turns

_lock = threading.Lock()
_running: dict[threading.Thread, Callable[[], None]] = {}


def spawn(name: str, work: Callable[[], None], stop: Callable[[], None], *, nice: int = 0) -> threading.Thread:
    """Start a worker thread; ``stop`` asks it to end and must return at once. ``nice`` as in ``be_nice``."""

    def run() -> None:
        try:
            be_nice(nice)
            work()
        finally:
            with _lock:
                _running.pop(threading.current_thread(), None)

    thread = threading.Thread(target=run, name=name, daemon=True)
    with _lock:
        _running[thread] = stop
    thread.start()
    return thread


def be_nice(nice: int) -> None:
    """Let threads of less niceness (0..19) run before this one and those it starts. Only Linux knows it by thread."""
    if nice and sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)


def be_prompt() -> None:
    """Ask the system to run this thread soon after it wakes, by short turns instead of a higher share.

    Linux 6.12 and later take the length of a thread's turn from ``sched_setattr`` (EEVDF, ``sched(7)``); elsewhere
    nothing happens.
    """
    number = _SCHED_SETATTR.get(platform.machine()) if sys.platform == "linux" else None
    if number is None:
        return
    # struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    attributes = struct.pack("=IIQiIQQQ", 48, os.SCHED_OTHER, _RESET_ON_FORK, nice, 0, _SLICE_NS, 0, 0)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).syscall(number, 0, attributes, 0)


def use_torch_threads(count: int | None) -> None:
    """Let torch use so many threads from now on: None leaves one core free, 0 changes nothing. torch is not imported
    for it."""
    if count != 0 and "torch" in sys.modules:
        import torch

        from studio.nn.device import live_threads

        torch.set_num_threads(count or live_threads())


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
