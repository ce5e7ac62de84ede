"""The row of a Text: one line, which grows into an editor for a long text."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QSizePolicy, QToolButton, QWidget

from studio.params import MAX_TEXT, Text
from studio.ui import icons, theme
from studio.ui.inspector.editing import StageEdits
from studio.ui.inspector.fields import Entry, leaves_undo, square
from studio.ui.inspector.measure import metrics
from studio.ui.inspector.row import ParamRow

LONG = 60
"""Texts longer than this (characters), or of several lines, open as an editor."""
LEAST_LINES, MOST_LINES = 4, 12


class Editor(QPlainTextEdit):
    """Several lines: Ctrl+Enter or going elsewhere takes them, Esc leaves all as it was, Tab goes on."""

    taken = Signal(str, bool)
    _kept = ""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTabChangesFocus(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def typing(self) -> bool:
        return self.hasFocus() and self.toPlainText() != self._kept

    def show_text(self, text: str) -> None:
        if not self.typing:
            self._kept = text
            if text != self.toPlainText():
                self.setPlainText(text)

    def settled(self, text: str) -> None:
        self._kept = text
        if text != self.toPlainText():
            self.setPlainText(text)

    def event(self, event: QEvent) -> bool:
        if not self.typing and leaves_undo(event):
            return False
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and control:
            self._take(True)
        elif event.key() == Qt.Key.Key_Escape and self.typing:
            self.setPlainText(self._kept)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self._take(False)

    def _take(self, stay: bool) -> None:
        if self.toPlainText() != self._kept:
            self.taken.emit(self.toPlainText(), stay)

    def lines_height(self, width: int) -> int:
        """Pixels that show the text, between ``LEAST_LINES`` and ``MOST_LINES`` lines."""
        measure = metrics("body")
        per_line = max(1, (width - theme.space(6)) // max(1, measure.averageCharWidth()))
        lines = sum(1 + len(line) // per_line for line in self.toPlainText().split("\n"))
        return min(MOST_LINES, max(LEAST_LINES, lines)) * measure.lineSpacing() + theme.space(4)


class _Grows(QWidget):
    """The line or the editor, as high as the one that shows. The editor is made when it is first needed."""

    def __init__(self, line: QWidget) -> None:
        super().__init__()
        self.editor: Editor | None = None
        self._line, self.long = line, False
        line.setParent(self)

    def show_one(self, long: bool) -> None:
        """Show the editor, or the line."""
        self.long = long
        self._line.setVisible(not long)
        if self.editor is not None:
            self.editor.setVisible(long)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self._line.setGeometry(0, 0, self.width(), theme.space(7))
        if self.editor is not None:
            self.editor.setGeometry(self.rect())

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self.editor.lines_height(width) if self.long and self.editor is not None else theme.space(7)

    def sizeHint(self) -> QSize:
        return QSize(theme.space(60), self.heightForWidth(self.width()))


class TextRow(ParamRow):
    """See the module."""

    def __init__(self, param: Text, edits: StageEdits, parent: QWidget | None = None) -> None:
        super().__init__(param, edits, parent)
        self.param: Text = param
        self.line = Entry()
        self.line.setMaxLength(MAX_TEXT)
        self.line.setPlaceholderText("empty")
        self.line.taken.connect(self._typed)
        self.grow: QToolButton = square("chevron-down", f"{param.label}: longer field", "", self.toggle)
        self._box = _Grows(self.line)
        holder = QWidget()
        layout = QHBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.space(1))
        layout.addWidget(self._box, 1)
        layout.addWidget(self.grow, 0, Qt.AlignmentFlag.AlignTop)
        self.place(body=holder)
        self.describe(self.line)
        self.setFocusProxy(self.line)
        self._by_hand = False
        self._show_long(False)
        self.refresh_value()

    @property
    def editor(self) -> Editor:
        """The field of several lines."""
        if self._box.editor is None:
            editor = self._box.editor = Editor()
            editor.setPlaceholderText("Ctrl+Enter takes the text, Esc leaves it as it was")
            editor.show_text(self.value)
            editor.taken.connect(self._typed)
            self.describe(editor)
            editor.setParent(self._box)
            editor.setGeometry(self._box.rect())
        return self._box.editor

    @property
    def long(self) -> bool:
        """Whether the field of several lines shows."""
        return self._box.long

    @property
    def busy(self) -> bool:
        return self.line.typing or (self._box.editor is not None and self._box.editor.typing)

    def show_value(self, value: Any) -> None:
        self.line.show_text(" ".join(value.split("\n")))
        if self._box.editor is not None:
            self._box.editor.show_text(value)
        wanted = len(value) > LONG or "\n" in value
        if not self._by_hand and wanted != self.long and not (self.long and self.editor.hasFocus()):
            self._show_long(wanted)
        elif self.long:
            self._box.updateGeometry()
            self._replan()

    def toggle(self) -> None:
        """The other form of the field; a text of several lines always has the larger one."""
        self._by_hand = True
        self._show_long(not self.long or "\n" in self.value)
        (self.editor if self.long else self.line).setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_long(self, long: bool) -> None:
        shown: QWidget = self.editor if long else self.line
        self._box.show_one(long)
        self._box.updateGeometry()
        self.setFocusProxy(shown)
        self.grow.setIcon(icons.icon("chevron-up" if long else "chevron-down"))
        self.grow.setToolTip("One line" if long else "A field of several lines")
        self._replan()

    def _typed(self, text: str, stay: bool) -> None:
        cleaned, note = self.param.clean(text)
        self.commit(cleaned, note=note.removeprefix(f"{self.name}: "))
        self.line.settled(" ".join(self.value.split("\n")))
        if self._box.editor is not None:
            self._box.editor.settled(self.value)
        self.refresh_value()
