"""Modulators on the page Control: added from the menu, edited, routed with a depth; values stay the user's."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QDialog, QLineEdit, QPushButton

from studio.control.binding import Source, Target
from studio.control.modulators import KINDS, FromPlayer, Math
from studio.ui.control.chooser import TargetChooser
from studio.ui.control.modulator_form import KIND_WORDS
from studio.ui.kit import Combo
from studio.ui.pages import ControlPage

LEFT = Qt.MouseButton.LeftButton
WAIT = 20_000


def choose(panel: Any, button: Any, words: str, qtbot: Any) -> None:
    qtbot.mouseClick(button, LEFT)
    chooser = [made for made in panel.findChildren(TargetChooser) if made.isVisible()][-1]
    qtbot.keyClicks(chooser.field, words)
    qtbot.keyClick(chooser.field, Qt.Key.Key_Return)


def test_every_kind_can_be_added_and_taken_away_by_keys(show: Any, session: Any, qtbot: Any) -> None:
    page = show(ControlPage)
    panel = page.show_part("modulators")
    assert set(KIND_WORDS) >= set(KINDS) and panel.empty.isVisible()
    for action in panel.add_button.menu().actions():
        action.trigger()
    assert [known.kind for known in session.modulators] == list(KINDS)
    qtbot.waitUntil(lambda: len(panel.rows) == len(KINDS), timeout=WAIT)
    for name, row in list(panel.rows.items()):
        row.setFocus()
        qtbot.keyClick(row, Qt.Key.Key_Return)
        assert panel.current == name and panel.form.fields, name
        assert all(field.accessibleName() for field in panel.form.fields.values())
    first = next(iter(panel.rows.values()))
    qtbot.keyClick(first, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: len(panel.rows) == len(KINDS) - 1, timeout=WAIT)
    session.undo()
    qtbot.waitUntil(lambda: len(panel.rows) == len(KINDS), timeout=WAIT)


def test_a_wave_moves_a_parameter_and_never_its_value(show: Any, session: Any, qtbot: Any) -> None:
    page = show(ControlPage)
    panel = page.show_part("modulators")
    panel.empty.button.click()
    session.set_value("A", 0, "level", 0.5)
    qtbot.waitUntil(lambda: panel.current == "LFO", timeout=WAIT)
    choose(panel, panel.move_more, "level", qtbot)
    qtbot.waitUntil(lambda: len(panel.routes.rows) == 1, timeout=WAIT)
    row = panel.routes.rows[0]
    row.slider.setFocus()
    qtbot.keyClick(row.slider, Qt.Key.Key_End)
    assert session.controls.routes[0].depth == 1.0
    qtbot.waitUntil(lambda: panel.routes.rows[0].figure.text() == "+100 %", timeout=WAIT)
    values = session.decks["A"].stages()[0].values
    seen: set[float | None] = set()

    def moving() -> bool:
        seen.add(values.modulated("level"))
        return len({round(v, 2) for v in seen if v is not None}) > 3

    qtbot.waitUntil(moving, timeout=WAIT)
    assert values["level"] == 0.5
    assert panel.large.trace and panel.rows["LFO"].scope.trace
    qtbot.mouseClick(row.both, LEFT, pos=QPoint(8, row.both.height() // 2))
    assert not session.controls.routes[0].bipolar
    from studio.session.control_status import reach_of

    assert reach_of(session, "A", 0, "level") == (0.0, 1.0)


def test_fields_follow_the_kind_and_are_undone(show: Any, session: Any, qtbot: Any) -> None:
    panel = show(ControlPage).show_part("modulators")
    panel.add("lfo")
    fields = panel.form.fields
    assert "seed" not in fields and "phase" in fields
    fields["shape"].setFocus()
    qtbot.keyClick(fields["shape"], Qt.Key.Key_End)
    qtbot.waitUntil(lambda: "seed" in panel.form.fields, timeout=WAIT)
    assert session.modulators[0].shape == "smooth"
    switch = panel.form.fields["synced"]
    qtbot.mouseClick(switch, LEFT, pos=QPoint(8, switch.height() // 2))
    qtbot.waitUntil(lambda: isinstance(panel.form.fields["rate"], Combo), timeout=WAIT)
    assert panel.form.fields["rate"].currentText() == "once in two beats"
    assert session.modulators[0].synced and session.modulators[0].rate == 0.5
    session.undo()
    assert not session.modulators[0].synced


def test_a_word_presses_what_it_is_bound_to(show: Any, session: Any, qtbot: Any) -> None:
    panel = show(ControlPage).show_part("modulators")
    session.controls.add_modulator(FromPlayer("Rain", event="word", word="rain"))
    qtbot.waitUntil(lambda: panel.current == "Rain", timeout=WAIT)
    choose(panel, panel.bind, "blackout", qtbot)
    assert session.bindings[0].source.address == "Rain" and session.bindings[0].target.name == "blackout"
    modulator = session.modulators[0]
    modulator.value, modulator.hit = 1.0, True
    session.controls.router.push_value("mod", "Rain", 1.0, 0.0, on=True)
    qtbot.waitUntil(lambda: session.mix.blackout, timeout=WAIT)


def test_a_route_to_what_is_gone_says_so(show: Any, session: Any, qtbot: Any) -> None:
    panel = show(ControlPage).show_part("modulators")
    panel.add("walk")
    session.controls.route("Random walk", session.controls.target("A", 0, "level"), 0.2)
    qtbot.waitUntil(lambda: len(panel.routes.rows) == 1 and not panel.routes.rows[0].reason.text(), timeout=WAIT)
    session.remove_stage("A", 0)
    qtbot.waitUntil(lambda: "Rests" in panel.routes.rows[0].reason.text(), timeout=WAIT)


def test_another_name_is_followed_by_all_who_use_it(show: Any, session: Any, qtbot: Any) -> None:
    panel = show(ControlPage).show_part("modulators")
    controls = session.controls
    panel.add("walk")
    controls.add_modulator(Math("Both", first="Random walk", second="Random walk"))
    controls.route("Random walk", controls.target("A", 0, "level"), 0.2)
    controls.bind(Source("mod", address="Random walk"), Target("fade"))
    row = panel.rows["Random walk"]
    row.setFocus()
    qtbot.keyClick(row, Qt.Key.Key_F2)
    dialog = next(made for made in panel.findChildren(QDialog) if made.isVisible())
    field = dialog.findChild(QLineEdit)
    button = next(b for b in dialog.findChildren(QPushButton) if b.text() == "Rename")
    field.setText("Both")
    assert not button.isEnabled(), "that name is taken"
    field.clear()
    qtbot.keyClicks(field, "Drift")
    qtbot.mouseClick(button, LEFT)
    qtbot.waitUntil(lambda: panel.current == "Drift" and "Drift" in panel.rows, timeout=WAIT)
    both = session.modulators[1]
    assert (both.first, both.second) == ("Drift", "Drift")
    assert controls.routes[0].modulator == session.bindings[0].source.address == "Drift"
    session.undo()
    assert [known.name for known in session.modulators] == ["Random walk", "Both"]
    assert controls.routes[0].modulator == "Random walk"
