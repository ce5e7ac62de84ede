"""pix2pix: the paper's networks by their weights and what they see, the light one, and what folding keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from studio.nn.pix2pix import (
    LightUNet,
    PatchDiscriminator,
    Pix2PixConfig,
    UNet,
    adversarial,
    fit_to,
    load_pix2pix,
    make_net,
)
from studio.nn.weights import WeightsError, save_model

SMALL = Pix2PixConfig(width=4, levels=4, size=32)


def test_the_networks_have_the_weights_that_the_authors_report() -> None:
    """54.414 M and 2.769 M, as the reference program prints them."""
    with torch.device("meta"):
        net, judge = UNet(Pix2PixConfig("paper", 64, 8, 0.5, "pairs", 256)), PatchDiscriminator()
    assert sum(p.numel() for p in net.parameters()) == 54_413_955
    assert sum(p.numel() for p in judge.parameters()) == 2_768_705
    shapes = [tuple(block[-2 if level not in (0, 7) else -1].weight.shape[:2]) for level, block in enumerate(net.down)]
    assert shapes == [(64, 3), (128, 64), (256, 128), (512, 256), (512, 512), (512, 512), (512, 512), (512, 512)]
    assert [any(isinstance(part, torch.nn.Dropout) for part in block) for block in net.up] == [
        False, True, True, True, False, False, False, False]


def test_a_judgement_sees_seventy_pixels() -> None:
    torch.manual_seed(0)
    judge = PatchDiscriminator(4).eval()
    picture = torch.randn(1, 3, 128, 128, requires_grad=True)
    scores = judge(torch.zeros(1, 3, 128, 128), picture)
    assert scores.shape == (1, 1, 14, 14)
    (seen,) = torch.autograd.grad(scores[0, 0, 7, 7], picture)
    rows = seen.abs().sum((0, 1, 3)).nonzero().flatten()
    assert int(rows.max() - rows.min()) + 1 == 70


@pytest.mark.parametrize("network", ["light", "paper"])
def test_every_pixel_can_reach_every_pixel_and_sizes_stay(network: str) -> None:
    torch.manual_seed(0)
    net = make_net(Pix2PixConfig(network, 4, 5, 0.0, "lines", 32)).eval()
    drawn = torch.randn(1, 3, 32, 64, requires_grad=True)
    made = net(drawn)
    assert made.shape == drawn.shape and made.abs().max() <= 1
    (seen,) = torch.autograd.grad(made[0, 0, 16, 32], drawn)
    assert seen.abs().sum(1)[0, 0, 32] > 0 and (seen.abs().sum(1) > 0).float().mean() > 0.45


def test_the_skip_connections_carry_detail() -> None:
    """Each level of the way up reads what the same level of the way down saw."""
    for config in (SMALL, Pix2PixConfig("paper", 4, 4, 0.0, "lines", 32)):
        net = make_net(config).eval()
        drawn = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
        before = net(drawn)
        for level in range(1, 4):
            changed = make_net(config).eval()
            changed.load_state_dict(net.state_dict())
            convolution = next(m for m in changed.up[level].modules() if hasattr(m, "weight") and m.weight.dim() == 4)
            half = convolution.weight.shape[0 if network_is_paper(config) else 1] // 2
            with torch.no_grad():  # the second half of its channels is the skip
                (convolution.weight if network_is_paper(config) else convolution.weight.transpose(0, 1))[half:] = 0
            assert not torch.allclose(changed(drawn), before)


def network_is_paper(config: Pix2PixConfig) -> bool:
    return config.network == "paper"


@pytest.mark.parametrize("network", ["light", "paper"])
def test_folding_the_normalisations_changes_nothing(network: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = Pix2PixConfig(network, 4, 4, 0.0, "shapes", 32)
    net = make_net(config)
    for _ in range(3):  # statistics of its own
        net(torch.randn(4, 3, 32, 32) * 2)
    net.eval()
    path = tmp_path / "a.safetensors"
    save_model(path, net.state_dict(), "pix2pix", config.to_dict())
    loaded = load_pix2pix(path)
    drawn = torch.randn(2, 3, 32, 48)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in loaded.modules()) and loaded.config == config
    assert torch.allclose(loaded(drawn), net(drawn), atol=1e-5)


def test_a_wrong_file_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_model(path, LightUNet(SMALL).state_dict(), "pix2pix", {**SMALL.to_dict(), "network": "huge"})
    with pytest.raises(WeightsError, match="not light or paper"):
        load_pix2pix(path)
    save_model(path, LightUNet(SMALL).state_dict(), "pix2pix", {**SMALL.to_dict(), "width": 8})
    with pytest.raises(WeightsError, match="does not fit"):
        load_pix2pix(path)


def test_the_loss_of_a_judge_that_cannot_tell() -> None:
    assert adversarial(torch.zeros(1, 1, 3, 3), True).item() == pytest.approx(0.693147, rel=1e-5)
    assert adversarial(torch.full((2, 2), 9.0), True) < 0.001 < 8 < adversarial(torch.full((2, 2), 9.0), False)


def test_sizes_that_the_network_can_take() -> None:
    assert fit_to(256, (1080, 1920), 64) == (128, 256) and fit_to(128, (10, 10), 64) == (128, 128)
    assert fit_to(128, (10, 4000), 64) == (64, 128)
