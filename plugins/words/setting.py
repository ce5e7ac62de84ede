"""Setting the page over a picture: where each letter stands and how it moves, and the layers that are laid over it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .glyphs import Glyphs, Mask, lay
from .page import Letter, Line, Page

Picture = NDArray[np.float32]

MARGIN = 0.055
"""The part of the picture's height that stays free at its edges."""
LEAVING = 0.75
"""Beats in which a line that leaves is gone."""
GLIDE = 0.09
"""Seconds in which a line moves most of its way to another place."""

ENTRANCES = ("typewriter", "fade", "rise", "fall", "grow", "scatter")
MOVES = ("still", "shake", "bounce", "pulse", "wave", "flash")
ALIGNS = ("left", "centre", "right")


@dataclass(frozen=True)
class Look:
    """Everything about the type that is not the letters. Lengths are in em where nothing else is said."""

    size: float = 0.09
    leading: float = 1.2
    tracking: float = 0.0
    place: tuple[float, float] = (0.5, 0.85)
    align: str = "centre"
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)
    opacity: float = 1.0
    shadow: float = 0.6
    outline_colour: tuple[float, float, float] = (0.0, 0.0, 0.0)
    entrance: str = "rise"
    entry: float = 0.5
    move: str = "still"
    amount: float = 0.5
    caret: bool = False


def _bits(*key: int) -> float:
    """-1..1, always the same for a key: what looks random must render alike each time."""
    value = 0x9E3779B97F4A7C15
    for part in key:
        value = ((value ^ (part + 0x7F4A7C15)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
        value ^= value >> 29
    return (value >> 11) / 2.0**52 - 1.0


class Setter:
    """Sets a page, frame after frame. ``hit`` is 1 on a beat and fades until the next; see ``paint``."""

    def __init__(self) -> None:
        self._first_row = 0.0
        self._still: tuple[object, tuple[int, int], Picture, Picture] | None = None
        self._where: dict[int, float] = {}

    def room(self, look: Look, size: tuple[int, int]) -> float:
        """Pixels that a line may take in a picture of ``size`` (width, height)."""
        return max(2.0 * look.size * size[1], size[0] - 2.0 * MARGIN * size[1])

    def paint(self, frame: Picture, page: Page, look: Look, glyphs: Glyphs, now: float, dt: float, hit: float) -> None:
        """Set ``page`` over ``frame``, in place: float32 ``(height, width, 3)`` 0..1. ``now`` is in beats."""
        height, width = frame.shape[:2]
        begun = page.begun(now)
        lines = [*page.leaving, *begun]
        if not lines or look.opacity <= 0:
            self._where.clear()
            return
        moving = self._place(lines, len(begun), look, glyphs, (width, height), dt)
        busy = moving or look.move != "still" or look.caret or bool(page.leaving) or any(
            now - letter.born < look.entry + 0.01 for line in begun for letter in line.letters[-80:])
        key = (look, id(glyphs), width, height, page.last_born, tuple(line.text for line in begun))
        if busy or self._still is None or self._still[0] != key:
            drawn = self._draw(lines, len(begun), look, glyphs, (width, height), now, hit)
            if drawn is None:
                return
            self._still = (key, *drawn)
        _, (left, top), keep, light = self._still
        place = frame[top : top + keep.shape[0], left : left + keep.shape[1]]
        np.multiply(place, keep, out=place)
        np.add(place, light, out=place)

    # --- where ---

    def _place(
        self, lines: list[Line], standing: int, look: Look, glyphs: Glyphs, size: tuple[int, int], dt: float
    ) -> bool:
        """Move every line towards where it belongs; True while one is on its way."""
        width, height = size
        margin = MARGIN * height
        step = look.leading * glyphs.pixels
        if standing:
            self._first_row = lines[-standing].row
        rows = standing or 1
        # the block hangs from the top at 0, stands on the bottom at 1 and is centred between
        block = step * (rows - 1) + glyphs.capital
        top = margin + look.place[1] * max(0.0, height - 2 * margin - block - glyphs.descent)
        anchor = margin + look.place[0] * (width - 2 * margin)
        share = 1.0 - math.exp(-dt / GLIDE)
        moving = False
        seen = set()
        for line in lines:
            wide = glyphs.width(line.text, look.tracking * glyphs.pixels)
            x = anchor - {"left": 0.0, "centre": 0.5, "right": 1.0}[look.align] * wide
            x = max(margin, min(x, width - margin - wide))  # whatever the place, the line stays in the picture
            y = top + glyphs.capital + (line.row - self._first_row) * step
            seen.add(line.row)
            old = self._where.get(line.row)
            line.x = x if line.x is None else line.x + (x - line.x) * share
            self._where[line.row] = y if old is None else old + (y - old) * share
            if abs(x - line.x) < 0.3 and abs(y - self._where[line.row]) < 0.3:
                line.x, self._where[line.row] = round(x), round(y)
            else:
                moving = True
        self._where = {row: y for row, y in self._where.items() if row in seen}
        return moving

    # --- how ---

    def _draw(
        self, lines: list[Line], standing: int, look: Look, glyphs: Glyphs, size: tuple[int, int], now: float,
        hit: float,
    ) -> tuple[tuple[int, int], Picture, Picture] | None:
        """What is kept of the picture and the light that is added, in the box at (left, top)."""
        box = self._box(lines, look, glyphs, size)
        if box is None:
            return None
        left, top, width, height = box
        fill, edge = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
        for line in lines:
            light = 1.0 if line.left_at is None else 1.0 - (now - line.left_at) / LEAVING
            self._line(line, look, glyphs, (fill, edge if glyphs.stroke else None), (left, top), now, hit, light)
        if look.caret and standing:
            self._caret(lines[-1], look, glyphs, fill, (left, top), now)
        return (left, top), *_composed(fill, edge if glyphs.stroke else None, look, glyphs.pixels, hit)

    def _box(
        self, lines: list[Line], look: Look, glyphs: Glyphs, size: tuple[int, int]
    ) -> tuple[int, int, int, int] | None:
        reach = round(1.3 * glyphs.pixels + glyphs.stroke)
        ends = [(line.x or 0.0) + glyphs.width(line.text, look.tracking * glyphs.pixels) for line in lines]
        left = max(0, math.floor(min(line.x or 0.0 for line in lines)) - reach)
        right = min(size[0], math.ceil(max(ends)) + reach)
        rows = [self._where[line.row] for line in lines]
        top = max(0, math.floor(min(rows)) - glyphs.ascent - reach // 2)
        bottom = min(size[1], math.ceil(max(rows)) + glyphs.descent + reach // 2)
        return (left, top, right - left, bottom - top) if right > left and bottom > top else None

    def _line(
        self, line: Line, look: Look, glyphs: Glyphs, layers: tuple[Mask, Mask | None], corner: tuple[int, int],
        now: float, hit: float, light: float,
    ) -> None:
        pen, base = (line.x or 0.0) - corner[0], self._where[line.row] - corner[1]
        text, track = line.text, look.tracking * glyphs.pixels
        for index, character in enumerate(text):
            letter = line.letters[index]
            glyph = glyphs.glyph(character)
            if glyph is not None and now >= letter.born:
                dx, dy, alpha, scale = moved(letter, look, glyphs.pixels, now, hit)
                x, y = pen + glyph.left + dx, base + glyph.top + dy
                lay(layers[0], glyph.fill, x, y, alpha * light, scale)
                if layers[1] is not None and glyph.edge is not None:
                    lay(layers[1], glyph.edge, x - glyph.pad, y - glyph.pad, alpha * light, scale)
            pen += glyphs.advance(character, text[index + 1 : index + 2]) + track

    def _caret(
        self, line: Line, look: Look, glyphs: Glyphs, fill: Mask, corner: tuple[int, int], now: float
    ) -> None:
        """A bar after the last letter that is seen; it blinks on the beat once nothing is written."""
        written = [letter for letter in line.letters if letter.born <= now]
        if written and now - written[-1].born > 0.5 and now % 1.0 > 0.5:
            return
        text = "".join(letter.character for letter in written)
        x = (line.x or 0.0) + glyphs.width(text, look.tracking * glyphs.pixels) + 0.06 * glyphs.pixels - corner[0]
        base = self._where[line.row] - corner[1]
        wide = max(2, round(0.06 * glyphs.pixels))
        top, bottom = round(base - glyphs.capital * 1.06), round(base + glyphs.capital * 0.12)
        fill[max(0, top) : max(0, bottom), max(0, round(x)) : max(0, round(x) + wide)] = 255


def moved(letter: Letter, look: Look, em: float, now: float, hit: float) -> tuple[float, float, float, float]:
    """How far a letter is from its place (x, y in pixels), how much of it is seen (0..1) and how large it is."""
    age = now - letter.born
    part = 1.0 if look.entry <= 0 or look.entrance == "typewriter" else min(1.0, max(0.0, age / look.entry))
    way = (1.0 - part) ** 3  # quickly in, gently to rest
    alpha = min(1.0, 1.6 * part)
    dx = dy = 0.0
    scale = 1.0
    if part < 1.0:
        if look.entrance == "rise":
            dy = 0.55 * em * way
        elif look.entrance == "fall":
            dy = -0.9 * em * (1.0 - _landing(part))
        elif look.entrance == "grow":
            scale = 0.35 + 0.65 * _overshoot(part)
        elif look.entrance == "scatter":
            dx, dy = (1.2 * em * way * _bits(letter.number, axis) for axis in (1, 2))
    force = look.amount
    if look.move == "shake":
        beat = math.floor(now)
        dx += 0.14 * em * force * hit * _bits(letter.number, beat, 3)
        dy += 0.14 * em * force * hit * _bits(letter.number, beat, 4)
    elif look.move == "bounce":
        dy -= 0.32 * em * force * hit
    elif look.move == "pulse":
        scale *= 1.0 + 0.22 * force * hit
    elif look.move == "wave":
        dy += 0.18 * em * force * math.sin(2.0 * math.pi * (now / 2.0 - letter.number / 11.0))
    return dx, dy, alpha, scale


def _landing(part: float) -> float:
    """0..1 with a small bounce at the end."""
    if part < 0.7:
        return (part / 0.7) ** 2
    return 1.0 - 0.09 * math.sin((part - 0.7) / 0.3 * math.pi)


def _overshoot(part: float) -> float:
    """0..1, a little beyond on the way."""
    rest = part - 1.0
    return 1.0 + 2.4 * rest**3 + 1.4 * rest**2


def _composed(fill: Mask, edge: Mask | None, look: Look, em: float, hit: float) -> tuple[Picture, Picture]:
    """Shadow under outline under letters: the share of the picture that is kept and the light that is
    added, both ``(height, width, 3)``."""
    unit = np.float32(1.0 / 255.0)
    keep = np.ones(fill.shape, np.float32)
    if look.shadow > 0:
        keep -= _shadow(fill if edge is None else edge, look.shadow, em)
    colour = np.array(look.colour, np.float32)
    if look.move == "flash":
        colour = colour + (1.0 - colour) * np.float32(min(1.0, look.amount * hit))
        colour *= np.float32(1.0 - 0.45 * look.amount * (1.0 - hit))
    planes: list[Picture] = []
    for mask, ink in ((edge, np.array(look.outline_colour, np.float32)), (fill, colour)):
        if mask is None:
            continue
        alpha = mask.astype(np.float32)
        alpha *= unit
        rest = 1.0 - alpha
        keep *= rest
        under = [plane * rest for plane in planes] or [np.float32(0.0)] * 3
        planes = [below + alpha * channel for below, channel in zip(under, ink, strict=True)]
    light = cv2.merge(planes)
    if look.opacity < 1.0:
        light *= np.float32(look.opacity)
        keep = 1.0 - np.float32(look.opacity) * (1.0 - keep)
    # three channels of the same: a row is then one run of numbers, which is several times as fast to multiply
    return np.asarray(cv2.merge([keep, keep, keep]), np.float32), np.asarray(light, np.float32)


def _shadow(mask: Mask, strength: float, em: float) -> Picture:
    """A soft dark ground below and around the letters, which makes them readable over any picture: 0..1."""
    few = max(1, round(em / 16))
    small = cv2.resize(mask, (max(1, mask.shape[1] // few), max(1, mask.shape[0] // few)), interpolation=cv2.INTER_AREA)
    near = cv2.GaussianBlur(small, (0, 0), max(0.5, 0.05 * em / few))
    wide = cv2.GaussianBlur(small, (0, 0), max(0.8, 0.30 * em / few))
    both = np.maximum(near.astype(np.float32) * 0.8, np.minimum(wide.astype(np.float32) * 1.6, 255.0))
    move = np.array([[1, 0, 0.0], [0, 1, 0.05 * em / few]], np.float32)
    both = cv2.warpAffine(both, move, (small.shape[1], small.shape[0]), flags=cv2.INTER_LINEAR)
    full = cv2.resize(both, (mask.shape[1], mask.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.minimum(full * np.float32(strength / 255.0), strength), np.float32)
