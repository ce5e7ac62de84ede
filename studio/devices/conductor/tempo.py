"""The line between beats and seconds: where the session's clock is now, how fast it goes, what it makes up for."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tempo:
    """At ``at`` (seconds) the clock stood on ``beat`` and went on by ``rate`` beats per second (above 0).

    ``owed`` beats are made up for meanwhile, by at most the part ``slew`` (below 1) of its speed, as
    ``engine.clock.Clock`` does it.
    """

    at: float
    beat: float
    rate: float
    owed: float = 0.0
    slew: float = 0.25

    def beat_at(self, when: float) -> float:
        """The beat at a time; before ``at`` the plain tempo is assumed."""
        grown = (when - self.at) * self.rate
        step = min(abs(self.owed), max(0.0, grown) * self.slew)
        return self.beat + grown + math.copysign(step, self.owed)

    def time_of(self, beat: float) -> float:
        """The time of a beat."""
        ahead = beat - self.beat
        if ahead <= 0.0 or not self.owed:
            return self.at + ahead / self.rate
        pace = self.rate * (1.0 + math.copysign(self.slew, self.owed))
        seconds = abs(self.owed) / (self.rate * self.slew)
        if ahead <= pace * seconds:
            return self.at + ahead / pace
        return self.at + seconds + (ahead - pace * seconds) / self.rate

    def owed_at(self, when: float) -> float:
        """What is still to be made up for at a time."""
        left = max(0.0, abs(self.owed) - max(0.0, when - self.at) * self.rate * self.slew)
        return math.copysign(left, self.owed)

    def differs(self, other: Tempo) -> bool:
        """Whether ``other``, a later line, says anything that this one does not."""
        return (
            self.rate != other.rate or self.slew != other.slew
            or abs(self.beat_at(other.at) - other.beat) > 1e-6 or abs(self.owed_at(other.at) - other.owed) > 1e-6
        )
