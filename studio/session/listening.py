"""Call and response: what is played in over MIDI, bar by bar, for players whose generators listen.

A generator listens when it exposes ``listens``, the beats of a call. A call begins with the bar of its first note; when
its beats are over, the next step gets it as ``ctx.wishes["call"]`` (``Notes``, times in beats since its beginning), and
what it makes is played from there on.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from studio.media import Note, Notes

EARLY = 0.25
"""Beats before a bar within which a note belongs to that bar: nobody plays exactly on it."""
MARGIN = 0.35
"""Seconds before the end of a call at which it is handed over: the answer is to be there in time."""
SHORTEST = 0.05
MOST = 2000


@dataclass(slots=True)
class Struck:
    """A key that was played in, in beats of the clock."""

    begin: float
    end: float | None
    pitch: int
    velocity: int
    channel: int


class Ear:
    """Notes as they come in. ``hear`` on the system's MIDI thread, ``since`` on the playback thread."""

    def __init__(self, beat: Callable[[], float]) -> None:
        self.on = False
        self._beat = beat
        self._lock = threading.Lock()
        self._struck: list[Struck] = []

    def hear(self, message: bytes) -> None:
        """A message of any port; only notes count, and only while somebody listens."""
        if not self.on or len(message) != 3 or message[0] & 0xE0 != 0x80:
            return
        beat, channel, pitch = self._beat(), message[0] & 0x0F, message[1] & 0x7F
        with self._lock:
            for struck in self._struck:
                if struck.end is None and (struck.pitch, struck.channel) == (pitch, channel):
                    struck.end = max(beat, struck.begin + SHORTEST)
            if message[0] & 0x10 and message[2]:
                self._struck.append(Struck(beat, None, pitch, message[2] & 0x7F, channel))
                del self._struck[:-MOST]

    def since(self, beat: float) -> list[Struck]:
        """What began on a beat or later; what began before and is over is forgotten."""
        with self._lock:
            return [struck for struck in self._struck if struck.begin >= beat]

    def forget(self, beat: float) -> None:
        """What began before a beat is not asked for any more."""
        with self._lock:
            self._struck = [struck for struck in self._struck if struck.begin >= beat]


class Call:
    """The call that one player listens to. Times are beats of the clock; ``origin`` is the player's beat 0."""

    def __init__(self) -> None:
        self.begin: float | None = None
        self.heard_until = -math.inf
        """What began before was part of a call already, or came while nobody listened."""

    def look(
        self, ear: Ear, origin: float, now: float, bpm: float, bar: float, length: float
    ) -> tuple[float, Notes] | None:
        """Where (beats since ``origin``) a call that is complete ends, and the call; None while there is none."""
        if self.heard_until == -math.inf:
            self.heard_until = now
        if self.begin is None:
            found = ear.since(max(self.heard_until, origin))
            if not found:
                return None
            self.begin = origin + math.floor((found[0].begin - origin + EARLY) / bar) * bar
        end = self.begin + length
        if now < end - MARGIN * bpm / 60.0:
            return None
        struck = [item for item in ear.since(max(self.heard_until, self.begin - EARLY)) if item.begin < end - SHORTEST]
        begin, self.begin, self.heard_until = self.begin, None, end - EARLY
        notes = tuple(
            Note(item.pitch, max(1, item.velocity), max(0.0, item.begin - begin),
                 max(SHORTEST, min(item.end if item.end is not None else end, end) - max(begin, item.begin)),
                 item.channel)
            for item in sorted(struck, key=lambda item: (item.begin, item.pitch)))
        return (end - origin, Notes(notes, length)) if notes else None


def listens(details: Any) -> float:
    """Beats of the calls that a generator listens for, from what it exposes; 0 where it does not."""
    found = details.get("listens", 0.0)
    return float(found) if isinstance(found, (int, float)) and 0.0 < found <= 128.0 else 0.0
