"""Known layouts of foreign checkpoints, recognised by the names and shapes of their tensors alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Layout:
    """A known network: its name for people, which of our architectures reads it, and a few telling tensors."""

    name: str
    architecture: str
    telling: Mapping[str, tuple[int, ...]]


LAYOUTS: tuple[Layout, ...] = (
    Layout("GoogLeNet (torchvision)", "features", {
        "conv1.conv.weight": (64, 3, 7, 7), "conv1.bn.weight": (64,), "inception3a.branch1.bn.weight": (64,),
        "inception4e.branch3.1.conv.weight": (128, 32, 3, 3),
    }),
    Layout("GoogLeNet (Caffe)", "features", {
        "conv1.conv.weight": (64, 3, 7, 7), "conv1.conv.bias": (64,),
        "inception4e.branch3.1.conv.weight": (128, 32, 5, 5),
    }),
    Layout("SqueezeNet 1.1 (torchvision)", "features", {
        "features.0.weight": (64, 3, 3, 3), "features.3.squeeze.weight": (16, 64, 1, 1),
        "features.12.expand3x3.weight": (256, 64, 3, 3),
    }),
    Layout("VGG-19 (torchvision)", "features", {
        "features.0.weight": (64, 3, 3, 3), "features.16.weight": (256, 256, 3, 3),
        "features.34.weight": (512, 512, 3, 3),
    }),
    Layout("VGG-16 (torchvision)", "features", {
        "features.0.weight": (64, 3, 3, 3), "features.17.weight": (512, 256, 3, 3),
        "features.28.weight": (512, 512, 3, 3),
    }),
    Layout("VGG-19, distilled 16 times", "features", {
        "e5.conv0.weight": (3, 3, 1, 1), "e5.conv51.weight": (128, 128, 3, 3),
    }),
)
"""The first that fits counts."""


def detect(shapes: Shapes) -> Layout | None:
    """The known layout with these tensors, or None. Tensors beyond the telling ones do not matter here: the network's
    own loader compares them all."""
    for layout in LAYOUTS:
        if all(shapes.get(name) == shape for name, shape in layout.telling.items()):
            return layout
    return None


def strip_prefix(names: list[str]) -> str:
    """The prefix that wrapping a network gives every name (``module.``, ``model.``), or ''."""
    for prefix in ("module.", "_orig_mod.", "model.", "net.", "generator.", "netG."):
        if names and all(name.startswith(prefix) for name in names):
            return prefix
    return ""
