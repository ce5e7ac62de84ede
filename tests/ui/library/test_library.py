"""The library dock, driven by mouse and keys, and what dropping files on the window means."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QMenu, QPushButton, QWidget

from studio import paths
from studio.export import read_recipe
from studio.library.presets import Preset, load_preset, save_preset
from studio.session.session import Session
from studio.ui.kit import mime
from studio.ui.library import LibraryDock
from studio.ui.library.dropping import restore_from_file, save_frame, use_file
from studio.ui.library.rows import RowList
from studio.ui.library.store import own_folder
from tests.stand import write_plugin
from tests.ui.stand import level, pumped

BROKEN = '''
import nothing_of_this_name
from studio.api import Generator

class Broken(Generator):
    id, version, makes, title = "test.broken", 1, "image", "Broken"

    def step(self, ctx):
        return None
'''


@pytest.fixture
def session(session: Session, tmp_path: Path) -> Session:
    broken = write_plugin(tmp_path, "broken", BROKEN)
    session.registry.add(broken).fail("it needs the module nothing_of_this_name")
    session.settings.set("export_folder", str(tmp_path / "out"))
    return session


@pytest.fixture
def dock(session: Session, qtbot: Any) -> LibraryDock:
    made = LibraryDock(session)
    qtbot.addWidget(made)
    made.resize(260, 600)
    made.show()
    qtbot.waitExposed(made)
    pumped(session, qtbot, lambda: made.store.loaded)
    return made


@pytest.fixture
def shade(session: Session, qtbot: Any) -> Session:
    session.load("A", "test.shade")
    pumped(session, qtbot, lambda: level(session) == 255)
    return session


def row_spot(rows: RowList, key: str) -> QPoint:
    assert rows.select(key), rows.keys()
    return rows.view.visualRect(rows.view.currentIndex()).center()


def cell_spot(grid: Any, key: str) -> QPoint:
    assert grid.select(key), grid.keys()
    return grid.view.visualRect(grid.view.currentIndex()).center()


def rename(qtbot: Any, grid: Any, key: str, name: str) -> None:
    """F2, type, Enter."""
    assert grid.select(key)
    grid.view.setFocus()
    qtbot.keyClick(grid.view, Qt.Key.Key_F2)
    editor = next(field for field in grid.view.findChildren(QLineEdit) if field.isVisible())
    editor.selectAll()
    qtbot.keyClicks(editor, name)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    QApplication.processEvents()  # Qt takes the text over a moment later


def open_dialog(qtbot: Any) -> QDialog:
    found: list[QDialog] = []

    def look() -> bool:
        found[:] = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]
        return bool(found)

    qtbot.waitUntil(look)
    return found[0]


def answer(qtbot: Any, button: str, text: str | None = None) -> None:
    dialog = open_dialog(qtbot)
    if text is not None:
        field = dialog.findChild(QLineEdit)
        field.selectAll()
        qtbot.keyClicks(field, text)
    found = next(b for b in dialog.findChildren(QPushButton) if b.text() == button)
    qtbot.mouseClick(found, Qt.MouseButton.LeftButton)


def own_presets() -> list[Path]:
    return sorted(own_folder().glob("*/*.json"))


# --- generators -------------------------------------------------------------------------------------------------------


def test_a_double_click_opens_a_source(dock: LibraryDock, session: Session, qtbot: Any) -> None:
    rows = dock.generators.list
    spot = row_spot(rows, "test.shade")
    qtbot.mouseClick(rows.view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    qtbot.mouseDClick(rows.view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    pumped(session, qtbot, lambda: level(session) == 255)
    assert session.selection == ("A", 0)


def test_enter_adds_an_effect_and_makes_a_player(dock: LibraryDock, shade: Session, qtbot: Any) -> None:
    rows = dock.generators.list
    rows.view.setFocus()
    rows.select("test.dim")
    qtbot.keyClick(rows.view, Qt.Key.Key_Return)
    pumped(shade, qtbot, lambda: level(shade) == 128)
    assert [slot.generator for slot in shade.decks["A"].slots] == ["test.shade", "test.dim"]
    rows.select("test.count")
    qtbot.keyClick(rows.view, Qt.Key.Key_Return)
    pumped(shade, qtbot, lambda: any(player.stages() for player in shade.players.values()))
    assert len(shade.players) == 1
    label = shade.history.undo_label
    shade.undo()
    assert "Count" in label and not shade.players  # the player it made went with it


def test_search_finds_by_every_word(dock: LibraryDock, session: Session, qtbot: Any) -> None:
    rows = dock.generators.list
    qtbot.keyClicks(rows.search, "dim")
    qtbot.waitUntil(lambda: rows.keys() == ["test.dim"])
    qtbot.keyClicks(rows.search, " zzz")
    qtbot.waitUntil(lambda: rows.empty.isVisible())
    qtbot.mouseClick(rows.empty.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(rows.keys()) == 4)


def test_what_failed_is_grey_with_its_reason_and_cannot_be_dragged(
    dock: LibraryDock, session: Session, qtbot: Any
) -> None:
    rows = dock.generators.list
    row = rows.row("test.broken")
    assert row is not None and "nothing_of_this_name" in row.reason and "plugins page" in row.tip
    rows.select("test.broken")
    flags = rows.model.flags(rows.view.currentIndex())
    assert not flags & Qt.ItemFlag.ItemIsDragEnabled
    qtbot.keyClick(rows.view, Qt.Key.Key_Return)
    pumped(session, qtbot, lambda: any("cannot be used" in notice.text for notice in session.notices))
    assert not session.decks["A"].slots


def test_a_drag_carries_the_generator(dock: LibraryDock, session: Session) -> None:
    rows = dock.generators.list
    rows.select("test.dim")
    data = rows.model.mimeData([rows.view.currentIndex()])
    what = mime.read(data)
    assert what is not None and (what.kind, what.text) == (mime.GENERATOR, "test.dim")


def test_arrows_move_between_the_tabs(dock: LibraryDock, session: Session, qtbot: Any) -> None:
    dock.activateWindow()
    dock.tabs.buttons["generators"].setFocus()
    qtbot.waitUntil(dock.tabs.buttons["generators"].hasFocus)
    qtbot.keyClick(dock.tabs.buttons["generators"], Qt.Key.Key_Right)
    assert dock.stack.currentWidget() is dock.presets
    qtbot.mouseClick(dock.tabs.buttons["models"], Qt.MouseButton.LeftButton)
    assert dock.stack.currentWidget() is dock.models


# --- presets ----------------------------------------------------------------------------------------------------------


def saved(dock: LibraryDock, session: Session, qtbot: Any, name: str) -> str:
    """Save the present look through the button; returns the key."""
    dock.show_tab("presets")
    qtbot.mouseClick(dock.presets.keep, Qt.MouseButton.LeftButton)
    answer(qtbot, "Save", name)
    found: list[str] = []

    def look() -> bool:
        found[:] = [key for key, known in dock.store.known.items() if known.preset.name == name]
        return bool(found)

    pumped(session, qtbot, look)
    return found[0]


def test_a_look_is_saved_with_its_picture_and_applied_again(dock: LibraryDock, shade: Session, qtbot: Any) -> None:
    shade.set_value("A", 0, "level", 0.5)
    pumped(shade, qtbot, lambda: level(shade) == 128)
    key = saved(dock, shade, qtbot, "Half light")
    preset, report = load_preset(Path(key))
    assert preset.name == "Half light" and preset.params["level"] == 0.5 and not report
    pumped(shade, qtbot, lambda: key in dock.store.pictures)
    assert dock.store.pictures[key].pixelColor(50, 50).red() in range(120, 137)
    shade.set_value("A", 0, "level", 1.0)
    grid = dock.presets.grid
    spot = cell_spot(grid, key)
    qtbot.mouseClick(grid.view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    qtbot.mouseDClick(grid.view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    pumped(shade, qtbot, lambda: level(shade) == 128)
    assert shade.decks["A"].slots[0].preset == "half-light"
    shade.undo()
    pumped(shade, qtbot, lambda: level(shade) == 255)


def test_a_preset_brings_its_generator(dock: LibraryDock, shade: Session, qtbot: Any) -> None:
    shade.set_value("A", 0, "level", 0.25)
    key = saved(dock, shade, qtbot, "Dark")
    shade.clear_line("A")
    dock.refresh()
    assert not dock.presets.keep.isEnabled()
    dock.presets.grid.select(key)
    qtbot.keyClick(dock.presets.grid.view, Qt.Key.Key_Return)
    pumped(shade, qtbot, lambda: level(shade) == 64)


def test_rename_tag_search_duplicate_delete(dock: LibraryDock, shade: Session, qtbot: Any) -> None:
    key = saved(dock, shade, qtbot, "First")
    grid = dock.presets.grid
    rename(qtbot, grid, key, "Bright morning")
    pumped(shade, qtbot, lambda: load_preset(Path(key))[0].name == "Bright morning")
    dock.presets.ask_tags(key)
    answer(qtbot, "Save", "calm, white , calm")
    pumped(shade, qtbot, lambda: load_preset(Path(key))[0].tags[:2] == ["calm", "white"])
    dock.presets.ask_about(key)
    answer(qtbot, "Save", "Like snow")
    pumped(shade, qtbot, lambda: load_preset(Path(key))[0].about == "Like snow")
    copy = dock.store.duplicate(key)
    pumped(shade, qtbot, lambda: len(own_presets()) == 2 and len(dock.store.known) == 2)
    for words, count in (("snow", 2), ("calm copy", 1), ("shade", 2), ("purple", 0)):
        grid.search.clear()
        qtbot.keyClicks(grid.search, words)
        pumped(shade, qtbot, lambda count=count: len(grid.keys()) == count)
    grid.search.clear()
    dock.presets.ask_delete(str(copy))
    answer(qtbot, "Delete")
    pumped(shade, qtbot, lambda: own_presets() == [Path(key)] and grid.keys() == [key])


def test_scopes_show_one_generator_or_all(dock: LibraryDock, shade: Session, qtbot: Any) -> None:
    save_preset(own_folder() / "dim" / "a.json", Preset("test.dim", "A dim", {"by": 0.1}))
    key = saved(dock, shade, qtbot, "A shade")
    grid = dock.presets.grid
    pumped(shade, qtbot, lambda: grid.keys() == [key])  # those of what is selected, unless one wants all
    assert dock.presets.one.isChecked() and dock.presets.one.text() == "Shade"
    qtbot.mouseClick(dock.presets.every, Qt.MouseButton.LeftButton)
    assert len(grid.keys()) == 2
    shade.add_effect("A", "test.dim")
    pumped(shade, qtbot, lambda: dock.presets.one.text() == "Dim")
    assert len(grid.keys()) == 2  # the choice stays
    qtbot.mouseClick(dock.presets.one, Qt.MouseButton.LeftButton)
    assert [Path(found).stem for found in grid.keys()] == ["a"]


def test_a_name_that_is_taken_is_refused(dock: LibraryDock, shade: Session, qtbot: Any) -> None:
    saved(dock, shade, qtbot, "Mine")
    qtbot.mouseClick(dock.presets.keep, Qt.MouseButton.LeftButton)
    dialog = open_dialog(qtbot)
    field = dialog.findChild(QLineEdit)
    qtbot.keyClicks(field, "mine")
    button = next(b for b in dialog.findChildren(QPushButton) if b.text() == "Save")
    assert not button.isEnabled()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)


def test_presets_are_imported_and_exported(dock: LibraryDock, shade: Session, qtbot: Any, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.json"
    save_preset(foreign, Preset("test.shade", "Foreign", {"level": 0.1, "unknown": 3}))
    dock.show_tab("presets")
    grid = dock.presets.grid
    data = mime.files([foreign])
    middle = QPointF(grid.view.viewport().rect().center())
    event = QDropEvent(middle, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0))
    grid.view.dropEvent(event)
    pumped(shade, qtbot, lambda: len(own_presets()) == 1 and len(dock.store.known) == 1)
    assert json.loads(own_presets()[0].read_text())["params"]["unknown"] == 3  # nothing is lost
    key = str(own_presets()[0])
    dock.store.export_file(key, tmp_path / "again.json")
    pumped(shade, qtbot, lambda: (tmp_path / "again.json").exists())
    assert load_preset(tmp_path / "again.json")[0].name == "Foreign"
    (tmp_path / "bad.json").write_text("{")
    dock.presets.import_files([tmp_path / "bad.json"])
    pumped(shade, qtbot, lambda: any("bad.json" in notice.text for notice in shade.notices))
    assert len(own_presets()) == 1


def test_the_menu_has_what_can_be_done(dock: LibraryDock, shade: Session, qtbot: Any) -> None:
    key = saved(dock, shade, qtbot, "Mine")
    menu = QMenu()
    qtbot.addWidget(menu)
    dock.presets._menu([key], menu)
    texts = [action.text() for action in menu.actions() if action.isEnabled() and action.text()]
    for text in ("Apply", "Apply to Deck B", "Rename", "Tags …", "Duplicate", "Export …", "Delete"):
        assert text in texts
    next(action for action in menu.actions() if action.text() == "Apply to Deck B").trigger()
    pumped(shade, qtbot, lambda: level(shade, "B") == 255)


# --- snapshots --------------------------------------------------------------------------------------------------------


def test_snapshots_are_taken_recalled_renamed_tagged_deleted(
    dock: LibraryDock, shade: Session, qtbot: Any, tmp_path: Path
) -> None:
    dock.show_tab("snapshots")
    panel = dock.snapshots
    qtbot.mouseClick(panel.grid.empty.button, Qt.MouseButton.LeftButton)
    assert len(shade.snapshots) == 1 and shade.snapshots[0].picture.startswith(b"\xff\xd8")
    pumped(shade, qtbot, lambda: True)
    shade.set_value("A", 0, "level", 0.0)
    pumped(shade, qtbot, lambda: level(shade) == 0)
    qtbot.mouseClick(panel.take, Qt.MouseButton.LeftButton)
    assert len(panel.grid.keys()) == 2
    key = shade.snapshots[0].key
    spot = cell_spot(panel.grid, key)
    qtbot.mouseClick(panel.grid.view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    qtbot.mouseDClick(panel.grid.view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    pumped(shade, qtbot, lambda: level(shade) == 255)
    rename(qtbot, panel.grid, key, "Opening")
    panel.ask_tags(shade.snapshots[0])
    answer(qtbot, "Save", "white, start, white")
    pumped(shade, qtbot, lambda: shade.snapshots[0].tags == ["white", "start"])
    assert shade.snapshots[0].name == "Opening" and shade.modified
    qtbot.keyClicks(panel.grid.search, "start")
    qtbot.waitUntil(lambda: panel.grid.keys() == [key])
    panel.grid.search.clear()
    what = mime.read(panel.grid.model.make_mime([key]))
    assert what is not None and (what.kind, what.text) == (mime.SNAPSHOT, key)
    shade.save(tmp_path / "s.reverie")
    shade.new()
    shade.open(tmp_path / "s.reverie")
    pumped(shade, qtbot, lambda: len(panel.grid.keys()) == 2)
    assert shade.snapshots[0].name == "Opening" and shade.snapshots[0].tags == ["white", "start"]
    panel.ask_delete(shade.snapshots[0])
    answer(qtbot, "Delete")
    pumped(shade, qtbot, lambda: len(panel.grid.keys()) == 1)


# --- models -----------------------------------------------------------------------------------------------------------


def test_models_are_listed_and_imported_by_dropping(
    dock: LibraryDock, session: Session, qtbot: Any, tmp_path: Path
) -> None:
    dock.show_tab("models")
    pumped(session, qtbot, lambda: dock.models.models)
    house = next(model for model in dock.models.models.values() if model.name == "whitman")
    row = dock.models.list.row(str(house.path))
    assert row is not None and row.badge == "house" and "kB" in row.text
    file = tmp_path / "mine.safetensors"
    shutil.copy(paths.bundled("resources") / "models" / "whitman.safetensors", file)
    data = mime.files([file])
    middle = dock.models.rect().center()
    enter = QDragEnterEvent(middle, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0))
    dock.models.dragEnterEvent(enter)
    assert enter.isAccepted()
    dock.models.dropEvent(QDropEvent(QPointF(middle), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                                     Qt.KeyboardModifier(0)))
    job = session.jobs.jobs[0]
    pumped(session, qtbot, lambda: job.state == "done")
    pumped(session, qtbot, lambda: any(model.name == "mine" for model in dock.models.models.values()))


# --- files on the window ---------------------------------------------------------------------------------------------


class Window(QWidget):
    """What ``use_file`` needs of the main window."""

    def __init__(self, session: Session, dock: LibraryDock) -> None:
        super().__init__()
        self.session, self.library = session, dock
        self.trained: list[tuple[str, str]] = []
        self.opened: list[Path] = []
        self.files = self.own = self
        self.current: QWidget | None = None

    def show_selected(self) -> None:
        """Here no generator has a view of its own."""

    def open(self, path: Path) -> None:
        self.opened.append(path)

    def train(self, recipe: str, data: str) -> None:
        self.trained.append((recipe, data))


@pytest.fixture
def window(dock: LibraryDock, session: Session, qtbot: Any) -> Window:
    made = Window(session, dock)
    qtbot.addWidget(made)
    return made


def test_the_frame_is_saved_with_one_call_and_comes_back_by_dropping(
    window: Window, shade: Session, qtbot: Any, tmp_path: Path
) -> None:
    shade.set_value("A", 0, "level", 0.25)
    pumped(shade, qtbot, lambda: level(shade) == 64)
    save_frame(shade)
    pumped(shade, qtbot, lambda: any("Saved " in notice.text for notice in shade.notices))
    (path,) = (tmp_path / "out").iterdir()
    assert any(path.name in notice.text for notice in shade.notices)
    assert read_recipe(path)["stages"][0]["params"]["level"] == 0.25
    shade.set_value("A", 0, "level", 1.0)
    pumped(shade, qtbot, lambda: level(shade) == 255)
    use_file(window, path, "A")
    pumped(shade, qtbot, lambda: level(shade) == 64)
    use_file(window, path, "B")
    pumped(shade, qtbot, lambda: level(shade, "B") == 64)
    shade.set_value("A", 0, "level", 1.0)
    restore_from_file(shade, path, window)
    pumped(shade, qtbot, lambda: sum("is back" in notice.text for notice in shade.notices) == 3)


def test_every_kind_of_file_has_its_meaning(window: Window, shade: Session, qtbot: Any, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8), (200, 0, 0)).save(tmp_path / "p.png")
    use_file(window, tmp_path / "p.png", "A")  # Shade takes no picture
    pumped(shade, qtbot, lambda: any("was not used" in notice.text and notice.cure for notice in shade.notices))
    use_file(window, tmp_path / "p.png", "B")  # an empty deck: through the effect that is there
    pumped(shade, qtbot, lambda: level(shade, "B") == 100)
    shade.save(tmp_path / "s.reverie")
    use_file(window, tmp_path / "s.reverie")
    pumped(shade, qtbot, lambda: window.opened == [tmp_path / "s.reverie"])
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.new("RGB", (8, 8)).save(pictures / "1.jpg")
    use_file(window, pictures)
    pumped(shade, qtbot, lambda: window.trained == [("gan", str(pictures))])
    save_preset(tmp_path / "x.json", Preset("test.shade", "Dropped", {"level": 0.5}))
    use_file(window, tmp_path / "x.json")
    pumped(shade, qtbot, lambda: any(known.preset.name == "Dropped" for known in window.library.store.known.values()))
    (tmp_path / "x.xyz").write_text("?")
    use_file(window, tmp_path / "x.xyz")
    pumped(shade, qtbot, lambda: any("x.xyz is of a kind" in notice.text for notice in shade.notices))
    use_file(window, tmp_path / "gone.png")
    pumped(shade, qtbot, lambda: any("no such file" in notice.text for notice in shade.notices))


def test_saving_a_frame_of_nothing_says_so(session: Session, qtbot: Any) -> None:
    save_frame(session)
    pumped(session, qtbot, lambda: any("No frame was saved" in notice.text for notice in session.notices))


def test_the_dock_leaves_nothing_behind(session: Session, qtbot: Any) -> None:
    def listeners() -> int:
        return sum(len(found) for found in session.events._callbacks.values())

    before = listeners()
    for _ in range(5):
        made = LibraryDock(session)
        made.show()
        pumped(session, qtbot, lambda made=made: made.store.loaded)
        made.close()
        made.deleteLater()
        del made
        qtbot.waitUntil(lambda: listeners() == before)
