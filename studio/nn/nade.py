"""Which keys sound together: the neural autoregressive distribution estimator as the output of a recurrent network.

A frame ``x`` of keys is one event, not many: p(x) = prod over keys k of p(x_k | the keys before it). Each factor is a
unit of a network with one hidden layer whose hidden state grows by a row of ``W`` for every key that sounds (Larochelle
and Murray 2011, "The Neural Autoregressive Distribution Estimator", equations 1 to 4). The biases of both layers come
from the recurrent network, so that they know what was played (RNN-NADE: Boulanger-Lewandowski, Bengio and Vincent 2012,
"Modeling temporal dependencies in high-dimensional sequences", arXiv 1206.6392, section 5).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

ORDERS = ("rising", "falling")
"""Which key comes first: the lowest or the highest."""


class Nade(nn.Module):
    """``units`` hidden units over ``keys`` keys; ``hidden`` numbers of the recurrent network say the rest."""

    def __init__(self, hidden: int, keys: int, units: int, order: str = "rising") -> None:
        super().__init__()
        self.order = order
        self.hidden_bias = nn.Linear(hidden, units)
        self.inputs = nn.Parameter(torch.randn(keys, units) * 0.05)
        """W: what a sounding key adds to the hidden units."""
        self.outputs = nn.Parameter(torch.randn(keys, units) * 0.05)
        """V: from the hidden units to the logit of each key."""

    def logits(self, seen: torch.Tensor, visible_bias: torch.Tensor, frames: torch.Tensor) -> torch.Tensor:
        """The logit of each key given those before it: ``(..., hidden)``, ``(..., keys)``, ``(..., keys)`` of 0 and 1
        → ``(..., keys)``.

        The hidden state changes only where a key sounds. So instead of one state per key there is one for each number
        of keys that sounded before: with four voices five states, not 88.
        """
        falling = self.order == "falling"
        ordered = frames.flip(-1) if falling else frames
        counts = ordered.cumsum(-1) - ordered
        """How many keys sound before each key."""
        before = counts.flip(-1) if falling else counts
        most = int(frames.sum(-1).max()) if frames.numel() else 0
        states = torch.arange(most + 1, device=frames.device, dtype=before.dtype)
        # (..., states, keys): the first 0, 1, 2 ... keys that sound
        first = frames[..., None, :] * (before[..., None, :] < states[:, None])
        units = torch.sigmoid(self.hidden_bias(seen)[..., None, :] + first.to(self.inputs.dtype) @ self.inputs)
        each = visible_bias[..., None, :] + F.linear(units, self.outputs)
        return each.gather(-2, before.long()[..., None, :]).squeeze(-2)


def shapes(hidden: int, keys: int, units: int) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a ``Nade``."""
    return {
        "hidden_bias.weight": (units, hidden), "hidden_bias.bias": (units,), "inputs": (keys, units),
        "outputs": (keys, units),
    }
