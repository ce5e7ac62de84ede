"""The button that chooses where a player is heard: the synth and its sound output, a MIDI port, or nowhere."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from studio.devices.midi_out import MidiError, bare
from studio.devices.midi_ports import midi_outputs
from studio.devices.sound import SoundError, sound_outputs
from studio.session.line import Line
from studio.session.session import Session
from studio.ui import icons
from studio.ui.background import Task, background
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.menus import heading


@dataclass
class Found:
    """What there is, or why there is none."""

    sound: list[str] = field(default_factory=list)
    ports: list[str] = field(default_factory=list)
    no_sound: str = ""
    no_ports: str = ""


def look() -> Found:
    """Ask the drivers; off the window's thread."""
    found = Found()
    try:
        found.sound = [device.name for device in sound_outputs()]
    except SoundError as error:
        found.no_sound = f"{error}; {error.cure}" if error.cure else str(error)
    try:
        found.ports = midi_outputs()
    except MidiError as error:
        found.no_ports = f"{error}; {error.cure}" if error.cure else str(error)
    return found


class OutputButton(QWidget):
    """Builds ``button``, whose menu is filled anew each time it opens."""

    def __init__(self, session: Session, line: Line, parent: QWidget | None = None, *, sounds: bool = True) -> None:
        super().__init__(parent)
        self._session, self._line = session, line
        self._found: Found | None = None
        self._task: Task | None = None
        self.button = tool_button("sound", "Sound output", tip="Where this player is heard", size=16)
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.button)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self._opened)
        self.button.setMenu(self.menu)
        self.hide()

    def _opened(self) -> None:
        self._fill()
        if self._task is None:
            self._task = background(self._session, look, self._looked, self._failed, owner=self)

    def _failed(self, why: str) -> None:
        self._looked(Found(no_sound=why, no_ports=why))

    def _looked(self, found: Found) -> None:
        self._found, self._task = found, None
        self._fill()

    def _fill(self) -> None:
        playback = self._session.playback
        known = playback.playing.get(self._line.name)
        if known is None:
            return
        options = known.options
        self.menu.clear()
        group = QActionGroup(self.menu)
        synth = self._action("Built-in synth", group, options.sink == "synth", "piano")
        synth.triggered.connect(lambda: self._choose(sink="synth"))
        heading(self.menu, "MIDI port")
        if self._found is None:
            self._note("Looking for ports…")
        elif self._found.no_ports:
            self._note(self._found.no_ports)
        for name in self._found.ports if self._found else ():
            chosen = options.sink == "midi" and bare(options.port) == bare(name)
            self._action(name, group, chosen, "midi").triggered.connect(
                lambda _=False, n=name: self._choose(sink="midi", port=n))
        self.menu.addSeparator()
        self._action("Silent", group, options.sink == "silent", "mute").triggered.connect(
            lambda: self._choose(sink="silent"))
        self._sound_menu()

    def _sound_menu(self) -> None:
        output = self._session.playback.synth.output
        menu = self.menu.addMenu(icons.icon("sound", "dim"), "Synth plays through")
        menu.setToolTipsVisible(True)
        if self._found is None or self._found.no_sound:
            text = self._found.no_sound if self._found else "Looking for sound outputs…"
            action = menu.addAction(text)
            action.setEnabled(False)
            if self._found is None:
                return
        group = QActionGroup(menu)
        for title, name in [("The system's choice", ""), *((name, name) for name in self._found.sound)]:
            action = menu.addAction(title)
            action.setCheckable(True)
            action.setChecked(output.device == name)
            group.addAction(action)
            action.triggered.connect(lambda _=False, n=name: self._through(n))

    def _through(self, name: str) -> None:
        self._session.playback.choose_output(name)

    def _action(self, title: str, group: QActionGroup, checked: bool, icon: str) -> QAction:
        # an icon takes the place of the tick: the one in use is shown by its own
        picture = icons.icon("check", "accent") if checked else icons.icon(icon, "dim")
        action = self.menu.addAction(picture, title)
        action.setCheckable(True)
        action.setChecked(checked)
        group.addAction(action)
        return action

    def _note(self, text: str) -> None:
        action = self.menu.addAction(text)
        action.setEnabled(False)
        action.setToolTip(text)

    def _choose(self, **changes: str) -> None:
        self._session.playback.set_options(self._line.name, **changes)

    def refresh(self) -> None:
        """Show by icon and tooltip where it is heard, and why it is not."""
        playback = self._session.playback
        known = playback.playing.get(self._line.name)
        if known is None:
            return
        options, trouble = known.options, playback.trouble(self._line.name)
        where = {"synth": playback.synth.output.name or "built-in synth", "midi": options.port or "MIDI"}.get(
            options.sink, "silent")
        icon = "warning" if trouble else {"synth": "piano", "midi": "midi"}.get(options.sink, "mute")
        state = f"{icon}|{where}|{trouble}"
        if self.button.property("shown") != state:
            self.button.setProperty("shown", state)
            self.button.setIcon(icons.icon(icon, "warning" if trouble else "text"))
            self.button.setToolTip(f"Not heard through {where}: {trouble}" if trouble else f"Heard through: {where}")
            self.button.setAccessibleDescription(self.button.toolTip())

    def cancel(self) -> None:
        """The view closes."""
        if self._task is not None:
            self._task.cancel()
