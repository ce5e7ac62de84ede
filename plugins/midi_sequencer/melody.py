"""A melody from a file, or one that was played in, is kept; the model's other voices are played beneath it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.api import Context, Note, Notes, read_midi
from studio.nn.harmonise import Harmoniser, MelodyError, melody_of, top_line
from studio.nn.improvise import Improviser
from studio.nn.keys import transposed
from studio.nn.music import EventVocabulary
from studio.nn.roll_harmony import chords_beneath
from studio.nn.roll_player import RollImproviser

from .shaping import Touch, played, shaped, untangled

ROWS = 32
"""Harmonies that are written side by side for a file."""
ROWS_LIVE = 12
"""And while somebody waits for an answer."""


class Harmonising:
    """The part of the sequencer that plays to a melody."""

    if TYPE_CHECKING:
        melody: Any
        colour: Any
        temperature: Any
        style: Any
        root: Any
        scale: Any
        seed: Any
        channel: Any
        transpose: Any
        improviser: Improviser | RollImproviser
        vocabulary: EventVocabulary
        drums: bool
        pieces: int
        start: float
        done: bool
        label: str
        hold: Any
        touch_rng: np.random.Generator

        def _touch(self, ctx: Context) -> Touch: ...
        def _bar(self, ctx: Context) -> int: ...

    harmony: tuple[Note, ...] = ()
    """The whole piece to the melody of a file, in beats from its start."""

    def _set_melody(self, ctx: Context) -> None:
        """Harmonise the melody of the file. Raises FileError, MelodyError."""
        self.harmony = ()
        if not self.melody:
            return
        song = read_midi(self.melody)
        for line in song.repairs:
            ctx.notice(f"melody: {line}")
        try:
            self.harmony = self._harmonised(ctx, melody_of(song), ROWS)
        except MelodyError as error:
            raise MelodyError(f"melody: {error}") from None

    def _harmonised(self, ctx: Context, tune: Sequence[Note], rows: int) -> tuple[Note, ...]:
        """``tune`` as it is, and the other voices beneath it. Raises MelodyError."""
        seed = int(np.random.default_rng([self.seed, 5, self.pieces]).integers(2**31))
        if isinstance(self.improviser, RollImproviser):
            made = chords_beneath(
                self.improviser, tune, rows=rows, temperature=self.temperature, seed=seed,
                check=lambda share: ctx.check(share))
        else:
            made = Harmoniser(
                self.improviser.stepper, self.vocabulary, rows=rows, temperature=self.temperature, colour=self.colour,
                seed=seed,
            ).harmonise(tune, key=self._wished_key(), check=lambda share: ctx.check(share))
        self.label = transposed(made.key, self.transpose)
        touch = self._touch(ctx)
        notes = [note if note.voice == 0 else shaped(note, touch, self.touch_rng) for note in made.notes]
        heard = played(notes, drums=False, channel=self.channel, kit=False, shift=self.transpose)
        return tuple(untangled(heard))

    def _wished_key(self) -> str:
        """The key by the wishes of the player, '' where it is left to the melody."""
        if self.style.strip():
            return str(self.style.strip())
        if self.root == "any":
            return ""
        return f"{self.root} {'minor' if 'minor' in self.scale or self.scale in ('dorian', 'phrygian') else 'major'}"

    def _harmony_block(self, ctx: Context) -> Notes:
        """The next bar of the piece to the melody; the last chord is held on."""
        bar = float(self._bar(ctx))
        begin, self.start = self.start, self.start + bar
        end = max(note.start + note.duration for note in self.harmony)
        now = [note.shifted(-begin) for note in self.harmony if begin <= note.start < begin + bar]
        if self.start < end - 1e-6:
            return Notes(tuple(now), bar)
        self.done = True
        last = end - begin
        now = [
            replace(note, duration=note.duration + self.hold) if note.start + note.duration > last - 0.3 else note
            for note in now
        ]
        return Notes(tuple(now), float(np.ceil(max([bar, *(note.start + note.duration for note in now)]))))

    def _answered(self, ctx: Context, call: Notes) -> Notes | None:
        """The call with voices beneath it; None, with a notice that says why, where that cannot be."""
        try:
            tune = [replace(n, pitch=min(127, max(0, n.pitch - self.transpose))) for n in top_line(call.notes)]
            return Notes(self._harmonised(ctx, tune, ROWS_LIVE), call.length)
        except MelodyError as error:
            ctx.notice(f"the call: {error}")
            return None
