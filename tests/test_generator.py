"""The generator's own rules: declared once, frozen values, a context that leads nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio import paths
from studio.api import Cancelled, Context, Float, Generator, Int
from studio.params import ParamSet


class Knob(Generator):
    id, makes = "test.knob", "text"
    speed = Float(0.5, 0.0, 1.0, unit="Hz", help="How fast")
    size = Int(4, 1, 8, live=False)

    def __init__(self) -> None:  # an author need not know of super().__init__()
        self.made = 0

    def step(self, ctx: Context) -> str:
        return f"{self.speed}"


def test_parameters_are_found_in_order_and_inherited() -> None:
    class Finer(Knob):
        id = "test.finer"
        speed = Float(0.1, 0.0, 0.2)
        grain = Float(0.0, 0.0, 1.0)

    assert list(Knob.params) == ["speed", "size"]
    assert list(Finer.params) == ["speed", "size", "grain"]
    assert Finer.params["speed"].high == 0.2 and Knob.params["speed"].high == 1.0
    assert Knob.speed is Knob.params["speed"]


def test_values_are_frozen_for_a_step_and_only_setup_parameters_ask_for_setup() -> None:
    knob, values = Knob(), ParamSet(Knob.params)
    assert knob.freeze(values.take()) is False
    values.set("speed", 0.75)
    assert knob.speed == 0.5
    assert knob.freeze(values.take()) is False and knob.speed == 0.75
    values.set("size", 5)
    assert knob.freeze(values.take()) is True
    with pytest.raises(AttributeError, match="speed is frozen during a step"):
        knob.speed = 1.0


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"id": "knob"}, "author.name"), ({"id": "Test.Knob"}, "lower case"), ({"makes": "smell"}, "makes"),
        ({"takes": "smell"}, "takes"), ({"wants": "jpeg"}, "wants"),
        ({"version": 0}, "version"), ({"step": Generator.step}, "step"),
    ],
)
def test_a_wrong_class_is_refused_with_its_name_and_the_rule(body: dict[str, object], says: str) -> None:
    with pytest.raises(TypeError, match=f"Odd.*{says}"):
        type("Odd", (Generator,), {"id": "test.odd", "step": lambda self, ctx: None, **body})


def test_the_clock_of_a_context() -> None:
    ctx = Context(fps=10, bpm=60, beats_per_bar=4)
    for _ in range(20):
        ctx.advance(0.1)
    assert (ctx.frame, ctx.t, ctx.beat, ctx.bar) == (20, pytest.approx(2.0), pytest.approx(2.0), pytest.approx(0.5))


def test_check_cancels_and_reports_progress_within_0_and_1() -> None:
    wanted, seen = [True], []
    ctx = Context(cancelled=lambda: not wanted[0], on_progress=seen.append)
    ctx.check(0.5)
    ctx.check(7)
    wanted[0] = False
    with pytest.raises(Cancelled):
        ctx.check()
    assert seen == [0.5, 1.0]


def test_random_numbers_come_from_the_seed() -> None:
    torch = pytest.importorskip("torch")
    assert Context(seed=3).rng.random() == Context(seed=3).rng.random() != Context(seed=4).rng.random()

    def draw(seed: int, *key: int) -> float:
        return float(torch.rand(1, generator=Context(seed=seed).torch_rng(*key)))

    assert draw(3, 1) == draw(3, 1) and len({draw(3, 1), draw(3, 2), draw(4, 1), draw(3, -1)}) == 4
    with pytest.raises(ValueError, match="seed"):
        Context(seed=-1)


def test_assets_stay_inside_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "plugin"
    folder.mkdir()
    (folder / "map.png").write_bytes(b"x")
    (tmp_path / "secret").write_bytes(b"x")
    ctx = Context(folder=folder)
    assert ctx.asset("map.png") == (folder / "map.png").resolve()
    for name in ("../secret", str(tmp_path / "secret"), "absent.png", "a\0b"):
        with pytest.raises(FileNotFoundError):
            ctx.asset(name)
    if hasattr(os, "symlink"):
        (folder / "link").symlink_to(tmp_path / "secret")
        with pytest.raises(FileNotFoundError, match="outside"):
            ctx.asset("link")
    with pytest.raises(FileNotFoundError, match="no folder"):
        Context().asset("map.png")


def test_models_by_name_and_by_path(tmp_path: Path) -> None:
    mine = paths.user_folder("data") / "models"
    mine.mkdir(parents=True)
    (mine / "mine.safetensors").write_bytes(b"x")
    assert Context().model("mine") == Context().model("mine.safetensors") == mine / "mine.safetensors"
    assert Context().model(str(mine / "mine.safetensors")) == mine / "mine.safetensors"
    for name, says in [("yours", "there are: .*mine"), ("", "no model is chosen"), ("a/b.safetensors", "give a path"),
                       ("~nobody-here/x.safetensors", "there is no model file"), ("x\0y", "there is no model")]:
        with pytest.raises(FileNotFoundError, match=says):
            Context().model(name)
