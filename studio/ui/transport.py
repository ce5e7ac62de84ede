"""The bar along the top: playing, tempo, figures, output, and the switches that always work."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from studio.session.session import Session
from studio.ui import theme
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.slider import Slider
from studio.ui.listen import listen
from studio.ui.recording import RecordButton


class BeatLights(QWidget):
    """One light per beat of the bar; the present one glows and dims until the next."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._beat, self._glow = session, 0, 0.0
        self.setAccessibleName("Beat")
        self.setToolTip("The beat of the bar")
        self.setFixedSize(self.sizeHint())

    def sizeHint(self) -> QSize:
        return QSize(theme.px(14) * self._session.clock.beats_per_bar + theme.px(4), theme.px(24))

    def refresh(self) -> None:
        """Follow the clock."""
        moment = self._session.clock.read()
        bars = self._session.clock.beats_per_bar
        beat = math.floor(moment.bar * bars + 1e-6) % bars
        glow = 1.0 - (moment.bar * bars) % 1.0
        if beat != self._beat or abs(glow - self._glow) > 0.08:
            self._beat, self._glow = beat, glow
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        side = theme.px(7)
        for index in range(self._session.clock.beats_per_bar):
            color = theme.color("line")
            if index == self._beat:
                color = theme.blend(color, theme.color("accent"), 0.25 + 0.75 * self._glow)
            painter.setBrush(color)
            painter.drawEllipse(QRectF(theme.px(4) + theme.px(14) * index, (self.height() - side) / 2, side, side))


class Transport(QWidget):
    """See the module. ``fill_output`` fills the menu of the output; the window puts it in."""

    snapshot_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.fill_output: Callable[[QMenu], None] = QMenu.clear
        self.setObjectName("transport")
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.space(2), theme.space(1), theme.space(2), theme.space(1))
        row.setSpacing(theme.space(1))
        self.play = tool_button("play", "Run everything", tip="Run every deck and player (Space); lit while any runs",
                                checkable=True, clicked=self.run_all)
        self.stop = tool_button("stop", "Stop everything", tip="Stop every deck and player; the pictures stay",
                                clicked=self.stop_all)
        self.bpm = QDoubleSpinBox()
        self.bpm.setRange(20.0, 400.0)
        self.bpm.setDecimals(1)
        self.bpm.setValue(session.clock.bpm)
        self.bpm.setSuffix(" bpm")
        self.bpm.setKeyboardTracking(False)
        self.bpm.setAccessibleName("Tempo")
        self.bpm.setToolTip("Tempo, 20–400 beats per minute")
        self.bpm.setFixedWidth(theme.px(104))
        self.bpm.valueChanged.connect(lambda value: session.set_bpm(value))
        self.tap = tool_button("tap", "Tap", text="Tap", tip="Tap the tempo (T)", clicked=self.tap_tempo)
        self.half = _text_button("÷2", "Half tempo", "Half the tempo", lambda: self._tempo(0.5))
        self.double = _text_button("×2", "Double tempo", "Twice the tempo", lambda: self._tempo(2.0))
        self.back = _text_button("◂", "Nudge back", "Nudge the beat back", lambda: session.clock.nudge(-0.05))
        self.ahead = _text_button("▸", "Nudge ahead", "Nudge the beat ahead", lambda: session.clock.nudge(0.05))
        self.one = _text_button("1", "Now is one", "Now is the first beat of a bar",
                                lambda: session.clock.align(bar=True))
        self.beats = BeatLights(session)
        for widget in (self.play, self.stop, _gap(), self.bpm, self.tap, self.half, self.double, self.back, self.ahead,
                       self.one, self.beats):
            row.addWidget(widget)
        self.figures = QLabel()
        theme.set_role(self.figures, "dim")
        self.figures.setFont(theme.font("mono"))
        self.figures.setAccessibleName("Figures")
        self.figures.setToolTip("Where networks run · frames per second of the programme · from a moved knob to the "
                                "picture · frames that came too late to be shown")
        self.figures.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.figures.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.figures, 1)
        row.addWidget(_gap())
        self._right(row)
        listen(self, session, "mix", lambda _: self._show_mix())
        listen(self, session, "session", lambda _: self._show_bpm())
        self._show_mix()

    def _right(self, row: QHBoxLayout) -> None:
        session = self._session
        self.snapshot = tool_button("snapshot", "Snapshot", tip="Keep everything as it is now (F5)",
                                    clicked=self.snapshot_requested.emit)
        self.record = RecordButton(session)
        self.output = tool_button("projector", "Output", tip="Show the programme on a screen of its own")
        self.output.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.output)
        menu.aboutToShow.connect(self._fill_output_menu)
        self.output.setMenu(menu)
        self.blackout = self._switch("blackout", "Blackout", "Black, whatever the generators do (F10)")
        self.freeze = self._switch("freeze", "Freeze", "Hold the picture that is shown now (F11)")
        self.safe = self._switch("safe", "Safe", "A calm picture that needs no generator (F12)")
        self.master = Slider(norm=1.0)
        self.master.setAccessibleName("Master")
        self.master.setToolTip("Master fade: light of the programme, 0–100 %")
        self.master.setFixedWidth(theme.px(88))
        self.master.moved.connect(lambda light: session.mix.set("fade", 1.0 - light))
        self.master.reset.connect(lambda: session.mix.set("fade", 0.0))
        panic = (self.blackout, self.freeze, self.safe, self.master)
        for widget in (self.record, self.snapshot, self.output, _gap(), *panic):
            row.addWidget(widget)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = event.size().width() < theme.px(1100)
        self.record.set_compact(narrow)
        for part in (self.half, self.double):  # the panic row keeps its words
            part.setVisible(not narrow)
        style = Qt.ToolButtonStyle
        self.tap.setToolButtonStyle(style.ToolButtonIconOnly if narrow else style.ToolButtonTextBesideIcon)

    def _switch(self, name: str, title: str, tip: str) -> QToolButton:
        def toggle() -> None:
            self._session.mix.set(name, button.isChecked())

        button = tool_button(name, title, text=title, tip=tip, checkable=True, role="danger", clicked=toggle)
        return button

    def toggle(self, name: str) -> None:
        """Turn blackout, freeze or safe on or off."""
        self._session.mix.set(name, not getattr(self._session.mix, name))

    def _show_mix(self) -> None:
        mix = self._session.mix
        self.blackout.setChecked(mix.blackout)
        self.freeze.setChecked(mix.freeze)
        self.safe.setChecked(mix.safe)
        if not self.master.is_down():
            self.master.set_norm(1.0 - mix.fade)

    def _show_bpm(self) -> None:
        if not self.bpm.hasFocus() or abs(self.bpm.value() - self._session.clock.bpm) > 0.05:
            self.bpm.blockSignals(True)
            self.bpm.setValue(self._session.clock.bpm)
            self.bpm.blockSignals(False)

    def _tempo(self, factor: float) -> None:
        self._session.set_bpm(self._session.clock.bpm * factor, gesture=None)

    def tap_tempo(self) -> None:
        """One tap on the beat."""
        self._session.clock.tap()
        self._show_bpm()

    def run_all(self) -> None:
        """Run every line that holds something."""
        for line in self._session.decks.values():
            if line.slots and (line.stopped or line.state in ("paused", "finished")):
                self._session.start(line.name)
        self._session.playback.play_all()
        self._show_running()  # a click has turned the light over

    def runs(self) -> bool:
        """Whether any deck moves or any player plays."""
        decks = (line for line in self._session.decks.values() if line.slots and not line.stopped)
        if any(line.state in ("starting", "running") for line in decks):
            return True
        return any(known.state in ("playing", "waiting") for known in self._session.playback.playing.values())

    def _show_running(self) -> None:
        self.play.setChecked(self.runs())

    def stop_all(self) -> None:
        """Let every deck stand still with its picture, and end every player."""
        self._hold_decks()
        self._session.playback.stop_all()

    def _hold_decks(self) -> None:
        for line in self._session.decks.values():
            if line.slots:
                self._session.stop(line.name)

    def toggle_all(self) -> None:
        """Let everything stand still when something runs, else let everything go on from there."""
        playing = self._session.playback.playing.values()
        decks = any(line.slots and not line.stopped for line in self._session.decks.values())
        if decks or any(known.state in ("playing", "waiting") for known in playing):
            self._hold_decks()
            self._session.playback.pause_all()
        else:
            self.run_all()

    def _fill_output_menu(self) -> None:
        self.fill_output(self.output.menu())

    def show_figures(self, text: str) -> None:
        """The line of figures; with little room in fewer words, then without where networks run, then with dots."""
        room, metrics = max(0, self.figures.width() - 4), self.figures.fontMetrics()
        few = text.replace("knob to screen", "knob")
        fits = (words for words in (text, few, few.partition(" · ")[2]) if metrics.horizontalAdvance(words) <= room)
        shown = next(fits, "") or metrics.elidedText(text, Qt.TextElideMode.ElideLeft, room)
        if shown != self.figures.text():
            self.figures.setText(shown)

    def refresh(self) -> None:
        """Follow the clock; about 30 times a second."""
        self.beats.refresh()
        self.record.refresh()
        self._show_running()
        typing = self.bpm.hasFocus() and self.bpm.lineEdit().isModified()
        if not typing and abs(self.bpm.value() - self._session.clock.bpm) > 0.05:  # a fade, a knob or another clock
            self._show_bpm()


def _gap() -> QWidget:
    gap = QWidget()
    gap.setFixedWidth(theme.space(2))
    return gap


def _text_button(text: str, name: str, tip: str, clicked: Callable[[], object]) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setAccessibleName(name)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    button.clicked.connect(lambda *_: clicked())
    return button
