"""GoogLeNet (Inception v1; Szegedy et al. 2015), the network of the first DeepDream, its layers by their usual names.

Three layouts: BVLC's Caffe model (local response normalisation, 5x5 in the third branch), torchvision's (batch
normalisation, folded into the convolutions on loading; 3x3 in the third branch) and our own, which ends at any module.
Tensors keep torchvision's names: ``conv1.conv.weight``, ``inception4c.branch2.1.conv.bias``, ``fc.weight``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from studio.nn.featurenet import FeatureError, FeatureNet, Stage

LAYERS = ("conv1", "conv2", "3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
"""``conv2`` is Caffe's conv2/3x3 and torchvision's conv3; what lies between it and conv1 is a 1x1 reduction."""

WIDTHS: dict[str, tuple[int, int, int, int, int, int]] = {
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128),
}
"""Channels per module: 1x1, 3x3 reduction, 3x3, 5x5 reduction, 5x5, pool projection."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def response_norm(x: torch.Tensor, size: int = 5, alpha: float = 1e-4) -> torch.Tensor:
    """Local response normalisation across channels, x / (1 + alpha/size * sum of squares of neighbours) ** 0.75.

    The sum is a 1x1 convolution with a band matrix and the power two reciprocal square roots: several times quicker
    than torch's own, which goes through a three-dimensional pooling. ``x`` is ``(N, C, H, W)``.
    """
    channels = x.shape[1]
    band = torch.ones(channels, channels, dtype=x.dtype, device=x.device).triu(-(size // 2)).tril(size // 2)
    scale = torch.addcmul(torch.ones((), dtype=x.dtype, device=x.device),
                          F.conv2d(x * x, band.view(channels, channels, 1, 1)),
                          torch.tensor(alpha / size, dtype=x.dtype, device=x.device))
    root = torch.rsqrt(scale)
    return x * (root * torch.sqrt(root))


def _pool(x: torch.Tensor, kernel: int = 3) -> torch.Tensor:
    return F.max_pool2d(x, kernel, 2, ceil_mode=True)


class First(Stage):
    """conv1: 7x7, stride 2."""

    stride = 2

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.width = width
        self.conv = nn.Conv2d(3, width, 7, 2, 3)

    def convolve(self, x: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.conv(x))

    def entry_convs(self) -> list[nn.Conv2d]:
        return [self.conv]

    def exit_convs(self) -> list[nn.Conv2d]:
        return [self.conv]


class Second(Stage):
    """Pool, normalise, 1x1 reduction, 3x3: ends at conv2."""

    stride = 2

    def __init__(self, inputs: int = 64, reduced: int = 64, width: int = 192, lrn: bool = True) -> None:
        super().__init__()
        self.width, self.lrn = width, lrn
        self.reduce = nn.Conv2d(inputs, reduced, 1)
        self.conv = nn.Conv2d(reduced, width, 3, 1, 1)

    def prepare(self, x: torch.Tensor) -> torch.Tensor:
        x = _pool(x)
        return response_norm(x) if self.lrn else x

    def convolve(self, x: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.conv(torch.relu(self.reduce(x))))

    def entry_convs(self) -> list[nn.Conv2d]:
        return [self.reduce]

    def exit_convs(self) -> list[nn.Conv2d]:
        return [self.conv]


class Inception(Stage):
    """Four branches side by side; ``pool`` is the kernel of a halving max pool before them (0: none)."""

    def __init__(
        self, inputs: int, widths: tuple[int, int, int, int, int, int], pool: int = 0, lrn: bool = False,
        kernel: int = 5,
    ) -> None:
        super().__init__()
        one, reduce3, three, reduce5, five, projected = widths
        self.pool, self.lrn, self.stride = pool, lrn, 2 if pool else 1
        self.width = one + three + five + projected
        self.one = nn.Conv2d(inputs, one, 1)
        self.reduce3, self.three = nn.Conv2d(inputs, reduce3, 1), nn.Conv2d(reduce3, three, 3, 1, 1)
        self.reduce5, self.five = nn.Conv2d(inputs, reduce5, 1), nn.Conv2d(reduce5, five, kernel, 1, kernel // 2)
        self.project = nn.Conv2d(inputs, projected, 1)

    def prepare(self, x: torch.Tensor) -> torch.Tensor:
        if self.lrn:
            x = response_norm(x)
        return _pool(x, self.pool) if self.pool else x

    def convolve(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([
            self.one(x), self.three(torch.relu(self.reduce3(x))), self.five(torch.relu(self.reduce5(x))),
            self.project(F.max_pool2d(x, 3, 1, 1)),
        ], 1)

    def entry_convs(self) -> list[nn.Conv2d]:
        return [self.one, self.reduce3, self.reduce5, self.project]

    def exit_convs(self) -> list[nn.Conv2d]:
        return [self.one, self.three, self.five, self.project]


class GoogLeNet(FeatureNet):
    """The network up to ``last``; with ``classes`` > 0 (and last = 5b) also its classifier."""

    kind: ClassVar[str] = "googlenet"

    def __init__(
        self, last: str = "5b", *, lrn: bool = True, kernel: int = 5, pool5: int = 3, classes: int = 0,
        mean: tuple[float, ...] = IMAGENET_MEAN, std: tuple[float, ...] = IMAGENET_STD,
    ) -> None:
        if last not in LAYERS:
            raise FeatureError(f"GoogLeNet has no layer {last!r}; it has {', '.join(LAYERS)}")
        stages: dict[str, Stage] = {"conv1": First(), "conv2": Second(lrn=lrn)}
        width = 192
        for name in LAYERS[2:]:
            pool = {"3a": 3, "4a": 3, "5a": pool5}.get(name, 0)
            stages[name] = module = Inception(width, WIDTHS[name], pool, lrn and name == "3a", kernel)
            width = module.width
        kept = LAYERS[: LAYERS.index(last) + 1]
        aliases = {"conv3": "conv2", "conv2/3x3": "conv2", "conv1/7x7_s2": "conv1"}
        for name in kept[2:]:
            aliases |= {f"{prefix}{name}": name for prefix in ("inception", "inception_", "mixed", "mixed_")}
            aliases[f"inception_{name}/output"] = name
        super().__init__({name: stages[name] for name in kept}, mean, std, aliases)
        self.config: dict[str, Any] = {
            "kind": self.kind, "last": last, "lrn": lrn, "kernel": kernel, "pool5": pool5, "classes": classes,
            "mean": list(mean), "std": list(std),
        }
        self.fc = nn.Linear(width, classes) if classes and last == "5b" else None

    def architecture(self) -> dict[str, Any]:
        return dict(self.config)

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Class scores ``(N, classes)`` for pictures in 0..1 (224 pixels a side is what it was trained on)."""
        if self.fc is None:
            raise FeatureError("this GoogLeNet has no classifier; load the full network")
        return torch.as_tensor(self.fc(self(x).mean((2, 3))))

    def tensors(self) -> dict[str, torch.Tensor]:
        """Weights by their names in files."""
        return self._by_file_name()

    def take(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Fill in weights by their names in files. Raises FeatureError when one is missing or of another shape."""
        with torch.no_grad():
            for key, own in self._by_file_name().items():
                if key not in tensors or tensors[key].shape != own.shape:
                    got = tuple(tensors[key].shape) if key in tensors else "nothing"
                    raise FeatureError(f"not a GoogLeNet of this kind: {key} should be {tuple(own.shape)}, found {got}")
                own.copy_(tensors[key])

    def _by_file_name(self) -> dict[str, torch.Tensor]:
        names: dict[str, nn.Module] = {}
        for layer in self.layers:
            stage = self.stage(layer)
            if isinstance(stage, First):
                names["conv1.conv"] = stage.conv
            elif isinstance(stage, Second):
                names |= {"conv2.conv": stage.reduce, "conv3.conv": stage.conv}
            elif isinstance(stage, Inception):
                names |= {
                    f"inception{layer}.{key}.conv": conv for key, conv in (
                        ("branch1", stage.one), ("branch2.0", stage.reduce3), ("branch2.1", stage.three),
                        ("branch3.0", stage.reduce5), ("branch3.1", stage.five), ("branch4.1", stage.project))
                }
        if self.fc is not None:
            names["fc"] = self.fc
        parts = ("weight", "bias")
        return {f"{name}.{part}": getattr(module, part) for name, module in names.items() for part in parts}


def from_config(config: Mapping[str, Any]) -> GoogLeNet:
    """An untrained network of the architecture that ``architecture`` gave."""
    return GoogLeNet(
        str(config["last"]), lrn=bool(config["lrn"]), kernel=int(config["kernel"]), pool5=int(config["pool5"]),
        classes=int(config.get("classes", 0)), mean=tuple(config["mean"]), std=tuple(config["std"]),
    )


def from_caffe(tensors: Mapping[str, torch.Tensor]) -> GoogLeNet:
    """The BVLC network. Wants RGB with torchvision's mean and std, as its first filters were converted to."""
    net = GoogLeNet(classes=_classes(tensors))
    net.take(tensors)
    return net


def from_torchvision(tensors: Mapping[str, torch.Tensor]) -> GoogLeNet:
    """torchvision's ``googlenet`` (its pretrained weights want -1..1); auxiliary classifiers are left out."""
    net = GoogLeNet(lrn=False, kernel=3, pool5=2, classes=_classes(tensors), mean=(0.5,) * 3, std=(0.5,) * 3)
    net.take(fold_batch_norm(tensors))
    return net


def _classes(tensors: Mapping[str, torch.Tensor]) -> int:
    return int(tensors["fc.weight"].shape[0]) if "fc.weight" in tensors else 0


def fold_batch_norm(tensors: Mapping[str, torch.Tensor], eps: float = 1e-3) -> dict[str, torch.Tensor]:
    """``X.conv.weight`` and ``X.bn.*`` to ``X.conv.weight`` and ``X.conv.bias`` (torchvision's eps is 0.001)."""
    folded = {key: value.float() for key, value in tensors.items() if ".bn." not in key}
    for key in [key for key in tensors if key.endswith(".bn.weight")]:
        stem = key.removesuffix(".bn.weight")
        try:
            bias, mean, var = (tensors[f"{stem}.bn.{part}"].float() for part in ("bias", "running_mean", "running_var"))
            weight = folded[f"{stem}.conv.weight"]
        except KeyError as error:
            raise FeatureError(f"not torchvision's GoogLeNet: {error.args[0]} is missing") from None
        gain = tensors[key].float() / torch.sqrt(var + eps)
        folded[f"{stem}.conv.weight"] = weight * gain.view(-1, 1, 1, 1)
        folded[f"{stem}.conv.bias"] = bias - mean * gain
    return folded
