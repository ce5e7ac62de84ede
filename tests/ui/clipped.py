"""Which words of a window have no room: an audit of the real layout."""

from __future__ import annotations

import re

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QLabel,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QToolButton,
    QWidget,
)

from studio.ui.kit import Elided

SLACK = 2
"""Pixels that rounding may take."""
_MNEMONIC = re.compile(r"&(?=\w)")


def clipped(root: QWidget) -> list[str]:
    """A line for each visible label or button in ``root`` whose words are cut without dots."""
    found = []
    for widget in root.findChildren(QWidget):
        if not isinstance(widget, (QLabel, QAbstractButton)) or widget.visibleRegion().isEmpty():
            continue
        if why := _why(widget) or _outside(widget, root):
            found.append(f"{type(widget).__name__} {widget.text()!r}: {why}")
    return found


def _why(widget: QWidget) -> str:
    if isinstance(widget, Elided) or widget.property("role") == "picture":
        return ""
    if isinstance(widget, QLabel):
        return _label(widget)
    if isinstance(widget, (QPushButton, QCheckBox, QRadioButton)) and widget.text():
        need = widget.sizeHint().width()
        return f"{need} wanted, {widget.width()} there" if need > widget.width() + SLACK else ""
    if isinstance(widget, QToolButton) and widget.text() and (
        widget.toolButtonStyle() != Qt.ToolButtonStyle.ToolButtonIconOnly
    ):
        need = widget.sizeHint().width()
        return f"{need} wanted, {widget.width()} there" if need > widget.width() + SLACK else ""
    return ""


def _label(label: QLabel) -> str:
    text = label.text()
    if not text or text.endswith("…") or text.startswith("…"):
        return ""
    room = label.contentsRect()
    if label.wordWrap():
        need = label.heightForWidth(label.width())
        return f"{need} high wanted, {label.height()} there" if need > label.height() + SLACK else ""
    need = label.sizeHint().width() - (label.width() - room.width())
    return f"{need} wanted, {room.width()} there" if need > room.width() + SLACK else ""


def _outside(widget: QWidget, root: QWidget) -> str:
    """Part of it lies beyond its parents, other than those that can be scrolled."""
    if not getattr(widget, "text", str)():
        return ""
    area = QRect(QPoint(0, 0), widget.size())
    child: QWidget = widget
    while (parent := child.parentWidget()) is not None and child is not root:
        area.translate(child.pos())
        if isinstance(parent.parentWidget(), QScrollArea) or parent.objectName() == "qt_scrollarea_viewport":
            return ""
        if not parent.rect().adjusted(-SLACK, -SLACK, SLACK, SLACK).contains(area):
            return f"{area.getRect()} is outside of {type(parent).__name__} {parent.rect().getRect()}"
        child = parent
    return ""
