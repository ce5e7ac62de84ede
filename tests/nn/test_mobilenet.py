"""MobileNets against plain networks of torchvision's form, whose tensors they read; widths are small here."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from studio.library.layouts import detect
from studio.nn.features import FeatureError, load_features
from studio.nn.mobilenet import MobileNet, from_torchvision

# torchvision's tables, all widths divided by 8
V2 = [(1, 2, 1, 1), (6, 3, 2, 2), (6, 4, 3, 2), (6, 8, 4, 2), (6, 12, 3, 1), (6, 20, 3, 2), (6, 40, 1, 1)]
"""Expansion, width, blocks, stride of the first."""
V3_LARGE = [
    (2, 3, 2, 2, False, "RE", 1), (2, 3, 8, 3, False, "RE", 2), (3, 3, 9, 3, False, "RE", 1),
    (3, 5, 9, 5, True, "RE", 2), (5, 5, 15, 5, True, "RE", 1), (5, 5, 15, 5, True, "RE", 1),
    (5, 3, 30, 10, False, "HS", 2),
    (10, 3, 25, 10, False, "HS", 1), (10, 3, 23, 10, False, "HS", 1), (10, 3, 23, 10, False, "HS", 1),
    (10, 3, 60, 14, True, "HS", 1), (14, 3, 84, 14, True, "HS", 1), (14, 5, 84, 20, True, "HS", 2),
    (20, 5, 120, 20, True, "HS", 1), (20, 5, 120, 20, True, "HS", 1),
]
V3_SMALL = [
    (2, 3, 2, 2, True, "RE", 2), (2, 3, 9, 3, False, "RE", 2), (3, 3, 11, 3, False, "RE", 1),
    (3, 5, 12, 5, True, "HS", 2), (5, 5, 30, 5, True, "HS", 1), (5, 5, 30, 5, True, "HS", 1),
    (5, 5, 15, 6, True, "HS", 1), (6, 5, 18, 6, True, "HS", 1),
    (6, 5, 36, 12, True, "HS", 2), (12, 5, 72, 12, True, "HS", 1), (12, 5, 72, 12, True, "HS", 1),
]
"""Inputs, kernel, expanded, outputs, squeeze, activation, stride."""


def layer(i: int, o: int, k: int, s: int, act: nn.Module, eps: float, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(i, o, k, s, (k - 1) // 2, groups=groups, bias=False), nn.BatchNorm2d(o, eps=eps), act)


class Squeeze(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(width, 4, 1), nn.Conv2d(4, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scale = self.fc2(torch.relu(self.fc1(nn.functional.adaptive_avg_pool2d(x, 1))))
        return nn.functional.hardsigmoid(scale) * x


class Residual(nn.Module):
    def __init__(self, name: str, parts: list[nn.Module], adds: bool) -> None:
        super().__init__()
        setattr(self, name, nn.Sequential(*parts))
        self.name, self.adds = name, adds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = getattr(self, self.name)(x)
        return x + y if self.adds else y


def mobilenet_v2() -> nn.Module:
    parts: list[nn.Module] = [layer(3, 4, 3, 2, nn.ReLU6(), 1e-5)]
    before = 4
    for expand, width, count, stride in V2:
        for index in range(count):
            wide, step = before * expand, stride if index == 0 else 1
            inner: list[nn.Module] = [] if expand == 1 else [layer(before, wide, 1, 1, nn.ReLU6(), 1e-5)]
            inner += [layer(wide, wide, 3, step, nn.ReLU6(), 1e-5, wide), nn.Conv2d(wide, width, 1, bias=False),
                      nn.BatchNorm2d(width)]
            parts.append(Residual("conv", inner, step == 1 and before == width))
            before = width
    return wrapped([*parts, layer(before, 160, 1, 1, nn.ReLU6(), 1e-5)])


def mobilenet_v3(table: list[tuple[int, int, int, int, bool, str, int]]) -> nn.Module:
    parts: list[nn.Module] = [layer(3, 2, 3, 2, nn.Hardswish(), 1e-3)]
    for inputs, kernel, wide, outputs, squeeze, act, stride in table:
        bend = nn.Hardswish if act == "HS" else nn.ReLU
        inner: list[nn.Module] = [] if wide == inputs else [layer(inputs, wide, 1, 1, bend(), 1e-3)]
        inner.append(layer(wide, wide, kernel, stride, bend(), 1e-3, wide))
        inner += [Squeeze(wide)] if squeeze else []
        inner.append(layer(wide, outputs, 1, 1, nn.Identity(), 1e-3))
        parts.append(Residual("block", inner, stride == 1 and inputs == outputs))
    return wrapped([*parts, layer(table[-1][3], 6 * table[-1][3], 1, 1, nn.Hardswish(), 1e-3)])


def wrapped(parts: list[nn.Module]) -> nn.Module:
    net = nn.Module()
    net.features = nn.Sequential(*parts)
    net.classifier = nn.Sequential(nn.Dropout(), nn.Linear(4, 10))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean = torch.randn(module.num_features) * 0.2
            module.running_var = torch.rand(module.num_features) + 0.3
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
    return net.eval()


NETS = {
    "MobileNet V2": mobilenet_v2, "MobileNet V3 large": lambda: mobilenet_v3(V3_LARGE),
    "MobileNet V3 small": lambda: mobilenet_v3(V3_SMALL),
}


@pytest.mark.parametrize("name", NETS)
@torch.inference_mode()
def test_every_layer_is_torchvisions(name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    plain = NETS[name]()
    state = plain.state_dict()
    layout = detect({key: tuple(value.shape) for key, value in state.items()})
    assert layout is not None and layout.name == f"{name} (torchvision)" and layout.architecture == "features"
    save_file(state, tmp_path / "net.safetensors")
    net = load_features(tmp_path / "net.safetensors")
    assert isinstance(net, MobileNet)
    picture = torch.rand(2, 3, 64, 80)
    found = net.forward_to(picture, net.layers)
    x = (picture - net.mean) / net.std
    checked = 0
    for index, part in enumerate(plain.features):  # type: ignore[arg-type]
        inner = part if isinstance(part, nn.Sequential) else getattr(part, part.name)  # type: ignore[arg-type]
        own = "conv1" if index == 0 else "last" if isinstance(part, nn.Sequential) else f"block{index}"
        if own in net.layers:
            wanted = inner(x) if isinstance(part, nn.Sequential) else inner[0](x)
            assert torch.allclose(found[own], wanted, atol=1e-4), own
            assert net.channels(own) == wanted.shape[1] and net.stride(own) == 64 // wanted.shape[2], own
            checked += 1
        x = part(x)
    assert checked == len(net.layers) > 10
    assert torch.allclose(net(picture), x, atol=1e-4)
    before = net.forward_to(picture, ["conv1", "last"], before_relu=True)
    bend = nn.functional.relu6 if "V2" in name else nn.functional.hardswish
    assert torch.allclose(bend(before["last"]), found["last"], atol=1e-6)
    assert net.lowered(torch.bfloat16).forward_to(picture, "block3")["block3"].dtype == torch.bfloat16


def test_what_does_not_fit_is_a_sentence() -> None:
    state = mobilenet_v2().state_dict()
    net = from_torchvision(state)
    with pytest.raises(FeatureError, match="no layer 'block1'; it has conv1, block2"):
        net.forward_to(torch.zeros(1, 3, 32, 32), "block1")
    with pytest.raises(FeatureError, match=r"features.5.conv.1.0.weight is missing"):
        from_torchvision({name: value for name, value in state.items() if name != "features.5.conv.1.0.weight"})
    with pytest.raises(FeatureError, match="another shape"):
        from_torchvision({**state, "features.5.conv.1.1.bias": torch.zeros(3)})
    with pytest.raises(FeatureError, match="other names"):
        from_torchvision({})
