"""The rail at the left: one button for each page."""

from __future__ import annotations

import functools
from typing import Protocol

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QSizePolicy, QToolBar, QWidget

from studio.ui import icons, theme

PAGES = (
    ("stage", "Stage", "deck", ""),
    ("control", "Control", "faders", "studio.ui.pages:ControlPage"),
    ("soundcheck", "Sound check", "shield", "studio.ui.pages:SoundcheckPage"),
    ("training", "Train", "train", "studio.ui.pages:TrainingPage"),
    ("models", "Models", "model", "studio.ui.pages:ModelsPage"),
    ("plugins", "Plugins", "puzzle", "studio.ui.pages:PluginsPage"),
    ("preferences", "Preferences", "settings", "studio.ui.pages:PreferencesPage"),
    ("log", "Log", "log", "studio.ui.pages:LogPage"),
    ("about", "About", "info", "studio.ui.pages:AboutPage"),
)
"""Name, title, icon, and where the page's class is ('' for the stage, which is always there)."""


class Pages(Protocol):
    """What shows pages."""

    def show_page(self, name: str) -> QWidget: ...


class Rail(QToolBar):
    """See the module. ``actions_by_page`` are its buttons' actions by the page's name."""

    def __init__(self, window: Pages) -> None:
        super().__init__("Pages")
        self.setObjectName("rail")
        self.setMovable(False)
        self.setOrientation(Qt.Orientation.Vertical)
        self.setIconSize(QSize(theme.px(20), theme.px(20)))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        group = QActionGroup(self)
        self.actions_by_page: dict[str, QAction] = {}
        for name, title, icon, _ in PAGES:
            if name == "preferences":
                gap = QWidget()
                gap.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
                self.addWidget(gap)
            action = QAction(icons.icon(icon, "dim", "accent"), title, self)
            action.setCheckable(True)
            action.setToolTip(title)
            action.triggered.connect(functools.partial(_pressed, window, name))
            group.addAction(action)
            self.addAction(action)
            button = self.widgetForAction(action)
            button.setAccessibleName(title)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self.actions_by_page[name] = action
        self.actions_by_page["stage"].setChecked(True)


def _pressed(window: Pages, name: str, _checked: bool = False) -> None:
    window.show_page(name)
