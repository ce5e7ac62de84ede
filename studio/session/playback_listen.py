"""The part of ``Playback`` that listens: calls that are played in over MIDI go to the players that wait for one."""

from __future__ import annotations

from typing import Any

from studio.engine.clock import Moment
from studio.session.listening import Ear, listens
from studio.session.playback_feel import Feeling
from studio.session.playback_line import Playing

LOOK = 0.03
"""Seconds between two looks at what was played in."""


class Listening(Feeling):
    """``ear`` takes what MIDI ports hear; any thread of the system may hand it over."""

    _ear: Ear | None = None
    _looked = 0.0

    @property
    def ear(self) -> Ear:
        """What was played in lately."""
        if self._ear is None:
            self._ear = Ear(lambda: self.clock.read().beat)
        return self._ear

    def listen(self, moment: Moment, now: float) -> None:
        """On the playback thread: look for calls that are complete."""
        if now - self._looked < LOOK:
            return
        self._looked = now
        wanted = {name: beats for name, known in list(self.playing.items())
                  if (beats := self._wanted(known)) > 0.0}
        if bool(wanted) != self.ear.on:
            self.ear.on = bool(wanted)
            session: Any = self.session
            session.events.call(session.controls.apply_settings)  # the MIDI inputs are opened for it
        for name, beats in wanted.items():
            self._call(self.playing[name], moment, beats)
        if wanted:
            self.ear.forget(moment.beat - 200.0)

    def _wanted(self, known: Playing) -> float:
        line = known.line
        plays = line.slots and not line.stopped and not known.paused and known.notes.time.origin is not None
        return listens(line.details(0)) if plays else 0.0

    def _call(self, known: Playing, moment: Moment, beats: float) -> None:
        origin = known.notes.time.origin
        if origin is None:
            return
        found = known.call.look(self.ear, origin, moment.beat, moment.bpm, float(self.clock.beats_per_bar), beats)
        if found is not None:
            end, call = found
            self._turn(known, end, call=call)
