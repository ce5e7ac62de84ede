"""What a worker tells somebody who writes down what it does (a take)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.engine.chain import Stage
from studio.media import Note, Words


class Journal:
    """Nobody writes: this one does nothing. Each method is called on the thread that does it, and must be quick."""

    def chain(self, stages: Sequence[Stage], fresh: bool) -> None:
        """From the next step on these run; ``fresh``: all with new generators, else those that ran before go on."""

    def step(self, t: float, took: float, moved: float) -> None:
        """A step begins at ``t`` of the clock, ``took`` seconds after the one before; it moves the generators on by
        ``moved`` seconds, which is less after a standstill."""

    def notes(self, notes: Sequence[Note]) -> None:
        """These notes began now."""

    def words(self, words: Sequence[Words]) -> None:
        """Players wrote these words now."""

    def wishes(self, wishes: dict[str, Any]) -> None:
        """The next step is asked for this."""
