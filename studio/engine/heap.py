"""The C library's heap, kept small in a program of many threads."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import sys

_M_ARENA_MAX = -8  # malloc.h
ARENAS = 2


@functools.cache
def share_arenas() -> bool:
    """Let all threads take their memory from a few pools; False where there is no such thing (it is glibc's).

    glibc gives threads pools of their own, up to eight per core, and what a network leaves in one is not used from
    another: in a show whose looks change (``reverie soak``) the process grew by 80 MiB a minute, with two pools it
    stood at 0.9 GiB from the fifth minute to the 38th. Pools that are there already stay.
    """
    if not sys.platform.startswith("linux"):
        return False
    with contextlib.suppress(OSError, AttributeError):
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS))
    return False
