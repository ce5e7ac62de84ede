"""The set list in the window: keys, drag and drop, the editor of a step, the row under the crossfader."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from studio.session.session import Session
from studio.ui.kit import mime
from studio.ui.setlist import SetListPanel
from studio.ui.window import MainWindow
from tests.ui.stand import level, pumped


@pytest.fixture
def session(session: Session, qtbot: Any) -> Session:
    """Has three looks, which are cut and not faded."""
    session.load("A", "test.shade")
    pumped(session, qtbot, lambda: level(session) == 255)
    for grey in (0.0, 0.2, 0.6):
        session.set_value("A", 0, "level", grey)
        session.take_snapshot(f"Grey {grey}")
    session.mix.set("fade_length", 0.0)
    return session


@pytest.fixture
def panel(window: MainWindow, session: Session, qtbot: Any) -> SetListPanel:
    for snapshot in session.snapshots:
        session.setlist.add(snapshot)
    window.toggle_dock("setlist")
    qtbot.waitUntil(lambda: window.setlist.list.count() == 3)
    return window.setlist


def names(session: Session) -> list[str]:
    return [step.snapshot.name for step in session.setlist.steps]


def test_keys_go_through_the_list_from_anywhere(
    window: MainWindow, panel: SetListPanel, session: Session, qtbot: Any
) -> None:
    qtbot.keyClick(window.transport.bpm, Qt.Key.Key_PageDown, Qt.KeyboardModifier.ControlModifier)
    pumped(session, qtbot, lambda: level(session) == 0)
    qtbot.keyClick(window, Qt.Key.Key_PageDown, Qt.KeyboardModifier.ControlModifier)
    pumped(session, qtbot, lambda: level(session) == 51)
    qtbot.keyClick(panel.list, Qt.Key.Key_PageUp, Qt.KeyboardModifier.ControlModifier)
    pumped(session, qtbot, lambda: level(session) == 0)
    panel.refresh()
    assert panel.go.accessibleName() == "Go: Grey 0.2" and not panel.back.isEnabled()
    qtbot.mouseClick(panel.go, Qt.MouseButton.LeftButton)
    assert session.setlist.position == 1
    panel.list.setCurrentRow(2)
    qtbot.keyClick(panel.list, Qt.Key.Key_Return)
    assert session.setlist.position == 2


def test_snapshots_are_dropped_between_steps_and_steps_are_dragged(
    panel: SetListPanel, session: Session, qtbot: Any
) -> None:
    def drop(y: int, data: QMimeData) -> None:
        enter = QDragEnterEvent(QPoint(20, y), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                                Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(panel.list.viewport(), enter)
        assert enter.isAccepted()
        event = QDropEvent(QPointF(20, y), Qt.DropAction.CopyAction | Qt.DropAction.MoveAction, data,
                           Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(panel.list.viewport(), event)
        session.pump()

    rows = [panel.list.visualItemRect(panel.list.item(row)) for row in range(3)]
    drop(rows[1].top() + 2, mime.make(mime.SNAPSHOT, session.snapshots[2].key))
    assert names(session) == ["Grey 0.0", "Grey 0.6", "Grey 0.2", "Grey 0.6"]
    assert panel.list.gap_at(-5) == 0 and panel.list.gap_at(10_000) == 4
    panel.list.setCurrentRow(3)
    panel.list.moved.emit(3, 0)
    session.pump()
    assert names(session) == ["Grey 0.6", "Grey 0.0", "Grey 0.6", "Grey 0.2"] and panel.list.currentRow() == 0
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    session.pump()
    assert names(session) == ["Grey 0.0", "Grey 0.6", "Grey 0.2"] and panel.list.count() == 3


def test_a_step_is_edited(panel: SetListPanel, session: Session, qtbot: Any) -> None:
    rect = panel.list.visualItemRect(panel.list.item(1))
    qtbot.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(30, rect.center().y()))
    assert panel.editor.isVisible()
    panel.fade.setFocus()
    panel.fade.selectAll()
    qtbot.keyClicks(panel.fade, "4")
    qtbot.keyClick(panel.fade, Qt.Key.Key_Return)
    for combo, place in ((panel.unit, 2), (panel.start, 2), (panel.flip, 0)):
        combo.setFocus()
        qtbot.keyClick(combo, Qt.Key.Key_Home)
        for _ in range(place):
            qtbot.keyClick(combo, Qt.Key.Key_Down)
        combo.activated.emit(combo.currentIndex())
    panel.hold.setValue(8.0)
    panel.bpm.setValue(96.0)
    step = session.setlist.steps[1]
    assert step.text() == "4 bars, on the bar · 96 bpm · stays 8 s" and step.flip == 0.0
    panel.bpm.setValue(0.0)
    assert session.setlist.steps[1].bpm is None and panel.bpm.text() == "the look's own"
    assert session.setlist.steps[0].text() == "cut"
    qtbot.mouseClick(panel.unattended, Qt.MouseButton.LeftButton, pos=QPoint(8, panel.unattended.height() // 2))
    assert session.setlist.unattended and session.modified


def test_without_steps_it_says_what_to_do(window: MainWindow, session: Session) -> None:
    window.toggle_dock("setlist")
    panel = window.setlist
    assert panel.empty.isVisible() and not panel.editor.isVisible() and not panel.go.isEnabled()
    menu = panel.add.menu()
    menu.aboutToShow.emit()
    menu.actions()[1].trigger()
    session.pump()
    assert names(session) == ["Grey 0.2"] and panel.list.isVisible()


def test_the_row_under_the_crossfader(window: MainWindow, session: Session, qtbot: Any) -> None:
    row = window.decks.mix_row
    row.blend.menu().aboutToShow.emit()
    next(action for action in row.blend.menu().actions() if action.text() == "Screen").trigger()
    assert session.mix.blend == "screen" and session.undo() == "Blend"
    row.time.menu().aboutToShow.emit()
    next(action for action in row.time.menu().actions() if action.text() == "4 bars").trigger()
    row.time.menu().aboutToShow.emit()
    next(action for action in row.time.menu().actions() if action.text() == "Begin on the bar").trigger()
    session.pump()
    assert row.time.text() == "4 bars, on the bar"
    session.mix.set("fade_start", "now")
    qtbot.mouseClick(row.cut, Qt.MouseButton.LeftButton)
    assert session.mix.crossfade == 1.0
    panel = window.library.snapshots
    session.mix.set("fade_length", 0.1)
    session.mix.set("fade_unit", "seconds")
    panel.fade_to(session.snapshots[1])
    assert session.fades.active and session.fades.active[0].label == "Snapshot Grey 0.2"
    pumped(session, qtbot, lambda: not session.fades.active and level(session) == 51)


def test_the_bar_shows_the_tempo_that_a_look_brings_and_leaves_alone_what_is_typed(
    session: Session, window: MainWindow, qtbot: Any,
) -> None:
    session.setlist.add(session.snapshots[0])
    session.setlist.update(0, bpm=96.0)
    session.setlist.jump(0)
    qtbot.waitUntil(lambda: window.transport.bpm.value() == 96.0, timeout=20_000)
    field = window.transport.bpm.lineEdit()
    window.transport.bpm.setFocus()
    qtbot.waitUntil(window.transport.bpm.hasFocus, timeout=20_000)
    field.selectAll()
    qtbot.keyClicks(field, "13")
    session.clock.bpm = 150.0
    window.transport.refresh()
    assert field.text().startswith("13")
