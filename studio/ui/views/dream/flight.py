"""The flight editor: the frame that is seen in one second, to be dragged, and the path that follows from it."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.media import Frame
from studio.ui import theme
from studio.ui.kit.painting import focus_ring, to_qimage
from studio.ui.views.dream.editor_pad import EditorPad
from studio.ui.views.dream.geometry import LIMITS, Flight, from_frame

AHEAD = 4
"""Seconds of the path that are drawn."""

_SHARE = 0.52  # of the room that the picture of now takes


class FlightPad(EditorPad):
    """Drag inside the frame to drift, a corner to zoom and turn at once (Shift: only zoom, Control: only turn).

    The wheel and + - zoom, arrow keys drift, comma and full stop turn; double click or Delete stands still.
    """

    flown = Signal(object)  # Flight

    def __init__(self, get_frame: Callable[[], Frame | None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._get_frame = get_frame
        self._frame: Frame | None = None
        self._image: QImage | None = None
        self._flight = Flight()
        self._grip = ""
        self._hover = ""
        self._from: tuple[complex, complex, complex] = (0j, 1 + 0j, 0j)  # the pointer, a and b at the press
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Flight")
        self.setToolTip("The bright frame is what fills the picture in one second\n"
                        "Drag it to drift, a corner to zoom and turn (Shift zoom only, Ctrl turn only), wheel zooms, "
                        "double click stands still")

    def flight(self) -> Flight:
        """The flight that is shown."""
        return self._flight

    def set_flight(self, flight: Flight) -> None:
        """Show a flight."""
        if flight != self._flight:
            self._flight = flight
            self.setAccessibleDescription(describe(flight))
            self.update()

    def refresh(self) -> None:
        """Pull the newest picture for the ground."""
        frame = self._get_frame()
        if frame is not self._frame:
            self._frame = frame
            self._image = to_qimage(frame) if frame is not None else None
            self.update()

    # ---- geometry

    def sizeHint(self) -> QSize:
        return QSize(theme.px(260), theme.px(200))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(140), theme.px(110))

    def aspect(self) -> float:
        """Width by height of the picture."""
        return self._image.width() / self._image.height() if self._image is not None else 4 / 3

    def _unit(self) -> float:
        """Pixels of the frame's height on the screen."""
        return min(self.height() * _SHARE, self.width() * _SHARE / self.aspect())

    def _point(self, place: complex) -> QPointF:
        return QPointF(self.width() / 2 + place.real * self._unit(), self.height() / 2 + place.imag * self._unit())

    def _place(self, point: QPointF) -> complex:
        return complex(point.x() - self.width() / 2, point.y() - self.height() / 2) / self._unit()

    def _corners(self, a: complex, b: complex) -> list[complex]:
        half = self.aspect() / 2
        return [a * complex(x, y) + b for x, y in ((-half, -0.5), (half, -0.5), (half, 0.5), (-half, 0.5))]

    def corner_points(self) -> list[QPointF]:
        """Where the corners of the frame can be taken: those that lie outside are drawn in along their diagonals."""
        a, b = self._flight.frame(1.0, self.aspect())
        room = QRectF(self.rect()).adjusted(theme.px(8), theme.px(8), -theme.px(8), -theme.px(8))
        middle = self._point(b)
        found = []
        for corner in self._corners(a, b):
            point = self._point(corner)
            for _ in range(24):
                if room.contains(point):
                    break
                point = middle + (point - middle) * 0.86
            found.append(QPointF(min(room.right(), max(room.left(), point.x())),
                                 min(room.bottom(), max(room.top(), point.y()))))
        return found

    def centre_point(self) -> QPointF:
        """The middle of the frame, the tip of the arrow."""
        return self._point(self._flight.frame(1.0, self.aspect())[1])

    # ---- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        area = QRectF(self.rect())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("field"))
        painter.drawRoundedRect(area, theme.px(6), theme.px(6))
        painter.setClipRect(area.adjusted(1, 1, -1, -1))
        self._paint_now(painter)
        accent = theme.kind_color("image")
        for second in range(AHEAD, 1, -1):
            shade = QColor(accent)
            shade.setAlphaF(0.42 - 0.09 * second)
            painter.setPen(QPen(shade, theme.px(1.2)))
            painter.drawPolygon(self._polygon(second))
        path = QPolygonF([self._point(place) for place in self._flight.path(AHEAD, self.aspect())])
        shade = QColor(accent)
        shade.setAlphaF(0.6)
        painter.setPen(QPen(shade, theme.px(1.6), Qt.PenStyle.DotLine))
        painter.drawPolyline(path)
        painter.setPen(QPen(QColor(0, 0, 0, 150), theme.px(4)))
        painter.drawPolygon(self._polygon(1))
        painter.setPen(QPen(accent, theme.px(2)))
        painter.drawPolygon(self._polygon(1))
        self._paint_arrow(painter, accent)
        for number, corner in enumerate(self.corner_points()):
            active = self._hover == f"corner {number}" or self._grip == f"corner {number}"
            radius = theme.px(6 if active else 4.5)
            painter.setPen(QPen(theme.color("picture_bg"), theme.px(1.5)))
            painter.setBrush(QColor(255, 255, 255) if active else accent)
            painter.drawEllipse(corner, radius, radius)
        painter.setClipping(False)
        self._paint_words(painter, area)
        if self.hasFocus():
            focus_ring(painter, area, theme.px(6))

    def _paint_now(self, painter: QPainter) -> None:
        half = complex(self.aspect() / 2, 0.5)
        now = QRectF(self._point(-half), self._point(half))
        if self._image is not None:
            painter.setOpacity(0.62)
            painter.drawImage(now, self._image)
            painter.setOpacity(1.0)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("dim"), theme.px(1)))
        painter.drawRect(now)

    def _polygon(self, seconds: float) -> QPolygonF:
        return QPolygonF([self._point(corner) for corner in self._corners(*self._flight.frame(seconds, self.aspect()))])

    def _paint_arrow(self, painter: QPainter, accent: QColor) -> None:
        start, end = self._point(0j), self.centre_point()
        away = complex(end.x() - start.x(), end.y() - start.y())
        painter.setPen(QPen(accent, theme.px(2), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        if abs(away) > theme.px(8):
            painter.drawLine(start, end)
            turn = cmath.phase(away)
            for side in (2.6, -2.6):
                tip = cmath.rect(theme.px(8), turn + side)
                painter.drawLine(end, end + QPointF(tip.real, tip.imag))
        else:
            painter.setBrush(accent)
            painter.drawEllipse(end, theme.px(3), theme.px(3))
        # how far the frame turns in a second, as an arc around its middle
        if abs(self._flight.rotation) >= 1:
            radius = theme.px(16)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            ring = QRectF(end.x() - radius, end.y() - radius, 2 * radius, 2 * radius)
            painter.drawArc(ring, 90 * 16, round(-self._flight.rotation * 16))

    def _paint_words(self, painter: QPainter, area: QRectF) -> None:
        painter.setFont(theme.font("tiny"))
        room = area.adjusted(theme.space(2), theme.space(1.5), -theme.space(2), -theme.space(1.5))
        painter.setPen(theme.color("dim"))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, "Flight")
        words = painter.fontMetrics().elidedText(describe(self._flight), Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, words)

    # ---- hands

    def _grip_at(self, point: QPointF) -> str:
        for number, corner in enumerate(self.corner_points()):
            if math.dist((corner.x(), corner.y()), (point.x(), point.y())) <= theme.px(11):
                return f"corner {number}"
        inside = self._polygon(1).containsPoint(point, Qt.FillRule.OddEvenFill)
        middle = self.centre_point()
        near = math.dist((middle.x(), middle.y()), (point.x(), point.y())) <= theme.px(14)
        return "middle" if inside or near else ""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._grip = self._grip_at(event.position())
            self._from = (self._place(event.position()), *self._flight.frame(1.0, self.aspect()))
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if not self._grip:
            hover = self._grip_at(point)
            if hover != self._hover:
                self._hover = hover
                shapes = {"": Qt.CursorShape.ArrowCursor, "middle": Qt.CursorShape.SizeAllCursor}
                self.setCursor(shapes.get(hover, Qt.CursorShape.CrossCursor))
                self.update()
            return
        start, a, b = self._from
        here = self._place(point)
        if self._grip == "middle":
            self._fly(from_frame(a, b + here - start, self.aspect()))
            return
        if abs(start - b) < 1e-6:
            return
        change = (here - b) / (start - b)
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            change = complex(abs(change))
        elif event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            change = cmath.rect(1.0, cmath.phase(change))
        if abs(change) > 1e-6:
            self._fly(from_frame(a * change, b, self.aspect()))

    def _fly(self, flight: Flight) -> None:
        tidy = Flight(round(flight.zoom, 3), round(flight.rotation, 1), round(flight.right, 3), round(flight.down, 3))
        self.set_flight(tidy)
        self.flown.emit(tidy)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._grip:
            self._grip = ""
            self.released.emit()
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._grip = ""
            self.reset.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self.hasFocus():
            event.ignore()
            return
        self._nudge(zoom=0.05 * event.angleDelta().y() / 120)
        event.accept()

    def _nudge(self, *, zoom: float = 0.0, turn: float = 0.0, right: float = 0.0, down: float = 0.0) -> None:
        now, most = self._flight, LIMITS
        self._fly(Flight(_within(now.zoom + zoom, most[0]), _within(now.rotation + turn, most[1]),
                         _within(now.right + right, most[2]), _within(now.down + down, most[2])))

    def nudge(self, key: Qt.Key) -> bool:
        nudges = {
            Qt.Key.Key_Left: {"right": -0.02}, Qt.Key.Key_Right: {"right": 0.02}, Qt.Key.Key_Up: {"down": -0.02},
            Qt.Key.Key_Down: {"down": 0.02}, Qt.Key.Key_Plus: {"zoom": 0.05}, Qt.Key.Key_Equal: {"zoom": 0.05},
            Qt.Key.Key_Minus: {"zoom": -0.05}, Qt.Key.Key_Comma: {"turn": 3.0}, Qt.Key.Key_Period: {"turn": -3.0},
        }
        if key in nudges:
            self._nudge(**nudges[key])
        return key in nudges


def _within(value: float, most: float) -> float:
    return min(most, max(-most, value))


def describe(flight: Flight) -> str:
    """The flight in words: ``in 0.30/s · turns 12°/s · drifts 0.10 right``."""
    parts = []
    if abs(flight.zoom) >= 0.005:
        parts.append(f"{'in' if flight.zoom > 0 else 'out'} {abs(flight.zoom):.2f}/s")
    if abs(flight.rotation) >= 0.5:
        parts.append(f"turns {'left' if flight.rotation > 0 else 'right'} {abs(flight.rotation):.0f}°/s")
    ways = ((flight.right, "right", "left"), (flight.down, "down", "up"))
    drifts = [f"{abs(speed):.2f} {ahead if speed > 0 else back}" for speed, ahead, back in ways if abs(speed) >= 0.005]
    if drifts:
        parts.append("drifts " + ", ".join(drifts))
    return " · ".join(parts) or "stands still"
