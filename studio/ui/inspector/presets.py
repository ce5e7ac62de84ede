"""The presets of one generator as the inspector's header needs them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.generator import Generator
from studio.library.presets import Preset, apply_params, find_presets, load_preset
from studio.params import ParamSet
from studio.session.thumbnails import key_of, read_thumb

MOST_PICTURES = 60
"""Most presets whose small pictures are read for the list."""


@dataclass(frozen=True)
class Shown:
    """A preset and its small picture as JPEG; b'' where there is none yet."""

    preset: Preset
    jpeg: bytes = b""


def presets_of(generator: str, folder: Path | None) -> list[Shown]:
    """All presets of a generator, the user's, the house's and those that came with its plugin. Reads files."""
    found = find_presets(generator, [folder / "presets"] if folder is not None else [])
    return [
        Shown(preset, read_thumb(key_of(preset)) if place < MOST_PICTURES else b"")
        for place, preset in enumerate(found)
    ]


def preset_at(path: Path) -> Preset:
    """The preset in a file. Raises FileError with a sentence."""
    return load_preset(path)[0]


def wanted(preset: Preset, values: ParamSet, generator: type[Generator]) -> dict[str, Any]:
    """The values that a stage has right after the preset was put in."""
    fresh = ParamSet(values.params)
    apply_params(preset.params, preset.generator_version, fresh, generator)
    return {name: fresh[name] for name in values.params}


def edited(target: dict[str, Any], values: ParamSet) -> bool:
    """Whether the values are no longer those of the preset."""
    return any(values[name] != value for name, value in target.items() if not isinstance(values[name], bool) or value)
