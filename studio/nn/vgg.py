"""VGG networks (Simonyan and Zisserman 2015) for style and dreams: layers relu1_1 ... relu5_4, average or max pooling.

Layouts: torchvision's VGG-16 and VGG-19 (``features.N.weight``, zero padding), the encoders of Collaborative
Distillation (Wang et al. 2020; ``e5.conv11.weight``, reflection padding, 16 times smaller) and our own small ones
(``conv1_1.weight``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import nn

from studio.nn.featurenet import FeatureError, FeatureNet, Stage
from studio.nn.googlenet import IMAGENET_MEAN, IMAGENET_STD

Pooling = Literal["max", "avg"]
Padding = Literal["zeros", "reflect"]

VGG16 = ("1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "4_1", "4_2", "4_3", "5_1", "5_2", "5_3")
VGG19 = (*VGG16[:7], "3_4", "4_1", "4_2", "4_3", "4_4", "5_1", "5_2", "5_3", "5_4")
POOLINGS: tuple[Pooling, ...] = ("max", "avg")


class Conv(Stage):
    """One 3x3 convolution, after a halving pool where a new block begins."""

    def __init__(self, inputs: int, width: int, pool: bool, padding: Padding, pooling: Pooling) -> None:
        super().__init__()
        self.width, self.pool, self.padding, self.pooling = width, pool, padding, pooling
        self.stride = 2 if pool else 1
        self.conv = nn.Conv2d(inputs, width, 3, 1, 0 if padding == "reflect" else 1)

    def prepare(self, x: torch.Tensor) -> torch.Tensor:
        if not self.pool:
            return x
        return F.max_pool2d(x, 2) if self.pooling == "max" else F.avg_pool2d(x, 2)

    def convolve(self, x: torch.Tensor) -> torch.Tensor:
        if self.padding == "reflect":
            # a side of one pixel cannot be reflected
            x = F.pad(x, (1, 1, 1, 1), mode="reflect" if min(x.shape[2:]) > 1 else "replicate")
        return torch.as_tensor(self.conv(x))

    def entry_convs(self) -> list[nn.Conv2d]:
        return [self.conv]

    def exit_convs(self) -> list[nn.Conv2d]:
        return [self.conv]


class VGG(FeatureNet):
    """Convolutions ``names`` (``"3_1"`` is the first of the third block) with ``widths`` output channels."""

    kind: ClassVar[str] = "vgg"

    def __init__(
        self, names: Sequence[str], widths: Sequence[int], *, padding: Padding = "zeros", pooling: Pooling = "max",
        mean: Sequence[float] = IMAGENET_MEAN, std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        if pooling not in POOLINGS:
            raise FeatureError(f"pooling {pooling!r} is not known; use max or avg")
        if len(names) != len(widths) or not names:
            raise FeatureError("a VGG needs one width for each of its convolutions")
        stages: dict[str, Stage] = {}
        inputs, block = 3, "1"
        for name, width in zip(names, widths, strict=True):
            stages[f"relu{name}"] = Conv(inputs, width, name[0] != block, padding, pooling)
            inputs, block = width, name[0]
        aliases = {f"conv{name}": f"relu{name}" for name in names} | {name: f"relu{name}" for name in names}
        super().__init__(stages, mean, std, aliases)
        self.config: dict[str, Any] = {
            "kind": self.kind, "names": list(names), "widths": list(widths), "padding": padding,
            "mean": list(mean), "std": list(std),
        }

    def architecture(self) -> dict[str, Any]:
        return dict(self.config)

    def _convs(self) -> dict[str, nn.Conv2d]:
        return {layer.replace("relu", "conv"): self.stage(layer).entry_convs()[0] for layer in self.layers}

    def tensors(self) -> dict[str, torch.Tensor]:
        """Weights by their names in our files."""
        return {f"{name}.{part}": getattr(c, part) for name, c in self._convs().items() for part in ("weight", "bias")}

    def take(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Fill in weights by their names in our files. Raises FeatureError when one is missing or of another shape."""
        with torch.no_grad():
            for key, own in self.tensors().items():
                if key not in tensors or tensors[key].shape != own.shape:
                    got = tuple(tensors[key].shape) if key in tensors else "nothing"
                    raise FeatureError(f"not a VGG of this layout: {key} should be {tuple(own.shape)}, found {got}")
                own.copy_(tensors[key])


def from_config(config: Mapping[str, Any], pooling: Pooling = "max") -> VGG:
    """An untrained network of the architecture that ``architecture`` gave."""
    padding: Padding = "reflect" if config["padding"] == "reflect" else "zeros"
    return VGG(list(config["names"]), [int(w) for w in config["widths"]], padding=padding, pooling=pooling,
               mean=list(config["mean"]), std=list(config["std"]))


def from_torchvision(tensors: Mapping[str, torch.Tensor], pooling: Pooling = "max") -> VGG:
    """torchvision's ``vgg16`` or ``vgg19``, without batch normalisation; one cut off after any convolution will do."""
    numbers = sorted(int(m[1]) for key in tensors if (m := re.fullmatch(r"features\.(\d+)\.weight", key)))
    names = next((full[: len(numbers)] for full in (VGG16, VGG19) if numbers == _numbers(full)[: len(numbers)]), None)
    if not numbers or names is None:
        raise FeatureError("not torchvision's VGG-16 or VGG-19: its convolutions have other numbers (batch norm?)")
    found = {
        f"conv{name}.{part}": tensors[f"features.{number}.{part}"].float()
        for name, number in zip(names, numbers, strict=True) for part in ("weight", "bias")
    }
    net = VGG(names, [found[f"conv{name}.weight"].shape[0] for name in names], pooling=pooling)
    net.take(found)
    return net


def _numbers(names: Sequence[str]) -> list[int]:
    """Positions of the convolutions in torchvision's ``features``: each is followed by a ReLU, each block by a pool."""
    return [2 * index + int(name[0]) - 1 for index, name in enumerate(names)]


def from_distilled(tensors: Mapping[str, torch.Tensor], level: int = 5, pooling: Pooling = "max") -> VGG:
    """Encoder ``e<level>`` of the 16x distilled VGG-19; its 1x1 colour map is folded into the first convolution."""
    prefix = f"e{level}." if any(key.startswith(f"e{level}.") for key in tensors) else ""
    names = [name for name in VGG19 if f"{prefix}conv{name.replace('_', '')}.weight" in tensors]
    if not names or f"{prefix}conv0.weight" not in tensors:
        raise FeatureError(f"not a distilled VGG encoder: {prefix}conv0 or {prefix}conv11 is missing")
    found = {
        f"conv{name}.{part}": tensors[f"{prefix}conv{name.replace('_', '')}.{part}"].float()
        for name in names for part in ("weight", "bias")
    }
    colour, shift = (tensors[f"{prefix}conv0.{part}"].float() for part in ("weight", "bias"))
    first = found["conv1_1.weight"]
    found["conv1_1.bias"] = found["conv1_1.bias"] + torch.einsum("ochw,c->o", first, shift)
    found["conv1_1.weight"] = torch.einsum("ochw,ci->oihw", first, colour[:, :, 0, 0])
    net = VGG(names, [found[f"conv{name}.weight"].shape[0] for name in names], padding="reflect", pooling=pooling,
              mean=(0.0,) * 3, std=(1.0,) * 3)
    net.take(found)
    return net
