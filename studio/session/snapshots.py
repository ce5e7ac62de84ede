"""Snapshots: the whole studio at one moment, with a small picture, kept in the session."""

from __future__ import annotations

import base64
import binascii
import copy
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studio.session.mix import clean_state

if TYPE_CHECKING:
    from studio.session.edits import Edits

_keys = itertools.count(1)

MOST = 500
"""Most snapshots in a session."""

MAX_PICTURE = 200_000
"""Largest small picture (bytes of JPEG) that is taken from a file."""


@dataclass(eq=False)
class Snapshot:
    """``state`` is what ``studio.session.state.capture`` gave; ``picture`` a small JPEG or b''."""

    name: str
    state: dict[str, Any]
    picture: bytes = b""
    tags: list[str] = field(default_factory=list)
    key: str = field(default_factory=lambda: f"snapshot-{next(_keys)}")
    extra: dict[str, Any] = field(default_factory=dict)
    """What a file says besides, kept."""

    def to_json(self) -> dict[str, Any]:
        """As it stands in a session file."""
        return {
            **self.extra, "name": self.name, "state": self.state, "tags": self.tags,
            "picture": base64.b64encode(self.picture).decode("ascii"),
        }


def rename(session: Edits, snapshot: Snapshot, name: str) -> None:
    """Another name."""
    if name.strip():
        snapshot.name = name.strip()[:200]
        _changed(session)


def set_tags(session: Edits, snapshot: Snapshot, tags: Iterable[str]) -> None:
    """Other tags; empty ones and repetitions are left out."""
    snapshot.tags = list(dict.fromkeys(tag.strip()[:60] for tag in tags if tag.strip()))[:50]
    _changed(session)


def retake(session: Edits, snapshot: Snapshot, picture: bytes = b"") -> None:
    """Let a snapshot hold the present state, under its old name."""
    from studio.session import state

    snapshot.state = copy.deepcopy(state.capture(session))
    snapshot.picture = picture
    _changed(session)


def _changed(session: Edits) -> None:
    session.modified = True
    session.post("session")


def read_snapshots(value: Any, report: list[str]) -> list[Snapshot]:
    """Snapshots from a session file; what cannot be used is reported and left out."""
    if value is None:
        return []
    if not isinstance(value, list):
        report.append("snapshots: not a list; they were left out")
        return []
    found = []
    for index, item in enumerate(value[:MOST]):
        state = item.get("state") if isinstance(item, dict) else None
        if not is_state(state):
            report.append(f"snapshots[{index}]: it does not hold a state of the studio; it was left out")
            continue
        assert isinstance(item, dict) and isinstance(state, dict)
        try:
            picture = base64.b64decode(str(item.get("picture", ""))[: MAX_PICTURE * 2], validate=True)
        except (binascii.Error, ValueError):
            picture = b""
        tags = [str(tag)[:60] for tag in item.get("tags", ()) if isinstance(tag, str)][:50]
        found.append(Snapshot(str(item.get("name") or f"Snapshot {index + 1}")[:200], _clean(state), picture, tags,
                              extra={key: kept for key, kept in item.items() if key not in _OWN}))
    if len(value) > MOST:
        report.append(f"snapshots: {len(value)}; only the first {MOST} are used")
    return found


def is_state(value: Any) -> bool:
    """Whether this has the shape of a captured state; values in it are still clamped when they are put back."""
    if not isinstance(value, dict) or not isinstance(value.get("lines"), dict):
        return False
    if not isinstance(value.get("bpm"), (int, float)) or isinstance(value["bpm"], bool):
        return False
    return isinstance(value.get("mix"), dict) and all(_is_line(line) for line in value["lines"].values())


def _is_line(line: Any) -> bool:
    if not isinstance(line, dict) or not isinstance(line.get("slots"), list) or line.get("kind") not in _KINDS:
        return False
    if not isinstance(line.get("input"), str) or type(line.get("seed")) is not int or line["seed"] < 0:
        return False
    size = line.get("size")
    sizes = isinstance(size, (list, tuple)) and len(size) == 2 and all(type(s) is int and 1 <= s <= 16384 for s in size)
    return (size is None or sizes) and all(
        isinstance(slot, dict) and isinstance(slot.get("generator"), str) and isinstance(slot.get("params"), dict)
        for slot in line["slots"]
    )


_KINDS = ("deck", "player")
_OWN = frozenset(("name", "state", "tags", "picture"))


def _clean(state: dict[str, Any]) -> dict[str, Any]:
    lines = {
        str(name)[:20]: {**line, "size": tuple(line["size"]) if line["size"] else None}
        for name, line in list(state["lines"].items())[:64]
    }
    for line in lines.values():
        for slot in line["slots"]:
            slot.pop("uid", None)  # numbers of another run
    return {"lines": lines, "mix": clean_state(state["mix"]), "bpm": float(state["bpm"])}
