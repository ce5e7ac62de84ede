"""A fade between two looks of the latent explorer, through the real network: the picture never jumps."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from studio.engine.chain import Stage
from studio.engine.render import render
from studio.nn import places
from studio.params import ParamSet
from studio.plugins import discover

STEPS = 40


@pytest.mark.parametrize("mode", ["still", "walk", "loop"])
def test_the_picture_never_jumps_on_the_way(mode: str) -> None:
    plugin = discover(builtin_only=True).get("reverie.latent_explorer")
    generator = plugin.load()
    values = ParamSet(generator.params)
    for name, value in {"mode": mode, "seed": 12, "size": 64, "speed": 0.5}.items():
        values.set(name, value)
    frames: list[np.ndarray[Any, Any]] = []
    made = render([Stage(generator, values, plugin.folder)], frames=3 * STEPS, fps=30.0, size=(64, 64))
    for count, frame in enumerate(made):
        frames.append(np.asarray(frame, np.float32))
        way = (count - STEPS + 1) / STEPS
        if 0 < way < 1:
            values.set("place", places.on_the_way(12, 40, way, keeps=1.0 - way, seed=12))
        elif way == 1:
            values.set("seed", 40)
            values.set("place", "")
    steps = [float(np.abs(late - early).mean()) for early, late in itertools.pairwise(frames)]
    before, during, after = steps[: STEPS - 1], steps[STEPS - 1 : 2 * STEPS + 1], steps[2 * STEPS + 1 :]
    usual = max(*before, *after, float(np.median(during)))
    assert float(np.median(during)) > 0.1  # it does travel
    assert max(during) < 3.0 * usual, (mode, max(during), usual)
    assert float(np.abs(frames[-1] - frames[0]).mean()) > 5.0


def test_arcs_keep_their_length_and_meet_their_ends() -> None:
    assert places.arc(12, 40, 0.0).seed == 12 and places.arc(12, 40, 1.0).seed == 40
    for way in (0.2, 0.5, 0.9):
        weights = dict(places.arc(12, 40, way).terms)
        assert sum(weight**2 for weight in weights.values()) == pytest.approx(1.0, abs=1e-3)
    long = places.arc(places.parse_place("12:2"), places.parse_place("40:1"), 0.5)
    assert sum(weight**2 for _, weight in long.terms) == pytest.approx(1.5**2, abs=1e-2)
    same = places.arc(places.parse_place("12:0.5"), places.parse_place("12:1.5"), 0.25)
    assert dict(same.terms) == {"12": pytest.approx(0.75)}
    one, two = (places.of_vector(np.array(vector)) for vector in ([1.0, 0.0], [0.0, 1.0]))
    middle = places.arc(one, two, 0.5)
    vector, weight = places.vector_of(middle.terms[0][0]), middle.terms[0][1]
    assert vector is not None and np.linalg.norm(vector * weight) == pytest.approx(1.0, abs=0.02)


def test_a_place_on_the_way_says_so() -> None:
    text = places.on_the_way(12, 40, 0.5, keeps=0.25, seed=12)
    assert places.straying(text) == 0.25 and places.held(text)[1] == 12
    assert places.straying("12:0.7 40:0.5") is None and places.straying("12 ~much @7") is None
    places.parse_place(places.held(text)[0])
