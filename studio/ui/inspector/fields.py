"""Lines to type in that stand in a row all the time, and the small square buttons beside them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QDropEvent, QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLineEdit, QToolButton, QWidget

from studio.ui import icons, theme


class Entry(QLineEdit):
    """A line that is taken with Enter or by going elsewhere, and left as it was with Esc."""

    taken = Signal(str, bool)
    """The text, and whether the keyboard stays here."""
    stepped = Signal(int, bool)
    _kept = ""

    def __init__(self, parent: QWidget | None = None, *, steps: bool = False) -> None:
        super().__init__(parent)
        self._steps = steps
        self.setMinimumWidth(theme.space(8))

    def show_text(self, text: str) -> None:
        """Show a value, unless something is being typed."""
        if not self.typing:
            self._kept = text
            if text != self.text():
                self.setText(text)
                self.setCursorPosition(0)

    @property
    def typing(self) -> bool:
        """Whether the text differs from the value it began with, and the keyboard is here."""
        return self.hasFocus() and self.text() != self._kept

    def give_up(self) -> None:
        """Show again what was there."""
        self.setText(self._kept)
        self.selectAll()

    def settled(self, text: str) -> None:
        """The value is now this."""
        self._kept = text
        self.setText(text)

    def event(self, event: QEvent) -> bool:
        if not self.typing and leaves_undo(event):
            return False
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take(True)
        elif key == Qt.Key.Key_Escape and self.text() != self._kept:
            self.give_up()
        elif self._steps and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.stepped.emit(1 if key == Qt.Key.Key_Up else -1, fine)
        else:
            super().keyPressEvent(event)

    def _take(self, stay: bool) -> None:
        if self.text() != self._kept:
            self.taken.emit(self.text(), stay)

    def dropEvent(self, event: QDropEvent) -> None:
        super().dropEvent(event)
        self._take(True)  # what was dropped is meant

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:  # its own menu of copy and paste
            self._take(False)


def leaves_undo(event: QEvent) -> bool:
    """Whether it asks if undo is the field's own; where nothing is being typed, it is the window's."""
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    if not (event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo)):
        return False
    event.ignore()
    return True


def square(icon: str, name: str, tip: str, slot: Callable[[], object], parent: QWidget | None = None) -> QToolButton:
    """A small button with an icon; ``name`` is what a screen reader says, ``tip`` what the pointer is told."""
    button = QToolButton(parent)
    button.setIcon(icons.icon(icon))
    button.setAutoRaise(True)
    button.setAccessibleName(name)
    button.setToolTip(tip)
    button.setFixedSize(theme.space(6), theme.space(6))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.clicked.connect(lambda *_: slot())
    return button
