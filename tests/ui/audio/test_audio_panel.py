"""The panel of sound in: what it shows of a real session, and what its parts do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from studio.control.binding import AUDIO, Source
from studio.control.modulators import FromAudio
from studio.devices.sound_in import SoundError, SoundSource
from studio.engine.threads import stop_all
from studio.plugins import Registry
from studio.session import audio_in
from studio.session.session import Session
from studio.ui.audio import panel as panel_module
from studio.ui.audio.panel import AudioPanel
from studio.ui.audio.use import fill_use_menu, modulate, use
from studio.ui.inspector import Inspector
from studio.ui.inspector.row_menu import row_menu
from studio.ui.kit import mime
from tests.stand import write_plugin
from tests.ui.stand import pumped

SHADE = '''
import numpy as np
from studio.api import Bool, Float, Generator, Int, Text, Trigger

class Shade(Generator):
    """One grey."""
    id, version, makes, title = "test.shade", 1, "image", "Shade"
    level = Float(0.25, 0.0, 1.0)
    loud = Bool(False)
    size = Int(8, 4, 16, live=False)
    words = Text("x")
    go = Trigger()

    def step(self, ctx):
        return np.full((8, 8, 3), self.level, np.float32)
'''
RATE = 48_000


class Port:
    latency = 0.012
    made: list[Port] = []  # noqa: RUF012

    def __init__(self, take: Callable[..., object], *, device: str, opened: Callable[..., object],
                 told: Callable[[str, str], object]) -> None:
        self.take, self.device, self.opened, self.told = take, device, opened, told
        Port.made.append(self)

    def start(self) -> None:
        self.opened(SoundSource(self.device or "Desk", 0, RATE, 4))

    def close(self, seconds: float = 0.0) -> None: ...

    def send(self, sound: Any) -> None:
        self.take(np.asarray(sound, np.float32)[:, None], RATE, time.perf_counter())


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> Iterator[Session]:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(audio_in, "SoundInput", Port)
    monkeypatch.setattr(panel_module, "sound_inputs",
                        lambda refresh=False: [SoundSource("Desk", 0, RATE, 4), SoundSource("Other", 1, 44_100, 2)])
    Port.made.clear()
    made = Session(Registry([write_plugin(tmp_path, "shade", SHADE)]))
    made.load("A", "test.shade")
    pumped(made, qtbot, lambda: made.decks["A"].state == "running")
    yield made
    made.close()
    assert stop_all(5.0) == []


@pytest.fixture
def panel(session: Session, qtbot: QtBot) -> AudioPanel:
    made = AudioPanel(session)
    qtbot.addWidget(made)
    made.resize(248, 640)
    made.show()
    return made


def tone(level: float, seconds: float = 2.5) -> Any:
    return 10.0 ** (level / 20.0) * np.sin(2.0 * np.pi * 1000.0 * np.arange(round(seconds * RATE)) / RATE)


def test_off_says_what_to_do(panel: AudioPanel) -> None:
    assert panel.source.current == "Off" and panel.state.text().startswith("Choose an input")
    assert panel.input_row.isHidden() and panel.file_row.isHidden()
    panel.refresh()
    assert not panel.grab().isNull()


def test_an_input_is_chosen_heard_and_drawn(panel: AudioPanel, session: Session, qtbot: QtBot) -> None:
    panel.source.chosen.emit("Input")
    pumped(session, qtbot, lambda: panel.devices.count() == 3)
    panel.devices.choose("Other")
    panel.devices.activated.emit(panel.devices.currentIndex())
    assert session.controls.audio.settings["device"] == "Other"
    panel.channels.choose("3+4")
    panel.channels.activated.emit(panel.channels.currentIndex())
    assert session.controls.audio.settings["channels"] == "3+4"
    Port.made[-1].send(tone(-12.0))
    panel.refresh()
    panel.grab()
    assert panel.rows["level"].value > 0.9 and not panel.scope.quiet and not panel.scope.clipped
    assert panel.state.text() == "Other · 48 kHz · 12 ms"
    Port.made[-1].send(np.clip(tone(6.0), -1.0, 1.0))
    panel.refresh()
    panel.grab()
    assert panel.scope.clipped
    Port.made[-1].send(np.zeros(3 * RATE))
    panel.refresh()
    panel.grab()
    assert panel.scope.quiet and not panel.scope.clipped and panel.rows["level"].value == 0.0
    Port.made[-1].told("the sound input Other went away", "connect it again; it is taken up by itself")
    pumped(session, qtbot, lambda: "went away" in panel.state.text())
    assert panel.state.text() == "The sound input Other went away. Connect it again; it is taken up by itself."
    session.undo()
    session.undo()
    session.pump()
    assert panel.devices.currentData() == "" and panel.channels.currentData() == ""


def test_where_there_is_no_input_the_reason_is_shown(
    panel: AudioPanel, session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(refresh: bool = False) -> list[SoundSource]:
        raise SoundError("no sound input is connected", "connect one")

    monkeypatch.setattr(panel_module, "sound_inputs", none)
    session.controls.audio.set(source="device", device="Desk")
    Port.made[-1].told("there is no sound input 'Desk'", "connect it")
    panel.look()
    pumped(session, qtbot, lambda: panel.devices.currentData() == "Desk" and "no sound input" in panel.state.text())


def test_settings_are_moved_and_shown(panel: AudioPanel, session: Session) -> None:
    ear, fields = session.controls.audio, panel.hearing.fields
    fields["gain"].moved.emit(1.0)
    assert ear.settings["gain"] == 40.0
    fields["gain"].reset.emit()
    assert ear.settings["gain"] == 0.0
    fields["automatic"].click()
    assert ear.settings["automatic"] is False
    fields["weighting"].chosen.emit("A")
    assert ear.settings["weighting"] == "A"
    session.undo()
    session.pump()
    assert fields["weighting"].current == "flat"


def test_a_file_is_dropped(panel: AudioPanel, session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "gone.wav"))])
    where, actions, buttons = QPoint(5, 5), Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    enter = QDragEnterEvent(where, actions, data, buttons, Qt.KeyboardModifier.NoModifier)
    panel.dragEnterEvent(enter)
    assert enter.isAccepted()
    panel.dropEvent(QDropEvent(QPointF(where), actions, data, buttons, Qt.KeyboardModifier.NoModifier))
    assert session.controls.audio.settings["source"] == "file"
    pumped(session, qtbot, lambda: "gone.wav" in panel.state.text())
    assert panel.file_name.text() == "gone.wav" and not panel.file_row.isHidden()
    data.setUrls([QUrl.fromLocalFile("/tmp/a.txt")])
    enter = QDragEnterEvent(where, actions, data, buttons, Qt.KeyboardModifier.NoModifier)
    panel.dragEnterEvent(enter)
    assert not enter.isAccepted()


def test_the_clock_follows_at_a_click(panel: AudioPanel, session: Session) -> None:
    panel.follow.click()
    assert session.clock_sources.chosen.name == "audio"
    panel.follow.click()
    assert session.clock_sources.chosen.name == "internal"


def texts(menu: QMenu) -> dict[str, Any]:
    return {action.text(): action for action in menu.actions() if action.text()}


def test_a_feature_is_used_by_its_menu(panel: AudioPanel, session: Session) -> None:
    menu = QMenu(panel)
    fill_use_menu(menu, session, "bass")
    found = texts(menu)
    pushed, bound = texts(found["Push a parameter"].menu()), texts(found["Be the knob of"].menu())
    assert "Level" in pushed and "Size" not in pushed and {"Level", "Size", "Go", "Loud"} <= set(bound)
    assert "Words" not in bound
    pushed["Level"].trigger()
    bound["Loud"].trigger()
    controls = session.controls
    assert [item.feature for item in controls.modulators if isinstance(item, FromAudio)] == ["bass"]
    assert controls.routes[0].target.name == "level" and controls.bindings[0].source == Source(AUDIO, address="bass")
    assert panel.rows["bass"].used() == 2 and panel.rows["level"].used() == 0
    modulate(session, "bass", "A", 0, "level")
    assert len(controls.modulators) == 1
    assert session.history.undo_label == "Modulate by bass"


def test_an_onset_switches_and_what_restarts_is_bound(session: Session) -> None:
    assert use(session, "onset", "A", 0, "loud") == "Loud follows onset"
    assert use(session, "level", "A", 0, "size") == "Size follows level"
    assert use(session, "level", "A", 0, "level") == "Level is pushed by level"
    assert use(session, "level", "A", 0, "words") == ""


def test_a_feature_is_dropped_on_a_row_of_the_inspector(session: Session, qtbot: QtBot) -> None:
    inspector = Inspector(session)
    qtbot.addWidget(inspector)
    inspector.resize(300, 600)
    inspector.show()
    pumped(session, qtbot, lambda: inspector.panel is not None and "level" in inspector.panel.rows)
    assert inspector.panel is not None
    row = inspector.panel.rows["level"]
    data = mime.make(mime.AUDIO, "treble")
    where, action, button = QPoint(5, 5), Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    enter = QDragEnterEvent(where, action, data, button, Qt.KeyboardModifier.NoModifier)
    row.dragEnterEvent(enter)
    assert enter.isAccepted()
    row.dropEvent(QDropEvent(QPointF(where), action, data, button, Qt.KeyboardModifier.NoModifier))
    assert session.controls.routes[0].modulator == "Sound: treble"
    strange = mime.make(mime.AUDIO, "smell")  # Qt does not keep it alive
    row.dropEvent(QDropEvent(QPointF(where), action, strange, button, Qt.KeyboardModifier.NoModifier))
    assert len(session.controls.routes) == 1
    menu = texts(row_menu(row))
    assert "Centroid" not in menu and "Brightness" in texts(menu["Bind to sound"].menu())
    texts(menu["Bind to sound"].menu())["Onset"].trigger()
    assert session.controls.bindings[0].source.address == "onset"
