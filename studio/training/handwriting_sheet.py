"""A sheet of written lines as SVG, to look at while a network learns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

UNIT, MARGIN, LEADING = 22.0, 30.0, 4.0


def sheet(lines: Sequence[NDArray[np.float32]]) -> str:
    """SVG of lines of points ``(n, 3)``: dx, dy in x-heights, pen up."""
    paths: list[str] = []
    wide = 300.0
    for number, points in enumerate(lines):
        xy = np.cumsum(points[:, :2].astype(float), axis=0) * (UNIT, -UNIT)
        xy += (MARGIN, MARGIN + UNIT * (2.5 + LEADING * number))
        wide = max(wide, float(xy[:, 0].max(initial=0.0)) + MARGIN)
        begin = 0
        for end in [*np.flatnonzero(points[:, 2] > 0.5), len(points) - 1]:
            if end >= begin:
                paths.append(" ".join(f"{x:.1f},{y:.1f}" for x, y in xy[begin : end + 1]))
            begin = int(end) + 1
    tall = 2 * MARGIN + UNIT * LEADING * len(lines)
    drawn = "".join(f'<polyline points="{path}"/>' for path in paths)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {tall:.0f}" width="{wide:.0f}" '
        f'height="{tall:.0f}"><rect width="100%" height="100%" fill="#fbf8f0"/><g fill="none" stroke="#1c2f66" '
        f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round">{drawn}</g></svg>\n'
    )
