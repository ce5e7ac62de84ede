"""Style camera, style painting and the sample scene, run through the engine as a user would."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from studio import paths
from studio.devices.inputs import open_source
from studio.engine import GeneratorError, Stage, render
from studio.generator import Cancelled
from studio.library.presets import find_presets, load_preset
from studio.media import Frame
from studio.nn.style import StyleNet
from studio.nn.style_reader import StyleReader, tensors_of
from studio.nn.vgg import VGG
from studio.nn.weights import save_model
from studio.params import ParamSet
from studio.plugins import discover

ID = {"style_camera": "reverie.style_camera", "style_painting": "reverie.style_painting"}


@functools.cache
def plugin(name: str) -> Any:
    return discover().get(name)


def stage(name: str, **values: Any) -> Stage:
    generator = plugin(name).load()
    chosen = ParamSet(generator.params)
    for key, value in values.items():
        assert not chosen.set(key, value), f"{key} was changed"
    return Stage(generator, chosen, plugin(name).folder)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(5)
    net = StyleNet(["one", "two"], 16, 24, 1)
    with torch.no_grad():
        net.gamma.add_(0.4 * torch.randn_like(net.gamma))
        net.beta.add_(0.4 * torch.randn_like(net.beta))
        net.head.weight.mul_(5)
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    save_model(path, dict(net.state_dict()), "style_net", net.config)
    return str(path)


def camera(model: str, **values: Any) -> Stage:
    return stage("style_camera", **{"model": model, "own_style": "one", "own_second": "two", "size": 128, **values})


def still(height: int = 72, width: int = 96, seed: int = 0) -> Frame:
    rng = np.random.default_rng(seed)
    small = rng.integers(30, 226, (6, 8, 3), np.uint8)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def noisy(frame: Frame, count: int, sigma: float, seed: int = 1) -> list[Frame]:
    """The same scene as a camera sees it: another noise in every frame."""
    rng = np.random.default_rng(seed)
    return [np.clip(frame + rng.normal(0, sigma, frame.shape), 0, 255).astype(np.uint8) for _ in range(count)]


def shown(stages: list[Stage], source: list[Frame] | None = None, **options: Any) -> list[Frame]:
    given: Iterator[Frame] | None = iter(source) if source is not None else None
    options.setdefault("frames", len(source) if source is not None else 1)
    return [frame for frame in render(stages, source=given, **options) if isinstance(frame, np.ndarray)]


def flicker(frames: list[Frame]) -> float:
    """Mean change from frame to frame, of 255."""
    return float(np.mean([np.abs(b.astype(float) - a).mean() for a, b in itertools.pairwise(frames)]))


def test_frames_keep_their_size_and_repeat_bit_for_bit(model: str) -> None:
    source = noisy(still(71, 99), 4, 3)
    first, again = (shown([camera(model, boil=0.5)], source, seed=3) for _ in range(2))
    assert [frame.shape for frame in first] == [(71, 99, 3)] * 4
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_precision_may_fall_and_rise_in_the_middle_of_a_film(model: str, precision: str) -> None:
    """As on a machine that is too slow: the input is larger than the working size, so that edges are carried over."""
    source = noisy(still(144, 192), 4, 3)
    plain = shown([camera(model, blend=0.5, precision=precision)], source)
    frames = render([camera(model, blend=0.5, precision=precision)], source=iter(source), frames=4)
    mixed = [next(frames)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed += [next(frames), next(frames)]
    mixed.append(next(frames))
    assert len(mixed) == 4
    for a, b in zip(plain, mixed, strict=True):
        assert isinstance(b, np.ndarray) and float(np.abs(a.astype(float) - b).mean()) < 4


def test_mirror_styles_the_mirrored_picture(model: str) -> None:
    source = noisy(still(), 3, 2)
    flipped = [np.ascontiguousarray(frame[:, ::-1]) for frame in source]
    mirrored = shown([camera(model, mirror=True)], source)
    assert all(np.array_equal(a, b) for a, b in zip(mirrored, shown([camera(model)], flipped), strict=True))


def test_strength_zero_differs_from_full_style_and_blend_reaches_the_second(model: str) -> None:
    source = [still()]
    full, second = shown([camera(model)], source)[0], shown([camera(model, own_style="two")], source)[0]
    assert np.array_equal(shown([camera(model, blend=1.0)], source)[0], second)
    between = shown([camera(model, blend=0.5)], source)[0]
    assert not np.array_equal(full, second) and not np.array_equal(between, full)
    assert not np.array_equal(shown([camera(model, strength=0.0)], source)[0], full)


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that takes any picture as a style."""
    torch.manual_seed(6)
    net = StyleNet(["one", "two"], 16, 24, 1)
    reader = StyleReader(VGG(["1_1", "2_1", "3_1", "4_1"], [4, 4, 6, 6], padding="reflect"), net.width, 8)
    with torch.no_grad():
        net.gamma[:-1] += 0.4 * torch.randn_like(net.gamma[:-1])
        reader.last.bias.copy_(net.table()[0])
        reader.last.weight.normal_(std=0.6)
    path = tmp_path_factory.mktemp("reading") / "reading.safetensors"
    config = {**net.config, "reader": reader.config}
    save_model(path, {**net.state_dict(), **tensors_of(reader)}, "style_net", config)
    return str(path)


def test_any_picture_is_a_style_and_blends_with_the_others(reading: str, tmp_path: Path) -> None:
    for name, seed in (("wall.png", 3), ("sky.png", 4)):
        cv2.imwrite(str(tmp_path / name), still(seed=seed))
    wall, sky = str(tmp_path / "wall.png"), str(tmp_path / "sky.png")
    source = [still()]
    one = shown([camera(reading)], source)[0]
    first, other = (shown([camera(reading, picture=path)], source)[0] for path in (wall, sky))
    assert not np.array_equal(first, other) and not np.array_equal(first, one)
    assert np.array_equal(first, shown([camera(reading, second_picture=wall, blend=1.0)], source)[0])
    between = shown([camera(reading, picture=wall, blend=0.5)], source)[0]
    two = shown([camera(reading, own_style="two")], source)[0]
    assert not any(np.array_equal(between, end) for end in (first, two))


def test_a_look_glides_from_one_picture_to_another_while_it_plays(reading: str, tmp_path: Path) -> None:
    for name, seed in (("wall.png", 3), ("sky.png", 4)):
        cv2.imwrite(str(tmp_path / name), still(seed=seed))
    playing = camera(reading, picture=str(tmp_path / "wall.png"), glide=0.5, steadiness=0.0)
    frames = render([playing], source=itertools.repeat(still()), frames=60, fps=30)
    made = []
    for number in range(60):
        if number == 5:
            playing.values.set("picture", str(tmp_path / "sky.png"))
        made.append(np.asarray(next(frames), float))
    changes = [np.abs(b - a).mean() for a, b in itertools.pairwise(made)]
    whole = np.abs(made[-1] - made[0]).mean()
    assert whole > 1 and max(changes) < 0.5 * whole, "it glides, it does not jump"
    settled = shown([camera(reading, picture=str(tmp_path / "sky.png"), steadiness=0.0)], [still()])[0]
    assert np.abs(made[-1] - settled).mean() < 0.02 * whole + 0.5


def test_what_cannot_be_a_style_is_said_and_the_chosen_style_stays(model: str, reading: str, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "tiny.png"), still(12, 20))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    cv2.imwrite(str(tmp_path / "good.png"), still(seed=3))
    for used, name, words in (
        (reading, "tiny.png", "20x12 pixels is too small"), (reading, "broken.png", "broken.png"),
        (reading, "gone.png", "gone.png"), (model, "good.png", "takes no pictures as styles"),
    ):
        said: list[str] = []
        frame = shown([camera(used, picture=str(tmp_path / name))], [still()], on_notice=said.append)[0]
        assert np.array_equal(frame, shown([camera(used)], [still()])[0])
        assert any(words in text for text in said), said


def test_keep_colours_takes_the_hues_of_the_camera(model: str) -> None:
    source = [(still() // 4 + 96).astype(np.uint8)]  # mild colours: nothing is clipped

    def hues(frame: Frame) -> Any:
        return cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)[8:-8, 8:-8, 1:].astype(float)

    styled, kept = (shown([camera(model, colour=share, detail=0.0)], source)[0] for share in (0.0, 1.0))
    wanted = hues(source[0])
    assert np.abs(hues(kept) - wanted).mean() < 0.25 * np.abs(hues(styled) - wanted).mean()


def test_steadiness_lowers_flicker_on_a_still_scene(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    source = noisy(still(), 16, 5)
    figures = {s: flicker(shown([camera(model, steadiness=s)], source)[6:]) for s in (0.0, 0.3, 0.6, 1.0)}
    with capsys.disabled():
        print("\nflicker of 255 by steadiness:", {s: round(value, 2) for s, value in figures.items()})
    assert figures[0.0] > figures[0.3] > figures[0.6] > figures[1.0]
    assert figures[0.6] < 0.5 * figures[0.0]


def test_steadiness_does_not_smear_what_moves(model: str) -> None:
    """A bar that jumps is where it is now, not where it was."""
    source = []
    for place in (8, 8, 8, 8, 56, 56):
        frame = np.full((72, 96, 3), 60, np.uint8)
        frame[:, place : place + 24] = (240, 200, 40)
        source.append(frame)
    steady, plain = (shown([camera(model, steadiness=s, detail=0.0)], source)[-1] for s in (1.0, 0.0))
    assert np.abs(steady.astype(float) - plain).mean() < 8


def test_another_style_glides_in(model: str) -> None:
    def switch(frame: int, values: list[ParamSet]) -> None:
        if frame == 3:
            values[0].set("own_style", "two")

    source = [still()] * 30
    frames = shown([camera(model, glide=1.0, steadiness=0.0)], source, automate=switch)
    steps = [float(np.abs(b.astype(float) - a).mean()) for a, b in itertools.pairwise(frames)]
    assert max(steps) < 0.4 * float(np.abs(frames[-1].astype(float) - frames[0]).mean())
    assert steps[0] == 0.0


def test_a_video_file_goes_through(model: str, tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "v.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25.0, (96, 72))
    for frame in noisy(still(), 5, 2):
        writer.write(frame[:, :, ::-1])
    writer.release()
    with open_source(tmp_path / "v.mp4") as source:
        frames = list(render([camera(model)], source=source, frames=None))
    assert len(frames) == 5 and all(isinstance(f, np.ndarray) and f.shape == (72, 96, 3) for f in frames)


def test_without_input_it_says_so_and_shows_a_picture(model: str) -> None:
    notices: list[str] = []
    frames = shown([camera(model)], frames=2, size=(120, 80), on_notice=notices.append)
    assert frames[0].shape == (80, 120, 3) and frames[0].std() > 10
    assert len([notice for notice in notices if "no input" in notice]) == 1


def test_an_unknown_style_is_told_once_and_replaced(model: str) -> None:
    notices: list[str] = []
    shown([camera(model, own_style="cubism")], noisy(still(), 2, 1), on_notice=notices.append)
    assert [notice for notice in notices if "'cubism'" in notice and "one, two" in notice] == notices


def test_working_size_may_change_while_it_runs(model: str) -> None:
    def change(frame: int, values: list[ParamSet]) -> None:
        values[0].set("size", 128 + 40 * frame)

    assert len(shown([camera(model)], noisy(still(), 3, 1), automate=change)) == 3


def test_every_effect_follows_the_sample_scene(model: str) -> None:
    frames = shown([stage("sample_scene"), camera(model)], frames=2, size=(96, 64))
    assert [frame.shape for frame in frames] == [(64, 96, 3)] * 2


PAINT = {"steps": 4, "size": 96, "levels": 1, "preview": 2}


def test_a_painting_grows_in_previews_and_repeats_bit_for_bit() -> None:
    runs = []
    for _ in range(2):
        previews: list[Any] = []
        frames = shown([stage("style_painting", **PAINT, start="mix")], [still()], on_preview=previews.append)
        runs.append(frames[0])
        assert frames[0].shape == (72, 96, 3) and len(previews) >= 1
    assert np.array_equal(*runs)


def test_a_finished_painting_stays_until_something_changes() -> None:
    same, changed = still(), still(seed=4)
    frames = shown([stage("style_painting", **PAINT)], [same, same, changed])
    assert np.array_equal(frames[0], frames[1]) and not np.array_equal(frames[1], frames[2])


def test_a_painting_without_any_input_takes_the_picture_of_the_plugin() -> None:
    assert shown([stage("style_painting", **PAINT)], frames=1)[0].shape == (72, 96, 3)


@pytest.mark.parametrize("values", [
    {"mode": "style only", "start": "noise"}, {"mode": "content only", "start": "noise"}, {"optimiser": "adam"},
    {"pooling": "avg", "colour": 1.0}, {"blend": 0.5, "more": "ink = 0.5; glass"}, {"own_layers": "relu2_1, relu3_1"},
])
def test_ways_to_paint(values: dict[str, Any]) -> None:
    frame = shown([stage("style_painting", **{**PAINT, "steps": 2, **values})], [still()])[0]
    assert frame.std() > 3


def test_painting_is_cancelled_within_a_step() -> None:
    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 8

    with pytest.raises(Cancelled):
        shown([stage("style_painting", **{**PAINT, "steps": 2000})], [still()], cancelled=cancelled)
    assert len(asked) < 14


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"content": "/nowhere/x.png"}, "there is no picture .*x.png"),
        ({"more": "ink = much"}, "weight 'much' of ink is not a number"),
        ({"own_layers": "relu9_9"}, "no layer 'relu9_9'"),
    ],
)
def test_what_cannot_be_painted_is_a_sentence(values: dict[str, Any], words: str) -> None:
    with pytest.raises(GeneratorError, match=words):
        shown([stage("style_painting", **{**PAINT, **values})], [still()])


def test_a_file_that_is_no_picture_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"junk" * 50)
    with pytest.raises(GeneratorError, match=r"x\.png cannot be read as a picture"):
        shown([stage("style_painting", **PAINT, own_style=str(tmp_path / "x.png"))], [still()])


def test_the_scene_moves_and_repeats_bit_for_bit() -> None:
    runs = [shown([stage("sample_scene", grain=0.02)], frames=3, size=(160, 120), seed=4) for _ in range(2)]
    assert all(np.array_equal(a, b) for a, b in zip(*runs, strict=True))
    assert runs[0][0].shape == (120, 160, 3) and not np.array_equal(runs[0][0], runs[0][2])


@pytest.mark.parametrize("season", ["spring", "summer", "autumn", "winter"])
def test_day_is_brighter_than_night_in_every_season(season: str) -> None:
    day, night = (shown([stage("sample_scene", season=season, hour=h)], size=(96, 64))[0].mean() for h in (12, 0))
    assert day > 2 * night > 0


def test_a_passing_day_does_not_jump() -> None:
    frames = shown([stage("sample_scene", day_speed=4.0, sway=0.0)], frames=150, size=(48, 36))
    assert max(np.abs(b.astype(float) - a).mean() for a, b in itertools.pairwise(frames)) < 12


@pytest.mark.parametrize("name", ["style_camera", "style_painting", "sample_scene"])
def test_presets_fit_their_plugin(name: str) -> None:
    found = sorted((paths.bundled("presets") / name).glob("*.json"))
    assert len(found) >= 6
    params = plugin(name).load().params
    for path in found:
        preset, report = load_preset(path)
        assert not report and preset.generator == f"reverie.{name}" and preset.about
        assert not ParamSet(params).load(preset.params), path
    assert len(find_presets(f"reverie.{name}")) == len(found)
