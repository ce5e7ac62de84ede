"""The view of a picture generator that brings none of its own: its picture, large."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from studio.session.line import Line
from studio.session.session import Session
from studio.ui import theme
from studio.ui.kit.frame_view import FrameView


class PlainView(QWidget):
    """See ``studio.ui.views`` for what the window expects of a view."""

    def __init__(self, session: Session, line: Line, index: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line = line
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space(2), theme.space(2), theme.space(2), theme.space(2))
        self.picture = FrameView(line.frame)
        self.picture.setAccessibleName(f"Picture of {line.title}")
        self.picture.set_state("loading")
        column.addWidget(self.picture)

    def refresh(self) -> None:
        """Pull the newest picture."""
        self.picture.refresh()

    def close_view(self) -> None:
        """Nothing runs for it."""
