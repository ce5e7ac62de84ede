"""``reverie train … --events FILE``: a training that another program watches and steers (see docs/formats.md).

Events go out as JSON lines; words come in on stdin, a line each: ``pause``, ``resume``, ``finish`` (write the model as
it is), ``stop`` (write a checkpoint). The end of stdin is a stop: a training ends, saved, with whoever started it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from studio.cli.errors import Refusal
from studio.training.loop import Control

GRACE = 120.0
"""Seconds that a training may take to its next step once nobody listens any more; then it is ended as it is."""


class Stream:
    """Where events go. ``write`` may be called from any thread."""

    def __init__(self, file: IO[str]) -> None:
        self._file, self._lock = file, threading.Lock()
        self.step = 0

    def write(self, event: dict[str, Any]) -> None:
        """One event, as a line that is there at once."""
        self.step = int(event.get("step", self.step))
        with self._lock, contextlib.suppress(OSError):  # a full disk or a reader that left must not end the training
            self._file.write(json.dumps({"step": self.step, **event}) + "\n")
            self._file.flush()


@contextlib.contextmanager
def open_stream(target: str) -> Iterator[Stream]:
    """The stream to a file (appended to), or to stdout for ``-``. Raises Refusal when it cannot be opened."""
    if target == "-":
        yield Stream(sys.stdout)
        return
    try:
        file = Path(target).open("a", encoding="utf-8")  # noqa: SIM115 - closed below
    except OSError as error:
        raise Refusal(f"--events {target}: {error.strerror or error}; name a file that can be written") from None
    with file:
        yield Stream(file)


@contextlib.contextmanager
def obey(control: Control, words: IO[str]) -> Iterator[None]:
    """Follow the words on ``words`` (stdin) until it ends, for the length of a ``with`` block."""
    over = threading.Event()

    def listen() -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in words:
                word = line.strip().lower()
                if word in ("pause", "resume"):
                    control.pause = word == "pause"
                elif word == "finish":
                    control.finish = True
                elif word == "stop":
                    control.stop = True
        if not control.finish:
            control.stop = True
        control.pause = False
        if not over.wait(GRACE):  # reading the data, say, does not look at the control
            os._exit(1)

    threading.Thread(target=listen, name="reverie train control", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def step_back() -> None:
    """Let other programs go first: a lower priority, and one core left to them."""
    import torch

    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(10)
    elif sys.platform == "win32":
        import ctypes

        below_normal = 0x4000
        kernel = ctypes.windll.kernel32
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), below_normal)
    torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))
