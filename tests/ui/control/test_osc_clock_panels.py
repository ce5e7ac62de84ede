"""OSC and clock on the page Control, with a real socket and real keys."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication
from pythonosc.osc_message_builder import OscMessageBuilder

from studio.session.clock_sources import ClockSource, ClockState
from studio.ui import reveal
from studio.ui.pages import ControlPage

LEFT = Qt.MouseButton.LeftButton
WAIT = 20_000


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def send(port: int, address: str, *arguments: Any) -> None:
    builder = OscMessageBuilder(address)
    for item in arguments:
        builder.add_arg(item)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(builder.build().dgram, ("127.0.0.1", port))


def switch_on(switch: Any, qtbot: Any) -> None:
    qtbot.mouseClick(switch, LEFT, pos=QPoint(8, switch.height() // 2))


def test_osc_is_switched_on_moves_things_and_lists_what_it_cannot_use(show: Any, session: Any, qtbot: Any) -> None:
    session.settings.set("osc_port", free_port())
    panel = show(ControlPage).show_part("osc")
    assert panel.state.text() == "Off." and not panel.warning.isVisible() and panel.none.isVisible()
    switch_on(panel.on, qtbot)
    port = session.settings["osc_port"]
    qtbot.waitUntil(lambda: f"127.0.0.1, port {port}" in panel.state.text(), timeout=WAIT)
    send(port, "/reverie/A/1/level", 0.25)
    values = session.decks["A"].stages()[0].values
    qtbot.waitUntil(lambda: values["level"] == 0.25, timeout=WAIT)
    send(port, "/reverie/A/1/level", "loud")
    send(port, "/reverie/A/1/levle", 1.0)
    qtbot.waitUntil(lambda: panel.problems.count() == 2, timeout=WAIT)
    texts = [panel.problems.item(row).text() for row in range(2)]
    assert any("takes numbers" in text for text in texts) and any("levle" in text for text in texts)
    switch_on(panel.open, qtbot)
    qtbot.waitUntil(lambda: panel.warning.isVisible() and "every address" in panel.state.text(), timeout=WAIT)
    qtbot.mouseClick(panel.wipe, LEFT)
    qtbot.waitUntil(panel.none.isVisible, timeout=WAIT)
    switch_on(panel.on, qtbot)
    qtbot.waitUntil(lambda: session.controls.ports.server is None and panel.state.text() == "Off.", timeout=WAIT)


def test_a_taken_port_is_said_and_the_free_one_is_a_press_away(show: Any, session: Any, qtbot: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        session.settings.set("osc_port", other.getsockname()[1])
        panel = show(ControlPage).show_part("osc")
        switch_on(panel.on, qtbot)
        qtbot.waitUntil(panel.use_free.isVisible, timeout=WAIT)
        assert "used by another program" in panel.state.text() and panel.lamp.role() == "danger"
        qtbot.mouseClick(panel.use_free, LEFT)
        qtbot.waitUntil(lambda: "Listens at" in panel.state.text(), timeout=WAIT)
        assert session.settings["osc_port"] != other.getsockname()[1]


def test_values_go_to_several_places_and_a_bad_one_is_said(show: Any, session: Any, qtbot: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, socket.socket(
        socket.AF_INET, socket.SOCK_DGRAM
    ) as two:
        for ear in (one, two):
            ear.bind(("127.0.0.1", 0))
            ear.setblocking(False)
        panel = show(ControlPage).show_part("osc")
        panel.send.setFocus()
        places = "; ".join(f"127.0.0.1:{ear.getsockname()[1]}" for ear in (one, two))
        qtbot.keyClicks(panel.send, f"{places}; nowhere")
        qtbot.keyClick(panel.send, Qt.Key.Key_Return)
        for ear in (one, two):
            heard: list[bytes] = []

            def arrived(ear: socket.socket = ear, heard: list[bytes] = heard) -> bool:
                try:
                    heard.append(ear.recv(4096))
                except BlockingIOError:
                    return False
                return any(b"/reverie/crossfade" in data for data in heard)

            qtbot.waitUntil(arrived, timeout=WAIT)
        qtbot.waitUntil(lambda: "no place" in panel.send_trouble.text(), timeout=WAIT)


def test_addresses_are_found_copied_and_written_as_a_page(
    show: Any, session: Any, qtbot: Any, monkeypatch: Any, tmp_path: Path
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(reveal, "open_file", opened.append)
    session.settings.set("export_folder", str(tmp_path / "out"))
    panel = show(ControlPage).show_part("osc")
    qtbot.keyClicks(panel.search, "A/1/level/norm")
    qtbot.waitUntil(lambda: panel.addresses.topLevelItemCount() == 2, timeout=WAIT)
    panel.addresses.setFocus()
    panel.addresses.setCurrentItem(panel.addresses.topLevelItem(1))
    qtbot.keyClick(panel.addresses, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == "/reverie/A/1/level/norm"
    panel.write_reference()
    qtbot.waitUntil(lambda: bool(opened), timeout=WAIT)
    assert "`/reverie/A/1/level`" in opened[0].read_text() and opened[0].parent == tmp_path / "out"


def test_the_clock_by_hand(show: Any, session: Any, qtbot: Any) -> None:
    panel = show(ControlPage).show_part("clock")
    panel.bpm.setFocus()
    panel.bpm.selectAll()
    qtbot.keyClicks(panel.bpm, "96")
    qtbot.keyClick(panel.bpm, Qt.Key.Key_Return)
    assert session.clock.bpm == 96.0
    for name, bpm in (("Twice the tempo", 192.0), ("Half the tempo", 96.0)):
        made = next(b for b in panel.findChildren(type(panel.tap)) if b.accessibleName() == name)
        qtbot.mouseClick(made, LEFT)
        assert session.clock.bpm == bpm
    qtbot.mouseClick(panel.waits["phrase"], LEFT, pos=QPoint(8, 8))
    assert session.mix.fade_start == "phrase"
    session.mix.set("fade_start", "bar")
    qtbot.waitUntil(panel.waits["bar"].isChecked, timeout=WAIT)


def test_who_leads_is_chosen_from_what_is_offered(show: Any, session: Any, pad: Any, qtbot: Any) -> None:
    states = [ClockState("lost", "it went away", "danger", "bring it back")]
    session.clock_sources.add(ClockSource("ship", "A ship's bell", "Rings.", "", lambda: states[0]))
    panel = show(ControlPage).show_part("clock")
    assert "ship" in panel.cards
    qtbot.mouseClick(panel.cards["midi"].choice, LEFT, pos=QPoint(8, 8))
    assert session.settings["midi_clock"] and panel.cards["midi"].word.text() == "waiting"
    pad((0xFA,), *[(0xF8,)] * 30)
    qtbot.waitUntil(lambda: panel.cards["midi"].word.text() == "following", timeout=WAIT)
    assert "Pad" in panel.cards["midi"].text.text()
    qtbot.waitUntil(lambda: panel.cards["midi"].word.text() == "dropped out", timeout=WAIT)
    assert "start the clock there again" in panel.cards["midi"].cure.text()
    qtbot.mouseClick(panel.cards["internal"].choice, LEFT, pos=QPoint(8, 8))
    assert not session.settings["midi_clock"] and panel.cards["internal"].choice.isChecked()
