"""Routes: which modulator moves which parameter, and how far. What it adds never becomes the user's value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from studio.control.binding import Target, parse_target, plain_target

MOST = 2000
"""Most routes in a session."""


@dataclass(frozen=True)
class Route:
    """``depth`` -1..1 is the part of the control's way. ``bipolar`` swings to both sides of the user's value, else the
    modulator pushes away from it in one direction."""

    modulator: str
    target: Target
    depth: float = 0.25
    bipolar: bool = True

    def offset(self, value: float) -> float:
        """How far a modulator's value 0..1 moves the control."""
        return self.depth * (2.0 * value - 1.0 if self.bipolar else value)

    def to_json(self) -> dict[str, Any]:
        """As a file holds it."""
        target = plain_target(self.target)
        return {"modulator": self.modulator, "target": target, "depth": self.depth, "bipolar": self.bipolar}


def offsets(routes: Iterable[Route], values: Mapping[str, float]) -> dict[Target, float]:
    """The sum of all routes, by target; routes of modulators that are not there do nothing."""
    found: dict[Target, float] = {}
    for route in routes:
        if route.modulator in values:
            found[route.target] = found.get(route.target, 0.0) + route.offset(values[route.modulator])
    return found


def parse_routes(tree: Any, where: str, report: list[str]) -> list[Route]:
    """Routes from a file's list; what cannot be used is reported. Never raises."""
    if not isinstance(tree, list):
        if tree is not None:
            report.append(f"{where}: not a list; nothing is modulated")
        return []
    found: list[Route] = []
    for index, item in enumerate(tree[:MOST]):
        try:
            if not isinstance(item, dict) or not isinstance(item.get("modulator"), str):
                raise ValueError("it does not name a modulator")
            depth, bipolar = item.get("depth", 0.25), item.get("bipolar", True)
            if isinstance(depth, bool) or not isinstance(depth, (int, float)) or not math.isfinite(depth):
                raise ValueError("its depth is not a number")
            target = parse_target(item.get("target"))
            if not target.line:
                raise ValueError("only parameters of generators can be modulated")
        except ValueError as error:
            report.append(f"{where}[{index}]: {error}; it was left out")
            continue
        found.append(Route(item["modulator"][:60], target, min(1.0, max(-1.0, float(depth))), bipolar is not False))
    if len(tree) > MOST:
        report.append(f"{where}: {len(tree)} routes; only the first {MOST} are used")
    return found
