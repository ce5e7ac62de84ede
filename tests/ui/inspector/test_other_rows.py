"""Rows of every other kind under a real mouse and keyboard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers_inspector import Desk
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from studio.ui.inspector.color_row import ColorPopup
from studio.ui.inspector.popup import PickPopup

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def popup(desk: Desk, kind: type = PickPopup):
    """The list that dropped down."""
    desk.qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), kind))
    return QApplication.activePopupWidget()


def drop(widget, path: Path) -> bool:
    """Drag a file from the desktop onto a widget and let go."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    action, buttons = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    enter = QDragEnterEvent(QPoint(5, 5), action, data, buttons, NONE)
    QApplication.sendEvent(widget, enter)
    if not enter.isAccepted():
        return False
    event = QDropEvent(QPointF(5, 5), action, data, buttons, NONE)
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


# --- choices


def test_segments(zoo: Desk) -> None:
    row = zoo.row("mode")
    boxes = row.segments.boxes(row.segments.width())
    QTest.mouseClick(row.segments, LEFT, NONE, boxes["loop"].center())
    assert zoo.values["mode"] == "loop" == row.segments.current
    row.segments.setFocus()
    QTest.keyClick(row.segments, Qt.Key.Key_Left)
    assert zoo.values["mode"] == "walk"
    QTest.keyClick(row.segments, Qt.Key.Key_Home)
    QTest.keyClick(row.segments, Qt.Key.Key_Left)
    assert zoo.values["mode"] == "still"
    QTest.keyClick(row.segments, Qt.Key.Key_Delete)
    assert zoo.values["mode"] == "walk"
    zoo.values.set("mode", "loop")
    zoo.until(lambda: row.segments.current == "loop")


def test_segments_break_into_lines_where_there_is_no_room(zoo: Desk) -> None:
    segments = zoo.row("mode").segments
    wide, narrow = segments.boxes(300), segments.boxes(90)
    assert len({box.y() for box in wide.values()}) == 1
    assert len({box.y() for box in narrow.values()}) > 1
    assert max(box.right() for box in narrow.values()) < 90
    assert segments.heightForWidth(90) > segments.heightForWidth(300)


def test_a_long_choice_is_found_by_typing(zoo: Desk) -> None:
    row = zoo.row("palette")
    row.button.setFocus()
    QTest.keyClick(row.button, Qt.Key.Key_F)
    found = popup(zoo)
    assert found.search.text() == "f"
    QTest.keyClicks(found.search, "or")
    shown = [i for i in range(found.list.count()) if not found.list.item(i).isHidden()]
    assert len(shown) == 1
    QTest.keyClick(found.search, Qt.Key.Key_Return)
    assert zoo.values["palette"] == "forest" and row.button.text() == "forest"
    assert zoo.undo_steps() == 1


def test_the_list_by_mouse_and_left_as_it_was_by_escape(zoo: Desk) -> None:
    row = zoo.row("palette")
    QTest.mouseClick(row.button, LEFT)
    found = popup(zoo)
    assert found.list.currentRow() == 0
    QTest.keyClick(found.search, Qt.Key.Key_Down)
    QTest.keyClick(found, Qt.Key.Key_Escape)
    zoo.qtbot.waitUntil(lambda: QApplication.activePopupWidget() is None)
    assert zoo.values["palette"] == "ice"
    QTest.mouseClick(row.button, LEFT)
    found = popup(zoo)
    spot = found.list.visualItemRect(found.list.item(3)).center()
    QTest.mouseClick(found.list.viewport(), LEFT, NONE, spot)
    assert zoo.values["palette"] == "night"


def test_arrows_go_through_a_long_choice(zoo: Desk) -> None:
    row = zoo.row("palette")
    row.button.setFocus()
    QTest.keyClick(row.button, Qt.Key.Key_Right)
    assert zoo.values["palette"] == "ember"
    QTest.keyClick(row.button, Qt.Key.Key_Left)
    QTest.keyClick(row.button, Qt.Key.Key_Left)
    assert zoo.values["palette"] == "ice"


# --- switch and button


def test_a_switch(zoo: Desk) -> None:
    row = zoo.row("mirror")
    QTest.mouseClick(row.switch, LEFT, NONE, QPoint(row.switch.width() - 10, row.switch.height() // 2))
    assert zoo.values["mirror"] is False and not row.switch.isChecked() and row.changed
    row.switch.setFocus()
    QTest.keyClick(row.switch, Qt.Key.Key_Space)
    assert zoo.values["mirror"] is True
    QTest.keyClick(row.switch, Qt.Key.Key_Left)
    QTest.keyClick(row.switch, Qt.Key.Key_Left)
    assert zoo.values["mirror"] is False
    zoo.values.set("mirror", True)
    zoo.until(row.switch.isChecked)


def test_a_trigger_fires_on_the_way_down_and_flashes(zoo: Desk) -> None:
    row = zoo.row("fire")
    zoo.session.stop("A")  # nobody takes the shot away
    QTest.mousePress(row.button, LEFT)
    assert zoo.values["fire"] is True and row.button.lit
    QTest.mouseRelease(row.button, LEFT)
    zoo.qtbot.waitUntil(lambda: not row.button.lit)
    zoo.values.take()
    row.button.setFocus()
    QTest.keyClick(row.button, Qt.Key.Key_Return)
    assert zoo.values["fire"] is True
    assert not zoo.session.history.can_undo
    assert "Copy value" not in [action.text() for action in row.menu().actions()]


# --- seeds


def test_a_seed_is_typed_and_rolled_and_remembered(zoo: Desk) -> None:
    row = zoo.row("seed")
    row.field.setFocus()
    row.field.selectAll()
    QTest.keyClicks(row.field, "42")
    QTest.keyClick(row.field, Qt.Key.Key_Return)
    assert zoo.values["seed"] == 42
    QTest.mouseClick(row.dice, LEFT)
    rolled = zoo.values["seed"]
    QTest.mouseClick(row.after, LEFT)
    assert zoo.values["seed"] == rolled + 1
    QTest.mouseClick(row.before, LEFT)
    assert zoo.values["seed"] == rolled == int(row.field.text())
    assert set(row.history.seeds) >= {1, 42, rolled, rolled + 1}
    QTest.mouseClick(row.earlier, LEFT)
    found = popup(zoo)
    QTest.keyClicks(found.search, "42")
    QTest.keyClick(found.search, Qt.Key.Key_Return)
    assert zoo.values["seed"] == 42


def test_a_list_finds_what_is_called_just_so_before_what_only_holds_it(zoo: Desk) -> None:
    row = zoo.row("seed")
    for seed in (42, 1420):
        row.set_seed(seed)
    row.set_seed(7)
    QTest.mouseClick(row.earlier, LEFT)
    found = popup(zoo)
    QTest.keyClicks(found.search, "42")  # 1420 is the newer one and stands before it
    QTest.keyClick(found.search, Qt.Key.Key_Return)
    assert zoo.values["seed"] == 42


def test_undo_is_the_windows_once_a_field_was_taken(zoo: Desk) -> None:
    undo = QShortcut(QKeySequence.StandardKey.Undo, zoo.inspector)
    undo.activated.connect(zoo.session.undo)
    control = Qt.KeyboardModifier.ControlModifier
    for name, field in (("seed", zoo.row("seed").field), ("words", zoo.row("words").line)):
        before = zoo.values[name]
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, "42")
        QTest.keyClick(field, Qt.Key.Key_Z, control)
        assert field.text() == str(before) and not zoo.session.history.can_undo
        field.selectAll()
        QTest.keyClicks(field, "43")
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert str(zoo.values[name]) == "43"
        QTest.keyClick(field, Qt.Key.Key_Z, control)
        assert zoo.values[name] == before
        zoo.until(lambda field=field, before=before: field.text() == str(before))


def test_a_seed_that_is_no_number_is_refused(zoo: Desk) -> None:
    row = zoo.row("seed")
    row.field.setFocus()
    row.field.selectAll()
    QTest.keyClicks(row.field, "rose")
    QTest.keyClick(row.field, Qt.Key.Key_Return)
    assert "'rose' is not a whole number" in row.message and zoo.values["seed"] == 1
    QTest.keyClick(row.field, Qt.Key.Key_Escape)
    assert row.field.text() == "1"


def test_the_history_keeps_twenty_without_repeats(zoo: Desk) -> None:
    row = zoo.row("seed")
    for seed in [*range(100, 130), 125, 126]:
        row.set_seed(seed)
    assert len(row.history.seeds) == 20 == len(set(row.history.seeds))
    assert row.history.seeds[-1] == 126


def test_one_below_the_first_seed_is_the_last(zoo: Desk) -> None:
    row = zoo.row("seed")
    row.set_seed(0)
    QTest.mouseClick(row.before, LEFT)
    assert zoo.values["seed"] == 2**31 - 1


# --- colours


def test_a_colour_is_typed(zoo: Desk) -> None:
    row = zoo.row("tint")
    row.field.setFocus()
    row.field.selectAll()
    QTest.keyClicks(row.field, "#00ff00")
    QTest.keyClick(row.field, Qt.Key.Key_Return)
    assert zoo.values["tint"] == (0.0, 1.0, 0.0) and row.swatch.color.name() == "#00ff00"
    row.field.selectAll()
    QTest.keyClicks(row.field, "greenish")
    QTest.keyClick(row.field, Qt.Key.Key_Return)
    assert "is not a colour" in row.message and zoo.values["tint"] == (0.0, 1.0, 0.0)


def test_a_colour_is_picked_and_a_drag_is_one_step(zoo: Desk) -> None:
    row = zoo.row("tint")
    QTest.mouseClick(row.swatch, LEFT)
    found = popup(zoo, ColorPopup)
    QTest.mousePress(found.shade, LEFT, NONE, QPoint(found.shade.width() - 1, 0))
    for x in (150, 100, 50):
        QTest.mouseMove(found.shade, QPoint(x, 20))
    QTest.mouseRelease(found.shade, LEFT, NONE, QPoint(50, 20))
    assert zoo.values["tint"] != row.param.default
    assert row.field.text() == row.swatch.color.name()
    found.close()
    assert zoo.undo_steps() == 1


def test_escape_in_the_picker_takes_the_colour_back(zoo: Desk) -> None:
    row = zoo.row("tint")
    QTest.mouseClick(row.swatch, LEFT)
    found = popup(zoo, ColorPopup)
    QTest.keyClick(found.bar, Qt.Key.Key_Right)
    assert zoo.values["tint"] != row.param.default
    QTest.keyClick(found, Qt.Key.Key_Escape)
    assert zoo.values["tint"] == row.param.default


# --- places


def test_a_pad_is_dragged_and_typed(zoo: Desk) -> None:
    row = zoo.row("drift")
    pad = row.pad
    QTest.mousePress(pad, LEFT, NONE, pad.spot((0.5, 0.5)).toPoint())
    for place in ((0.6, 0.6), (0.75, 1.0)):
        QTest.mouseMove(pad, pad.spot(place).toPoint())
    QTest.mouseRelease(pad, LEFT, NONE, pad.spot((0.75, 1.0)).toPoint())
    x, y = zoo.values["drift"]
    assert abs(x - 0.5) < 0.03 and y > 0.97
    assert zoo.undo_steps() == 1
    row.fields[1].setFocus()
    row.fields[1].selectAll()
    QTest.keyClicks(row.fields[1], "-0,25")
    QTest.keyClick(row.fields[1], Qt.Key.Key_Return)
    assert zoo.values["drift"] == (0.0, -0.25)
    row.fields[0].setFocus()
    row.fields[0].selectAll()
    QTest.keyClicks(row.fields[0], "left")
    QTest.keyClick(row.fields[0], Qt.Key.Key_Return)
    assert "'left' is not a number" in row.message


def test_a_pad_by_keys(zoo: Desk) -> None:
    row = zoo.row("drift")
    row.pad.setFocus()
    QTest.keyClick(row.pad, Qt.Key.Key_Right)
    QTest.keyClick(row.pad, Qt.Key.Key_Up)
    x, y = zoo.values["drift"]
    assert 0 < x < 0.1 and 0 < y < 0.1
    QTest.keyClick(row.pad, Qt.Key.Key_Delete)
    assert zoo.values["drift"] == (0.0, 0.0)


# --- texts


def test_a_text_is_taken_by_enter_and_left_by_escape(zoo: Desk) -> None:
    row = zoo.row("words")
    row.line.setFocus()
    row.line.selectAll()
    QTest.keyClicks(row.line, "sun=40")
    assert zoo.values["words"] == "rose=12"
    zoo.values.set("speed", 1.0)
    zoo.until(lambda: zoo.inspector.row("speed").text.text.startswith("1.00"))
    assert row.line.text() == "sun=40"
    QTest.keyClick(row.line, Qt.Key.Key_Return)
    assert zoo.values["words"] == "sun=40"
    QTest.keyClicks(row.line, "more")
    QTest.keyClick(row.line, Qt.Key.Key_Escape)
    assert row.line.text() == "sun=40"
    assert zoo.undo_steps() == 1


def test_text_dropped_on_the_line_is_taken(zoo: Desk) -> None:
    row = zoo.row("words")
    data = QMimeData()
    data.setText("sun=40 ")
    for kind, spot in ((QDragEnterEvent, QPoint(2, 9)), (QDropEvent, QPointF(2, 9))):
        QApplication.sendEvent(row.line, kind(spot, Qt.DropAction.CopyAction, data, LEFT, NONE))
    assert zoo.values["words"] == "sun=40 rose=12"


def test_a_long_text_gets_an_editor(zoo: Desk) -> None:
    row = zoo.row("words")
    before = row.height()
    zoo.session.set_value("A", 0, "words", "one\ntwo\nthree\nfour\nfive")
    zoo.until(lambda: row.long and row.height() > before)
    assert row.editor.toPlainText() == "one\ntwo\nthree\nfour\nfive"
    row.editor.setFocus()
    QTest.keyClick(row.editor, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(row.editor, Qt.Key.Key_Return)
    QTest.keyClicks(row.editor, "six")
    assert zoo.values["words"].endswith("five")
    QTest.keyClick(row.editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert zoo.values["words"].endswith("five\nsix")


def test_the_line_grows_by_hand(zoo: Desk) -> None:
    row = zoo.row("words")
    QTest.mouseClick(row.grow, LEFT)
    assert row.long and row.editor.hasFocus()
    QTest.mouseClick(row.grow, LEFT)
    assert not row.long and row.line.text() == "rose=12"


# --- files


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "Sommerfrische.png"
    Image.fromarray(np.full((60, 90, 3), (200, 40, 10), np.uint8)).save(path)
    return path


def test_a_picture_is_dropped_on_its_row(zoo: Desk, picture: Path) -> None:
    row = zoo.row("picture")
    assert row.tile.empty and "Drop a picture" in row.tile.note
    assert drop(row.tile, picture)
    assert zoo.values["picture"] == str(picture)
    zoo.until(lambda: "90 × 60" in row.tile.note)
    assert row.tile.title == "Sommerfrische.png" and row.tile._picture is not None
    QTest.mouseClick(row.clear_button, LEFT)
    assert zoo.values["picture"] == "" and row.tile.empty


def test_a_file_of_another_kind_is_refused(zoo: Desk, tmp_path: Path) -> None:
    path = tmp_path / "song.mid"
    path.write_bytes(b"MThd")
    row = zoo.row("picture")
    drop(row.tile, path)
    assert zoo.values["picture"] == "" and "song.mid is not an image file" in row.message


def test_a_missing_file_says_so_and_how_to_mend_it(zoo: Desk, tmp_path: Path) -> None:
    row = zoo.row("picture")
    zoo.session.set_value("A", 0, "picture", str(tmp_path / "gone.png"))
    zoo.until(lambda: "no such file" in row.message)
    assert "clear the field" in row.message and row.tile.fault
    zoo.session.undo()
    zoo.until(lambda: not row.message and row.tile.empty)


def test_a_damaged_picture_says_so(zoo: Desk, tmp_path: Path) -> None:
    path = tmp_path / "damaged.png"
    path.write_bytes(b"no picture at all")
    row = zoo.row("picture")
    assert drop(row.tile, path)
    zoo.until(lambda: "damaged.png" in row.message)


def test_the_file_dialog_opens_without_stopping_the_window(zoo: Desk, picture: Path) -> None:
    row = zoo.row("picture")
    row.tile.setFocus()
    QTest.keyClick(row.tile, Qt.Key.Key_Return)
    assert row.dialog is not None and row.dialog.isVisible()
    assert any("*.png" in text for text in row.dialog.nameFilters())
    row.dialog.selectFile(str(picture))
    row.dialog.accept()
    zoo.until(lambda: zoo.values["picture"] == str(picture))
    assert row.dialog is None


# --- models


def test_models_of_the_right_kind_are_offered(zoo: Desk) -> None:
    row = zoo.row("model")
    zoo.until(lambda: row.known)
    names = [model.key for model in row.models]
    assert "flowers" in names and "shakespeare" not in names
    QTest.mouseClick(row.tile, LEFT)
    found = popup(zoo)
    QTest.keyClicks(found.search, "flowers house")
    QTest.keyClick(found.search, Qt.Key.Key_Return)
    assert zoo.values["model"] == "flowers"
    zoo.until(lambda: row.tile.title.startswith("Flowers") and "house" in row.tile.note)


def test_a_model_that_is_not_here_says_so(zoo: Desk) -> None:
    row = zoo.row("model")
    zoo.session.set_value("A", 0, "model", "tulips")
    zoo.until(lambda: "no model 'tulips'" in row.message)
    assert "models page" in row.message


def test_a_file_of_another_architecture_says_so(zoo: Desk) -> None:
    from studio import paths

    other = paths.bundled("resources") / "models" / "drums.safetensors"
    row = zoo.row("model")
    zoo.until(lambda: row.known)
    assert drop(row.tile, other)
    zoo.until(lambda: "gan is wanted" in row.message)
