"""Ableton Link: programs on one network that share a tempo and a beat. An optional extra, off until it is chosen.

The library aalink (GPL-3.0-or-later) is no part of the studio: ``pip install 'reverie-studio[link]'`` adds it, and it
is loaded when Link is switched on. Tempo goes both ways; the beat is the network's, and ours approaches it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import math
import threading
from typing import TYPE_CHECKING, Any

from studio.engine import Clock
from studio.engine.clock import MAX_BPM, MIN_BPM
from studio.engine.threads import spawn
from studio.session.clock_sources import ClockSource, ClockState

if TYPE_CHECKING:
    from studio.session.core import Core

CURE = "pip install 'reverie-studio[link]' in the studio's folder; aalink is under the GPL-3.0"
EVERY = 0.05
SAME = 0.01
"""bpm that count as the same tempo."""
_NEWS = 2.0


def installed() -> bool:
    """Whether aalink is there; it is not loaded for that."""
    return importlib.util.find_spec("aalink") is not None


class Following:
    """One exchange between the clock and a Link session after another; no network, no thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._bpm: float | None = None  # what both had last

    def meet(self, tempo: float, phase: float) -> float | None:
        """Follow a session at ``tempo`` bpm, ``phase`` beats into its bar; returns the tempo to give it, if any."""
        clock = self._clock
        wished = None
        if self._bpm is not None and abs(clock.bpm - self._bpm) > SAME:
            wished = self._bpm = clock.bpm  # somebody here turned it
        elif self._bpm is None or abs(tempo - self._bpm) > SAME:
            self._bpm = clock.bpm = min(MAX_BPM, max(MIN_BPM, tempo))
            self._bpm = clock.bpm
        if math.isfinite(phase):
            beat = clock.read().beat
            zero = round(beat - phase)  # which beat is the first is only a label, the rest is approached
            clock.approach(zero + phase, bar_zero=float(zero))
        return wished


class LinkClock:
    """The thread that takes part while the setting ``link`` is on."""

    def __init__(self, session: Core) -> None:
        self._session = session
        self.peers = 0
        self.trouble = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        session.on("settings", lambda _: self.apply())
        self.apply()

    def source(self) -> ClockSource:
        """Link among those that can lead the clock."""
        about = "Live, a DJ program or a phone on the same network: one tempo and one beat for all."
        return ClockSource("link", "Ableton Link", about, "link", self.state,
                           missing="" if installed() else CURE)

    def state(self) -> ClockState:
        """How it is."""
        bpm = self._session.clock.bpm
        if not installed():
            return ClockState("not installed", "Ableton Link is not installed", "warning", CURE)
        if self.trouble:
            return ClockState("failed", f"Ableton Link does not work ({self.trouble})", "danger",
                              "switch it off and on; look whether a firewall forbids it")
        if not self.peers:
            return ClockState("alone", f"{bpm:.1f} bpm; nobody else is here yet", "warning",
                              "switch Link on in the other program, on the same network")
        others = "one other program" if self.peers == 1 else f"{self.peers} other programs"
        return ClockState("following", f"{bpm:.1f} bpm, with {others}")

    def apply(self) -> None:
        """Begin or end as the setting says. On the session's thread."""
        wanted = bool(self._session.settings["link"]) and installed() and not self._session.settings["safe_mode"]
        if wanted and (self._thread is None or not self._thread.is_alive()):
            self._stop = stop = threading.Event()
            self.trouble = ""
            self._thread = spawn("reverie link", lambda: self._work(stop), stop.set)
        elif not wanted:
            self._stop.set()

    def _work(self, stop: threading.Event) -> None:
        try:
            asyncio.run(self._take_part(stop))
        except Exception as error:  # the library's own
            self.trouble = str(error) or type(error).__name__
        self.peers = 0
        self._session.post("session")

    async def _take_part(self, stop: threading.Event) -> None:
        import aalink

        clock, following = self._session.clock, Following(self._session.clock)
        link: Any = aalink.Link(clock.bpm)
        link.quantum = float(clock.beats_per_bar)
        link.enabled = True
        try:
            while not stop.is_set():
                self._hear_of(int(link.num_peers))
                before = clock.bpm
                wished = following.meet(float(link.tempo), float(link.phase))
                if wished is not None:
                    link.tempo = wished
                elif abs(clock.bpm - before) > SAME:
                    self._session.post("session")
                await asyncio.sleep(EVERY)
        finally:
            with contextlib.suppress(Exception):
                link.enabled = False

    def _hear_of(self, peers: int) -> None:
        if peers != self.peers:
            self.peers = peers
            self._session.post("session")
