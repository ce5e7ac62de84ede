"""A row's context menu, and its value on the clipboard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QMenu

from studio.params import Param, Trigger
from studio.ui import icons
from studio.ui.inspector.binding_menu import add_control
from studio.ui.inspector.describe import value_text

if TYPE_CHECKING:
    from studio.ui.inspector.row import ParamRow


def row_menu(row: ParamRow) -> QMenu:
    """What can be done to one parameter; what cannot be done now is greyed."""
    menu = QMenu(row)
    menu.setToolTipsVisible(True)
    trigger = isinstance(row.param, Trigger)
    if not trigger:
        default = value_text(row.param, row.param.default)
        reset = _add(menu, "reset", f"Reset to {default}", row.reset, "Del")
        reset.setEnabled(row.value != row.param.default)
    if row.lockable:
        _add(menu, "dice", "Randomise this", row.randomise).setEnabled(not row.edits.locked(row.name))
    if not trigger:
        menu.addSeparator()
        _add(menu, "copy", "Copy value", row.copy_value)
        paste = _add(menu, "paste", "Paste value", row.paste_value)
        paste.setEnabled(bool(QGuiApplication.clipboard().text()))
    if row.lockable:
        menu.addSeparator()
        lock = _add(menu, "lock", "Locked", row.toggle_lock)
        lock.setCheckable(True)
        lock.setChecked(row.edits.locked(row.name))
        lock.setToolTip("A locked value is left as it is by randomise and mutate")
    if row.param.automatable:
        menu.addSeparator()
        add_control(menu, row)
    return menu


def to_clipboard(param: Param[Any], value: Any) -> None:
    """Put a value on the clipboard as text."""
    data = param.to_json(value)
    QGuiApplication.clipboard().setText(data if isinstance(data, str) else json.dumps(data))


def from_clipboard(param: Param[Any]) -> tuple[Any, str]:
    """The value on the clipboard and a note about clamping. Raises ParamError when it does not fit."""
    text = QGuiApplication.clipboard().text()
    value, note = param.clean(_pasted(text))
    return value, note.removeprefix(f"{param.name}: ")


def _pasted(text: str) -> Any:
    # a list was copied from a colour or a point; all else is read by the parameter itself
    if text.lstrip().startswith("[") and len(text) < 200:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _add(menu: QMenu, icon_name: str, text: str, slot: Any, shortcut: str = "") -> QAction:
    action = menu.addAction(icons.icon(icon_name, "dim"), text)
    action.triggered.connect(lambda *_: slot())
    if shortcut:
        action.setShortcut(QKeySequence(shortcut))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
    return action
