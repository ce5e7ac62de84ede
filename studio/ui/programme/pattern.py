"""The test pattern: to set up a projector by. Every edge, shape and level on it can be judged from the room."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen

BARS = ("#ffffff", "#ffff00", "#00ffff", "#00ff00", "#ff00ff", "#ff0000", "#0000ff", "#000000")
STEPS = 16
"""Levels of grey from black to white."""

_CELLS = 16


def paint_pattern(painter: QPainter, area: QRectF, title: str, detail: str) -> None:
    """Bars and grey steps, a grid of square cells, a circle that must be round, a line on the outermost pixels."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.fillRect(area, QColor("#101010"))
    bars = QRectF(area.left(), area.top() + area.height() * 0.12, area.width(), area.height() * 0.34)
    _row(painter, bars, [QColor(name) for name in BARS])
    greys = QRectF(area.left(), bars.bottom(), area.width(), area.height() * 0.12)
    _row(painter, greys, [QColor.fromRgbF(*[step / (STEPS - 1)] * 3) for step in range(STEPS)])
    _grid(painter, area)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor("#ffffff"), max(1.0, area.height() / 360)))
    radius = area.height() * 0.46
    painter.drawEllipse(area.center(), radius, radius)
    _words(painter, area, title, detail)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    thin = 1.0 / painter.device().devicePixelRatioF()
    flat, tall = QRectF(0, 0, area.width(), thin), QRectF(0, 0, thin, area.height())
    right, below = QPointF(area.right() - thin, area.top()), QPointF(area.left(), area.bottom() - thin)
    for edge, corner in ((flat, area.topLeft()), (flat, below), (tall, area.topLeft()), (tall, right)):
        painter.fillRect(edge.translated(corner), QColor("#ff3030"))
    painter.restore()


def _row(painter: QPainter, room: QRectF, colors: list[QColor]) -> None:
    for place, color in enumerate(colors):
        left, right = (room.left() + room.width() * part / len(colors) for part in (place, place + 1))
        painter.fillRect(QRectF(QPointF(round(left), round(room.top())), QPointF(round(right), round(room.bottom()))),
                         color)


def _grid(painter: QPainter, area: QRectF) -> None:
    side = area.width() / _CELLS
    painter.setPen(QPen(QColor(255, 255, 255, 90), 0))
    middle = area.center()
    for place in range(_CELLS + 1):
        x = area.left() + side * place
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
    for place in range(round(area.height() / 2 / side) + 1):
        for y in (middle.y() - side * place, middle.y() + side * place):
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
    painter.setPen(QPen(QColor("#ffffff"), 0))
    painter.drawLine(QPointF(middle.x(), area.top()), QPointF(middle.x(), area.bottom()))
    painter.drawLine(QPointF(area.left(), middle.y()), QPointF(area.right(), middle.y()))


def _words(painter: QPainter, area: QRectF, title: str, detail: str) -> None:
    high = area.height() * 0.17
    width = area.height() * 0.8
    board = QRectF(area.center().x() - width / 2, area.top() + area.height() * 0.63, width, high)
    painter.fillRect(board, QColor("#000000"))
    for text, top, part, weight in (
        (title, 0.08, 0.5, QFont.Weight.DemiBold), (detail, 0.56, 0.32, QFont.Weight.Normal)
    ):
        font = QFont(painter.font())
        font.setPixelSize(max(8, round(high * part * 0.8)))
        font.setWeight(weight)
        painter.setFont(font)
        painter.setPen(QColor("#ffffff"))
        room = QRectF(board.left() + high * 0.1, board.top() + high * top, board.width() - high * 0.2, high * part)
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, shown)
