"""SqueezeNet 1.1 (Iandola et al. 2016) in exactly torchvision's layout: ``features.3.squeeze.weight`` and so on.

Small (1.2 million weights) and quick: the frozen eyes of the projected GAN, and a light network for dreams.
Layers, after the ReLU: ``conv1`` (stride 2), ``fire2 fire3`` (4), ``fire4 fire5`` (8), ``fire6`` ... ``fire9`` (16).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from studio.nn.featurenet import FeatureError, FeatureNet, Stage

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

FIRES: dict[str, tuple[int, int, int, int, bool]] = {
    "fire2": (3, 16, 64, 64, True), "fire3": (4, 16, 64, 64, False),
    "fire4": (6, 32, 128, 128, True), "fire5": (7, 32, 128, 128, False),
    "fire6": (9, 48, 192, 192, True), "fire7": (10, 48, 192, 192, False),
    "fire8": (11, 64, 256, 256, False), "fire9": (12, 64, 256, 256, False),
}
"""Per module: its number in torchvision's ``features``, channels of squeeze, expand 1x1 and 3x3, pooling before it."""

LAYERS = ("conv1", *FIRES)


class First(Stage):
    """conv1: 3x3, stride 2, no padding."""

    stride, width = 2, 64

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 64, 3, 2)

    def convolve(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)  # type: ignore[no-any-return]

    def entry_convs(self) -> list[nn.Conv2d]:
        return [self.conv]

    def exit_convs(self) -> list[nn.Conv2d]:
        return [self.conv]


class Fire(Stage):
    """Squeeze to a few channels by 1x1, then expand by 1x1 and 3x3 side by side."""

    def __init__(self, inputs: int, squeeze: int, one: int, three: int, pool: bool) -> None:
        super().__init__()
        self.stride, self.width, self.pool = (2 if pool else 1), one + three, pool
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, one, 1)
        self.expand3x3 = nn.Conv2d(squeeze, three, 3, padding=1)

    def prepare(self, x: torch.Tensor) -> torch.Tensor:
        return F.max_pool2d(x, 3, 2, ceil_mode=True) if self.pool else x

    def convolve(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.squeeze(x))
        return torch.cat([self.expand1x1(x), self.expand3x3(x)], 1)

    def entry_convs(self) -> list[nn.Conv2d]:
        return [self.squeeze]

    def exit_convs(self) -> list[nn.Conv2d]:
        return [self.expand1x1, self.expand3x3]


class SqueezeNet(FeatureNet):
    """The whole network: its feature layers and, where the weights have one, the classifier of 1,000 classes."""

    kind: ClassVar[str] = "squeezenet"

    def __init__(self) -> None:
        stages: dict[str, Stage] = {"conv1": First()}
        width = 64
        for name, (_, squeeze, one, three, pool) in FIRES.items():
            stages[name] = Fire(width, squeeze, one, three, pool)
            width = one + three
        aliases = {"features.0": "conv1", **{f"features.{spec[0]}": name for name, spec in FIRES.items()}}
        super().__init__(stages, IMAGENET_MEAN, IMAGENET_STD, aliases)
        self.classifier = nn.Conv2d(512, 1000, 1)
        self.has_classifier = True

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Logits ``(N, 1000)`` of ImageNet's classes for pictures ``(N, 3, H, W)`` in 0..1 (trained at 224 pixels)."""
        if not self.has_classifier:
            raise FeatureError("these SqueezeNet weights have no classifier; only their feature layers can be used")
        return torch.relu(self.classifier(self.forward(x))).mean((2, 3))

    def architecture(self) -> dict[str, Any]:
        return {"kind": self.kind}

    def torchvision_names(self) -> dict[str, str]:
        """Our parameter names by torchvision's."""
        names = {"features.0": "stages.0.conv"}
        for index, (number, *_) in enumerate(FIRES.values(), 1):
            for part in ("squeeze", "expand1x1", "expand3x3"):
                names[f"features.{number}.{part}"] = f"stages.{index}.{part}"
        if self.has_classifier:
            names["classifier.1"] = "classifier"
        return {f"{theirs}.{end}": f"{ours}.{end}" for theirs, ours in names.items() for end in ("weight", "bias")}


def from_torchvision(tensors: Mapping[str, torch.Tensor]) -> SqueezeNet:
    """Build from torchvision's ``squeezenet1_1`` tensors. Raises FeatureError naming what is missing or misshapen."""
    net = SqueezeNet()
    net.has_classifier = "classifier.1.weight" in tensors
    own = net.state_dict()
    found: dict[str, torch.Tensor] = {}
    for theirs, ours in net.torchvision_names().items():
        if theirs not in tensors:
            raise FeatureError(f"the tensor {theirs} of SqueezeNet 1.1 is missing; fetch the file again")
        tensor = tensors[theirs]
        if tensor.shape != own[ours].shape:
            wanted = tuple(own[ours].shape)
            raise FeatureError(f"{theirs} has the shape {tuple(tensor.shape)}, SqueezeNet 1.1 has {wanted}")
        found[ours] = tensor.float()
    net.load_state_dict(found, strict=net.has_classifier)
    return net
