"""Text, files, colours and places: values that are more than one number."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from typing import Any

from studio.params.applies import Applies
from studio.params.base import MAX_NUMBER, Param, unit
from studio.params.base import number as number_of

MAX_TEXT = 20_000
"""Longest text (characters) a Text, Path or Model parameter keeps from a file."""

_HEX = re.compile(r"#?([0-9a-fA-F]{6})\Z")


class Text(Param[str]):
    """Free text of at most ``MAX_TEXT`` characters.

    ``place_of`` names the seed parameter that this text stands in for as a place in a latent space (``12:0.7 40:0.5``);
    ``names_in`` names the text parameter that holds named points for it. A fade between two looks then travels.
    """

    kind = "text"
    automatable = False

    def __init__(
        self, default: str = "", *, label: str = "", help: str = "", unit: str = "", group: str = "",
        live: bool = True, place_of: str = "", names_in: str = "", applies: Applies = (),
    ) -> None:
        self.place_of, self.names_in = place_of, names_in
        super().__init__(default, label=label, help=help, unit=unit, group=group, live=live, applies=applies)

    def clean(self, value: Any) -> tuple[str, str]:
        if not isinstance(value, str):
            raise self.bad(value, "text")
        if len(value) > MAX_TEXT:
            return value[:MAX_TEXT], f"{self.name}: text of {len(value)} characters was cut to {MAX_TEXT}"
        return value, ""


class Path(Text):
    """A file on disk, as text; '' means none. ``accepts`` is what a file dialog offers: image, video, midi, text."""

    kind = "path"

    def __init__(
        self, default: str = "", *, accepts: str = "any", label: str = "", help: str = "", group: str = "",
        live: bool = True, applies: Applies = (),
    ) -> None:
        self.accepts = accepts
        super().__init__(default, label=label, help=help, group=group, live=live, applies=applies)

    def clean(self, value: Any) -> tuple[str, str]:
        text, note = super().clean(os.fspath(value) if isinstance(value, os.PathLike) else value)
        if "\0" in text:
            raise self.bad(value, "a path")
        return text, note


class Model(Path):
    """A network by the name of a house or user model, or by path; ``architecture`` says which kind fits, ``also`` which
    others do."""

    kind = "model"

    def __init__(
        self, default: str = "", *, architecture: str, also: Sequence[str] = (), label: str = "", help: str = "",
        group: str = "", live: bool = False, applies: Applies = (),
    ) -> None:
        self.architecture = architecture
        self.also = list(also)
        super().__init__(default, accepts="model", label=label, help=help, group=group, live=live, applies=applies)

    @property
    def architectures(self) -> tuple[str, ...]:
        """All kinds that fit."""
        return (self.architecture, *self.also)


class Color(Param[tuple[float, float, float]]):
    """An sRGB colour, three numbers 0..1; in files ``#rrggbb`` where that is exact. A controller moves its hue."""

    kind = "color"

    def clean(self, value: Any) -> tuple[tuple[float, float, float], str]:
        if isinstance(value, str):
            match = _HEX.match(value.strip())
            if not match:
                raise self.bad(value, "a colour like #ff8800")
            digits = match[1]
            red, green, blue = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
            return (red, green, blue), ""
        if isinstance(value, (list, tuple)) and len(value) == 3:
            parts = [number_of(self, part) for part in value]
            red, green, blue = (unit(min(2.0, max(-1.0, part))) for part in parts)
            note = "" if all(0 <= part <= 1 for part in parts) else f"{self.name}: colour clamped to 0..1"
            return (red, green, blue), note
        raise self.bad(value, "a colour like #ff8800")

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
            unit(position), saturation if saturation > visible else 1.0, brightness if brightness > visible else 1.0
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
        help: str = "", unit: str = "", group: str = "", live: bool = True, applies: Applies = (),
    ) -> None:
        if not (low < high and math.isfinite(high - low)):
            raise TypeError(f"a range needs low < high, got {low}..{high}")
        self.low, self.high = float(low), float(high)
        super().__init__(default, label=label, help=help, unit=unit, group=group, live=live, applies=applies)

    def clean(self, value: Any) -> tuple[tuple[float, float], str]:
        if isinstance(value, str):
            value = value[: 2 * MAX_NUMBER + 2].split(",")
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise self.bad(value, "a point of two numbers")
        x, y = (number_of(self, part) for part in value)
        inside = (min(self.high, max(self.low, x)), min(self.high, max(self.low, y)))
        note = "" if inside == (x, y) else f"{self.name}: point clamped to {self.low:g}..{self.high:g}"
        return inside, note

    def to_norm(self, value: tuple[float, float]) -> float:
        return unit((value[0] - self.low) / (self.high - self.low))

    def from_norm(self, position: float) -> tuple[float, float]:
        return self.moved(self.default, position)

    def moved(self, value: tuple[float, float], position: float) -> tuple[float, float]:
        """``value`` with another x."""
        position = unit(position)
        x = self.high if position == 1.0 else self.low + (self.high - self.low) * position
        return (min(self.high, x), value[1])

    def to_json(self, value: tuple[float, float]) -> Any:
        return list(value)
