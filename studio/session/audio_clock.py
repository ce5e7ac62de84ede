"""Lets the studio's clock follow the beat of the sound that is heard, gently and only while the beat is clear."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from studio.control.audio import AudioFrame
from studio.engine import Clock
from studio.session.clock_sources import ClockSource, ClockState

if TYPE_CHECKING:
    from studio.session.core import Core

NAME, SETTING = "audio", "audio_clock"
SURE = 0.35
"""Confidence from which the sound leads."""
UNSURE = 0.22
"""Confidence below which it leads no more."""
EVERY = 0.1
"""Seconds between two corrections."""


class AudioClock:
    """``hear`` on one thread. Half and twice the tempo sound alike: of the three the one nearest to the clock's own
    is followed, so halving and doubling the studio's tempo chooses."""

    def __init__(self, clock: Clock, now: Callable[[], float] = time.perf_counter) -> None:
        self._clock, self._now = clock, now
        self.bpm = self.confidence = 0.0
        self.leading = False
        self._beats = 0
        self._at = -1e9

    def hear(self, frame: AudioFrame, at: float) -> None:
        """A frame whose last sample was heard at ``at`` (seconds of ``perf_counter``)."""
        self.bpm, self.confidence = frame.bpm, frame.confidence
        self._beats += frame.beat
        self.leading = frame.bpm > 0.0 and frame.confidence >= (UNSURE if self.leading else SURE)
        if not self.leading or at - self._at < EVERY:
            return
        self._at = at
        clock = self._clock
        factor = min((0.5, 1.0, 2.0), key=lambda times: abs(math.log2(frame.bpm * times / clock.bpm)))
        bpm = frame.bpm * factor
        if abs(clock.bpm / bpm - 1.0) > 0.001:
            clock.bpm = bpm
        here = clock.read().beat
        place = self._beats + frame.phase + (self._now() - at) * frame.bpm / 60.0
        error = (place * factor - here + 0.5) % 1.0 - 0.5
        if abs(error) > 0.005:
            clock.approach(here + error)

    def end(self) -> None:
        """There is no sound any more."""
        self.bpm = self.confidence = 0.0
        self.leading = False


def offer(session: Core, clock: AudioClock) -> ClockSource:
    """The entry among the sources of tempo."""

    def state() -> ClockState:
        ear = session.controls.audio
        if ear.reason or not ear.on:
            return ClockState("waiting", ear.reason or "no sound is listened to", "warning",
                              ear.cure or "choose a sound input or file under Sound in")
        if clock.leading:
            return ClockState("following", f"{session.clock.bpm:.1f} bpm, {clock.confidence:.0%} sure")
        return ClockState("unsure", f"the sound has no clear beat; the studio goes on at {session.clock.bpm:.1f} bpm",
                          "warning", "it leads again by itself as soon as the beat is clear")

    return ClockSource(NAME, "Sound", "The beat of the music that is heard leads, while it is clear.", SETTING, state)
