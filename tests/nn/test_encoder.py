"""The encoder: an untrained one guesses the mean, a trained one guesses places, and another generator's is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from studio.nn.encoder import ARCHITECTURE, Encoder, EncoderSpec, find_encoder, load_encoder
from studio.nn.gan import ARCHITECTURE as GAN
from studio.nn.gan import GanConfig, GeneratorNet, load_generator
from studio.nn.gan_base import PictureGenerator
from studio.nn.invert import Settings, invert, paint
from studio.nn.weights import WeightsError, save_model, sha256

SPEC = EncoderSpec(16, side=32, widths=(8, 16, 16), neck=8)


def generator(path: Path, seed: int = 5) -> PictureGenerator:
    torch.manual_seed(seed)
    net = GeneratorNet(GanConfig(size=32, latent=16, base=16, widths=(16, 16), last=4))
    with torch.no_grad():
        net(torch.randn(32, 16))
        net.paint.weight.mul_(4)
    net.eval().survey(512)
    save_model(path, net.state_dict(), GAN, net.config.to_dict())
    return load_generator(path)


def encoder_for(path: Path, out: Path, **changes: object) -> Encoder:
    torch.manual_seed(1)
    spec = EncoderSpec.from_dict({**SPEC.to_dict(), "generator": path.stem, "checksum": sha256(path), **changes})
    encoder = Encoder(spec)
    save_model(out, encoder.state_dict(), ARCHITECTURE, spec.to_dict())
    return encoder


def test_an_untrained_encoder_guesses_near_the_mean_and_any_size_is_seen_alike() -> None:
    torch.manual_seed(0)
    encoder = Encoder(SPEC).eval().requires_grad_(False)
    encoder.spreads.fill_(3.0)
    flat = torch.rand(2, 3, 1, 1)
    small, large = encoder(flat.expand(-1, -1, 32, 32)), encoder(flat.expand(-1, -1, 96, 96))
    assert torch.allclose(small, large, atol=1e-4)
    assert float(small.norm(dim=1).max()) < 0.5 * 3.0 * 16**0.5
    # what the network says is in units of the spreads
    encoder.spreads.fill_(6.0)
    assert torch.allclose(encoder(flat.expand(-1, -1, 32, 32)), 2 * small, atol=1e-5)


def test_the_house_size_keeps_below_a_million_numbers() -> None:
    assert sum(p.numel() for p in Encoder(EncoderSpec(128)).parameters()) < 1_000_000
    assert sum(p.numel() for p in Encoder(EncoderSpec(512, neck=16)).parameters()) < 1_000_000


@pytest.mark.parametrize("wrong", [
    {"latent": 0}, {"side": 30}, {"widths": ()}, {"widths": (8,) * 9}, {"neck": 0}, {"side": 4096},
    {"widths": (99999,)},
])
def test_an_impossible_shape_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"encoder has|cannot be halved"):
        EncoderSpec.from_dict({**SPEC.to_dict(), **wrong})


def test_it_learns_places_that_it_has_not_seen(tmp_path: Path) -> None:
    net = generator(tmp_path / "net.safetensors")
    torch.manual_seed(2)
    encoder = Encoder(SPEC)
    with torch.no_grad():
        known = net.mapping(torch.randn(256, 16)) - net.w_mean
        pictures = paint(net, known)
    adam = torch.optim.Adam(encoder.parameters(), 5e-3)
    for _ in range(60):
        part = torch.randint(0, 224, (32,))
        loss = (encoder(pictures[part]) - known[part]).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    encoder.eval()
    with torch.no_grad():
        missed = (encoder(pictures[224:]) - known[224:]).norm(dim=1) / known[224:].norm(dim=1)
    assert float(missed.mean()) < 0.8  # 1 is the mean place
    # its guess is where the search begins, and the search only gets better
    found = list(invert(net, pictures[230], settings=Settings(steps=40), encoder=encoder))
    distances = [guess.distance for guess in found]
    assert distances == sorted(distances, reverse=True) and distances[-1] < distances[0]
    mean = next(iter(invert(net, pictures[230], settings=Settings(starts=1, steps=0)))).distance
    assert distances[0] <= mean
    # and it is heeded under the truncation under which it will be shown
    shown = next(iter(invert(net, pictures[230], settings=Settings(steps=0, truncation=0.5), encoder=encoder)))
    with torch.no_grad():
        assert torch.allclose(paint(net, shown.deviation[None], 0.5)[0], shown.picture, atol=1e-5)


def test_it_is_found_by_name_or_by_whose_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.nn.encoder.model_folders", lambda: [tmp_path / "models"])
    (tmp_path / "models").mkdir()
    net = tmp_path / "net.safetensors"
    generator(net)
    assert find_encoder(net) is None
    encoder_for(net, tmp_path / "models" / "anything.safetensors")
    found = find_encoder(net)
    assert found is not None and found.spec.generator == "net"
    encoder_for(net, tmp_path / "net.encoder.safetensors", neck=4)
    beside = find_encoder(net)
    assert beside is not None and beside.spec.neck == 4


def test_an_encoder_of_another_generator_is_refused_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.nn.encoder.model_folders", list)
    net, other = tmp_path / "net.safetensors", tmp_path / "other.safetensors"
    generator(net), generator(other, seed=6)
    out = tmp_path / "net.encoder.safetensors"
    encoder_for(other, out)
    with pytest.raises(WeightsError, match=r"another generator than .*net\.safetensors.*reverie train encoder"):
        load_encoder(out, net)
    with pytest.raises(WeightsError, match="another generator"):
        find_encoder(net)
    # one that fits is taken all the same
    encoder_for(net, tmp_path / "fits.safetensors")
    assert find_encoder(net) is not None
    save_model(out, Encoder(SPEC).state_dict(), ARCHITECTURE, {"latent": "many"})
    with pytest.raises(WeightsError, match="does not describe an encoder"):
        load_encoder(out, net)
    damaged = SPEC.to_dict() | {"checksum": sha256(net), "neck": 9}
    save_model(out, Encoder(SPEC).state_dict(), ARCHITECTURE, damaged)
    with pytest.raises(WeightsError, match="does not fit this network"):
        load_encoder(out, net)
