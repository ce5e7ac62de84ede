"""Our JSON files through the versions: each says its ``format`` and ``format_version``; old ones are upgraded.

A migration is a pure function dict → dict from one version to the next. A file of a newer version opens read-only, with
everything in it kept. ``Reader`` takes fields out of a stranger's dict and reports what it could not use.
"""

from __future__ import annotations

import copy
import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio import safe_json
from studio.files import FileError, atomic_write, is_file, short_path

Migration = Callable[[dict[str, Any]], dict[str, Any]]

CURRENT: dict[str, int] = {"reverie.preset": 1, "reverie.session": 1, "reverie.settings": 1}
"""Today's version of each format."""

MIGRATIONS: dict[str, dict[int, Migration]] = {name: {} for name in CURRENT}
"""By format: the step from a version to the one after it."""


@dataclass
class Document:
    """An opened file: its data at today's version, what it was, and what was noticed."""

    data: dict[str, Any]
    version: int
    read_only: bool
    report: list[str]


def upgrade(data: Mapping[str, Any], name: str, *, where: str) -> Document:
    """Bring a dict of format ``name`` to today's version; ``data`` is not changed.

    Raises FileError when it is of another format or a migration does not take it. A missing or odd version is reported
    and taken for the first; a newer one makes the document read-only.
    """
    tree, report = copy.deepcopy(dict(data)), []
    found = tree.get("format")
    if found != name:
        said = f"says it is {found!r:.60}" if found is not None else "does not say what it is"
        kind = name.removeprefix("reverie.")
        raise FileError(f"{where} is not a {kind} file of Reverie: it {said}; choose another file")
    version = tree.get("format_version")
    if type(version) is not int or version < 1:
        report.append(f"format_version: {version!r:.40} is not a version; the file was read as version 1")
        version = 1
    current = CURRENT[name]
    if version > current:
        report.append(
            f"{where} was made by a newer Reverie (format {version}, this one knows {current}); it is opened read-only"
        )
        return Document(tree, version, True, report)
    for step in range(version, current):
        try:
            tree = MIGRATIONS[name][step](tree)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise FileError(f"{where} is of format {step} and could not be brought up to date ({error})") from error
    if version < current:
        report.append(f"the file was brought from format {version} to {current}")
    tree["format_version"] = current
    return Document(tree, version, False, report)


def open_document(path: Path, name: str, *, max_bytes: int = safe_json.MAX_BYTES) -> Document:
    """Read and upgrade a file. Raises FileError; its sentence names a backup where there is one."""
    try:
        return upgrade(safe_json.load_object(path, max_bytes=max_bytes), name, where=short_path(path))
    except FileError as error:
        backup = backup_path(path)
        if is_file(backup):
            raise FileError(f"{error}; a backup of it is {short_path(backup)}") from None
        raise


def backup_path(path: Path) -> Path:
    """Where the copy of a file stands that was migrated or damaged before it was saved again."""
    return path.with_name(path.name + ".bak")


def keep_backup(path: Path) -> None:
    """Copy a file aside before it is replaced by one that may hold less. Raises FileError."""
    if is_file(path):
        with atomic_write(backup_path(path)) as temporary:
            shutil.copyfile(path, temporary)


class Reader:
    """Takes typed fields out of a dict; ``rest`` keeps what was not asked for, ``report`` what could not be used."""

    def __init__(self, data: Mapping[str, Any], report: list[str], where: str = "") -> None:
        self.rest, self.report, self.where = dict(data), report, where

    def note(self, name: str, text: str) -> None:
        self.report.append(f"{self.where}{name}: {text}")

    def text(self, name: str, default: str = "", limit: int = 200) -> str:
        """A text of at most ``limit`` characters."""
        value = self.rest.pop(name, default)
        if not isinstance(value, str):
            self.note(name, f"{safe_json.kind(value)} where text is needed; it was left out")
            return default
        if len(value) > limit:
            self.note(name, f"{len(value):,} characters were cut to {limit:,}")
        return value[:limit]

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """A number, clamped to ``low..high``."""
        value = self.rest.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.note(name, f"{safe_json.kind(value)} where a number is needed; {default:g} is used")
            return default
        inside = min(high, max(low, value))
        if math.isnan(inside):
            inside = default
        if inside != value:
            self.note(name, f"{value!r:.30} was set to {inside:g}")
        return inside

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number, clamped to ``low..high``."""
        value = self.number(name, default, low, high)
        if value != int(value):
            self.note(name, f"{value:g} was rounded to {round(value)}")
        return round(value)

    def mapping(self, name: str) -> dict[str, Any]:
        """An object."""
        value = self.rest.pop(name, {})
        if not isinstance(value, dict):
            self.note(name, f"{safe_json.kind(value)} where an object is needed; it was left out")
            return {}
        return value

    def items(self, name: str, most: int) -> list[Any]:
        """A list of at most ``most`` items."""
        value = self.rest.pop(name, [])
        if not isinstance(value, list):
            self.note(name, f"{safe_json.kind(value)} where a list is needed; it was left out")
            return []
        if len(value) > most:
            self.note(name, f"{len(value):,} entries were cut to {most}")
        return value[:most]

    def texts(self, name: str, most: int = 50) -> list[str]:
        """A list of short texts."""
        found = self.items(name, most)
        if not all(isinstance(item, str) for item in found):
            self.note(name, "entries that are not text were left out")
        return [item[:200] for item in found if isinstance(item, str)]
