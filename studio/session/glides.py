"""How one value travels from here to there in a fade; one class for each way of travelling.

A glide remembers what it wrote last. When it finds something else there, somebody has taken hold of that value (a
hand, a controller, an address): it lets go of it at once and for the rest of the fade.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from studio.library.presets import apply_params
from studio.nn import places
from studio.params import Color, Float, Int, Param, ParamSet, Point, Text, Trigger
from studio.session.line import Line, Slot

if TYPE_CHECKING:
    from studio.session.core import Core

Rgb = tuple[float, float, float]


class Glide:
    """One value under way. ``key`` says which: a later fade that wants the same key takes it over."""

    def __init__(
        self, keys: tuple[Hashable, ...], read: Callable[[], Any], write: Callable[[Any], object],
        at: Callable[[float], Any], end: Any, line: Line | None = None,
    ) -> None:
        self.keys, self.line = keys, line
        self._read, self._write, self._at, self._end = read, write, at, end
        self._last = read()

    def move(self, t: float) -> bool:
        """Go to ``t`` (0..1) of the way; False when somebody else has taken the value."""
        if self._read() != self._last:
            return False
        self._write(self._end if t >= 1.0 else self._at(t))
        self._last = self._read()
        return True


class Flip(Glide):
    """A value that changes at one moment: nothing until ``moment`` (0..1), then all of it."""

    def __init__(
        self, keys: tuple[Hashable, ...], read: Callable[[], Any], write: Callable[[Any], object], end: Any,
        moment: float, line: Line | None = None,
    ) -> None:
        super().__init__(keys, read, write, lambda t: end, end, line)
        self._moment, self._done = moment, False

    def move(self, t: float) -> bool:
        if self._done or t < self._moment:
            return self._done or self._read() == self._last
        self._done = True
        return super().move(1.0)


def of_mix(session: Core, name: str, end: float | str, flip: float) -> Glide:
    """One value of the mix; shares glide, choices flip."""
    def read() -> Any:
        return getattr(session.mix, name)

    def write(value: Any) -> None:
        session.mix.set(name, value)

    start = read()
    if isinstance(end, str):
        return Flip((("mix", name),), read, write, end, flip)
    return Glide((("mix", name),), read, write, lambda t: start + (end - start) * t, float(end))


def of_tempo(session: Core, end: float) -> Glide:
    """The tempo, in equal ratios."""
    start = session.clock.bpm

    def write(bpm: float) -> None:
        session.clock.bpm = bpm

    return Glide((("bpm",),), lambda: session.clock.bpm, write, lambda t: start * (end / start) ** t, end)


def of_slot(line: Line, slot: Slot, item: dict[str, Any], flip: float) -> list[Glide]:
    """What has to move so that a slot's values become those of the stored ``item``."""
    if slot.stage is None:
        return []
    kinds = slot.stage.values.params
    wanted = ParamSet(kinds)
    wanted.load(slot.stage.values.dump())
    apply_params(item["params"], item.get("version", 1), wanted, slot.stage.generator)
    found, taken = [], set()
    for name, param in kinds.items():
        if isinstance(param, Text) and param.place_of in kinds:
            travel = _of_place(line, slot, param, wanted)
            if travel is not None:
                found.append(travel)
                taken |= {name, param.place_of}
    for name, param in kinds.items():
        if name not in taken and not isinstance(param, Trigger) and wanted[name] != slot.stage.values[name]:
            found.append(_of_value(line, slot, param, wanted[name], flip))
    return found


def _access(slot: Slot, name: str) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    # through the slot: its code may be read anew meanwhile
    def read() -> Any:
        return slot.stage.values[name] if slot.stage is not None and name in slot.stage.values.params else None

    def write(value: Any) -> None:
        if slot.stage is not None and name in slot.stage.values.params:
            slot.stage.values.set(name, value)

    return read, write


def _of_value(line: Line, slot: Slot, param: Param[Any], end: Any, flip: float) -> Glide:
    read, write = _access(slot, param.name)
    start, keys = read(), ((slot.uid, param.name),)
    at = between(param, start, end)
    if at is None:
        return Flip(keys, read, write, end, flip, line)
    return Glide(keys, read, write, at, end, line)


def between(param: Param[Any], start: Any, end: Any) -> Callable[[float], Any] | None:
    """The value at ``t`` (0..1) between two; None for a kind that has nothing in between, or where each step of the way
    would begin the generator anew or make it work at another size."""
    if not param.live or (isinstance(param, Int) and param.unit == "px"):
        return None
    if isinstance(param, (Float, Int)):
        low, high = param.to_norm(start), param.to_norm(end)
        return lambda t: param.from_norm(low + (high - low) * t)
    if isinstance(param, Point):
        return lambda t: tuple(a + (b - a) * t for a, b in zip(start, end, strict=True))
    if isinstance(param, Color):
        one, two = to_oklab(start), to_oklab(end)
        return lambda t: from_oklab(*(a + (b - a) * t for a, b in zip(one, two, strict=True)))
    return None


# --- places in a latent space ---


def _of_place(line: Line, slot: Slot, param: Text, wanted: ParamSet) -> Glide | None:
    """Place and seed as one: on an arc from where the one look stands to where the other does. None where both stand at
    the same place or a text cannot be read (it then flips as other texts do)."""
    assert slot.stage is not None
    values, place, seed = slot.stage.values, param.name, param.place_of
    try:
        start, end = _where(values, param), _where(wanted, param)
    except places.LatentError:
        return None
    if (values[place], values[seed]) == (wanted[place], wanted[seed]):
        return None
    keeps = places.straying(values[place])
    kept, home = 1.0 if keeps is None else keeps, int(values[seed])
    read_place, write_place = _access(slot, place)
    read_seed, write_seed = _access(slot, seed)

    def write(pair: tuple[str, int]) -> None:
        if pair[1] != read_seed():
            if body := places.held(pair[0])[0]:  # good with any seed, so that no step sees the one without the other
                write_place(body)
            write_seed(pair[1])
        write_place(pair[0])

    def at(t: float) -> tuple[str, int]:
        return places.on_the_way(start, end, t, keeps=kept * (1.0 - t), seed=home), home

    return Glide(((slot.uid, place), (slot.uid, seed)), lambda: (read_place(), read_seed()), write, at,
                 (wanted[place], wanted[seed]), line)


def _where(values: ParamSet, param: Text) -> places.Where:
    seed = int(values[param.place_of])
    text, holds = places.held(values[param.name])
    if not text or holds not in (None, seed):
        return seed
    names = values[param.names_in] if param.names_in in values.params else ""
    return places.parse_point(text, places.parse_points(names))


# --- colours: OKLab (Ottosson 2020), in which equal steps look equal ---


def to_oklab(color: Rgb) -> Rgb:
    """Lightness 0..1 and the two opponent axes of an sRGB colour."""
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color)
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    middle = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def from_oklab(lightness: float, a: float, b: float) -> Rgb:
    """The sRGB colour, clamped to what a screen shows."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    red, green, blue = (
        min(1.0, max(0.0, 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055))
        for part in (max(0.0, part) for part in linear)
    )
    return red, green, blue


