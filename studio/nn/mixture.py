"""Two networks as one: both read the same symbols, and their log-probabilities are mixed.

With ``mix`` m the chance of a symbol is proportional to ``p1 ** (1 - m) * p2 ** m`` (a logarithmic opinion pool: what
either of them thinks impossible stays unlikely, so grammar and spelling survive the middle of the fade). At 0 and 1
it is the one network alone, exactly.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from studio.nn.charset import Charset
from studio.nn.rows8 import Floats
from studio.nn.stepper import Stepper

FLOOR = float(np.log(1e-6))
"""Log-chance, in the middle of the fade, of a symbol that one of the two does not know."""

Tokens = NDArray[np.int64]
State = tuple[torch.Tensor, ...]


class Mixture:
    """Two steppers with the interface of one. ``maps`` are, for each, the place of every shared symbol among its own
    symbols, -1 where it has none, and what it reads in place of those; None where the symbols are the same."""

    def __init__(
        self, first: Stepper, second: Stepper, *, mix: float = 0.0,
        maps: tuple[tuple[Tokens, Tokens], tuple[Tokens, Tokens]] | None = None,
    ) -> None:
        if maps is None and first.spec.vocabulary != second.spec.vocabulary:
            raise ValueError(f"the models have {first.spec.vocabulary} and {second.spec.vocabulary} symbols")
        self.steppers, self.mix, self._maps = (first, second), mix, maps
        self._last: list[Floats] = []

    @property
    def batch(self) -> int:
        """Sequences side by side."""
        return self.steppers[0].batch

    def twin(self) -> Mixture:
        """Another mixture on the same weights, with the same state."""
        made = copy.copy(self)
        made.steppers = (self.steppers[0].twin(), self.steppers[1].twin())
        return made

    def reset(self, batch: int | None = None) -> None:
        """Forget everything read."""
        for stepper in self.steppers:
            stepper.reset(batch)

    def step(self, tokens: Tokens | int) -> Floats:
        """Read a symbol of each sequence; mixed logits ``(batch, symbols)``."""
        made = []
        for place, stepper in enumerate(self.steppers):
            if self._maps is None:
                logits = stepper.step(tokens)
            else:
                known, read = self._maps[place]
                own = stepper.step(int(read[tokens]) if isinstance(tokens, (int, np.integer)) else read[tokens])
                logits = np.where(known >= 0, own[:, np.maximum(known, 0)], -np.inf).astype(np.float32)
            made.append(logits)
        self._last = made
        return self.again()

    def again(self) -> Floats:
        """The logits after the last step, with the ``mix`` of now."""
        return mixed(self._last[0], self._last[1], self.mix)

    def prime(self, tokens: Sequence[int] | Tokens) -> Floats:
        """Read ``tokens`` ``(length,)`` into every sequence; the logits after the last one."""
        size = self.steppers[0].spec.vocabulary if self._maps is None else len(self._maps[0][0])
        logits = np.zeros((self.batch, size), np.float32)
        for token in tokens:
            logits = self.step(int(token))
        return logits

    @property
    def state(self) -> State:
        """A copy of what both carry."""
        return (*self.steppers[0].state, *self.steppers[1].state)

    @state.setter
    def state(self, value: State) -> None:
        first, second = self.steppers
        first.state, second.state = (value[0], value[1]), (value[2], value[3])

    def keep(self, row: int, batch: int | None = None) -> None:
        """Continue all sequences (``batch`` of them) from where sequence ``row`` is."""
        for stepper in self.steppers:
            stepper.keep(row, batch)


def mixed(first: Floats, second: Floats, mix: float) -> Floats:
    """Logits ``(batch, symbols)`` whose softmax is proportional to ``p1 ** (1 - mix) * p2 ** mix``."""
    if mix <= 0.0:
        return first
    if mix >= 1.0:
        return second
    one, two = (np.maximum(_log_softmax(row), FLOOR) for row in (first, second))
    # what neither knows stays impossible
    never = np.isneginf(first) & np.isneginf(second)
    made: Floats = np.where(never, -np.inf, (1.0 - mix) * one + mix * two).astype(np.float32)
    return made


def _log_softmax(logits: Floats) -> NDArray[np.float64]:
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    made: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return made


def shared(first: Charset, second: Charset) -> tuple[Charset, tuple[tuple[Tokens, Tokens], tuple[Tokens, Tokens]]]:
    """The characters of both, and the ``maps`` of a mixture: each reads a look-alike of what it does not know."""
    both = Charset((*first.characters, *(c for c in second.characters if c not in first.tokens)))
    maps = []
    for own in (first, second):
        known = np.array([own.tokens.get(c, -1) for c in both.characters], np.int64)
        read = [own.like(c) for c in both.characters]
        maps.append((known, np.array(read, np.int64)))
    return both, (maps[0], maps[1])
