"""Choose something that can be moved: type part of its name, press Enter."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from studio.session.control_status import Offer, targets
from studio.session.core import Core
from studio.ui import theme


class TargetChooser(QDialog):
    """A popup with all targets; ``chosen(offer)`` is called with the one that is taken. It opens beside ``anchor``."""

    def __init__(
        self, session: Core, anchor: QWidget, chosen: Callable[[Offer], object], *, modulated: bool = False,
        hint: str = "What shall move?",
    ) -> None:
        super().__init__(anchor, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(hint)
        self._chosen = chosen
        self._offers = [offer for offer in targets(session) if offer.modulated or not modulated]
        self.field = QLineEdit()
        self.field.setPlaceholderText(hint)
        self.field.setAccessibleName(hint)
        self.list = QListWidget()
        self.list.setAccessibleName("Parameters and controls")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.none = QLabel("Nothing here is called so. Only what is on a deck or player now can be chosen.")
        self.none.setWordWrap(True)
        theme.set_role(self.none, "dim")
        column = QVBoxLayout(self)
        column.setContentsMargins(*[theme.space(2)] * 4)
        for part in (self.field, self.none, self.list):
            column.addWidget(part, 1 if part is self.list else 0)
        self.field.textChanged.connect(self._filter)
        self.field.installEventFilter(self)
        self.list.itemClicked.connect(lambda _: self._take())
        self.resize(theme.px(360), theme.px(380))
        self._filter("")
        below = anchor.mapToGlobal(anchor.rect().bottomLeft())
        room = anchor.screen().availableGeometry()
        self.move(max(room.left(), min(below.x(), room.right() - self.width())),
                  max(room.top(), min(below.y(), room.bottom() - self.height())))
        self.field.setFocus()

    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        self.list.clear()
        group = ""
        for offer in self._offers:
            whole = f"{offer.group} {offer.title}"
            if not all(word in whole.casefold() for word in words):
                continue
            if offer.group != group:
                group = offer.group
                head = QListWidgetItem(group)
                head.setFlags(Qt.ItemFlag.NoItemFlags)
                head.setFont(theme.font("tiny"))
                self.list.addItem(head)
            item = QListWidgetItem(f"   {offer.title}")
            item.setData(Qt.ItemDataRole.UserRole, offer)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, whole)
            self.list.addItem(item)
        self.none.setVisible(self.list.count() == 0)
        self.list.setVisible(self.list.count() > 0)
        self._step(0, 1)

    def _step(self, start: int, way: int) -> None:
        place = start
        while 0 <= place < self.list.count():
            if self.list.item(place).flags() & Qt.ItemFlag.ItemIsEnabled:
                self.list.setCurrentRow(place)
                return
            place += way

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                way = 1 if event.key() == Qt.Key.Key_Down else -1
                self._step(self.list.currentRow() + way, way)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._take()
                return True
        return super().eventFilter(watched, event)

    def _take(self) -> None:
        item = self.list.currentItem()
        offer = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        if offer is not None:
            self.close()
            self._chosen(offer)
