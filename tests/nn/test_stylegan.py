"""StyleGAN2 and StyleGAN3 against what the papers' definitions compute, on small networks in the published form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.library.import_worker import read_pickle
from studio.nn.foreign_gan import build, filled
from studio.nn.stylegan import StyleGan, StyleShape, resample
from studio.nn.stylegan2 import StyleGan2
from studio.nn.stylegan3 import FourierInput, StyleGan3, plan
from studio.nn.weights import WeightsError
from tests.nn import published_stylegan as published
from tests.nn import reference_stylegan as reference


def ours(net: Any, folder: Path, **changed: Any) -> StyleGan:
    """The studio's network, read from a pickle of the published one."""
    arrays, report = read_pickle(str(published.dump(net, folder / "net.pkl")))
    tensors = {name.replace("synthesis.", "pictures.", 1): torch.from_numpy(a).float() for name, a in arrays.items()}
    made = filled({**report["network"], **changed}, tensors, where="it")
    assert isinstance(made, StyleGan)
    return made


def z(length: int, count: int = 2) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(4).standard_normal((count, length), np.float32))


def places(net: Any, made: StyleGan) -> torch.Tensor:
    """W+ ``(layers, w)``: another w for every layer."""
    return reference.mapping(net, z(net.z_dim, made.layers), 0 if net.c_dim else None)


def test_stylegan2_maps_truncates_and_paints_as_published(tmp_path: Path) -> None:
    net = published.stylegan2()
    made = ours(net, tmp_path)
    assert isinstance(made, StyleGan2) and made.layers == net.num_ws == 6
    # a z that is shorter than w is the beginning of what the studio draws
    long = torch.cat([z(12), torch.full((2, 4), 99.0)], 1)
    w = made.mapping(long)
    assert torch.allclose(w.double(), reference.mapping(net, z(12)), atol=1e-5)
    truncated = made.w_mean + 0.6 * (w - made.w_mean)
    assert torch.allclose(truncated.double(), reference.mapping(net, z(12), psi=0.6), atol=1e-5)
    wanted = torch.cat([reference.paint2(net, row.expand(6, -1)) for row in w.double()])
    assert torch.allclose(made.synthesis(w).double(), wanted, atol=1e-4)


def test_stylegan2_mixes_styles_per_layer(tmp_path: Path) -> None:
    net = published.stylegan2(seed=1)
    made = ours(net, tmp_path)
    ws = places(net, made)
    assert torch.allclose(made.synthesis(ws[None].float()).double(), reference.paint2(net, ws), atol=1e-4)


def test_stylegan2_noise_is_fixed_given_or_none(tmp_path: Path) -> None:
    net = published.stylegan2(seed=2)
    made = ours(net, tmp_path)
    ws = places(net, made)
    assert made.noise_shapes() == [(4, 4), (8, 8), (8, 8), (16, 16), (16, 16)]
    maps = [torch.randn(shape) for shape in made.noise_shapes()]
    given_maps = made.synthesis(ws[None].float(), maps).double()
    assert torch.allclose(given_maps, reference.paint2(net, ws, maps), atol=1e-4)
    none = made.synthesis(ws[None].float(), [None] * 5).double()
    assert torch.allclose(none, reference.paint2(net, ws, "none"), atol=1e-4)
    assert (none - given_maps).abs().max() > 0.05


@pytest.mark.parametrize("more", [{"clamp": 0.7}, {"clamp": None}, {"labels": 3}, {"colours": 1}, {"size": 8}],
                         ids=str)
def test_stylegan2_in_its_varieties(tmp_path: Path, more: dict[str, Any]) -> None:
    net = published.stylegan2(seed=3, **more)
    made = ours(net, tmp_path)
    ws = places(net, made)
    wanted = reference.paint2(net, ws).expand(-1, 3, -1, -1)
    assert torch.allclose(made.synthesis(ws[None].float()).double(), wanted, atol=1e-4)


def test_classes_of_a_conditional_network(tmp_path: Path) -> None:
    net = published.stylegan2(labels=3, seed=5)
    made = ours(net, tmp_path, classes=["rose", "tulip", "daisy"])
    assert made.classes == ("rose", "tulip", "daisy")
    each = [reference.mapping(net, z(12), label) for label in range(3)]
    for label in range(3):
        shares = [1.0 if index == label else 0.0 for index in range(3)]
        assert torch.allclose(made.to_w(z(16), shares).double(), each_of(net, label), atol=1e-5)
    every = made.mapping(z(16)).double()
    assert every.shape == each[0].shape
    assert torch.allclose(every, torch.stack([each_of(net, label) for label in range(3)]).mean(0), atol=1e-5)
    assert made.class_means.shape == (3, 16) and made.class_means.std(0).max() > 0


def each_of(net: Any, label: int) -> torch.Tensor:
    return reference.mapping(net, z(16)[:, :12], label)


@pytest.mark.parametrize("radial", [False, True], ids=["T", "R"])
def test_stylegan3_paints_as_published(tmp_path: Path, radial: bool) -> None:
    net: Any = published.stylegan3(radial=radial)
    made = ours(net, tmp_path)
    assert isinstance(made, StyleGan3) and made.layers == 7 and made.noise_shapes() == []
    assert [layer.name for layer in made.plan.layers] == net.synthesis.layer_names
    assert [layer.pad for layer in made.plan.layers] == [
        tuple(getattr(net.synthesis, name).padding[:2]) for name in net.synthesis.layer_names
    ]
    ws = places(net, made)
    wanted = reference.paint3(net, ws)
    assert wanted.std() > 0.01
    assert torch.allclose(made.synthesis(ws[None].float()).double(), wanted, atol=1e-4)
    # with the user's transform, set as the published scripts set it
    made.place(0.1, -0.05, 30.0, 1.5)
    source = made.pictures["input"]
    assert isinstance(source, FourierInput)
    net.synthesis.input.transform.copy_(source.transform)
    moved = reference.paint3(net, ws)
    assert (moved - wanted).abs().max() > 0.01
    assert torch.allclose(made.synthesis(ws[None].float()).double(), moved, atol=1e-4)


def test_the_input_of_stylegan3_moves_turns_and_nears_exactly(tmp_path: Path) -> None:
    made = ours(published.stylegan3(), tmp_path)
    assert isinstance(made, StyleGan3)
    source = made.pictures["input"]
    assert isinstance(source, FourierInput)
    source.affine.weight.zero_()  # w itself neither turns nor moves it
    source.affine.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))
    w = torch.zeros(1, 16)
    still = source(w)
    made.place(x=3 / source.rate, y=-2 / source.rate)
    assert torch.allclose(source(w)[:, :, :-2, 3:], still[:, :, 2:, :-3], atol=1e-4)
    made.place(degrees=90.0)
    assert torch.allclose(source(w), still.rot90(-1, (2, 3)), atol=1e-4)
    made.place(zoom=3.0)
    # three times as near: what is d from the middle is 3 d from it
    inside = range(13, 23)
    assert torch.allclose(
        source(w)[:, :, [3 * j - 35 for j in inside]][..., [3 * j - 35 for j in inside]],
        still[:, :, inside.start : inside.stop, inside.start : inside.stop], atol=1e-4,
    )
    made.place()
    assert torch.equal(source(w), still)


def test_half_precision_stays_near(tmp_path: Path) -> None:
    for net in (published.stylegan2(seed=6), published.stylegan3(seed=6)):
        made = ours(net, tmp_path)
        w = made.mapping(z(16))
        full = made.synthesis(w)
        with torch.autocast("cpu", torch.bfloat16):
            lowered = made.synthesis(w)
        assert (lowered - full).abs().mean() < 0.05 * full.abs().mean()
        half = made.to(torch.float16).synthesis(w.half())
        assert half.dtype == torch.float32 and bool(half.isfinite().all())
        assert (half - full).abs().mean() < 0.01 * full.abs().mean()


def test_the_mean_of_w_is_the_one_kept_in_training(tmp_path: Path) -> None:
    net: Any = published.stylegan2()
    made = ours(net, tmp_path)
    assert torch.equal(made.w_mean, net.mapping.w_avg)
    # the principal directions are orthogonal, of unit length, the widest first
    product = made.directions @ made.directions.T
    assert torch.allclose(product, torch.eye(len(product)), atol=1e-4)
    assert bool((made.sigmas.diff() <= 1e-6).all()) and made.sigmas[0] > 0


@given(
    up=st.integers(1, 3), down=st.integers(1, 3), low=st.integers(-2, 4), high=st.integers(-2, 4),
    taps=st.integers(1, 5), flat=st.booleans(), seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_resampling_is_the_papers_upfirdn(
    up: int, down: int, low: int, high: int, taps: int, flat: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(1, 2, 7, 7, generator=generator)
    f = torch.randn(taps, taps, generator=generator) if flat else torch.randn(taps, generator=generator)
    if 7 * up + low + high < taps:
        return
    wanted = reference.fir(x.double(), f, up, down, (low, high), 2.0)
    assert torch.allclose(resample(x, f, up=up, down=down, pad=(low, high), gain=2.0).double(), wanted, atol=1e-4)


@pytest.mark.parametrize(("change", "said"), [
    ({"size": 100}, "powers of two"), ({"size": 1 << 20}, "powers of two"), ({"w": 0}, "z may not be longer than w"),
    ({"z": 99}, "z may not be longer than w"), ({"labels": 99999}, "at most 1024"),
    ({"widths": [8, 8]}, "does not go with 2 resolutions"), ({"classes": ["a"]}, "0 labels but 1 names"),
    ({"clamp": -1}, "leaves nothing"), ({"clamp": float("inf")}, "leaves nothing"), ({"w": 4096}, "w not than 2048"),
    ({"network": "dcgan_example", "widths": [4096, 8, 8, 3]}, "is not known"),
    ({"mapping": {"layers": 99, "rate": 0.01}}, "mapping network of 99"), ({"mapping": {}}, "it lacks 'layers'"),
    ({"network": "stylegan9"}, "a newer version may read it"), ({"widths": None}, "cannot be used"),
])
def test_bad_configurations_are_sentences(change: dict[str, Any], said: str) -> None:
    good = {"network": "stylegan2", "size": 16, "z": 8, "w": 8, "labels": 0, "colours": 3, "widths": [4, 4, 4],
            "clamp": 256, "noise": True, "mapping": {"layers": 2, "rate": 0.01}}
    assert build(good, {}).layers == 6 and StyleShape.of(good).latent == 8
    with pytest.raises(WeightsError, match=said):
        build({**good, **change}, {})
    with pytest.raises(WeightsError, match="1,000,000 numbers wide"):
        build(good, {"mapping.fc0.weight": (1_000_000, 8)})


def test_rates_of_the_published_configurations() -> None:
    """StyleGAN3-T and -R for 1024 pixels: names of layers as in the published files."""
    values = {"num_layers": 14, "num_critical": 2, "first_cutoff": 2.0, "first_stopband": 2**2.1, "size": 1024,
              "last_stopband_rel": 2**0.3, "margin_size": 10, "channel_base": 32768, "channel_max": 512, "colours": 3,
              "conv_kernel": 3, "filter_size": 6, "lrelu_upsampling": 2, "use_radial_filters": False}
    names = [layer.name for layer in plan(values).layers]
    assert names == [
        "L0_36_512", "L1_36_512", "L2_52_512", "L3_52_512", "L4_84_512", "L5_148_512", "L6_148_512", "L7_276_323",
        "L8_276_203", "L9_532_128", "L10_1044_81", "L11_1044_51", "L12_1044_32", "L13_1024_32", "L14_1024_3",
    ]
    with pytest.raises(ValueError, match="known arrangement"):
        plan({**values, "num_critical": 14})
    with pytest.raises(ValueError, match="changes the sampling rate by"):
        plan({**values, "lrelu_upsampling": 10_000})
    with pytest.raises(ValueError, match="changes the sampling rate by"):
        plan({**values, "num_layers": 3, "first_cutoff": 1e-6, "first_stopband": 1e-5})
