"""The list of bindings: each row says what moves what, with a live meter at both ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QWidget

from studio.control.binding import Binding
from studio.session.control_status import asleep, place_of, title_of
from studio.session.core import Core
from studio.ui import theme
from studio.ui.control.words import options_text, port_text

BY_SOURCE, BY_TARGET = "source", "target"
FLASH = 0.35
"""Seconds that a movement glows."""
Index = QModelIndex | QPersistentModelIndex


class Row:
    """A binding as it is shown; its words are made when they are first wanted. ``joined`` tells whether the row above
    and the row below have the same source (or target, in that order)."""

    def __init__(self, session: Core, binding: Binding) -> None:
        self.session, self.binding = session, binding
        self.joined = (False, False)
        self.level: float | None = None
        self.result: float | None = None
        self.count = 0
        self.moved = -1e9

    @cached_property
    def source(self) -> str:
        """What moves it."""
        return self.binding.source.text()

    @cached_property
    def port(self) -> str:
        """Where that comes from."""
        return port_text(self.binding.source)

    @cached_property
    def target(self) -> str:
        """What is moved."""
        return title_of(self.session, self.binding.target)

    @cached_property
    def place(self) -> str:
        """Where that is."""
        return place_of(self.session, self.binding.target)

    @cached_property
    def options(self) -> str:
        """What differs from a plain binding."""
        return options_text(self.binding)

    @property
    def reason(self) -> str:
        """Why it rests just now, '' when it works."""
        return asleep(self.session, self.binding)

    @property
    def text(self) -> str:
        """All of it, for the filter."""
        return " ".join((self.source, self.port, self.target, self.place, self.options, self.reason))


class BindingModel(QAbstractListModel):
    """Rows in an order, those that a filter lets through."""

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.rows: list[Row] = []
        self.order, self.words = BY_SOURCE, ""

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return row
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            rest = f", {row.options}" if row.options else ""
            reason = row.reason
            why = f". Rests: {reason}" if reason else ""
            return f"{row.source}, {row.port}, moves {row.place} {row.target}{rest}{why}"
        if role == Qt.ItemDataRole.ToolTipRole:
            reason = row.reason
            why = f"\nRests: {reason}" if reason else ""
            return f"{row.source} ({row.port}) → {row.place} · {row.target}{why}"
        return None

    def load(self) -> None:
        """Show what the session has now."""
        session = self.session
        known = {id(row.binding): row for row in self.rows}
        made = []
        for binding in session.controls.bindings:
            row = Row(session, binding)
            old = known.get(id(binding))
            if old is not None:
                row.count, row.moved = old.count, old.moved
            made.append(row)
        words = self.words.casefold().split()
        if words:
            made = [row for row in made if all(word in row.text.casefold() for word in words)]
        key = _source_key if self.order == BY_SOURCE else _target_key
        made.sort(key=key)
        for place, row in enumerate(made):
            above = place > 0 and key(made[place - 1]) == key(row)
            below = place + 1 < len(made) and key(made[place + 1]) == key(row)
            row.joined = above, below
        self.beginResetModel()
        self.rows = made
        self.endResetModel()

    def measure(self, first: int, last: int, now: float) -> list[int]:
        """Bring the meters of rows ``first`` to ``last`` up to date; returns which have changed."""
        controls = self.session.controls
        found = []
        for place in range(max(0, first), min(len(self.rows), last + 1)):
            row = self.rows[place]
            level, count = controls.router.activity(row.binding.source)
            style = controls.board.style(row.binding.target)
            result = controls.board.read(row.binding.target) if style in ("number", "switch") else None
            if count != row.count:
                row.moved = now
            glows = now - row.moved < FLASH + 0.1
            if (level, result, count) != (row.level, row.result, row.count) or glows:
                row.level, row.result, row.count = level, result, count
                found.append(place)
        return found


def _source_key(row: Row) -> tuple[Any, ...]:
    source = row.binding.source
    return source.kind, source.device, source.channel, source.number, source.address, source.encoder


def _target_key(row: Row) -> tuple[Any, ...]:
    target = row.binding.target
    return target.line, target.slot, target.generator, target.name, target.axis


class _Painter(QStyledItemDelegate):
    """Source and its meter, an arrow, target and its meter, options. Those that rest are dim, with the reason."""

    def __init__(self, parent: QWidget, by_target: Callable[[], bool]) -> None:
        super().__init__(parent)
        self._by_target = by_target

    def sizeHint(self, option: Any, index: Index) -> QSize:
        return QSize(theme.px(320), theme.px(48))

    def paint(self, painter: QPainter, option: Any, index: Index) -> None:
        row: Row = index.data(Qt.ItemDataRole.UserRole)
        area = QRectF(option.rect).adjusted(theme.px(2), 1, -theme.px(2), -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        state = option.state
        if state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            chosen = bool(state & QStyle.StateFlag.State_Selected)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent_soft" if chosen else "hover"))
            painter.drawRoundedRect(area, theme.px(6), theme.px(6))
            if chosen and state & QStyle.StateFlag.State_HasFocus:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(theme.color("accent"), 1.5))
                painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), theme.px(6), theme.px(6))
        pad, arrow = theme.space(3), theme.px(44)
        left = QRectF(area.left() + pad, area.top(), area.width() * 0.42 - pad - arrow / 2, area.height())
        right = QRectF(left.right() + arrow, area.top(), area.right() - left.right() - arrow - pad, area.height())
        reason, by_target = row.reason, self._by_target()
        rests = bool(reason)
        glow = 0.0 if rests else max(0.0, 1.0 - (time.monotonic() - row.moved) / FLASH)
        said_above = row.joined[0]
        _words(painter, left, row.source, row.port, rests, faint=said_above and not by_target,
               meter=None if said_above and not by_target else (row.level, glow, "notes"))
        lower = reason or (f"{row.place} · {row.options}" if row.options else row.place)
        _words(painter, right, row.target, lower, rests, faint=said_above and by_target, warn=rests,
               meter=None if said_above and by_target else (row.result, glow, "accent"))
        self._arrow(painter, row, QRectF(left.right(), area.top(), arrow, area.height()), rests, by_target)
        painter.restore()

    @staticmethod
    def _arrow(painter: QPainter, row: Row, room: QRectF, rests: bool, by_target: bool) -> None:
        """The arrow; rows that share an end are tied together on its side."""
        line = theme.color("edge" if rests else "dim")
        painter.setPen(QPen(line, theme.px(1.5)))
        middle, reach = room.center().y(), theme.px(14)
        x = room.center().x() + (theme.px(8) if by_target else -theme.px(8))
        above, below = row.joined
        if above or below:
            painter.drawLine(int(x), int(room.top() - 1 if above else middle), int(x),
                             int(room.bottom() + 1 if below else middle))
            start = x if not by_target else room.center().x() - reach
            end = room.center().x() + reach if not by_target else x
        else:
            start, end = room.center().x() - reach, room.center().x() + reach
        painter.drawLine(int(start), int(middle), int(end), int(middle))
        if not (by_target and (above or below)) or not above:
            tip = end
            painter.drawLine(int(tip - theme.px(5)), int(middle - theme.px(4)), int(tip), int(middle))
            painter.drawLine(int(tip - theme.px(5)), int(middle + theme.px(4)), int(tip), int(middle))


def _words(
    painter: QPainter, room: QRectF, upper: str, lower: str, rests: bool, *, faint: bool = False, warn: bool = False,
    meter: tuple[float | None, float, str] | None = None,
) -> None:
    """Two lines, with a meter at the right of the upper one."""
    wide = theme.px(64) if meter is not None else 0.0
    top = QRectF(room.left(), room.top() + theme.px(4), room.width() - wide - theme.space(2), theme.px(20))
    bottom = QRectF(room.left(), top.bottom(), room.width(), theme.px(18))
    for text, box, font, role in (
        (upper, top, "strong", "faint" if faint or rests else "text"),
        (lower, bottom, "small", "warning" if warn else "faint" if faint or rests else "dim"),
    ):
        painter.setFont(theme.font(font))
        painter.setPen(theme.color(role))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(box.width()))
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
    if meter is not None:
        level, glow, role = meter
        bar = QRectF(room.right() - wide, top.center().y() - theme.px(3), wide, theme.px(6))
        paint_meter(painter, bar, None if rests else level, theme.color(role), glow)


def paint_meter(painter: QPainter, bar: QRectF, level: float | None, color: QColor, glow: float = 0.0) -> None:
    """A bar filled to ``level`` 0..1, brighter while it glows; None leaves it empty."""
    radius = bar.height() / 2
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.blend(theme.color("field"), theme.color("edge"), 0.5))
    painter.drawRoundedRect(bar, radius, radius)
    if level is not None:
        filled = QRectF(bar)
        filled.setWidth(max(bar.height(), bar.width() * min(1.0, max(0.0, level))))
        painter.setBrush(theme.blend(color, theme.color("text"), 0.6 * glow))
        painter.drawRoundedRect(filled, radius, radius)
    elif glow > 0.0:
        painter.setBrush(theme.blend(theme.color("edge"), color, glow))
        painter.drawRoundedRect(bar, radius, radius)


class BindingList(QListView):
    """The rows. ``picked`` tells which binding is shown, ``wanted`` asks to edit it, ``removed`` to take them away."""

    picked = Signal(object)
    wanted = Signal()
    removed = Signal(object)

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = BindingModel(session, self)
        self.setModel(self.rows)
        self.setItemDelegate(_Painter(self, lambda: self.rows.order == BY_TARGET))
        self.setAccessibleName("Bindings")
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.doubleClicked.connect(lambda _: self.wanted.emit())
        self.selectionModel().selectionChanged.connect(lambda *_: self.picked.emit(self.current()))

    def current(self) -> Binding | None:
        """The binding that is chosen."""
        chosen = self.selectionModel().selectedIndexes()
        here = self.currentIndex()
        place = here if here in chosen else chosen[0] if chosen else None
        return self.rows.rows[place.row()].binding if place is not None else None

    def chosen(self) -> list[Binding]:
        """All that are selected."""
        return [self.rows.rows[index.row()].binding for index in self.selectionModel().selectedIndexes()]

    def show_all(self, current: Binding | None) -> None:
        """Show what the session has now, with this one chosen if it is there."""
        scrolled = self.verticalScrollBar().value()
        here = self.currentIndex().row()
        self.rows.load()
        rows = self.rows.rows
        place = next((n for n, row in enumerate(rows) if row.binding is current), None)
        if place is None and rows and current is not None:
            place = min(max(here, 0), len(rows) - 1)
        if place is not None:
            self.setCurrentIndex(self.rows.index(place))
        self.verticalScrollBar().setValue(scrolled)
        self.picked.emit(self.current())

    def choose(self, binding: Binding) -> None:
        """Choose one and bring it into sight."""
        for place, row in enumerate(self.rows.rows):
            if row.binding is binding:
                self.setCurrentIndex(self.rows.index(place))
                self.scrollTo(self.rows.index(place))

    def tick(self) -> None:
        """Move the meters of the rows in sight."""
        if not self.rows.rows:
            return
        high = max(1, self.visualRect(self.rows.index(0)).height())
        first = self.verticalScrollBar().value() // high - 1
        for place in self.rows.measure(first, first + self.viewport().height() // high + 3, time.monotonic()):
            self.update(self.rows.index(place))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2) and self.current() is not None:
            self.wanted.emit()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.chosen():
            self.removed.emit(self.chosen())
        else:
            super().keyPressEvent(event)
