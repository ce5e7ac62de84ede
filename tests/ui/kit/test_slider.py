"""The slider under real hands: track, fine drag, keys, wheel, gestures, second mark."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.ui import theme
from studio.ui.kit import Slider

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def slider(qtbot: QtBot) -> Slider:
    made = Slider(norm=0.5, step=0.1)
    qtbot.addWidget(made)
    made.resize(212, 22)  # the track is 200 long and begins at 6
    made.show()
    qtbot.waitExposed(made)
    made.setFocus()
    return made


def at(norm: float) -> QPoint:
    return QPoint(round(6 + 200 * norm), 11)


def log(slider: Slider) -> list[object]:
    events: list[object] = []
    slider.pressed.connect(lambda: events.append("pressed"))
    slider.released.connect(lambda: events.append("released"))
    slider.reset.connect(lambda: events.append("reset"))
    slider.edit_requested.connect(lambda: events.append("edit"))
    slider.moved.connect(lambda norm: events.append(round(norm, 3)))
    return events


def turn(slider: Slider, steps: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> bool:
    where = QPointF(at(0.5))
    event = QWheelEvent(where, slider.mapToGlobal(where), QPoint(), QPoint(0, 120 * steps), Qt.MouseButton.NoButton,
                        modifiers, Qt.ScrollPhase.NoScrollPhase, False)
    event.ignore()
    QApplication.sendEvent(slider, event)
    return event.isAccepted()


def test_press_goes_there_and_a_drag_is_one_gesture(qtbot: QtBot, slider: Slider) -> None:
    events = log(slider)
    qtbot.mousePress(slider, LEFT, pos=at(0.2))
    qtbot.mouseMove(slider, at(0.4))
    qtbot.mouseMove(slider, at(0.6))
    assert slider.is_down()
    qtbot.mouseRelease(slider, LEFT, pos=at(0.6))
    assert events == ["pressed", 0.2, 0.4, 0.6, "released"]
    assert not slider.is_down()


def test_shift_drags_at_a_tenth_without_a_jump(qtbot: QtBot, slider: Slider) -> None:
    shift = Qt.KeyboardModifier.ShiftModifier
    qtbot.mousePress(slider, LEFT, shift, at(0.1))
    assert slider.norm() == 0.5
    qtbot.mouseMove(slider, at(0.3))  # qtbot has no modifiers for moves
    start = slider.norm()
    qtbot.mouseRelease(slider, LEFT, shift, at(0.3))
    from PySide6.QtGui import QMouseEvent

    qtbot.mousePress(slider, LEFT, shift, at(0.3))
    move = QMouseEvent(QMouseEvent.Type.MouseMove, QPointF(at(0.5)), slider.mapToGlobal(QPointF(at(0.5))),
                       Qt.MouseButton.NoButton, LEFT, shift)
    QApplication.sendEvent(slider, move)
    assert slider.norm() == pytest.approx(start + 0.02)
    qtbot.mouseRelease(slider, LEFT, shift, at(0.5))


def test_drag_beyond_the_end_comes_back_at_once(qtbot: QtBot, slider: Slider) -> None:
    qtbot.mousePress(slider, LEFT, pos=at(0.9))
    qtbot.mouseMove(slider, QPoint(600, 11))
    assert slider.norm() == 1.0
    qtbot.mouseMove(slider, at(0.95))
    assert slider.norm() == pytest.approx(0.95)
    qtbot.mouseRelease(slider, LEFT, pos=at(0.95))


def test_keys_make_steps_and_a_burst_is_one_gesture(qtbot: QtBot, slider: Slider) -> None:
    events = log(slider)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Left):
        qtbot.keyClick(slider, key)
    qtbot.keyClick(slider, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    with qtbot.waitSignal(slider.released, timeout=2000):
        qtbot.keyClick(slider, Qt.Key.Key_Home)
        qtbot.keyClick(slider, Qt.Key.Key_End)
    assert events == ["pressed", 0.6, 0.7, 0.6, 0.61, 0.0, 1.0, "released"]


def test_a_press_ends_the_burst_before_it(qtbot: QtBot, slider: Slider) -> None:
    events = log(slider)
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    qtbot.mouseClick(slider, LEFT, pos=at(0.3))
    assert events == ["pressed", 0.6, "released", "pressed", 0.3, "released"]


def test_pages_and_ends_stop_at_the_ends(qtbot: QtBot, slider: Slider) -> None:
    slider.set_step(0.01)
    qtbot.keyClick(slider, Qt.Key.Key_PageUp)
    assert slider.norm() == pytest.approx(0.6)
    for _ in range(20):
        qtbot.keyClick(slider, Qt.Key.Key_PageDown)
    assert slider.norm() == 0.0


def test_wheel_turns_it_only_with_the_focus(qtbot: QtBot, slider: Slider) -> None:
    assert turn(slider, 2)
    assert slider.norm() == pytest.approx(0.7)
    assert turn(slider, -1, Qt.KeyboardModifier.ShiftModifier)
    assert slider.norm() == pytest.approx(0.69)
    slider.clearFocus()
    assert not turn(slider, 2)
    assert slider.norm() == pytest.approx(0.69)


def test_double_click_and_delete_ask_for_the_default(qtbot: QtBot, slider: Slider) -> None:
    for act in (
        lambda: qtbot.mouseDClick(slider, LEFT, pos=at(0.5)), lambda: qtbot.keyClick(slider, Qt.Key.Key_Delete),
        lambda: qtbot.keyClick(slider, Qt.Key.Key_Backspace),
    ):
        with qtbot.waitSignal(slider.reset, timeout=1000):
            act()


def test_control_click_and_enter_ask_for_typing(qtbot: QtBot, slider: Slider) -> None:
    with qtbot.assertNotEmitted(slider.moved):
        with qtbot.waitSignal(slider.edit_requested, timeout=1000):
            qtbot.mouseClick(slider, LEFT, Qt.KeyboardModifier.ControlModifier, at(0.1))
        with qtbot.waitSignal(slider.edit_requested, timeout=1000):
            qtbot.keyClick(slider, Qt.Key.Key_Return)


def test_setting_is_silent_and_clamped(qtbot: QtBot, slider: Slider) -> None:
    with qtbot.assertNotEmitted(slider.moved), qtbot.assertNotEmitted(slider.pressed):
        slider.set_norm(7.0)
        assert slider.norm() == 1.0
        slider.set_norm(-1.0)
        assert slider.norm() == 0.0
        slider.set_norm(0.123456789)
    assert slider.norm() == 0.123456789  # not rounded to what is shown


def test_disabled_moves_for_nobody(qtbot: QtBot, slider: Slider) -> None:
    slider.setEnabled(False)
    with qtbot.assertNotEmitted(slider.moved):
        qtbot.mouseClick(slider, LEFT, pos=at(0.1))
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert slider.norm() == 0.5


def has(slider: Slider, role: str) -> bool:
    image = slider.grab().toImage()
    return any(image.pixelColor(x, y) == theme.color(role) for x in range(image.width()) for y in range(image.height()))


def test_second_mark_is_shown_and_taken_away(slider: Slider) -> None:
    assert not has(slider, "warning")
    slider.set_ghost(0.8)
    assert has(slider, "warning")
    slider.set_ghost(None)
    assert not has(slider, "warning")
    slider.set_ghost(4.0)
    assert slider.ghost() == 1.0


def test_fill_begins_at_the_origin(slider: Slider) -> None:
    slider.clearFocus()
    slider.set_origin(0.5)
    slider.set_norm(0.75)
    image = slider.grab().toImage()
    assert image.pixelColor(at(0.62)) == theme.color("accent")
    assert image.pixelColor(at(0.25)) != theme.color("accent")
    slider.set_norm(0.25)
    image = slider.grab().toImage()
    assert image.pixelColor(at(0.38)) == theme.color("accent")
    assert image.pixelColor(at(0.62)) != theme.color("accent")
    slider.set_accent("notes")
    assert has(slider, "notes")


def test_assistive_technology_reads_and_sets_it(qtbot: QtBot, slider: Slider) -> None:
    reader = QAccessible.queryAccessibleInterface(slider)
    assert reader is not None and reader.role() == QAccessible.Role.Slider
    events = log(slider)
    with qtbot.waitSignal(slider.released, timeout=2000):
        slider.setValue(2500)
    assert events == ["pressed", 0.25, "released"]
    assert slider.norm() == 0.25


def test_reached_by_tab_with_a_ring(slider: Slider) -> None:
    slider.set_accent("image")
    assert slider.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert has(slider, "accent")
    slider.clearFocus()
    assert not has(slider, "accent")
