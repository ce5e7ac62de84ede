"""The log: what the studio and its plugins wrote, filtered, searched, copied."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QListView, QPlainTextEdit, QSplitter, QWidget

from studio import paths
from studio.session.core import Core
from studio.ui import reveal, theme
from studio.ui.background import background
from studio.ui.kit import Combo, SearchField, button
from studio.ui.pages.parts import Page, label

MOST = 5000
"""Entries that are kept in the page; the files hold more."""
TAIL = 600_000
"""Bytes of the file that are read when the page opens."""
LEVELS = {"Everything": logging.DEBUG, "Messages": logging.INFO, "Warnings and errors": logging.WARNING,
          "Errors": logging.ERROR}
_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) ([A-Z]+) (\S+): (.*)")
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Entry:
    """One entry; ``text`` may have more lines, such as a traceback."""

    when: str
    level: int
    name: str
    text: str

    @property
    def first(self) -> str:
        """Its first line."""
        return self.text.partition("\n")[0]

    def line(self) -> str:
        """The entry as in the file."""
        return f"{self.when} {logging.getLevelName(self.level)} {self.name}: {self.text}"


def log_file() -> Path:
    """The log that is written now."""
    return paths.user_folder("log") / "reverie.log"


class Tail(logging.Handler):
    """Keeps new entries until the page takes them; any thread may write, and nothing here touches the window."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._entries: deque[Entry] = deque(maxlen=MOST)
        self._format = logging.Formatter("%(asctime)s\x1f%(message)s")

    def emit(self, record: logging.LogRecord) -> None:
        when, _, text = self._format.format(record).partition("\x1f")
        self._entries.append(Entry(when, record.levelno, record.name, text))

    def take(self) -> list[Entry]:
        """What has come since the last call."""
        taken = []
        while self._entries:
            taken.append(self._entries.popleft())
        return taken


def parse(text: str) -> list[Entry]:
    """The entries of a log file; lines that begin none belong to the one before."""
    entries: list[Entry] = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            level = logging.getLevelName(match[2])
            entries.append(Entry(match[1], level if isinstance(level, int) else logging.INFO, match[3], match[4]))
        elif entries:
            last = entries[-1]
            entries[-1] = Entry(last.when, last.level, last.name, f"{last.text}\n{line}")
    return entries


def read_tail(path: Path, end: int) -> list[Entry]:
    """The last entries before byte ``end`` of a log file; none where there is no file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, end - TAIL))
            data = file.read(min(TAIL, end))
    except OSError:
        return []
    return parse(data.decode("utf-8", "replace"))


class LogModel(QAbstractListModel):
    """The entries that pass level and search."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []
        self.shown: list[Entry] = []
        self.level, self.words = logging.INFO, [""]

    def add(self, entries: Iterable[Entry], *, before: bool = False) -> None:
        """More entries, at the end or before those that are there."""
        new = list(entries)
        if not new:
            return
        if before or len(self.entries) + len(new) > MOST:
            self.entries = ([*new, *self.entries] if before else [*self.entries, *new])[-MOST:]
            self.filter(self.level, self.words)
            return
        self.entries += new
        fitting = [entry for entry in new if self._fits(entry)]
        if fitting:
            at = len(self.shown)
            self.beginInsertRows(QModelIndex(), at, at + len(fitting) - 1)
            self.shown += fitting
            self.endInsertRows()

    def filter(self, level: int, words: list[str]) -> None:
        """Show only entries of this level or above that hold every word (in lower case)."""
        self.beginResetModel()
        self.level, self.words = level, words
        self.shown = [entry for entry in self.entries if self._fits(entry)]
        self.endResetModel()

    def _fits(self, entry: Entry) -> bool:
        if entry.level < self.level:
            return False
        text = f"{entry.name} {entry.text}".casefold()
        return all(word in text for word in self.words)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            more = "  …" if "\n" in entry.text else ""
            return f"{entry.when[11:19]}  {entry.name.removeprefix('reverie.')}: {entry.first}{more}"
        if role == Qt.ItemDataRole.ForegroundRole:
            return QColor(theme.color("danger" if entry.level >= logging.ERROR else "warning"
                          if entry.level >= logging.WARNING else "text" if entry.level >= logging.INFO else "faint"))
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{entry.when}  {logging.getLevelName(entry.level)}  {entry.name}"
        return None


class LogPage(Page):
    """See the module."""

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(session, "Log", "What happened, with the details that a message has no room for.", parent)
        self.model = LogModel(self)
        self._build()
        file = log_file()
        try:
            end = file.stat().st_size
        except OSError:
            end = 0
        self.tail = Tail()
        logging.getLogger().addHandler(self.tail)
        tail = self.tail
        self.destroyed.connect(lambda *_: logging.getLogger().removeHandler(tail))
        background(session, lambda: read_tail(file, end), lambda found: self._earlier(found), owner=self)

    def _build(self) -> None:
        self.level = Combo(LEVELS.items(), name="Which entries")
        self.level.setToolTip("Entries of this kind and worse")
        self.level.setCurrentIndex(1)
        self.level.currentIndexChanged.connect(lambda _: self._filter())
        self.search = SearchField("Search the log")
        self.search.setFixedWidth(theme.px(240))
        self.search.searched.connect(lambda _: self._filter())
        self.count = label("", "small")
        for part in (self.count, self.search, self.level):
            self.tools.addWidget(part)
        tip = "Copy the chosen entries, or all that are shown"
        self.tools.addWidget(button("Copy", "copy", clicked=self.copy, tip=tip))
        self.tools.addWidget(button("Open folder", "folder-open", clicked=lambda: reveal.show_in_folder(log_file())))
        self.view = QListView()
        self.view.setModel(self.model)
        self.view.setFont(theme.font("mono"))
        self.view.setUniformItemSizes(True)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.view.setAccessibleName("Entries of the log")
        self.view.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._show())
        self.model.modelReset.connect(self._show)
        QShortcut(QKeySequence.StandardKey.Copy, self.view, self.copy, context=Qt.ShortcutContext.WidgetShortcut)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setProperty("role", "mono")
        self.text.setAccessibleName("The whole entry")
        self.text.setPlaceholderText("Choose an entry to read all of it, such as where an error came from.")
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.view)
        split.addWidget(self.text)
        split.setChildrenCollapsible(False)
        split.setSizes([420, 150])
        self.body.addWidget(split, 1)

    def _earlier(self, found: list[Entry]) -> None:
        self.model.add(found, before=True)
        self.view.scrollToBottom()
        self._counted()

    def refresh(self) -> None:
        """Take in what has been written since."""
        new = self.tail.take()
        if new:
            bar = self.view.verticalScrollBar()
            at_end = bar.value() >= bar.maximum() - 2
            self.model.add(new)
            if at_end:
                self.view.scrollToBottom()
        self._counted()

    def _counted(self) -> None:
        self.count.setText(f"{len(self.model.shown):,} of {len(self.model.entries):,}")

    def _filter(self) -> None:
        self.model.filter(int(self.level.currentData()), self.search.text().casefold().split())
        self.view.scrollToBottom()
        self._counted()

    def _chosen(self) -> list[Entry]:
        rows = sorted(index.row() for index in self.view.selectionModel().selectedIndexes())
        return [self.model.shown[row] for row in rows if row < len(self.model.shown)]

    def _show(self) -> None:
        chosen = self._chosen()
        self.text.setPlainText("\n".join(entry.line() for entry in chosen[-200:]))

    def copy(self) -> None:
        """Copy what is chosen, or all that is shown."""
        entries = self._chosen() or self.model.shown
        QGuiApplication.clipboard().setText("\n".join(entry.line() for entry in entries))
        self.session.notice(f"{len(entries):,} entries of the log were copied")
