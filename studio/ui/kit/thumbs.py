"""A grid of thumbnails that stays quick with thousands of items."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QMimeData,
    QPoint,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QListView, QMenu, QStackedLayout, QVBoxLayout, QWidget

from studio.ui import theme
from studio.ui.kit import mime
from studio.ui.kit.card import Picture
from studio.ui.kit.small import EmptyState, SearchField
from studio.ui.kit.thumb_delegate import ThumbDelegate
from studio.ui.kit.thumb_model import ITEM, Thumb, ThumbModel

SIZES = {"small": 72, "medium": 108, "large": 160}


class _View(QListView):
    dropped = Signal(object)
    zoomed = Signal(int)
    resized = Signal()
    menu_for = Signal(QPoint)
    accepted: Callable[[mime.Dropped], bool] | None = None

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and event.angleDelta().y():
            self.zoomed.emit(1 if event.angleDelta().y() > 0 else -1)
            event.accept()
        else:
            super().wheelEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.resized.emit()
        super().resizeEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_for.emit(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.state() != self.State.EditingState:
            if self.currentIndex().isValid():
                self.activated.emit(self.currentIndex())
            return
        super().keyPressEvent(event)

    def _takes(self, event: QDropEvent) -> mime.Dropped | None:
        what = mime.read(event.mimeData())
        if what is None or event.source() is self or self.accepted is None or not self.accepted(what):
            return None
        return what

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        event.setAccepted(self._takes(event) is not None)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.setAccepted(self._takes(event) is not None)

    def dropEvent(self, event: QDropEvent) -> None:
        what = self._takes(event)
        if what is not None:
            event.acceptProposedAction()
            self.dropped.emit(what)


class ThumbGrid(QWidget):
    """Search field over a grid of pictures; selection, keys, double click, drag, menu, rename in place.

    ``activated`` (double click or Enter), ``selected`` and ``renamed`` carry keys. ``wants_picture`` comes once for
    each visible item without a picture: load it in the background and call ``set_picture``. Ctrl+wheel sets the
    size of the pictures.
    """

    activated = Signal(str)
    selected = Signal(str)
    renamed = Signal(str, str)
    dropped = Signal(object)  # mime.Dropped
    wants_picture = Signal(str)

    def __init__(
        self, parent: QWidget | None = None, *, name: str = "Pictures", search: bool = True, size: str = "medium",
        multiple: bool = False,
    ) -> None:
        super().__init__(parent)
        self.model = ThumbModel(self)
        self.view = _View()
        self.search = SearchField(f"Search {name.lower()}")
        self.empty = EmptyState("search", "Nothing found")
        self._nothing = ("image", f"No {name.lower()} yet", "", "")
        self._menu: Callable[[list[str], QMenu], None] | None = None
        self._kept: list[str] = []
        self._set_up_view(name, multiple)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.space(2))
        layout.addWidget(self.search)
        self.search.setVisible(search)
        self._stack = QStackedLayout()
        layout.addLayout(self._stack, 1)  # before its pages: one without a parent would be a window for a moment
        self._stack.addWidget(self.view)
        self._stack.addWidget(self.empty)
        self.set_size(size)
        self._connect()
        self._show_state()

    def _set_up_view(self, name: str, multiple: bool) -> None:
        view = self.view
        view.setModel(self.model)
        view.setAccessibleName(name)
        view.setViewMode(QListView.ViewMode.IconMode)
        view.setMovement(QListView.Movement.Static)
        view.setResizeMode(QListView.ResizeMode.Adjust)
        view.setUniformItemSizes(True)
        view.setWordWrap(False)
        view.setMouseTracking(True)
        view.setProperty("role", "bare")
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        modes = QAbstractItemView.SelectionMode
        view.setSelectionMode(modes.ExtendedSelection if multiple else modes.SingleSelection)
        self._delegate = ThumbDelegate(view, ITEM, self.model.ask_picture)
        view.setItemDelegate(self._delegate)

    def _connect(self) -> None:
        self.search.searched.connect(self._search)
        self.view.activated.connect(lambda index: self.activated.emit(self.model.item_at(index.row()).key))
        self.view.menu_for.connect(self._open_menu)
        self.view.dropped.connect(self.dropped)
        self.view.resized.connect(self._fill)
        self.view.zoomed.connect(self._zoom)
        self.view.selectionModel().selectionChanged.connect(lambda *_: self.selected.emit(self.current() or ""))
        self.model.renamed.connect(self.renamed)
        self.model.wants_picture.connect(self.wants_picture)
        self.model.modelAboutToBeReset.connect(self._keep)
        self.model.modelReset.connect(self._restore)
        self.empty.activated.connect(self._cure)

    # ---- items

    def set_items(self, items: Iterable[Thumb]) -> None:
        """Show these items; what was selected stays selected where it is still there."""
        self.model.set_items(items)

    def update_item(self, item: Thumb) -> None:
        """Replace or add one item."""
        self.model.update_item(item)

    def set_picture(self, key: str, picture: Picture) -> None:
        """Give an item its picture; a key that is gone is passed over."""
        item = self.model.item(key)
        if item is not None:
            self._delegate.forget(key)
            self.model.update_item(replace(item, picture=picture))

    def keys(self) -> list[str]:
        """The keys of what is shown, in order."""
        return [self.model.item_at(row).key for row in range(self.model.rowCount())]

    def current(self) -> str | None:
        """The key of the selected item (of several, the one with the keyboard)."""
        chosen = self.chosen()
        index = self.view.currentIndex()
        if index.isValid() and self.model.item_at(index.row()).key in chosen:
            return self.model.item_at(index.row()).key
        return chosen[0] if chosen else None

    def chosen(self) -> list[str]:
        """The keys of all selected items, in order."""
        rows = sorted(index.row() for index in self.view.selectedIndexes())
        return [self.model.item_at(row).key for row in rows]

    def select(self, key: str) -> bool:
        """Select and show an item; False when it is not among those shown."""
        row = self.model.row_of(key)
        if row is None:
            return False
        index = self.model.index(row)
        self.view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.view.scrollTo(index)
        return True

    # ---- what it can do

    def set_size(self, size: str | int) -> None:
        """``small``, ``medium``, ``large``, or the least side of a picture in pixels at scale 1."""
        self._side = SIZES[size] if isinstance(size, str) else size
        self._delegate.set_side(self._side)
        self.view.setSpacing(0)
        self._fill()

    def _zoom(self, way: int) -> None:
        steps = sorted({*SIZES.values(), 240, self._side})
        place = steps.index(self._side) + way
        if 0 <= place < len(steps):
            self.set_size(steps[place])

    def _fill(self) -> None:
        # as if the scroll bar were there: it must not come and go by the cells' own size
        bar = self.view.verticalScrollBar().sizeHint().width()
        self._delegate.fill(self.view.width() - bar - 2 * self.view.frameWidth() - theme.space(2))
        if self.view.gridSize() != self._delegate.cell():
            self.view.setGridSize(self._delegate.cell())

    def set_empty(self, icon: str, title: str, text: str = "", button: str = "") -> None:
        """What to say when there are no items at all; the button emits ``empty.activated``."""
        self._nothing = (icon, title, text, button)
        self._show_state()

    def set_menu(self, build: Callable[[list[str], QMenu], None] | None) -> None:
        """``build(keys, menu)`` fills the context menu for the chosen items (none of them: for the ground)."""
        self._menu = build

    def set_drag(self, make: Callable[[list[str]], QMimeData | None] | None) -> None:
        """``make(keys)`` makes what a drag carries."""
        self.model.make_mime = make
        self.view.setDragEnabled(make is not None)
        self.view.setDragDropMode(self._drag_mode())

    def set_drop(self, accepts: Callable[[mime.Dropped], bool] | None) -> None:
        """What may be dropped on the grid; ``dropped`` carries it."""
        self.view.accepted = accepts
        self.view.setDragDropMode(self._drag_mode())
        for part in (self.view, self.view.viewport()):  # items that stay put have switched the inner one off
            part.setAcceptDrops(accepts is not None)

    def set_editable(self, on: bool) -> None:
        """Whether F2 renames in place."""
        self.model.editable = on

    def edit(self, key: str) -> None:
        """Rename an item in place."""
        if self.select(key):
            self.view.edit(self.view.currentIndex())

    def _drag_mode(self) -> QAbstractItemView.DragDropMode:
        modes = QAbstractItemView.DragDropMode
        drag, drop = self.model.make_mime is not None, self.view.accepted is not None
        if drag:
            return modes.DragDrop if drop else modes.DragOnly
        return modes.DropOnly if drop else modes.NoDragDrop

    # ---- inside

    def _search(self, text: str) -> None:
        self.model.set_search(text)

    def _keep(self) -> None:
        self._kept = self.chosen()

    def _restore(self) -> None:
        selection = self.view.selectionModel()
        for key in self._kept:
            row = self.model.row_of(key)
            if row is not None:
                selection.setCurrentIndex(self.model.index(row), QItemSelectionModel.SelectionFlag.Select)
        self._show_state()

    def _show_state(self) -> None:
        if self.model.rowCount():
            self._stack.setCurrentWidget(self.view)
            return
        if self.model.items():
            text = f"No title or tag has “{self.search.text()}”."
            self.empty.set("search", "Nothing found", text, "Clear the search")
        else:
            self.empty.set(*self._nothing)
        self._stack.setCurrentWidget(self.empty)

    def _cure(self) -> None:
        if self.model.items():
            self.search.clear()

    def _open_menu(self, where: QPoint) -> None:
        if self._menu is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._menu(self.chosen(), menu)
        if menu.isEmpty():
            menu.deleteLater()
        else:
            menu.popup(where)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.StyleChange:
            self._delegate.forget()
            self._fill()
        super().changeEvent(event)

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(120), theme.px(120))
