"""The MIDI ports that are and were here, and a monitor of what comes in."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from studio.control.monitor import Line
from studio.session.control_ports import PortState
from studio.session.core import Core
from studio.ui import theme
from studio.ui.control.keep import change_setting
from studio.ui.kit import Elided, tool_button
from studio.ui.pages.parts import clear, label, scrolled


class Lamp(QWidget):
    """A dot: lit while something is here."""

    def __init__(self, role: str = "dim", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._role = role

    def sizeHint(self) -> QSize:
        return QSize(theme.px(12), theme.px(16))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def set(self, role: str) -> None:
        """Another colour."""
        if role != self._role:
            self._role = role
            self.update()

    def role(self) -> str:
        """Its colour."""
        return self._role

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(self._role))
        side = theme.px(8)
        painter.drawEllipse(QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side))


class PortList(QFrame):
    """Each port with its state, how many bindings name it, and whether it gets feedback."""

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        theme.set_role(self, "well")
        self.setAccessibleName("MIDI ports")
        self._shown: tuple[list[PortState], str] | None = None
        self.switches: dict[str, QCheckBox] = {}
        self._rows = QVBoxLayout()
        self._rows.setContentsMargins(*(theme.space(n) for n in (3, 2, 3, 2)))
        self._rows.setSpacing(theme.space(0.5))
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._rows)
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.addWidget(scrolled(holder))

    def refresh(self) -> None:
        """Show what has come and gone."""
        ports = self.session.controls.ports
        found = ports.port_list()
        reason, cure = ports.midi_trouble
        text = f"{reason[:1].upper()}{reason[1:]}: {cure}." if reason else ""
        if (found, text) == self._shown:
            return
        self._shown = (found, text)
        clear(self._rows)
        self.switches = {}
        for state in found:
            self._rows.addLayout(self._row(state))
        if text or not found:
            self._rows.addWidget(label(text or "Ports are being looked for …", "small", wrap=True, select=True))

    def _row(self, state: PortState) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(theme.space(2))
        row.addWidget(Lamp("good" if state.here else "edge"))
        name = Elided(state.name)
        name.setAccessibleName(f"{state.name}, {'connected' if state.here else 'not connected'}")
        name.setEnabled(state.here)
        row.addWidget(name, 1)
        words = [] if state.here else ["away"]
        if state.bindings:
            words.append(f"{state.bindings} bound")
        row.addWidget(label(", ".join(words), "small" if state.here else "warning"))
        switch = QCheckBox("feedback")
        switch.setAccessibleName(f"Feedback to {state.name}")
        switch.setChecked(state.feedback)
        switch.setEnabled(state.lights or not state.here)
        switch.setToolTip("Its lights, rings and motors follow the values" if switch.isEnabled()
                          else "This controller has no port that could be sent to")
        switch.clicked.connect(lambda on: self._feedback(state.name, on))
        self.switches[state.name] = switch
        row.addWidget(switch)
        return row

    def _feedback(self, name: str, on: bool) -> None:
        ports = self.session.controls.ports
        change_setting(self.session, self, "midi_dark", ports.feedback_setting(name, on))


class MonitorView(QFrame):
    """The newest messages, the newest below; it can stand still to be read."""

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        theme.set_role(self, "well")
        self.setAccessibleName("Monitor")
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(theme.font("mono"))
        self.text.setStyleSheet("border: none")  # the well around it has one
        self.text.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setAccessibleName("Messages that come in")
        self.text.setPlaceholderText("Nothing yet. Move a knob, press a pad, or send OSC: it appears here.")
        self._seen: list[tuple[int, int]] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.addWidget(self.text)

    def buttons(self) -> list[QWidget]:
        """Stand still, and forget all."""
        self.hold = tool_button("pause", "Let the monitor stand still", checkable=True, size=14)
        clear_all = self.session.controls.ports.monitor.clear
        self.wipe = tool_button("trash", "Empty the monitor", size=14, clicked=clear_all)
        return [self.hold, self.wipe]

    def refresh(self) -> None:
        """Show what has come."""
        if self.hold.isChecked():
            return
        lines = self.session.controls.ports.monitor.lines()[-80:]
        marks = [(line.number, line.count) for line in lines]
        if marks != self._seen:
            self._seen = marks
            self.text.setPlainText("\n".join(_text(line) for line in lines))
            bar = self.text.verticalScrollBar()
            bar.setValue(bar.maximum())


def _text(line: Line) -> str:
    times = f"×{line.count}" if line.count > 1 else ""
    return f"{line.what:<25} {line.value:<13} {times:<6} {line.port}"
