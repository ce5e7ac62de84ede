"""All modulators with their scopes, and the chosen one with its fields and what it moves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from studio.control.binding import MODULATOR, Source
from studio.control.modulators import CLASSES, KINDS, Modulator
from studio.session.control_rename import fault, rename_modulator
from studio.session.control_status import Offer
from studio.session.core import Core
from studio.ui import icons, theme
from studio.ui.control.chooser import TargetChooser
from studio.ui.control.modulator_form import KIND_WORDS, ModulatorForm
from studio.ui.control.routes import RouteRows
from studio.ui.control.scope import Scope
from studio.ui.kit import Elided, EmptyState, ask_text, button, tool_button
from studio.ui.kit.painting import card_ground, focus_ring
from studio.ui.listen import listen
from studio.ui.pages.parts import clear, label, scrolled

DEPTH = 0.25


class ModulatorRow(QFrame):
    """One modulator: name, kind, what it moves, and its scope."""

    chosen = Signal(str)
    removed = Signal(str)
    renamed = Signal()

    def __init__(self, modulator: Modulator, moved: int) -> None:
        super().__init__()
        self.name = modulator.name
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        kind = KIND_WORDS[modulator.kind][0]
        what = f"{kind} · moves {moved}" if moved else f"{kind} · moves nothing yet"
        self.setAccessibleName(f"{modulator.name}, {what}")
        self.setToolTip("Enter or click: its settings. F2: another name. Delete: take it away")
        self.scope = Scope(modulator)
        self.scope.setFixedWidth(theme.px(110))
        title = Elided(modulator.name)
        title.setProperty("role", "strong")
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(title)
        about = Elided(what)
        about.setProperty("role", "small")
        words.addWidget(about)
        row = QHBoxLayout(self)
        row.setContentsMargins(*(theme.space(n) for n in (3, 1.5, 2, 1.5)))
        row.setSpacing(theme.space(2))
        row.addLayout(words, 1)
        row.addWidget(self.scope)
        self._on = False

    def set_current(self, on: bool) -> None:
        """Whether it is the chosen one."""
        if on != self._on:
            self._on = on
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = card_ground(painter, self, on=self._on)
        if self.hasFocus():
            focus_ring(painter, rect, theme.px(8))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self.chosen.emit(self.name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.name)
        elif key == Qt.Key.Key_F2:
            self.chosen.emit(self.name)
            self.renamed.emit()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit(self.name)
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.focusNextPrevChild(key == Qt.Key.Key_Down)
        else:
            super().keyPressEvent(event)


class ModulatorsPanel(QWidget):
    """See the module. ``tick`` moves the scopes."""

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setAccessibleName("Modulators")
        self.current = ""
        self.rows: dict[str, ModulatorRow] = {}
        self.large: Scope | None = None
        self._shape: list[tuple[str, str, int]] = []
        self._build()
        listen(self, session, "controls", lambda _: self.reload())
        listen(self, session, "line", lambda _: self.reload())
        self.reload()

    def _build(self) -> None:
        self.add_button = self._add_button()
        head = QHBoxLayout()
        head.addWidget(self.add_button)
        head.addStretch(1)
        self._list = QVBoxLayout()
        self._list.setSpacing(theme.space(1.5))
        holder = QWidget()
        inner = QVBoxLayout(holder)
        inner.setContentsMargins(0, 0, theme.space(2), 0)
        inner.addLayout(self._list)
        inner.addStretch(1)
        self.area = scrolled(holder)
        self.empty = EmptyState("waves", "Nothing moves by itself yet", "A wave, a random walk, an envelope, or what a "
                                "player plays can move any parameter. Your own values stay as they are.",
                                "Add a wave")
        self.empty.activated.connect(partial(self.add, "lfo"))
        left = QVBoxLayout()
        left.setSpacing(theme.space(2))
        left.addLayout(head)
        left.addWidget(self.area, 1)
        left.addWidget(self.empty, 1)
        self.detail = QFrame()
        theme.set_role(self.detail, "card")
        self.detail.setAccessibleName("The chosen modulator")
        self.title = label("", "title")
        self.about = label("", "small", wrap=True)
        self.scope_place = QVBoxLayout()
        self.form = ModulatorForm(self.session)
        self.form.refused.connect(lambda text: self.session.notice(text, level="warning"))
        self.routes = RouteRows(self.session)
        self.move_more = button("Move …", "plus", clicked=self.choose_target,
                                tip="Choose a parameter that it moves; each change of depth counts at once")
        self.bind = button("Press …", "target", clicked=self.choose_pressed,
                           tip="Bind it like a pad: a note or word switches, fires or chooses something")
        self.remove = button("Remove", "trash", clicked=lambda: self.drop(self.current),
                             tip="Take the modulator away, with what it moves (Delete)")
        top = QHBoxLayout()
        self.rename = tool_button("rename", "Rename the modulator", clicked=self.ask_name, size=14,
                                  tip="Another name; what it moves follows (F2 in the list)")
        top.addWidget(self.title)
        top.addWidget(self.rename)
        top.addStretch(1)
        top.addWidget(self.remove)
        column = QVBoxLayout(self.detail)
        column.setContentsMargins(*(theme.space(n) for n in (4, 3, 4, 3)))
        column.setSpacing(theme.space(2))
        column.addLayout(top)
        inside = QWidget()  # scrolled as a whole: a small window shows it part by part
        inner_column = QVBoxLayout(inside)
        inner_column.setContentsMargins(0, 0, theme.space(1), 0)
        inner_column.setSpacing(theme.space(2))
        inner_column.addWidget(self.about)
        inner_column.addLayout(self.scope_place)
        inner_column.addWidget(self.form)
        moves = QHBoxLayout()
        moves.addWidget(label("Moves", "strong"), 1)
        moves.addWidget(self.bind)
        moves.addWidget(self.move_more)
        inner_column.addLayout(moves)
        inner_column.addWidget(self.routes, 1)
        column.addWidget(scrolled(inside), 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, theme.space(3), 0, 0)
        row.setSpacing(theme.space(4))
        row.addLayout(left, 5)
        row.addWidget(self.detail, 6)

    def _add_button(self) -> QToolButton:
        made = QToolButton()
        made.setText("Add")
        made.setIcon(icons.icon("plus", "text", "accent"))
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        made.setProperty("role", "raised")
        made.setAccessibleName("Add a modulator")
        made.setToolTip("A wave, a random walk, an envelope, what a player plays …")
        made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        menu = QMenu(made)
        menu.setToolTipsVisible(True)
        for kind in KINDS:
            title, about, icon = KIND_WORDS[kind]
            menu.addAction(icons.icon(icon), title, partial(self.add, kind)).setToolTip(about)
        made.setMenu(menu)
        return made

    # --- what can be done ---

    def add(self, kind: str) -> Modulator:
        """Add a modulator of a kind and choose it."""
        made = self.session.controls.add_modulator(CLASSES[kind](KIND_WORDS[kind][0]))
        self.choose(made.name)
        return made

    def drop(self, name: str) -> None:
        """Take one away."""
        if any(known.name == name for known in self.session.controls.modulators):
            self.session.controls.remove_modulator(name)

    def choose(self, name: str) -> None:
        """Show one with its settings."""
        self.current = name
        self.reload()

    def ask_name(self) -> None:
        """Ask for another name."""
        old, controls = self.current, self.session.controls

        def take(name: str) -> None:
            rename_modulator(controls, old, name)
            self.choose(name)

        if old:
            ask_text(self, "Rename a modulator", "name", old, take, button_text="Rename",
                     check=partial(fault, controls, old))

    def choose_target(self) -> None:
        """Choose a parameter that the modulator moves."""
        self._ask(self.move_more, self._route, modulated=True, hint="What shall it move?")

    def choose_pressed(self) -> None:
        """Choose what it presses."""
        self._ask(self.bind, self._press, modulated=False, hint="What shall it press?")

    def _ask(self, anchor: QWidget, chosen: Callable[[Offer], object], *, modulated: bool, hint: str) -> None:
        if self.current:
            TargetChooser(self.session, anchor, chosen, modulated=modulated, hint=hint).show()

    def _route(self, offer: Offer) -> None:
        self.session.controls.route(self.current, offer.target, DEPTH)

    def _press(self, offer: Offer) -> None:
        number = self.session.controls.board.style(offer.target) == "number"
        self.session.controls.bind(Source(MODULATOR, address=self.current), offer.target,
                                   mode="toggle" if number else "auto", takeover="jump")
        self.session.notice(f"{self.current} presses {offer.title}; it is among the bindings")

    # --- showing ---

    def reload(self) -> None:
        """Show what the session has now."""
        controls = self.session.controls
        modulators = controls.modulators
        ends = [route.modulator for route in controls.routes]
        ends += [b.source.address for b in controls.bindings if b.source.kind == MODULATOR]
        moved = {known.name: ends.count(known.name) for known in modulators}
        shape = [(known.name, known.kind, moved[known.name]) for known in modulators]
        if shape != self._shape:
            self._shape = shape
            focused = next((name for name, row in self.rows.items() if row.hasFocus()), "")
            clear(self._list)
            self.rows = {}
            for known in modulators:
                row = self.rows[known.name] = ModulatorRow(known, moved[known.name])
                row.chosen.connect(self.choose)
                row.removed.connect(self.drop)
                row.renamed.connect(self.ask_name)
                self._list.addWidget(row)
            if focused in self.rows:
                self.rows[focused].setFocus()
        if self.current not in self.rows:
            self.current = next(iter(self.rows), "")
        self.empty.setVisible(not modulators)
        self.area.setVisible(bool(modulators))
        self.detail.setVisible(bool(modulators))
        for name, row in self.rows.items():
            row.set_current(name == self.current)
        chosen = next((known for known in modulators if known.name == self.current), None)
        if chosen is not None:
            self._show(chosen)

    def _show(self, chosen: Modulator) -> None:
        self.title.setText(chosen.name)
        self.about.setText(KIND_WORDS[chosen.kind][1])
        if self.large is None or self.large.modulator.name != chosen.name:
            clear(self.scope_place)
            self.large = Scope(chosen, large=True)
            self.scope_place.addWidget(self.large)
        self.form.show_modulator(chosen)
        self.routes.show_routes(chosen.name)

    def tick(self) -> None:
        """Move the scopes; about 25 times a second."""
        for known in self.session.controls.modulators:
            row = self.rows.get(known.name)
            if row is not None:
                row.scope.tick(known)
            if self.large is not None and known.name == self.current:
                self.large.tick(known)
        self.routes.tick()

    def refresh(self) -> None:
        """What changes slowly."""
        self.routes.refresh()
