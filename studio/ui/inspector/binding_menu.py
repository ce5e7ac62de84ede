"""A parameter's part in control: binding it to what moves next, and quick modulation, in its row's menu."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu
from shiboken6 import isValid

from studio.control.binding import Binding, Target
from studio.control.modulators import Lfo
from studio.params import Trigger
from studio.ui import icons
from studio.ui.audio.use import add_features
from studio.ui.kit.toast import Toast

if TYPE_CHECKING:
    from studio.ui.inspector.inspector import Inspector
    from studio.ui.inspector.row import ParamRow

QUICK: tuple[tuple[str, Callable[[], Lfo]], ...] = (
    ("Slow wave, once in 8 seconds", lambda: Lfo("Slow wave", rate=0.125)),
    ("Wave, once a bar", lambda: Lfo("Bar wave", rate=0.25, synced=True)),
    ("Wave, once a beat", lambda: Lfo("Beat wave", rate=1.0, synced=True)),
    ("Ramp, once a bar", lambda: Lfo("Bar ramp", shape="saw", rate=0.25, synced=True)),
    ("On and off with the beat", lambda: Lfo("Beat square", shape="square", rate=1.0, synced=True)),
    ("Drift at random", lambda: Lfo("Drift", shape="smooth", rate=0.3)),
    ("A new value on each beat", lambda: Lfo("Beat steps", shape="random", rate=1.0, synced=True)),
)
DEPTH = 0.25
"""How far a quick modulation goes to both sides, as a part of the slider's way."""


class Learning(QObject):
    """Binds a parameter to the control that moves next, with a message while it waits."""

    def __init__(self, inspector: Inspector) -> None:
        super().__init__(inspector)
        self._inspector = inspector
        self._toast: Toast | None = None
        inspector.bind_requested.connect(self.start)

    def start(self, line: str, index: int, name: str) -> None:
        """Wait for a control for this parameter; asked again for the same one, wait no more."""
        controls, panel = self._inspector.session.controls, self._inspector.panel
        target = controls.target(line, index, name)
        again = controls.learning_for == target
        self._close_toast()
        if controls.learning_for is not None:
            controls.cancel_learn()
        if again or panel is None:
            return
        label = panel.edits.param(name).label
        self._toast = Toast.show_in(
            self._inspector.window(), f"Move a knob, press a pad or send OSC for {label}", "info",
            ("Cancel", self.cancel), seconds=0)
        self._toast.closed.connect(lambda: self._closed(target))
        controls.learn(target, lambda binding: self._learned(binding, label))

    def cancel(self) -> None:
        """Wait no more."""
        self._inspector.session.controls.cancel_learn()
        self._close_toast()

    def _closed(self, target: Target) -> None:
        self._toast = None
        controls = self._inspector.session.controls
        if controls.learning_for is target:
            controls.cancel_learn()

    def _learned(self, binding: Binding, label: str) -> None:
        if not isValid(self):
            return
        self._close_toast()
        controls = self._inspector.session.controls
        Toast.show_in(self._inspector.window(), f"{label} follows {binding.source.text()}", "good",
                      ("Remove", lambda: controls.unbind(binding)))

    def _close_toast(self) -> None:
        toast, self._toast = self._toast, None
        if toast is not None and isValid(toast):
            toast.close_it()


def add_control(menu: QMenu, row: ParamRow) -> None:
    """What moves the parameter, and what could."""
    edits = row.edits
    controls = edits.session.controls
    _add(menu, "faders", "Bind to controller…", lambda: row.bind_requested.emit(row.name)).setToolTip(
        "The knob, pad or OSC address that moves next will move this")
    for binding in controls.bindings_of(edits.line, edits.index, row.name):
        _add(menu, "unlink", f"Unbind {binding.source.text()}", functools.partial(controls.unbind, binding))
    heard = menu.addMenu(icons.icon("microphone", "dim"), "Bind to sound")
    add_features(heard, edits.session, edits.line, edits.index, row.name, pushed=False)
    if isinstance(row.param, Trigger):
        return
    modulate = menu.addMenu(icons.icon("waves", "dim"), "Modulate")
    modulate.setToolTipsVisible(True)
    if not row.param.live:
        modulate.setEnabled(False)
        modulate.setTitle("Modulate (each change restarts it)")
        return
    target = controls.target(edits.line, edits.index, row.name)
    routes = {route.modulator: route for route in controls.routes_of(edits.line, edits.index, row.name)}
    for text, make in QUICK:
        _add(modulate, "plus", text, functools.partial(_quick, row, make))
    add_features(modulate.addMenu(icons.icon("microphone", "dim"), "By the sound"), edits.session, edits.line,
                 edits.index, row.name, pushed=True)
    if controls.modulators:
        modulate.addSeparator()
    for modulator in controls.modulators:
        name = modulator.name
        action = _add(modulate, "", name, lambda: None)
        action.setCheckable(True)
        action.setChecked(name in routes)
        act = functools.partial(controls.unroute, routes[name]) if name in routes else functools.partial(
            controls.route, name, target, DEPTH)
        action.triggered.connect(lambda _on, act=act: act())
    if routes:
        modulate.addSeparator()
        _add(modulate, "close", "No modulation", lambda: controls.unroute(*routes.values()))


def _quick(row: ParamRow, make: Callable[[], Lfo]) -> None:
    """Add an LFO and let it move this parameter, as one step of undo."""
    edits = row.edits
    controls = edits.session.controls
    with edits.session.edit(f"Modulate {row.param.label}"):
        made = controls.add_modulator(make())
        controls.route(made.name, controls.target(edits.line, edits.index, row.name), DEPTH)


def _add(menu: QMenu, icon_name: str, text: str, slot: Callable[[], object]) -> QAction:
    action = menu.addAction(icons.icon(icon_name, "dim"), text) if icon_name else menu.addAction(text)
    action.triggered.connect(lambda *_: slot())
    return action
