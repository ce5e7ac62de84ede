"""Threads that come and go leave no heaps of their own behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys, threading
from studio.engine.heap import ARENAS, share_arenas
if sys.argv[1] == "few" and not share_arenas():
    print("none")
    raise SystemExit
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
gate = threading.Barrier(17)
def work():
    libc.malloc(100_000)
    gate.wait()
    gate.wait()
for _ in range(16):
    threading.Thread(target=work).start()
gate.wait()
with open("/proc/self/maps") as maps:
    # a pool is a reserved place of 64 MiB, of which the beginning may be written
    ends = [line.split() for line in maps]
    pools = sum(int(place.split("-")[0], 16) % 2**26 == 0 and access == "rw-p" and len(rest) == 3
                for place, access, *rest in ends)
print(pools)
gate.wait()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the pools are those of Linux's C library")
def test_threads_share_a_few_pools() -> None:
    found = {}
    for how in ("few", "as ever"):
        done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
        found[how] = done.stdout.strip()
    if found["few"] == "none" or int(found["as ever"]) < 3:
        pytest.skip("this C library has no pools for threads")
    assert int(found["few"]) <= 2 < int(found["as ever"])
