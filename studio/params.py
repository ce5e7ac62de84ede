"""Parameters: declared once on a generator, read by widget, file, controller and documentation.

A parameter is a typed descriptor with one mapping between its value and a position ``0..1``. Slider,
MIDI controller, OSC, LFO and audio feature all use that one mapping, so a knob feels the same everywhere.
Only the standard library is used here, so that reading a generator's declaration costs nothing.
"""

from __future__ import annotations

import math
import numbers
import os
import re
import reprlib
import threading
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Generic, Literal, TypeVar, overload

Curve = Literal["linear", "log", "exp"]
T = TypeVar("T")

MAX_TEXT = 20_000
"""Longest text (characters) a Text, Path or Model parameter keeps from a file."""

MAX_NUMBER = 100
"""Longest text (characters) that is read as a number."""

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 60
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

    def _bad(self, value: Any, wants: str) -> ParamError:
        return ParamError(f"{self.name or self.kind}: {brief(value)} is not {wants}")


def brief(value: Any) -> str:
    """``repr`` for a message: short, and safe for any value from a file."""
    try:
        return _REPR.repr(value)
    except ValueError:  # a whole number of more digits than Python writes out
        return "a very large number"


def _unit(position: float) -> float:
    if not math.isfinite(position):
        return 0.0
    return min(1.0, max(0.0, float(position)))


def _number(param: Param[Any], value: Any) -> float:
    if isinstance(value, str):
        try:
            value = float(value.strip()) if len(value) <= MAX_NUMBER else None
        except ValueError:
            raise param._bad(value, "a number") from None
    if isinstance(value, bool) or not isinstance(value, (int, float, numbers.Real)):  # Real: numpy's numbers too
        raise param._bad(value, "a number")
    try:
        number = float(value)
    except OverflowError:
        number = -math.inf if value < 0 else math.inf
    if math.isnan(number):
        raise param._bad(value, "a number (NaN)")
    return number


class _Ranged(Param[T]):
    """Shared by Float and Int: a closed range and a curve."""

    def __init__(
        self, default: T, low: float, high: float, *, curve: Curve = "linear", label: str = "", help: str = "",
        unit: str = "", group: str = "", live: bool = True,
    ) -> None:
        if not (low < high and math.isfinite(high - low)):
            raise TypeError(f"a range needs low < high, got {low}..{high}")
        if curve not in ("linear", "log", "exp"):
            raise TypeError(f"unknown curve {curve!r}; use 'linear', 'log' or 'exp'")
        if curve == "log" and low <= 0:
            raise TypeError(f"a log curve needs low > 0, got {low}")
        self.low, self.high, self.curve = float(low), float(high), curve
        super().__init__(default, label=label, help=help, unit=unit, group=group, live=live)

    def _position(self, value: float) -> float:
        value = min(self.high, max(self.low, value))
        if self.curve == "log":
            start = math.log(self.low)
            return _unit((math.log(value) - start) / (math.log(self.high) - start))
        linear = _unit((value - self.low) / (self.high - self.low))
        return math.sqrt(linear) if self.curve == "exp" else linear

    def _value(self, position: float) -> float:
        position = _unit(position)
        if position in (0.0, 1.0):
            return self.high if position else self.low
        if self.curve == "log":
            start = math.log(self.low)
            value = math.exp(start + position * (math.log(self.high) - start))
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

    def __init__(
        self, default: int, low: int, high: int, *, curve: Curve = "linear", label: str = "", help: str = "",
        unit: str = "", group: str = "", live: bool = True,
    ) -> None:
        if low != int(low) or high != int(high) or max(abs(low), abs(high)) > 2**53:
            raise TypeError(f"the range of an Int needs whole numbers up to 2**53, got {low}..{high}")
        super().__init__(default, low, high, curve=curve, label=label, help=help, unit=unit, group=group, live=live)

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
        raise self._bad(value, "on or off")

    def to_norm(self, value: bool) -> float:
        return 1.0 if value else 0.0

    def from_norm(self, position: float) -> bool:
        return _unit(position) >= 0.5


class Bool(_Switch):
    """On or off; a controller switches at its middle."""

    kind = "bool"


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
        if not all(isinstance(choice, str) for choice in self.choices):
            raise TypeError("the choices of a Choice must be text")
        super().__init__(default, label=label, help=help, group=group, live=live)

    def clean(self, value: Any) -> tuple[str, str]:
        if isinstance(value, str):
            if value in self.choices:
                return value, ""
            for choice in self.choices:
                if choice.lower() == value.strip().lower():
                    return choice, ""
        raise self._bad(value, f"one of {', '.join(self.choices[:24])}")

    def to_norm(self, value: str) -> float:
        return self.choices.index(value) / max(1, len(self.choices) - 1)

    def from_norm(self, position: float) -> str:
        """Every choice has an equal part of the control's travel."""
        return self.choices[min(len(self.choices) - 1, int(_unit(position) * len(self.choices)))]


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
    """A file on disk, as text; '' means none. ``accepts`` is what a file dialog offers: image, video, midi, text."""

    kind = "path"

    def __init__(
        self, default: str = "", *, accepts: str = "any", label: str = "", help: str = "", group: str = "",
        live: bool = True,
    ) -> None:
        self.accepts = accepts
        super().__init__(default, label=label, help=help, group=group, live=live)

    def clean(self, value: Any) -> tuple[str, str]:
        text, note = super().clean(os.fspath(value) if isinstance(value, os.PathLike) else value)
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
    """An sRGB colour, three numbers 0..1; in files ``#rrggbb`` where that is exact. A controller moves its hue."""

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
        """The declared default turned to another hue; a grey or black one becomes fully coloured. 1 is red, as 0 is."""
        return self.moved(self.default, position)

    def moved(self, value: tuple[float, float, float], position: float) -> tuple[float, float, float]:
        """``value`` turned to another hue."""
        import colorsys

        _, saturation, brightness = colorsys.rgb_to_hsv(*value)
        visible = 1 / 255  # below it there is no hue to turn
        return colorsys.hsv_to_rgb(
            _unit(position), saturation if saturation > visible else 1.0, brightness if brightness > visible else 1.0
        )

    def to_json(self, value: tuple[float, float, float]) -> Any:
        levels = [round(part * 255) for part in value]
        exact = all(level / 255 == part for level, part in zip(levels, value, strict=True))
        return "#" + "".join(f"{level:02x}" for level in levels) if exact else list(value)


class Point(Param[tuple[float, float]]):
    """A place on an XY pad. Both axes share the range ``low..high``; a controller moves x and leaves y."""

    kind = "point"

    def __init__(
        self, default: tuple[float, float] = (0.0, 0.0), low: float = -1.0, high: float = 1.0, *, label: str = "",
        help: str = "", unit: str = "", group: str = "", live: bool = True,
    ) -> None:
        if not (low < high and math.isfinite(high - low)):
            raise TypeError(f"a range needs low < high, got {low}..{high}")
        self.low, self.high = float(low), float(high)
        super().__init__(default, label=label, help=help, unit=unit, group=group, live=live)

    def clean(self, value: Any) -> tuple[tuple[float, float], str]:
        if isinstance(value, str):
            value = value[: 2 * MAX_NUMBER + 2].split(",")
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise self._bad(value, "a point of two numbers")
        x, y = (_number(self, part) for part in value)
        inside = (min(self.high, max(self.low, x)), min(self.high, max(self.low, y)))
        note = "" if inside == (x, y) else f"{self.name}: point clamped to {self.low:g}..{self.high:g}"
        return inside, note

    def to_norm(self, value: tuple[float, float]) -> float:
        return _unit((value[0] - self.low) / (self.high - self.low))

    def from_norm(self, position: float) -> tuple[float, float]:
        return self.moved(self.default, position)

    def moved(self, value: tuple[float, float], position: float) -> tuple[float, float]:
        """``value`` with another x."""
        position = _unit(position)
        x = self.high if position == 1.0 else self.low + (self.high - self.low) * position
        return (min(self.high, x), value[1])

    def to_json(self, value: tuple[float, float]) -> Any:
        return list(value)


class Seed(Param[int]):
    """A whole number that chooses among everything the generator can make, 0..2**31 - 1."""

    kind = "seed"
    LIMIT: ClassVar[int] = 2**31 - 1

    def clean(self, value: Any) -> tuple[int, str]:
        if isinstance(value, str) and len(value) <= MAX_NUMBER and value.strip().lstrip("+-").isdecimal():
            value = int(value.strip())
        number = _number(self, value)
        if not math.isfinite(number) or number != int(number):
            raise self._bad(value, "a whole number")
        whole = value if isinstance(value, int) else int(number)  # a float is exact only up to 2**53
        if not 0 <= whole <= self.LIMIT:
            return whole % (self.LIMIT + 1), f"{self.name}: {brief(whole)} was wrapped into 0..{self.LIMIT}"
        return whole, ""

    def to_norm(self, value: int) -> float:
        return value / self.LIMIT

    def from_norm(self, position: float) -> int:
        return round(_unit(position) * self.LIMIT)


class Trigger(_Switch):
    """An action: reads True in exactly the one step after it was fired. Never stored in a file.

    A controller fires it as it rises past its middle; letting go does not take the shot back.
    """

    kind = "trigger"

    def __init__(self, *, label: str = "", help: str = "", group: str = "") -> None:
        super().__init__(False, label=label, help=help, group=group)


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
        self._held: set[str] = set()

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
        param = self._param(name)
        cleaned, note = param.clean(value)
        if isinstance(param, Trigger) and not cleaned:
            return note  # only a step ends a shot: press and release may both fall between two steps
        with self._lock:
            self._values[name] = cleaned
            self.revision += 1
        return note

    def set_norm(self, name: str, position: float) -> None:
        """Set one value by control position 0..1 (clamped). Raises ParamError for a kind that no control moves."""
        param = self._param(name)
        if isinstance(param, Trigger):
            high = param.from_norm(position)
            with self._lock:
                rising = high and name not in self._held
                (self._held.add if high else self._held.discard)(name)
            if rising:
                self.fire(name)
            return
        with self._lock:  # read and write as one, so that a value set meanwhile on the other axis is not undone
            self._values[name] = param.moved(self._values[name], position)
            self.revision += 1

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
        """Take values from a file: clamp and report, keep unknown names, never fail. Returns the report.

        Parameters that ``data`` does not name stay as they are; the unknown names kept are those of the last file.
        """
        report: list[str] = []
        self.unknown = {}
        if not isinstance(data, Mapping):
            return [f"the parameters are {brief(data)}, not values with names; nothing was changed"]
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
                note = f"{error}; the value {brief(self._values[name])} was kept"
            if note:
                report.append(note)
        return report
