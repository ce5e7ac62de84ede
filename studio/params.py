"""Parameters: declared once on a generator, read by widget, file, controller and documentation.

A parameter is a typed descriptor with one mapping between its value and a position ``0..1``. Slider,
MIDI controller, OSC, LFO and audio feature all use that one mapping, so a knob feels the same everywhere.
Only the standard library is used here, so that reading a generator's declaration costs nothing.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Generic, Literal, TypeVar, overload

Curve = Literal["linear", "log", "exp"]
T = TypeVar("T")

MAX_TEXT = 20_000
"""Longest text (characters) a Text, Path or Model parameter keeps from a file."""

_HEX = re.compile(r"#?([0-9a-fA-F]{6})\Z")


class ParamError(ValueError):
    """A value that cannot be used at all; its message names the parameter, the reason and the cure."""


class Param(Generic[T]):
    """One declared parameter.

    ``live=False`` means that a change runs ``setup`` again instead of reaching the next step.
    ``group`` is the heading under which an inspector shows it.
    """

    kind: ClassVar[str] = ""
    automatable: ClassVar[bool] = True

    def __init__(
        self, default: T, *, label: str = "", help: str = "", unit: str = "", group: str = "", live: bool = True
    ) -> None:
        self.name = ""
        self.label, self.help, self.unit, self.group, self.live = label, help, unit, group, live
        self.default: T = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.label = self.label or name.replace("_", " ").capitalize()
        try:
            cleaned, note = self.clean(self.default)
        except ParamError as error:
            raise TypeError(f"{owner.__name__}.{name}: the default {self.default!r} is not valid: {error}") from None
        if note:
            raise TypeError(f"{owner.__name__}.{name}: the default {self.default!r} is not valid: {note}")
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

    def to_json(self, value: T) -> Any:
        """A JSON value that ``clean`` turns back into ``value``."""
        return value

    def _bad(self, value: Any, wants: str) -> ParamError:
        shown = repr(value)
        if len(shown) > 60:
            shown = shown[:57] + "..."
        return ParamError(f"{self.name or self.kind}: {shown} is not {wants}")


def _unit(position: float) -> float:
    if not math.isfinite(position):
        return 0.0
    return min(1.0, max(0.0, float(position)))


def _number(param: Param[Any], value: Any) -> float:
    if isinstance(value, str):
        try:
            value = float(value.strip())
        except ValueError:
            raise param._bad(value, "a number") from None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise param._bad(value, "a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.copysign(math.inf, value)
    if math.isnan(number):
        raise param._bad(value, "a number (NaN)")
    return number


class _Ranged(Param[T]):
    """Shared by Float and Int: a closed range and a curve."""

    def __init__(
        self, default: T, low: float, high: float, *, curve: Curve = "linear", label: str = "", help: str = "",
        unit: str = "", group: str = "", live: bool = True,
    ) -> None:
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise TypeError(f"a range needs low < high, got {low}..{high}")
        if curve not in ("linear", "log", "exp"):
            raise TypeError(f"unknown curve {curve!r}; use 'linear', 'log' or 'exp'")
        if curve == "log" and low <= 0:
            raise TypeError(f"a log curve needs low > 0, got {low}")
        self.low, self.high, self.curve = low, high, curve
        super().__init__(default, label=label, help=help, unit=unit, group=group, live=live)

    def _position(self, value: float) -> float:
        value = min(self.high, max(self.low, value))
        if self.curve == "log":
            return _unit(math.log(value / self.low) / math.log(self.high / self.low))
        linear = _unit((value - self.low) / (self.high - self.low))
        return math.sqrt(linear) if self.curve == "exp" else linear

    def _value(self, position: float) -> float:
        position = _unit(position)
        if position in (0.0, 1.0):
            return self.high if position else self.low
        if self.curve == "log":
            value = self.low * math.exp(position * math.log(self.high / self.low))
        else:
            value = self.low + (self.high - self.low) * (position**2 if self.curve == "exp" else position)
        return min(self.high, max(self.low, value))

    def _clamp(self, value: Any) -> tuple[float, str]:
        number = _number(self, value)
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


class Bool(Param[bool]):
    """On or off; a controller switches at its middle."""

    kind = "bool"
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
        raise self._bad(value, "on or off")

    def to_norm(self, value: bool) -> float:
        return 1.0 if value else 0.0

    def from_norm(self, position: float) -> bool:
        return _unit(position) >= 0.5


class Choice(Param[str]):
    """One of a fixed list of names; a controller steps through them in their order."""

    kind = "choice"

    def __init__(
        self, default: str, choices: Iterable[str], *, label: str = "", help: str = "", group: str = "",
        live: bool = True,
    ) -> None:
        self.choices = tuple(choices)
        if not self.choices or len(set(self.choices)) != len(self.choices):
            raise TypeError("a Choice needs at least one name and no name twice")
        super().__init__(default, label=label, help=help, group=group, live=live)

    def clean(self, value: Any) -> tuple[str, str]:
        if isinstance(value, str):
            for choice in self.choices:
                if choice.lower() == value.strip().lower():
                    return choice, ""
        raise self._bad(value, f"one of {', '.join(self.choices[:24])}")

    def to_norm(self, value: str) -> float:
        return self.choices.index(value) / max(1, len(self.choices) - 1)

    def from_norm(self, position: float) -> str:
        return self.choices[round(_unit(position) * (len(self.choices) - 1))]


class Text(Param[str]):
    """Free text of at most ``MAX_TEXT`` characters."""

    kind = "text"
    automatable = False

    def clean(self, value: Any) -> tuple[str, str]:
        if not isinstance(value, str):
            raise self._bad(value, "text")
        if len(value) > MAX_TEXT:
            return value[:MAX_TEXT], f"{self.name}: text of {len(value)} characters was cut to {MAX_TEXT}"
        return value, ""


class Path(Text):
    """A file on disk, as text; '' means none. ``accepts`` names what a file dialog offers (image, video, midi, text)."""

    kind = "path"

    def __init__(
        self, default: str = "", *, accepts: str = "any", label: str = "", help: str = "", group: str = "",
        live: bool = True,
    ) -> None:
        self.accepts = accepts
        super().__init__(default, label=label, help=help, group=group, live=live)

    def clean(self, value: Any) -> tuple[str, str]:
        text, note = super().clean(value)
        if "\0" in text:
            raise self._bad(value, "a path")
        return text, note


class Model(Path):
    """A network by the name of a house or user model, or by path; ``architecture`` says which kind fits."""

    kind = "model"

    def __init__(
        self, default: str = "", *, architecture: str, label: str = "", help: str = "", group: str = "",
        live: bool = False,
    ) -> None:
        self.architecture = architecture
        super().__init__(default, accepts="model", label=label, help=help, group=group, live=live)


class Color(Param[tuple[float, float, float]]):
    """An sRGB colour, three numbers 0..1; written ``#rrggbb`` in files. A controller moves its hue."""

    kind = "color"

    def clean(self, value: Any) -> tuple[tuple[float, float, float], str]:
        if isinstance(value, str):
            match = _HEX.match(value.strip())
            if not match:
                raise self._bad(value, "a colour like #ff8800")
            digits = match[1]
            red, green, blue = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
            return (red, green, blue), ""
        if isinstance(value, (list, tuple)) and len(value) == 3:
            parts = [_number(self, part) for part in value]
            red, green, blue = (_unit(min(2.0, max(-1.0, part))) for part in parts)
            note = "" if all(0 <= part <= 1 for part in parts) else f"{self.name}: colour clamped to 0..1"
            return (red, green, blue), note
        raise self._bad(value, "a colour like #ff8800")

    def to_norm(self, value: tuple[float, float, float]) -> float:
        import colorsys

        return colorsys.rgb_to_hsv(*value)[0]

    def from_norm(self, position: float) -> tuple[float, float, float]:
        """The declared default turned to another hue; a grey default becomes fully coloured."""
        import colorsys

        _, saturation, brightness = colorsys.rgb_to_hsv(*self.default)
        return colorsys.hsv_to_rgb(_unit(position), saturation or 1.0, brightness or 1.0)

    def to_json(self, value: tuple[float, float, float]) -> Any:
        return list(value)


class Point(Param[tuple[float, float]]):
    """A place on an XY pad. Both axes share the range ``low..high``; a controller moves x."""

    kind = "point"

    def __init__(
        self, default: tuple[float, float] = (0.0, 0.0), low: float = -1.0, high: float = 1.0, *, label: str = "",
        help: str = "", unit: str = "", group: str = "", live: bool = True,
    ) -> None:
        if not low < high:
            raise TypeError(f"a range needs low < high, got {low}..{high}")
        self.low, self.high = low, high
        super().__init__(default, label=label, help=help, unit=unit, group=group, live=live)

    def clean(self, value: Any) -> tuple[tuple[float, float], str]:
        if isinstance(value, str):
            value = value.split(",")
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise self._bad(value, "a point of two numbers")
        x, y = (_number(self, part) for part in value)
        inside = (min(self.high, max(self.low, x)), min(self.high, max(self.low, y)))
        note = "" if inside == (x, y) else f"{self.name}: point clamped to {self.low:g}..{self.high:g}"
        return inside, note

    def to_norm(self, value: tuple[float, float]) -> float:
        return _unit((value[0] - self.low) / (self.high - self.low))

    def from_norm(self, position: float) -> tuple[float, float]:
        return (self.low + (self.high - self.low) * _unit(position), self.default[1])

    def to_json(self, value: tuple[float, float]) -> Any:
        return list(value)


class Seed(Param[int]):
    """A whole number that chooses among everything the generator can make, 0..2**31 - 1."""

    kind = "seed"
    LIMIT: ClassVar[int] = 2**31 - 1

    def clean(self, value: Any) -> tuple[int, str]:
        number = _number(self, value)
        if not math.isfinite(number) or number != int(number):
            raise self._bad(value, "a whole number")
        whole = int(value) if isinstance(value, int) else int(number)
        if not 0 <= whole <= self.LIMIT:
            return whole % (self.LIMIT + 1), f"{self.name}: {whole} was wrapped into 0..{self.LIMIT}"
        return whole, ""

    def to_norm(self, value: int) -> float:
        return value / self.LIMIT

    def from_norm(self, position: float) -> int:
        return round(_unit(position) * self.LIMIT)


class Trigger(Param[bool]):
    """An action: reads True in exactly the one step after it was fired. Never stored in a file."""

    kind = "trigger"

    def __init__(self, *, label: str = "", help: str = "", group: str = "") -> None:
        super().__init__(False, label=label, help=help, group=group)

    def clean(self, value: Any) -> tuple[bool, str]:
        if isinstance(value, bool) or value in (0, 1):
            return bool(value), ""
        raise self._bad(value, "on or off")

    def to_norm(self, value: bool) -> float:
        return 1.0 if value else 0.0

    def from_norm(self, position: float) -> bool:
        return _unit(position) >= 0.5


class ParamSet:
    """The current values of a set of parameters; any thread may set, the worker takes.

    This is one mailbox per parameter: a set overwrites (newest wins), and ``take`` hands the worker one
    consistent snapshot between two steps. ``unknown`` keeps names from files that this version does not know, so
    that saving again loses nothing.
    """

    def __init__(self, params: Mapping[str, Param[Any]]) -> None:
        self.params = dict(params)
        self.unknown: dict[str, Any] = {}
        self.revision = 0
        self._lock = threading.Lock()
        self._values: dict[str, Any] = {name: param.default for name, param in self.params.items()}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def _param(self, name: str) -> Param[Any]:
        try:
            return self.params[name]
        except KeyError:
            import difflib

            near = difflib.get_close_matches(name, self.params, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(self.params) or 'none'}"
            raise ParamError(f"there is no parameter {name!r}{hint}") from None

    def set(self, name: str, value: Any) -> str:
        """Set one value, clamped; returns the note about what was changed ('' if nothing). Raises ParamError."""
        cleaned, note = self._param(name).clean(value)
        with self._lock:
            self._values[name] = cleaned
            self.revision += 1
        return note

    def set_norm(self, name: str, position: float) -> None:
        """Set one value by control position 0..1."""
        self.set(name, self._param(name).from_norm(position))

    def norm(self, name: str) -> float:
        """Control position of the current value."""
        return self._param(name).to_norm(self._values[name])

    def fire(self, name: str) -> None:
        """Fire a Trigger."""
        self.set(name, True)

    def reset(self, name: str) -> None:
        """Back to the declared default."""
        self.set(name, self._param(name).default)

    def take(self) -> dict[str, Any]:
        """One consistent snapshot for a step; triggers that were fired are in it once."""
        with self._lock:
            values = dict(self._values)
            for name, param in self.params.items():
                if isinstance(param, Trigger):
                    self._values[name] = False
        return values

    def dump(self) -> dict[str, Any]:
        """Values as JSON, by name, with unknown names kept; triggers are left out."""
        with self._lock:
            values = dict(self._values)
        known = {n: p.to_json(values[n]) for n, p in self.params.items() if not isinstance(p, Trigger)}
        return {**self.unknown, **known}

    def load(self, data: Mapping[str, Any]) -> list[str]:
        """Take values from a file: clamp and report, keep unknown names, never fail. Returns the report."""
        report: list[str] = []
        for name, value in data.items():
            if name not in self.params:
                self.unknown[name] = value
                report.append(f"{str(name)[:60]}: unknown parameter, kept but not used")
                continue
            if isinstance(self.params[name], Trigger):
                continue
            try:
                note = self.set(name, value)
            except ParamError as error:
                note = f"{error}; the value {self._values[name]!r} was kept"
            if note:
                report.append(note)
        return report
