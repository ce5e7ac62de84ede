"""One-step sampling from a trained ``SequenceRNN``, many times faster than a call of ``nn.LSTM`` per symbol.

On a CPU a one-step call of ``nn.LSTM`` repacks all weights each time. Here the weights are prepared once:

* the embedding, the first layer's input weights and its biases become one table with a row per symbol; what labels add
  is multiplied once, when they are given;
* all that is multiplied by the output of a layer (its own recurrent weights, the input weights of the next layer or the
  output of the network) becomes one matrix: a step is one product per layer;
* a large product costs what is read of its weights. Weights of 8-bit rows, as our model files store them, are read as
  8 bits and multiplied exactly (``rows8``); weights that are float16 numbers are read as float16; others as float32.
  All three give what float32 gives, up to the order of sums;
* a step stays on its own thread. A product takes some 40 us; to share it among threads and to wait for the last of them
  gains little when nothing else runs, and costs milliseconds as soon as something does.

``precision="int8"`` rounds weights and activations to 8 bits, whatever they were: fast for any model, other samples.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from studio.nn import rows8
from studio.nn.device import threads
from studio.nn.lstm import GATES, RNNSpec, SequenceRNN, State
from studio.nn.rows8 import Floats

Precision = Literal["float32", "int8"]
Product = Callable[[Floats], Floats]
"""Activations ``(batch, inputs)`` in -1..1 → ``(batch, outputs)``."""

LARGE = 512 * 1024
"""Weights from which on products with fewer bits are quicker: smaller matrices stay in the cache anyway."""

_HALF = np.float32(0.5)


class Stepper:
    """Carried state of ``batch`` sequences and the function from a symbol to the logits of the next one."""

    def __init__(self, network: SequenceRNN, *, batch: int = 1, precision: Precision = "float32") -> None:
        self.spec, self.precision = network.spec, precision
        spec = self.spec
        weights = _halved(spec, {name: row.detach().cpu().float() for name, row in network.state_dict().items()})
        self._rows = GATES[spec.cell] * spec.hidden
        self._beside = weights["rnn.weight_ih_l0"][:, spec.embedding :].numpy()
        self._given: Floats | None = None
        self._table, self._shifts, self._recurrent_shifts = _biases(spec, weights)
        above = [weights[f"rnn.weight_ih_l{layer}"] for layer in range(1, spec.layers)] + [weights["head.weight"]]
        self._products = [
            _product(torch.cat([weights[f"rnn.weight_hh_l{layer}"], above[layer]]), precision)
            for layer in range(spec.layers)
        ]
        self._cell_step = self._step_of_cell()
        self.reset(batch)

    def _step_of_cell(self) -> Callable[[int, Floats], Floats]:
        return {"lstm": self._lstm, "gru": self._gru, "rnn": self._rnn}[self.spec.cell]

    def twin(self) -> Stepper:
        """Another stepper on the same weights, with the same state; the two may be used by two threads."""
        made = copy.copy(self)
        made._products = [product.twin() if isinstance(product, rows8.ExactRows) else product
                          for product in self._products]
        made._cell_step = made._step_of_cell()
        made.state = self.state
        return made

    def give(self, labels: NDArray[np.floating[Any]] | None) -> None:
        """Say what is written from the next step on: a number 0..1 for each label, ``(labels,)``; None: nothing."""
        if labels is not None and labels.shape != (self.spec.labels,):
            raise ValueError(f"{labels.shape} numbers are given for {self.spec.labels} labels")
        self._given = None if labels is None else (self._beside @ labels.astype(np.float32)).astype(np.float32)

    def reset(self, batch: int | None = None) -> None:
        """Forget everything read; ``batch`` changes the number of sequences."""
        shape = (self.spec.layers, batch or self.batch, self.spec.hidden)
        self.state = (torch.zeros(shape), torch.zeros(shape))

    def step(self, tokens: NDArray[np.int64] | int) -> Floats:
        """Read a symbol of each sequence, int64 ``(batch,)`` or one number for all; logits ``(batch, vocabulary)``."""
        if isinstance(tokens, (int, np.integer)):
            inputs = np.broadcast_to(self._table[tokens], (self.batch, self._rows))
        else:
            inputs = self._table[tokens]
        if self._given is not None:
            inputs = inputs + self._given
        with threads(1):
            for layer, product in enumerate(self._products):
                hidden = self._cell_step(layer, inputs)
                made = product(hidden)
                self._hidden[layer], self._recurrent[layer] = hidden, made[:, : self._rows]
                inputs = made[:, self._rows :] + self._shifts[layer]
        return inputs

    def prime(self, tokens: NDArray[np.int64]) -> Floats:
        """Read ``tokens`` ``(length,)`` into every sequence; the logits after the last one (zeros without any)."""
        logits = np.zeros((self.batch, self.spec.vocabulary), np.float32)
        for token in tokens:
            logits = self.step(int(token))
        return logits

    @property
    def state(self) -> State:
        """A copy of the carried state: (hidden, cell), each ``(layers, batch, hidden)``; only an LSTM uses ``cell``."""
        return torch.from_numpy(np.stack(self._hidden)), torch.from_numpy(np.stack(self._cell))

    @state.setter
    def state(self, value: State) -> None:
        self.batch = value[0].shape[1]
        self._hidden, self._cell = ([layer.numpy().copy() for layer in part.contiguous()] for part in value)
        with threads(1):
            self._recurrent = [
                product(hidden)[:, : self._rows] for product, hidden in zip(self._products, self._hidden, strict=True)
            ]

    def keep(self, row: int, batch: int | None = None) -> None:
        """Continue all sequences (``batch`` of them) from where sequence ``row`` is."""
        count = batch or self.batch
        hidden, cell = (part[:, row : row + 1].expand(-1, count, -1).contiguous() for part in self.state)
        self.state = (hidden, cell)

    def _lstm(self, layer: int, inputs: Floats) -> Floats:
        size = self.spec.hidden
        gates = inputs + self._recurrent[layer]
        np.tanh(gates, out=gates)
        # torch's order of rows: input gate, forget gate, candidate, output gate
        both, candidate, out = gates[:, : 2 * size], gates[:, 2 * size : 3 * size], gates[:, 3 * size :]
        for gate in (both, out):
            gate *= _HALF
            gate += _HALF
        cell = self._cell[layer]
        cell *= both[:, size:]
        candidate *= both[:, :size]
        cell += candidate
        hidden: Floats = np.tanh(cell)
        hidden *= out
        return hidden

    def _gru(self, layer: int, inputs: Floats) -> Floats:
        size = self.spec.hidden
        recurrent = self._recurrent[layer] + self._recurrent_shifts[layer]
        gates = np.tanh(inputs[:, : 2 * size] + recurrent[:, : 2 * size])
        gates *= _HALF
        gates += _HALF
        fresh = np.tanh(inputs[:, 2 * size :] + gates[:, :size] * recurrent[:, 2 * size :])
        hidden: Floats = fresh + gates[:, size:] * (self._hidden[layer] - fresh)
        return hidden

    def _rnn(self, layer: int, inputs: Floats) -> Floats:
        hidden: Floats = np.tanh(inputs + self._recurrent[layer])
        return hidden


def _halved(spec: RNNSpec, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """``weights`` with the rows of all sigmoid gates halved, which is exact in binary.

    sigmoid(x) = tanh(x / 2) / 2 + 1 / 2: one quick tanh does for gates and candidates.
    """
    size = spec.hidden
    scale = torch.ones(GATES[spec.cell] * size)
    if spec.cell != "rnn":
        scale[: 2 * size] = 0.5
    if spec.cell == "lstm":
        scale[3 * size :] = 0.5
    return {
        name: tensor * (scale if tensor.ndim == 1 else scale[:, None]) if name.startswith("rnn.") else tensor
        for name, tensor in weights.items()
    }


def _biases(spec: RNNSpec, weights: dict[str, torch.Tensor]) -> tuple[Floats, list[Floats], list[Floats]]:
    """The first layer's table ``(vocabulary, rows)``; what is added above each layer; a GRU's recurrent biases."""
    inner = [weights[f"rnn.bias_ih_l{layer}"] for layer in range(spec.layers)]
    recurrent = [weights[f"rnn.bias_hh_l{layer}"] for layer in range(spec.layers)]
    if spec.cell != "gru":  # its reset gate acts on the recurrent bias; the others just add both
        inner = [one + other for one, other in zip(inner, recurrent, strict=True)]
    table = weights["embedding.weight"] @ weights["rnn.weight_ih_l0"][:, : spec.embedding].t() + inner[0]
    shifts = [bias.numpy() for bias in (*inner[1:], weights["head.bias"])]
    return table.numpy(), shifts, [bias.numpy() for bias in recurrent]


def _product(weight: torch.Tensor, precision: Precision) -> Product:
    """The fastest product with ``weight`` ``(outputs, inputs)`` in the asked precision."""
    pair = rows8.round_rows(weight) if precision == "int8" else rows8.rows_of(weight)
    if pair is None:
        return _half_product(weight) or _float_product(weight)
    if weight.numel() < LARGE or not rows8.usable():
        return _float_product(pair[0].float() * pair[1][:, None])
    return rows8.QuickRows(*pair) if precision == "int8" else rows8.ExactRows(*pair)


def _float_product(weight: torch.Tensor) -> Product:
    transposed = weight.contiguous().t()
    return lambda x: torch.mm(torch.from_numpy(x), transposed).numpy()


def _half_product(weight: torch.Tensor) -> Product | None:
    """The product with weights read as float16 and multiplied as float32; None when that would change them."""
    if weight.numel() < LARGE or not torch.equal(weight.half().float(), weight) or not _has_half():
        return None
    return _pack_half(weight)


def _pack_half(weight: torch.Tensor) -> Product:
    operation: Any = torch.ops.quantized.linear_dynamic_fp16.default
    packed = torch.ops.quantized.linear_prepack_fp16(weight, None)
    return lambda x: operation(torch.from_numpy(x), packed).numpy()


@functools.cache
def _has_half() -> bool:
    """Whether this torch multiplies packed float16 weights quickly, and keeps float32 activations and sums."""
    if "fbgemm" not in torch.backends.quantized.supported_engines:
        return False
    generator = torch.Generator().manual_seed(0)
    weight, x = torch.randn(64, 32, generator=generator).half().float(), torch.rand(2, 32, generator=generator)
    try:
        made = torch.from_numpy(_pack_half(weight)(x.numpy()))
        return torch.allclose(made, x @ weight.t(), atol=1e-5) and rows8.quicker(_pack_half)
    except (RuntimeError, AttributeError):
        return False
