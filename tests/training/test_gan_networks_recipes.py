"""The recipes dcgan, wgan and few, classes, adaptive augmentation and the watch for collapse, on a tiny scale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from studio.nn.gan import load_generator
from studio.training import gan_common
from studio.training.describe import load_recipe
from studio.training.gan import GanRecipe, GanSettings, adopt
from studio.training.gan_figures import LITTLE, VarietyWatch, twins
from studio.training.loop import train
from studio.training.recipe import TrainingError
from studio.training.recipes import ABOUT, RECIPES

TINY = {"size": 32, "latent": 8, "batch": 2, "check": 8, "steps": 4, "validate_every": 100, "sample_every": 4,
        "checkpoint_every": 2}
KINDS: dict[str, dict[str, Any]] = {
    "gan": {"base": 16, "r1": 1.0, "adaptive": True}, "dcgan": {"base": 4}, "wgan": {"base": 4, "critic_steps": 2},
    "few": {"size": 64, "base": 8},
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gan_common, "SETTLE_BATCHES", 1)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes: reddish and bluish ones."""
    folder = tmp_path_factory.mktemp("pictures")
    draw = np.random.default_rng(0)
    for index in range(14):
        kind = folder / ("red" if index % 2 else "blue")
        kind.mkdir(exist_ok=True)
        cells = draw.integers(0, 120, (4, 5, 3), dtype=np.uint8)
        cells[:, :, 0 if index % 2 else 2] += 130
        Image.fromarray(cells).resize((50, 40)).save(kind / f"{index}.png")
    return folder


def made(kind: str, **changes: Any) -> Any:
    recipe = load_recipe(RECIPES[kind])
    return recipe(recipe.Settings(**{**TINY, **KINDS[kind], **changes}))


@pytest.mark.parametrize("kind", KINDS)
def test_resumed_runs_equal_whole_ones_and_are_played(kind: str, pictures: Path, tmp_path: Path) -> None:
    whole = train(made(kind, by_class=True), pictures, tmp_path / "whole.safetensors")
    steps = iter([False, True])
    train(made(kind, by_class=True), pictures, tmp_path / "parts.safetensors", should_stop=lambda: next(steps))
    parts = train(made(kind, by_class=True), pictures, tmp_path / "parts.safetensors", resume=True)
    assert parts == whole and 0 <= whole["twins"] <= 1
    one, two = load_file(tmp_path / "whole.safetensors"), load_file(tmp_path / "parts.safetensors")
    assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
    assert not any("parametrizations" in name for name in one)
    net = load_generator(tmp_path / "whole.safetensors")
    assert net.classes == ("blue", "red")
    blue, red = (net.synthesis(net.seed_w(3, shares)) for shares in ([1.0, 0.0], [0.0, 1.0]))
    assert blue.shape[-1] == KINDS[kind].get("size", 32) and bool(torch.isfinite(blue).all())
    assert not torch.equal(blue, red)
    card = json.loads((tmp_path / "whole.json").read_text(encoding="utf-8"))
    assert card["classes"] == ["blue", "red"] and card["data_report"]["classes"] == "blue 7, red 7"
    assert (tmp_path / "sample_000004.png").is_file() and card["throughput"]["waits"]


@pytest.mark.parametrize("kind", ["dcgan", "wgan"])
def test_a_batch_in_pieces_is_the_same_batch(kind: str, pictures: Path, tmp_path: Path) -> None:
    figures = train(made(kind, batch=4, accumulate=2, steps=2), pictures, tmp_path / "a.safetensors")
    assert np.isfinite(figures["score"])


def test_the_critic_of_wgan_tells_the_pictures_apart_at_a_slope_near_one(pictures: Path) -> None:
    recipe = made("wgan", batch=4, judge_rate=1e-3, precision="float32")
    recipe.prepare(pictures)
    torch.manual_seed(0)
    recipe.build()
    recipe.generator.train()
    told = [recipe._judge(index, 0) for index in range(36)]
    # it begins flat: a slope of nothing costs the whole weight of the penalty
    assert told[0]["penalty"] == pytest.approx(10, rel=0.05) and told[0]["distance"] == pytest.approx(0, abs=0.05)
    assert min(one["penalty"] for one in told[20:]) < 3 and told[-1]["distance"] > 1


@pytest.mark.parametrize(("kind", "steps", "changes"), [
    ("gan", 50, {"rate": 6e-4, "judge_rate": 1e-3, "r1": 0.0, "adaptive": False}),
    ("dcgan", 80, {"rate": 2e-3, "judge_rate": 2e-3, "base": 8}),
    ("wgan", 30, {"rate": 1e-3, "judge_rate": 1e-3, "base": 8}), ("few", 14, {}),
])
def test_it_learns_and_tells_the_classes_apart(
    kind: str, steps: int, changes: dict[str, Any], pictures: Path
) -> None:
    wish = {"batch": 6, "check": 32, "memory": 0.05, "by_class": True, "precision": "float32", **changes}
    recipe = made(kind, **wish)
    recipe.prepare(pictures)
    torch.manual_seed(0)
    recipe.build()
    before = recipe.validate()["frechet_distance"]
    told = [recipe.step(index) for index in range(steps)]
    if kind != "wgan":  # a critic that is ahead of its generator drives it far at first
        assert recipe.validate()["frechet_distance"] < 0.95 * before
    net = recipe.settle()
    with torch.no_grad():
        blue, red = (net(torch.randn(16, 8), labels=torch.full((16,), kind)).mean((0, 2, 3)) for kind in (0, 1))
    assert float((red[0] - red[2]) - (blue[0] - blue[2])) > 0.15
    if kind == "few":  # it draws what it sees, better and better
        assert told[-1]["drawing"] < 0.9 * told[0]["drawing"]


def test_a_larger_network_begins_with_a_smaller_one(pictures: Path, tmp_path: Path) -> None:
    train(made("gan", adaptive=False), pictures, tmp_path / "small.safetensors")
    begun = made("gan", size=64, by_class=True, initial=str(tmp_path / "small.safetensors"))
    begun.prepare(pictures)
    begun.build()
    old = load_generator(tmp_path / "small.safetensors")
    assert torch.equal(begun.generator.mapping.layers[0].weight[:, :8], old.mapping.layers[0].weight)
    assert torch.equal(begun.generator.blocks[0].conv.weight, old.blocks[0].conv.weight)
    assert adopt(torch.nn.Linear(2, 2), {"weight": torch.zeros(3, 3)}) == 0
    with pytest.raises(TrainingError, match="--initial"):
        missing = made("gan", initial=str(tmp_path / "none.safetensors"))
        missing.prepare(pictures)
        missing.build()


def test_few_pictures_will_do_when_they_are_cropped_at_random(pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    for name in ("1", "3"):
        (folder / f"{name}.png").write_bytes((pictures / "red" / f"{name}.png").read_bytes())
    with pytest.raises(TrainingError, match="2 usable pictures; a batch of 2 needs at least 4: add pictures"):
        made("dcgan").prepare(folder)
    figures = train(made("dcgan", crop="random", crop_factor=0.5), folder, tmp_path / "a.safetensors")
    assert np.isfinite(figures["score"])
    (folder / "3.png").unlink()
    with pytest.raises(TrainingError, match="one usable picture"):
        made("dcgan", crop="random").prepare(folder)


@pytest.mark.parametrize(("kind", "changes", "reason"), [
    ("gan", {"augment": 2.0}, "augment"), ("gan", {"r1": -1.0}, "r1"), ("wgan", {"critic_steps": 0}, "critic_steps"),
    ("wgan", {"penalty": -1.0}, "penalty"), ("few", {"drawing": -1.0}, "drawing"), ("dcgan", {"base": 0}, "base"),
    ("dcgan", {"memory": -1.0}, "memory"), ("few", {"check": 1}, "check"), ("dcgan", {"batch": 1}, "batch"),
])
def test_settings_that_cannot_be(kind: str, changes: dict[str, Any], reason: str, pictures: Path) -> None:
    with pytest.raises(TrainingError, match=reason):
        made(kind, **changes).prepare(pictures)


def test_sizes_that_a_network_has_not_are_sentences(pictures: Path) -> None:
    recipe = made("few", size=32)
    recipe.prepare(pictures)
    with pytest.raises(TrainingError, match="64, 128, 256, 512 or 1024"):
        recipe.build()


def test_a_collapse_is_told_once_and_again_after_a_recovery() -> None:
    torch.manual_seed(0)
    watch, real = VarietyWatch(), torch.randn(6, 3, 32, 32)
    alike = torch.randn(1, 3, 32, 32).expand(6, -1, -1, -1) + 0.01 * torch.randn(6, 3, 32, 32)
    said = [watch.look(10 * step, real, alike) for step in range(60)]
    assert not any(said) and watch.value < LITTLE, "before it has got going it is only young"
    assert not any(watch.look(10 * step, real, torch.randn(6, 3, 32, 32)) for step in range(40))
    assert watch.value == pytest.approx(1, abs=0.2)
    said = [text for step in range(60) if (text := watch.look(10 * step, real, alike))]
    assert len(said) == 1 and "alike" in said[0] and "augmentation" in said[0]
    again = VarietyWatch()
    again.load(watch.state())
    assert again.state() == watch.state() and not again.look(10, real, alike)
    for step in range(40):
        again.look(10 * step, real, torch.randn(6, 3, 32, 32))
    assert sum(bool(again.look(10 * step, real, alike)) for step in range(60)) == 1
    assert watch.look(3, real, alike) == ""


def test_a_collapse_becomes_an_event(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VarietyWatch, "look", lambda self, step, real, fake: "alike" if step == 1 else "")
    events: list[dict[str, Any]] = []
    train(made("dcgan"), pictures, tmp_path / "a.safetensors", on_event=events.append)
    assert [event["message"] for event in events if event["kind"] == "warning"] == ["alike"]


def test_twins_are_few_among_different_pictures_and_all_among_equal_ones() -> None:
    draw = torch.Generator().manual_seed(0)
    real, other = torch.randn(200, 8, generator=draw), torch.randn(200, 8, generator=draw)
    assert twins(real, other) < 0.05
    real[:6] = real[6:12]  # a few doubles in the data change little
    assert twins(real, other) < 0.05
    assert twins(real, other[:5].repeat(40, 1)) == 1


def test_adaptive_augmentation_is_kept_in_the_checkpoint(pictures: Path, tmp_path: Path) -> None:
    recipe = made("gan")
    recipe.prepare(pictures)
    recipe.build()
    assert "adaptive" in recipe.modules and "adaptive" not in _plain(pictures).modules
    recipe.adapt.thousands, recipe.adapt.every = 0.01, 1
    told = [recipe.step(index) for index in range(3)]
    assert {told[index]["overfit"] for index in range(3)} <= {-1.0, 0.0, 1.0} or told[-1]["overfit"] != 0
    assert 0 <= told[-1]["augment"] <= 1


def _plain(pictures: Path) -> GanRecipe:
    recipe = GanRecipe(GanSettings(**TINY, base=16))  # type: ignore[arg-type]
    recipe.prepare(pictures)
    recipe.build()
    return recipe


def test_every_recipe_of_pictures_is_known_to_the_form() -> None:
    for kind in KINDS:
        settings = load_recipe(RECIPES[kind]).Settings()
        wished = {*ABOUT[kind].basics, *ABOUT[kind].data_settings, *(name for name, _ in ABOUT[kind].defaults)}
        assert all(hasattr(settings, name) for name in wished) and ABOUT[kind].plays == "reverie.latent_explorer"
