"""Small plugins for the command line's tests: pictures, an effect, text, notes, and one that fails."""

from __future__ import annotations

from pathlib import Path

import pytest

CODE = '''
import time
import numpy as np
from studio.api import Choice, Finished, Float, Generator, Int, Note, Notes, Point, Seed


class Rings(Generator):
    """Rings that move. More about them."""

    id, version, makes = "cli.rings", 1, "image"
    speed = Float(1.0, 0.0, 4.0, unit="Hz", help="How fast")
    seed = Seed(3)
    centre = Point((0.0, 0.0))
    look = Choice("calm", ("calm", "wild"), group="Look")

    def setup(self, ctx):
        self.phase = 0.0

    def step(self, ctx):
        self.phase += self.speed * ctx.dt
        width, height = ctx.size or (48, 32)
        y, x = np.mgrid[0:height, 0:width] / 8
        rings = 0.5 + 0.5 * np.sin(np.hypot(x, y) + 6.28 * self.phase + self.seed)
        return np.stack([rings, rings**2, ctx.rng.random((height, width))], 2).astype(np.float32)


class Invert(Generator):
    id, version, makes, takes = "cli.invert", 1, "image", "image"
    amount = Float(1.0, 0.0, 1.0)

    def step(self, ctx):
        picture = ctx.input if ctx.input is not None else np.zeros((16, 16, 3), np.float32)
        return picture * (1 - self.amount) + (1 - picture) * self.amount


class Letters(Generator):
    id, version, makes = "cli.letters", 1, "text"
    length = Int(5, 1, 1000)

    def setup(self, ctx):
        self.count = 0

    def step(self, ctx):
        if self.count == self.length:
            raise Finished
        self.count += 1
        return "aeiou"[int(ctx.rng.integers(5))]


class Tune(Generator):
    id, version, makes = "cli.tune", 1, "notes"

    def step(self, ctx):
        pitch = int(ctx.rng.integers(60, 72))
        return Notes((Note(pitch, 90, 0.0, 1.5), Note(pitch + 4, 80, 1.5, 1.5)), 3.0)


class Piece(Generator):
    """Ends by itself, one bar after it was asked to."""

    id, version, makes = "cli.piece", 1, "notes"
    bars = Int(0, 0, 64)

    def setup(self, ctx):
        self.played = 0

    def step(self, ctx):
        if self.bars and self.played > self.bars:
            raise Finished
        self.played += 1
        return Notes((Note(60, 90, 0.0, 4.0),), 4.0)


class Slow(Generator):
    """Waits for ever, politely."""

    id, version, makes = "cli.slow", 1, "image"

    def step(self, ctx):
        if ctx.frame:
            print("waiting", flush=True)
            while True:
                ctx.check()
                time.sleep(0.01)
        return np.zeros((16, 16, 3), np.float32)


class Broken(Generator):
    id, version, makes = "cli.broken", 1, "image"

    def step(self, ctx):
        return 1 // 0
'''
KINDS = {
    "rings": "image", "invert": "image", "letters": "text", "tune": "notes", "piece": "notes", "slow": "image",
    "broken": "image",
}


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The plugins, found through the environment; the test works in a folder of its own."""
    root = tmp_path / "plugins"
    for name, makes in KINDS.items():
        folder = root / name
        folder.mkdir(parents=True)
        (folder / f"{name}.py").write_text(CODE)
        takes = '\ntakes = "image"' if name == "invert" else ""
        (folder / "plugin.toml").write_text(
            f'id = "cli.{name}"\napi = 1\nversion = 1\ntitle = "{name.title()}"\nentry = "{name}:{name.title()}"\n'
            f'makes = "{makes}"{takes}\nrequires = []\n'
        )
    presets = root / "rings" / "presets"
    presets.mkdir()
    (presets / "quick.json").write_text(
        '{"format": "reverie.preset", "format_version": 1, "generator": "cli.rings", "generator_version": 1, '
        '"name": "Quick", "about": "Fast rings.", "tags": [], "params": {"speed": 3.5, "gone": 1}}'
    )
    monkeypatch.setenv("REVERIE_PLUGINS", str(root))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return root
