"""Call and response: what was played in is listened to, then answered, harmonised, or repeated, ever differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.api import Context, Note, Notes
from studio.nn.improvise import Improviser, dealt
from studio.nn.keys import key_fits, key_names
from studio.nn.music import KEYS, EventVocabulary, VoiceNote
from studio.nn.roll_player import RollImproviser

DRUMS = 9


class Answering:
    """The part of the sequencer that takes turns with a player. Between an answer and the next call it rests."""

    if TYPE_CHECKING:
        respond: Any
        call_bars: Any
        mutation: Any
        block: Any
        style: Any
        root: Any
        improviser: Improviser | RollImproviser
        vocabulary: EventVocabulary
        drums: bool
        keyed: bool
        start: float
        origin: float
        waiting: list[VoiceNote]
        touch_rng: np.random.Generator

        @property
        def lift(self) -> int: ...
        def _begin(self, ctx: Context) -> None: ...
        def _bar(self, ctx: Context) -> int: ...
        def _open(self, ctx: Context, label: str, keynote: int) -> None: ...
        def _answered(self, ctx: Context, call: Notes) -> Notes | None: ...

    call: Notes | None = None
    left = 0.0
    """Beats of an answer that are still to come."""
    turned = 0
    """Bars of the call that were repeated."""

    def taking_turns(self, ctx: Context) -> Notes | None:
        """The next block of a conversation; None where the model itself plays on."""
        bar = float(self._bar(ctx))
        ctx.expose("listens", self.call_bars * bar if self.respond != "off" else 0.0)
        if self.respond == "off":
            self.call = None
            return None
        heard = ctx.wishes.get("call")
        if isinstance(heard, Notes) and heard.notes:
            self.call, self.left, self.turned = heard, heard.length, 0
            if self.respond == "answer":
                self._hear(ctx, heard)
            elif self.respond == "harmonise":
                self.call = self._answered(ctx, heard)
        if self.call is None or (self.respond == "answer" and self.left <= 0.0):
            return Notes((), bar)
        if self.respond == "answer":
            self.left -= bar if self.block == "bar" else 1.0
            return None
        if self.respond == "harmonise" and self.turned * bar >= self.call.length:
            return Notes((), bar)
        return self._again(self.call, bar)

    def _hear(self, ctx: Context, call: Notes) -> None:
        """The model reads the call as the beginning of its piece, and plays on from there."""
        words = self.vocabulary
        self._begin(ctx)
        if self.keyed and not self.style.strip() and self.root == "any":
            label = key_of(call.notes)
            self._open(ctx, label, KEYS.index(label.partition(" ")[0]))
        beats = max(words.bar, round(call.length))
        if self.drums:
            given = [VoiceNote(0, n.pitch, n.start, n.duration, n.velocity) for n in call.notes]
        else:
            notes = [replace(n, pitch=min(127, max(0, n.pitch - self.lift))) for n in call.notes]
            given = dealt(notes, words.voices) if words.voices > 1 else [
                VoiceNote(0, n.pitch, n.start, n.duration, n.velocity) for n in notes]
        heard = self.improviser.read(given, beats)
        if not heard:
            ctx.notice("the call: none of its notes is one that the model knows; it answers freely")
        self.origin, self.waiting = self.start - self.improviser.now, []

    def _again(self, call: Notes, bar: float) -> Notes:
        """The next bar of the call; with ``mutate`` every further turn of it differs a little more."""
        bars = max(1, round(call.length / bar))
        place = (self.turned % bars) * bar
        if self.respond == "mutate" and self.turned and place == 0.0:
            self.call = call = mutated(call, self.mutation, self.touch_rng)
        self.turned += 1
        return Notes(tuple(n.shifted(-place) for n in call.notes if place <= n.start < place + bar), bar)


def mutated(call: Notes, amount: float, rng: np.random.Generator) -> Notes:
    """A call of which each note is, with the chance ``amount``, another one of its pitches nearby, softer or louder,
    or a little earlier; nothing is added, and its rhythm stays recognisable."""
    pitches = sorted({note.pitch for note in call.notes})
    made: list[Note] = []
    for note in call.notes:
        draws = rng.random(3)
        if draws[0] < amount:
            if note.channel == DRUMS or draws[1] < 0.7:
                near = [pitch for pitch in pitches if 0 < abs(pitch - note.pitch) <= 12] or [note.pitch]
                note = replace(note, pitch=near[int(draws[2] * len(near))])
            else:
                note = replace(note, start=max(0.0, note.start - 0.25))
            note = replace(note, velocity=min(127, max(1, round(note.velocity + 40 * (draws[2] - 0.5)))))
        made.append(note)
    return Notes(tuple(sorted(made, key=lambda n: (n.start, n.pitch))), call.length)


def key_of(notes: Sequence[Note]) -> str:
    """The key that the notes fit best, as ``D minor``: by how long each pitch class sounds."""
    weights = np.zeros(12)
    for note in notes:
        weights[note.pitch % 12] += note.duration
    return key_names(key_fits(weights))[0]
