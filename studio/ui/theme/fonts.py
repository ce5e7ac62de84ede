"""Type: the best installed face from a list, in a small scale of sizes. Nothing is installed or fetched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtGui import QFont, QFontDatabase

_SANS = (
    "Inter", "Inter Variable", "Segoe UI Variable Text", "Segoe UI", "SF Pro Text", ".AppleSystemUIFont",
    "Helvetica Neue", "Noto Sans", "Adwaita Sans", "Cantarell", "Ubuntu", "Roboto", "Open Sans", "Source Sans 3",
    "Liberation Sans", "DejaVu Sans",
)
_MONO = (
    "JetBrains Mono", "Cascadia Mono", "SF Mono", "Menlo", "Consolas", "Adwaita Mono", "Noto Sans Mono", "Ubuntu Mono",
    "Roboto Mono", "DejaVu Sans Mono", "Liberation Mono",
)
_WIDE = frozenset({"DejaVu Sans", "DejaVu Sans Mono", "Verdana"})  # as legible one pixel smaller


@dataclass(frozen=True)
class _Face:
    size: float  # pixels at scale 1
    weight: QFont.Weight = QFont.Weight.Normal
    mono: bool = False
    tabular: bool = False


ROLES: dict[str, _Face] = {
    "display": _Face(24, QFont.Weight.DemiBold),
    "title": _Face(16, QFont.Weight.DemiBold),
    "strong": _Face(13, QFont.Weight.DemiBold),
    "body": _Face(13),
    "number": _Face(13, tabular=True),
    "small": _Face(12),
    "tiny": _Face(11, QFont.Weight.Medium),
    "mono": _Face(12, mono=True),
}


class _Scale:
    value = 1.0


def set_scale(value: float) -> None:
    """The factor on every size."""
    _Scale.value = value


@lru_cache(maxsize=2)
def families(mono: bool) -> tuple[str, ...]:
    """The installed faces of the list, best first; never empty."""
    # naming a face that is absent makes Qt search for aliases, which takes a tenth of a second
    there = set(QFontDatabase.families())
    found = [name for name in (_MONO if mono else _SANS) if name in there]
    if found:
        return tuple(found[:2])
    kind = QFontDatabase.SystemFont.FixedFont if mono else QFontDatabase.SystemFont.GeneralFont
    return (QFontDatabase.systemFont(kind).family(),)


def pixels(role: str, factor: float) -> int:
    """The size of a role in pixels."""
    face = ROLES[role]
    narrower = 1 if families(face.mono)[0] in _WIDE and face.size <= 16 else 0
    return max(8, round((face.size - narrower) * factor))


def font(role: str = "body") -> QFont:
    """The font of a role: display, title, strong, body, number (digits of one width), small, tiny or mono."""
    face = ROLES[role]
    result = QFont()
    result.setFamilies(list(families(face.mono)))
    result.setPixelSize(pixels(role, _Scale.value))
    result.setWeight(face.weight)
    if face.tabular:
        result.setFeature(QFont.Tag("tnum"), 1)
    if face.mono:
        result.setStyleHint(QFont.StyleHint.Monospace)
    return result


def css(role: str) -> str:
    """The declarations of a role for the style sheet, at scale 1: the template's sizes are multiplied afterwards."""
    face = ROLES[role]
    names = ", ".join(f'"{name}"' for name in families(face.mono))
    return f"font-family: {names}; font-size: {pixels(role, 1.0)}px; font-weight: {int(face.weight.value)};"
