"""VGG: the distilled encoder's real weights where they are, torchvision's layout with random ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file

from studio.nn.featurenet import FeatureError
from studio.nn.features import load_features
from studio.nn.vgg import VGG, VGG16, VGG19, from_torchvision

PLAN16 = (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M")
PLAN19 = (64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M", 512, 512, 512, 512, "M", 512, 512, 512, 512, "M")


def torchvision_like(plan, divisor: int = 16) -> torch.nn.Sequential:
    """``features`` exactly as torchvision builds it, with fewer channels."""
    torch.manual_seed(0)
    layers: list[torch.nn.Module] = []
    inputs = 3
    for item in plan:
        if item == "M":
            layers.append(torch.nn.MaxPool2d(2, 2))
        else:
            layers += [torch.nn.Conv2d(inputs, item // divisor, 3, padding=1), torch.nn.ReLU()]
            inputs = item // divisor
    return torch.nn.Sequential(*layers)


@pytest.mark.parametrize(("plan", "names"), [(PLAN16, VGG16), (PLAN19, VGG19)])
def test_torchvision_layout(tmp_path: Path, plan, names) -> None:
    plain = torchvision_like(plan)
    save_file({f"features.{key}": value for key, value in plain.state_dict().items()}, tmp_path / "vgg.safetensors")
    net = load_features(tmp_path / "vgg.safetensors")
    assert net.layers == tuple(f"relu{name}" for name in names)
    x = torch.rand(1, 3, 48, 40)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    y, wanted = (x - mean) / std, []
    with torch.no_grad():
        for layer in plain:
            y = layer(y)
            if isinstance(layer, torch.nn.ReLU):
                wanted.append(y)
        found = net.forward_to(x, net.layers)
    for value, want in zip(found.values(), wanted, strict=True):
        torch.testing.assert_close(value, want, rtol=1e-4, atol=1e-5)


def test_a_file_cut_after_a_convolution_will_do() -> None:
    state = {f"features.{key}": value for key, value in torchvision_like(PLAN19).state_dict().items()}
    cut = {key: value for key, value in state.items() if int(key.split(".")[1]) <= 21}
    assert from_torchvision(cut).layers[-1] == "relu4_2"
    with pytest.raises(FeatureError, match="VGG-16 or VGG-19"):
        from_torchvision({key: value for key, value in state.items() if not key.startswith("features.5.")})


def test_average_pooling_is_heeded(tmp_path: Path) -> None:
    state = torchvision_like(PLAN16).state_dict()
    save_file({f"features.{key}": value for key, value in state.items()}, tmp_path / "vgg.safetensors")
    x = torch.rand(1, 3, 32, 32)
    nets = [load_features(tmp_path / "vgg.safetensors", pooling=pooling) for pooling in ("max", "avg")]
    both = [net.forward_to(x, "2_1")["relu2_1"] for net in nets]
    assert both[0].shape == both[1].shape
    assert not torch.allclose(both[0], both[1])
    with pytest.raises(FeatureError, match="pooling 'mean'"):
        VGG(["1_1"], [4], pooling="mean")


def test_distilled_encoder_equals_its_definition(data_folder: Path) -> None:
    path = data_folder / "weights" / "vgg19_distilled16x_encoders_fp16.safetensors"
    t = {key.removeprefix("e5."): value.float() for key, value in load_file(path).items() if key.startswith("e5.")}
    with Image.open(data_folder / "photos" / "n01443537_goldfish.jpg") as image:
        x = torch.from_numpy(np.array(image.convert("RGB").resize((96, 80)))).permute(2, 0, 1)[None].float() / 255
    net = load_features(path)
    with torch.no_grad():
        found = net.forward_to(x, net.layers)
        y, block = F.conv2d(x, t["conv0.weight"], t["conv0.bias"]), "1"
        for layer in net.layers:
            name = layer.removeprefix("relu")
            y = F.max_pool2d(y, 2) if name[0] != block else y
            block, key = name[0], f"conv{name.replace('_', '')}"
            y = F.relu(F.conv2d(F.pad(y, (1, 1, 1, 1), mode="reflect"), t[f"{key}.weight"], t[f"{key}.bias"]))
            assert float((found[layer] - y).abs().max() / y.abs().max()) < 1e-5, layer
    assert net.layers[-1] == "relu5_1"


def test_one_pixel_at_the_deepest_layer() -> None:
    net = VGG(["1_1", "2_1", "3_1"], [4, 4, 4], padding="reflect")
    assert net.forward_to(torch.rand(1, 3, 4, 4), "3_1")["relu3_1"].shape == (1, 4, 1, 1)
