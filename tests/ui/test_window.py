"""The main window: pages, keys, layouts, first look, closing, faults."""

from __future__ import annotations

import gc
import sys
import threading
from typing import Any

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QDialog, QLineEdit, QTabBar

from studio.engine.threads import running
from studio.session.session import Session
from studio.ui import layouts, theme
from studio.ui.actions import Palette, ShortcutsDialog
from studio.ui.faults import Faults
from studio.ui.kit import SearchField
from studio.ui.rail import PAGES
from studio.ui.window import MainWindow
from tests.ui.stand import level


def test_every_page_opens_and_has_names_for_its_controls(window: MainWindow, qtbot: Any) -> None:
    for name, _, _, _ in PAGES:
        page = window.show_page(name)
        assert window.stack.currentWidget() is page
        qtbot.wait(1)
        QApplication.processEvents()
        nameless = [
            widget for widget in page.findChildren(QAbstractButton)
            if widget.isVisibleTo(page) and not (widget.text() or widget.accessibleName() or widget.toolTip())
            and not widget.objectName().startswith("qt_")
            and not isinstance(widget.parent(), (QTabBar, QLineEdit))  # their own small parts
        ]
        assert not nameless, f"{name}: {[(found, found.parent()) for found in nameless]}"


def test_the_play_button_is_lit_while_something_runs(window: MainWindow, session: Session, qtbot: Any) -> None:
    play, stop, left = window.transport.play, window.transport.stop, Qt.MouseButton.LeftButton

    def accents() -> int:
        shown = play.grab().toImage()
        want = theme.color("accent")
        near = (shown.pixelColor(x, y) for x in range(shown.width()) for y in range(shown.height()))
        return sum(abs(c.red() - want.red()) + abs(c.green() - want.green()) + abs(c.blue() - want.blue()) < 60
                   for c in near)

    window.setFocus()
    window.transport.refresh()
    assert not play.isChecked()
    qtbot.mouseClick(play, left)
    assert not play.isChecked(), "there is nothing to run"
    window.setFocus()
    dark = accents()
    session.load("A", "test.shade")
    qtbot.waitUntil(lambda: level(session) == 255 and play.isChecked(), timeout=20_000)
    assert accents() > dark + 20
    qtbot.mouseClick(play, left)
    assert play.isChecked(), "a click on what runs leaves it lit"
    qtbot.mouseClick(stop, left)
    qtbot.waitUntil(lambda: not play.isChecked(), timeout=20_000)
    qtbot.mouseClick(play, left)
    qtbot.waitUntil(lambda: play.isChecked(), timeout=20_000)


def test_keys_do_what_the_menus_say(window: MainWindow, session: Session, qtbot: Any) -> None:
    session.load("A", "test.shade")
    qtbot.waitUntil(lambda: level(session) == 255, timeout=20_000)
    window.setFocus()
    for key, name in ((Qt.Key.Key_F10, "blackout"), (Qt.Key.Key_F11, "freeze"), (Qt.Key.Key_F12, "safe")):
        qtbot.keyClick(window, key)
        assert getattr(session.mix, name)
        qtbot.keyClick(window, key)
        assert not getattr(session.mix, name)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert session.decks["A"].stopped
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert not session.decks["A"].stopped
    session.set_value("A", 0, "level", 0.0)
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.decks["A"].stages()[0].values["level"] == 1.0
    qtbot.keyClick(window, Qt.Key.Key_F5)
    assert len(session.snapshots) == 1 and session.snapshots[0].picture[:2] == b"\xff\xd8"


def test_the_palette_opens_from_a_search_field(window: MainWindow, qtbot: Any) -> None:
    field = window.library.findChild(SearchField)
    assert field is not None
    field.setFocus()
    qtbot.keyClicks(field, "wave")
    qtbot.keyClick(field, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: window.findChild(Palette) is not None, timeout=20_000)
    assert field.text() == "wave"


def test_going_back_says_what_it_did_or_why_not(window: MainWindow, session: Session, qtbot: Any) -> None:
    session.history.clear()  # as in the first instant
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(window, Qt.Key.Key_Backspace, both)
    qtbot.waitUntil(lambda: any("Nothing is known" in n.text for n in session.notices), timeout=20_000)
    session.history.sample()
    qtbot.keyClick(window, Qt.Key.Key_Backspace, both)
    qtbot.waitUntil(lambda: any("as it was a minute ago" in n.text for n in session.notices), timeout=20_000)
    assert "Ctrl+Z" in session.notices[-1].cure and session.history.undo_label == "Back 60 seconds"


def test_space_in_a_field_is_a_space(window: MainWindow, session: Session, qtbot: Any) -> None:
    session.load("A", "test.shade")
    qtbot.waitUntil(lambda: level(session) == 255, timeout=20_000)
    field = window.library.findChild(QLineEdit)
    assert field is not None
    field.setFocus()
    qtbot.keyClicks(field, "a t")
    assert field.text() == "a t" and not session.decks["A"].stopped


def test_question_mark_lists_the_shortcuts_and_the_palette_finds_them(window: MainWindow, qtbot: Any) -> None:
    window.setFocus()
    qtbot.keyClicks(window, "?")
    dialog = window.findChild(ShortcutsDialog)
    assert dialog is not None and dialog.isVisible()
    dialog.accept()
    dialog.deleteLater()
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = window.findChild(Palette)
    assert palette is not None
    qtbot.keyClicks(palette.field, "no such thing")
    assert palette.none.isVisible() and not palette.list.isVisible()
    palette.field.clear()
    qtbot.keyClicks(palette.field, "preset")
    assert "preset" in palette.list.currentIndex().data() and not palette.none.isVisible()
    palette.field.clear()
    qtbot.keyClicks(palette.field, "blackout")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert window.session.mix.blackout


def test_the_palette_puts_a_generator_on_a_deck_and_its_view_takes_the_place_of_the_first_page(
    window: MainWindow, session: Session, qtbot: Any,
) -> None:
    session.load("A", "test.shade")
    window.welcome()
    qtbot.wait(0)
    assert window.own.welcome is not None  # what was there before leaves the first page alone
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = window.findChild(Palette)
    assert palette is not None
    title = session.decks["A"].slots[0].title
    qtbot.keyClicks(palette.field, f"{title} deck b")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: [slot.generator for slot in session.decks["B"].slots] == ["test.shade"], timeout=20_000)
    qtbot.waitUntil(lambda: window.own.welcome is None, timeout=20_000)


def test_every_action_has_a_tip_and_no_two_share_a_key(window: MainWindow) -> None:
    seen: dict[str, str] = {}
    for group, action in window.actions_.all():
        assert action.toolTip(), f"{group}: {action.text()}"
        for keys in action.shortcuts():
            text = keys.toString()
            assert text not in seen, f"{text} is used by {seen[text]} and {action.text()}"
            seen[text] = action.text()


def test_layouts_and_docks(window: MainWindow, qtbot: Any) -> None:
    window.layout_as(layouts.PERFORM)
    assert not window.docks["library"].isVisible() and window.docks["inspector"].isVisible()
    window.layout_as(layouts.EXPLORE)
    assert window.docks["library"].isVisible()
    qtbot.keyClick(window, Qt.Key.Key_F6)
    assert not window.docks["library"].isVisible()
    window.save_places()
    other = MainWindow(window.session)
    other.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)
    other._closing = True
    qtbot.addWidget(other)
    other.show()
    assert not other.docks["library"].isVisible()
    other.close()


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (3840, 2160)])
def test_nothing_is_wider_than_the_window(
    window: MainWindow, session: Session, qtbot: Any, size: tuple[int, int]
) -> None:
    session.load("A", "test.shade")
    qtbot.waitUntil(lambda: level(session) == 255, timeout=20_000)
    window.resize(*size)
    for name, _, _, _ in PAGES:
        window.show_page(name)
        QApplication.processEvents()
        assert (window.width(), window.height()) == size, f"{name} forces the window to be larger"


def test_a_view_is_made_and_dropped_with_its_generator(window: MainWindow, session: Session, qtbot: Any) -> None:
    session.load("A", "test.shade")
    qtbot.waitUntil(lambda: len(window.own._views) == 1, timeout=20_000)
    session.clear_line("A")
    qtbot.waitUntil(lambda: not window.own._views, timeout=5_000)


def test_players_have_tabs(window: MainWindow, session: Session, qtbot: Any) -> None:
    player = session.add_player()
    session.load(player.name, "test.count")
    qtbot.waitUntil(lambda: window.own.tabs.count() == 3 and "Count" in window.own.tabs.tabText(2), timeout=20_000)
    assert session.selection[0] == player.name
    window.own.tabs.setCurrentIndex(0)
    qtbot.waitUntil(lambda: session.selection[0] == "A")
    session.remove_player(player.name)
    qtbot.waitUntil(lambda: window.own.tabs.count() == 2)


def test_uncaught_errors_become_one_notice(window: MainWindow, session: Session, qtbot: Any) -> None:
    faults = Faults(session)
    try:
        for _ in range(3):
            try:
                raise RuntimeError("on purpose")
            except RuntimeError as error:
                sys.excepthook(type(error), error, error.__traceback__)
        thread = threading.Thread(target=lambda: 1 / 0, name="worker")
        thread.start()
        thread.join()
    finally:
        faults.remove()
    qtbot.waitUntil(lambda: len([n for n in session.notices if "fault" in n.text]) == 2)
    assert "on purpose" in session.notices[-2].text and "worker" in session.notices[-1].text


def test_closing_asks_while_a_job_runs(window: MainWindow, session: Session, qtbot: Any) -> None:
    go = threading.Event()
    session.jobs.run("a long export", lambda job: go.wait(20))
    window._closing = False
    window.close()
    assert window.isVisible()
    dialogs = [w for w in QApplication.topLevelWidgets() if w.isVisible() and w is not window and w.isWindow()]
    assert dialogs, "nothing was asked"
    go.set()
    for dialog in dialogs:
        dialog.close()
    window._closing = True


def test_fifty_windows_leave_nothing_behind(session: Session, qtbot: Any) -> None:
    def census() -> tuple[int, int]:
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()
        return len(QApplication.allWidgets()), threading.active_count()

    def one() -> None:
        window = MainWindow(session)
        window.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)
        window._closing = True
        window.show()
        QApplication.processEvents()
        window.close()
        window.deleteLater()

    one()
    before = census()
    for _ in range(50):
        one()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qtbot.waitUntil(lambda: not any("background" in thread.name for thread in running()), timeout=20_000)
    after = census()
    assert after[0] <= before[0] + 5 and after[1] <= before[1]
    assert running() == [] or all("autosave" in thread.name for thread in running())
    callbacks = {kind: len(found) for kind, found in session.events._callbacks.items()}
    assert max(callbacks.values()) < 30, callbacks


def test_a_way_in_is_taken_by_keys_alone(window: MainWindow, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    monkeypatch.setattr("studio.ui.window.take_way", lambda session, key: taken.append(key))
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_F1)
    page = window.own.welcome
    assert page is not None and page.cards[0].hasFocus()
    qtbot.keyClick(page.cards[0], Qt.Key.Key_Tab)
    assert page.cards[1].hasFocus()
    qtbot.keyClick(page.cards[1], Qt.Key.Key_Return)
    assert taken == ["text"] and window.own.welcome is None
    qtbot.keyClick(window, Qt.Key.Key_F1)
    page = window.own.welcome
    assert page is not None
    qtbot.keyClick(page.cards[0], Qt.Key.Key_Escape)
    assert window.own.welcome is None


def test_what_comes_back_is_not_hidden_by_the_first_page(window: MainWindow) -> None:
    window.welcome()
    assert window.own.welcome is not None
    window.files.opened.emit()
    assert window.own.welcome is None


def test_a_look_is_saved_from_the_menu(window: MainWindow, qtbot: Any) -> None:
    window.session.load("A", "test.shade")
    qtbot.waitUntil(lambda: window.session.decks["A"].slots[0].stage is not None)
    window.session.select("A", 0)
    window.docks["library"].hide()
    action = next(found for _, found in window.actions_.all() if "preset" in found.text())
    action.trigger()
    assert window.docks["library"].isVisible()
    dialog = next(found for found in window.library.presets.findChildren(QDialog) if found.isVisible())
    dialog.reject()
