"""A landscape of flat colours that moves: something to paint where nothing comes in."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]

SKY = ((36, 52, 108), (52, 84, 148), (86, 128, 178), (196, 176, 120))
HILLS = ((58, 92, 118), (44, 88, 74), (70, 104, 44), (150, 132, 48))
LAMP, ROOF, WALL, TREE = (250, 216, 92), (150, 60, 40), (222, 196, 140), (22, 40, 32)


class Cartoon:
    """Bands of sky, a large star with rings, hills that roll by, a tree like a flame, houses with lit windows."""

    def __init__(self) -> None:
        self.phase = 0.0

    def draw(self, size: tuple[int, int], dt: float) -> Frame:
        """The next picture ``(height, width, 3)``, ``dt`` seconds of its own time later."""
        self.phase += dt
        width, height = size
        picture = np.empty((height, width, 3), np.uint8)
        x = np.arange(width + 1) / height
        for number, colour in enumerate(SKY):
            top = -0.1 + 0.17 * number + 0.025 * np.sin(3.1 * x + 0.5 * self.phase + 2 * number)
            self._below(picture, top, colour)
            if number:
                self._echo(picture, top, colour, 0.045)
        self._stars(picture)
        for number, colour in enumerate(HILLS):
            speed, level = 0.05 * (number + 1) ** 1.6, 0.56 + 0.11 * number
            way = x + speed * self.phase
            top = level - 0.05 * np.sin(2.3 * way + number) - 0.03 * np.sin(5.9 * way + 2.0 * number)
            self._below(picture, top, colour)
            self._echo(picture, top, colour, 0.028)
            if number == 1:
                self._houses(picture, top, speed)
        self._tree(picture)
        return picture

    @staticmethod
    def _below(picture: Frame, top: NDArray[np.float64], colour: tuple[int, int, int]) -> None:
        height, width = picture.shape[:2]
        line = np.stack([np.arange(len(top)), top * height], 1)
        outline = np.concatenate([line, [[width, height + 2], [0, height + 2]]])
        fixed = np.round(outline * 16).astype(np.int32)
        cv2.fillPoly(picture, [fixed[:, None]], colour, cv2.LINE_AA, 4)

    @staticmethod
    def _echo(picture: Frame, top: NDArray[np.float64], colour: tuple[int, int, int], step: float) -> None:
        """Dark strokes along the top of a band and below it, each calmer than the one before."""
        height = picture.shape[0]
        dark = tuple(int(value * 0.42) for value in colour)
        pen = max(1, round(height / 170))
        for number in range(4):
            calm = top.mean() + (top - top.mean()) * 0.8**number + step * number
            line = np.stack([np.arange(len(top)), calm * height], 1)
            fixed = np.round(line * 16).astype(np.int32)[:, None]
            if number == 0:
                cv2.polylines(picture, [fixed], False, dark, pen, cv2.LINE_AA, 4)
                continue
            # broken into strokes, a different rhythm in each row
            length = max(8, len(fixed) // (9 + 3 * number))
            for start in range(-(number * length) // 3, len(fixed), length + length // 3):
                piece = fixed[max(0, start) : max(0, start + length)]
                if len(piece) > 1:
                    cv2.polylines(picture, [piece], False, dark, pen, cv2.LINE_AA, 4)

    def _stars(self, picture: Frame) -> None:
        height, width = picture.shape[:2]
        for number, (x, y, size) in enumerate(((0.78, 0.20, 0.1), (0.46, 0.12, 0.035), (0.2, 0.24, 0.045),
                                               (0.60, 0.30, 0.03), (0.05, 0.08, 0.035), (0.93, 0.38, 0.03))):
            beat = 1 + 0.12 * math.sin(1.7 * self.phase + 2.1 * number)
            middle = round(x * width * 16), round(y * height * 16)
            for ring, shade in ((1.0, 0.45), (0.72, 0.7), (0.42, 1.0)):
                behind = np.array(SKY[1], float)
                colour = tuple(int(v) for v in behind + shade * (np.array(LAMP) - behind))
                radius = round(size * ring * beat * height * 16)
                cv2.circle(picture, middle, radius, colour, -1, cv2.LINE_AA, 4)
                edge = tuple(int(value * 0.5) for value in colour)
                cv2.circle(picture, middle, radius, edge, max(1, round(height / 240)), cv2.LINE_AA, 4)

    def _houses(self, picture: Frame, top: NDArray[np.float64], speed: float) -> None:
        height, width = picture.shape[:2]
        span = width / height + 0.4
        for number, place in enumerate((0.1, 0.42, 0.58, 1.05, 1.4)):
            x = (place - speed * self.phase) % span - 0.2
            ground = float(top[min(width, max(0, round(x * height)))]) + 0.03
            wide, tall = 0.045 + 0.012 * (number % 3), 0.05 + 0.014 * (number % 2)
            left, right, base = x - wide, x + wide, ground
            wall = [(left, base), (right, base), (right, base - tall), (left, base - tall)]
            roof = [(left - 0.012, base - tall), (right + 0.012, base - tall), (x, base - tall - 0.055)]
            lamp = [(x - 0.012, base - 0.018), (x + 0.012, base - 0.018), (x + 0.012, base - 0.042),
                    (x - 0.012, base - 0.042)]
            for points, colour in ((wall, WALL), (roof, ROOF), (lamp, LAMP)):
                fixed = np.round(np.array(points) * height * 16).astype(np.int32)
                cv2.fillPoly(picture, [fixed[:, None]], colour, cv2.LINE_AA, 4)

    def _tree(self, picture: Frame) -> None:
        height, width = picture.shape[:2]
        up = np.linspace(0, 1, 24)
        reach = 0.085 * np.sin(math.pi * up**0.75) * (1 + 0.18 * np.sin(16 * up - 2.2 * self.phase))
        bend = 0.03 * np.sin(2.5 * up + 1.1 * self.phase) * up
        middle = 0.17 * width / height + bend
        down = 1.02 - 0.86 * up
        outline = np.concatenate([np.stack([middle - reach, down], 1), np.stack([middle + reach, down], 1)[::-1]])
        fixed = np.round(outline * height * 16).astype(np.int32)
        cv2.fillPoly(picture, [fixed[:, None]], TREE, cv2.LINE_AA, 4)
