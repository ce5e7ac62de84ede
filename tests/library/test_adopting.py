"""Checkpoints of PyTorch's examples become models that the studio plays; other networks are named or refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from studio.library.importer import import_model
from studio.nn.gan import load_generator
from studio.nn.latent import seed_latent
from studio.nn.style import load_style
from studio.nn.weights import WeightsError, load_model
from tests.nn.test_fast_style import Example


def dcgan(nz: int = 10, width: int = 4, colours: int = 3, bias: bool = False) -> nn.Module:
    """The example's generator: ``main`` of transposed convolutions and batch norm."""
    torch.manual_seed(2)
    widths = [nz, width * 8, width * 4, width * 2, width]
    parts: list[nn.Module] = []
    for index in range(4):
        stride, padding = (2, 1) if index else (1, 0)
        parts += [nn.ConvTranspose2d(widths[index], widths[index + 1], 4, stride, padding, bias=bias),
                  nn.BatchNorm2d(widths[index + 1]), nn.ReLU(True)]
    net = nn.Module()
    net.main = nn.Sequential(*parts, nn.ConvTranspose2d(width, colours, 4, 2, 1, bias=bias), nn.Tanh())
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean = torch.randn(module.num_features) * 0.3
            module.running_var = torch.rand(module.num_features) + 0.2
            nn.init.normal_(module.bias, 0, 0.3)
    return net.eval().requires_grad_(False)


def bring(net: nn.Module, folder: Path, name: str, drop: str = "", **more: Any) -> Any:
    """Import a state_dict; as a plain pickle of arrays, whose reader starts quickly."""
    state = {f"module.{key}": value.numpy() for key, value in net.state_dict().items() if not drop or drop not in key}
    (folder / f"{name}.pkl").write_bytes(pickle.dumps(state | more))
    return import_model(folder / f"{name}.pkl", folder=folder / "models")


@pytest.mark.parametrize(("colours", "bias"), [(3, False), (1, True)])
def test_a_dcgan_of_the_example_makes_the_same_pictures(tmp_path: Path, colours: int, bias: bool) -> None:
    net: Any = dcgan(colours=colours, bias=bias)
    done = bring(net, tmp_path, "netG_epoch_24", drop="num_batches_tracked")  # older files have none
    assert done.layout.name == "DCGAN (PyTorch's example)" and done.about == f"{done.layout.name}, 64 pixels a side"
    made = load_generator(done.path)
    z = torch.cat([seed_latent(seed, 10) for seed in range(3)])
    wanted = net.main(z[:, :, None, None]).expand(-1, 3, -1, -1)
    assert torch.allclose(made.synthesis(made.mapping(z)), wanted, atol=1e-5) and wanted.std() > 0.1
    assert made.layers == 1 and not made.noise_shapes() and not bool(made.w_mean.any())
    # along the first direction the picture changes more than along the last
    ways = [made.synthesis(2 * d[None]) - made.synthesis(-2 * d[None]) for d in made.directions]
    steps = [float(way.square().mean()) for way in ways]
    assert steps[0] > steps[9] and bool((made.sigmas[:10] == 1).all())


def test_a_fast_style_checkpoint_with_old_statistics_is_played(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = Example()
    old = {"module.in3.running_mean": np.ones(128, np.float32), "module.in3.running_var": np.ones(128, np.float32)}
    done = bring(net, tmp_path, "mosaic", **old)
    assert "2 running statistics of an old PyTorch" in " ".join(done.report)
    assert load_model(done.path, "style_net").config == {"kind": "fast_style", "styles": ["mosaic"]}
    assert load_style(done.path)(torch.rand(3, 24, 24)).shape == (3, 24, 24)


def test_a_discriminator_and_damaged_layouts_are_sentences(tmp_path: Path) -> None:
    judge = nn.Module()
    judge.main = nn.Sequential(
        nn.Conv2d(3, 64, 4, bias=False), nn.LeakyReLU(), nn.Conv2d(64, 128, 4, bias=False), nn.BatchNorm2d(128),
        nn.LeakyReLU(), nn.Conv2d(128, 1, 1), *(nn.LeakyReLU() for _ in range(5)), nn.Conv2d(512, 1, 4, bias=False))
    with pytest.raises(WeightsError, match="the discriminator of a DCGAN"):
        bring(judge, tmp_path, "netD")
    style = Example()
    style.res3 = nn.Identity()  # type: ignore[assignment]
    with pytest.raises(WeightsError, match=r"is refused: its network does not fit .*missing: res3"):
        bring(style, tmp_path, "broken")
    assert not list((tmp_path / "models").iterdir())
    done = bring(dcgan(), tmp_path, "part", drop="running_mean")
    assert done.layout is None and "no network here" in " ".join(done.report)
