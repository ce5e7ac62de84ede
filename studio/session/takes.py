"""The file of a take: everything that moved the picture in a show, with its time, a JSON object a line.

The format is in docs/formats.md. A line is written and flushed as soon as it is known, so that a killed studio leaves
all but its last moment; a torn last line is left out when it is read. Nothing in a file is ever executed.
"""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio import __version__
from studio.files import FileError, explain, file_size, short_path
from studio.safe_json import JsonError, kind, loads

FORMAT = "reverie.take"
FORMAT_VERSION = 1
ENDING = ".take"
MAX_BYTES = 4 * 2**30
"""Largest take that is read (bytes): many hours."""
MAX_LINE = 16 * 2**20
LONGEST = 7 * 24 * 3600.0
"""Latest time of an event (seconds)."""


class TakeError(FileError):
    """A take that cannot be used; the message names the file, the reason and the cure."""


class TakeWriter:
    """Appends to a take. One thread uses it. Making it and ``write`` raise FileError where the disk takes no more."""

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path, self.last, self.lines = path, 0.0, 0
        try:
            self._file: io.TextIOWrapper | None = path.open("x", encoding="utf-8", newline="\n")
        except OSError as error:
            raise explain(error, path, writing=True) from None
        head = {"format": FORMAT, "format_version": FORMAT_VERSION, "studio": __version__,
                "made": time.strftime("%Y-%m-%dT%H:%M:%S%z"), **header}
        self._put([head])

    def write(self, events: list[dict[str, Any]]) -> None:
        """Append events, each with its ``t``; times never go back. What cannot be written as JSON is left out."""
        for event in events:
            event["t"] = self.last = round(max(self.last, float(event["t"])), 6)
        self._put(events)

    def _put(self, rows: list[dict[str, Any]]) -> None:
        if self._file is None:
            return
        text = []
        for row in rows:
            try:
                text.append(json.dumps(row, separators=(",", ":"), allow_nan=False))
            except (TypeError, ValueError, RecursionError):
                continue
        try:
            self._file.write("".join(line + "\n" for line in text))
            self._file.flush()
        except OSError as error:
            self._drop()
            raise explain(error, self.path, writing=True) from None
        self.lines += len(text)

    def _drop(self) -> None:
        """Let go of the file without another attempt to write what waits."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError:
                return

    def close(self) -> None:
        """The end; may be called twice."""
        self._drop()


@dataclass
class Take:
    """A take that was read. ``events`` are in the order of their times; ``seconds`` is its length; ``report`` says what
    was left out; ``whole`` whether its end was written."""

    header: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    report: list[str] = field(default_factory=list)
    whole: bool = False

    def of(self, *kinds: str) -> Iterator[dict[str, Any]]:
        """Events of these kinds."""
        return (event for event in self.events if event["e"] in kinds)

    @property
    def size(self) -> tuple[int, int]:
        """Pixels (width, height) of the programme when it was played."""
        size = self.header["size"]
        return int(size[0]), int(size[1])

    @property
    def fps(self) -> float:
        """Frames a second when it was played."""
        return float(self.header["fps"])


def read_take(path: Path) -> Take:
    """Read a take. A torn last line and lines that this version does not understand are left out and reported. Raises
    TakeError, FileError."""
    shown = short_path(path.name)
    size = file_size(path)
    if size > MAX_BYTES:
        raise TakeError(f"cannot read {shown}: {size / 2**30:.0f} GB are more than any take; choose another file")
    try:
        with path.open("rb") as file:
            rows = _rows(file, shown)
            take = Take(_header(next(rows, None), shown))
            for row in rows:
                _add(take, row, shown)
    except OSError as error:
        raise explain(error, path) from None
    if not take.whole:
        take.report.append("its end is missing (the studio was ended while it was written); all until then is here")
    return take


def _rows(file: Any, shown: str) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise TakeError(f"cannot read {shown}: line {number} is longer than any of a take; choose another file")
        if line.strip():
            yield number, line


def _header(row: tuple[int, bytes] | None, shown: str) -> dict[str, Any]:
    if row is None:
        raise TakeError(f"cannot read {shown}: it is empty; choose another file")
    try:
        head = loads(row[1], where=shown, max_bytes=MAX_LINE)
    except JsonError:
        head = None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise TakeError(f"cannot read {shown}: it is not a take; choose a {ENDING} file that the studio wrote")
    version = head.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise TakeError(f"cannot read {shown}: its format_version is not a whole number from 1")
    if version > FORMAT_VERSION:
        raise TakeError(f"cannot read {shown}: it was made by a newer version of the studio; update the studio")
    checks: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
        ("size", lambda v: isinstance(v, list) and len(v) == 2 and all(_whole(n) and 16 <= n <= 8192 for n in v),
         "two whole numbers of 16 to 8192"),
        ("fps", lambda v: _number(v) and 1 <= v <= 240, "a number of 1 to 240"),
        ("clock", _clock, "beat, tempo, beat of the first bar, beats of a bar"),
        ("mix", lambda v: isinstance(v, dict), "an object"),
    )
    for name, good, wanted in checks:
        if not good(head.get(name)):
            raise TakeError(f"cannot read {shown}: its {name} is not {wanted}")
    return head


def _add(take: Take, row: tuple[int, bytes], shown: str) -> None:
    number, line = row
    if not line.endswith(b"\n"):
        return  # torn: the studio was ended while it wrote
    try:
        event = loads(line, where=f"line {number} of {shown}", max_bytes=MAX_LINE)
    except JsonError as error:
        _report(take, f"{error}; it is left out")
        return
    if not isinstance(event, dict):
        _report(take, f"line {number} is {kind(event)}, not an event; it is left out")
        return
    t: Any = event.get("t")
    name = event.get("e")
    if not _number(t) or not 0.0 <= t <= LONGEST or not isinstance(name, str):
        _report(take, f"line {number} has no time or no kind; it is left out")
        return
    why = KINDS[name](event) if name in KINDS else ""
    if why:
        _report(take, f"line {number} ({name}): {why}; it is left out")
        return
    event["t"] = max(float(t), take.seconds)  # times never go back
    take.seconds = event["t"]
    take.whole = name == "end"
    take.events.append(event)


def _report(take: Take, text: str) -> None:
    if len(take.report) < 100:
        take.report.append(text)


# --- what events must have ------------------------------------------------------------------------------------------


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _needs(**fields: Callable[[Any], bool]) -> Callable[[dict[str, Any]], str]:
    def check(event: dict[str, Any]) -> str:
        for name, good in fields.items():
            if name not in event or not good(event[name]):
                return f"{name} is missing or cannot be used"
        return ""

    return check


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _anything(value: Any) -> bool:
    return True


def _stages(value: Any) -> bool:
    return isinstance(value, list) and 1 <= len(value) <= 64 and all(
        isinstance(item, dict) and _whole(item.get("id")) and _text(item.get("generator"))
        and _whole(item.get("version")) and isinstance(item.get("params"), dict)
        and isinstance(item.get("offsets", {}), dict) for item in value)


def _clock(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(map(_number, value)) and value[1] > 0 and value[3] >= 1


def _size(value: Any) -> bool:
    return value is None or (
        isinstance(value, list) and len(value) == 2 and all(_whole(side) and 1 <= side <= 16384 for side in value))


def _notes(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, list) and len(item) == 4 and all(map(_number, item)) and 0 <= item[0] <= 127
        and 1 <= item[1] <= 127 and 0 <= item[3] <= 15 for item in value)


def _words(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, list) and len(item) == 2 and _text(item[0]) and _text(item[1]) for item in value)


def _seed(value: Any) -> bool:
    return _whole(value) and 0 <= value < 2**63


KINDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "chain": _needs(line=_text, stages=_stages, fresh=lambda v: isinstance(v, bool), seed=_seed, size=_size,
                    input=lambda v: v is None or isinstance(v, str)),
    "set": _needs(id=_whole, name=_text, value=_anything),
    "mod": _needs(id=_whole, name=_text, offset=lambda v: v is None or (_number(v) and -1.0 <= v <= 1.0)),
    "bypass": _needs(id=_whole, on=lambda v: isinstance(v, bool)),
    "clear": _needs(line=_text),
    "shape": _needs(line=_text, size=lambda v: v is not None and _size(v)),
    "hold": _needs(line=_text, on=lambda v: isinstance(v, bool)),
    "pace": _needs(line=_text, took=lambda v: _number(v) and v > 0, moved=lambda v: _number(v) and v >= 0),
    "mix": _needs(name=_text, value=_anything),
    "clock": _needs(clock=_clock),
    "notes": _needs(line=_text, notes=_notes),
    "words": _needs(line=_text, words=_words),
    "audio": _needs(line=_text, values=lambda v: isinstance(v, dict) and all(map(_number, v.values()))),
    "wish": _needs(line=_text, values=lambda v: isinstance(v, dict)),
    "note": _needs(
        line=_text, at=lambda v: _number(v) and 0 <= v <= LONGEST, pitch=lambda v: _whole(v) and 0 <= v <= 127,
        velocity=lambda v: _whole(v) and 1 <= v <= 127, seconds=lambda v: _number(v) and 0 < v <= 3600,
        channel=lambda v: _whole(v) and 0 <= v <= 15),
    "mark": _needs(text=_text),
    "end": _needs(),
}
"""Kinds of events and what they must have. Others, of a later version, are kept and not used."""
