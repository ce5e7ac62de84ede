"""A sheet of written lines, as picture and as SVG, to look at while a network learns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from studio.nn.ink import curve, lay, pressed

UNIT, MARGIN, LEADING, PEN = 24.0, 36.0, 4.0, 0.11
"""Pixels of a small x and of the edge; heights of a small x from line to line, and of the pen's width."""
PAPER, INK = (251, 248, 240), (28, 47, 102)

Points = NDArray[np.float32]


def placed(lines: Sequence[Points]) -> tuple[list[Points], tuple[int, int]]:
    """Strokes in pixels of lines of points ``(n, 3)`` (dx, dy in x-heights, pen up), and the size of the sheet."""
    strokes: list[Points] = []
    wide = 300.0
    for number, points in enumerate(lines):
        xy = np.cumsum(points[:, :2].astype(np.float32), axis=0) * np.array((UNIT, -UNIT), np.float32)
        xy += np.array((MARGIN, MARGIN + UNIT * (2.5 + LEADING * number)), np.float32)
        wide = max(wide, float(xy[:, 0].max(initial=0.0)) + MARGIN)
        begin = 0
        for end in [*np.flatnonzero(points[:, 2] > 0.5).tolist(), len(points) - 1]:
            if end >= begin:
                strokes.append(_smooth(xy[begin : end + 1]))
            begin = end + 1
    return strokes, (min(4000, round(wide)), round(2 * MARGIN + UNIT * LEADING * len(lines)))


def _smooth(xy: Points) -> Points:
    if len(xy) < 3:
        return xy
    ends = np.vstack([xy[:1], xy, xy[-1:]])
    return np.vstack([xy[:1], *(curve(*ends[k : k + 4])[1:] for k in range(len(xy) - 1))])


def picture(lines: Sequence[Points]) -> NDArray[np.uint8]:
    """The sheet as uint8 RGB ``(height, width, 3)``."""
    strokes, (wide, tall) = placed(lines)
    mask = np.zeros((tall, wide), np.uint8)
    for stroke in strokes:
        lay(mask, stroke, pressed(stroke, 0.6, unit=UNIT / 5.0) * np.float32(PEN * UNIT))
    share = mask[:, :, None].astype(np.float32) / 255.0
    paper, ink = np.array(PAPER, np.float32), np.array(INK, np.float32)
    return np.asarray(paper + (ink - paper) * share + 0.5, np.uint8)


def sheet(lines: Sequence[Points]) -> str:
    """The sheet as SVG."""
    strokes, (wide, tall) = placed(lines)
    drawn = "".join(
        '<polyline points="' + " ".join(f"{x:.1f},{y:.1f}" for x, y in stroke.tolist()) + '"/>' for stroke in strokes
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" width="{wide}" height="{tall}">'
        f'<rect width="{wide}" height="{tall}" fill="rgb{PAPER}"/><g fill="none" stroke="rgb{INK}" '
        f'stroke-width="{PEN * UNIT:.1f}" stroke-linecap="round" stroke-linejoin="round">{drawn}</g></svg>\n'
    )
