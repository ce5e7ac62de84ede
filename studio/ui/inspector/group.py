"""A collapsible group of rows, as ``Param.group`` names it. Its rows are made when it is first open."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QMenu, QSizePolicy, QVBoxLayout, QWidget

from studio.params import Param, Trigger
from studio.ui import icons, theme
from studio.ui.inspector.controls import keep_keys
from studio.ui.inspector.editing import StageEdits
from studio.ui.inspector.measure import font
from studio.ui.inspector.row import ParamRow


class GroupTitle(QAbstractButton):
    """The line that opens and closes a group; says how many of its values are not the default."""

    leave = Signal(int)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(title)
        self.setCheckable(True)
        self.setChecked(True)
        self.changed = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"Group {title}")
        self.setToolTip("Click to fold or unfold; right click for reset and randomise")

    def sizeHint(self) -> QSize:
        return QSize(theme.space(40), theme.space(7))

    def set_changed(self, count: int) -> None:
        if count != self.changed:
            self.changed = count
            self.setAccessibleDescription(f"{count} changed" if count else "")
            self.update()

    def event(self, event: QEvent) -> bool:
        keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Space)
        return keep_keys(event, keys) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            if self.isChecked() != (key == Qt.Key.Key_Right):
                self.click()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.leave.emit(-1 if key == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        if self.underMouse() or self.hasFocus():
            painter.setPen(QPen(theme.color("accent" if self.hasFocus() else "raised"), 1))
            painter.setBrush(theme.color("raised"))
            painter.drawRoundedRect(box, theme.px(4), theme.px(4))
        side = theme.px(12)
        spot = QRectF(theme.px(4), (self.height() - side) / 2, side, side)
        icons.paint(painter, "chevron-down" if self.isChecked() else "chevron-right", spot, theme.color("dim"))
        left = theme.space(5)
        room = QRect(left, 0, self.width() - left - theme.space(2), self.height())
        if self.changed:
            words = f"{self.changed} changed"
            painter.setFont(font("tiny"))
            painter.setPen(theme.color("faint"))
            painter.drawText(room, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), words)
            room.setWidth(room.width() - painter.fontMetrics().horizontalAdvance(words) - theme.space(2))
        painter.setFont(font("strong"))
        painter.setPen(theme.color("text"))
        text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), text)


class Group(QWidget):
    """Title and rows. ``make`` makes the row of a parameter; it is called for an open group only."""

    folded = Signal(str, bool)
    made = Signal(object)
    """A row was made."""
    all_wanted = Signal(bool)
    """Fold (True) or unfold every group."""

    def __init__(
        self, title: str, params: Sequence[Param[Any]], edits: StageEdits,
        make: Callable[[Param[Any], StageEdits], ParamRow], *, bare: bool = False, parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.name, self.params, self.edits, self._make = title, list(params), edits, make
        self.rows: dict[str, ParamRow] = {}
        self._query: tuple[str, ...] = ()
        self.title = GroupTitle(title or "General", self)  # its parent at once: alone it would be shown as a window
        self.title.setVisible(not bare)
        self.title.toggled.connect(self._toggled)
        self.title.contextMenuEvent = self._context  # type: ignore[method-assign]
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.title)
        self.body = QWidget()
        self._layout = QVBoxLayout(self.body)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        outer.addWidget(self.body)
        self.count_changed()

    # --- rows

    @property
    def open(self) -> bool:
        return self.title.isChecked()

    def fold(self, closed: bool) -> None:
        """Close or open it."""
        self.title.setChecked(not closed)

    @property
    def due(self) -> list[Param[Any]]:
        """Parameters whose rows should show and are not made yet."""
        if not self._query and not self.open:
            return []
        return [p for p in self.params if p.name not in self.rows and self._shows(p)]

    def make_due(self, until: float = math.inf) -> bool:
        """Make the rows that are due; False when the time (of ``time.perf_counter``) came before all were made."""
        due = self.due
        if not due:
            return True
        holder = self.window().focusWidget()
        inside = holder is not None and self.body.isAncestorOf(holder)
        # rows that come into a visible widget are laid out with all the others one by one
        self.body.hide()
        for param in due:
            self._make_row(param)
            if time.perf_counter() > until:
                break
        self._update_rows()
        if inside and holder is not None:
            holder.setFocus(Qt.FocusReason.OtherFocusReason)
        return not self.due

    def make_row(self, name: str) -> None:
        """Make one row, whether it shows now or not."""
        self._make_row(next(param for param in self.params if param.name == name))
        self._update_rows()

    def _make_row(self, param: Param[Any]) -> None:
        row = self._make(param, self.edits)
        # rows may be made out of order while a filter is on
        before = sum(1 for other in self.params[: self.params.index(param)] if other.name in self.rows)
        self.rows[param.name] = row
        self._layout.insertWidget(before, row)
        self.made.emit(row)

    def shown_rows(self) -> list[ParamRow]:
        """The rows that can be seen, from top to bottom."""
        if not self._query and not self.open:
            return []
        return [self.rows[p.name] for p in self.params if p.name in self.rows and self._shows(p)]

    def _toggled(self, is_open: bool) -> None:
        self._update_rows()
        self.folded.emit(self.name, not is_open)

    # --- filter

    def filter(self, words: tuple[str, ...]) -> bool:
        """Show only what has all the words, folded or not; returns whether anything is left."""
        self._query = words
        there = not words or any(self._matches(param) for param in self.params)
        self.setVisible(there)
        self._update_rows()
        return there

    def _shows(self, param: Param[Any]) -> bool:
        return not self._query or self._matches(param)

    def _matches(self, param: Param[Any]) -> bool:
        text = f"{param.label} {param.name} {param.group} {param.unit} {param.help}".casefold()
        return all(word in text for word in self._query)

    def _update_rows(self) -> None:
        for param in self.params:
            row = self.rows.get(param.name)
            if row is not None and row.isHidden() == self._shows(param):
                row.setVisible(self._shows(param))
        self.body.setVisible(self.open or bool(self._query))

    # --- all of them

    def count_changed(self) -> None:
        """Count the values that differ from their defaults."""
        values = self.edits.values
        self.title.set_changed(
            sum(1 for p in self.params if not isinstance(p, Trigger) and values[p.name] != p.default)
        )

    def _names(self) -> list[str]:
        return [p.name for p in self.params if p.automatable and not isinstance(p, Trigger)]

    def reset(self) -> None:
        """Every value of the group back to its default, as one step; locked ones stay."""
        with self.edits.step(f"Reset {self.name or 'General'}"):
            for param in self.params:
                if not isinstance(param, Trigger) and not self.edits.locked(param.name):
                    self.edits.reset(param.name)

    def randomise(self) -> None:
        """New values at random for the group; locked ones stay."""
        self.edits.session.randomise(self.edits.line, self.edits.index, 1.0, self._names())

    def lock(self, on: bool) -> None:
        """Lock or unlock all of them."""
        with self.edits.step(f"{'Lock' if on else 'Unlock'} {self.name or 'General'}"):
            for name in self._names():
                self.edits.lock(name, on)
        for row in self.rows.values():
            row.sync_lock()

    def menu(self) -> QMenu:
        """What can be done to the whole group."""
        menu = QMenu(self)
        entries: tuple[tuple[str, str, Callable[[], object]] | None, ...] = (
            ("reset", "Reset group", self.reset), ("dice", "Randomise group", self.randomise), None,
            ("lock", "Lock all", lambda: self.lock(True)), ("unlock", "Unlock all", lambda: self.lock(False)), None,
            ("chevron-right", "Fold all groups", lambda: self.all_wanted.emit(True)),
            ("chevron-down", "Unfold all groups", lambda: self.all_wanted.emit(False)),
        )
        for entry in entries:
            if entry is None:
                menu.addSeparator()
                continue
            icon, text, slot = entry
            menu.addAction(icons.icon(icon, "dim"), text).triggered.connect(lambda *_, call=slot: call())
        return menu

    def _context(self, event: QContextMenuEvent) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())
