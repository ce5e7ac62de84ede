"""What the audience sees of decks A and B: crossfader, blend, master fade, blackout, freeze, safe look.

Everything a performer reaches for has a name here (``KINDS``), so that a key, a knob, an address or a cue binds to all
of it in one way: ``set`` takes a value, ``set_norm`` a control's position.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BLENDS = ("mix", "add", "screen", "multiply", "difference", "luma")
"""How A and B meet. ``luma`` wipes: the bright parts of B come first."""

UNITS = ("seconds", "beats", "bars")
STARTS = ("now", "beat", "bar", "phrase")
PHRASE_BARS = 4
"""Bars of a phrase."""
_START_TEXT = {"beat": "on the beat", "bar": "on the bar", "phrase": "on four bars"}
LONGEST = 600.0
"""Most seconds, beats or bars that a fade takes."""

KINDS = {
    "crossfade": "share", "fade": "share", "blackout": "switch", "freeze": "switch", "safe": "switch",
    "blend": "choice", "fade_length": "length", "fade_unit": "choice", "fade_start": "choice",
    "auto": "trigger", "cut": "trigger", "go": "trigger", "back": "trigger",
}
"""Names and what they are. The triggers: fade or cut to the other deck; next and previous look of the set list."""

_CHOICES = {"blend": BLENDS, "fade_unit": UNITS, "fade_start": STARTS}
_KEPT = ("crossfade", "blend")
_SETTINGS = ("fade_length", "fade_unit", "fade_start")


@dataclass(frozen=True)
class Span:
    """How long a fade takes (0..LONGEST of ``unit``) and what it waits for: nothing, the next beat, bar or four
    bars."""

    length: float = 0.0
    unit: str = "seconds"
    start: str = "now"

    def __post_init__(self) -> None:
        if self.unit not in UNITS or self.start not in STARTS:
            raise ValueError(f"a fade counts in {', '.join(UNITS)} and starts {', '.join(STARTS)}, "
                             f"not {self.unit!r} and {self.start!r}")
        if not 0.0 <= self.length <= LONGEST:
            raise ValueError(f"a fade takes 0 to {LONGEST:g} {self.unit}, not {self.length:g}")

    def text(self) -> str:
        """For people: ``2 bars``, ``1.5 s, on the bar``, ``cut``."""
        unit = {"seconds": " s", "beats": " beat", "bars": " bar"}[self.unit]
        plural = "" if self.unit == "seconds" or self.length == 1 else "s"
        words = f"{self.length:g}{unit}{plural}" if self.length else "cut"
        return words if self.start == "now" else f"{words}, {_START_TEXT[self.start]}"


class Mix:
    """The state of the programme; painting is the window's work.

    ``crossfade`` 0 is deck A, 1 is deck B; ``fade`` 0 is full light, 1 is black. ``blackout``, ``freeze`` (hold the
    last picture) and ``safe`` (the safe look) are switches that work whatever the generators do. ``fade_length``,
    ``fade_unit`` and ``fade_start`` are what the timed fades take.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self.crossfade = self.fade = 0.0
        self.blackout = self.freeze = self.safe = False
        self.blend = "mix"
        self.fade_length, self.fade_unit, self.fade_start = 2.0, "seconds", "now"
        self.actions: dict[str, Callable[[], object]] = {}
        """What the triggers do; the session puts them in."""
        self._held: set[str] = set()
        self.heard: Callable[[str, float | bool | str], None] | None = None
        """Hears of every change, on the thread that makes it."""

    def set(self, name: str, value: float | bool | str) -> None:
        """Set one of them; numbers are clamped, a trigger fires on a true value.

        Raises KeyError for another name and ValueError for a choice that there is not.
        """
        kind = KINDS[name]
        if kind == "trigger":
            if value and name in self.actions:
                self.actions[name]()
            return
        new = self._clean(name, kind, value)
        if getattr(self, name) != new:
            setattr(self, name, new)
            if self.heard is not None:
                self.heard(name, new)
            self._changed()

    @staticmethod
    def _clean(name: str, kind: str, value: float | bool | str) -> float | bool | str:
        if kind == "switch":
            return bool(value)
        if kind == "choice":
            if value not in _CHOICES[name]:
                raise ValueError(f"{name}: {str(value)[:40]!r} is not one of {', '.join(_CHOICES[name])}")
            return str(value)
        number = float(value)
        return min(LONGEST if kind == "length" else 1.0, max(0.0, number)) if math.isfinite(number) else 0.0

    def set_norm(self, name: str, position: float) -> None:
        """Set one by a control's position 0..1; switches are on and triggers fire above the middle."""
        position = min(1.0, max(0.0, position)) if math.isfinite(position) else 0.0
        kind = KINDS[name]
        if kind == "trigger":  # once for each press, however often a controller repeats itself
            high = position >= 0.5
            rising = high and name not in self._held
            (self._held.add if high else self._held.discard)(name)
            if rising:
                self.set(name, True)
        elif kind == "choice":
            names = _CHOICES[name]
            self.set(name, names[min(len(names) - 1, int(position * len(names)))])
        elif kind == "length":  # fine where fades are short: the middle is 4
            self.set(name, round(64.0 * position**4, 2))
        else:
            self.set(name, position >= 0.5 if kind == "switch" else position)

    def norm(self, name: str) -> float:
        """Where the control of one of them stands, 0..1; a trigger is at 0."""
        kind = KINDS[name]
        if kind == "trigger":
            return 0.0
        value = getattr(self, name)
        if kind == "choice":
            return float(_CHOICES[name].index(value) / (len(_CHOICES[name]) - 1))
        return min(1.0, (value / 64.0) ** 0.25) if kind == "length" else float(value)

    @property
    def span(self) -> Span:
        """How the timed fades go."""
        return Span(self.fade_length, self.fade_unit, self.fade_start)

    def weights(self) -> tuple[float, float]:
        """How much of deck A and of deck B is seen, 0..1, before blend, fade and blackout."""
        return 1.0 - self.crossfade, self.crossfade

    def state(self) -> dict[str, Any]:
        """What undo and snapshots keep: a show does not begin black or frozen because the last one ended so."""
        return {name: getattr(self, name) for name in _KEPT}

    def settings(self) -> dict[str, Any]:
        """What a session file keeps besides the crossfader."""
        return {"blend": self.blend, **{name: getattr(self, name) for name in _SETTINGS}}

    def load(self, stored: Any, report: list[str]) -> None:
        """Take settings from a file; what is missing or cannot be used (that is reported) is as at the start."""
        if not isinstance(stored, dict):
            report.append("mix: not an object; the mix is as at the start")
            stored = {}
        for name, usual in Mix().settings().items():
            self.set(name, usual)
            if name in stored:
                try:
                    self.set(name, stored[name])
                except (TypeError, ValueError):
                    report.append(f"mix.{name}: {str(stored[name])[:40]!r} cannot be used; {usual} is")


def clean_state(stored: dict[str, Any]) -> dict[str, Any]:
    """The part of a stored ``Mix.state`` that can be used."""
    found: dict[str, Any] = {}
    share = stored.get("crossfade")
    if isinstance(share, (int, float)) and not isinstance(share, bool) and math.isfinite(share):
        found["crossfade"] = min(1.0, max(0.0, float(share)))
    if stored.get("blend") in BLENDS:
        found["blend"] = stored["blend"]
    return found
