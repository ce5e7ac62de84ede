"""Before and after: two pictures in one frame with a divider to drag."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from studio.ui import theme
from studio.ui.kit.frame_view import Frame, FrameView
from studio.ui.kit.painting import pill, to_qimage

_STEP = 0.02
_DEFAULT = 0.5


class CompareView(FrameView):
    """The live picture; left of the divider what it was made of.

    Drag anywhere on the picture to move the divider. Left and Right move it (Shift: a tenth), Home shows the whole
    result, End the whole of what it was made of, Space looks at it while held, double click goes to the middle.
    """

    wiped = Signal(float)

    def __init__(
        self, get_after: Callable[[], Frame | None], get_before: Callable[[], Frame | None],
        parent: QWidget | None = None, *, before: str = "Before", after: str = "After", split: float = 0.0,
    ) -> None:
        super().__init__(get_after, parent)
        self._get_before = get_before
        self._before_frame: Frame | None = None
        self._before: QImage | None = None
        self._names = (before, after)
        self._split = split
        self._peek = self._dragging = self._hover = False
        self.setMouseTracking(True)
        self.setAccessibleName("Before and after")
        self.setToolTip("Drag the divider to compare: left what comes in, right what is made of it\n"
                        "Left and Right move it, double click sets the middle, hold Space for the whole input")

    def set_names(self, before: str, after: str) -> None:
        """What the two sides are called."""
        if self._names != (before, after):
            self._names = (before, after)
            self.update()

    def split(self) -> float:
        """Where the divider is: 0 the left edge (only the result is seen), 1 the right one."""
        return self._split

    def set_split(self, share: float) -> None:
        """Move the divider, 0..1."""
        share = min(1.0, max(0.0, share))
        if share != self._split:
            self._split = share
            self.setAccessibleDescription(f"{round(share * 100)} percent of the input is seen")
            self.update()
            self.wiped.emit(share)

    def refresh(self) -> bool:
        """Pull the newest of both pictures; returns whether one is new."""
        before = self._get_before()
        fresh = before is not self._before_frame
        if fresh:
            self._before_frame = before
            self._before = to_qimage(before) if before is not None else None
            self.update()
        return super().refresh() or fresh

    def compares(self) -> bool:
        """Whether there is something to compare with."""
        return self._before is not None and self.frame() is not None

    # ---- painting

    def _paint_picture(self, painter: QPainter) -> None:
        super()._paint_picture(painter)
        if not self.compares() or self._before is None:
            return
        area = self.picture_rect()
        share = 1.0 if self._peek else self._split
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.SmoothPixmapTransform | QPainter.RenderHint.Antialiasing)
        x = area.left() + share * area.width()
        if share > 0:
            painter.save()
            painter.setClipRect(QRectF(area.left(), area.top(), x - area.left(), area.height()))
            painter.drawImage(area, self._before)
            painter.restore()
        self._paint_names(painter, area, x)
        if not self._peek:
            self._paint_divider(painter, area, x)
        painter.restore()

    def _paint_names(self, painter: QPainter, area: QRectF, x: float) -> None:
        ground = theme.color("picture_bg")
        ground.setAlpha(185)
        painter.setFont(theme.font("tiny"))
        foot = min(area.bottom(), self._strip_parts()[0].top()) if self._state != "running" else area.bottom()
        low = foot - painter.fontMetrics().height() - theme.space(1) - theme.space(2)
        left, right = self._names
        room = theme.space(6)
        if x - area.left() > painter.fontMetrics().horizontalAdvance(left) + room:
            pill(painter, left, QPointF(area.left() + theme.space(2), low), ground, theme.color("dim"))
        if area.right() - x > painter.fontMetrics().horizontalAdvance(right) + room and x > area.left() + room:
            pill(painter, right, QPointF(area.right() - theme.space(2), low), ground, theme.color("dim"), right=True)

    def _paint_divider(self, painter: QPainter, area: QRectF, x: float) -> None:
        active = self._hover or self._dragging or self.hasFocus()
        white = QColor(255, 255, 255, 235 if active else 170)
        painter.setPen(QPen(QColor(0, 0, 0, 120), theme.px(4)))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        painter.setPen(QPen(white, theme.px(1.6)))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        radius, tip = theme.px(11), theme.px(3)
        y = area.center().y()
        centre = QPointF(min(max(x, area.left() + radius), area.right() - radius), y)
        painter.setPen(QPen(QColor(0, 0, 0, 120), theme.px(1)))
        painter.setBrush(theme.kind_color("image") if active else white)
        painter.drawEllipse(centre, radius, radius)
        painter.setPen(QPen(theme.color("on_accent"), theme.px(1.6), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap,
                            Qt.PenJoinStyle.RoundJoin))
        for side in (-1, 1):
            point = centre.x() + side * (tip + theme.px(3))
            inner = point - side * tip
            painter.drawPolyline([QPointF(inner, y - tip), QPointF(point, y), QPointF(inner, y + tip)])

    # ---- hands

    def _to_share(self, x: float) -> float:
        area = self.picture_rect()
        return (x - area.left()) / max(1.0, area.width())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.compares():
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self._dragging = True
            self.set_split(self._to_share(event.position().x()))
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragging:
            self.set_split(self._to_share(event.position().x()))
            return
        area = self.picture_rect()
        near = self.compares() and abs(event.position().x() - area.left() - self._split * area.width()) < theme.px(14)
        if near != self._hover:
            self._hover = near
            self.setCursor(Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.ArrowCursor)
            self.update()
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._dragging and event.button() == Qt.MouseButton.LeftButton:
            self._dragging = False
            self.update()
            return
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.compares():
            self._dragging = False
            self.set_split(_DEFAULT)
            return
        super().mouseDoubleClickEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        fine = 0.1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        moves = {Qt.Key.Key_Left: -_STEP * fine, Qt.Key.Key_Right: _STEP * fine}
        key = Qt.Key(event.key())
        if key in moves:
            self.set_split(self._split + moves[key])
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self.set_split(0.0 if key == Qt.Key.Key_Home else 1.0)
        elif key == Qt.Key.Key_Space:
            self._show_peek(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._show_peek(False)
        super().keyReleaseEvent(event)

    def _show_peek(self, on: bool) -> None:
        if on != self._peek:
            self._peek = on
            self.update()
