"""The look of the window: colours by role, a grid of four pixels, a small scale of type, one style sheet.

``apply`` gives the whole application its look; painted widgets ask ``color``, ``space`` and ``font`` while they paint
and so follow a change of theme by themselves. Everything comes from ``resources/theme``; nothing from a network.
"""

from __future__ import annotations

import re
from functools import lru_cache
from string import Template

from PySide6.QtCore import QDir
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget

from studio.ui.theme import fonts, tokens
from studio.ui.theme.fonts import font
from studio.ui.theme.tokens import NAMES, ROLES

__all__ = [
    "NAMES", "ROLES", "apply", "blend", "color", "css", "current", "font", "kind_color", "on_color", "px", "scale",
    "set_role", "space", "style_sheet", "title",
]

_KINDS = {"image": "image", "notes": "notes", "text": "text_media", "audio": "audio"}
_PIXELS = re.compile(r"(radius: )?(?<![\w#.-])(-?\d+)px")


class _State:
    tokens: tokens.Tokens | None = None
    scale: float = 1.0
    colors: dict[str, QColor] = {}  # noqa: RUF012 — replaced as a whole, never changed


def _load(name: str) -> None:
    _State.tokens = tokens.load(name)
    _State.colors = {role: QColor(value) for role, value in _State.tokens.colors.items()}


def current() -> str:
    """The name of the theme in use."""
    return _State.tokens.name if _State.tokens else NAMES[0]


def title(name: str) -> str:
    """The name of a theme for people."""
    return tokens.load(name).title


def scale() -> float:
    """The factor on every size, 0.75..2, chosen in the preferences on top of the screen's own."""
    return _State.scale


def color(role: str) -> QColor:
    """The colour of a role (a new object, free to change). Raises KeyError for a role that is not there."""
    if _State.tokens is None:
        _load(NAMES[0])
    return QColor(_State.colors[role])


def css(role: str) -> str:
    """The colour of a role as ``#rrggbb``, for rich text."""
    return color(role).name()


def kind_color(kind: str) -> QColor:
    """The accent of a kind of media: ``image``, ``notes``, ``text`` or ``audio``; others get the general accent."""
    return color(_KINDS.get(kind, "accent"))


def on_color(ground: QColor) -> QColor:
    """The text colour that is legible on ``ground``: dark on bright colours, else the ordinary text."""
    return color("on_accent") if tokens.luminance(ground.name()) > 0.22 else color("text")


def blend(one: QColor, other: QColor, share: float) -> QColor:
    """``one`` mixed with ``share`` (0..1) of ``other``."""
    keep = 1.0 - share
    return QColor.fromRgbF(
        one.redF() * keep + other.redF() * share,
        one.greenF() * keep + other.greenF() * share,
        one.blueF() * keep + other.blueF() * share,
    )


def px(size: float) -> int:
    """A size in logical pixels at the chosen scale; never less than one."""
    return max(1, round(size * _State.scale))


def space(n: float) -> int:
    """``n`` steps of the four pixel grid at the chosen scale."""
    return round(n * 4 * _State.scale)


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget a variant of the style sheet, such as ``primary`` for a button or ``dim`` for a label."""
    if widget.property("role") == role:
        return
    widget.setProperty("role", role)
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
    widget.update()


@lru_cache(maxsize=1)
def _template() -> str:
    return (tokens.folder() / "theme.qss").read_text(encoding="utf-8")


def style_sheet(name: str, factor: float = 1.0) -> str:
    """The style sheet of a theme; sizes in the template are written in pixels at scale 1."""
    loaded = tokens.load(name)
    values = {**loaded.colors, "name": name, **{f"{role}_font": fonts.css(role) for role in fonts.ROLES}}
    text = Template(_template()).substitute(values)
    return _PIXELS.sub(lambda match: _scaled_px(match, factor), text)


def _scaled_px(match: re.Match[str], factor: float) -> str:
    size = int(match[2]) * factor
    if match[1]:  # Qt paints no round corner at all where the radius is more than half of the thing
        return f"{match[1]}{int(size)}px"
    whole = round(abs(size))
    return f"{'-' if size < 0 else ''}{max(1, whole) if size else 0}px"


def _palette() -> QPalette:
    palette = QPalette()
    parts = {
        QPalette.ColorRole.Window: "panel", QPalette.ColorRole.WindowText: "text", QPalette.ColorRole.Base: "field",
        QPalette.ColorRole.AlternateBase: "panel", QPalette.ColorRole.Text: "text", QPalette.ColorRole.Button: "raised",
        QPalette.ColorRole.ButtonText: "text", QPalette.ColorRole.BrightText: "text",
        QPalette.ColorRole.ToolTipBase: "raised", QPalette.ColorRole.ToolTipText: "text",
        QPalette.ColorRole.PlaceholderText: "faint", QPalette.ColorRole.Highlight: "accent_soft",
        QPalette.ColorRole.HighlightedText: "text", QPalette.ColorRole.Link: "accent",
        QPalette.ColorRole.LinkVisited: "accent", QPalette.ColorRole.Accent: "accent",
        QPalette.ColorRole.Light: "hover", QPalette.ColorRole.Midlight: "raised", QPalette.ColorRole.Mid: "line",
        QPalette.ColorRole.Dark: "window", QPalette.ColorRole.Shadow: "picture_bg",
    }
    for part, role in parts.items():
        palette.setColor(part, color(role))
    for part in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, part, color("disabled"))
    return palette


def apply(app: QApplication, name: str = "dark", scale: float = 1.0) -> None:
    """Give the application its look; may be called again with another theme while windows are open.

    ``scale`` (0.75..2) is clamped; another scale is whole only for windows made after it, which have measured with it.
    Raises ValueError for a theme that is not there or cannot be read.
    """
    _load(name)
    _State.scale = min(2.0, max(0.75, float(scale)))
    fonts.set_scale(_State.scale)
    QDir.setSearchPaths(f"theme{name}", [str(tokens.folder() / name)])
    if app.style().name().lower() != "fusion":
        app.setStyle(QStyleFactory.create("Fusion"))
    app.setPalette(_palette())
    app.setFont(font("body"))
    app.setStyleSheet(style_sheet(name, _State.scale))
