"""A small picture of a place: painted the same everywhere, to be clicked, picked by key and dragged."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDrag,
    QEnterEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from studio.ui import icons, theme
from studio.ui.kit.painting import focus_ring, rounded

PLACE = "application/x-reverie-place"
"""Mime type of a place that is dragged, as text."""


def place_mime(text: str) -> QMimeData:
    """A place to drag; also as plain text, for a field of the inspector."""
    data = QMimeData()
    data.setData(PLACE, text.encode())
    data.setText(text)
    return data


def dropped_place(data: QMimeData) -> str:
    """The text of a dragged place, ''."""
    return bytes(data.data(PLACE).data()).decode("utf-8", "replace") if data.hasFormat(PLACE) else ""


def paint_picture(
    painter: QPainter, rect: QRectF, image: QImage | None, radius: float, *, opacity: float = 1.0,
) -> None:
    """A picture with round corners, or a quiet well where there is none yet."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    path = rounded(rect, radius)
    if image is None:
        painter.fillPath(path, theme.color("raised"))
        painter.restore()
        return
    painter.setOpacity(opacity)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setClipPath(path)
    painter.drawImage(rect, image)
    painter.restore()


def outline(painter: QPainter, rect: QRectF, radius: float, color: QColor, width: float) -> None:
    """A frame of ``width`` just inside ``rect``."""
    half = width / 2
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, width))
    painter.drawRoundedRect(rect.adjusted(half, half, -half, -half), radius, radius)


def ready(image: QImage, side: int, ratio: float, radius: float) -> QPixmap:
    """An image at its size on the screen, with round corners, to be drawn many times."""
    pixels = max(1, round(side * ratio))
    picture = QPixmap(pixels, pixels)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    paint_picture(painter, QRectF(0, 0, pixels, pixels), image, radius * ratio)
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


class Tile(QWidget):
    """A square picture. ``picked`` tells of a click or Enter, with True where Shift was held.

    ``place`` is what is dragged from it; '' is an empty tile, which shows ``hint`` as an icon.
    """

    picked = Signal(bool)

    def __init__(self, name: str, *, hint: str = "", side: int = 64, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.place = ""
        self._image: QImage | None = None
        self._hint, self._side, self._wished = hint, side, 0
        self._chosen = self._marked = self._hover = False
        self._pressed_at: QPoint | None = None
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(theme.px(24), theme.px(24))

    def show_place(self, place: str, image: QImage | None) -> None:
        """Show a place; the last picture stays until the new one is made."""
        if place != self.place and (not place or not self.place):
            self._image = None
        self.place = place
        if image is not None and image is not self._image:
            self._image = image
        self.update()

    def show_image(self, image: QImage | None) -> None:
        """Show a picture that is not of a place."""
        self._image = image
        self.update()

    def image(self) -> QImage | None:
        """What is shown."""
        return self._image

    def set_chosen(self, on: bool) -> None:
        """A frame in the accent: this one is in use."""
        if on != self._chosen:
            self._chosen = on
            self.update()

    def set_marked(self, on: bool) -> None:
        """A mark: this one is one of two parents."""
        if on != self._marked:
            self._marked = on
            self.update()

    def wish_side(self, side: int) -> None:
        """So large in pixels where there is room; a layout may make it smaller."""
        self._wished = side
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setMaximumSize(side, side)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        side = self._wished or theme.px(self._side)
        return QSize(side, side)

    def square(self) -> QRectF:
        """The picture's place in the widget."""
        side = float(min(self.width(), self.height()))
        return QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        rect, radius = self.square(), min(theme.px(6), self.square().width() / 6)
        paint_picture(painter, rect, self._image, radius, opacity=1.0 if self.isEnabled() else 0.4)
        if self._image is None and self._hint:
            side = min(theme.px(20), rect.width() * 0.5)
            spot = QRectF(rect.center() - QPointF(side / 2, side / 2), rect.center() + QPointF(side / 2, side / 2))
            icons.paint(painter, self._hint, spot, theme.color("faint"))
            outline(painter, rect, radius, theme.color("edge"), 1.0)
        if self._chosen:
            outline(painter, rect, radius, theme.color("image"), theme.px(2))
        elif self._hover and self._image is not None:
            outline(painter, rect, radius, theme.color("text"), 1.5)
        if self._marked:
            side = theme.px(18)
            badge = QRectF(rect.right() - side - theme.px(3), rect.top() + theme.px(3), side, side)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("image"))
            painter.drawEllipse(badge)
            icons.paint(painter, "heart-filled", badge.adjusted(4, 4, -4, -4), theme.color("on_accent"))
        if self.hasFocus():
            focus_ring(painter, rect, radius)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hover = True
        self.update()

    def leaveEvent(self, event: object) -> None:
        self._hover = False
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = event.position().toPoint()
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        start = self._pressed_at
        if start is None or not self.place:
            return
        if (event.position().toPoint() - start).manhattanLength() >= QApplication.startDragDistance():
            self._pressed_at = None
            drag_place(self, self.place, self._image)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._pressed_at is not None:
            self._pressed_at = None
            if self.rect().contains(event.position().toPoint()):
                self.picked.emit(bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.picked.emit(bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        else:
            super().keyPressEvent(event)


def drag_place(source: QWidget, place: str, image: QImage | None) -> None:
    """Drag a place away from a widget."""
    drag = QDrag(source)
    drag.setMimeData(place_mime(place))
    if image is not None:
        side = theme.px(48)
        drag.setPixmap(ready(image, side, source.devicePixelRatioF(), theme.px(6)))
        drag.setHotSpot(QPoint(side // 2, side // 2))
    drag.exec(Qt.DropAction.CopyAction)
