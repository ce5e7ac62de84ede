"""The rows of one stage: groups in the order of the declarations, filled bit by bit so that the window stays alive."""

from __future__ import annotations

import time
from collections.abc import Sequence, Set
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from studio.params import Param
from studio.ui import theme
from studio.ui.inspector.editing import StageEdits
from studio.ui.inspector.group import Group, GroupTitle
from studio.ui.inspector.row import ParamRow
from studio.ui.inspector.rows import make_row

SLICE = 0.008
"""Seconds for which rows are made before the window may do something else."""
_KEYS = Qt.FocusReason.TabFocusReason


def grouped(params: Sequence[Param[Any]]) -> dict[str, list[Param[Any]]]:
    """The parameters by group; groups stand in the order in which each was first named."""
    found: dict[str, list[Param[Any]]] = {}
    for param in params:
        found.setdefault(param.group, []).append(param)
    return found


class Panel(QScrollArea):
    """All rows of one stage."""

    bind_requested = Signal(str)
    folded = Signal(str, bool)

    def __init__(self, edits: StageEdits, folded: set[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.edits = edits
        self._revision = -1
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Parameters")
        self.content = QWidget()
        self.content.setObjectName("rows")
        self._layout = QVBoxLayout(self.content)
        edge = theme.space(1)
        self._layout.setContentsMargins(edge, edge, edge, theme.space(4))
        self._layout.setSpacing(theme.px(2))
        sections = grouped(list(edits.values.params.values()))
        self.groups: list[Group] = []
        for name, params in sections.items():
            group = Group(name, params, edits, make_row, bare=len(sections) == 1 and not name)
            group.fold(name in folded)
            group.folded.connect(self._fold)
            group.made.connect(self._made)
            group.all_wanted.connect(self._fold_all)
            group.title.leave.connect(lambda by, title=group.title: self._go(title, by))
            self.groups.append(group)
            self._layout.addWidget(group)
        self.nothing = QLabel()
        self.nothing.setWordWrap(True)
        self.nothing.setContentsMargins(theme.space(4), theme.space(4), theme.space(4), theme.space(4))
        theme.set_role(self.nothing, "dim")
        self.nothing.hide()
        self._layout.addWidget(self.nothing)
        self._layout.addStretch(1)
        self.setWidget(self.content)
        self.content.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self._more = QTimer(self, singleShot=True, interval=0)
        self._more.timeout.connect(self.fill)
        if not sections:
            self._say("This generator has no parameters.")

    # --- rows

    @property
    def rows(self) -> dict[str, ParamRow]:
        """The rows that were made, by name."""
        return {name: row for group in self.groups for name, row in group.rows.items()}

    def row(self, name: str) -> ParamRow:
        """The row of a parameter; made, and its group unfolded, if it has to be."""
        group = next(g for g in self.groups if any(p.name == name for p in g.params))
        if name not in group.rows:
            group.fold(False)
            group.make_due()
        if name not in group.rows:  # the filter leaves it out
            group.make_row(name)
        return group.rows[name]

    def fill(self) -> None:
        """Make rows that are due for a moment, and go on later when some are left."""
        until = time.perf_counter() + SLICE
        for group in self.groups:
            if not group.make_due(until):
                self._more.start()
                return

    @property
    def complete(self) -> bool:
        """Whether every row that should show is there."""
        return not any(group.due for group in self.groups if not group.isHidden())

    def _made(self, row: ParamRow) -> None:
        row.sync_idle()
        row.bind_requested.connect(self.bind_requested)
        row.leave.connect(lambda by, here=row: self._go(here, by))

    def _fold(self, name: str, closed: bool) -> None:
        self.fill()
        self.folded.emit(name, closed)

    def _fold_all(self, closed: bool) -> None:
        for group in self.groups:
            group.fold(closed)

    # --- values

    def sync(self) -> None:
        """Bring the rows to the values, if any changed."""
        revision = self.edits.revision
        moved = revision != self._revision
        self._revision = revision
        for group in self.groups:
            if moved:
                group.count_changed()
            for row in group.rows.values():
                row.sync()  # also when nothing moved: a row that was busy then catches up now
                row.sync_idle()  # also a modulation may make it count

    def sync_locks(self, locked: Set[str]) -> None:
        """Bring the locks of the rows to the session's."""
        for group in self.groups:
            for name, row in group.rows.items():
                if row.locked != (name in locked and row.lockable):
                    row.sync_lock()

    # --- filter and keyboard

    def filter(self, text: str) -> None:
        """Show only rows with all the words of ``text``."""
        words = tuple(text.casefold().split())
        left = [group.filter(words) for group in self.groups]
        self.fill()
        nothing = bool(self.groups) and not any(left)
        words_shown = text.strip()[:40]
        why = f"No parameter has “{words_shown}” in its name or description. Esc clears the filter."
        self._say(why if nothing else "")

    def _say(self, text: str) -> None:
        self.nothing.setText(text)
        self.nothing.setVisible(bool(text))

    def _stops(self) -> list[QWidget]:
        """Where the arrow keys stop: titles and rows, from top to bottom."""
        stops: list[QWidget] = []
        for group in self.groups:
            if group.isHidden():
                continue
            if not group.title.isHidden():
                stops.append(group.title)
            stops += group.shown_rows()
        return stops

    def _go(self, here: QWidget, by: int) -> None:
        stops = self._stops()
        place = stops.index(here) + by if here in stops else 0
        if 0 <= place < len(stops):
            target = stops[place]
            target.setFocus(_KEYS)
            self.ensureWidgetVisible(target, 0, theme.space(4))

    def focus_first(self) -> None:
        """Give the keyboard to the first row."""
        row = next((stop for stop in self._stops() if not isinstance(stop, GroupTitle)), None)
        if row is not None:
            row.setFocus(_KEYS)
