"""Choosing the next symbol from logits: temperature, top-k, nucleus, repetition penalty, masks. Numpy only, seeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Choice = tuple[float, tuple[tuple[str, float], ...]]
"""The chance that a character had, and the best ones (character, chance) that it was chosen among."""

COLDEST = 1e-3
"""Temperatures below this take the most likely symbol."""

LONGEST_REPEAT = 48
"""Longest repeated run (symbols) that the repetition penalty looks for."""


@dataclass(frozen=True)
class Sampling:
    """How to choose. ``temperature`` sharpens (< 1) or flattens (> 1); ``top_k`` keeps the k most likely symbols
    (0: all); ``top_p`` keeps the smallest set whose chances reach it (1: all; Holtzman et al. 2020).

    ``penalty`` > 1 divides the chance of every symbol that would lengthen a repeat of ``shortest`` or more symbols out
    of the last ``window`` ones, once per symbol of that repeat beyond: loops end, single letters stay free.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    penalty: float = 1.0
    window: int = 256
    shortest: int = 4


def chances(
    logits: NDArray[np.float32], sampling: Sampling, *, mask: NDArray[np.bool_] | None = None,
    history: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Probabilities ``(vocabulary,)`` that sum to 1; exactly 0 where ``mask`` is False.

    The mask acts before everything else, so what is left is renormalised, not snapped. Raises ValueError when the mask
    allows nothing or no allowed logit is finite.
    """
    scores: NDArray[np.float64] = logits.astype(np.float64)
    if mask is not None:
        scores[~mask] = -np.inf
    if sampling.penalty > 1.0 and history is not None and len(history) > sampling.shortest:
        scores -= repeats(history[-sampling.window :], len(scores), sampling.shortest) * np.log(sampling.penalty)
    best = scores.max()
    if not np.isfinite(best):
        raise ValueError("no symbol is allowed here: the mask excludes all of them")
    if sampling.temperature < COLDEST:
        result = np.zeros_like(scores)
        result[int(scores.argmax())] = 1.0
        return result
    scores = np.exp((scores - best) / sampling.temperature)
    if 0 < sampling.top_k < len(scores):
        scores[np.argsort(-scores, kind="stable")[sampling.top_k :]] = 0.0
    scores /= scores.sum()
    if sampling.top_p < 1.0:
        order = np.argsort(-scores, kind="stable")
        reached = np.cumsum(scores[order])
        kept = int(np.searchsorted(reached, max(sampling.top_p, 0.0))) + 1
        scores[order[kept:]] = 0.0
        scores /= scores.sum()
    return scores


def repeats(history: NDArray[np.int64], vocabulary: int, shortest: int) -> NDArray[np.float64]:
    """For each symbol: by how many symbols its choice would make a repeat within ``history`` longer than allowed.

    A repeat is the longest end of ``history`` that stands somewhere earlier in it too; the symbol that followed it
    there would lengthen it. 0 where that run is shorter than ``shortest``.
    """
    excess = np.zeros(vocabulary)
    last = len(history) - 1
    ends = np.flatnonzero(history[:-1] == history[last])  # where the last symbol stood before
    length = 1
    while len(ends) and length < LONGEST_REPEAT:
        if length >= shortest:
            np.maximum.at(excess, history[ends + 1], length - shortest + 1)
        ends = ends[ends >= length]
        ends = ends[history[ends - length] == history[last - length]]
        length += 1
    return excess


def draw(probabilities: NDArray[np.float64], uniform: float) -> int:
    """The symbol at ``uniform`` (0 ≤ u < 1) of the cumulated probabilities: one random number, one symbol."""
    reached = np.cumsum(probabilities)
    token = int(np.searchsorted(reached, uniform * reached[-1], side="right"))
    if token < len(reached) and probabilities[token] > 0.0:
        return token
    return int(np.flatnonzero(probabilities)[-1])  # rounding at the very end


def choose(
    logits: NDArray[np.float32], sampling: Sampling, rng: np.random.Generator, *,
    mask: NDArray[np.bool_] | None = None, history: NDArray[np.int64] | None = None,
) -> int:
    """One symbol from ``logits`` ``(vocabulary,)``; uses exactly one random number."""
    return draw(chances(logits, sampling, mask=mask, history=history), float(rng.random()))


class Drawn(str):
    """Text that knows what each of its characters was chosen among: ``choices`` has one item per character.

    An item is None for a character that was given, not chosen. Ordinary text in every other way.
    """

    choices: tuple[Choice | None, ...]

    def __new__(cls, text: str, choices: Sequence[Choice | None]) -> Drawn:
        made = super().__new__(cls, text)
        made.choices = tuple(choices)
        return made


def best(
    probabilities: NDArray[np.float64], characters: Sequence[str], count: int = 8
) -> tuple[tuple[str, float], ...]:
    """The ``count`` likeliest characters with their chances, the likeliest first; those without a chance left out."""
    count = min(count, len(probabilities))
    places = np.argpartition(-probabilities, count - 1)[:count]
    places = places[np.argsort(-probabilities[places], kind="stable")]
    return tuple((characters[place], float(probabilities[place])) for place in places if probabilities[place] > 0.0)
