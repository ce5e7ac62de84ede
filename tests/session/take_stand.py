"""A session with a generator whose picture tells what moved it, for tests of takes and recordings."""

from __future__ import annotations

from pathlib import Path

from studio.engine import Clock
from studio.plugins import Registry
from studio.session.session import Session
from tests.stand import COUNT, DIM, until, write_plugins

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


def registry(folder: Path) -> Registry:
    """The teller, an effect and a player whose notes end before the next one begins."""
    short = COUNT.replace("float(beat), 1.0", "float(beat), 0.5")
    return Registry(write_plugins(folder, {"teller": TELLER, "dim": DIM, "count": short}))


def make_session(folder: Path) -> Session:
    """A session of its own with them; fast music."""
    made = Session(registry(folder), clock=Clock(240.0))
    made.settings.set("export_folder", str(folder / "out"))
    return made


def live(session: Session, seconds: float) -> None:
    """Let the show go on for so long by its own clock."""
    end = session.clock.read().t + seconds
    until(session, lambda: session.clock.read().t >= end)
