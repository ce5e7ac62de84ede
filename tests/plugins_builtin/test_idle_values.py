"""A parameter that says it does nothing does nothing: other values for it change no bit of what is made."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from studio.engine import Stage, render
from studio.params import Bool, Choice, Param, ParamSet, Text
from studio.params import Path as PathParam
from studio.plugins import discover

torch.set_num_threads(1)

TEXTS = {
    "keyframes": "9@0 8@1", "points": "rose=12 1=40", "place": "12:0.7 40:0.5", "point_a": "9", "point_b": "8",
    "point_c": "5", "own_style": "udnie", "own_second": "udnie", "own_layers": "relu2_1", "more": "stars = 2",
    "stop_text": "e", "text": "7",
}
"""Values of texts that would be seen at once if they were read."""


@dataclass(frozen=True)
class Case:
    """A generator, what makes it quick, and the values under which some of its parameters do nothing."""

    name: str
    quick: dict[str, Any]
    settings: tuple[dict[str, Any], ...]
    frames: int = 2
    size: tuple[int, int] | None = None
    picture: bool = False


CASES = (
    Case("latent_explorer", {}, (
        *({"mode": mode} for mode in ("still", "interpolate", "walk", "loop", "keyframes", "arithmetic")),
        {"mode": "grid", "rows": 1, "columns": 2}, {"mode": "grid", "rows": 1, "columns": 2, "grid_moves": True},
        {"mode": "still", "place": "12:0.7 40:0.5"},
    ), size=(64, 64)),
    Case("deep_dream", {"steps": 1, "opening": 1, "octaves": 2, "start": "clouds"}, (
        {}, {"weight": 0.0, "weight_b": 1.0}, {"targets": "3a"}, {"hold": 0.0}, {"octaves": 1},
        {"guide_weight": 0.0, "guide": "PICTURE"}, {"picture": "PICTURE"}, {"palette_picture": "PICTURE"},
    ), size=(64, 64)),
    Case("style_camera", {"size": 128}, (
        {}, {"blend": 1.0}, {"own_style": "udnie", "own_second": "udnie", "blend": 0.5},
    ), size=(128, 96), picture=True),
    Case("style_painting", {"steps": 1, "size": 64, "levels": 1, "preview": 1}, (
        {}, {"mode": "content only"}, {"mode": "style only"}, {"blend": 1.0}, {"own_style": "PICTURE"},
        {"own_second": "PICTURE", "blend": 0.5}, {"own_layers": "relu2_1"},
    ), frames=1),
    Case("text_sequencer", {"length": 24}, ({}, {"length": 0}, {"stop": "custom", "stop_text": "e"}), frames=40),
    Case("gan_lesson", {"width": 8, "layers": 1, "batch": 16}, ({}, {"what": "curve"}), size=(64, 36)),
    Case("digit_lesson", {"width": 8, "batch": 8}, ({"view": "now"},), size=(64, 36)),
    Case("draw_writer", {"rows": 1, "columns": 2, "pace": 8.0, "rest": 0.0},
         ({}, {"order": "text"}, {"order": "counting"}, {"attention": 0.0}), size=(64, 36)),
    Case("edges_to_picture", {"size": 64}, ({"begin": "drawing"}, {"sketch": "PICTURE"}), size=(128, 96), picture=True),
    Case("midi_sequencer", {"block": "beat"}, ({}, {"scale": "major"}), frames=4),
)


@functools.cache
def plugin(name: str) -> Any:
    return discover().get(name)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("idle") / "photo.png"
    pixels = np.random.default_rng(1).integers(0, 255, (80, 80, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def another(param: Param[Any], value: Any) -> Any:
    """A value that would make a difference if anybody looked at it."""
    if isinstance(param, Choice):
        return param.choices[(param.choices.index(value) + 1) % len(param.choices)]
    if isinstance(param, Bool):
        return not value
    if isinstance(param, PathParam):
        return "/nowhere/at-all.png"
    if isinstance(param, Text):
        return TEXTS[param.name]
    return param.from_norm(0.81 if param.to_norm(value) < 0.5 else 0.23)


def run(case: Case, values: dict[str, Any], later: dict[str, Any]) -> list[Any]:
    """What is made; ``later`` is set after the first piece, as a hand would, and from the start as a file would."""
    made = []
    for at in (0, 1) if later else (0,):
        chosen = ParamSet(plugin(case.name).load().params)

        def move(step: int, sets: list[ParamSet], at: int = at) -> None:
            for name, value in later.items() if step == at else ():
                sets[0].set(name, value)

        for name, value in values.items():
            assert chosen.set(name, value) == ""
        source = iter([np.full((96, 128, 3), level, np.uint8) for level in (60, 120, 180)]) if case.picture else None
        made += list(render(
            [Stage(plugin(case.name).load(), chosen, plugin(case.name).folder)], frames=case.frames, size=case.size,
            source=source, automate=move, seed=1, fps=4.0,
        ))
    return made


def same(one: list[Any], two: list[Any]) -> bool:
    return len(one) == len(two) and all(np.array_equal(a, b) if hasattr(a, "shape") else a == b
                                        for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("case", [
    pytest.param(case, id=case.name, marks=[pytest.mark.slow] if case.name in ("deep_dream", "style_painting") else [])
    for case in CASES
])
def test_what_is_said_to_do_nothing_does_nothing(case: Case, photo: Path) -> None:
    params = plugin(case.name).load().params
    seen: set[str] = set()
    for setting in case.settings:
        values = {**case.quick, **{n: str(photo) if v == "PICTURE" else v for n, v in setting.items()}}
        chosen = ParamSet(params)
        for name, value in values.items():
            chosen.set(name, value)
        idle = {name: another(params[name], chosen[name]) for name in params if chosen.why_idle(name)}
        # a value that does nothing may be what others wait for: those keep theirs
        held = {other for param in params.values() for one in param.applies for other in one}
        idle = {name: value for name, value in idle.items() if name not in held or not _wakes(params, chosen, name)}
        assert idle, f"{setting}: nothing is idle"
        seen |= set(idle)
        assert same(2 * run(case, values, {}), run(case, values, idle)), (setting, sorted(idle))
    declared = {name for name, param in params.items() if param.applies}
    assert seen == declared, f"never idle here: {sorted(declared - seen)}"


def _wakes(params: dict[str, Param[Any]], chosen: ParamSet, name: str) -> bool:
    """Whether another value of ``name`` makes a parameter count that does not now."""
    before = {n for n in params if chosen.why_idle(n)}
    trial = ParamSet(params)
    for n in params:
        trial.set(n, chosen[n])
    trial.set(name, another(params[name], chosen[name]))
    return {n for n in params if trial.why_idle(n)} != before


def test_the_comparison_can_fail() -> None:
    case = CASES[0]
    assert not same(2 * run(case, {"mode": "loop"}, {}), run(case, {"mode": "loop"}, {"loop_length": 2.0, "stops": 9}))


@pytest.mark.slow
@pytest.mark.parametrize("name", [case.name for case in CASES] + ["sample_scene"])
def test_no_choice_of_a_generator_makes_it_fail(name: str, photo: Path) -> None:
    case = next((c for c in CASES if c.name == name), Case(name, {}, (), size=(64, 64)))
    for param in plugin(name).load().params.values():
        for choice in param.choices if isinstance(param, Choice) else ():
            values = {**case.quick, param.name: choice}
            chosen = ParamSet(plugin(name).load().params)
            for key, value in values.items():
                chosen.set(key, value)
            made = list(render([Stage(plugin(name).load(), chosen, plugin(name).folder)], frames=1, size=case.size))
            assert made, (param.name, choice)
