"""The user's settings: declared as parameters, kept as JSON in the config folder. Loading never fails."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from studio import paths, safe_json
from studio.files import FileError, short_path
from studio.library.migrations import CURRENT, open_document
from studio.params import Bool, Int, Param, ParamSet, Text
from studio.params import Path as PathParam

FORMAT = "reverie.settings"


def _declare(**declared: Param[Any]) -> dict[str, Param[Any]]:
    for name, param in declared.items():
        param.__set_name__(ParamSet, name)  # as a class body would
        param.declare(ParamSet, name)
    return declared


SETTINGS: dict[str, Param[Any]] = _declare(
    device=Text("auto", help="Where networks run: auto, cpu, cuda:0, mps"),
    fps=Int(30, 1, 240, unit="fps", help="Frames per second that decks aim at and exports have"),
    sound_output=Text("", help="Sound output of the built-in synth, by name; empty is the system's choice"),
    threads=Int(0, 0, 256, help="Torch threads while live; 0 leaves one core free"),
    bf16=Bool(False, help="Let the CPU compute in bfloat16 where it does so in hardware; pictures differ slightly"),
    export_folder=PathParam("", help="Where exports are written when only a name is given"),
    safe_mode=Bool(False, help="Start without third-party plugins and without network ports"),
)
"""Every setting, by name; a widget or a command-line option comes from this declaration."""


def settings_path() -> Path:
    return paths.user_folder("config") / "settings.json"


def load_settings(path: Path | None = None) -> tuple[ParamSet, list[str]]:
    """The settings and a report. A file that cannot be read is put aside as ``*.damaged`` and the defaults are used."""
    place, values = path or settings_path(), ParamSet(SETTINGS)
    if not place.exists():
        return values, []
    try:
        document = open_document(place, FORMAT)
    except FileError as error:
        aside = place.with_name(place.name + ".damaged")
        with contextlib.suppress(OSError):
            place.replace(aside)
        return values, [f"{error}; the defaults are used and the file was put aside as {short_path(aside.name)}"]
    stored = document.data.get("values", {})
    if not isinstance(stored, dict):
        found = safe_json.kind(stored)
        return values, [*document.report, f"values: {found} where an object is needed; the defaults are used"]
    return values, document.report + values.load(stored)


def save_settings(values: ParamSet, path: Path | None = None) -> None:
    """Write the settings atomically; unknown names from a newer version are kept. Raises FileError."""
    tree = {"format": FORMAT, "format_version": CURRENT[FORMAT], "values": values.dump()}
    safe_json.save(path or settings_path(), tree, parents=True)
