"""The piano roll: it moves with the music at the screen's rate, and can be scrolled, zoomed and looked into."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.session.playback_track import Played
from studio.ui import theme
from studio.ui.kit.painting import focus_ring, pill
from studio.ui.views.sequencer import roll_paint
from studio.ui.views.sequencer.looks import drum_name, key_name
from studio.ui.views.sequencer.roll_state import Frame, Lanes, RollState

FRAME_MS = 16
NOW = 0.38
"""Where the playhead stands, as a part of the width."""
MARGIN = 0.3
"""How much more than what is seen is painted ahead, on each side, as a part of the width."""
MOST_BEATS, LEAST_BEATS = 128.0, 2.0


class Roll(QWidget):
    """``look(low, high)`` gives what is to be seen between two beats, or None while there is nothing."""

    def __init__(self, look: Callable[[float, float], RollState | None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.lanes = Lanes()
        self.beats = 16.0
        self.pan = 0.0
        self.state = RollState()
        self.painted = self.taped = 0
        self._tape: QPixmap | None = None
        self._tape_key: object = None
        self._tape_left = self._tape_beats = 0.0
        self._position = 0.0
        self._odds = np.zeros(128, np.float32)
        self._hover: QPointF | None = None
        self._drag: QPointF | None = None
        self._back = QRectF()
        self._timer = QTimer(self, interval=FRAME_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.advance)
        self._last = time.perf_counter()
        self.setAccessibleName("Piano roll")
        self.setAccessibleDescription("Wheel: scroll pitches; Ctrl+wheel: zoom time; Shift+wheel: move in time; "
                                      "double click or Home: follow the music again")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(theme.px(640), theme.px(240))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(240), theme.px(96))

    # --- motion ---

    def showEvent(self, event: QShowEvent) -> None:
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()

    def advance(self) -> None:
        """One frame; nothing is painted while nothing moves."""
        low = self._position - NOW * self.beats + self.pan
        around = (MARGIN + 0.02) * self.beats
        state = self._look(low - around, low + self.beats + around)
        if state is None:
            if self.state.played or self.state.coming:
                self.state = RollState()
                self.update()
            return
        now = time.perf_counter()
        dt, self._last = min(0.1, now - self._last), now
        self._position = state.position
        self.state = state
        moves = self.lanes.follow((*state.played[-256:], *state.coming), state.drums)
        target = state.chances if state.chances is not None else np.zeros(128, np.float32)
        share = np.float32(1.0 - np.exp(-dt / 0.07))
        change = (target - self._odds) * share
        self._odds += change
        if state.moving or moves or float(np.abs(change).max()) > 1e-3 or state.preview:
            self.update()

    @property
    def frame(self) -> Frame:
        """The rectangles of the present size and the axis of time."""
        width, height = float(self.width()), float(self.height())
        keys = theme.px(104 if self.lanes.drums else 46)
        strip = theme.px(84) if width > theme.px(520) else 0.0
        ruler = theme.px(20)
        grid = QRectF(keys, ruler, max(1.0, width - keys - strip), max(1.0, height - ruler))
        return Frame(
            grid, QRectF(0, ruler, keys, grid.height()), QRectF(grid.right(), ruler, strip, grid.height()),
            QRectF(0, 0, width, ruler), self._position - NOW * self.beats + self.pan, self.beats,
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        frame, state = self.frame, self.state
        self._paint_tape(painter, frame)
        roll_paint.paint_ruler(painter, frame, state.bar)
        roll_paint.paint_sounding(painter, frame, self.lanes, state)
        roll_paint.paint_playhead(painter, frame, state.position)
        roll_paint.paint_keys(painter, frame, self.lanes, state)
        roll_paint.paint_strip(painter, frame, self.lanes, self._odds, state)
        self._paint_ruler(painter, frame)
        self._paint_hover(painter, frame)
        self._back = QRectF()
        if self.pan or not self.lanes.auto:
            self._back = pill(painter, "Back to now", QPointF(frame.grid.right() - theme.px(8), frame.grid.top()
                              + theme.px(8)), theme.color("accent"), theme.color("on_accent"), right=True)
        if self.hasFocus():
            focus_ring(painter, QRectF(self.rect()), 2)
        self.painted += 1

    def _paint_tape(self, painter: QPainter, frame: Frame) -> None:
        """What only moves is painted once, a little wider than what is seen, and again when it changed."""
        state, ratio = self.state, self.devicePixelRatioF()
        grid = frame.grid
        heard = sum(item.beat <= state.position for item in state.played)
        key = (
            grid.width(), grid.height(), ratio, self.beats, self.lanes.low, self.lanes.high, len(self.lanes.rows),
            state.bar, theme.current(), heard, tuple((item.beat, item.note) for item in state.coming),
            len(state.played), len(state.preview), state.preview[0] if state.preview else None,
        )
        inside = self._tape_left <= frame.left and frame.left + frame.beats <= self._tape_left + self._tape_beats
        if key != self._tape_key or not inside or self._tape is None:
            self._tape_key = key
            self._tape_left = frame.left - MARGIN * self.beats
            self._tape_beats = (1.0 + 2.0 * MARGIN) * self.beats
            width = grid.width() * (1.0 + 2.0 * MARGIN)
            self._tape = QPixmap(math.ceil(width * ratio), math.ceil(grid.height() * ratio))
            self._tape.setDevicePixelRatio(ratio)
            tape = QPainter(self._tape)
            whole = Frame(QRectF(0, 0, width, grid.height()), QRectF(), QRectF(), QRectF(), self._tape_left,
                          self._tape_beats)
            roll_paint.paint_tape(tape, whole, self.lanes, state)
            tape.end()
            self.taped += 1
        # whole pixels: a blit costs a tenth of a filtered copy
        offset = round((frame.left - self._tape_left) / self.beats * grid.width() * ratio)
        source = QRectF(offset, 0, grid.width() * ratio, grid.height() * ratio)
        painter.drawPixmap(grid, self._tape, source)

    def _paint_ruler(self, painter: QPainter, frame: Frame) -> None:
        painter.setFont(theme.font("tiny"))
        painter.setPen(theme.color("faint"))
        corner = QRectF(0, 0, frame.keys.width(), frame.ruler.height())
        painter.fillRect(corner, theme.color("panel"))
        painter.drawText(corner.adjusted(theme.px(6), 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, "Bar")
        if frame.strip.width() > 0:
            head = QRectF(frame.strip.left(), 0, frame.strip.width(), frame.ruler.height())
            painter.fillRect(head, theme.color("panel"))
            painter.drawText(head.adjusted(theme.px(6), 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, "Chances")

    def _paint_hover(self, painter: QPainter, frame: Frame) -> None:
        if self._hover is None or self._drag is not None:
            return
        text = self.describe(self._hover)
        if text:
            at = self._hover + QPointF(theme.px(12), -theme.px(24))
            at.setX(min(at.x(), self.width() - theme.px(190)))
            at.setY(max(at.y(), frame.ruler.bottom()))
            pill(painter, text, at, theme.color("raised"), theme.color("text"))

    def note_at(self, place: QPointF) -> Played | None:
        """The note under a point."""
        frame = self.frame
        if not frame.grid.contains(place):
            return None
        for item in (*reversed(self.state.played), *self.state.coming):
            rect = frame.rect(item, self.lanes)
            if rect is not None and rect.adjusted(-1, -2, 1, 2).contains(place):
                return item
        return None

    def describe(self, place: QPointF) -> str:
        """What is under a point, in words; '' for nothing."""
        frame = self.frame
        if frame.strip.contains(place):
            pitch = self.lanes.pitch_at(place.y(), frame.strip)
            name = drum_name(pitch) if self.lanes.drums else key_name(pitch)
            return f"{name} · {self._odds[pitch]:.0%}" if self._odds[pitch] > 0.003 else ""
        item = self.note_at(place)
        if item is None:
            return ""
        note = item.note
        if self.lanes.drums:
            return f"{drum_name(note.pitch)} · velocity {note.velocity}"
        voice = self.state.voices.get(note.channel, "")
        length = f"{note.duration:.2f}".rstrip("0").rstrip(".")
        parts = [voice, key_name(note.pitch), f"velocity {note.velocity}",
                 f"{length} beat{'' if length == '1' else 's'}"]
        return " · ".join(part for part in parts if part)

    # --- hands ---

    def follow(self) -> None:
        """The playhead back to its place, the pitches as they are played."""
        self.pan, self.lanes.auto = 0.0, True
        self.update()

    def zoom_time(self, factor: float) -> None:
        """Show more (factor > 1) or fewer beats."""
        self.beats = min(MOST_BEATS, max(LEAST_BEATS, self.beats * factor))
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turns = (event.angleDelta().y() or event.angleDelta().x()) / 120.0
        keys = event.modifiers()
        if keys & Qt.KeyboardModifier.ControlModifier and keys & Qt.KeyboardModifier.ShiftModifier:
            self.lanes.zoom(0.87**turns)
        elif keys & Qt.KeyboardModifier.ControlModifier:
            self.zoom_time(0.85**turns)
        elif keys & Qt.KeyboardModifier.ShiftModifier or abs(event.angleDelta().x()) > abs(event.angleDelta().y()):
            self._move(-turns * self.beats / 16.0)
        else:
            self.lanes.move(turns * 2.0)
        self.update()
        event.accept()

    def _move(self, beats: float) -> None:
        self.pan = max(-self._position - 1.0, min(self.beats, self.pan + beats))
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._move((1 if key == Qt.Key.Key_Right else -1) * self.beats / 16.0)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.lanes.move(2.0 if key == Qt.Key.Key_Up else -2.0)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.zoom_time(1.25 if key == Qt.Key.Key_Minus else 0.8)
        elif key == Qt.Key.Key_Home:
            self.follow()
        else:
            event.ignore()
            return
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
        elif self._back.contains(event.position()):
            self.follow()
        else:
            self._drag = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        if self._drag is not None and (place - self._drag).manhattanLength() > 2:
            moved, self._drag = place - self._drag, place
            grid = self.frame.grid
            self._move(-moved.x() / grid.width() * self.beats)
            if abs(moved.y()) > 0:
                self.lanes.move(moved.y() / self.lanes.height(grid))
        self._hover = place
        over = self._drag is None and self._back.contains(place)
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ClosedHandCursor
                       if self._drag is not None else Qt.CursorShape.ArrowCursor)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.follow()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = None
        self.update()
