"""The middle of the window: a tab per line, and below it the selected generator's own view."""

from __future__ import annotations

import logging

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from studio.engine import Stage
from studio.session.line import Line, Slot
from studio.session.session import Session
from studio.ui import icons, theme
from studio.ui.decks.chain_strip import put_generator
from studio.ui.kit.buttons import tool_button
from studio.ui.kit.small import EmptyState
from studio.ui.listen import listen
from studio.ui.views import view_class

log = logging.getLogger("reverie.ui")


class OwnView(QWidget):
    """See the module. A view is made when its slot is first shown and dropped with it."""

    view_made = Signal(QWidget)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._views: dict[int, tuple[Stage, QWidget]] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        head = QHBoxLayout()
        head.setContentsMargins(theme.space(2), 0, theme.space(2), 0)
        self.tabs = QTabBar()
        self.tabs.setExpanding(False)
        self.tabs.setDrawBase(False)
        self.tabs.setElideMode(Qt.TextElideMode.ElideRight)
        self.tabs.setAccessibleName("Decks and players")
        self.tabs.currentChanged.connect(self._tab_chosen)
        head.addWidget(self.tabs)
        self.add = tool_button("plus", "Add a player", tip="Add a player for notes or text", size=14,
                               clicked=self._add_menu)
        head.addWidget(self.add)
        self.remove = tool_button("trash", "Remove this player", size=14, clicked=self._remove_player)
        head.addWidget(self.remove)
        head.addStretch(1)
        self.stage_label = QLabel()
        theme.set_role(self.stage_label, "dim")
        head.addWidget(self.stage_label)
        column.addLayout(head)
        self.stack = QStackedWidget()
        column.addWidget(self.stack, 1)
        self.empty = EmptyState("deck", "Nothing loaded", "Choose a generator in the library, or drag one onto a deck.")
        self.stack.addWidget(self.empty)
        self.welcome: QWidget | None = None
        self._before: set[int] = set()
        listen(self, session, "line", lambda _: self.rebuild())
        listen(self, session, "selection", lambda _: self.show_selected())
        self.rebuild()

    # --- tabs ---

    def rebuild(self) -> None:
        """The lines changed."""
        self.tabs.blockSignals(True)
        names = [line.name for line in self._session.lines()]
        while self.tabs.count() > len(names):
            self.tabs.removeTab(self.tabs.count() - 1)
        while self.tabs.count() < len(names):
            self.tabs.addTab("")
        for place, line in enumerate(self._session.lines()):
            title = line.slots[0].title if line.slots else "empty"
            self.tabs.setTabText(place, f"{line.name}  {title}" if line.kind == "deck" else title)
            icon = {"A": "deck-a", "B": "deck-b"}.get(line.name) or ("text" if line.makes == "text" else "notes")
            self.tabs.setTabIcon(place, icons.icon(icon))
            self.tabs.setTabToolTip(place, f"{line.title}: {', '.join(slot.title for slot in line.slots) or 'empty'}")
            self.tabs.setTabData(place, line.name)
        self.tabs.blockSignals(False)
        known = self._known()
        for uid in [uid for uid in self._views if uid not in known]:
            self._drop(uid)
        if self.welcome is not None and known - self._before:
            self.hide_welcome()  # what was put on a deck shall be seen
        self.show_selected()

    def _known(self) -> set[int]:
        return {slot.uid for line in self._session.lines() for slot in line.slots}

    def _tab_chosen(self, place: int) -> None:
        name = self.tabs.tabData(place)
        if name is not None and name != self._session.selection[0]:
            self.hide_welcome()
            self._session.select(name, 0)

    def _add_menu(self) -> None:
        menu = QMenu(self)
        for plugin in self._session.registry:
            if plugin.manifest is None or plugin.manifest.makes not in ("notes", "text", "audio"):
                continue
            action = menu.addAction(icons.icon("text" if plugin.manifest.makes == "text" else "notes"), plugin.title)
            action.setEnabled(plugin.state not in ("failed", "found"))
            action.triggered.connect(lambda _=False, name=plugin.id: self._new_player(name))
        menu.exec(self.add.mapToGlobal(self.add.rect().bottomLeft()))

    def _new_player(self, generator: str) -> None:
        with self._session.edit("Add a player"):
            line = self._session.add_player()
            put_generator(self._session, line, generator)

    def _remove_player(self) -> None:
        if self._session.selection[0] in self._session.players:
            self._session.remove_player(self._session.selection[0])

    # --- the view ---

    def show_selected(self) -> None:
        """Bring the selected slot's view forward."""
        name, index = self._session.selection
        for place in range(self.tabs.count()):
            if self.tabs.tabData(place) == name and self.tabs.currentIndex() != place:
                self.tabs.blockSignals(True)
                self.tabs.setCurrentIndex(place)
                self.tabs.blockSignals(False)
        self.remove.setVisible(name in self._session.players)
        chosen = self._session.selected
        self.stage_label.setText("")
        if chosen is None:
            self._show(self.empty)
            self.empty.set("deck", "Nothing loaded", "Choose a generator in the library, or drag one onto a deck.")
            return
        line, slot = chosen
        if len(line.slots) > 1:
            self.stage_label.setText(f"{slot.title} · {index + 1} of {len(line.slots)} in {line.title}")
        if slot.stage is None:
            self._show(self.empty)
            self._explain(slot)
            return
        self._show(self._view(line, slot, index))

    def _explain(self, slot: Slot) -> None:
        if slot.state in ("loading", "importing"):
            self.empty.set("hourglass", f"{slot.title} is loading", "The first network takes a few seconds.")
        else:
            self.empty.set("plug", f"{slot.title} is not here", slot.reason)

    def _view(self, line: Line, slot: Slot, index: int) -> QWidget:
        assert slot.stage is not None
        if slot.uid in self._views:
            stage, view = self._views[slot.uid]
            if stage is slot.stage:
                return view
            self._drop(slot.uid)  # its plugin was read anew
        made: QWidget
        try:
            made = view_class(slot.generator, slot.stage.generator.makes)(self._session, line, index)
        except Exception as error:  # a view that fails must not take the window with it
            log.exception("the view of %s failed", slot.title)
            made = EmptyState("warning", f"The view of {slot.title} failed", str(error))
        self._views[slot.uid] = (slot.stage, made)
        self.stack.addWidget(made)
        self.view_made.emit(made)
        return made

    def _drop(self, uid: int) -> None:
        _, view = self._views.pop(uid)
        close = getattr(view, "close_view", None)
        if close is not None:
            close()
        self.stack.removeWidget(view)
        view.deleteLater()

    def _show(self, widget: QWidget) -> None:
        if self.welcome is not None and self.stack.currentWidget() is self.welcome:
            return
        if self.stack.currentWidget() is not widget:
            self.stack.setCurrentWidget(widget)

    def show_welcome(self, welcome: QWidget) -> None:
        """Put the welcome page over the views."""
        if self.welcome is None:
            self.welcome, self._before = welcome, self._known()
            self.stack.addWidget(welcome)
        self.stack.setCurrentWidget(self.welcome)

    def hide_welcome(self) -> None:
        """Back to the views."""
        welcome, self.welcome = self.welcome, None
        if welcome is not None:
            self.stack.removeWidget(welcome)
            welcome.deleteLater()
        self.show_selected()

    @property
    def current(self) -> QWidget | None:
        """What is shown now."""
        return self.stack.currentWidget()

    def refresh(self) -> None:
        """Let the shown view follow; about 15 times a second."""
        refresh = getattr(self.stack.currentWidget(), "refresh", None)
        if refresh is not None and self.isVisible():
            refresh()

    def close_all(self) -> None:
        """The window closes: every view ends what it runs."""
        for uid in list(self._views):
            self._drop(uid)
