"""The card of the MIDI clock out: ports come and go, the choice is kept, and it says how it is."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt

from studio.devices.midi_out import MidiError
from studio.ui.control import clock_out
from studio.ui.pages import ControlPage

WAIT = 20_000


def card_of(show: Any) -> Any:
    page = show(ControlPage)
    page.show_part("clock")
    return page.clock_out


def test_a_port_is_chosen_and_the_clock_goes_out(
    show: Any, session: Any, qtbot: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_out, "midi_outputs", lambda: ["Drums 128:0", "Bass 129:0"])
    ports = session.playback.ports
    path = tmp_path / "sent"
    # what would go to a port is written down: the conductor is the real one
    opened = ports.conductor.open
    monkeypatch.setattr(ports.conductor, "open", lambda out, kind, settings: opened(out, "log", {"path": str(path)}))
    card = card_of(show)
    qtbot.waitUntil(lambda: card.port.count() == 3, timeout=WAIT)
    assert not card.text.isVisible() and card.lamp.role() == "edge"
    qtbot.mouseClick(card.switch, Qt.MouseButton.LeftButton, pos=QPoint(8, card.switch.height() // 2))
    qtbot.waitUntil(lambda: "No port is chosen" in card.text.text(), timeout=WAIT)
    card.port.setFocus()
    qtbot.keyClick(card.port, Qt.Key.Key_Down)
    assert session.settings["clock_out_port"] == "Drums 128:0" and session.settings["clock_out"]
    qtbot.waitUntil(lambda: "120.0 bpm" in card.text.text() and card.lamp.role() == "good", timeout=WAIT)
    qtbot.waitUntil(lambda: path.exists() and path.read_text().count(" f8") > 24, timeout=WAIT)
    assert " fa" not in path.read_text(), "no song runs"
    qtbot.mouseClick(card.switch, Qt.MouseButton.LeftButton, pos=QPoint(8, card.switch.height() // 2))
    qtbot.waitUntil(lambda: not ports.conductor.outputs(), timeout=WAIT)


def test_no_port_is_a_sentence_with_its_cure(
    show: Any, session: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> list[str]:
        raise MidiError("no MIDI port is there", "plug in an instrument")

    monkeypatch.setattr(clock_out, "midi_outputs", none)
    session.settings.set("clock_out_port", "Drums 128:0")
    card = card_of(show)
    qtbot.waitUntil(lambda: "plug in an instrument" in card.cure.text(), timeout=WAIT)
    assert not card.port.isEnabled() and "away" in card.port.currentText()
