"""Generator and discriminators: shapes, determinism, batches that do not matter, files that fit or are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from studio.nn import gan
from studio.nn.augment import colour, cutout, diff_augment, translate
from studio.nn.squeezenet import SqueezeNet
from studio.nn.weights import WeightsError, save_model

TINY = gan.GanConfig(size=32, latent=16, base=16, widths=(16, 16), last=4)


def _net(config: gan.GanConfig = TINY) -> gan.GeneratorNet:
    torch.manual_seed(3)
    net = gan.GeneratorNet(config)
    net.train()
    with torch.no_grad():
        net(torch.randn(16, config.latent))
    net.survey(256)
    return net.eval().requires_grad_(False)


def test_shapes_range_and_layers() -> None:
    for size, widths in ((32, (16, 16)), (64, (16, 16, 16)), (128, (16, 16, 16, 16))):
        net = _net(gan.GanConfig(size=size, latent=8, base=16, widths=widths, last=4))
        made = net(torch.randn(2, 8))
        assert made.shape == (2, 3, size, size) and made.abs().max() <= 1 and net.layers == 1 + len(widths)
        assert [shape[0] for shape in net.noise_shapes()] == [8 << index for index in range(len(widths))]


@pytest.mark.parametrize(("size", "widths"), [(48, (16, 16)), (16, ()), (64, (16, 16))])
def test_impossible_shapes_are_refused(size: int, widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="generator"):
        gan.GanConfig(size=size, widths=widths)


def test_one_w_for_all_layers_is_the_same_as_each_its_own() -> None:
    net = _net()
    w = net.mapping(torch.randn(1, 16))
    assert torch.equal(net.synthesis(w), net.synthesis(w.unsqueeze(1).repeat(1, net.layers, 1)))
    other = w.unsqueeze(1).repeat(1, net.layers, 1)
    other[:, -1] += 1
    assert not torch.equal(net.synthesis(w), net.synthesis(other))


def test_a_batch_gives_each_picture_as_if_alone() -> None:
    net, z = _net(), torch.randn(4, 16)
    together = net(z)
    alone = torch.cat([net(row[None]) for row in z])
    assert torch.allclose(together, alone, atol=1e-5)


def test_noise_moves_the_picture_and_none_is_none() -> None:
    net, z = _net(), torch.randn(1, 16)
    still = [torch.zeros(1, 1, *shape) for shape in net.noise_shapes()]
    loud = [torch.ones(1, 1, *shape) for shape in net.noise_shapes()]
    assert torch.allclose(net(z, still), net(z)) and not torch.allclose(net(z, loud), net(z))


def test_survey_finds_mean_and_directions() -> None:
    net = _net()
    net.survey(2048)
    w = net.mapping(torch.randn(4096, 16))
    assert torch.allclose(w.mean(0), net.w_mean, atol=0.2)
    gram = net.directions @ net.directions.T
    assert torch.allclose(gram, torch.eye(gan.COMPONENTS), atol=1e-3)
    along = ((w - net.w_mean) @ net.directions.T).std(0)
    assert torch.allclose(along[:4], net.sigmas[:4], rtol=0.1) and bool((net.sigmas.diff() <= 1e-5).all())


def test_file_round_trip_and_refusals(tmp_path: Path) -> None:
    net, z = _net(), torch.randn(1, 16)
    save_model(tmp_path / "a.safetensors", dict(net.state_dict()), gan.ARCHITECTURE, net.config.to_dict())
    assert torch.equal(gan.load_generator(tmp_path / "a.safetensors")(z), net(z))
    wrong = {**net.config.to_dict(), "base": 32}
    save_model(tmp_path / "b.safetensors", dict(net.state_dict()), gan.ARCHITECTURE, wrong)
    with pytest.raises(WeightsError, match="does not hold the generator"):
        gan.load_generator(tmp_path / "b.safetensors")
    save_model(tmp_path / "c.safetensors", dict(net.state_dict()), gan.ARCHITECTURE, {"size": "big"})
    with pytest.raises(WeightsError, match="does not hold the generator"):
        gan.load_generator(tmp_path / "c.safetensors")
    save_model(tmp_path / "d.safetensors", dict(net.state_dict()), "style", {})
    with pytest.raises(WeightsError, match="style model"):
        gan.load_generator(tmp_path / "d.safetensors")


def test_projected_heads_see_every_scale_and_only_heads_learn() -> None:
    torch.manual_seed(0)
    features = SqueezeNet()
    layers = gan.pyramid_layers(features)
    assert layers == ["conv1", "fire3", "fire5", "fire9"]
    projector = gan.Projector(features, layers, width=8)
    pictures = torch.rand(2, 3, 64, 64) * 2 - 1
    projector.calibrate(pictures)
    heads = gan.ProjectedHeads(len(layers), 8, 8)
    wish = pictures.clone().requires_grad_()
    views = projector(wish)
    assert [view.shape[1] for view in views] == [8] * 4
    assert all(0.2 < float(view.detach().square().mean()) < 20 for view in views)
    heads(views).mean().backward()
    assert wish.grad is not None and wish.grad.abs().sum() > 0
    assert all(p.grad is None for p in projector.parameters()) and all(p.grad is not None for p in heads.parameters())
    projector.train()
    assert not projector.features.training


def test_plain_discriminator_scores_patches() -> None:
    assert gan.PlainDiscriminator(32, 8)(torch.zeros(2, 3, 32, 32)).ndim == 2


def test_augmentations_pass_gradients_and_keep_shapes() -> None:
    torch.manual_seed(1)
    pictures = (torch.rand(8, 3, 32, 32) * 2 - 1).requires_grad_()
    made = diff_augment(pictures)
    made.square().mean().backward()  # type: ignore[no-untyped-call]
    assert made.shape == pictures.shape and pictures.grad is not None and torch.isfinite(pictures.grad).all()
    flat = torch.full((16, 3, 32, 32), 0.5)
    assert (cutout(flat) == 0).any() and (cutout(flat) == 0.5).any()
    assert (translate(flat) == 0).any() and float(colour(flat).std()) > 0
    torch.manual_seed(5)
    first = diff_augment(flat)
    torch.manual_seed(5)
    assert torch.equal(first, diff_augment(flat))
