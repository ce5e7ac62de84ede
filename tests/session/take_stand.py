"""A session with a generator whose picture tells what moved it, for tests of takes and recordings."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from studio.engine import Clock
from studio.plugins import Registry, read_plugin
from studio.session.session import Session

TELLER = '''
import numpy as np
from studio.api import Float, Generator, Int, Trigger

class Teller(Generator):
    """Grey of what it is told: rows of level, phase, hits, beat and chance."""
    id, version, makes, title = "test.teller", 1, "image", "Teller"
    level = Float(0.25, 0.0, 1.0)
    speed = Float(0.25, 0.0, 4.0)
    hit = Trigger()

    def setup(self, ctx):
        self.phase, self.hits = 0.0, 0
        self.size = ctx.size or (40, 40)

    def step(self, ctx):
        self.phase = (self.phase + self.speed * ctx.dt) % 1.0
        self.hits += bool(self.hit) + len(ctx.notes)
        width, height = self.size
        rows = (self.level, self.phase, (self.hits % 8) / 8, ctx.beat % 1.0, ctx.rng.random())
        return np.repeat(np.array(rows, np.float32), height // 5)[:, None, None].repeat(width, 1).repeat(3, 2)
'''

DIM = '''
from studio.api import Float, Generator

class Dim(Generator):
    """Less light."""
    id, version, makes, takes, title = "test.dim", 1, "image", "image", "Dim"
    by = Float(0.5, 0.0, 1.0)

    def step(self, ctx):
        return ctx.input * self.by
'''

COUNT = '''
from studio.api import Generator, Note, Notes

class Count(Generator):
    """Four notes a bar."""
    id, version, makes, title = "test.count", 1, "notes", "Count"

    def step(self, ctx):
        return Notes(tuple(Note(60 + beat, 80, float(beat), 0.5) for beat in range(4)), 4.0)
'''


def registry(folder: Path) -> Registry:
    """The three above."""
    places = []
    for name, text in (("teller", TELLER), ("dim", DIM), ("count", COUNT)):
        place = folder / f"{name}.py"
        if not place.exists():
            place.write_text(text)
        places.append(read_plugin(place))
    return Registry(places)


def make_session(folder: Path) -> Session:
    """A session of its own with them; fast music."""
    made = Session(registry(folder), clock=Clock(240.0))
    made.settings.set("export_folder", str(folder / "out"))
    return made


def until(session: Session, true: Callable[[], object], seconds: float = 20.0) -> None:
    """Pump until ``true()``."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        session.pump()
        time.sleep(0.002)


def live(session: Session, seconds: float) -> None:
    """Let the show go on for so long by its own clock."""
    end = session.clock.read().t + seconds
    until(session, lambda: session.clock.read().t >= end)
