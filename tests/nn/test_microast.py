"""MicroAST in the form the camera plays, against the network as its paper draws it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.library.importer import import_model
from studio.nn import microast
from studio.nn.microast import MicroReader, MicroStylist
from studio.nn.style import load_net, load_style
from studio.nn.style_reader import load_any_reader, load_reader
from studio.nn.weights import WeightsError, read_tensors, save_model


class Layer(nn.Module):
    """A convolution behind a mirrored border."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.border = nn.ReflectionPad2d(kernel // 2)
        self.conv_layer = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        return torch.as_tensor(self.conv_layer(self.border(x)))


class Block(nn.Module):
    """A residual block whose filters and inner shortcuts may be scaled."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = Layer(64, 64, 3), Layer(64, 64, 3)

    def forward(self, x: Tensor, w: Tensor | float = 1.0, b: Tensor | float = 0.0) -> Tensor:
        inner = F.relu(w * self.conv1(x) + b * x)
        return torch.as_tensor(x + w * self.conv2(inner) + b * inner)


def encoder() -> nn.ModuleDict:
    relu = nn.ReLU()
    down = [Layer(3, 16, 9), relu, Layer(16, 32, 3, 2, 16), relu, Layer(32, 32, 1), relu, Layer(32, 64, 3, 2, 32), relu,
            Layer(64, 64, 1), relu, Block()]
    return nn.ModuleDict({"enc1": nn.Sequential(*down), "enc2": nn.Sequential(Block())})


class Paper(nn.Module):
    """The whole network, style and picture in, picture out."""

    def __init__(self) -> None:
        super().__init__()
        relu = nn.ReLU()
        self.content_encoder, self.style_encoder = encoder(), encoder()
        self.modulator = nn.ModuleDict({
            name: nn.Sequential(Layer(64, 64, 3, groups=64)) for name in ("weight1", "bias1", "weight2", "bias2")
        })
        up = [nn.Upsample(scale_factor=2, mode="bilinear"), Layer(64, 32, 3, groups=32), relu, Layer(32, 32, 1), relu,
              nn.Upsample(scale_factor=2, mode="bilinear"), Layer(32, 16, 3, groups=16), relu, Layer(16, 16, 1), relu,
              Layer(16, 3, 9)]
        self.decoder = nn.ModuleDict({"dec1": Block(), "dec2": Block(), "dec3": nn.Sequential(*up)})

    def forward(self, picture: Tensor, style: Tensor) -> Tensor:
        first = self.style_encoder["enc1"](style)
        second = self.style_encoder["enc2"](first)
        signals = {name: part(first if name[-1] == "1" else second).mean((2, 3), keepdim=True)
                   for name, part in self.modulator.items()}
        value = self.content_encoder["enc2"](self.content_encoder["enc1"](picture))
        for block, depth, own in (("dec1", "2", second), ("dec2", "1", first)):
            (spread, mean), (wanted, centre) = (torch.var_mean(one, (2, 3), keepdim=True) for one in (value, own))
            value = (value - mean) / (spread + 1e-5).sqrt() * (wanted + 1e-5).sqrt() + centre
            value = self.decoder[block](value, signals[f"weight{depth}"], signals[f"bias{depth}"])
        return self.decoder["dec3"](value)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def paper() -> Paper:
    torch.manual_seed(2)
    net = Paper().eval()
    with torch.no_grad():  # as they begin the convolutions make nearly flat pictures
        for value in net.parameters():
            if value.dim() == 4:
                value.mul_(1.7)
    return net


def smooth(height: int, width: int, seed: int) -> Tensor:
    grid = torch.rand(1, 3, 5, 6, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(grid, (height, width), mode="bilinear", align_corners=False)[0]


def test_it_computes_what_the_paper_says(paper: Paper) -> None:
    picture, style = smooth(64, 96, 0), smooth(512, 384, 1)
    stylist, reader = microast.stylist(paper.state_dict()), MicroReader(paper.state_dict())
    stylist.take("any", reader.read(style))
    stylist.mix({"any": 1.0})
    with torch.no_grad():
        wanted = paper(F.pad(picture[None], (8, 8, 8, 8), mode="reflect"), style[None])[0, :, 8:-8, 8:-8]
    assert float(wanted.std()) > 1e-3
    assert torch.allclose(stylist(picture), wanted.clamp(0, 1), atol=1e-4)


def test_all_tensors_are_known_by_name_and_shape(paper: Paper) -> None:
    assert microast.expected() == {name: tuple(value.shape) for name, value in paper.state_dict().items()}
    lacking = {name: value for name, value in paper.state_dict().items() if "modulator.bias2" not in name}
    with pytest.raises(WeightsError, match=r"missing: modulator\.bias2"):
        microast.stylist(lacking)


def test_styles_mix_and_none_of_them_is_the_plain_picture(paper: Paper) -> None:
    stylist, reader = MicroStylist(paper.state_dict()), MicroReader(paper.state_dict())
    picture = smooth(41, 50, 3)
    stylist.mix({})
    assert torch.equal(stylist(picture), picture)
    rows = {name: reader.read(smooth(90, 60, seed)) for name, seed in (("a", 4), ("b", 5))}
    for name, row in rows.items():
        stylist.take(name, row)
    stylist.take("half", 0.5 * rows["a"] + 0.5 * rows["b"])
    shown = []
    for shares in ({"a": 0.5, "b": 0.5}, {"half": 1.0}, {"a": 1.0}):
        stylist.forget()
        stylist.mix(shares)
        shown.append(stylist(picture))
    assert torch.allclose(shown[0], shown[1], atol=1e-5) and not torch.allclose(shown[0], shown[2], atol=1e-4)
    with pytest.raises(KeyError, match="takes its styles from pictures"):
        stylist.mix({"c": 1.0})


def test_remembered_statistics_are_held(paper: Paper) -> None:
    stylist = MicroStylist(paper.state_dict())
    stylist.take("a", MicroReader(paper.state_dict()).read(smooth(64, 64, 6)))
    stylist.mix({"a": 1.0})
    stylist(smooth(32, 32, 7))
    stylist.memory = 1.0
    before = [mean.clone() for mean, _ in stylist._seen]
    stylist(smooth(32, 32, 8))
    assert all(torch.equal(a, b) for a, (b, _) in zip(before, stylist._seen, strict=True))


def test_too_small_pictures_are_refused_in_sentences(paper: Paper) -> None:
    with pytest.raises(ValueError, match="10x20 pixels is too small for a style"):
        MicroReader(paper.state_dict()).read(torch.rand(3, 20, 10))
    stylist = MicroStylist(paper.state_dict())
    with pytest.raises(ValueError, match="too small to stylise"):
        stylist(torch.rand(3, 8, 20))


def test_it_is_imported_and_played_as_a_style_model_but_not_trained(paper: Paper, tmp_path: Path) -> None:
    torch.save(paper.state_dict(), tmp_path / "net.pth")
    done = import_model(tmp_path / "net.pth", "micro", folder=tmp_path / "models")
    assert done.layout is not None and done.layout.architecture == "style_net"
    stylist, reader = load_style(done.path), load_any_reader(done.path)
    assert isinstance(stylist, MicroStylist) and stylist.styles == () and isinstance(reader, MicroReader)
    assert load_reader(done.path) is None
    with pytest.raises(WeightsError, match="from elsewhere"):
        load_net(done.path)


def test_the_real_weights_take_over_the_colours_of_a_style(data_folder: Path, tmp_path: Path) -> None:
    tensors = read_tensors(data_folder / "weights" / "microast_fp32.safetensors")
    assert sum(value.numel() for value in tensors.values()) == 471_987
    save_model(tmp_path / "m.safetensors", tensors, "style_net", {"kind": microast.KIND, "styles": []})
    stylist, reader = load_style(tmp_path / "m.safetensors"), load_any_reader(tmp_path / "m.safetensors")
    assert reader is not None
    picture = smooth(96, 128, 9) * 0.5 + 0.25
    for colour in ((0.85, 0.3, 0.1), (0.1, 0.3, 0.85)):
        style = (torch.tensor(colour)[:, None, None] + 0.15 * (smooth(256, 256, 10) - 0.5)).clamp(0, 1)
        stylist.forget()
        stylist.take("any", reader.read(style))
        stylist.mix({"any": 1.0})
        shown = stylist(picture)
        wanted, found, before = (one.mean((1, 2)) for one in (style, shown, picture))
        assert float((found - wanted).abs().mean()) < 0.4 * float((before - wanted).abs().mean())
