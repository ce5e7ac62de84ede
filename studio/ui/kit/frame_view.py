"""The picture: shows the newest frame of something, or why there is none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QMetaMethod, QMimeData, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QFocusEvent,
    QFontMetrics,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QPushButton, QSizePolicy, QWidget
from shiboken6 import isValid

from studio.ui import icons, theme
from studio.ui.kit import mime
from studio.ui.kit.painting import fitted, paint_lines, pill, scaled, to_qimage
from studio.ui.kit.scaler import shared

Frame = np.ndarray[Any, Any]
_LIVE_AFTER = 4  # frames: what is set by hand, or changes now and then, is shown at once
_ICONS = {"empty": "image", "loading": "hourglass", "failed": "warning", "paused": "pause", "absent": "plug"}
_TITLES = {
    "empty": "Nothing here yet", "loading": "Loading", "failed": "Stopped", "paused": "Paused", "absent": "Missing",
}


class FrameView(QWidget):
    """Shows the newest frame that ``get_frame`` returns, whole and in its shape, smooth at every size and scale.

    The owner calls ``refresh`` from its timer; nothing is drawn when the frame is still the same array.
    ``set_state`` says what to show when there is no frame, or beside the last good one.
    """

    clicked = Signal()
    doubleClicked = Signal()  # noqa: N815 — Qt's own spelling
    dropped = Signal(object)  # mime.Dropped
    activated = Signal()  # the button of the placeholder

    def __init__(self, get_frame: Callable[[], Frame | None] | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._get_frame = get_frame
        self._image: QImage | None = None
        self._streak = 0
        self._key = 0
        self._away = False  # whether what is shown is scaled elsewhere
        self._scaled: QImage | None = None  # as it is on the screen, for repaints without a new frame
        self._frame: Frame | None = None
        self._spinner = QRectF()
        self._overlay = ""
        self._overlay_role = "text"
        self._state, self._reason, self._icon = "empty", "", ""
        self._hover_drop = False
        self._pressed_at: QPoint | None = None
        self._drag: Callable[[], QMimeData | None] | None = None
        self.accepts: Callable[[mime.Dropped], bool] = lambda _: True
        self._button = QPushButton(self)
        self._button.hide()
        self._button.clicked.connect(self.activated)
        self.setAccessibleName("Picture")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAcceptDrops(True)

    # ---- what is shown

    def refresh(self) -> bool:
        """Pull the newest frame; returns whether it is a new one."""
        if self._state == "loading" and self._image is None:
            self.update(self._spinner.toAlignedRect())
        if self._get_frame is None:
            return False
        frame = self._get_frame()
        if frame is None or frame is self._frame or not self._is_live(frame):
            return self.set_frame(frame)
        self._frame, self._image, self._away = frame, to_qimage(frame), True
        size = self._device_rect().size()
        self._key = self._key or shared().register(self)
        shared().submit(self._key, frame, size.width(), size.height())
        return True

    def _is_live(self, frame: Frame) -> bool:
        """Whether frames of one size keep coming: then the last picture stays until the new one is scaled elsewhere."""
        same = self._frame is not None and frame.shape == self._frame.shape and frame.shape[-1] != 4
        self._streak = self._streak + 1 if same and self.isVisible() else 0
        return self._streak > _LIVE_AFTER and self._scaled is not None

    def scaled_ready(self, frame: Frame, pixels: Frame) -> None:
        """A frame given away in ``refresh`` comes back in device pixels; nothing of it when it could not be scaled."""
        if not self._away or not isValid(self):
            return  # something else has been shown since
        if pixels.size == 0 or pixels.ndim != 3 or frame.shape != getattr(self._frame, "shape", None):
            self._scaled, self._streak = None, 0
        else:
            height, width = pixels.shape[:2]
            self._scaled = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB32)
            self._scaled.frame = pixels  # type: ignore[attr-defined]  # the image has no memory of its own
        self.update()

    def set_frame(self, frame: Frame | None) -> bool:
        """Show a frame, ``uint8 (height, width, 3)``; None shows the placeholder. Returns whether it is a new one."""
        if frame is self._frame:
            return False
        self._away = False
        self._frame = frame
        self._image = to_qimage(frame) if frame is not None else None
        self._scaled = None
        self._place_button()
        self.update()
        return True

    def frame(self) -> Frame | None:
        """The frame that is shown."""
        return self._frame

    def set_overlay(self, text: str, role: str = "text") -> None:
        """A small label in the corner, such as a deck's name or its rate; ``role`` colours it."""
        if (text, role) != (self._overlay, self._overlay_role):
            self._overlay, self._overlay_role = text, role
            self.update()

    def set_state(self, state: str, reason: str = "", *, button: str = "", icon: str = "") -> None:
        """What to say without a frame: ``running``, ``empty``, ``loading``, ``failed``, ``paused`` or ``absent``.

        With a frame, a failure is a strip below the last good picture. ``button`` is the cure; it emits ``activated``.
        """
        if (state, reason, icon, button) == (self._state, self._reason, self._icon, self._button.text()):
            return
        self._state, self._reason, self._icon = state, reason, icon
        self._button.setText(button)
        self.setAccessibleDescription(reason)
        self._place_button()
        self.update()

    def state(self) -> str:
        """The state as it was set."""
        return self._state

    def set_drag(self, start: Callable[[], QMimeData | None] | None) -> None:
        """What a drag out of the picture carries; None forbids it."""
        self._drag = start

    def picture_rect(self) -> QRectF:
        """Where the picture is, in the widget's coordinates; empty without one."""
        return fitted(self._image.size(), QRectF(self.rect())) if self._image is not None else QRectF()

    def to_picture(self, point: QPointF) -> tuple[float, float] | None:
        """A point of the widget as (x, y) in 0..1 of the picture, or None outside it."""
        rect = self.picture_rect()
        if not rect.contains(point):
            return None
        return (point.x() - rect.left()) / rect.width(), (point.y() - rect.top()) / rect.height()

    def sizeHint(self) -> QSize:
        return QSize(theme.px(320), theme.px(240))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(64), theme.px(48))

    # ---- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("picture_bg"))
        if self._image is not None:
            self._paint_picture(painter)
            if self._state in ("failed", "absent", "paused", "loading") and self._reason:
                self._paint_strip(painter)
        else:
            painter.setPen(theme.color("line"))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
            self._paint_placeholder(painter)
        if self._overlay:
            ground = theme.color("picture_bg")
            ground.setAlpha(190)
            corner = QPointF(theme.space(2), theme.space(2))
            pill(painter, self._overlay, corner, ground, theme.color(self._overlay_role))
        self._paint_frame(painter)

    def _paint_picture(self, painter: QPainter) -> None:
        assert self._image is not None
        ratio = self.devicePixelRatioF()
        rect = self._device_rect()
        if self._scaled is None or self._scaled.size() != rect.size():
            self._scaled = scaled(self._image, rect.size())
        self._scaled.setDevicePixelRatio(ratio)
        painter.drawImage(QPointF(rect.left() / ratio, rect.top() / ratio), self._scaled)

    def _device_rect(self) -> QRect:
        """Where the picture is in whole device pixels: one of the screen's own size is shown pixel by pixel."""
        ratio, rect = self.devicePixelRatioF(), self.picture_rect()
        return QRect(round(rect.left() * ratio), round(rect.top() * ratio),
                     max(1, round(rect.width() * ratio)), max(1, round(rect.height() * ratio)))

    def _paint_frame(self, painter: QPainter) -> None:
        if self._hover_drop:
            painter.setPen(QPen(theme.color("accent"), theme.px(2), Qt.PenStyle.DashLine))
            painter.drawRect(self.rect().adjusted(2, 2, -3, -3))
        elif self.hasFocus():
            painter.setPen(QPen(theme.color("accent"), theme.px(2)))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def _strip_parts(self) -> tuple[QRectF, QRectF]:
        """The strip over the foot of the picture, and the room for its sentence: two lines where one is too short."""
        metrics = QFontMetrics(theme.font("small"))
        left = theme.space(8)
        right = self.width() - theme.space(2)
        if not self._button.isHidden():
            right -= self._button.width() + theme.space(1)
        lines = 2 if metrics.horizontalAdvance(self._reason) > right - left and self.height() > theme.px(110) else 1
        height = lines * metrics.lineSpacing() + theme.space(3)
        if not self._button.isHidden():
            height = max(height, self._button.height() + theme.space(2))
        strip = QRectF(0, self.height() - height, self.width(), height)
        text = lines * metrics.lineSpacing()
        return strip, QRectF(left, strip.center().y() - text / 2, max(0, right - left), text)

    def _paint_strip(self, painter: QPainter) -> None:
        strip, room = self._strip_parts()
        ground = theme.color("danger_soft" if self._state == "failed" else "panel")
        ground.setAlpha(235)
        painter.fillRect(strip, ground)
        ink = theme.color("danger" if self._state == "failed" else "text")
        painter.setFont(theme.font("small"))
        painter.setPen(ink)
        side = theme.px(16)
        icon = QRectF(theme.space(2.5), strip.center().y() - side / 2, side, side)
        icons.paint(painter, self._icon or _ICONS.get(self._state, "info"), icon, ink)
        paint_lines(painter, self._reason, room)

    def _texts(self) -> tuple[str, str]:
        return _TITLES.get(self._state, "No picture yet"), self._reason

    def _paint_placeholder(self, painter: QPainter) -> None:
        title, text = self._texts()
        side = theme.px(28 if self.height() >= theme.px(120) else 18)
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
        room = QRectF(self.rect()).adjusted(theme.space(4), 0, -theme.space(4), 0)
        painter.setFont(theme.font("strong"))
        title_box = painter.boundingRect(room, int(flags), title)
        painter.setFont(theme.font("small"))
        text_box = painter.boundingRect(room, int(flags), text) if text else QRectF()
        total = side + theme.space(2) + title_box.height() + (theme.space(1) + text_box.height() if text else 0)
        if self._button.text():
            total += theme.space(3) + self._button.height()
        show_icon = total <= self.height() - theme.space(2)
        if not show_icon:
            total -= side + theme.space(2)
        top = max(float(theme.space(1)), (self.height() - total) / 2)
        ink = theme.color("danger" if self._state == "failed" else "dim")
        if show_icon:
            icon = QRectF(room.center().x() - side / 2, top, side, side)
            if self._state == "loading" and not self._icon:
                self._paint_spinner(painter, icon)
            else:
                icons.paint(painter, self._icon or _ICONS.get(self._state, "image"), icon,
                            ink if self._state == "failed" else theme.color("faint"))
            top += side + theme.space(2)
        painter.setFont(theme.font("strong"))
        painter.setPen(ink)
        painter.drawText(QRectF(room.left(), top, room.width(), title_box.height()), int(flags), title)
        top += title_box.height() + theme.space(1)
        if text:
            painter.setFont(theme.font("small"))
            painter.setPen(theme.color("faint"))
            painter.drawText(QRectF(room.left(), top, room.width(), self.height() - top), int(flags), text)
            top += text_box.height()
        if self._button.text():
            self._button.move(round((self.width() - self._button.width()) / 2), round(top + theme.space(3)))

    def _paint_spinner(self, painter: QPainter, rect: QRectF) -> None:
        width = theme.px(2)
        ring = rect.adjusted(width, width, -width, -width)
        self._spinner = rect.adjusted(-2, -2, 2, 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("line"), width))
        painter.drawEllipse(ring)
        painter.setPen(QPen(theme.color("accent"), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        # one turn in 1.2 s, by the clock: the rate of the owner's timer does not matter
        turn = time.monotonic() / 1.2 % 1.0
        painter.drawArc(ring, int(-turn * 360 * 16), 80 * 16)

    def _place_button(self) -> None:
        self._button.setVisible(bool(self._button.text()) and self._state != "running")
        self._button.adjustSize()
        if self._image is not None:
            strip, _ = self._strip_parts()
            top = round(strip.center().y() - self._button.height() / 2)
            self._button.move(self.width() - self._button.width() - theme.space(2), top)

    # ---- events

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place_button()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self._place_button()
        super().changeEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusOutEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
            return
        super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = event.position().toPoint()
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        start = self._pressed_at
        if start is None or self._drag is None:
            return
        if (event.position().toPoint() - start).manhattanLength() >= QApplication.startDragDistance():
            self._pressed_at = None
            self._start_drag()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._pressed_at is not None:
            self._pressed_at = None
            if self.rect().contains(event.position().toPoint()):
                self.clicked.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = None
            self.doubleClicked.emit()

    def _start_drag(self) -> None:
        data = self._drag() if self._drag is not None else None
        if data is None:
            return
        drag = QDrag(self)
        drag.setMimeData(data)
        if self._image is not None:
            area = fitted(self._image.size(), QRectF(0, 0, theme.px(96), theme.px(96)))
            drag.setPixmap(QPixmap.fromImage(scaled(self._image, area.size().toSize())))
        drag.exec(Qt.DropAction.CopyAction)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        what = mime.read(event.mimeData())
        # where nobody listens the drag goes on to what is around the picture
        heard = self.isSignalConnected(QMetaMethod.fromSignal(self.dropped))
        if what is not None and heard and event.source() is not self and self.accepts(what):
            self._hover_drop = True
            self.update()
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._hover_drop = False
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        self._hover_drop = False
        self.update()
        what = mime.read(event.mimeData())
        if what is not None and self.accepts(what):
            event.acceptProposedAction()
            self.dropped.emit(what)
