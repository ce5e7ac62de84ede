"""Numbers between a control and a person: how a value is written, read, and kept tidy while it is dragged.

Positions are 0..1 along the control's travel, by the parameter's own curve.
"""

from __future__ import annotations

import math
import re

from studio.params import MAX_NUMBER, Float, Int, ParamError, brief

Number = Float | Int

_FRACTION = re.compile(r"([+-]?\d{1,15}(?:\.\d+)?)\s*/\s*(\d{1,15}(?:\.\d+)?)\Z")
_PROBE = 1e-3
_LEAST = 1e-12


def quantum(param: Number, position: float, *, fine: bool = False) -> float:
    """The power of ten to which a dragged value is rounded: at most about two thousandths of the travel there."""
    if isinstance(param, Int):
        return 1.0
    low, high = max(0.0, position - _PROBE), min(1.0, position + _PROBE)
    around = abs(param.from_norm(high) - param.from_norm(low)) * (0.1 if fine else 1.0)
    return float(10.0 ** math.floor(math.log10(max(around, _LEAST))))


def tidy(param: Number, position: float, *, fine: bool = False) -> float | int:
    """The value at a position with no more digits than a hand can aim at; both ends are exact."""
    value = param.from_norm(position)
    if isinstance(param, Int) or position <= 0.0 or position >= 1.0:
        return value
    return min(param.high, max(param.low, _rounded(value, quantum(param, position, fine=fine))))


def _rounded(value: float, step: float) -> float:
    digits = max(0, round(-math.log10(step)))
    return round(value, digits) if step <= 1 else round(value / step) * step


def stepped(param: Number, value: float, direction: int, *, fine: bool = False, share: float = 0.01) -> float | int:
    """The value one key press away: ``share`` of the travel (a tenth of that when ``fine``), but never nothing."""
    position = param.to_norm(value)  # type: ignore[arg-type]  # an Int's own values are whole
    target = min(1.0, max(0.0, position + direction * (share / 10 if fine else share)))
    if isinstance(param, Int):
        whole = int(value)
        wished = whole + direction if fine else param.from_norm(target)
        if direction * (wished - whole) < 1:
            wished = whole + direction
        return int(min(param.high, max(param.low, wished)))
    step = quantum(param, position, fine=fine)
    made = tidy(param, target, fine=fine)
    if direction * (made - value) <= 0 and target not in (0.0, 1.0):
        made = _rounded(value + direction * step, step)
    return min(param.high, max(param.low, made))


def digits_of(param: Number, value: float, *, full: bool = False) -> str:
    """The value as text without its unit: as many decimals as its range calls for, more only where they differ.

    With ``full`` always as many as a drag may give it: a number that is being dragged must not jump about.
    """
    if isinstance(param, Int):
        return str(int(value)).replace("-", "−")
    step = quantum(param, param.to_norm(value)) * (1 if full else 10)
    places = min(8, max(0, round(-math.log10(step))))
    for more in range(3):
        text = f"{value:.{places + more}f}"
        if math.isclose(float(text), value, rel_tol=1e-9, abs_tol=_LEAST):
            break
    if float(text) == 0.0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def with_unit(text: str, unit: str) -> str:
    """Number and unit, a narrow space between them; degrees stand close, and so does what is counted per second."""
    if not unit:
        return text
    if unit.startswith("1/"):  # "0.4 1/s" reads like two numbers
        return text + unit[1:]
    return f"{text}{unit}" if unit[0] in "°%" else f"{text}\u202f{unit}"


def to_text(param: Number, value: float, *, full: bool = False) -> str:
    """The value as a person reads it."""
    return with_unit(digits_of(param, value, full=full), param.unit)


def parse(param: Number, text: str) -> tuple[float | int, str]:
    """A typed number: with or without the unit, a decimal comma, a per cent sign or a fraction.

    Returns the value, clamped into the range, and a note when it had to be changed. Raises ParamError with a sentence.
    """
    plain = text.strip().replace("−", "-").replace("\u202f", "").replace("\u00a0", "").replace("'", "")
    if not plain:
        raise ParamError(f"type a number from {_range(param)}, or press Esc")
    factor = 1.0
    per = param.unit.startswith("1/")
    unit = param.unit.removeprefix("1").casefold() if per else param.unit.casefold()
    if unit and plain.casefold().endswith(unit):
        plain = plain[: -len(unit)].strip()
        plain = plain[:-2].strip() if per and plain.endswith(" 1") else plain  # as in "0.4 1/s"
    elif plain.endswith("%"):
        plain, factor = plain[:-1].strip(), 0.01
    if "," in plain and "." not in plain:
        plain = plain.replace(",", ".", 1)
    try:
        number = _number(plain) * factor
    except ValueError:
        raise ParamError(f"{brief(text.strip())} is not a number; type one from {_range(param)}") from None
    value, note = param.clean(number)
    return value, note.removeprefix(f"{param.name}: ")


def _number(text: str) -> float:
    if len(text) > MAX_NUMBER:
        raise ValueError(text)
    match = _FRACTION.match(text)
    if match:
        below = float(match[2])
        if not below:
            raise ValueError(text)
        return float(match[1]) / below
    number = float(text)
    if math.isnan(number):
        raise ValueError(text)
    return number


def _range(param: Number) -> str:
    return f"{digits_of(param, param.low)} to {to_text(param, param.high)}"
