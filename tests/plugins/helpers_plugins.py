"""Writes plugins for the tests of the host."""

from __future__ import annotations

from pathlib import Path

TOML = """
id = "test.{name}"
api = 1
version = 1
title = "A {name}"
entry = "{name}:Made"
makes = "image"
"""

CODE = '''
import numpy as np
from studio.api import Float, Generator


class Made(Generator):
    """Grey that drifts."""

    id, version, makes = "test.{name}", 1, "image"
    level = Float(0.5, 0.0, 1.0, help="How bright")

    def step(self, ctx):
        return np.full((4, 6, 3), self.level, np.float32)
'''


def write_plugin(folder: Path, name: str = "grey", *, toml: str = TOML, code: str = CODE, **files: str) -> Path:
    """A plugin folder; ``{name}`` is filled in; further files by name with ``_`` before the ending (``nets_py``)."""
    place = folder / name
    place.mkdir(parents=True)
    (place / "plugin.toml").write_text(toml.replace("{name}", name), encoding="utf-8")
    (place / f"{name}.py").write_text(code.replace("{name}", name), encoding="utf-8")
    for key, text in files.items():
        stem, _, ending = key.rpartition("_")
        (place / f"{stem}.{ending}").write_text(text, encoding="utf-8")
    return place
