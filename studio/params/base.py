"""What all kinds of parameters share: declaration, the mapping to 0..1, and errors that are sentences."""

from __future__ import annotations

import math
import numbers
import reprlib
from typing import Any, ClassVar, Generic, TypeVar, overload

from studio.params import applies as conditions
from studio.params.applies import Applies

T = TypeVar("T")

MAX_NUMBER = 100
"""Longest text (characters) that is read as a number."""

LONGEST_REPR = 160
"""Most characters of a wrong value in a message."""
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 60


class ParamError(ValueError):
    """A value that cannot be used at all; its message names the parameter, the reason and the cure."""


class Param(Generic[T]):
    """One declared parameter.

    ``live=False`` means that a change runs ``setup`` again instead of reaching the next step.
    ``group`` is the heading under which an inspector shows it. ``applies`` says with which values of other parameters
    it has an effect (``studio.params.applies``); an inspector greys it while it has none.
    """

    kind: ClassVar[str] = ""
    automatable: ClassVar[bool] = True

    def __init__(
        self, default: T, *, label: str = "", help: str = "", unit: str = "", group: str = "", live: bool = True,
        applies: Applies = (),
    ) -> None:
        self.name = ""
        self.applies = conditions.clean(applies)
        self.label, self.help, self.unit, self.group, self.live = label, help, unit, group, live
        self.default: T = default

    def __set_name__(self, owner: type, name: str) -> None:
        # faults are told by declare(): Python 3.11 hides an error raised here behind a RuntimeError
        self.name = self.name or name
        self.label = self.label or name.replace("_", " ").capitalize()

    def declare(self, owner: type, name: str) -> None:
        """Check the declaration when its class is made. Raises TypeError that names class, parameter and rule."""
        where = f"{owner.__name__}.{name}"
        if self.name != name:
            raise TypeError(f"{where}: it is the same object as {self.name}; declare each parameter on its own")
        if name.startswith("_"):
            raise TypeError(f"{where}: a parameter's name must not begin with an underscore")
        try:
            cleaned, note = self.clean(self.default)
        except ParamError as error:
            raise TypeError(f"{where}: the default is not valid: {error}") from None
        if note:
            raise TypeError(f"{where}: the default is not valid: {note}")
        self.default = cleaned

    @overload
    def __get__(self, instance: None, owner: type) -> Param[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Param[T] | T:
        if instance is None:
            return self
        value: T = instance.__dict__["_values"][self.name]
        return value

    def __set__(self, instance: object, value: T) -> None:
        raise AttributeError(f"{self.name} is frozen during a step; keep state under another name")

    def clean(self, value: Any) -> tuple[T, str]:
        """Return the nearest valid value and a note when it had to be changed ('' when it was fine).

        Raises ParamError when nothing sensible can be made of ``value``.
        """
        raise ParamError(f"{self.name or self.kind}: this kind does not take values")

    def to_norm(self, value: T) -> float:
        """Position of ``value`` on the control, 0..1."""
        raise ParamError(f"{self.name}: a {self.kind} parameter cannot be moved by a controller")

    def from_norm(self, position: float) -> T:
        """Value at a control position; positions outside 0..1 are clamped."""
        raise ParamError(f"{self.name}: a {self.kind} parameter cannot be moved by a controller")

    def moved(self, value: T, position: float) -> T:
        """``value`` after its control was moved to ``position``; what the control does not reach stays as it is."""
        return self.from_norm(position)

    def to_json(self, value: T) -> Any:
        """A JSON value that ``clean`` turns back into ``value``."""
        return value

    def bad(self, value: Any, wants: str) -> ParamError:
        return ParamError(f"{self.name or self.kind}: {brief(value)} is not {wants}")


def brief(value: Any) -> str:
    """``repr`` for a message: short, and safe for any value from a file."""
    try:
        text = _REPR.repr(value)
    except ValueError:  # a whole number of more digits than Python writes out
        return "a very large number"
    return text if len(text) <= LONGEST_REPR else f"{text[: LONGEST_REPR - 1]}…"  # of lists within lists


def unit(position: float) -> float:
    if not math.isfinite(position):
        return 0.0
    return min(1.0, max(0.0, float(position)))


def number(param: Param[Any], value: Any) -> float:
    if isinstance(value, str):
        try:
            value = float(value.strip()) if len(value) <= MAX_NUMBER else None
        except ValueError:
            raise param.bad(value, "a number") from None
    if isinstance(value, bool) or not isinstance(value, (int, float, numbers.Real)):  # Real: numpy's numbers too
        raise param.bad(value, "a number")
    try:
        found = float(value)
    except OverflowError:
        found = -math.inf if value < 0 else math.inf
    if math.isnan(found):
        raise param.bad(value, "a number (NaN)")
    return found
