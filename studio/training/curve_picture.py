"""The picture of a training's curves, on the studio's dark ground."""

from __future__ import annotations

import functools
import importlib.util
import math
import tomllib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from studio import paths
from studio.files import atomic_write
from studio.training.curves import DECADE, Curve, Curves, beside, shown_figures, smoothed

SIZE = (1600, 900)
"""Pixels."""
INKS = ("accent", "image", "notes", "good", "text_media", "dim")
_SHIFT = 4
"""Bits of a pixel's fraction in cv2's coordinates."""
_MARGIN, _TOP, _FOOT, _LEFT = 56, 190, 88, 84

Box = tuple[int, int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@functools.lru_cache(maxsize=1)
def _colours() -> dict[str, tuple[int, int, int]]:
    """The dark theme's, as RGB."""
    words = tomllib.loads((paths.bundled("resources") / "theme" / "dark.toml").read_text(encoding="utf-8"))["colors"]
    return {
        name: (int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16))
        for name, text in words.items() if len(text) == 7
    }


@functools.lru_cache(maxsize=8)
def _font(pixels: int, weight: str = "Medium") -> Font:
    spec = importlib.util.find_spec("font_manrope")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = Path(folder) / "files" / f"Manrope-{weight}.ttf"
        if file.is_file():
            return ImageFont.truetype(file, pixels, layout_engine=ImageFont.Layout.BASIC)
    return ImageFont.load_default(pixels)


class _Axes:
    """A frame for curves. ``values`` are all that will be drawn; they decide the range."""

    def __init__(self, box: Box, steps: list[int], values: list[float]) -> None:
        self.box = box
        self.first, self.last = min(steps), max(max(steps), min(steps) + 1)
        self._inset = 12
        positive = [value for value in values if value > 0]
        self.logarithmic = bool(positive) and min(values) >= 0 and max(positive) > DECADE * min(positive)
        self.low, self.high = self._range(positive if self.logarithmic else values)

    def _range(self, values: list[float]) -> tuple[float, float]:
        """With room above and below; a few wild values (one in a hundred) may lie outside a linear axis."""
        if self.logarithmic:
            low, high = math.log10(min(values)), math.log10(max(values))
        else:
            low, high = (float(value) for value in np.quantile(values, (0.005, 0.995)))
        room = 0.06 * (high - low) or max(abs(high) * 0.1, 0.5)
        return low - room, high + room

    def x(self, step: float) -> float:
        left, _, right, _ = self.box
        share = (step - self.first) / (self.last - self.first)
        return left + self._inset + share * (right - left - 2 * self._inset)

    def y(self, value: float) -> float:
        _, top, _, bottom = self.box
        scaled = math.log10(value) if self.logarithmic else value
        return bottom - (scaled - self.low) / (self.high - self.low) * (bottom - top)

    def ticks(self) -> list[float]:
        """Values for the lines across."""
        if self.logarithmic:
            marks = (1.0,) if self.high - self.low > 2.5 else (1.0, 2.0, 5.0)
            decades = range(math.floor(self.low), math.ceil(self.high) + 1)
            found = [mark * 10.0**decade for decade in decades for mark in marks]
            return [value for value in found if self.low <= math.log10(value) <= self.high]
        return _round_numbers(self.low, self.high, 6)

    def polyline(self, points: Curve) -> NDArray[np.int32]:
        kept = [(self.x(s), self.y(v)) for s, v in points if not self.logarithmic or v > 0]
        return np.round(np.array(kept, np.float64).reshape(-1, 2) * (1 << _SHIFT)).astype(np.int32)


def _round_numbers(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten between ``low`` and ``high``, at most about ``most``."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    width = next(mark * power for mark in (1, 2, 5, 10) if mark * power >= rough)
    return [k * width for k in range(math.ceil(low / width), math.floor(high / width) + 1)]


def draw(curves: Curves, path: Path, title: str, recipe: str) -> None:
    """Write the picture. Raises FileError."""
    colours = _colours()
    canvas = np.empty((SIZE[1], SIZE[0], 3), np.uint8)
    canvas[:] = colours["window"]
    figure = next(iter(shown_figures(curves.valid)), "")
    apart = bool(figure) and not beside(figure)
    texts: list[Callable[[ImageDraw.ImageDraw], None]] = []
    bottom = SIZE[1] - _FOOT
    middle = round(SIZE[0] * 0.6) if apart and curves.train else SIZE[0] - _MARGIN
    if curves.train:
        dots = {figure: curves.valid[figure]} if figure and not apart else {}
        box = (_MARGIN + _LEFT, _TOP, middle - (32 if apart else 0), bottom)
        texts += _plot(canvas, box, dict(list(curves.train.items())[: len(INKS)]), dots, curves.rollbacks)
    if apart:
        left = middle + 32 if curves.train else _MARGIN
        texts += _plot(canvas, (left + _LEFT, _TOP, SIZE[0] - _MARGIN, bottom), {}, {figure: curves.valid[figure]}, [])
    image = Image.fromarray(canvas)
    pen = ImageDraw.Draw(image)
    for write in texts:
        write(pen)
    pen.text((_MARGIN, 44), title, colours["text"], _font(40, "Bold"))
    pen.text((_MARGIN, 98), _summary(curves, recipe, figure), colours["dim"], _font(22))
    with atomic_write(path) as temporary:
        image.save(temporary, "PNG", compress_level=1)


def _summary(curves: Curves, recipe: str, figure: str) -> str:
    steps = max(points[-1][0] for points in [*curves.train.values(), *curves.valid.values()])
    words = [f"recipe {recipe}", f"{steps:,} steps"]
    if figure:
        points = curves.valid[figure]
        words.append(f"{figure.replace('_', ' ')} {points[-1][1]:.4g}")
        if len(points) > 1:
            words.append(f"lowest {min(value for _, value in points):.4g}")
    if curves.rollbacks:
        words.append(f"rolled back {len(curves.rollbacks)}×")
    return "   ·   ".join(words)


def _plot(
    canvas: NDArray[np.uint8], box: Box, lines: dict[str, Curve], dots: dict[str, Curve], rollbacks: list[int]
) -> list[Callable[[ImageDraw.ImageDraw], None]]:
    """Draw a frame with its curves; returns what is to be written afterwards."""
    colours = _colours()
    left, top, right, bottom = box
    cv2.rectangle(canvas, (left, top), (right, bottom), colours["field"], -1)
    everything = [point for points in [*lines.values(), *dots.values()] for point in points]
    axes = _Axes(box, [step for step, _ in everything], [value for _, value in everything])
    texts = _grid(canvas, axes)
    for step in rollbacks:
        x = round(axes.x(step))
        for y in range(top, bottom, 12):
            cv2.line(canvas, (x, y), (x, min(y + 5, bottom)), colours["danger"], 1)
    inside = canvas[top : bottom + 1, left : right + 1]
    offset = np.array([left, top]) << _SHIFT
    chosen = [(points, colours[ink]) for points, ink in zip(lines.values(), INKS, strict=False)]
    for points, colour in chosen:  # all of the faint ones first, so that none lies over a smooth one
        faint = tuple(round(0.28 * a + 0.72 * b) for a, b in zip(colour, colours["field"], strict=True))
        cv2.polylines(inside, [axes.polyline(points) - offset], False, faint, 1, cv2.LINE_AA, _SHIFT)
    for points, colour in chosen:
        smooth = list(zip([s for s, _ in points], smoothed([v for _, v in points]), strict=True))
        cv2.polylines(inside, [axes.polyline(smooth) - offset], False, colour, 3, cv2.LINE_AA, _SHIFT)
    legend = [(name.replace("_", " "), colour) for name, (_, colour) in zip(lines, chosen, strict=False)]
    for name, points in dots.items():
        colour = colours["warning"]
        spots = axes.polyline(points) - offset
        cv2.polylines(inside, [spots], False, colour, 2, cv2.LINE_AA, _SHIFT)
        for x, y in spots if len(spots) <= 120 else spots[-1:]:
            cv2.circle(inside, (int(x), int(y)), 5 << _SHIFT, colour, -1, cv2.LINE_AA, _SHIFT)
        legend.append((name.replace("_", " "), colour))
    return [*texts, lambda pen: _legend(pen, box, legend, axes.logarithmic)]


def _grid(canvas: NDArray[np.uint8], axes: _Axes) -> list[Callable[[ImageDraw.ImageDraw], None]]:
    colours, font = _colours(), _font(18)
    left, _, right, bottom = axes.box
    ticks = [(round(axes.y(value)), f"{value:.4g}") for value in axes.ticks()]
    for y, _ in ticks:
        cv2.line(canvas, (left, y), (right, y), colours["line"], 1)
    cv2.line(canvas, (left, bottom), (right, bottom), colours["edge"], 1)
    marks = [(axes.x(step), f"{step:,.0f}") for step in _round_numbers(axes.first, axes.last, 6) if step == int(step)]

    def write(pen: ImageDraw.ImageDraw) -> None:
        for y, text in ticks:
            pen.text((left - 14, y), text, colours["faint"], font, anchor="rm")
        for x, text in marks:
            pen.text((x, bottom + 14), text, colours["faint"], font, anchor="ma")
        pen.text((right, bottom + 44), "steps", colours["faint"], font, anchor="ra")

    return [write]


def _legend(
    pen: ImageDraw.ImageDraw, box: Box, names: list[tuple[str, tuple[int, int, int]]], logarithmic: bool
) -> None:
    """Names above a frame, as many as there is room for."""
    font, colours = _font(20), _colours()
    x, y = float(box[0]), box[1] - 26
    for name, colour in names:
        width = pen.textlength(name, font)
        if x + 30 + width > box[2]:
            break
        pen.rounded_rectangle((x, y - 3, x + 20, y + 2), 2, colour)
        pen.text((x + 30, y), name, colours["text"], font, anchor="lm")
        x += 30 + width + 34
    note = "log scale"
    if logarithmic and x + pen.textlength(note, font) <= box[2]:
        pen.text((box[2], y), note, colours["faint"], font, anchor="rm")
