"""Drums as another network, which learned from drummers, would play them: how hard, how early or late."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.api import Context, Note
from studio.nn.humanise import FEEL as FEEL
from studio.nn.humanise import Drummer, build_feel
from studio.nn.music import VoiceNote
from studio.nn.weights import WeightsError, load_model

from .shaping import Touch

FREEDOM = 0.3
"""How much of a drummer's own freedom is drawn; 0 would play every bar of equal hits equally."""
HEARD = 8.0
"""Beats before a hit that the network hears again."""


class Feeling:
    """The part of the sequencer that gives its drums the feel of ``feel_model``, as far as ``feel`` wishes."""

    if TYPE_CHECKING:
        feel: Any
        feel_model: Any
        seed: Any

    felt: tuple[VoiceNote, ...] = ()
    """What was written last, for the network to hear."""
    drummer: tuple[str, Drummer | None] = ("", None)
    """The feel model in use, by its name; None where it cannot be."""

    def _felt(self, ctx: Context, notes: list[VoiceNote], bar: int) -> list[VoiceNote]:
        """``notes`` of one stretch, starts in beats from a bar line, as they are felt: always the same way."""
        if not notes:
            return notes
        first = min(n.start for n in notes)
        past = [n for n in self.felt if first - HEARD <= n.start < first]
        self.felt = (*past, *notes)
        drummer = self._drummer(ctx) if self.feel > 0.0 else None
        if drummer is None:
            return notes
        rng = np.random.default_rng([self.seed, 5, round(96 * max(0.0, first)), len(notes)])
        made = drummer.play([_note(n) for n in notes], ctx.bpm, amount=self.feel, freedom=FREEDOM, bar=bar, rng=rng,
                            before=[_note(n) for n in past])
        return [replace(n, start=m.start, velocity=m.velocity) for n, m in zip(notes, made, strict=True)]

    def _drummer(self, ctx: Context) -> Drummer | None:
        """The network that is wished for; a notice says once why it cannot be had."""
        if self.drummer[0] != self.feel_model:
            found = None
            try:
                found = Drummer(build_feel(load_model(ctx.model(self.feel_model), FEEL)))
            except (OSError, WeightsError) as error:
                ctx.notice(f"feel: {error}. The drums are played as their own model plays them")
            self.drummer = (self.feel_model, found)
        return self.drummer[1]

    def _hit(self, note: VoiceNote, touch: Touch) -> VoiceNote:
        velocity = touch.velocity + (note.velocity - 76) * touch.dynamics
        return replace(note, velocity=min(127, max(1, round(velocity))), duration=0.125)


def _note(n: VoiceNote) -> Note:
    return Note(n.pitch, n.velocity, max(0.0, n.start), n.duration, 9)
