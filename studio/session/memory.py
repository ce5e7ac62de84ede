"""How much memory there is, and about how much an export needs."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

BASE = 300_000_000
"""Bytes that networks and libraries need whatever the size."""
HELD = 24.0
"""Bytes a pixel that a generator keeps while others of its chain work."""
PER_FORMAT = {"mp4": 170.0, "webm": 90.0, "mov": 40.0, "gif": 60.0, "webp": 30.0}
"""Bytes a pixel that a writer holds: an encoder looks some dozen frames ahead."""
RESERVE = 0.9
"""Share of the free memory that an export may take beside the live picture."""


def needed(size: tuple[int, int], peaks: Sequence[float], ending: str) -> int:
    """About how many bytes an export of pictures of ``size`` (width, height) takes at its peak.

    ``peaks`` are what its generators take when it is their turn, in bytes a pixel (``Generator.pixel_bytes``).
    """
    pixels = size[0] * size[1]
    chain = max(peaks, default=0.0) + HELD * max(0, len(peaks) - 1)
    return int(BASE + pixels * (chain + PER_FORMAT.get(ending, 15.0)))


def available() -> int | None:
    """Bytes that can be taken without swapping; None where the system does not tell."""
    found = _system()
    limit = _container()
    known = [value for value in (found, limit) if value is not None]
    return min(known) if known else None


def _system() -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return _windows()
    with contextlib.suppress(OSError, ValueError):
        if "SC_PHYS_PAGES" in os.sysconf_names:  # what is free is not told (macOS): half of all is a careful guess
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return None


def _windows() -> int | None:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [  # noqa: RUF012
            ("length", ctypes.c_ulong), ("load", ctypes.c_ulong), ("total", ctypes.c_ulonglong),
            ("free", ctypes.c_ulonglong), ("page_total", ctypes.c_ulonglong), ("page_free", ctypes.c_ulonglong),
            ("virtual_total", ctypes.c_ulonglong), ("virtual_free", ctypes.c_ulonglong),
            ("extended", ctypes.c_ulonglong),
        ]

    status = Status()
    status.length = ctypes.sizeof(Status)
    library = getattr(ctypes, "windll", None)
    if library is None or not library.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(status.free)


def _container() -> int | None:
    """What is left of a container's limit (cgroup version 2)."""
    folder = Path("/sys/fs/cgroup")
    with contextlib.suppress(OSError, ValueError):
        limit = (folder / "memory.max").read_text(encoding="ascii").strip()
        if limit != "max":
            used = int((folder / "memory.current").read_text(encoding="ascii"))
            cache = 0
            for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines():
                if line.startswith("inactive_file "):
                    cache = int(line.split()[1])
            return max(0, int(limit) - used + cache)
    return None


def text(size: int) -> str:
    """Bytes for people: ``820 MB``, ``3.4 GB``."""
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))} kB"
    return f"{size / 1e6:,.0f} MB" if size < 995_000_000 else f"{size / 1e9:,.1f} GB"
