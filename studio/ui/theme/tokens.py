"""The theme's tokens: colours by role, read from ``resources/theme/NAME.toml``. No Qt here."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from studio.paths import bundled

NAMES = ("dark", "contrast")
TEXT_ROLES = ("text", "dim", "faint", "accent", "image", "notes", "text_media", "audio", "good", "warning", "danger")
GROUNDS = ("picture_bg", "window", "panel", "field", "raised", "pressed", "hover", "accent_soft")
BRIGHT = ("accent", "image", "notes", "text_media", "audio", "good", "warning", "danger")
ROLES = (
    *GROUNDS, *TEXT_ROLES, "line", "edge", "disabled", "on_accent", "danger_soft",
)
_HEX = re.compile(r"#[0-9a-f]{6}\Z")


@dataclass(frozen=True)
class Tokens:
    """One variant: its name, the title shown in the preferences and ``#rrggbb`` by role."""

    name: str
    title: str
    colors: dict[str, str]


def folder() -> Path:
    """Where the theme's files are."""
    return bundled("resources") / "theme"


def load(name: str) -> Tokens:
    """Read one variant. Raises ValueError with a sentence when a role is missing or is not ``#rrggbb``."""
    if name not in NAMES:
        raise ValueError(f"there is no theme {name!r}; there are: {', '.join(NAMES)}")
    path = folder() / f"{name}.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"the theme file {path} cannot be read: {error}; reinstall Reverie") from error
    colors = data.get("colors", {})
    for role in ROLES:
        if not _HEX.match(str(colors.get(role, ""))):
            raise ValueError(f"{path}: colors.{role} is {colors.get(role)!r}; write it as \"#rrggbb\"")
    return Tokens(name, str(data.get("title", name)), {role: str(colors[role]) for role in ROLES})


def luminance(color: str) -> float:
    """Relative luminance 0..1 of ``#rrggbb`` as WCAG 2 defines it."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio 1..21 of two ``#rrggbb`` colours as WCAG 2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
