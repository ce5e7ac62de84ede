"""What tests of sessions share: generators so small that a test reads at a glance, as files; pumping until."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from studio.plugins import Plugin, read_plugin
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


def write_plugin(folder: Path, name: str, source: str) -> Plugin:
    """``source`` as the file of a user, and the plugin that the studio reads from it."""
    place = folder / f"{name}.py"
    if not place.is_file() or place.read_text(encoding="utf-8") != source:  # writing it again would look like an edit
        place.write_text(source, encoding="utf-8")
    return read_plugin(place)


def write_plugins(folder: Path, sources: Mapping[str, str]) -> list[Plugin]:
    """``write_plugin`` for each name and its source."""
    return [write_plugin(folder, name, source) for name, source in sources.items()]


def until(session: Session, true: Callable[[], object], seconds: float = 30.0) -> None:
    """Pump the session, as the window does, until ``true()``."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, [notice.text for notice in session.notices]
        session.pump()
        time.sleep(0.002)
