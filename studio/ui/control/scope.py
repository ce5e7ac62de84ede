"""A little scope: the shape of an LFO with its present place, or the way that any other modulator came."""

from __future__ import annotations

from collections import deque

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from studio.control.modulators import Lfo, Modulator, wave
from studio.ui import theme

KEPT = 150
"""Values that a trace is made of: six seconds at 25 a second."""
_CHANCE = ("random", "smooth")


class Scope(QWidget):
    """Shows one modulator; ``tick`` takes its value."""

    def __init__(self, modulator: Modulator, *, large: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.modulator = modulator
        self._large = large
        self.trace: deque[float] = deque(maxlen=KEPT)
        self._seen: tuple[float, float] | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, not large)
        self.setAccessibleName(f"Scope of {modulator.name}")

    def sizeHint(self) -> QSize:
        return QSize(theme.px(320 if self._large else 110), theme.px(104 if self._large else 34))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(80), self.sizeHint().height())

    def heightForWidth(self, width: int) -> int:
        return self.sizeHint().height()

    def tick(self, modulator: Modulator) -> None:
        """Take the value; ``modulator`` is the one of this name now."""
        self.modulator = modulator
        value = min(1.0, max(0.0, modulator.value))
        self.trace.append(value)
        mark = (value, getattr(modulator, "turns", 0.0))
        if not isinstance(modulator, Lfo) or mark != self._seen:
            self._seen = mark
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(theme.color("line"), 1))
        painter.setBrush(theme.color("field"))
        painter.drawRoundedRect(area, theme.px(5), theme.px(5))
        gap = theme.px(6 if self._large else 4)
        inner = area.adjusted(gap, gap, -gap, -gap)
        painter.setPen(QPen(theme.color("line"), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(inner.left(), inner.center().y()), QPointF(inner.right(), inner.center().y()))
        if isinstance(self.modulator, Lfo):
            self._shape(painter, inner, self.modulator)
        else:
            self._trace(painter, inner)

    def _shape(self, painter: QPainter, area: QRectF, lfo: Lfo) -> None:
        """Two turns (four of a shape of chance), with a dot where it is."""
        here = lfo.turns + lfo.phase
        count = 4 if lfo.shape in _CHANCE else 2
        start = here // count * count
        steps = max(40, int(area.width()))
        line = QPolygonF([
            self._at(area, step / steps, wave(lfo.shape, start + count * step / steps * 0.99999, lfo.seed))
            for step in range(steps + 1)])
        painter.setPen(QPen(theme.blend(theme.color("panel"), theme.color("accent"), 0.75), theme.px(1.5)))
        painter.drawPolyline(line)
        self._dot(painter, self._at(area, (here - start) / count, lfo.value))

    def _trace(self, painter: QPainter, area: QRectF) -> None:
        if not self.trace:
            return
        missing = KEPT - len(self.trace)
        line = QPolygonF([self._at(area, (missing + place) / KEPT, value) for place, value in enumerate(self.trace)])
        painter.setPen(QPen(theme.color("accent"), theme.px(1.5)))
        painter.drawPolyline(line)
        self._dot(painter, line.last())

    @staticmethod
    def _at(area: QRectF, x: float, y: float) -> QPointF:
        return QPointF(area.left() + x * area.width(), area.bottom() - min(1.0, max(0.0, y)) * area.height())

    def _dot(self, painter: QPainter, where: QPointF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("text"))
        radius = theme.px(4 if self._large else 3)
        painter.drawEllipse(where, radius, radius)
