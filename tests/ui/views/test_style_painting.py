"""The style painting's view: slots, swatches, progress, beginning anew; with the real optimiser at work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import stage_stand as stand
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.session.session import Session
from studio.ui.views.style import PaintingView


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    made = stand.real_session("style_painting")
    content = str(stand.picture(tmp_path / "content.png"))
    params = {"size": 64, "steps": 400, "preview": 1, "levels": 1, "content": content}
    made.load("A", "reverie.style_painting", params=params)
    yield made
    stand.close(made)


@pytest.fixture
def view(session: Session, qtbot: QtBot) -> Iterator[PaintingView]:
    made = PaintingView(session, "A", 0)
    qtbot.addWidget(made)
    made.resize(900, 300)
    made.show()
    stand.wait(qtbot, session, made, lambda: made.picture.frame() is not None)
    yield made
    made.close_view()


def value(session: Session, name: str) -> object:
    stage = session.decks["A"].slots[0].stage
    assert stage is not None
    return stage.values[name]


def test_the_painting_grows_with_its_progress(qtbot: QtBot, session: Session, view: PaintingView) -> None:
    stand.wait(qtbot, session, view, lambda: "of 400" in view.words.full())
    first = view.picture.frame()
    stand.wait(qtbot, session, view, lambda: view.picture.frame() is not first and view.progress.value() > 0)
    assert view.picture.compares()  # the picture that is painted lies beside it
    session.set_value("A", 0, "steps", 2)
    stand.wait(qtbot, session, view, lambda: view.words.full() == "Finished after 2 steps")
    assert view.progress.value() == 1000


def test_own_pictures_are_dropped_into_the_slots(
    qtbot: QtBot, session: Session, view: PaintingView, tmp_path: Path
) -> None:
    path = stand.picture(tmp_path / "style.png", (10, 40, 220))
    assert stand.drop(view.style_slot, path)
    assert value(session, "own_style") == str(path)
    stand.wait(qtbot, session, view, lambda: view.style_slot.image() is not None)
    view.style_slot.setFocus()
    QTest.keyClick(view.style_slot, Qt.Key.Key_Delete)
    assert value(session, "own_style") == ""
    session.undo()
    stand.wait(qtbot, session, view, lambda: view.style_slot.path() == str(path))


def test_a_broken_picture_is_a_sentence_in_its_slot(
    qtbot: QtBot, session: Session, view: PaintingView, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff broken")
    stand.drop(view.content, broken)
    stand.wait(qtbot, session, view, lambda: "broken.jpg" in view.content.fault())


def test_swatches_choose_and_blend(qtbot: QtBot, session: Session, view: PaintingView) -> None:
    names = [tile.key for tile in view.swatches.tiles()]
    stand.wait(qtbot, session, view, lambda: view.swatches.picture(names[-1]) is not None)
    stand.click(view.swatches, view.swatches.tile_rect(names.index("ink")).center())
    assert (value(session, "style"), value(session, "blend")) == ("ink", 0.0)
    shift = Qt.KeyboardModifier.ShiftModifier
    stand.click(view.swatches, view.swatches.tile_rect(names.index("glass")).center(), shift)
    assert (value(session, "second"), value(session, "blend")) == ("glass", 0.5)
    stand.wait(qtbot, session, view, view.second_slot.isVisible)
    QTest.mouseClick(view.mix.swap, Qt.MouseButton.LeftButton)
    assert (value(session, "style"), value(session, "second")) == ("glass", "ink")


def test_a_change_begins_an_unfinished_painting_anew(qtbot: QtBot, session: Session, view: PaintingView) -> None:
    stand.wait(qtbot, session, view, lambda: view.progress.value() > 0)
    details = session.decks["A"].details
    began = details(0)["progress"]["spent"]
    stand.click(view.swatches, view.swatches.tile_rect(1).center())
    # the time of the new one begins at nothing
    stand.wait(qtbot, session, view, lambda: details(0)["progress"]["spent"] < began)
