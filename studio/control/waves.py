"""Shapes that repeat, and chance that belongs to a place in a sequence and not to how often one looks."""

from __future__ import annotations

import math

SHAPES = ("sine", "triangle", "saw", "square", "random", "smooth")
_MASK = 2**64 - 1


def chance(seed: int, index: int) -> float:
    """A number 0..1 that belongs to ``index`` of the sequence ``seed``: splitmix64."""
    z = ((seed & _MASK) * 0xD1342543DE82EF95 + (index + 1) * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & _MASK
    return ((z ^ z >> 31) >> 11) / 2**53


def wave(shape: str, phase: float, seed: int = 0) -> float:
    """A shape at ``phase`` (in turns), 0..1. It begins at its lowest, a square with its high half."""
    turn = phase % 1.0
    if shape == "sine":
        return 0.5 - 0.5 * math.cos(2.0 * math.pi * turn)
    if shape == "triangle":
        return 1.0 - abs(2.0 * turn - 1.0)
    if shape == "saw":
        return turn
    if shape == "square":
        return 1.0 if turn < 0.5 else 0.0
    index = math.floor(phase)
    here = chance(seed, index)
    if shape == "random":
        return here
    ease = turn * turn * (3.0 - 2.0 * turn)
    return here + (chance(seed, index + 1) - here) * ease
