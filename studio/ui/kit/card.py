"""A card: a picture with a title that can be pressed."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from studio.ui import icons, theme
from studio.ui.kit.painting import covering, focus_ring, pill, rounded, to_qimage

Picture = QImage | np.ndarray[Any, Any] | None


def as_image(picture: Picture) -> QImage | None:
    """A picture as an image that owns its memory, or None."""
    if picture is None or isinstance(picture, QImage):
        return picture
    return to_qimage(picture).copy()


class Card(QAbstractButton):
    """A large button: picture on top, title and one line below, a stripe in the colour of its kind of media."""

    def __init__(
        self, title: str, picture: Picture = None, *, subtitle: str = "", kind: str = "", icon: str = "image",
        badge: str = "", parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._subtitle, self._kind, self._icon, self._badge = subtitle, kind, icon, badge
        self._image = as_image(picture)
        self.setText(title)
        self.setAccessibleName(title)
        self.setAccessibleDescription(subtitle)
        self.setToolTip(f"{title}: {subtitle}" if subtitle else title)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_picture(self, picture: Picture) -> None:
        """Another picture; an array is copied."""
        self._image = as_image(picture)
        self.update()

    def set_badge(self, badge: str) -> None:
        """A small word in the corner."""
        self._badge = badge
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.px(200), theme.px(176))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(120), theme.px(112))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        radius = theme.px(8)
        hover = self.isEnabled() and (self.underMouse() or self.isDown())
        painter.setBrush(theme.color("pressed" if self.isDown() else "hover" if hover else "raised"))
        painter.setPen(QPen(theme.color("edge" if hover else "line"), 1))
        painter.drawRoundedRect(rect, radius, radius)
        painter.setFont(theme.font("strong"))
        line = painter.fontMetrics().height()
        painter.setFont(theme.font("small"))
        small = painter.fontMetrics().height()
        foot = theme.space(4) + line + (small + theme.space(1) if self._subtitle else 0)
        top = rect.adjusted(1, 1, -1, -foot)
        self._paint_picture(painter, top, radius)
        self._paint_text(painter, QRectF(rect.left(), top.bottom(), rect.width(), foot), line)
        if self._badge:
            ground = theme.color("picture_bg")
            ground.setAlpha(200)
            corner = top.topRight() + QPointF(-theme.space(2), theme.space(2))
            pill(painter, self._badge, corner, ground, theme.color("text"), right=True)
        if self.hasFocus():
            focus_ring(painter, rect, radius)

    def _paint_picture(self, painter: QPainter, area: QRectF, radius: float) -> None:
        shape = QPainterPath(rounded(area, radius - 1))
        square = QPainterPath()
        square.addRect(area.adjusted(0, radius, 0, 0))
        painter.save()
        painter.setClipPath(shape.united(square))
        painter.fillRect(area, theme.color("picture_bg"))
        if self._image is not None and not self._image.isNull():
            painter.setOpacity(1.0 if self.isEnabled() else 0.35)
            painter.drawImage(area, self._image, covering(self._image.size(), area))
        else:
            side = min(theme.px(36), area.height() * 0.5)
            icon = QRectF(area.center().x() - side / 2, area.center().y() - side / 2, side, side)
            ink = theme.kind_color(self._kind) if self._kind else theme.color("faint")
            icons.paint(painter, self._icon, icon, ink if self.isEnabled() else theme.color("disabled"))
        painter.restore()
        if self._kind:
            ink = theme.kind_color(self._kind) if self.isEnabled() else theme.color("disabled")
            painter.fillRect(QRectF(area.left(), area.bottom() - theme.px(2), area.width(), theme.px(2)), ink)

    def _paint_text(self, painter: QPainter, area: QRectF, line: int) -> None:
        room = area.adjusted(theme.space(3), theme.space(2), -theme.space(3), 0)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
        painter.setFont(theme.font("strong"))
        painter.setPen(theme.color("text" if self.isEnabled() else "disabled"))
        text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, left, text)
        if self._subtitle:
            painter.setFont(theme.font("small"))
            painter.setPen(theme.color("dim" if self.isEnabled() else "disabled"))
            text = painter.fontMetrics().elidedText(self._subtitle, Qt.TextElideMode.ElideRight, int(room.width()))
            painter.drawText(room.adjusted(0, line + theme.space(1), 0, 0), left, text)
