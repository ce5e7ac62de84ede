"""A combo box whose list looks like the other lists, and that the wheel changes only with the focus."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QStyledItemDelegate, QWidget

from studio.ui import theme


class Combo(QComboBox):
    """Choose one of ``items``, given as texts or as (text, data)."""

    def __init__(
        self, items: Iterable[str | tuple[str, object]] = (), parent: QWidget | None = None, *, name: str = ""
    ) -> None:
        super().__init__(parent)
        # the list's own painter is that of menus, which the style sheet reaches only in part
        self.setItemDelegate(QStyledItemDelegate(self))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.setAccessibleName(name)
        for item in items:
            text, data = item if isinstance(item, tuple) else (item, item)
            self.addItem(text, data)

    def choose(self, data: object) -> bool:
        """Choose by data; False when it is not there."""
        place = self.findData(data)
        if place >= 0:
            self.setCurrentIndex(place)
        return place >= 0

    def minimumSizeHint(self) -> QSize:
        """It may become narrower than its longest item; the list shows that whole."""
        return QSize(min(theme.px(96), super().minimumSizeHint().width()), super().minimumSizeHint().height())

    def wheelEvent(self, event: QWheelEvent) -> None:
        # turning the wheel over a long form must scroll it, not change what it passes
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
