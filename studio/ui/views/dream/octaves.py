"""The octave editor: the sizes that are worked on, as frames in each other."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.ui import theme
from studio.ui.kit.painting import focus_ring
from studio.ui.views.dream.editor_pad import EditorPad
from studio.ui.views.dream.geometry import octave_sides

COUNTS, SCALES = (1, 10), (1.1, 2.0)


class OctavePad(EditorPad):
    """Frames from the full size down. Drag the corner of the second one for the ratio, click a place to the right of
    the frames, press + and - or turn the wheel for their number; left and right keys change the ratio."""

    changed = Signal(int, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count, self._scale = 4, 1.4
        self._longer, self._smallest, self._aspect = 448, 32.0, 4 / 3
        self._dragging = self._hover = False
        self._button = 0
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Octaves")
        self.setToolTip("The sizes that are dreamt at: 1 to 10 octaves, each 1.1 to 2 times the one before\n"
                        "Drag the handle for the ratio; + and − for the number; double click for the defaults")

    def set_octaves(self, count: int, scale: float) -> None:
        """Number 1..10, ratio 1.1..2."""
        if (count, scale) != (self._count, self._scale):
            self._count, self._scale = count, scale
            self.setAccessibleDescription(f"{count} octaves, ratio {scale:.2f}")
            self.update()

    def set_size(self, longer: int, smallest: float, aspect: float) -> None:
        """Longer side of the dream (pixels), the smallest shorter side that can be worked on, width by height."""
        smallest = smallest * max(aspect, 1 / aspect)
        if (longer, smallest, aspect) != (self._longer, self._smallest, self._aspect):
            self._longer, self._smallest, self._aspect = longer, smallest, aspect
            self.update()

    def octaves(self) -> tuple[int, float]:
        """Number and ratio."""
        return self._count, self._scale

    # ---- geometry

    def sizeHint(self) -> QSize:
        return QSize(theme.px(220), theme.px(200))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(120), theme.px(110))

    def _full(self) -> QRectF:
        """The largest frame; all stand on its lower left corner."""
        room = QRectF(self.rect()).adjusted(theme.space(3), theme.space(7), -theme.space(3), -theme.space(8))
        width = min(room.width(), room.height() * self._aspect)
        height = width / self._aspect
        return QRectF(room.center().x() - width / 2, room.center().y() - height / 2, width, height)

    def frame_rect(self, octave: int) -> QRectF:
        """The frame of an octave; 0 is the full size."""
        full, share = self._full(), self._scale**-octave
        return QRectF(full.left(), full.bottom() - full.height() * share, full.width() * share, full.height() * share)

    def handle(self) -> QPointF:
        """What is dragged: the upper right corner of the second frame."""
        return self.frame_rect(1).topRight()

    def _buttons(self) -> tuple[QRectF, QRectF]:
        side, gap = theme.px(18), theme.space(1)
        top, right = theme.space(1.5), self.width() - theme.space(1.5)
        return QRectF(right - 2 * side - gap, top, side, side), QRectF(right - side, top, side, side)

    # ---- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("field"))
        painter.drawRoundedRect(area, theme.px(6), theme.px(6))
        accent = theme.kind_color("image")
        sides = octave_sides(self._longer, self._count, self._scale, self._smallest)
        painter.setFont(theme.font("tiny"))
        metrics = painter.fontMetrics()
        for octave, (side, used) in enumerate(sides):
            frame = self.frame_rect(octave)
            shade = QColor(accent if used else theme.color("faint"))
            fill = QColor(shade)
            fill.setAlphaF(0.10 if used else 0.0)
            painter.setBrush(fill)
            painter.setPen(QPen(shade, theme.px(1.4), Qt.PenStyle.SolidLine if used else Qt.PenStyle.DashLine))
            painter.drawRoundedRect(frame, theme.px(2), theme.px(2))
            below = self.frame_rect(octave + 1).top() if octave + 1 < self._count else frame.bottom()
            if below - frame.top() >= metrics.height():
                painter.setPen(shade)
                room = frame.adjusted(theme.space(1), theme.px(1), 0, 0)
                painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, f"{side}")
        self._paint_words(painter, area, sum(used for _, used in sides))
        if self._count > 1:
            radius = theme.px(6 if self._hover or self._dragging else 4.5)
            painter.setPen(QPen(theme.color("picture_bg"), theme.px(1.5)))
            painter.setBrush(QColor(255, 255, 255) if self._hover or self._dragging else accent)
            painter.drawEllipse(self.handle(), radius, radius)
        if self.hasFocus():
            focus_ring(painter, area, theme.px(6))

    def _paint_words(self, painter: QPainter, area: QRectF, used: int) -> None:
        room = area.adjusted(theme.space(2), theme.space(1.5), -theme.space(2), -theme.space(1.5))
        painter.setPen(theme.color("dim"))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, "Octaves")
        least = octave_sides(self._longer, self._count, self._scale, 0)[-1][0]
        words = f"{self._count} × {self._scale:.2f}, from {least} px"
        if used < self._count:
            painter.setPen(theme.color("warning"))
            words = f"{used} of {self._count} used: under {round(self._smallest)} px is too small"
        text = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, text)
        for number, (place, sign) in enumerate(zip(self._buttons(), ("−", "+"), strict=True), 1):
            can = self._count > COUNTS[0] if sign == "−" else self._count < COUNTS[1]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("hover" if self._button == number and can else "raised"))
            painter.drawRoundedRect(place, theme.px(4), theme.px(4))
            painter.setPen(QPen(theme.color("text" if can else "disabled"), theme.px(1.5)))
            arm = theme.px(4)
            centre = place.center()
            painter.drawLine(centre - QPointF(arm, 0), centre + QPointF(arm, 0))
            if sign == "+":
                painter.drawLine(centre - QPointF(0, arm), centre + QPointF(0, arm))

    # ---- hands

    def _set(self, count: int, scale: float) -> None:
        count = min(COUNTS[1], max(COUNTS[0], count))
        scale = round(min(SCALES[1], max(SCALES[0], scale)), 2)
        if (count, scale) != (self._count, self._scale):
            self.set_octaves(count, scale)
            self.changed.emit(count, scale)

    def _near(self, point: QPointF) -> bool:
        return self._count > 1 and (point - self.handle()).manhattanLength() <= theme.px(14)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        minus, plus = self._buttons()
        if minus.contains(event.position()) or plus.contains(event.position()):
            self._set(self._count + (1 if plus.contains(event.position()) else -1), self._scale)
            self.released.emit()
        else:
            self._dragging = self._near(event.position())
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._dragging:
            # along the diagonal: the share that the second frame has of the first
            full = self._full()
            across = (point.x() - full.left()) / full.width()
            up = (full.bottom() - point.y()) / full.height()
            self._set(self._count, 1.0 / max(0.05, (across + up) / 2))
            return
        hover, button = self._near(point), next((k for k, r in enumerate(self._buttons(), 1) if r.contains(point)), 0)
        if (hover, button) != (self._hover, self._button):
            self._hover, self._button = hover, button
            self.setCursor(Qt.CursorShape.SizeBDiagCursor if hover else Qt.CursorShape.ArrowCursor)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._dragging:
            self._dragging = False
            self.released.emit()
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if any(place.contains(event.position()) for place in self._buttons()):
            self.mousePressEvent(event)  # a quick second click on + is one more
        elif event.button() == Qt.MouseButton.LeftButton:
            self._dragging = False
            self.reset.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self.hasFocus():
            event.ignore()
            return
        self._set(self._count + (1 if event.angleDelta().y() > 0 else -1), self._scale)
        event.accept()

    def nudge(self, key: Qt.Key) -> bool:
        counts = {Qt.Key.Key_Plus: 1, Qt.Key.Key_Equal: 1, Qt.Key.Key_Up: 1, Qt.Key.Key_Minus: -1, Qt.Key.Key_Down: -1}
        scales = {Qt.Key.Key_Left: -0.02, Qt.Key.Key_Right: 0.02}
        if key in counts:
            self._set(self._count + counts[key], self._scale)
        elif key in scales:
            self._set(self._count, self._scale + scales[key])
        return key in counts or key in scales
