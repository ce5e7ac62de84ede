"""The presets that come with a plugin, and a stage as one of them sets it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio import paths
from studio.engine import Stage
from studio.library.presets import load_preset
from studio.params import ParamSet


def presets_of(plugin: str) -> list[Path]:
    """The files of its presets."""
    return sorted((paths.bundled("presets") / plugin).glob("*.json"))


def stage_of_preset(plugin: Any, path: Path) -> Stage:
    """A stage as the preset sets it; its model is there, and nothing about it has to be said."""
    preset, report = load_preset(path)
    assert not report, report
    assert preset.name and preset.about, path
    generator = plugin.load()
    values = ParamSet(generator.params)
    remarks = preset.apply(values, generator)
    assert not remarks, remarks
    assert paths.find_model(values["model"]).is_file()
    return Stage(generator, values, plugin.folder)
