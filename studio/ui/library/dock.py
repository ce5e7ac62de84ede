"""The library dock: four lists behind four tabs."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSizePolicy, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from studio.session.session import Session
from studio.ui import icons, theme
from studio.ui.library.generators import GeneratorsPanel
from studio.ui.library.models import ModelsPanel
from studio.ui.library.presets import PresetsPanel
from studio.ui.library.snapshots import SnapshotsPanel
from studio.ui.library.store import PresetStore

TABS = (
    ("generators", "Generators", "generator", "Generators and effects"),
    ("presets", "Presets", "preset", "Looks of generators"),
    ("snapshots", "Snapshots", "snapshot", "The whole studio at one moment"),
    ("models", "Models", "model", "The networks that are here"),
)


class Tabs(QWidget):
    """A row of tabs with an icon over a word; arrows move between them."""

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__()
        self.setAccessibleName("Library")
        self.buttons: dict[str, QToolButton] = {}
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space(0.5))
        for name, title, icon, tip in TABS:
            tab = QToolButton()
            tab.setText(title)
            tab.setIcon(icons.icon(icon, "dim", "accent"))
            tab.setIconSize(QSize(theme.px(18), theme.px(18)))
            tab.setFont(theme.font("tiny"))
            tab.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            tab.setToolTip(tip)
            tab.setAccessibleName(title)
            tab.setCheckable(True)
            tab.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            tab.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            # every word whole: a dock cannot be made narrower than its tabs
            tab.setMinimumWidth(tab.fontMetrics().horizontalAdvance(title) + theme.space(1.5))
            tab.setStyleSheet("padding: 4px 0px;")
            tab.toggled.connect(lambda on, name=name: show(name) if on else None)
            self.buttons[name] = tab
            self._group.addButton(tab)
            row.addWidget(tab, tab.fontMetrics().horizontalAdvance(title) + theme.space(2))

    def choose(self, name: str) -> None:
        """Press a tab."""
        self.buttons[name].setChecked(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        names = list(self.buttons)
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}.get(Qt.Key(event.key()), 0)
        here = next((place for place, name in enumerate(names) if self.buttons[name].hasFocus()), None)
        if step and here is not None:
            tab = self.buttons[names[(here + step) % len(names)]]
            tab.setFocus()
            tab.setChecked(True)
        else:
            super().keyPressEvent(event)


class LibraryDock(QWidget):
    """See the package. The window calls ``refresh`` a few times a second; everything else comes as news."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setAccessibleName("Library")
        self.store = PresetStore(session, self)
        self.generators = GeneratorsPanel(session)
        self.presets = PresetsPanel(session, self.store)
        self.snapshots = SnapshotsPanel(session)
        self.models = ModelsPanel(session)
        self.stack = QStackedWidget()
        self.panels: dict[str, QWidget] = {
            "generators": self.generators, "presets": self.presets, "snapshots": self.snapshots, "models": self.models,
        }
        for panel in self.panels.values():
            self.stack.addWidget(panel)
        self.tabs = Tabs(self.show_tab)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.space(1.5), theme.space(1.5), theme.space(1.5), theme.space(1.5))
        layout.setSpacing(theme.space(1.5))
        layout.addWidget(self.tabs)
        self.setMinimumWidth(max(theme.px(200), self.tabs.minimumSizeHint().width() + 2 * theme.space(1.5)))
        layout.addWidget(self.stack, 1)
        self._seen_states: list[tuple[str, str]] = []
        self._models_read = False
        self._offs = [
            session.on("selection", lambda _: self.presets.follow()),
            session.on("line", lambda _: self.presets.follow()),
            session.on("library", lambda _: self._changed()), session.on("session", lambda _: self.snapshots.reload()),
        ]
        self.destroyed.connect(_Ends(self._offs))
        self.tabs.choose("generators")
        self.presets.follow()
        self._first = QTimer(self, singleShot=True, interval=0)
        self._first.timeout.connect(self.store.reload)

    def sizeHint(self) -> QSize:
        return QSize(theme.px(260), theme.px(520))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self.store.loaded:
            self._first.start()

    def show_tab(self, name: str) -> None:
        """Show generators, presets, snapshots or models."""
        self.stack.setCurrentWidget(self.panels[name])
        if not self.tabs.buttons[name].isChecked():
            self.tabs.choose(name)
        if name == "models" and not self._models_read:
            self._models_read = True
            self.models.reload()

    def _changed(self) -> None:
        self.generators.reload()
        self.store.reload()
        if self._models_read:
            self.models.reload()

    def refresh(self) -> None:
        """Show plugins that failed or were enabled since."""
        states = [
            (plugin.name, str(plugin.state) if plugin.state in ("failed", "found") else "")
            for plugin in self.session.registry
        ]
        if states != self._seen_states:
            self._seen_states = states
            self.generators.reload()
        self.presets.follow()


class _Ends:
    def __init__(self, offs: list[Callable[[], None]]) -> None:
        self._offs = offs

    def __call__(self, *_: object) -> None:
        for off in self._offs:
            off()
