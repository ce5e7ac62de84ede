"""A network that writes by labels, read backwards: under which of them is a text most likely?

By Bayes' rule with equal shares the chance of a label is proportional to the likelihood of the text under it (Lipton et
al. 2015, "Generative concatenative nets jointly learn to write and classify reviews", arXiv 1511.03683).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from studio.nn.charset import Charset
from studio.nn.lstm import SequenceRNN, State, build_sequence
from studio.nn.weights import ModelFile, WeightsError

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


@dataclass(frozen=True)
class Judgement:
    """What a model says of a text about one ``field``, label by label (``values``)."""

    field: str
    values: tuple[str, ...]
    nats: NDArray[np.float64]
    """Nats of each piece under each label, ``(pieces, labels)``."""
    length: int
    """Characters of a piece."""

    @property
    def best(self) -> str:
        """The label under which the whole text is most likely."""
        return self.values[int(self.nats.sum(0).argmin())]

    @property
    def votes(self) -> NDArray[np.int64]:
        """How many pieces are most likely under each label."""
        return np.bincount(self.nats.argmin(1), minlength=len(self.values))

    @property
    def per_character(self) -> NDArray[np.float64]:
        """Mean nats per character under each label."""
        mean: NDArray[np.float64] = self.nats.mean(0) / self.length
        return mean


class Judge:
    """A text model that knows labels, ready to classify. Raises WeightsError for one that knows none."""

    def __init__(self, model: ModelFile) -> None:
        try:
            self.charset = Charset(model.config["characters"])
            self.labels = [(str(field), str(value)) for field, value in model.config.get("labels", ())]
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"{model.path.name} has no usable characters ({error}); train it again") from None
        if not self.labels:
            raise WeightsError(
                f"{model.path.name} knows no labels; train a text model on a folder with a sub-folder for each of them"
            )
        self.network = build_sequence(model)
        if (self.network.spec.vocabulary, self.network.spec.labels) != (len(self.charset), len(self.labels)):
            raise WeightsError(f"the characters or labels of {model.path.name} do not fit its network; train it again")

    def judge(self, text: str, *, length: int = PIECE, most: int = 100) -> list[Judgement]:
        """What is said of ``text`` about each field with several values, by at most ``most`` pieces of ``length``
        characters from all over it; a shorter text is one piece. Raises ValueError for a text without any."""
        tokens = torch.from_numpy(self.charset.encode(text))
        if not len(tokens):
            raise ValueError("the text has no characters that the model knows")
        pieces = pieces_of(tokens, min(length, len(tokens)), most)
        made = []
        for field in dict.fromkeys(field for field, _ in self.labels):
            values = tuple(value for name, value in self.labels if name == field)
            if len(values) > 1:
                found = nats(self.network, pieces, candidates(self.labels, field), before=self.charset.like("\n"))
                made.append(Judgement(field, values, found.double().numpy(), pieces.shape[1]))
        return made
