"""Bindings on the page Control: learned, shown alive, edited in place, removed, kept as profiles; with real events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QLineEdit, QMenu, QPushButton, QToolButton

from studio.control.binding import Source, Target
from studio.control.profile import list_profiles, load_profile
from studio.ui.control.chooser import TargetChooser
from studio.ui.pages import ControlPage
from tests.midi_client import Client

LEFT = Qt.MouseButton.LeftButton
WAIT = 20_000


def level_target(session: Any) -> Target:
    return session.controls.target("A", 0, "level")


def test_a_knob_is_learned_by_name_and_its_meters_follow(show: Any, session: Any, pad: Any, qtbot: Any) -> None:
    page = show(ControlPage)
    panel = page.bindings
    assert panel.empty.isVisible() and not panel.list.isVisible()
    qtbot.mouseClick(panel.learn, LEFT)
    chooser = panel.findChild(TargetChooser)
    qtbot.keyClicks(chooser.field, "shade level")
    assert chooser.list.currentItem().text().strip() == "Level"
    qtbot.keyClick(chooser.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "Level" in panel.waiting.text() and panel.waiting.isVisible(), timeout=WAIT)
    pad(*[(0xB0, 7, value) for value in (60, 62, 65, 70)])
    qtbot.waitUntil(lambda: len(panel.list.rows.rows) == 1, timeout=WAIT)
    binding = session.bindings[0]
    assert binding.source == Source("cc", 7, 1, "Pad") and binding.target == level_target(session)
    assert panel.editor.binding is binding and not panel.waiting.isVisible()
    session.set_value("A", 0, "level", 0.0)
    pad(*[(0xB0, 7, value) for value in range(0, 127, 9)], (0xB0, 7, 127))
    meters = lambda: (panel.list.rows.rows[0].level, panel.list.rows.rows[0].result)  # noqa: E731
    qtbot.waitUntil(lambda: meters() == (1.0, 1.0), timeout=WAIT)
    session.undo()
    session.undo()
    qtbot.waitUntil(lambda: not session.bindings and panel.empty.isVisible(), timeout=WAIT)


def test_options_are_edited_in_place_and_undone(show: Any, session: Any, qtbot: Any) -> None:
    panel = show(ControlPage).bindings
    session.controls.bind(Source("cc", 7), level_target(session))
    qtbot.waitUntil(lambda: len(panel.list.rows.rows) == 1, timeout=WAIT)
    rect = panel.list.visualRect(panel.list.rows.index(0))
    qtbot.mouseClick(panel.list.viewport(), LEFT, pos=rect.center())
    editor = panel.editor
    assert editor.binding is session.bindings[0]
    qtbot.mouseClick(editor.invert, LEFT, pos=QPoint(8, editor.invert.height() // 2))
    assert session.bindings[0].invert
    editor.low.setFocus()
    editor.low.selectAll()
    qtbot.keyClicks(editor.low, "25")
    qtbot.keyClick(editor.low, Qt.Key.Key_Return)
    assert session.bindings[0].low == 0.25
    editor.curve.setFocus()
    qtbot.keyClick(editor.curve, Qt.Key.Key_Down)
    qtbot.keyClick(editor.takeover, Qt.Key.Key_End)
    assert session.bindings[0].curve == "exp" and session.bindings[0].takeover == "jump"
    editor.channel.setFocus()
    qtbot.keyClick(editor.channel, Qt.Key.Key_End)
    assert session.bindings[0].source.channel == 16
    qtbot.waitUntil(lambda: "inverted" in panel.list.rows.rows[0].options, timeout=WAIT)
    assert editor.binding is session.bindings[0], "what is shown is what is there after every change"
    while session.history.can_undo and session.bindings and session.bindings[0].invert:
        session.undo()
    qtbot.waitUntil(lambda: bool(session.bindings) and not editor.invert.isChecked(), timeout=WAIT)


def test_one_to_many_stands_together_is_filtered_and_removed_by_key(show: Any, session: Any, qtbot: Any) -> None:
    panel = show(ControlPage).bindings
    controls = session.controls
    knob, other = Source("cc", 7), Source("note", 36)
    controls.bind(knob, level_target(session))
    controls.bind(other, Target("blackout"))
    controls.bind(knob, Target("crossfade"))
    controls.bind(other, Target("crossfade"))
    qtbot.waitUntil(lambda: len(panel.list.rows.rows) == 4, timeout=WAIT)
    assert [(row.source, row.joined) for row in panel.list.rows.rows] == [
        ("CC 7", (False, True)), ("CC 7", (True, False)), ("note 36", (False, True)), ("note 36", (True, False))]
    panel.order.setFocus()
    qtbot.keyClick(panel.order, Qt.Key.Key_Down)
    shared = [row for row in panel.list.rows.rows if row.target == "Crossfader"]
    assert [row.joined for row in shared] == [(False, True), (True, False)]
    qtbot.keyClicks(panel.search, "blackout")
    qtbot.waitUntil(lambda: [row.target for row in panel.list.rows.rows] == ["Blackout"], timeout=WAIT)
    panel.list.setCurrentIndex(panel.list.rows.index(0))
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    assert Target("blackout") not in [binding.target for binding in session.bindings]
    qtbot.waitUntil(panel.nothing.isVisible, timeout=WAIT)
    session.undo()
    qtbot.waitUntil(lambda: len(panel.list.rows.rows) == 1, timeout=WAIT)


def test_what_rests_says_why_and_a_port_that_returns_wakes_it(show: Any, session: Any, qtbot: Any) -> None:
    panel = show(ControlPage).bindings
    controls = session.controls
    controls.bind(Source("cc", 7, 0, "Pad"), level_target(session))
    controls.bind(Source("cc", 8, 0, "Pad"), Target("speed", "B", 0, "me.gone"))
    controls.bind(Source("osc", address="/1/fader1"), Target("fade"))
    controls.bind(Source("mod", address="Rain"), Target("cut"))

    def reasons() -> dict[str, str]:
        return {row.target: row.reason for row in panel.list.rows.rows}

    qtbot.waitUntil(lambda: reasons().get("Level") == "" and "me.gone is not in Deck B" in reasons()["Speed"],
                    timeout=WAIT)
    assert "OSC is off" in reasons()["Master fade"] and "no modulator Rain" in reasons()["Cut to the other deck"]
    qtbot.waitUntil(lambda: "Pad" in panel.ports.switches, timeout=WAIT)
    Client.ports = []
    qtbot.waitUntil(lambda: "not connected" in reasons()["Level"], timeout=WAIT)
    Client.ports = ["Pad 31:0"]
    qtbot.waitUntil(lambda: reasons()["Level"] == "", timeout=WAIT)


def test_the_monitor_shows_what_comes_and_only_while_it_is_seen(show: Any, session: Any, pad: Any, qtbot: Any) -> None:
    page = show(ControlPage)
    pad((0xB1, 7, 64), (0xB1, 7, 65), (0x90, 60, 100), (0xE0, 0, 64))
    text = page.bindings.monitor.text
    qtbot.waitUntil(lambda: "note 60 C4, channel 1" in text.toPlainText(), timeout=WAIT)
    assert "CC 7, channel 2" in text.toPlainText() and "×2" in text.toPlainText()
    qtbot.mouseClick(page.bindings.monitor.hold, LEFT)
    before = text.toPlainText()
    pad((0xB0, 99, 1))
    qtbot.waitUntil(lambda: any("CC 99" in line.what for line in session.controls.ports.monitor.lines()), timeout=WAIT)
    assert text.toPlainText() == before, "it stands still"
    page.hide()
    assert not session.controls.ports.monitor.on
    qtbot.waitUntil(lambda: session.controls.ports.inputs is None, timeout=WAIT)


def test_feedback_is_switched_off_for_one_port_and_kept(show: Any, session: Any, qtbot: Any, monkeypatch: Any) -> None:
    from studio.devices.midi_in import Lights

    monkeypatch.setattr(Lights, "has", lambda self, name: True)
    page = show(ControlPage)
    session.controls.bind(Source("cc", 7, 1, "Pad"), level_target(session))
    qtbot.waitUntil(lambda: "Pad" in page.bindings.ports.switches, timeout=WAIT)
    switch = page.bindings.ports.switches["Pad"]
    switch.setFocus()
    qtbot.keyClick(switch, Qt.Key.Key_Space)
    assert session.settings["midi_dark"] == "Pad"
    qtbot.waitUntil(lambda: session.controls.ports.port_list()[0].feedback is False, timeout=WAIT)
    from studio.library.settings import load_settings

    qtbot.waitUntil(lambda: load_settings()[0]["midi_dark"] == "Pad", timeout=WAIT)


def test_learning_again_keeps_the_options(show: Any, session: Any, pad: Any, qtbot: Any) -> None:
    panel = show(ControlPage).bindings
    session.controls.bind(Source("cc", 7), level_target(session), low=0.3, invert=True)
    qtbot.waitUntil(lambda: len(panel.list.rows.rows) == 1, timeout=WAIT)
    panel.list.setCurrentIndex(panel.list.rows.index(0))
    qtbot.mouseClick(panel.editor.again, LEFT)
    pad((0x93, 40, 127))
    qtbot.waitUntil(lambda: session.bindings[0].source == Source("note", 40, 4, "Pad"), timeout=WAIT)
    assert session.bindings[0].low == 0.3 and session.bindings[0].invert and len(session.bindings) == 1


def open_menu(panel: Any, qtbot: Any) -> QMenu:
    button = next(b for b in panel.findChildren(QToolButton) if b.accessibleName() == "Controller profiles")
    menu = button.menu()
    menu.aboutToShow.emit()
    return menu


def test_profiles_are_kept_used_imported_and_exported(
    show: Any, session: Any, qtbot: Any, tmp_path: Path
) -> None:
    panel = show(ControlPage).bindings
    assert not open_menu(panel, qtbot).actions()[0].isEnabled(), "nothing to save"
    session.controls.bind(Source("cc", 7, 1, "Pad"), level_target(session), low=0.2)
    open_menu(panel, qtbot).actions()[0].trigger()
    dialog = next(d for d in panel.findChildren(QDialog) if d.isVisible())
    field = dialog.findChild(QLineEdit)
    assert field.text() == "Pad"
    field.selectAll()
    qtbot.keyClicks(field, "My pad")
    qtbot.mouseClick(next(b for b in dialog.findChildren(QPushButton) if b.text() == "Save"), LEFT)
    qtbot.waitUntil(lambda: [path.name for path in list_profiles()] == ["my-pad.json"], timeout=WAIT)
    session.controls.unbind(*session.bindings)
    next(a for a in open_menu(panel, qtbot).actions() if a.text() == "my pad").trigger()
    qtbot.waitUntil(lambda: len(session.bindings) == 1 and session.bindings[0].low == 0.2, timeout=WAIT)
    place = tmp_path / "other.json"
    next(a for a in open_menu(panel, qtbot).actions() if a.text().startswith("Export")).trigger()
    files = next(d for d in panel.findChildren(QFileDialog) if d.isVisible())
    files.fileSelected.emit(str(place))
    files.close()
    qtbot.waitUntil(place.is_file, timeout=WAIT)
    assert load_profile(place)[0].bindings == session.bindings
    place.write_text("{}")
    panel.profiles.use(place)
    qtbot.waitUntil(lambda: any("is not a controller profile" in n.text for n in session.notices), timeout=WAIT)
    assert len(session.bindings) == 1, "a damaged file changes nothing"


def test_every_control_of_the_page_has_a_name(show: Any, session: Any, qtbot: Any) -> None:
    page = show(ControlPage)
    session.controls.bind(Source("cc", 7), level_target(session))
    for name in ("bindings", "modulators", "osc", "clock"):
        page.show_part(name)
        QApplication.processEvents()
        for widget in page.panels[name].findChildren(QPushButton) + page.panels[name].findChildren(QToolButton):
            if widget.isVisible() and not isinstance(widget.parent(), QLineEdit):
                assert widget.accessibleName() or widget.text(), f"{name}: a button without a name"
