"""Learning by clicks in the real window: what is clicked is learned and not pressed; every action has its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from studio.control.binding import Source, Target
from studio.session.session import Session
from studio.ui.inspector.row import ParamRow
from studio.ui.window import MainWindow
from tests.midi_client import Client, listen_here

LEFT = Qt.MouseButton.LeftButton
WAIT = 20_000


@pytest.fixture(autouse=True)
def _controller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is there before the session is made."""
    listen_here(monkeypatch, "Pad 20:0")


@pytest.fixture
def pad(qtbot: Any) -> Callable[..., None]:
    def play(*messages: tuple[int, ...]) -> None:
        def listening() -> list[Client]:
            return [client for client in Client.made if client.name and client.callback]

        qtbot.waitUntil(lambda: bool(listening()), timeout=WAIT)
        for message in messages:
            listening()[-1].callback((list(message), 0.0), None)

    return play


def test_click_after_click_is_bound_and_escape_ends_it(
    window: MainWindow, session: Session, pad: Any, qtbot: Any
) -> None:
    session.load("A", "test.shade")
    qtbot.waitUntil(lambda: bool(window.inspector.findChildren(ParamRow)), timeout=WAIT)
    qtbot.keyClick(window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert window.learn_mode.on
    qtbot.mouseClick(window.transport.blackout, LEFT)
    assert not session.mix.blackout, "it is learned, not pressed"
    assert session.controls.learning_for == Target("blackout")
    pad((0x90, 36, 127))
    qtbot.waitUntil(lambda: len(session.bindings) == 1, timeout=WAIT)
    row: Any = next(r for r in window.inspector.findChildren(ParamRow) if r.name == "level")
    qtbot.mouseClick(row.slider, LEFT)
    assert session.controls.learning_for == session.controls.target("A", 0, "level")
    pad(*[(0xB0, 7, value) for value in (10, 12, 14, 18)])
    qtbot.waitUntil(lambda: len(session.bindings) == 2, timeout=WAIT)
    assert [b.source for b in session.bindings] == [Source("note", 36, 1, "Pad"), Source("cc", 7, 1, "Pad")]
    assert session.decks["A"].stages()[0].values["level"] == 1.0, "the click moved nothing"
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.learn_mode.on
    qtbot.mouseClick(window.transport.freeze, LEFT)
    assert session.mix.freeze, "clicks press again"


def test_a_click_beside_anything_that_can_be_bound_does_what_it_always_does(
    window: MainWindow, session: Session, qtbot: Any
) -> None:
    window.toggle_learning()
    qtbot.mouseClick(window.transport.ahead, LEFT)  # nudging is no control that can be bound
    assert session.controls.learning_for is None and window.learn_mode.on
    window.toggle_learning()
    assert not window.learn_mode.on


def test_the_menu_reaches_every_part_and_source(window: MainWindow, session: Session, qtbot: Any) -> None:
    actions = {action.text().replace("&", ""): action for group, action in window.actions_.all() if group == "Control"}
    for source in session.clock_sources.sources:
        assert f"Clock: {source.title}" in actions
    actions["Add a modulator: Random walk"].trigger()
    assert [known.kind for known in session.modulators] == ["walk"]
    page: Any = window.pages["control"]
    assert page.tabs.currentWidget() is page.modulators
    actions["OSC"].trigger()
    assert page.tabs.currentWidget() is page.osc
    actions["Clock: MIDI clock"].trigger()
    assert session.settings["midi_clock"] and page.tabs.currentWidget() is page.clock
    actions["Learn for a parameter …"].trigger()
    popup = QApplication.activePopupWidget()
    assert popup is not None and popup.accessibleName() == "What shall move?"
    popup.close()
    actions["Sound check: look again"].trigger()
    check: Any = window.pages["soundcheck"]
    qtbot.waitUntil(lambda: check.checks is not None, timeout=WAIT)
    check.window_acts["osc"]()
    assert window.stack.currentWidget() is page


def test_the_band_of_modulation_is_on_the_slider(window: MainWindow, session: Session, qtbot: Any) -> None:
    from studio.control.modulators import Lfo

    session.load("A", "test.shade", params={"level": 0.5})
    session.controls.add_modulator(Lfo("Wave"))
    qtbot.waitUntil(lambda: session.decks["A"].state == "running", timeout=WAIT)
    session.controls.route("Wave", session.controls.target("A", 0, "level"), 0.25)

    def slider() -> Any:
        return next((r.slider for r in window.inspector.findChildren(ParamRow) if r.name == "level"), None)  # type: ignore[attr-defined]

    qtbot.waitUntil(lambda: slider() is not None and slider().reach == (-0.25, 0.25), timeout=WAIT)
    session.controls.unroute(*session.controls.routes)
    qtbot.waitUntil(lambda: slider().reach is None, timeout=WAIT)
