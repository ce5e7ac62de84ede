"""What the sequence recipes share: the optimisation step with its schedule, scoring, storing as float16."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
import torch.nn.functional as F

from studio.nn.lstm import RNNSpec, RollRNN, SequenceRNN, State, build_sequence, pack, unpack
from studio.nn.weights import ModelFile, load_model
from studio.paths import find_model
from studio.training.loop import Recipe, TrainingError

SCORE_CHUNK = 2000
"""Symbols per call while scoring; the state is carried from call to call."""


def learning_rate(index: int, steps: int, peak: float, warm: int = 100) -> float:
    """Linear warm-up, then a cosine from ``peak`` to a fiftieth of it."""
    if index < warm:
        return peak * (index + 1) / warm
    progress = (index - warm) / max(1, steps - warm)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


class RecurrentRecipe(Recipe):
    """A recipe with one network, Adam, a warm-up and a cosine. Subclasses call ``start`` and ``descend``.

    With ``config.average`` above 0 the weights of all steps are averaged too, the latest with the greatest share
    (Polyak and Juditsky 1992), and ``result`` is that average: it is what is scored, kept and written.
    """

    config: Any
    network: Any
    result: Any

    def start(self, network: Any) -> None:
        """Take ``network`` as the one to train; ``config.lr`` and ``config.weight_decay`` set the optimiser."""
        self.network = self.result = network.to(self.config.device)
        self.modules = {"network": self.network}
        for part in network.modules():
            if isinstance(part, (SequenceRNN, RollRNN)):
                part.weight_dropout = _share(self.config, "weight_dropout")
        if _share(self.config, "average"):
            self.result = copy.deepcopy(self.network).requires_grad_(False)
            self.modules["average"] = self.result
        self.optimisers = {
            "adam": torch.optim.AdamW(network.parameters(), lr=self.config.lr, weight_decay=self.config.weight_decay)
        }

    def initial_model(self, architecture: str) -> ModelFile | None:
        """The model that ``config.initial`` names, to go on from. Raises TrainingError."""
        if not self.config.initial:
            return None
        try:
            return load_model(find_model(self.config.initial), architecture)
        except (OSError, ValueError) as error:
            raise TrainingError(f"initial: {error}") from None

    def begin_with(self, model: ModelFile | None, vocabulary: int) -> None:
        """Take the network of ``model``, or a fresh one of the settings' size, as the one to train."""
        if model is None:
            self.start(SequenceRNN(spec_of(vocabulary, self.config)))
            return
        network = build_sequence(model)
        network.set_dropout(self.config.dropout)
        self.start(network)

    def descend(self, loss: torch.Tensor, index: int) -> None:
        """One step down ``loss``, with the scheduled rate and a clipped gradient."""
        optimiser = self.optimisers["adam"]
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(index, self.config.steps, self.config.lr)
        optimiser.zero_grad(set_to_none=True)
        self.backward(loss)
        self.update("adam", self.config.clip)
        if self.result is not self.network and self.shard.last:
            keep = min(self.config.average, (1 + index) / (10 + index))  # the first steps are soon forgotten
            with torch.no_grad():
                torch._foreach_lerp_(list(self.result.parameters()), list(self.network.parameters()), 1.0 - keep)

    def store(self) -> dict[str, torch.Tensor]:
        """The tensors of the model file: 8-bit rows where a step multiplies, float16 elsewhere.

        The result takes on the rounded values, so that figures computed afterwards are those of the file.
        """
        stored = pack(self.result.state_dict())
        self.result.load_state_dict(unpack(stored))
        return stored


def _share(config: Any, name: str) -> float:
    """A setting that not every recipe has, 0 to below 1. Raises TrainingError."""
    value = float(getattr(config, name, 0.0))
    if not 0.0 <= value < 1.0:
        raise TrainingError(f"{name}: {value} is not from 0 to below 1")
    return value


def spec_of(vocabulary: int, config: Any, labels: int = 0, **more: Any) -> RNNSpec:
    """The network shape that the settings ask for, with ``more`` of it. Raises TrainingError."""
    shape = (vocabulary, config.embedding, config.hidden, config.layers, config.cell, config.dropout, labels)
    try:
        return RNNSpec(*shape, **more)
    except ValueError as error:
        raise TrainingError(str(error)) from None


@torch.no_grad()
def score_stream(
    network: SequenceRNN, tokens: torch.Tensor, device: str = "cpu", given: torch.Tensor | None = None
) -> float:
    """Mean nats per symbol over ``tokens`` ``(length,)`` read as one stream; the first one is not predicted.

    ``given`` ``(labels,)`` is what the network is told of it.
    """
    network.eval()
    state: State | None = None
    total = 0.0
    for begin in range(0, len(tokens) - 1, SCORE_CHUNK):
        part = tokens[begin : begin + SCORE_CHUNK + 1].to(device)
        logits, state = network(part[None, :-1], state, None if given is None else given[None].to(device))
        total += float(F.cross_entropy(logits[0], part[1:], reduction="sum"))
    return total / (len(tokens) - 1)
