"""What every feature network offers: named layers, a forward pass that stops at the deepest one asked for.

Input is always RGB 0..1 ``(N, 3, H, W)``; a network normalises inside. Activations are taken after the ReLU.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import nn


class FeatureError(ValueError):
    """A layer or a model file that cannot be used; the message says what there is instead."""


class Stage(nn.Module):
    """The part of a network between two named layers: ``forward`` is ``relu(linear(x))``.

    ``stride`` is the number of its input pixels per output pixel, ``width`` the number of output channels.
    """

    stride: int = 1
    width: int = 0

    def prepare(self, x: torch.Tensor) -> torch.Tensor:
        """What comes before the first convolution (pooling, normalisation)."""
        return x

    def convolve(self, x: torch.Tensor) -> torch.Tensor:
        """The convolutions, without the last ReLU."""
        raise TypeError(f"{type(self).__name__} has no convolve")

    def linear(self, x: torch.Tensor) -> torch.Tensor:
        """Activations before the last ReLU."""
        return self.convolve(self.prepare(x))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.linear(x))

    def entry_convs(self) -> list[nn.Conv2d]:
        """Convolutions that read the output of ``prepare`` (or only pool it)."""
        raise TypeError(f"{type(self).__name__} has no entry_convs")

    def exit_convs(self) -> list[nn.Conv2d]:
        """Convolutions that make the output channels, in their order."""
        raise TypeError(f"{type(self).__name__} has no exit_convs")


class FeatureNet(nn.Module):
    """A chain of stages. ``layers`` are their names from the picture on; ``kind`` is the family (googlenet, vgg...)."""

    kind: ClassVar[str] = ""
    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self, stages: Mapping[str, Stage], mean: Iterable[float], std: Iterable[float],
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.layers = tuple(stages)
        self._index = {name: index for index, name in enumerate(self.layers)}
        self._aliases = {key.lower(): value for key, value in (aliases or {}).items()}
        self.stages = nn.ModuleList(stages.values())
        self.register_buffer("mean", torch.tensor(list(mean)).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(list(std)).view(1, 3, 1, 1), persistent=False)

    def stage(self, layer: str) -> Stage:
        """The stage that ends at ``layer``."""
        stage = self.stages[self._index[self.resolve(layer)]]
        assert isinstance(stage, Stage)
        return stage

    def resolve(self, layer: str) -> str:
        """The name in ``layers`` that ``layer`` means (any case, common other spellings). Raises FeatureError."""
        wanted = layer.strip().lower()
        wanted = self._aliases.get(wanted, wanted)
        if wanted in self._index:
            return wanted
        raise FeatureError(f"this network has no layer {layer!r}; it has {', '.join(self.layers)}")

    def channels(self, layer: str) -> int:
        """Number of channels at ``layer``."""
        return self.stage(layer).width

    def stride(self, layer: str) -> int:
        """Picture pixels per activation at ``layer``."""
        stride = 1
        for stage in self.stages[: self._index[self.resolve(layer)] + 1]:
            assert isinstance(stage, Stage)
            stride *= stage.stride
        return stride

    def normalise(self, x: torch.Tensor) -> torch.Tensor:
        """RGB 0..1 to what the first convolution wants."""
        return (x - self.mean) / self.std

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the weights, in which the activations come."""
        return next(self.stages.parameters()).dtype

    def lowered(self, dtype: torch.dtype) -> FeatureNet:
        """A copy that computes in ``dtype``; pictures are still normalised in their own format."""
        if dtype == self.dtype:
            return self
        net = copy.deepcopy(self)
        net.stages.to(dtype)
        return net

    def forward_to(
        self, x: torch.Tensor, layers: str | Iterable[str], *, before_relu: bool = False
    ) -> dict[str, torch.Tensor]:
        """Activations of ``layers`` (own names as keys) for pictures ``(N, 3, H, W)`` in 0..1; stops at the deepest.

        With ``before_relu`` those of the last convolution, which tell how silent a silent unit is.
        """
        names = [layers] if isinstance(layers, str) else list(layers)
        wanted = {self.resolve(name) for name in names}
        if not wanted:
            return {}
        last = max(self._index[name] for name in wanted)
        found: dict[str, torch.Tensor] = {}
        x = self.normalise(x)
        if not torch.is_autocast_enabled(x.device.type):
            x = x.to(self.dtype)
        for index, layer in enumerate(self.layers[: last + 1]):
            pre = self.stage(layer).linear(x)
            if before_relu and layer in wanted:
                found[layer] = pre
            if index < last or not before_relu:
                x = torch.relu(pre)
            if not before_relu and layer in wanted:
                found[layer] = x
        return found

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Activations of the last layer."""
        return self.forward_to(x, self.layers[-1])[self.layers[-1]]

    def frozen(self) -> FeatureNet:
        """In evaluation mode, without gradients for its weights."""
        self.eval()
        return self.requires_grad_(False)

    def architecture(self) -> dict[str, Any]:
        """The configuration from which the network can be built again."""
        raise TypeError(f"{type(self).__name__} has no architecture")


def fold_standardised(stage: Stage, mean: torch.Tensor, std: torch.Tensor, scale: torch.Tensor) -> None:
    """Build an input standardisation ``(x - mean) / std`` and an output ``scale`` (per channel) into a stage's weights.

    Exact where the entry convolutions are 1x1 or pad by reflection: no zeros of a padding are shifted.
    """
    with torch.no_grad():
        for conv in stage.entry_convs():
            assert conv.bias is not None
            conv.weight /= std.view(1, -1, 1, 1)
            conv.bias -= (conv.weight * mean.view(1, -1, 1, 1)).sum((1, 2, 3))
        start = 0
        for conv in stage.exit_convs():
            assert conv.bias is not None
            part = scale[start : start + conv.out_channels]
            conv.weight *= part.view(-1, 1, 1, 1)
            conv.bias *= part
            start += conv.out_channels
