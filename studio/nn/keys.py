"""In which key is it? How well each tone of music fits the major and minor keys (Krumhansl and Kessler 1982)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from studio.nn.music import KEYS

MODES = ("major", "minor")
_PROFILES = np.array([
    [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
    [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
])


def key_fits(heard: NDArray[np.float64], *, final: int = -1, bonus: float = 0.35) -> NDArray[np.float64]:
    """How well the weights of the twelve tones ``(12,)`` fit each key, ``(2, 12)``: major and minor by keynote.

    A correlation, -1..1 (0 where all weights are the same); ``bonus`` is added for keys on the tone ``final``.
    """
    with np.errstate(invalid="ignore"):
        fits = np.array([
            [np.corrcoef(np.roll(profile, tonic), heard)[0, 1] + bonus * (final == tonic) for tonic in range(12)]
            for profile in _PROFILES
        ])
    made: NDArray[np.float64] = np.nan_to_num(fits)
    return made


def key_names(fits: NDArray[np.float64]) -> list[str]:
    """All keys, such as ``G minor``, the best first."""
    order = np.argsort(-fits.ravel(), kind="stable")
    return [f"{KEYS[place % 12]} {MODES[place // 12]}" for place in order]


def transposed(key: str, shift: int) -> str:
    """The name of a key ``shift`` semitones higher."""
    tonic, _, mode = key.partition(" ")
    return f"{KEYS[(KEYS.index(tonic) + shift) % 12]} {mode}"


def way_to(key: str, known: Sequence[str]) -> int | None:
    """By how many semitones, -6..5 and as few as can be, music in ``key`` is to be moved to be in one of the ``known``
    keys; None when that cannot be."""
    if key.partition(" ")[0] not in KEYS:
        return None
    ways = sorted(range(-6, 6), key=lambda shift: (abs(shift), shift))
    return next((shift for shift in ways if transposed(key, shift) in known), None)
