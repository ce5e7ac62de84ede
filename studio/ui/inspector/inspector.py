"""The inspector: every parameter of the selected stage in a row, made from its declaration alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QHideEvent,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from studio.ui import theme
from studio.ui.inspector.binding_menu import Learning
from studio.ui.inspector.editing import StageEdits
from studio.ui.inspector.header import Header
from studio.ui.inspector.panel import Panel
from studio.ui.inspector.row import ParamRow
from studio.ui.kit import mime
from studio.ui.kit.buttons import button
from studio.ui.kit.small import EmptyState, SearchField

if TYPE_CHECKING:
    from studio.session.line import Line, Slot
    from studio.session.session import Session

TICK_MS = 40
"""How often values that changed elsewhere are looked for while the inspector shows."""
KEPT = 4
"""Panels that are kept for a quick return."""
SAID_MS = 6000
CALM = 2.0
"""Seconds without a failure after which its sentence goes."""


class Banner(QWidget):
    """A sentence over the rows: a failure with its cure, or what was just done."""

    activated = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._role = "raised"
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button = button("", clicked=self.activated.emit)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.space(3), theme.space(2), theme.space(2), theme.space(2))
        layout.setSpacing(theme.space(2))
        layout.addWidget(self.label, 1)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    def show_text(self, text: str, level: str = "info", action: str = "") -> None:
        """Show a sentence ('' hides it); ``level`` is info, warning or danger."""
        self._role = "danger_soft" if level == "danger" else "raised"
        self.label.setText(text)
        self.setAccessibleName(text)
        self.button.setText(action)
        self.button.setVisible(bool(action))
        self.setVisible(bool(text))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(self._role))
        painter.drawRoundedRect(self.rect().adjusted(theme.space(1), 0, -theme.space(1), 0), theme.px(6), theme.px(6))


class Inspector(QWidget):
    """Follows the session's selection. ``refresh`` may be called at any time; while it shows it looks by itself."""

    bind_requested = Signal(str, int, str)
    """Line, stage and parameter for which a controller is wanted."""
    page_requested = Signal(str)
    """A page of the window that helps: ``plugins``."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.panel: Panel | None = None
        self._panels: dict[int, Panel] = {}
        self._folded: dict[str, set[str]] = {}
        self._shown: tuple[object, ...] = ()
        self._trouble, self._troubled = "", 0.0
        self._look = (theme.current(), theme.scale())
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAcceptDrops(True)
        self.setAccessibleName("Inspector")
        self.setMinimumWidth(theme.space(65))
        self.header = Header(session)
        self.filter = SearchField("Filter parameters")
        self.filter.setToolTip("Show only parameters with these words in name or description (Ctrl+F); Esc clears")
        self.banner, self.note = Banner(), Banner()
        self.stack = QStackedWidget()
        self.empty = EmptyState("sliders", "Nothing is selected")
        self.stack.addWidget(self.empty)
        self.learning = Learning(self)
        self._lay_out()
        self.header.said.connect(self.say)
        self.filter.searched.connect(self._filter)
        self.banner.activated.connect(self._restart)
        self.empty.activated.connect(self._cure)
        find = QShortcut(QKeySequence.StandardKey.Find, self)
        find.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        find.activated.connect(lambda: self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason))
        self._said = QTimer(self, singleShot=True, interval=SAID_MS)
        self._said.timeout.connect(lambda: self.note.show_text(""))
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self.refresh)
        offs = [session.on("selection", self._news), session.on("library", self._library)]
        self.destroyed.connect(lambda *_: [off() for off in offs])

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.space(1))
        layout.addWidget(self.header)
        search = QHBoxLayout()
        search.setContentsMargins(theme.space(3), 0, theme.space(2), 0)
        search.addWidget(self.filter)
        layout.addLayout(search)
        layout.addWidget(self.banner)
        layout.addWidget(self.note)
        layout.addWidget(self.stack, 1)

    # --- following

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def _news(self, _subject: object) -> None:
        if self.isVisible():
            self.refresh()

    def _library(self, _subject: object) -> None:
        from studio.ui.inspector.file_rows import ModelRow

        self.header.reload_presets()
        for panel in self._panels.values():
            for row in panel.rows.values():
                if isinstance(row, ModelRow):
                    row.reload()

    def _target(self) -> tuple[Line | None, int, Slot | None]:
        name, index = self.session.selection
        line = self.session.decks.get(name) or self.session.players.get(name)
        slot = line.slots[index] if line is not None and 0 <= index < len(line.slots) else None
        return line, index, slot

    def refresh(self) -> None:
        """Follow the selection and show values that changed elsewhere. Costs nothing while it is hidden."""
        if not self.isVisible():
            return
        self._follow_theme()
        line, index, slot = self._target()
        now = (line.name if line else "", index, slot.uid if slot else 0, slot.state if slot else "",
               id(slot.stage.values) if slot and slot.stage else 0)
        if now != self._shown:
            self._shown = now
            self._change(line, index, slot)
        self.header.refresh()
        if line is not None and slot is not None:
            self._show_trouble(line, slot)
        if self.panel is not None and slot is not None:
            self.panel.sync()
            self.panel.sync_locks(slot.locked)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._look = ("", 0.0)  # also when it is changed back before the next look

    def _follow_theme(self) -> None:
        look = (theme.current(), theme.scale())
        if look != self._look:  # rows know the colours and sizes they were made with
            self._look, self._shown = look, ()
            self.setMinimumWidth(theme.space(65))
            self.header.restyle()
            for panel in list(self._panels.values()):
                self._drop(panel)
            self._panels.clear()

    def _change(self, line: Line | None, index: int, slot: Slot | None) -> None:
        self.note.show_text("")
        self._troubled = 0.0
        self._forget()
        ready = line is not None and slot is not None and slot.stage is not None
        self.header.setVisible(slot is not None)
        self.filter.setVisible(ready)
        if line is not None and slot is not None:
            self.header.show_slot(line, index, slot)
        if ready and line is not None and slot is not None:
            self._show_panel(line, index, slot)
            return
        self.panel = None
        self.stack.setCurrentWidget(self.empty)
        self._explain(line, slot)

    def _explain(self, line: Line | None, slot: Slot | None) -> None:
        """Say why there are no rows."""
        if slot is None:
            if line is None:
                self.empty.set("sliders", "Nothing is selected", "Click a deck or a player to see its parameters here.")
            else:
                self.empty.set("generator", f"{line.title} is empty",
                               "Drag a generator from the library onto it, or double-click one there.")
        elif slot.state == "absent":
            count = len(slot.data.params)
            kept = "1 value" if count == 1 else f"{count} values"
            self.empty.set(
                "puzzle", "This plugin is not here",
                f"This session holds {kept} of {slot.generator}, a plugin that is not here. They are kept, and saved "
                "again as they are. Install the plugin to use them.", "Plugins…",
            )
        elif slot.state == "failed":
            self.empty.set("warning", f"{slot.title} cannot be used", slot.reason, "Try again")
        else:
            self.empty.set("hourglass", f"Loading {slot.title}…", "Everything else goes on meanwhile.")

    def _show_panel(self, line: Line, index: int, slot: Slot) -> None:
        assert slot.stage is not None
        panel = self._panels.pop(slot.uid, None)
        if panel is not None and panel.edits.values is not slot.stage.values:
            self._drop(panel)
            panel = None
        if panel is None:
            folder = slot.plugin.folder if slot.plugin is not None else None
            edits = StageEdits(self.session, line.name, index, slot.stage.values, slot.stage.generator.makes, folder)
            folded = self._folded.setdefault(slot.generator, set())
            panel = Panel(edits, folded)
            panel.folded.connect(lambda name, closed: (folded.add if closed else folded.discard)(name))
            panel.bind_requested.connect(self._bind)
            self.stack.addWidget(panel)
        panel.edits.line, panel.edits.index = line.name, index
        self._panels[slot.uid] = panel  # the newest last
        while len(self._panels) > KEPT:
            self._drop(self._panels.pop(next(iter(self._panels))))
        if self.panel is not panel and self.filter.text():
            self.filter.clear()  # words meant for another generator would leave this one looking empty
        self.panel = panel
        self.stack.setCurrentWidget(panel)
        panel.filter(self.filter.text())  # makes the first rows; the others follow bit by bit
        panel.sync()

    def _forget(self) -> None:
        """Let panels of stages go that are in no line any more."""
        there = {slot.uid for line in self.session.lines() for slot in line.slots}
        for uid in [uid for uid in self._panels if uid not in there]:
            self._drop(self._panels.pop(uid))

    def _drop(self, panel: Panel) -> None:
        if panel is self.panel:
            self.panel = None
        self.stack.removeWidget(panel)
        panel.hide()
        panel.deleteLater()

    # --- trouble

    def _show_trouble(self, line: Line, slot: Slot) -> None:
        state = line.state if slot.stage is not None else ""
        why = (line.why() or f"{slot.title} does not answer") if state in ("failed", "hung", "paused") else ""
        now = time.monotonic()
        if why:
            self._troubled = now
        elif self._trouble and now - self._troubled < CALM:
            return  # the engine tries again by itself: between two failures the sentence stays
        if why != self._trouble:
            self._trouble = why
            self.banner.show_text(why, "danger", "Restart" if why else "")

    def _restart(self) -> None:
        self._troubled = 0.0
        line, _, _ = self._target()
        if line is not None:
            self.session.restart(line.name)

    def _cure(self) -> None:
        line, _, slot = self._target()
        if slot is not None and slot.state == "absent":
            self.page_requested.emit("plugins")
        elif line is not None and slot is not None:
            self.session.restart(line.name)

    def say(self, text: str, level: str = "info") -> None:
        """Show a sentence over the rows for a while."""
        self.note.show_text(text, level)
        self._said.start()

    # --- rows

    def row(self, name: str) -> ParamRow:
        """The row of a parameter of the stage that shows. Raises KeyError when there is none."""
        if self.panel is None or name not in self.panel.edits.values.params:
            raise KeyError(name)
        return self.panel.row(name)

    def _bind(self, name: str) -> None:
        if self.panel is not None:
            self.bind_requested.emit(self.panel.edits.line, self.panel.edits.index, name)

    def _filter(self, text: str) -> None:
        if self.panel is not None:
            self.panel.filter(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.filter.text():
            self.filter.clear()
        else:
            super().keyPressEvent(event)

    # --- dropping a preset

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        dropped = mime.read(event.mimeData())
        if dropped is not None and dropped.kind == mime.PRESET and self.panel is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        dropped = mime.read(event.mimeData())
        if dropped is not None and dropped.kind == mime.PRESET:
            event.acceptProposedAction()
            self.header.use_preset_file(dropped.text)
