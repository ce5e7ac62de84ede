"""Buttons with icon, tooltip and accessible name in one line."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from studio.ui import icons, theme


class PushButton(QPushButton):
    """A push button that ``Enter`` presses where the keyboard is on it; Qt's own know only the space bar."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self.click()
            return
        super().keyPressEvent(event)


def button(
    text: str, icon: str = "", *, role: str = "", tip: str = "", clicked: Callable[[], object] | None = None,
    checkable: bool = False, parent: QWidget | None = None,
) -> QPushButton:
    """A push button; ``role`` is ``""``, ``primary``, ``danger``, ``ghost`` or ``link``."""
    result = PushButton(text, parent)
    if role:
        result.setProperty("role", role)
    if icon:
        ink = {"primary": "on_accent", "danger": "danger", "link": "accent"}.get(role, "text")
        result.setIcon(icons.icon(icon, ink, "on_accent" if role == "danger" else None))
        # wider than high: Qt leaves only four pixels between icon and text
        result.setIconSize(QSize(theme.px(20 if text else 16), theme.px(16)))
    result.setToolTip(tip)
    result.setCheckable(checkable)
    result.setAutoDefault(False)
    if clicked is not None:
        result.clicked.connect(lambda *_: clicked())
    return result


def tool_button(
    icon: str, name: str, *, tip: str = "", clicked: Callable[[], object] | None = None, checkable: bool = False,
    role: str = "", text: str = "", size: int = 18, parent: QWidget | None = None,
) -> QToolButton:
    """A small button with an icon. ``name`` is its accessible name, and its tooltip where ``tip`` is empty."""
    result = QToolButton(parent)
    result.setIcon(icons.icon(icon, "text", "on_accent" if role == "danger" else "accent"))
    result.setIconSize(QSize(theme.px(size), theme.px(size)))
    result.setAccessibleName(name)
    result.setToolTip(tip or name)
    result.setCheckable(checkable)
    result.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    if role:
        result.setProperty("role", role)
    if text:
        result.setIconSize(QSize(theme.px(size + 4), theme.px(size)))
        result.setText(text)
        result.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    if clicked is not None:
        result.clicked.connect(lambda *_: clicked())
    return result
