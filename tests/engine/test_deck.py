"""Decks and players live: values, failures, back-off, memory, hanging, stopping; real threads, no mocks."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.api import Bool, Context, Finished, Float, Generator, Int, Note, Notes, Trigger
from studio.engine import Deck, GeneratorError, Player, Stage, ladder, worker
from studio.params import ParamSet


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether ``condition`` became true in time."""
    tick, end = threading.Event(), time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        tick.wait(0.002)
    return condition()


def stage(generator: type[Generator], **values: Any) -> Stage:
    found = ParamSet(generator.params)
    for name, value in values.items():
        found.set(name, value)
    return Stage(generator, found)


@pytest.fixture
def deck() -> Iterator[Deck]:
    made = Deck("A", threads=0)
    yield made
    assert made.stop()


class Level(Generator):
    id = "test.level"
    title = "Level"
    level = Int(0, 0, 255)
    size = Int(8, 2, 2000, live=False)
    flash = Trigger()
    seen: list[bool] = []  # noqa: RUF012
    contexts: list[Context] = []  # noqa: RUF012

    def setup(self, ctx: Context) -> None:
        Level.contexts.append(ctx)

    def step(self, ctx: Context) -> np.ndarray:
        if self.flash:
            Level.seen.append(True)
        return np.full((self.size, self.size, 3), self.level, np.uint8)


class Faulty(Generator):
    id = "test.faulty"
    title = "Faulty"
    mode = Int(0, 0, 9)
    made = 0
    steps = 0

    def __init__(self) -> None:
        Faulty.made += 1
        self.own = 0

    def step(self, ctx: Context) -> np.ndarray:
        Faulty.steps += 1
        self.own += 1
        if self.mode == 1 or (self.mode == 2 and self.own == 7):
            raise RuntimeError("the bulb broke")
        if self.mode == 3:
            return np.full((4, 4, 3), np.nan)
        return np.full((4, 4, 3), min(255, self.own), np.uint8)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "BACK_OFF", (0.0, 0.02, 0.02))
    Faulty.made = Faulty.steps = 0
    Level.seen.clear()
    Level.contexts.clear()


def newest(deck: Deck) -> int:
    frame = deck.mailbox.last
    return -1 if frame is None else int(frame[0, 0, 0])


def test_values_reach_the_worker_newest_last_and_triggers_once(deck: Deck) -> None:
    one = stage(Level)
    deck.start([one])
    for n in range(1, 201):  # a slider moved 200 times a second: coalesced, and the last value always arrives
        one.values.set("level", n)
    assert until(lambda: newest(deck) == 200)
    one.values.fire("flash")
    count = deck.mailbox.put_count
    assert until(lambda: deck.mailbox.put_count > count + 20)
    assert Level.seen == [True]
    one.values.set("size", 16)
    assert until(lambda: deck.mailbox.last is not None and deck.mailbox.last.shape == (16, 16, 3))
    assert len(Level.contexts) == 2  # set up, and again for the value that is not live


def test_figures(deck: Deck) -> None:
    deck.start([stage(Level)])
    assert until(lambda: deck.status().steps > 100)
    status = deck.status()
    assert status.state == "running" and status.fps > 30 and status.step_ms < 30 and status.age < 2
    assert until(lambda: deck.status().dropped > 0)  # nobody takes: the newest wins, the others are counted
    assert deck.stop() and deck.status().state == "stopped"


def test_pacing_and_late_steps() -> None:
    class Slow(Level):
        id = "test.slow"

        def step(self, ctx: Context) -> np.ndarray:
            threading.Event().wait(0.01)
            return super().step(ctx)

    paced = Deck("paced", fps=50.0, threads=0)
    paced.start([stage(Level)])
    assert until(lambda: paced.status().steps >= 20)
    assert paced.status().fps < 75
    paced.start([stage(Slow)])
    paced.stop()
    late = Deck("late", fps=200.0, threads=0)
    late.start([stage(Slow)])
    assert until(lambda: late.status().late >= 5)
    assert late.stop()


def test_time_follows_the_clock_and_never_leaps(deck: Deck) -> None:
    dts: list[float] = []
    beats: list[float] = []

    class Watch(Level):
        id = "test.watch"

        def step(self, ctx: Context) -> np.ndarray:
            dts.append(ctx.dt)
            beats.append(ctx.beat)
            if len(dts) == 3:
                threading.Event().wait(0.3)  # a stall
            return super().step(ctx)

    deck.start([stage(Watch)])
    assert until(lambda: len(dts) > 20)
    deck.stop()
    assert max(dts) == worker.MAX_DT and min(dts) > 0
    assert beats == sorted(beats) and beats[3] - beats[2] >= 0.5  # the music went on


def test_notes_and_sound_reach_the_step(deck: Deck) -> None:
    got: list[tuple[Note, ...]] = []

    class Listens(Level):
        id = "test.listens"

        def step(self, ctx: Context) -> np.ndarray:
            if ctx.notes:
                got.append(ctx.notes)
            return np.full((2, 2, 3), int(ctx.audio.get("level", 0.0) * 255), np.uint8)

    deck.start([stage(Listens)])
    deck.send_notes([Note(60, 100, 0.0, 1.0), Note(64, 100, 0.0, 1.0)])
    deck.audio = {"level": 1.0}
    assert until(lambda: newest(deck) == 255 and bool(got))
    assert [note.pitch for notes in got for note in notes] == [60, 64]


def test_one_failure_goes_on_with_the_same_generator(deck: Deck) -> None:
    notices: list[str] = []
    deck._on_notice = notices.append
    deck.start([stage(Faulty, mode=2)])
    assert until(lambda: Faulty.steps > 20)
    assert Faulty.made == 1 and deck.status().state == "running" and deck.status().failures == 1
    assert notices == ["A: Faulty stopped: RuntimeError: the bulb broke; trying again"]


@pytest.mark.parametrize(("mode", "why"), [(1, "the bulb broke"), (3, "NaN")])
def test_failing_again_and_again_pauses_with_the_last_good_frame(deck: Deck, mode: int, why: str) -> None:
    values = stage(Faulty)
    deck.start([values])
    assert until(lambda: newest(deck) > 3)
    values.values.set("mode", mode)
    assert until(lambda: deck.status().state == "paused")
    assert why in deck.status().reason and "restart it" in deck.status().reason
    assert newest(deck) > 3  # the last good picture is still there
    assert Faulty.made == 3  # tried again as it is, then two new ones
    values.values.set("mode", 0)
    deck.restart()
    assert until(lambda: deck.status().state == "running")
    assert values.values["mode"] == 0


def test_stages_that_are_asked_for_while_the_last_try_fails_take_the_place(deck: Deck) -> None:
    new, tries = stage(Faulty), []

    class Late(Generator):
        id = "test.late"

        def step(self, ctx: Context) -> np.ndarray:
            tries.append(1)
            if len(tries) > worker.MAX_FAILURES:
                deck.change([new])
            raise RuntimeError("the bulb broke")

    deck.start([stage(Late)])
    assert until(lambda: newest(deck) > 3)
    assert deck.status().state == "running" and deck.status().failures == 0 and deck.stages == [new]


def test_a_setup_that_fails_again_does_not_step_half_made(deck: Deck) -> None:
    class Picky(Generator):
        id = "test.picky"
        size = Int(4, 1, 9, live=False)

        def setup(self, ctx: Context) -> None:
            self.ready = False
            if self.size == 7:
                raise ValueError("seven is not possible; choose another")
            self.ready = True

        def step(self, ctx: Context) -> np.ndarray:
            assert self.ready
            return np.full((2, 2, 3), self.size, np.uint8)

    picky = stage(Picky)
    deck.start([picky])
    assert until(lambda: newest(deck) == 4)
    picky.values.set("size", 7)
    assert until(lambda: deck.status().state == "paused")
    assert "seven is not possible" in deck.status().reason and newest(deck) == 4
    assert deck.status().failures == 1 and deck.status().age == 0.0  # it would fail again: not tried
    picky.values.set("size", 5)
    deck.restart()
    assert until(lambda: newest(deck) == 5)


def test_out_of_memory_goes_down_the_ladder_and_says_so() -> None:
    class Hungry(Generator):
        id = "test.hungry"
        title = "Hungry"

        def setup(self, ctx: Context) -> None:
            self.size = ctx.size or (640, 480)
            if self.size[0] > 200:
                # more than any machine has: the allocator refuses at once
                torch.empty(2**50, dtype=torch.uint8)

        def step(self, ctx: Context) -> np.ndarray:
            return np.zeros((self.size[1], self.size[0], 3), np.uint8)

    notices: list[str] = []
    deck = Deck("B", size=(640, 480), threads=0, on_notice=notices.append)
    deck.start([stage(Hungry)])
    assert until(lambda: deck.mailbox.last is not None)
    assert deck.mailbox.last is not None and deck.mailbox.last.shape == (120, 160, 3)
    assert notices == [f"B: the memory is full; going on at {p}% of the size" for p in (50, 25)]
    assert deck.status().scale == 0.25 and deck.status().failures == 0
    assert deck.stop()


def test_a_smaller_size_is_left_again_when_there_is_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "CLIMB", 0.05)
    room, tried = [200], []

    class Hungry(Generator):
        id = "test.hungry_for_a_while"

        def setup(self, ctx: Context) -> None:
            self.size = ctx.size or (640, 480)
            tried.append(self.size[0])

        def step(self, ctx: Context) -> np.ndarray:
            if self.size[0] > room[0]:
                raise MemoryError
            return np.zeros((self.size[1], self.size[0], 3), np.uint8)

    def width() -> int:
        return 0 if deck.mailbox.last is None else deck.mailbox.last.shape[1]

    notices: list[str] = []
    deck = Deck("B", size=(640, 480), threads=0, fps=500.0, on_notice=notices.append)
    deck.start([stage(Hungry)])
    assert until(lambda: tried.count(320) >= 3 and width() == 160)  # it climbs, in vain, and falls back
    assert deck.ladder.patience >= 0.1 and deck.status().state in ("running", "starting")
    room[0] = 400
    assert until(lambda: width() == 320)
    room[0] = 4000
    assert until(lambda: width() == 640) and deck.status().scale == 1.0
    assert "B: trying 100% of the size again" in notices
    assert deck.stop()


def test_without_a_wished_size_the_parts_are_those_of_what_was_made() -> None:
    seen: list[tuple[int, int]] = []

    class Own(Generator):
        id = "test.own_size"
        full = Bool(False)

        def step(self, ctx: Context) -> np.ndarray:
            width, height = ctx.size or (800, 400)
            seen.append((width, height))
            if self.full and width > 200:
                raise MemoryError
            return np.zeros((height, width, 3), np.uint8)

    deck = Deck("B", threads=0, fps=500.0)
    own = stage(Own)
    deck.start([own])
    assert until(lambda: deck.mailbox.last is not None)
    own.values.set("full", True)
    assert until(lambda: seen[-1] == (200, 100))
    assert list(dict.fromkeys(seen)) == [(800, 400), (400, 200), (200, 100)]
    assert deck.stop()


def test_a_hung_step_is_seen_replaced_and_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "HUNG_RUNNING", 0.15)
    release = threading.Event()

    class Hangs(Generator):
        id = "test.hangs"
        hang = Bool(False)

        def step(self, ctx: Context) -> np.ndarray:
            if self.hang:
                release.wait(20.0)
            return np.full((2, 2, 3), 9, np.uint8)

    deck = Deck("H", fps=200.0, threads=0)
    hanging = stage(Hangs)
    deck.start([hanging])
    assert until(lambda: newest(deck) == 9)
    hanging.values.set("hang", True)
    assert until(lambda: deck.status().state == "hung")
    assert "no sign of life" in deck.status().reason and newest(deck) == 9
    began = time.monotonic()
    deck.start([stage(Level, level=77)])
    assert time.monotonic() - began < 2.0
    assert until(lambda: newest(deck) == 77)
    release.set()  # the old thread comes back: what it makes is ignored
    assert until(lambda: not any(t.name == "reverie H" and t is not _thread(deck) for t in threading.enumerate()))
    count = deck.mailbox.put_count
    assert until(lambda: deck.mailbox.put_count > count + 5) and newest(deck) == 77
    assert deck.stop()


def test_a_step_that_is_always_slow_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "HUNG_RUNNING", 0.02)

    class Slow(Generator):
        id = "test.slow"

        def step(self, ctx: Context) -> np.ndarray:
            threading.Event().wait(0.15)  # long without a sign of life
            return np.full((2, 2, 3), 7, np.uint8)

    deck = Deck("S", fps=200.0, threads=0)
    deck.start([stage(Slow)])
    assert until(lambda: deck.mailbox.put_count > 1)
    states = set()
    assert until(lambda: states.add(deck.status().state) is not None or deck.mailbox.put_count > 5)
    assert states == {"running"}
    assert deck.stop()


def _thread(deck: Deck) -> threading.Thread | None:
    return deck._current.thread if deck._current is not None else None


def test_stop_is_heard_within_a_long_step_that_checks(deck: Deck) -> None:
    inside = threading.Event()

    class Long(Generator):
        id = "test.long"

        def step(self, ctx: Context) -> np.ndarray:
            while True:
                inside.set()
                ctx.check()

    deck.start([stage(Long)])
    assert inside.wait(10.0)
    began = time.monotonic()
    assert deck.stop() and time.monotonic() - began < 1.0


def test_previews_show_while_a_picture_is_painted(deck: Deck) -> None:
    go = threading.Event()

    class Paints(Generator):
        id = "test.paints"

        def step(self, ctx: Context) -> Iterator[np.ndarray]:
            yield np.full((2, 2, 3), 50, np.uint8)
            while not go.is_set():
                ctx.check()
            yield np.full((2, 2, 3), 99, np.uint8)
            raise Finished

    deck.start([stage(Paints)])
    assert until(lambda: newest(deck) == 50)
    go.set()
    assert until(lambda: deck.status().state == "finished")
    assert newest(deck) == 99


def test_input_frames_newest_wins_and_is_held(deck: Deck) -> None:
    class Echo(Generator):
        id = "test.echo"
        takes = "image"

        def step(self, ctx: Context) -> Any:
            return ctx.input

    deck.start([stage(Echo)])
    for level in (10, 20, 30):
        deck.input.put(np.full((4, 4, 3), level, np.uint8))
    assert until(lambda: newest(deck) == 30)
    count = deck.mailbox.put_count
    assert until(lambda: deck.mailbox.put_count > count + 3) and newest(deck) == 30


def test_two_decks_do_not_disturb_each_other(deck: Deck) -> None:
    other = Deck("C", threads=0)
    other.start([stage(Level, level=5)])
    deck.start([stage(Faulty, mode=1)])
    assert until(lambda: deck.status().state == "paused")
    count = other.mailbox.put_count
    assert until(lambda: other.mailbox.put_count > count + 10)
    assert other.status().state == "running" and other.stop()


def test_a_deck_wants_pictures_and_stages_that_fit(deck: Deck) -> None:
    class Words(Generator):
        id = "test.words2"
        makes = "text"

        def step(self, ctx: Context) -> str:
            return "x"

    with pytest.raises(GeneratorError, match="use a player"):
        deck.start([stage(Words)])
    with pytest.raises(GeneratorError, match="cannot follow"):
        deck.start([stage(Level), stage(Faulty)])
    assert deck.status().state == "stopped"


def test_a_player_works_ahead_but_not_far_and_loses_nothing() -> None:
    class Count(Generator):
        id = "test.count"
        makes = "notes"

        def step(self, ctx: Context) -> Notes:
            return Notes((Note(ctx.frame % 128, 100, ctx.beat % 1.0, 0.5),), 2.0)

    player = Player(ahead=3, threads=0)
    player.start([stage(Count)])
    assert until(lambda: len(player.parts) == 3)
    found = [player.parts.take(timeout=5.0) for _ in range(40)]
    assert [part.notes[0].pitch for part in found if isinstance(part, Notes)] == list(range(40))
    assert all(part.notes[0].start == pytest.approx(0.0, abs=1e-6) for part in found if isinstance(part, Notes))
    assert player.status().state == "running"  # waiting for its reader is not hanging
    assert player.stop()


def test_a_text_player_streams_letters_and_finishes() -> None:
    class Letters(Generator):
        id = "test.letters"
        makes = "text"
        gain = Float(1.0, 0.0, 2.0)

        def step(self, ctx: Context) -> Iterator[str]:
            yield from "reverie"
            raise Finished

    player = Player(ahead=2, threads=0)
    player.start([stage(Letters)])
    assert "".join(str(player.parts.take(timeout=5.0)) for _ in range(7)) == "reverie"
    assert until(lambda: player.status().state == "finished")
    assert player.stop()


def test_repeated_notices_are_told_once(deck: Deck) -> None:
    class Talks(Level):
        id = "test.talks"

        def step(self, ctx: Context) -> np.ndarray:
            ctx.notice("the camera is dark")
            return super().step(ctx)

    notices: list[str] = []
    deck._on_notice = notices.append
    deck.start([stage(Talks)])
    assert until(lambda: deck.status().steps > 20)
    assert notices == ["the camera is dark"]


def rss() -> int:
    """Resident memory in bytes."""
    with Path("/proc/self/statm").open(encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


class Net(Generator):
    """A real network with an effect's hand-over, small enough for ten thousand frames."""

    id = "test.net"

    def setup(self, ctx: Context) -> None:
        torch.manual_seed(0)
        self.net = torch.nn.Conv2d(3, 3, 3, padding=1)
        self.x = torch.rand(1, 3, 128, 128)

    def step(self, ctx: Context) -> torch.Tensor:
        with torch.inference_mode():
            return torch.sigmoid(self.net(self.x + ctx.t % 1.0))[0]


class Dim(Generator):
    id = "test.dim"
    takes = "image"

    def step(self, ctx: Context) -> np.ndarray:
        return np.asarray(ctx.input * 0.5)


def grown(frames: int) -> float:
    """Bytes per frame that a deck with a network and an effect gains after warming up."""
    deck = Deck("soak")
    deck.start([stage(Net), stage(Dim)])
    try:
        assert until(lambda: deck.status().steps > frames // 4, 300)
        gc.collect()
        before, first = rss(), deck.status().steps
        while deck.status().steps < first + frames:
            deck.mailbox.take(timeout=1.0)
        gc.collect()
        return (rss() - before) / frames
    finally:
        deck.stop()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_memory_is_flat_over_a_thousand_frames() -> None:
    assert grown(1000) < 4096  # one leaked 128x128 frame would be 49,152 bytes


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_memory_is_flat_over_ten_thousand_frames() -> None:
    threads = threading.active_count()
    assert grown(10_000) < 256
    assert threading.active_count() == threads
