"""New, open, save, recent, unsaved changes, and recovery after a studio was really killed."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QPushButton, QWidget

from studio.session.session import Session
from studio.ui.recovery import RecoveryDialog, glimpse, when_text
from studio.ui.sessions import SessionFiles, load_recent
from tests.ui.stand import SHADE, level, pumped


@pytest.fixture
def files(session: Session, qtbot: Any) -> SessionFiles:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(900, 600)
    window.show()
    return SessionFiles(session, window)


@pytest.fixture
def shade(session: Session, qtbot: Any) -> Session:
    session.load("A", "test.shade", params={"level": 0.5})
    pumped(session, qtbot, lambda: level(session) == 128)
    return session


def dialog_of(kind: type[QDialog] = QDialog) -> QDialog | None:
    return next((w for w in QApplication.topLevelWidgets() if isinstance(w, kind) and w.isVisible()), None)


def press(qtbot: Any, text: str) -> None:
    dialog = dialog_of()
    assert dialog is not None
    found = next(b for b in dialog.findChildren(QPushButton) if b.text() == text)
    qtbot.mouseClick(found, Qt.MouseButton.LeftButton)


def pick(qtbot: Any, path: Path) -> None:
    """Choose a file in the open file dialog, as a click on it would."""
    dialog = dialog_of(QFileDialog)
    assert isinstance(dialog, QFileDialog)
    dialog.fileSelected.emit(str(path))
    dialog.close()
    qtbot.waitUntil(lambda: dialog_of(QFileDialog) is None)


def test_save_as_open_and_the_recent_ones(files: SessionFiles, shade: Session, qtbot: Any, tmp_path: Path) -> None:
    files.save()  # no file yet: it asks
    pick(qtbot, tmp_path / "show")
    pumped(shade, qtbot, lambda: not shade.modified)
    assert (tmp_path / "show.reverie").is_file() and not shade.modified and shade.path == tmp_path / "show.reverie"
    shade.set_value("A", 0, "level", 1.0)
    files.save()
    pumped(shade, qtbot, lambda: not shade.modified)
    files.new()
    assert not shade.decks["A"].slots
    assert shade.disk.wait(10) and load_recent() == [tmp_path / "show.reverie"]
    files.recent_menu.aboutToShow.emit()
    action = files.recent_menu.actions()[0]
    assert action.text() == "show" and action.isEnabled()
    action.trigger()
    pumped(shade, qtbot, lambda: level(shade) == 255)
    (tmp_path / "show.reverie").unlink()
    files.recent_menu.aboutToShow.emit()
    assert not files.recent_menu.actions()[0].isEnabled() and "gone" in files.recent_menu.actions()[0].text()
    again = SessionFiles(shade, files.window)
    assert again.recent == [tmp_path / "show.reverie"]


def test_unsaved_changes_are_asked_about(files: SessionFiles, shade: Session, qtbot: Any, tmp_path: Path) -> None:
    files.new()
    assert dialog_of() is not None and shade.decks["A"].slots
    press(qtbot, "Cancel")
    assert shade.decks["A"].slots
    files.new()
    press(qtbot, "Save")
    pick(qtbot, tmp_path / "kept.reverie")
    pumped(shade, qtbot, lambda: not shade.decks["A"].slots)
    assert (tmp_path / "kept.reverie").is_file()
    files.open(tmp_path / "kept.reverie")
    pumped(shade, qtbot, lambda: level(shade) == 128)
    shade.set_value("A", 0, "level", 1.0)
    files.new()
    press(qtbot, "Do not save")
    assert not shade.decks["A"].slots


def test_a_file_that_cannot_be_opened_or_saved_says_why(
    files: SessionFiles, shade: Session, qtbot: Any, tmp_path: Path
) -> None:
    shade.save(tmp_path / "good.reverie")
    (tmp_path / "bad.reverie").write_text("[")
    files.open(tmp_path / "bad.reverie")
    pumped(shade, qtbot, lambda: dialog_of() is not None)
    assert shade.decks["A"].slots
    press(qtbot, "OK")
    shade.path = tmp_path / "no" / "such" / "x.reverie"
    files.save()
    pumped(shade, qtbot, lambda: dialog_of() is not None)
    press(qtbot, "Save as …")
    pick(qtbot, tmp_path / "other.reverie")
    pumped(shade, qtbot, lambda: shade.path == tmp_path / "other.reverie")
    assert (tmp_path / "other.reverie").is_file()


def test_a_slow_disk_holds_nothing_and_loses_nothing(
    files: SessionFiles, shade: Session, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.session import storage

    gate, begun, write = threading.Event(), threading.Event(), storage.write_session

    def slow(path: Path, text: str, *, backup: bool) -> None:
        begun.set()
        assert gate.wait(20)
        write(path, text, backup=backup)

    monkeypatch.setattr(storage, "write_session", slow)
    shade.path = tmp_path / "slow.reverie"
    shade.set_value("A", 0, "level", 0.0)
    files.save()
    assert begun.wait(10) and shade.modified, "until it is written it counts as changed"
    shade.set_value("A", 0, "level", 1.0)
    files.save()  # the second waits for the first and is not lost
    shade.set_value("A", 0, "level", 0.25)
    files._open(tmp_path / "slow.reverie")  # as after "Do not save": it reads what the second has written
    assert not (tmp_path / "slow.reverie").exists() and shade.disk.busy
    gate.set()
    pumped(shade, qtbot, lambda: level(shade) == 255)
    said = [notice.text for notice in shade.notices]
    assert said.count("Saved as slow.reverie") == 2 and not shade.modified
    assert said.index("slow is open") > said.index("Saved as slow.reverie")


def test_what_is_edited_while_it_is_written_is_still_unsaved(shade: Session, qtbot: Any, tmp_path: Path) -> None:
    ended: list[object] = []
    shade.save_later(tmp_path / "x.reverie", ended.append, ended.append)
    shade.set_value("A", 0, "level", 1.0)
    pumped(shade, qtbot, lambda: ended)
    assert ended == [tmp_path / "x.reverie"] and shade.modified and shade.path == tmp_path / "x.reverie"
    ended.clear()
    shade.save_later(None, ended.append, ended.append)
    shade.close()  # waits for what is being written
    assert '"level": 1.0' in (tmp_path / "x.reverie").read_text()


def test_a_new_session_does_not_take_the_place_of_one_that_is_still_being_written(
    shade: Session, qtbot: Any, tmp_path: Path
) -> None:
    ended: list[object] = []
    shade.save_later(tmp_path / "x.reverie", ended.append, ended.append)
    shade.new()
    pumped(shade, qtbot, lambda: ended)
    assert shade.path is None and '"test.shade"' in (tmp_path / "x.reverie").read_text()


def test_closing_asks_about_changes_and_jobs(files: SessionFiles, shade: Session, qtbot: Any, tmp_path: Path) -> None:
    closed: list[bool] = []
    shade.save(tmp_path / "a.reverie")
    assert files.ask_before_close(lambda: closed.append(True))  # nothing to ask
    shade.set_value("A", 0, "level", 0.0)
    assert not files.ask_before_close(lambda: closed.append(True))
    press(qtbot, "Stay")
    assert not closed
    assert not files.ask_before_close(lambda: closed.append(True))
    assert not files.ask_before_close(lambda: closed.append(True))  # asked once
    press(qtbot, "Save and close")
    pumped(shade, qtbot, lambda: closed == [True])
    assert not shade.modified

    def endless(job: Any) -> None:
        import threading

        while True:
            job.check(0.5)
            threading.Event().wait(0.005)

    job = shade.jobs.run("Export x", endless)
    assert not files.ask_before_close(lambda: closed.append(True))
    press(qtbot, "Close")
    assert closed == [True, True]
    job.cancel()


KILLED = """
import os, sys, time
from pathlib import Path
from studio.plugins import Registry, read_plugin
from studio.session.session import Session
session = Session(Registry([read_plugin(Path(sys.argv[1]))]))
session.load("A", "test.shade", params={"level": 0.5})
while session.decks["A"].frame() is None:
    session.pump()
    time.sleep(0.01)
session.take_snapshot("last", bytes.fromhex(sys.argv[2]))
session.autosave()
while not session._slot.path.exists():
    time.sleep(0.01)
os.kill(os.getpid(), 9)
"""


def kill_one(tmp_path: Path) -> None:
    """A studio that works, and is then killed by the system."""
    import numpy as np
    from PIL import Image

    from studio.session.thumbnails import to_jpeg

    (tmp_path / "shade.py").write_text(SHADE)
    picture = to_jpeg(np.asarray(Image.new("RGB", (64, 48), (200, 60, 60))))
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "shade.py"), picture.hex()], timeout=60, check=False,
    )
    assert done.returncode == -9


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_after_kill_9_everything_is_offered_and_comes_back(
    files: SessionFiles, session: Session, qtbot: Any, tmp_path: Path
) -> None:
    assert files.offer_recovery() is None
    kill_one(tmp_path)
    dialog = files.offer_recovery()
    assert isinstance(dialog, RecoveryDialog) and dialog.isVisible()
    row = dialog.rows[0]
    pumped(session, qtbot, lambda: row.what.text())
    assert row.what.text() == "Deck A: Shade" and row.name.text() == "Untitled" and "moment ago" in row.when.text()
    assert row.picture.has_picture()
    qtbot.mouseClick(dialog.later, Qt.MouseButton.LeftButton)
    assert len(session.recoverable()) == 1  # it is offered again
    dialog = files.offer_recovery()
    assert isinstance(dialog, RecoveryDialog)
    back: list[bool] = []
    files.opened.connect(lambda: back.append(True))
    qtbot.mouseClick(dialog.rows[0].restore, Qt.MouseButton.LeftButton)
    pumped(session, qtbot, lambda: back and level(session) == 128)
    assert session.modified and session.recoverable() == [] and len(session.snapshots) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_a_state_is_discarded_with_two_clicks(
    files: SessionFiles, session: Session, qtbot: Any, tmp_path: Path
) -> None:
    kill_one(tmp_path)
    dialog = files.offer_recovery()
    assert isinstance(dialog, RecoveryDialog)
    row = dialog.rows[0]
    qtbot.mouseClick(row.discard, Qt.MouseButton.LeftButton)
    assert len(session.recoverable()) == 1
    qtbot.mouseClick(row.discard, Qt.MouseButton.LeftButton)
    assert session.recoverable() == [] and not dialog.isVisible()


def test_a_damaged_state_says_so(session: Session, tmp_path: Path) -> None:
    from studio.session.recovery import Recoverable

    (tmp_path / "x.reverie").write_text("{")
    found = glimpse(Recoverable(tmp_path / "x.reverie", 0.0), {})
    assert found.fault and not found.lines


def test_times_as_people_say_them() -> None:
    assert when_text(1000.0, 1030.0).startswith("a moment ago")
    assert when_text(1000.0, 1000.0 + 600).startswith("10 minutes ago")
    assert ":" in when_text(0.0, 10.0**9)
