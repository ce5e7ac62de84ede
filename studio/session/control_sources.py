"""What comes from inside the studio and from its master clock: players' notes and words, and MIDI clock."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

from studio.control.midi_clock import Beat, ClockFollower
from studio.control.modulators import Happening, plain
from studio.engine import Clock

if TYPE_CHECKING:
    from studio.session.playback import Playback, Playing

MOST = 64
"""Most happenings of one player in one look."""
LONGEST_WORD = 60
FAR = 2.0
"""Beats from a master's count beyond which the count is taken anew, by whole bars."""


class PlayerEar:
    """Hears what players emit, by looking at what was played since it looked last."""

    def __init__(self, playback: Playback) -> None:
        self._playback = playback
        self._notes: dict[str, tuple[Playing, float]] = {}
        self._text: dict[str, tuple[Playing, int, int]] = {}
        self._word: dict[str, str] = {}

    def listen(self, bpm: float) -> list[Happening]:
        """Notes that began and words that ended since the last call."""
        found: list[Happening] = []
        for name, known in list(self._playback.playing.items()):
            found += self._heard(name, known, bpm)
            found += self._read(name, known)
        return found

    def _heard(self, name: str, known: Playing, bpm: float) -> list[Happening]:
        if known.notes.time.origin is None:
            self._notes.pop(name, None)
            return []
        position = known.position()
        old, last = self._notes.get(name, (known, position - 0.02))
        self._notes[name] = known, position
        if old is not known or position < last:
            return []
        with known.notes.lock:
            played = known.notes.played
            first = bisect.bisect_right(played, last, key=lambda item: item.beat)
            begun = [item.note for item in played[first:] if item.beat <= position][-MOST:]
        return [Happening(name, note.pitch, note.velocity, note.duration * 60.0 / bpm) for note in begun]

    def _read(self, name: str, known: Playing) -> list[Happening]:
        text = known.text
        with text.lock:
            end = text.dropped + len(text.letters)
            old, version, at = self._text.get(name, (known, text.version, end))
            if old is not known or version != text.version or at > end:
                at, self._word[name] = end, ""
            fresh = [letter.character for letter in text.letters[max(0, at - text.dropped) :]][-MOST * 16 :]
            self._text[name] = known, text.version, end
        found: list[Happening] = []
        for character in fresh:
            if character.isalnum() or character in "'’-":
                self._word[name] = (self._word.get(name, "") + character)[-LONGEST_WORD:]
                continue
            word, self._word[name] = plain(self._word.get(name, "")), ""
            if word:
                found.append(Happening(name, word=word))
        return found[-MOST:]


class MasterClock:
    """Lets the studio's clock follow MIDI clock: tempo and phase, gently. ``hear`` may be called on any one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._follower = ClockFollower()
        self._port = ""
        self._origin: float | None = None
        self._heard_at = -1e9

    def hear(self, port: str, message: bytes, now: float) -> None:
        """A message of a port; the first port that ticks leads, until it falls silent."""
        if port != self._port:
            if now - self._heard_at < 2.0:
                return
            self._port, self._follower, self._origin = port, ClockFollower(), None
        self._heard_at = now
        beat = self._follower.hear(message, now)
        if beat is not None:
            self._follow(beat)

    @property
    def port(self) -> str:
        """The port that leads or led last, '' when none did."""
        return self._port

    def state(self, now: float) -> str:
        """following, stopped (tempo only), lost, or '' when there is none."""
        if not self._port or self._follower.bpm is None:
            return ""
        if self._follower.lost(now):
            return "lost"
        return "following" if self._follower.running else "stopped"

    def _follow(self, beat: Beat) -> None:
        clock = self._clock
        if abs(clock.bpm / beat.bpm - 1.0) > 0.0005:
            clock.bpm = beat.bpm
        if beat.position is None:
            self._origin = None
            return
        here = clock.read().beat
        if beat.first or self._origin is None:
            self._origin = float(round(here - beat.position))
            clock.approach(self._origin + beat.position, bar_zero=self._origin)
            return
        missing = self._origin + beat.position - here
        if abs(missing) > FAR:
            bars = clock.beats_per_bar
            self._origin -= round(missing / bars) * bars
            missing = self._origin + beat.position - here
        clock.approach(here + missing)
