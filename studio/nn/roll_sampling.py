"""Drawing frames of a piano roll from a trained ``RollRNN`` or a mixture of them, one sounding key after the other.

The chances of the keys of a frame (see ``nade``) are asked in another form: not whether this key sounds, but which one
is the next that sounds, or none any more. p(next is k) = p(k sounds) x prod over the keys between of p(it does not).
Drawn as learned this is the same; but a choice among all keys can be sharpened, cut and bounded as any other choice of
a symbol, while keys that are sharpened one by one fall silent, each of them being unlikely.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from studio.nn.device import threads
from studio.nn.lstm import RollMixture, RollRNN, State
from studio.nn.rows8 import Floats
from studio.nn.sampling import Sampling, chances, draw

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Bounds:
    """What a frame may be. ``allowed`` bool ``(keys,)``: keys that may sound (None: all); at least ``least`` and at
    most ``most`` of them do; of those in ``fresh``, bool ``(keys,)``, at most ``most_fresh``; those in ``held`` sound
    in any case. ``silence`` is added to the log-chance that no key sounds."""

    allowed: NDArray[np.bool_] | None = None
    least: int = 0
    most: int = 1000
    fresh: NDArray[np.bool_] | None = None
    most_fresh: int = 1000
    held: frozenset[int] = frozenset()
    silence: float = 0.0


@dataclass(frozen=True)
class Drawn:
    """A frame: the ``keys`` that sound, rising; its log-likelihood ``nats`` (a negative number) as the model has it,
    and ``drawn``, the same as it was drawn, with all bounds; for each choice the chances it was made with, float64
    ``(keys,)``."""

    keys: tuple[int, ...]
    nats: float
    drawn: float = 0.0
    odds: tuple[Doubles, ...] = field(repr=False, default=())


class RollSampler:
    """The frames read so far, and what may come next. Members of a mixture are weighed, key by key, by how well each
    foretold the keys of the frame before it: so a frame is drawn from the mean of what they say of whole frames."""

    def __init__(self, network: RollRNN | RollMixture) -> None:
        members = network.members if isinstance(network, RollMixture) else [network]
        self.keys = network.spec.vocabulary
        self._members = [cast(RollRNN, member).eval() for member in members]
        self._falling = network.spec.order == "falling" and network.spec.nade > 0
        heads = [member.nade for member in self._members if member.nade is not None]
        turn = -1 if self._falling else 1
        # (members, keys, units), keys in the order in which they are decided
        self._inputs = np.stack([_array(head.inputs)[::turn] for head in heads]) if heads else None
        self._outputs = np.stack([_array(head.outputs)[::turn] for head in heads]) if heads else None
        self.reset()

    def reset(self) -> None:
        """Forget everything read."""
        self._states: list[State | None] = [None] * len(self._members)
        self._visible = np.zeros((len(self._members), self.keys))
        self._hidden = np.zeros((len(self._members), 0 if self._inputs is None else self._inputs.shape[2]))

    def twin(self) -> RollSampler:
        """Another sampler on the same weights that has read the same."""
        made = copy.copy(self)
        made._states = list(self._states)  # what is in it is replaced, never changed
        return made

    def read(self, keys: Sequence[int]) -> None:
        """Read a frame, given by the keys that sound in it."""
        read_together([self], [keys])

    def _seen(self, visible: Doubles, hidden: Doubles) -> None:
        """Take the biases of the next frame, ``(members, keys)`` and ``(members, units)``."""
        self._visible, self._hidden = visible[:, ::-1] if self._falling else visible, hidden

    def draw(self, rng: np.random.Generator, sampling: Sampling, bounds: Bounds | None = None) -> Drawn:
        """The next frame; it is not read yet. ``sampling`` acts on each choice of the next sounding key."""
        bounds = bounds or Bounds()
        held = sorted(self._place(key) for key in bounds.held)
        places: list[int] = []
        odds: list[Doubles] = []
        weights, hidden = np.zeros(len(self._members)), self._hidden
        at, begun, drawn = 0, 0, 0.0
        while True:
            logits = self._logits(hidden)[:, at:]
            silent = np.cumsum(_log_sigmoid(-logits), 1)
            # the last one: no further key
            each = np.concatenate([_log_sigmoid(logits), np.zeros((len(logits), 1))], 1)
            each[:, 1:] += silent
            joint = _log_mean(weights[:, None] + each)
            if not places:
                joint[-1] += bounds.silence
            mask = self._mask(bounds, at, len(places), begun, [place for place in held if place >= at])
            chosen = chances(joint.astype(np.float32), sampling, mask=mask)
            odds.append(self._spread(chosen[:-1], at))
            step = draw(chosen, float(rng.random()))
            drawn += float(np.log(chosen[step]))
            weights = weights + each[:, step]
            if step == len(joint) - 1:
                break
            place = at + step
            places.append(place)
            begun += bounds.fresh is not None and bool(bounds.fresh[self._place(place)])
            if self._inputs is not None:
                hidden = hidden + self._inputs[:, place]
            at = place + 1
        keys = tuple(sorted(self._place(place) for place in places))
        return Drawn(keys, float(_log_mean(weights[:, None])[0]), drawn, tuple(odds))

    def _place(self, key: int) -> int:
        """The place of a key in the order of the decisions, and the other way round."""
        return self.keys - 1 - key if self._falling else key

    def _logits(self, hidden: Doubles) -> Doubles:
        if self._outputs is None:
            return self._visible
        units = np.exp(_log_sigmoid(hidden))
        made: Doubles = self._visible + (self._outputs @ units[:, :, None])[:, :, 0]
        return made

    def _mask(self, bounds: Bounds, at: int, count: int, begun: int, held: list[int]) -> NDArray[np.bool_]:
        """Which of the keys from ``at`` on, and whether none of them, may be the next: bool ``(keys - at + 1,)``."""
        allowed = np.ones(self.keys, np.bool_) if bounds.allowed is None else bounds.allowed.copy()
        if bounds.fresh is not None and begun >= bounds.most_fresh:
            allowed &= ~bounds.fresh
        if count + len(held) >= bounds.most:
            allowed[:] = False
        mask = np.append((allowed[::-1] if self._falling else allowed)[at:], False)
        if held:  # nothing may pass by a key that is to sound
            mask[held[0] - at + 1 :] = False
            mask[held[0] - at] = True
        else:
            mask[-1] = count >= bounds.least or not mask.any()
        return mask

    def _spread(self, chosen: Doubles, at: int) -> Doubles:
        """Chances of the keys from ``at`` on as those of all keys, rising."""
        every = np.zeros(self.keys)
        every[at:] = chosen
        return every[::-1] if self._falling else every


def read_together(samplers: Sequence[RollSampler], frames: Sequence[Sequence[int]]) -> None:
    """Let each sampler read a frame. They are twins, of one network: a step of many costs hardly more than of one."""
    first = samplers[0]
    rolls = torch.zeros(len(samplers), 1, first.keys)
    for row, keys in enumerate(frames):
        rolls[row, 0, list(keys)] = 1.0
    visible, hidden = [], []
    with torch.no_grad(), threads(1):
        for place, member in enumerate(first._members):
            states = [sampler._states[place] for sampler in samplers]
            known = [state for state in states if state is not None]
            before = tuple(torch.cat(parts, 1) for parts in zip(*known, strict=True)) if known else None
            seen, after = member.read(rolls, before)
            for row, sampler in enumerate(samplers):
                sampler._states[place] = tuple(part[:, row : row + 1] for part in after)
            visible.append(_array(member.head(seen[:, 0])))
            hidden.append(_array(member.nade.hidden_bias(seen[:, 0])) if member.nade is not None
                          else np.zeros((len(samplers), 0)))
    for row, sampler in enumerate(samplers):
        sampler._seen(np.stack([rows[row] for rows in visible]), np.stack([rows[row] for rows in hidden]))


def _array(tensor: torch.Tensor) -> Doubles:
    made: Floats = tensor.detach().cpu().numpy()
    return made.astype(np.float64)


def _log_sigmoid(x: Doubles) -> Doubles:
    made: Doubles = -np.logaddexp(0.0, -x)
    return made


def _log_mean(rows: Doubles) -> Doubles:
    """Log of the mean of exp over the first axis."""
    made: Doubles = np.logaddexp.reduce(rows, 0) - np.log(len(rows))
    return made
