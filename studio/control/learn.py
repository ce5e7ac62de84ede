"""Learning: from a few movements of one control to the source that it is."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from studio.control import midi
from studio.control.binding import OSC, Source

WAIT = 0.2
"""Seconds of movement that are looked at before it is decided what moves."""

_NRPN_CONTROLS = frozenset((99, 98, 6, 38))


@dataclass
class _Candidate:
    first: float
    raws: list[int] = field(default_factory=list)
    repeats: int = 0


class Learner:
    """Hears events until ``decide`` knows the source. One use; not thread-safe."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int, int, str], _Candidate] = {}
        self._osc: tuple[str, float] | None = None

    def hear(self, event: midi.Event, device: str, now: float) -> None:
        """A movement. Letting go of a button is none."""
        if event.kind == midi.NOTE and not event.on:
            return
        found = self._seen.setdefault((event.kind, event.channel, event.number, device), _Candidate(now))
        if found.raws and found.raws[-1] == event.raw:
            found.repeats += 1
        if len(found.raws) < 64:
            found.raws.append(event.raw)

    def hear_osc(self, address: str, now: float) -> None:
        """A message to an address."""
        if self._osc is None:
            self._osc = address, now

    def decide(self, now: float) -> Source | None:
        """The source, once enough was heard of it. Buttons and programs are known at once."""
        if self._osc is not None and (not self._seen or self._osc[1] <= min(c.first for c in self._seen.values())):
            return Source(OSC, address=self._osc[0])
        if not self._seen:
            return None
        for kind in (midi.NOTE, midi.PROGRAM):
            for key in self._seen:
                if key[0] == kind:
                    return self._source(key, "")
        if now - min(candidate.first for candidate in self._seen.values()) < WAIT:
            return None
        nrpn = [key for key in self._seen if key[0] == midi.NRPN]
        if nrpn:
            return self._source(nrpn[0], "")
        ordinary = {key: found for key, found in self._seen.items() if key[0] != midi.CC14}
        if not ordinary:
            return None
        # what moved most, not what a sleeve brushed; of equals the first
        key = max(ordinary, key=lambda k: len(ordinary[k].raws))
        kind, channel, number, device = key
        if kind == midi.CC and number < 32 and (midi.CC, channel, number + 32, device) in self._seen:
            return self._source((midi.CC14, channel, number, device), "")
        if kind == midi.CC and 32 <= number < 64 and (midi.CC, channel, number - 32, device) in self._seen:
            return self._source((midi.CC14, channel, number - 32, device), "")
        return self._source(key, encoder_of(self._seen[key].raws) if kind == midi.CC else "")

    @staticmethod
    def _source(key: tuple[str, int, int, str], encoder: str) -> Source:
        kind, channel, number, device = key
        return Source(kind, number, channel, device, encoder=encoder)


def encoder_of(raws: list[int]) -> str:
    """The encoding of an encoder that sent these values, '' for a knob or fader.

    A knob goes through neighbouring values and seldom sends one twice in a row; an encoder sends few, small numbers
    around 0 or 64, again and again.
    """
    if len(raws) < 3 or sum(a == b for a, b in itertools.pairwise(raws)) < (len(raws) - 1) / 2:
        return ""
    values = set(raws)
    right = set(range(1, 17))
    for name, left in (("twos", set(range(112, 128))), ("sign", set(range(65, 81)))):
        if values <= right | left and (values & left or values <= right):
            return name if values & left or name == "twos" else ""
    return "offset" if values <= set(range(48, 81)) - {64} else ""
