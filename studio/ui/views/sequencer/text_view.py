"""The view of a player of text: the page, what could come next, and the train of tokens."""

from __future__ import annotations

import math
import time
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QHideEvent, QKeyEvent, QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from studio.session.line import Line
from studio.session.playback import MOST_RATE, Options, Playing
from studio.session.playback_files import save_text
from studio.session.playback_track import Letter
from studio.session.session import Session
from studio.ui import theme
from studio.ui.background import Task, background
from studio.ui.kit.buttons import button, tool_button
from studio.ui.kit.dialogs import pick_file
from studio.ui.kit.slider import Slider
from studio.ui.views.sequencer.bar import PlayerBar
from studio.ui.views.sequencer.chances import ChancesPopup, NextList
from studio.ui.views.sequencer.page import Page
from studio.ui.views.sequencer.train import Train
from studio.ui.views.stage import StageView

SLOWEST, FASTEST = 1.0, 400.0
WORDS, LETTERS = 8, 6
ASK = 0.35
"""Seconds between two questions for the next words while it types."""
FRAME_MS = 33


def rate_of(norm: float) -> float:
    """Characters per second (or beat) of a slider's position."""
    return float(SLOWEST * (FASTEST / SLOWEST) ** norm)


def norm_of(rate: float) -> float:
    """The slider's position of a rate."""
    return min(1.0, max(0.0, math.log(max(rate, SLOWEST) / SLOWEST) / math.log(FASTEST / SLOWEST)))


class GenericTextView(StageView):
    """Any generator of text: typed live, read, edited, gone on with, saved."""

    def __init__(self, session: Session, line: Line | str, index: int, parent: QWidget | None = None) -> None:
        super().__init__(session, line, index, parent)
        self._seen = (-1, 0, 0)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(theme.space(2), theme.space(1), theme.space(2), theme.space(2))
        self.column.setSpacing(theme.space(1))
        self.bar = PlayerBar(session, self.line, anew="New text", anew_tip="Begin a new text", sounds=False)
        self._fill_bar()
        self.column.addWidget(self.bar)
        self.middle = QHBoxLayout()
        self.middle.setSpacing(theme.space(2))
        self.page = Page(self)
        self.page.edited.connect(self._edited)
        self.page.hovered.connect(self._hovered)
        self.middle.addWidget(self.page, 1)
        self.column.addLayout(self.middle, 1)
        self.column.addWidget(self._edit_row())
        self.popup = ChancesPopup(self)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            shortcut = QShortcut(QKeySequence(keys), self, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(self.go_on)
        self._timer = QTimer(self, interval=FRAME_MS)
        self._timer.timeout.connect(self.advance)

    def _fill_bar(self) -> None:
        session, line = self.session, self.line
        self.rate_label = QLabel()
        self.rate_label.setFont(theme.font("number"))
        theme.set_role(self.rate_label, "dim")
        self.rate_label.setMinimumWidth(theme.px(58))
        self.rate_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.rate = Slider(self)
        self.rate.setFixedWidth(theme.px(96))
        self.rate.set_accent("text_media")
        self.rate.setAccessibleName("Typing speed")
        self.rate.setToolTip(f"Typing speed, {SLOWEST:g}–{FASTEST:g} characters per second or per beat")
        self.rate.moved.connect(lambda norm: session.playback.set_options(
            line.name, rate=min(MOST_RATE, rate_of(norm)), gesture=("hold", id(self), "rate")))
        self.rate.released.connect(session.end_gesture)
        self.rate.reset.connect(lambda: session.playback.set_options(line.name, rate=Options().rate))
        self.per_beat = tool_button("bpm", "Per beat", tip="Type so many characters per beat of the clock, not per "
                                    "second", size=16, checkable=True)
        self.per_beat.clicked.connect(lambda on: session.playback.set_options(line.name, per_beat=bool(on)))
        self.face = tool_button("cursor-text", "Typewriter face", tip="Read in a face of one width", size=16,
                                checkable=True)
        self.face.clicked.connect(lambda on: self.page.set_mono(bool(on)))
        self.copy = tool_button("copy", "Copy", tip="Copy the selection, or the whole text", size=16,
                                clicked=self.copy_text)
        self.save = tool_button("save", "Save", tip="Save the text, with its recipe", size=16, clicked=self.ask_save)
        self.clear = tool_button("trash", "Clear", tip="Empty the page; it writes on", size=16, clicked=self.clear_page)
        self.bar.add(self.rate_label, self.rate, self.per_beat, self.face, self.copy, self.save, self.clear)

    def _edit_row(self) -> QWidget:
        self.edit_row = QWidget()
        row = QHBoxLayout(self.edit_row)
        row.setContentsMargins(0, 0, 0, 0)
        hint = QLabel("Edited: it waits.")
        theme.set_role(hint, "dim")
        self.go_on_button = button("Continue from the cursor", "play", role="primary",
                                   tip="Drop what stands after the cursor and write on from there (Ctrl+Enter)",
                                   clicked=self.go_on)
        self.drop_edits = button("Undo the edits", role="ghost", tip="Back to what was written (Escape)",
                                 clicked=self.forget_edits)
        for widget in (hint, self.go_on_button, self.drop_edits):
            row.addWidget(widget)
        row.addStretch(1)
        keeps = self.edit_row.sizePolicy()
        keeps.setRetainSizeWhenHidden(True)  # else the page, and the decks above it, would move at the first letter
        self.edit_row.setSizePolicy(keeps)
        self.edit_row.hide()
        return self.edit_row

    # --- following the player ---

    def showEvent(self, event: QShowEvent) -> None:
        self._timer.start()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()
        self.popup.hide()
        super().hideEvent(event)

    def advance(self) -> None:
        """Type what was typed since the last time."""
        known = self.bar.playing
        if known is None:
            return
        track = known.text
        with track.lock:
            now = (track.version, track.dropped, len(track.letters))
            same = now[:2] == self._seen[:2] and now[2] >= self._seen[2]
            new = track.letters[self._seen[2] :] if same else list(track.letters)
        if self.page.touched:
            return
        self._seen = now
        if not same:
            self.page.show_letters(new)
        else:
            self.page.type_on(new)
        self.page.typing = known.state == "playing" and bool(new)
        self._more(known)

    def _more(self, known: Playing) -> None:
        """What else moves with the text."""

    def refresh(self) -> None:
        """Follow the player's state; the text moves by itself."""
        self.bar.refresh(self._status)
        known = self.bar.playing
        if known is None:
            return
        options = known.options
        if not self.rate.is_down():
            self.rate.set_norm(norm_of(options.rate))
        figure = f"{options.rate:.0f}" if options.rate >= 10 else f"{options.rate:.1f}"
        self.rate_label.setText(f"{figure}/{'beat' if options.per_beat else 's'}")
        self.per_beat.setChecked(options.per_beat)
        for widget in (self.copy, self.save, self.clear):
            widget.setEnabled(bool(self.page.letters))

    def _status(self, known: Playing) -> str:
        count = known.text.dropped + len(known.text.letters)
        return f"{count:,} character{'' if count == 1 else 's'}"

    # --- editing ---

    def _edited(self) -> None:
        self.session.playback.pause(self.line.name)
        self.edit_row.show()
        self.popup.hide()

    def go_on(self) -> None:
        """Write on from the cursor."""
        self.write(self.page.before_cursor())

    def write(self, kept: list[Letter]) -> None:
        """These are the text now; the model writes on."""
        self.page.touched = False
        self.edit_row.hide()
        self.session.playback.continue_from(self.line.name, kept)
        self.session.playback.play(self.line.name)
        self.advance()
        self.page.setFocus()

    def forget_edits(self) -> None:
        """Back to what was written."""
        self.page.touched = False
        self.edit_row.hide()
        self._seen = (-1, 0, 0)
        self.advance()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.page.touched:
            self.forget_edits()
        else:
            super().keyPressEvent(event)

    def clear_page(self) -> None:
        """An empty page."""
        known = self.bar.playing
        if known is not None:
            self.page.touched = False
            self.edit_row.hide()
            known.text.replace([])
            self.advance()

    def copy_text(self) -> None:
        """The selection, or everything, to the clipboard."""
        picked = self.page.textCursor().selectedText().replace("\u2029", "\n")
        QGuiApplication.clipboard().setText(picked or self.page.toPlainText())

    def ask_save(self) -> None:
        """Choose where the text is kept."""
        pick_file(self, "Save the text", self.save_to, kinds=(("Text", ("*.txt",)),), save=True, name="text.txt")

    def save_to(self, path: Path) -> None:
        """Write what was typed, with its recipe, as a job."""
        save_text(self.session, self.line, path)

    def _hovered(self, letter: Letter | None, place: QPoint) -> None:
        self.popup.show_letter(letter if not self.page.touched else None, place)

    def close_view(self) -> None:
        self._timer.stop()
        self.popup.close()
        self.bar.close_bar()
        super().close_view()


class TextView(GenericTextView):
    """The text sequencer: also the next words and letters to pick from, and the train of tokens."""

    def __init__(self, session: Session, line: Line | str, index: int, parent: QWidget | None = None) -> None:
        super().__init__(session, line, index, parent)
        self._task: Task | None = None
        self._asked_at = 0.0
        self._asked_for = ""
        self._offered: list[Letter] = []
        """The text that the offered words and letters follow."""
        self.side = QWidget(self)
        self.side.setFixedWidth(theme.px(216))
        column = QVBoxLayout(self.side)
        column.setContentsMargins(0, theme.space(1), 0, 0)
        column.setSpacing(theme.space(1))
        self.words, self.next_letters = NextList(WORDS, self.side), NextList(LETTERS, self.side)
        self._letter_title = _title("Next letter")
        for widget in (_title("Next word"), self.words, self._letter_title, self.next_letters):
            column.addWidget(widget)
        column.addStretch(1)
        self.words.picked.connect(self.pick)
        self.next_letters.picked.connect(self.pick)
        self.middle.addWidget(self.side)
        self.train = Train(self)
        self.train.hovered.connect(self.popup.show_letter)
        self.column.insertWidget(2, self.train)
        self.side.installEventFilter(self)
        self.page.cursorPositionChanged.connect(self._cursor_moved)

    # --- what could come next ---

    def _more(self, known: Playing) -> None:
        self.train.put(known.text.letters[-200:], known.text.coming())
        if self.side.underMouse() and self._offered:
            return  # nothing is taken away from under the hand
        first = known.text.next_letter()
        self.next_letters.put(list(first.choices[: self._room()[1]]) if first is not None else [])
        # while it types, a word is offered as a whole; when it stands, also the end of a begun one
        letters = self.page.letters
        self._ask(len(letters) - (len(_stem(letters)) if known.state == "playing" else 0))

    def _cursor_moved(self) -> None:
        if self.page.touched:
            self._ask(self.page.textCursor().position())

    def _ask(self, place: int) -> None:
        """Let the background find the next words after so many letters of the page."""
        writer, now = self.details().get("writer"), time.monotonic()
        if writer is None or self._task is not None or now - self._asked_at < ASK:
            return
        text = "".join(letter.character for letter in self.page.letters[max(0, place - 400) : place])
        if text == self._asked_for:
            return
        kept, count, task = self.page.letters[:place], self._room()[0], Task()
        self._asked_at, self._asked_for = now, text
        self._task = background(
            self.session, lambda: writer.words(text, count, task.check), lambda words: self._found(words, kept),
            lambda why: self._found([], kept), owner=self, task=task,
        )

    def _found(self, words: list[tuple[str, float]], letters: list[Letter]) -> None:
        self._task = None
        if self.side.underMouse() and self._offered:
            return
        self._offered = letters
        self.words.put(words, _stem(letters))

    def pick(self, text: str) -> None:
        """Write this next, after the text that it was offered for."""
        known = self.bar.playing
        if known is None:
            return
        if self.sender() is self.next_letters and not self.page.touched:
            self.page.touched = False
            self.edit_row.hide()
            self.session.playback.force(self.line.name, text)
            self.advance()
            return
        self.write([*self._offered, *(Letter(character) for character in text)])

    def _room(self) -> tuple[int, int]:
        """How many words and letters have room in the height there is."""
        row = theme.px(26)
        rows = (self.side.height() - 2 * theme.px(24)) // row
        if rows < 7:
            return max(2, min(WORDS, rows + 1)), 0
        words = min(WORDS, (rows + 1) // 2 + 1)
        return words, min(LETTERS, rows - words)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        letters = self._room()[1]
        self._letter_title.setVisible(letters > 0)
        self.next_letters.setVisible(letters > 0)
        self.side.setVisible(self.width() > theme.px(560))
        self._asked_for = ""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.side and event.type() == QEvent.Type.Leave:
            self._offered = []
        return super().eventFilter(watched, event)

    def close_view(self) -> None:
        if self._task is not None:
            self._task.cancel()
        super().close_view()


def _stem(letters: list[Letter]) -> str:
    """The begun word at the end of a text."""
    start = len(letters)
    while start and len(letters) - start < 32 and (letters[start - 1].character.isalnum()
                                                   or letters[start - 1].character in "'-"):
        start -= 1
    return "".join(letter.character for letter in letters[start:])


def _title(text: str) -> QLabel:
    label = QLabel(text)
    label.setFont(theme.font("small"))
    theme.set_role(label, "dim")
    label.setContentsMargins(theme.px(6), 0, 0, 0)
    return label
