"""Control: what moves what. Bindings, modulators, OSC and the clock, each on a tab of its own."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QTabWidget, QWidget

from studio.session.core import Core
from studio.ui import icons
from studio.ui.control.bindings import BindingsPanel
from studio.ui.control.clock import ClockPanel
from studio.ui.control.clock_out import ClockOutCard
from studio.ui.control.modulators import ModulatorsPanel
from studio.ui.control.osc import OscPanel
from studio.ui.pages.parts import Page

TICK_MS = 40
PARTS = (("bindings", "Bindings", "faders"), ("modulators", "Modulators", "waves"), ("osc", "OSC", "share"),
         ("clock", "Clock", "bpm"))


class ControlPage(Page):
    """See the module. Meters and scopes move only while they are seen."""

    widest = 2000

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(session, "Control", "", parent)
        self.bindings = BindingsPanel(session, lambda: self.wish_learning())
        self.modulators = ModulatorsPanel(session)
        self.osc = OscPanel(session)
        self.clock = ClockPanel(session)
        self.clock_out = ClockOutCard(session)
        self.clock.add_section("Who follows", self.clock_out)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Parts of the control page")
        self.panels = {"bindings": self.bindings, "modulators": self.modulators, "osc": self.osc, "clock": self.clock}
        for name, title, icon in PARTS:
            self.tabs.addTab(self.panels[name], icons.icon(icon, "dim", "accent"), title)
        self.tabs.currentChanged.connect(lambda _: self.refresh())
        self.body.addWidget(self.tabs, 1)
        self.learning: Callable[[], bool] | None = None
        """Begins or ends learning by clicks; the window has it."""
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self._tick)

    def show_part(self, name: str) -> QWidget:
        """Show one of the tabs by its name in PARTS."""
        self.tabs.setCurrentWidget(self.panels[name])
        return self.panels[name]

    def wish_learning(self) -> None:
        """Begin or end learning by clicks."""
        if self.learning is not None:
            self.learning()

    def _tick(self) -> None:
        self.tabs.currentWidget().tick()  # type: ignore[attr-defined]

    def refresh(self) -> None:
        """What changes slowly, of the tab that is seen."""
        self.tabs.currentWidget().refresh()  # type: ignore[attr-defined]
        self.clock_out.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.session.controls.watch(True)
        self._timer.start()
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()
        self.session.controls.watch(False)
