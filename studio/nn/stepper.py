"""One-step sampling from a trained ``SequenceRNN``, many times faster than a call of ``nn.LSTM`` per symbol.

On a CPU a one-step call of ``nn.LSTM`` repacks all weights each time. Here the weights are prepared once:

* the embedding, the first layer's input weights and its biases become one table with a row per symbol;
* all that is multiplied by the output of a layer (its own recurrent weights, the input weights of the next layer or the
  output of the network) becomes one matrix: a step is one product per layer;
* a product costs what is read of its weights. Weights of 8-bit rows, as our model files store them, are read as 8 bits
  and multiplied exactly (``rows8``); weights that are float16 numbers are read as float16; others as float32. All three
  give what float32 gives, up to the order of sums.

``precision="int8"`` rounds weights and activations to 8 bits, whatever they were: fast for any model, other samples.
"""

from __future__ import annotations

import functools
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from studio.nn import rows8
from studio.nn.lstm import RNNSpec, SequenceRNN, State
from studio.nn.rows8 import Product

Precision = Literal["float32", "int8"]


class Stepper:
    """Carried state of ``batch`` sequences and the function from a symbol to the logits of the next one."""

    def __init__(self, network: SequenceRNN, *, batch: int = 1, precision: Precision = "float32") -> None:
        self.spec, self.precision = network.spec, precision
        weights = {name: tensor.detach().cpu().float() for name, tensor in network.state_dict().items()}
        spec = self.spec
        self._rows = (4 if spec.cell == "lstm" else 3) * spec.hidden
        with torch.inference_mode():
            self._table, self._shifts, self._recurrent_shifts = _biases(spec, weights)
            above = [weights[f"rnn.weight_ih_l{layer}"] for layer in range(1, spec.layers)] + [weights["head.weight"]]
            self._products = [
                _product([weights[f"rnn.weight_hh_l{layer}"], above[layer]], precision) for layer in range(spec.layers)
            ]
        self._cell_step = self._lstm if spec.cell == "lstm" else self._gru
        self.reset(batch)

    def reset(self, batch: int | None = None) -> None:
        """Forget everything read; ``batch`` changes the number of sequences."""
        shape = (self.spec.layers, batch or self.batch, self.spec.hidden)
        self.state = (torch.zeros(shape), torch.zeros(shape))

    def step(self, tokens: NDArray[np.int64] | int) -> NDArray[np.float32]:
        """Read a symbol of each sequence, int64 ``(batch,)`` or one number for all; logits ``(batch, vocabulary)``."""
        with torch.inference_mode():
            if isinstance(tokens, (int, np.integer)):
                inputs = self._table[int(tokens) : int(tokens) + 1].expand(self.batch, -1)
            else:
                inputs = self._table[torch.from_numpy(tokens)]
            for layer, product in enumerate(self._products):
                hidden = self._cell_step(layer, inputs)
                made = product(hidden)
                self._hidden[layer], self._recurrent[layer] = hidden, made[:, : self._rows]
                inputs = made[:, self._rows :] + self._shifts[layer]
            return inputs.numpy()

    def prime(self, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read ``tokens`` ``(length,)`` into every sequence; the logits after the last one (zeros without any)."""
        logits = np.zeros((self.batch, self.spec.vocabulary), np.float32)
        for token in tokens:
            logits = self.step(int(token))
        return logits

    @property
    def state(self) -> State:
        """A copy of the carried state: (hidden, cell), each ``(layers, batch, hidden)``; a GRU leaves ``cell`` zero."""
        return torch.stack(self._hidden), torch.stack(self._cell)

    @state.setter
    def state(self, value: State) -> None:
        self.batch = value[0].shape[1]
        with torch.inference_mode():
            self._hidden, self._cell = list(value[0].clone().unbind()), list(value[1].clone().unbind())
            self._recurrent = [
                product(hidden)[:, : self._rows] for product, hidden in zip(self._products, self._hidden, strict=True)
            ]

    def keep(self, row: int, batch: int | None = None) -> None:
        """Continue all sequences (``batch`` of them) from where sequence ``row`` is."""
        count = batch or self.batch
        hidden, cell = (part[:, row : row + 1].expand(-1, count, -1).contiguous() for part in self.state)
        self.state = (hidden, cell)

    def _lstm(self, layer: int, inputs: torch.Tensor) -> torch.Tensor:
        size = self.spec.hidden
        gates = inputs + self._recurrent[layer]
        # torch's order of rows: input gate, forget gate, candidate, output gate
        gates[:, : 2 * size].sigmoid_()
        candidate = gates[:, 2 * size : 3 * size].tanh_()
        cell = (self._cell[layer] * gates[:, size : 2 * size]).addcmul_(gates[:, :size], candidate)
        self._cell[layer] = cell
        return torch.tanh(cell).mul_(gates[:, 3 * size :].sigmoid_())

    def _gru(self, layer: int, inputs: torch.Tensor) -> torch.Tensor:
        size = self.spec.hidden
        recurrent = self._recurrent[layer] + self._recurrent_shifts[layer]
        gates = (inputs[:, : 2 * size] + recurrent[:, : 2 * size]).sigmoid_()
        fresh = inputs[:, 2 * size :].addcmul(gates[:, :size], recurrent[:, 2 * size :]).tanh_()
        return fresh + gates[:, size:] * (self._hidden[layer] - fresh)


def _biases(
    spec: RNNSpec, weights: dict[str, torch.Tensor]
) -> tuple[torch.Tensor, list[torch.Tensor], list[torch.Tensor]]:
    """The first layer's table ``(vocabulary, rows)``; what is added above each layer; a GRU's recurrent biases."""
    inner = [weights[f"rnn.bias_ih_l{layer}"] for layer in range(spec.layers)]
    recurrent = [weights[f"rnn.bias_hh_l{layer}"] for layer in range(spec.layers)]
    if spec.cell == "lstm":  # a GRU's reset gate acts on the recurrent bias, an LSTM just adds both
        inner = [one + other for one, other in zip(inner, recurrent, strict=True)]
    table = weights["embedding.weight"] @ weights["rnn.weight_ih_l0"].t() + inner[0]
    return table, [*inner[1:], weights["head.bias"]], recurrent


def _product(parts: list[torch.Tensor], precision: Precision) -> Product:
    """The fastest product with ``parts`` stacked on each other, ``(outputs, inputs)``, in the asked precision."""
    weight = torch.cat(parts).contiguous()
    if precision == "int8":
        whole, scale = rows8.round_rows(weight)
        quick = rows8.quick_product(whole, scale)
        if quick is not None:
            return quick
        weight = whole.float() * scale[:, None]
    rows = rows8.rows_of(weight)
    exact = rows8.exact_product(*rows) if rows is not None else _half_product(weight)
    if exact is not None:
        return exact
    transposed = weight.t()
    return lambda x: torch.mm(x, transposed)


def _half_product(weight: torch.Tensor) -> Product | None:
    """The product with weights read as float16 and multiplied as float32; None when that would change them."""
    if not torch.equal(weight.half().float(), weight) or not _has_half():
        return None
    operation: Any = torch.ops.quantized.linear_dynamic_fp16.default
    packed = torch.ops.quantized.linear_prepack_fp16(weight, None)
    return lambda x: operation(x, packed)


@functools.cache
def _has_half() -> bool:
    """Whether this build of torch multiplies packed float16 weights, and keeps float32 activations and sums."""
    if "fbgemm" not in torch.backends.quantized.supported_engines:
        return False
    generator = torch.Generator().manual_seed(0)
    weight, x = torch.randn(64, 32, generator=generator).half().float(), torch.rand(2, 32, generator=generator)
    try:
        packed = torch.ops.quantized.linear_prepack_fp16(weight, None)
        made = torch.ops.quantized.linear_dynamic_fp16.default(x, packed)
        return torch.allclose(made, x @ weight.t(), atol=1e-5)
    except (RuntimeError, AttributeError):
        return False
