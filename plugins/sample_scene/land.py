"""The parts of the landscape that do not move: drawn once per size, lit anew in every frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]

SEASONS: dict[str, dict[str, tuple[float, float, float]]] = {
    "spring": {
        "grass": (0.46, 0.62, 0.22),
        "flower": (0.96, 0.80, 0.86),
        "tree": (0.86, 0.66, 0.72),
        "hill": (0.42, 0.55, 0.36),
    },
    "summer": {
        "grass": (0.40, 0.55, 0.16),
        "flower": (0.90, 0.20, 0.14),
        "tree": (0.16, 0.38, 0.14),
        "hill": (0.30, 0.46, 0.30),
    },
    "autumn": {
        "grass": (0.62, 0.50, 0.18),
        "flower": (0.85, 0.42, 0.10),
        "tree": (0.80, 0.36, 0.08),
        "hill": (0.55, 0.42, 0.26),
    },
    "winter": {
        "grass": (0.84, 0.88, 0.94),
        "flower": (0.70, 0.78, 0.90),
        "tree": (0.32, 0.34, 0.38),
        "hill": (0.74, 0.80, 0.90),
    },
}
HORIZON, SHORE = 0.54, 0.80
"""Height of the horizon and of the near shore, as shares of the picture from its top."""


def noise(rng: np.random.Generator, height: int, width: int, cells: int, octaves: int = 5) -> Picture:
    """Fractal value noise 0..1 ``(height, width)`` that tiles both ways; ``cells`` features across at first."""
    total = np.zeros((height, width), np.float32)
    weight, norm = 1.0, 0.0
    for _ in range(octaves):
        rows = max(1, cells * height // width)
        grid = rng.random((rows, cells), np.float32)
        wrapped = np.pad(grid, 2, mode="wrap")
        factor = (height / rows, width / cells)
        big = cv2.resize(
            wrapped, (round((cells + 4) * factor[1]), round((rows + 4) * factor[0])), interpolation=cv2.INTER_CUBIC
        )
        y, x = round(2 * factor[0]), round(2 * factor[1])
        total += weight * big[y : y + height, x : x + width]
        norm += weight
        weight *= 0.5
        cells *= 2
        if cells > width:
            break
    total /= norm
    low, high = float(total.min()), float(total.max())
    return np.asarray((total - low) / max(high - low, 1e-6), np.float32)


@dataclass
class Land:
    """Still layers. ``mountains`` fills the strip above the horizon, ``near`` the whole picture; ``near_mask`` and
    ``mountain_mask`` are 0..1; ``haze`` is how far each mountain pixel fades into the sky's colour."""

    mountains: Picture
    mountain_mask: Picture
    haze: Picture
    near: Picture
    near_mask: Picture
    lamps: Picture
    mill: tuple[float, float]
    chimney: tuple[float, float]
    trees: list[tuple[float, float, float]]


def _ridge(rng: np.random.Generator, width: int, cells: int, rough: int) -> Picture:
    """A height line 0..1."""
    return noise(rng, 4, width, cells, rough)[0]


def paint(width: int, height: int, season: str, seed: int) -> Land:
    """Draw the still layers for one size, season and seed."""
    rng = np.random.default_rng(seed)
    colours = {name: np.array(value, np.float32) for name, value in SEASONS[season].items()}
    horizon = round(HORIZON * height)
    mountains, mask, haze = _mountains(rng, width, horizon, height, colours, season)
    # twice the size, then down: smooth edges for polygons and blades of grass
    near, alpha, lamps, spots = _shore(rng, width * 2, height * 2, colours, season)
    size = (width, height)
    near = cv2.resize(near, size, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    lamps = cv2.GaussianBlur(cv2.resize(lamps, size, interpolation=cv2.INTER_AREA), (0, 0), max(0.6, width / 400))
    return Land(mountains, mask, haze, near, alpha, lamps, spots["mill"], spots["chimney"], _trees(rng))


def _trees(rng: np.random.Generator) -> list[tuple[float, float, float]]:
    places = [(0.52, 0.87, 0.10), (0.58, 0.90, 0.13), (0.945, 0.86, 0.17), (0.045, 0.93, 0.15)]
    return [(x + float(rng.uniform(-0.01, 0.01)), y, size * float(rng.uniform(0.9, 1.1))) for x, y, size in places]


def _mountains(
    rng: np.random.Generator, width: int, horizon: int, height: int, colours: dict[str, Picture], season: str
) -> tuple[Picture, Picture, Picture]:
    picture = np.zeros((horizon, width, 3), np.float32)
    mask, haze = np.zeros((horizon, width), np.float32), np.zeros((horizon, width), np.float32)
    rows = np.arange(horizon, dtype=np.float32)[:, None]
    plans = [(4, 6, 0.30, 0.10, 0.62), (5, 5, 0.19, 0.06, 0.38), (7, 4, 0.09, 0.02, 0.14)]
    for number, (cells, rough, top, bottom, fade) in enumerate(plans):
        line = horizon - height * (bottom + (top - bottom) * _ridge(rng, width, cells, rough)) * 0.9
        inside = np.clip(rows - line[None, :] + 0.5, 0, 1)
        relief = noise(rng, horizon, width, 14 + 10 * number, 5)
        # light falls from the left: the slope of the relief, steeper on the far range
        slope = cv2.Sobel(cv2.GaussianBlur(relief, (0, 0), 1.0), cv2.CV_32F, 1, 1, ksize=3)
        shade = np.clip(0.62 + (2.2 - 0.4 * number) * slope + 0.5 * (relief - 0.5), 0.15, 1.3)
        rock = np.array([(0.46, 0.44, 0.52), (0.42, 0.44, 0.42), (0.0, 0.0, 0.0)][number], np.float32)
        tint = rock if number == 0 else colours["hill"] * (0.75 if number == 1 else 0.9)
        colour = shade[:, :, None] * tint
        if number == 0:
            depth = (rows - line[None, :]) / max(1.0, 0.09 * height)
            snow = np.clip((0.9 - depth) * 1.5 + (relief - 0.5) * 3.0, 0, 1)[:, :, None]
            colour = colour * (1 - snow) + snow * (0.7 + 0.35 * shade[:, :, None]) * np.float32(0.95)
        if number == 2:
            # a forest's edge: small dark crowns
            crowns = (noise(rng, horizon, width, max(8, width // 10), 2) > 0.55).astype(np.float32)
            colour *= (1 - 0.45 * crowns * (season != "winter"))[:, :, None]
        keep = (1 - inside)[:, :, None]
        picture = picture * keep + colour * inside[:, :, None]
        haze = haze * (1 - inside) + fade * inside
        mask = np.maximum(mask, inside)
    return np.clip(picture, 0, 1).astype(np.float32), mask.astype(np.float32), haze.astype(np.float32)


def _shore(
    rng: np.random.Generator, width: int, height: int, colours: dict[str, Picture], season: str
) -> tuple[Picture, Picture, Picture, dict[str, tuple[float, float]]]:
    """The near shore with path, house and windmill's tower, at drawing size."""
    x = np.linspace(0, 1, width, dtype=np.float32)
    line = SHORE - 0.10 * np.exp(-(((x - 0.17) / 0.17) ** 2)) - 0.045 * np.exp(-(((x - 0.84) / 0.22) ** 2))
    line = (line + 0.035 * np.sin(x * 9 + 1) * (1 - x) + 0.012 * (_ridge(rng, width, 24, 4) - 0.5)) * height
    rows = np.arange(height, dtype=np.float32)[:, None]
    alpha = np.clip(rows - line[None, :] + 0.5, 0, 1).astype(np.float32)
    depth = np.clip((rows - line[None, :]) / (0.24 * height), 0, 1)
    texture = noise(rng, height, width, 40, 5)
    broad = noise(rng, height, width, 6, 3)
    shade = 0.62 + 0.42 * texture + 0.35 * (broad - 0.5) - 0.22 * depth
    near = np.ascontiguousarray(shade[:, :, None] * colours["grass"])
    _meadow(rng, near, line, colours, season)
    path = np.array(
        [
            [0.30, 1.0],
            [0.44, 1.0],
            [0.55, 0.92],
            [0.70, 0.885],
            [0.765, 0.872],
            [0.745, 0.872],
            [0.64, 0.885],
            [0.45, 0.92],
        ]
    )
    cv2.fillPoly(
        near,
        [_points(path, width, height)],
        (0.80, 0.70, 0.52) if season != "winter" else (0.70, 0.72, 0.78),
        cv2.LINE_AA,
    )
    lamps = np.zeros((height, width), np.float32)
    chimney = _house(near, alpha, lamps, width, height)
    mill = _tower(near, alpha, lamps, width, height)
    grain = (noise(rng, height, width, 160, 2) - 0.5)[:, :, None]
    return np.clip(near * (1 + 0.22 * grain), 0, 1).astype(np.float32), alpha, lamps, {"mill": mill, "chimney": chimney}


def _points(shares: NDArray[np.float64], width: int, height: int) -> NDArray[np.int32]:
    return np.round(np.asarray(shares) * (width, height)).astype(np.int32)


def _meadow(rng: np.random.Generator, near: Picture, line: Picture, colours: dict[str, Picture], season: str) -> None:
    """Blades of grass and flowers, larger towards the viewer."""
    height, width = near.shape[:2]
    count = 5200 if season != "winter" else 500
    for px, py, size, lean, tone in zip(
        rng.random(count) * width,
        np.sort(rng.random(count)) ** 0.8,
        rng.uniform(0.5, 1.3, count),
        rng.normal(0, 0.5, count),
        rng.uniform(0.55, 1.45, count),
        strict=True,
    ):
        top = line[int(px)] + 4
        y = top + py * (height - top)
        length = size * height * (0.006 + 0.030 * py)
        colour = colours["grass"] * tone
        tip = (round(px + lean * length * 0.6), round(y - length))
        cv2.line(near, (round(px), round(y)), tip, colour.tolist(), 1 + int(py * 2.4), cv2.LINE_AA)
    for px, py in zip(rng.random(360) * width, np.sort(rng.random(360)), strict=True):
        top = line[int(px)] + 8
        y = top + py * (height - top)
        bright = colours["flower"] if rng.random() < 0.75 else np.array((0.98, 0.92, 0.55), np.float32)
        cv2.circle(
            near,
            (round(px), round(y)),
            max(1, round(height * (0.0012 + 0.0055 * py))),
            bright.tolist(),
            -1,
            cv2.LINE_AA,
        )


def _draw(near: Picture, alpha: Picture, points: NDArray[np.int32], colour: tuple[float, float, float]) -> None:
    cv2.fillPoly(near, [points], colour, cv2.LINE_AA)
    cv2.fillPoly(alpha, [points], 1.0, cv2.LINE_AA)


def _house(near: Picture, alpha: Picture, lamps: Picture, width: int, height: int) -> tuple[float, float]:
    def at(*shares: tuple[float, float]) -> NDArray[np.int32]:
        return _points(np.array(shares), width, height)

    _draw(near, alpha, at((0.855, 0.62), (0.88, 0.62), (0.88, 0.70), (0.855, 0.70)), (0.52, 0.28, 0.22))
    _draw(near, alpha, at((0.72, 0.735), (0.84, 0.735), (0.84, 0.875), (0.72, 0.875)), (0.93, 0.88, 0.76))
    _draw(near, alpha, at((0.84, 0.735), (0.915, 0.72), (0.915, 0.862), (0.84, 0.875)), (0.74, 0.68, 0.60))
    _draw(near, alpha, at((0.705, 0.742), (0.755, 0.645), (0.885, 0.632), (0.845, 0.742)), (0.76, 0.30, 0.18))
    _draw(near, alpha, at((0.845, 0.742), (0.885, 0.632), (0.93, 0.728)), (0.56, 0.22, 0.16))
    for row in np.linspace(0.66, 0.735, 7):  # courses of tiles
        shift = (row - 0.645) / 0.097
        ends = at((0.755 - 0.05 * shift, row), (0.885 - 0.04 * shift, row - 0.013 * (1 - shift)))
        cv2.line(near, tuple(ends[0].tolist()), tuple(ends[1].tolist()), (0.58, 0.20, 0.12), 2, cv2.LINE_AA)
    for left, top in ((0.737, 0.765), (0.802, 0.765)):
        frame = at(
            (left - 0.003, top - 0.004),
            (left + 0.028, top - 0.004),
            (left + 0.028, top + 0.044),
            (left - 0.003, top + 0.044),
        )
        _draw(near, alpha, frame, (0.30, 0.42, 0.55))
        pane = at((left, top), (left + 0.025, top), (left + 0.025, top + 0.04), (left, top + 0.04))
        _draw(near, alpha, pane, (0.16, 0.20, 0.28))
        cv2.fillPoly(lamps, [pane], 1.0, cv2.LINE_AA)
    _draw(near, alpha, at((0.768, 0.79), (0.795, 0.79), (0.795, 0.875), (0.768, 0.875)), (0.22, 0.38, 0.40))
    return 0.8675, 0.615


def _tower(near: Picture, alpha: Picture, lamps: Picture, width: int, height: int) -> tuple[float, float]:
    """The windmill without its sails; returns the hub."""

    def at(*shares: tuple[float, float]) -> NDArray[np.int32]:
        return _points(np.array(shares), width, height)

    _draw(near, alpha, at((0.140, 0.44), (0.200, 0.44), (0.222, 0.74), (0.118, 0.74)), (0.90, 0.84, 0.74))
    _draw(near, alpha, at((0.172, 0.44), (0.200, 0.44), (0.222, 0.74), (0.178, 0.74)), (0.70, 0.64, 0.58))
    for row in np.linspace(0.47, 0.72, 9):
        spread = 0.030 + 0.022 * (row - 0.44) / 0.30
        ends = at((0.170 - spread, row), (0.170 + spread, row))
        cv2.line(near, tuple(ends[0].tolist()), tuple(ends[1].tolist()), (0.62, 0.56, 0.48), 1, cv2.LINE_AA)
    _draw(
        near,
        alpha,
        at((0.134, 0.446), (0.148, 0.395), (0.17, 0.375), (0.192, 0.395), (0.206, 0.446)),
        (0.50, 0.24, 0.18),
    )
    for top in (0.52, 0.62):
        pane = at((0.160, top), (0.176, top), (0.176, top + 0.035), (0.160, top + 0.035))
        _draw(near, alpha, pane, (0.20, 0.22, 0.28))
        cv2.fillPoly(lamps, [pane], 1.0, cv2.LINE_AA)
    _draw(near, alpha, at((0.158, 0.685), (0.182, 0.685), (0.184, 0.74), (0.156, 0.74)), (0.34, 0.24, 0.18))
    return 0.170, 0.425
