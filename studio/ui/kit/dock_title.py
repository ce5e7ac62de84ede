"""The title of a dock: its name, a button that lifts it off and one that hides it."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QDockWidget, QFrame, QHBoxLayout, QToolButton, QWidget

from studio.ui import theme
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.small import Elided


class DockTitle(QFrame):
    """Use it with ``dock.setTitleBarWidget(DockTitle(dock))``; it follows the dock's title and features."""

    def __init__(self, dock: QDockWidget) -> None:
        super().__init__(dock)
        self.setProperty("role", "bar")
        self._dock = dock
        self._title = Elided(dock.windowTitle())
        self._title.setProperty("role", "small")
        self.float_button = tool_button(
            "external", f"Lift {dock.windowTitle()} off, or put it back", size=13,
            clicked=lambda: dock.setFloating(not dock.isFloating()),
        )
        self.close_button = tool_button(
            "close", f"Hide {dock.windowTitle()}; the View menu shows it again", size=13, clicked=dock.close
        )
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(theme.space(2.5), theme.space(0.5), theme.space(1), theme.space(0.5))
        self._row.setSpacing(theme.space(0.5))
        self._row.addWidget(self._title, 1)
        self._row.addWidget(self.float_button)
        self._row.addWidget(self.close_button)
        dock.windowTitleChanged.connect(self._title.setText)
        dock.featuresChanged.connect(self._features)
        self._features(dock.features())

    def add(self, widget: QWidget) -> None:
        """Put a small widget before the buttons."""
        self._row.insertWidget(1, widget)

    def buttons(self) -> list[QToolButton]:
        """The two buttons."""
        return [self.float_button, self.close_button]

    def _features(self, features: QDockWidget.DockWidgetFeature) -> None:
        kinds = QDockWidget.DockWidgetFeature
        self.float_button.setVisible(bool(features & kinds.DockWidgetFloatable))
        self.close_button.setVisible(bool(features & kinds.DockWidgetClosable))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(60), super().minimumSizeHint().height())
