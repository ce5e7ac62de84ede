"""Controller profiles: bindings under a name, as JSON files in the user's data folder."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from studio import paths, safe_json
from studio.control.binding import Binding, parse_bindings
from studio.files import FileError, short_path

FORMAT, VERSION = "reverie.controller", 1
_NOT = re.compile(r"[^a-z0-9]+")


@dataclass
class Profile:
    """``device`` is the port it was made for, '' for any."""

    name: str
    device: str = ""
    bindings: list[Binding] = field(default_factory=list)


def profiles_folder() -> Path:
    """Where profiles are."""
    return paths.user_folder("data") / "controllers"


def save_profile(profile: Profile, path: Path | None = None) -> Path:
    """Write a profile; returns where. Raises FileError."""
    slug = _NOT.sub("-", profile.name.lower()).strip("-")[:60]
    if path is None and not slug:
        raise FileError(f"a profile needs a name with letters or digits, {profile.name[:40]!r} has none")
    place = path or profiles_folder() / f"{slug}.json"
    safe_json.save(place, {
        "format": FORMAT, "format_version": VERSION, "name": profile.name, "device": profile.device,
        "bindings": [binding.to_json() for binding in profile.bindings],
    }, parents=True)
    return place


def load_profile(path: Path) -> tuple[Profile, list[str]]:
    """A profile and what was left out. Raises FileError when the file is none."""
    tree = safe_json.load_object(path)
    if tree.get("format") != FORMAT:
        raise FileError(f"{short_path(path)} is not a controller profile; choose a file that the studio saved as one")
    version = tree.get("format_version")
    report: list[str] = []
    if type(version) is not int or version > VERSION:
        report.append("it was made by a newer version; what this one does not know is left alone")
    name, device = tree.get("name"), tree.get("device")
    profile = Profile(name[:200] if isinstance(name, str) and name else path.stem,
                      device[:200] if isinstance(device, str) else "")
    profile.bindings = parse_bindings(tree.get("bindings"), "bindings", report)
    return profile, report


def list_profiles() -> list[Path]:
    """The user's profiles, by name of their files."""
    folder = profiles_folder()
    return sorted(folder.glob("*.json")) if folder.is_dir() else []
