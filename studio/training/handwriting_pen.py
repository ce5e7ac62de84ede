"""A pen that writes any text in the studio's own alphabet, as a hand would: the material of the house handwriting.

No data set of handwriting may be published with the studio, so it makes its own. A `Hand` is a person: slant, width,
roundness, how long the ascenders are, how steady. A line of text becomes one path through the points of its letters,
joined within words by Hobby's splines (J. D. Hobby 1986, "Smooth, easy to compute interpolating splines"), and is
then sampled at even times. The pen is slow where the path bends (the two-thirds power law: Lacquaniti, Terzuolo and
Viviani 1983) and stops and starts with minimum jerk at the corners (Flash and Hogan 1985).
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.nn.pen_files import Written
from studio.training.handwriting_letters import HIGH, LETTERS, LOW, Letter

Array = NDArray[np.float64]
Corner = tuple[float, float, bool]

STEP = 0.5
"""Time from one point of a movement to the next; about eleven points are a letter."""
SLOWEST = 0.45
"""Speed at a corner, as a share."""
_BARE = frozenset("acdgoqinmruvwxyzpj")
"""Letters that need no upstroke before them."""


@dataclass(frozen=True)
class Hand:
    """One person's writing. Lengths in heights of a small x."""

    slant: float = 0.22
    """Shear: x grows by this much per y."""
    width: float = 1.0
    """How wide letters are."""
    long: float = 1.0
    """How far ascenders and descenders reach."""
    tension: float = 1.0
    """Of the splines: below 1 rounder, above 1 tauter."""
    wobble: float = 0.025
    """How far a point of a letter lies from where it should (standard deviation)."""
    drift: float = 0.05
    """How far the base line wanders."""
    swell: float = 0.05
    """How much letters differ in size."""
    space: float = 0.75
    """Room between words."""
    broken: float = 0.0
    """How likely the pen is lifted between two letters that could join."""
    pace: float = 1.0
    """Points per letter, against the usual."""


def any_hand(rng: np.random.Generator) -> Hand:
    """A person at random."""
    return Hand(
        slant=float(rng.normal(0.22, 0.16)), width=float(np.exp(rng.normal(0.0, 0.13))),
        long=float(np.exp(rng.normal(-0.04, 0.12))), tension=float(rng.uniform(0.85, 1.2)),
        wobble=float(rng.uniform(0.008, 0.03)), drift=float(rng.uniform(0.0, 0.07)),
        swell=float(rng.uniform(0.0, 0.05)), space=float(rng.uniform(0.55, 0.95)),
        broken=float(rng.choice([0.0, 0.0, 0.15])),
    )


# --- from points to curves -------------------------------------------------------------------------------------------


def hobby(points: Array, tension: float = 1.0) -> Array:
    """Cubic Bézier segments ``(n - 1, 4, 2)`` of Hobby's spline through ``points`` ``(n, 2)``, open, with curl 1."""
    n = len(points)
    if n == 2:
        thirds = points[0] + (points[1] - points[0]) * np.arange(4)[:, None] / 3.0
        return np.asarray(thirds[None])
    steps = np.diff(points, axis=0)
    lengths: Array = np.maximum(np.hypot(*steps.T), 1e-9)
    angles: Array = np.arctan2(steps[:, 1], steps[:, 0])
    turn = np.zeros(n)  # psi: how much the path turns at each inner point
    turn[1:-1] = (np.diff(angles) + math.pi) % (2 * math.pi) - math.pi
    rows, right = np.zeros((n, n)), np.zeros(n)
    rows[0, 0], rows[0, 1], right[0] = 1.0, 1.0, -turn[1]  # curl 1 at both ends: the first and last bend are circles
    rows[-1, -1], rows[-1, -2], right[-1] = 1.0, 1.0, 0.0
    for k in range(1, n - 1):
        before, after = 1.0 / lengths[k - 1], 1.0 / lengths[k]
        rows[k, k - 1 : k + 2] = before, 2.0 * (before + after), after
        right[k] = -(2.0 * turn[k] * before + turn[k + 1] * after)
    bends: Array = np.linalg.solve(rows, right).astype(np.float64)
    phi: Array = -turn[1:] - bends[1:]
    theta: Array = bends[:-1]
    rho, sigma = _velocity(theta, phi) / tension, _velocity(phi, theta) / tension
    made = np.empty((n - 1, 4, 2))
    made[:, 0], made[:, 3] = points[:-1], points[1:]
    for place, angle, reach, sign in ((1, angles + theta, rho, 1.0), (2, angles - phi, sigma, -1.0)):
        way = np.stack([np.cos(angle), np.sin(angle)], 1) * (lengths * reach / 3.0)[:, None]
        made[:, place] = made[:, 0 if place == 1 else 3] + sign * way
    return made


def _velocity(theta: Array, phi: Array) -> Array:
    """Hobby's choice of how far the handles reach."""
    st, ct, sp, cp = np.sin(theta), np.cos(theta), np.sin(phi), np.cos(phi)
    alpha = math.sqrt(2.0) * (st - sp / 16.0) * (sp - st / 16.0) * (ct - cp)
    reach = (2.0 + alpha) / (1.0 + 0.5 * (math.sqrt(5.0) - 1.0) * ct + 0.5 * (3.0 - math.sqrt(5.0)) * cp)
    return np.asarray(np.minimum(reach, 4.0))


FINE = 24
"""Points of the dense path from one point of a letter to the next."""


def curve(points: list[Corner], tension: float = 1.0) -> Array:
    """A dense path ``(FINE * (n - 1) + 1, 2)`` through the points, smooth but at corners."""
    cuts = [0, *(i for i in range(1, len(points) - 1) if points[i][2]), len(points) - 1]
    t = np.linspace(0.0, 1.0, FINE + 1)[:, None]
    basis = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    parts = [np.array(points[0][:2])[None]]
    for a, b in itertools.pairwise(cuts):
        for segment in hobby(np.array([point[:2] for point in points[a : b + 1]]), tension):
            parts.append((basis @ segment)[1:])
    return np.vstack(parts)


# --- from curves to movement -----------------------------------------------------------------------------------------


def moved(path: Array, rests: list[int], step: float) -> Array:
    """The path at even times: ``step`` apart, in units in which straight writing goes about one x-height per unit.

    ``rests`` are the places in the path where the pen turns sharply.
    """
    ways = np.hypot(*np.diff(path, axis=0).T)
    headings = np.unwrap(np.arctan2(*np.diff(path, axis=0).T[::-1]))
    bends = np.abs(np.gradient(headings)) / np.maximum(ways, 1e-6)
    bends = np.convolve(np.pad(bends, 4, mode="edge"), np.ones(9) / 9.0, "valid")
    speed = 1.25 / np.maximum(bends, 0.5) ** (1.0 / 3.0)
    along = np.concatenate([[0.0], np.cumsum(ways)])
    for a, b in itertools.pairwise([0, *rests, len(path) - 1]):
        here = (0.5 * (along[a:b] + along[a + 1 : b + 1]) - along[a]) / max(along[b] - along[a], 1e-9)
        # the speed of a minimum-jerk movement at a share of its way, about: it rests at both ends
        speed[a:b] *= np.clip((4.0 * here * (1.0 - here)) ** 0.5, SLOWEST, 1.0)
    times = np.concatenate([[0.0], np.cumsum(ways / speed)])
    count = max(2, round(times[-1] / step) + 1)
    at = np.linspace(0.0, times[-1], count)
    return np.stack([np.interp(at, times, path[:, k]) for k in (0, 1)], 1)


# --- from text to strokes --------------------------------------------------------------------------------------------


class _Pen:
    """Collects the points of what is written without lifting, and strokes like dots that come in between."""

    def __init__(self, hand: Hand, step: float) -> None:
        self.hand, self.step = hand, step / hand.pace
        self.strokes: list[Array] = []
        self.points: list[Corner] = []
        self.between: list[tuple[int, list[list[Corner]]]] = []

    def interrupt(self, extra: list[list[Corner]]) -> None:
        """Dots and bars of the letter that was just written; the line goes on from where it is."""
        self.between.append((len(self.points) - 1, extra))

    def lift(self) -> None:
        """The line ends here."""
        if len(self.points) > 1:
            path = curve(self.points, self.hand.tension)
            corners = [i for i, point in enumerate(self.points) if point[2]]
            begin = 0
            for end, extra in [*self.between, (len(self.points) - 1, [])]:
                if end > begin:
                    rests = [(i - begin) * FINE for i in corners if begin < i < end]
                    self.strokes.append(moved(path[begin * FINE : end * FINE + 1], rests, self.step))
                for stroke in extra:
                    rests = [i * FINE for i, point in enumerate(stroke[1:-1], 1) if point[2]]
                    self.strokes.append(moved(curve(stroke, self.hand.tension), rests, self.step))
                begin = max(begin, end)
        self.points, self.between = [], []


def write_line(text: str, hand: Hand, rng: np.random.Generator, *, step: float = STEP) -> list[Array]:
    """The strokes of a line, each ``(n, 2)``, in x-heights, y upwards. A character it does not know is a space."""
    pen = _Pen(hand, step)
    x, phase, wave = 0.0, float(rng.uniform(0.0, 2.0 * math.pi)), float(rng.uniform(8.0, 16.0))
    previous: Letter | None = None
    for place, character in enumerate(text):
        letter = LETTERS.get(character)
        if letter is None:
            pen.lift()
            x, previous = x + hand.space * hand.width * float(np.exp(rng.normal(0.0, 0.08))), None
            continue
        size = float(np.exp(rng.normal(0.0, hand.swell)))
        rise = hand.drift * math.sin(phase + x / wave * 2.0 * math.pi)
        high = previous is not None and previous.leaves == HIGH
        joined = previous is not None and previous.leaves is not None and letter.enters
        joined = joined and rng.random() >= hand.broken
        follower = LETTERS.get(text[place + 1]) if place + 1 < len(text) else None
        ends = letter.leaves is not None and (follower is None or not follower.enters)
        if not joined:
            pen.lift()
        spots = [_placed(stroke, x, rise, size, hand, rng) for stroke in _shaped(character, letter, joined, high, ends)]
        pen.points += spots[0]
        if len(spots) > 1:
            pen.interrupt(spots[1:])
        x += letter.width * hand.width * size
        previous = letter
    pen.lift()
    return pen.strokes


def _shaped(
    character: str, letter: Letter, joined: bool, high: bool, ends: bool
) -> list[tuple[Corner, ...]]:
    """The letter's strokes as its neighbours let it begin and end."""
    first = letter.strokes[0]
    if letter.enters and joined:  # the join is the last point of the letter before
        first = ((0.18, 0.56, False), *first[2:]) if high and character == "e" else first[1:]
    elif letter.enters and character in _BARE:
        first = first[1:]
    if ends:  # nothing follows: the pen leaves the paper a little earlier
        x, y, corner = first[-1]
        first = (*first[:-1], (x - 0.08, y - 0.14 if y == LOW else y, corner))
    return [first, *letter.strokes[1:]]


def _placed(
    stroke: tuple[Corner, ...], x: float, rise: float, size: float, hand: Hand, rng: np.random.Generator
) -> list[Corner]:
    made = []
    for px, py, corner in stroke:
        tall = py if 0.0 <= py <= 1.0 else 1.0 + (py - 1.0) * hand.long if py > 1.0 else py * hand.long
        right = px * hand.width * size + float(rng.normal(0.0, hand.wobble))
        up = tall * size + float(rng.normal(0.0, hand.wobble))
        made.append((x + right + hand.slant * up, up + rise, corner))
    return made


def own_lines(text: str, count: int, rng: np.random.Generator) -> list[Written]:
    """``count`` short lines of words of ``text``, each in another hand. Rare characters are put in here and there."""
    words = re.findall(r"[A-Za-z']+[,.;:!?-]?", text) or ["reverie"]
    made: list[Written] = []
    while len(made) < count:
        begin = int(rng.integers(0, len(words)))
        wanted = int(rng.integers(4, 22))
        line = ""
        for word in words[begin:]:
            if line and len(line) + len(word) + 1 > wanted:
                break
            line += (" " if line else "") + _seasoned(word, rng)
        strokes = write_line(line, any_hand(rng), rng)
        if strokes:
            made.append(Written(line, tuple(strokes), f"line {len(made) + 1}"))
    return made


def _seasoned(word: str, rng: np.random.Generator) -> str:
    """The word, sometimes with what books seldom have: capitals, numbers, marks."""
    kind = rng.random()
    if kind < 0.12:
        return word.capitalize()
    if kind < 0.16:
        return word.upper()
    if kind < 0.24:
        return "".join(str(digit) for digit in rng.integers(0, 10, int(rng.integers(1, 5))))
    if kind < 0.34:
        mark = str(rng.choice([*'.,!?:;&/-"', "()", "''"]))
        around = {"()": f"({word})", "''": f"'{word}'", '"': f'"{word}"', "&": "&"}
        return around.get(mark, word.rstrip(",.;:!?-") + mark)
    if kind < 0.42:  # letters that are rare in the language come as often as others
        return "".join(str(rng.choice(list("jqxzkvwybpgf"))) if rng.random() < 0.4 else c for c in word)
    return word
