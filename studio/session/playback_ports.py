"""The conductor's outputs as players and settings ask for them: MIDI ports, MIDI clock out, the line of the clock.

``tick`` belongs to the playback thread; what the conductor tells arrives on its own.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from studio.devices.conductor.client import Conductor
from studio.devices.conductor.tempo import Tempo
from studio.engine import Clock
from studio.session.playback_line import Playing
from studio.session.playback_sinks import Conducted
from studio.session.playback_track import Felt

if TYPE_CHECKING:
    from studio.session.core import Core

SOON = 0.1
"""Seconds ahead in which a running song is joined by the clock out."""
_MIDI = "midi:"
SYNTH = "synth"


class PortsOut:
    """See the module."""

    def __init__(self, session: Core) -> None:
        self._session = session
        self.conductor = Conductor(told=self._told)
        self.renewed: set[str] = set()
        """Ports, and ``synth``, that are back: what was meant for them is to be handed over anew."""
        self._lock = threading.RLock()
        self._sinks: dict[str, Conducted] = {}
        self._clock_port = ""
        self._running = self._synth_ran = False
        self._looked = 0.0

    # --- ports ---

    def sink(self, port: str) -> Conducted:
        """What plays to a port; it is opened if it is not."""
        with self._lock:
            known = self._sinks.get(port)
            if known is None:
                known = self._sinks[port] = Conducted(self.conductor, _MIDI + port)
                self.conductor.open(_MIDI + port, "midi", {"name": port})
            return known

    def keep(self, used: Collection[str]) -> None:
        """Let go the ports that nobody uses."""
        with self._lock:
            for port in [port for port in self._sinks if port not in used and port != self.clock_wanted()]:
                self.conductor.shut(self._sinks.pop(port).out)

    def trouble(self, port: str) -> str:
        """Why a port is not heard, '' where it is."""
        if port not in self._sinks:
            return "no MIDI port is chosen" if not port else ""
        return self.conductor.state(_MIDI + port)[1]

    def close(self) -> None:
        """End every note; returns at once."""
        self.conductor.close()

    def _told(self, out: str, reason: str, cure: str) -> None:
        """From the conductor's thread."""
        port = out.removeprefix(_MIDI)
        source = "MIDI" if out != port else "Sound"
        if reason:
            self._session.notice(f"{reason}; everything else goes on", level="warning", cure=cure, source=source)
            return
        if out:
            self.renewed.add(port)
        back = f"{port} is back" if out != port else "sound is back" if out else "the time is kept again"
        self._session.notice(back, source=source)

    # --- the clock ---

    def clock_state(self) -> tuple[str, str, str]:
        """How the clock out is: ``level`` (good, warning, edge), a sentence, and what helps."""
        port, settings = self.clock_wanted(), self._session.settings
        if not port:
            on = "clock_out" in settings.params and settings["clock_out"]
            return ("warning", "No port is chosen", "choose the port of the machine that shall follow") if on else (
                "edge", "Off", "")
        sounds, reason, cure = self.conductor.state(_MIDI + port)
        if not sounds:
            return ("warning", reason or f"{port} is being opened", cure)
        song = "a song runs" if self._running else "the song stands still"
        return "good", f"{port} hears {self._session.clock.bpm:.1f} bpm; {song}", ""

    def tick(self, clock: Clock, players: Collection[Playing], now: float) -> None:
        """Tell the conductor how the clock goes, and those who follow it that a song runs."""
        if not self.conductor.outputs() and not self.clock_wanted():
            return
        runs = self.conductor.state(SYNTH)[0]
        if runs and not self._synth_ran:  # what was meant for it while it was being opened
            self.renewed.add(SYNTH)
        self._synth_ran = runs
        self.conductor.tempo(Tempo(*clock.line()))
        self._lead(clock, players)
        if now - self._looked > 1.0:
            self._looked = now
            self.conductor.look(now)

    def clock_wanted(self) -> str:
        """The port that MIDI clock goes to, by the settings; '' for none."""
        settings = self._session.settings
        if "clock_out" not in settings.params or not settings["clock_out"]:
            return ""
        return str(settings["clock_out_port"])

    def _lead(self, clock: Clock, players: Collection[Playing]) -> None:
        port = self.clock_wanted()
        origin = _song(players)
        if port != self._clock_port:
            self._clock_port, self._running = port, False
            self.conductor.clock(self.sink(port).out if port else None)
            self.keep({known.options.port for known in players if known.options.sink == "midi"})
        if not port or (origin is not None) == self._running:
            return
        self._running = origin is not None
        if origin is None:
            self.conductor.clock(_MIDI + port)
            return
        moment = clock.read()
        # joined on a sixteenth: a song's position knows no less
        place = max(0.0, math.ceil((moment.beat + SOON * moment.bpm / 60.0 - origin) * 4.0 - 1e-6) / 4.0)
        self.conductor.clock(_MIDI + port, True, origin + place, place)


def _song(players: Iterable[Playing]) -> float | None:
    """The beat of the clock on which the song began that plays now; None while nothing plays."""
    origins = [known.notes.time.origin for known in players if known.state == "playing" and not known.paused]
    found = [origin for origin in origins if origin is not None]
    return min(found) if found else None


def plan_ahead(known: Playing, sink: Conducted, until: float, felt: Felt) -> None:
    """Hand over in beats what begins before ``until``; take back first what is not wanted any more."""
    notes, options, name = known.notes, known.options, known.line.name
    assert notes.time.origin is not None
    if notes.revised is not None:
        sink.forget(name, notes.time.origin + notes.revised - 1e-6)
        notes.revised = None
    for item in notes.due(until, felt):
        if sink.levelled:
            sink.plan(name, item.note, notes.time.origin + item.beat, known.programs)
        elif not options.mute:
            touch = min(127, max(1, round(item.note.velocity * options.volume / 0.8)))
            sink.plan(name, replace(item.note, velocity=touch), notes.time.origin + item.beat, known.programs)
