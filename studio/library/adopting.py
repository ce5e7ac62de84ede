"""Making a model of ours of an imported checkpoint, where a generator of the studio plays it: the tensors are compared
with the network, converted, described (the cloud of a generator's places), and saved with their configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.library.layouts import Layout
from studio.nn.weights import WeightsError, check_against, read_tensors, save_model

STYLEGANS = {
    "stylegan2": Layout("StyleGAN2", "gan"), "stylegan3": Layout("StyleGAN3", "gan"),
}


@dataclass(frozen=True)
class Adopted:
    """What a checkpoint became: a line about it, and notes on what was left out."""

    layout: Layout
    about: str
    notes: list[str] = field(default_factory=list)


def adopt_stylegan(path: Path, network: Mapping[str, Any], classes: Sequence[str] = ()) -> Adopted:
    """Turn the tensors in ``path`` into a model of the configuration ``network``, its labels named by ``classes``.

    Raises WeightsError, completing 'is refused: …', when they do not fit together.
    """
    from studio.nn.foreign_gan import filled

    layout = STYLEGANS.get(str(network.get("network")))
    if layout is None:
        raise WeightsError(f"its network is a {str(network.get('network'))[:30]!r}, which is not known here")
    labels = network.get("labels", 0)
    if classes and len(classes) != labels:
        raise WeightsError(f"it was trained with {labels} classes, and {len(classes)} names were given for them")
    config = {**network, "classes": list(classes)} if classes else dict(network)
    found = {
        name.replace("synthesis.", "pictures.", 1) if name.startswith("synthesis.") else name: tensor
        for name, tensor in read_tensors(path).items()
    }
    net = filled(config, found, where="its network")
    save_model(path, net.state_dict(), layout.architecture, config)
    about = f"{layout.name}, {network['size']} pixels a side, {net.layers} layers"
    return Adopted(layout, about + (f", {labels} classes" if labels else ""))


def adopt(path: Path, layout: Layout, name: str) -> Adopted:
    """Turn the tensors in ``path`` into a model of ours. Raises WeightsError, completing 'is refused: …'."""
    ways: dict[str, Callable[[Path, Layout, str], Adopted]] = {
        "dcgan": _dcgan, "fast_style": _fast_style, "microast": _microast,
    }
    return ways[layout.adopt](path, layout, name)


def _dcgan(path: Path, layout: Layout, name: str) -> Adopted:
    from studio.nn.foreign_gan import DcganShape, filled, fold_dcgan
    from studio.nn.foreign_names import dcgan_widths

    tensors = read_tensors(path)
    widths = dcgan_widths({key: tuple(value.shape) for key, value in tensors.items()})
    if widths is None:
        raise WeightsError("its layers do not fit together")
    config = DcganShape(widths).to_dict()
    net = filled(config, fold_dcgan(tensors, widths), where="its network")
    save_model(path, net.state_dict(), layout.architecture, config)
    return Adopted(layout, f"{layout.name}, {DcganShape(widths).size} pixels a side")


def _fast_style(path: Path, layout: Layout, name: str) -> Adopted:
    from studio.nn import fast_style

    tensors = read_tensors(path)
    kept = fast_style.without_statistics(tensors)
    check_against(fast_style.expected(), {key: tuple(value.shape) for key, value in kept.items()}, where="its network")
    save_model(path, kept, layout.architecture, {"kind": fast_style.KIND, "styles": [name]})
    dropped = len(tensors) - len(kept)
    old = f"{dropped} running statistics of an old PyTorch, which were never used, were left out"
    return Adopted(layout, f"{layout.name}: the style {name}", [old] if dropped else [])


def _microast(path: Path, layout: Layout, name: str) -> Adopted:
    from studio.nn import microast

    tensors = read_tensors(path)
    check_against(microast.expected(), {key: tuple(value.shape) for key, value in tensors.items()}, where="its network")
    save_model(path, tensors, layout.architecture, {"kind": microast.KIND, "styles": []})
    return Adopted(layout, f"{layout.name}, which takes any picture as a style")
