"""Sections, cards, badges, times, labels, empty pages, messages, dock titles, rows that wrap."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QEnterEvent, QHelpEvent, QWheelEvent
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QLabel,
    QMainWindow,
    QPushButton,
    QToolButton,
    QToolTip,
    QWidget,
)
from pytestqt.qtbot import QtBot

from studio.ui import theme
from studio.ui.kit import (
    Badge,
    Card,
    Combo,
    DockTitle,
    Elided,
    EmptyState,
    FlowLayout,
    Section,
    TimeText,
    Toast,
    button,
    clock_text,
    left_text,
    restore_section_states,
    section_states,
    tool_button,
)

LEFT = Qt.MouseButton.LeftButton


def shown(qtbot: QtBot, widget: QWidget, width: int = 300, height: int = 200) -> None:
    qtbot.addWidget(widget)
    widget.resize(width, height)
    widget.show()
    qtbot.waitExposed(widget)


# ---- section


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_enter_and_space_press_the_button_the_keyboard_is_on(qtbot: QtBot, key: Qt.Key) -> None:
    pressed: list[bool] = []
    good = button("Restore", clicked=lambda: pressed.append(True))
    shown(qtbot, good)
    qtbot.keyClick(good, key)
    assert pressed == [True]
    good.setEnabled(False)
    qtbot.keyClick(good, key)
    assert pressed == [True]


def test_section_folds_by_mouse_and_key(qtbot: QtBot) -> None:
    section = Section("Motion")
    inside = QLabel("inside")
    section.add(inside)
    shown(qtbot, section)
    header = section._header
    assert inside.isVisible()
    with qtbot.waitSignal(section.toggled, timeout=1000) as got:
        qtbot.mouseClick(header, LEFT)
    assert got.args == [False] and not inside.isVisible()
    header.setFocus()
    qtbot.keyClick(header, Qt.Key.Key_Space)
    assert inside.isVisible()
    qtbot.keyClick(header, Qt.Key.Key_Left)
    assert not section.is_open() and header.accessibleDescription() == "folded"
    qtbot.keyClick(header, Qt.Key.Key_Right)
    assert section.is_open()


def test_button_in_the_header_does_not_fold(qtbot: QtBot) -> None:
    section, pressed = Section("Motion"), []
    reset = tool_button("reset", "Reset the group", clicked=lambda: pressed.append(1))
    section.add_to_header(reset)
    shown(qtbot, section)
    qtbot.mouseClick(reset, LEFT)
    assert pressed and section.is_open()


def test_section_remembers_by_key(qtbot: QtBot) -> None:
    first = Section("Motion", "test/motion")
    qtbot.addWidget(first)
    first.set_open(False)
    assert section_states()["test/motion"] is False
    second = Section("Motion", "test/motion")
    qtbot.addWidget(second)
    assert not second.is_open()
    restore_section_states({"test/motion": True})
    third = Section("Motion", "test/motion", is_open=False)
    qtbot.addWidget(third)
    assert third.is_open()


# ---- card


def test_card_is_a_button_with_a_picture(qtbot: QtBot) -> None:
    card = Card("Explore faces", np.full((40, 60, 3), (40, 200, 40), np.uint8), subtitle="A map", kind="image",
                badge="new")
    shown(qtbot, card, 200, 176)
    assert card.grab().toImage().pixelColor(100, 40).name() == "#28c828"
    with qtbot.waitSignal(card.clicked, timeout=1000):
        qtbot.mouseClick(card, LEFT)
    with qtbot.waitSignal(card.clicked, timeout=1000):
        qtbot.keyClick(card, Qt.Key.Key_Space)
    assert (card.accessibleName(), card.accessibleDescription()) == ("Explore faces", "A map")
    card.set_picture(np.full((4, 4, 3), 250, np.uint8))
    assert card.grab().toImage().pixelColor(100, 40).name() == "#fafafa"
    card.setEnabled(False)
    with qtbot.assertNotEmitted(card.clicked):
        qtbot.mouseClick(card, LEFT)
    assert not card.grab().isNull()


def test_card_copies_the_frame(qtbot: QtBot) -> None:
    frame = np.full((40, 60, 3), 200, np.uint8)
    card = Card("A", frame)
    shown(qtbot, card, 200, 176)
    frame[:] = 0
    assert card.grab().toImage().pixelColor(100, 40).name() == "#c8c8c8"


# ---- badge, times, labels


def test_badge_grows_with_its_word(qtbot: QtBot) -> None:
    badge = Badge("GPU", "good")
    qtbot.addWidget(badge)
    narrow = badge.sizeHint().width()
    badge.set("no graphics card", "warning")
    assert badge.sizeHint().width() > narrow
    assert badge.accessibleName() == badge.text() == "no graphics card"
    badge.resize(badge.sizeHint())
    image = badge.grab().toImage()
    assert any(image.pixelColor(x, image.height() // 2).hue() in range(20, 60) for x in range(image.width()))


@pytest.mark.parametrize(("seconds", "text"), [
    (-3, "0:00"), (0, "0:00"), (5.9, "0:05"), (65, "1:05"), (754, "12:34"), (3723, "1:02:03"),
])
def test_clock(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [
    (None, ""), (math.nan, ""), (-1, ""), (3, "a few seconds left"), (22, "about 20 s left"), (58, "about 1 min left"),
    (130, "about 2 min left"), (3590, "about 1 h left"), (3600, "about 1 h left"), (5400, "about 1 h 30 min left"),
])
def test_time_left(seconds: float | None, text: str) -> None:
    assert left_text(seconds) == text


def test_time_text(qtbot: QtBot) -> None:
    label = TimeText()
    qtbot.addWidget(label)
    label.set_elapsed(42, 180)
    assert label.text() == "0:42 / 3:00"
    label.set_left(130)
    assert label.text() == "about 2 min left"


def point_at(widget: QWidget) -> None:
    where = widget.rect().center()
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, where, widget.mapToGlobal(where)))
    QToolTip.hideText()


def test_elided_label_shows_dots_and_the_whole_in_its_tooltip(qtbot: QtBot) -> None:
    label = Elided("Geschwindigkeitsbegrenzungseinstellungen", tip="ms, 0 to 2000")
    shown(qtbot, label, 80, 20)
    assert label.is_cut()
    point_at(label)
    assert label.toolTip() == "Geschwindigkeitsbegrenzungseinstellungen\nms, 0 to 2000"
    image = label.grab().toImage()
    ground = image.pixelColor(79, 0)
    assert all(image.pixelColor(79, y) == ground for y in range(20)), "it is cut instead of ending in dots"
    label.resize(600, 20)
    assert not label.is_cut()
    point_at(label)
    assert label.toolTip() == "ms, 0 to 2000"


def test_empty_state(qtbot: QtBot) -> None:
    page = EmptyState("camera", "No camera", "Plug one in.", "Play the clip")
    shown(qtbot, page, 300, 300)
    with qtbot.waitSignal(page.activated, timeout=1000):
        qtbot.mouseClick(page.button, LEFT)
    page.set("image", "Nothing")
    assert not page.button.isVisible() and page.accessibleName() == "Nothing"


def test_buttons_have_names_tips_and_take_the_keyboard(qtbot: QtBot) -> None:
    pressed = []
    plain = button("Render", "film", role="primary", tip="Write the film", clicked=lambda: pressed.append("plain"))
    small = tool_button("dice", "Randomise", clicked=lambda: pressed.append("small"))
    for widget in (plain, small):
        shown(qtbot, widget, 120, 30)
    qtbot.keyClick(plain, Qt.Key.Key_Space)
    qtbot.keyClick(small, Qt.Key.Key_Space)
    assert pressed == ["plain", "small"]
    assert plain.toolTip() == "Write the film"
    assert small.accessibleName() == small.toolTip() == "Randomise"


# ---- combo box


def test_combo_chooses_by_data_key_and_list(qtbot: QtBot) -> None:
    combo = Combo([("Slow", 1), ("Medium", 2), "Fast"], name="Speed")
    shown(qtbot, combo, 160, 28)
    assert combo.accessibleName() == "Speed"
    assert combo.choose(2) and combo.currentText() == "Medium"
    assert not combo.choose(99) and combo.currentData() == 2
    combo.setFocus()
    qtbot.keyClick(combo, Qt.Key.Key_Down)
    assert combo.currentData() == "Fast"
    combo.showPopup()
    view = combo.view()
    assert view.sizeHintForRow(0) >= 26
    qtbot.mouseClick(view.viewport(), LEFT, pos=view.visualRect(combo.model().index(0, 0)).center())
    qtbot.waitUntil(lambda: combo.currentData() == 1)


def test_wheel_over_a_combo_without_the_focus_scrolls_the_page(qtbot: QtBot) -> None:
    combo = Combo(["Slow", "Medium", "Fast"])
    shown(qtbot, combo, 160, 28)

    def turn() -> bool:
        event = QWheelEvent(QPointF(20, 14), QPointF(20, 14), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
                            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)
        event.ignore()
        QApplication.sendEvent(combo, event)
        return event.isAccepted()

    combo.clearFocus()
    assert not turn() and combo.currentText() == "Slow"
    combo.activateWindow()
    qtbot.waitUntil(combo.isActiveWindow)
    combo.setFocus()
    assert turn() and combo.currentText() == "Medium"


# ---- rows that wrap


def test_flow_wraps_and_asks_for_its_height(qtbot: QtBot) -> None:
    host = QWidget()
    flow = FlowLayout(host, spacing=5)
    for _ in range(6):
        one = QLabel("x")
        one.setFixedSize(50, 20)
        flow.addWidget(one)
    hidden = QLabel("hidden")
    flow.addWidget(hidden)
    shown(qtbot, host, 170, 200)
    hidden.hide()
    flow.activate()
    places = [flow.itemAt(n).geometry().topLeft() for n in range(6)]
    assert places == [QPoint(x, y) for y in (0, 25) for x in (0, 55, 110)]
    assert flow.heightForWidth(170) == 45
    assert flow.heightForWidth(60) == 6 * 20 + 5 * 5
    assert flow.heightForWidth(1000) == 20
    assert flow.takeAt(0) is not None and flow.count() == 6
    assert flow.itemAt(99) is None and flow.takeAt(99) is None


# ---- messages


def toasts(host: QWidget) -> list[str]:
    found = [t for t in host.findChildren(Toast) if t.isVisible()]
    return [t.text for t in sorted(found, key=lambda t: t.y())]


def test_messages_stack_inside_the_window_and_newest_is_lowest(qtbot: QtBot) -> None:
    host = QWidget()
    shown(qtbot, host, 500, 400)
    for n in range(5):
        Toast.show_in(host, f"message {n}", seconds=0)
    assert toasts(host) == ["message 2", "message 3", "message 4"]
    host.resize(320, 300)
    areas = [t.geometry() for t in host.findChildren(Toast) if t.isVisible()]
    assert all(host.rect().contains(area) for area in areas)
    assert not any(a.intersects(b) for a in areas for b in areas if a is not b)


def test_the_same_message_is_shown_once(qtbot: QtBot) -> None:
    host = QWidget()
    shown(qtbot, host, 500, 400)
    for _ in range(3):
        Toast.show_in(host, "The camera stopped", "error")
    assert toasts(host) == ["The camera stopped"]


def test_message_goes_by_itself_but_not_while_it_is_read(qtbot: QtBot) -> None:
    host = QWidget()
    shown(qtbot, host, 500, 400)
    toast = Toast.show_in(host, "Saved", seconds=0.15)
    QApplication.sendEvent(toast, QEnterEvent(QPointF(5, 5), QPointF(5, 5), QPointF(5, 5)))
    assert not toast._timer.isActive()
    with qtbot.waitSignal(toast.closed, timeout=2000):
        QApplication.sendEvent(toast, QEvent(QEvent.Type.Leave))
    assert toasts(host) == []


def test_errors_stay_until_closed(qtbot: QtBot) -> None:
    host = QWidget()
    shown(qtbot, host, 500, 400)
    toast = Toast.show_in(host, "It failed", "error")
    assert not toast._timer.isActive()
    close = [b for b in toast.findChildren(QToolButton) if b.accessibleName() == "Close the message"]
    with qtbot.waitSignal(toast.closed, timeout=1000):
        qtbot.mouseClick(close[0], LEFT)


def test_action_of_a_message_runs_once_and_closes_it(qtbot: QtBot) -> None:
    host, done = QWidget(), []
    shown(qtbot, host, 500, 400)
    toast = Toast.show_in(host, "Saved as flowers.gif", "good", ("Show", lambda: done.append(1)))
    show = next(b for b in toast.findChildren(QPushButton) if b.text() == "Show")
    qtbot.mouseClick(show, LEFT)
    assert done == [1] and toasts(host) == []


def test_long_message_wraps_without_being_cut(qtbot: QtBot) -> None:
    host = QWidget()
    shown(qtbot, host, 400, 400)
    toast = Toast.show_in(host, "The camera stopped because another program took it. " * 4, seconds=0)
    label = next(part for part in toast.findChildren(QLabel) if part.text())
    assert label.height() >= label.heightForWidth(label.width())
    assert host.rect().contains(toast.geometry())


# ---- dock title


def test_dock_title_hides_lifts_and_follows(qtbot: QtBot) -> None:
    window, dock = QMainWindow(), QDockWidget("Inspector")
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    title = DockTitle(dock)
    dock.setTitleBarWidget(title)
    shown(qtbot, window, 500, 400)
    lift, close = title.buttons()
    qtbot.mouseClick(lift, LEFT)
    assert dock.isFloating()
    qtbot.mouseClick(lift, LEFT)
    assert not dock.isFloating()
    dock.setWindowTitle("Parameter")
    assert title.findChild(Elided).text() == "Parameter"
    qtbot.mouseClick(close, LEFT)
    assert not dock.isVisible()
    dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
    dock.show()
    assert not lift.isVisible() and not close.isVisible()


def test_role_changes_at_once(qtbot: QtBot) -> None:
    plain = QPushButton("Delete")
    shown(qtbot, plain, 120, 30)
    theme.set_role(plain, "danger")
    assert plain.grab().toImage().pixelColor(8, 15) == theme.color("danger_soft")
