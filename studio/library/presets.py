"""Presets: a look as JSON, ``presets/<plugin name>/<slug>.json``; the user's own stand in their data folder.

``{"format": "reverie.preset", "format_version": 1, "generator": "reverie.deep_dream", "generator_version": 1,
"name": "…", "about": "one sentence", "tags": [], "params": {…}}``. Unknown fields and parameters are kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio import paths, safe_json
from studio.files import FileError, is_device_name, short_path, write_text
from studio.generator import Generator
from studio.library.migrations import CURRENT, Reader, open_document
from studio.params import ParamSet

FORMAT = "reverie.preset"
MAX_BYTES = 4 * 1024 * 1024
"""Largest preset file (bytes)."""


@dataclass
class Preset:
    """A named set of parameter values for one generator. ``extra`` keeps fields this version does not know."""

    generator: str
    name: str
    params: dict[str, Any]
    generator_version: int = 1
    about: str = ""
    tags: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None
    read_only: bool = False

    @property
    def slug(self) -> str:
        """The file's name without ending; from the name when it has not been saved yet."""
        return self.path.stem if self.path is not None else slug(self.name)

    def apply(self, values: ParamSet, generator: type[Generator] | None = None) -> list[str]:
        """Put the preset's values into ``values``; the others stay as they are. Returns what was clamped or ignored."""
        return apply_params(self.params, self.generator_version, values, generator)

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT, "format_version": CURRENT[FORMAT], "generator": self.generator,
            "generator_version": self.generator_version, "name": self.name, "about": self.about, "tags": self.tags,
            **self.extra, "params": self.params,
        }


def apply_params(
    params: dict[str, Any], version: int, values: ParamSet, generator: type[Generator] | None = None
) -> list[str]:
    """Load parameters stored by a generator's ``version`` into ``values``; a newer generator migrates them first."""
    report: list[str] = []
    if generator is not None and version < generator.version:
        try:
            params = generator.migrate(dict(params), version)
        except Exception as error:  # a plugin's code: whatever it raises must not lose the rest
            report.append(f"{generator.id}: values of version {version} could not be brought up to date ({error})")
    elif generator is not None and version > generator.version:
        report.append(f"{generator.id}: made with its version {version}, this is {generator.version}; some may differ")
    return report + values.load(params)


def slug(name: str) -> str:
    """A file name from any name: lower-case ASCII, digits and hyphens; never empty, never a device name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    text = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")
    return f"preset-{text}".rstrip("-") if not text or is_device_name(text) else text


def parse_preset(data: dict[str, Any], report: list[str], *, fallback: str = "preset") -> Preset:
    """A Preset from the dict of an upgraded file. Raises FileError when it does not name a generator."""
    reader = Reader({key: value for key, value in data.items() if key not in ("format", "format_version")}, report)
    generator = reader.text("generator")
    if not generator:
        raise FileError("it does not say which generator it is for")
    preset = Preset(
        generator=generator, name=reader.text("name") or fallback, params=reader.mapping("params"),
        generator_version=reader.whole("generator_version", 1, 1, 2**31), about=reader.text("about", limit=2000),
        tags=reader.texts("tags"),
    )
    preset.extra = reader.rest
    return preset


def load_preset(path: Path) -> tuple[Preset, list[str]]:
    """Open a preset file; the second value lists what was changed or ignored. Raises FileError with a sentence."""
    document = open_document(path, FORMAT, max_bytes=MAX_BYTES)
    try:
        preset = parse_preset(document.data, document.report, fallback=path.stem)
    except FileError as error:
        raise FileError(f"{short_path(path)} cannot be used: {error}; choose another preset") from None
    preset.path, preset.read_only = path, document.read_only
    return preset, document.report


def save_preset(path: Path, preset: Preset) -> None:
    """Write a preset atomically, with missing folders. Raises FileError, also for one from a newer version."""
    if preset.read_only:
        raise FileError(f"{preset.name!r} was made by a newer Reverie and is not overwritten; update the studio")
    text = safe_json.dumps(preset.to_json())
    if len(text.encode()) > MAX_BYTES:
        raise FileError(f"the preset {preset.name!r} is larger than {MAX_BYTES / 1e6:.0f} MB; shorten its texts")
    write_text(path, text, parents=True)
    preset.path = path


def preset_folders() -> list[Path]:
    """Where presets are looked for, the user's first; each holds a folder per plugin."""
    return [paths.user_folder("data") / "presets", paths.bundled("presets")]


def find_presets(
    generator_id: str, extra: Iterable[Path] = (), *, report: list[str] | None = None
) -> list[Preset]:
    """All presets for a generator, by name. ``extra`` are further folders with JSON files, such as a plugin's own.

    A file that cannot be used is left out and named in ``report``. Of two with the same file name the first found
    (the user's) counts.
    """
    files = [file for folder in preset_folders() for file in sorted(folder.glob("*/*.json"))]
    files += [file for folder in extra for file in sorted(folder.glob("*.json"))]
    found: dict[str, Preset] = {}
    for file in files:
        try:
            preset, _ = load_preset(file)
        except FileError as error:
            if report is not None:
                report.append(str(error))
            continue
        if preset.generator == generator_id:
            found.setdefault(file.stem, preset)
    return sorted(found.values(), key=lambda preset: preset.name.casefold())


def find_preset(generator_id: str, name: str, extra: Iterable[Path] = ()) -> Preset:
    """A preset by file name or by its title (any case), or by the path of a file. Raises FileError with near names."""
    if name.endswith(".json"):
        preset, _ = load_preset(Path(name))
        if preset.generator != generator_id:
            raise FileError(f"{name} is a preset for {preset.generator}, not for {generator_id}; choose another one")
        return preset
    known = find_presets(generator_id, extra)
    for preset in known:
        if name.casefold() in (preset.slug.casefold(), preset.name.casefold()):
            return preset
    import difflib

    slugs = [preset.slug for preset in known]
    near = difflib.get_close_matches(name, slugs, 3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(slugs) or 'none'}"
    raise FileError(f"{generator_id} has no preset {name!r}; {hint}")
