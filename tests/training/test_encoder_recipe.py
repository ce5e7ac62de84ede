"""The encoder recipe on a tiny generator: it learns places, resumes exactly, and says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from studio.nn.encoder import load_encoder
from studio.nn.gan import ARCHITECTURE as GAN
from studio.nn.gan import GanConfig, GeneratorNet
from studio.nn.weights import save_model
from studio.training.encoder import EncoderRecipe, EncoderSettings, roughened
from studio.training.loop import TrainingError, train

TINY = {"batch": 6, "steps": 6, "features": "none", "refined": 1, "validate_every": 100, "sample_every": 3,
        "checkpoint_every": 3}


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generator") / "tiny.safetensors"
    torch.manual_seed(5)
    net = GeneratorNet(GanConfig(size=32, latent=16, base=16, widths=(16, 16), last=4))
    with torch.no_grad():
        net(torch.randn(32, 16))
        net.paint.weight.mul_(4)
    net.eval().survey(512)
    save_model(path, net.state_dict(), GAN, net.config.to_dict())
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    draw = np.random.default_rng(0)
    for index in range(8):
        colours = draw.integers(0, 255, (4, 5, 3), dtype=np.uint8)
        Image.fromarray(colours).resize((40, 40)).save(folder / f"{index}.png")
    (folder / "broken.jpg").write_bytes(b"not a picture")
    return folder


def recipe(**changes: Any) -> EncoderRecipe:
    return EncoderRecipe(EncoderSettings(**{**TINY, **changes}))


def test_it_learns_from_the_generator_alone_and_its_model_belongs_to_it(generator: Path, tmp_path: Path) -> None:
    out = tmp_path / "tiny.encoder.safetensors"
    figures = train(recipe(steps=60, batch=12, rate=5e-3), generator, out)
    assert figures["own_places_missed_by"] < 0.9 and figures["own_places_nearer_than_mean"] > 0.8
    assert figures["first_guess_distance"] < figures["mean_place_distance"]
    assert figures["refined_distance"] <= figures["first_guess_distance"]
    encoder = load_encoder(out, generator)
    assert encoder.spec.generator == "tiny" and encoder.spec.latent == 16
    card = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["generator"]["sha256"] == encoder.spec.checksum and card["parameters"] < 1_000_000


def test_a_resumed_run_equals_an_uninterrupted_one_with_real_pictures(
    generator: Path, pictures: Path, tmp_path: Path
) -> None:
    whole = train(recipe(generator=str(generator)), pictures, tmp_path / "whole.safetensors")
    steps = iter([False, False, True])
    stopped = train(recipe(generator=str(generator)), pictures, tmp_path / "parts.safetensors",
                    should_stop=lambda: next(steps))
    assert stopped["stopped"] and stopped["step"] == 3
    parts = train(recipe(generator=str(generator)), pictures, tmp_path / "parts.safetensors", resume=True)
    assert parts == whole
    samples = sorted(tmp_path.rglob("sample_*.png"))
    with Image.open(samples[0]) as sheet:
        assert sheet.size[1] == 2 * 32 + 2  # the pictures, and what is made of the guesses


def test_held_out_pictures_are_not_learned_from(generator: Path, pictures: Path) -> None:
    made = recipe(generator=str(generator))
    report = made.prepare(pictures)
    assert report["train"] + report["held_out"] == report["pictures"] == 8 and report["skipped"] == 1
    assert sorted([*made.order, *made.held]) == list(range(8))


def test_roughened_pictures_stay_pictures_and_are_thrown_one_by_one() -> None:
    torch.manual_seed(0)
    plain = torch.rand(4, 3, 8, 8)
    assert roughened(plain, 0.0) is plain
    rough = roughened(plain.clone(), 1.0)
    assert float(rough.min()) >= 0 and float(rough.max()) <= 1
    shifts = (rough - plain).mean((1, 2, 3))
    assert len({round(float(shift), 4) for shift in shifts}) == 4


def test_what_cannot_be_learned_from_is_a_sentence(generator: Path, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="generator: say whose places"):
        recipe().prepare(pictures)
    with pytest.raises(TrainingError, match="no model 'nobody'"):
        recipe(generator="nobody").prepare(pictures)
    with pytest.raises(TrainingError, match="batch must be"):
        recipe(batch=0).prepare(generator)
    other = tmp_path / "other.safetensors"
    save_model(other, {"a": torch.ones(2)}, "style_net", {})
    with pytest.raises(TrainingError, match="style_net model"):
        recipe().prepare(other)
    lone = tmp_path / "lone"
    lone.mkdir()
    Image.new("RGB", (9, 9)).save(lone / "1.png")
    with pytest.raises(TrainingError, match=r"1 usable pictures.*at least 4"):
        recipe(generator=str(generator)).prepare(lone)
