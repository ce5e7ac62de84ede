"""The whole inspector: what it shows of which stage, its header, filter and groups, and how it looks."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from helpers_inspector import Desk
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QWidget

from studio.library.presets import Preset, save_preset
from studio.library.session import StageData
from studio.params import Bool, Choice, Float, Int, ParamSet, Seed, Text
from studio.session import state
from studio.session.session import Session
from studio.ui import theme
from studio.ui.inspector.editing import StageEdits
from studio.ui.inspector.panel import Panel
from studio.ui.inspector.popup import PickPopup
from studio.ui.kit import mime

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def groups(desk: Desk) -> list[str]:
    assert desk.inspector.panel is not None
    return [group.name for group in desk.inspector.panel.groups if not group.isHidden()]


# --- states


def test_an_empty_deck_says_what_to_do(desk: Desk) -> None:
    desk.inspector.show()
    desk.inspector.refresh()
    assert desk.inspector.empty.accessibleName() == "Deck A is empty"
    assert desk.inspector.header.isHidden() and desk.inspector.filter.isHidden()


def test_loading_is_shown_until_the_rows_are_there(desk: Desk) -> None:
    desk.inspector.show()
    desk.session.load("A", "test.zoo")
    desk.inspector.refresh()
    assert desk.inspector.empty.accessibleName() == "Loading Zoo…"
    assert not desk.inspector.header.randomise.isEnabled()
    desk.until(lambda: desk.inspector.panel is not None)
    assert desk.inspector.header.title.text == "Zoo"
    assert desk.inspector.header.subtitle.text() == "Deck A · source"


def test_an_absent_plugin_keeps_its_values_and_says_so(desk: Desk) -> None:
    data = StageData("their.plasma", 3, {"speed": 1.0, "other": [1, 2]}, {})
    line = desk.session.line("A")
    line.slots.append(state.slot_from(desk.session, data))
    desk.session.settle(line)
    desk.inspector.show()
    desk.until(lambda: desk.inspector.empty.accessibleName() == "This plugin is not here")
    words = desk.inspector.empty.accessibleDescription()
    assert "2 values of their.plasma" in words and "kept" in words
    assert desk.inspector.header.badge.text() == "not here"
    with desk.qtbot.waitSignal(desk.inspector.page_requested) as asked:
        QTest.mouseClick(desk.inspector.empty.button, LEFT)
    assert asked.args == ["plugins"]


def test_code_that_cannot_be_read_is_told_with_a_button(desk: Desk) -> None:
    desk.inspector.show()
    desk.session.load("A", "test.broken")
    desk.until(lambda: "cannot be used" in desk.inspector.empty.accessibleName())
    assert "a_module_that_is_not_there" in desk.inspector.empty.accessibleDescription()
    assert desk.inspector.empty.button.isVisible()


def test_a_generator_that_fails_has_a_reason_and_one_click_restarts_it(zoo: Desk) -> None:
    inspector = zoo.inspector
    zoo.session.set_value("A", 0, "speed", 4.0)
    zoo.until(lambda: inspector.banner.isVisible())
    assert "the speed is too high for this test" in inspector.banner.label.text()
    assert inspector.header.badge.text() == "failed"
    zoo.until(lambda: zoo.session.decks["A"].state == "paused")  # the engine gave up: the sentence stays
    zoo.until(lambda: inspector.banner.isVisible() and inspector.header.badge.text() == "fault")
    zoo.session.set_value("A", 0, "speed", 1.0)  # the rows are still there: the cure is often among them
    QTest.mouseClick(inspector.banner.button, LEFT)
    zoo.until(lambda: not inspector.banner.isVisible() and inspector.header.badge.text() == "running")


# --- following


def test_groups_and_rows_stand_in_the_order_of_the_declarations(zoo: Desk) -> None:
    assert groups(zoo) == ["Numbers", "Choices", "Places", "Files"]
    assert zoo.inspector.panel is not None
    shown = [row.name for row in zoo.inspector.panel.groups[1].shown_rows()]
    assert shown == ["mode", "palette", "mirror", "fire", "stride"]
    ys = [row.mapTo(zoo.inspector.panel.content, QPoint(0, 0)).y() for row in zoo.inspector.panel.rows.values()]
    assert ys == sorted(ys)


def test_it_follows_the_selection_and_comes_back_as_it_was(zoo: Desk) -> None:
    first = zoo.inspector.panel
    zoo.session.add_effect("A", "test.veil")
    zoo.until(lambda: zoo.inspector.panel is not None and "depth" in zoo.inspector.panel.rows)
    assert zoo.inspector.header.subtitle.text() == "Deck A · effect 1 of 1"
    zoo.session.select("A", 0)
    zoo.until(lambda: zoo.inspector.panel is first)


def test_a_stage_that_moved_is_edited_where_it_is_now(zoo: Desk) -> None:
    zoo.session.add_effect("A", "test.veil")
    zoo.session.add_effect("A", "test.veil")
    zoo.until(lambda: zoo.inspector.header.subtitle.text() == "Deck A · effect 2 of 2")
    zoo.until(lambda: zoo.inspector.panel is not None and zoo.inspector.panel.complete)
    zoo.session.move_stage("A", 2, 1)
    zoo.until(lambda: zoo.inspector.header.subtitle.text() == "Deck A · effect 1 of 2")
    row = zoo.inspector.row("depth")
    row.slider.setFocus()
    QTest.keyClick(row.slider, Qt.Key.Key_End)
    stages = [slot.stage for slot in zoo.session.line("A").slots]
    assert [stage.values["depth"] for stage in stages[1:] if stage] == [1.0, 0.5]


def test_a_removed_stage_leaves_nothing_behind(zoo: Desk) -> None:
    zoo.session.clear_line("A")
    zoo.until(lambda: zoo.inspector.empty.accessibleName() == "Deck A is empty")
    assert not zoo.inspector._panels and zoo.inspector.panel is None
    zoo.session.undo()
    zoo.until(lambda: zoo.inspector.panel is not None and zoo.inspector.panel.complete)


def test_undo_appears_within_a_tenth_of_a_second(zoo: Desk) -> None:
    row = zoo.row("speed")
    zoo.session.set_value("A", 0, "speed", 2.0)
    zoo.until(lambda: row.text.text.startswith("2.00"))
    zoo.session.undo()
    zoo.until(lambda: row.text.text.startswith("0.30"))
    assert zoo.inspector._timer.isActive() and zoo.inspector._timer.interval() <= 50


def test_a_hidden_inspector_does_nothing(zoo: Desk) -> None:
    row = zoo.row("speed")
    zoo.inspector.hide()
    assert not zoo.inspector._timer.isActive()
    zoo.values.set("speed", 2.0)
    zoo.inspector.refresh()
    assert row.text.text.startswith("0.30")
    zoo.inspector.show()
    assert row.text.text.startswith("2.00")


def test_sixty_rows_are_made_in_small_slices(zoo: Desk) -> None:
    params = {}
    for number in range(6):
        group = f"Group {number}"
        params |= {f"f{number}{i}": Float(0.5, 0.0, 1.0, group=group, help="Something") for i in range(5)}
        params |= {
            f"i{number}": Int(5, 0, 10, group=group), f"b{number}": Bool(True, group=group),
            f"c{number}": Choice("a", "abcdefgh", group=group), f"s{number}": Seed(1, group=group),
            f"t{number}": Text("words", group=group),
        }
    for name, param in params.items():
        param.__set_name__(type(zoo), name)
    stack = zoo.inspector.stack
    panel = Panel(StageEdits(zoo.session, "A", 0, ParamSet(params)), set())
    stack.addWidget(panel)
    stack.setCurrentWidget(panel)
    slices = [len(panel.rows)]
    while not panel.complete:
        panel.fill()
        QApplication.processEvents()
        slices.append(len(panel.rows))
    assert len(panel.rows) == 60
    assert len(slices) > 2 and all(a < b for a, b in itertools.pairwise(slices)), slices  # events come in between
    stack.removeWidget(panel)
    panel.deleteLater()


# --- filter and groups


def test_the_filter_finds_by_label_name_help_and_unit(zoo: Desk) -> None:
    inspector = zoo.inspector
    assert inspector.panel is not None
    QTest.keyClick(inspector, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert inspector.filter.hasFocus()
    for text, names in (("wieder", ["window"]), ("hz", ["speed"]), ("bird", ["birds"]), ("field restarts", ["size"])):
        inspector.filter.setText(text)
        QTest.keyClick(inspector.filter, Qt.Key.Key_Return)
        assert [row.name for group in inspector.panel.groups for row in group.shown_rows()] == names
    inspector.filter.setText("nothing like this")
    QTest.keyClick(inspector.filter, Qt.Key.Key_Return)
    assert groups(zoo) == [] and "nothing like this" in inspector.panel.nothing.text()
    assert inspector.panel.nothing.isVisible()
    QTest.keyClick(inspector.filter, Qt.Key.Key_Escape)
    assert len(groups(zoo)) == 4 and not inspector.panel.nothing.isVisible()


def test_the_filter_ends_with_its_generator(zoo: Desk) -> None:
    zoo.inspector.filter.setText("speed")
    QTest.keyClick(zoo.inspector.filter, Qt.Key.Key_Return)
    before = zoo.inspector.panel
    zoo.session.load("B", zoo.session.decks["A"].slots[0].generator)
    zoo.until(lambda: zoo.inspector.panel is not None and zoo.inspector.panel is not before)
    assert zoo.inspector.filter.text() == "" and len(groups(zoo)) == 4


def test_the_filter_opens_folded_groups_while_it_lasts(zoo: Desk) -> None:
    assert zoo.inspector.panel is not None
    group = zoo.inspector.panel.groups[0]
    QTest.mouseClick(group.title, LEFT)
    assert not group.rows["speed"].isVisible()
    zoo.inspector.filter.setText("speed")
    QTest.keyClick(zoo.inspector.filter, Qt.Key.Key_Return)
    assert group.rows["speed"].isVisible() and not group.rows["scale"].isVisible()
    zoo.inspector.filter.clear()
    assert not group.rows["speed"].isVisible()


def test_a_folded_group_stays_folded_for_its_generator(zoo: Desk) -> None:
    assert zoo.inspector.panel is not None
    title = zoo.inspector.panel.groups[1].title
    title.setFocus()
    QTest.keyClick(title, Qt.Key.Key_Left)
    assert not title.isChecked()
    zoo.session.load("B", "test.zoo")
    zoo.until(lambda: zoo.inspector.panel is not None and zoo.inspector.panel.edits.line == "B")
    zoo.until(lambda: zoo.inspector.panel is not None and zoo.inspector.panel.complete)
    group = zoo.inspector.panel.groups[1]
    assert not group.open and not group.rows
    QTest.keyClick(group.title, Qt.Key.Key_Return)
    zoo.until(lambda: "mode" in group.rows and group.rows["mode"].isVisible())


def test_a_whole_group_is_reset_randomised_and_locked(zoo: Desk) -> None:
    assert zoo.inspector.panel is not None
    group = zoo.inspector.panel.groups[0]
    zoo.session.set_value("A", 0, "speed", 2.0)
    zoo.session.set_value("A", 0, "birds", 3)
    zoo.session.set_value("A", 0, "mode", "loop")
    zoo.session.set_lock("A", 0, "birds", True)
    zoo.session.history.clear()
    zoo.until(lambda: group.title.changed == 2)
    actions = {action.text(): action for action in group.menu().actions()}
    actions["Reset group"].trigger()
    assert (zoo.values["speed"], zoo.values["birds"], zoo.values["mode"]) == (0.3, 3, "loop")
    assert zoo.undo_steps() == 1
    actions["Lock all"].trigger()
    actions["Randomise group"].trigger()
    assert zoo.values["scale"] == 6.0
    actions["Unlock all"].trigger()
    actions["Randomise group"].trigger()
    assert zoo.values["scale"] != 6.0 and zoo.values["mode"] == "loop"


# --- header


def test_randomise_leaves_locked_values_and_is_one_step(zoo: Desk) -> None:
    header = zoo.inspector.header
    zoo.session.set_lock("A", 0, "scale", True)
    zoo.session.history.clear()
    header.strength.setFocus()
    QTest.keyClick(header.strength, Qt.Key.Key_End)
    assert "100 %" in header.strength.toolTip()
    QTest.mouseClick(header.randomise, LEFT)
    assert zoo.values["scale"] == 6.0 and zoo.values["balance"] != 0.0
    assert zoo.values["size"] == 128, "what restarts the generator is not randomised unasked"
    QTest.mouseClick(header.undo, LEFT)
    assert zoo.values["balance"] == 0.0
    zoo.until(header.redo.isEnabled)
    QTest.mouseClick(header.redo, LEFT)
    assert zoo.values["balance"] != 0.0


def test_mutate_takes_small_steps_and_reset_all_goes_home(zoo: Desk) -> None:
    header = zoo.inspector.header
    header.strength.set_norm(0.1)
    QTest.mouseClick(header.mutate, LEFT)
    assert zoo.values["balance"] != 0.0
    assert abs(zoo.values.norm("balance") - 0.5) < 0.2
    QTest.mouseClick(header.reset, LEFT)
    assert zoo.values["balance"] == 0.0 and zoo.values["seed"] == 1


def test_back_to_ten_seconds_ago(zoo: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    zoo.session.pump()
    zoo.session.history.sample()
    zoo.session.set_value("A", 0, "speed", 2.0)
    QTest.mouseClick(zoo.inspector.header.back, LEFT)
    zoo.until(lambda: zoo.values["speed"] == 0.3)
    zoo.session.undo()
    assert zoo.values["speed"] == 2.0


def test_a_look_is_copied_from_deck_to_deck(zoo: Desk) -> None:
    QApplication.clipboard().clear()
    header = zoo.inspector.header
    zoo.until(lambda: not header.paste.isEnabled())
    assert "copy one first" in header.paste.toolTip()
    zoo.session.set_value("A", 0, "speed", 2.0)
    QTest.mouseClick(header.copy, LEFT)
    assert "clipboard" in zoo.inspector.note.label.text()
    zoo.session.load("B", "test.zoo")
    zoo.until(lambda: zoo.inspector.panel is not None and zoo.inspector.panel.edits.line == "B")
    QTest.mouseClick(header.paste, LEFT)
    zoo.until(lambda: zoo.inspector.panel is not None and zoo.inspector.panel.edits["speed"] == 2.0)


def test_only_an_effect_can_be_bypassed(zoo: Desk) -> None:
    header = zoo.inspector.header
    assert not header.bypass.isEnabled() and "source" in header.bypass.toolTip()
    zoo.session.add_effect("A", "test.veil")
    zoo.until(header.bypass.isEnabled)
    QTest.mouseClick(header.bypass, LEFT)
    assert zoo.session.line("A").slots[1].bypass
    zoo.until(lambda: header.badge.text() == "bypassed")
    zoo.session.undo()
    zoo.until(lambda: not header.bypass.isChecked())


@pytest.fixture
def presets(_own_home: None) -> None:
    from studio import paths

    folder = paths.user_folder("data") / "presets" / "zoo"
    for name, speed in (("Calm", 0.1), ("Storm", 3.0)):
        preset = Preset("test.zoo", name, {"speed": speed, "mode": "loop"}, about=f"As {name.lower()} as can be")
        save_preset(folder / f"{name.lower()}.json", preset)


def test_presets_are_found_put_in_and_marked_when_edited(presets: None, zoo: Desk) -> None:
    header = zoo.inspector.header
    zoo.until(lambda: len(header.presets) == 2)
    QTest.mouseClick(header.preset, LEFT)
    found = QApplication.activePopupWidget()
    assert isinstance(found, PickPopup)
    QTest.keyClicks(found.search, "can be sto")
    QTest.keyClick(found.search, Qt.Key.Key_Return)
    assert zoo.values["speed"] == 3.0 and zoo.values["mode"] == "loop"
    zoo.until(lambda: header.preset.text() == "Storm")
    zoo.session.set_value("A", 0, "speed", 2.0)
    zoo.until(lambda: header.preset.text() == "Storm · edited")
    header.preset.setFocus()
    QTest.keyClick(header.preset, Qt.Key.Key_Left)
    zoo.until(lambda: header.preset.text() == "Calm")
    assert zoo.values["speed"] == 0.1
    zoo.session.undo()
    zoo.until(lambda: header.preset.text() == "Storm · edited")


def test_a_preset_file_dropped_on_the_inspector_is_used(presets: None, zoo: Desk) -> None:
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QDragEnterEvent, QDropEvent

    from studio import paths

    data = mime.make(mime.PRESET, str(paths.user_folder("data") / "presets" / "zoo" / "storm.json"))
    enter = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, data, LEFT, NONE)
    QApplication.sendEvent(zoo.inspector, enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, LEFT, NONE)
    QApplication.sendEvent(zoo.inspector, drop)
    zoo.until(lambda: zoo.values["speed"] == 3.0)


# --- for everybody


def test_every_control_has_a_name_and_a_tool_tip_and_can_be_reached(zoo: Desk) -> None:
    assert zoo.inspector.panel is not None
    reachable = [
        widget for widget in zoo.inspector.findChildren(QWidget)
        if widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.focusProxy() is None and not widget.inherits("QScrollArea") and not widget.inherits("QScrollBar")
    ]
    assert len(reachable) > 35
    for widget in reachable:
        assert widget.accessibleName(), widget
        assert widget.toolTip(), widget
    for name, row in zoo.inspector.panel.rows.items():
        assert any(row.isAncestorOf(widget) for widget in reachable), name
    seen: list[QWidget] = []
    zoo.inspector.filter.setFocus()
    for _ in range(len(reachable) + 5):
        seen.append(QApplication.focusWidget())
        if isinstance(seen[-1], QPlainTextEdit):
            break
        QTest.keyClick(seen[-1], Qt.Key.Key_Tab)
    order = [row for row in zoo.inspector.panel.rows.values() for widget in seen if row.isAncestorOf(widget)]
    places = [list(zoo.inspector.panel.rows.values()).index(row) for row in order]
    assert places == sorted(places) and len(set(places)) == len(zoo.inspector.panel.rows)


def test_the_tool_tip_tells_all(zoo: Desk) -> None:
    tip = zoo.row("size").toolTip()
    for words in ("Size", "Restarts the field", "64 to 1024", "px", "Default: 128", "restarts the generator"):
        assert words in tip
    assert "restarts the generator" not in zoo.row("birds").toolTip()
    assert "equal ratios" in zoo.row("scale").toolTip()


@pytest.mark.parametrize("width", [300, 320, 360, 420, 600])
def test_nothing_is_clipped_at_any_width(zoo: Desk, width: int) -> None:
    zoo.inspector.resize(width, 700)
    zoo.session.set_value("A", 0, "words", "one\ntwo\nthree")
    zoo.session.set_value("A", 0, "picture", "/nowhere/Weihnachtsbaumkerzenhalterung.png")
    zoo.until(lambda: bool(zoo.inspector.row("picture").message) and zoo.inspector.row("words").long)
    panel = zoo.inspector.panel
    assert zoo.inspector.width() == width and panel is not None
    zoo.until(lambda: all(row.height() == row.heightForWidth(row.width()) for row in panel.rows.values()))
    assert panel.horizontalScrollBar().maximum() == 0
    for name, row in panel.rows.items():
        plan = row._plan(row.width())
        for part in row.findChildren(QWidget):
            if part.parent() is row and part.isVisible():
                assert row.rect().contains(part.geometry()), (name, part)
                needs = part.minimumSizeHint()
                assert part.width() >= needs.width() and part.height() >= min(needs.height(), part.height()), name
        if plan.head.isValid() and plan.label.isValid():
            assert not plan.head.intersects(plan.label), name
        for line in row.findChildren(QLineEdit):
            if line.isVisible():
                assert line.height() >= line.fontMetrics().height(), name
    for part in zoo.inspector.header.findChildren(QWidget):
        if part.isVisible():
            corner = part.mapTo(zoo.inspector, QPoint(part.width(), part.height()))
            assert corner.x() <= width, part


def test_another_theme_recolours_the_rows(zoo: Desk, qapp: QApplication) -> None:
    before = zoo.row("speed").slider.accent

    def accent_is(color: QColor) -> bool:
        panel = zoo.inspector.panel
        return panel is not None and "speed" in panel.rows and panel.row("speed").slider.accent == color

    theme.apply(qapp, "contrast")
    try:
        assert theme.kind_color("image") != before
        zoo.until(lambda: accent_is(theme.kind_color("image")))
    finally:
        theme.apply(qapp, "dark")
    zoo.until(lambda: accent_is(before))


def test_a_larger_scale_makes_larger_rows(zoo: Desk, qapp: QApplication) -> None:
    def height() -> int:
        panel = zoo.inspector.panel
        return panel.rows["speed"].height() if panel is not None and "speed" in panel.rows else 0

    zoo.until(lambda: height() == zoo.row("speed").heightForWidth(zoo.row("speed").width()))
    before = height()
    theme.apply(qapp, "dark", 1.5)
    try:
        zoo.until(lambda: height() > 1.3 * before)
    finally:
        theme.apply(qapp, "dark")
    zoo.until(lambda: height() == before)


def test_opened_and_closed_again_nothing_is_left(session: Session, desk: Desk) -> None:
    from studio.ui.inspector import Inspector

    desk.show()
    callbacks = sum(len(found) for found in session.events._callbacks.values())
    for _ in range(5):
        other = Inspector(session)
        other.show()
        other.refresh()
        other.close()
        other.deleteLater()
        QApplication.sendPostedEvents(None, 52)  # DeferredDelete
        QApplication.processEvents()
    assert sum(len(found) for found in session.events._callbacks.values()) == callbacks


def test_a_path_of_the_users_own_is_not_needed(tmp_path: Path, zoo: Desk) -> None:
    """The generator here was read from a lone file in another folder, as a user's own plugins are."""
    plugin = zoo.session.line("A").slots[0].plugin
    assert plugin is not None and plugin.origin != "built-in" and plugin.folder == tmp_path
