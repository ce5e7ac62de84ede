"""Music as a sequence of symbols for a recurrent network, and the grammar that keeps what it samples playable.

A piece is a label, then beat after beat: ``BEAT``, the notes on it, ``POS k`` (the k-th step inside the beat), the
notes there, the next ``BEAT``... and ``END``. A note is ``NOTE (voice, pitch)``, then its duration, velocity and
micro-timing where the vocabulary has them. Every note carries its own length, so none can hang, whatever is sampled.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.media import Note

EVENTS = "event-rnn"
END, START = 0, 1
_LABELS = 2

SCALES: dict[str, tuple[int, ...]] = {
    "off": tuple(range(12)),
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic minor": (0, 2, 3, 5, 7, 8, 9, 10, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole tone": (0, 2, 4, 6, 8, 10),
    "octatonic": (0, 2, 3, 5, 6, 8, 9, 11),
    "hirajoshi": (0, 2, 3, 7, 8),
    "double harmonic": (0, 1, 4, 5, 7, 8, 11),
}
"""Semitones above the root. ``melodic minor`` has the sixth and seventh of both directions, as chorales use them."""

KEYS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True, slots=True)
class VoiceNote:
    """A note for the network: ``start`` and ``duration`` in beats, ``voice`` from 0 (the highest)."""

    voice: int
    pitch: int
    start: float
    duration: float
    velocity: int = 80


def duration_grid(grid: int) -> tuple[int, ...]:
    """Durations (steps) of a vocabulary with ``grid`` steps per beat: every step up to four beats, then coarser."""
    longer = [grid * beats for beats in (5, 6, 7, 8, 12, 16)]
    return (*range(1, 4 * grid + 1), *longer)


@dataclass(frozen=True)
class EventVocabulary:
    """What the symbols of a model stand for.

    ``grid`` steps per beat; ``bar`` beats per bar (1: metre unknown); ``notes`` are the (voice, pitch) pairs in the
    order in which notes of one moment follow each other; ``durations`` in steps (none: every note lasts one step);
    ``velocities`` (at most one: not modelled); ``offsets``, micro-timing in steps (at most one: not modelled);
    ``labels``, one of which may open a piece.
    """

    grid: int
    bar: int
    notes: tuple[tuple[int, int], ...]
    durations: tuple[int, ...] = ()
    velocities: tuple[int, ...] = ()
    offsets: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (1 <= self.grid <= 96 and 1 <= self.bar <= 32):
            raise ValueError("the grid must be 1 to 96 steps per beat, the bar 1 to 32 beats")
        if not 1 <= len(self.notes) <= 2048 or len(set(self.notes)) != len(self.notes):
            raise ValueError("there must be 1 to 2048 different notes")
        if any(not (0 <= voice < 16 and 0 <= pitch < 128) for voice, pitch in self.notes):
            raise ValueError("notes must have a voice of 0 to 15 and a pitch of 0 to 127")
        if list(self.durations) != sorted(set(self.durations)) or any(not 1 <= d <= 4096 for d in self.durations):
            raise ValueError("durations must be rising whole numbers of steps")
        if any(not 1 <= v <= 127 for v in self.velocities) or any(not -1 <= o <= 1 for o in self.offsets):
            raise ValueError("velocities must be 1 to 127 and offsets -1 to 1 steps")

    @cached_property
    def bases(self) -> tuple[int, int, int, int, int, int]:
        """First symbol of beats, positions, notes, durations, velocities, offsets."""
        beats = _LABELS + len(self.labels)
        positions = beats + self.bar
        notes = positions + self.grid - 1
        durations = notes + len(self.notes)
        velocities = durations + len(self.durations)
        return beats, positions, notes, durations, velocities, velocities + self._many(self.velocities)

    @cached_property
    def size(self) -> int:
        """How many symbols there are."""
        return self.bases[5] + self._many(self.offsets)

    @staticmethod
    def _many(values: Sequence[float]) -> int:
        return len(values) if len(values) > 1 else 0

    @cached_property
    def voices(self) -> int:
        return 1 + max(voice for voice, _ in self.notes)

    @cached_property
    def note_index(self) -> dict[tuple[int, int], int]:
        return {note: index for index, note in enumerate(self.notes)}

    @cached_property
    def pitches(self) -> NDArray[np.int64]:
        """Pitch of each note symbol."""
        return np.array([pitch for _, pitch in self.notes])

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Notes of one group cannot sound together: those of a voice, or in one-voice music those of a pitch."""
        if self.voices > 1:
            return np.array([voice for voice, _ in self.notes])
        return np.arange(len(self.notes))

    def label_symbol(self, label: str) -> int:
        """The symbol that opens a piece with ``label``, ``START`` when there is no such label."""
        return _LABELS + self.labels.index(label) if label in self.labels else START

    def to_json(self) -> dict[str, Any]:
        return {
            "grid": self.grid, "bar": self.bar, "notes": [list(note) for note in self.notes],
            "durations": list(self.durations), "velocities": list(self.velocities), "offsets": list(self.offsets),
            "labels": list(self.labels),
        }

    @classmethod
    def from_json(cls, tree: Any) -> EventVocabulary:
        """Raises ValueError when ``tree`` is not what ``to_json`` wrote."""
        try:
            return cls(
                int(tree["grid"]), int(tree["bar"]), tuple((int(v), int(p)) for v, p in tree["notes"]),
                tuple(map(int, tree["durations"])), tuple(map(int, tree["velocities"])),
                tuple(map(float, tree["offsets"])), tuple(map(str, tree["labels"])),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"the vocabulary is not complete ({error})") from None

    def encode(self, notes: Iterable[VoiceNote], beats: int, label: str = "", *, end: bool = True) -> list[int]:
        """Symbols of a piece of ``beats`` beats. Notes outside the vocabulary are left out.

        A note that begins while its group still sounds ends the earlier one; starts go to the nearest step, with the
        rest as micro-timing where the vocabulary has it.
        """
        first_beat, first_position, first_note, first_duration, first_velocity, first_offset = self.bases
        moments: dict[int, dict[int, tuple[int, VoiceNote]]] = {}
        latest: dict[int, tuple[int, int]] = {}  # group → (step, note) of its last note, to be cut by the next
        cuts: dict[tuple[int, int], int] = {}
        for note in sorted(notes, key=lambda n: (n.start, n.voice, n.pitch)):
            index = self.note_index.get((note.voice, note.pitch))
            step = max(0, round(note.start * self.grid))
            if index is None or step >= beats * self.grid:
                continue
            group = int(self.groups[index])
            if group in latest:
                before, other = latest[group]
                if before == step:
                    continue
                cuts[before, other] = step - before
            latest[group] = (step, index)
            moments.setdefault(step, {})[index] = (step, note)
        symbols = [self.label_symbol(label)]
        for beat in range(beats):
            symbols.append(first_beat + beat % self.bar)
            for position in range(self.grid):
                step = beat * self.grid + position
                if step not in moments:
                    continue
                if position:
                    symbols.append(first_position + position - 1)
                for index, (_, note) in sorted(moments[step].items()):
                    symbols.append(first_note + index)
                    if self.durations:
                        most = cuts.get((step, index), self.durations[-1])
                        symbols.append(first_duration + self._duration(note.duration * self.grid, most))
                    if len(self.velocities) > 1:
                        symbols.append(first_velocity + _nearest(self.velocities, note.velocity))
                    if len(self.offsets) > 1:
                        symbols.append(first_offset + _nearest(self.offsets, note.start * self.grid - step))
        return [*symbols, END] if end else symbols

    def _duration(self, steps: float, most: int) -> int:
        """Place of the nearest duration that is at most ``most`` steps."""
        allowed = [d for d in self.durations if d <= most] or [self.durations[0]]
        return min(range(len(allowed)), key=lambda i: abs(math.log(allowed[i] / max(steps, 0.25))))


def _nearest(values: Sequence[float], value: float) -> int:
    return min(range(len(values)), key=lambda index: abs(values[index] - value))


@dataclass(frozen=True)
class Limits:
    """What the player wants of the music; the network chooses among what is left.

    ``pitch_classes`` allowed; ``low`` .. ``high`` pitches; at most ``per_beat`` notes begin in a beat; at most
    ``polyphony`` sound together; ``full`` keeps every voice sounding (it must begin again when its note is over).
    ``shift`` is added to pitches when they are played, so that the limits hold for what is heard.
    """

    pitch_classes: frozenset[int] = frozenset(range(12))
    low: int = 0
    high: int = 127
    per_beat: int = 1000
    polyphony: int = 1000
    full: bool = False
    shift: int = 0


@dataclass
class Grammar:
    """Reads symbols one by one, says which may follow, and turns them into notes."""

    vocabulary: EventVocabulary
    beat: int = -1
    """Beats begun, less one."""
    position: int = 0
    ended: bool = False
    begun: int = 0
    """Notes begun in this beat."""
    _last: int = -1
    _pending: list[int] = field(default_factory=list)
    _until: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        if not len(self._until):
            self._until = np.zeros(int(self.vocabulary.groups.max()) + 1, np.int64)

    def copy(self) -> Grammar:
        """An independent copy: another continuation from here."""
        return Grammar(
            self.vocabulary, self.beat, self.position, self.ended, self.begun, self._last, list(self._pending),
            self._until.copy(),
        )

    @property
    def pending(self) -> int | None:
        """The note (its place in the vocabulary) that is begun and lacks its duration or more."""
        return self._pending[0] - self.vocabulary.bases[2] if self._pending else None

    @property
    def now(self) -> int:
        """Steps since the start."""
        return self.beat * self.vocabulary.grid + self.position

    def allowed(self, limits: Limits, *, may_end: bool = False) -> NDArray[np.bool_]:
        """Which symbols may follow, ``(vocabulary,)``: at least one always."""
        words = self.vocabulary
        mask = np.zeros(words.size, bool)
        first_beat, first_position, first_note, first_duration = words.bases[:4]
        if self._pending:
            start, count = self._fields()[len(self._pending) - 1]
            mask[start : start + count] = True
            return mask
        next_beat = first_beat + (self.beat + 1) % words.bar
        if self.beat < 0:
            mask[next_beat] = True
            return mask
        playable = self._playable(limits)
        silent = playable & (words.groups == self._missing(playable)) if limits.full and words.voices > 1 else None
        if silent is not None and silent.any():
            mask[first_note:first_duration] = silent
            return mask
        mask[first_note:first_duration] = playable
        mask[next_beat] = True
        mask[first_position + self.position : first_note] = True
        mask[END] = may_end
        sounding = self._until[self._until > self.now]
        if limits.full and words.voices > 1 and len(sounding):
            room = int(sounding.min()) - self.beat * words.grid  # no voice may be left silent: not past the first end
            mask[first_position + min(room, words.grid - 1) : first_note] = False
            mask[next_beat] = room >= words.grid
        return mask

    def _fields(self) -> list[tuple[int, int]]:
        """First symbol and count of what follows a note symbol."""
        words = self.vocabulary
        _, _, _, durations, velocities, offsets = words.bases
        return [
            (start, count) for start, count in (
                (durations, len(words.durations)), (velocities, offsets - velocities), (offsets, words.size - offsets)
            ) if count
        ]

    def _playable(self, limits: Limits) -> NDArray[np.bool_]:
        words = self.vocabulary
        sounding = self._until > self.now
        if self.begun >= limits.per_beat or int(sounding.sum()) >= limits.polyphony:
            return np.zeros(len(words.notes), bool)
        heard = words.pitches + limits.shift
        result: NDArray[np.bool_] = ~sounding[words.groups] & (heard >= limits.low) & (heard <= limits.high)
        result &= np.isin(heard % 12, list(limits.pitch_classes))
        result[: self._last + 1] = False  # notes of one moment come in their order, none twice
        return result

    def _missing(self, playable: NDArray[np.bool_]) -> int:
        """The first silent group that could begin a note, or -1."""
        found = np.flatnonzero(playable)
        return int(self.vocabulary.groups[found[0]]) if len(found) else -1

    def push(self, symbol: int) -> VoiceNote | None:
        """Read a symbol; the note it completes, with ``start`` in beats from the start of the piece.

        Raises ValueError for a symbol that the grammar does not allow here.
        """
        words = self.vocabulary
        first_beat, first_position, first_note, first_duration, _, _ = words.bases
        if self._pending:
            start, count = self._fields()[len(self._pending) - 1]
            if not start <= symbol < start + count:
                raise ValueError(f"symbol {symbol} cannot stand inside a note")
            self._pending.append(symbol)
            return self._complete()
        if symbol == END:
            self.ended = True
        elif symbol < first_beat:
            pass  # a label
        elif symbol < first_position:
            self.beat, self.position, self.begun, self._last = self.beat + 1, 0, 0, -1
        elif symbol < first_note:
            if symbol - first_position + 1 <= self.position:
                raise ValueError(f"symbol {symbol} goes back in time")
            self.position, self._last = symbol - first_position + 1, -1
        elif symbol < first_duration and self.beat >= 0:
            self._pending = [symbol]
            return self._complete()
        else:
            raise ValueError(f"symbol {symbol} needs a note or a beat before it")
        return None

    def _complete(self) -> VoiceNote | None:
        """The pending note once all its fields are there."""
        words = self.vocabulary
        if len(self._pending) <= len(self._fields()):
            return None
        index = self._pending[0] - words.bases[2]
        steps, velocity, offset = 1, 80, 0.0
        for symbol, (start, _) in zip(self._pending[1:], self._fields(), strict=True):
            if start == words.bases[3] and words.durations:
                steps = words.durations[symbol - start]
            elif start == words.bases[4] and len(words.velocities) > 1:
                velocity = words.velocities[symbol - start]
            else:
                offset = words.offsets[symbol - start]
        voice, pitch = words.notes[index]
        self._until[words.groups[index]] = self.now + steps
        self._pending, self._last = [], index
        self.begun += 1
        return VoiceNote(voice, pitch, (self.now + offset) / words.grid, steps / words.grid, velocity)


def piano_roll(notes: Sequence[Note], beats: float, *, grid: int = 4, scale: int = 4) -> NDArray[np.uint8]:
    """A picture of notes, uint8 ``(height, width, 3)``: time to the right, pitch upwards, a colour per channel.

    One step of ``1 / grid`` beat is ``scale`` pixels wide, one semitone ``scale`` pixels high; velocity is brightness.
    """
    pitches = [note.pitch for note in notes] or [60]
    low, high = min(pitches) - 2, max(pitches) + 2
    picture = np.full(((high - low + 1) * scale, max(1, round(beats * grid)) * scale, 3), 18, np.uint8)
    picture[:, :: grid * scale] = 34
    picture[:, :: 4 * grid * scale] = 62
    colours = ((255, 196, 92), (112, 206, 255), (156, 232, 130), (255, 128, 138), (200, 160, 255), (240, 240, 240))
    for note in sorted(notes, key=lambda n: n.velocity):
        top = (high - note.pitch) * scale
        left, right = round(note.start * grid * scale), round((note.start + note.duration) * grid * scale)
        colour = np.array(colours[note.channel % len(colours)]) * (0.35 + 0.65 * note.velocity / 127)
        picture[top : top + scale, max(0, left) : max(left + 1, right - 1)] = colour
    return picture
