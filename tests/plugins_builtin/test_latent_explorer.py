"""The latent explorer: one seed is one picture, loops close, knobs never make it jump, texts never break it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio import paths
from studio.library.presets import find_presets
from studio.params import ParamSet
from tests.plugins_builtin.latent_stand import Explorer, frames, gap, save_tiny_network

HOUSE = "flowers"


@pytest.fixture(autouse=True)
def tiny(_own_home: None) -> None:
    save_tiny_network()


def test_one_seed_is_one_picture_in_every_mode() -> None:
    still = frames(mode="still", seed=9)[0]
    assert still.shape == (64, 64, 3) and still.std() > 5
    assert gap(still, frames(mode="still", seed=10)[0]) > 3
    for params in (
        {"mode": "interpolate", "end_seed": 4}, {"mode": "interpolate", "end_seed": 4, "interpolation": "linear"},
        {"mode": "walk"}, {"mode": "walk", "interpolation": "linear"}, {"mode": "loop"},
        {"mode": "keyframes", "keyframes": "9@0 4@1"},
        {"mode": "arithmetic", "point_a": "9", "point_b": "3", "point_c": "3"},
        {"mode": "arithmetic", "point_a": "me", "points": "me=9", "amount": 0},
    ):
        assert np.array_equal(frames(seed=9, **params)[0], still), params
    end = frames(11, mode="interpolate", seed=4, end_seed=9, speed=1.0)
    assert np.array_equal(end[10], still)


def test_grid_shows_the_same_pictures() -> None:
    sheet = frames(mode="grid", seed=9, rows=2, columns=3, gap=4, output=(3 * 64 + 8, 2 * 64 + 4))[0]
    for index in range(6):
        top, left = index // 3 * 68, index % 3 * 68
        tile = sheet[top : top + 64, left : left + 64]
        assert np.array_equal(tile, frames(mode="still", seed=9 + index)[0]), index
    assert not sheet[64:68].any()
    moving = frames(2, mode="grid", rows=2, columns=2, grid_moves=True, speed=4)
    assert gap(*moving) > 0.1


def test_same_seed_same_frames_and_the_run_seed_chooses_the_walk() -> None:
    first, second = frames(6, mode="walk", noise=0.3), frames(6, mode="walk", noise=0.3)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert gap(first[0], first[5]) > 0.5


@pytest.mark.parametrize("params", [
    {}, {"interpolation": "linear"}, {"noise": 1.0}, {"spin": 40.0}, {"unit": "beats", "loop_length": 6.0},
    {"truncation": 0.5, "mirrors": 5, "pc1": 1.0},
])
def test_loop_closes(params: dict[str, Any]) -> None:
    """60 frames are one round: the 61st is the first, and the seam is a step like the others."""
    made = frames(61, fps=20, **{"mode": "loop", "loop_length": 3.0, "bpm": 120.0, **params})
    assert gap(made[60], made[0]) <= 0.5
    steps = [gap(a, b) for a, b in pairwise(made[:60])]
    assert gap(made[59], made[0]) <= 1.2 * max(steps) and max(steps) < 0.4 * max(gap(made[0], frame) for frame in made)


@pytest.mark.parametrize("mode", ["walk", "interpolate", "keyframes"])
def test_turning_speed_late_in_a_set_never_jumps(mode: str) -> None:
    def turn(frame: int, values: list[ParamSet]) -> None:
        if frame == 30:
            values[0].set("speed", 0.05 if mode != "keyframes" else 8.0)

    made = frames(34, mode=mode, speed=1.0, fps=30, automate=turn)
    steps = [gap(a, b) for a, b in pairwise(made)]
    assert steps[29] <= 1.5 * max(steps[:29])


def test_beats_follow_the_tempo() -> None:
    slow = frames(21, mode="interpolate", speed=1.0, unit="beats", bpm=60.0)
    fast = frames(11, mode="interpolate", speed=1.0, unit="beats", bpm=120.0)
    assert gap(slow[20], fast[10]) < 1 and gap(slow[10], fast[5]) < 1


def test_walk_backwards_and_restart() -> None:
    def back(frame: int, values: list[ParamSet]) -> None:
        if frame == 5:
            values[0].set("speed", -1.0)
        if frame == 9:
            values[0].fire("restart")

    made = frames(10, mode="walk", speed=1.0, automate=back)
    assert gap(made[3], made[5]) < 0.5 and gap(made[0], made[8]) < 0.5
    assert np.array_equal(made[9], made[0])


def test_truncation_draws_towards_the_mean_and_directions_do_something() -> None:
    spread = [gap(frames(mode="still", seed=1, truncation=psi)[0], frames(mode="still", seed=2, truncation=psi)[0])
              for psi in (0.0, 0.5, 1.0)]
    assert spread[0] == 0 < spread[1] < spread[2]
    still = frames(mode="still")[0]
    for number in range(1, 9):
        assert gap(frames(mode="still", **{f"pc{number}": 2.0})[0], still) > 0.3, number
    assert np.array_equal(frames(mode="still", pad=(1.5, 0.0))[0], frames(mode="still", pc1=1.5)[0])


def test_arithmetic_and_detail() -> None:
    a = frames(mode="arithmetic", point_a="1", point_b="2", point_c="3")[0]
    assert gap(a, frames(mode="still", seed=1)[0]) > 0.5
    whole = frames(mode="arithmetic", point_a="1", point_b="1", point_c="3", truncation=1.0)[0]
    assert gap(whole, frames(mode="still", seed=3, truncation=1.0)[0]) < 1
    assert gap(frames(mode="still", detail=1.0)[0], frames(mode="still")[0]) > 0.5


def test_keyframes_are_passed_at_their_times_and_a_wrong_text_keeps_the_last_path() -> None:
    said: list[str] = []

    def spoil(frame: int, values: list[ParamSet]) -> None:
        if frame in (12, 15):
            values[0].set("keyframes", "9@0 4@1:wobble 5@2")

    made = frames(21, mode="keyframes", keyframes="9@0 4@1:in 5@2", repeat=False, automate=spoil, said=said)
    for index, seed in ((0, 9), (10, 4), (20, 5)):
        assert gap(made[index], frames(mode="still", seed=seed)[0]) < 1, seed
    assert len(said) == 1 and "no easing 'wobble'" in said[0]
    said.clear()
    alone = frames(2, mode="keyframes", keyframes="nonsense", seed=9, said=said)
    assert np.array_equal(alone[1], frames(mode="still", seed=9)[0]) and len(said) == 1
    frames(2, mode="arithmetic", point_a="nobody", said=said)
    assert "no point 'nobody'" in said[-1]


def test_any_output_size_and_framing() -> None:
    for framing in ("cover", "contain", "mirror"):
        assert frames(mode="still", output=(120, 50), framing=framing)[0].shape == (50, 120, 3)
    assert frames(mode="grid", output=(70, 90), rows=3, columns=5)[0].shape == (90, 70, 3)
    assert frames(mode="grid", output=(8, 8), rows=16, columns=16, gap=64)[0].shape == (8, 8, 3)
    for kernel in ("bicubic", "smooth", "pixels"):
        assert frames(mode="still", upscaling=kernel)[0].std() > 5


def test_a_missing_model_is_a_sentence() -> None:
    with pytest.raises(Exception, match="there is no model 'nowhere'"):
        frames(model="nowhere")


def test_presets_apply_without_a_remark() -> None:
    presets = find_presets("reverie.latent_explorer")
    assert len(presets) >= 6
    for preset in presets:
        assert preset.apply(ParamSet(Explorer.params), Explorer) == [], preset.name
        assert preset.about.endswith(".") and preset.name


def test_house_model_makes_many_different_flowers() -> None:
    folder = Path(paths.bundled("resources")) / "models"
    if not (folder / f"{HOUSE}.safetensors").is_file():
        pytest.skip("the house model is not in this checkout")
    made = [frames(mode="still", seed=seed, truncation=1.0, model=HOUSE)[0] for seed in range(12)]
    apart = [gap(a, b) for index, a in enumerate(made) for b in made[index + 1:]]
    assert min(apart) > 8 and all(frame.std() > 12 for frame in made)
