"""The GAN lessons: they repeat bit for bit, they really learn, their knobs are live, and no knob ends them."""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy as np
import pytest
import torch

from studio import paths
from studio.engine import Stage, render
from studio.generator import Context
from studio.library.presets import load_preset
from studio.media import Frame
from studio.params import ParamSet
from studio.plugins import discover

torch.set_num_threads(1)

QUICK: dict[str, dict[str, Any]] = {
    "gan_lesson": {"width": 12, "layers": 1, "batch": 32}, "digit_lesson": {"width": 8, "batch": 8, "latent": 4},
}
SIZE = (160, 90)


def targets() -> Any:
    """The lesson's own module of targets."""
    return sys.modules[plugin("gan_lesson").load().__module__.rpartition(".")[0] + ".targets"]


@functools.cache
def plugin(name: str) -> Any:
    return discover().get(name)


def stage(name: str, **values: Any) -> Stage:
    chosen = ParamSet(plugin(name).load().params)
    for key, value in {**QUICK[name], **values}.items():
        assert not chosen.set(key, value), f"{key} was changed"
    return Stage(plugin(name).load(), chosen, plugin(name).folder)


def shown(one: Stage, frames: int = 3, **options: Any) -> list[Frame]:
    made = render([one], frames=frames, size=SIZE, seed=5, fps=30, **options)
    return [frame for frame in made if isinstance(frame, np.ndarray)]


def alone(name: str, notices: list[str] | None = None, **values: Any) -> tuple[Any, Context]:
    """A lesson without an engine around it, after its setup."""
    one = stage(name, **values)
    made = plugin(name).load()()
    made.freeze(one.values.take())
    context = Context(seed=5, size=SIZE, on_notice=(notices if notices is not None else []).append)
    made.setup(context)
    return made, context


@pytest.mark.parametrize("name", list(QUICK))
def test_a_lesson_repeats_bit_for_bit_and_goes_on(name: str) -> None:
    first, again = (shown(stage(name, pace=60.0)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert first[0].shape == (90, 160, 3) and not np.array_equal(first[0], first[-1])
    assert not np.array_equal(shown(stage(name, pace=60.0, seed=2))[0], first[0])


@pytest.mark.parametrize("name", list(QUICK))
def test_at_pace_zero_nothing_is_learned(name: str) -> None:
    frames = shown(stage(name, pace=0.0))
    assert np.array_equal(frames[0], frames[-1])


def test_the_generator_comes_nearer_to_its_target() -> None:
    """Energy distance between what is made and what is real (Szekely and Rizzo), before and after 200 rounds."""
    made, _ = alone("gan_lesson", width=24, layers=2, batch=64, density="two bells", rate_g=0.004, rate_d=0.008)
    real = targets().draw_density("two bells", 600, torch.Generator().manual_seed(1))
    distances = []
    for rounds in (0, 200):
        for _ in range(rounds):
            made._round()
        with torch.no_grad():
            fake = made.game.maker(made.spread_noise(made.looks[:600]))
        distances.append(float(2 * torch.cdist(real, fake).mean() - torch.cdist(real, real).mean()
                               - torch.cdist(fake, fake).mean()))
    assert distances[1] < 0.6 * distances[0]


def test_digits_get_ink_in_the_middle_and_paper_around_it() -> None:
    made, _ = alone("digit_lesson", width=12, batch=16, rate_g=0.004, rate_d=0.001, blur=0.1)
    before = made._row(0).astype(float)
    for _ in range(50):
        made._round()
    after = made._row(0).astype(float)
    border = np.ones((28, 28), bool)
    border[3:-3, 3:-3] = False
    assert after[:, border].mean() < 0.75 * before[:, border].mean()
    assert after[:, ~border].mean() > 1.1 * after[:, border].mean()


def test_the_sheet_thins_itself_out_when_it_is_full() -> None:
    made, context = alone("digit_lesson", rows=4, row_every=1, columns=3, pace=0.0)
    for _ in range(9):
        made._round()
    assert len(made.history) < 4 and made.every > 1 and made.step(context).shape == (90, 160, 3)


@pytest.mark.parametrize(("name", "values"), [
    *(("gan_lesson", {"loss": loss}) for loss in ("minimax", "least squares", "hinge", "wasserstein")),
    ("gan_lesson", {"what": "curve", "noise_dims": 2, "noise": "normal", "fuzz": 0.0}),
    ("gan_lesson", {"what": "curve", "judge": False, "losses": False, "labels": False}),
    ("gan_lesson", {"rate_g": 0.05, "rate_d": 0.05, "turns": 3, "blur": 0.5, "head_start": 5}),
    *(("digit_lesson", {"loss": loss}) for loss in ("hinge", "wasserstein")),
    ("digit_lesson", {"by_digit": False, "view": "now", "rows": 2, "columns": 3, "wander": 1.0}),
    ("digit_lesson", {"rows": 1, "wildness": 0.0, "losses": False, "labels": False, "head_start": 3}),
    ("digit_lesson", {"rate_g": 0.02, "rate_d": 0.02, "turns": 2, "blur": 0.0}),
])
def test_ways_to_play(name: str, values: dict[str, Any]) -> None:
    notices: list[str] = []
    frame = shown(stage(name, pace=90.0, **values), 2, on_notice=notices.append)[-1]
    assert frame.std() > 2 and not notices


def test_targets_may_change_while_it_learns_and_another_shape_begins_anew() -> None:
    def change(frame: int, values: list[ParamSet]) -> None:
        if frame == 1:
            values[0].set("density", "comb")
            values[0].set("rate_g", 0.01)
        if frame == 2:
            values[0].set("what", "curve")

    assert len(shown(stage("gan_lesson", pace=60.0), 4, automate=change)) == 4


@pytest.mark.parametrize("name", list(QUICK))
def test_weights_that_run_away_are_a_sentence_and_a_new_game(name: str) -> None:
    notices: list[str] = []
    made, context = alone(name, notices, pace=30.0)
    made.step(context)
    with torch.no_grad():
        next(made.game.maker.parameters()).fill_(float("nan"))
    assert made.step(context).shape == (90, 160, 3) and made.game.sane()
    assert len(notices) == 1 and "ran away" in notices[0]


def test_restart_begins_the_same_game_again() -> None:
    def fire(frame: int, values: list[ParamSet]) -> None:
        if frame == 2:
            values[0].fire("restart")

    frames = shown(stage("gan_lesson", pace=30.0), 3, automate=fire)
    assert np.array_equal(frames[2], frames[0])


@pytest.mark.parametrize("name", ["one bell", "two bells", "three bells", "tall and wide", "comb", "box", "ramp"])
def test_densities_are_densities_and_their_samples_follow_them(name: str) -> None:
    module = targets()
    x = np.linspace(-6, 6, 4801)
    heights = module.density(name, x)
    assert np.trapezoid(heights, x) == pytest.approx(1.0, abs=2e-3)
    drawn = module.draw_density(name, 20_000, torch.Generator().manual_seed(0))[:, 0].numpy()
    found = np.array([(drawn < edge).mean() for edge in (-2.0, -0.7, 0.3, 1.5)])
    wanted = [np.trapezoid(heights[x < edge], x[x < edge]) for edge in (-2.0, -0.7, 0.3, 1.5)]
    assert np.abs(found - wanted).max() < 0.015


@pytest.mark.parametrize("name", list(QUICK))
def test_presets_fit(name: str) -> None:
    found = sorted((paths.bundled("presets") / name).glob("*.json"))
    assert len(found) >= 5
    for path in found:
        preset, report = load_preset(path)
        assert not report and preset.generator == f"reverie.{name}" and preset.about
        assert not ParamSet(plugin(name).load().params).load(preset.params), path
