"""Which foreign network tensors belong to, by their names and shapes alone; torch is not imported: lists stay quick."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

Shapes = Mapping[str, tuple[int, ...]]
"""Shapes of tensors by name."""


@dataclass(frozen=True)
class Family:
    """One published network: the stride of each block, from which block on the activation is hard swish (V3; None:
    ReLU6 throughout), and the batch norm's eps."""

    name: str
    strides: tuple[int, ...]
    swish_from: int | None
    eps: float


V2 = Family("MobileNet V2", (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1), None, 1e-5)
V3_LARGE = Family("MobileNet V3 large", (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1), 7, 1e-3)
V3_SMALL = Family("MobileNet V3 small", (2, 2, 1, 2, 1, 1, 1, 1, 2, 1, 1), 4, 1e-3)


def family(names: Iterable[str]) -> Family | None:
    """Which network has tensors of these names, None for another."""
    known = set(names)
    if "features.17.conv.3.running_var" in known and "features.18.0.weight" in known:
        return V2
    if "features.15.block.3.1.running_var" in known and "features.16.0.weight" in known:
        return V3_LARGE
    if "features.11.block.3.1.running_var" in known and "features.12.0.weight" in known:
        return V3_SMALL
    return None


def dcgan_widths(shapes: Shapes) -> tuple[int, ...] | None:
    """The widths of a DCGAN example's generator with these tensors (``main.0.weight`` …), None for another network."""
    numbers = sorted(int(m[1]) for name in shapes if (m := re.fullmatch(r"main\.(\d+)\.weight", name))
                     and len(shapes[name]) == 4)
    if len(numbers) < 3 or numbers != [3 * index for index in range(len(numbers))]:
        return None
    weights = [shapes[f"main.{number}.weight"] for number in numbers]
    joined = all(before[1] == after[0] for before, after in pairwise(weights))
    normed = all(
        shapes.get(f"main.{number + 1}.{part}") == (weight[1],)
        for number, weight in zip(numbers[:-1], weights, strict=False)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    if not joined or not normed or any(weight[2:] != (4, 4) for weight in weights):
        return None
    return (weights[0][0], *(weight[1] for weight in weights))
