"""Painting a roll: rows, bars and beats, notes, keys, chances and the playhead."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPen

from studio.session.playback_track import Played
from studio.ui import theme
from studio.ui.views.sequencer.looks import BLACK, channel_color, drum_color, drum_name, key_name
from studio.ui.views.sequencer.roll_state import Frame, Lanes, RollState

RING = 0.3
"""Beats for which a drum is shown as sounding."""


def faded(color: QColor, alpha: float) -> QColor:
    """``color`` with an alpha of 0..1."""
    made = QColor(color)
    made.setAlphaF(min(1.0, max(0.0, alpha)))
    return made


def note_color(item: Played, drums: bool) -> QColor:
    """By voice or drum, brighter for a harder touch."""
    ink = drum_color(item.note.pitch) if drums else channel_color(item.note.channel)
    touch = 0.45 + 0.55 * min(1.0, item.note.velocity / 110.0)
    return theme.blend(theme.color("field"), ink, touch)


def paint_rows(painter: QPainter, frame: Frame, lanes: Lanes) -> None:
    """The ground: a band per key or drum."""
    grid = frame.grid
    painter.fillRect(grid, theme.color("field"))
    height = lanes.height(grid)
    dark = theme.blend(theme.color("field"), theme.color("window"), 0.9)
    line = faded(theme.color("line"), 0.55)
    for place, pitch in enumerate(lanes.rows):
        top = lanes.top(pitch, grid)
        if top is None:
            continue
        if (place % 2 == 0) if lanes.drums else (pitch % 12 in BLACK):
            painter.fillRect(QRectF(grid.left(), top, grid.width(), height).intersected(grid), dark)
        if not lanes.drums and pitch % 12 == 0 and top + height < grid.bottom():
            painter.fillRect(QRectF(grid.left(), top + height - 0.5, grid.width(), 1.0), line)


def paint_lines(painter: QPainter, frame: Frame, bar: int) -> None:
    """Lines of beats and bars."""
    grid = frame.grid
    per_beat = grid.width() / frame.beats
    beat_ink, bar_ink = faded(theme.color("line"), 0.7), theme.color("edge")
    for beat in range(max(0, math.floor(frame.left)), math.ceil(frame.left + frame.beats) + 1):
        first = beat % bar == 0
        if first or per_beat >= theme.px(9):
            x = round(frame.x(beat))
            painter.fillRect(QRectF(x, grid.top(), 1.0, grid.height()), bar_ink if first else beat_ink)


def paint_ruler(painter: QPainter, frame: Frame, bar: int) -> None:
    """The bars' numbers."""
    grid, ruler = frame.grid, frame.ruler
    painter.fillRect(ruler, theme.color("panel"))
    painter.setFont(theme.font("tiny"))
    per_beat = grid.width() / frame.beats
    step = bar * (1 if per_beat * bar > theme.px(44) else 4 if per_beat * bar * 4 > theme.px(44) else 16)
    first = max(0, math.floor(frame.left / step) * step)
    for beat in range(first, math.ceil(frame.left + frame.beats) + 1, step):
        x = round(frame.x(beat))
        if grid.left() - 1 <= x < grid.right() - theme.px(24):
            painter.fillRect(QRectF(x, ruler.bottom() - theme.px(6), 1.0, theme.px(6)), theme.color("edge"))
            painter.setPen(theme.color("faint"))
            painter.drawText(QRectF(x + theme.px(5), ruler.top(), theme.px(60), ruler.height()),
                             Qt.AlignmentFlag.AlignVCenter, f"{beat // bar + 1}")


def paint_tape(painter: QPainter, frame: Frame, lanes: Lanes, state: RollState) -> None:
    """All that only moves: rows, lines, notes that were played and, as ghosts, those that come."""
    paint_rows(painter, frame, lanes)
    paint_lines(painter, frame, state.bar)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    low, high = frame.grid.left(), frame.grid.right()
    cut = state.boundary if state.preview else None
    for item in (*state.played, *state.coming):
        rect = frame.rect(item, lanes)
        if rect is None or rect.left() > high or rect.right() < low:
            continue
        ink = note_color(item, lanes.drums)
        if item.beat <= state.position:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.blend(ink, theme.color("field"), 0.28))
            _note(painter, rect, lanes.drums)
        else:  # handed over or known, not yet heard
            away = 0.25 if cut is not None and item.beat >= cut - 1e-6 else 1.0
            painter.setPen(QPen(faded(ink, 0.55 * away), 1.0))
            painter.setBrush(faded(ink, 0.16 * away))
            _note(painter, rect.adjusted(0.5, 0.5, -0.5, -0.5), lanes.drums)
    painter.setPen(QPen(theme.color("accent"), 1.2))
    painter.setBrush(faded(theme.color("accent"), 0.55))
    for item in state.preview:
        rect = frame.rect(item, lanes)
        if rect is not None:
            _note(painter, rect, lanes.drums)


def paint_sounding(painter: QPainter, frame: Frame, lanes: Lanes, state: RollState) -> None:
    """What sounds now, lit."""
    painter.save()
    painter.setClipRect(frame.grid)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    for item in sounding(state, lanes.drums):
        rect = frame.rect(item, lanes)
        if rect is None:
            continue
        ink = note_color(item, lanes.drums)
        glow = max(0.0, 1.0 - (state.position - item.beat) / RING) if lanes.drums else 1.0
        painter.setBrush(faded(ink, 0.25 * glow))
        _note(painter, rect.adjusted(-3, -3, 3, 3), lanes.drums)
        painter.setBrush(theme.blend(ink, theme.color("text"), 0.35 * glow))
        _note(painter, rect, lanes.drums)
    painter.restore()


def sounding(state: RollState, drums: bool) -> list[Played]:
    """Notes that sound at the position; a drum counts for a moment."""
    now = state.position
    return [item for item in state.played[-96:] if item.beat <= now < item.beat + (RING if drums else
                                                                                  item.note.duration)]


def _note(painter: QPainter, rect: QRectF, drums: bool) -> None:
    radius = min(rect.height(), rect.width()) * (0.5 if drums else 0.28)
    painter.drawRoundedRect(rect, min(radius, 4.0 if not drums else 99.0), min(radius, 4.0 if not drums else 99.0))


def paint_keys(painter: QPainter, frame: Frame, lanes: Lanes, state: RollState) -> None:
    """Piano keys with the names of the octaves, or the names of the drums; what sounds is lit."""
    keys = frame.keys
    painter.fillRect(keys, theme.color("panel"))
    painter.save()
    painter.setClipRect(keys)
    lit = {item.note.pitch: item for item in sounding(state, lanes.drums)}
    height = lanes.height(keys)
    painter.setFont(theme.font("tiny"))
    for pitch in lanes.rows:
        top = lanes.top(pitch, keys)
        if top is None:
            continue
        row = QRectF(keys.left(), top, keys.width(), height)
        (_drum_key if lanes.drums else _piano_key)(painter, row, pitch, lit.get(pitch))
    if not lanes.drums and 12 * height > theme.px(15):  # names over the rows beside them
        bold = theme.font("tiny")
        bold.setBold(True)
        painter.setFont(bold)
        for pitch in lanes.rows:
            top = lanes.top(pitch, keys)
            if pitch % 12 == 0 and top is not None:
                _octave_name(painter, keys, top + height / 2, key_name(pitch), lit.get(pitch))
    painter.restore()
    painter.fillRect(QRectF(keys.right() - 1, keys.top(), 1, keys.height()), theme.color("line"))


def _drum_key(painter: QPainter, row: QRectF, pitch: int, item: Played | None) -> None:
    dot = min(theme.px(8), row.height() * 0.5)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    ink = drum_color(pitch)
    painter.setBrush(ink if item is not None else faded(ink, 0.45))
    painter.drawEllipse(QPointF(row.left() + theme.px(11), row.center().y()), dot / 2, dot / 2)
    painter.setPen(theme.color("text" if item is not None else "dim"))
    room = row.adjusted(theme.px(22), 0, -theme.px(4), 0)
    text = QFontMetricsF(painter.font()).elidedText(drum_name(pitch), Qt.TextElideMode.ElideRight, room.width())
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)


def ivory() -> QColor:
    """The white keys: light enough for a name in the darkest colour to be read at a glance."""
    return theme.blend(theme.color("panel"), theme.color("text"), 0.8)


def _octave_name(painter: QPainter, keys: QRectF, middle: float, name: str, item: Played | None) -> None:
    """On a ground of its own: the edges of the keys beside it do not cross it."""
    metrics = QFontMetricsF(painter.font())
    wide, high = metrics.horizontalAdvance(name) + theme.px(4), metrics.ascent() + theme.px(1)
    box = QRectF(keys.right() - 1 - wide, middle - high / 2, wide, high)
    painter.fillRect(box, ivory() if item is None else note_color(item, False))
    painter.setPen(theme.color("window") if item is None else theme.color("on_accent"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)


def _piano_key(painter: QPainter, row: QRectF, pitch: int, item: Played | None) -> None:
    black = pitch % 12 in BLACK
    painter.fillRect(row, ivory() if item is None or black else note_color(item, False))
    gap = theme.color("window")
    if black:
        key = QRectF(row.left(), row.top(), row.width() * 0.6, row.height())
        painter.fillRect(key, theme.color("window") if item is None else note_color(item, False))
        painter.fillRect(QRectF(key.right(), row.center().y(), row.right() - key.right(), 1), gap)
    elif pitch % 12 in (0, 5):  # no black key below: C and F
        painter.fillRect(QRectF(row.left(), row.bottom() - 0.5, row.width(), 1), gap)


def paint_strip(painter: QPainter, frame: Frame, lanes: Lanes, odds: NDArray[np.float32], state: RollState) -> None:
    """How likely each pitch was, where the music is now; those that sound in their own colour."""
    strip = frame.strip
    if strip.width() < 8:
        return
    painter.fillRect(strip, theme.color("field"))
    painter.save()
    painter.setClipRect(strip)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    height = lanes.height(strip)
    room = strip.width() - theme.px(8)
    quiet, loud = theme.color("edge"), theme.color("accent")
    lit = {item.note.pitch: note_color(item, lanes.drums) for item in sounding(state, lanes.drums)}
    for pitch in lanes.rows:
        top, chance = lanes.top(pitch, strip), float(odds[pitch])
        if top is None or chance < 0.003:
            continue
        width = max(2.0, room * chance**0.5)
        bar = min(height * 0.7, theme.px(12))
        painter.setBrush(lit.get(pitch) or theme.blend(quiet, loud, min(1.0, chance * 2.0)))
        rect = QRectF(strip.left() + theme.px(4), top + (height - bar) / 2, width, bar)
        painter.drawRoundedRect(rect, min(2.0, bar / 2), min(2.0, bar / 2))
    painter.restore()
    painter.fillRect(QRectF(strip.left(), strip.top(), 1, strip.height()), theme.color("line"))


def paint_playhead(painter: QPainter, frame: Frame, position: float) -> None:
    """A line with a little light behind it."""
    x, grid = frame.x(position), frame.grid
    if not grid.left() - 1 <= x <= grid.right():
        return
    ink = theme.color("text")
    light = QLinearGradient(QPointF(x - theme.px(22), 0), QPointF(x, 0))
    light.setColorAt(0.0, faded(ink, 0.0))
    light.setColorAt(1.0, faded(ink, 0.09))
    painter.fillRect(QRectF(x - theme.px(22), grid.top(), theme.px(22), grid.height()).intersected(grid), light)
    painter.fillRect(QRectF(x - 0.75, grid.top(), 1.5, grid.height()), ink)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ink)
    side = theme.px(5)
    painter.drawPolygon([QPointF(x - side, frame.ruler.bottom() - side), QPointF(x + side, frame.ruler.bottom() - side),
                         QPointF(x, frame.ruler.bottom() + 1)])
