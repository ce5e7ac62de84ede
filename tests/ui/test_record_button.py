"""REC in the window: its states, its menu, its keys, rendering a take as a job, and what a dead studio left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QMenu

from studio.engine.threads import stop_all
from studio.export.recording import Progress
from studio.export.recording_file import MovieFile
from studio.session import recording
from studio.session.recording import RecorderState
from studio.session.session import Session
from studio.session.takes import read_take
from studio.ui.recording import RecordButton, TakeDialog
from studio.ui.recording.button import figures, shown
from studio.ui.recording.commands import finish_left
from tests.session.take_stand import make_session
from tests.ui.stand import pumped


@pytest.fixture
def session(tmp_path: Path, qtbot: Any) -> Iterator[Session]:
    made = make_session(tmp_path)
    made.settings.set("record_size", "640x360")
    made.load("A", "test.teller")
    pumped(made, qtbot, lambda: made.decks["A"].frame() is not None)
    yield made
    made.close()
    assert not stop_all(5.0)


def words(menu: QMenu) -> list[str]:
    return [action.text() for action in menu.actions() if action.text()]


def test_one_press_records_and_the_next_ends_it(session: Session, qtbot: Any) -> None:
    button = RecordButton(session)
    qtbot.addWidget(button)
    button.show()
    assert button.text() == "Rec" and not button.isChecked() and "Shift+F9" in button.toolTip()
    button.click()
    pumped(session, qtbot, lambda: session.recorder.state().seconds > 0.3)
    button.refresh()
    assert button.isChecked() and button.text().startswith("0:0") and "No picture lost" in button.toolTip()
    menu = QMenu(button)
    button.fill(menu)
    assert not next(action for action in menu.actions() if action.text() == "Take only").isEnabled()
    button.click()
    pumped(session, qtbot, lambda: session.recorder.state().state == "off")
    button.refresh()
    assert button.text() == "Rec" and not button.isChecked()
    pumped(session, qtbot, lambda: session.jobs.jobs[0].state == "done")
    button.fill(menu)
    listed = words(menu)
    assert any(text.endswith(".take") for text in listed) and any(".mp4  ·  " in text for text in listed)


def test_what_it_says_in_each_state(tmp_path: Path) -> None:
    video = Progress("recording", 75.0, 2250, 3, 0, 120_000_000, 50 * 10**9, 30_000.0, False, "", "libx264")
    going = RecorderState("recording", 75.0, video, tmp_path / "a.take")
    assert shown(going) == "1:15 · 120 MB" and shown(going, compact=True) == "1:15"
    lossy = replace(going, video=replace(video, dropped=7))
    assert shown(lossy).endswith("7 lost") and "smaller recording size" in figures(lossy, tmp_path)
    low = replace(going, video=replace(video, low=True, left=310.0))
    assert "5:10 left" in shown(low) and "(low)" in figures(low, tmp_path)
    assert shown(RecorderState("armed")) == "on the bar" and "call it off" in figures(RecorderState("armed"), tmp_path)
    assert shown(RecorderState()) == "Rec" and str(tmp_path) in figures(RecorderState(), tmp_path)


def test_the_menu_changes_what_is_recorded_and_keeps_it(session: Session, qtbot: Any) -> None:
    button = RecordButton(session)
    qtbot.addWidget(button)
    menu = QMenu(button)
    button.fill(menu)
    assert "Nothing recorded yet" in words(menu)
    next(action for action in menu.actions() if action.text() == "Take only").trigger()
    size = next(action.menu() for action in menu.actions() if action.text().startswith("Size"))
    next(action for action in size.actions() if action.text() == "1920 × 1080").trigger()
    next(action for action in menu.actions() if action.text() == "Begin on the next bar").trigger()
    assert session.settings["record_what"] == "take" and session.settings["record_size"] == "1920x1080"
    button.click()
    assert session.recorder.state().state == "armed" and button.text() == "on the bar" and not button.isChecked()
    button.click()
    assert session.recorder.state().state == "off"
    from studio.library.settings import load_settings

    pumped(session, qtbot, lambda: load_settings()[0]["record_what"] == "take")


def test_a_take_is_rendered_as_a_job(session: Session, qtbot: Any, tmp_path: Path) -> None:
    session.recorder.start("take")
    take = session.recorder.state().take
    pumped(session, qtbot, lambda: session.recorder.state().seconds > 0.6)
    session.recorder.stop()
    assert take is not None
    dialog = TakeDialog(session, take)
    qtbot.addWidget(dialog)
    dialog.open()
    assert not dialog.go.isEnabled()
    pumped(session, qtbot, lambda: dialog.take is not None)
    assert "deck A: test.teller" in dialog.about.text() and dialog.pixels.currentData() == "640x360"
    dialog.format.choose(".mid")
    assert not dialog.go.isEnabled() and "No player played" in dialog.note.text() and not dialog.pixels.isEnabled()
    dialog.format.choose(".mp4")
    assert dialog.go.isEnabled()
    dialog.end.setValue(0.3)
    dialog.start()
    job = session.jobs.jobs[0]
    pumped(session, qtbot, lambda: job.state != "running", timeout=60_000)
    assert job.state == "done", job.error
    assert job.result().path == take.with_name(f"{take.stem} render.mp4") and job.result().frames == 9


def test_a_file_that_is_no_take_is_said_in_the_dialog(session: Session, qtbot: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.take"
    path.write_text("{}\n")
    dialog = TakeDialog(session, path)
    qtbot.addWidget(dialog)
    dialog.open()
    pumped(session, qtbot, lambda: "not a take" in dialog.about.text())
    assert not dialog.go.isEnabled()


def test_what_a_dead_studio_left_is_made_whole_at_the_start(session: Session, qtbot: Any) -> None:
    from fractions import Fraction

    folder = session.recorder.folder
    folder.mkdir(parents=True)
    part = folder / "show.part.mp4"
    movie = MovieFile(part, size=(64, 48), fps=Fraction(30), sound=False)
    for _ in range(20):
        movie.add(None)
    movie.close()
    note = recording._write_note(part, folder / "show.mp4")
    assert note is not None
    note[1].close()  # its process is gone
    finish_left(session)
    pumped(session, qtbot, lambda: session.jobs.jobs and session.jobs.jobs[0].state == "done")
    assert (folder / "show.mp4").is_file() and not part.exists()
    assert any("was cut off" in notice.text for notice in session.notices) and not recording.unfinished()


def test_the_take_of_a_recording_can_be_read(session: Session, qtbot: Any) -> None:
    session.recorder.start("take")
    take = session.recorder.state().take
    session.set_value("A", 0, "level", 0.5)
    pumped(session, qtbot, lambda: session.recorder.state().seconds > 0.2)
    session.recorder.stop()
    assert take is not None and [event["value"] for event in read_take(take).of("set")] == [0.5]
