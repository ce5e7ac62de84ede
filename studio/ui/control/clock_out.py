"""MIDI clock out on the page *Control*: on or off, to which port, and how it is."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from studio.devices.midi_out import MidiError, bare
from studio.devices.midi_ports import midi_outputs
from studio.session.core import Core
from studio.ui import theme
from studio.ui.background import Task, background
from studio.ui.control.keep import change_setting
from studio.ui.control.ports import Lamp
from studio.ui.kit import tool_button
from studio.ui.kit.combo import Combo
from studio.ui.listen import listen
from studio.ui.pages.parts import label

ABOUT = "A drum machine or another program follows the studio: tempo, start, stop and place in the song."


def _look() -> list[str] | str:
    """The ports, or why there is none; off the window's thread."""
    try:
        return midi_outputs()
    except MidiError as error:
        return f"{error}; {error.cure}" if error.cure else str(error)


class ClockOutCard(QFrame):
    """See the module."""

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        theme.set_role(self, "card")
        self.setAccessibleName("Clock for others")
        self._ports: list[str] = []
        self._why = ""
        self._task: Task | None = None
        self.switch = QCheckBox("Send MIDI clock")
        self.switch.setToolTip(ABOUT)
        self.switch.clicked.connect(lambda on: change_setting(session, self, "clock_out", bool(on)))
        self.lamp = Lamp("edge")
        self.port = Combo(name="Port that hears the clock")
        self.port.setToolTip("Port that hears the clock")
        self.port.activated.connect(self._chosen)
        self.again = tool_button("refresh", "Look for ports again", tip="Look for ports again", clicked=self.look)
        self.text, self.cure = label("", "", wrap=True), label("", "small", wrap=True)
        head, row = QHBoxLayout(), QHBoxLayout()
        head.addWidget(self.switch, 1)
        head.addWidget(self.lamp)
        row.setSpacing(theme.space(2))
        row.addWidget(self.port, 1)
        row.addWidget(self.again)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.space(n) for n in (3, 2, 3, 2)))
        column.setSpacing(theme.space(1))
        column.addLayout(head)
        column.addWidget(label(ABOUT, "small", wrap=True))
        column.addLayout(row)
        column.addWidget(self.text)
        column.addWidget(self.cure)
        listen(self, session, "settings", lambda _: self.refresh())
        self.refresh()
        self.look()

    def look(self) -> None:
        """Ask the system for its ports."""
        if self._task is None:
            self._task = background(self.session, _look, self._looked, self._looked, owner=self)

    def _looked(self, found: list[str] | str) -> None:
        self._task = None
        self._ports, self._why = ([], found) if isinstance(found, str) else (found, "")
        self._fill()
        self.refresh()

    def _fill(self) -> None:
        chosen = str(self.session.settings["clock_out_port"])
        known = next((port for port in self._ports if bare(port) == bare(chosen)), "")
        self.port.blockSignals(True)
        self.port.clear()
        if not chosen:
            self.port.addItem("Choose a port …" if self._ports else "No port is there", "")
        for port in self._ports:
            self.port.addItem(port, port)
        if chosen and not known:
            self.port.addItem(f"{chosen} (away)", chosen)
        self.port.choose(known or chosen)
        self.port.setEnabled(bool(self._ports))
        self.port.blockSignals(False)

    def _chosen(self, place: int) -> None:
        name = self.port.itemData(place)
        if name:
            change_setting(self.session, self, "clock_out_port", str(name))
            self._fill()

    def refresh(self) -> None:
        """How it is."""
        self.switch.setChecked(bool(self.session.settings["clock_out"]))
        level, text, cure = self.session.playback.ports.clock_state()
        self.lamp.set(level)
        self.text.setText("" if level == "edge" else f"{text[:1].upper()}{text[1:]}.")
        self.text.setVisible(bool(self.text.text()))
        why = cure or (self._why if not self._ports else "")
        self.cure.setText(f"What helps: {why}." if cure else f"{why[:1].upper()}{why[1:]}." if why else "")
        self.cure.setVisible(bool(self.cure.text()))
