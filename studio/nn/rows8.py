"""Weights of 8 bits per value with one scale per row, and exact products with them.

``round_rows`` rounds a matrix to whole numbers -127..127 times a scale per row. The scale has 16 significant bits, so
that every product is a float32 number: the same weights can stand in ``nn.LSTM`` and be multiplied here, and
``rows_of`` finds numbers and scales again in the float32 values alone.

``exact_product`` multiplies such a matrix by float32 activations in 8-bit arithmetic without loss: an activation in
-1..1 is written as a fixed-point number of 22 bits, that is as three signed digits of 8 bits; the three rows of digits
are multiplied at once, sums are whole numbers, and the digits' results are added with their place values. A quarter of
the bytes of float32 weights are read, which is what one step of a recurrent network costs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import torch

Product = Callable[[torch.Tensor], torch.Tensor]
"""Activations ``(batch, inputs)`` in -1..1 → ``(batch, outputs)``."""

_PLACE = 2.0**22
"""An activation of 1 as a fixed-point number."""
_BALANCE = 0x8080
"""Added and then toggled: turns the two low bytes of a number into signed digits."""


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


def digits(x: torch.Tensor) -> torch.Tensor:
    """Activations ``(batch, inputs)`` as int8 digits ``(3 * batch, inputs)``, the least significant ones first."""
    fixed = np.rint(x.numpy() * np.float32(_PLACE)).astype(np.int32)
    fixed += _BALANCE
    fixed ^= _BALANCE
    parts = fixed.view(np.int8).reshape(*fixed.shape, 4)
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(parts[..., :3], 2, 0)).reshape(-1, fixed.shape[1]))


_WEIGHTS = torch.tensor([[1.0, 2.0**8, 2.0**16]]) / _PLACE


def exact_product(whole: torch.Tensor, scale: torch.Tensor) -> Product | None:
    """The product with ``whole * scale`` for activations in -1..1, None where this machine cannot do it right."""
    if not usable():
        return None
    multiply = _multiply(whole, scale, rows=3)
    outputs = len(scale)

    def product(x: torch.Tensor) -> torch.Tensor:
        made = multiply(digits(x)).view(3, -1)
        return torch.mm(_WEIGHTS, made).view(-1, outputs)

    return product


def quick_product(whole: torch.Tensor, scale: torch.Tensor) -> Product | None:
    """The product with activations rounded to 8 bits, None where this machine cannot do it right."""
    if not usable():
        return None
    multiply = _multiply(whole, scale / 127, rows=1)
    return lambda x: multiply(torch.from_numpy(np.rint(x.numpy() * np.float32(127)).astype(np.int8)))


def _multiply(whole: torch.Tensor, scale: torch.Tensor, *, rows: int) -> Callable[[torch.Tensor], torch.Tensor]:
    # the operators behind torch's exported 8-bit graphs: whole-number sums, float32 results
    operation = torch.ops.onednn.qlinear_pointwise.default
    packed = torch.ops.onednn.qlinear_prepack(whole, [rows, whole.shape[1]])
    zero = torch.zeros(len(scale), dtype=torch.int32)

    def multiply(x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = operation(
            x, 1.0, 0, packed, scale, zero, None, 1.0, 0, torch.float32, "none", [], ""
        )
        return result

    return multiply


@functools.cache
def usable() -> bool:
    """Whether this torch and this processor multiply 8-bit numbers without overflow (some saturate at 16 bits)."""
    try:
        whole = torch.full((8, 64), 127, dtype=torch.int8)
        whole[1] = -127
        whole[2, ::2] = -127
        x = torch.full((3, 64), 127, dtype=torch.int8)
        x[1, ::2] = -127
        x[2] = -128
        made = _multiply(whole, torch.ones(8), rows=3)(x)
        return torch.equal(made, x.float() @ whole.float().t())
    except (RuntimeError, AttributeError, TypeError):
        return False
