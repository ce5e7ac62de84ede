"""Progress on stderr: a bar with the time left on a terminal, a line now and then elsewhere. And Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress

QUIET_SECONDS = 10.0
"""Between two lines where stderr is not a terminal."""


class Bar:
    """One task's progress. ``total`` in any unit (None where the end is not known), or ``percent`` of 1."""

    def __init__(
        self, label: str, total: float | None, *, quiet: bool = False, unit: str = "", percent: bool = False
    ) -> None:
        self.label, self.quiet, self.scale = label, quiet, 100.0 if percent else 1.0
        self.total, self.unit = (100.0, "%") if percent else (total, unit)
        self.done = 0.0
        self.note = ""
        self._began = self._told = time.monotonic()
        self._rich: Progress | None = None
        self._task: Any = None

    def __enter__(self) -> Bar:
        if not self.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                Progress,
                SpinnerColumn,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self._rich = Progress(
                SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=28),
                TextColumn("{task.fields[count]}"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
                TextColumn("[dim]{task.fields[note]}"), console=Console(stderr=True), transient=True,
            )
            self._rich.start()
            self._task = self._rich.add_task(self.label, total=self.total, count="", note="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._rich is not None:
            self._rich.stop()

    def to(self, done: float, note: str = "") -> None:
        """The work stands at ``done``."""
        done = done * self.scale
        self.done, self.note = done, note or self.note
        if self._rich is not None:
            end = f"/{self.total:g}" if self.total is not None and self.scale == 1.0 else ""
            self._rich.update(self._task, completed=done, count=f"{done:.0f}{end} {self.unit}", note=self.note[-60:])
        elif not self.quiet and time.monotonic() - self._told > QUIET_SECONDS:
            self._told = time.monotonic()
            print(self._line(), file=sys.stderr, flush=True)

    def _line(self) -> str:
        elapsed = time.monotonic() - self._began
        if not self.total or not self.done:
            return f"{self.label}: {self.done:g} {self.unit} after {elapsed:.0f} s {self.note}".rstrip()
        left = elapsed / self.done * max(0.0, self.total - self.done)
        whole = f" of {self.total:g} {self.unit}" if self.scale == 1.0 else ""
        share = f"{100 * self.done / self.total:.0f} %{whole}"
        line = f"{self.label}: {share}, about {left:.0f} s left {self.note}"
        return line.rstrip()

    def say(self, text: str) -> None:
        """A line that stays above the bar."""
        if self._rich is not None:
            self._rich.console.print(text, highlight=False, markup=False)
        elif not self.quiet:
            print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C (or termination signal) into a flag that the work asks for; a second one stops at once."""
    asked = threading.Event()

    def handler(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, old in before.items():
            signal.signal(number, old)
