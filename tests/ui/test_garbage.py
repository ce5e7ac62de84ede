"""Cycles are collected on the window's thread alone."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest

from studio.ui import garbage
from studio.ui.garbage import Garbage


class Cycle:
    def __init__(self, died: list[threading.Thread]) -> None:
        self.me = self
        weakref.finalize(self, lambda: died.append(threading.current_thread()))


def test_workers_collect_nothing_and_the_window_does(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "ROUND_MS", 20)
    monkeypatch.setattr(garbage, "SETTLED_MS", 50)
    gc.enable()
    ours = Garbage()
    try:
        died: list[threading.Thread] = []
        Cycle(died)

        def work() -> None:
            kept = [[] for _ in range(50_000)]  # far more new objects than start a round of their own accord
            assert kept

        worker = threading.Thread(target=work)
        worker.start()
        worker.join(20.0)
        assert not worker.is_alive() and not died
        qtbot.waitUntil(lambda: bool(died), timeout=10_000)
        assert died == [threading.main_thread()]
        qtbot.waitUntil(lambda: gc.get_freeze_count() > 0, timeout=10_000)
    finally:
        ours.end()
        assert gc.isenabled() and not gc.get_freeze_count()
        gc.disable()  # as all tests of the window have it
