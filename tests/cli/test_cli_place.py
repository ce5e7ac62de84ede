"""``reverie place``: guesses as lines that get better, a picture, and sentences for what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from studio.cli import main
from studio.nn.gan import ARCHITECTURE, GanConfig, GeneratorNet
from studio.nn.invert import paint
from studio.nn.places import parse_place
from studio.nn.weights import save_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(5)
    net = GeneratorNet(GanConfig(size=32, latent=16, base=16, widths=(16, 16), last=4))
    with torch.no_grad():
        net(torch.randn(32, 16))
        net.paint.weight.mul_(4)
        net.eval().survey(512)
        made = paint(net, net.seed_w(7001) - net.w_mean)[0]
    Image.fromarray((made * 255).round().byte().permute(1, 2, 0).numpy()).save(tmp_path / "photo.png")
    save_model(tmp_path / "tiny.safetensors", net.state_dict(), ARCHITECTURE, net.config.to_dict())
    return tmp_path / "tiny.safetensors"


def test_guesses_get_better_and_the_place_makes_the_picture(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo, out = model.parent / "photo.png", model.parent / "found.png"
    assert main(["place", str(photo), "--model", str(model), "--steps", "60", "-o", str(out), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["kind"] == "done" and not lines[-1]["encoder"]
    distances = [line["distance"] for line in lines]
    assert distances == sorted(distances, reverse=True) and distances[-1] < 0.1
    assert parse_place(lines[-1]["place"]).terms[0][0].startswith("w.")
    with Image.open(photo) as wanted, Image.open(out) as found:
        gaps = [abs(a - b) for a, b in zip(wanted.tobytes(), found.tobytes(), strict=True)]
    assert sum(gaps) / len(gaps) < 15
    assert main(["place", str(photo), "--model", str(model), "--steps", "0"]) == 0
    said = capsys.readouterr().out
    assert "the nearest seed" in said and "render latent_explorer" in said


def test_what_cannot_be_found_is_a_sentence(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = model.parent / "bad.png"
    bad.write_bytes(b"no picture")
    assert main(["place", str(bad), "--model", str(model)]) == 1
    assert "bad.png" in capsys.readouterr().err
    assert main(["place", str(bad), "--model", "nobody"]) == 1
    assert main(["place", str(bad), "--steps", "-1"]) == 2
    assert main(["place", str(bad), "-o", "found.gif"]) == 2
