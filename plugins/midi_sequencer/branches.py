"""Other ways to go on: a place in the music from which any thread can play several continuations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from studio.api import Context, Finished, Notes

if TYPE_CHECKING:
    from .midi_sequencer import MidiSequencer

KEPT = 8
"""Blocks back from the newest that a view may go on from."""


@dataclass(frozen=True, eq=False)
class Option:
    """A way to go on: its ``blocks``, and the player that has just played them."""

    blocks: tuple[Notes, ...]
    end: MidiSequencer


@dataclass(frozen=True, eq=False)
class Branch:
    """The place after a block. ``player`` has played until here and is never played on: only its forks are."""

    player: MidiSequencer
    bpm: float
    beats_per_bar: int

    def options(self, count: int, beats: float, seed: int, check: Callable[[], None]) -> list[Option]:
        """``count`` continuations of ``beats`` beats or a little more; ``check`` may raise. For any thread."""

        def cancelled() -> bool:
            check()
            return False

        made = []
        for number in range(count):
            player = self.player.fork()
            player.improviser.rng = np.random.default_rng([self.player.seed, seed, number, 77])
            player.improviser.rethink()
            ctx = Context(seed=seed, bpm=self.bpm, beats_per_bar=self.beats_per_bar, cancelled=cancelled)
            blocks: list[Notes] = []
            while sum(block.length for block in blocks) < beats - 1e-6:
                try:
                    blocks.append(player.step(ctx))
                except Finished:
                    break
            made.append(Option(tuple(blocks), player))
        return made


Watched = list[tuple[float, NDArray[np.float64]]]


def chances_of(
    watched: Watched, pitches: NDArray[Any], begin: float, stop: float, pace: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What was chosen from within a block: times (beats since its beginning), and chances of the 128 pitches.

    The chances have the shape ``(times, 128)``. ``pitches`` are those that the note symbols are heard as; of several
    choices at one time the largest chance counts.
    """
    rows: dict[float, NDArray[np.float32]] = {}
    for beat, odds in watched:
        if begin <= beat < stop:
            row = np.bincount(pitches, weights=odds, minlength=128)[:128].astype(np.float32)
            known = rows.get(beat)
            rows[beat] = row if known is None else np.maximum(known, row)
    times = np.array([(beat - begin) * pace for beat in rows], np.float32)
    return times, np.array(list(rows.values()), np.float32).reshape(len(rows), 128)
