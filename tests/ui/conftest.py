"""The window's tests: no screen, one application with the theme, nothing left behind."""

from __future__ import annotations

import os

os.environ["QT_QPA_PLATFORM"] = os.environ.get("REVERIE_TEST_PLATFORM", "offscreen")
os.environ["QT_SCALE_FACTOR"] = "1"

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.engine.threads import stop_all
from studio.session.session import Session
from studio.ui import theme
from studio.ui.window import MainWindow
from tests.ui.stand import make_session


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    """The name of the application in the tests."""
    return ["reverie"]


@pytest.fixture(scope="session", autouse=True)
def _look(qapp: QApplication) -> None:
    theme.apply(qapp, "dark")


@pytest.fixture(scope="module", autouse=True)
def _garbage_of_ours() -> Iterator[None]:
    """Only this thread collects, as in the studio (``studio.ui.garbage``): a window that another thread's next object
    happened to collect would lock the process up."""
    gc.disable()
    yield
    _settle()
    gc.collect()
    gc.enable()


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
    gc.collect(1)
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


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session of the three tiny generators, at home in a folder of its own; no thread of it is left at the end."""
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    made = make_session(tmp_path)
    yield made
    made.close()
    assert not stop_all(20.0)  # a page may just be importing torch in the background


@pytest.fixture
def window(session: Session, qtbot: QtBot) -> MainWindow:
    """The main window of the session, shown; it asks nothing when it is closed."""
    made = MainWindow(session)
    made.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)
    made._closing = True
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made
