"""The grid: search, keys, thousands of items, pictures on demand, drag, menu, rename, empty."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QContextMenuEvent, QDragEnterEvent, QDropEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from studio.ui import theme
from studio.ui.kit import Thumb, ThumbGrid, mime


def items(count: int = 6) -> list[Thumb]:
    colors = [(200, 40, 40), (40, 200, 40), (40, 40, 200)]
    return [
        Thumb(f"k{n}", f"Look {n}", f"{n} values", np.full((30, 40, 3), colors[n % 3], np.uint8),
              tags=("slow",) if n % 2 else ("fast", "Nacht"))
        for n in range(count)
    ]


@pytest.fixture
def grid(qtbot: QtBot) -> ThumbGrid:
    made = ThumbGrid(name="Presets")
    qtbot.addWidget(made)
    made.resize(420, 420)
    made.set_items(items())
    made.show()
    qtbot.waitExposed(made)
    return made


def rect_of(grid: ThumbGrid, key: str) -> QRect:
    row = grid.model.row_of(key)
    assert row is not None
    return grid.view.visualRect(grid.model.index(row))


def test_click_selects_and_double_click_activates(qtbot: QtBot, grid: ThumbGrid) -> None:
    port, middle = grid.view.viewport(), rect_of(grid, "k4").center()
    with qtbot.waitSignal(grid.selected, timeout=1000) as got:
        qtbot.mouseClick(port, Qt.MouseButton.LeftButton, pos=middle)
    assert got.args == ["k4"]
    assert grid.current() == "k4"
    with qtbot.waitSignal(grid.activated, timeout=1000) as got:
        qtbot.mouseDClick(port, Qt.MouseButton.LeftButton, pos=middle)
    assert got.args == ["k4"]


def test_keys_walk_and_enter_activates(qtbot: QtBot, grid: ThumbGrid) -> None:
    grid.select("k0")
    grid.view.setFocus()
    qtbot.keyClick(grid.view, Qt.Key.Key_Right)
    assert grid.current() == "k1"
    columns = sum(rect_of(grid, f"k{n}").y() == rect_of(grid, "k0").y() for n in range(6))
    qtbot.keyClick(grid.view, Qt.Key.Key_Down)
    assert grid.current() == f"k{1 + columns}"
    with qtbot.waitSignals([grid.activated], timeout=1000):
        qtbot.keyClick(grid.view, Qt.Key.Key_Return)


def test_search_by_title_line_and_tag(qtbot: QtBot, grid: ThumbGrid) -> None:
    def search(words: str) -> list[str]:
        grid.search.clear()
        qtbot.keyClicks(grid.search, words)
        qtbot.keyClick(grid.search, Qt.Key.Key_Return)
        return grid.keys()

    assert search("look 3") == ["k3"]
    assert search("4 values") == ["k4"]
    assert search("NACHT") == ["k0", "k2", "k4"]
    assert search("slow look 5") == ["k5"]
    assert search("nothing like it") == []
    assert grid.empty.isVisible() and "nothing like it" in grid.empty.accessibleDescription()
    qtbot.mouseClick(grid.empty.button, Qt.MouseButton.LeftButton)
    assert len(grid.keys()) == 6 and grid.view.isVisible()


def test_search_waits_for_the_hand_to_rest(qtbot: QtBot, grid: ThumbGrid) -> None:
    with qtbot.waitSignal(grid.search.searched, timeout=2000) as got:
        qtbot.keyClicks(grid.search, "look 3")
    assert got.args == ["look 3"]
    qtbot.keyClick(grid.search, Qt.Key.Key_Escape)
    assert grid.search.text() == "" and len(grid.keys()) == 6


def test_selection_survives_search_and_new_items(qtbot: QtBot, grid: ThumbGrid) -> None:
    grid.select("k3")
    grid.search.setText("slow")
    qtbot.waitUntil(lambda: grid.keys() == ["k1", "k3", "k5"])
    assert grid.current() == "k3"
    grid.search.clear()
    grid.set_items(items(12))
    assert grid.current() == "k3"
    grid.set_items(items(2))
    assert grid.current() is None


def test_pictures_are_shown(grid: ThumbGrid) -> None:
    image = grid.view.grab().toImage()
    found = {image.pixelColor(rect_of(grid, f"k{n}").center() - QPoint(0, 20)).name() for n in range(3)}
    assert found == {"#c82828", "#28c828", "#2828c8"}


def test_missing_pictures_are_asked_for_once_and_only_when_seen(qtbot: QtBot, grid: ThumbGrid) -> None:
    asked: list[str] = []
    grid.wants_picture.connect(asked.append)
    grid.set_items([Thumb(f"n{n}", f"Item {n}") for n in range(500)])
    qtbot.waitUntil(lambda: "n0" in asked)
    grid.view.viewport().repaint()
    QApplication.processEvents()
    assert len(asked) == len(set(asked)) < 60
    grid.set_picture("n0", np.full((20, 20, 3), 250, np.uint8))
    image = grid.view.grab().toImage()
    assert image.pixelColor(rect_of(grid, "n0").center() - QPoint(0, 20)).name() == "#fafafa"
    grid.set_picture("gone", None)  # an answer that comes too late


def test_a_new_picture_replaces_the_old_one(grid: ThumbGrid) -> None:
    grid.view.grab()
    grid.set_picture("k0", np.full((20, 20, 3), 250, np.uint8))
    image = grid.view.grab().toImage()
    assert image.pixelColor(rect_of(grid, "k0").center() - QPoint(0, 20)).name() == "#fafafa"


def test_new_items_show_their_own_pictures(grid: ThumbGrid) -> None:
    for shade in (10, 90, 170, 250):  # an array may come to lie where the last one lay
        grid.set_items([Thumb("k0", "Look", picture=np.full((20, 20, 3), shade, np.uint8))])
        image = grid.view.grab().toImage()
        assert image.pixelColor(rect_of(grid, "k0").center() - QPoint(0, 20)).red() == shade


def test_ten_thousand_items_stay_quick(qtbot: QtBot, grid: ThumbGrid) -> None:
    many = [Thumb(f"m{n}", f"Picture {n}", tags=(f"tag{n % 7}",)) for n in range(10_000)]
    start = time.perf_counter()
    grid.set_items(many)
    grid.view.grab()
    grid.model.set_search("tag3 99")
    grid.view.grab()
    grid.model.set_search("")
    grid.view.verticalScrollBar().setValue(grid.view.verticalScrollBar().maximum())
    grid.view.grab()
    assert time.perf_counter() - start < 2.0  # a tenth of it here; a laid-out cell each would take far longer
    assert grid.select("m7777")
    assert grid.view.viewport().rect().contains(rect_of(grid, "m7777").center())


def test_columns_fill_the_width(grid: ThumbGrid) -> None:
    for width in (200, 333, 420, 777, 1000):
        grid.resize(width, 400)
        grid.set_items(items(40))
        QApplication.processEvents()
        cell = grid.view.gridSize().width()
        port = grid.view.viewport().width()
        assert cell <= port
        if cell < grid._delegate.cell().width() * 1.5:
            assert port - (port // cell) * cell <= cell * 0.3 + 16


def test_drag_carries_what_the_owner_makes(grid: ThumbGrid) -> None:
    grid.set_drag(lambda keys: mime.make(mime.PRESET, f"/looks/{keys[0]}.json"))
    grid.update_item(Thumb("k1", "Look 1", reason="needs Kaleidoscope"))
    row = grid.model.index(2)
    assert grid.model.flags(row) & Qt.ItemFlag.ItemIsDragEnabled
    assert not grid.model.flags(grid.model.index(1)) & Qt.ItemFlag.ItemIsDragEnabled
    assert mime.read(grid.model.mimeData([row])) == mime.Dropped(mime.PRESET, "/looks/k2.json")


def test_drop_on_the_grid(qtbot: QtBot, grid: ThumbGrid) -> None:
    def drop(data: QMimeData) -> bool:
        port, where, none = grid.view.viewport(), QPoint(20, 20), Qt.KeyboardModifier.NoModifier
        enter = QDragEnterEvent(where, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none)
        QApplication.sendEvent(port, enter)
        if enter.isAccepted():
            QApplication.sendEvent(port, QDropEvent(
                QPointF(where), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none))
        return enter.isAccepted()

    assert not drop(mime.make(mime.GENERATOR, "dream"))
    grid.set_drop(lambda what: what.kind == mime.GENERATOR)
    with qtbot.waitSignal(grid.dropped, timeout=1000) as got:
        assert drop(mime.make(mime.GENERATOR, "dream"))
    assert got.args == [mime.Dropped(mime.GENERATOR, "dream")]
    assert not drop(mime.make(mime.SNAPSHOT, "s"))


def test_menu_is_filled_for_what_is_chosen(qtbot: QtBot, grid: ThumbGrid) -> None:
    seen: list[list[str]] = []

    def build(keys: list[str], menu: QMenu) -> None:
        seen.append(keys)
        menu.addAction("Delete", lambda: seen.append(["deleted", *keys]))

    grid.set_menu(build)
    grid.select("k2")
    where = rect_of(grid, "k2").center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, grid.view.viewport().mapToGlobal(where))
    QApplication.sendEvent(grid.view.viewport(), event)
    menu = grid.findChild(QMenu)
    assert isinstance(menu, QMenu) and menu.isVisible()
    qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(menu.actions()[0]).center())
    assert seen == [["k2"], ["deleted", "k2"]]


def test_rename_in_place(qtbot: QtBot, grid: ThumbGrid) -> None:
    grid.select("k1")
    grid.view.setFocus()
    qtbot.keyClick(grid.view, Qt.Key.Key_F2)
    assert grid.view.findChild(QLineEdit) is None  # not unless it is allowed
    grid.set_editable(True)
    qtbot.keyClick(grid.view, Qt.Key.Key_F2)
    field = grid.view.findChild(QLineEdit)
    assert isinstance(field, QLineEdit)
    field.selectAll()
    qtbot.keyClicks(field, "Orchid")
    with qtbot.waitSignal(grid.renamed, timeout=1000) as got:
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert got.args == ["k1", "Orchid"]
    item = grid.model.item("k1")
    assert item is not None and item.title == "Orchid"


def test_rename_to_nothing_changes_nothing(qtbot: QtBot, grid: ThumbGrid) -> None:
    grid.set_editable(True)
    grid.edit("k1")
    field = grid.view.findChild(QLineEdit)
    assert isinstance(field, QLineEdit)
    field.clear()
    with qtbot.assertNotEmitted(grid.renamed):
        qtbot.keyClick(field, Qt.Key.Key_Return)


def test_empty_says_why_and_what_to_do(qtbot: QtBot, grid: ThumbGrid) -> None:
    grid.set_items([])
    grid.set_empty("preset", "No presets yet", "Save the present look.", "Save it")
    assert grid.empty.isVisible() and not grid.view.isVisible()
    with qtbot.waitSignal(grid.empty.activated, timeout=1000):
        qtbot.mouseClick(grid.empty.button, Qt.MouseButton.LeftButton)
    grid.update_item(Thumb("a", "A"))
    assert grid.view.isVisible()


def test_unavailable_items_say_why(grid: ThumbGrid) -> None:
    grid.set_items([Thumb("x", "Kaleidoscope", reason="needs a GPU", badge="4 s", kind="image")])
    index = grid.model.index(0)
    assert "needs a GPU" in grid.model.data(index, Qt.ItemDataRole.ToolTipRole)
    image = grid.view.grab().toImage()
    spots = [image.pixelColor(x, y) for x in range(160) for y in range(200)]
    hue = theme.color("warning").hue()
    assert any(abs(spot.hue() - hue) < 8 and spot.saturation() > 100 and spot.value() > 120 for spot in spots)


def test_several_can_be_chosen_where_allowed(qtbot: QtBot) -> None:
    grid = ThumbGrid(multiple=True, search=False)
    qtbot.addWidget(grid)
    grid.resize(400, 300)
    grid.set_items(items())
    grid.show()
    assert not grid.search.isVisible()
    for key, modifier in (("k1", Qt.KeyboardModifier.NoModifier), ("k3", Qt.KeyboardModifier.ControlModifier)):
        qtbot.mouseClick(grid.view.viewport(), Qt.MouseButton.LeftButton, modifier, rect_of(grid, key).center())
    assert grid.chosen() == ["k1", "k3"]
    assert grid.current() == "k3"


def test_control_wheel_changes_the_size(grid: ThumbGrid) -> None:
    def turn(way: int, modifiers: Qt.KeyboardModifier) -> int:
        port, where = grid.view.viewport(), QPointF(40, 40)
        QApplication.sendEvent(port, QWheelEvent(
            where, port.mapToGlobal(where), QPoint(), QPoint(0, 120 * way), Qt.MouseButton.NoButton, modifiers,
            Qt.ScrollPhase.NoScrollPhase, False))
        return grid.view.gridSize().width()

    plain, control = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
    start = grid.view.gridSize().width()
    assert turn(1, plain) == start
    larger = turn(1, control)
    assert larger > start
    assert turn(-1, control) == start
    for _ in range(9):
        smallest = turn(-1, control)
    assert 60 < smallest < start


def test_down_goes_from_the_search_to_what_it_found(qtbot: QtBot, grid: ThumbGrid) -> None:
    grid.search.setFocus()
    qtbot.keyClicks(grid.search, "slow")
    qtbot.keyClick(grid.search, Qt.Key.Key_Down)
    assert grid.keys() == ["k1", "k3", "k5"]
    assert grid.view.hasFocus()
