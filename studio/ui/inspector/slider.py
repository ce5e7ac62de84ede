"""The slider of a number: one position 0..1, dragged coarse or fine, with its default marked on the track."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QWidget

from studio.ui import theme

FINE = 0.1
"""How far the value follows the mouse while Shift is held, as a share of the ordinary travel."""
STEPS = 10_000
INSET = 8
"""Pixels between the edge and the end of the track."""
_SNAP = 3.0
_KEYS = {
    Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Minus: -1, Qt.Key.Key_Plus: 1,
    Qt.Key.Key_PageDown: -10, Qt.Key.Key_PageUp: 10,
}


class ValueSlider(QAbstractSlider):
    """Shows and moves one position. It never sets itself: the row answers its signals with ``show_position``."""

    grabbed = Signal()
    dragged = Signal(float, bool)
    """Position 0..1 under the hand, and whether it is a fine drag."""
    dropped = Signal()
    cancelled = Signal()
    stepped = Signal(int, bool, bool)
    """Steps, fine, and whether the key is being held."""
    jumped = Signal(float)
    """To an end, by Home or End."""
    reset_wanted = Signal(bool)
    """By a double click (True) or a key."""
    typing_wanted = Signal()
    leave = Signal(int)
    """To the row above (-1) or below (1)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setRange(0, STEPS)
        self.setSingleStep(STEPS // 100)
        self.setPageStep(STEPS // 10)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.accent = QColor(theme.color("accent"))
        self.default = 0.0
        self.origin = 0.0
        self.position = 0.0
        self.ticks = 0
        self.ghost: float | None = None
        self.reach: tuple[float, float] | None = None
        self._raw = 0.0
        self._x = 0.0
        self._dragging = False
        self._by_keyboard = False

    @property
    def dragging(self) -> bool:
        return self._dragging

    def show_position(self, position: float) -> None:
        """Put the handle there."""
        if position != self.position:
            self.position = position
            self.setSliderPosition(round(position * STEPS))
            self.update()

    def show_ghost(self, position: float | None) -> None:
        """A second mark: what a controller or an LFO makes of the value just now; None takes it away."""
        if position != self.ghost:
            self.ghost = position
            self.update()

    def show_reach(self, reach: tuple[float, float] | None) -> None:
        """A band from and to so far from the value (-1..1): how far modulation goes; None takes it away."""
        if reach != self.reach:
            self.reach = reach
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.space(30), theme.space(4.5))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.space(12), theme.space(4.5))

    # --- geometry

    def _inset(self) -> float:
        return theme.px(INSET)

    def _travel(self) -> float:
        return max(1.0, self.width() - 2 * self._inset())

    def x_of(self, position: float) -> float:
        """Pixels from the left to the middle of the handle at a position."""
        return self._inset() + position * self._travel()

    # --- mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.typing_wanted.emit()
            return
        x = event.position().x()
        self._dragging, self._x, self._by_keyboard = True, x, False
        self._raw = self.position
        self.grabbed.emit()
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if not fine and abs(x - self.x_of(self.position)) > theme.px(9):
            self._raw = (x - self._inset()) / self._travel()
            self._tell(False)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self._dragging:
            event.ignore()
            return
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        x = event.position().x()
        if x != self._x:
            self._raw += (x - self._x) / self._travel() * (FINE if fine else 1.0)
            self._x = x
            self._tell(fine)

    def _tell(self, fine: bool) -> None:
        position = min(1.0, max(0.0, self._raw))
        if not fine and abs(position - self.default) * self._travel() < _SNAP:
            position = self.default
        self.dragged.emit(position, fine)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._dragging and event.button() == Qt.MouseButton.LeftButton:
            self._end()
            self.dropped.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._end()
            self.reset_wanted.emit(True)

    def _end(self) -> None:
        self._dragging = False
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        # a wheel scrolls the inspector; it would turn whatever knob comes under the pointer
        turn = event.angleDelta().y() or event.angleDelta().x()
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier or not turn:
            event.ignore()
            return
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self.stepped.emit(1 if turn > 0 else -1, fine, True)
        event.accept()

    # --- keys

    def event(self, event: QEvent) -> bool:
        # keys of the slider are not shortcuts of the window while it has the focus
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
            keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Delete)
            if plain and (event.key() in _KEYS or event.key() in keys):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._by_keyboard = True
        if self._dragging and key == Qt.Key.Key_Escape:
            self._end()
            self.cancelled.emit()
        elif event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            event.ignore()
        elif key in _KEYS:
            self.stepped.emit(_KEYS[key], fine, event.isAutoRepeat())
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self.jumped.emit(0.0 if key == Qt.Key.Key_Home else 1.0)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset_wanted.emit(False)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            self.typing_wanted.emit()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.leave.emit(-1 if key == Qt.Key.Key_Up else 1)
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._by_keyboard = event.reason() != Qt.FocusReason.MouseFocusReason
        super().focusInEvent(event)

    # --- picture

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, thick = self.height() / 2, theme.px(4)
        left, right = self._inset(), self._inset() + self._travel()
        active = self._dragging or self.underMouse()
        groove = QRectF(left, middle - thick / 2, right - left, thick)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.blend(theme.color("field"), theme.color("edge"), 0.75))
        painter.drawRoundedRect(groove, thick / 2, thick / 2)
        self._paint_ticks(painter, middle + theme.px(5))
        x, start = self.x_of(self.position), self.x_of(self.origin)
        fill = theme.color("disabled") if not self.isEnabled() else self.accent
        painter.setBrush(fill)
        painter.drawRoundedRect(QRectF(min(start, x), groove.y(), abs(x - start), thick), thick / 2, thick / 2)
        self._paint_default(painter, middle)
        if self.reach is not None:
            low, high = (self.x_of(min(1.0, max(0.0, self.position + part))) for part in self.reach)
            band = theme.color("warning")
            band.setAlphaF(0.55)
            painter.setBrush(band)
            painter.drawRoundedRect(QRectF(low, middle + theme.px(5), max(theme.px(2), high - low), theme.px(3)),
                                    theme.px(1.5), theme.px(1.5))
        if self.ghost is not None:
            painter.setBrush(theme.color("warning"))
            wide, high = theme.px(2), theme.px(16)
            painter.drawRect(QRectF(self.x_of(self.ghost) - wide / 2, middle - high / 2, wide, high))
        radius = theme.px(7) if active else theme.px(6)
        if self.hasFocus() and self._by_keyboard:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("text"), theme.px(2)))
            painter.drawEllipse(QPointF(x, middle), radius + theme.px(1), radius + theme.px(1))
        painter.setPen(QPen(theme.color("panel"), 1.5))
        painter.setBrush(theme.color("text") if self.isEnabled() else theme.color("disabled"))
        painter.drawEllipse(QPointF(x, middle), radius, radius)

    def _paint_ticks(self, painter: QPainter, y: float) -> None:
        if self.ticks < 2 or self._travel() / (self.ticks - 1) < theme.px(6):
            return
        painter.setBrush(theme.color("edge"))
        for i in range(self.ticks):
            painter.drawEllipse(QPointF(self.x_of(i / (self.ticks - 1)), y), 1.0, 1.0)

    def _paint_default(self, painter: QPainter, middle: float) -> None:
        x, reach = self.x_of(self.default), theme.px(6)
        painter.setBrush(theme.color("dim"))
        painter.drawRect(QRectF(x - 0.75, middle - reach, 1.5, theme.px(3)))
