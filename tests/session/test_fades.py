"""Fades: the crossfader and looks in time, headless, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.engine import Clock
from studio.engine.threads import stop_all
from studio.nn import places
from studio.params import ParamSet
from studio.plugins import Registry
from studio.session.glides import from_oklab, to_oklab
from studio.session.mix import KINDS, LONGEST, Mix, Span
from studio.session.session import Session
from tests.stand import DIM, until, write_plugins

LOOK = '''
import numpy as np
from studio.api import Bool, Choice, Color, Float, Generator, Int, Point, Seed, Text, Trigger

class Look(Generator):
    """Every kind of value."""
    id, version, makes, title = "test.look", 1, "image", "Look"
    level = Float(0.0, 0.0, 1.0)
    ratio = Float(1.0, 1.0, 100.0, curve="log")
    count = Int(1, 1, 9)
    pixels = Int(64, 16, 512, unit="px")
    pad = Point((0.0, 0.0), -1.0, 1.0)
    ink = Color((1.0, 0.0, 0.0))
    kind = Choice("a", ("a", "b"))
    on = Bool(False)
    seed = Seed(12)
    words = Text("")
    place = Text("", place_of="seed", names_in="points")
    points = Text("")
    restarts = Float(0.0, 0.0, 1.0, live=False)
    go = Trigger()

    def step(self, ctx):
        return np.full((8, 8, 3), self.level, np.float32)
'''


class Hands:
    """The clock of a test: seconds pass when it says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def session(tmp_path: Path, hands: Hands) -> Iterator[Session]:
    made = Session(Registry(write_plugins(tmp_path, {"look": LOOK, "dim": DIM})), clock=Clock(120.0, now=hands))
    yield made
    made.close()
    assert not stop_all(5.0)


def pass_time(session: Session, hands: Hands, seconds: float, ticks: int = 1) -> None:
    for _ in range(ticks):
        hands.now += seconds / ticks
        session.pump()


@pytest.fixture
def values(session: Session) -> ParamSet:
    session.load("A", "test.look")
    until(session, lambda: session.decks["A"].stages())
    return session.decks["A"].stages()[0].values


FAR = {
    "level": 1.0, "ratio": 100.0, "count": 9, "pixels": 512, "pad": (1.0, -1.0), "ink": "#0000ff", "kind": "b",
    "on": True, "words": "hello", "restarts": 1.0,
}


def far_look(session: Session, **more: object) -> object:
    """A snapshot of other values; everything is back at home afterwards."""
    with session.edit("far"):
        for name, value in {**FAR, **more}.items():
            session.set_value("A", 0, name, value)
    made = session.take_snapshot("Far")
    session.undo()
    session.history.clear()
    return made


def test_each_kind_travels_in_its_own_way(session: Session, values: ParamSet, hands: Hands) -> None:
    far = far_look(session)
    fade = session.recall(far, seconds=4.0)  # type: ignore[arg-type]
    pass_time(session, hands, 1.0, 10)
    assert values["level"] == pytest.approx(0.25)
    assert values["ratio"] == pytest.approx(100.0**0.25)  # equal ratios: its own curve
    assert values["count"] == 3 and values["pad"] == pytest.approx((0.25, -0.25))
    assert (values["kind"], values["on"], values["words"], values["pixels"], values["restarts"]) == (
        "a", False, "", 64, 0.0)
    pass_time(session, hands, 1.0 + 1e-6, 10)
    assert (values["kind"], values["on"], values["words"], values["pixels"], values["restarts"]) == (
        "b", True, "hello", 512, 1.0)
    assert values["count"] == 5
    middle = to_oklab(values["ink"])
    ends = to_oklab((1.0, 0.0, 0.0)), to_oklab((0.0, 0.0, 1.0))
    assert middle == pytest.approx(tuple((a + b) / 2 for a, b in zip(*ends, strict=True)), abs=1e-4)
    pass_time(session, hands, 2.0)
    assert fade is not None and fade.done and not session.fades.active
    assert {name: values[name] for name in FAR} == {**FAR, "ink": (0.0, 0.0, 1.0)}


@pytest.mark.parametrize(("flip", "moment"), [(0.0, 0.0), (0.5, 2.0), (1.0, 4.0)])
def test_the_moment_of_the_flip_is_chosen(
    session: Session, values: ParamSet, hands: Hands, flip: float, moment: float
) -> None:
    session.recall(far_look(session), seconds=4.0, flip=flip)  # type: ignore[arg-type]
    for tick in range(42):
        assert (values["kind"] == "b") == (tick / 10 >= moment), tick
        pass_time(session, hands, 0.1 + 1e-9)


def test_a_fade_is_one_step_back_and_forth(session: Session, values: ParamSet, hands: Hands) -> None:
    session.recall(far_look(session), seconds=2.0)  # type: ignore[arg-type]
    pass_time(session, hands, 3.0, 30)
    assert session.undo() == "Snapshot Far"
    assert values["level"] == 0.0 and values["kind"] == "a" and not session.history.can_undo
    session.redo()
    assert values["level"] == 1.0 and values["kind"] == "b"


def test_undo_in_mid_fade_ends_it_where_it_began(session: Session, values: ParamSet, hands: Hands) -> None:
    session.recall(far_look(session), seconds=2.0)  # type: ignore[arg-type]
    pass_time(session, hands, 1.5, 5)
    session.undo()
    pass_time(session, hands, 1.0, 5)
    assert values["level"] == 0.0 and values["kind"] == "a" and not session.fades.active


def test_undo_takes_back_a_fade_that_waits_for_its_bar(session: Session, values: ParamSet, hands: Hands) -> None:
    look = far_look(session)
    pass_time(session, hands, 0.3, 3)
    session.set_value("A", 0, "level", 0.4)
    session.history.end()
    fade = session.recall(look, bars=1.0, start="phrase")  # type: ignore[arg-type]
    assert fade.progress is None and fade in session.fades.active
    assert session.undo() == fade.label
    assert fade.done and not session.fades.active and values["level"] == 0.4, "nothing else is taken back"
    waiting = session.recall(look, bars=1.0, start="phrase")  # type: ignore[arg-type]
    session.set_value("A", 0, "level", 0.6)
    session.history.end()
    session.undo()
    assert values["level"] == 0.4 and waiting in session.fades.active, "what was done since comes first"


def test_retarget_in_mid_fade_does_not_jump(session: Session, values: ParamSet, hands: Hands) -> None:
    near = session.take_snapshot("Near")
    far = far_look(session)
    session.recall(far, seconds=2.0)  # type: ignore[arg-type]
    pass_time(session, hands, 1.2, 12)
    before = [values["level"], *values["pad"], *to_oklab(values["ink"])]
    session.recall(near, seconds=2.0)
    session.pump()
    assert [values["level"], *values["pad"], *to_oklab(values["ink"])] == pytest.approx(before)
    last = values["level"]
    for _ in range(20):
        pass_time(session, hands, 0.1)
        assert 0 <= last - values["level"] < 0.04
        last = values["level"]
    assert values["level"] == 0.0 and values["kind"] == "a"
    assert session.undo() == "Snapshot Near"
    assert values["level"] == pytest.approx(0.6)


def test_a_hand_on_a_knob_takes_its_value_out_of_the_fade(session: Session, values: ParamSet, hands: Hands) -> None:
    session.recall(far_look(session), seconds=2.0)  # type: ignore[arg-type]
    pass_time(session, hands, 0.5, 5)
    session.set_value("A", 0, "level", 0.9)
    values.set_norm("pad", 0.1)  # as a controller does
    session.set_value("A", 0, "kind", "b")
    session.set_value("A", 0, "kind", "a")
    pass_time(session, hands, 2.0, 10)
    assert values["level"] == 0.9 and values["pad"][0] == pytest.approx(-0.8)
    assert values["ratio"] == 100.0  # the others went on
    session.undo()
    session.undo()
    session.undo()
    assert values["level"] == pytest.approx(0.25) and values["ratio"] == 100.0
    session.undo()
    assert values["level"] == 0.0 and values["ratio"] == 1.0


def test_bars_begin_on_the_bar_and_follow_the_tempo(session: Session, values: ParamSet, hands: Hands) -> None:
    far = far_look(session)
    pass_time(session, hands, 0.5)  # a beat into the bar of two seconds
    fade = session.recall(far, bars=2.0, start="bar")  # type: ignore[arg-type]
    assert fade is not None and fade.progress is None
    pass_time(session, hands, 1.45, 5)
    assert values["level"] == 0.0 and not session.history.can_undo
    pass_time(session, hands, 0.05 + 1.0)
    assert values["level"] == pytest.approx(0.25, abs=1e-6)
    session.clock.bpm = 240.0  # twice as fast from here; the place stays
    session.pump()
    assert values["level"] == pytest.approx(0.25, abs=1e-6)
    pass_time(session, hands, 0.5)
    assert values["level"] == pytest.approx(0.5, abs=1e-6)
    pass_time(session, hands, 1.0)
    assert fade.done


def test_another_chain_comes_at_the_flip_and_the_rest_goes_on_gliding(
    session: Session, values: ParamSet, hands: Hands
) -> None:
    slot = session.decks["A"].slots[0]
    session.add_effect("A", "test.dim")
    until(session, lambda: len(session.decks["A"].stages()) == 2)
    session.set_value("A", 0, "level", 1.0)
    session.add_player()
    far = session.take_snapshot("Far")
    session.undo()
    session.undo()
    session.undo()
    fade = session.recall(far, seconds=2.0)
    pass_time(session, hands, 0.9, 9)
    assert len(session.decks["A"].slots) == 1 and values["level"] == pytest.approx(0.45)
    pass_time(session, hands, 0.2)
    assert len(session.decks["A"].slots) == 2 and session.decks["A"].slots[0] is slot
    assert values["level"] == pytest.approx(0.55) and "1" in session.players
    pass_time(session, hands, 1.0)
    assert values["level"] == 1.0 and fade is not None and fade.done
    session.undo()
    assert len(session.decks["A"].slots) == 1 and values["level"] == 0.0 and not session.players


def test_tempo_and_blend_of_a_look(session: Session, hands: Hands) -> None:
    session.set_bpm(60.0)
    session.set_blend("screen")
    slow = session.take_snapshot("Slow")
    session.set_bpm(240.0, gesture=None)
    session.set_blend("mix")
    session.recall(slow, seconds=2.0)
    pass_time(session, hands, 0.9)
    assert session.mix.blend == "mix"
    pass_time(session, hands, 0.1)
    assert session.clock.bpm == pytest.approx(120.0) and session.mix.blend == "screen"
    pass_time(session, hands, 1.0)
    assert session.clock.bpm == 60.0


# --- places in a latent space ---


def test_a_place_travels_on_an_arc(session: Session, values: ParamSet, hands: Hands) -> None:
    far = far_look(session, seed=40)
    session.recall(far, seconds=2.0)  # type: ignore[arg-type]
    lengths = []
    for tick in range(1, 20):
        pass_time(session, hands, 0.1)
        text, holds = places.held(values["place"])
        weights = dict(places.parse_place(text).terms)
        assert set(weights) <= {"12", "40"} and holds == values["seed"] == 12
        assert places.straying(values["place"]) == pytest.approx(1.0 - tick / 20, abs=1e-3)
        lengths.append(sum(weight**2 for weight in weights.values()))
    assert lengths == pytest.approx([1.0] * 19, abs=2e-3)  # a straight line would dip to 0.5
    pass_time(session, hands, 0.11)
    assert (values["place"], values["seed"]) == ("", 40)
    session.undo()
    assert (values["place"], values["seed"]) == ("", 12)


def test_a_place_is_retargeted_from_where_it_is(session: Session, values: ParamSet, hands: Hands) -> None:
    far, rose = far_look(session, seed=40), far_look(session, points="rose=7", place="rose pc1:-0.5")
    session.recall(far, seconds=2.0)  # type: ignore[arg-type]
    pass_time(session, hands, 1.0, 10)
    before = dict(places.parse_place(places.held(values["place"])[0]).terms)
    session.recall(rose, seconds=2.0)  # type: ignore[arg-type]
    pass_time(session, hands, 0.02)
    after = dict(places.parse_place(places.held(values["place"])[0]).terms)
    assert [after[name] for name in before] == pytest.approx(list(before.values()), abs=0.03)
    pass_time(session, hands, 2.0)
    assert values["place"] == "rose pc1:-0.5" and values["seed"] == 12


def test_turning_the_seed_leaves_the_place(session: Session, values: ParamSet, hands: Hands) -> None:
    session.recall(far_look(session, seed=40), seconds=2.0)  # type: ignore[arg-type]
    pass_time(session, hands, 1.0, 10)
    session.set_value("A", 0, "seed", 99)
    pass_time(session, hands, 2.0, 10)
    assert values["seed"] == 99 and places.held(values["place"])[1] == 12  # holds no longer: the seed is what is seen
    assert values["level"] == 1.0


def test_a_place_that_cannot_be_read_flips(session: Session, values: ParamSet, hands: Hands) -> None:
    session.recall(far_look(session, place="nobody"), seconds=2.0)  # type: ignore[arg-type]
    pass_time(session, hands, 0.9)
    assert values["place"] == ""
    pass_time(session, hands, 0.2)
    assert values["place"] == "nobody"


# --- the crossfader ---


def test_a_timed_crossfade_and_back_without_a_jump(session: Session, hands: Hands) -> None:
    session.fade_to(1.0, Span(2.0))
    pass_time(session, hands, 1.0, 7)
    assert session.mix.crossfade == pytest.approx(0.5)
    session.fade_to(0.0, Span(1.0))
    session.pump()
    assert session.mix.crossfade == pytest.approx(0.5)
    pass_time(session, hands, 0.5)
    assert session.mix.crossfade == pytest.approx(0.25)
    pass_time(session, hands, 1.0)
    assert session.mix.crossfade == 0.0 and not session.fades.active


def test_a_hand_on_the_crossfader_ends_the_fade(session: Session, hands: Hands) -> None:
    session.fade_to(1.0, Span(2.0))
    pass_time(session, hands, 1.0)
    session.set_crossfade(0.1, gesture=("hold", "crossfade"))
    pass_time(session, hands, 1.0)
    assert session.mix.crossfade == 0.1 and not session.fades.active
    session.fade_to(1.0, Span(2.0))
    pass_time(session, hands, 1.0)
    session.mix.set_norm("crossfade", 0.2)  # a controller goes past the session
    pass_time(session, hands, 0.5)
    assert session.mix.crossfade == 0.2


def test_cut_on_the_bar_and_auto_by_their_names(session: Session, hands: Hands) -> None:
    session.mix.set("fade_start", "bar")
    pass_time(session, hands, 0.5)
    session.mix.set_norm("cut", 1.0)
    session.mix.set_norm("cut", 1.0)  # a controller that repeats itself
    pass_time(session, hands, 1.4)
    assert session.mix.crossfade == 0.0
    pass_time(session, hands, 0.2)
    assert session.mix.crossfade == 1.0
    session.mix.set("fade_unit", "beats")
    session.mix.set("fade_length", 4)
    session.mix.set("fade_start", "now")
    session.mix.set("auto", True)
    session.pump()
    pass_time(session, hands, 1.0)
    assert session.mix.crossfade == pytest.approx(0.5)
    session.mix.set("auto", True)  # turned round
    session.pump()
    pass_time(session, hands, 2.0)
    assert session.mix.crossfade == 1.0


def test_names_of_the_mix(session: Session) -> None:
    mix = Mix()
    for name, kind in KINDS.items():
        mix.set_norm(name, 0.3)
        if kind == "length":
            assert mix.norm(name) == pytest.approx(0.3, abs=0.01)
        elif kind != "trigger":
            value = getattr(mix, name)
            mix.set_norm(name, 0.9)
            assert getattr(mix, name) != value
            mix.set_norm(name, mix.norm(name))
            assert mix.norm(name) >= 0.9
    with pytest.raises(KeyError):
        mix.set("brightness", 1.0)
    with pytest.raises(ValueError, match="one of mix, add"):
        mix.set("blend", "burn")
    mix.set("fade_length", 1e9)
    assert mix.fade_length == LONGEST
    mix.set("crossfade", float("nan"))
    assert mix.crossfade == 0.0
    for wrong in ({"length": -1.0}, {"unit": "hours"}, {"start": "later"}):
        with pytest.raises(ValueError, match="a fade"):
            Span(**wrong)  # type: ignore[arg-type]


def test_the_mix_is_kept_in_the_file(session: Session, tmp_path: Path) -> None:
    session.set_blend("difference")
    session.mix.set("fade_length", 8.0)
    session.mix.set("fade_unit", "bars")
    session.take_snapshot("Here")
    session.save(tmp_path / "set.reverie")
    session.new()
    assert session.mix.blend == "mix" and session.mix.fade_unit == "seconds"
    assert session.open(tmp_path / "set.reverie") == []
    assert session.mix.blend == "difference" and session.mix.span == Span(8.0, "bars")
    assert session.snapshots[0].state["mix"]["blend"] == "difference"


def test_colours_survive_the_way_there_and_back() -> None:
    for color in ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.2, 0.7, 0.4), (1.0, 0.0, 0.5)):
        assert from_oklab(*to_oklab(color)) == pytest.approx(color, abs=1e-4)
