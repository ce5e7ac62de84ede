"""From a spot on the map to a place: the seeds that are shown around it, mixed so that the map tells the truth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.nn.places import Place, combine, of_seed

NEIGHBOURS = 6


def place_at(x: float, y: float, shown: NDArray[np.int64], seeds: NDArray[Any]) -> Place:
    """The place at ``(x, y)`` (standard deviations): on a seed of ``shown`` that very seed, between them a mixture.

    Weights fall to zero at the first neighbour that is left out (Franke and Little 1980), so the way is without jumps;
    they are scaled to a length of 1, as an average of many would be a bland picture; the first two directions make up
    for what is then missing to ``(x, y)``.
    """
    if not len(shown):
        return Place((("pc1", round(x, 3)), ("pc2", round(y, 3))))
    away = np.hypot(seeds[shown, 0] - x, seeds[shown, 1] - y)
    order = np.argsort(away)[: NEIGHBOURS + 1]
    nearest = away[order]
    if nearest[0] < 1e-3:
        return of_seed(int(shown[order[0]]))
    reach = float(nearest[-1]) * 1.0001 if len(order) > 1 else float(nearest[0]) * 2
    weights = (np.maximum(0.0, reach - nearest) / (reach * nearest)) ** 2
    weights = weights / math.sqrt(float((weights**2).sum()))
    chosen = shown[order]
    parts = [(of_seed(int(seed)), float(weight)) for seed, weight in zip(chosen, weights, strict=True) if weight > 0.01]
    missing = np.array([x, y])
    for place, weight in parts:
        missing = missing - weight * seeds[int(place.terms[0][0])]
    # the two directions are only kept where they can be seen
    shift = Place((("pc1", float(missing[0])), ("pc2", float(missing[1]))))
    return combine([*parts, (shift, 1.0)])
