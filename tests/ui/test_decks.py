"""Decks: chips, drag and drop, crossfader, states."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QPainter
from PySide6.QtWidgets import QApplication

from studio.session.session import Session
from studio.ui.decks import DecksPanel
from studio.ui.decks.chain_strip import CHIP
from studio.ui.kit import mime
from studio.ui.kit.small import Badge
from studio.ui.programme import Programme
from tests.ui.stand import level, pumped


@pytest.fixture
def panel(session: Session, qtbot: Any) -> DecksPanel:
    made = DecksPanel(session, Programme(session))
    qtbot.addWidget(made)
    made.resize(1000, 320)
    made.show()
    return made


def drop(widget: Any, data: QMimeData, at: QPoint) -> None:
    """What Qt does at the end of a drag."""
    enter = QDragEnterEvent(at, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                            Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(widget, enter)
    assert enter.isAccepted()
    event = QDropEvent(QPointF(at), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                       Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(widget, event)


def test_dropping_generators_builds_a_chain(session: Session, panel: DecksPanel, qtbot: Any) -> None:
    strip = panel.tiles["A"].strip
    drop(strip, mime.make(mime.GENERATOR, "test.shade"), QPoint(2, 5))
    pumped(session, qtbot, lambda: level(session) == 255)
    drop(strip, mime.make(mime.GENERATOR, "test.dim"), QPoint(strip.width() - 2, 5))
    pumped(session, qtbot, lambda: level(session) == 128)
    assert [chip.slot_.generator for chip in strip.chips] == ["test.shade", "test.dim"]
    drop(strip, mime.make(mime.GENERATOR, "test.dim"), QPoint(strip.width() - 2, 5))
    pumped(session, qtbot, lambda: level(session) == 64)


def test_keys_on_a_chip(session: Session, panel: DecksPanel, qtbot: Any) -> None:
    session.load("A", "test.shade")
    session.add_effect("A", "test.dim")
    pumped(session, qtbot, lambda: level(session) == 128)
    strip = panel.tiles["A"].strip
    qtbot.mouseClick(strip.chips[1], Qt.MouseButton.LeftButton)
    assert session.selection == ("A", 1)
    qtbot.keyClick(strip.chips[1], Qt.Key.Key_B)
    pumped(session, qtbot, lambda: level(session) == 255)
    assert session.decks["A"].slots[1].bypass
    qtbot.keyClick(strip.chips[1], Qt.Key.Key_Delete)
    pumped(session, qtbot, lambda: len(strip.chips) == 1)
    session.undo()
    pumped(session, qtbot, lambda: len(strip.chips) == 2)


def test_a_chip_is_dragged_to_another_place(session: Session, panel: DecksPanel, qtbot: Any) -> None:
    session.load("A", "test.shade")
    session.add_effect("A", "test.dim", params={"by": 0.25})
    session.add_effect("A", "test.dim", params={"by": 1.0})
    pumped(session, qtbot, lambda: level(session) == 64 and len(panel.tiles["A"].strip.chips) == 3)
    strip = panel.tiles["A"].strip
    pumped(session, qtbot, lambda: strip.chips[2].x() > strip.chips[1].x() > strip.chips[0].x())  # they are laid out
    data = QMimeData()
    data.setData(CHIP, b"A:2")
    drop(strip, data, QPoint(strip.chips[1].x() + 2, 5))
    session.pump()
    assert [slot.stage.values["by"] for slot in session.decks["A"].slots[1:] if slot.stage] == [1.0, 0.25]
    data.setData(CHIP, b"A:0")  # a source cannot follow another generator
    drop(strip, data, QPoint(strip.chips[2].geometry().right() + 30, 5))
    session.pump()
    assert [slot.generator for slot in session.decks["A"].slots] == ["test.shade", "test.dim", "test.dim"]


def test_the_crossfader_mixes_exactly(session: Session, panel: DecksPanel, qtbot: Any) -> None:
    session.load("A", "test.shade", params={"level": 1.0})
    session.load("B", "test.shade", params={"level": 0.0})
    pumped(session, qtbot, lambda: level(session) == 255 and level(session, "B") == 0)
    programme = Programme(session)
    for share, wanted in ((0.0, 255), (0.5, 127), (0.75, 64), (1.0, 0)):
        session.set_crossfade(share)
        session.pump()
        programme.refresh()
        grey = programme.picture(64, 48).pixelColor(32, 24).red()
        assert abs(grey - wanted) <= 1, share


def test_dragging_the_crossfader_is_one_step_back(session: Session, panel: DecksPanel, qtbot: Any) -> None:
    slider = panel.crossfader
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=QPoint(slider.width() // 4, slider.height() // 2))
    for part in (0.4, 0.6, 0.8):
        qtbot.mouseMove(slider, QPoint(round(slider.width() * part), slider.height() // 2))
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(round(slider.width() * 0.8), 5))
    session.pump()
    assert session.mix.crossfade > 0.6
    session.undo()
    assert session.mix.crossfade == 0.0


def test_a_timed_fade(session: Session, panel: DecksPanel, qtbot: Any) -> None:
    session.mix.set("fade_length", 0.3)
    qtbot.mouseClick(panel.to_b, Qt.MouseButton.LeftButton)
    pumped(session, qtbot, lambda: 0.0 < session.mix.crossfade < 1.0)
    pumped(session, qtbot, lambda: session.mix.crossfade == 1.0 and not session.fades.active)
    session.pump()
    assert panel.share.text() == "B 100 %" and panel.crossfader.norm() == 1.0
    session.undo()
    assert session.mix.crossfade == 0.0


def test_a_failing_deck_says_so_and_restarts_with_a_click(session: Session, panel: DecksPanel, qtbot: Any) -> None:
    session.load("A", "test.shade", params={"level": 1.0})
    pumped(session, qtbot, lambda: level(session) == 255)
    session.set_value("A", 0, "broken", True)
    pumped(session, qtbot, lambda: session.decks["A"].state == "paused")
    tile = panel.tiles["A"]
    tile.refresh()
    tile.slow_refresh()
    assert tile.view.state() == "failed" and tile.view.frame() is not None
    assert "broken on purpose" in tile.view.accessibleDescription()
    session.set_value("A", 0, "broken", False)
    tile.view.activated.emit()
    pumped(session, qtbot, lambda: session.decks["A"].state == "running")


@pytest.mark.parametrize(("switch", "wanted"), [("blackout", 0), ("freeze", 255), ("safe", None)])
def test_the_panic_row_works_on_a_hung_deck(
    session: Session, panel: DecksPanel, qtbot: Any, switch: str, wanted: int | None
) -> None:
    session.load("A", "test.shade", params={"level": 1.0})
    pumped(session, qtbot, lambda: level(session) == 255)
    programme = Programme(session)
    programme.refresh()
    session.mix.set(switch, True)
    session.pump()
    session.set_value("A", 0, "level", 0.0)
    pumped(session, qtbot, lambda: level(session) == 0)
    programme.refresh()
    image = QImage(64, 48, QImage.Format.Format_RGB888)
    painter = QPainter(image)
    programme.paint(painter, image.rect().toRectF())
    painter.end()
    grey = image.pixelColor(32, 24)
    assert grey.red() == wanted if wanted is not None else 0 < grey.lightness() < 90


def test_the_menu_of_a_deck_says_what_is_replaced_and_what_is_added(
    session: Session, panel: DecksPanel, qtbot: Any
) -> None:
    def headings() -> list[str]:
        return [action.text() for action in panel.menu_for(session.decks["A"]).actions()
                if not action.isEnabled() and not action.isSeparator() and action.icon().isNull()]

    assert headings() == ["Generators", "Effects, on the input"]
    session.load("A", "test.shade")
    qtbot.waitUntil(lambda: bool(session.decks["A"].slots))
    assert headings() == [f"Instead of {session.decks['A'].slots[0].title}", "Effects to add"]


def test_a_deck_that_gives_way_says_what_and_why_to_the_operator(
    session: Session, panel: DecksPanel, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.load("A", "test.shade")
    pumped(session, qtbot, lambda: level(session) == 255)
    tile, worker = panel.tiles["A"], session.decks["A"].worker
    worker.ladder.pace.useless.add("precision")  # whether there is that rung depends on torch being in use
    for _ in range(2):
        worker.ladder.pace.place += 1
        worker.ladder.pace.why = "too slow for this machine: 7 of 30 pictures a second"
    tile.slow_refresh()
    assert tile.badge.text() == "50 %" and not tile.badge.isHidden()
    assert tile.badge.toolTip().startswith("Too slow for this machine: 7 of 30 pictures a second.\nGoing on with 50 %")
    worker.ladder.pace.place += 1
    tile.slow_refresh()
    assert tile.badge.text() == "½ fps"  # short: it stands on a narrow deck
    session.set_degrades("A", False)
    session.pump()
    assert tile.badge.text() == "" and tile.badge.isHidden() and session.decks["A"].extra["degrade"] is False
    session.set_degrades("A", True)
    assert session.decks["A"].degrades and "degrade" not in session.decks["A"].extra


def test_a_fault_does_not_widen_its_deck(panel: DecksPanel, session: Session, qtbot: Any) -> None:
    tile = panel.tiles["A"]
    session.load("A", "test.shade")
    pumped(session, qtbot, lambda: level(session) > 0)
    tile.slow_refresh()
    assert tile.badge.text() == ""
    row = tile.layout().itemAt(0).layout()  # the picture below it is wider than any word
    before, gap = row.minimumSize().width(), row.spacing()
    tile.badge.set("STOPPED BY A FAULT", "danger")
    tile.badge.show()
    assert tile.badge.sizeHint().width() > 4 * gap
    assert row.minimumSize().width() == before + gap  # the gap beside it, not the word
    tile.badge.resize(60, tile.badge.height())
    assert not tile.badge.grab().isNull()


@pytest.mark.parametrize("state", ["failed", "paused", "hung", "absent", "stopped", "finished"])
def test_the_word_for_a_state_has_room_beside_the_title_of_a_narrow_deck(state: str) -> None:
    from studio.ui.decks.tile import _badge

    assert 0 < len(_badge(state, "")[0]) <= 6


@pytest.mark.parametrize("word", ["loading", "LOADING", "FAULT", "STOPPED", "MISSING", "HANGS"])
def test_a_badge_with_room_shows_its_whole_word(qtbot: Any, word: str) -> None:
    plain, tight = Badge(word, "dim"), Badge(word, "dim", gives_way=True)
    for badge in (plain, tight):
        qtbot.addWidget(badge)
        badge.resize(badge.sizeHint())
    tight.resize(tight.width() - 1, tight.height())
    whole = plain.grab().toImage()
    plain.resize(plain.width() + 40, plain.height())
    roomy = plain.grab().toImage().copy(0, 0, whole.width(), whole.height())
    assert whole == roomy and tight.grab().toImage() != whole.copy(0, 0, whole.width() - 1, whole.height())
