"""Icons by our own names, in the theme's colours, sharp at every size and scale.

Most are glyphs of the Phosphor face, read from the font file that the qtawesome package brings (importing that package
loads eleven fonts and takes half a second; one file takes 30 ms). The rest are our own drawings in ``resources/icons``.
"""

from __future__ import annotations

import importlib.util
import json
from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPainterPath, QPixmap, QRawFont, QTransform
from PySide6.QtSvg import QSvgRenderer

from studio.paths import bundled
from studio.ui import theme

_UNIT = 256.0  # the grid that the glyphs are drawn on

GLYPHS = {
    # transport and the stage
    "play": "play-fill", "pause": "pause-fill", "stop": "stop-fill", "record": "record-fill",
    "next": "skip-forward-fill", "previous": "skip-back-fill", "rewind": "rewind-fill", "forward": "fast-forward-fill",
    "loop": "repeat", "freeze": "snowflake", "safe": "shield-check", "fullscreen": "corners-out",
    "restore": "corners-in", "projector": "projector-screen", "monitor": "monitor", "broadcast": "broadcast",
    "clock": "clock", "timer": "timer", "gauge": "gauge", "power": "power", "bpm": "heartbeat",
    # what makes pictures, notes, text and sound
    "deck": "disc", "player": "playlist", "effect": "sparkle", "generator": "cube", "camera": "video-camera",
    "no-camera": "video-camera-slash", "photo": "camera", "image": "image", "film": "film-strip", "gif": "gif",
    "text": "text-t", "cursor-text": "text-aa", "note": "music-note", "notes": "music-notes", "sound": "speaker-high",
    "mute": "speaker-slash", "microphone": "microphone", "dream": "moon-stars", "style": "palette",
    "brush": "paint-brush", "wand": "magic-wand", "flower": "flower-lotus", "face": "smiley",
    "eyedropper": "eyedropper", "model": "brain", "train": "barbell", "puzzle": "puzzle-piece",
    "stack": "stack", "layers": "stack-simple", "map": "map-trifold", "compass": "compass", "target": "crosshair",
    "path": "path", "grid": "squares-four", "list": "list-bullets", "rows": "rows", "swatches": "swatches",
    "drop": "drop-half", "lightning": "lightning", "planet": "planet",
    # values
    "dice": "dice-five", "lock": "lock-simple-fill", "unlock": "lock-simple-open", "link": "link-simple",
    "unlink": "link-simple-break", "sliders": "sliders-horizontal", "faders": "faders",
    "reset": "arrow-counter-clockwise", "undo": "arrow-u-up-left", "redo": "arrow-u-up-right", "shuffle": "shuffle",
    "history": "clock-counter-clockwise", "swap": "arrows-left-right", "mirror": "arrows-in-line-horizontal",
    "scale": "arrows-out-simple", "bypass": "prohibit",
    # editing and files
    "plus": "plus", "minus": "minus", "close": "x", "check": "check", "search": "magnifying-glass",
    "zoom-in": "magnifying-glass-plus", "zoom-out": "magnifying-glass-minus", "folder": "folder-simple",
    "folder-open": "folder-open", "file": "file", "new": "file-plus", "open": "folder-open", "save": "floppy-disk",
    "export": "export", "import": "sign-in", "share": "share-network", "download": "download-simple",
    "upload": "upload-simple", "copy": "copy-simple", "paste": "clipboard", "cut": "scissors", "edit": "pencil-simple",
    "rename": "note-pencil", "trash": "trash-simple", "tag": "tag-simple", "heart": "heart-straight",
    "heart-filled": "heart-straight-fill", "star": "star", "star-filled": "star-fill", "pin": "push-pin-simple",
    "pin-filled": "push-pin-simple-fill", "bookmark": "bookmark-simple", "eye": "eye", "no-eye": "eye-slash",
    "drag": "dots-six-vertical", "more": "dots-three", "more-vertical": "dots-three-vertical",
    "filter": "funnel-simple", "sort": "sort-ascending", "external": "arrow-square-out", "refresh": "arrows-clockwise",
    "scissors": "scissors",
    # arrows
    "up": "arrow-up", "down": "arrow-down", "left": "arrow-left", "right": "arrow-right", "chevron-up": "caret-up",
    "chevron-down": "caret-down", "chevron-left": "caret-left", "chevron-right": "caret-right",
    # the house
    "settings": "gear-six", "keyboard": "keyboard", "gamepad": "game-controller", "cpu": "cpu", "disk": "hard-drive",
    "chart": "chart-line-up", "log": "list-dashes", "terminal": "terminal-window", "code": "code", "book": "book-open",
    "help": "question", "info": "info", "ok": "check-circle", "warning": "warning", "error": "warning-octagon",
    "bell": "bell", "message": "chat-text", "jobs": "hourglass-medium", "hourglass": "hourglass", "bug": "bug-beetle",
    "layout": "layout", "window": "app-window", "home": "house-simple", "globe": "globe-simple", "scales": "scales",
    "waves": "waves", "music": "music-notes-simple", "welcome": "hand-waving", "night": "moon", "day": "sun",
    "session": "archive-box", "preset": "bookmark-simple", "library": "books", "shield": "shield", "person": "user",
}  # fmt: skip


@lru_cache(maxsize=1)
def _face() -> tuple[QRawFont, dict[str, int]]:
    """The glyphs and where each is. Raises RuntimeError with a sentence when the package that brings them is absent."""
    spec = importlib.util.find_spec("qtawesome")
    if spec is None or spec.origin is None:
        raise RuntimeError("the icons are in the package qtawesome, which is not installed; run main.py setup again")
    folder = Path(spec.origin).parent / "fonts"
    try:
        font = QRawFont(str(next(folder.glob("phosphor-[0-9]*.ttf"))), _UNIT)
        names = json.loads(next(folder.glob("phosphor-charmap-*.json")).read_text(encoding="utf-8"))
    except (StopIteration, OSError, ValueError) as error:
        raise RuntimeError(f"the icon face in {folder} cannot be read ({error}); reinstall qtawesome") from error
    return font, {name: int(code, 16) for name, code in names.items()}


@lru_cache(maxsize=1)
def _drawings() -> dict[str, Path]:
    """Our own drawings by name."""
    return {path.stem: path for path in sorted((bundled("resources") / "icons").glob("*.svg"))}


def names() -> list[str]:
    """Every icon's name."""
    return sorted({*GLYPHS, *_drawings()})


@lru_cache(maxsize=512)
def outline(name: str) -> QPainterPath | None:
    """The shape of an icon in a square of side 1 with its origin at the top left; None for a drawing of our own."""
    if name in _drawings():
        return None
    font, codes = _face()
    glyph = GLYPHS[name]
    if glyph not in codes:
        raise KeyError(f"the icon {name!r} needs the glyph {glyph!r}, which the icon face does not have")
    indexes = font.glyphIndexesForString(chr(codes[glyph]))
    path = font.pathForGlyph(indexes[0])
    # glyphs stand on a baseline: up is negative there
    return QTransform.fromScale(1 / _UNIT, 1 / _UNIT).translate(0, _UNIT).map(path)


@lru_cache(maxsize=64)
def _renderer(name: str) -> QSvgRenderer:
    return QSvgRenderer(str(_drawings()[name]))


def _exists(name: str) -> None:
    if name not in GLYPHS and name not in _drawings():
        raise KeyError(f"there is no icon {name!r}; see studio/ui/icons.py for the names")


def paint(painter: QPainter, name: str, rect: QRectF, color: QColor) -> None:
    """Paint an icon into the largest centred square of ``rect``. Raises KeyError for a name that is not there."""
    _exists(name)
    side = min(rect.width(), rect.height())
    square = QRectF(rect.center() - QPointF(side / 2, side / 2), rect.center() + QPointF(side / 2, side / 2))
    path = outline(name)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if path is not None:
        painter.translate(square.topLeft())
        painter.scale(side, side)
        painter.fillPath(path, color)
    else:
        painter.drawPixmap(square.topLeft(), _tinted(name, side, painter.device().devicePixelRatioF(), color))
    painter.restore()


def _tinted(name: str, side: float, ratio: float, color: QColor) -> QPixmap:
    pixels = max(1, round(side * ratio))
    picture = QPixmap(pixels, pixels)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    _renderer(name).render(painter, QRectF(0, 0, pixels, pixels))
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(picture.rect(), color)
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def pixmap(name: str, size: int, color: QColor | str = "text", ratio: float = 1.0) -> QPixmap:
    """An icon as a picture of ``size`` logical pixels; ``color`` is a colour or a role of the theme."""
    _exists(name)
    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    paint(painter, name, QRectF(0, 0, size, size), theme.color(color) if isinstance(color, str) else color)
    painter.end()
    return picture


class _Engine(QIconEngine):
    """Paints with the colours of the theme that is in use when it paints, so icons follow a change of theme."""

    def __init__(self, name: str, role: str, on_role: str) -> None:
        super().__init__()
        self._what = (name, role, on_role)

    def _color(self, mode: QIcon.Mode, state: QIcon.State) -> QColor:
        _, role, on_role = self._what
        if mode == QIcon.Mode.Disabled:
            return theme.color("disabled")
        return theme.color(on_role if state == QIcon.State.On else role)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        paint(painter, self._what[0], QRectF(rect), self._color(mode, state))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        picture = QPixmap(size)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        self.paint(painter, QRect(QPointF(0, 0).toPoint(), size), mode, state)
        painter.end()
        return picture

    def clone(self) -> QIconEngine:
        return _Engine(*self._what)


def icon(name: str, role: str = "text", on_role: str | None = None) -> QIcon:
    """An icon by name, in the colour ``role`` of the theme, ``on_role`` where it is checked.

    Raises KeyError for a name that is not there.
    """
    _exists(name)
    return QIcon(_Engine(name, role, on_role or role))
