"""Session files: decks and players with their stages, values and seeds, as JSON ``*.reverie``.

A session always opens with a report. Stages of plugins that are not here, and fields that this version does not know,
are written back unchanged. One from a newer version is read-only. Before a migrated or damaged file is saved over, it
is copied to ``*.bak``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio import __version__, safe_json
from studio.files import FileError, write_text
from studio.generator import Generator
from studio.library.migrations import CURRENT, Reader, keep_backup, open_document
from studio.library.presets import apply_params
from studio.params import ParamSet, Seed

FORMAT = "reverie.session"
MAX_LINES = 64
"""Most decks, players, or stages in one of them."""

_OWN = ("format", "format_version", "studio")


@dataclass
class StageData:
    """One generator in a deck or player, as the file has it; ``params`` stays raw until ``apply``."""

    generator: str
    version: int = 1
    params: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, generator: type[Generator], values: ParamSet) -> StageData:
        """The stored form of a generator's present values."""
        return cls(generator.id, generator.version, values.dump())

    def apply(self, generator: type[Generator], values: ParamSet) -> list[str]:
        """Put the stored values into ``values``; returns what was clamped or ignored."""
        return apply_params(self.params, self.version, values, generator)

    def to_json(self) -> dict[str, Any]:
        return {"generator": self.generator, "version": self.version, "params": self.params, **self.extra}


@dataclass
class LineData:
    """A deck or a player: its stages in their order, seed, wished size in pixels, and where its input comes from."""

    name: str = ""
    stages: list[StageData] = field(default_factory=list)
    seed: int = 0
    size: tuple[int, int] | None = None
    input: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name, "stages": [stage.to_json() for stage in self.stages], "seed": self.seed,
            "size": list(self.size) if self.size else None, "input": self.input, **self.extra,
        }


@dataclass
class SessionData:
    """Everything a session file holds."""

    name: str = ""
    decks: list[LineData] = field(default_factory=list)
    players: list[LineData] = field(default_factory=list)
    bpm: float = 120.0
    crossfade: float = 0.0
    """0 is deck A, 1 is deck B."""
    extra: dict[str, Any] = field(default_factory=dict)
    read_only: bool = False
    changed: bool = False
    """The file held less or other than what was read: it is backed up before it is replaced."""

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT, "format_version": CURRENT[FORMAT], "studio": __version__, "name": self.name,
            "bpm": self.bpm, "crossfade": self.crossfade, "decks": [deck.to_json() for deck in self.decks],
            "players": [player.to_json() for player in self.players], **self.extra,
        }


def parse_session(data: dict[str, Any], report: list[str]) -> SessionData:
    """A session from the dict of an upgraded file; what cannot be used is reported, nothing is raised."""
    reader = Reader({key: value for key, value in data.items() if key not in _OWN}, report)
    session = SessionData(
        name=reader.text("name"), bpm=reader.number("bpm", 120.0, 20.0, 400.0),
        crossfade=reader.number("crossfade", 0.0, 0.0, 1.0),
        decks=_lines(reader, "decks"), players=_lines(reader, "players"),
    )
    session.extra = reader.rest
    return session


def _lines(reader: Reader, name: str) -> list[LineData]:
    found: list[LineData] = []
    for index, item in enumerate(reader.items(name, MAX_LINES)):
        where = f"{name}[{index}]"
        if not isinstance(item, dict):
            reader.report.append(f"{where}: {safe_json.kind(item)} where an object is needed; it was left out")
            continue
        line = Reader(item, reader.report, f"{where}.")
        size = line.rest.pop("size", None)
        found.append(LineData(
            name=line.text("name"), stages=_stages(line, where), seed=line.whole("seed", 0, 0, Seed.LIMIT),
            size=_size(size, line), input=line.text("input", limit=4096), extra=line.rest,
        ))
    return found


def _stages(line: Reader, where: str) -> list[StageData]:
    found: list[StageData] = []
    for index, item in enumerate(line.items("stages", MAX_LINES)):
        place = f"{where}.stages[{index}]"
        if not isinstance(item, dict) or not isinstance(item.get("generator"), str):
            line.report.append(f"{place}: it does not name a generator; it was left out")
            continue
        stage = Reader(item, line.report, f"{place}.")
        found.append(StageData(
            generator=stage.text("generator"), version=stage.whole("version", 1, 1, 2**31),
            params=stage.mapping("params"), extra=stage.rest,
        ))
    return found


def _size(value: Any, line: Reader) -> tuple[int, int] | None:
    if value is None:
        return None
    if isinstance(value, list) and len(value) == 2 and all(type(side) is int and 1 <= side <= 16384 for side in value):
        return value[0], value[1]
    line.note("size", "not a width and height in 1..16384 pixels; the generator chooses")
    return None


def load_session(path: Path) -> tuple[SessionData, list[str]]:
    """Open a session; the second value lists what was changed or ignored.

    Raises FileError with a sentence when the file cannot be read as a session at all.
    """
    document = open_document(path, FORMAT)
    session = parse_session(document.data, document.report)
    session.read_only = document.read_only
    session.changed = bool(document.report)
    return session, document.report


def save_session(path: Path, session: SessionData) -> None:
    """Write a session atomically. Raises FileError; one from a newer version is never overwritten."""
    write_session(path, session_text(session), backup=session.changed)
    session.changed = False


def session_text(session: SessionData) -> str:
    """A session as its file holds it. Raises FileError for one from a newer version, which is never overwritten."""
    if session.read_only:
        raise FileError(f"the session {session.name!r} was made by a newer Reverie and is read-only; update the studio")
    return safe_json.dumps(session.to_json())


def write_session(path: Path, text: str, *, backup: bool) -> None:
    """Write a session's text atomically, with ``backup`` after keeping what was there. Raises FileError."""
    if backup:
        keep_backup(path)
    write_text(path, text)
