"""SVG of what a pen has drawn: as ink with its pressure, or as bare centre lines for plotters."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.export.recipe import pack
from studio.export.writers import Writer
from studio.media import Drawing, Frame, Stroke
from studio.params import Bool, Choice

Array = NDArray[np.floating[Any]]


class SvgWriter(Writer):
    """SVG: strokes, sharp at any size. Only generators that draw with a pen give it any."""

    draws = True
    lines = Choice("ink", ("ink", "centre"), help="ink: outlines that swell with the pressure of the pen; centre: one "
                                                  "thin line per stroke, for pen plotters and engravers")
    paper = Bool(True, help="A ground in the colour of the paper; without it the drawing is transparent")

    def _begin(self) -> None:
        self._drawing: Drawing | None = None

    def _add(self, media: Frame) -> None:
        """The picture itself is not written; its strokes come with ``draw``."""

    def draw(self, drawing: Drawing) -> None:
        self._drawing = drawing

    def _finish(self) -> None:
        if self._drawing is None:
            raise self._fault(
                "what made this picture does not draw with a pen, so there are no strokes; choose .png, or a generator "
                "such as handwriting at the end of the chain"
            )
        text = svg_text(self._drawing, ink=self.lines == "ink", paper=self.paper, recipe=self.recipe)
        self._temporary.write_text(text, encoding="utf-8", newline="\n")
        self.report.update(strokes=len(self._drawing.strokes), size=(self._drawing.width, self._drawing.height))


def svg_text(drawing: Drawing, *, ink: bool = True, paper: bool = True, recipe: dict[str, Any] | None = None) -> str:
    """The whole file. Strokes of one colour that follow each other are one group."""
    wide, tall = drawing.width, drawing.height
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:reverie="urn:reverie-studio:recipe:1" '
        f'width="{wide}" height="{tall}" viewBox="0 0 {wide} {tall}">\n'
    ]
    if recipe is not None:
        body = html.escape(pack(recipe), quote=False)
        parts.append(f"<metadata><reverie:recipe>{body}</reverie:recipe></metadata>\n")
    if paper:
        parts.append(f'<rect width="{wide}" height="{tall}" fill="{drawing.paper}"/>\n')
    colour = None
    for stroke in drawing.strokes:
        if stroke.colour != colour:
            parts.append("</g>\n" if colour else "")
            colour = stroke.colour
            parts.append(f'<g fill="{colour}">\n' if ink else
                         f'<g fill="none" stroke="{colour}" stroke-linecap="round" stroke-linejoin="round">\n')
        parts.append(_ink(stroke) if ink else _centre(stroke))
    return "".join([*parts, "</g>\n" if colour else "", "</svg>\n"])


def _centre(stroke: Stroke) -> str:
    """One cubic per step: Catmull and Rom's curve through the points, exactly."""
    points = stroke.points.astype(float)
    width = max(0.1, float(np.median(stroke.widths)))
    if len(points) == 1:
        points = np.repeat(points, 2, axis=0)
        points[1, 0] += 0.01
    ends = np.vstack([points[:1], points, points[-1:]])
    before = points[:-1] + (points[1:] - ends[:-3]) / 6.0
    after = points[1:] - (ends[3:] - points[:-1]) / 6.0
    curves = " ".join(
        "C" + " ".join(f"{x:.2f},{y:.2f}" for x, y in three) for three in zip(before, after, points[1:], strict=True)
    )
    return f'<path stroke-width="{width:.2f}" d="M{points[0, 0]:.2f},{points[0, 1]:.2f} {curves}"/>\n'


def _ink(stroke: Stroke) -> str:
    """The outline of a line that swells and thins, with round ends."""
    points, half = _dense(stroke.points.astype(float), np.maximum(stroke.widths.astype(float), 0.05) / 2.0)
    if len(points) < 2 or float(np.hypot(*np.ptp(points, axis=0))) < 1e-3:
        x, y = points[0]
        return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{half.max():.2f}"/>\n'
    steps = np.gradient(points, axis=0)
    steps /= np.maximum(np.hypot(*steps.T), 1e-9)[:, None]
    side = np.stack([-steps[:, 1], steps[:, 0]], 1) * half[:, None]
    left, right = points + side, (points - side)[::-1]
    first, last = f"{half[0]:.2f}", f"{half[-1]:.2f}"
    return (f'<path fill-rule="nonzero" d="M{_row(left)} A{last},{last} 0 0 0 {_row(right[:1])} L{_row(right[1:])} '
            f'A{first},{first} 0 0 0 {_row(left[:1])} Z"/>\n')


def _row(points: Array | Sequence[Any]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)


def _dense(points: Array, half: Array, fine: int = 4) -> tuple[Array, Array]:
    """Catmull and Rom's curve as short straight pieces, its half widths between."""
    if len(points) < 3:
        return points, half
    ends = np.vstack([points[:1], points, points[-1:]])
    t = (np.arange(1, fine + 1) / fine)[None, :, None]
    a, b, c, d = (ends[k : len(ends) - 3 + k, None] for k in range(4))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    at = np.linspace(0.0, len(half) - 1.0, (len(half) - 1) * fine + 1)
    return np.vstack([points[:1], curve.reshape(-1, 2)]), np.interp(at, np.arange(len(half)), half)
