"""Every action of the window with its shortcut: in the menus, in the command palette (Ctrl+K), and listed on ``?``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import QSortFilterProxyModel, QStringListModel, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QMainWindow,
    QMenu,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from studio.ui import icons, theme


@dataclass
class Actions:
    """The actions of one window, by menu in their order."""

    window: QMainWindow
    menus: dict[str, QMenu] = field(default_factory=dict)
    groups: dict[str, list[QAction]] = field(default_factory=dict)
    plain: list[QAction] = field(default_factory=list)

    def add(
        self, menu: str, text: str, work: Callable[[], object], keys: str | list[str] = "", *, icon: str = "",
        tip: str = "", plain: bool = False,
    ) -> QAction:
        """An action in a menu; ``keys`` are its shortcuts, active in the whole window.

        ``plain`` is for keys that fields and buttons use themselves (Space, letters): they count only where the focused
        widget lets them pass, see ``press``.
        """
        if menu not in self.menus:
            self.menus[menu] = self.window.menuBar().addMenu(menu)
            self.menus[menu].setToolTipsVisible(True)
            self.groups[menu.replace("&", "")] = []
        action = QAction(icons.icon(icon), text, self.window) if icon else QAction(text, self.window)
        if keys:
            action.setShortcuts([QKeySequence(key) for key in ([keys] if isinstance(keys, str) else keys)])
        context = Qt.ShortcutContext.WidgetShortcut if plain else Qt.ShortcutContext.WindowShortcut
        action.setShortcutContext(context)
        if plain:
            self.plain.append(action)
        action.setToolTip(tip or text.replace("&", ""))
        action.triggered.connect(lambda *_: work())
        self.menus[menu].addAction(action)
        self.groups[menu.replace("&", "")].append(action)
        return action

    def press(self, event: QKeyEvent) -> bool:
        """A key that no widget wanted: trigger the plain action that has it."""
        pressed = QKeySequence(event.keyCombination())
        for action in self.plain:
            if pressed in action.shortcuts() or any(keys.toString() == event.text() for keys in action.shortcuts()):
                action.trigger()
                return True
        return False

    def press_of(self, menu: str, event: QKeyEvent) -> bool:
        """A key that came to another window: trigger the action of this menu that has it."""
        pressed = QKeySequence(event.keyCombination())
        for action in self.groups.get(menu, []):
            if action.isEnabled() and pressed in action.shortcuts():
                action.trigger()
                return True
        return False

    def separator(self, menu: str) -> None:
        """A line in a menu."""
        self.menus[menu].addSeparator()

    def all(self) -> list[tuple[str, QAction]]:
        """Every action with the name of its menu."""
        return [(group, action) for group, actions in self.groups.items() for action in actions]


OTHER_KEYS = (
    ("Sliders", (
        ("Arrows, wheel", "one step"), ("Page up, Page down", "ten steps"), ("Shift + drag", "fine"),
        ("Ctrl + click, Enter", "type a value"), ("Double click, Delete", "back to the default"),
    )),
    ("Chips of a deck", (
        ("Enter", "choose"), ("B", "bypass"), ("Delete", "remove"), ("Ctrl + ←, Ctrl + →", "move"),
    )),
    ("Output window", (("Escape", "close it"),)),
)


class ShortcutsDialog(QDialog):
    """All shortcuts on one page."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Shortcuts")
        self.resize(theme.px(780), theme.px(560))
        column = QVBoxLayout(self)
        area = QScrollArea()
        area.setWidgetResizable(True)
        column.addWidget(area, 1)
        page = QWidget()
        row = QHBoxLayout(page)
        row.setSpacing(theme.space(8))
        area.setWidget(page)
        groups = [
            (name, [(_keys(action), _plain(action)) for action in found if not action.shortcut().isEmpty()])
            for name, found in actions.groups.items()
        ]
        groups = [group for group in groups if group[1]] + [(name, list(lines)) for name, lines in OTHER_KEYS]
        total = sum(len(lines) + 2 for _, lines in groups)
        columns = [QVBoxLayout(), QVBoxLayout()]
        count = 0
        for name, lines in groups:
            self._group(columns[0 if count < total / 2 else 1], name, lines)
            count += len(lines) + 2
        for side in columns:
            side.addStretch(1)
            row.addLayout(side, 1)
        foot = QHBoxLayout()
        foot.addStretch(1)
        close = QPushButton("Close")
        close.clicked.connect(self.accept)
        foot.addWidget(close)
        column.addLayout(foot)

    @staticmethod
    def _group(column: QVBoxLayout, name: str, lines: list[tuple[str, str]]) -> None:
        title = QLabel(name)
        title.setFont(theme.font("title"))
        column.addWidget(title)
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.space(4))
        grid.setVerticalSpacing(theme.space(1))
        for place, (keys, what) in enumerate(lines):
            label = QLabel(keys)
            label.setFont(theme.font("mono"))
            theme.set_role(label, "dim")
            grid.addWidget(label, place, 1)
            grid.addWidget(QLabel(what), place, 0)
        grid.setColumnStretch(0, 1)
        column.addLayout(grid)
        column.addSpacing(theme.space(3))


def _plain(action: QAction) -> str:
    return action.text().replace("&", "")


def _keys(action: QAction) -> str:
    return ", ".join(keys.toString(QKeySequence.SequenceFormat.NativeText) for keys in action.shortcuts())


class Palette(QDialog):
    """Type part of an action's name and press Enter. ``more`` is what else can be done, by the text it is found by."""

    def __init__(
        self, actions: Actions, parent: QWidget | None = None, more: Mapping[str, Callable[[], object]] | None = None,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAccessibleName("Command palette")
        self._actions: dict[str, Callable[[], object]] = {
            f"{_plain(action)}   —   {group}" + (f"   ({_keys(action)})" if _keys(action) else ""): action.trigger
            for group, action in actions.all() if action.isEnabled()
        }
        self._actions.update(more or {})
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space(2), theme.space(2), theme.space(2), theme.space(2))
        self.field = QLineEdit()
        self.field.setPlaceholderText("What do you want to do?")
        self.field.setAccessibleName("Command")
        self.list = QListView()
        self.list.setAccessibleName("Commands")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._model = QSortFilterProxyModel(self)
        self._model.setSourceModel(QStringListModel(list(self._actions), self))
        self._model.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.list.setModel(self._model)
        self.list.clicked.connect(lambda _: self._run())
        self.none = QLabel("Nothing is called so. Try one word, or ? for all shortcuts.", wordWrap=True)
        theme.set_role(self.none, "dim")
        self.none.setContentsMargins(theme.space(2), theme.space(2), theme.space(2), theme.space(2))
        column.addWidget(self.field)
        column.addWidget(self.none, 1, Qt.AlignmentFlag.AlignTop)
        column.addWidget(self.list, 1)
        self.field.textChanged.connect(self._filter)
        self.field.installEventFilter(self)
        self.setFixedSize(theme.px(560), theme.px(360))
        self._filter("")
        self.field.setFocus()

    def _filter(self, text: str) -> None:
        import re

        words = [re.escape(word) for word in text.split()]
        self._model.setFilterRegularExpression("".join(f"(?=.*{word})" for word in words))
        self.list.setCurrentIndex(self._model.index(0, 0))
        self.list.setVisible(self._model.rowCount() > 0)
        self.none.setVisible(self._model.rowCount() == 0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            step = 1 if event.key() == Qt.Key.Key_Down else -1
            place = min(max(self.list.currentIndex().row() + step, 0), self._model.rowCount() - 1)
            self.list.setCurrentIndex(self._model.index(place, 0))
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: object, event: object) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QKeyEvent.Type.KeyPress and event.key() in (
            Qt.Key.Key_Down, Qt.Key.Key_Up,
        ):
            self.keyPressEvent(event)
            return True
        return False

    def _run(self) -> None:
        text = self.list.currentIndex().data()
        self.accept()
        if text in self._actions:
            self._actions[text]()
