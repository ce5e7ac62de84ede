"""Style pictures of our own, drawn when they are needed: brushwork, ink, mosaic, woodcut, glass, dots, embers.

Each function makes a picture ``float32 (side, side, 3)`` in 0..1 that is always the same.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
SIDE = 384
"""Side of a swatch, pixels."""


def _noise(rng: np.random.Generator, cells: int, octaves: int = 4, side: int = SIDE) -> Picture:
    """Fractal noise of mean 0 and deviation about 1."""
    total = np.zeros((side, side), np.float32)
    for octave in range(octaves):
        grid = rng.standard_normal((cells * 2**octave + 3,) * 2, np.float32)
        big = cv2.resize(grid, (side * 3 // 2, side * 3 // 2), interpolation=cv2.INTER_CUBIC)
        total += big[side // 4 : side // 4 + side, side // 4 : side // 4 + side] * 0.55**octave
    return np.asarray((total - total.mean()) / total.std(), np.float32)


def _ramp(value: Picture, *stops: str) -> Picture:
    """Colours ``#rrggbb`` evenly spaced over 0..1."""
    table = np.array([[int(stop[i : i + 2], 16) / 255 for i in (1, 3, 5)] for stop in stops], np.float32)
    at = np.clip(value, 0, 1) * (len(stops) - 1)
    low = np.minimum(at.astype(int), len(stops) - 2)
    share = (at - low)[..., None]
    return np.asarray(table[low] * (1 - share) + table[low + 1] * share, np.float32)


def _canvas(picture: Picture) -> NDArray[np.uint8]:
    """A copy to draw on: OpenCV smooths edges on 8-bit pictures only."""
    return np.ascontiguousarray(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def _done(canvas: NDArray[np.uint8]) -> Picture:
    return canvas.astype(np.float32) / np.float32(255)


def _strokes(
    rng: np.random.Generator, canvas: NDArray[np.uint8], colours: Picture, angle: Picture, count: int, length: int,
    width: int,
) -> None:
    """Curved strokes of paint along a field of angles, each a bundle of bristles with light and dark edges."""
    side = canvas.shape[0]
    for x, y in rng.random((count, 2)) * side:
        points = [(x, y)]
        for _ in range(length):
            px, py = points[-1]
            turn = float(angle[int(py) % side, int(px) % side])
            points.append((px + 3 * np.cos(turn), py + 3 * np.sin(turn)))
        base = colours[int(y), int(x)] + rng.normal(0, 0.035, 3)
        turn = float(angle[int(y), int(x)])
        normal = np.array((-np.sin(turn), np.cos(turn)))
        for offset in np.linspace(-1, 1, 5):
            tone = 1.0 + 0.16 * offset + rng.normal(0, 0.06)
            line = np.round((np.array(points) + normal * offset * width / 2) * 8).astype(np.int32)
            shade = (np.clip(base * tone, 0, 1) * 255).tolist()
            cv2.polylines(canvas, [line], False, shade, max(1, width // 3), cv2.LINE_AA, 3)


def swirl() -> Picture:
    """Thick curling strokes in night blue and gold."""
    rng = np.random.default_rng(11)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    angle = 0.5 * _noise(rng, 3, 2)
    light = np.zeros((SIDE, SIDE), np.float32)
    for cx, cy, reach, turn in ((110, 120, 95, 1), (285, 90, 60, -1), (270, 285, 85, 1), (80, 310, 55, -1)):
        dx, dy = x - cx, y - cy
        pull = np.exp(-(dx**2 + dy**2) / (2 * reach**2)) * 2.4
        around = np.arctan2(dy, dx) + turn * (np.pi / 2 + 0.15)
        angle = angle * (1 - np.clip(pull, 0, 1)) + np.clip(pull, 0, 1) * around
        rings = 0.5 + 0.5 * np.cos(np.hypot(dx, dy) / reach * 11)
        light += np.exp(-(dx**2 + dy**2) / (2 * (reach * 0.55) ** 2)) * (0.55 + 0.45 * rings)
    value = 0.30 + 0.13 * _noise(rng, 4, 3) + 0.62 * light
    colours = _ramp(value, "#0b1440", "#15307c", "#2f63b0", "#6fa6cf", "#cfd9a8", "#f4d24a", "#fbeeb0")
    canvas = _canvas(colours)
    _strokes(rng, canvas, colours, angle.astype(np.float32), 2600, 8, 7)
    return _done(canvas)


def ink() -> Picture:
    """Black ink on warm paper: washes, dry brush, a red seal."""
    rng = np.random.default_rng(5)
    paper = 0.93 + 0.02 * _noise(rng, 40, 3)[:, :, None] * np.ones(3, np.float32)
    canvas = paper * np.array((1.0, 0.965, 0.885), np.float32)
    wash = np.clip((_noise(rng, 3, 5) - 0.35) * 0.9, 0, 1)
    canvas *= (1 - 0.55 * cv2.GaussianBlur(wash.astype(np.float32), (0, 0), 3))[:, :, None]
    drawn = _canvas(canvas)
    for _ in range(30):
        start, turn = rng.random(2) * SIDE, float(rng.uniform(0, 6.28))
        bend, width, steps = float(rng.normal(0, 0.05)), float(rng.uniform(4, 17)), int(rng.integers(30, 80))
        turns = turn + np.cumsum(bend + rng.normal(0, 0.03, steps))
        normals = np.stack([-np.sin(turns), np.cos(turns)], 1)
        spine = start + np.cumsum(3.2 * np.stack([np.cos(turns), np.sin(turns)], 1), 0)
        swell = np.sin(np.linspace(0.35, 2.9, steps))[:, None]
        for across in np.linspace(-0.5, 0.5, 16):
            wet = int(steps * min(1.0, rng.uniform(0.45, 1.5)))
            line = spine[:wet] + across * width * swell[:wet] * normals[:wet]
            dark = (18 + 40 * rng.random(3) * rng.random()).tolist()
            points = np.round(line * 8).astype(np.int32)
            cv2.polylines(drawn, [points], False, dark, max(1, round(width / 9)), cv2.LINE_AA, 3)
    for x, y in ((300, 60), (60, 290)):
        cv2.rectangle(drawn, (x, y), (x + 34, y + 34), (188, 36, 26), -1)
        for k in range(4):
            level = y + 6 + 8 * k
            cv2.line(drawn, (x + 5, level), (x + 28 - 6 * (k % 2), level), (242, 219, 199), 2, cv2.LINE_AA)
    return _done(drawn)


def _cells(rng: np.random.Generator, count: int, jitter: float) -> tuple[NDArray[np.int64], Picture]:
    """Voronoi cells: the number of each pixel's cell, and its distance to the border in pixels."""
    across = round(count**0.5)
    grid = (np.stack(np.meshgrid(np.arange(across), np.arange(across)), -1).reshape(-1, 2) + 0.5) * SIDE / across
    points = grid + rng.uniform(-jitter, jitter, grid.shape) * SIDE / across
    nearest = np.full((SIDE, SIDE), 1e9, np.float32)
    second, owner = nearest.copy(), np.zeros((SIDE, SIDE), np.int64)
    reach = 3.0 * SIDE / across  # farther points are never the nearest two
    for number, (px, py) in enumerate(points):
        rows = slice(max(0, int(py - reach)), int(py + reach) + 2)
        columns = slice(max(0, int(px - reach)), int(px + reach) + 2)
        y, x = np.ogrid[rows.start : min(SIDE, rows.stop), columns.start : min(SIDE, columns.stop)]
        distance = np.hypot(x - px, y - py).astype(np.float32)
        near, next_to, whose = nearest[rows, columns], second[rows, columns], owner[rows, columns]
        closer = distance < near
        next_to[...] = np.where(closer, near, np.minimum(next_to, distance))
        whose[closer] = number
        near[closer] = distance[closer]
    return owner, np.asarray(second - nearest, np.float32)


def mosaic() -> Picture:
    """Small glazed stones in jewel colours with pale joints."""
    rng = np.random.default_rng(21)
    owner, border = _cells(rng, 34 * 34, 0.32)
    value = 0.5 + 0.26 * _noise(rng, 4, 3)
    count = int(owner.max()) + 1
    mean = np.bincount(owner.ravel(), value.ravel(), count) / np.maximum(1, np.bincount(owner.ravel(), minlength=count))
    mean = (mean + rng.normal(0, 0.07, count)).astype(np.float32)
    stones = _ramp(mean, "#0d3b66", "#136f8a", "#2a9d8f", "#e9d27c", "#f4a261", "#d1495b", "#6a1b3a")
    stones *= (1 + rng.normal(0, 0.08, count))[:, None].astype(np.float32)
    picture = stones[owner] * (0.82 + 0.028 * np.clip(border, 0, 7))[:, :, None]
    joint = np.clip(border / 1.6 - 0.4, 0, 1)[:, :, None]
    return np.clip(picture * joint + (1 - joint) * np.array((0.86, 0.83, 0.76), np.float32), 0, 1).astype(np.float32)


def woodcut() -> Picture:
    """Waves in carved lines: indigo, pale blue, foam on cream paper."""
    rng = np.random.default_rng(8)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    picture = np.ones((SIDE, SIDE, 3), np.float32) * np.array((0.94, 0.88, 0.74), np.float32)
    picture *= (1 + 0.02 * _noise(rng, 50, 2))[:, :, None]
    drawn = _canvas(picture)
    palette = [(0.09, 0.17, 0.34), (0.16, 0.32, 0.52), (0.42, 0.60, 0.70), (0.10, 0.22, 0.42)]
    for row in range(13):
        base = -30 + row * 34
        phase = rng.uniform(0, 6.28)
        tall = 16 + 5 * np.sin(row)
        crest = base + tall * np.sin(x / 33 + phase) - 0.55 * tall * np.abs(np.sin(x / 66 + phase / 2 + 1.1))
        depth = y - crest
        inside = np.clip(depth, 0, 1)[:, :, None]
        lines = 0.5 + 0.5 * np.cos(depth / (2.1 + 0.02 * depth) + 0.6 * np.sin(x / 9 + phase))
        carved = np.clip(lines * 3 - 1.1, 0, 1)[:, :, None]
        dark = np.array(palette[row % 4], np.float32)
        pale = np.array((0.80, 0.86, 0.84), np.float32) if row % 2 else np.array((0.93, 0.90, 0.80), np.float32)
        body = dark * carved + pale * (1 - carved)
        foam = np.clip(1.6 - np.abs(depth - 3.5) / 2.6, 0, 1)[:, :, None]
        body = body * (1 - foam) + foam * np.array((0.97, 0.95, 0.88), np.float32)
        outline = np.clip(1.5 - np.abs(depth) / 1.2, 0, 1)[:, :, None]
        body = body * (1 - outline) + outline * np.array((0.06, 0.10, 0.22), np.float32)
        drawn = _canvas(_done(drawn) * (1 - inside) + body * inside)
        for px in np.arange(rng.uniform(0, 20), SIDE, 17):  # claws of foam
            top = base + tall * np.sin(px / 33 + phase) - 0.55 * tall * np.abs(np.sin(px / 66 + phase / 2 + 1.1))
            spot = [round(px * 8), round(float(top + 3) * 8)]
            radius = float(rng.uniform(2.5, 5))
            cv2.circle(drawn, spot, round((radius + 0.8) * 8), (20, 33, 72), -1, cv2.LINE_AA, 3)
            cv2.circle(drawn, spot, round(radius * 8), (248, 242, 225), -1, cv2.LINE_AA, 3)
    return _done(drawn)


def glass() -> Picture:
    """Panes of glowing glass in black leading."""
    rng = np.random.default_rng(31)
    owner, border = _cells(rng, 9 * 9, 0.48)
    count = int(owner.max()) + 1
    palette = ("#12206b", "#0e7c7b", "#3aa655", "#f6c445", "#e4572e", "#b3123b", "#5b1a8b")
    hue = _ramp(rng.random(count).astype(np.float32), *palette)
    glow = 0.78 + 0.14 * _noise(rng, 6, 3) + 0.14 * np.clip(border / 24, 0, 1)
    streaks = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)).astype(np.float32), (0, 0), sigmaX=0.8, sigmaY=7) * 0.5
    picture = hue[owner] * (glow + streaks)[:, :, None]
    lead = np.clip((border - 4.5) / 2.0, 0, 1)[:, :, None]
    return np.clip(picture * lead + (1 - lead) * np.array((0.05, 0.05, 0.06), np.float32), 0, 1).astype(np.float32)


def dots() -> Picture:
    """Points of pure colour side by side, a summer's day."""
    rng = np.random.default_rng(41)
    value = 0.5 + 0.28 * _noise(rng, 3, 3)
    palette = ("#203a72", "#2f7d6d", "#6cae45", "#e3cf57", "#f08a4b", "#d8546a", "#8c5aa8")
    colours = _ramp(value.astype(np.float32), *palette)
    canvas = _canvas(colours * 0.5 + 0.42)
    for x, y in rng.random((15000, 2)) * SIDE:
        colour = colours[int(y), int(x)]
        kind = rng.random()
        if kind < 0.22:
            colour = 1.0 - colour * 0.85  # the complementary colour makes the others glow
        elif kind < 0.40:
            colour = colour * 0.5 + 0.5
        colour = np.clip(colour + rng.normal(0, 0.05, 3), 0, 1) * 255
        radius = round(float(rng.uniform(1.6, 3.0)) * 8)
        cv2.circle(canvas, [round(x * 8), round(y * 8)], radius, colour.tolist(), -1, cv2.LINE_AA, 3)
    return _done(canvas)


def embers() -> Picture:
    """Molten stone: glowing veins through black crust."""
    rng = np.random.default_rng(51)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    a, b = _noise(rng, 4, 5), _noise(rng, 4, 5)
    field = _noise(rng, 5, 5)
    warped = cv2.remap(field, x + 22 * a, y + 22 * b, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    veins = np.exp(-np.abs(warped) * 5.0) + 0.35 * np.exp(-np.abs(cv2.GaussianBlur(warped, (0, 0), 6)) * 3)
    value = np.clip(veins * 0.85 + 0.07 * a, 0, 1).astype(np.float32)
    picture = _ramp(value, "#07060a", "#1d0d14", "#4e1218", "#a8261a", "#ec5f1c", "#fbb040", "#fff1b8")
    return np.clip(picture + 0.025 * _noise(rng, 90, 2)[:, :, None], 0, 1).astype(np.float32)


SWATCHES: dict[str, Callable[[], Picture]] = {
    "swirl": swirl, "ink": ink, "mosaic": mosaic, "woodcut": woodcut, "glass": glass, "dots": dots, "embers": embers,
}
