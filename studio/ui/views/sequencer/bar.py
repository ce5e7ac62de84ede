"""The bar above a player's view: play, stop, begin anew, what it does now, loudness and output."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QWidget

from studio.session.line import Line
from studio.session.playback import Playing
from studio.session.session import Session
from studio.ui import icons, theme
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.slider import Slider
from studio.ui.kit.small import Elided
from studio.ui.views.sequencer.feel_button import FeelButton
from studio.ui.views.sequencer.outputs import OutputButton


class PlayerBar(QWidget):
    """``add`` puts more controls between the status and the loudness."""

    def __init__(
        self, session: Session, line: Line, *, anew: str, anew_tip: str, sounds: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.session, self.line = session, line
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(theme.space(1))
        self.play = tool_button("play", "Play", tip="Play or pause", size=18,
                                clicked=lambda: session.playback.toggle(line.name))
        self.stop = tool_button("stop", "Stop", tip="Stop; playing again begins from the start", size=18,
                                clicked=lambda: session.playback.stop(line.name))
        self.anew = tool_button("refresh", anew, tip=anew_tip, size=16,
                                clicked=lambda: session.playback.new_piece(line.name))
        self.status = Elided()
        self.status.setAccessibleName("Status")
        self.status.setFont(theme.font("number"))
        self.status.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.status.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        theme.set_role(self.status, "dim")
        for widget in (self.play, self.stop, self.anew):
            self.row.addWidget(widget)
        self.row.addSpacing(theme.space(2))
        self.row.addWidget(self.status, 1)
        self._sounds = sounds
        self.mute: QToolButton | None = None
        if sounds:
            self._sound_part()
        self._shown = ""

    def _sound_part(self) -> None:
        session, line = self.session, self.line
        self.outputs = OutputButton(session, line, self)
        self.feel = FeelButton(session, line, self)
        self.mute = tool_button("sound", "Mute", tip="Mute this player", size=16, checkable=True)
        self.mute.clicked.connect(lambda on: session.playback.set_options(line.name, mute=bool(on)))
        self.volume = Slider(self, norm=0.8)
        self.volume.setFixedWidth(theme.px(96))
        self.volume.setAccessibleName("Volume")
        self.volume.setToolTip("Volume, 0–100 %")
        self.volume.moved.connect(self._volume)
        self.volume.released.connect(session.end_gesture)
        self.volume.reset.connect(lambda: session.playback.set_options(line.name, volume=0.8))
        self.panic = tool_button("lightning", "Panic", tip="End every note everywhere, now", size=16,
                                 clicked=session.playback.panic)
        self.row.addSpacing(theme.space(1))
        for widget in (self.feel.button, self.mute, self.volume, self.outputs.button, self.panic):
            self.row.addWidget(widget)

    def _volume(self, norm: float) -> None:
        self.session.playback.set_options(self.line.name, volume=norm, gesture=("hold", id(self), "volume"))

    def add(self, *widgets: QWidget) -> None:
        """More controls, left of the loudness."""
        place = self.row.indexOf(self.status) + 1
        for offset, widget in enumerate(widgets):
            self.row.insertWidget(place + offset, widget)

    @property
    def playing(self) -> Playing | None:
        """The player as it is heard, None when it is gone."""
        return self.session.playback.playing.get(self.line.name)

    def refresh(self, status: Callable[[Playing], str]) -> None:
        """Follow the player."""
        known = self.playing
        if known is None:
            return
        state = known.state
        if state != self._shown:
            self._shown = state
            goes = state in ("playing", "waiting")
            self.play.setIcon(icons.icon("pause" if goes else "play", "text", "accent"))
            self.play.setAccessibleName("Pause" if goes else "Play")
            self.play.setToolTip("Pause" if goes else "Play")
            self.stop.setEnabled(state not in ("stopped", "empty"))
        self.status.setText(_words(known, state, status))
        if self.mute is not None:
            options = known.options
            if self.mute.isChecked() != options.mute or self.mute.property("shown") is None:
                self.mute.setProperty("shown", True)
                self.mute.setChecked(options.mute)
                self.mute.setIcon(icons.icon("mute" if options.mute else "sound", "text", "accent"))
                self.mute.setToolTip("Muted" if options.mute else "Mute this player")
            if not self.volume.is_down():
                self.volume.set_norm(options.volume)
            self.volume.setEnabled(not options.mute and options.sink != "silent")
            self.outputs.refresh()
            self.feel.refresh()

    def close_bar(self) -> None:
        """The view closes."""
        if self._sounds:
            self.outputs.cancel()


def _words(known: Playing, state: str, status: Callable[[Playing], str]) -> str:
    line = known.line
    if line.state in ("failed", "paused", "hung", "absent"):
        return line.why() or line.state
    if state == "waiting":
        return "Loading…" if line.state in ("loading", "starting") else "Listening for the first bar…"
    detail = status(known)
    word = {"playing": "", "paused": "Paused", "stopped": "Stopped", "finished": "Ended"}.get(state, "")
    return " · ".join(part for part in (word, detail) if part)
