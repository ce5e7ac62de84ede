"""Numbers, switches and choices: what one knob can move through its whole range."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar, Literal, TypeVar

from studio.params.applies import Applies
from studio.params.base import MAX_NUMBER, Param, brief, unit
from studio.params.base import number as number_of

Curve = Literal["linear", "log", "exp"]
T = TypeVar("T")


class _Ranged(Param[T]):
    """Shared by Float and Int: a closed range and a curve."""

    def __init__(
        self, default: T, low: float, high: float, *, curve: Curve = "linear", label: str = "", help: str = "",
        unit: str = "", group: str = "", live: bool = True, applies: Applies = (),
    ) -> None:
        if not (low < high and math.isfinite(high - low)):
            raise TypeError(f"a range needs low < high, got {low}..{high}")
        if curve not in ("linear", "log", "exp"):
            raise TypeError(f"unknown curve {curve!r}; use 'linear', 'log' or 'exp'")
        if curve == "log" and low <= 0:
            raise TypeError(f"a log curve needs low > 0, got {low}")
        self.low, self.high, self.curve = float(low), float(high), curve
        super().__init__(default, label=label, help=help, unit=unit, group=group, live=live, applies=applies)

    def _position(self, value: float) -> float:
        value = min(self.high, max(self.low, value))
        if self.curve == "log":
            start = math.log(self.low)
            return unit((math.log(value) - start) / (math.log(self.high) - start))
        linear = unit((value - self.low) / (self.high - self.low))
        return math.sqrt(linear) if self.curve == "exp" else linear

    def _value(self, position: float) -> float:
        position = unit(position)
        if position in (0.0, 1.0):
            return self.high if position else self.low
        if self.curve == "log":
            start = math.log(self.low)
            value = math.exp(start + position * (math.log(self.high) - start))
        else:
            value = self.low + (self.high - self.low) * (position**2 if self.curve == "exp" else position)
        return min(self.high, max(self.low, value))

    def _clamp(self, value: Any) -> tuple[float, str]:
        number = number_of(self, value)
        if number < self.low:
            return self.low, f"{self.name}: {number:g} is below {self.low:g} and was raised to it"
        if number > self.high:
            return self.high, f"{self.name}: {number:g} is above {self.high:g} and was lowered to it"
        return number, ""


class Float(_Ranged[float]):
    """A real number in ``low..high``. Curves: linear, log (equal ratios), exp (square law: fine at the low end)."""

    kind = "float"

    def clean(self, value: Any) -> tuple[float, str]:
        return self._clamp(value)

    def to_norm(self, value: float) -> float:
        return self._position(value)

    def from_norm(self, position: float) -> float:
        return self._value(position)


class Int(_Ranged[int]):
    """A whole number in ``low..high``; a controller moves it in steps."""

    kind = "int"

    def __init__(
        self, default: int, low: int, high: int, *, curve: Curve = "linear", label: str = "", help: str = "",
        unit: str = "", group: str = "", live: bool = True, applies: Applies = (),
    ) -> None:
        if low != int(low) or high != int(high) or max(abs(low), abs(high)) > 2**53:
            raise TypeError(f"the range of an Int needs whole numbers up to 2**53, got {low}..{high}")
        super().__init__(
            default, low, high, curve=curve, label=label, help=help, unit=unit, group=group, live=live, applies=applies)

    def clean(self, value: Any) -> tuple[int, str]:
        number, note = self._clamp(value)
        whole = round(number)
        if whole != number:
            note = note or f"{self.name}: {number:g} was rounded to {whole}"
        return whole, note

    def to_norm(self, value: int) -> float:
        return self._position(value)

    def from_norm(self, position: float) -> int:
        return round(self._value(position))


class _Switch(Param[bool]):
    """Shared by Bool and Trigger."""

    _WORDS: ClassVar[dict[str, bool]] = {
        "true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False,
    }

    def clean(self, value: Any) -> tuple[bool, str]:
        if isinstance(value, bool):
            return value, ""
        if isinstance(value, str) and value.strip().lower() in self._WORDS:
            return self._WORDS[value.strip().lower()], ""
        if isinstance(value, (int, float)) and value in (0, 1):
            return bool(value), ""
        raise self.bad(value, "on or off")

    def to_norm(self, value: bool) -> float:
        return 1.0 if value else 0.0

    def from_norm(self, position: float) -> bool:
        return unit(position) >= 0.5


class Bool(_Switch):
    """On or off; a controller switches at its middle."""

    kind = "bool"


class Choice(Param[str]):
    """One of a fixed list of names; a controller steps through them in their order."""

    kind = "choice"

    def __init__(
        self, default: str, choices: Iterable[str], *, label: str = "", help: str = "", group: str = "",
        live: bool = True, applies: Applies = (),
    ) -> None:
        self.choices = tuple(choices)
        if not self.choices or len(set(self.choices)) != len(self.choices):
            raise TypeError("a Choice needs at least one name and no name twice")
        if not all(isinstance(choice, str) for choice in self.choices):
            raise TypeError("the choices of a Choice must be text")
        super().__init__(default, label=label, help=help, group=group, live=live, applies=applies)

    def clean(self, value: Any) -> tuple[str, str]:
        if isinstance(value, str):
            if value in self.choices:
                return value, ""
            for choice in self.choices:
                if choice.lower() == value.strip().lower():
                    return choice, ""
        raise self.bad(value, f"one of {', '.join(self.choices[:24])}")

    def to_norm(self, value: str) -> float:
        return self.choices.index(value) / max(1, len(self.choices) - 1)

    def from_norm(self, position: float) -> str:
        """Every choice has an equal part of the control's travel."""
        return self.choices[min(len(self.choices) - 1, int(unit(position) * len(self.choices)))]


class Seed(Param[int]):
    """A whole number that chooses among everything the generator can make, 0..2**31 - 1."""

    kind = "seed"
    LIMIT: ClassVar[int] = 2**31 - 1

    def clean(self, value: Any) -> tuple[int, str]:
        if isinstance(value, str) and len(value) <= MAX_NUMBER and value.strip().lstrip("+-").isdecimal():
            value = int(value.strip())
        number = number_of(self, value)
        if not math.isfinite(number) or number != int(number):
            raise self.bad(value, "a whole number")
        whole = value if isinstance(value, int) else int(number)  # a float is exact only up to 2**53
        if not 0 <= whole <= self.LIMIT:
            return whole % (self.LIMIT + 1), f"{self.name}: {brief(whole)} was wrapped into 0..{self.LIMIT}"
        return whole, ""

    def to_norm(self, value: int) -> float:
        return value / self.LIMIT

    def from_norm(self, position: float) -> int:
        return round(unit(position) * self.LIMIT)


class Trigger(_Switch):
    """An action: reads True in exactly the one step after it was fired. Never stored in a file.

    A controller fires it as it rises past its middle; letting go does not take the shot back.
    """

    kind = "trigger"

    def __init__(self, *, label: str = "", help: str = "", group: str = "", applies: Applies = ()) -> None:
        super().__init__(False, label=label, help=help, group=group, applies=applies)
