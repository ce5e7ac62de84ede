"""Places in a latent space as text: seeds, mixtures of seeds, directions and vectors; named points; keyframes.

A place is a weighted sum of deviations from the mean of *w*, such as ``12:0.8 40:0.5 pc1:-0.3``. One seed of weight 1
is that seed, bit for bit. Standard library and numpy only: the window reads and writes these texts without torch.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.params import Seed

MAX_KEYFRAMES = 1000
MAX_TERMS = 64
"""Most terms that a place may have."""

KEPT_TERMS = 16
"""Most terms that mixing keeps: the weakest are left out."""

MAX_VECTOR = 4096
"""Most numbers of a vector in a place."""

MAX_WEIGHT = 1000.0
LEAST_WEIGHT = 0.004
"""Weights below this are left out of a mixture: they cannot be seen."""


class LatentError(ValueError):
    """A text that names no path or point; the message quotes it and says what was expected."""


EASINGS: dict[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "smooth": lambda t: t * t * (3 - 2 * t),
    "smoother": lambda t: t * t * t * (t * (6 * t - 15) + 10),
    "in": lambda t: t * t,
    "out": lambda t: t * (2 - t),
    "sine": lambda t: 0.5 - 0.5 * math.cos(math.pi * t),
    "hold": lambda t: 0.0 if t < 1 else 1.0,
    "overshoot": lambda t: 1 + 2.7 * (t - 1) ** 3 + 1.7 * (t - 1) ** 2,
}
"""How a way is travelled, 0..1 to 0..1 (``overshoot`` passes its goal and comes back)."""


def ease(name: str, t: float) -> float:
    """Easing ``name`` at ``t``, which is clamped to 0..1; the ends are exact."""
    return 0.0 if t <= 0 else 1.0 if t >= 1 else EASINGS[name](t)


_NAME = re.compile(r"[^\W\d][\w-]*\Z")
_DIRECTION = re.compile(r"pc([1-9][0-9]?)\Z")
_VECTOR = re.compile(r"w\.([A-Za-z0-9_-]+)\Z")


@dataclass(frozen=True)
class Place:
    """``terms`` are (source, weight); a source is a seed in digits, ``pc1``… or ``w.`` and a vector in base 64."""

    terms: tuple[tuple[str, float], ...]

    @property
    def seed(self) -> int | None:
        """The seed that this place is, if it is one."""
        if len(self.terms) == 1 and self.terms[0][1] == 1.0 and self.terms[0][0].isdecimal():
            return int(self.terms[0][0])
        return None

    def text(self, separator: str = " ") -> str:
        """The place as ``parse_place`` reads it; with ``+`` between its terms it fits into a list of points."""
        return separator.join(source if weight == 1.0 else f"{source}:{weight:.4g}" for source, weight in self.terms)

    def __str__(self) -> str:
        return self.text()


Where = int | Place
"""A seed, or a place that is none."""


def of_seed(seed: int) -> Place:
    """The place of a seed."""
    return Place(((str(seed), 1.0),))


def as_place(where: Where) -> Place:
    """A seed or place as a place."""
    return where if isinstance(where, Place) else of_seed(where)


def of_vector(deviation: NDArray[Any]) -> Place:
    """The place of a deviation from the mean ``(length,)``: to 8 bits a number, the weight being the largest."""
    flat = np.asarray(deviation, np.float64).reshape(-1)
    largest = float(np.abs(flat).max(initial=0.0))
    if not largest or not math.isfinite(largest):
        return Place(((f"w.{_encode(np.zeros(len(flat), np.int8))}", 1.0),))
    return Place(((f"w.{_encode(np.rint(flat / largest * 127).astype(np.int8))}", float(f"{largest:.4g}")),))


def _encode(numbers: NDArray[np.int8]) -> str:
    return base64.urlsafe_b64encode(numbers.tobytes()).decode("ascii").rstrip("=")


def vector_of(source: str) -> NDArray[np.float32] | None:
    """The numbers (-1..1) of a vector source, None for another source. Raises LatentError."""
    match = _VECTOR.match(source)
    if match is None:
        return None
    try:
        raw = base64.b64decode(match[1] + "=" * (-len(match[1]) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not 1 <= len(raw) <= MAX_VECTOR:
        raise LatentError(f"{source[:20]!r} is not a vector of 1 to {MAX_VECTOR} numbers in base 64; pin it again")
    return np.frombuffer(raw, np.int8).astype(np.float32) / 127.0


def direction_of(source: str) -> int | None:
    """The number (from 1) of a principal direction ``pc1``…, None for another source."""
    match = _DIRECTION.match(source)
    return int(match[1]) if match else None


def combine(parts: Iterable[tuple[Where, float]]) -> Place:
    """The weighted sum of places: equal sources are added up, vectors become one, what cannot be seen is left out."""
    weights: dict[str, float] = {}
    for where, factor in parts:
        for source, weight in as_place(where).terms:
            weights[source] = weights.get(source, 0.0) + weight * factor
    vectors = [source for source in weights if source.startswith("w.")]
    if len(vectors) > 1:
        weights = _joined(weights, vectors)
    kept = sorted(((abs(weight), source) for source, weight in weights.items()), reverse=True)[:KEPT_TERMS]
    names = [source for size, source in kept if size >= LEAST_WEIGHT]
    if not names:
        return Place((("pc1", 0.0),))  # the mean itself
    limit = MAX_WEIGHT
    return Place(tuple((name, float(f"{min(limit, max(-limit, weights[name])):.4g}")) for name in names))


def _joined(weights: dict[str, float], vectors: Sequence[str]) -> dict[str, float]:
    """Several vectors as one; those of another length than the first are left as they are."""
    first = vector_of(vectors[0])
    assert first is not None
    total = np.zeros(len(first), np.float64)
    rest = dict(weights)
    for source in vectors:
        numbers = vector_of(source)
        if numbers is not None and len(numbers) == len(total):
            total += numbers * rest.pop(source)
    source, weight = of_vector(total).terms[0]
    return {**rest, source: weight}


def parse_place(text: str, points: Mapping[str, Where] | None = None) -> Place:
    """``12``, ``rose``, ``12:0.7 40:0.3``, ``12 pc1:2``: seeds, named points, directions with weights (1 where none is
    written), between them spaces, commas or ``+``. Raises LatentError with a sentence."""
    parts: list[tuple[Where, float]] = []
    words = [word for word in re.split(r"[\s,;+]+", text.strip()) if word]
    if not words:
        raise LatentError("a place needs at least one seed, such as 12 or 12:0.7 40:0.3")
    if len(words) > MAX_TERMS:
        raise LatentError(f"this place has {len(words)} terms; it may have at most {MAX_TERMS}")
    for word in words:
        source, colon, rest = word.partition(":")
        parts.append((_source(source, points or {}), _weight(rest, word) if colon else 1.0))
    if len(parts) == 1 and parts[0][1] == 1.0:
        return as_place(parts[0][0])
    terms: dict[str, float] = {}
    for where, factor in parts:
        for name, weight in as_place(where).terms:
            terms[name] = terms.get(name, 0.0) + weight * factor
    return Place(tuple(terms.items()))


def hold(place: Place, seed: int) -> str:
    """The text of a place that holds while the seed parameter is ``seed``: whoever turns the seed gets the seed."""
    return f"{place} @{seed}"


def held(text: str) -> tuple[str, int | None]:
    """The place's own text, and the seed with which it holds (None: with any). Raises LatentError."""
    body, at, seed = text.partition("@")
    return body.partition("~")[0].strip(), _seed(seed.strip(), text) if at else None


def straying(text: str) -> float | None:
    """How much of its wandering (1..0) a place keeps that is on its way to another, ``12:0.8 40:0.6 ~0.4``; None for a
    place that stands."""
    _, mark, rest = text.partition("@")[0].partition("~")
    try:
        share = float(rest) if mark and len(rest) <= 32 else math.nan
    except ValueError:
        share = math.nan
    return min(1.0, max(0.0, share)) if math.isfinite(share) else None


def on_the_way(start: Where, end: Where, t: float, *, keeps: float, seed: int) -> str:
    """The text of a place ``t`` of the way from ``start`` to ``end``, which holds while the seed is ``seed`` and still
    wanders by the part ``keeps`` of what it did."""
    return f"{arc(start, end, t)} ~{keeps:.4g} @{seed}"


def arc(start: Where, end: Where, t: float) -> Place:
    """The place at ``t`` (0..1) on the arc between two places: a slerp of their weights, lengths changing evenly.

    Seeds and directions count as being at right angles to each other, which seeds nearly are in a space of many
    dimensions; of vectors of one length the true angle is taken. A straight line where the two are parallel.
    """
    a, b = as_place(start), as_place(end)
    if t <= 0.0 or t >= 1.0:
        return a if t <= 0.0 else b
    long_a, long_b = math.sqrt(_inner(a, a)), math.sqrt(_inner(b, b))
    cosine = _inner(a, b) / (long_a * long_b) if long_a and long_b else 1.0
    angle = math.acos(min(1.0, max(-1.0, cosine)))
    if math.sin(angle) < 1e-4:
        return combine([(a, 1.0 - t), (b, t)])
    length = (long_a + (long_b - long_a) * t) / math.sin(angle)
    return combine([(a, math.sin((1.0 - t) * angle) * length / long_a), (b, math.sin(t * angle) * length / long_b)])


def _inner(a: Place, b: Place) -> float:
    return sum(
        first * second * _cosine(source, other) for source, first in a.terms for other, second in b.terms)


def _cosine(source: str, other: str) -> float:
    if source == other:
        return 1.0
    one, two = vector_of(source), vector_of(other)
    if one is None or two is None or len(one) != len(two):
        return 0.0
    lengths = float(np.linalg.norm(one) * np.linalg.norm(two))
    return float(one @ two) / lengths if lengths else 0.0


def _weight(text: str, word: str) -> float:
    try:
        weight = float(text) if len(text) <= 32 else math.nan
    except ValueError:
        weight = math.nan
    if not abs(weight) <= MAX_WEIGHT:
        raise LatentError(f"{word[:40]!r}: {text[:20]!r} is not a weight from -{MAX_WEIGHT:g} to {MAX_WEIGHT:g}")
    return weight


def _source(word: str, points: Mapping[str, Where]) -> Where:
    if word in points:
        return points[word]
    if vector_of(word) is not None or direction_of(word) is not None:
        return Place(((word, 1.0),))
    if _NAME.match(word):
        raise _unknown(word, points)
    return _seed(word, word)


def _unknown(word: str, points: Mapping[str, Where]) -> LatentError:
    known = ", ".join(sorted(points)[:20]) or "none"
    return LatentError(f"there is no point {word[:40]!r}; the named points are: {known}")


def _seed(word: str, item: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", word, re.ASCII) or int(word) > Seed.LIMIT:
        raise LatentError(f"{item[:40]!r}: {word[:20]!r} is not a seed, a whole number from 0 to {Seed.LIMIT}")
    return int(word)


def is_name(text: str) -> bool:
    """Whether a point may be called so: letters, digits, ``_`` and ``-``, beginning with a letter."""
    return bool(_NAME.match(text)) and direction_of(text) is None and len(text) <= 60


def parse_points(text: str) -> dict[str, Where]:
    """Named points, ``rose=12 dusk=40:0.8+7:0.5`` (spaces, commas or lines between them). Raises LatentError."""
    points: dict[str, Where] = {}
    for item in re.split(r"[\s,;]+", text.strip()):
        if not item:
            continue
        name, equals, value = item.partition("=")
        if not equals or not _NAME.match(name):
            raise LatentError(f"point {item[:40]!r} is not of the form name=seed, such as rose=12")
        if direction_of(name) is not None:
            raise LatentError(f"the point {name!r} is called like a principal direction; give it another name")
        if name in points:
            raise LatentError(f"the point {name[:40]!r} is named twice; give each a name of its own")
        place = parse_place(value) if re.search(r"[:+.]|pc", value) else None
        points[name] = _seed(value, item) if place is None else _plain(place)
    return points


def format_points(points: Mapping[str, Where]) -> str:
    """The text of named points, as ``parse_points`` reads it."""
    return " ".join(f"{name}={as_place(where).text('+')}" for name, where in points.items())


def _plain(place: Place) -> Where:
    return place if place.seed is None else place.seed


def parse_point(text: str, points: Mapping[str, Where]) -> Where:
    """The seed or place that a seed number, a point's name or a mixture means. Raises LatentError."""
    word = text.strip()
    if word in points:
        return points[word]
    if direction_of(word) is None and _NAME.match(word):
        raise _unknown(word, points)
    if not re.search(r"[\s,;+:.]|pc", word):
        return _seed(word, text)
    return _plain(parse_place(word, points))


@dataclass(frozen=True)
class Keyframe:
    """Be at ``seed`` (or a place) at ``time``; ``easing`` is how the way *to* it is travelled; ``word`` the text."""

    time: float
    seed: Where
    easing: str = "smooth"
    word: str = field(default="", compare=False)


def parse_keyframes(text: str, points: Mapping[str, Where] | None = None) -> list[Keyframe]:
    """``12@0 40@2:smooth rose@4:in``: a seed or point, its time (seconds or beats), how the way to it is travelled.

    Separated by spaces, commas or lines; sorted by time. Raises LatentError with a sentence.
    """
    frames: list[Keyframe] = []
    for item in re.split(r"[\s,;]+", text.strip()):
        if item:
            frames.append(_keyframe(item, points or {}))
    if len(frames) < 2:
        raise LatentError("a path needs at least two keyframes, such as 12@0 40@2:smooth")
    if len(frames) > MAX_KEYFRAMES:
        raise LatentError(f"there are {len(frames)} keyframes; a path has at most {MAX_KEYFRAMES}")
    frames.sort(key=lambda frame: frame.time)
    for first, second in pairwise(frames):
        if first.time == second.time:
            raise LatentError(f"two keyframes are at the time {first.time:g}; give each a time of its own")
    return frames


def _keyframe(item: str, points: Mapping[str, Where]) -> Keyframe:
    where, at, rest = item.partition("@")
    when, _, easing = rest.partition(":")
    if not at:
        raise LatentError(f"keyframe {item[:40]!r} has no time; write seed@time, such as 12@0 or 40@2:smooth")
    try:
        time = float(when)
    except ValueError:
        time = math.nan
    if not 0 <= time <= 1e6:
        raise LatentError(f"keyframe {item[:40]!r}: {when[:20]!r} is not a time from 0 to 1000000")
    easing = easing or "smooth"
    if easing not in EASINGS:
        known = ", ".join(EASINGS)
        raise LatentError(f"keyframe {item[:40]!r}: there is no easing {easing[:20]!r}; there are {known}")
    return Keyframe(time, parse_point(where, points), easing, where)


def format_keyframes(frames: Sequence[Keyframe]) -> str:
    """The text of a path, as ``parse_keyframes`` reads it; points stay the names they were written as."""
    words = []
    for frame in sorted(frames, key=lambda frame: frame.time):
        where = frame.word or as_place(frame.seed).text("+")
        words.append(f"{where}@{frame.time:.6g}" + ("" if frame.easing == "smooth" else f":{frame.easing}"))
    return " ".join(words)


def at_time(frames: Sequence[Keyframe], time: float) -> tuple[Where, Where, float]:
    """Where a path is: from seed, to seed, and the eased 0..1 between. Before its start and after its end it rests."""
    if time <= frames[0].time:
        return frames[0].seed, frames[0].seed, 0.0
    for first, second in pairwise(frames):
        if time < second.time:
            return first.seed, second.seed, ease(second.easing, (time - first.time) / (second.time - first.time))
    return frames[-1].seed, frames[-1].seed, 0.0
