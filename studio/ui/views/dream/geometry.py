"""Where the flight leads, as plane geometry. No Qt here.

Points are complex numbers in units of the frame's height, from its middle, y down. In each instant the camera takes
what a slightly smaller, turned and shifted frame shows; after ``t`` seconds it sees what the frame ``p -> a p + b``
shows.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

LIMITS = (2.0, 180.0, 1.0)
"""Largest zoom (1/s), rotation (degrees per second) and drift (frames per second), either way."""


@dataclass(frozen=True)
class Flight:
    """``zoom`` 1/s (above 0 it flies in), ``rotation`` °/s (the picture turns anticlockwise), drift in frames/s."""

    zoom: float = 0.0
    rotation: float = 0.0
    right: float = 0.0
    down: float = 0.0

    def rate(self) -> complex:
        """Logarithm of the frame's growth and turn per second: the frame turns clockwise as the picture turns back."""
        return complex(-self.zoom, math.radians(self.rotation))

    def speed(self, aspect: float) -> complex:
        """The drift in frame heights per second; ``aspect`` is width by height."""
        return complex(self.right * aspect, self.down)

    def frame(self, seconds: float, aspect: float) -> tuple[complex, complex]:
        """``a`` and ``b`` of the frame that is seen in so many seconds."""
        rate = self.rate()
        return cmath.exp(rate * seconds), self.speed(aspect) * _span(rate, seconds)

    def path(self, seconds: float, aspect: float, points: int = 40) -> list[complex]:
        """Where the middle of the view goes, from now on."""
        return [self.frame(seconds * k / (points - 1), aspect)[1] for k in range(points)]


def _span(rate: complex, seconds: float) -> complex:
    """Integral of ``exp(rate t)`` from 0 to ``seconds``."""
    return complex(seconds) if abs(rate) < 1e-6 else (cmath.exp(rate * seconds) - 1) / rate


def from_frame(a: complex, b: complex, aspect: float) -> Flight:
    """The flight whose frame in one second is ``p -> a p + b``, as near as the limits allow."""
    zoom, turn, drift = LIMITS
    size = min(math.exp(zoom), max(math.exp(-zoom), abs(a)))
    rotation = min(turn, max(-turn, math.degrees(cmath.phase(a))))
    rate = complex(math.log(size), math.radians(rotation))
    speed = b / _span(rate, 1.0)
    right, down = (min(drift, max(-drift, part)) for part in (speed.real / aspect, speed.imag))
    return Flight(-math.log(size), rotation, right, down)


def octave_sides(longer: int, octaves: int, scale: float, smallest: float) -> list[tuple[int, bool]]:
    """Longer sides (pixels) of the octaves from large to small, and whether each is large enough to be worked on."""
    sides = [longer / scale**k for k in range(max(1, octaves))]
    return [(round(side), k == 0 or side >= smallest) for k, side in enumerate(sides)]
