"""The strip of jobs and messages and its panel, with real jobs."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices, QGuiApplication

from studio.session.session import Session
from studio.ui.jobs import JobsStrip
from studio.ui.jobs_panel import Panel, result_path
from tests.ui.stand import pumped


@dataclass
class Made:
    path: Path


@pytest.fixture
def strip(session: Session, qtbot: Any) -> JobsStrip:
    made = JobsStrip(session)
    qtbot.addWidget(made)
    made.resize(1000, 32)
    made.show()
    qtbot.waitExposed(made)
    return made


def panel_of(strip: JobsStrip, qtbot: Any) -> Panel:
    qtbot.mouseClick(strip.button, Qt.MouseButton.LeftButton)
    panel = strip.panel()
    assert panel is not None and panel.isVisible()
    return panel


def shown(strip: JobsStrip, session: Session, qtbot: Any, true: Any) -> None:
    def look() -> bool:
        strip.refresh()
        return bool(true())

    pumped(session, qtbot, look)


def test_a_job_is_seen_working_and_what_it_made_is_one_click_away(
    strip: JobsStrip, session: Session, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    file = tmp_path / "made.png"

    def work(job: Any) -> Made:
        job.check(0.5, "half way")
        assert go.wait(20)
        file.write_bytes(b"x")
        return Made(file)

    job = session.jobs.run("Export made.png", work)
    shown(strip, session, qtbot, lambda: strip.bar.isVisible() and strip.bar.value() == 500)
    assert "made.png" in strip.title.text() and not strip.open.isVisible()
    panel = panel_of(strip, qtbot)
    row = panel.rows[id(job)]
    assert row.bar.isVisible() and "half way" in row.state.text()
    go.set()
    shown(strip, session, qtbot, lambda: strip.open.isVisible() and row.open.isVisible())
    assert "done" in row.state.text()
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    qtbot.mouseClick(row.open, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(row.show_it, Qt.MouseButton.LeftButton)
    assert opened[0] == str(file) and len(opened) >= 1
    qtbot.mouseClick(row.remove, Qt.MouseButton.LeftButton)
    shown(strip, session, qtbot, lambda: not panel.rows and panel.idle.isVisible())
    assert file.exists()
    panel.close()


def test_a_job_that_gives_a_file_back_shows_it_and_a_model_is_no_document(
    session: Session, tmp_path: Path, qtbot: Any,
) -> None:
    for name, shown in (("played.mid", True), ("mine.safetensors", False), ("never.mid", False)):
        path = tmp_path / name
        if not name.startswith("never"):
            path.write_bytes(b"x")
        job = session.jobs.run(f"Save {name}", lambda _, made=path: made)
        pumped(session, qtbot, lambda made=job: made.state == "done")
        assert result_path(job) == (path if shown else None)


def test_cancel_from_the_strip_and_why_something_failed(strip: JobsStrip, session: Session, qtbot: Any) -> None:
    def endless(job: Any) -> None:
        while True:
            job.check(0.1)
            threading.Event().wait(0.005)

    def fails(job: Any) -> None:
        raise ValueError("cannot write x.png: the disk is full; free some space")

    job = session.jobs.run("Long work", endless)
    shown(strip, session, qtbot, lambda: strip.cancel.isVisible())
    qtbot.mouseClick(strip.cancel, Qt.MouseButton.LeftButton)
    shown(strip, session, qtbot, lambda: job.state == "cancelled" and not strip.bar.isVisible())
    bad = session.jobs.run("Export x.png", fails)
    shown(strip, session, qtbot, lambda: bad.state == "failed" and "failed" in strip.title.text())
    panel = panel_of(strip, qtbot)
    row = panel.rows[id(bad)]
    assert row.state.text().startswith("cannot write x.png: the disk is full")
    qtbot.mouseClick(row.copy, Qt.MouseButton.LeftButton)
    assert "disk is full" in QGuiApplication.clipboard().text()
    qtbot.mouseClick(panel.clear, Qt.MouseButton.LeftButton)
    shown(strip, session, qtbot, lambda: not session.jobs.jobs and not panel.rows)
    panel.close()


def test_messages_with_level_cure_and_count(strip: JobsStrip, session: Session, qtbot: Any) -> None:
    session.notice("All is well")
    pumped(session, qtbot, lambda: strip.text.whole() == "All is well")
    assert not strip.badge.isVisible()
    session.notice("No camera", level="warning", cure="plug one in", source="Deck A")
    session.notice("It broke", level="error")
    pumped(session, qtbot, lambda: strip.text.whole() == "It broke")
    assert strip.badge.isVisible() and strip.badge.text() == "2"
    qtbot.mouseClick(strip.text, Qt.MouseButton.LeftButton)
    panel = strip.panel()
    assert panel is not None and panel.isVisible() and not strip.badge.isVisible()
    texts = [panel.messages.item(row).text() for row in range(panel.messages.count())]
    assert len(texts) == 3 and "It broke" in texts[0]
    assert "Deck A: No camera" in texts[1] and "plug one in" in texts[1]
    panel.messages.setFocus()
    panel.messages.setCurrentRow(1)
    qtbot.keyClick(panel.messages, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert "No camera" in QGuiApplication.clipboard().text() and "It broke" not in QGuiApplication.clipboard().text()
    session.notice("While it is open", level="warning")
    pumped(session, qtbot, lambda: panel.messages.count() == 4)
    assert not strip.badge.isVisible()
    qtbot.keyClick(panel, Qt.Key.Key_Escape)
    assert not panel.isVisible()


def test_a_long_message_fits_and_its_tooltip_has_all(strip: JobsStrip, session: Session, qtbot: Any) -> None:
    long = "Donaudampfschifffahrtsgesellschaftskapitän " * 20
    session.notice(long, level="warning")
    pumped(session, qtbot, lambda: strip.text.whole().startswith("Donau"))
    assert strip.text.text().endswith("…") and strip.text.fontMetrics().horizontalAdvance(strip.text.text()) <= 1000
    assert strip.text.toolTip().count("Donau") == 20 and strip.width() == 1000


def test_ordinary_messages_go_away(
    strip: JobsStrip, session: Session, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.notice("Saved")
    pumped(session, qtbot, lambda: strip.text.whole() == "Saved")
    monkeypatch.setattr("studio.ui.jobs.STAY", 0.0)
    strip.refresh()
    assert strip.text.whole() == ""
