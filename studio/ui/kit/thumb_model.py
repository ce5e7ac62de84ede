"""The items of a thumbnail grid, and which of them a search finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from studio.ui.kit.card import Picture

Index = QModelIndex | QPersistentModelIndex
ITEM = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class Thumb:
    """One item. ``key`` is unique; ``kind`` colours it; ``badge`` is a word in its corner; ``reason`` greys it out."""

    key: str
    title: str
    subtitle: str = ""
    picture: Picture = None
    tags: tuple[str, ...] = ()
    kind: str = ""
    icon: str = "image"
    badge: str = ""
    reason: str = ""
    tip: str = ""

    def found_by(self, words: list[str]) -> bool:
        """Whether every word (in lower case) is in the title, subtitle or a tag."""
        text = " ".join((self.title, self.subtitle, *self.tags)).casefold()
        return all(word in text for word in words)


class ThumbModel(QAbstractListModel):
    """The items that pass the search."""

    renamed = Signal(str, str)
    wants_picture = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._all: dict[str, Thumb] = {}
        self._shown: list[str] = []
        self._rows: dict[str, int] = {}
        self._words: list[str] = []
        self._asked: set[str] = set()
        self.editable = False
        self.make_mime: Callable[[list[str]], QMimeData | None] | None = None

    def set_items(self, items: Iterable[Thumb]) -> None:
        self._asked.clear()
        self._refilter({item.key: item for item in items})

    def update_item(self, item: Thumb) -> None:
        """Replace or add one item."""
        row = self._rows.get(item.key)
        if row is not None and item.found_by(self._words):
            self._all[item.key] = item
            index = self.index(row)
            self.dataChanged.emit(index, index)
        else:
            self._refilter({**self._all, item.key: item})

    def set_search(self, text: str) -> None:
        self._words = text.casefold().split()
        self._refilter()

    def _refilter(self, items: dict[str, Thumb] | None = None) -> None:
        # whoever keeps the selection looks at the old items before the reset
        self.beginResetModel()
        if items is not None:
            self._all = items
        self._shown = [key for key, item in self._all.items() if item.found_by(self._words)]
        self._rows = {key: row for row, key in enumerate(self._shown)}
        self.endResetModel()

    def item(self, key: str) -> Thumb | None:
        return self._all.get(key)

    def items(self) -> list[Thumb]:
        return list(self._all.values())

    def row_of(self, key: str) -> int | None:
        return self._rows.get(key)

    def item_at(self, row: int) -> Thumb:
        return self._all[self._shown[row]]

    def ask_picture(self, key: str) -> None:
        """A visible item has no picture yet; it is asked for once."""
        if key not in self._asked:
            self._asked.add(key)
            QTimer.singleShot(0, self, lambda: self.wants_picture.emit(key))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 — Qt's own signature
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._shown):
            return None
        item = self.item_at(index.row())
        if role == ITEM:
            return item
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return item.title
        if role == Qt.ItemDataRole.ToolTipRole:
            lines = (item.title, item.tip or item.subtitle, item.reason, ", ".join(item.tags))
            return "\n".join(line for line in lines if line)
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return item.reason or item.subtitle
        return None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        item = self.item_at(index.row())
        text = str(value).strip()
        if not text or text == item.title:
            return False
        self.update_item(replace(item, title=text))
        self.renamed.emit(item.key, text)
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
        if index.isValid():
            if self.make_mime is not None and not self.item_at(index.row()).reason:
                flags |= Qt.ItemFlag.ItemIsDragEnabled
            if self.editable:
                flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def supportedDragActions(self) -> Qt.DropAction:
        return Qt.DropAction.CopyAction

    def mimeData(self, indexes: list[QModelIndex]) -> QMimeData:  # type: ignore[override]
        made = self.make_mime([self.item_at(index.row()).key for index in indexes]) if self.make_mime else None
        return made or QMimeData()
