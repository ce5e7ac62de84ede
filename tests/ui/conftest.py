"""The window's tests: no screen, one application with the theme, nothing left behind."""

from __future__ import annotations

import os

os.environ["QT_QPA_PLATFORM"] = os.environ.get("REVERIE_TEST_PLATFORM", "offscreen")
os.environ["QT_SCALE_FACTOR"] = "1"

import gc
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from studio.ui import theme


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    """The name of the application in the tests."""
    return ["reverie"]


@pytest.fixture(scope="session", autouse=True)
def _look(qapp: QApplication) -> None:
    theme.apply(qapp, "dark")


def _settle() -> None:
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(autouse=True)
def _nothing_left(qapp: QApplication, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that leaves a window or a thread behind. Give widgets to ``qtbot.addWidget``, or close them.

    It is set up before ``qtbot`` and so looks after ``qtbot`` closed what it was given.
    """
    windows = set(qapp.topLevelWidgets())
    threads = set(threading.enumerate())
    yield
    _settle()
    left = [w for w in qapp.topLevelWidgets() if w not in windows and w.parent() is None]
    if left:
        gc.collect()  # held only by a reference cycle: not a leak
        del left
        _settle()
        left = [w for w in qapp.topLevelWidgets() if w not in windows and w.parent() is None]
    names = [f"{type(w).__name__} {w.objectName() or w.windowTitle()!r}" for w in left]
    for widget in left:
        widget.hide()
        widget.deleteLater()
    running = [t for t in threading.enumerate() if t not in threads and t.is_alive()]
    for thread in running:
        thread.join(timeout=2.0)
    running = [t.name for t in running if t.is_alive()]
    assert not names, f"left behind: {', '.join(names)}"
    assert not running, f"threads left running: {', '.join(running)}"
