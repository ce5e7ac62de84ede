"""Ink on paper: how wide a pen's line is where, and painting it, piece by piece, without steps at the edges."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
Mask = NDArray[np.uint8]

_SHIFT = 4
"""Bits of a pixel's fraction that OpenCV draws with."""
BLEED = 0.4
"""Pixels by which a smooth edge is wider than its shape, at each side."""
FINE = 5
"""Pieces of a curve between two points."""


def pressed(points: Points, contrast: float, *, unit: float, before: float = 1.0) -> Points:
    """Width factors ``(n,)`` of a line through ``points`` ``(n, 2)`` (y downwards): a pointed pen.

    Down strokes swell, quick ones thin, with ``contrast`` 0 (a fineliner) to 1 (a quill). ``unit`` is the height of a
    small x in the same units; ``before`` the factor with which the line begins.
    """
    points = np.asarray(points, np.float32)
    if len(points) < 2:
        return np.full(len(points), before, np.float32)
    steps = np.gradient(points, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    down = steps[:, 1] / np.maximum(lengths, 1e-6)
    quick = np.clip(lengths / (0.5 * unit), 0.0, 2.0) - 0.8
    wished = 1.0 + contrast * (0.55 * np.clip(down, -0.7, 1.0) - 0.22 * quick)
    made = np.empty(len(points), np.float32)
    width = before
    for place, wish in enumerate(wished):  # a nib opens and closes, it does not jump
        width += 0.5 * (float(wish) - width)
        made[place] = max(0.25, width)
    return made


def curve(a: Points, b: Points, c: Points, d: Points) -> Points:
    """Points ``(FINE + 1, 2)`` from ``b`` to ``c`` on the curve of Catmull and Rom through the four."""
    t = np.linspace(0.0, 1.0, FINE + 1, dtype=np.float32)[:, None]
    made = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.asarray(made, np.float32)


def lay(mask: Mask, points: Points, widths: Points) -> tuple[int, int, int, int]:
    """Lay ink on ``mask`` ``(height, width)`` (0 none, 255 full) along ``points``, ``widths`` pixels wide.

    Returns what was touched: left, top, right, bottom, within the mask.
    """
    height, width = mask.shape
    one = 1 << _SHIFT
    half = np.maximum(np.asarray(widths, np.float64) / 2.0 - BLEED, 0.3)
    for place, (x, y) in enumerate(points):
        centre = (round(float(x) * one), round(float(y) * one))
        cv2.circle(mask, centre, round(float(half[place]) * one), 255, -1, cv2.LINE_AA, _SHIFT)
        if place:
            along = points[place] - points[place - 1]
            long = math.hypot(float(along[0]), float(along[1]))
            if long > 1e-3:
                side = np.array([-along[1], along[0]]) / long
                corners = np.array([
                    points[place - 1] + side * half[place - 1], points[place] + side * half[place],
                    points[place] - side * half[place], points[place - 1] - side * half[place - 1],
                ])
                cv2.fillConvexPoly(mask, np.round(corners * one).astype(np.int32), 255, cv2.LINE_AA, _SHIFT)
    room = float(half.max()) + 2.0
    low, high = points.min(0) - room, points.max(0) + room
    return (
        max(0, math.floor(float(low[0]))), max(0, math.floor(float(low[1]))),
        max(0, min(width, math.ceil(float(high[0])))), max(0, min(height, math.ceil(float(high[1])))),
    )


def stain(frame: NDArray[np.uint8], ground: NDArray[np.uint8], mask: Mask, colour: tuple[float, float, float],
          box: tuple[int, int, int, int]) -> None:
    """Compose ``frame`` within ``box`` anew: ``ground`` under ink of ``colour`` (0..1)."""
    left, top, right, bottom = box
    if right <= left or bottom <= top:
        return
    share = mask[top:bottom, left:right, None].astype(np.float32) * np.float32(1.0 / 255.0)
    under = ground[top:bottom, left:right].astype(np.float32)
    inked = np.array(colour, np.float32) * np.float32(255.0)
    frame[top:bottom, left:right] = (under + (inked - under) * share + np.float32(0.5)).astype(np.uint8)
