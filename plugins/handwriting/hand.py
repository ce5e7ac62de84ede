"""The hand: a network writes word after word, each in the manner of the strokes that it read before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.nn.charset import Charset
from studio.nn.handwriting import PenRNN, Scribe, build_pen
from studio.nn.pen_files import pen_points, read_strokes, unit_of
from studio.nn.weights import ModelFile, WeightsError

Points = NDArray[np.float32]

MOST_PRIMER = 400
"""Points of strokes that are read before a word, at the most."""
TRIES = 3


@dataclass(frozen=True)
class Manner:
    """Strokes that a word is written after: points ``(n, 3)`` in heights of a small x, and the text they spell."""

    points: Points
    text: str

    @property
    def end(self) -> float:
        """How high above the base line the pen is at their end."""
        return float(self.points[:, 1].sum() - base_line(np.cumsum(self.points[:, 1])))


@dataclass(frozen=True)
class Word:
    """A written word: strokes ``(n, 2)`` in heights of a small x, y upwards from the base line, its left edge at 0;
    ``gap`` is the room that the hand leaves before it, ``width`` how far it reaches."""

    text: str
    strokes: tuple[Points, ...]
    gap: float
    width: float


class Hand:
    """A trained network, its characters, and the manners it can write in."""

    def __init__(self, model: ModelFile) -> None:
        """Raises WeightsError."""
        self.network: PenRNN = build_pen(model)
        try:
            characters = list(model.config["characters"])
            self.charset, self.scale = Charset(characters), float(model.config["scale"])
            self.manners = [_manner(item) for item in model.config.get("primers", [])]
            self.pace = min(60.0, max(2.0, float(model.config.get("points_per_character", 11.0))))
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"{model.path.name} is no usable handwriting ({error}); train it again") from None
        if len(self.charset) != self.network.spec.characters or not self.scale > 0:
            raise WeightsError(f"{model.path.name}: its characters do not fit its network; train it again")
        self.end = len(self.charset) - 1
        self.scribe = Scribe(self.network)

    def fold(self, text: str) -> tuple[str, str]:
        """``text`` in characters that the hand can write, and a sentence about what was changed."""
        return self.charset.fold(text)

    def tokens(self, text: str) -> list[int]:
        return [int(token) for token in self.charset.encode(text)]

    def write(self, text: str, bias: float, manner: Manner | None, rng: np.random.Generator) -> Iterator[Word | None]:
        """Write one word; yields None after every point, so that others can work between, and the word at last.

        A word on which the pen got lost is tried again, more neatly each time.
        """
        best: tuple[float, list[Points]] | None = None
        for number in range(TRIES):
            tokens = [*self.tokens(text), self.end]
            if manner is None:
                self.scribe.begin(tokens)
                made = [np.zeros(3, np.float32)]
            else:
                prime = manner.points.copy()
                prime[:, :2] /= self.scale
                self.scribe.begin(tokens, prime, [*self.tokens(manner.text), *self.tokens(" ")])
                made = []
            most = round(2.6 * self.pace * len(text) + 4 * self.pace)
            while len(made) < most and not self.scribe.finished:
                made.append(self.scribe.write(bias + 0.5 * number, rng))
                yield None
            likely = self.pace * len(text)
            fault = abs(len(made) / max(1.0, likely) - 1.0) + (1.0 if len(made) >= most else 0.0)
            if best is None or fault < best[0]:
                best = fault, made
            if fault < 0.8:
                break
        assert best is not None
        yield self._word(text, np.array(best[1], np.float32), manner)

    def _word(self, text: str, points: Points, manner: Manner | None) -> Word:
        points[:, :2] *= self.scale
        place = np.cumsum(points[:, :2], axis=0)
        strokes = _split(place, points[:, 2])
        if not strokes:
            strokes = [place[:1]]
        every = np.vstack(strokes)
        left = float(every[:, 0].min())
        base = -manner.end if manner is not None else base_line(every[:, 1])
        moved = tuple(np.asarray(s - (left, base), np.float32) for s in strokes)
        gap = min(1.6, max(0.35, left)) if manner is not None else 0.7
        return Word(text, moved, gap, float(every[:, 0].max()) - left)


def _split(place: Points, up: NDArray[Any]) -> list[Points]:
    """Strokes out of places and where the pen was lifted after one; the rest at the end of a text is no stroke."""
    strokes: list[Points] = []
    begin = 0
    for end in [*np.flatnonzero(up > 0.5), len(place) - 1]:
        if end >= begin:
            strokes.append(place[begin : end + 1])
        begin = int(end) + 1
    while len(strokes) > 1 and len(strokes[-1]) == 1:
        strokes.pop()
    return strokes


def base_line(heights: Sequence[float] | NDArray[Any]) -> float:
    """About where letters stand, of the heights of a writing's points."""
    return float(np.percentile(np.asarray(heights), 14))


def _manner(item: Any) -> Manner:
    points = np.array(item["points"], np.float32)
    if points.ndim != 2 or points.shape[1] != 3 or not 2 <= len(points) <= 4 * MOST_PRIMER:
        raise ValueError("a primer is not a list of points")
    return Manner(points, str(item["text"]))


def manner_of(path: str, text: str) -> Manner:
    """Somebody's own strokes out of a file (see ``pen_files``); ``text`` is what they spell, empty: what the file says.

    Raises ValueError with a sentence.
    """
    from pathlib import Path

    pieces, skipped = read_strokes(Path(path))
    if not pieces:
        raise ValueError(skipped[0] if skipped else f"{path} holds no strokes")
    piece = pieces[0]
    points = pen_points(piece.strokes, unit_of(pieces))
    if len(points) > MOST_PRIMER:
        raise ValueError(f"{piece.where} has {len(points)} points, at most {MOST_PRIMER} are read; take fewer words")
    return Manner(points, text.strip() or piece.text)
