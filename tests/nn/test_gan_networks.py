"""DCGAN, FastGAN and classes: known counts, gates that gate, blends whose ends are the classes themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from studio.nn import gan
from studio.nn.gan_base import PictureGenerator, blend_means, blended, class_names, seed_shares
from studio.nn.gan_dcgan import DcganConfig, DcganDiscriminator, DcganGenerator
from studio.nn.gan_fast import Excitation, FastConfig, FastDiscriminator, FastGenerator, quarter, without_spectral_norm
from studio.nn.weights import WeightsError, save_model

STYLE = gan.GanConfig(size=32, latent=8, base=16, widths=(16, 16), last=4, classes=("a", "b", "c"))


def _ready(net: PictureGenerator) -> PictureGenerator:
    net.train()
    with torch.no_grad():
        net(torch.randn(8, net.config.latent))
    net.survey(256)
    return net.eval().requires_grad_(False)


def _all() -> list[PictureGenerator]:
    torch.manual_seed(1)
    fast = FastGenerator(FastConfig(64, 8, 8, ("a", "b")))
    without_spectral_norm(fast)
    return [
        _ready(gan.GeneratorNet(STYLE)), _ready(DcganGenerator(DcganConfig(32, 8, 4))),
        _ready(DcganGenerator(DcganConfig(32, 8, 4, ("a", "b")))), _ready(fast),
    ]


def test_dcgan_is_the_paper_s() -> None:
    net = DcganGenerator(DcganConfig(64, 100, 64))
    assert sum(p.numel() for p in net.parameters()) == 3_576_704
    assert DcganConfig(64, 100, 64).widths == (512, 256, 128, 64)
    critic = DcganDiscriminator(DcganConfig(64, 100, 64))
    assert sum(p.numel() for p in critic.parameters()) == 2_765_568
    kinds = [type(module) for module in net.main]
    assert kinds[-2:] == [nn.ConvTranspose2d, nn.Tanh] and kinds.count(nn.BatchNorm2d) == 4
    judge = [type(module) for module in critic.main]
    assert judge[:2] == [nn.Conv2d, nn.LeakyReLU] and nn.BatchNorm2d not in judge[:2]
    weights = torch.cat([m.weight.detach().flatten() for m in net.main if isinstance(m, nn.ConvTranspose2d)])
    assert float(weights.std()) == pytest.approx(0.02, rel=0.01) and abs(float(weights.mean())) < 1e-4
    assert not any(isinstance(m, (nn.Linear, nn.MaxPool2d, nn.BatchNorm2d))
                   for m in DcganDiscriminator(DcganConfig(64), normalise=False).modules())


def test_dcgan_directions_move_the_first_features_most() -> None:
    net = _all()[1]
    first = net.main[0].weight.detach().flatten(1)  # type: ignore[index, union-attr, operator]
    strength = [float((direction @ first).norm()) for direction in net.directions[:8]]
    values = torch.linalg.svdvals(first)[:8].tolist()
    assert strength == pytest.approx(values, rel=1e-3) and bool((net.sigmas[:8] == 1).all())


@pytest.mark.parametrize("size", [64, 128, 256])
def test_fastgan_pictures_and_judgements(size: int) -> None:
    torch.manual_seed(0)
    config = FastConfig(size, 8, 8)
    net, judge = FastGenerator(config), FastDiscriminator(config)
    with torch.no_grad():
        made, small = net.both(torch.randn(2, 8))
        said = judge(made, small, part=2)
        assert judge(made, small).drawn == []
    assert made.shape == (2, 3, size, size) and small.shape == (2, 3, size // 2, size // 2)
    assert said.scores.shape == (2, 50)  # 5x5 patches of the picture and of its small copy
    assert all(drawn.shape == seen.shape for drawn, seen in said.drawn) and len(said.drawn) == 3
    assert sorted(int(side) for side in net.skips) == [side for side in (64, 128, 256) if side <= size]


def test_excitation_gates_channels_by_the_small_features() -> None:
    torch.manual_seed(0)
    gate, large = Excitation(4, 6), torch.randn(2, 6, 16, 16)
    made = gate(torch.randn(2, 4, 8, 8), large)
    share = made / large
    assert made.shape == large.shape and torch.allclose(share, share[:, :, :1, :1].expand_as(share), atol=1e-4)
    assert bool((share > 0).all()) and bool((share < 1).all())
    shut, wide = nn.Sequential(*list(gate.gate)[:-1], nn.Threshold(1e9, 0.0)), nn.Threshold(1e9, 1.0)
    gate.gate = shut
    assert not gate(torch.randn(2, 4, 8, 8), large).any()
    gate.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), wide, nn.Conv2d(4, 6, 1, bias=False))
    nn.init.constant_(gate.gate[2].weight, 0.25)
    assert torch.allclose(gate(torch.randn(2, 4, 8, 8), large), large)


def test_folded_norms_and_quarters_change_nothing() -> None:
    torch.manual_seed(0)
    net = _ready(FastGenerator(FastConfig(64, 8, 8)))
    w = torch.randn(1, 8)
    before = net.synthesis(w)
    without_spectral_norm(net)
    assert torch.allclose(net.synthesis(w), before, atol=1e-6)
    assert not any("parametrizations" in name for name in net.state_dict())
    x = torch.arange(16.0).view(1, 1, 4, 4)
    assert [float(quarter(x, part)[0, 0, 0, 0]) for part in range(4)] == [0, 2, 8, 10]


@pytest.mark.parametrize("place", range(4))
def test_every_network_is_played_from_its_file(place: int, tmp_path: Path) -> None:
    net = _all()[place]
    save_model(tmp_path / "a.safetensors", dict(net.state_dict()), gan.ARCHITECTURE, net.config.to_dict())
    again = gan.load_generator(tmp_path / "a.safetensors")
    assert type(again) is type(net) and again.classes == net.classes
    w = net.seed_w(5)
    assert torch.equal(again.seed_w(5), w) and torch.allclose(again.synthesis(w), net.synthesis(w), atol=1e-6)
    rows = w[:, None].expand(-1, net.layers, -1)
    assert torch.equal(net.synthesis(rows), net.synthesis(w)) and net.synthesis(w).shape[-1] == net.config.size
    assert torch.isfinite(net.directions).all() and float(net.sigmas[0]) > 0


def test_a_blend_of_one_class_is_that_class_bit_for_bit() -> None:
    for net in (_all()[0], _all()[2]):
        z, count = torch.randn(3, 8), len(net.classes)
        single = [net.mapping(z, torch.full((3,), index)) for index in range(count)]
        for index in range(count):
            shares = [float(number == index) * 0.7 for number in range(count)]
            assert torch.equal(net.to_w(z, shares), single[index])
            assert torch.equal(net.centre(shares), net.class_means[index])
        halfway = net.to_w(z, [2.0, 2.0] + [0.0] * (count - 2))
        assert torch.allclose(halfway, (single[0] + single[1]) / 2, atol=1e-6)
        assert torch.allclose(net.to_w(z), torch.stack(single).mean(0), atol=1e-6)
        assert torch.equal(net.seed_w(count + 1), net.seed_w(count + 1, seed_shares(1, count)))
        assert not torch.equal(net.synthesis(single[0]), net.synthesis(single[1]))


def test_blends_that_cannot_be_are_refused() -> None:
    net = _all()[0]
    with pytest.raises(ValueError, match="3 classes, not 2"):
        blended(net.mapping, torch.zeros(1, 8), 3, [1.0, 0.0])
    assert torch.equal(blend_means(net.class_means, [0.0, 0.0, 0.0]), net.class_means.mean(0))
    with pytest.raises(ValueError, match="name of its own"):
        class_names(["a", "a"])


def test_files_that_describe_no_network_are_refused(tmp_path: Path) -> None:
    net = _all()[1]
    for config in ({"network": "dcgan", "size": 30}, {"network": "dcgan", "size": 64, "latent": 8, "base": 4},
                   {"network": "fastgan", "size": 32}, {**STYLE.to_dict(), "classes": ["x"] * 3}):
        save_model(tmp_path / "a.safetensors", dict(net.state_dict()), gan.ARCHITECTURE, config)
        with pytest.raises(WeightsError, match="does not hold the generator"):
            gan.load_generator(tmp_path / "a.safetensors")


def test_classes_are_judged_by_what_goes_with_them() -> None:
    torch.manual_seed(0)
    for judge in (gan.PlainDiscriminator(32, 8, classes=3), DcganDiscriminator(DcganConfig(32, 8, 4, ("a", "b", "c")))):
        judge.eval()
        x = torch.randn(2, 3, 32, 32)
        one, two = judge(x, torch.tensor([0, 0])), judge(x, torch.tensor([1, 0]))
        assert not torch.allclose(one[0], two[0]) and torch.equal(one[1], two[1])
