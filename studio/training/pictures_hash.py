"""Near-duplicates among pictures: difference hashes, compared in bands, so that hundreds of thousands take seconds."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

NEAR = 4
"""Most differing bits (of 64) of two pictures that count as the same."""

MEAN_NEAR = 10.0
"""Most levels (of 255) by which the mean colours of two such pictures differ: flat pictures have equal hashes."""

_FARTHEST = 200
"""How far apart two pictures may stand in the order of a band to be compared; equal ones stand side by side."""


def difference_hash(picture: NDArray[np.uint8]) -> tuple[int, tuple[float, float, float]]:
    """64 bits, each whether a cell of a 9x8 grid of grey is darker than its right neighbour (Krawetz 2013), and the
    mean colour (levels of 255); ``picture`` is uint8 ``(height, width, 3)``."""
    from PIL import Image

    image = Image.fromarray(picture)
    grey = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), np.int16)
    bits = (grey[:, 1:] > grey[:, :-1]).ravel()
    mean = np.asarray(image.resize((1, 1), Image.Resampling.BOX), np.float64).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big"), (float(mean[0]), float(mean[1]), float(mean[2]))


def near_groups(hashes: NDArray[np.uint64], means: NDArray[np.float32]) -> list[list[int]]:
    """Groups of two and more pictures that are nearly the same, each in ascending order.

    ``hashes (N,)`` and ``means (N, 3)`` are those of ``difference_hash``. Of ``NEAR + 1`` bands of bits two near hashes
    share at least one, so only pictures that stand together under a band are compared.
    """
    parent = list(range(len(hashes)))
    edges = np.linspace(0, 64, NEAR + 2).astype(int).tolist()
    for low, high in itertools.pairwise(edges):
        bands = (hashes >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        order = np.lexsort((means[:, 0], hashes, bands))
        for first, second in _near_pairs(order, bands, hashes, means):
            a, b = _root(parent, first), _root(parent, second)
            parent[max(a, b)] = min(a, b)
    groups: dict[int, list[int]] = {}
    for index in range(len(hashes)):
        groups.setdefault(_root(parent, index), []).append(index)
    return sorted(group for group in groups.values() if len(group) > 1)


def _near_pairs(
    order: NDArray[np.int64], bands: NDArray[np.uint64], hashes: NDArray[np.uint64], means: NDArray[np.float32]
) -> list[tuple[int, int]]:
    """Near pairs among pictures of equal bands; ``order`` puts those side by side."""
    found: list[tuple[int, int]] = []
    for distance in range(1, min(_FARTHEST, len(order) - 1) + 1):
        first, second = order[:-distance], order[distance:]
        together = bands[first] == bands[second]
        if not together.any():
            break
        if distance > 1:  # equal hashes are joined along their order already
            together &= hashes[first] != hashes[second]
        first, second = first[together], second[together]
        near = np.bitwise_count(hashes[first] ^ hashes[second]) <= NEAR
        first, second = first[near], second[near]
        near = np.abs(means[first] - means[second]).max(1, initial=0.0) <= MEAN_NEAR
        found += zip(first[near].tolist(), second[near].tolist(), strict=True)
    return found


def _root(parent: list[int], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = parent[index]
    return index
