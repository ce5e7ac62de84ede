"""A pad for two values at once."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.ui import theme
from studio.ui.kit.painting import focus_ring


class Pad(QWidget):
    """A point in a square: x to the right and y upwards, both 0..1. What it looks like is its subclass's matter."""

    moved = Signal(float, float)
    pressed = Signal()
    released = Signal()
    reset = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._point = (0.5, 0.5)
        self._last: QPointF | None = None
        self._burst = QTimer(self, singleShot=True, interval=500)
        self._burst.timeout.connect(self.released)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def point(self) -> tuple[float, float]:
        """Where it is."""
        return self._point

    def set_point(self, x: float, y: float) -> None:
        """Move it without a signal; clamped."""
        self._point = (min(1.0, max(0.0, x)), min(1.0, max(0.0, y)))
        self.update()

    def _area(self) -> QRectF:
        inset = theme.px(7)
        return QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)

    def _spot(self) -> QPointF:
        area = self._area()
        return QPointF(area.left() + self._point[0] * area.width(), area.bottom() - self._point[1] * area.height())

    def _user(self, x: float, y: float) -> None:
        before = self._point
        self.set_point(x, y)
        if self._point != before:
            self.moved.emit(*self._point)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        if self._burst.isActive():
            self._burst.stop()
            self.released.emit()
        self._last = event.position()
        self.pressed.emit()
        if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            area = self._area()
            self._user((self._last.x() - area.left()) / area.width(), (area.bottom() - self._last.y()) / area.height())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._last is None:
            return
        area, now = self._area(), event.position()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            x = self._point[0] + 0.1 * (now.x() - self._last.x()) / area.width()
            y = self._point[1] - 0.1 * (now.y() - self._last.y()) / area.height()
        else:
            x, y = (now.x() - area.left()) / area.width(), (area.bottom() - now.y()) / area.height()
        self._last = now
        self._user(x, y)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._last is not None:
            self._last = None
            self.released.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.reset.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        ways = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}
        way = ways.get(Qt.Key(event.key()))
        if way is None:
            if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
                self.reset.emit()
            else:
                event.ignore()
            return
        if not self._burst.isActive():
            self.pressed.emit()
        self._burst.start()
        step = 0.002 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0.02
        self._user(self._point[0] + way[0] * step, self._point[1] + way[1] * step)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    def _paint_spot(self, painter: QPainter, ink: QColor) -> None:
        spot, radius = self._spot(), theme.px(6)
        painter.setPen(QPen(theme.color("picture_bg"), theme.px(3)))
        painter.setBrush(ink)
        painter.drawEllipse(spot, radius, radius)
        painter.setPen(QPen(theme.color("text"), theme.px(1.5)))
        painter.drawEllipse(spot, radius, radius)


class XYPad(Pad):
    """Two values with one hand: drag, Shift for a tenth, arrow keys, double click for the default."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ghost: tuple[float, float] | None = None
        self._accent = "accent"
        self.setAccessibleName("Pad")
        self.setToolTip("Drag; Shift for fine steps; arrow keys; double click for the default")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_ghost(self, point: tuple[float, float] | None) -> None:
        """A second mark: what modulation makes of it."""
        if point != self._ghost:
            self._ghost = point
            self.update()

    def set_accent(self, role: str) -> None:
        """The colour of the point."""
        self._accent = role
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.px(160), theme.px(110))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(72), theme.px(72))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(theme.color("line"), 1))
        painter.setBrush(theme.color("field"))
        painter.drawRoundedRect(rect, theme.px(6), theme.px(6))
        area, spot = self._area(), self._spot()
        painter.setPen(QPen(theme.color("line"), 1))
        for part in (0.25, 0.5, 0.75):
            x, y = area.left() + part * area.width(), area.top() + part * area.height()
            painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
            painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))
        ink = theme.color(self._accent if self.isEnabled() else "edge")
        painter.setPen(QPen(theme.blend(theme.color("field"), ink, 0.6), 1))
        painter.drawLine(QPointF(spot.x(), rect.top()), QPointF(spot.x(), rect.bottom()))
        painter.drawLine(QPointF(rect.left(), spot.y()), QPointF(rect.right(), spot.y()))
        if self._ghost is not None:
            x, y = self._ghost
            painter.setPen(QPen(theme.color("warning"), theme.px(1.5)))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            at = QPointF(area.left() + x * area.width(), area.bottom() - y * area.height())
            painter.drawEllipse(at, theme.px(4), theme.px(4))
        self._paint_spot(painter, ink)
        if self.hasFocus():
            focus_ring(painter, rect, theme.px(6))
