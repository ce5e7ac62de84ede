"""Where played notes go: the built-in synth, a MIDI port, or nowhere. One small interface for all of them.

Times are seconds of ``time.perf_counter``; a note is handed over ``HORIZON`` seconds before it begins. What
the conductor plays (``Conducted``) is handed over a bar ahead, in beats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from studio.devices.conductor.client import Conductor
from studio.media import Note

HORIZON = 0.3
"""Seconds before its time that a note is handed to a sink: more than is mixed ahead and waits in the device."""


class Sink(Protocol):
    """What a player plays into."""

    def prepare(self, player: str, notes: Sequence[Note], bpm: float, programs: Mapping[int, int]) -> None:
        """Notes that will be played soon: what takes time can be done now."""

    def play(self, player: str, note: Note, at: float, seconds: float, programs: Mapping[int, int]) -> None:
        """Begin ``note`` at ``at`` and end it ``seconds`` later."""

    def quiet(self, player: str | None = None) -> None:
        """End all notes of a player, or of all; forget what has not begun."""


class Silence:
    """Takes everything, sounds nothing."""

    def prepare(self, player: str, notes: Sequence[Note], bpm: float, programs: Mapping[int, int]) -> None: ...

    def play(self, player: str, note: Note, at: float, seconds: float, programs: Mapping[int, int]) -> None: ...

    def quiet(self, player: str | None = None) -> None: ...


class Conducted:
    """An output of the conductor's process. It knows the clock, so what was planned follows a new tempo by itself."""

    levelled = False
    """Whether it has a loudness for each player; else their velocities are made smaller."""

    def __init__(self, conductor: Conductor, out: str) -> None:
        self.conductor, self.out = conductor, out

    def prepare(self, player: str, notes: Sequence[Note], bpm: float, programs: Mapping[int, int]) -> None:
        """Nothing takes time here."""

    def play(self, player: str, note: Note, at: float, seconds: float, programs: Mapping[int, int]) -> None:
        """A note at a time, outside the music's beats."""
        self.conductor.plan_at(self.out, player, note.channel, note.pitch, note.velocity, at, seconds,
                               programs.get(note.channel, -1))

    def plan(self, player: str, note: Note, beat: float, programs: Mapping[int, int]) -> None:
        """A note on a beat of the clock."""
        self.conductor.plan(self.out, player, note.channel, note.pitch, note.velocity, beat, beat + note.duration,
                            programs.get(note.channel, -1))

    def forget(self, player: str, beat: float) -> None:
        """Take back what begins on the beat or later."""
        self.conductor.forget(self.out, player, beat)

    def quiet(self, player: str | None = None) -> None:
        """End all notes of a player, or of all."""
        self.conductor.quiet(self.out, player)
