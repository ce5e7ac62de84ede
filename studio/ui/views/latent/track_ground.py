"""The ground of the keyframe track: pictures in time, the ways between them, a ruler."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.nn.places import Keyframe, as_place, ease
from studio.ui import theme
from studio.ui.kit.painting import focus_ring
from studio.ui.views.latent.bench import Bench
from studio.ui.views.latent.tiles import outline, paint_picture

LEAST_GAP = 0.05
SNAP = 0.25
STEPS = (0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 500, 1000)


class TrackGround(QWidget):
    """What is painted, and where; the text and the hands are in ``KeyframeTrack``."""

    def __init__(self, bench: Bench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self.frames: list[Keyframe] = []
        self.fault = ""
        self.chosen = -1
        self._text: tuple[str, str] | None = None
        self._zoom, self._scroll = 1.0, 0.0
        self._dragged = -1
        self._moved = False
        self._pressed = QPointF()
        self._span = 1.0
        self._gesture: tuple[str, str, int] | None = None
        self._hover = (-1, -1)  # keyframe, way
        self._time: float | None = None
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(theme.px(72))
        self.setAccessibleName("Keyframes")
        self.setToolTip("Drag a picture in time, click it to go there, click a way between two to choose its easing; "
                        "drop pictures of the map or pins; Delete removes")

    # --- time and pixels ---

    def _side(self) -> float:
        room = (self.width() - theme.px(16)) / max(1, len(self.frames))
        return max(float(theme.px(32)), min(float(theme.px(96)), room * 0.7, self.height() - theme.px(28)))

    def _top(self) -> float:
        return max(float(theme.px(4)), (self.height() - theme.px(20) - self._side()) / 2)

    def _range(self) -> tuple[float, float]:
        end = self.frames[-1].time if self.frames else 1.0
        start = self.frames[0].time if self.frames else 0.0
        span = max(0.5, end - min(0.0, start)) * 1.02
        return self._scroll, max(0.1, self._span if self._dragged >= 0 else span) / self._zoom

    def to_x(self, time: float) -> float:
        """Where a time is, in pixels: the middle of its picture."""
        start, span = self._range()
        inset = self._side() / 2 + theme.px(8)
        return inset + (time - start) / span * max(1.0, self.width() - 2 * inset)

    def to_time(self, x: float) -> float:
        """The time at a pixel."""
        start, span = self._range()
        inset = self._side() / 2 + theme.px(8)
        return start + (x - inset) / max(1.0, self.width() - 2 * inset) * span

    def rect_of(self, index: int) -> QRectF:
        """A keyframe's picture."""
        side = self._side()
        return QRectF(self.to_x(self.frames[index].time) - side / 2, self._top(), side, side)

    def frame_at(self, point: QPointF) -> int:
        """The keyframe under a point; of those that overlap the one that is painted last."""
        order = [index for index in range(len(self.frames)) if index != self.chosen] + [self.chosen]
        hits = [index for index in order if 0 <= index < len(self.frames) and self.rect_of(index).contains(point)]
        return hits[-1] if hits else -1

    def way_at(self, point: QPointF) -> int:
        """The keyframe to which the way under a point leads."""
        if self.frame_at(point) >= 0 or not self._top() <= point.y() <= self._top() + self._side():
            return -1
        time = self.to_time(point.x())
        return next((index for index in range(1, len(self.frames))
                     if self.frames[index - 1].time < time < self.frames[index].time), -1)

    # --- painting ---

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("field"))
        painter.drawRoundedRect(QRectF(self.rect()), theme.px(8), theme.px(8))
        painter.setClipRect(self.rect())
        self._paint_ruler(painter)
        for index in range(1, len(self.frames)):
            self._paint_way(painter, index)
        self._paint_time(painter)
        for index in sorted(range(len(self.frames)), key=lambda index: index == self.chosen):
            self._paint_frame(painter, index)
        if self.fault:
            painter.setPen(theme.color("danger"))
            painter.setFont(theme.font("small"))
            inset = theme.space(3)
            area = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
            ground = QColor(theme.color("field"))
            ground.setAlphaF(0.85)
            painter.fillRect(self.rect(), ground)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
                             f"The text of the keyframes cannot be read: {self.fault}")
        if self.hasFocus():
            focus_ring(painter, QRectF(self.rect()), theme.px(8))

    def _paint_ruler(self, painter: QPainter) -> None:
        _, span = self._range()
        pixels = max(1.0, self.width() - self._side()) / span
        step = next((step for step in STEPS if step * pixels >= theme.px(44)), 5000)
        unit = "" if self._bench.get("unit") == "beats" else " s"
        painter.setFont(theme.font("tiny"))
        number = max(0, int(self.to_time(0) / step))
        while (x := self.to_x(number * step)) < self.width():
            painter.setPen(QPen(theme.color("line"), 1.0))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height() - theme.px(18)))
            painter.setPen(theme.color("faint"))
            painter.drawText(QRectF(x - theme.px(30), self.height() - theme.px(17), theme.px(60), theme.px(16)),
                             Qt.AlignmentFlag.AlignCenter, f"{number * step:g}{unit}")
            number += 1

    def _paint_way(self, painter: QPainter, index: int) -> None:
        side = self._side()
        left = self.to_x(self.frames[index - 1].time) + side / 2 + theme.px(3)
        right = self.to_x(self.frames[index].time) - side / 2 - theme.px(3)
        if right - left < theme.px(6):
            return
        hover = self._hover[1] == index
        wide = min(right - left, theme.px(90))
        box = QRectF((left + right - wide) / 2, self._top() + side * 0.2, wide, side * 0.55)
        if hover:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("hover"))
            painter.drawRoundedRect(QRectF(left, self._top(), right - left, side), theme.px(6), theme.px(6))
        path = QPainterPath()
        for step in range(25):
            t = step / 24
            risen = ease(self.frames[index].easing, t)
            point = QPointF(box.left() + t * box.width(), box.bottom() - risen * box.height())
            path.moveTo(point) if not step else path.lineTo(point)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("text" if hover else "dim"), theme.px(1.6)))
        painter.drawPath(path)
        if right - left > theme.px(64):
            painter.setFont(theme.font("tiny"))
            painter.setPen(theme.color("faint"))
            painter.drawText(QRectF(left, self._top() + side - theme.px(13), right - left, theme.px(14)),
                             Qt.AlignmentFlag.AlignCenter, self.frames[index].easing)

    def _paint_frame(self, painter: QPainter, index: int) -> None:
        frame, rect = self.frames[index], self.rect_of(index)
        image = self._bench.pictures.image(str(as_place(frame.seed)), self._bench.truncation)
        paint_picture(painter, rect, image, theme.px(6))
        if index == self.chosen:
            outline(painter, rect, theme.px(6), theme.color("image"), theme.px(2))
        elif self._hover[0] == index:
            outline(painter, rect, theme.px(6), theme.color("text"), 1.5)

    def _paint_time(self, painter: QPainter) -> None:
        if self._time is None:
            return
        x = self.to_x(self._time)
        painter.setPen(QPen(theme.color("image"), theme.px(2)))
        painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))

    # --- following ---

    def refresh(self, fresh: bool) -> None:
        """Follow the path's time."""
        time = self._now()
        if fresh or time != self._time:
            self._time = time
            self.update()

    def _now(self) -> float | None:
        if self._bench.get("mode") != "keyframes" or len(self.frames) < 2:
            return None
        time = self._bench.details().get("time")
        if time is None:
            return None
        start, end = self.frames[0].time, self.frames[-1].time
        return start + (float(time) % (end - start) if self._bench.get("repeat") else min(float(time), end - start))

    def _wish(self) -> None:
        frames, truncation = self.frames if self.isVisible() else [], self._bench.truncation
        self._bench.pictures.wish("keyframes", [(str(as_place(frame.seed)), truncation) for frame in frames], 2)

    def showEvent(self, event: QEvent) -> None:
        self._wish()

    def hideEvent(self, event: QEvent) -> None:
        self._bench.pictures.wish("keyframes", [])

    def sizeHint(self) -> QSize:
        return QSize(theme.px(400), theme.px(96))
