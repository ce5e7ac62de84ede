"""A row that does nothing now is grey and says why, and can be used all the same."""

from __future__ import annotations

from helpers_inspector import Desk
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from studio.ui.inspector.row import ParamRow


def lightest(row: ParamRow) -> int:
    """The brightest level in the picture of a row: its text, where it is not grey."""
    image = row.grab().toImage()
    return max(image.pixelColor(x, y).lightness() for x in range(image.width()) for y in range(image.height()))


def test_a_row_that_does_nothing_is_grey_with_the_reason(zoo: Desk) -> None:
    row = zoo.row("stride")
    zoo.until(lambda: row.isVisible())
    bright = lightest(row)
    assert row.idle == "" and "Does nothing" not in row.toolTip()
    zoo.session.set_value("A", 0, "mode", "still")
    zoo.until(lambda: row.idle)
    assert row.idle == "Does nothing now: Mode is still."
    for widget in (row, row.slider):
        assert "Does nothing now: Mode is still." in widget.toolTip()
    assert "Does nothing now" in row.slider.accessibleDescription()
    assert lightest(row) < bright - 60
    zoo.session.undo()
    zoo.until(lambda: not row.idle)
    assert "Does nothing" not in row.slider.toolTip() and abs(lightest(row) - bright) < 10


def test_a_grey_row_takes_a_value_and_says_that_it_waits(zoo: Desk) -> None:
    zoo.session.set_value("A", 0, "mode", "still")
    row = zoo.row("stride")
    zoo.until(lambda: row.idle)
    before = zoo.values["stride"]
    row.slider.setFocus()
    QTest.keyClick(row.slider, Qt.Key.Key_Right)
    assert zoo.values["stride"] > before
    assert row.message == "Does nothing now: Mode is still."
    row.grab()
    QTest.mouseClick(row.slider, Qt.MouseButton.LeftButton, pos=QPoint(row.slider.width() - 12, 8))
    assert zoo.values["stride"] > 0.8, "the grey keeps the mouse from the slider"


def test_a_modulation_makes_a_row_count(zoo: Desk) -> None:
    row = zoo.row("stride")
    zoo.session.set_value("A", 0, "mode", "still")
    zoo.until(lambda: row.idle)
    zoo.values.modulate("mode", 0.5)
    zoo.until(lambda: not row.idle)


def test_the_grey_lies_over_every_control_of_a_row(zoo: Desk) -> None:
    row = zoo.row("words")
    zoo.session.set_value("A", 0, "mode", "still")
    zoo.until(lambda: row.idle)
    children = [child for child in row.children() if child.isWidgetType()]
    assert children[-1] is row._veil
