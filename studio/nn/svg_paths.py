"""The ``d`` of an SVG path as polylines (SVG 1.1, section 8.3). Arcs are refused: exporters can make curves of them."""

from __future__ import annotations

import itertools
import re

Point = tuple[float, float]

FINE = 8
"""Points of a curve."""
MAX_CHARACTERS = 2_000_000
_TOKEN = re.compile(r"\s*,?\s*([MmLlHhVvCcSsQqTtZzAa]|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
_NEEDS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "Z": 0}


class PathFault(ValueError):
    """A path that cannot be read; the message says why."""


def path_strokes(d: str) -> list[list[Point]]:
    """The subpaths of ``d``, curves as FINE points each. Raises PathFault."""
    tokens = _tokens(d)
    strokes: list[list[Point]] = []
    here, start, handle = (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)
    command, place, before = "", 0, ""
    while place < len(tokens):
        if isinstance(tokens[place], str):
            command, place = str(tokens[place]), place + 1
            if command in "Aa":
                raise PathFault("a path has an arc; turn arcs into curves when you export it")
        elif command in "Zz" or not command:
            raise PathFault("a path has numbers without a command")
        kind = command.upper()
        numbers = tokens[place : place + _NEEDS[kind]]
        if len(numbers) < _NEEDS[kind] or any(isinstance(n, str) for n in numbers):
            raise PathFault(f"a path ends in the middle of {command}")
        place += _NEEDS[kind]
        values = [float(n) for n in numbers]
        if not strokes and kind != "M":
            raise PathFault("a path does not begin with M")
        base = here if command.islower() else (0.0, 0.0)
        ends = [(base[0] + x, base[1] + y) for x, y in zip(values[::2], values[1::2], strict=False)]
        if kind == "M":
            here = start = ends[0]
            strokes.append([here])
            command = "l" if command == "m" else "L"
        elif kind == "Z":
            strokes[-1].append(start)
            here = start
        elif kind in "LHV":
            if kind == "H":
                ends = [(base[0] + values[0], here[1])]
            elif kind == "V":
                ends = [(here[0], base[1] + values[0])]
            here = ends[0]
            strokes[-1].append(here)
        else:
            mirrored = (2 * here[0] - handle[0], 2 * here[1] - handle[1])
            if kind in "ST":
                ends = [mirrored if before in {"S": "CS", "T": "QT"}[kind] else here, *ends]
            handle = ends[-2]
            strokes[-1] += _bezier([here, *ends])
            here = ends[-1]
        before = kind
    return [stroke for stroke in strokes if len(stroke) > 1]


def _tokens(d: str) -> list[str | float]:
    if len(d) > MAX_CHARACTERS:
        raise PathFault("a path is too long")
    found: list[str | float] = []
    place = 0
    while place < len(d.rstrip(" \t\r\n,")):
        match = _TOKEN.match(d, place)
        if match is None:
            raise PathFault(f"a path has {d[place : place + 12].strip()!r}, which is no command and no number")
        found.append(match[1] if match[1].isalpha() else float(match[1]))
        place = match.end()
    return found


def _bezier(spots: list[Point]) -> list[Point]:
    """Points of a quadratic or cubic curve, without its first, by de Casteljau."""
    made = []
    for number in range(1, FINE + 1):
        t, level = number / FINE, spots
        while len(level) > 1:
            level = [(a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])) for a, b in itertools.pairwise(level)]
        made.append(level[0])
    return made
