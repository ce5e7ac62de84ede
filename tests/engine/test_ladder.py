"""The degrade ladder: what is given up when a deck is too slow, and how it comes back without flapping."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.api import Context, Float, Generator
from studio.engine import Deck, Stage, ladder
from studio.engine.dissolve import Dissolver, blend
from studio.engine.ladder import Pace, Rung
from studio.engine.mailbox import Mailbox
from studio.params import ParamSet
from tests.engine.test_deck import until

BUDGET = 1 / 30


class Machine:
    """A generator on a machine: how long a step takes on each rung, and a clock that only it moves."""

    def __init__(self, cost: float, *, reducible: bool = True, sized: bool = True, half: float = 0.6,
                 budget: float = BUDGET) -> None:
        self.budget = budget
        self.cost, self.sized, self.half = cost, sized, half
        self.pace, self.now = Pace(lambda: reducible), 100.0
        self.changes: list[tuple[float, Rung]] = []

    def step_time(self) -> float:
        rung = self.pace.rung
        return self.cost * (rung.scale**2 if self.sized else 1.0) * (self.half if rung.reduced else 1.0)

    def run(self, seconds: float) -> Rung:
        end = self.now + seconds
        while self.now < end:
            spent = self.step_time()
            self.now += max(spent, self.budget * (2 if self.pace.rung.dissolve else 1))
            before = self.pace.rung
            self.pace.judge(self.now, spent, self.budget)
            if self.pace.rung != before:
                self.changes.append((self.now, self.pace.rung))
        return self.pace.rung


def test_a_fast_deck_gives_nothing_up() -> None:
    machine = Machine(BUDGET * 1.1)  # a little late is no reason
    assert machine.run(120) == Rung() and machine.changes == [] and machine.pace.why == ""


def test_first_the_size_then_the_precision_then_every_other_frame() -> None:
    machine = Machine(BUDGET * 12)
    assert machine.run(60) == Rung(0.5, True, True)
    assert [rung for _, rung in machine.changes] == [
        Rung(0.7), Rung(0.5), Rung(0.5, True), Rung(0.5, True, True)]
    assert machine.changes[0][0] - 100.0 >= ladder.SETTLE + ladder.WINDOW  # judged over seconds
    assert machine.pace.rung.text() == "50 % size · less precision · every other frame"
    assert "pictures a second" in machine.pace.why


def test_it_stops_where_it_is_fast_enough() -> None:
    assert Machine(BUDGET * 2).run(60) == Rung(0.7)
    assert Machine(BUDGET * 4).run(60) == Rung(0.5)


def test_what_does_not_help_is_taken_back() -> None:
    fixed = Machine(BUDGET * 2, sized=False)
    assert fixed.run(60) == Rung(1.0, True) and "size" in fixed.pace.useless
    neither = Machine(BUDGET * 1.9, sized=False, half=1.0)
    assert neither.run(60) == Rung(1.0, False, True) and neither.pace.useless == {"size", "precision"}


def test_it_climbs_back_when_the_machine_is_cool_again() -> None:
    machine = Machine(BUDGET * 0.6)
    machine.run(30)
    machine.cost = BUDGET * 4
    assert machine.run(40) == Rung(0.5)
    assert machine.pace.why.startswith("slower than before")
    machine.cost = BUDGET * 0.6
    assert machine.run(60) == Rung() and machine.pace.why == ""


def test_it_does_not_climb_where_it_would_fall_again() -> None:
    machine = Machine(BUDGET * 2)
    machine.run(200)
    assert machine.changes == [(machine.changes[0][0], Rung(0.7))]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0.3, 5.0), min_size=3, max_size=8), st.integers(0, 2**32))
def test_it_never_flaps(loads: list[float], seed: int) -> None:
    """Whatever the load does each minute, noise included, it moves a few times for each change of load."""
    rng = np.random.default_rng(seed)
    machine = Machine(0.15, budget=0.15)
    noise = machine.step_time
    machine.step_time = lambda: noise() * float(rng.uniform(0.8, 1.3))  # type: ignore[method-assign]
    for load in loads:
        machine.cost = machine.budget * load
        machine.run(60)
    assert len(machine.changes) <= 6 * len(loads)
    gaps = np.diff([when for when, _ in machine.changes])
    assert all(gap > ladder.SETTLE + ladder.WINDOW - 0.01 for gap in gaps)


def test_a_painting_that_takes_its_time_is_left_alone() -> None:
    assert Machine(3.0).run(200) == Rung()


def test_a_failure_with_less_precision_leaves_it_out() -> None:
    machine = Machine(BUDGET * 12)
    while not machine.pace.rung.reduced:
        machine.run(1)
    assert machine.pace.blame() and machine.pace.rung == Rung(0.5)
    assert not machine.pace.blame()
    machine.run(120)
    assert machine.pace.rung == Rung(0.5, False, True)


# --- live ---


class Slow(Generator):
    """As slow as its picture is large, and slower in float32."""

    id = "test.slow_by_size"
    title = "Slow"
    cost = Float(0.1, 0.0, 1.0)
    seen: list[tuple[int, bool]] = []  # noqa: RUF012
    sets: list[int] = []  # noqa: RUF012

    def setup(self, ctx: Context) -> None:
        self.size = ctx.size or (100, 100)
        Slow.sets.append(ctx.frame)

    def step(self, ctx: Context) -> np.ndarray:
        reduced = torch.is_autocast_enabled("cpu")
        Slow.seen.append((self.size[0], reduced))
        threading.Event().wait(self.cost * (self.size[0] / 200) ** 2 * (0.7 if reduced else 1.0))
        return np.full((self.size[1], self.size[0], 3), ctx.frame % 256, np.uint8)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SETTLE", 0.05), ("WINDOW", 0.25), ("CALM", 0.2), ("LOOK", 0.05),
                        ("SOON", 0.0), ("FEWEST", 2)):
        monkeypatch.setattr(ladder, name, value)
    monkeypatch.setattr(ladder, "can_reduce", lambda device: True)
    Slow.seen.clear()
    Slow.sets.clear()


def slow_deck(
    notices: list[str], better: list[str] | None = None, **values: Any
) -> tuple[Deck, ParamSet]:
    good = None if better is None else better.append
    deck = Deck("Deck A", size=(200, 200), threads=0, fps=20.0, on_notice=notices.append, on_better=good)
    params = ParamSet(Slow.params)
    for name, value in values.items():
        params.set(name, value)
    deck.start([Stage(Slow, params)])
    return deck, params


def test_a_deck_that_is_too_slow_works_smaller_says_so_and_comes_back(quick: None) -> None:
    notices: list[str] = []
    better: list[str] = []
    deck, values = slow_deck(notices, better, cost=0.14)
    assert until(lambda: deck.status().rung == "50 % size" and deck.mailbox.last.shape[1] == 100)  # type: ignore[union-attr]
    status = deck.status()
    assert status.scale == 0.5 and "pictures a second" in status.rung_why and status.state == "running"
    assert any("is too slow for this machine" in text and "50 % size" in text for text in notices)
    assert Slow.sets[-1] > 0  # set up again where it was, not begun anew
    values.set("cost", 0.0)
    assert until(lambda: deck.status().rung == "" and deck.mailbox.last.shape[1] == 200, 20)  # type: ignore[union-attr]
    assert better[-1] == "Deck A: back to the full picture" and not any("back" in text for text in notices)
    assert deck.status().rung_why == ""
    assert deck.stop()


def test_precision_and_dissolve_come_last_and_the_picture_moves_between_two_steps(quick: None) -> None:
    deck, _ = slow_deck([], cost=0.4)
    assert until(lambda: deck.status().rung == "50 % size · less precision · every other frame", 20)
    assert (100, True) in Slow.seen
    steps, pictures = deck.status().steps, deck.mailbox.put_count
    assert until(lambda: deck.status().steps >= steps + 4)
    assert deck.mailbox.put_count - pictures >= 6  # more pictures than steps: what lies between is shown
    deck.ladder.on = False
    assert until(lambda: deck.status().rung == "" and Slow.seen[-1] == (200, False))
    assert deck.stop()


def test_switched_off_it_stays_as_large_and_as_slow_as_it_is(quick: None) -> None:
    notices: list[str] = []
    deck = Deck("B", size=(200, 200), threads=0, fps=40.0, on_notice=notices.append)
    deck.ladder.on = False
    deck.start([Stage(Slow, ParamSet(Slow.params))])
    assert until(lambda: deck.status().steps > 12)
    assert deck.status().rung == "" and notices == []
    assert deck.stop()


def test_what_comes_into_an_effect_is_smaller_too(quick: None) -> None:
    class Effect(Generator):
        id = "test.slow_effect"
        takes = "image"

        def step(self, ctx: Context) -> Any:
            if ctx.input is not None:
                threading.Event().wait(0.14 * (ctx.input.shape[1] / 200) ** 2)
            return ctx.input

    deck = Deck("B", threads=0, fps=20.0)
    deck.input.put(np.full((120, 200, 3), 77, np.uint8))
    deck.start([Stage(Effect, ParamSet(Effect.params))])
    assert until(lambda: deck.mailbox.last is not None and deck.mailbox.last.shape == (60, 100, 3), 20)
    assert deck.mailbox.last is not None and (deck.mailbox.last == 77).all()
    assert deck.stop()


def test_a_dissolve_ends_at_the_picture_and_goes_on_from_what_is_seen() -> None:
    mailbox: Mailbox[Any] = Mailbox()
    dissolver = Dissolver("test", mailbox)
    black, white = (np.full((4, 4, 3), level, np.uint8) for level in (0, 255))
    mailbox.put(black)
    dissolver.show(white, 60.0)
    assert until(lambda: mailbox.last is white)
    levels: list[int] = []
    dissolver.show(black, 60.0)
    while mailbox.last is not black:
        frame = mailbox.take(1.0)
        if frame is not None:
            levels.append(int(frame[0, 0, 0]))
    assert levels == sorted(levels, reverse=True)
    dissolver.end()
    assert until(lambda: not any("test dissolve" in thread.name for thread in threading.enumerate()))
    assert int(blend(black, white, 0.5)[0, 0, 0]) in (127, 128)


def test_a_render_knows_no_ladder() -> None:
    from studio.engine import render

    began = time.monotonic()
    frames = list(render([Stage(Slow, ParamSet(Slow.params))], frames=3, fps=1000.0, size=(200, 200)))
    assert [frame.shape for frame in frames] == [(200, 200, 3)] * 3 and time.monotonic() - began >= 0.3  # type: ignore[union-attr]
