"""The next word: what the model would most likely write after any text, found by best-first search over characters."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass

from studio.nn.charset import Charset
from studio.nn.mixture import Mixture
from studio.nn.sampling import Sampling, chances
from studio.nn.stepper import Stepper

CONTEXT = 240
"""Characters before the cursor that are read."""
STEPS = 220
"""Most steps of the network for one answer."""
LONGEST = 24
"""Longest word (characters)."""


@dataclass(frozen=True, eq=False)
class Writer:
    """What a view needs to ask for words; any thread may."""

    stepper: Stepper | Mixture
    charset: Charset
    sampling: Sampling

    def words(self, text: str, count: int, check: Callable[[], None]) -> list[tuple[str, float]]:
        """The likeliest ``count`` next words after ``text``, with what stands before them, and their chances.

        A word in the middle of which the text ends is finished; a mark such as a comma counts as a word. ``check`` may
        raise.
        """
        stepper = self.stepper.twin()
        stepper.reset()
        logits = stepper.prime(self.charset.encode(text[-CONTEXT:] or "\n"))[0]
        found: dict[str, float] = {}
        numbers = itertools.count()
        open_ends = [(-1.0, next(numbers), "", -1, stepper.state, logits)]
        steps = 0
        while open_ends and steps < STEPS:
            check()
            minus, _, begun, token, state, logits = heapq.heappop(open_ends)
            if len(found) >= count and -minus < sorted(found.values(), reverse=True)[count - 1] / 4:
                break
            stepper.state = state
            if token >= 0:
                logits = stepper.step(token)[0]
                state = stepper.state
                steps += 1
            odds = chances(logits, self.sampling)
            for place in odds.argsort()[::-1][:24]:
                chance = -minus * float(odds[place])
                if chance < 1e-3:
                    break
                character = self.charset.characters[place]
                word = _ended(begun, character)
                if word:
                    found[word] = found.get(word, 0.0) + chance
                elif len(begun) < LONGEST:
                    heapq.heappush(open_ends, (-chance, next(numbers), begun + character, int(place), state, logits))
        return sorted(found.items(), key=lambda item: -item[1])[:count]


def _ended(begun: str, character: str) -> str:
    """The word that is complete when ``character`` follows ``begun``, '' while it is not."""
    letters = begun.strip()
    if letters:
        return "" if _inside(character) else begun
    return "" if _inside(character) or character.isspace() else begun + character


def _inside(character: str) -> bool:
    return character.isalnum() or character in "'’-"
