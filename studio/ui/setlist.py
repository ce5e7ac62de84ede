"""The set list beside the library: looks in their order, with go and back, dragged into place."""

from __future__ import annotations

import functools
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QImage, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from studio.session.mix import LONGEST
from studio.session.session import Session
from studio.session.setlist import Step
from studio.ui import icons, theme
from studio.ui.kit import mime
from studio.ui.kit.buttons import button, tool_button
from studio.ui.kit.combo import Combo
from studio.ui.kit.painting import covering
from studio.ui.listen import listen

UNITS = (("seconds", "seconds"), ("beats", "beats"), ("bars", "bars"))
STARTS = (("at once", "now"), ("on the beat", "beat"), ("on the bar", "bar"), ("on four bars", "phrase"))
FLIPS = (("at the start", 0.0), ("in the middle", 0.5), ("at the end", 1.0))


class _Rows(QStyledItemDelegate):
    """Number, picture, name and timing of a step; the present one with a bar of the accent."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Any) -> QSize:
        return QSize(theme.px(160), theme.px(46))

    def paint(self, painter: QPainter, option: Any, index: Any) -> None:
        number, name, timing, picture, present = index.data(Qt.ItemDataRole.UserRole)
        area = QRectF(option.rect).adjusted(0, 1, 0, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, theme.color("raised"))
        if present:
            painter.fillRect(QRectF(area.left(), area.top(), theme.px(3), area.height()), theme.color("accent"))
        painter.setFont(theme.font("mono"))
        painter.setPen(theme.color("accent" if present else "dim"))
        left = area.left() + theme.px(6)
        painter.drawText(QRectF(left, area.top(), theme.px(22), area.height()), Qt.AlignmentFlag.AlignCenter, number)
        frame = QRectF(left + theme.px(28), area.top() + theme.px(5), theme.px(58), area.height() - theme.px(10))
        painter.fillRect(frame, theme.color("picture_bg"))
        if picture is not None:
            painter.drawPixmap(frame, picture, covering(picture.size(), frame))
        else:
            icons.paint(painter, "snapshot", frame.adjusted(8, 8, -8, -8), theme.color("faint"))
        words = QRectF(frame.right() + theme.px(8), area.top(), area.right() - frame.right() - theme.px(12),
                       area.height() / 2 + 1)
        for text, font, role, room, upright in (
            (name, "body", "text", words, Qt.AlignmentFlag.AlignBottom),
            (timing, "small", "dim", words.translated(0, area.height() / 2), Qt.AlignmentFlag.AlignTop),
        ):
            painter.setFont(theme.font(font))
            painter.setPen(theme.color(role))
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(room.width()))
            painter.drawText(room, Qt.AlignmentFlag.AlignLeft | upright, shown)
        painter.restore()


class StepList(QListWidget):
    """The steps; dragged up and down, and snapshots dropped between them."""

    moved = Signal(int, int)
    dropped = Signal(str, int)
    removed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Steps of the set list")
        self.setToolTip("Double click or Enter: go there. Drag: another place. Delete: take it out")
        self.setItemDelegate(_Rows(self))
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)

    def _wanted(self, event: QDragEnterEvent | QDragMoveEvent | QDropEvent) -> bool:
        return event.source() is self or event.mimeData().hasFormat(mime.SNAPSHOT)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        event.setAccepted(self._wanted(event))

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        super().dragMoveEvent(event)
        event.setAccepted(self._wanted(event))

    def dropEvent(self, event: QDropEvent) -> None:
        place = self.gap_at(event.position().toPoint().y())
        if event.source() is self:
            here = self.currentRow()
            to = place - 1 if place > here else place
            if here >= 0 and to != here:
                self.moved.emit(here, to)
        elif event.mimeData().hasFormat(mime.SNAPSHOT):
            self.dropped.emit(bytes(event.mimeData().data(mime.SNAPSHOT).data()).decode("utf-8", "replace"), place)
        # the list is made anew from the session: the view must not move rows by itself
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    def gap_at(self, y: int) -> int:
        """Between which rows a height lies: 0 is before the first."""
        for row in range(self.count()):
            if y < self.visualItemRect(self.item(row)).center().y():
                return row
        return self.count()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.currentRow() >= 0:
            self.removed.emit(self.currentRow())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentItem() is not None:
            self.itemActivated.emit(self.currentItem())
        else:
            super().keyPressEvent(event)


class SetListPanel(QWidget):
    """See the module. ``refresh`` a few times a second."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setAccessibleName("Set list")
        self.setMinimumWidth(theme.px(220))
        self._pictures: dict[bytes, QPixmap] = {}
        self._filling = False
        column = QVBoxLayout(self)
        column.setContentsMargins(*[theme.space(1.5)] * 4)
        column.setSpacing(theme.space(1.5))
        column.addLayout(self._head())
        self.list = StepList()
        self.list.moved.connect(self._moved)
        self.list.dropped.connect(self._dropped)
        self.list.removed.connect(session.setlist.remove)
        self.list.itemActivated.connect(lambda item: session.setlist.jump(self.list.row(item)))
        self.list.currentRowChanged.connect(lambda _: self._show_editor())
        column.addWidget(self.list, 1)
        self.empty = QLabel("Drag snapshots here, or add them below.")
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        theme.set_role(self.empty, "dim")
        column.addWidget(self.empty)
        column.addWidget(self._editor())
        column.addLayout(self._foot())
        self.setAcceptDrops(True)
        listen(self, session, "setlist", lambda _: self.reload())
        listen(self, session, "session", lambda _: self.reload())
        self.reload()

    # --- building ---

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.back = tool_button("previous", "Back", tip="To the look before (Ctrl+Page up)",
                                clicked=self.session.setlist.back, size=20)
        self.go = button("Go", "next", role="primary", tip="To the next look (Ctrl+Page down)",
                         clicked=self.session.setlist.go)
        self.go.setMinimumHeight(theme.px(34))
        self.back.setMinimumHeight(theme.px(34))
        row.addWidget(self.back)
        row.addWidget(self.go, 1)
        return row

    def _editor(self) -> QWidget:
        self.editor = QWidget()
        grid = QGridLayout(self.editor)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.space(1))
        grid.setVerticalSpacing(theme.space(1))
        self.fade = _number("Fade", 0.0, LONGEST, "How long the fade to this look takes; 0 cuts")
        self.unit = Combo(UNITS, name="Unit of the fade")
        self.start = Combo(STARTS, name="When the fade begins")
        self.flip = Combo(FLIPS, name="When switches change")
        self.flip.setToolTip("When in the fade choices, seeds, texts and generators change, which cannot glide")
        self.hold = _number("Stays", 0.0, 86_400.0, "How long it stays before the next comes by itself; 0 waits for Go")
        self.hold_unit = Combo(UNITS, name="Unit of the stay")
        self.bpm = _number("Tempo", 0.0, 400.0, "Tempo of this look, 20–400 bpm; all the way down: the look's own")
        self.bpm.setSpecialValueText("the look's own")
        self.bpm.setSuffix(" bpm")
        rows: tuple[tuple[str, tuple[QWidget, ...]], ...] = (
            ("Fade", (self.fade, self.unit)), ("Begins", (self.start,)), ("Switches", (self.flip,)),
            ("Stays", (self.hold, self.hold_unit)), ("Tempo", (self.bpm,)),
        )
        for place, (text, fields) in enumerate(rows):
            label = QLabel(text)
            theme.set_role(label, "dim")
            grid.addWidget(label, place, 0)
            for column, widget in enumerate(fields):
                grid.addWidget(widget, place, 1 + column, 1, 1 if len(fields) > 1 else 2)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        for name, spin in (("fade", self.fade), ("hold", self.hold)):
            spin.valueChanged.connect(functools.partial(self._change, name))
        self.bpm.valueChanged.connect(lambda value: self._change("bpm", None if value < 20.0 else value))
        for name, combo in (("unit", self.unit), ("start", self.start), ("flip", self.flip),
                            ("hold_unit", self.hold_unit)):
            combo.activated.connect(lambda _, name=name, combo=combo: self._change(name, combo.currentData()))
        return self.editor

    def _foot(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(theme.space(1))
        self.add = button("Add a snapshot", "plus", tip="Put one of the session's snapshots at the end of the list")
        menu = QMenu(self.add)
        menu.aboutToShow.connect(functools.partial(self._fill_menu, menu))
        self.add.setMenu(menu)
        self.auto = QCheckBox("Go on after each stay")
        self.auto.setToolTip("Looks with a stay go on by themselves")
        self.auto.clicked.connect(lambda on: self.session.setlist.set_modes(auto=on))
        self.unattended = QCheckBox("Unattended: round and round")
        self.unattended.setToolTip("For an installation: every look goes on by itself (after a minute where it has no "
                                   "stay), the list begins again, and what has failed is restarted")
        self.unattended.clicked.connect(lambda on: self.session.setlist.set_modes(unattended=on))
        for widget in (self.add, self.auto, self.unattended):
            column.addWidget(widget)
        return column

    def _fill_menu(self, menu: QMenu) -> None:
        menu.clear()
        for snapshot in self.session.snapshots:
            menu.addAction(icons.icon("snapshot"), snapshot.name,
                           functools.partial(self.session.setlist.add, snapshot))
        if not self.session.snapshots:
            menu.addAction("No snapshots yet: take one with F5").setEnabled(False)

    # --- showing ---

    def reload(self) -> None:
        """Show the list as it is in the session."""
        setlist, here = self.session.setlist, self.list.currentRow()
        self._filling = True
        while self.list.count() > len(setlist.steps):
            self.list.takeItem(self.list.count() - 1)
        while self.list.count() < len(setlist.steps):
            self.list.addItem(QListWidgetItem())
        for place, step in enumerate(setlist.steps):
            item, name = self.list.item(place), step.snapshot.name
            present = place == setlist.position
            item.setData(Qt.ItemDataRole.UserRole,
                         (str(place + 1), name, step.text(), self._picture(step), present))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{place + 1}: {name}, {step.text()}")
        self.list.setCurrentRow(min(here, self.list.count() - 1))
        self._filling = False
        self.empty.setVisible(not setlist.steps)
        self.list.setVisible(bool(setlist.steps))
        self.auto.setChecked(setlist.auto)
        self.unattended.setChecked(setlist.unattended)
        self._show_editor()
        self.refresh()

    def _picture(self, step: Step) -> QPixmap | None:
        data = step.snapshot.picture
        if not data:
            return None
        if data not in self._pictures:
            if len(self._pictures) > 500:
                self._pictures.clear()
            self._pictures[data] = QPixmap.fromImage(QImage.fromData(data))
        picture = self._pictures[data]
        return None if picture.isNull() else picture

    def _show_editor(self) -> None:
        if self._filling:
            return
        step = self._selected()
        self.editor.setVisible(step is not None)
        if step is None:
            return
        self._filling = True
        self.fade.setValue(step.fade)
        self.hold.setValue(step.hold)
        self.bpm.setValue(step.bpm or 0.0)
        for combo, value in ((self.unit, step.unit), (self.start, step.start), (self.hold_unit, step.hold_unit),
                             (self.flip, min((0.0, 0.5, 1.0), key=lambda at: abs(at - step.flip)))):
            combo.choose(value)
        self._filling = False

    def _selected(self) -> Step | None:
        row = self.list.currentRow()
        return self.session.setlist.steps[row] if 0 <= row < len(self.session.setlist.steps) else None

    def refresh(self) -> None:
        """The names and times that go on."""
        setlist = self.session.setlist
        there, left = setlist.following, setlist.remaining()
        if there is None:
            text = "At the end" if setlist.steps else "Go"
        else:
            name = setlist.steps[there].snapshot.name
            text = f"Go: {name}" if left is None else f"Go: {name} ({left:.0f} s)"
        shown = self.go.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight,
                                                 max(theme.px(60), self.go.width() - theme.px(48)))
        if shown != self.go.text():
            self.go.setText(shown)
            self.go.setAccessibleName(text)
        self.go.setEnabled(there is not None)
        self.back.setEnabled(setlist.position > 0)

    # --- editing ---

    def _change(self, name: str, value: object) -> None:
        if not self._filling and self._selected() is not None:
            self.session.setlist.update(self.list.currentRow(), **{name: value})

    def _moved(self, index: int, to: int) -> None:
        self.session.setlist.move(index, to)
        self.list.setCurrentRow(to)

    def _dropped(self, key: str, place: int) -> None:
        found = next((snapshot for snapshot in self.session.snapshots if snapshot.key == key), None)
        if found is not None:
            self.session.setlist.add(found, place)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        event.setAccepted(event.mimeData().hasFormat(mime.SNAPSHOT))

    def dropEvent(self, event: QDropEvent) -> None:
        self._dropped(bytes(event.mimeData().data(mime.SNAPSHOT).data()).decode("utf-8", "replace"), self.list.count())
        event.accept()


def _number(name: str, low: float, high: float, tip: str) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setRange(low, high)
    spin.setDecimals(2 if name == "Fade" else 1)
    spin.setKeyboardTracking(False)
    spin.setAccessibleName(name)
    spin.setToolTip(tip)
    return spin
