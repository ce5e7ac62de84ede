"""The part of ``Playback`` that lets players be played otherwise than their generators made it: ``session.feel``."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any

from studio.engine.clock import Moment
from studio.media import Note
from studio.session.feel import FEEL, Feel
from studio.session.playback_line import Playing
from studio.session.playback_steer import Steering
from studio.session.playback_track import Felt

EVERY = 0.08
"""Seconds between two changes that are heard: what an LFO moves is not handed over anew with every tick."""


class Feeling(Steering):
    """Volume, swing, chance and the rest by player; any controller moves them through ``Playing.feel``."""

    @abstractmethod
    def _levels(self, known: Playing) -> None:
        """The options of a player changed: let its sink know."""

    @abstractmethod
    def _again(self, known: Playing, seconds: float) -> None:
        """What was handed over and begins more than ``seconds`` from now is handed over again."""

    def set_feel(self, line: str, *, gesture: Any = None, **values: Any) -> None:
        """Change how a player plays, by the names of ``FEEL``; one step of undo. Raises ParamError."""
        known = self.playing[line]
        label = FEEL[next(iter(values))].label if next(iter(values)) in FEEL else "Feel"
        with self.session.edit(f"{label} of {known.line.title}", gesture):
            for name, value in values.items():
                known.feel.set(name, value)
            self._keep_feel(known)

    def _keep_feel(self, known: Playing) -> None:
        """On the session's thread: what a hand or a controller moved is saved with the session."""
        known.keep_feel()

    def feel(self, known: Playing, moment: Moment, now: float) -> None:
        """On the playback thread: take what the controls say now."""
        if now - known.felt_at < EVERY:
            return
        values = known.feel.take()
        options = known.options
        if (values["volume"], values["mute"]) != (options.volume, options.mute):
            known.felt_at = now
            known.options = replace(options, volume=values["volume"], mute=values["mute"])
            self._levels(known)
        felt = Feel.of(values, known.line.seed)
        if felt == known.felt:
            return
        held, known.felt, known.felt_at = known.felt.latch, felt, now
        self._again(known, 0.02)
        if felt.latch and not held:
            self._hold(known, moment)
        elif held and not felt.latch:
            self._release(known, moment)

    def felt(self, known: Playing, bpm: float) -> Felt:
        """What becomes of a player's notes."""
        feel = known.felt

        def played(beat: float, note: Note) -> tuple[float, Note] | None:
            return feel.played(beat, note, bpm)

        return played

    def _hold(self, known: Playing, moment: Moment) -> None:
        """The block that plays is the last one: it is looped until it is released."""
        placed = self.placed_now(known, moment, 0.05)
        if placed is not None:
            known.latched = self._branch(known, placed)
            known.notes.cut(placed.end)

    def _release(self, known: Playing, moment: Moment) -> None:
        """The music goes on where it was when the bar was held."""
        branch, known.latched = known.latched, None
        placed = self.placed_now(known, moment, 0.45)
        if placed is not None:
            if branch is not None:
                self._turn(known, placed.end, resume=branch)
            else:
                known.notes.cut(placed.end)
