"""MIDI clock out in the conductor: 24 pulses to a beat of the session's clock, with Start, Stop, Continue and position.

Pulses stand on multiples of a 24th of a beat; a new tempo moves their times, never their places.
"""

from __future__ import annotations

import math

from studio.control.midi_clock import PULSES, ClockMaker
from studio.devices.conductor.tempo import Tempo

MISSED = 0.06
"""Seconds behind which pulses are left out and the song's position is told again: no burst after a standstill."""


class ClockOut:
    """Asked for what is due, in order."""

    def __init__(self) -> None:
        self._maker = ClockMaker()
        self._pulse: int | None = None
        self._origin = self._begin = 0.0

    @property
    def running(self) -> bool:
        """Whether a song runs; pulses come in any case."""
        return self._maker.running

    def run(self, beat: float, position: float = 0.0, *, soonest: float | None = None) -> None:
        """From ``beat`` on a song runs that is at ``position`` beats there (0: Start, else position and Continue).

        Where it has been running since before ``soonest``, it is joined on the next sixteenth.
        """
        self._origin = beat - position
        if soonest is not None and beat < soonest:
            position = math.ceil((soonest - self._origin) * 4.0 - 1e-6) / 4.0
        self._begin = self._origin + position
        self._maker.start(self._begin, position)

    def stop(self) -> bytes | None:
        """The message to send now; None where nothing ran."""
        return self._maker.stop() if self._maker.running else None

    def due(self, tempo: Tempo | None, now: float) -> float | None:
        """When the next pulse is due."""
        if tempo is None:
            return None
        if self._pulse is None:
            self._pulse = math.ceil(tempo.beat_at(now) * PULSES)
            if self._pulse / PULSES > self._begin + 1e-6:  # there was nobody to hear the start
                self._skip(tempo, now)
        return tempo.time_of(self._pulse / PULSES)

    def fire(self, tempo: Tempo | None, now: float) -> list[bytes]:
        """The messages that are due."""
        made: list[bytes] = []
        while (due := self.due(tempo, now)) is not None and due <= now:
            assert self._pulse is not None and tempo is not None
            if now - due > MISSED:
                self._skip(tempo, now)
                continue
            low = self._pulse / PULSES
            made += [message for _, message in self._maker.between(low, low + 0.5 / PULSES)]
            self._pulse += 1
        return made

    def _skip(self, tempo: Tempo, now: float) -> None:
        """Go on from the pulse after ``now``; a song's position is told on the next sixteenth."""
        beat = tempo.beat_at(now)
        self._pulse = math.floor(beat * PULSES) + 1
        if self.running and beat > self._origin:
            position = math.ceil((beat - self._origin) * 4.0 + 1e-6) / 4.0
            self._maker.start(self._origin + position, position)
