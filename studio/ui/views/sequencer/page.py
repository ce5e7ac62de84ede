"""The page: text appears as it is typed, with a caret; it can be edited, and each character knows its chances."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QPoint, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QHideEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QTextBlockFormat,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QTextEdit, QWidget

from studio.session.playback_track import Letter
from studio.ui import theme
from studio.ui.views.sequencer.looks import reading_font

COLUMN = 74
"""Most characters of a line: longer ones are hard to read."""


class Page(QTextEdit):
    """``letters`` belong to the text as it stands. ``edited`` tells that a hand changed it, ``hovered`` of the letter
    under the pointer (None: of none)."""

    edited = Signal()
    hovered = Signal(object, QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.letters: list[Letter] = []
        self.touched = False
        """A hand changed it since it was shown last."""
        self.typing = False
        self._own = False
        self._shown_at = time.monotonic()
        self.setAcceptRichText(False)
        self.setAccessibleName("Text")
        self.setObjectName("page")
        self.setUndoRedoEnabled(True)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QTextEdit.Shape.NoFrame)
        self.mono = False
        self.set_mono(False)
        self._blink = QTimer(self, interval=265)
        self._blink.timeout.connect(self.viewport().update)
        self.document().contentsChange.connect(self._changed)

    def set_mono(self, mono: bool) -> None:
        """Read in a face of one width, or in one with serifs."""
        self.mono = mono
        self.setFont(reading_font(mono))
        self.document().setDefaultFont(reading_font(mono))
        self._space()

    def _space(self) -> None:
        """Air between the lines, and a column that is not too wide."""
        self._own = True
        cursor = QTextCursor(self.document())
        cursor.select(QTextCursor.SelectionType.Document)
        form = QTextBlockFormat()
        form.setLineHeight(140.0, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        cursor.setBlockFormat(form)
        self._own = False
        self._margins()

    def _margins(self) -> None:
        width = QFontMetricsF(self.font()).averageCharWidth() * COLUMN
        side = max(theme.space(5), round((self.width() - width) / 2))
        self.setViewportMargins(side, theme.space(3), side, theme.space(2))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._margins()
        super().resizeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        self._blink.start()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._blink.stop()
        super().hideEvent(event)

    # --- what is shown ---

    def show_letters(self, letters: list[Letter]) -> None:
        """Another text."""
        self._own = True
        self.letters = list(letters)
        self.setPlainText("".join(letter.character for letter in letters))
        self._own = False
        self._space()
        self.touched = False
        self.document().clearUndoRedoStacks()
        self.moveCursor(QTextCursor.MoveOperation.End)
        self.to_end()

    def type_on(self, letters: list[Letter]) -> None:
        """More of it; what a hand selected stays, and who reads further up is not pulled down."""
        if not letters:
            return
        bar = self.verticalScrollBar()
        where, low = bar.value(), bar.value() >= bar.maximum() - theme.px(40)
        self._own = True
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText("".join(letter.character for letter in letters))
        self._own = False
        self.letters += letters
        self.document().clearUndoRedoStacks()
        bar.setValue(bar.maximum() if low else where)

    def to_end(self) -> None:
        """Show the newest line."""
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def before_cursor(self) -> list[Letter]:
        """The letters before the cursor."""
        return self.letters[: self.textCursor().position()]

    def _changed(self, place: int, removed: int, added: int) -> None:
        if self._own:
            return
        text = self.toPlainText()
        # a change at the very end counts the end of the paragraph as removed and added too
        extra = max(0, place + added - len(text))
        removed, added = removed - extra, added - extra
        if removed == added and text[place : place + added] == "".join(
            letter.character for letter in self.letters[place : place + added]
        ):
            return
        self.letters[place : place + max(0, removed)] = [Letter(c) for c in text[place : place + max(0, added)]]
        if len(self.letters) != len(text):  # an editing step that Qt counts differently: only chances are lost
            self.letters = [Letter(character) for character in text]
        self.touched = True
        self.edited.emit()

    # --- pointer ---

    def letter_at(self, place: QPoint) -> tuple[int, Letter] | None:
        """The letter under a point of the viewport, and where it stands."""
        cursor = self.cursorForPosition(place)
        for position in (cursor.position() - 1, cursor.position()):
            if 0 <= position < len(self.letters):
                probe = QTextCursor(self.document())
                probe.setPosition(position)
                left = self.cursorRect(probe)
                probe.setPosition(position + 1)
                right = self.cursorRect(probe)
                end = right.left() if right.top() == left.top() else left.left() + theme.px(10)
                if left.top() <= place.y() <= left.bottom() and left.left() <= place.x() < max(end, left.left() + 2):
                    return position, self.letters[position]
        return None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        place = event.position().toPoint()
        found = None if event.buttons() else self.letter_at(place)
        self.hovered.emit(found[1] if found is not None else None, self.viewport().mapToGlobal(place))

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(None, QPoint())
        super().leaveEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.touched:
            return
        end = QTextCursor(self.document())
        end.movePosition(QTextCursor.MoveOperation.End)
        rect = self.cursorRect(end)
        lit = self.typing or int((time.monotonic() - self._shown_at) / 0.53) % 2 == 0
        if lit and rect.bottom() >= 0 and rect.top() <= self.viewport().height():
            painter = QPainter(self.viewport())
            high = QFontMetricsF(self.font()).ascent() * 1.12
            box = QRectF(rect.left() + 1, rect.center().y() - high / 2, theme.px(2.5), high)
            painter.fillRect(box, theme.color("text_media"))
