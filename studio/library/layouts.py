"""Known layouts of foreign checkpoints, recognised by the names and shapes of their tensors alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from studio.nn.foreign_names import Shapes, dcgan_widths, family


@dataclass(frozen=True)
class Layout:
    """A known network: its name for people, which of our architectures reads it, and how it is recognised: a few
    telling tensors, or a function of all names and shapes.

    ``refused`` is a sentence where the layout is known but not what is wanted; ``adopt`` names the function of
    ``studio.library.adopting`` that makes our model of it (none: the tensors are kept as they are).
    """

    name: str
    architecture: str
    telling: Shapes = field(default_factory=dict)
    matches: Callable[[Shapes], bool] | None = None
    adopt: str = ""
    refused: str = ""

    def fits(self, shapes: Shapes) -> bool:
        """Whether a checkpoint with these tensors is of this layout."""
        if self.matches is not None:
            return self.matches(shapes)
        return all(shapes.get(name) == shape for name, shape in self.telling.items())


def _is_mobilenet(name: str) -> Callable[[Shapes], bool]:
    def matches(shapes: Shapes) -> bool:
        found = family(shapes)
        return found is not None and found.name == name
    return matches


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
    *(
        Layout(f"{name} (torchvision)", "features", matches=_is_mobilenet(name))
        for name in ("MobileNet V2", "MobileNet V3 large", "MobileNet V3 small")
    ),
    Layout("Fast style (PyTorch's example)", "style_net", {
        "conv1.conv2d.weight": (32, 3, 9, 9), "res5.conv2.conv2d.weight": (128, 128, 3, 3),
        "deconv3.conv2d.weight": (3, 32, 9, 9),
    }, adopt="fast_style"),
    Layout("MicroAST", "style_net", {
        "style_encoder.enc1.0.conv_layer.weight": (16, 3, 9, 9), "modulator.weight1.0.conv_layer.weight": (64, 1, 3, 3),
        "decoder.dec3.10.conv_layer.weight": (3, 16, 9, 9),
    }, adopt="microast"),
    Layout("DCGAN (PyTorch's example)", "gan", matches=lambda shapes: dcgan_widths(shapes) is not None, adopt="dcgan"),
    Layout("DCGAN's discriminator", "", {
        "main.0.weight": (64, 3, 4, 4), "main.2.weight": (128, 64, 4, 4), "main.11.weight": (1, 512, 4, 4),
    }, refused="it is the discriminator of a DCGAN, which only judges pictures; import the generator (netG…) instead"),
)
"""The first that fits counts."""


def detect(shapes: Shapes) -> Layout | None:
    """The known layout of these tensors, or None. Tensors beyond the telling ones do not matter here: the network's
    own loader compares them all."""
    return next((layout for layout in LAYOUTS if layout.fits(shapes)), None)


def strip_prefix(names: list[str]) -> str:
    """The prefix that wrapping a network gives every name (``module.``, ``model.``), or ''."""
    for prefix in ("module.", "_orig_mod.", "model.", "net.", "generator.", "netG."):
        if names and all(name.startswith(prefix) for name in names):
            return prefix
    return ""
