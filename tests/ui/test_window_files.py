"""Saving, exporting, dropping and recovering through the real window and its keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication

from studio.export import read_recipe
from studio.session.session import Session
from studio.ui.export import ExportDialog
from studio.ui.kit import mime
from studio.ui.window import MainWindow
from tests.ui.stand import level


@pytest.fixture
def session(session: Session, tmp_path: Path) -> Session:
    session.settings.set("export_folder", str(tmp_path / "out"))
    return session


@pytest.fixture
def window(window: MainWindow, session: Session, qtbot: Any) -> MainWindow:
    session.load("A", "test.shade", params={"level": 0.5})
    qtbot.waitUntil(lambda: level(session) == 128, timeout=20_000)
    return window


def drop(window: MainWindow, *files: Path) -> None:
    middle = QPointF(window.rect().center())
    data = mime.files(list(files))  # the event does not keep it alive
    event = QDropEvent(middle, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0))
    window.dropEvent(event)
    assert event.isAccepted()


def test_f9_saves_the_frame_and_dropping_it_brings_the_look_back(
    window: MainWindow, session: Session, qtbot: Any, tmp_path: Path
) -> None:
    qtbot.keyClick(window, Qt.Key.Key_F9)
    qtbot.waitUntil(lambda: any("Saved " in notice.text for notice in session.notices), timeout=20_000)
    (file,) = (tmp_path / "out").iterdir()
    assert read_recipe(file)["stages"][0]["params"]["level"] == 0.5
    session.set_value("A", 0, "level", 1.0)
    qtbot.waitUntil(lambda: level(session) == 255, timeout=20_000)
    drop(window, file)
    qtbot.waitUntil(lambda: level(session) == 128, timeout=20_000)
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: level(session) == 255, timeout=20_000)


def test_ctrl_e_exports_and_the_strip_shows_it(
    window: MainWindow, session: Session, qtbot: Any, tmp_path: Path
) -> None:
    qtbot.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, ExportDialog))
    dialog.choose_format("gif")
    qtbot.mouseClick(dialog.foot.start, Qt.MouseButton.LeftButton)
    job = dialog.job
    assert job is not None
    dialog.close()  # it goes on
    qtbot.waitUntil(lambda: job.state == "done", timeout=30_000)
    qtbot.waitUntil(lambda: window.jobs.open.isVisible(), timeout=5_000)
    assert job.result().path.suffix == ".gif" and job.result().path.stat().st_size > 100
    assert level(session) == 128 and session.decks["A"].state == "running"


def test_a_session_is_saved_dropped_and_undone_by_nothing_else(
    window: MainWindow, session: Session, qtbot: Any, tmp_path: Path
) -> None:
    session.path = tmp_path / "show.reverie"
    qtbot.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not session.modified, timeout=20_000)  # written beside the window
    assert (tmp_path / "show.reverie").is_file()
    assert window.windowTitle().startswith("show") or session.shown_name() == "show"
    window.files.new()
    assert not session.decks["A"].slots
    drop(window, tmp_path / "show.reverie")
    qtbot.waitUntil(lambda: level(session) == 128, timeout=20_000)


def test_a_preset_from_the_library_lands_on_the_deck_it_is_dropped_on(
    window: MainWindow, session: Session, qtbot: Any
) -> None:
    panel = window.library.presets
    panel.save_current("Half")
    qtbot.waitUntil(lambda: any(known.preset.name == "Half" for known in window.library.store.known.values()),
                    timeout=20_000)
    key = next(key for key, known in window.library.store.known.items() if known.preset.name == "Half")
    what = mime.read(panel.grid.model.make_mime([key]))
    assert what is not None
    window.dropped_on("B", what)
    qtbot.waitUntil(lambda: level(session, "B") == 128, timeout=20_000)
    qtbot.keyClick(window, Qt.Key.Key_F5)
    assert len(session.snapshots) == 1
    qtbot.waitUntil(lambda: len(window.library.snapshots.grid.keys()) == 1, timeout=5_000)
    session.set_value("A", 0, "level", 0.0)
    qtbot.waitUntil(lambda: level(session) == 0, timeout=20_000)
    shot = mime.read(window.library.snapshots.grid.model.make_mime([session.snapshots[0].key]))
    assert shot is not None
    window.dropped_on("A", shot)
    qtbot.waitUntil(lambda: level(session) == 128, timeout=20_000)
