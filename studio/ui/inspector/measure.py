"""Fonts and their measures by role, made once: rows ask for them hundreds of times while they are laid out."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFont, QFontMetrics

from studio.ui import theme


@lru_cache(maxsize=32)
def _made(role: str, scale: float) -> tuple[QFont, QFontMetrics]:
    font = theme.font(role)
    return font, QFontMetrics(font)


def font(role: str) -> QFont:
    """The font of a role at the present scale."""
    return _made(role, theme.scale())[0]


def metrics(role: str) -> QFontMetrics:
    """Its measures."""
    return _made(role, theme.scale())[1]


def wrapping(text: str, role: str, width: int) -> Qt.TextFlag:
    """How a text breaks: between words, or anywhere when one of its words is wider than the line."""
    measure = metrics(role)
    widest = max((measure.horizontalAdvance(word) for word in text.split()), default=0)
    return Qt.TextFlag.TextWordWrap if widest <= width else Qt.TextFlag.TextWrapAnywhere


def text_box(text: str, role: str, box: QRect) -> QRect:
    """``box`` as high as the text needs within its width."""
    flags = int(wrapping(text, role, box.width()))
    found = metrics(role).boundingRect(QRect(0, 0, box.width(), 10_000), flags, text)
    return QRect(box.x(), box.y(), box.width(), found.height())
