"""The stage: decks and own view in the middle, docks around them."""

from __future__ import annotations

from PySide6.QtCore import QChildEvent, Qt
from PySide6.QtWidgets import QMainWindow, QTabBar


class Stage(QMainWindow):
    """A main window within the window, since docks belong to the page and not to the whole."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("stage")
        self.setWindowFlags(Qt.WindowType.Widget)
        self.setDockNestingEnabled(True)

    def childEvent(self, event: QChildEvent) -> None:
        super().childEvent(event)
        child = event.child()
        if event.type() == QChildEvent.Type.ChildPolished and isinstance(child, QTabBar):
            child.setAccessibleName("Panels at the side")  # Qt makes it when docks come to lie on each other
