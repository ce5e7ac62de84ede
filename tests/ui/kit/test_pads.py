"""Pad and colours under real hands."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.ui import theme
from studio.ui.kit import ColorField, ColorPicker, ColorSwatch, XYPad

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def pad(qtbot: QtBot) -> XYPad:
    made = XYPad()
    qtbot.addWidget(made)
    made.resize(214, 114)  # its field is 200 by 100 and begins at 7, 7
    made.show()
    qtbot.waitExposed(made)
    made.setFocus()
    return made


def at(x: float, y: float) -> QPoint:
    return QPoint(round(7 + 200 * x), round(107 - 100 * y))


def log(widget: XYPad | ColorField) -> list[object]:
    events: list[object] = []
    widget.pressed.connect(lambda: events.append("pressed"))
    widget.released.connect(lambda: events.append("released"))
    return events


def test_drag_is_one_gesture_with_y_upwards(qtbot: QtBot, pad: XYPad) -> None:
    events = log(pad)
    pad.moved.connect(lambda x, y: events.append((round(x, 2), round(y, 2))))
    qtbot.mousePress(pad, LEFT, pos=at(0.25, 0.75))
    qtbot.mouseMove(pad, at(0.5, 0.9))
    qtbot.mouseMove(pad, QPoint(900, -50))
    qtbot.mouseRelease(pad, LEFT, pos=QPoint(900, -50))
    assert events == ["pressed", (0.25, 0.75), (0.5, 0.9), (1.0, 1.0), "released"]


def test_shift_moves_at_a_tenth(qtbot: QtBot, pad: XYPad) -> None:
    shift = Qt.KeyboardModifier.ShiftModifier
    qtbot.mousePress(pad, LEFT, shift, at(0.1, 0.1))
    assert pad.point() == (0.5, 0.5)
    where = QPointF(at(0.3, 0.1))
    QApplication.sendEvent(pad, QMouseEvent(
        QMouseEvent.Type.MouseMove, where, pad.mapToGlobal(where), Qt.MouseButton.NoButton, LEFT, shift))
    assert pad.point() == pytest.approx((0.52, 0.5))
    qtbot.mouseRelease(pad, LEFT, shift, at(0.3, 0.1))


def test_arrow_keys_make_steps_of_one_gesture(qtbot: QtBot, pad: XYPad) -> None:
    events = log(pad)
    with qtbot.waitSignal(pad.released, timeout=2000):
        for key in (Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Up):
            qtbot.keyClick(pad, key)
        qtbot.keyClick(pad, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert pad.point() == pytest.approx((0.518, 0.54))
    assert events == ["pressed", "released"]


def test_default_is_asked_for(qtbot: QtBot, pad: XYPad) -> None:
    with qtbot.waitSignal(pad.reset, timeout=1000):
        qtbot.mouseDClick(pad, LEFT, pos=at(0.5, 0.5))
    with qtbot.waitSignal(pad.reset, timeout=1000):
        qtbot.keyClick(pad, Qt.Key.Key_Delete)


def test_setting_is_silent_and_clamped(qtbot: QtBot, pad: XYPad) -> None:
    with qtbot.assertNotEmitted(pad.moved):
        pad.set_point(-3, 7)
    assert pad.point() == (0.0, 1.0)


def test_marks_are_painted(pad: XYPad) -> None:
    pad.set_point(0.25, 0.25)
    pad.set_accent("notes")
    pad.set_ghost((0.75, 0.75))
    image = pad.grab().toImage()
    assert image.pixelColor(at(0.25, 0.25)) == theme.color("notes")
    near = [image.pixelColor(at(0.75, 0.75) + QPoint(x, y)) for x in range(-6, 7) for y in range(-6, 7)]
    assert theme.color("warning") in near


# ---- colours


@pytest.fixture
def field(qtbot: QtBot) -> ColorField:
    made = ColorField("#e0784f")
    qtbot.addWidget(made)
    made.resize(300, 40)
    made.show()
    qtbot.waitExposed(made)
    return made


def typed(qtbot: QtBot, field: ColorField, text: str) -> None:
    field.text.setFocus()
    field.text.selectAll()
    qtbot.keyClicks(field.text, text)
    qtbot.keyClick(field.text, Qt.Key.Key_Return)


def test_typed_colour(qtbot: QtBot, field: ColorField) -> None:
    events = log(field)
    with qtbot.waitSignal(field.changed, timeout=1000) as got:
        typed(qtbot, field, "0AF")
    assert got.args == ["#00aaff"] and field.color() == "#00aaff" and field.text.text() == "#00aaff"
    assert events == ["pressed", "released"]


def test_nonsense_is_marked_and_changes_nothing(qtbot: QtBot, field: ColorField) -> None:
    with qtbot.assertNotEmitted(field.changed):
        typed(qtbot, field, "blue-ish")
    assert field.color() == "#e0784f"
    assert field.text.property("role") == "wrong"
    typed(qtbot, field, "#102030")
    assert field.text.property("role") == "" and field.color() == "#102030"


def test_swatch_opens_the_picker_and_a_drag_is_one_gesture(qtbot: QtBot, field: ColorField) -> None:
    events = log(field)
    field.changed.connect(lambda color: events.append(color))
    qtbot.mouseClick(field.swatch, LEFT)
    picker = field.picker
    assert picker is not None and picker.isVisible() and picker.color() == "#e0784f"
    shade = picker._shade
    qtbot.mousePress(shade, LEFT, pos=QPoint(shade.width() - 7, 7))
    qtbot.mouseMove(shade, QPoint(7, shade.height() - 7))
    qtbot.mouseRelease(shade, LEFT, pos=QPoint(7, shade.height() - 7))
    assert events[0] == "pressed" and events[-1] == "released" and events.count("pressed") == 1
    assert field.color() == events[-2]
    assert sum(int(field.color()[i : i + 2], 16) for i in (1, 3, 5)) < 30  # the dark corner
    picker.close()
    qtbot.waitUntil(lambda: field.picker is None)


def test_swatch_opens_with_the_keyboard(qtbot: QtBot, field: ColorField) -> None:
    field.swatch.setFocus()
    qtbot.keyClick(field.swatch, Qt.Key.Key_Space)
    assert field.picker is not None
    qtbot.keyClick(field.picker, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: field.picker is None)


def test_grey_keeps_the_hue(qtbot: QtBot) -> None:
    picker = ColorPicker("#4060ff")
    qtbot.addWidget(picker)
    before = picker._hue.point()
    picker.set_color("#808080")
    assert picker._hue.point() == before and picker.color() == "#808080"


@pytest.mark.parametrize("color", ["#000000", "#ffffff", "#ff0000", "#ff0001", "#123456", "#fe01dc"])
def test_colours_go_through_the_picker_unchanged(qtbot: QtBot, color: str) -> None:
    picker = ColorPicker(color)
    qtbot.addWidget(picker)
    assert picker.color() == color


def test_swatch_shows_its_colour(qtbot: QtBot) -> None:
    swatch = ColorSwatch("#4466aa")
    qtbot.addWidget(swatch)
    swatch.show()
    assert swatch.grab().toImage().pixelColor(20, 13).name() == "#4466aa"
    swatch.setEnabled(False)
    assert swatch.grab().toImage().pixelColor(20, 13).name() != "#4466aa"
