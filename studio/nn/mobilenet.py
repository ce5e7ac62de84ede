"""MobileNet V2 (Sandler et al. 2018) and V3 (Howard et al. 2019) in torchvision's layout, as feature networks.

Light and quick. Layers: ``conv1``, then ``block2`` … after each block's widening convolution (where there is one), and
``last``; all after their activation. Batch norm is folded into the convolutions. Input: RGB 0..1, ImageNet's mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from studio.nn.featurenet import FeatureError, FeatureNet, Stage
from studio.nn.foreign_names import Family, family
from studio.nn.googlenet import IMAGENET_MEAN, IMAGENET_STD


class Bottleneck(Stage):
    """An inverted residual block: widen (1x1), filter (depthwise), weigh the channels (V3), narrow (1x1)."""

    def __init__(self, convs: list[nn.Conv2d], squeeze: tuple[nn.Conv2d, nn.Conv2d] | None, swish: str) -> None:
        super().__init__()
        self.widen = convs[0] if len(convs) == 3 else None
        self.filter, self.narrow = convs[-2:]
        self.squeeze = nn.ModuleList(squeeze or ())
        self.swish = swish
        self.residual = self.filter.stride == (1, 1) and convs[0].in_channels == self.narrow.out_channels

    def bend(self, x: torch.Tensor) -> torch.Tensor:
        """The block's activation."""
        return {"relu6": F.relu6, "relu": F.relu, "hardswish": F.hardswish}[self.swish](x)

    def after(self, x: torch.Tensor, wide: torch.Tensor) -> torch.Tensor:
        """The block's result from its input ``x`` and what widening made of it."""
        y = self.bend(self.filter(wide))
        if len(self.squeeze):
            reduce, expand = self.squeeze
            y = y * F.hardsigmoid(expand(F.relu(reduce(y.mean((2, 3), keepdim=True)))))
        y = self.narrow(y)
        return torch.as_tensor(x + y if self.residual else y)


class MobileNet(FeatureNet):
    """The convolutional part of a MobileNet; layers as the module says."""

    kind: ClassVar[str] = "mobilenet"

    def __init__(self, tensors: Mapping[str, torch.Tensor], about: Family) -> None:
        self.about = about
        blocks = [_block(tensors, index + 1, about) for index in range(len(about.strides))]
        end = len(blocks) + 1
        swish = "relu6" if about.swish_from is None else "hardswish"
        stages: dict[str, Stage] = {"conv1": _Plain(_conv(tensors, "features.0.0", "features.0.1", about, 2), swish)}
        for index, block in enumerate(blocks):
            # a block that does not widen has no layer of its own to show
            stages[f"block{index + 1}"] = block
        stages["last"] = _Plain(_conv(tensors, f"features.{end}.0", f"features.{end}.1", about, 1), swish)
        super().__init__(stages, IMAGENET_MEAN, IMAGENET_STD)
        self.layers = tuple(
            name for name, stage in stages.items() if not isinstance(stage, Bottleneck) or stage.widen is not None
        )
        self._order = tuple(stages)
        self._index = {name: index for index, name in enumerate(self._order)}

    def resolve(self, layer: str) -> str:
        name = super().resolve(layer)
        if name not in self.layers:
            raise FeatureError(f"this network has no layer {layer!r}; it has {', '.join(self.layers)}")
        return name

    def stride(self, layer: str) -> int:
        """Picture pixels per activation: a block's layer lies before its own stride."""
        stride = 2
        for name in self._order[1 : self._index[self.resolve(layer)]]:
            stage = self.stages[self._index[name]]
            assert isinstance(stage, Bottleneck)
            stride *= stage.filter.stride[0]
        return stride

    def channels(self, layer: str) -> int:
        stage = self.stage(layer)
        conv = stage.widen if isinstance(stage, Bottleneck) else stage.conv if isinstance(stage, _Plain) else None
        assert conv is not None
        return conv.out_channels

    def forward_to(
        self, x: torch.Tensor, layers: str | Iterable[str], *, before_relu: bool = False
    ) -> dict[str, torch.Tensor]:
        names = [layers] if isinstance(layers, str) else list(layers)
        wanted = {self.resolve(name) for name in names}
        last = max((self._index[name] for name in wanted), default=-1)
        found: dict[str, torch.Tensor] = {}
        x = self.normalise(x)
        if not torch.is_autocast_enabled(x.device.type):
            x = x.to(self.dtype)
        for name, stage in zip(self._order[: last + 1], self.stages, strict=False):
            assert isinstance(stage, Bottleneck | _Plain)
            first = stage.widen if isinstance(stage, Bottleneck) else stage.conv
            pre = x if first is None else first(x)
            bent = x if first is None else stage.bend(pre)
            if name in wanted:
                found[name] = pre if before_relu else bent
            x = stage.after(x, bent) if isinstance(stage, Bottleneck) else bent
        return found

    def architecture(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.about.name}


class _Plain(Stage):
    """A convolution and its activation: the first and the last."""

    def __init__(self, conv: nn.Conv2d, swish: str) -> None:
        super().__init__()
        self.conv, self.swish = conv, swish

    def bend(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu6(x) if self.swish == "relu6" else F.hardswish(x)


def _conv(tensors: Mapping[str, torch.Tensor], conv: str, norm: str, about: Family, stride: int) -> nn.Conv2d:
    """A convolution with its batch norm folded in. Raises FeatureError when a tensor is missing or does not fit."""
    try:
        weight = tensors[f"{conv}.weight"].float()
        gain, shift, mean, variance = (
            tensors[f"{norm}.{part}"].float() for part in ("weight", "bias", "running_mean", "running_var"))
        scale = gain * torch.rsqrt(variance + about.eps)
        return _filled(weight * scale.view(-1, 1, 1, 1), shift - mean * scale, stride)
    except KeyError as error:
        raise FeatureError(f"not torchvision's {about.name}: {error.args[0]} is missing") from None
    except (RuntimeError, ValueError):
        raise FeatureError(f"not torchvision's {about.name}: {conv} has another shape") from None


def _filled(weight: torch.Tensor, bias: torch.Tensor, stride: int) -> nn.Conv2d:
    outputs, inputs, kernel, _ = weight.shape
    groups = outputs if inputs == 1 and outputs > 1 and kernel > 1 else 1
    conv = nn.Conv2d(inputs * groups, outputs, kernel, stride, kernel // 2, groups=groups)
    with torch.no_grad():
        conv.weight.copy_(weight)
        assert conv.bias is not None
        conv.bias.copy_(bias)
    return conv


def _block(tensors: Mapping[str, torch.Tensor], number: int, about: Family) -> Bottleneck:
    stride, place = about.strides[number - 1], f"features.{number}"
    if about.swish_from is None:
        widens = f"{place}.conv.3.weight" in tensors
        names = [(f"{place}.conv.{i}.0", f"{place}.conv.{i}.1") for i in range(2 if widens else 1)]
        end = 2 if widens else 1
        names.append((f"{place}.conv.{end}", f"{place}.conv.{end + 1}"))
        squeeze = None
        swish = "relu6"
    else:
        numbers = sorted({int(m[1]) for name in tensors
                          if (m := re.match(rf"{re.escape(place)}\.block\.(\d)\.", name))})
        weighs = [i for i in numbers if f"{place}.block.{i}.fc1.weight" in tensors]
        names = [(f"{place}.block.{i}.0", f"{place}.block.{i}.1") for i in numbers if i not in weighs]
        squeeze = _squeeze(tensors, f"{place}.block.{weighs[0]}", about) if weighs else None
        swish = "hardswish" if number >= about.swish_from else "relu"
    if len(names) not in (2, 3):
        raise FeatureError(f"not torchvision's {about.name}: {place} has another form")
    strides = [1] * (len(names) - 2) + [stride, 1]
    convs = [_conv(tensors, conv, norm, about, step) for (conv, norm), step in zip(names, strides, strict=True)]
    return Bottleneck(convs, squeeze, swish)


def _squeeze(tensors: Mapping[str, torch.Tensor], place: str, about: Family) -> tuple[nn.Conv2d, nn.Conv2d]:
    try:
        reduce, expand = (
            _filled(tensors[f"{place}.{name}.weight"].float(), tensors[f"{place}.{name}.bias"].float(), 1)
            for name in ("fc1", "fc2"))
    except (KeyError, ValueError, RuntimeError):
        raise FeatureError(f"not torchvision's {about.name}: {place} has another form") from None
    return reduce, expand


def from_torchvision(tensors: Mapping[str, torch.Tensor]) -> MobileNet:
    """torchvision's ``mobilenet_v2``, ``mobilenet_v3_large`` or ``mobilenet_v3_small``; the classifier is left out."""
    about = family(tensors)
    if about is None:
        raise FeatureError("not torchvision's MobileNet V2 or V3: its blocks have other names")
    return MobileNet(tensors, about)
