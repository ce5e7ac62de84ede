"""The gan recipe on a tiny scale: it runs, resumes exactly, says what is wrong, and its figures mean what they say."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from studio.nn.gan import load_generator
from studio.nn.squeezenet import SqueezeNet
from studio.training import gan
from studio.training.loop import TrainingError, train

TINY = {"size": 32, "latent": 8, "base": 16, "batch": 2, "check": 8, "steps": 4, "view": 48,
        "validate_every": 100, "sample_every": 4, "checkpoint_every": 2}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "inner").mkdir()
    draw = np.random.default_rng(0)
    for index in range(12):
        colours = draw.integers(0, 255, (4, 5, 3), dtype=np.uint8)
        Image.fromarray(colours).resize((50, 40)).save(folder / ("inner" if index % 2 else ".") / f"{index}.png")
    (folder / "broken.jpg").write_bytes(b"not a picture")
    (folder / "readme.txt").write_text("nothing")
    return folder


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    net = SqueezeNet()
    own = net.state_dict()
    path = tmp_path_factory.mktemp("features") / "squeezenet.safetensors"
    save_file({theirs: own[ours].clone() for theirs, ours in net.torchvision_names().items()}, path)
    return path


def _recipe(**changes: Any) -> gan.GanRecipe:
    return gan.GanRecipe(gan.GanSettings(**{**TINY, **changes}))


@pytest.mark.parametrize("projected", [True, False])
def test_resumed_run_equals_an_uninterrupted_one(
    projected: bool, pictures: Path, features: Path, tmp_path: Path
) -> None:
    changes = {"features": str(features) if projected else ""}
    whole = train(_recipe(**changes), pictures, tmp_path / "whole.safetensors")
    steps = iter([False, True])
    stopped = train(_recipe(**changes), pictures, tmp_path / "parts.safetensors", should_stop=lambda: next(steps))
    assert stopped["stopped"] and stopped["step"] == 2
    parts = train(_recipe(**changes), pictures, tmp_path / "parts.safetensors", resume=True)
    assert parts == whole
    one, two = load_file(tmp_path / "whole.safetensors"), load_file(tmp_path / "parts.safetensors")
    assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
    made = load_generator(tmp_path / "whole.safetensors")(torch.randn(1, 8))
    assert made.shape == (1, 3, 32, 32) and torch.isfinite(made).all()
    card = json.loads((tmp_path / "whole.json").read_text(encoding="utf-8"))
    assert card["figures"]["kernel_distance"] == whole["kernel_distance"] and card["data_report"]["skipped"] == 1
    assert (tmp_path / "sample_000004.png").is_file()


def test_a_loss_that_explodes_is_rolled_back_then_reported(pictures: Path, tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    with pytest.raises(TrainingError, match="not finite"):
        train(_recipe(rate=1e30), pictures, tmp_path / "a.safetensors", on_event=events.append, max_rollbacks=2)
    assert [event["kind"] for event in events].count("rollback") == 2


def test_unusable_data_and_settings_are_sentences(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="not a folder"):
        _recipe().prepare(tmp_path / "nowhere")
    with pytest.raises(TrainingError, match="no picture"):
        _recipe().prepare(tmp_path)
    with pytest.raises(TrainingError, match="needs at least 20"):
        _recipe(batch=10).prepare(pictures)
    with pytest.raises(TrainingError, match="power of two"):
        _recipe(size=40).prepare(pictures)
    with pytest.raises(TrainingError, match="--features"):
        _recipe(features=str(tmp_path / "none.safetensors")).prepare(pictures)


def test_every_setting_can_be_an_option() -> None:
    for field in dataclasses.fields(gan.GanSettings):
        assert field.default is not dataclasses.MISSING and isinstance(field.default, (int, float, str, bool))


def test_distances_tell_same_from_different() -> None:
    draw = torch.Generator().manual_seed(0)
    a, b = torch.randn(400, 8, generator=draw), torch.randn(400, 8, generator=draw)
    far = torch.randn(400, 8, generator=draw) * 0.5 + 1
    assert abs(gan.kernel_distance(a, b)) < 0.05 < gan.kernel_distance(a, far)
    assert gan.frechet_distance(a, a) == pytest.approx(0, abs=1e-4)
    assert gan.frechet_distance(a, a + 2) == pytest.approx(32, rel=1e-3)
    assert gan.spread(a * 3) == pytest.approx(3 * gan.spread(a), rel=1e-4)


def test_widths_follow_the_base() -> None:
    assert gan.widths_for(128, 256) == (256, 160, 96, 48) and gan.widths_for(32, 16) == (16, 16)
