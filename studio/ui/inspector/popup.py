"""A list that drops down below a control: type to find, arrows to go, Enter to take, Esc to leave all as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from studio.ui import icons, theme
from studio.ui.inspector.measure import font, metrics

_ENTRY = int(Qt.ItemDataRole.UserRole)


@dataclass(frozen=True)
class Entry:
    """One line of the list. ``note`` stands below the title, the picture (if any) before it."""

    key: str
    title: str
    note: str = ""
    picture: QPixmap | None = None


class _Lines(QStyledItemDelegate):
    """Paints an entry: picture, title, note, and a tick at the chosen one."""

    def __init__(self, current: str, tall: bool, parent: QObject) -> None:
        super().__init__(parent)
        self.current, self.tall = current, tall

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(theme.space(40), theme.space(12) if self.tall else theme.space(7))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        entry: Entry = index.data(_ENTRY)
        box: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        if chosen or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent_soft" if chosen else "hover"))
            painter.drawRoundedRect(QRectF(box).adjusted(2, 1, -2, -1), theme.px(4), theme.px(4))
        left, mark = box.x() + theme.space(2), theme.px(14)
        if entry.key == self.current:
            spot = QRectF(left, box.center().y() - mark / 2 + 1, mark, mark)
            icons.paint(painter, "check", spot, theme.color("accent"))
        left += mark + theme.space(1.5)
        if entry.picture is not None:
            side = theme.space(10)
            painter.drawPixmap(QRect(left, box.center().y() - side // 2 + 1, side, side), entry.picture)
            left += side + theme.space(2)
        room = QRect(left, box.y(), box.right() - left - theme.space(1), box.height())
        self._words(painter, entry, room)
        painter.restore()

    def _words(self, painter: QPainter, entry: Entry, room: QRect) -> None:
        title = metrics("body").elidedText(entry.title, Qt.TextElideMode.ElideRight, room.width())
        painter.setFont(font("body"))
        painter.setPen(theme.color("text"))
        if not self.tall:
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), title)
            return
        upper = QRect(room.x(), room.y() + theme.space(1), room.width(), theme.space(5))
        lower = upper.translated(0, theme.space(5))
        painter.drawText(upper, int(Qt.AlignmentFlag.AlignVCenter), title)
        painter.setFont(font("small"))
        painter.setPen(theme.color("dim"))
        note = metrics("small").elidedText(entry.note, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(lower, int(Qt.AlignmentFlag.AlignVCenter), note)


def paint_frame(popup: QWidget) -> None:
    """The ground and edge of what drops down: it must stand out from the rows below it."""
    painter = QPainter(popup)
    painter.setPen(QPen(theme.color("edge"), 1))
    painter.setBrush(theme.color("raised"))
    painter.drawRect(QRectF(popup.rect()).adjusted(0.5, 0.5, -0.5, -0.5))


class PickPopup(QFrame):
    """Offers entries below a widget. Closes and is gone when something was chosen or the user looked away."""

    chosen = Signal(str)
    browse = Signal()

    def __init__(
        self, entries: Sequence[Entry], current: str, *, title: str, tall: bool = False, browse: str = "",
        empty: str = "", parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(title)
        self._empty = empty
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Type to find")
        self.search.setAccessibleName(f"Find in {title}")
        self.search.setClearButtonEnabled(True)
        self.list = QListWidget(self)
        self.list.setAccessibleName(title)
        self.list.setProperty("role", "bare")
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(_Lines(current, tall, self.list))
        layout = QVBoxLayout(self)
        edge = theme.space(1.5)
        layout.setContentsMargins(edge, edge, edge, edge)
        layout.setSpacing(theme.space(1))
        layout.addWidget(self.search)
        layout.addWidget(self.list)
        if browse:
            button = QPushButton(icons.icon("folder-open"), browse, self)
            button.clicked.connect(self._browse)
            layout.addWidget(button)
        self.set_entries(entries, current)
        self.search.textChanged.connect(self._filter)
        self.list.itemClicked.connect(self._take)
        self.search.installEventFilter(self)

    def set_entries(self, entries: Sequence[Entry], current: str) -> None:
        """Show these instead."""
        self.list.clear()
        for entry in entries:
            item = QListWidgetItem()
            item.setData(_ENTRY, entry)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, entry.title)
            item.setToolTip(f"{entry.title}\n{entry.note}" if entry.note else "")
            self.list.addItem(item)
            if entry.key == current:
                self.list.setCurrentItem(item)
        if not entries and self._empty:
            item = QListWidgetItem()
            item.setData(_ENTRY, Entry("", self._empty))
            item.setToolTip(self._empty)
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(item)
        if self.list.currentItem() is None:
            self._first()

    def open_below(self, widget: QWidget) -> None:
        """Show it below (or above) a widget, as wide as that, within the screen."""
        rows = min(9, max(1, self.list.count()))
        each = self.list.sizeHintForRow(0) if self.list.count() else theme.space(7)
        self.list.setFixedHeight(rows * each + 2 * self.list.frameWidth() + theme.space(1))
        widest = max((self.list.sizeHintForColumn(0), widget.width(), theme.space(50)))
        words = max((self._wide(self.list.item(i).data(_ENTRY)) for i in range(self.list.count())), default=0)
        self.resize(min(max(widest, words), theme.space(110)), self.sizeHint().height())
        screen = widget.screen().availableGeometry()
        at = widget.mapToGlobal(QPoint(0, widget.height() + 2))
        if at.y() + self.height() > screen.bottom():
            at = widget.mapToGlobal(QPoint(0, -self.height() - 2))
        at.setX(max(screen.left(), min(at.x(), screen.right() - self.width())))
        at.setY(max(screen.top(), at.y()))
        self.move(at)
        self.show()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    @staticmethod
    def _wide(entry: Entry) -> int:
        title, note = metrics("body").horizontalAdvance(entry.title), metrics("small").horizontalAdvance(entry.note)
        return max(title, note) + theme.space(16) + (theme.space(12) if entry.picture is not None else 0)

    def paintEvent(self, _event: QPaintEvent) -> None:
        paint_frame(self)

    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        for i in range(self.list.count()):
            item = self.list.item(i)
            entry: Entry = item.data(_ENTRY)
            there = f"{entry.title} {entry.note} {entry.key}".casefold()
            item.setHidden(not all(word in there for word in words))
        current = self.list.currentItem()
        if words or current is None or current.isHidden():
            self._first(text.strip().casefold())

    def _first(self, typed: str = "") -> None:
        """Choose the entry that is called just so, else the first that is shown."""
        shown = [item for i in range(self.list.count()) if (item := self.list.item(i)) and not item.isHidden()]
        exact = (item for item in shown if item.data(_ENTRY).title.casefold() == typed)
        if shown:
            self.list.setCurrentItem(next(exact, shown[0]))

    def _go(self, by: int) -> None:
        row = self.list.currentRow() + by
        while 0 <= row < self.list.count():
            if not self.list.item(row).isHidden():
                self.list.setCurrentRow(row)
                return
            row += 1 if by > 0 else -1

    def _take(self, item: QListWidgetItem | None) -> None:
        if item is None or item.isHidden() or not item.flags() & Qt.ItemFlag.ItemIsEnabled:
            return
        entry: Entry = item.data(_ENTRY)
        self.close()
        self.chosen.emit(entry.key)

    def _browse(self) -> None:
        self.close()
        self.browse.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.search and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            key = event.key()
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
            if key in steps:
                self._go(steps[Qt.Key(key)])
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._take(self.list.currentItem())
                return True
        return super().eventFilter(watched, event)
