"""The page Sound check: lines with buttons, off the window's thread, warming up with progress, acts that mend."""

from __future__ import annotations

import socket
import threading
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog

from studio.session import soundcheck
from studio.ui.pages import SoundcheckPage
from tests.ui.pages.conftest import press

LEFT = Qt.MouseButton.LeftButton
WAIT = 20_000


def looked(page: SoundcheckPage, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: page.checks is not None and not page._looking, timeout=WAIT)


def test_the_list_comes_from_another_thread_with_a_verdict(
    show: Any, wheels: Any, qtbot: Any, monkeypatch: Any
) -> None:
    threads: list[str] = []
    plain = soundcheck.run

    def watched(asked: Any) -> Any:
        threads.append(threading.current_thread().name)
        return plain(asked)

    monkeypatch.setattr(soundcheck, "run", watched)
    page = show(SoundcheckPage)
    looked(page, qtbot)
    assert threads and "MainThread" not in threads
    assert {"screens", "sound", "midi in", "osc", "clock", "disk", "gpu", "plugins", "warm"} <= set(page.rows)
    levels = [check.level for check in page.checks]
    assert levels == sorted(levels, key=("danger", "warning", "good").index), "what is to be mended stands first"
    assert page.verdict.text() == soundcheck.summary(page.checks)
    for row in page.rows.values():
        assert row.accessibleName() and all(button.text() for button in row.buttons.values())


def test_a_taken_port_is_mended_by_its_button(show: Any, wheels: Any, qtbot: Any) -> None:
    session = wheels.session
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        session.settings.set("osc_port", other.getsockname()[1])
        session.settings.set("osc", True)
        session.pump()
        page = show(SoundcheckPage)
        looked(page, qtbot)
        button = page.rows["osc"].buttons["osc_port"]
        button.setFocus()
        qtbot.keyClick(button, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda: page.rows["osc"].check.level == "good", timeout=WAIT)


def test_pages_and_the_window_are_asked_for(show: Any, wheels: Any, qtbot: Any) -> None:
    page = show(SoundcheckPage)
    asked: list[str] = []
    page.show_page.connect(asked.append)
    page.window_acts["pattern"] = lambda: asked.append("the pattern")
    looked(page, qtbot)
    qtbot.mouseClick(page.rows["screens"].buttons["pattern"], LEFT)
    qtbot.mouseClick(page.rows["disk"].buttons["preferences"], LEFT)
    assert asked == ["the pattern", "preferences"]


def test_fetching_asks_first(show: Any, wheels: Any, qtbot: Any, monkeypatch: Any) -> None:
    from studio.session.soundcheck import Act
    from studio.ui.pages import soundcheck as module

    done: list[Act] = []
    monkeypatch.setattr(module, "do", lambda session, act: done.append(act))
    page = show(SoundcheckPage)
    looked(page, qtbot)
    act = Act("fetch", "Fetch it", "vgg16")
    page.act(act)
    press(page, "Cancel", qtbot)
    assert done == []
    qtbot.waitUntil(lambda: not page.findChildren(QDialog), timeout=WAIT)
    page.act(act)
    press(page, "Fetch", qtbot)
    assert done == [act]


def test_warming_up_shows_its_progress_and_turns_the_line_green(show: Any, wheels: Any, qtbot: Any) -> None:
    session = wheels.session
    session.load("A", "reverie.sample_scene")
    qtbot.waitUntil(lambda: session.decks["A"].state == "running", timeout=WAIT)
    page = show(SoundcheckPage)
    qtbot.waitUntil(lambda: "warm" in page.rows and page.rows["warm"].check.level == "warning", timeout=WAIT)
    qtbot.mouseClick(page.warm, LEFT)
    assert page.progress.isVisible() and page.warm.text() == "Stop warming up"
    qtbot.waitUntil(lambda: page.rows["warm"].check.level == "good", timeout=WAIT)
    qtbot.waitUntil(lambda: not page.progress.isVisible() and page.warm.text() == "Warm everything up", timeout=WAIT)
