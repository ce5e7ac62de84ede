"""The style network of PyTorch's examples, against a plain network of its form."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from studio.nn import fast_style
from studio.nn.fast_style import FastStylist
from studio.nn.style import load_net, load_style
from studio.nn.weights import WeightsError, save_model


class Conv(nn.Module):
    def __init__(self, i: int, o: int, k: int, s: int, up: int = 0) -> None:
        super().__init__()
        self.pad, self.up, self.conv2d = nn.ReflectionPad2d(k // 2), up, nn.Conv2d(i, o, k, s)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.up:
            x = nn.functional.interpolate(x, scale_factor=self.up, mode="nearest")
        return self.conv2d(self.pad(x))  # type: ignore[no-any-return]


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.in1 = Conv(128, 128, 3, 1), nn.InstanceNorm2d(128, affine=True)
        self.conv2, self.in2 = Conv(128, 128, 3, 1), nn.InstanceNorm2d(128, affine=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.in2(self.conv2(torch.relu(self.in1(self.conv1(x)))))  # type: ignore[no-any-return]


class Example(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.in1 = Conv(3, 32, 9, 1), nn.InstanceNorm2d(32, affine=True)
        self.conv2, self.in2 = Conv(32, 64, 3, 2), nn.InstanceNorm2d(64, affine=True)
        self.conv3, self.in3 = Conv(64, 128, 3, 2), nn.InstanceNorm2d(128, affine=True)
        self.res1, self.res2, self.res3, self.res4, self.res5 = (Block() for _ in range(5))
        self.deconv1, self.in4 = Conv(128, 64, 3, 1, 2), nn.InstanceNorm2d(64, affine=True)
        self.deconv2, self.in5 = Conv(64, 32, 3, 1, 2), nn.InstanceNorm2d(32, affine=True)
        self.deconv3 = Conv(32, 3, 9, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv, norm in ((self.conv1, self.in1), (self.conv2, self.in2), (self.conv3, self.in3)):
            x = torch.relu(norm(conv(x)))
        for block in (self.res1, self.res2, self.res3, self.res4, self.res5):
            x = block(x)
        x = torch.relu(self.in4(self.deconv1(x)))
        return self.deconv3(torch.relu(self.in5(self.deconv2(x))))  # type: ignore[no-any-return]


@pytest.fixture
def example() -> Example:
    torch.manual_seed(3)
    torch.set_num_threads(1)
    net = Example().eval().requires_grad_(False)
    for module in net.modules():
        if isinstance(module, nn.InstanceNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
    net.deconv3.conv2d.bias += 120  # pictures around the middle of 0..255
    net.deconv3.conv2d.weight *= 60
    return net


def test_pictures_are_those_of_the_example(example: Example) -> None:
    stylist = FastStylist(example.state_dict(), "mosaic")
    picture = torch.rand(3, 32, 44)
    # the studio surrounds the picture with its mirror image, so that the plain network does not mirror its own edges
    wide = nn.functional.pad(picture[None], (16, 16, 16, 16), mode="reflect")
    wanted = (example(wide * 255) / 255).clamp(0, 1)[0, :, 16:-16, 16:-16]
    made = stylist(picture)
    assert made.shape == picture.shape and 0.05 < float(wanted.std())
    assert torch.allclose(made, wanted, atol=1e-4)
    assert stylist(torch.rand(3, 31, 45)).shape == (3, 31, 45)


def test_strength_goes_from_the_picture_to_the_style(example: Example) -> None:
    stylist = FastStylist(example.state_dict(), "mosaic")
    picture = torch.rand(3, 20, 24)
    full = stylist(picture)
    stylist.mix({"mosaic": 0.0})
    assert torch.equal(stylist(picture), picture)
    stylist.mix({"mosaic": 0.5})
    assert torch.allclose(stylist(picture), (picture + full) / 2, atol=1e-6)
    with pytest.raises(KeyError, match="it has mosaic"):
        stylist.mix({"candy": 1.0})
    with pytest.raises(ValueError, match="too small"):
        stylist(torch.rand(3, 10, 40))


def test_statistics_are_remembered_held_and_forgotten(example: Example) -> None:
    stylist = FastStylist(example.state_dict(), "mosaic")
    one, two = torch.rand(3, 24, 24), torch.rand(3, 24, 24) * 0.2
    fresh = stylist(two)
    stylist.forget()
    first = stylist(one)
    stylist.memory = 1.0
    held = stylist(two)
    assert not torch.allclose(held, fresh, atol=1e-2) and torch.allclose(stylist(one), first, atol=1e-6)
    stylist.memory = 0.5
    assert (stylist(two) - fresh).abs().mean() < (held - fresh).abs().mean()
    stylist.forget()
    assert torch.allclose(stylist(two), fresh, atol=1e-6)


def test_a_model_file_is_played_but_not_trained_on(example: Example, tmp_path: Path) -> None:
    path = tmp_path / "mosaic.safetensors"
    save_model(path, example.state_dict(), "style_net", {"kind": fast_style.KIND, "styles": ["mosaic"]})
    stylist = load_style(path)
    assert stylist.styles == ("mosaic",) and torch.equal(
        stylist(torch.ones(3, 20, 20)), FastStylist(example.state_dict(), "mosaic")(torch.ones(3, 20, 20)))
    with pytest.raises(WeightsError, match="can be played but not trained"):
        load_net(path)
    save_model(path, {"conv1.conv2d.weight": torch.zeros(1)}, "style_net", {"kind": fast_style.KIND, "styles": ["m"]})
    with pytest.raises(WeightsError, match="does not fit this network"):
        load_style(path)
    save_model(path, example.state_dict(), "style_net", {"kind": fast_style.KIND})
    with pytest.raises(WeightsError, match="does not name its one style"):
        load_style(path)


def test_old_running_statistics_do_not_count(example: Example) -> None:
    old = {**example.state_dict(), "in1.running_mean": torch.ones(32), "res2.in1.running_var": torch.ones(128),
           "in5.num_batches_tracked": torch.tensor(1)}
    assert fast_style.without_statistics(old).keys() == fast_style.expected().keys() == example.state_dict().keys()
