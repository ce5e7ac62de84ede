"""The reader of styles: what it tells of a picture, the rows it makes, and its place in a model file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from studio.nn.features import FeatureError
from studio.nn.style import StyleNet, Stylist, load_net
from studio.nn.style_reader import StyleReader, _tell, eyes_of, load_reader, tensors_of
from studio.nn.vgg import VGG
from studio.nn.weights import WeightsError, save_model

NAMES = ["1_1", "2_1", "3_1", "4_1", "5_1"]


def eyes() -> VGG:
    torch.manual_seed(0)
    return eyes_of(VGG(NAMES, [4, 4, 6, 6, 8], padding="reflect"))


def pair() -> tuple[StyleNet, StyleReader]:
    torch.manual_seed(1)
    net = StyleNet(["one", "two"], 16, 16, 1)
    with torch.no_grad():
        for table in (net.gamma, net.beta):
            table.add_(0.3 * torch.randn_like(table))
    reader = StyleReader(eyes(), net.width, 8)
    with torch.no_grad():
        reader.last.bias.copy_(net.table()[0])
    return net.eval(), reader


def picture(height: int = 60, width: int = 80, seed: int = 0) -> Tensor:
    grid = torch.rand(1, 3, 7, 9, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(grid, (height, width), mode="bilinear", align_corners=False)[0]


def test_what_is_told_are_means_deviations_and_correlations() -> None:
    one = torch.tensor([0.0, 1.0, 2.0, 3.0])
    told = _tell(torch.stack([one, 3 - one, torch.tensor([1.0, 5.0, 5.0, 1.0])]).view(1, 3, 2, 2))[0]
    spread = 1.25**0.5
    wanted = [1.5, 1.5, 3.0, *torch.tensor([spread, spread, 2.0]).log().tolist(), -1.0, 0.0, 0.0]
    assert torch.allclose(told, torch.tensor(wanted), atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(12)))
def test_where_things_lie_is_not_told(order: list[int]) -> None:
    value = torch.rand(1, 5, 3, 4, generator=torch.Generator().manual_seed(2))
    moved = value.flatten(2)[:, :, order].view(1, 5, 3, 4)
    assert torch.allclose(_tell(value), _tell(moved), atol=1e-5)


def test_a_new_reader_makes_the_row_of_its_bias_and_the_picture_comes_out_as_in_that_style() -> None:
    net, reader = pair()
    row = reader.read(picture())
    assert torch.equal(row, net.table()[0].detach())
    stylist = Stylist(net)
    stylist.mix({"one": 0.8})
    wanted = stylist(picture(seed=3))
    stylist.forget()
    stylist.take("any", row)
    stylist.mix({"any": 0.8})
    assert torch.equal(stylist(picture(seed=3)), wanted)
    stylist.mix({"any": 0.5, "two": 0.5})
    stylist.take("any", None)
    with pytest.raises(KeyError, match="no style 'any'"):
        stylist.mix({"any": 1.0})
    with pytest.raises(ValueError, match="style of the model itself"):
        stylist.take("two", row)


@settings(max_examples=8, deadline=None)
@given(height=st.integers(32, 90), width=st.integers(32, 400))
def test_any_size_and_shape_is_read(height: int, width: int) -> None:
    _, reader = pair()
    torch.nn.init.normal_(reader.last.weight)
    row = reader.read(picture(height, width))
    assert row.shape == (reader.width,) and bool(row.isfinite().all())


def test_different_pictures_have_different_rows_and_a_mirrored_size_nearly_the_same() -> None:
    _, reader = pair()
    torch.nn.init.normal_(reader.last.weight)
    one, other, larger = (reader.read(p) for p in (picture(), picture(seed=5), picture(120, 160)))
    assert float((one - larger).norm()) < 0.2 * float((one - other).norm())


def test_too_small_a_picture_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"40x20 pixels is too small for a style; it needs 32"):
        pair()[1].read(torch.rand(3, 20, 40))


def test_it_looks_with_a_vgg_up_to_the_layer_it_needs() -> None:
    assert eyes().layers == ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    with pytest.raises(FeatureError, match="relu4_1"):
        eyes_of(VGG(NAMES[:3], [4, 4, 6]))


def test_it_travels_in_the_file_of_its_network(tmp_path: Path) -> None:
    net, reader = pair()
    torch.nn.init.normal_(reader.last.weight)
    path = tmp_path / "m.safetensors"
    save_model(path, {**net.state_dict(), **tensors_of(reader)}, "style_net", {**net.config, "reader": reader.config})
    again = load_reader(path)
    assert again is not None and torch.equal(again.read(picture()), reader.read(picture()))
    assert torch.equal(load_net(path).table(), net.table())
    save_model(path, dict(net.state_dict()), "style_net", net.config)
    assert load_reader(path) is None
    save_model(path, dict(net.state_dict()), "style_net", {**net.config, "reader": reader.config})
    with pytest.raises(WeightsError, match="its reader of styles cannot be built"):
        load_reader(path)
