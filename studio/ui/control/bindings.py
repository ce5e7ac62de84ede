"""All bindings: the list, the one that is chosen with its options, the ports, and what comes in."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.control.binding import Binding, Target
from studio.session.control_status import Offer, title_of
from studio.session.core import Core
from studio.ui import theme
from studio.ui.control.binding_editor import BindingEditor
from studio.ui.control.binding_list import BY_SOURCE, BY_TARGET, BindingList
from studio.ui.control.chooser import TargetChooser
from studio.ui.control.ports import MonitorView, PortList
from studio.ui.control.profiles import Profiles
from studio.ui.kit import Combo, EmptyState, SearchField, button
from studio.ui.listen import listen
from studio.ui.pages.parts import column, label, scrolled

ORDERS = (("by control", BY_SOURCE), ("by what moves", BY_TARGET))


class BindingsPanel(QWidget):
    """See the module. ``tick`` moves the meters, ``refresh`` does the rest."""

    def __init__(self, session: Core, learn_by_click: Any = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.learn_by_click = learn_by_click
        self.setAccessibleName("Bindings")
        self.profiles = Profiles(session, self)
        self._build()
        listen(self, session, "controls", lambda _: self.reload())
        for kind in ("line", "session"):
            listen(self, session, kind, lambda _: self.reload())
        self.reload()

    def _build(self) -> None:
        self.learn = button("Learn …", "plus", role="primary", clicked=self.choose_target,
                            tip="Choose what shall move, then move a knob, press a pad or send OSC")
        self.clicks = button("Click and learn", "target", clicked=self._click_mode,
                             tip="Click any control of the window, then move a knob; again and again (Ctrl+L)")
        self.search = SearchField("Filter bindings")
        self.search.searched.connect(self._filter)
        self.order = Combo(ORDERS, name="Order of the bindings")
        self.order.setToolTip("One knob that moves many, or many that move one: what shares an end stands together")
        self.order.activated.connect(lambda _: self._sort())
        self.waiting = label("", "accent")
        self.waiting.setAccessibleName("Waits for a control")
        self.stop = button("Stop waiting", "close", clicked=self.session.controls.cancel_learn)
        tools = QHBoxLayout()
        tools.setSpacing(theme.space(2))
        profiles = self.profiles.menu_button()
        profiles.setFixedHeight(self.learn.sizeHint().height())
        for part in (self.learn, self.clicks, profiles):
            tools.addWidget(part)
        tools.addWidget(self.search, 1)
        tools.addWidget(self.order)
        wait = QHBoxLayout()
        wait.addWidget(self.waiting, 1)
        wait.addWidget(self.stop)
        self.list = BindingList(self.session)
        self.empty = EmptyState("faders", "Nothing is bound yet", "Any knob, pad, fader, key or OSC message can move "
                                "anything: choose what shall move, then move the control.", "Learn …")
        self.empty.activated.connect(self.choose_target)
        self.nothing = label("No binding fits the filter.", "dim")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.editor = BindingEditor(self.session)
        self.editor.setMaximumWidth(theme.px(348))
        self.editor.relearn.connect(self.relearn)
        self.editor.removed.connect(self.remove)
        self.editor.changed.connect(self._changed)
        self.list.picked.connect(self.editor.show_binding)
        self.list.wanted.connect(lambda: self.editor.port.setFocus() if self.editor.port.isVisible()
                                 else self.editor.low.setFocus())
        self.list.removed.connect(self.remove)
        left = QVBoxLayout()
        left.setSpacing(theme.space(2))
        left.addLayout(tools)
        left.addLayout(wait)
        for middle in (self.list, self.empty, self.nothing):
            left.addWidget(middle, 1)
        self.foot = QWidget()
        self.foot.setLayout(self._foot())
        left.addWidget(self.foot)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, theme.space(3), 0, 0)
        row.setSpacing(theme.space(4))
        row.addLayout(left, 1)
        side = scrolled(column(self.editor))
        side.setFixedWidth(theme.px(356))
        row.addWidget(side)

    def _foot(self) -> QHBoxLayout:
        self.ports, self.monitor = PortList(self.session), MonitorView(self.session)
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 0, 0, 0)
        foot.setSpacing(theme.space(4))
        for title, part in (("MIDI ports", self.ports), ("Coming in", self.monitor)):
            head = QHBoxLayout()
            head.addWidget(label(title, "strong"), 1)
            if part is self.monitor:
                for extra in self.monitor.buttons():
                    head.addWidget(extra)
            else:
                head.addWidget(button("Look again", "refresh", role="ghost", clicked=self._look,
                                      tip="Look at once at what is plugged in"))
            side = QVBoxLayout()
            side.setSpacing(theme.space(1))
            side.addLayout(head)
            part.setFixedHeight(theme.px(104))
            side.addWidget(part)
            foot.addLayout(side, 1)
        return foot

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # in a small window the list comes first, and buttons are told by their icons
        self.foot.setVisible(self.height() >= theme.px(400))
        wide = self.width() >= theme.px(980)
        for made, text in ((self.clicks, "Click and learn"), (self.learn, "Learn …")):
            made.setText(text if wide else "")
            made.setAccessibleName(text)
        self.order.setVisible(wide)

    # --- learning ---

    def choose_target(self) -> None:
        """Choose what shall move, then wait for a control."""
        chooser = TargetChooser(self.session, self.learn, lambda offer: self._learn(offer))
        chooser.show()

    def _learn(self, offer: Offer) -> None:
        self.session.controls.learn(offer.target, self._learned)

    def _learned(self, binding: Binding) -> None:
        self.reload()
        self.list.choose(binding)
        self.list.setFocus()

    def relearn(self, binding: Binding | None = None) -> None:
        """Let another control take the place of the chosen binding's."""
        binding = binding or self.list.current()
        if binding is not None:
            self.session.controls.relearn(binding, self._learned)

    def _click_mode(self) -> None:
        if self.learn_by_click is not None:
            self.learn_by_click()

    # --- the list ---

    def reload(self) -> None:
        """Show what the session has now."""
        controls = self.session.controls
        self.list.show_all(self.editor.binding if self.editor.binding is not None else self.list.current())
        bound, shown = bool(controls.bindings), bool(self.list.rows.rows)
        self.empty.setVisible(not bound)
        self.list.setVisible(shown)
        self.nothing.setVisible(bound and not shown)
        target: Target | None = controls.learning_for
        self.waiting.setVisible(target is not None)
        self.stop.setVisible(target is not None)
        if target is not None:
            self.waiting.setText(f"Move a knob, press a pad or send OSC for {title_of(self.session, target)} …")

    def _changed(self, binding: Binding) -> None:
        self.editor.show_binding(binding)
        self.reload()

    def remove(self, bindings: list[Binding]) -> None:
        """Take bindings away; can be undone."""
        gone = [binding for binding in bindings if binding is not None]
        if gone:
            self.session.controls.unbind(*gone)

    def _filter(self, words: str) -> None:
        self.list.rows.words = words
        self.reload()

    def _sort(self) -> None:
        self.list.rows.order = str(self.order.currentData())
        self.reload()

    def _look(self) -> None:
        inputs = self.session.controls.ports.inputs
        if inputs is not None:
            inputs.look()

    def tick(self) -> None:
        """Move the meters; about 25 times a second."""
        self.list.tick()
        self.editor.refresh()
        self.monitor.refresh()

    def refresh(self) -> None:
        """What changes slowly."""
        self.ports.refresh()
        self.list.viewport().update()
