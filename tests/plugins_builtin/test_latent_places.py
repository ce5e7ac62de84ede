"""Places in the latent explorer: the same place is the same picture, in every mode that begins somewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.engine import Deck, Stage
from studio.nn import places
from studio.params import ParamSet
from tests.plugins_builtin.latent_stand import PLUGIN, Explorer, frames, gap, save_tiny_network


@pytest.fixture(autouse=True)
def tiny(_own_home: None) -> Path:
    return save_tiny_network()


def test_a_place_that_is_a_seed_is_that_seed_in_every_mode() -> None:
    still = frames(mode="still", seed=9)[0]
    for params in ({"mode": "still"}, {"mode": "walk"}, {"mode": "loop"}, {"mode": "interpolate"}):
        for text in ("9", "9:1", "rose", " rose:1 "):
            made = frames(seed=4, place=text, points="rose=9", **params)[0]
            assert np.array_equal(made, still), (params, text)


def test_mixtures_lie_between_and_directions_are_the_sliders() -> None:
    a, b = (frames(mode="still", seed=seed, truncation=1.0)[0] for seed in (9, 4))
    near = frames(mode="still", place="9:0.95 4:0.05", truncation=1.0)[0]
    assert gap(near, a) < gap(near, b) / 3 and gap(near, a) > 0
    by_place = frames(mode="still", place="9 pc1:1.5", truncation=1.0)[0]
    by_slider = frames(mode="still", seed=9, pc1=1.5, truncation=1.0)[0]
    assert gap(by_place, by_slider) < 0.1
    sum_ = frames(mode="still", place="1 2:-0.5 3:0.5", truncation=1.0)[0]
    arithmetic = frames(mode="arithmetic", point_a="1", point_b="2", point_c="3", amount=0.5, truncation=1.0)[0]
    assert gap(sum_, arithmetic) < 0.1


def test_a_place_may_hold_for_one_seed_only() -> None:
    mixed = frames(mode="still", place="9:0.7 4:0.6")[0]
    assert np.array_equal(frames(mode="still", seed=7, place="9:0.7 4:0.6 @7")[0], mixed)
    assert np.array_equal(frames(mode="still", seed=8, place="9:0.7 4:0.6 @7")[0], frames(mode="still", seed=8)[0])
    said: list[str] = []
    frames(mode="still", seed=8, place="9 @x", said=said)
    assert "not a seed" in said[0]


def test_a_walk_begins_at_its_place_and_a_new_place_is_where_it_goes_on() -> None:
    place = "9:0.7 4:0.6"
    still = frames(mode="still", place=place)[0]

    def send(frame: int, values: list[ParamSet]) -> None:
        if frame == 5:
            values[0].set("place", place)
        if frame == 8:
            values[0].set("place", "")
            values[0].set("seed", 4)

    for mode in ("walk", "loop", "interpolate"):
        made = frames(9, mode=mode, place="3", speed=2.0, loop_length=2.0, automate=send)
        assert gap(made[0], made[4]) > 0.5, mode
        assert np.array_equal(made[5], still), mode
        assert np.array_equal(made[8], frames(mode="still", seed=4)[0]), mode


def test_keyframes_and_arithmetic_take_places_by_name() -> None:
    points = "dusk=9:0.7+4:0.6 rose=9"
    made = frames(11, mode="keyframes", keyframes="rose@0 dusk@1:linear", points=points, repeat=False)
    assert gap(made[10], frames(mode="still", place="9:0.7 4:0.6")[0]) < 0.2
    assert np.array_equal(made[0], frames(mode="still", seed=9)[0])
    assert frames(mode="arithmetic", point_a="dusk", point_b="9:0.5+3:0.5", points=points)[0].std() > 5


def test_a_place_that_cannot_be_read_is_said_once_and_the_last_one_stays() -> None:
    said: list[str] = []

    def spoil(frame: int, values: list[ParamSet]) -> None:
        if frame in (1, 2):
            values[0].set("place", "9:many")

    made = frames(3, mode="still", place="7", automate=spoil, said=said)
    assert len(said) == 1 and "not a weight" in said[0]
    assert np.array_equal(made[2], frames(mode="still", seed=7)[0])
    said.clear()
    foreign = str(places.of_vector(np.ones(20)))
    alone = frames(mode="still", seed=9, place=foreign, said=said)
    assert "another network" in said[0] and np.array_equal(alone[0], frames(mode="still", seed=9)[0])


def test_the_view_is_told_where_the_picture_is() -> None:
    values = ParamSet(Explorer.params)
    for name, value in {"model": "tiny", "mode": "still", "seed": 9, "pc2": 1.5, "truncation": 0.8}.items():
        values.set(name, value)
    stage = Stage(Explorer, values, PLUGIN.folder)
    deck = Deck("test deck")
    deck.start([stage])
    try:
        while "deviation" not in stage.details:
            assert deck.status().state != "failed", deck.status().reason
    finally:
        deck.stop(5.0)
    here = places.of_vector(stage.details["deviation"])
    shown = frames(mode="still", seed=9, pc2=1.5, truncation=0.8)[0]
    assert gap(frames(mode="still", place=str(here), truncation=0.8)[0], shown) < 1.5
