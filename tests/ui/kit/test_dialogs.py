"""Questions that never block: they open, and call back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QLabel, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from studio.ui.kit import ask, ask_text, folders, pick_file, pick_folder

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def host(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(500, 300)
    made.show()
    qtbot.waitExposed(made)
    return made


def press(qtbot: QtBot, dialog: QDialog, label: str) -> None:
    found = [one for one in dialog.findChildren(QPushButton) if one.text() == label]
    qtbot.mouseClick(found[0], LEFT)


def test_answer_is_the_label(qtbot: QtBot, host: QWidget) -> None:
    answers: list[str | None] = []
    dialog = ask(host, "Save first?", "The session has changes.", ["Discard", "Cancel", "Save"], answers.append)
    assert dialog.isVisible() and answers == []  # it came back at once
    press(qtbot, dialog, "Discard")
    assert answers == ["Discard"]
    qtbot.waitUntil(lambda: not host.findChildren(QDialog))


def test_enter_takes_the_main_button_and_escape_none(qtbot: QtBot, host: QWidget) -> None:
    answers: list[str | None] = []
    qtbot.keyClick(ask(host, "Save first?", "", ["Discard", "Save"], answers.append), Qt.Key.Key_Return)
    qtbot.keyClick(ask(host, "Save first?", "", ["Discard", "Save"], answers.append), Qt.Key.Key_Escape)
    assert answers == ["Save", None]


def test_enter_never_destroys(qtbot: QtBot, host: QWidget) -> None:
    answers: list[str | None] = []
    dialog = ask(host, "Delete it?", "", ["Cancel", "Delete"], answers.append, danger="Delete")
    red = next(one for one in dialog.findChildren(QPushButton) if one.text() == "Delete")
    assert red.property("role") == "danger" and not red.isDefault()
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert answers == ["Cancel"]
    dialog = ask(host, "Delete it?", "", ["Cancel", "Delete"], answers.append, danger="Delete")
    press(qtbot, dialog, "Delete")
    assert answers == ["Cancel", "Delete"]


def test_long_words_are_shown_whole(qtbot: QtBot, host: QWidget) -> None:
    dialog = ask(host, "Geschwindigkeitsbegrenzungseinstellungen " * 3, "Ein langer Satz. " * 30, ["Abbrechen", "Gut"])
    QApplication.processEvents()
    for label in dialog.findChildren(QLabel):
        if label.text():
            assert label.height() >= label.heightForWidth(label.width())
    assert all(dialog.rect().contains(one.geometry()) for one in dialog.findChildren(QPushButton))
    dialog.reject()


def test_text_is_checked_while_it_is_typed(qtbot: QtBot, host: QWidget) -> None:
    answers: list[str] = []
    dialog = ask_text(
        host, "Rename", "Name", "Orchid", answers.append,
        check=lambda name: "There is a preset of this name." if name == "Lily" else "",
    )
    field = dialog.findChild(QLineEdit)
    good = next(one for one in dialog.findChildren(QPushButton) if one.text() == "OK")
    assert isinstance(field, QLineEdit) and field.selectedText() == "Orchid"
    for text, allowed in (("Lily", False), ("  ", False), ("Lily 2", True)):
        field.selectAll()
        qtbot.keyClicks(field, text)
        assert good.isEnabled() == allowed
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert answers == ["Lily 2"]


def test_what_is_wrong_with_a_text_takes_no_room_from_the_words(qtbot: QtBot, host: QWidget) -> None:
    dialog = ask_text(
        host, "New plugin", "Name", "", lambda _: None, text="A folder with a small generator that runs at once.",
        check=lambda name: "Lower-case letters, digits and _ only, beginning with a letter. " * 3,
    )
    qtbot.waitExposed(dialog)
    field = dialog.findChild(QLineEdit)
    assert isinstance(field, QLineEdit)
    qtbot.keyClicks(field, "My waves")
    labels = [one for one in dialog.findChildren(QLabel) if one.text()]
    assert len(labels) == 3
    qtbot.waitUntil(lambda: all(one.height() >= one.heightForWidth(one.width()) for one in labels))
    dialog.reject()


def test_cancelled_text_is_no_answer(qtbot: QtBot, host: QWidget) -> None:
    answers: list[str] = []
    press(qtbot, ask_text(host, "Rename", "Name", "Orchid", answers.append), "Cancel")
    qtbot.waitUntil(lambda: not host.findChildren(QDialog))
    assert answers == []


def test_file_is_picked(qtbot: QtBot, host: QWidget, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    picked: list[Path] = []
    dialog = pick_file(host, "Open", picked.append, folder=tmp_path, kinds=[("Pictures", ("*.png", "*.jpg"))])
    assert dialog.isVisible() and dialog.nameFilters() == ["Pictures (*.png *.jpg)"]
    dialog.selectFile("a.png")
    dialog.accept()
    assert picked == [tmp_path / "a.png"]


def test_new_file_gets_the_ending(qtbot: QtBot, host: QWidget, tmp_path: Path) -> None:
    picked: list[Path] = []
    kinds = [("GIF", ("*.gif",))]
    dialog = pick_file(host, "Save", picked.append, folder=tmp_path, kinds=kinds, save=True, name="film")
    dialog.accept()
    assert picked == [tmp_path / "film.gif"]


def test_folder_is_picked_and_escape_is_silent(qtbot: QtBot, host: QWidget, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    picked: list[Path] = []
    dialog = pick_folder(host, "Folder", picked.append, folder=tmp_path)
    dialog.selectFile(str(tmp_path / "pictures"))
    dialog.accept()
    assert picked == [tmp_path / "pictures"]
    dialog = pick_folder(host, "Folder", picked.append, folder=tmp_path)
    assert isinstance(dialog, QFileDialog)
    dialog.reject()
    assert len(picked) == 1
    qtbot.waitUntil(lambda: not host.findChildren(QDialog))


def choose(dialog: QFileDialog, path: Path) -> None:
    dialog.setDirectory(str(path.parent))
    dialog.selectFile(path.name)
    dialog.accept()


def opens_in(dialog: QFileDialog) -> Path:
    folder = Path(dialog.directory().absolutePath())
    dialog.reject()
    return folder


def test_dialogs_open_where_the_last_file_of_the_kind_was(
    host: QWidget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    exports, songs = tmp_path / "exports", tmp_path / "songs"
    exports.mkdir()
    songs.mkdir()
    monkeypatch.setattr(folders, "_default", lambda: exports)
    midi, pictures = [("MIDI", ("*.mid",))], [("Pictures", ("*.png",))]
    picked: list[Path] = []
    first = pick_file(host, "Save", picked.append, kinds=midi, save=True, name="played.mid")
    assert Path(first.directory().absolutePath()) == exports, "not in the folder of the program"
    choose(first, songs / "one.mid")
    assert picked == [songs / "one.mid"]
    assert opens_in(pick_file(host, "Save", picked.append, kinds=midi, save=True)) == songs
    assert opens_in(pick_file(host, "Open", picked.append, kinds=pictures)) == exports
    assert opens_in(pick_file(host, "Open", picked.append, kinds=midi, folder=tmp_path)) == tmp_path
    songs.rmdir()
    assert opens_in(pick_file(host, "Save", picked.append, kinds=midi, save=True)) == exports
    exports.rmdir()
    assert opens_in(pick_file(host, "Save", picked.append, kinds=midi, save=True)) == tmp_path


def test_a_spoilt_list_of_folders_is_no_reason_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(folders, "_default", lambda: tmp_path)
    folders.remember("MIDI", tmp_path)
    (found,) = (tmp_path / "home").rglob("folders.json")
    found.write_text("{no")
    assert folders.start("MIDI") == tmp_path
    found.write_text('{"MIDI": 3, "Text": "relative"}')
    assert folders.start("MIDI") == tmp_path and folders.start("Text") == tmp_path
    folders.remember("Text", Path("relative"))
    for number in range(120):
        folders.remember(f"kind {number}", tmp_path)
    assert found.stat().st_size < 20_000
