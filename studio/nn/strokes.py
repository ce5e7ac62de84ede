"""Hand-drawn signs by script: a font of strokes, and small pictures of its signs, no two alike.

A stroke font is a JSON file (docs/formats.md). Each sign has one way or several to be written; a way is a list of
strokes, a stroke a list of points in the unit square (x to the right, y down), drawn straight or as a smooth curve.
What differs from picture to picture is what differs between hands: slant, turn, size, width, place, the thickness of
the pen and small faults of every point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from studio import paths, safe_json
from studio.files import FileError, short_path

FORMAT = "reverie.strokes"
MAX_SIGNS, MAX_POINTS = 256, 64
OVERSAMPLE = 4
"""Signs are drawn so many times larger and averaged, for soft edges."""
CURVE = 8
"""Straight pieces between two points of a smooth stroke."""

Points = NDArray[np.float64]
"""``(points, 2)``: x and y, 0..1."""


class StrokesError(FileError):
    """A stroke font that cannot be used; the message names the file, the place and the cure."""


@dataclass(frozen=True)
class Stroke:
    """One movement of the pen."""

    points: Points
    smooth: bool = True


Way = tuple[Stroke, ...]
"""One way to write a sign."""


@dataclass(frozen=True)
class StrokeFont:
    """Signs by name, in the order of the file; each with its ways to be written."""

    title: str
    signs: dict[str, tuple[Way, ...]]

    @property
    def names(self) -> list[str]:
        return list(self.signs)


@dataclass(frozen=True)
class Hand:
    """How much one writing differs from the next: turn and slant in radians, the others in shares of the picture."""

    turn: float = 0.14
    slant: float = 0.22
    size: float = 0.14
    place: float = 0.05
    shake: float = 0.022
    pen: tuple[float, float] = (0.06, 0.115)
    """Thinnest and thickest pen, as a share of the picture's side."""


def house_font(name: str = "digits") -> StrokeFont:
    """A stroke font that comes with the studio."""
    return load_font(paths.bundled("resources") / "strokes" / f"{name}.json")


def load_font(path: Path) -> StrokeFont:
    """Read a stroke font. Raises StrokesError, or FileError when the file cannot be read."""
    tree = safe_json.load_object(path, max_bytes=4_000_000)
    where = short_path(path)
    if tree.get("format") != FORMAT:
        raise StrokesError(f"{where} is not a stroke font: its \"format\" is not \"{FORMAT}\"; see docs/formats.md")
    if tree.get("format_version") != 1:
        raise StrokesError(f"{where} has format_version {tree.get('format_version')!r}; this studio reads version 1")
    signs = tree.get("signs")
    if not isinstance(signs, dict) or not 1 <= len(signs) <= MAX_SIGNS:
        raise StrokesError(f"{where}: \"signs\" must be an object with 1 to {MAX_SIGNS} signs")
    made = {name: _ways(ways, f"{where}: sign {name[:20]!r}") for name, ways in signs.items()}
    return StrokeFont(str(tree.get("title", path.stem))[:80], made)


def _ways(tree: Any, where: str) -> tuple[Way, ...]:
    if not isinstance(tree, list) or not tree or not all(isinstance(way, list) and way for way in tree):
        raise StrokesError(f"{where} must be a list of ways to write it, each a list of strokes")
    return tuple(tuple(_stroke(stroke, where) for stroke in way) for way in tree)


def _stroke(tree: Any, where: str) -> Stroke:
    if not isinstance(tree, dict) or not isinstance(tree.get("smooth", True), bool):
        raise StrokesError(f"{where}: a stroke must be an object with \"points\" and, where it has corners, "
                           "\"smooth\": false")
    points = tree.get("points")
    if not isinstance(points, list) or not 2 <= len(points) <= MAX_POINTS or not all(_is_point(p) for p in points):
        raise StrokesError(f"{where}: \"points\" must be 2 to {MAX_POINTS} pairs of numbers from 0 to 1")
    return Stroke(np.array(points, np.float64), tree.get("smooth", True))


def _is_point(tree: Any) -> bool:
    return isinstance(tree, list) and len(tree) == 2 and all(
        isinstance(part, (int, float)) and not isinstance(part, bool) and 0 <= part <= 1 for part in tree
    )


def curve(points: Points, pieces: int = CURVE) -> Points:
    """A Catmull-Rom curve through ``points``, as ``pieces`` straight pieces from each point to the next."""
    if len(points) < 3:
        return points
    # the ends are mirrored, so that the curve begins and ends in its own direction
    before, after = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    around = np.concatenate([before[None], points, after[None]])
    t = (np.arange(pieces) / pieces)[:, None]
    made = []
    for p0, p1, p2, p3 in zip(around[:-3], around[1:-2], around[2:-1], around[3:], strict=True):
        a, b, c = 2 * p1, p2 - p0, 2 * p0 - 5 * p1 + 4 * p2 - p3
        made.append(0.5 * (a + b * t + c * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3))
    return np.concatenate([*made, points[-1:]])


def write(way: Sequence[Stroke], size: int, rng: np.random.Generator, hand: Hand | None = None) -> NDArray[np.uint8]:
    """One writing of a sign, white on black, ``uint8 (size, size)``."""
    hand = hand or Hand()
    turn, slant = rng.normal(0, hand.turn / 2), rng.normal(0, hand.slant / 2)
    scale = 0.74 * (1 + rng.uniform(-hand.size, hand.size, 2))
    place = rng.uniform(-hand.place, hand.place, 2)
    pen = rng.uniform(*hand.pen)
    cosine, sine = np.cos(turn), np.sin(turn)
    matrix = np.array([[cosine, -sine], [sine, cosine]]) @ np.array([[scale[0], -slant * scale[1]], [0.0, scale[1]]])
    side = size * OVERSAMPLE
    big = np.zeros((side, side), np.uint8)
    for stroke in way:
        points = stroke.points + rng.normal(0, hand.shake, stroke.points.shape)
        line = curve(points) if stroke.smooth else points
        line = (line - 0.5) @ matrix.T + 0.5 + place
        # sub-pixel places, in 1/16 of a pixel
        cv2.polylines(big, [np.round(line * side * 16).astype(np.int32)], False, 255, max(1, round(pen * side)),
                      cv2.LINE_AA, 4)
    return np.asarray(cv2.resize(big, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def writings(
    font: StrokeFont, count: int, size: int, rng: np.random.Generator, hand: Hand | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """``count`` writings ``uint8 (count, size, size)`` and the number of each one's sign, all signs equally often."""
    names = font.names
    labels = rng.permutation(np.arange(count) % len(names))
    pictures = np.empty((count, size, size), np.uint8)
    for index, label in enumerate(labels):
        ways = font.signs[names[label]]
        pictures[index] = write(ways[int(rng.integers(len(ways)))], size, rng, hand)
    return pictures, labels
