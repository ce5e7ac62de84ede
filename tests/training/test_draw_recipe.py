"""The draw recipe on a tiny scale: from a stroke font and from pictures, resumed exactly, wrong data in sentences."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from studio import paths
from studio.nn.draw import load_draw
from studio.training import draw
from studio.training.loop import TrainingError, train
from studio.training.rates import cosine

TINY = {"size": 12, "glimpses": 3, "hidden": 12, "latent": 2, "read": 3, "write": 3, "batch": 4, "steps": 4,
        "validate_every": 4, "sample_every": 4, "checkpoint_every": 2}
FONT = paths.bundled("resources") / "strokes" / "digits.json"


def _recipe(**changes: Any) -> draw.DrawRecipe:
    return draw.DrawRecipe(draw.DrawSettings(**{**TINY, **changes}))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for name, level in (("dark", 40), ("light", 200)):
        (folder / name).mkdir()
        for index in range(8):
            pixels = np.clip(level + rng.integers(-40, 40, (20, 24, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return folder


def test_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = train(_recipe(), FONT, tmp_path / "whole.safetensors")
    steps = iter([False, True])
    stopped = train(_recipe(), FONT, tmp_path / "parts.safetensors", should_stop=lambda: next(steps))
    assert stopped["stopped"] and stopped["step"] == 2
    parts = train(_recipe(), FONT, tmp_path / "parts.safetensors", resume=True)
    one, two = load_file(tmp_path / "whole.safetensors"), load_file(tmp_path / "parts.safetensors")
    assert all(torch.equal(one[name], two[name]) for name in one) and one.keys() == two.keys()
    assert parts["bound_nats"] == whole["bound_nats"] == pytest.approx(whole["picture_nats"] + whole["drawing_nats"])
    net = load_draw(tmp_path / "whole.safetensors")
    assert net.config.classes == tuple("0123456789") and net.config.steps == 3
    assert (tmp_path / "sample_000004.png").is_file()


def test_pictures_are_learned_in_grey_or_colour_by_folder(pictures: Path, tmp_path: Path) -> None:
    recipe = _recipe(steps=2, validate_every=2)
    report = recipe.prepare(pictures)
    assert report["classes"] == ["dark", "light"] and report["train"] == 15 and report["held_out"] == 1
    level = [float(recipe.pictures[recipe.labels == label].mean()) for label in (0, 1)]
    assert abs(level[0] - 40) < 12 and abs(level[1] - 200) < 12
    train(_recipe(steps=2, colour=True, classes=False), pictures, tmp_path / "c.safetensors")
    net = load_draw(tmp_path / "c.safetensors")
    assert net.config.channels == 3 and net.config.classes == ()


def test_a_short_training_lowers_the_bound() -> None:
    torch.manual_seed(0)
    recipe = _recipe(steps=60, rate=0.01, hidden=24, batch=8)
    recipe.prepare(FONT)
    recipe.build()
    before = recipe.validate()["bound_nats"]
    for index in range(40):
        recipe.step(index)
    assert recipe.validate()["bound_nats"] < 0.93 * before


@pytest.mark.parametrize(("changes", "words"), [
    ({"colour": True}, "has no colours"), ({"glimpses": 0}, "glimpses: 0"), ({"batch": 0}, "at least 1"),
    ({"hidden": 2}, "hidden: 2"),
])
def test_wrong_settings_are_sentences(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(TrainingError, match=words):
        recipe = _recipe(**changes)
        recipe.prepare(FONT)
        recipe.build()


def test_a_font_that_is_none_and_a_lonely_picture(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    with pytest.raises(TrainingError, match="not a stroke font"):
        _recipe().prepare(tmp_path / "x.json")
    folder = tmp_path / "one"
    folder.mkdir()
    Image.new("RGB", (20, 20), (9, 99, 199)).save(folder / "a.png")
    with pytest.raises(TrainingError):
        _recipe().prepare(folder)


def test_the_rate_rises_then_falls() -> None:
    rates = [cosine(index, 1000) for index in range(1000)]
    assert rates[0] == pytest.approx(0.02, rel=0.01) and rates[49] > 0.98
    assert rates[999] == pytest.approx(0.05, abs=0.01)
    assert all(a >= b for a, b in itertools.pairwise(rates[60:]))
