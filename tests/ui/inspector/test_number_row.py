"""Rows of numbers under a real mouse and keyboard."""

from __future__ import annotations

from helpers_inspector import Desk
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

LEFT, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


def at(slider, position: float) -> QPoint:
    return QPoint(round(slider.x_of(position)), slider.height() // 2)


def drag(slider, start: float, *ends: float, modifiers=NONE, release: bool = True) -> None:
    QTest.mousePress(slider, LEFT, modifiers, at(slider, start))
    for end in ends:
        spot = QPointF(at(slider, end))
        move = QMouseEvent(  # QTest's own moves carry no modifiers
            QEvent.Type.MouseMove, spot, slider.mapToGlobal(spot), Qt.MouseButton.NoButton, LEFT, modifiers
        )
        QApplication.sendEvent(slider, move)
    if release:
        QTest.mouseRelease(slider, LEFT, modifiers, at(slider, ends[-1] if ends else start))


def test_a_drag_goes_through_the_curve_and_is_one_step_of_undo(zoo: Desk) -> None:
    row = zoo.row("scale")
    drag(row.slider, row.slider.position, 0.2, 0.5, 0.75)
    value = zoo.values["scale"]
    assert abs(zoo.values.norm("scale") - 0.75) < 0.01
    assert value == round(value, 3)
    assert row.text.text == f"{value:.1f}" or row.text.text == f"{value:.2f}"
    assert row.changed
    assert zoo.session.history.undo_label == "Scale"
    assert zoo.undo_steps() == 1
    assert zoo.values["scale"] == 6.0
    zoo.until(lambda: not row.changed and row.text.text == "6.0")


def test_two_drags_are_two_steps(zoo: Desk) -> None:
    row = zoo.row("speed")
    drag(row.slider, row.slider.position, 0.5)
    drag(row.slider, 0.5, 0.8)
    assert zoo.undo_steps() == 2


def test_a_press_on_the_handle_does_not_move_it(zoo: Desk) -> None:
    row = zoo.row("speed")
    handle = at(row.slider, row.slider.position) + QPoint(3, 0)
    QTest.mouseClick(row.slider, LEFT, NONE, handle)
    assert zoo.values["speed"] == 0.3
    assert not zoo.session.history.can_undo


def test_a_press_beside_the_handle_goes_there(zoo: Desk) -> None:
    row = zoo.row("speed")
    QTest.mouseClick(row.slider, LEFT, NONE, at(row.slider, 0.6))
    assert abs(zoo.values["speed"] - 2.4) < 0.05


def test_shift_drags_a_tenth_as_far(zoo: Desk) -> None:
    row = zoo.row("balance")
    drag(row.slider, 0.5, 0.9, modifiers=SHIFT)
    assert abs(zoo.values["balance"] - 0.16) < 0.01


def test_a_drag_rests_at_the_default_and_at_both_ends(zoo: Desk) -> None:
    row = zoo.row("balance")
    drag(row.slider, 0.5, 0.9, 0.5 + 1 / row.slider.width())
    assert zoo.values["balance"] == 0.0
    drag(row.slider, 0.5, 1.5)
    assert zoo.values["balance"] == 2.0
    drag(row.slider, 1.0, -0.5)
    assert zoo.values["balance"] == -2.0


def test_escape_takes_a_drag_back(zoo: Desk) -> None:
    row = zoo.row("speed")
    drag(row.slider, row.slider.position, 0.9, release=False)
    assert zoo.values["speed"] > 3
    QTest.keyClick(row.slider, Qt.Key.Key_Escape)
    assert zoo.values["speed"] == 0.3 and row.text.text == "0.30\u202fHz"
    QTest.mouseRelease(row.slider, LEFT, NONE, at(row.slider, 0.9))
    assert zoo.values["speed"] == 0.3


def test_a_double_click_is_the_default_and_one_step_with_its_first_click(zoo: Desk) -> None:
    zoo.session.set_value("A", 0, "speed", 2.0)
    zoo.session.history.clear()
    row = zoo.row("speed")
    zoo.inspector.refresh()
    spot = at(row.slider, 0.8)
    QTest.mouseClick(row.slider, LEFT, NONE, spot)
    assert zoo.values["speed"] > 3
    QTest.mouseDClick(row.slider, LEFT, NONE, spot)
    assert zoo.values["speed"] == 0.3
    zoo.session.undo()
    assert zoo.values["speed"] == 2.0


def test_a_value_changed_elsewhere_appears_soon_but_never_under_the_hand(zoo: Desk) -> None:
    row = zoo.row("speed")
    drag(row.slider, row.slider.position, 0.5, release=False)
    held = row.slider.position
    zoo.values.set("speed", 3.0)
    zoo.values.set("scale", 20.0)
    zoo.until(lambda: zoo.row("scale").text.text == "20")
    assert row.slider.position == held
    QTest.mouseRelease(row.slider, LEFT, NONE, at(row.slider, 0.5))
    zoo.until(lambda: row.text.text == "3.00\u202fHz")


def test_what_restarts_the_generator_is_set_when_the_hand_lets_go(zoo: Desk) -> None:
    row = zoo.row("size")
    drag(row.slider, row.slider.position, 0.3, 0.5, release=False)
    assert zoo.values["size"] == 128
    assert row.text.text.startswith("54")
    QTest.mouseRelease(row.slider, LEFT, NONE, at(row.slider, 0.5))
    assert zoo.values["size"] == 544 or abs(zoo.values["size"] - 544) < 4
    assert zoo.undo_steps() == 1


def test_arrow_keys_move_finely_and_a_held_key_is_one_step(zoo: Desk) -> None:
    row = zoo.row("birds")
    row.slider.setFocus()
    QTest.keyClick(row.slider, Qt.Key.Key_Right)
    assert zoo.values["birds"] == 8
    QTest.keyClick(row.slider, Qt.Key.Key_Left, SHIFT)
    assert zoo.values["birds"] == 7
    QTest.keyClick(row.slider, Qt.Key.Key_Home)
    assert zoo.values["birds"] == 0
    QTest.keyClick(row.slider, Qt.Key.Key_End)
    assert zoo.values["birds"] == 12
    QTest.keyClick(row.slider, Qt.Key.Key_Delete)
    assert zoo.values["birds"] == 7


def test_arrows_up_and_down_go_from_row_to_row(zoo: Desk) -> None:
    zoo.row("speed").slider.setFocus()
    QTest.keyClick(zoo.row("speed").slider, Qt.Key.Key_Down)
    assert zoo.row("scale").slider.hasFocus()
    QTest.keyClick(zoo.row("scale").slider, Qt.Key.Key_Up)
    assert zoo.row("speed").slider.hasFocus()
    QTest.keyClick(zoo.row("speed").slider, Qt.Key.Key_Up)
    assert zoo.inspector.panel is not None and zoo.inspector.panel.groups[0].title.hasFocus()


def test_the_wheel_scrolls_and_only_with_ctrl_turns_a_value(zoo: Desk) -> None:
    row = zoo.row("speed")
    for modifiers, expected in ((NONE, 0.3), (Qt.KeyboardModifier.ControlModifier, 0.34)):
        spot = QPointF(at(row.slider, 0.5))
        wheel = QWheelEvent(
            spot, row.slider.mapToGlobal(spot), QPoint(0, 0), QPoint(0, 120), Qt.MouseButton.NoButton, modifiers,
            Qt.ScrollPhase.NoScrollPhase, False,
        )
        QApplication.sendEvent(row.slider, wheel)
        assert zoo.values["speed"] == expected


def test_typing_a_value(zoo: Desk) -> None:
    row = zoo.row("speed")
    QTest.mouseClick(row.text, LEFT)
    field = QApplication.focusWidget()
    assert field.selectedText() == "0.30"
    QTest.keyClicks(field, "1,25 hz")
    assert zoo.values["speed"] == 0.3
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert zoo.values["speed"] == 1.25 and row.text.text == "1.25\u202fHz"
    assert row.slider.hasFocus()
    assert zoo.undo_steps() == 1


def test_ctrl_click_on_the_slider_types_and_moves_nothing(zoo: Desk) -> None:
    row = zoo.row("speed")
    QTest.mouseClick(row.slider, LEFT, Qt.KeyboardModifier.ControlModifier, at(row.slider, 0.9))
    field = QApplication.focusWidget()
    assert field.selectedText() == "0.30" and zoo.values["speed"] == 0.3
    QTest.keyClicks(field, "1.25")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert zoo.values["speed"] == 1.25 and zoo.undo_steps() == 1


def test_escape_leaves_what_was_typed(zoo: Desk) -> None:
    row = zoo.row("speed")
    row.slider.setFocus()
    QTest.keyClick(row.slider, Qt.Key.Key_Return)
    field = QApplication.focusWidget()
    QTest.keyClicks(field, "3")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert zoo.values["speed"] == 0.3 and row.slider.hasFocus()
    assert not zoo.session.history.can_undo


def test_nonsense_gives_a_sentence_and_the_field_stays(zoo: Desk) -> None:
    row = zoo.row("speed")
    before = row.heightForWidth(row.width())
    QTest.mouseClick(row.text, LEFT)
    field = QApplication.focusWidget()
    QTest.keyClicks(field, "quick")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert "'quick' is not a number" in row.message and "4.00" in row.message
    assert row.heightForWidth(row.width()) > before
    assert field.isVisible() and zoo.values["speed"] == 0.3
    QTest.keyClicks(field, "2")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert zoo.values["speed"] == 2.0 and not row.message


def test_going_elsewhere_takes_a_number_and_leaves_nonsense(zoo: Desk) -> None:
    row, other = zoo.row("speed"), zoo.row("scale")
    QTest.mouseClick(row.text, LEFT)
    QTest.keyClicks(QApplication.focusWidget(), "2")
    other.slider.setFocus()
    assert zoo.values["speed"] == 2.0
    QTest.mouseClick(row.text, LEFT)
    QTest.keyClicks(QApplication.focusWidget(), "quick")
    other.slider.setFocus()
    assert zoo.values["speed"] == 2.0 and "stays at 2.00" in row.message


def test_a_clamped_number_is_told(zoo: Desk) -> None:
    row = zoo.row("birds")
    QTest.mouseClick(row.text, LEFT)
    QTest.keyClicks(QApplication.focusWidget(), "99")
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert zoo.values["birds"] == 12 and "above 12" in row.message


def test_a_value_changed_elsewhere_does_not_disturb_typing(zoo: Desk) -> None:
    row = zoo.row("speed")
    QTest.mouseClick(row.text, LEFT)
    field = QApplication.focusWidget()
    QTest.keyClicks(field, "2.")
    zoo.values.set("speed", 1.0)
    zoo.values.set("scale", 9.0)
    zoo.until(lambda: zoo.row("scale").text.text == "9.0")
    assert field.text() == "2."
    QTest.keyClicks(field, "5")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert zoo.values["speed"] == 2.5


def test_up_and_down_step_while_typing(zoo: Desk) -> None:
    row = zoo.row("birds")
    QTest.mouseClick(row.text, LEFT)
    field = QApplication.focusWidget()
    QTest.keyClick(field, Qt.Key.Key_Up)
    QTest.keyClick(field, Qt.Key.Key_Up)
    assert zoo.values["birds"] == 9 and field.text() == "9"


def test_the_gutters_reset_and_lock(zoo: Desk) -> None:
    row = zoo.row("speed")
    zoo.session.set_value("A", 0, "speed", 2.0)
    zoo.inspector.refresh()
    QTest.mouseClick(row, LEFT, NONE, row._lock_box().center())
    assert zoo.session.is_locked("A", 0, "speed") and row.locked
    QTest.mouseMove(row, row._reset_box().center())
    assert "Reset to 0.30" in row.toolTip()
    QTest.mouseClick(row, LEFT, NONE, row._reset_box().center())
    assert zoo.values["speed"] == 0.3 and not row.changed
    zoo.session.undo()
    zoo.session.undo()
    zoo.until(lambda: not row.locked)


def test_the_label_double_clicked_is_the_default(zoo: Desk) -> None:
    row = zoo.row("scale")
    zoo.session.set_value("A", 0, "scale", 30.0)
    QTest.mouseDClick(row, LEFT, NONE, QPoint(40, 10))
    assert zoo.values["scale"] == 6.0


def test_the_menu_offers_what_can_be_done(zoo: Desk) -> None:
    row = zoo.row("speed")
    entries = {action.text(): action for action in row.menu().actions() if action.text()}
    assert not entries["Reset to 0.30\u202fHz"].isEnabled()
    entries["Copy value"].trigger()
    assert QApplication.clipboard().text() == "0.3"
    QApplication.clipboard().setText("2,5 much")
    entries = {action.text(): action for action in row.menu().actions() if action.text()}
    entries["Paste value"].trigger()
    assert "clipboard does not fit" in row.message and zoo.values["speed"] == 0.3
    QApplication.clipboard().setText("2.5")
    entries["Paste value"].trigger()
    assert zoo.values["speed"] == 2.5 and not row.message
    entries["Locked"].trigger()
    menu = {action.text(): action for action in row.menu().actions() if action.text()}
    assert menu["Locked"].isChecked() and not menu["Randomise this"].isEnabled()
    assert menu["Reset to 0.30\u202fHz"].isEnabled()


def test_randomise_one(zoo: Desk) -> None:
    row = zoo.row("scale")
    {a.text(): a for a in row.menu().actions()}["Randomise this"].trigger()
    assert zoo.values["scale"] != 6.0 and zoo.values["speed"] == 0.3
    assert zoo.undo_steps() == 1


def test_a_controller_can_be_asked_for(zoo: Desk) -> None:
    bind = next(a for a in zoo.row("speed").menu().actions() if a.text().startswith("Bind"))
    with zoo.qtbot.waitSignal(zoo.inspector.bind_requested) as asked:
        bind.trigger()
    assert asked.args == ["A", 0, "speed"]
