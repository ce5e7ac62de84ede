"""Choosing the output's screen, scaling and pattern, and remembering them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6.QtCore import QObject
from PySide6.QtGui import QActionGroup, QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from studio.session.session import Session
from studio.ui import icons
from studio.ui.programme.compose import SCALINGS
from studio.ui.programme.output import OutputWindow, ScreenLabel, describe, find_screen, identify
from studio.ui.programme.ways_out import PreviewDialog, fill_ways_out

_SCALING_WORDS = {
    "fit": "Fit: the whole picture", "fill": "Fill: cut to the screen", "stretch": "Stretch to the screen",
    "1:1": "1:1: pixel for pixel",
}


class OutputControl(QObject):
    """The menu and the keys of the output. ``places`` is the window's memory; ``keep`` writes it down."""

    def __init__(
        self, window: QWidget, output: OutputWindow, session: Session, places: dict[str, Any],
        keep: Callable[[], None], say: Callable[[str], None],
    ) -> None:
        super().__init__(window)
        self._window, self.output, self._session = window, output, session
        self._places, self._keep, self._say = places, keep, say
        self.labels: list[ScreenLabel] = []
        stored = places.get("output")
        self._stored: dict[str, Any] = stored if isinstance(stored, dict) else {}
        if self._stored.get("scaling") in SCALINGS:
            output.set_scaling(self._stored["scaling"])
        self._was_waiting = False
        output.changed.connect(self._changed)

    def restore(self) -> None:
        """Open the output again where it was open last, unless the controls are there."""
        screen = find_screen(str(self._stored.get("screen", "")))
        if self._stored.get("open") is True and screen is not None and screen is not self._window.screen():
            self.output.show_on(screen)

    def show(self, name: str) -> None:
        """The programme on the screen of this name; '' closes it."""
        screen = find_screen(name)
        if screen is None:
            self.output.close_output()
        else:
            self.output.show_on(screen, focus=screen is self._window.screen())
        self._remember()

    def toggle(self) -> None:
        """Close the output, or open it on the screen of the last time, else on one that the controls are not on."""
        if self.output.screen_name:
            self.show("")
            return
        own = self._window.screen()
        others = [screen for screen in QGuiApplication.screens() if screen is not own]
        last = find_screen(str(self._stored.get("screen", "")))
        if last is not None and last is not own:
            self.show(last.name())
        elif others:
            self.show(others[0].name())
        else:
            cure = "plug in a projector and extend the desktop to it; Output in the bar uses this one"
            self._session.notice("There is no second screen", level="warning", cure=cure)

    def set_scaling(self, scaling: str, _checked: bool = False) -> None:
        """One of SCALINGS."""
        self.output.set_scaling(scaling)
        self._remember()

    def toggle_pattern(self) -> None:
        """The test pattern on or off."""
        self.output.set_pattern(not self.output.pattern)
        self._changed()

    def identify(self) -> None:
        """Show for a moment on every screen which one it is."""
        self.end_labels()
        self.labels = identify()

    def end_labels(self) -> None:
        """Take the numbers away."""
        for label in self.labels:
            if shiboken6.isValid(label):
                label.close()
        self.labels = []

    def open_preview(self) -> None:
        """The dialog of the preview in a browser."""
        PreviewDialog(self._session, self._window).show()

    def fill_menu(self, menu: QMenu) -> None:
        """Every screen by name, how the picture is scaled, pattern and numbers."""
        menu.clear()
        own = self._window.screen()
        group = QActionGroup(menu)
        for screen in QGuiApplication.screens():
            text = f"{screen.name()}  ·  {describe(screen)}"
            if screen is own:
                text += "  (this screen; Escape returns)"
            action = menu.addAction(icons.icon("monitor"), text)
            action.setCheckable(True)
            action.setChecked(screen.name() == self.output.screen_name)
            action.triggered.connect(functools.partial(self._asked, screen.name()))
            group.addAction(action)
        if self.output.waiting:
            menu.addAction(f"{self.output.screen_name} is not there; the output returns with it").setEnabled(False)
        elif len(QGuiApplication.screens()) < 2:
            menu.addAction("No second screen: plug in a projector and extend the desktop to it").setEnabled(False)
        menu.addSection("Scaling")
        modes = QActionGroup(menu)
        for scaling in SCALINGS:
            action = menu.addAction(_SCALING_WORDS[scaling])
            action.setCheckable(True)
            action.setChecked(scaling == self.output.scaling)
            action.triggered.connect(functools.partial(self.set_scaling, scaling))
            modes.addAction(action)
        menu.addSeparator()
        pattern = menu.addAction(icons.icon("grid"), "Test pattern", self.toggle_pattern)
        pattern.setCheckable(True)
        pattern.setChecked(self.output.pattern)
        menu.addAction(icons.icon("eye"), "Which screen is which", self.identify)
        menu.addAction(icons.icon("close"), "Close the output", lambda: self.show("")).setEnabled(
            bool(self.output.screen_name))
        fill_ways_out(menu, self._session, self._window)

    def _asked(self, name: str, _checked: bool = False) -> None:
        self.show(name)

    def _changed(self) -> None:
        output = self.output
        if output.waiting and not self._was_waiting:
            self._session.notice(f"The output screen {output.screen_name} is gone; the output returns with it",
                                 level="warning", cure="check the cable and the projector")
        elif self._was_waiting and output.isVisible():
            self._session.notice(f"The output is back on {output.screen_name}")
        self._was_waiting = output.waiting
        self._say(self.text())

    def text(self) -> str:
        """Where the programme goes, for the operator."""
        name = self.output.screen_name
        where = f" → {name}" if name else ""
        return f"PROGRAMME{where}{' (gone)' if self.output.waiting else ''}{' · TEST PATTERN' if self._shown() else ''}"

    def _shown(self) -> bool:
        return self.output.pattern and bool(self.output.screen_name)

    def _remember(self) -> None:
        name = self.output.screen_name or str(self._stored.get("screen", ""))
        self._stored = {"screen": name, "scaling": self.output.scaling, "open": bool(self.output.screen_name)}
        self._places["output"] = self._stored
        self._keep()
