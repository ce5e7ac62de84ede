"""The shape of the house: what imports what, and what a start does not load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from studio import safe_json
from studio.params import ParamSet
from studio.plugins import Plugin, check_plugin, discover
from studio.plugins.source_check import check_sources

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "cv2", "av", "mido", "sounddevice", "rtmidi", "PIL")
QT = ("PySide6", "PyQt6", "superqt", "pyqtgraph")
BUILT_IN = list(discover(builtin_only=True))


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after ``code``."""
    report = "import sys; print('modules:', *{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    return set(done.stdout.rpartition("modules:")[2].split())


@pytest.mark.parametrize("module", [
    "studio", "studio.api", "studio.plugins", "studio.engine", "studio.export", "studio.library", "studio.session",
    "studio.cli", "studio.devices", "studio.training.recipes",
])
def test_importing_it_loads_neither_torch_nor_a_window(module: str) -> None:
    assert loaded_by(f"import {module}") & {*HEAVY, *QT} == set()


@pytest.mark.parametrize("words", [["--help"], ["render", "--help"], ["plugins"], ["generators"]])
def test_help_and_lists_load_neither_torch_nor_a_window(words: list[str]) -> None:
    code = f"from studio.cli import main\ntry: main({words!r})\nexcept SystemExit as end: assert not end.code"
    assert loaded_by(code) & {*HEAVY, *QT} == set()


def test_parameters_need_the_standard_library_only() -> None:
    assert loaded_by("import studio.params, studio.files, studio.safe_json") & {"numpy", *HEAVY, *QT} == set()


def test_a_headless_render_in_numpy_loads_neither_torch_nor_a_window() -> None:
    code = """
from studio.engine.chain import Stage
from studio.engine.render import render
from studio.params import ParamSet
from studio.plugins import discover
plugin = discover().get("docs/examples/plasma")
made = plugin.load()
assert len(list(render([Stage(made, ParamSet(made.params), plugin.folder)], frames=2, size=(32, 24)))) == 2
"""
    assert loaded_by(code) & {"torch", "cv2", *QT} == set()


@pytest.mark.parametrize("plugin", BUILT_IN, ids=lambda plugin: plugin.name)
def test_a_built_in_plugin_is_written_as_a_third_party_would(plugin: Plugin) -> None:
    assert plugin.state == "enabled", plugin.reason
    assert [str(f) for f in check_sources(plugin.folder, plugin.manifest) if f.level == "fault"] == []
    made = plugin.load()
    assert [name for name, param in made.params.items() if not param.help] == []
    for path in plugin.presets:
        data = safe_json.load_object(path)
        assert data["generator"] == plugin.id, path.name
        assert ParamSet(made.params).load(data["params"]) == [], path.name


@pytest.mark.slow
@pytest.mark.parametrize("plugin", BUILT_IN, ids=lambda plugin: plugin.name)
def test_a_built_in_plugin_passes_the_check(plugin: Plugin) -> None:
    assert [str(finding) for finding in check_plugin(plugin.folder) if finding.level == "fault"] == []
