"""Parts of menus."""

from __future__ import annotations

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu


def heading(menu: QMenu, text: str) -> QAction:
    """A line of words over a group of actions, parted from what stands before it.

    ``QMenu.addSection`` shows its words only in some styles; ours is not among them.
    """
    if menu.actions():
        menu.addSeparator()
    made = menu.addAction(text)
    made.setEnabled(False)
    return made
