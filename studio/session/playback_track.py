"""What one player plays, in musical time: blocks of notes, letters or sound placed on the beats of the clock.

No threads and no devices: ``Playback`` asks with the clock's moment, so a test can ask with any.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from studio.engine.clock import Moment
from studio.media import Audio, Note, Notes

KEPT_NOTES = 50_000
"""Most played notes that are remembered, for the roll and for saving."""
KEPT_CHARACTERS = 200_000
"""Most characters of a transcript; of more the first are dropped."""
AHEAD = 4.0
"""Beats that are known ahead of the playhead, where the generator keeps up."""
LETTERS_AHEAD = 2
"""Pieces of text that wait to be typed."""


@dataclass(frozen=True, slots=True)
class Played:
    """A note where it was or will be played: ``beat`` since the player began."""

    beat: float
    note: Note


@dataclass(frozen=True, slots=True)
class Placed:
    """A block and the beat on which it begins."""

    beat: float
    block: Notes | Audio
    length: float

    @property
    def end(self) -> float:
        return self.beat + self.length


class Timeline:
    """Where a player is. ``origin`` is the clock's beat on which its own beat 0 lies; None before it has begun.

    A pause keeps the position; on going on the origin moves by whole ``grid`` beats, so the phase of the bar is kept.
    """

    def __init__(self) -> None:
        self.origin: float | None = None
        self.paused_at: float | None = None

    def begin(self, moment: Moment, grid: float, zero: float) -> None:
        """Beat 0 falls on the next multiple of ``grid`` beats from ``zero`` of the clock, a little ahead of now."""
        soonest = moment.beat + 0.25 * moment.bpm / 60.0
        self.origin = zero + math.ceil((soonest - zero) / grid - 1e-9) * grid
        self.paused_at = None

    def position(self, moment: Moment) -> float:
        """Beats since it began; below 0 before that."""
        if self.paused_at is not None:
            return self.paused_at
        return 0.0 if self.origin is None else moment.beat - self.origin

    def pause(self, moment: Moment) -> None:
        """Stand still."""
        if self.paused_at is None and self.origin is not None:
            self.paused_at = max(0.0, self.position(moment))

    def resume(self, moment: Moment, grid: float) -> None:
        """Go on from where it stood; up to ``grid`` beats are waited so that the phase stays."""
        if self.paused_at is not None and self.origin is not None:
            at, self.paused_at = self.paused_at, None
            self.origin += math.ceil((moment.beat - self.origin - at) / grid - 1e-9) * grid


@dataclass(frozen=True, slots=True)
class _Handed:
    """A note that was asked for: where it was placed, and as what it is heard (None: it is left out)."""

    beat: float
    note: Note
    heard: Played | None

    @property
    def begins(self) -> float:
        return self.beat if self.heard is None else self.heard.beat


def _beat(item: _Handed) -> float:
    return item.beat


Felt = Callable[[float, Note], "tuple[float, Note] | None"]
"""When and how a note on a beat is heard; None: it is left out."""


def _as_made(beat: float, note: Note) -> tuple[float, Note]:
    return beat, note


class NotesTrack:
    """Blocks of notes (or of sound) one after another. ``lock`` guards it: the window reads while a thread plays."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.time = Timeline()
        self.blocks: deque[Placed] = deque()
        self.end = 0.0
        self.late = 0
        self.played: list[Played] = []
        self.finished = False
        self.loops = 0
        """Bars that were played again because nothing new was there in time."""
        self.revised: float | None = None
        """What was asked for from this beat on is not to be played after all; taken by who plays."""
        self._waiting: list[tuple[float, int, Note]] = []
        self._handed: list[_Handed] = []  # asked for, not begun, in order
        self._numbers = itertools.count()
        self._sounds: deque[Placed] = deque()

    def reset(self) -> None:
        """As new; what was played is forgotten."""
        with self.lock:
            self.time = Timeline()
            self.blocks.clear()
            self._waiting.clear()
            self._handed.clear()
            self._sounds.clear()
            self.played, self.revised = [], None
            self.end, self.finished = 0.0, False

    def wants(self, moment: Moment) -> bool:
        """Whether another block is needed now: the next one after that which plays is to be known."""
        position = self.time.position(moment)
        coming = sum(block.beat > position for block in self.blocks)
        return self.end - position < AHEAD or coming < 1

    def add(self, block: Notes | Audio, moment: Moment) -> Placed:
        """Place a block after those before; one that comes too late, on the next beat of the same phase."""
        with self.lock:
            length = block.length if isinstance(block, Notes) else (
                block.samples.shape[0] / block.rate * moment.bpm / 60.0)
            if self.time.origin is not None and self.time.paused_at is None:
                behind = self.time.position(moment) - self.end
                if behind > -0.02:
                    step = length if isinstance(block, Notes) and 0.25 <= length <= 4.0 else 1.0
                    self.end += math.ceil((behind + 0.1) / step) * step
                    self.late += 1
            placed = Placed(self.end, block, length)
            self._put(placed)
            return placed

    def _put(self, placed: Placed) -> None:
        self.blocks.append(placed)
        self.end += placed.length
        if isinstance(placed.block, Notes):
            for note in placed.block.notes:
                heapq.heappush(self._waiting, (placed.beat + note.start, next(self._numbers), note))
        else:
            self._sounds.append(placed)

    def due(self, until: float, felt: Felt = _as_made) -> list[Played]:
        """Notes that are placed before beat ``until`` and were not asked for yet, as they are ``felt``."""
        found: list[Played] = []
        with self.lock:
            while self._waiting and self._waiting[0][0] < until:
                beat, _, note = heapq.heappop(self._waiting)
                heard = felt(beat, note)
                item = _Handed(beat, note, None if heard is None else Played(*heard))
                bisect.insort(self._handed, item, key=_beat)
                if item.heard is not None:
                    found.append(item.heard)
        return found

    def settle(self, until: float) -> list[Played]:
        """Notes that were asked for and begin before beat ``until``: from now on they count as played."""
        with self.lock:
            count = bisect.bisect_left(self._handed, until, key=_beat)
            done, self._handed = self._handed[:count], self._handed[count:]
            found = [item.heard for item in done if item.heard is not None]
            self.played.extend(found)
            if len(self.played) > KEPT_NOTES:
                del self.played[: KEPT_NOTES // 10]
        return found

    def take_back(self, beat: float) -> None:
        """Notes that were asked for and begin on ``beat`` or later are to be asked for again."""
        with self.lock:
            for item in [item for item in self._handed if item.begins >= beat]:
                self._handed.remove(item)
                heapq.heappush(self._waiting, (item.beat, next(self._numbers), item.note))
            self.revised = beat if self.revised is None else min(beat, self.revised)

    def loop(self, bar: float) -> Placed | None:
        """Place the last ``bar`` beats once more, because what comes next is late; None while there is nothing."""
        with self.lock:
            blocks = [(placed.beat, placed.block) for placed in self.blocks if isinstance(placed.block, Notes)]
            length = min(bar, self.end - blocks[0][0]) if blocks else 0.0
            if length <= 0.0:
                return None
            first = self.end - length
            notes = [note.shifted(beat - first) for beat, block in blocks if beat + block.length > first
                     for note in block.notes if beat + note.start >= first - 1e-9]
            again = Placed(self.end, Notes(tuple(notes), length), length)
            self._put(again)
            self.loops += 1
            return again

    def due_sounds(self, until: float) -> list[Placed]:
        """Sounds that begin before beat ``until``."""
        found: list[Placed] = []
        with self.lock:
            while self._sounds and self._sounds[0].beat < until:
                found.append(self._sounds.popleft())
        return found

    def forget_past(self, position: float) -> None:
        """Drop blocks that ended a while ago."""
        with self.lock:
            while self.blocks and self.blocks[0].end < position - 64.0:
                self.blocks.popleft()

    def current(self, position: float) -> Placed | None:
        """The block that plays at a position, else the last one before it."""
        with self.lock:
            return next((placed for placed in reversed(self.blocks) if placed.beat <= position), None)

    def cut(self, beat: float) -> None:
        """Forget every block that begins on ``beat`` or later; what comes next is placed there."""
        with self.lock:
            while self.blocks and self.blocks[-1].beat >= beat - 1e-9:
                self.blocks.pop()
            end = self.blocks[-1].end if self.blocks else max(0.0, beat)
            self._sounds = deque(sound for sound in self._sounds if sound.beat < end - 1e-9)
            self._waiting = [item for item in self._waiting if item[0] < end - 1e-9]
            heapq.heapify(self._waiting)
            while self._handed and self._handed[-1].beat >= end - 1e-9:
                self._handed.pop()
                self.revised = end if self.revised is None else min(end, self.revised)
            self.end, self.finished = end, False

    def window(self, low: float, high: float) -> tuple[list[Played], list[Played]]:
        """Notes (played, to come) that begin in ``low - 16 .. high`` beats: what a roll of that range may show."""
        with self.lock:
            first = bisect.bisect_left(self.played, low - 16.0, key=lambda item: item.beat)
            played = [item for item in self.played[max(0, first - 64) :] if low - 16.0 <= item.beat < high]
            coming = [item.heard for item in self._handed
                      if item.heard is not None and low - 16.0 <= item.beat < high]
            coming += [Played(beat, note) for beat, _, note in self._waiting if low - 16.0 <= beat < high]
        return played, coming


@dataclass(frozen=True, slots=True)
class Letter:
    """A character that waits or was typed, with the ``chance`` it had and the best ``choices`` (character, chance)."""

    character: str
    chance: float | None = None
    choices: tuple[tuple[str, float], ...] = ()


def letters(piece: str) -> list[Letter]:
    """The characters of a piece; a piece may carry ``choices``, one (chance, choices) per character."""
    known: Any = getattr(piece, "choices", None)
    if known is None or len(known) != len(piece):
        return [Letter(character) for character in piece]
    return [
        Letter(character, item[0], item[1]) if item is not None else Letter(character)
        for character, item in zip(piece, known, strict=True)
    ]


class TextTrack:
    """Text that is typed, a character at a time, at a rate per second or per beat of the clock."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.letters: list[Letter] = []
        self.dropped = 0
        """Characters that fell off the front of the transcript."""
        self.version = 0
        """Rises whenever the transcript changed other than by growing."""
        self.finished = False
        self._waiting: deque[Letter] = deque()
        self._pieces = 0
        self._owed = 0.0
        self._last: tuple[float, float] | None = None
        self.paused = False

    def reset(self) -> None:
        """An empty page."""
        with self.lock:
            self.letters, self.dropped, self.finished = [], 0, False
            self.version += 1
            self.forget_waiting()
            self._last, self._owed = None, 0.0

    def forget_waiting(self) -> None:
        """What waits to be typed is not wanted any more."""
        with self.lock:
            self._waiting.clear()

    def replace(self, kept: list[Letter]) -> None:
        """Another transcript; what waits is forgotten."""
        with self.lock:
            self.letters, self.dropped, self.finished = kept[-KEPT_CHARACTERS:], 0, False
            self.version += 1
            self.forget_waiting()

    def wants(self, rate: float) -> bool:
        """Whether another piece is needed: some are to wait, so that the next choices are known."""
        return len(self._waiting) < max(LETTERS_AHEAD, rate * 0.25)

    def add(self, piece: str) -> None:
        """Text to type after what waits."""
        with self.lock:
            self._waiting.extend(letters(piece))

    def due(self, moment: Moment, rate: float, per_beat: bool) -> str:
        """Type what is due at a ``rate`` of characters per second, or per beat; returns it.

        The time is integrated: another rate or tempo goes on from here. A generator that is late is not caught up with.
        """
        now = (moment.beat if per_beat else moment.t)
        place = (now, float(per_beat))
        if self._last is None or self._last[1] != place[1] or self.paused:
            self._last = place
            return ""
        self._owed += max(0.0, now - self._last[0]) * rate
        self._last = place
        count = int(self._owed)
        if count <= 0:
            return ""
        with self.lock:
            made = [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]
            self.letters.extend(made)
            excess = len(self.letters) - KEPT_CHARACTERS
            if excess > KEPT_CHARACTERS // 20:
                del self.letters[:excess]
                self.dropped += excess
        self._owed = self._owed - len(made) if len(made) == count else min(1.0, self._owed - len(made))
        return "".join(letter.character for letter in made)

    def next_letter(self) -> Letter | None:
        """The character that will be typed next, if it is known."""
        with self.lock:
            return self._waiting[0] if self._waiting else None

    def coming(self, count: int = 32) -> list[Letter]:
        """The characters that wait to be typed."""
        with self.lock:
            return list(itertools.islice(self._waiting, count))

    @property
    def text(self) -> str:
        """The transcript."""
        with self.lock:
            return "".join(letter.character for letter in self.letters)
