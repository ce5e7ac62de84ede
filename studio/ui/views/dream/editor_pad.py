"""What the drawn editors of a dream share: they say when a hand lets go, and when the defaults are wanted."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QWidget


class EditorPad(QWidget):
    """A drawing whose values are dragged or nudged by keys; what was nudged counts when the key is let go."""

    released = Signal()
    reset = Signal()

    def nudge(self, key: Qt.Key) -> bool:
        """Change a value as this key asks; False when it is none of the editor's keys."""
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if self.nudge(key):
            return
        if key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset.emit()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat():
            self.released.emit()
        super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.released.emit()
        self.update()
