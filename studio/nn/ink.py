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
OVER = 4
"""How much larger ink is painted than it is seen."""
BLEED = 0.5
"""Pixels, of the large painting, by which a filled shape reaches beyond its outline."""
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

    Returns what was touched: left, top, right, bottom, within the mask. It is painted OVER times as large and brought
    down by areas, so that a line of half a pixel is half as dark.
    """
    height, width = mask.shape
    half = np.asarray(widths, np.float64) / 2.0
    room = float(half.max()) + 1.0
    low, high = points.min(0) - room, points.max(0) + room
    left, top = max(0, math.floor(float(low[0]))), max(0, math.floor(float(low[1])))
    right, bottom = min(width, math.ceil(float(high[0]))), min(height, math.ceil(float(high[1])))
    if right <= left or bottom <= top:
        return 0, 0, 0, 0
    part = np.zeros(((bottom - top) * OVER, (right - left) * OVER), np.uint8)
    one = float(1 << _SHIFT)
    spots = (np.asarray(points, np.float64) - (left, top) + 0.5) * OVER - 0.5
    reach = np.maximum(half * OVER - BLEED, 0.5)
    for place, (x, y) in enumerate(spots.tolist()):
        centre = (round(x * one), round(y * one))
        cv2.circle(part, centre, round(float(reach[place]) * one), 255, -1, cv2.LINE_8, _SHIFT)
        if place:
            along = spots[place] - spots[place - 1]
            long = math.hypot(float(along[0]), float(along[1]))
            if long > 1e-3:
                side = np.array([-along[1], along[0]]) / long
                corners = np.array([
                    spots[place - 1] + side * reach[place - 1], spots[place] + side * reach[place],
                    spots[place] - side * reach[place], spots[place - 1] - side * reach[place - 1],
                ])
                cv2.fillConvexPoly(part, np.round(corners * one).astype(np.int32), 255, cv2.LINE_8, _SHIFT)
    fine = cv2.resize(part, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    np.maximum(mask[top:bottom, left:right], fine, out=mask[top:bottom, left:right])
    return left, top, right, bottom


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
