"""SqueezeNet 1.1: torchvision's layout exactly, and with the real weights the known classes and activations."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file

from studio.nn import squeezenet
from studio.nn.featurenet import FeatureError
from studio.nn.features import load_features

TOLERANCE = 1e-5
"""Largest difference of an activation, relative to the layer's largest one (float32, another order of summation)."""

FILE = "weights/squeezenet1_1_caffe_fp16.safetensors"


def _tensors() -> dict[str, torch.Tensor]:
    net = squeezenet.SqueezeNet()
    own = net.state_dict()
    draw = torch.Generator().manual_seed(0)
    names = net.torchvision_names()
    return {theirs: torch.randn(own[ours].shape, generator=draw) * 0.05 for theirs, ours in names.items()}


def _reference(weights: dict[str, torch.Tensor], x: torch.Tensor) -> dict[str, torch.Tensor]:
    """A second, plain forward pass by the names in the file; ``x`` is normalised."""
    found = {}

    def conv(x: torch.Tensor, key: str, **options: int) -> torch.Tensor:
        return torch.relu(F.conv2d(x, weights[f"{key}.weight"], weights[f"{key}.bias"], **options))  # type: ignore[arg-type]

    x = found["conv1"] = conv(x, "features.0", stride=2)
    for name, number in zip((f"fire{n}" for n in range(2, 10)), (3, 4, 6, 7, 9, 10, 11, 12), strict=True):
        if number in (3, 6, 9):
            x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        key = f"features.{number}"
        x = conv(x, f"{key}.squeeze")
        x = found[name] = torch.cat([conv(x, f"{key}.expand1x1"), conv(x, f"{key}.expand3x3", padding=1)], 1)
    found["logits"] = conv(x, "classifier.1").mean((2, 3))
    return found


def _compare(net: squeezenet.SqueezeNet, weights: dict[str, torch.Tensor], x: torch.Tensor) -> None:
    with torch.no_grad():
        wanted = _reference(weights, net.normalise(x))
        got = {**net.forward_to(x, net.layers), "logits": net.logits(x)}
    assert set(got) == set(wanted)
    for layer, value in wanted.items():
        assert (got[layer] - value).abs().max() <= TOLERANCE * value.abs().max(), layer


def test_layout_and_arithmetic_with_random_weights(tmp_path: Path) -> None:
    weights = _tensors()
    assert len(weights) == 52 and weights["features.12.expand3x3.weight"].shape == (256, 64, 3, 3)
    save_file(weights, tmp_path / "net.safetensors")
    net = load_features(tmp_path / "net.safetensors")
    assert isinstance(net, squeezenet.SqueezeNet)
    _compare(net, weights, torch.rand(2, 3, 97, 71, generator=torch.Generator().manual_seed(1)))
    assert [net.stride(layer) for layer in ("conv1", "fire3", "fire5", "fire9")] == [2, 4, 8, 16]
    assert net.channels("fire7") == 384 and net.resolve("features.12") == "fire9"


def test_without_classifier_only_features() -> None:
    weights = {name: tensor for name, tensor in _tensors().items() if not name.startswith("classifier")}
    net = squeezenet.from_torchvision(weights)
    assert net(torch.rand(1, 3, 64, 64)).shape == (1, 512, 3, 3)
    with pytest.raises(FeatureError, match="no classifier"):
        net.logits(torch.rand(1, 3, 64, 64))


def test_missing_or_misshapen_tensors_are_named() -> None:
    weights = _tensors()
    del weights["features.9.squeeze.bias"]
    with pytest.raises(FeatureError, match=re.escape("features.9.squeeze.bias")):
        squeezenet.from_torchvision(weights)
    weights = _tensors() | {"features.0.weight": torch.zeros(64, 3, 7, 7)}
    with pytest.raises(FeatureError, match=r"\(64, 3, 7, 7\)"):
        squeezenet.from_torchvision(weights)


def _picture(path: Path) -> torch.Tensor:
    with Image.open(path) as opened:
        square = opened.convert("RGB").crop((16, 16, 240, 240))
    return torch.from_numpy(np.asarray(square, np.float32) / 255).permute(2, 0, 1)[None]


def test_real_weights_give_the_reference_activations(data_folder: Path) -> None:
    net = load_features(data_folder / FILE)
    assert isinstance(net, squeezenet.SqueezeNet)
    weights = {name: tensor.float() for name, tensor in load_file(data_folder / FILE).items()}
    photos = sorted((data_folder / "photos").glob("*.jpg"))[:2]
    _compare(net, weights, torch.cat([_picture(path) for path in photos]))


def test_real_weights_know_what_is_in_photos(data_folder: Path) -> None:
    """64 % of 500 photographs are right at the first guess; a sample of 60 must come near."""
    net = load_features(data_folder / FILE)
    assert isinstance(net, squeezenet.SqueezeNet)
    names = (data_folder / "weights/imagenet_synset_words.txt").read_text(encoding="utf-8").splitlines()
    synsets = [line.split()[0] for line in names]
    photos = [path for path in sorted((data_folder / "photos").glob("n*.jpg")) if path.name.split("_")[0] in synsets]
    flamingo = next(path for path in photos if path.stem.endswith("flamingo"))
    with torch.inference_mode():
        chances = net.logits(_picture(flamingo)).softmax(1)[0]
        assert "flamingo" in names[int(chances.argmax())] and chances.max() > 0.85
        sample = photos[:: max(1, len(photos) // 60)][:60]
        guesses = net.logits(torch.cat([_picture(path) for path in sample])).argmax(1)
    right = sum(synsets[int(guess)] == path.name.split("_")[0] for guess, path in zip(guesses, sample, strict=True))
    assert right >= 0.5 * len(sample)
