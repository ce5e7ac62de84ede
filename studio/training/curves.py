"""The curves of a training: kept from its events, smoothed, and drawn as a picture. Heavy imports at the drawing only.

Losses are faint lines with a smooth one over them, the figure of validation dots joined by a line; where that figure
is of another kind than the losses it has an axis of its own. Where values span more than a decade the axis is
logarithmic: a loss that falls from 50 to 0.5 is then seen all the way.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

Curve = list[tuple[int, float]]
POINTS = 4000
"""Most points of a curve; of more every other one of the older half is dropped."""
DECADE = 10.0
"""From this ratio of the largest to the smallest value on, an axis is logarithmic."""


def add(curves: dict[str, Curve], name: str, step: int, value: float) -> None:
    """A point more; after a roll-back the curve goes on from where it went back to."""
    points = curves.setdefault(name, [])
    while points and points[-1][0] >= step:
        points.pop()
    points.append((step, value))
    if len(points) > POINTS:
        curves[name] = points[: POINTS // 2 : 2] + points[POINTS // 2 :]


def smoothed(values: list[float]) -> list[float]:
    """Exponential average over about a thirtieth of what there is, from both sides, so that it does not lag behind."""
    share = min(0.95, max(0.0, 1 - 30 / max(1, len(values))))
    there, back = _average(values, share), _average(values[::-1], share)[::-1]
    return [0.5 * (a + b) for a, b in zip(there, back, strict=True)]


def _average(values: list[float], share: float) -> list[float]:
    """The exponential average, unbiased at its start."""
    kept, weight, out = 0.0, 0.0, []
    for value in values:
        kept = share * kept + (1 - share) * value
        weight = share * weight + (1 - share)
        out.append(kept / weight)
    return out


def beside(name: str) -> bool:
    """Whether a validation figure is of the kind of the losses, so that one axis serves both."""
    return "nats" in name or "loss" in name


def shown_figures(valid: dict[str, Curve]) -> list[str]:
    """The figures of validation worth a curve, the telling one first."""
    return [name for name in valid if name != "score" and "bits" not in name] or list(valid)


class Curves:
    """Losses (``train``) and figures (``valid``) by name, as points (step, value); ``rollbacks``: steps gone to."""

    def __init__(self) -> None:
        self.train: dict[str, Curve] = {}
        self.valid: dict[str, Curve] = {}
        self.rollbacks: list[int] = []

    def hear(self, event: dict[str, Any]) -> None:
        """Take in an event of a training."""
        kind, step = event.get("kind"), event.get("step")
        if not isinstance(step, int):
            return
        if kind == "rollback" and isinstance(event.get("to"), int):
            self.rollbacks.append(event["to"])
            return
        source, curves = {
            "step": ("losses", self.train), "validate": ("figures", self.valid),
        }.get(str(kind), ("", self.train))
        values = event.get(source)
        for name, value in values.items() if isinstance(values, dict) else ():
            if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
                add(curves, str(name), step, float(value))

    def read(self, path: Path) -> None:
        """Take in a file of events; what cannot be read is left out."""
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
        for line in text.splitlines():
            try:
                event = json.loads(line)
            except ValueError:  # torn by a crash
                continue
            if isinstance(event, dict):
                self.hear(event)

    def draw(self, path: Path, title: str, recipe: str) -> None:
        """Write them as a PNG; nothing when there are none yet. Raises FileError."""
        if self.train or self.valid:
            from studio.training.curve_picture import draw

            draw(self, path, title, recipe)
