"""Plugins in processes of their own: same pictures, and whatever they do, the studio goes on."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from studio.engine import Deck, GeneratorError, Stage, render
from studio.media import Notes
from studio.params import ParamSet
from studio.plugins import PluginError, Registry, read_plugin
from studio.plugins.hosting import load_hosted
from studio.session.session import Session

WAVES = '''
import os, signal, time
import numpy as np
from studio.api import Bool, Choice, Color, Float, Generator, Int, Point, Seed, Text, Trigger

class Waves(Generator):
    """Noise that depends on everything."""
    id, version, makes, title = "test.waves", 3, "image", "Waves"
    level = Float(0.5, 0.0, 1.0, curve="exp", unit="x", help="How much", group="Look")
    count = Int(3, 1, 9)
    kind = Choice("a", ("a", "b"))
    tint = Color((1.0, 0.5, 0.0))
    place = Point((0.25, -0.25), -1.0, 1.0)
    words = Text("hello")
    seed = Seed(5)
    fresh = Bool(True, live=False)
    go = Trigger()
    end = Choice("none", ("none", "segfault", "exit", "hang", "leak", "raise", "print", "nan", "shape"))

    def setup(self, ctx):
        self.shots = 0

    def step(self, ctx):
        if self.end == "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.end == "exit":
            os._exit(3)
        if self.end == "hang":
            while True:
                pass
        if self.end == "leak":
            self.kept = [bytearray(100_000_000) for _ in range(100_000)]
        if self.end == "raise":
            raise ValueError("wrong on purpose")
        if self.end == "print":
            print("x" * 100_000)
        if self.end == "nan":
            return np.full((4, 4, 3), np.nan, np.float32)
        if self.end == "shape":
            return np.zeros((0, 4, 3), np.float32)
        self.shots += self.go
        ctx.expose("shots", self.shots)
        noise = ctx.rng.random((16, 24, 3), np.float32)
        return noise * self.level * (ctx.frame + 1) / 8 + self.shots * 0.1 + np.array(self.tint, np.float32) * 0.1
'''

HALF = '''
from studio.api import Generator

class Half(Generator):
    id, version, makes, takes, wants = "test.half", 1, "image", "image", "tensor"

    def step(self, ctx):
        return ctx.input * 0.5
'''

TUNE = '''
from studio.api import Finished, Generator, Note, Notes

class Tune(Generator):
    id, version, makes = "test.tune", 1, "notes"

    def setup(self, ctx):
        self.bars = 0

    def step(self, ctx):
        self.bars += 1
        if self.bars > 3:
            raise Finished
        for beat in range(2):
            yield Notes((Note(60 + self.bars, 90, 0.5, 0.25),), 1.0)
'''


@pytest.fixture
def place(tmp_path: Path) -> Callable[[str, str], Path]:
    def make(name: str, text: str) -> Path:
        made = tmp_path / f"{name}.py"
        made.write_text(text)
        return made

    return make


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def frames(generator: type, count: int = 5, **values: object) -> list[np.ndarray]:
    chosen = ParamSet(generator.params)
    for name, value in values.items():
        chosen.set(name, value)
    return [np.asarray(frame) for frame in render([Stage(generator, chosen)], frames=count, seed=3)]


def test_the_declaration_and_the_pictures_are_the_same(place: Callable[[str, str], Path]) -> None:
    where = place("waves", WAVES)
    here, there = read_plugin(where).load(), load_hosted(where)
    assert list(here.params) == list(there.params) and there.title == "Waves" and there.version == 3
    for name, param in here.params.items():
        other = there.params[name]
        assert vars(param) == vars(other), name
    for ours, theirs in zip(frames(here, level=0.8, go=True), frames(there, level=0.8, go=True), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_effect_gets_its_picture(place: Callable[[str, str], Path]) -> None:
    waves, half = load_hosted(place("waves", WAVES)), load_hosted(place("half", HALF))
    single = frames(waves, 2)
    stages = [Stage(waves, ParamSet(waves.params)), Stage(half, ParamSet(half.params))]
    for one, both in zip(single, render(stages, frames=2, seed=3), strict=True):
        assert np.abs(one.astype(int) / 2 - np.asarray(both).astype(int)).max() <= 1


def test_notes_and_the_end_come_through(place: Callable[[str, str], Path]) -> None:
    tune = load_hosted(place("tune", TUNE))
    blocks = list(render([Stage(tune, ParamSet(tune.params))]))
    assert len(blocks) == 6 and all(isinstance(block, Notes) for block in blocks)
    last = blocks[-1]
    assert isinstance(last, Notes) and last.notes[0].pitch == 63 and last.notes[0].start == 0.5


@pytest.mark.parametrize(("end", "says"), [
    ("segfault", "SIGSEGV"), ("exit", "exit code 3"),
    ("raise", r"stopped: waves\.py, line \d+: ValueError: wrong on purpose"), ("nan", "NaN"),
    ("shape", "an image must have the shape"),
])
@pytest.mark.skipif(sys.platform == "win32", reason="signals of other names")
def test_what_goes_wrong_is_a_sentence(place: Callable[[str, str], Path], end: str, says: str) -> None:
    waves = load_hosted(place("waves", WAVES))
    with pytest.raises(GeneratorError, match=says):
        frames(waves, 1, end=end)


def test_what_it_prints_does_not_disturb(place: Callable[[str, str], Path], capfd: pytest.CaptureFixture[str]) -> None:
    assert len(frames(load_hosted(place("waves", WAVES)), 2, end="print")) == 2


def test_a_hang_is_ended(place: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.plugins.hosting.hosted.HANG_SECONDS", 0.5)
    with pytest.raises(GeneratorError, match="hung"):
        frames(load_hosted(place("waves", WAVES)), 1, end="hang")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited on Linux only")
def test_a_leak_ends_there(place: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_PLUGIN_MEMORY", "700")
    monkeypatch.setattr("studio.plugins.hosting.hosted.HANG_SECONDS", 60.0)
    with pytest.raises(GeneratorError, match="memory"):
        frames(load_hosted(place("waves", WAVES)), 1, end="leak")


def test_code_that_cannot_be_imported_is_a_reason(place: Callable[[str, str], Path]) -> None:
    with pytest.raises(PluginError, match="line 1"):
        load_hosted(place("broken", "def (:\n"))


@pytest.fixture
def session(tmp_path: Path, place: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    plugin = read_plugin(place("waves", WAVES))
    plugin.contained = True
    made = Session(Registry([plugin]))
    yield made
    made.close()
    from studio.engine.threads import stop_all

    assert not stop_all(8.0)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of other names")
def test_a_deck_survives_a_crash_and_comes_back(session: Session) -> None:
    session.load("A", "test.waves")
    deck = session.decks["A"].worker
    assert isinstance(deck, Deck)

    def running() -> bool:
        session.pump()
        return deck.mailbox.put_count > 3

    until(running)
    count = deck.mailbox.put_count
    session.set_value("A", 0, "end", "segfault")

    def told() -> bool:
        session.pump()
        return any("SIGSEGV" in notice.text for notice in session.notices)

    until(told)
    assert session.decks["A"].frame() is not None
    session.set_value("A", 0, "end", "none")

    def back() -> bool:
        session.pump()
        if session.decks["A"].state == "paused":
            session.restart("A")
        return deck.mailbox.put_count > count + 5

    until(back)
    assert session.decks["A"].details(0)["shots"] == 0


def test_stopping_a_hung_plugin_ends_its_process(session: Session) -> None:
    session.load("A", "test.waves")
    deck = session.decks["A"].worker
    assert isinstance(deck, Deck)

    def running() -> bool:
        session.pump()
        return deck.mailbox.put_count > 0

    until(running)
    session.set_value("A", 0, "end", "hang")
    time.sleep(0.2)
    from studio.plugins.hosting import hosted

    held = [process._process.pid for process in hosted._alive]
    session.clear_line("A")
    until(lambda: not any(_exists(pid) for pid in held))


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
