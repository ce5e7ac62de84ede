"""Where tempo and beat come from: the studio's own clock, or a master that it follows.

Whoever can be a master adds a ``ClockSource``; the window, the sound check and scripts show what is in the list.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.session.core import Core

INTERNAL, MIDI = "internal", "midi"


@dataclass(frozen=True)
class ClockState:
    """How a source is: a word, a sentence, ``level`` good, warning or danger, and what helps."""

    word: str
    text: str
    level: str = "good"
    cure: str = ""


@dataclass(frozen=True)
class ClockSource:
    """A master. ``setting`` is the switch among the settings that turns following on; '' for the studio's own clock.

    ``missing`` says what to do where it cannot be chosen at all, '' where it can.
    """

    name: str
    title: str
    about: str
    setting: str
    state: Callable[[], ClockState]
    missing: str = ""


class ClockSources:
    """The list, and which one is followed. On the session's thread."""

    def __init__(self, session: Core) -> None:
        self._session = session
        self.sources: list[ClockSource] = []
        self.add(ClockSource(
            INTERNAL, "Internal", "The studio's own tempo: typed, tapped, nudged.", "", self._internal))
        self.add(ClockSource(MIDI, "MIDI clock", "A drum machine, a sequencer or another program leads: tempo, place "
                             "and start.", "midi_clock", self._midi))

    def add(self, source: ClockSource) -> None:
        """Offer one more; another of the same name is replaced."""
        self.sources = [*(known for known in self.sources if known.name != source.name), source]

    def _on(self, source: ClockSource) -> bool:
        settings = self._session.settings
        return bool(source.setting and source.setting in settings.params and settings[source.setting])

    @property
    def chosen(self) -> ClockSource:
        """The one that leads."""
        return next((source for source in self.sources if self._on(source)), self.sources[0])

    def choose(self, name: str) -> list[str]:
        """Follow the source of this name; returns the settings that were changed, to be kept. Raises KeyError."""
        wanted = next((source for source in self.sources if source.name == name), None)
        if wanted is None:
            raise KeyError(name)
        changed = []
        for source in self.sources:
            on = source is wanted
            if source.setting and source.setting in self._session.settings.params and self._on(source) != on:
                self._session.settings.set(source.setting, on)
                changed.append(source.setting)
        self._session.controls.apply_settings()
        self._session.post("session")
        return changed

    def state(self) -> ClockState:
        """How the leading one is."""
        return self.chosen.state()

    def _internal(self) -> ClockState:
        return ClockState("running", f"{self._session.clock.bpm:.1f} bpm, from the studio itself")

    def _midi(self) -> ClockState:
        ports = self._session.controls.ports
        word = ports.master.state(time.perf_counter())
        bpm = self._session.clock.bpm
        if word == "following":
            return ClockState(word, f"{bpm:.1f} bpm, in step with {ports.master.port}")
        if word == "stopped":
            return ClockState(word, f"{ports.master.port} ticks at {bpm:.1f} bpm and stands still",
                              "warning", "press start there; until then only its tempo counts")
        if word == "lost":
            return ClockState("dropped out", f"{ports.master.port} fell silent; the studio goes on at {bpm:.1f} bpm",
                              "danger", "start the clock there again; the studio finds its place by itself")
        reason, cure = ports.midi_trouble
        return ClockState("waiting", reason or "no MIDI port ticks yet", "warning",
                          cure or "switch on clock output in the other program, and start it")
