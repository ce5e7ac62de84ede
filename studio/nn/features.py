"""One door to all feature networks: ``load_features(path)`` knows every layout by its tensors' names."""

from __future__ import annotations

from pathlib import Path

import torch

from studio.nn import googlenet, vgg
from studio.nn.featurenet import FeatureError, FeatureNet
from studio.nn.weights import load_model, read_header, read_tensors

__all__ = ["ARCHITECTURE", "FeatureError", "FeatureNet", "load_features"]

ARCHITECTURE = "features"
"""Architecture name of our own feature networks in model files."""


def load_features(path: Path, *, pooling: vgg.Pooling = "max", device: str = "cpu") -> FeatureNet:
    """The feature network in a safetensors file, frozen: one of ours, or GoogLeNet (Caffe's or torchvision's layout),
    VGG-16 or -19 (torchvision's or distilled), SqueezeNet 1.1, MobileNet V2 or V3. ``pooling`` (max, avg) is heeded by
    VGG networks.

    Raises FeatureError or WeightsError with a sentence when the file is something else.
    """
    header = read_header(path)
    try:
        net = _own(path, pooling) if "reverie" in header.metadata else _foreign(read_tensors(path, header), pooling)
    except FeatureError as error:
        raise FeatureError(f"{path}: {error}") from None
    return net.frozen().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _own(path: Path, pooling: vgg.Pooling) -> FeatureNet:
    model = load_model(path, ARCHITECTURE)
    try:
        kind = model.config.get("kind")
        net: vgg.VGG | googlenet.GoogLeNet
        if kind == "googlenet":
            net = googlenet.from_config(model.config)
        elif kind == "vgg":
            net = vgg.from_config(model.config, pooling)
        else:
            raise FeatureError(f"a feature network of the kind {kind!r} is not known; a newer version may read it")
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, FeatureError):
            raise
        raise FeatureError(f"its configuration cannot be read ({error}); train it again") from None
    net.take(model.tensors)
    return net


def _foreign(tensors: dict[str, torch.Tensor], pooling: vgg.Pooling) -> FeatureNet:
    if "inception3a.branch1.conv.weight" in tensors:
        if "inception3a.branch1.bn.weight" in tensors:
            return googlenet.from_torchvision(tensors)
        return googlenet.from_caffe(tensors)
    if "features.3.squeeze.weight" in tensors:
        from studio.nn import squeezenet

        return squeezenet.from_torchvision(tensors)
    if "features.0.0.weight" in tensors:
        from studio.nn import mobilenet

        return mobilenet.from_torchvision(tensors)
    if "features.0.weight" in tensors:
        return vgg.from_torchvision(tensors, pooling)
    if "e5.conv0.weight" in tensors or "conv0.weight" in tensors:
        return vgg.from_distilled(tensors, pooling=pooling)
    raise FeatureError("its tensors are of no feature network known here (GoogLeNet, VGG, SqueezeNet 1.1, MobileNet)")
