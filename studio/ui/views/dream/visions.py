"""What is dreamt of: layers and channels with weights, as the generator's parameters say it. No Qt here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

LIMIT = 2.0
"""Largest weight, either way."""


@dataclass(frozen=True)
class Vision:
    """A layer, or one channel of it (several where they were typed), and how strongly it pulls (-2..2)."""

    layer: str
    channels: tuple[int, ...] = ()
    weight: float = 1.0

    @property
    def channel(self) -> int | None:
        """The one channel, None for the whole layer."""
        return self.channels[0] if self.channels else None

    @property
    def key(self) -> str:
        """Tells it from others: ``4c`` or ``4c:97``."""
        return f"{self.layer}:{','.join(map(str, self.channels))}" if self.channels else self.layer


def read(values: Mapping[str, Any]) -> list[Vision]:
    """The visions that the parameters name. Raises ValueError with a sentence where ``targets`` cannot be read."""
    text = str(values["targets"]).strip()
    if text:
        from studio.nn.dream import parse_targets  # the plugin is here, so torch is as well

        first = next(part for part in text.split("|") if part.strip()) if text.strip("| ") else text
        return [Vision(target.layer, target.channels, target.weight) for target in parse_targets(first)]
    pairs = (("layer", "channel", "weight"), ("layer_b", "channel_b", "weight_b"))
    found = [
        Vision(values[layer], () if values[channel] < 0 else (values[channel],), float(values[weight]))
        for layer, channel, weight in pairs if values[weight]
    ]
    return found or [Vision(values["layer"])]


def stops(values: Mapping[str, Any]) -> int:
    """How many stops a journey has; 1 where there is none."""
    return max(1, sum(bool(part.strip()) for part in str(values["targets"]).split("|")))


def write(visions: Sequence[Vision], choices: Sequence[str]) -> dict[str, Any]:
    """Parameters that name these visions. ``choices`` are the layers that the two pairs of parameters can name; more
    than two visions, or others, become ``targets``."""
    if not visions:
        raise ValueError("there is no vision to write")
    plain = len(visions) <= 2 and all(len(v.channels) <= 1 and v.layer in choices for v in visions)
    if not plain:
        return {"targets": _text(visions)}
    changes: dict[str, Any] = {"targets": "", "weight_b": 0.0}
    for vision, end in zip(visions, ("", "_b"), strict=False):
        changes[f"layer{end}"] = vision.layer
        changes[f"channel{end}"] = -1 if vision.channel is None else vision.channel
        changes[f"weight{end}"] = vision.weight
    return changes


def write_first_stop(visions: Sequence[Vision], journey: str) -> dict[str, Any]:
    """A journey (``targets`` with |) with another first stop; the others stay as they were typed."""
    places = [part.strip() for part in journey.split("|") if part.strip()]
    return {"targets": " | ".join([_text(visions), *places[1:]])}


def _text(visions: Sequence[Vision]) -> str:
    parts = []
    for number, vision in enumerate(visions):
        sign = "-" if vision.weight < 0 else "+" if number else ""
        # after channels always with the weight: "4c:9 - 3a" would read as channels 9 to 3
        weight = "" if abs(vision.weight) == 1 and not vision.channels else f"*{abs(vision.weight):.2f}"
        parts.append(f"{sign} {vision.key}{weight}".strip() if number else f"{sign}{vision.key}{weight}")
    return " ".join(parts)


def add(visions: Sequence[Vision], vision: Vision) -> list[Vision]:
    """One more; what is there already goes, unless it is the last."""
    if any(known.key == vision.key for known in visions):
        kept = [known for known in visions if known.key != vision.key]
        return kept or list(visions)
    return [*visions, vision]


def weigh(visions: Sequence[Vision], place: int, weight: float) -> list[Vision]:
    """With another weight at ``place``, -2..2, never 0: a vision of no weight would vanish under the hand."""
    weight = round(min(LIMIT, max(-LIMIT, weight)), 2) or 0.01
    return [replace(known, weight=weight) if k == place else known for k, known in enumerate(visions)]
