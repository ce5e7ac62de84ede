"""Widgets that take what is dragged onto them: lit while something fits hovers over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget as Base
else:
    Base = object  # the widget class stands beside it among the bases


class TakesDrops(Base):
    """Stands before the widget class among the bases. ``_over``: whether something that fits hovers over it."""

    _over = False

    def fits(self, event: QDropEvent) -> Any:
        """What of the dragged data is wanted; None or empty for nothing."""
        raise TypeError(f"{type(self).__name__} does not say what it takes")

    def take(self, what: Any) -> None:
        """It was dropped: what ``fits`` found."""
        raise TypeError(f"{type(self).__name__} does not say what to do with it")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.fits(event):
            self._over = True
            event.acceptProposedAction()
            self.update()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._over = False
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        self._over = False
        self.update()
        what = self.fits(event)
        if what:
            event.acceptProposedAction()
            self.take(what)
