"""Recurrent networks over symbols and over piano rolls, as they are trained; ``stepper`` samples from the same weights.

``SequenceRNN`` reads token numbers and predicts the next one; with labels (author, mood...) it is told at every step
what it reads, by numbers that stand beside the symbol (Lipton et al. 2015, "Generative concatenative nets jointly learn
to write and classify reviews", arXiv 1511.03683). ``RollRNN`` reads the 88 keys of a piano as zeros and ones and
predicts which of them sound in the next frame (Boulanger-Lewandowski et al. 2012 use the same data); with a ``nade``
head it knows what sounds together, without one each key is drawn for itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import nn

from studio.files import short_path
from studio.nn import nade
from studio.nn.rows8 import round_rows
from studio.nn.weights import ModelFile, WeightsError, check_against

State = tuple[torch.Tensor, ...]
"""Carried state: (h, c) of an LSTM, (h,) of a GRU or plain RNN, each ``(layers, batch, hidden)``."""

_SCALE = ".scale"

SEQUENCE = "sequence-rnn"
ROLL = "roll-rnn"
KEYS = 88
"""Keys of a piano roll; key ``k`` is MIDI pitch ``k + LOWEST_KEY``."""
LOWEST_KEY = 21

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
"""Kinds of cell, and rows of weights for each unit. ``rnn`` is Elman's network with tanh."""
NEWCOMER = 0.01
"""Chance of a symbol that a network is taught anew, beside that of the one it resembles."""

MAX_LABELS = 256
"""Most labels of a network."""

MAX_MEMBERS = 16
"""Most members of a mixture."""

MAX_NADE = 4096
"""Most hidden units of a ``nade`` head."""

_LIMITS = {"vocabulary": 65_536, "embedding": 4096, "hidden": 8192, "layers": 16}


@dataclass(frozen=True)
class RNNSpec:
    """Shape of a network. ``cell`` is one of ``GATES``; ``dropout`` acts between layers and before the output;
    ``labels`` is how many numbers stand beside the symbol at every step. Of a piano roll: ``nade`` hidden units that
    model what sounds together (0: every key for itself), ``order`` which key of a frame comes first (``nade.ORDERS``).
    """

    vocabulary: int
    embedding: int = 64
    hidden: int = 256
    layers: int = 2
    cell: str = "lstm"
    dropout: float = 0.0
    labels: int = 0
    nade: int = 0
    order: str = "rising"

    def __post_init__(self) -> None:
        for name, most in _LIMITS.items():
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= most:
                raise ValueError(f"{name}: {value!r} is not a whole number from 1 to {most}")
        if type(self.labels) is not int or not 0 <= self.labels <= MAX_LABELS:
            raise ValueError(f"labels: {self.labels!r} is not a whole number from 0 to {MAX_LABELS}")
        if type(self.nade) is not int or not 0 <= self.nade <= MAX_NADE:
            raise ValueError(f"nade: {self.nade!r} is not a whole number from 0 to {MAX_NADE}")
        if self.order not in nade.ORDERS:
            raise ValueError(f"order: {self.order!r} is not {' or '.join(nade.ORDERS)}")
        if self.cell not in GATES:
            raise ValueError(f"cell: {self.cell!r} is not {', '.join(GATES)}")
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout: {self.dropout!r} is not from 0 to below 1")

    def to_json(self) -> dict[str, Any]:
        tree = asdict(self)
        # only piano rolls have such a head
        return tree if self.nade else {name: tree[name] for name in tree if name not in ("nade", "order")}

    @classmethod
    def from_json(cls, tree: Any, *, where: str = "the model file") -> RNNSpec:
        """The spec in a model's configuration. Raises WeightsError."""
        try:
            # files from before there were these do not name them
            known = {"labels": 0, "nade": 0, "order": nade.ORDERS[0], **tree}
            return cls(**{name: known[name] for name in cls.__dataclass_fields__})
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"{where} has no usable network shape ({error}); train the model again") from None


Recurrent = nn.LSTM | nn.GRU | nn.RNN


def _recurrent(spec: RNNSpec, inputs: int) -> Recurrent:
    kind: type[Recurrent] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[spec.cell]
    between = spec.dropout if spec.layers > 1 else 0.0
    made = kind(inputs, spec.hidden, spec.layers, batch_first=True, dropout=between)
    if spec.cell == "lstm":
        with torch.no_grad():
            for layer in range(spec.layers):
                # a forget gate that is open at the start lets gradients through (Jozefowicz et al. 2015)
                getattr(made, f"bias_hh_l{layer}")[spec.hidden : 2 * spec.hidden] = 1.0
    return made


def _run(
    rnn: Recurrent, inputs: torch.Tensor, state: State | None, weight_dropout: float = 0.0
) -> tuple[torch.Tensor, State]:
    if weight_dropout and rnn.training:
        return _run_dropped(rnn, inputs, state, weight_dropout)
    if isinstance(rnn, nn.LSTM):
        outputs, after = rnn(inputs, None if state is None else (state[0], state[1]))
        return outputs, after
    outputs, hidden = rnn(inputs, None if state is None else state[0])
    return outputs, (hidden,)


def _run_dropped(
    rnn: Recurrent, inputs: torch.Tensor, state: State | None, share: float
) -> tuple[torch.Tensor, State]:
    """The same with a ``share`` of the recurrent weights left out, the same ones at every step of this call
    (DropConnect as in Merity et al. 2018, "Regularizing and optimizing LSTM language models", arXiv 1708.02182)."""
    weights = [
        F.dropout(weight, share) if name.startswith("weight_hh") else weight for name, weight in rnn.named_parameters()
    ]
    if state is None:
        blank = inputs.new_zeros(rnn.num_layers, len(inputs), rnn.hidden_size)
        state = (blank, blank) if isinstance(rnn, nn.LSTM) else (blank,)
    how: Any = (weights, True, rnn.num_layers, rnn.dropout, True, False, True)
    # cuDNN is not told of the copies: it would lay them out as one block, and say in a warning each time that it does
    with torch.backends.cudnn.flags(enabled=False):
        if isinstance(rnn, nn.LSTM):
            outputs, *after = torch.lstm(inputs, [part.to(inputs.dtype) for part in state], *how)
        else:
            operation: Any = torch.gru if isinstance(rnn, nn.GRU) else torch.rnn_tanh
            outputs, *after = operation(inputs, state[0].to(inputs.dtype), *how)
    return outputs, tuple(after)


class SequenceRNN(nn.Module):
    """Embedding, recurrent layers, linear output. Tokens ``(batch, time)`` → logits ``(batch, time, vocabulary)``.

    ``given`` are the labels of the text: ``(batch, labels)`` for all of it or ``(batch, time, labels)``, a number 0..1
    for each; None: nothing is said (all 0).
    """

    def __init__(self, spec: RNNSpec) -> None:
        super().__init__()
        self.spec = spec
        self.weight_dropout = 0.0
        """Share of the recurrent weights that training leaves out."""
        self.embedding = nn.Embedding(spec.vocabulary, spec.embedding)
        self.rnn = _recurrent(spec, spec.embedding + spec.labels)
        self.dropout = nn.Dropout(spec.dropout)
        self.head = nn.Linear(spec.hidden, spec.vocabulary)

    def set_dropout(self, share: float) -> None:
        """Change the share that is dropped while training; training a stored model on may want another one."""
        self.spec = replace(self.spec, dropout=share)
        self.dropout.p = share
        self.rnn.dropout = share if self.spec.layers > 1 else 0.0

    def forward(
        self, tokens: torch.Tensor, state: State | None = None, given: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, State]:
        inputs = self.embedding(tokens)
        if self.spec.labels:
            beside = inputs.new_zeros(self.spec.labels) if given is None else given.to(inputs)
            if beside.ndim == 2:
                beside = beside[:, None]
            inputs = torch.cat([inputs, beside.expand(*inputs.shape[:2], -1)], 2)
        outputs, after = _run(self.rnn, inputs, state, self.weight_dropout)
        logits: torch.Tensor = self.head(self.dropout(outputs))
        return logits, after


class RollRNN(nn.Module):
    """Recurrent layers over piano-roll frames ``(batch, time, 88)`` of 0 and 1; what they say of the next frames."""

    def __init__(self, spec: RNNSpec) -> None:
        super().__init__()
        self.spec = spec
        self.weight_dropout = 0.0
        self.rnn = _recurrent(spec, spec.vocabulary)
        self.dropout = nn.Dropout(spec.dropout)
        self.head = nn.Linear(spec.hidden, spec.vocabulary)
        self.nade = nade.Nade(spec.hidden, spec.vocabulary, spec.nade, spec.order) if spec.nade else None

    def read(self, frames: torch.Tensor, state: State | None = None) -> tuple[torch.Tensor, State]:
        """What the output knows of the past after each frame, ``(batch, time, hidden)``, and the carried state."""
        outputs, after = _run(self.rnn, frames, state, self.weight_dropout)
        return self.dropout(outputs), after

    def forward(
        self, frames: torch.Tensor, state: State | None = None, targets: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, State]:
        """Logits of the keys of the next frames. With ``nade`` each is given the keys of its frame before it, for which
        ``targets``, the next frames, must be known."""
        seen, after = self.read(frames, state)
        logits: torch.Tensor = self.head(seen)
        if self.nade is not None:
            if targets is None:
                raise ValueError("a key's chance depends on the keys before it: give the frames to predict")
            logits = self.nade.logits(seen, logits, targets)
        return logits, after

    def log_likelihood(self, frames: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Log-likelihood (nats) of each of the next frames ``targets``: ``(batch, time)``."""
        return _log_likelihood(self(frames, None, targets)[0], targets)


def _log_likelihood(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return -F.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none").sum(-1)


class RollMixture(nn.Module):
    """Several ``RollRNN`` as one. Without ``nade`` a key's chance is the mean of the chances that the members give it,
    with it a frame's chance is."""

    def __init__(self, members: Sequence[RollRNN]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def spec(self) -> RNNSpec:
        """The shape of each member."""
        return cast(RollRNN, self.members[0]).spec

    def forward(self, frames: torch.Tensor, state: State | None = None) -> tuple[torch.Tensor, State]:
        """Logits of the keys of the next frames, of members without ``nade``."""
        parts = 2 if self.spec.cell == "lstm" else 1
        made, after = [], []
        for place, member in enumerate(self.members):
            logits, carried = member(frames, None if state is None else state[place * parts : (place + 1) * parts])
            made.append(logits)
            after += carried
        each = torch.stack(made).float()
        # the mean chance as a logit: log of the mean chance that it sounds, less that it does not
        mean = torch.logsumexp(F.logsigmoid(each), 0) - torch.logsumexp(F.logsigmoid(-each), 0)
        return mean, tuple(after)

    def log_likelihood(self, frames: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Log-likelihood (nats) of each of the next frames ``targets``: ``(batch, time)``."""
        if not self.spec.nade:
            return _log_likelihood(self(frames)[0], targets)
        each = torch.stack([cast(RollRNN, member).log_likelihood(frames, targets) for member in self.members])
        return torch.logsumexp(each, 0) - math.log(len(each))


def expected_shapes(spec: RNNSpec, *, roll: bool = False, members: int = 1) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of the network (of each of several members), without building it.

    They are counted, not read off a network on torch's device "meta": that imports torch's compiler, which takes
    seconds, and two threads that do so at once break it for the rest of the run.
    """
    if members > 1:
        alone = expected_shapes(spec, roll=roll)
        return {f"members.{place}.{name}": shape for place in range(members) for name, shape in alone.items()}
    gates = GATES[spec.cell] * spec.hidden
    shapes: dict[str, tuple[int, ...]] = {} if roll else {"embedding.weight": (spec.vocabulary, spec.embedding)}
    for layer in range(spec.layers):
        inputs = spec.hidden if layer else spec.vocabulary if roll else spec.embedding + spec.labels
        shapes |= {
            f"rnn.weight_ih_l{layer}": (gates, inputs), f"rnn.weight_hh_l{layer}": (gates, spec.hidden),
            f"rnn.bias_ih_l{layer}": (gates,), f"rnn.bias_hh_l{layer}": (gates,),
        }
    if roll and spec.nade:
        own = nade.shapes(spec.hidden, spec.vocabulary, spec.nade)
        shapes |= {f"nade.{name}": shape for name, shape in own.items()}
    return {**shapes, "head.weight": (spec.vocabulary, spec.hidden), "head.bias": (spec.vocabulary,)}


def grown(network: SequenceRNN, like: Sequence[int], labels: int = 0) -> SequenceRNN:
    """A copy of the network that knows a new symbol for each item of ``like``, and ``labels`` more labels.

    A new symbol is read as the old symbol ``like[i]`` is; it is written where that one would be, with a hundredth of
    its chance. So the scores of the old symbols are what they were, and their chances differ by a hundredth at the
    most. A new label changes nothing until training teaches it.
    """
    spec, size = network.spec, network.spec.vocabulary
    made = SequenceRNN(replace(spec, vocabulary=size + len(like), labels=spec.labels + labels))
    tensors = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    rows = torch.tensor([*range(size), *like], device=tensors["head.bias"].device)
    for name in ("embedding.weight", "head.weight", "head.bias"):
        tensors[name] = tensors[name][rows]
    shared = torch.tensor([float(list(like).count(symbol)) for symbol in like]).to(tensors["head.bias"])
    tensors["head.bias"][size:] += torch.log(NEWCOMER / shared)
    tensors["rnn.weight_ih_l0"] = F.pad(tensors["rnn.weight_ih_l0"], (0, labels))
    made.load_state_dict(tensors)
    made.weight_dropout = network.weight_dropout
    return made.to(rows.device)


def detach(state: State) -> State:
    """The state without its history: what truncated back-propagation through time carries from batch to batch."""
    return tuple(part.detach() for part in state)


def pack(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors of a network as a model file stores them: what a step multiplies as 8-bit rows (``NAME`` int8 and
    ``NAME.scale`` float32, see ``rows8``), the rest as float16."""
    stored: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 2 and not name.startswith("embedding"):
            stored[name], stored[f"{name}{_SCALE}"] = round_rows(tensor.cpu().float())
        else:
            stored[name] = tensor.cpu().half()
    return stored


def unpack(stored: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The float32 tensors of what ``pack`` made; plain tensors stay as they are. Raises WeightsError."""
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in stored.items():
        if name.endswith(_SCALE):
            continue
        scale = stored.get(f"{name}{_SCALE}")
        if scale is not None and (tensor.ndim != 2 or scale.shape != tensor.shape[:1]):
            raise WeightsError(f"the scales of {name} do not fit it; train the model again")
        tensors[name] = tensor.float() if scale is None else tensor.float() * scale[:, None]
    return tensors


def build_sequence(model: ModelFile) -> SequenceRNN:
    """The trained network in a model file, ready to read. Raises WeightsError."""
    spec = RNNSpec.from_json(model.config.get("network"), where=str(model.path))
    return cast(SequenceRNN, _filled(lambda: SequenceRNN(spec), expected_shapes(spec), model))


def build_roll(model: ModelFile) -> RollRNN | RollMixture:
    """The piano-roll network in a model file, or the mixture of them. Raises WeightsError."""
    spec = RNNSpec.from_json(model.config.get("network"), where=str(model.path))
    members = model.config.get("members", 1)
    if type(members) is not int or not 1 <= members <= MAX_MEMBERS:
        raise WeightsError(f"{short_path(model.path)} names {members!r} members, not 1 to {MAX_MEMBERS}")
    made = _filled(lambda: roll_of(spec, members), expected_shapes(spec, roll=True, members=members), model)
    return cast(RollRNN | RollMixture, made)


def roll_of(spec: RNNSpec, members: int = 1) -> RollRNN | RollMixture:
    """A fresh piano-roll network, or a mixture of several."""
    return RollRNN(spec) if members == 1 else RollMixture([RollRNN(spec) for _ in range(members)])


def _filled(make: Callable[[], nn.Module], shapes: dict[str, tuple[int, ...]], model: ModelFile) -> nn.Module:
    tensors = unpack(model.tensors)
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    check_against(shapes, found, where=short_path(model.path))
    network = make()
    network.load_state_dict(tensors)
    return network.eval()
