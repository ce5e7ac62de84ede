"""Draw writer and edges to picture, with tiny networks: what follows from what, and what they say to wrong input."""

from __future__ import annotations

import functools
import itertools
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from studio import paths
from studio.engine import GeneratorError, Stage, render
from studio.library.presets import load_preset
from studio.media import Frame
from studio.nn.draw import DrawConfig, DrawNet
from studio.nn.maps import make_map
from studio.nn.pix2pix import Pix2PixConfig, make_net
from studio.nn.weights import save_model
from studio.params import ParamSet
from studio.plugins import discover

torch.set_num_threads(1)
SIZE = (128, 96)


@functools.cache
def plugin(name: str) -> Any:
    return discover().get(name)


def stage(name: str, **values: Any) -> Stage:
    chosen = ParamSet(plugin(name).load().params)
    for key, value in values.items():
        assert not chosen.set(key, value), f"{key} was changed"
    return Stage(plugin(name).load(), chosen, plugin(name).folder)


def shown(one: Stage, frames: int = 1, source: list[Frame] | None = None, **options: Any) -> list[Frame]:
    options = {"size": SIZE, "seed": 5, "fps": 10, **options}
    given = iter(source) if source is not None else None
    made = render([one], frames=len(source) if source is not None else frames, source=given, **options)
    return [frame for frame in made if isinstance(frame, np.ndarray)]


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(1)
    net = DrawNet(DrawConfig(12, 1, 4, 3, 16, 3, 3, ("0", "1", "2", "3")))
    with torch.no_grad():
        net.decoder.weight_ih.mul_(6)
        net.to_patch.weight.mul_(30)
    path = tmp_path_factory.mktemp("draw") / "small.safetensors"
    save_model(path, net.state_dict(), "draw", net.config.to_dict())
    return str(path)


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(2)
    net = DrawNet(DrawConfig(8, 3, 3, 2, 8, 2, 2))
    path = tmp_path_factory.mktemp("draw") / "colours.safetensors"
    save_model(path, net.state_dict(), "draw", net.config.to_dict())
    return str(path)


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(3)
    config = Pix2PixConfig("light", 4, 4, 0.0, "lines", 64)
    net = make_net(config)
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.dim() == 4:
                parameter.mul_(6)
    path = tmp_path_factory.mktemp("pix") / "small.safetensors"
    save_model(path, net.state_dict(), "pix2pix", config.to_dict())
    return str(path)


def drawn(writer: str, **values: Any) -> Stage:
    return stage("draw_writer", **{"model": writer, "pace": 10.0, "rest": 0.2, "rows": 1, "columns": 2, **values})


# --- draw writer ---


def test_a_drawing_grows_stands_goes_and_repeats_bit_for_bit(writer: str) -> None:
    """At 10 frames and strokes a second a round is 4 strokes, 2 to leave and 2 of rest: eight frames."""
    first, again = (shown(drawn(writer, attention=0.0), 17) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True)) and first[0].shape == (96, 128, 3)
    ink = [float(frame.mean()) for frame in first]
    assert ink[4] > ink[7] and np.array_equal(first[4], first[5])  # it stands, then gives way
    assert not np.array_equal(first[4], first[12])  # the next drawing is another one


def test_what_is_drawn_does_not_depend_on_the_pace(writer: str) -> None:
    slow = shown(drawn(writer, attention=0.0, pace=10.0, rest=1.0), 12)
    fast = shown(drawn(writer, attention=0.0, pace=20.0, rest=1.0), 12)
    assert np.array_equal(slow[6], fast[6])  # both stand finished


def test_turning_the_pace_does_not_tear_the_drawing_up(writer: str) -> None:
    def turn(frame: int, values: list[ParamSet]) -> None:
        if frame == 2:
            values[0].set("pace", 2.0)

    frames = shown(drawn(writer, rest=2.0, attention=0.0), 6, automate=turn)
    steps = [float(np.abs(b.astype(float) - a).mean()) for a, b in itertools.pairwise(frames)]
    assert max(steps[2:]) <= max(steps[:2]) + 0.5


def test_text_is_drawn_sign_by_sign_and_strangers_stay_empty(writer: str) -> None:
    notices: list[str] = []
    frame = shown(drawn(writer, order="text", text="1x", attention=0.0), 6, on_notice=notices.append)[-1]
    assert np.ptp(frame[:, 64:, 0]) == 0 < np.ptp(frame[:, :64, 0]) and len(notices) == 1 and "'x'" in notices[0]
    same = shown(drawn(writer, order="counting", first=11, columns=1, attention=0.0), 6)[-1]
    assert np.array_equal(same, shown(drawn(writer, order="text", text="1", columns=1, attention=0.0), 6)[-1])


def test_counting_goes_on_with_every_round(writer: str) -> None:
    counted = shown(drawn(writer, order="counting", first=2, columns=1, attention=0.0), 14)
    spelled = shown(drawn(writer, order="text", text="23", columns=1, attention=0.0), 14)
    assert np.array_equal(counted[5], spelled[5]) and np.array_equal(counted[13], spelled[13])


def test_the_frame_of_attention_is_seen_while_it_draws_only(writer: str) -> None:
    with_frame = shown(drawn(writer, attention=1.0, frame="#00ff00", rest=1.0), 12)
    without = shown(drawn(writer, attention=0.0, rest=1.0), 12)
    assert np.abs(with_frame[1].astype(int) - without[1]).max() > 60
    assert np.array_equal(with_frame[9], without[9])


def test_cells_may_begin_one_after_the_other(writer: str) -> None:
    frames = shown(drawn(writer, stagger=1.0, attention=0.0, rest=0.0), 3)
    assert np.ptp(frames[2][:, 64:, 0]) == 0 < np.ptp(frames[2][:, :64, 0])


@pytest.mark.parametrize("values", [
    {"wildness": 0.0}, {"unit": "beats", "trail": 8}, {"ground": "#ffffff", "ink": "#000000", "gap": 1.0},
    {"rows": 3, "columns": 9, "gap": 0.0}, {"filters": False},
])
def test_ways_to_draw(writer: str, values: dict[str, Any]) -> None:
    assert shown(drawn(writer, **values), 4)[-1].std() > 0.5


def test_a_network_of_colours_and_no_classes(colours: str) -> None:
    frame = shown(drawn(colours, order="text", text="17", attention=0.0, rest=5.0), 6)[-1].astype(int)
    assert np.abs(frame[:, :, 0] - frame[:, :, 2]).max() > 2


def test_another_model_and_size_in_the_middle(writer: str, colours: str) -> None:
    def change(frame: int, values: list[ParamSet]) -> None:
        if frame == 2:
            values[0].set("model", colours)
            values[0].set("rows", 2)

    assert len(shown(drawn(writer), 4, automate=change)) == 4


# --- edges to picture ---


def photo(seed: int = 0, height: int = 72, width: int = 96) -> Frame:
    small = np.random.default_rng(seed).integers(20, 235, (5, 6, 3), np.uint8)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def paint(painter: str, **values: Any) -> Stage:
    return stage("edges_to_picture", **{"model": painter, "size": 64, **values})


def test_frames_keep_their_size_and_repeat_bit_for_bit(painter: str) -> None:
    source = [photo(0, 71, 99)] * 3
    first, again = (shown(paint(painter), source=source) for _ in range(2))
    assert [frame.shape for frame in first] == [(71, 99, 3)] * 3
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_the_painting_follows_from_the_map_alone(painter: str) -> None:
    """The same drawing in other colours gives the same painting; another drawing another one."""
    source = photo()
    drawing = make_map(source, "lines", 0.5)
    one, two, three = (shown(paint(painter, begin="drawing"), source=[frame])[0]
                       for frame in (drawing, 255 - drawing, make_map(photo(1), "lines", 0.5)))
    assert np.array_equal(one, two) and not np.array_equal(one, three)


def test_noise_is_calmed_and_motion_is_not_smeared(painter: str) -> None:
    rng = np.random.default_rng(1)
    noisy = [np.clip(photo() + rng.normal(0, 6, (72, 96, 3)), 0, 255).astype(np.uint8) for _ in range(8)]
    change = {}
    for steadiness in (0.0, 1.0):
        frames = shown(paint(painter, steadiness=steadiness), source=noisy)[3:]
        change[steadiness] = np.mean([np.abs(b.astype(float) - a).mean() for a, b in itertools.pairwise(frames)])
    assert change[1.0] < 0.6 * change[0.0]
    jump = [photo(0)] * 4 + [photo(1)] * 2
    steady, plain = (shown(paint(painter, steadiness=s), source=jump)[-1].astype(float) for s in (1.0, 0.0))
    assert np.abs(steady - plain).mean() < 0.25 * np.abs(plain - shown(paint(painter), source=jump)[0]).mean()


@pytest.mark.parametrize("values", [
    {"begin": "edges"}, {"begin": "shapes"}, {"bold": 1.0}, {"beside": True}, {"lines_over": 1.0}, {"mirror": True},
    {"saturation": 0.0}, {"contrast": 2.0}, {"share": 1.0}, {"detail": 1.0}, {"size": 200},
])
def test_every_knob_does_something(painter: str, values: dict[str, Any]) -> None:
    source = [photo()]
    plain, changed = shown(paint(painter), source=source)[0], shown(paint(painter, **values), source=source)[0]
    assert changed.shape == plain.shape and not np.array_equal(plain, changed)
    if values.get("saturation") == 0.0:
        assert np.ptp(changed.astype(int), axis=2).max() <= 2
    if values.get("share") == 1.0:
        assert np.abs(cv2.resize(changed, (6, 5)).astype(int) - cv2.resize(source[0], (6, 5))).mean() < 40


def test_without_input_a_landscape_of_its_own_moves(painter: str) -> None:
    frames = shown(paint(painter, share=1.0, steadiness=0.0), 3)
    assert frames[0].shape == (96, 128, 3) and frames[0].std() > 20 and not np.array_equal(frames[0], frames[2])


def test_a_sketch_is_read_and_read_again_when_it_was_saved(painter: str, tmp_path: Path) -> None:
    path = tmp_path / "sketch.png"
    Image.fromarray(photo(2)).save(path)

    def save(frame: int, values: list[ParamSet]) -> None:
        if frame == 8:
            Image.fromarray(photo(3)).save(path)
            os.utime(path, (1, 1))  # whatever the clock of the disk resolves

    frames = shown(paint(painter, sketch=str(path), share=1.0, steadiness=0.0), 20, automate=save)
    assert np.array_equal(frames[0], frames[7]) and not np.array_equal(frames[0], frames[-1])


def test_a_sketch_that_cannot_be_read_is_told_once_and_the_landscape_shown(painter: str, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"junk")
    notices: list[str] = []
    frames = shown(paint(painter, sketch=str(tmp_path / "x.png")), 14, on_notice=notices.append)
    assert len(frames) == 14 and len(notices) == 1 and "x.png" in notices[0]


@pytest.mark.parametrize("name", ["draw_writer", "edges_to_picture"])
def test_a_model_of_another_kind_is_a_sentence(name: str, writer: str, painter: str) -> None:
    wrong = painter if name == "draw_writer" else writer
    with pytest.raises(GeneratorError, match="model, this needs a"):
        shown(stage(name, model=wrong))


@pytest.mark.parametrize("name", ["draw_writer", "edges_to_picture"])
def test_presets_fit(name: str) -> None:
    found = sorted((paths.bundled("presets") / name).glob("*.json"))
    assert len(found) >= 6
    for path in found:
        preset, report = load_preset(path)
        assert not report and preset.generator == f"reverie.{name}" and preset.about
        assert not ParamSet(plugin(name).load().params).load(preset.params), path
