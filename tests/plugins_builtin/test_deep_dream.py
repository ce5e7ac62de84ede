"""The DeepDream plugin through the engine, with a small random network of our own layout."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from studio import paths
from studio.engine.chain import GeneratorError, Stage
from studio.engine.render import render
from studio.nn.googlenet import GoogLeNet
from studio.nn.vgg import VGG
from studio.nn.weights import save_model
from studio.params import ParamSet
from studio.plugins import discover

pytestmark = pytest.mark.usefixtures("one_thread")
QUICK = {"size": 96, "octaves": 2, "steps": 1, "opening": 2, "layer": "3a", "exact": True}


@pytest.fixture(scope="module")
def plugin():
    return discover().get("deep_dream")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(4)
    net = GoogLeNet("3b")
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    path = tmp_path_factory.mktemp("models") / "eyes.safetensors"
    save_model(path, net.tensors(), "features", net.architecture())
    return str(path)


def frames(
    plugin, model: str, count: int = 3, *, source=None, size=None, seed: int = 0, fps: float = 10.0, notices=None,
    previews=None, **values,
) -> list[np.ndarray]:
    params = ParamSet(plugin.load().params)
    assert params.load({**QUICK, "model": model, **values}) == []
    stage = Stage(plugin.load(), params, plugin.folder)
    return list(render(
        [stage], frames=count, fps=fps, seed=seed, size=size, source=source,
        on_notice=(notices if notices is not None else []).append,
        on_preview=(previews if previews is not None else []).append,
    ))


def test_the_same_seed_is_the_same_flight(plugin, model: str) -> None:
    one, two, other = (frames(plugin, model, seed=seed, wander=0.5) for seed in (1, 1, 2))
    assert [frame.shape for frame in one] == [(96, 96, 3)] * 3
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[0], other[0])
    assert not np.array_equal(one[0], one[1])


def test_the_output_size_is_the_wished_one(plugin, model: str) -> None:
    assert frames(plugin, model, 1, size=(112, 72))[0].shape == (72, 112, 3)


def test_it_starts_from_a_picture_and_follows_its_shape(plugin, model: str, tmp_path: Path) -> None:
    pixels = np.zeros((60, 120, 3), np.uint8)
    pixels[:, :60] = (200, 60, 30)
    Image.fromarray(pixels).save(tmp_path / "start.png")
    frame = frames(plugin, model, 1, picture=str(tmp_path / "start.png"), opening=0, steps=0, hold=0.0)[0]
    assert frame.shape == (48, 96, 3)
    assert np.abs(frame[:, :40].astype(int) - (200, 60, 30)).max() < 12


def test_a_picture_of_other_proportions_is_cropped_and_not_stretched(plugin, model: str, tmp_path: Path) -> None:
    y, x = np.mgrid[:120, :120] - 59.5
    disc = np.where((x**2 + y**2 < 20**2)[..., None], np.uint8(230), np.uint8(40)).repeat(3, 2)
    Image.fromarray(disc).save(tmp_path / "disc.png")
    calm = {"picture": str(tmp_path / "disc.png"), "opening": 0, "steps": 0, "hold": 0.0}
    frame = frames(plugin, model, 1, size=(192, 96), **calm)[0]
    ys, xs = np.nonzero(frame[..., 0] > 128)
    assert abs(int(np.ptp(ys)) - int(np.ptp(xs))) <= 2, "a disc stays round"
    assert abs(float(xs.mean()) - 95.5) < 2 and abs(float(ys.mean()) - 47.5) < 2


def test_live_input_is_dreamt_on_and_mixed(plugin, model: str) -> None:
    def camera():
        for level in (40, 200, 40, 200):
            yield np.full((80, 96, 3), level, np.uint8)

    untouched = frames(plugin, model, 4, source=camera(), mix=0.0)
    assert [int(frame.mean()) for frame in untouched] == [40, 200, 40, 200]
    followed = [frame.mean() for frame in frames(plugin, model, 4, source=camera(), live=0.9, hold=0.0)]
    assert followed[1] > followed[0] + 60
    assert followed[2] < followed[1] - 60
    only_first = [frame.mean() for frame in frames(plugin, model, 4, source=camera(), live=0.0, hold=0.0)]
    assert max(only_first) - min(only_first) < 30


def test_brightness_and_contrast_hold_over_a_long_flight(plugin, model: str) -> None:
    made = frames(plugin, model, 60, size=(64, 64), zoom=1.5, palette="ember", octaves=1)
    first, last = made[5].astype(float), made[-1].astype(float)
    assert np.abs(first.mean((0, 1)) - last.mean((0, 1))).max() < 6
    assert last.std() == pytest.approx(first.std(), rel=0.15)


def test_speeds_are_per_second(plugin, model: str, tmp_path: Path) -> None:
    """A flight of one second is as far at 5 frames per second as at 20."""
    coarse = np.random.default_rng(1).integers(0, 255, (5, 5, 3), np.uint8)
    Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC).save(tmp_path / "smooth.png")
    pace = {"picture": str(tmp_path / "smooth.png"), "steps": 0, "opening": 0, "zoom": 0.4, "rotation": 15.0,
            "hold": 0.0, "size": (64, 64)}
    still = frames(plugin, model, 1, **pace)[0].astype(float)
    slow, fast = frames(plugin, model, 6, fps=5.0, **pace)[-1], frames(plugin, model, 21, fps=20.0, **pace)[-1]
    assert np.abs(slow - still)[16:48, 16:48].mean() > 12
    assert np.abs(slow.astype(float) - fast)[16:48, 16:48].mean() < 6


def test_octaves_that_are_too_small_are_dropped_with_a_notice(plugin, model: str) -> None:
    notices: list[str] = []
    assert frames(plugin, model, 2, size=(40, 40), octaves=8, notices=notices)[0].shape == (40, 40, 3)
    assert notices == ["1 of 8 octaves used: the others are under 32 pixels a side"]


def test_the_opening_shows_previews(plugin, model: str) -> None:
    previews: list = []
    frames(plugin, model, 1, previews=previews)
    assert len(previews) >= 2
    assert all(preview.shape == (96, 96, 3) for preview in previews)


def test_targets_as_text_and_as_a_journey(plugin, model: str) -> None:
    one = frames(plugin, model, 1, targets="3a:5*0.5 + conv2")[0]
    assert not np.array_equal(one, frames(plugin, model, 1)[0])
    journey = frames(plugin, model, 6, targets="3a | conv2:3 | 3b", stay=0.5, fps=10.0)
    assert len(journey) == 6
    with pytest.raises(GeneratorError, match="targets: cannot read"):
        frames(plugin, model, 1, targets="3a !!")


def test_a_layer_the_network_does_not_have_is_replaced(plugin, model: str, tmp_path: Path) -> None:
    notices: list[str] = []
    frames(plugin, model, 1, layer="4d", notices=notices)
    assert notices == ["this network has no layer 4d; 3b is used instead"]
    torch.manual_seed(0)
    net = VGG(["1_1", "2_1", "3_1"], [4, 4, 4])
    save_model(tmp_path / "vgg.safetensors", net.tensors(), "features", net.architecture())
    notices.clear()
    frames(plugin, str(tmp_path / "vgg.safetensors"), 1, layer="4c", notices=notices)
    assert notices == ["this network has no layer 4c; relu2_1 is used instead"]


def test_a_guide_changes_the_dream(plugin, model: str, tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 70, 3), np.uint8)).save(tmp_path / "guide.png")
    guided = frames(plugin, model, 2, guide=str(tmp_path / "guide.png"))
    assert not np.array_equal(guided[-1], frames(plugin, model, 2)[-1])


@pytest.mark.parametrize("values", [
    {"model": "no_such_model"}, {"picture": "nowhere.png"}, {"guide": "nowhere.png"},
    {"palette_picture": "nowhere.png"},
])
def test_missing_files_are_sentences(plugin, model: str, values: dict) -> None:
    with pytest.raises(GeneratorError, match=r"no_such_model|nowhere"):
        frames(plugin, values.pop("model", model), 1, **values)


def test_mirrors_are_symmetric(plugin, model: str) -> None:
    frame = frames(plugin, model, 1, mirrors=1, opening=0, steps=0)[0].astype(int)
    assert np.abs(frame - frame[:, ::-1]).max() <= 1


def test_the_house_model_opens(plugin) -> None:
    if not (Path(__file__).parents[2] / "resources" / "models" / "dream_features.safetensors").is_file():
        pytest.skip("the house model is not here")
    frame = frames(plugin, "dream_features", 1, layer="4c")[0]
    assert frame.std() > 15


@pytest.mark.skipif(sys.platform == "win32", reason="the resource module is Unix")
@pytest.mark.slow
def test_a_4k_dream_in_bounded_memory(plugin, model: str) -> None:
    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB on Linux

    frames(plugin, model, 1, size=(640, 640), opening=1, tile=512)
    before = peak()
    frame = frames(plugin, model, 1, size=(3840, 2160), octaves=1, opening=1, steps=1, tile=512)[0]
    assert frame.shape == (2160, 3840, 3)
    # thirteen times the pixels: the picture in 32 bits is 100 MB, and a step holds about ten such
    assert peak() - before < 1400


def test_every_channel_number_is_a_motif(plugin, model: str) -> None:
    notices: list[str] = []
    beyond = frames(plugin, model, 1, channel=1023, notices=notices)[0]
    within = frames(plugin, model, 1, channel=1023 % 256)[0]
    assert np.array_equal(beyond, within)
    assert [text for text in notices if "channels 0 to 255; 1023 is taken as 255" in text]


def test_the_layers_on_offer_are_those_of_the_network(plugin, model: str, tmp_path: Path) -> None:
    offered = plugin.load().choices_now({"model": model}, Path)
    assert offered == dict.fromkeys(("layer", "layer_b"), ("conv1", "conv2", "3a", "3b"))
    house = plugin.load().choices_now({"model": "dream_features"}, paths.find_model)
    assert "4e" in house["layer"] and "5a" not in house["layer"]
    assert plugin.load().choices_now({"model": str(tmp_path / "gone.safetensors")}, paths.find_model) == {}


def test_another_start_under_a_picture_does_not_begin_anew(plugin, model: str, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(2).integers(0, 255, (96, 96, 3), np.uint8)).save(photo)
    calm = frames(plugin, model, 3, picture=str(photo))
    params = ParamSet(plugin.load().params)
    assert params.load({**QUICK, "model": model, "picture": str(photo)}) == []
    turned = list(render([Stage(plugin.load(), params, plugin.folder)], frames=3, fps=10.0,
                         automate=lambda step, sets: sets[0].set("start", "noise") if step == 2 else None))
    assert all(np.array_equal(one, two) for one, two in zip(calm, turned, strict=True))


def test_a_dropped_photograph_is_dreamt_at_once(plugin) -> None:
    dream, values = plugin.load(), {"start": "input", "picture": ""}
    assert dream.begins_with_input(values) and dream.for_drop(values, "a.png", "picture", True) == {}
    behind = dream.for_drop(values, "a.png", "picture", False)
    clouds = dream.for_drop({"start": "clouds", "picture": ""}, "a.png", "picture", True)
    other = dream.for_drop({"start": "input", "picture": "b.png"}, "a.png", "picture", True)
    assert behind == clouds == other == {"picture": "a.png"}
    assert dream.for_drop({"start": "clouds", "picture": "b.png"}, "a.mp4", "video", True) == {
        "start": "input", "picture": ""}
