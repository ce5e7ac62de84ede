"""Threads end when they are told, and those that make pictures let the others go first."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from studio.engine.threads import BESIDE, be_prompt, running, spawn, stop_all

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a niceness for each thread")


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@linux
def test_a_thread_is_as_nice_as_asked_and_those_it_starts_too() -> None:
    seen: list[int] = []

    def work() -> None:
        seen.append(niceness())
        child = threading.Thread(target=lambda: seen.append(niceness()))
        child.start()
        child.join()

    mine = niceness()
    spawn("modest", work, lambda: None, nice=BESIDE).join(10.0)
    spawn("plain", work, lambda: None).join(10.0)
    assert seen == [BESIDE, BESIDE, mine, mine]


@linux
def test_short_turns_are_the_threads_own_and_not_inherited() -> None:
    """The length of a turn as the kernel tells it: /proc/TID/sched, where it is there to be read."""
    seen: list[str] = []

    def turn() -> str:
        try:
            lines = Path(f"/proc/self/task/{threading.get_native_id()}/sched").read_text().splitlines()
            return next((line.split(":")[1].strip() for line in lines if line.startswith("se.slice")), "")
        except OSError:
            return ""

    def work() -> None:
        seen.append(turn())
        be_prompt()
        seen.append(turn())
        child = threading.Thread(target=lambda: seen.append(turn()))
        child.start()
        child.join()

    spawn("prompt", work, lambda: None).join(10.0)
    before, own, child = seen
    if not own or own == before:
        pytest.skip("this kernel has no turns of a length of one's own, or does not show them")
    assert child != own


def test_all_are_told_to_stop_and_waited_for() -> None:
    told = threading.Event()

    def work() -> None:
        told.wait(20.0)

    thread = spawn("waits", work, told.set)
    assert thread in running()
    assert stop_all(10.0) == [] and told.is_set() and thread not in running()
