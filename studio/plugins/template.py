"""``reverie plugins new``: a plugin that runs at once, to be changed into something else."""

from __future__ import annotations

import contextlib
import keyword
import os
import re
import shutil
from pathlib import Path

from studio import safe_json
from studio.files import FileError, explain, is_device_name, short_path, write_text
from studio.plugins.discovery import user_plugins
from studio.plugins.manifest import MANIFEST, PluginError

_TOML = '''\
id = "my.{name}"            # author.name; never change it once others use it
api = 1                     # the studio's plugin interface
version = 1                 # raise it when a parameter changes its meaning
title = "{title}"
entry = "{name}:{class_name}"
makes = "image"             # image, notes, text or audio
requires = []               # further packages, such as ["librosa>=0.10"]
'''

_CODE = '''\
"""{title}: soft light that wanders and folds. Change anything; `reverie plugins check` tells what breaks."""

import numpy as np

from studio.api import Choice, Float, Generator, Int

PALETTES = {{  # three colours each, from dark to bright
    "dusk": [(0.06, 0.03, 0.16), (0.72, 0.22, 0.42), (1.00, 0.80, 0.52)],
    "sea": [(0.01, 0.06, 0.14), (0.05, 0.42, 0.52), (0.86, 0.97, 0.88)],
    "ember": [(0.05, 0.01, 0.02), (0.76, 0.20, 0.05), (1.00, 0.87, 0.45)],
}}


class {class_name}(Generator):
    """Soft light that wanders and folds."""

    id, version, makes = "my.{name}", 1, "image"

    speed = Float(0.08, 0.0, 1.0, unit="Hz", curve="exp", help="How fast the light wanders")
    scale = Float(1.6, 0.5, 8.0, curve="log", help="How many folds fit into the picture")
    fold = Float(1.2, 0.0, 3.0, help="How far the light is bent")
    palette = Choice("dusk", PALETTES, help="The colours")
    size = Int(360, 64, 1080, unit="px", live=False, help="Height of the picture")

    def setup(self, ctx):
        """Runs once, and again when a live=False value changes."""
        width, height = ctx.size or (self.size * 16 // 9, self.size)
        x = np.linspace(-width / height, width / height, width, dtype=np.float32)
        y = np.linspace(-1, 1, height, dtype=np.float32)
        self.x, self.y = np.meshgrid(x, y)
        self.phase = ctx.rng.uniform(0, 100)  # the seed chooses where it starts

    def step(self, ctx):
        """Makes one picture: float 0..1 or uint8, (height, width, 3)."""
        self.phase += 2 * np.pi * self.speed * ctx.dt  # add up: a turned knob bends the motion, it never jumps
        x, y = self.x * self.scale, self.y * self.scale
        for octave in (1.0, 1.9, 3.1):
            x, y = (
                x + self.fold / octave * np.sin(octave * y + self.phase),
                y + self.fold / octave * np.sin(octave * x - 0.7 * self.phase),
            )
        light = 0.5 + 0.25 * (np.sin(x) + np.sin(y + 0.5 * self.phase))
        colours = np.array(PALETTES[self.palette], np.float32)
        return np.stack([np.interp(light, (0, 0.5, 1), colours[:, channel]) for channel in range(3)], axis=2)
'''

_TEST = '''\
"""Run with: pytest {test_file}"""

from pathlib import Path

from studio.engine.render import render
from studio.engine.chain import Stage
from studio.params import ParamSet
from studio.plugins import check_plugin, read_plugin

HERE = Path(__file__).parent


def test_it_has_no_faults():
    assert [str(finding) for finding in check_plugin(HERE) if finding.level == "fault"] == []


def test_the_picture_moves():
    plugin = read_plugin(HERE).load()
    first, *_, last = render([Stage(plugin, ParamSet(plugin.params), HERE)], frames=8, size=(64, 48), seed=7)
    assert first.shape == (48, 64, 3) and (first != last).any()
'''


def plain_name(name: str) -> str:
    """A folder name from what a person typed: ``My Waves`` becomes ``my_waves``. Raises PluginError."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")
    if not re.match(r"[a-z][a-z0-9_]{0,47}\Z", plain) or keyword.iskeyword(plain) or is_device_name(plain):
        raise PluginError(f"{name[:60]!r} cannot be a plugin's name; use up to 48 letters and digits, a letter first")
    return plain


def create_plugin(name: str, folder: Path | None = None) -> list[Path]:
    """Write a new plugin ``name`` into ``folder`` (by default the user's plugin folder) and return its files.

    Raises PluginError for a bad name or when it is already there, FileError when it cannot be written; nothing is
    left half-written.
    """
    plain = plain_name(name)
    parent = Path(folder) if folder is not None else user_plugins()
    target = parent / plain
    if target.exists():
        raise PluginError(f"{short_path(target)} is already there; choose another name or remove it")
    words = plain.replace("_", " ")
    class_name = "".join(part.capitalize() for part in plain.split("_"))
    fields = {
        "name": plain, "title": words.capitalize(), "class_name": class_name, "test_file": f"test_{plain}.py",
    }
    texts = {MANIFEST: _TOML, f"{plain}.py": _CODE, f"test_{plain}.py": _TEST}
    files = {inside: text.format(**fields) for inside, text in texts.items()}
    for slug, about, params in (
        ("calm", "Slow, wide and warm.", {"speed": 0.04, "scale": 1.3, "fold": 1.0, "palette": "dusk"}),
        ("deep", "A cold sea with small folds.", {"speed": 0.1, "scale": 2.6, "fold": 1.5, "palette": "sea"}),
    ):
        files[f"presets/{slug}.json"] = safe_json.dumps({
            "format": "reverie.preset", "format_version": 1, "generator": f"my.{plain}", "generator_version": 1,
            "name": slug.capitalize(), "about": about, "tags": [], "params": params,
        })
    staging = target.with_name(f".{plain}.{os.getpid()}.part")
    try:
        for inside, text in files.items():
            write_text(staging / inside, text, parents=True)
        staging.rename(target)
    except FileError as error:
        raise FileError(str(error).replace(staging.name, plain)) from None
    except OSError as error:
        raise explain(error, target, writing=True) from None
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(staging)
    return [target / inside for inside in files]
