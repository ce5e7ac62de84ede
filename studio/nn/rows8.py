"""Weights of 8 bits per value with one scale per row, and exact products with them.

``round_rows`` rounds a matrix to whole numbers -127..127 times a scale per row. The scale has 16 significant bits, so
that every product is a float32 number: the same weights can stand in ``nn.LSTM`` and be multiplied here, and
``rows_of`` finds numbers and scales again in the float32 values alone.

``ExactRows`` multiplies such a matrix by float32 activations in 8-bit arithmetic without loss: an activation in -1..1
is written with three signed digits of 8 bits (steps of 1.2e-7); the three rows of digits are multiplied at once, sums
are whole numbers, and the digits' results are added with their place values. A quarter of the bytes of float32 weights
are read, which is what one step of a recurrent network costs.
"""

from __future__ import annotations

import copy
import functools
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from studio.nn.device import threads

Floats = NDArray[np.float32]

_TOP, _BASE = np.float32(127), np.float32(254)
_PLACES = np.array([1.0 / (127.0 * 254.0**place) for place in (0, 1, 2)], np.float32)
"""Place values of the digits, the most significant first."""
_PAD = 4
"""Columns after the digits. The product finds the range of its input itself: two of them say what it must be."""


def round_rows(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Whole numbers int8 ``(rows, columns)`` and scales float32 ``(rows,)`` nearest to ``weight``."""
    peak = weight.detach().abs().amax(1).double().clamp_min(1e-20) / 127
    mantissa, exponent = torch.frexp(peak)
    scale = torch.ldexp((mantissa * 2.0**16).ceil(), exponent - 16).float()
    return (weight.detach().double() / scale[:, None]).round().clamp(-127, 127).to(torch.int8), scale


def rounded(weight: torch.Tensor) -> torch.Tensor:
    """``weight`` as its nearest matrix of 8-bit rows, float32."""
    whole, scale = round_rows(weight)
    return whole.float() * scale[:, None]


def rows_of(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Numbers and scales of a float32 matrix whose rows are exactly such numbers times a scale, else None."""
    whole, scale = round_rows(weight)
    return (whole, scale) if torch.equal(whole.float() * scale[:, None], weight) else None


class ExactRows:
    """The product with ``whole * scale``: activations float32 ``(batch, inputs)`` in -1..1 → ``(batch, outputs)``.

    Not for two threads at once: the digits are written into one buffer.
    """

    def __init__(self, whole: torch.Tensor, scale: torch.Tensor) -> None:
        self.outputs, self._inputs = whole.shape
        self._packed = _pack(torch.cat([whole, torch.zeros(self.outputs, _PAD, dtype=torch.int8)], 1), scale)
        self._operation: Any = torch.ops.quantized.linear_dynamic.default
        self._digits = _Digits(1, self._inputs)

    def twin(self) -> ExactRows:
        """The same weights with a buffer of its own, for another thread."""
        made = copy.copy(self)
        made._digits = _Digits(1, self._inputs)
        return made

    def __call__(self, x: Floats) -> Floats:
        if len(x) != self._digits.batch:
            self._digits = _Digits(len(x), self._inputs)
        made = self._operation(self._digits.write(x), self._packed).numpy()
        result: Floats = (_PLACES @ made.reshape(3, -1)).reshape(-1, self.outputs)
        return result


class QuickRows:
    """The same with activations rounded to 8 bits within their range."""

    def __init__(self, whole: torch.Tensor, scale: torch.Tensor) -> None:
        self._packed = _pack(whole, scale)
        self._operation: Any = torch.ops.quantized.linear_dynamic.default

    def __call__(self, x: Floats) -> Floats:
        result: Floats = self._operation(torch.from_numpy(x), self._packed).numpy()
        return result


class _Digits:
    """A buffer for the digits of ``(batch, inputs)`` activations, used again and again."""

    def __init__(self, batch: int, inputs: int) -> None:
        self.batch = batch
        self._rows = np.zeros((3, batch, inputs + _PAD), np.float32)
        self._rows[:, :, inputs] = -128.0
        self._rows[:, :, inputs + 1] = 127.0
        self._places = [row[:, :inputs] for row in self._rows]
        self._rest = np.empty((batch, inputs), np.float32)
        self._tensor = torch.from_numpy(self._rows.reshape(3 * batch, inputs + _PAD))

    def write(self, x: Floats) -> torch.Tensor:
        """The digits of ``x``, float32 ``(3 * batch, inputs + 4)``; valid until the next call."""
        top, middle, low = self._places
        rest = self._rest
        np.multiply(x, _TOP, out=rest)
        np.rint(rest, out=top)
        for digit, before in ((middle, top), (low, middle)):
            np.subtract(rest, before, out=rest)
            np.multiply(rest, _BASE, out=rest)
            np.rint(rest, out=digit)
        return self._tensor


def _pack(whole: torch.Tensor, scale: torch.Tensor) -> Any:
    zero = torch.zeros(len(scale), dtype=torch.int64)
    make: Any = torch._make_per_channel_quantized_tensor
    with warnings.catch_warnings():
        # torch 2.13 says that quantised tensors will go; ``usable`` notices, and products are then those of float32
        warnings.simplefilter("ignore", UserWarning)
        return torch.ops.quantized.linear_prepack(make(whole, scale.double(), zero, 0), None)


@functools.cache
def usable() -> bool:
    """Whether 8-bit products are worth taking here: right (``exact``), and no slower than float32 ones.

    On one processor or another torch takes a path hundreds of times too slow. Where all is well 8-bit products take
    less than half the time, so load does not change the answer: a seed gives the same samples on every run.
    """
    return exact() and quicker(lambda weight: ExactRows(*round_rows(weight)))


def quicker(make: Callable[[torch.Tensor], Callable[[Floats], Floats]], *, tries: int = 7) -> bool:
    """Whether the product that ``make`` prepares with a large matrix takes no longer than the float32 one; ~10 ms."""
    weight, x = torch.linspace(-1.0, 1.0, 2048 * 512).view(2048, 512), np.full((1, 512), 0.3, np.float32)
    ours, transposed, seconds = make(weight), weight.t(), np.zeros((tries, 2))
    with threads(1):
        for row in seconds:
            begin = time.perf_counter()
            ours(x)
            between = time.perf_counter()
            torch.mm(torch.from_numpy(x), transposed)
            row[:] = between - begin, time.perf_counter() - between
    best = seconds.min(0)
    return bool(best[0] <= best[1])


@functools.cache
def exact() -> bool:
    """Whether this torch and this processor multiply 8-bit numbers without overflow (some saturate at 16 bits)."""
    try:
        whole = torch.full((8, 64), 127, dtype=torch.int8)
        whole[1] = -127
        whole[2, ::2] = -127
        x = torch.full((3, 64), 127.0)
        x[1, ::2] = -128.0
        x[2] = -128.0
        x[0, 0] = -128.0
        made = torch.from_numpy(QuickRows(whole, torch.ones(8))(x.numpy()))
        return torch.equal(made, x @ whole.float().t())
    except (RuntimeError, AttributeError, TypeError):
        return False
