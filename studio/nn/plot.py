"""Plots that are pictures: glowing lines, filled curves and small type on a dark ground, for a stage.

Colours are floats 0..1; light adds up, so that where two curves agree it gets brighter. Places are pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[float, float, float]
Places = NDArray[np.float64]
"""``(points, 2)``: x and y in pixels."""

GROUND: Colour = (0.016, 0.016, 0.028)
GOLD: Colour = (0.88, 0.70, 0.38)
BLUE: Colour = (0.36, 0.74, 0.95)
PINK: Colour = (0.95, 0.50, 0.70)
VIOLET: Colour = (0.66, 0.60, 0.96)
TEXT: Colour = (0.78, 0.80, 0.86)
SHIFT = 4
"""Bits of a pixel's fraction that lines are placed by."""
HALO = 8.0
"""How far light is shed, in units."""
KNEE = 0.8
"""Light above this is compressed, so that no colour is cut."""


class Plot:
    """A picture that light is drawn on. ``unit`` is a thickness that looks the same at every size."""

    def __init__(self, width: int, height: int, ground: Colour = GROUND) -> None:
        self.width, self.height = width, height
        self.unit = min(width / 16, height / 9) / 60
        self.light = np.empty((3, height, width), np.float32)
        self.light[:] = np.array(ground, np.float32)[:, None, None]

    def line(
        self, points: Places, colour: Colour, thickness: float = 1.5, glow: float = 0.0, strength: float = 1.0,
        closed: bool = False,
    ) -> None:
        """A line through ``points``; ``thickness`` in units; ``glow`` how much light it sheds around it."""
        self.lines([points], colour, thickness, glow, strength, closed)

    def lines(
        self, many: list[Places], colour: Colour, thickness: float = 1.5, glow: float = 0.0, strength: float = 1.0,
        closed: bool = False,
    ) -> None:
        """Several lines of one colour; where they cross they are no brighter."""
        pen = thickness * self.unit

        def draw(ink: NDArray[np.uint8], fixed: list[NDArray[np.int32]]) -> None:
            cv2.polylines(ink, fixed, closed, 255, max(1, round(pen)), cv2.LINE_AA, SHIFT)

        # thinner than a pixel: fainter
        self._draw([points for points in many if len(points) > 1], draw, colour, (strength * min(1.0, pen), glow), pen)

    def fill(self, points: Places, colour: Colour, strength: float = 0.3) -> None:
        """The inside of an outline."""

        def draw(ink: NDArray[np.uint8], fixed: list[NDArray[np.int32]]) -> None:
            cv2.fillPoly(ink, fixed, 255, cv2.LINE_AA, SHIFT)

        self._draw([points], draw, colour, (strength, 0.0), 0.0)

    def dots(
        self, points: Places, colour: Colour, radius: float = 1.6, glow: float = 0.0, strength: float = 1.0
    ) -> None:
        """Round dots."""
        size = max(1, round(radius * self.unit * (1 << SHIFT)))

        def draw(ink: NDArray[np.uint8], fixed: list[NDArray[np.int32]]) -> None:
            for x, y in fixed[0][:, 0].tolist():
                cv2.circle(ink, (x, y), size, 255, -1, cv2.LINE_AA, SHIFT)

        self._draw([points], draw, colour, (strength, glow), radius * self.unit)

    def _draw(
        self, many: list[Places], draw: Callable[[NDArray[np.uint8], list[NDArray[np.int32]]], None], colour: Colour,
        strength: tuple[float, float], pen: float,
    ) -> None:
        """Let ``draw`` ink the part of the picture that it needs, and add that as light and, perhaps, its halo."""
        if not many or not sum(map(len, many)):
            return
        # far outside is as good as outside: whole numbers have an end
        inside = np.clip(np.nan_to_num(np.concatenate(many)), -4000, 12_000)
        halo = HALO * self.unit if strength[1] > 0 else 0.0
        room = pen + 3 * halo + 2
        low, high = inside.min(0) - room, inside.max(0) + room
        left, top = (max(0, int(value)) for value in low)
        right, bottom = (min(most, int(value) + 1) for value, most in zip(high, (self.width, self.height), strict=True))
        if right <= left or bottom <= top:
            return
        ink = np.zeros((bottom - top, right - left), np.uint8)
        fixed = np.round((inside - (left, top)) * (1 << SHIFT)).astype(np.int32)[:, None]
        draw(ink, np.split(fixed, np.cumsum([len(points) for points in many])[:-1]))
        place = slice(top, bottom), slice(left, right)
        self.light_up(ink, place, colour, strength[0])
        if halo:
            self.light_up(_blurred(ink, halo), place, colour, strength[0] * strength[1])

    def light_up(
        self, ink: NDArray[Any], place: tuple[slice, slice], colour: Colour, strength: float = 1.0
    ) -> None:
        """Light of one colour on the rows and columns of ``place``, as much as ``ink``, 0..255, says."""
        light = ink.astype(np.float32)
        light *= np.float32(strength / 255)
        for channel, value in enumerate(colour):
            if value > 0:
                self.light[channel, place[0], place[1]] += light * np.float32(value)

    def add(self, ink: NDArray[Any], colour: Colour, strength: float = 1.0) -> None:
        """Light of one colour where ``ink`` ``(height, width)``, 0..1, is."""
        self.light_up(ink, (slice(None), slice(None)), colour, 255 * strength)

    def text(
        self, words: str, x: float, y: float, colour: Colour = TEXT, size: float = 13.0, align: str = "left",
        strength: float = 1.0,
    ) -> None:
        """Type of ``size`` units with its base line at ``y``; ``align`` left, right or centre."""
        ink = _type(words, max(6, round(size * self.unit)))
        left = round(x - {"left": 0.0, "right": 1.0, "centre": 0.5}[align] * ink.shape[1])
        top = round(y - 0.8 * ink.shape[0])
        rows = slice(max(0, top), min(self.height, top + ink.shape[0]))
        columns = slice(max(0, left), min(self.width, left + ink.shape[1]))
        if rows.stop <= rows.start or columns.stop <= columns.start:
            return
        part = ink[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        self.light_up(part, (rows, columns), colour, strength)

    def frame(self) -> NDArray[np.uint8]:
        """The picture, ``uint8 (height, width, 3)``. What is brighter than white turns white softly."""
        bright = self.light > KNEE
        self.light[bright] = 1.0 - (1.0 - KNEE) * np.exp((KNEE - self.light[bright]) / (1.0 - KNEE))
        return np.asarray(cv2.merge([cv2.convertScaleAbs(plane, alpha=255.0) for plane in self.light]), np.uint8)


def _blurred(ink: NDArray[np.uint8], radius: float) -> NDArray[np.float32]:
    """A soft halo, computed at a quarter of the size."""
    height, width = ink.shape
    small = cv2.resize(ink, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    halo = cv2.GaussianBlur(small.astype(np.float32), (0, 0), max(0.5, radius / 4))
    return np.asarray(cv2.resize(halo, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


@lru_cache(maxsize=256)
def _type(words: str, pixels: int) -> NDArray[np.uint8]:
    """White words on black, ``uint8 (height, width)``."""
    font = ImageFont.load_default(pixels)
    width = max(1, int(font.getlength(words)) + 2)
    image = Image.new("L", (width, round(pixels * 1.3)))
    ImageDraw.Draw(image).text((1, round(pixels * 1.04)), words, 255, font, anchor="ls")
    return np.asarray(image, np.uint8)


class Trace:
    """All that a number has been so far, in at most ``most`` places: when they are full, pairs become their means."""

    def __init__(self, most: int = 512) -> None:
        self.most, self.every = most, 1
        self.values: list[float] = []
        self._waiting: list[float] = []

    def add(self, value: float) -> None:
        self._waiting.append(value)
        if len(self._waiting) < self.every:
            return
        self.values.append(float(np.mean(self._waiting)))
        self._waiting.clear()
        if len(self.values) >= self.most:
            self.values = np.array(self.values[: self.most // 2 * 2]).reshape(-1, 2).mean(1).tolist()
            self.every *= 2


def curves(plot: Plot, traces: list[tuple[Trace, Colour]], box: tuple[float, float, float, float]) -> None:
    """Traces as curves in a box (left, top, right, bottom), all on one scale; the middle 98 % of them fill it."""
    left, top, right, bottom = box
    shown = [(np.array(trace.values), colour) for trace, colour in traces if len(trace.values) > 1]
    if not shown:
        return
    low, high = np.quantile(np.concatenate([values for values, _ in shown]), (0.01, 0.99))
    room = max(1e-6, float(high - low))
    for values, colour in shown:
        x = np.linspace(left, right, len(values))
        y = bottom - (np.clip(values, low, high) - low) / room * (bottom - top)
        plot.line(np.stack([x, y], 1), colour, 1.3, glow=0.5, strength=0.85)
