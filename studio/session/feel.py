"""How a player plays what its generator made: swing, looseness, chance by step, transposition, a bar that is held.

Pure: a note and its beat go in, the note as it is heard comes out, always the same for the same player. Nothing is
moved across a beat, so that bars can be planned, cut and looped without regard to it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from studio.media import Note
from studio.params import Bool, Choice, Float, Int, Param, ParamSet, Text

DRUMS = 9
STEP = 0.25
"""Beats of a step: a sixteenth."""
_LATE = 0.03
"""Seconds that a note comes late at most, with ``humanise`` 1."""
_TOUCH = 18.0
_LEAST = 1.0 / 64.0


def _declare(**declared: Param[Any]) -> dict[str, Param[Any]]:
    for name, param in declared.items():
        param.__set_name__(ParamSet, name)
        param.declare(ParamSet, name)
    return declared


FEEL: dict[str, Param[Any]] = _declare(
    volume=Float(0.8, 0.0, 1.0, help="How loud this player is"),
    mute=Bool(False, help="This player is not heard"),
    swing=Float(50.0, 50.0, 75.0, unit="%", help="Where the second of two notes comes: 50 even, 66.7 as a triplet"),
    swing_of=Choice("sixteenths", ("sixteenths", "eighths"), applies={"swing": "> 50"}, help="Which notes swing"),
    humanise=Float(0.0, 0.0, 1.0, help="Notes come up to 30 ms late and louder or softer, each its own way"),
    chance=Float(1.0, 0.0, 1.0, help="How likely each step sounds; all notes of a sixteenth together"),
    steps=Text("", help="Chance of each sixteenth of the bar: x always, - never, 1 to 9 tenths; empty: all. "
                        "It begins again where it ends"),
    transpose=Int(0, -24, 24, unit="semitones", help="Moves all but the drums"),
    latch=Bool(False, help="The bar that plays goes on repeating until this is released"),
)
"""What is kept and can be bound for each player."""


@dataclass(frozen=True)
class Feel:
    """One moment's values of ``FEEL``, ready for notes. ``swing`` 0.5..0.75 is the place within ``pair`` beats."""

    swing: float = 0.5
    pair: float = 0.5
    humanise: float = 0.0
    chance: float = 1.0
    steps: tuple[float, ...] = ()
    transpose: int = 0
    latch: bool = False
    seed: int = 0

    @classmethod
    def of(cls, values: Mapping[str, Any], seed: int = 0) -> Feel:
        """Of the values of ``FEEL``."""
        return cls(
            values["swing"] / 100.0, 0.5 if values["swing_of"] == "sixteenths" else 1.0, values["humanise"],
            values["chance"], steps_of(values["steps"]), values["transpose"], values["latch"], seed,
        )

    @property
    def plain(self) -> bool:
        """Whether notes are heard as they were made."""
        return (self.swing, self.humanise, self.chance, self.transpose) == (0.5, 0.0, 1.0, 0) and not self.steps

    def played(self, beat: float, note: Note, bpm: float) -> tuple[float, Note] | None:
        """When and how a note on ``beat`` (since the player began) is heard; None when its step is left out."""
        if self.plain:
            return beat, note
        step = round(beat / STEP)
        odds = self.chance * (self.steps[step % len(self.steps)] if self.steps else 1.0)
        if odds < 1.0 and random.Random(f"{self.seed} {step}").random() >= odds:  # of a step, so that chords stay whole
            return None
        begin, end = self._swung(beat), self._swung(beat + note.duration)
        velocity = note.velocity
        if self.humanise > 0.0:
            own = random.Random(f"{self.seed} {beat:.4f} {note.channel} {note.pitch}")
            room = 0.9 * (int(beat + 1.0 + 1e-9) - begin)
            begin += min(self.humanise * _LATE * own.random() * bpm / 60.0, max(0.0, room), 0.5 * (end - begin))
            velocity = min(127, max(1, round(velocity + self.humanise * _TOUCH * (own.random() - 0.5))))
        pitch = note.pitch if note.channel == DRUMS else note.pitch + self.transpose
        if not 0 <= pitch <= 127:
            return None
        return begin, replace(note, pitch=pitch, velocity=velocity, start=note.start + begin - beat,
                              duration=max(_LEAST, end - begin))

    def _swung(self, beat: float) -> float:
        """Time within each pair is stretched before its middle and squeezed after it."""
        if self.swing == 0.5:
            return beat
        whole, place = divmod(beat / self.pair, 1.0)
        if place < 0.5:
            place *= 2.0 * self.swing
        else:
            place = self.swing + (place - 0.5) * 2.0 * (1.0 - self.swing)
        return (whole + place) * self.pair


def steps_of(text: str) -> tuple[float, ...]:
    """Chances of the steps that a text names; characters that mean nothing are left out. At most 64."""
    chances = {"x": 1.0, "X": 1.0, "-": 0.0, ".": 0.0, **{str(digit): digit / 10.0 for digit in range(10)}}
    return tuple(chances[character] for character in text if character in chances)[:64]
