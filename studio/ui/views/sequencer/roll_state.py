"""What a roll shows at one instant, and where: beats to the right, pitches or drums upwards."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF

from studio.session.playback_track import Played
from studio.ui.views.sequencer.looks import DRUMS

DRUM_ORDER = (35, 36, 37, 38, 40, 39, 41, 43, 58, 45, 47, 48, 50, 22, 42, 44, 26, 46, 53, 51, 59, 55, 57, 49, 52)
"""Lanes from the floor to the ceiling of a kit."""
FIRST_LANES = (36, 38, 42, 46, 51, 49)
LEAST_SPAN, MARGIN, SLACK = 22.0, 2.0, 14.0


@dataclass
class RollState:
    """``position`` in beats; notes ``played`` and ``coming``; ``chances`` of 128 pitches; ``preview`` of an option.

    ``boundary`` is the beat from which the music can still be turned elsewhere.
    """

    position: float = 0.0
    moving: bool = False
    played: Sequence[Played] = ()
    coming: Sequence[Played] = ()
    bar: int = 4
    drums: bool = False
    chances: NDArray[np.float32] | None = None
    preview: Sequence[Played] = ()
    boundary: float | None = None
    voices: dict[int, str] = field(default_factory=dict)


def chances_at(blocks: Iterable[Any], exposed: Any, position: float) -> NDArray[np.float32] | None:
    """The chances that the note now was drawn from. ``exposed`` are (block, times, rows) by ``blocks``' identity."""
    for placed in blocks:
        if placed.beat - 0.05 <= position < placed.end - 0.05:
            for block, times, rows in exposed or ():
                if block is placed.block and len(times):
                    place = int(np.searchsorted(times, position - placed.beat + 0.05, side="right")) - 1
                    found: NDArray[np.float32] = rows[max(0, place)]
                    return found
    return None


class Lanes:
    """Rows of the roll: pitches of a range that follows what is played, or one lane for each drum heard so far."""

    def __init__(self) -> None:
        self.drums = False
        self.low, self.high = 48.0, 76.0
        self.auto = True
        self._aim = self.low, self.high
        self._seen: list[int] = list(FIRST_LANES)

    def follow(self, notes: Iterable[Played], drums: bool) -> bool:
        """Take in what is visible; True while the range still moves."""
        self.drums = drums
        pitches = [item.note.pitch for item in notes if (item.note.channel == DRUMS) == drums]
        if drums:
            new = set(pitches) - set(self._seen)
            if new:
                rank = {pitch: place for place, pitch in enumerate(DRUM_ORDER)}
                self._seen = sorted(set(self._seen) | new, key=lambda p: (rank.get(p, 99), p))
            return bool(new)
        if not self.auto or not pitches:
            return False
        low, high = min(pitches) - MARGIN, max(pitches) + MARGIN
        if high - low < LEAST_SPAN:
            middle = (low + high) / 2
            low, high = middle - LEAST_SPAN / 2, middle + LEAST_SPAN / 2
        # a range that follows every note would never rest: it grows when it must, and shrinks when it is far too large
        aim_low, aim_high = self._aim
        if low < aim_low or high > aim_high or (aim_high - aim_low) - (high - low) > SLACK:
            self._aim = float(math.floor(low)), float(math.ceil(high))
        changes = self._aim[0] - self.low, self._aim[1] - self.high
        if max(map(abs, changes)) < 0.03:
            moves = (self.low, self.high) != self._aim
            self.low, self.high = self._aim
            return moves
        self.low, self.high = self.low + 0.14 * changes[0], self.high + 0.14 * changes[1]
        return True

    @property
    def rows(self) -> list[int]:
        """Pitches of the rows that are at least partly visible, from the lowest."""
        if self.drums:
            return self._seen
        return list(range(max(0, math.floor(self.low)), min(127, math.ceil(self.high)) + 1))

    def height(self, area: QRectF) -> float:
        """Of one row."""
        return area.height() / (len(self._seen) if self.drums else self.high - self.low + 1.0)

    def top(self, pitch: int, area: QRectF) -> float | None:
        """Upper edge of a row; None for a drum without a lane."""
        height = self.height(area)
        if self.drums:
            if pitch not in self._seen:
                return None
            return area.bottom() - (self._seen.index(pitch) + 1) * height
        return area.top() + (self.high - pitch) * height

    def pitch_at(self, y: float, area: QRectF) -> int:
        """The pitch of the row at ``y``."""
        height = self.height(area)
        if self.drums:
            place = int((area.bottom() - y) / height)
            return self._seen[min(len(self._seen) - 1, max(0, place))]
        return min(127, max(0, math.floor(self.high - (y - area.top()) / height) + 1))

    def move(self, rows: float) -> None:
        """Scroll by rows; the range does not follow any more."""
        if not self.drums:
            self.auto = False
            rows = min(130.0 - self.high, max(-3.0 - self.low, rows))
            self.low, self.high = self.low + rows, self.high + rows

    def zoom(self, factor: float) -> None:
        """More or fewer rows around the middle; 6..128 of them."""
        if not self.drums:
            self.auto = False
            middle, span = (self.low + self.high) / 2, min(128.0, max(6.0, (self.high - self.low) * factor))
            self.low, self.high = middle - span / 2, middle + span / 2


@dataclass
class Frame:
    """The roll's rectangles and its axis of time for one paint."""

    grid: QRectF
    keys: QRectF
    strip: QRectF
    ruler: QRectF
    left: float
    beats: float

    def x(self, beat: float) -> float:
        """Where a beat is."""
        return self.grid.left() + (beat - self.left) / self.beats * self.grid.width()

    def beat(self, x: float) -> float:
        """Which beat is at ``x``."""
        return self.left + (x - self.grid.left()) / self.grid.width() * self.beats

    def rect(self, item: Played, lanes: Lanes) -> QRectF | None:
        """Where a note is painted; drums are marks of one width, whatever their length."""
        top = lanes.top(item.note.pitch, self.grid)
        if top is None:
            return None
        height = lanes.height(self.grid)
        per_beat = self.grid.width() / self.beats
        length = 0.2 if lanes.drums else item.note.duration
        width = max(3.0, length * per_beat - 1.5)
        inset = min(2.0, height * 0.1)
        if lanes.drums:
            inset = max(inset, height * 0.18)
            width = max(4.0, min(width, height * 0.9))
        return QRectF(QPointF(self.x(item.beat), top + inset), QPointF(self.x(item.beat) + width, top + height - inset))
