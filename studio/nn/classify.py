"""A network that writes by labels, read backwards: under which of them is a text most likely?

By Bayes' rule with equal shares the chance of a label is proportional to the likelihood of the text under it (Lipton et
al. 2015, "Generative concatenative nets jointly learn to write and classify reviews", arXiv 1511.03683).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from studio.nn.lstm import SequenceRNN, State

Label = tuple[str, str]

PIECE = 200
"""Characters of a piece that is judged alone."""
_CHUNK = 2000
_BATCH = 256


def given(labels: Sequence[Label], shares: Mapping[str, float]) -> NDArray[np.float32]:
    """What a network is told: the share of each of its ``labels``, ``(labels,)``, those not in ``shares`` 0.

    A label is named by its value, or by ``field: value``; case does not count.
    """
    wanted = {name.strip().casefold(): share for name, share in shares.items()}
    return np.array([
        wanted.get(f"{field}: {value}".casefold(), wanted.get(value.casefold(), 0.0)) for field, value in labels
    ], np.float32)


def candidates(labels: Sequence[Label], field: str) -> NDArray[np.float32]:
    """What a network is told of each label of ``field`` in turn, ``(labels of the field, labels)``."""
    return np.eye(len(labels), dtype=np.float32)[[place for place, label in enumerate(labels) if label[0] == field]]


def pieces_of(tokens: torch.Tensor, length: int = PIECE, most: int = 0) -> torch.Tensor:
    """``tokens`` ``(n,)`` cut into whole pieces ``(pieces, length)``; of more than ``most`` (0: all) that many, evenly
    from beginning to end."""
    count = len(tokens) // length
    rows = tokens[: count * length].view(count, length)
    if most and count > most:
        rows = rows[torch.linspace(0, count - 1, most).round().long()]
    return rows


@torch.no_grad()
def nats(network: SequenceRNN, pieces: torch.Tensor, conditions: NDArray[np.float32], *, before: int) -> torch.Tensor:
    """Nats of each of ``pieces`` ``(pieces, length)`` under each of ``conditions`` ``(conditions, labels)``.

    Every piece is read from a fresh start after the symbol ``before``; all its symbols count. ``(pieces, conditions)``.
    """
    network.eval()
    device = network.head.weight.device
    pieces = pieces.to(device)
    made = torch.zeros(len(pieces), len(conditions))
    for column, condition in enumerate(torch.from_numpy(conditions).to(device)):
        for begin in range(0, len(pieces), _BATCH):
            rows = pieces[begin : begin + _BATCH]
            state: State | None = None
            last = torch.full((len(rows), 1), before, device=device)
            for place in range(0, rows.shape[1], _CHUNK):
                part = rows[:, place : place + _CHUNK]
                logits, state = network(torch.cat([last, part[:, :-1]], 1), state, condition.expand(len(rows), -1))
                wrong = F.cross_entropy(logits.float().transpose(1, 2), part, reduction="none").sum(1)
                made[begin : begin + _BATCH, column] += wrong.cpu()
                last = part[:, -1:]
    return made


def shares(found: torch.Tensor) -> NDArray[np.float64]:
    """Chances of the conditions, all alike before the text is read: ``(pieces, conditions)`` from their nats."""
    made: NDArray[np.float64] = torch.softmax(-found.double(), 1).numpy()
    return made
