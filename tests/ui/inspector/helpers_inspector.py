"""A real session with a plugin as a user writes it, one parameter of every kind and with German-length labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytestqt.qtbot import QtBot

from studio.params import ParamSet
from studio.session.session import Session
from studio.ui.inspector import Inspector, ParamRow

ZOO = '''
"""Every kind of parameter."""
import numpy as np
from studio.api import Bool, Choice, Color, Float, Generator, Int, Model, Path, Point, Seed, Text, Trigger


class Zoo(Generator):
    """Every kind of parameter."""

    id, version, makes, title = "test.zoo", 1, "image", "Zoo"

    speed = Float(0.3, 0.0, 4.0, unit="Hz", group="Numbers", help="How fast the field moves")
    scale = Float(6.0, 1.0, 40.0, curve="log", group="Numbers", help="Waves per frame")
    balance = Float(0.0, -2.0, 2.0, group="Numbers", help="Left or right")
    window = Int(400, 16, 4000, curve="log", unit="characters", group="Numbers",
                 label="Wiederholungsvermeidungsfenster", help="How far back repetitions are looked for")
    birds = Int(7, 0, 12, group="Numbers", help="Number of birds")
    size = Int(128, 64, 1024, unit="px", group="Numbers", live=False, help="Restarts the field")
    mode = Choice("walk", ("still", "walk", "loop"), group="Choices", help="How it moves")
    palette = Choice("ice", ("ice", "ember", "forest", "night", "desert", "sea"), group="Choices", help="Colours")
    mirror = Bool(True, label="Kaleidoskopspiegelung", group="Choices", help="Mirrors")
    fire = Trigger(label="Von vorne beginnen", group="Choices", help="Begin again")
    seed = Seed(1, label="Zufallsstartwertderlandschaft", group="Places", help="Another picture")
    tint = Color((1.0, 0.5, 0.0), label="Hintergrundfarbverlauf", group="Places", help="The light")
    drift = Point((0.0, 0.0), -1.0, 1.0, unit="frames/s", group="Places", help="Sideways flight")
    words = Text("rose=12", group="Files", applies={"mode": ("walk", "loop")}, help="Names for seeds")
    picture = Path("", accepts="image", group="Files", help="A picture to begin with")
    model = Model("", architecture="gan", group="Files", help="The network")

    stride = Float(0.5, 0.0, 1.0, group="Choices", applies={"mode": ("walk", "loop")}, help="How far a walk goes")

    shots = 0

    def setup(self, ctx):
        pass

    def step(self, ctx):
        if self.speed > 3.9:
            raise ValueError("the speed is too high for this test; lower it")
        return np.full((16, 16, 3), self.speed / 4, np.float32)
'''

EFFECT = '''
from studio.api import Float, Generator


class Veil(Generator):
    """Darker."""

    id, version, makes, takes, title = "test.veil", 1, "image", "image", "Veil"

    depth = Float(0.5, 0.0, 1.0, help="How dark")

    def step(self, ctx):
        return ctx.input * (1 - self.depth)
'''

BROKEN = '''
from studio.api import Float, Generator


class Broken(Generator):
    """Its code cannot be read."""

    id, version, makes, title = "test.broken", 1, "image", "Broken"

    import a_module_that_is_not_there

    def step(self, ctx):
        return None
'''


class Desk:
    """The inspector of a real session, driven as a user drives it."""

    def __init__(self, qtbot: QtBot, session: Session) -> None:
        self.qtbot, self.session = qtbot, session
        self.inspector = Inspector(session)
        qtbot.addWidget(self.inspector)
        self.inspector.resize(360, 700)

    def until(self, holds: Callable[[], Any], timeout: int = 8000) -> None:
        """Let the window's timers run until something holds."""

        def look() -> bool:
            self.session.pump()
            return bool(holds())

        self.qtbot.waitUntil(look, timeout=timeout)

    def show(self, generator: str = "test.zoo", *, line: str = "A") -> None:
        """Load a generator and wait until all its rows are there."""
        self.session.load(line, generator)
        self.session.select(line, 0)
        self.inspector.show()
        self.until(lambda: self.inspector.panel is not None and self.inspector.panel.complete)
        self.until(lambda: self.inspector.panel is not None and self.inspector.panel.edits.line == line)
        self.inspector.activateWindow()
        self.qtbot.waitUntil(self.inspector.isActiveWindow)
        self.session.history.clear()

    @property
    def values(self) -> ParamSet:
        slot = self.session.line("A").slots[0]
        assert slot.stage is not None
        return slot.stage.values

    def row(self, name: str) -> Any:
        """A row, scrolled into view."""
        row: ParamRow = self.inspector.row(name)
        assert self.inspector.panel is not None
        self.inspector.panel.ensureWidgetVisible(row)
        self.session.pump()
        return row

    def undo_steps(self) -> int:
        """How many steps can be undone, and undo them all."""
        count = 0
        while self.session.history.can_undo and self.session.undo():
            count += 1
        return count
