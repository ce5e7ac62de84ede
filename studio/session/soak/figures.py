"""What a soak measures: how late pictures and notes are, and what the process holds."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

LATE = 1.5
"""A picture is late when it is shown this many frame times after the one before it was due."""


@dataclass
class Pace:
    """How evenly something comes that should come every ``period`` seconds. ``seen`` is its maker's count at the last
    look, for who finds out by looking."""

    period: float
    count: int = 0
    late: int = 0
    worst: float = 0.0
    seen: int = -1
    _last: float | None = None

    def mark(self, now: float) -> None:
        """It came at ``now`` (seconds)."""
        if self._last is not None:
            gap = now - self._last
            self.late += gap > LATE * self.period
            self.worst = max(self.worst, gap)
        self.count += 1
        self._last = now

    def pause(self) -> None:
        """What comes next is not compared with what came before."""
        self._last = None


@dataclass(frozen=True)
class Held:
    """What the process holds: MiB of memory, threads, open files, child processes."""

    memory: float
    threads: int
    files: int
    children: int


@dataclass
class Levels:
    """What was held when, over the whole show."""

    rows: list[tuple[float, Held]] = field(default_factory=list)

    def note(self, at: float) -> None:
        """Look now."""
        self.rows.append((at, held()))

    def settled(self, part: float, low: bool = True) -> Held:
        """The middle of what was held in the first (``low``) or last ``part`` (0..1) of the rows."""
        count = max(1, round(part * len(self.rows)))
        rows = [row for _, row in (self.rows[:count] if low else self.rows[-count:])]

        def middle(name: str) -> float:
            values = sorted(float(getattr(row, name)) for row in rows)
            return values[len(values) // 2]

        return Held(middle("memory"), int(middle("threads")), int(middle("files")), int(middle("children")))


def held() -> Held:
    """What this process holds now; zeros where the system does not tell."""
    memory, files, children = 0.0, 0, 0
    if sys.platform == "linux":
        with contextlib.suppress(OSError, ValueError, IndexError):
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            memory = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
            files = sum(1 for _ in Path("/proc/self/fd").iterdir())
            tasks = Path("/proc/self/task").iterdir()
            children = sum(len((task / "children").read_text().split()) for task in tasks)
    return Held(memory, threading.active_count(), files, children)
