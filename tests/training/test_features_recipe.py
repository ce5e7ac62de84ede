"""Distilling feature networks from small random teachers: it learns, it resumes exactly, faults are sentences."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from studio.nn.features import load_features
from studio.nn.googlenet import GoogLeNet
from studio.nn.vgg import VGG, VGG19
from studio.nn.weights import save_model
from studio.training.features import FeatureSettings, FeaturesRecipe, Student, _student_for
from studio.training.loop import TrainingError, train

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for index in range(12):
        coarse = rng.integers(0, 255, (9, 10, 3), np.uint8)
        Image.fromarray(coarse).resize((100, 90), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    return folder


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    net = VGG(VGG19[:10], [6, 6, 8, 8, 8, 8, 8, 8, 10, 10], padding="reflect")
    path = tmp_path_factory.mktemp("teacher") / "teacher.safetensors"
    save_model(path, net.tensors(), "features", net.architecture())
    return path


def settings(teacher_path: Path, **changes) -> FeatureSettings:
    base = {"steps": 6, "teacher": str(teacher_path), "last": "relu4_1", "batch": 4, "validate_every": 3,
            "checkpoint_every": 2, "sample_every": 100, "hold_out": 3, "lr": 3e-3}
    return FeatureSettings(**{**base, **changes})


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Smaller crops: the recipe's own sizes are for real networks."""
    photos = FeaturesRecipe._photos
    monkeypatch.setattr(FeaturesRecipe, "_photos", lambda self, count, side: photos(self, min(count, 6), 40))


def test_it_learns_and_the_file_is_the_student(tmp_path: Path, pictures: Path, teacher: Path) -> None:
    out = tmp_path / "small.safetensors"
    events = []
    recipe = FeaturesRecipe(settings(teacher, steps=80, validate_every=20, own_share=0.0, lr=1e-2))
    figures = train(recipe, pictures, out, on_event=events.append)
    scores = [event["figures"]["score"] for event in events if event["kind"] == "validate"]
    assert min(scores) < 0.7 * scores[0]
    assert figures["r2_relu1_1"] > 0.5
    net = load_features(out)
    assert net.layers == ("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_3", "relu4_1")
    assert all(tensor.dtype == torch.float16 for tensor in load_file(out).values())
    card = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["data_report"] == {"pictures": 9, "held_out": 3, "skipped": 1}
    assert card["layers"]["relu4_1"] == 10


def test_resumed_run_gives_the_same_weights(tmp_path: Path, pictures: Path, teacher: Path) -> None:
    whole, parted = tmp_path / "whole.safetensors", tmp_path / "parted.safetensors"
    train(FeaturesRecipe(settings(teacher)), pictures, whole)
    count = iter(range(100))
    train(FeaturesRecipe(settings(teacher)), pictures, parted, should_stop=lambda: next(count) == 3)
    train(FeaturesRecipe(settings(teacher)), pictures, parted, resume=True)
    one, two = load_file(whole), load_file(parted)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_folding_changes_nothing_and_a_sample_shows_dreams(tmp_path: Path, pictures: Path, teacher: Path) -> None:
    recipe = FeaturesRecipe(settings(teacher))
    recipe.low_precision = False
    recipe.prepare(pictures)
    recipe.build()
    x = torch.rand(2, 3, 40, 40)
    hidden = recipe.student.net.normalise(x)
    with torch.no_grad():
        for index in range(len(recipe.student.stretches)):
            hidden = torch.relu(recipe.student.run(index, hidden)) * recipe.student.part("scale", index)
        torch.testing.assert_close(recipe.student.folded()(x), hidden, rtol=1e-3, atol=1e-3)
    sheet, = recipe.sample(tmp_path, 7)
    with Image.open(sheet) as image:
        assert image.width > 160
        assert image.height > 320


def test_a_googlenet_student_has_the_teachers_channels() -> None:
    teacher = GoogLeNet()
    net, stretches = _student_for(teacher, "")
    assert net.layers[-1] == "4e"
    assert [stretch.target for stretch in stretches] == list(net.layers)
    assert all(net.channels(layer) == teacher.channels(layer) for layer in net.layers)
    assert sum(weight.numel() for weight in net.parameters()) * 2 < 7.2e6  # bytes in half precision
    assert Student(net, stretches).part("scale", 0).shape == (1, 64, 1, 1)


def test_faults_are_sentences(tmp_path: Path, pictures: Path, teacher: Path) -> None:
    out = tmp_path / "m.safetensors"
    for changes, words in (({"teacher": ""}, "name the model file"), ({"last": "relu9_9"}, "not a layer of VGG-16"),
                           ({"last": "relu5_1"}, "ends at relu4_2")):
        with pytest.raises(TrainingError, match=words):
            train(FeaturesRecipe(settings(teacher, **changes)), pictures, out)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(TrainingError, match="0 usable pictures"):
        train(FeaturesRecipe(settings(teacher)), empty, out)
    with pytest.raises(TrainingError, match="is not a folder"):
        train(FeaturesRecipe(settings(teacher)), tmp_path / "nowhere", out)
