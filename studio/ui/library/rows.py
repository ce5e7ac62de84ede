"""A list of two-line rows under headings, with search, drag and keys: generators and models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QAction, QContextMenuEvent, QFontMetrics, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QMenu,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from studio.ui import icons, theme
from studio.ui.kit import EmptyState, SearchField

Index = QModelIndex | QPersistentModelIndex
ROW = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class Row:
    """One row; with ``heading`` a title over those after it. ``kind`` colours it, ``reason`` greys it out and says
    why, ``tip`` is what a tooltip adds."""

    key: str
    title: str
    text: str = ""
    kind: str = ""
    icon: str = "generator"
    badge: str = ""
    reason: str = ""
    tip: str = ""
    words: str = ""
    heading: bool = False

    def found_by(self, words: list[str]) -> bool:
        """Whether every word (in lower case) is somewhere in it."""
        text = f"{self.title} {self.text} {self.words} {self.badge}".casefold()
        return all(word in text for word in words)


class RowModel(QAbstractListModel):
    """The rows that pass the search; a heading stays while something is under it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.all: list[Row] = []
        self.shown: list[Row] = []
        self._words: list[str] = []
        self.make_mime: Callable[[str], QMimeData] | None = None

    def set_rows(self, rows: Iterable[Row]) -> None:
        """Other rows, in their order."""
        made = list(rows)
        if made != self.all:
            self.all = made
            self._filter()

    def set_search(self, text: str) -> None:
        """Only rows with all these words."""
        self._words = text.casefold().split()
        self._filter()

    def _filter(self) -> None:
        self.beginResetModel()
        shown: list[Row] = []
        for row in self.all:
            if row.heading:
                if shown and shown[-1].heading:
                    shown.pop()
                shown.append(row)
            elif row.found_by(self._words):
                shown.append(row)
        if shown and shown[-1].heading:
            shown.pop()
        self.shown = shown
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 — Qt's own signature
        return 0 if parent.isValid() else len(self.shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.shown):
            return None
        row = self.shown[index.row()]
        if role == ROW:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return row.title
        if role == Qt.ItemDataRole.ToolTipRole and not row.heading:
            return "\n".join(part for part in (row.title, row.text, row.reason, row.tip) if part)
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return row.reason or row.text
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid() or self.shown[index.row()].heading:
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
        if self.make_mime is not None and not self.shown[index.row()].reason:
            flags |= Qt.ItemFlag.ItemIsDragEnabled
        return flags

    def mimeData(self, indexes: list[QModelIndex]) -> QMimeData:  # type: ignore[override]
        if self.make_mime is None or not indexes:
            return QMimeData()
        return self.make_mime(self.shown[indexes[0].row()].key)

    def supportedDragActions(self) -> Qt.DropAction:
        return Qt.DropAction.CopyAction


class RowDelegate(QStyledItemDelegate):
    """Paints a row: a stripe in the colour of its kind, icon, title, one line."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        row: Row = index.data(ROW)
        title = QFontMetrics(theme.font("body")).height()
        line = QFontMetrics(theme.font("tiny")).height()
        if row.heading:
            return QSize(theme.px(100), line + theme.space(4))
        return QSize(theme.px(100), title + line + theme.space(3))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row: Row = index.data(ROW)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(option.rect)
        if row.heading:
            self._heading(painter, row, area)
        else:
            self._row(painter, row, area, option.state)
        painter.restore()

    def _heading(self, painter: QPainter, row: Row, area: QRectF) -> None:
        painter.setFont(theme.font("tiny"))
        painter.setPen(theme.kind_color(row.kind) if row.kind else theme.color("faint"))
        room = area.adjusted(theme.space(1.5), theme.space(2), -theme.space(1), 0)
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, row.title)

    def _row(self, painter: QPainter, row: Row, area: QRectF, state: QStyle.StateFlag) -> None:
        ground = area.adjusted(1, 1, -1, -1)
        chosen, hover = bool(state & QStyle.StateFlag.State_Selected), bool(state & QStyle.StateFlag.State_MouseOver)
        focus = bool(state & QStyle.StateFlag.State_HasFocus)
        radius = theme.px(6)
        if chosen or hover:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent_soft" if chosen else "hover"))
            painter.drawRoundedRect(ground, radius, radius)
        if focus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("accent"), theme.px(1.5)))
            painter.drawRoundedRect(ground, radius, radius)
        off = bool(row.reason)
        side = theme.px(20)
        ink = theme.color("disabled") if off else theme.kind_color(row.kind) if row.kind else theme.color("dim")
        icon = QRectF(ground.left() + theme.space(2), ground.center().y() - side / 2, side, side)
        icons.paint(painter, row.icon, icon, ink)
        left = icon.right() + theme.space(2.5)
        room = QRectF(left, ground.top() + theme.space(1), ground.right() - theme.space(2) - left, 0)
        painter.setFont(theme.font("body"))
        metrics = painter.fontMetrics()
        room.setHeight(metrics.height())
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        wide = room.width() - self._badge(painter, row, room)
        painter.setFont(theme.font("body"))
        painter.setPen(theme.color("disabled" if off else "text"))
        painter.drawText(room, flags, metrics.elidedText(row.title, Qt.TextElideMode.ElideRight, int(wide)))
        painter.setFont(theme.font("tiny"))
        metrics = painter.fontMetrics()
        below = QRectF(left, room.bottom(), room.width(), metrics.height())
        painter.setPen(theme.color("warning" if off else "faint"))
        text = row.reason or row.text
        painter.drawText(below, flags, metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(below.width())))

    def _badge(self, painter: QPainter, row: Row, room: QRectF) -> float:
        """A word at the right; returns how much room it took."""
        if not row.badge:
            return 0.0
        painter.setFont(theme.font("tiny"))
        wide = painter.fontMetrics().horizontalAdvance(row.badge)
        painter.setPen(theme.color("faint"))
        painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, row.badge)
        return float(wide + theme.space(2))


def add_action(menu: QMenu, icon: str, text: str, work: Callable[[], object], enabled: bool = True) -> QAction:
    """An entry of a menu."""
    action = QAction(icons.icon(icon), text, menu)
    action.setEnabled(enabled)
    action.triggered.connect(lambda *_: work())
    menu.addAction(action)
    return action


class _View(QListView):
    menu_for = Signal(QPoint)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_for.emit(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.activated.emit(self.currentIndex())
            return
        super().keyPressEvent(event)


class RowList(QWidget):
    """Search field over rows. ``activated`` (double click or Enter) carries a key."""

    activated = Signal(str)
    selected = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = RowModel(self)
        self.view = _View()
        self.search = SearchField(f"Search {name.lower()}")
        self.empty = EmptyState("search", "Nothing found", "", "Clear the search")
        self.empty.activated.connect(self.search.clear)
        self._menu: Callable[[str, QMenu], None] | None = None
        view = self.view
        view.setModel(self.model)
        view.setItemDelegate(RowDelegate(view))
        view.setAccessibleName(name)
        view.setProperty("role", "bare")
        view.setMouseTracking(True)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.space(1))
        layout.addWidget(self.search)
        self._stack = QStackedLayout()
        self._stack.addWidget(view)
        self._stack.addWidget(self.empty)
        layout.addLayout(self._stack, 1)
        self.search.searched.connect(self._search)
        view.activated.connect(self._activate)
        view.menu_for.connect(self._open_menu)
        view.selectionModel().selectionChanged.connect(lambda *_: self.selected.emit(self.current() or ""))

    def set_rows(self, rows: Iterable[Row]) -> None:
        """Show these rows; what was chosen stays chosen where it is still there."""
        chosen = self.current()
        self.model.set_rows(rows)
        if chosen:
            self.select(chosen)
        self._show_state()

    def set_menu(self, build: Callable[[str, QMenu], None] | None) -> None:
        """``build(key, menu)`` fills the context menu of a row."""
        self._menu = build

    def set_drag(self, make: Callable[[str], QMimeData]) -> None:
        """What a drag of a row carries."""
        self.model.make_mime = make
        self.view.setDragEnabled(True)
        self.view.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)

    def keys(self) -> list[str]:
        """The keys of the rows that are shown."""
        return [row.key for row in self.model.shown if not row.heading]

    def row(self, key: str) -> Row | None:
        """A row by its key."""
        return next((row for row in self.model.all if row.key == key and not row.heading), None)

    def current(self) -> str | None:
        """The key of the chosen row."""
        index = self.view.currentIndex()
        if not index.isValid() or index.row() >= len(self.model.shown):
            return None
        return self.model.shown[index.row()].key

    def select(self, key: str) -> bool:
        """Choose and show a row; False when it is not among those shown."""
        for place, row in enumerate(self.model.shown):
            if row.key == key and not row.heading:
                self.view.setCurrentIndex(self.model.index(place))
                return True
        return False

    def _search(self, text: str) -> None:
        self.model.set_search(text)
        self._show_state()

    def _show_state(self) -> None:
        nothing = not self.model.shown and bool(self.model.all)
        self.empty.set("search", "Nothing found", f"Nothing here has “{self.search.text()}”.", "Clear the search")
        self._stack.setCurrentWidget(self.empty if nothing else self.view)

    def _activate(self, index: QModelIndex) -> None:
        row = self.model.shown[index.row()]
        if not row.heading:
            self.activated.emit(row.key)

    def _open_menu(self, where: QPoint) -> None:
        key = self.current()
        if self._menu is None or key is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._menu(key, menu)
        menu.popup(where)
