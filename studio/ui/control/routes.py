"""What a modulator moves: a row for each parameter with its depth and a live mark."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from studio.control.binding import MODULATOR, Binding
from studio.control.routes import Route
from studio.session.control_status import place_of, route_asleep, title_of
from studio.session.core import Core
from studio.ui import theme
from studio.ui.kit import Elided, Slider, tool_button
from studio.ui.pages.parts import clear, label


class RouteRow(QWidget):
    """One route. The slider is its depth, -100..100 % of the parameter's way; the second mark is what it adds now."""

    def __init__(self, session: Core, route: Route) -> None:
        super().__init__()
        self.session, self.route = session, route
        title = title_of(session, route.target)
        name = Elided(title)
        name.setProperty("role", "strong")
        place = Elided(place_of(session, route.target))
        place.setProperty("role", "small")
        self.reason = label("", "warning", wrap=True)
        self.slider = Slider(norm=(route.depth + 1.0) / 2.0, origin=0.5)
        self.slider.setAccessibleName(f"Depth on {title}")
        self.slider.setToolTip("Depth, −100 to 100 % of the parameter's way; double click: none")
        self.slider.moved.connect(self._moved)
        self.slider.reset.connect(lambda: self._moved(0.5))
        self.figure = label("", "mono")
        self.figure.setFixedWidth(theme.px(52))
        self.both = QCheckBox("both ways")
        self.both.setToolTip("To both sides of your value, or only away from it in one direction")
        self.both.setAccessibleName(f"Both ways on {title}")
        self.both.setChecked(route.bipolar)
        self.both.clicked.connect(lambda on: self._take(self.route.depth, on))
        drop = tool_button("close", f"Move {title} no more", size=14,
                           clicked=lambda: session.controls.unroute(self.route))
        words = QVBoxLayout()
        words.setSpacing(0)
        for part in (name, place, self.reason):
            words.addWidget(part)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, theme.space(1), theme.space(2), theme.space(1))
        row.setSpacing(theme.space(2))
        row.addLayout(words, 4)
        row.addWidget(self.slider, 4)
        row.addWidget(self.figure)
        row.addWidget(self.both)
        row.addWidget(drop)
        self.show_route(route)

    def show_route(self, route: Route) -> None:
        """Its depth as it is now."""
        self.route = route
        if not self.slider.is_down():
            self.slider.set_norm((route.depth + 1.0) / 2.0)
        self.figure.setText(f"{100 * route.depth:+.0f} %")
        self.both.setChecked(route.bipolar)

    def _moved(self, norm: float) -> None:
        self._take(2.0 * norm - 1.0, self.route.bipolar)

    def _take(self, depth: float, bipolar: bool) -> None:
        if (depth, bipolar) != (self.route.depth, self.route.bipolar):
            self.session.controls.route(self.route.modulator, self.route.target, depth, bipolar=bipolar,
                                        gesture=("depth", self.route.modulator, self.route.target))

    def tick(self, value: float) -> None:
        """The modulator's value, 0..1."""
        self.slider.set_ghost(0.5 + 0.5 * self.route.offset(value))

    def refresh(self) -> None:
        """Why it does nothing now, if so."""
        why = route_asleep(self.session, self.route)
        self.reason.setText(f"Rests: {why}" if why else "")
        self.reason.setVisible(bool(why))


class RouteRows(QWidget):
    """The routes of one modulator, and what it presses."""

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.rows: list[RouteRow] = []
        self._name = ""
        self._shape: list[object] = []
        self._column = QVBoxLayout()
        self._column.setSpacing(0)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addLayout(self._column)
        outer.addStretch(1)

    def show_routes(self, name: str) -> None:
        """Show the routes of the modulator of this name."""
        controls = self.session.controls
        routes = [route for route in controls.routes if route.modulator == name]
        pressed = [b for b in controls.bindings if b.source.kind == MODULATOR and b.source.address == name]
        places = [(title_of(self.session, r.target), place_of(self.session, r.target)) for r in routes]
        shape: list[object] = [name, places, [r.target for r in routes], [b.target for b in pressed]]
        if shape != self._shape:
            self._shape, self._name = shape, name
            clear(self._column)
            self.rows = [RouteRow(self.session, route) for route in routes]
            for row in self.rows:
                self._column.addWidget(row)
            for binding in pressed:
                self._column.addLayout(self._pressed(binding))
            if not routes and not pressed:
                self._column.addWidget(label("Nothing yet. “Move …” adds a parameter; a right click on any parameter "
                                             "of the inspector does so too.", "small", wrap=True))
        for row, route in zip(self.rows, routes, strict=True):
            row.show_route(route)
        self.refresh()

    def _pressed(self, binding: Binding) -> QHBoxLayout:

        row = QHBoxLayout()
        number = self.session.controls.board.style(binding.target) == "number" and binding.mode in ("auto", "absolute")
        title = f"{'is bound to' if number else 'presses'} {title_of(self.session, binding.target)}"
        row.addWidget(label(title), 1)
        row.addWidget(label(place_of(self.session, binding.target), "small"))
        row.addWidget(tool_button("close", f"Take away: {title}", size=14,
                                  clicked=partial(self.session.controls.unbind, binding)))
        return row

    def tick(self) -> None:
        """Move the marks."""
        value = next((known.value for known in self.session.controls.modulators if known.name == self._name), 0.0)
        for row in self.rows:
            row.tick(value)

    def refresh(self) -> None:
        """Why some rest."""
        for row in self.rows:
            row.refresh()
