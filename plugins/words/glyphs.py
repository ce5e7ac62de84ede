"""Letters as masks, drawn once for a size and then only laid down, whole or moved by parts of a pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .faces import Face, Font, stand_ins

Mask = NDArray[np.uint8]

MOST_GLYPHS = 2000
"""Letters that are kept; then the drawing begins anew."""


@dataclass(frozen=True)
class Glyph:
    """A letter: ``fill`` and ``edge`` (its outline, filled) are masks whose middle is the middle of the letter's box;
    ``left`` and ``top`` place ``fill`` from the pen and the base line, ``pad`` is what ``edge`` is larger on each
    side."""

    fill: Mask
    edge: Mask | None
    left: int
    top: int
    pad: int


class Glyphs:
    """The letters of one face at ``pixels`` to the em with an outline of ``stroke`` pixels."""

    def __init__(self, face: Face, pixels: int, stroke: int = 0) -> None:
        self.face, self.pixels, self.stroke = face, max(4, pixels), stroke
        self.font = face.at(self.pixels)
        self.ascent, self.descent = self.font.getmetrics()
        box = self.font.getbbox("H", anchor="ls")
        self.capital = float(-box[1]) or 0.7 * self.pixels
        self._glyphs: dict[str, Glyph] = {}
        self._fonts: dict[str, Font] = {}
        self._advances: dict[str, float] = {}
        self._others: list[Font] | None = None
        self._absent = self._shape(self.font, "\uffff")

    @staticmethod
    def _shape(font: Font, character: str) -> tuple[tuple[int, int], bytes]:
        mask = font.getmask(character, mode="L")
        return mask.size, bytes(mask)

    def _font_of(self, character: str) -> Font:
        """The face itself, or the first stand-in that has the letter."""
        if character not in self._fonts:
            found = self.font
            if not character.isspace() and self._shape(self.font, character) == self._absent:
                if self._others is None:
                    self._others = [face.at(self.pixels) for face in stand_ins()]
                for font in self._others:
                    if self._shape(font, character) != self._shape(font, "\uffff"):
                        found = font
                        break
            self._fonts[character] = found
        return self._fonts[character]

    def advance(self, character: str, following: str = "") -> float:
        """Pixels from this letter's pen to that of the next, kerned."""
        key = character + following
        if key not in self._advances:
            font = self._font_of(character)
            if following and self._font_of(following) is font:
                self._advances[key] = font.getlength(key) - font.getlength(following)
            else:
                self._advances[key] = font.getlength(character)
        return self._advances[key]

    def width(self, text: str, tracking: float = 0.0) -> float:
        """Pixels that a line takes, ``tracking`` added after each letter but the last."""
        pairs = zip(text, [*text[1:], ""], strict=True)
        return sum(self.advance(one, two) for one, two in pairs) + tracking * max(0, len(text) - 1)

    def glyph(self, character: str) -> Glyph | None:
        """The letter's masks; None for what leaves no mark."""
        found = self._glyphs.get(character)
        if found is None:
            if len(self._glyphs) >= MOST_GLYPHS:
                self._glyphs.clear()
            made = self._draw(character)
            if made is None:
                return None
            found = self._glyphs[character] = made
        return found

    def _draw(self, character: str) -> Glyph | None:
        if character.isspace() or not character.isprintable():
            return None
        font = self._font_of(character)
        mask, (left, top) = font.getmask2(character, mode="L", anchor="ls")
        width, height = mask.size
        if not width or not height:
            return None
        # a pixel of nothing around it, so that a moved letter keeps its soft edges
        fill = np.pad(np.array(mask, np.uint8).reshape(height, width), 1)
        edge = None
        if self.stroke:
            wide = np.pad(fill, self.stroke + 1)
            size = 2 * self.stroke + 1
            edge = np.asarray(cv2.dilate(wide, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))), np.uint8)
            edge = np.asarray(cv2.GaussianBlur(edge, (0, 0), 0.6), np.uint8)
        return Glyph(fill, edge, left - 1, top - 1, self.stroke + 1 if edge is not None else 0)


def lay(layer: Mask, mask: Mask, x: float, y: float, alpha: float = 1.0, scale: float = 1.0) -> None:
    """Lay a mask with its top left corner at (x, y) pixels, by parts of a pixel; where masks meet the lighter counts.
    ``scale`` is about its middle."""
    if alpha <= 0.004 or scale <= 0.02:
        return
    height, width = mask.shape
    if scale != 1.0:
        x += width * (1.0 - scale) / 2
        y += height * (1.0 - scale) / 2
    left, top = math.floor(x), math.floor(y)
    if scale != 1.0 or abs(x - left) > 0.02 or abs(y - top) > 0.02:
        size = (math.ceil(width * scale) + 1, math.ceil(height * scale) + 1)
        move = np.array([[scale, 0.0, x - left], [0.0, scale, y - top]], np.float32)
        mask = np.asarray(cv2.warpAffine(mask, move, size, flags=cv2.INTER_LINEAR), np.uint8)
        height, width = mask.shape
    if alpha < 0.996:
        mask = np.asarray(cv2.convertScaleAbs(mask, alpha=alpha), np.uint8)
    upper, lower = max(0, top), min(layer.shape[0], top + height)
    first, last = max(0, left), min(layer.shape[1], left + width)
    if upper >= lower or first >= last:
        return
    place = layer[upper:lower, first:last]
    np.maximum(place, mask[upper - top : lower - top, first - left : last - left], out=place)
