"""What the painted widgets share."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QTextLayout
from PySide6.QtWidgets import QWidget

from studio.ui import theme

_FORMATS = {3: QImage.Format.Format_RGB888, 4: QImage.Format.Format_RGBA8888}


def to_qimage(frame: np.ndarray[Any, Any]) -> QImage:
    """A frame as an image without copying: ``uint8`` (height, width[, 3 or 4]), RGB order.

    The image keeps the array alive as long as this Python object lives; call ``.copy()`` on it before handing it to
    Qt for keeps. Raises ValueError for other shapes and types.
    """
    if frame.dtype != np.uint8 or frame.ndim not in (2, 3) or (frame.ndim == 3 and frame.shape[2] not in _FORMATS):
        raise ValueError(f"a picture is uint8 (height, width[, 3 or 4]), not {frame.dtype} {frame.shape}")
    if 0 in frame.shape:
        return QImage()
    channels = 1 if frame.ndim == 2 else frame.shape[2]
    if frame.strides[1] != channels or frame.strides[0] < 0 or (frame.ndim == 3 and frame.strides[2] != 1):
        frame = np.ascontiguousarray(frame)
    height, width = frame.shape[:2]
    form = QImage.Format.Format_Grayscale8 if channels == 1 else _FORMATS[channels]
    # a crop's rows are followed by bytes of the picture around it, but its last row is not
    extent = (height - 1) * frame.strides[0] + width * channels
    data = np.lib.stride_tricks.as_strided(frame, (extent,), (1,), writeable=False)
    image = QImage(data.data, width, height, frame.strides[0], form)
    image.frame = frame  # type: ignore[attr-defined]  # the image has no memory of its own
    return image


def card_ground(painter: QPainter, widget: QWidget, *, on: bool) -> QRectF:
    """The ground of a card that can be chosen, ``on`` when it is; returns its rectangle."""
    rect = QRectF(widget.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
    hot = widget.underMouse()
    painter.setBrush(theme.color("accent_soft" if on else "hover" if hot else "raised"))
    painter.setPen(QPen(theme.color("accent" if on else "edge" if hot else "line"), 1))
    painter.drawRoundedRect(rect, theme.px(8), theme.px(8))
    return rect


def scaled(image: QImage, size: QSize) -> QImage:
    """``image`` at ``size``, averaged where it shrinks; the same object where it has that size already."""
    if image.size() == size:
        return image
    rows = image.height() // max(1, 2 * size.height())
    if rows > 1 and image.width() != size.width():
        # far too large: all but two lines for each line of the result are left out without touching them
        fewer = QImage(image.constBits(), image.width(), image.height() // rows, image.bytesPerLine() * rows,
                       image.format())
        return fewer.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    return image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)


def fitted(size: QSize | QSizeF, area: QRectF) -> QRectF:
    """The largest rectangle of the shape of ``size`` centred in ``area``."""
    if size.width() <= 0 or size.height() <= 0 or area.isEmpty():
        return QRectF()
    factor = min(area.width() / size.width(), area.height() / size.height())
    width, height = size.width() * factor, size.height() * factor
    return QRectF(area.center().x() - width / 2, area.center().y() - height / 2, width, height)


def covering(size: QSize | QSizeF, area: QRectF) -> QRectF:
    """The centred part of a picture of ``size`` that fills ``area`` when scaled to it, in the picture's pixels."""
    if size.width() <= 0 or size.height() <= 0 or area.isEmpty():
        return QRectF()
    factor = min(size.width() / area.width(), size.height() / area.height())
    width, height = area.width() * factor, area.height() * factor
    return QRectF((size.width() - width) / 2, (size.height() - height) / 2, width, height)


def rounded(rect: QRectF, radius: float) -> QPainterPath:
    """A rectangle with round corners."""
    path = QPainterPath()
    path.addRoundedRect(rect, radius, radius)
    return path


def focus_ring(painter: QPainter, rect: QRectF, radius: float) -> None:
    """The ring around what has the keyboard, just inside ``rect``."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.color("accent"), 1.5 * theme.scale()))
    painter.drawRoundedRect(rect.adjusted(0.75, 0.75, -0.75, -0.75), radius, radius)


def paint_lines(painter: QPainter, text: str, room: QRectF) -> None:
    """``text`` in as many whole lines as ``room`` has, the last one cut with dots."""
    metrics = painter.fontMetrics()
    most = max(1, int((room.height() + 1) // metrics.lineSpacing()))
    layout = QTextLayout(text, painter.font())
    layout.beginLayout()
    y = room.top()
    for place in range(most):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(room.width())
        start, length = line.textStart(), line.textLength()
        part = text[start:] if place == most - 1 else text[start : start + length]
        part = metrics.elidedText(part.strip(), Qt.TextElideMode.ElideRight, int(room.width()))
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(room.left(), y, room.width(), metrics.lineSpacing()), left, part)
        y += metrics.lineSpacing()
    layout.endLayout()


def pill(painter: QPainter, text: str, corner: QPointF, ground: QColor, ink: QColor, *, right: bool = False) -> QRectF:
    """A small label with round ends at ``corner`` (its top left, or its top right); returns where it is."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(theme.font("tiny"))
    metrics = painter.fontMetrics()
    width, height = metrics.horizontalAdvance(text) + theme.space(3), metrics.height() + theme.space(1)
    rect = QRectF(corner.x() - (width if right else 0), corner.y(), width, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(rect, height / 2, height / 2)
    painter.setPen(ink)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
    return rect
