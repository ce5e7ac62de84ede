"""How a piece begins and ends: at home, and what an ending is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studio.nn.music import VoiceNote


class Forming:
    """The part of the sequencer that judges beginnings and endings."""

    if TYPE_CHECKING:
        bars: Any
        hold: Any
        keyed: bool
        keynote: int
        origin: float

    def _opening(self, notes: list[VoiceNote], ended: bool) -> float:
        """How much a first chord is worth: one on the keynote."""
        first = [n for n in notes if n.start < 0.5]
        return 1.5 if first and min(first, key=lambda n: n.pitch).pitch % 12 == self.keynote else 0.0

    def _closing(self, notes: list[VoiceNote], ended: bool) -> float:
        """How much an ending is worth: one that is complete, soon, and on the chord of the keynote."""
        if not (ended and notes):
            return 0.0
        end = max(n.start + n.duration for n in notes)
        last = [n for n in notes if n.start + n.duration > end - 0.3]
        late: float = 0.02 * max(0.0, self.origin + end - self.bars * 4)
        if not self.keyed:
            return 1.0 - late
        home = min(last, key=lambda n: n.pitch).pitch % 12 == self.keynote
        chord = {(n.pitch - self.keynote) % 12 for n in last}
        return 1.0 - late + 1.0 * home + 0.5 * (chord <= {0, 3, 4, 7})

    def _last(self, notes: list[VoiceNote], finish: float) -> list[VoiceNote]:
        """The notes that sound at the very end, held on together."""
        if not notes:
            return notes
        end = max(n.start + n.duration for n in notes)
        hold = max(end, min(finish, end + 1.0)) + self.hold
        return [replace(n, duration=hold - n.start) if n.start + n.duration > end - 0.3 else n for n in notes]
