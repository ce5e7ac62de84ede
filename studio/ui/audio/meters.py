"""Sound as it comes: its level over six seconds with onsets and beats, and the octaves."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.control.audio import BAND_NAMES, AudioFrame
from studio.control.audio_spectrum import BANDS
from studio.control.audio_tempo import SURE
from studio.session.audio_in import HISTORY, AudioIn
from studio.ui import theme
from studio.ui.kit.painting import pill

CLIP_SHOWN = 1.5
"""Seconds that clipping stays lit."""
QUIET_SHOWN = 2.0
"""Seconds of silence after which it is said."""
_FRAMES = 100


class _Painted(QWidget):
    def __init__(self, ear: AudioIn, height: int, name: str, tip: str) -> None:
        super().__init__()
        self.ear = ear
        self._height, self._seen = height, -1
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(theme.px(height))

    def sizeHint(self) -> QSize:
        return QSize(theme.px(200), theme.px(self._height))

    def refresh(self) -> None:
        """Draw anew when something was heard, or fell silent."""
        count = self.ear.count if self.ear.running else -1
        if count != self._seen:
            self._seen = count
            self.update()

    def _ground(self, painter: QPainter) -> QRectF:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(theme.color("line"), 1.0))
        painter.setBrush(theme.color("field"))
        painter.drawRoundedRect(rect, theme.px(4), theme.px(4))
        return rect.adjusted(theme.px(4), theme.px(4), -theme.px(4), -theme.px(4))


class Scope(_Painted):
    """Level in dB from the gate to full scale, newest at the right; ticks for onsets below, for beats above."""

    def __init__(self, ear: AudioIn) -> None:
        super().__init__(ear, 92, "Level", "Level of the last six seconds, from the gate to 0 dB of full scale.\n"
                         "Ticks below are onsets, ticks above are beats")
        self.clipped = self.quiet = False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        area = self._ground(painter)
        frames = self.ear.frames() if self.ear.running else []
        self.clipped = any(frame.clipped for frame in frames[-round(CLIP_SHOWN * _FRAMES) :])
        gate = float(self.ear.settings["gate"])
        recent = frames[-round(QUIET_SHOWN * _FRAMES) :]
        self.quiet = bool(recent) and all(frame.level <= gate for frame in recent)
        self._grid(painter, area, gate)
        words = area
        area = area.adjusted(theme.px(20), 0, 0, 0)
        if frames:
            self._curve(painter, area, frames, gate)
            self._ticks(painter, area, frames)
        self._words(painter, words, frames[-1] if frames else None)

    def _grid(self, painter: QPainter, area: QRectF, gate: float) -> None:
        painter.setFont(theme.font("tiny"))
        for level in (-12, -24, -36, -48):
            if level <= gate + 4:
                continue
            y = area.bottom() - (level - gate) / -gate * area.height()
            painter.setPen(QPen(theme.color("line"), 1.0))
            painter.drawLine(QPointF(area.left() + theme.px(20), y), QPointF(area.right(), y))
            painter.setPen(theme.color("dim"))
            words = QRectF(area.left(), y - theme.px(7), theme.px(17), theme.px(14))
            painter.drawText(words, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(level))

    def _curve(self, painter: QPainter, area: QRectF, frames: list[AudioFrame], gate: float) -> None:
        step = area.width() / HISTORY
        first = area.right() - step * len(frames)
        points = [QPointF(first, area.bottom())]
        bundle = max(1, round(1.0 / max(step, 1e-6)))  # one point a pixel
        for start in range(0, len(frames), bundle):
            loudest = max(frame.level for frame in frames[start : start + bundle])
            share = min(1.0, max(0.0, (loudest - gate) / -gate))
            points.append(QPointF(first + step * start, area.bottom() - share * area.height()))
        points.append(QPointF(area.right(), points[-1].y()))
        points.append(QPointF(area.right(), area.bottom()))
        ink = QColor(theme.color("audio"))
        fill = QColor(ink)
        fill.setAlphaF(0.30)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawPolygon(QPolygonF(points))
        painter.setPen(QPen(ink, 1.3 * theme.scale()))
        for one, other in pairwise(points[1:-1]):
            painter.drawLine(one, other)

    def _ticks(self, painter: QPainter, area: QRectF, frames: list[AudioFrame]) -> None:
        step = area.width() / HISTORY
        first = area.right() - step * len(frames)
        for place, frame in enumerate(frames):
            x = first + step * place
            if frame.onset:
                painter.setPen(QPen(theme.color("accent"), 1.6 * theme.scale()))
                painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() - theme.px(9)))
            if frame.beat:
                painter.setPen(QPen(theme.color("text"), 1.6 * theme.scale()))
                painter.drawLine(QPointF(x, area.top()), QPointF(x, area.top() + theme.px(6)))

    def _words(self, painter: QPainter, area: QRectF, frame: AudioFrame | None) -> None:
        corner = QPointF(area.right(), area.top() + theme.px(8))
        if self.clipped:
            pill(painter, "clipping", corner, theme.color("danger"), theme.on_color(theme.color("danger")), right=True)
        elif frame is not None and not self.quiet:
            pill(painter, f"{frame.level:.0f} dB", corner, theme.color("field"), theme.color("text"), right=True)
        painter.setFont(theme.font("small"))
        if frame is None or self.quiet:
            painter.setPen(theme.color("faint"))
            text = "silence" if frame is not None else "nothing is heard"
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)


class Bands(_Painted):
    """The octaves as bars: their value (what is bound) filled, their level as a line."""

    def __init__(self, ear: AudioIn) -> None:
        super().__init__(ear, 84, "Bands", "Octaves around these frequencies: filled, the value that parameters get; "
                         "the line, the level in dB")

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        area = self._ground(painter)
        painter.setFont(theme.font("tiny"))
        words = painter.fontMetrics().height()
        bars = area.adjusted(0, 0, 0, -words)
        frame = self.ear.frame if self.ear.running else None
        values, gate = self.ear.values, float(self.ear.settings["gate"])
        wide = bars.width() / len(BANDS)
        for place, (name, centre) in enumerate(zip(BAND_NAMES, BANDS, strict=True)):
            box = QRectF(bars.left() + wide * place + 2, bars.top(), wide - 4, bars.height())
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("raised"))
            painter.drawRect(box)
            share = values[name] if frame is not None else 0.0
            painter.setBrush(theme.color("audio"))
            painter.drawRect(QRectF(box.left(), box.bottom() - share * box.height(), box.width(), share * box.height()))
            if frame is not None and frame.bands[place] > gate:
                y = box.bottom() - min(1.0, (frame.bands[place] - gate) / -gate) * box.height()
                painter.setPen(QPen(theme.color("text"), 1.5 * theme.scale()))
                painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
            painter.setPen(theme.color("dim"))
            text = f"{centre / 1000:g}k" if centre >= 1000 else f"{centre:g}"
            painter.drawText(QRectF(box.left() - 4, bars.bottom(), box.width() + 8, words),
                             Qt.AlignmentFlag.AlignCenter, text)


class BeatLine(_Painted):
    """Tempo in large digits, a lamp that glows with the beat, and how sure it is."""

    def __init__(self, ear: AudioIn) -> None:
        super().__init__(ear, 40, "Tempo of the sound", "Tempo that is heard, in beats per minute; the bar is how sure "
                         "it is, the mark the least that counts")

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = self.ear.frame if self.ear.running else None
        sure = frame is not None and frame.values["beat"] > 0.0
        side = theme.px(16)
        glow = (1.0 - frame.phase) ** 2 if frame is not None and sure else 0.0
        painter.setPen(QPen(theme.color("edge"), 1.0))
        painter.setBrush(theme.blend(theme.color("field"), theme.color("accent"), glow))
        painter.drawEllipse(QRectF(theme.px(2), (self.height() - side) / 2, side, side))
        painter.setFont(theme.font("title"))
        painter.setPen(theme.color("text" if sure else "faint"))
        words = f"{frame.bpm:.1f} bpm" if frame is not None and frame.bpm else "– bpm"
        left = QRectF(side + theme.px(12), 0, theme.px(110), self.height())
        painter.drawText(left, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
        bar = QRectF(left.right(), self.height() / 2 - theme.px(3), self.width() - left.right() - 1, theme.px(6))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("raised"))
        painter.drawRoundedRect(bar, theme.px(3), theme.px(3))
        share = frame.confidence if frame is not None else 0.0
        painter.setBrush(theme.color("good" if sure else "faint"))
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * share, bar.height()), theme.px(3),
                                theme.px(3))
        painter.setPen(QPen(theme.color("dim"), 1.0))
        x = bar.left() + bar.width() * SURE
        painter.drawLine(QPointF(x, bar.top() - theme.px(3)), QPointF(x, bar.bottom() + theme.px(3)))
