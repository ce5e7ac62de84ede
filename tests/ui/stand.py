"""A session with two tiny generators, for tests of the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.plugins import Registry, read_plugin
from studio.session.session import Session

SHADE = '''
import numpy as np
from studio.api import Bool, Float, Generator

class Shade(Generator):
    """One grey."""
    id, version, makes, title = "test.shade", 1, "image", "Shade"
    level = Float(1.0, 0.0, 1.0)
    broken = Bool(False)

    def step(self, ctx):
        if self.broken:
            raise ValueError("broken on purpose")
        return np.full((24, 32, 3), self.level, np.float32)
'''

DIM = '''
from studio.api import Float, Generator

class Dim(Generator):
    """Half the light."""
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
        return Notes(tuple(Note(60 + beat, 80, float(beat), 1.0) for beat in range(4)), 4.0)
'''


def make_session(folder: Path) -> Session:
    """A session whose only plugins are the three above."""
    places = []
    for name, text in (("shade", SHADE), ("dim", DIM), ("count", COUNT)):
        place = folder / f"{name}.py"
        place.write_text(text)
        places.append(read_plugin(place))
    return Session(Registry(places))


def pumped(session: Session, qtbot: Any, true: Callable[[], object], timeout: int = 20_000) -> None:
    """Pump the session and the event loop until ``true()``."""

    def look() -> bool:
        session.pump()
        return bool(true())

    qtbot.waitUntil(look, timeout=timeout)


def level(session: Session, name: str = "A") -> int:
    """The grey that a deck shows, -1 for nothing."""
    frame = session.decks[name].frame()
    return -1 if frame is None else int(frame[0, 0, 0])
