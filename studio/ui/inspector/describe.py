"""What a parameter says about itself: tool tips and names, from its declaration alone."""

from __future__ import annotations

from html import escape
from typing import Any

from studio.params import Choice, Color, Float, Int, Model, Param, Path, Point, Seed, Text, Trigger
from studio.ui.inspector.numbers import digits_of, to_text, with_unit

CURVES = {"log": "equal ratios along its travel", "exp": "finer at its low end"}
RESTARTS = "Changing it restarts the generator."


def value_text(param: Param[Any], value: Any) -> str:
    """A value as a person reads it, with its unit, in one line."""
    if isinstance(param, (Float, Int)):
        return to_text(param, value)
    if isinstance(param, Color):
        return color_hex(value)
    if isinstance(param, Point):
        return with_unit(f"{value[0]:.3g}, {value[1]:.3g}".replace("-", "−"), param.unit)
    if isinstance(param, Trigger):
        return ""
    if isinstance(param, Text):
        words = " ".join(value.split())
        return (words[:57] + "…" if len(words) > 58 else words) or "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def color_hex(value: tuple[float, float, float]) -> str:
    """``#rrggbb``, rounded to eight bits a channel."""
    return "#" + "".join(f"{round(part * 255):02x}" for part in value)


def range_text(param: Param[Any]) -> str:
    """What it takes: a range with unit, the choices, the kind of file."""
    if isinstance(param, (Float, Int)):
        text = f"{digits_of(param, param.low)} to {to_text(param, param.high)}"
        return f"{text}, {CURVES[param.curve]}" if param.curve in CURVES else text
    if isinstance(param, Point):
        return "each way " + with_unit(f"{param.low:g} to {param.high:g}".replace("-", "−"), param.unit)
    if isinstance(param, Seed):
        return f"any whole number up to {param.LIMIT}"
    if isinstance(param, Choice):
        names = ", ".join(param.choices[:12])
        return f"one of {names}" + (f" and {len(param.choices) - 12} more" if len(param.choices) > 12 else "")
    if isinstance(param, Model):
        return f"a model of the kind {' or '.join(param.architectures)}"
    if isinstance(param, Path):
        return "a file" if param.accepts == "any" else f"{_article(param.accepts)} file"
    if isinstance(param, Color):
        return "a colour, such as #ff8800"
    return ""


def _article(word: str) -> str:
    return f"an {word}" if word[:1] in "aeiou" else f"a {word}"


def tooltip(param: Param[Any], idle: str = "") -> str:
    """Help, range, default and whether a change restarts the generator, as rich text; before all that, why it does
    nothing now (``idle``)."""
    lines = [f"<b>{escape(param.label)}</b>"]
    if idle:
        lines.append(f"<b>{escape(idle)}</b>")
    if param.help:
        lines.append(escape(_sentence(param.help)))
    facts = range_text(param)
    if facts:
        lines.append(escape(_sentence(facts)))
    if not isinstance(param, Trigger):
        lines.append(f"Default: {escape(value_text(param, param.default))}")
    if not param.live:
        lines.append(RESTARTS)
    return "<p style='white-space:pre-wrap; margin:0'>" + "<br>".join(lines) + "</p>"


def spoken(param: Param[Any]) -> str:
    """The description a screen reader speaks after the name."""
    parts = [param.help, range_text(param), "" if param.live else RESTARTS]
    return " ".join(_sentence(part) for part in parts if part)


def _sentence(text: str) -> str:
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."
