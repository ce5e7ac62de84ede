"""The sheet: where words stand, how their strokes become ink, and the paper below."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.nn.ink import FINE, curve, lay, pressed, stain

from .hand import Points, Word

Frame = NDArray[np.uint8]
Rgb = tuple[float, float, float]

AIR = 0.22
"""Heights of a small x that the pen travels above the paper in the time of one piece of a stroke."""


@dataclass(frozen=True)
class Look:
    """How it is written. Lengths are heights of a small x, but ``unit`` and ``margin`` are pixels."""

    unit: float
    margin: float
    leading: float
    slant: float
    pen: float
    contrast: float
    ink: Rgb
    paper: Rgb
    pattern: str


@dataclass
class Line:
    """One stroke as it stands: dense points in x-heights from the sheet's upper left corner, width factors."""

    points: Points
    widths: Points
    drawn: int = 0
    """How many of its points are ink already."""


@dataclass
class Sheet:
    """What stands on a page. ``room`` is how wide a line may be, ``rows`` how many lines fit."""

    room: float
    rows: int
    lines: list[Line] = field(default_factory=list)
    row: int = 0
    x: float = 0.0

    def fits(self, word: Word) -> bool:
        """Whether ``word`` still has room on this sheet."""
        return self.row < self.rows - (0 if self._in_line(word) else 1)

    def _in_line(self, word: Word) -> bool:
        return self.x == 0.0 or self.x + word.gap + word.width <= self.room

    def next_line(self) -> None:
        """A line end: what comes next stands below."""
        self.row, self.x = self.row + 1, 0.0

    def place(self, word: Word, look: Look) -> list[Line]:
        """Put ``word`` where it belongs; its strokes, not yet drawn."""
        if not self._in_line(word):
            self.next_line()
        left = self.x + (word.gap if self.x > 0.0 else 0.0)
        down = 2.6 + look.leading * self.row
        made = [_dense(stroke, left, down, look) for stroke in word.strokes]
        self.x = left + word.width
        self.lines += made
        return made


def _dense(stroke: Points, left: float, down: float, look: Look) -> Line:
    spots = np.stack([left + stroke[:, 0] + look.slant * stroke[:, 1], down - stroke[:, 1]], 1).astype(np.float32)
    widths = pressed(spots, look.contrast, unit=1.0)
    if len(spots) == 1:
        return Line(spots, widths)
    ends = np.vstack([spots[:1], spots, spots[-1:]])
    parts = [spots[:1], *(curve(*ends[k : k + 4])[1:] for k in range(len(spots) - 1))]
    at = np.linspace(0.0, len(widths) - 1.0, (len(spots) - 1) * FINE + 1)
    dense = np.interp(at, np.arange(len(widths)), widths).astype(np.float32)
    ending = min(len(dense), 2 * FINE)  # the line thins where the pen leaves the paper
    dense[-ending:] *= np.linspace(1.0, 0.6, ending, dtype=np.float32)
    return Line(np.vstack(parts), dense)


class Canvas:
    """Pixels: the paper, ink on it, and both together in ``frame``."""

    def __init__(self, width: int, height: int, look: Look) -> None:
        self.width, self.height, self.look = width, height, look
        self.mask = np.zeros((height, width), np.uint8)
        self.ground = paper(width, height, look)
        self.frame = self.ground.copy()

    def draw(self, line: Line, until: int) -> None:
        """Ink up to point number ``until`` of a line."""
        until = min(until, len(line.points))
        if until <= line.drawn:
            return
        begin = max(0, line.drawn - 1)
        look = self.look
        box = lay(self.mask, self.pixels(line.points[begin:until]), line.widths[begin:until] * look.pen * look.unit)
        stain(self.frame, self.ground, self.mask, look.ink, box)
        line.drawn = until

    def pixels(self, points: Points) -> Points:
        """Places on the sheet as pixels."""
        return np.asarray(points * np.float32(self.look.unit) + np.float32(self.look.margin), np.float32)

    def again(self, lines: list[Line]) -> None:
        """Everything that is drawn, anew."""
        self.mask[:] = 0
        for line in lines:
            if line.drawn:
                lay(self.mask, self.pixels(line.points[: line.drawn]),
                    line.widths[: line.drawn] * self.look.pen * self.look.unit)
        stain(self.frame, self.ground, self.mask, self.look.ink, (0, 0, self.width, self.height))


def paper(width: int, height: int, look: Look) -> Frame:
    """The empty sheet, with its lines, squares or dots where writing stands on them, and a little grain."""
    colour = np.array(look.paper, np.float32)
    sheet = np.empty((height, width, 3), np.float32)
    sheet[:] = colour
    dark = float(colour.mean()) < 0.45
    rule = colour + (np.array((0.62, 0.72, 0.86), np.float32) - colour) * (0.16 if dark else 0.42)
    step = look.unit * look.leading
    first = look.margin + look.unit * 2.6
    thick = max(1, round(look.unit * 0.035))
    rows = [round(first + step * k) for k in range(-1, int(height / step) + 2)]
    if look.pattern == "ruled":
        for y in rows:
            cv2.line(sheet, (0, y), (width, y), rule.tolist(), thick, cv2.LINE_AA)
    elif look.pattern in ("squares", "dots"):
        side = step / 4.0
        across = np.arange(first % side - side, max(width, height) + side, side)
        if look.pattern == "squares":
            for place in across.tolist():
                cv2.line(sheet, (0, round(place)), (width, round(place)), rule.tolist(), thick, cv2.LINE_AA)
                right = round(place - first % side + look.margin % side)
                cv2.line(sheet, (right, 0), (right, height), rule.tolist(), thick, cv2.LINE_AA)
        else:
            for down in across.tolist():
                for right in (across - first % side + look.margin % side).tolist():
                    cv2.circle(sheet, (round(right), round(down)), thick, rule.tolist(), -1, cv2.LINE_AA)
    grain = np.random.default_rng(7).standard_normal((height, width)).astype(np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 1.1) * 0.02 + cv2.GaussianBlur(grain, (0, 0), 6.0) * 0.06
    sheet += grain[:, :, None] * (0.6 if dark else 1.0)
    far = np.linspace(-1.0, 1.0, height)[:, None] ** 2 + np.linspace(-1.0, 1.0, width)[None] ** 2
    sheet *= (1.0 - 0.09 * far**1.5)[:, :, None].astype(np.float32)  # the light falls off towards the corners
    return np.asarray(np.clip(sheet * 255.0 + 0.5, 0.0, 255.0), np.uint8)


def pen_over(frame: Frame, tip: tuple[float, float], unit: float, raised: float, kind: str, ink: Rgb) -> Frame:
    """``frame`` with the pen at ``tip`` (pixels), ``raised`` 0..1 above the paper; the frame itself stays."""
    shown = frame.copy()
    x, y = tip
    if kind == "point":
        glow = (np.array(ink) * 0.5 + 0.5) * 255.0
        cv2.circle(shown, (round(x * 16), round(y * 16)), round(unit * 0.2 * 16), glow.tolist(), -1, cv2.LINE_AA, 4)
        return shown
    long, wide, lift = unit * 7.0, unit * 0.36, raised * unit * 0.35
    left, top = max(0, int(x - unit)), max(0, int(y - long))
    part = shown[top : max(top, int(y + 2 * unit)), left : max(left, int(x + long))]
    if not part.size:
        return shown
    corner = np.array((float(left), float(top)))
    shadow = part.copy()
    spot = np.array((x + unit * 0.25 + lift, y + unit * 0.25 + lift)) - corner
    axes = np.array((0.8, -0.6)), np.array((0.6, 0.8))
    _polygon(shadow, spot, axes, [(0, 0), (0.16, 0.8), (1, 1)], long, wide, (20, 16, 14))
    part[:] = cv2.addWeighted(shadow, 0.22, part, 0.78, 0.0)
    spot = np.array((x + lift * 0.2, y - lift)) - corner
    axes = np.array((0.62, -0.785)), np.array((0.785, 0.62))
    for outline, colour in PEN:
        _polygon(part, spot, axes, outline, long, wide, colour)
    return shown


Axes = tuple[NDArray[np.float64], NDArray[np.float64]]
PEN: tuple[tuple[list[tuple[float, float]], tuple[int, int, int]], ...] = (
    ([(0.12, 0.75), (0.2, 1.0), (1.0, 1.0)], (34, 36, 46)), ([(0.15, 0.2), (0.2, 0.32), (1.0, 0.3)], (92, 96, 116)),
    ([(0.0, 0.02), (0.06, 0.55), (0.15, 0.78)], (214, 178, 96)),
    ([(0.0, 0.02), (0.06, 0.08), (0.1, 0.08)], (96, 74, 30)),
)
"""Barrel, its light, nib, its slit: half outlines as shares of the pen's length and half width, and a colour."""


def _polygon(
    frame: Frame, tip: NDArray[np.float64], axes: Axes, outline: list[tuple[float, float]], long: float, wide: float,
    colour: tuple[int, int, int],
) -> None:
    """A shape about an axis."""
    along, side = axes
    right = [tip + along * (u * long) + side * (v * wide) for u, v in outline]
    left = [tip + along * (u * long) - side * (v * wide) for u, v in reversed(outline)]
    cv2.fillPoly(frame, [np.round(np.array([*right, *left]) * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)
