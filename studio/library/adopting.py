"""Making a model of ours of an imported checkpoint, where a generator of the studio plays it: the tensors are compared
with the network, converted, described (the cloud of a generator's places), and saved with their configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from studio.library.layouts import Layout
from studio.nn.weights import WeightsError, check_against, read_tensors, save_model

STYLEGANS = {
    "stylegan2": Layout("StyleGAN2", "gan"), "stylegan3": Layout("StyleGAN3", "gan"),
}


def adopt_stylegan(path: Path, network: Mapping[str, Any]) -> tuple[Layout, list[str]]:
    """Turn the tensors in ``path`` into a model of the configuration ``network``; returns its layout and notes.

    Raises WeightsError, completing 'is refused: …', when they do not fit together.
    """
    from studio.nn.foreign_gan import filled

    layout = STYLEGANS.get(str(network.get("network")))
    if layout is None:
        raise WeightsError(f"its network is a {str(network.get('network'))[:30]!r}, which is not known here")
    found = {
        name.replace("synthesis.", "pictures.", 1) if name.startswith("synthesis.") else name: tensor
        for name, tensor in read_tensors(path).items()
    }
    net = filled(network, found, where="its network")
    save_model(path, net.state_dict(), layout.architecture, dict(network))
    notes = [f"{layout.name}: {network['size']} pixels a side, {net.layers} places for w"]
    if network.get("labels"):
        notes.append(f"it was trained with {network['labels']} classes; 'class' chooses among them")
    return layout, notes


def adopt(path: Path, layout: Layout, name: str) -> list[str]:
    """Turn the tensors in ``path`` into a model of ours; returns notes. Raises WeightsError."""
    ways: dict[str, Callable[[Path, str], list[str]]] = {"dcgan": _dcgan, "fast_style": _fast_style}
    return ways[layout.adopt](path, name)


def _dcgan(path: Path, name: str) -> list[str]:
    from studio.nn.foreign_gan import DcganShape, filled, fold_dcgan
    from studio.nn.foreign_names import dcgan_widths

    tensors = read_tensors(path)
    widths = dcgan_widths({key: tuple(value.shape) for key, value in tensors.items()})
    if widths is None:
        raise WeightsError("its layers do not fit together")
    config = DcganShape(widths).to_dict()
    net = filled(config, fold_dcgan(tensors, widths), where="its network")
    save_model(path, net.state_dict(), "gan", config)
    return [f"DCGAN: {DcganShape(widths).size} pixels a side, z of {widths[0]} numbers"]


def _fast_style(path: Path, name: str) -> list[str]:
    from studio.nn import fast_style

    tensors = read_tensors(path)
    kept = fast_style.without_statistics(tensors)
    check_against(fast_style.expected(), {key: tuple(value.shape) for key, value in kept.items()}, where="its network")
    save_model(path, kept, "style_net", {"kind": fast_style.KIND, "styles": [name]})
    dropped = len(tensors) - len(kept)
    return [f"{dropped} running statistics of an old PyTorch, which were never used, were left out"] if dropped else []
