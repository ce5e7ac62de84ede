"""The button that opens how a player plays: swing, looseness, chance by step, transposition, the held bar."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from PySide6.QtCore import QPoint, QTimer
from PySide6.QtGui import QPaintEvent, Qt
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget
from shiboken6 import isValid

from studio.control.binding import PLAYER
from studio.session.feel import FEEL
from studio.session.line import Line
from studio.session.session import Session
from studio.ui import theme
from studio.ui.inspector.editing import StageEdits
from studio.ui.inspector.popup import paint_frame
from studio.ui.inspector.rows import make_row
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.toast import Toast

SHOWN = tuple(name for name in FEEL if name not in ("volume", "mute"))  # those stand in the bar itself
SYNC_MS = 80


class FeelEdits(StageEdits):
    """How a player plays, as the rows of the inspector see it."""

    def __init__(self, session: Session, line: Line) -> None:
        super().__init__(session, line.name, PLAYER, session.playback.playing[line.name].feel, line.makes)

    def set(self, name: str, value: Any, gesture: Hashable | None = None) -> None:
        """Change one value, as one step of undo."""
        self.session.playback.set_feel(self.line, gesture=gesture, **{name: value})

    def randomise(self, name: str) -> None:
        """Nothing here is randomised."""

    def lock(self, name: str, on: bool) -> None:
        """Nothing here is locked."""

    def locked(self, name: str) -> bool:
        """Nothing here is locked."""
        return False


class FeelPanel(QFrame):
    """Rows for all of it; a row's menu binds and modulates it. Gone when the user looks away."""

    def __init__(self, session: Session, line: Line, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName("How it plays")
        self._session, self._owner = session, parent
        self.edits = FeelEdits(session, line)
        self.rows = {name: make_row(FEEL[name], self.edits) for name in SHOWN}
        column = QVBoxLayout(self)
        edge = theme.space(2)
        column.setContentsMargins(edge, edge, edge, edge)
        column.setSpacing(theme.space(1))
        for row in self.rows.values():
            row.lockable = False
            row.bind_requested.connect(self._bind)
            column.addWidget(row)
        self._seen = -1
        timer = QTimer(self)
        timer.timeout.connect(self._sync)
        timer.start(SYNC_MS)

    def _sync(self) -> None:
        for row in self.rows.values():  # an LFO moves what is shown without a revision
            if not row.busy:
                row.sync()

    def _bind(self, name: str) -> None:
        """Bind it to the control that moves next."""
        controls, window = self._session.controls, self._owner.window()
        label, target = FEEL[name].label, controls.target(self.edits.line, PLAYER, name)
        self.close()
        toast = Toast.show_in(window, f"Move a knob, press a pad or send OSC for {label}", "info",
                              ("Cancel", controls.cancel_learn), seconds=0)

        def learned(binding: Any) -> None:
            if isValid(toast):
                toast.close_it()
            if isValid(window):
                Toast.show_in(window, f"{label} follows {binding.source.text()}", "good",
                              ("Remove", lambda: controls.unbind(binding)))

        controls.learn(target, learned)

    def open_below(self, widget: QWidget) -> None:
        """Show it below (or above) a widget, within the screen."""
        self.resize(theme.px(340), self.sizeHint().height())
        screen = widget.screen().availableGeometry()
        at = widget.mapToGlobal(QPoint(widget.width() - self.width(), widget.height() + 2))
        if at.y() + self.height() > screen.bottom():
            at.setY(widget.mapToGlobal(QPoint(0, 0)).y() - self.height() - 2)
        at.setX(max(screen.left(), min(at.x(), screen.right() - self.width())))
        at.setY(max(screen.top(), at.y()))
        self.move(at)
        self.show()
        self.rows["swing"].first_focus().setFocus(Qt.FocusReason.PopupFocusReason)  # type: ignore[union-attr]

    def paintEvent(self, _event: QPaintEvent) -> None:
        paint_frame(self)


class FeelButton(QWidget):
    """Builds ``button``; it is lit while the player plays otherwise than its notes were made."""

    def __init__(self, session: Session, line: Line, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._line = session, line
        self.panel: FeelPanel | None = None
        self.button = tool_button("sliders", "How it plays", size=16, checkable=True, clicked=self.open,
                                  tip="Swing, looseness, chance of each step, transpose, hold the bar")
        self.hide()

    def open(self) -> None:
        """Show the panel."""
        if self._line.name in self._session.playback.playing:
            self.panel = FeelPanel(self._session, self._line, self)
            self.panel.open_below(self.button)
        self.refresh()

    def refresh(self) -> None:
        """Follow the player."""
        known = self._session.playback.playing.get(self._line.name)
        changed = [] if known is None else [
            f"{FEEL[name].label} {known.feel[name]}" for name in SHOWN if known.feel[name] != FEEL[name].default]
        if self.button.isChecked() != bool(changed):
            self.button.setChecked(bool(changed))
        tip = "How it plays: " + ", ".join(changed) if changed else (
            "Swing, looseness, chance of each step, transpose, hold the bar")
        if self.button.toolTip() != tip:
            self.button.setToolTip(tip)
            self.button.setAccessibleDescription(tip)
