"""What greys a row that does nothing now. It can still be used: a value may be made ready before it counts."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from studio.ui import theme

SHARE = 0.62
"""How much of the ground covers the row."""


class Veil(QWidget):
    """Lies over all of a row, lets mouse and keyboard through, and is hidden at first."""

    def __init__(self, row: QWidget) -> None:
        super().__init__(row)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()

    def paintEvent(self, _event: QPaintEvent) -> None:
        ground = theme.color("panel")
        ground.setAlphaF(SHARE)
        QPainter(self).fillRect(self.rect(), ground)
