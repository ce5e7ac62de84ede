"""Which plugins the user has enabled or disabled: one small JSON file in the config folder.

A plugin that lies in the user's own plugin folder or is named by its path was put there by the user and is enabled.
One that came along with an installed package is not, until ``reverie plugins enable ID``; the file keeps the sha256 of
what was enabled, so that code which changes behind the user's back is asked about again. A plugin can do anything the
user can: enabling is a decision, not a sandbox.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from studio import paths, safe_json
from studio.files import FileError

FORMAT = "reverie.plugins"


@dataclass
class Trust:
    """``enabled`` maps the id of an installed plugin to the digest of its files; ``disabled`` holds ids."""

    enabled: dict[str, str] = field(default_factory=dict)
    disabled: set[str] = field(default_factory=set)


def trust_file() -> Path:
    """Where the decisions are kept."""
    return paths.user_folder("config") / "plugins.json"


def read_trust() -> Trust:
    """The decisions so far. A missing or damaged file means none were made: installed plugins stay off."""
    trust = Trust()
    with contextlib.suppress(FileError, safe_json.JsonError):
        data = safe_json.load_object(trust_file())
        enabled, disabled = data.get("enabled"), data.get("disabled")
        if isinstance(enabled, dict):
            trust.enabled = {str(name): digest for name, digest in enabled.items() if isinstance(digest, str)}
        if isinstance(disabled, list):
            trust.disabled = {name for name in disabled if isinstance(name, str)}
    return trust


def write_trust(trust: Trust) -> None:
    """Keep the decisions. Raises FileError."""
    tree = {
        "format": FORMAT, "format_version": 1, "enabled": dict(sorted(trust.enabled.items())),
        "disabled": sorted(trust.disabled),
    }
    safe_json.save(trust_file(), tree, parents=True)


def digest(place: Path) -> str:
    """sha256 over the names and bytes of a plugin's files; caches and hidden files do not count."""
    files = [place] if place.is_file() else sorted(
        path for path in place.rglob("*")
        if path.is_file() and not any(p.startswith(".") or p == "__pycache__" for p in path.relative_to(place).parts)
    )
    whole = hashlib.sha256()
    for path in files:
        name = path.name if path == place else path.relative_to(place).as_posix()
        with path.open("rb") as file:
            part = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{name}\0{part}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()
