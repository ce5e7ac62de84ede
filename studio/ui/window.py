"""The main window: transport above, a rail of pages at the left, and the stage with its docks."""

from __future__ import annotations

import functools
import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QMainWindow,
    QSplitter,
    QStackedWidget,
    QToolBar,
    QWidget,
)

from studio.session.exporting import export_folder
from studio.session.session import Session
from studio.ui import actions, layouts, theme
from studio.ui.audio.panel import AudioPanel
from studio.ui.commands import add_commands
from studio.ui.control_commands import connect_page
from studio.ui.decks import DecksPanel
from studio.ui.figures import Figures
from studio.ui.inspector import Inspector
from studio.ui.jobs import JobsStrip
from studio.ui.kit import folders
from studio.ui.kit.mime import Dropped
from studio.ui.learn_mode import LearnMode
from studio.ui.library import LibraryDock
from studio.ui.listen import listen
from studio.ui.own_view import OwnView
from studio.ui.programme import OutputControl, OutputWindow, Programme
from studio.ui.rail import PAGES, Rail
from studio.ui.sessions import SessionFiles
from studio.ui.setlist import SetListPanel
from studio.ui.stage import Stage
from studio.ui.transport import Transport
from studio.ui.welcome import Welcome, take_way

TICK_MS = 16


class MainWindow(QMainWindow):
    """See the module. One timer drives everything: no worker ever calls into the window."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setObjectName("main")
        self.setAccessibleName("Reverie Studio")
        self.resize(1280, 720)
        self.setMinimumSize(960, 600)
        self.setAcceptDrops(True)
        self.programme = Programme(session)
        self.output = OutputWindow(self.programme, session)
        self.places = layouts.load_places()
        self.pages: dict[str, QWidget] = {}
        self._closing = self._shown = False
        self._ticks = 0
        self.figures = Figures(session)
        self.look: dict[str, Any] | None = None
        self.files: SessionFiles
        self.learn_mode: LearnMode
        folders.begin_in(lambda: export_folder(session))
        self._build()
        self.actions_ = actions.Actions(self)
        add_commands(self)
        for signal in ("line", "session", "history"):
            listen(self, session, signal, lambda _: self._title())
        listen(self, session, "values", self.figures.edited)
        self.decks.programme.on_painted = self.figures.painted
        self._restore_places()
        self._title()
        self.timer = QTimer(self)
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self.tick)
        self.timer.start(TICK_MS)

    # --- building ---

    def _build(self) -> None:
        session = self.session
        self.transport = Transport(session)
        self.transport.snapshot_requested.connect(self.take_snapshot)
        bar = QToolBar("Transport")
        bar.setObjectName("transport-bar")
        bar.setMovable(False)
        bar.addWidget(self.transport)
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, bar)
        self.stack = QStackedWidget()
        self.setCentralWidget(self.stack)
        self._build_stage()
        self.rail = Rail(self)
        self.page_actions = self.rail.actions_by_page
        self.addToolBar(Qt.ToolBarArea.LeftToolBarArea, self.rail)
        self.jobs = JobsStrip(session)
        holder = QToolBar("Messages")
        holder.setObjectName("messages-bar")
        holder.setMovable(False)
        holder.addWidget(self.jobs)
        self.addToolBar(Qt.ToolBarArea.BottomToolBarArea, holder)

    def _build_stage(self) -> None:
        """Decks over the own view, with the library and the inspector as docks that can be moved and hidden."""
        self.stage = Stage()
        self.decks = DecksPanel(self.session, self.programme)
        self.decks.dropped.connect(self.dropped_on)
        self.screens = OutputControl(
            self, self.output, self.session, self.places, lambda: layouts.save_places(self.places),
            self.decks.programme.set_label,
        )
        self.output.on_key = self._output_key
        self.decks.output_requested.connect(self.screens.toggle)
        self.transport.fill_output = self.screens.fill_menu
        self.own = OwnView(self.session)
        self.own.view_made.connect(self._view_made)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.addWidget(self.decks)
        self.split.addWidget(self.own)
        self.split.setChildrenCollapsible(False)
        self.split.setStretchFactor(0, 5)
        self.split.setStretchFactor(1, 6)
        self.stage.setCentralWidget(self.split)
        self.library = LibraryDock(self.session)
        self.setlist = SetListPanel(self.session)
        self.sound = AudioPanel(self.session)
        self.inspector = Inspector(self.session)
        self.inspector.page_requested.connect(self.show_page)
        self.docks = {
            "library": self._dock("Library", self.library, Qt.DockWidgetArea.LeftDockWidgetArea),
            "inspector": self._dock("Inspector", self.inspector, Qt.DockWidgetArea.RightDockWidgetArea),
            "setlist": self._dock("Set list", self.setlist, Qt.DockWidgetArea.LeftDockWidgetArea),
            "sound": self._dock("Sound in", self.sound, Qt.DockWidgetArea.LeftDockWidgetArea),
        }
        for name in ("setlist", "sound"):
            self.stage.tabifyDockWidget(self.docks["library"], self.docks[name])
            self.docks[name].hide()
        self.stack.addWidget(self.stage)
        self.pages["stage"] = self.stage

    def _dock(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title)
        dock.setObjectName(title.lower())
        dock.setWidget(widget)
        dock.setAccessibleName(title)
        self.stage.addDockWidget(area, dock)
        return dock

    def show_page(self, name: str) -> QWidget:
        """Show a page by its name in PAGES; it is made when it is first wanted."""
        if name not in self.pages:
            module, _, cls = next(place for key, _, _, place in PAGES if key == name).partition(":")
            self.pages[name] = getattr(importlib.import_module(module), cls)(self.session)
            self.stack.addWidget(self.pages[name])
            wish = getattr(self.pages[name], "show_page", None)
            if wish is not None:
                wish.connect(self.show_page)
            connect_page(self, name)
        self.stack.setCurrentWidget(self.pages[name])
        self.page_actions[name].setChecked(True)
        return self.pages[name]

    def _view_made(self, view: QWidget) -> None:
        wish = getattr(view, "train_requested", None)
        if wish is not None:
            wish.connect(functools.partial(self.train, "style"))

    def toggle_learning(self) -> bool:
        """Begin or end learning by clicks, on the stage; returns whether it is on now."""
        on = self.learn_mode.toggle()
        if on:
            self.show_page("stage")
        return on

    def train(self, recipe: str, data: str) -> None:
        """Open the training page with a recipe and its data filled in."""
        page: Any = self.show_page("training")
        page.prefill(recipe, data)

    # --- the timer ---

    def tick(self) -> None:
        """Deliver news, pull pictures; the slower parts take turns."""
        now = time.monotonic()
        self._ticks += 1
        self.session.pump()
        if self.programme.refresh():
            self.figures.seen(now)
        # what is painted together keeps the thread for so long: previews, own view and the rest take turns
        turn = self._ticks % 4
        if self.stack.currentWidget() is self.stage:
            self.decks.refresh({1: "A", 3: "B"}.get(turn, ""))
            if turn == 2:
                self.own.refresh()
        self.output.refresh()
        if turn == 0:
            self.transport.refresh()
        if turn == 1 and self.docks["sound"].isVisible():
            self.sound.refresh()
        if self._ticks % 6 == 1 and self.docks["inspector"].isVisible():
            self.inspector.refresh()
        if self._ticks % 15 == 3:
            self._slow()

    def _slow(self) -> None:
        self.jobs.refresh()
        self.session.autosave_tick()
        page = self.stack.currentWidget()
        if page is self.stage:
            self.decks.slow_refresh()
            self.library.refresh()
            self.setlist.refresh()
        elif page is not None:
            page.refresh()  # type: ignore[attr-defined]
        self.transport.show_figures(self.figures.text())

    def _title(self) -> None:
        star = " •" if self.session.modified else ""
        self.setWindowTitle(f"{self.session.shown_name()}{star} — Reverie Studio")

    # --- what the window does ---

    def welcome(self) -> None:
        """Show the first page."""
        self.show_page("stage")
        page = Welcome(self.session)
        page.again.setChecked(self.places.get("welcome", True) is not False)
        page.again.toggled.connect(lambda on: self.places.__setitem__("welcome", on))
        page.chosen.connect(self._welcome_chosen)
        page.closed.connect(self.own.hide_welcome)
        self.own.show_welcome(page)

    def _welcome_chosen(self, key: str) -> None:
        self.own.hide_welcome()
        take_way(self.session, key)

    def layout_as(self, name: str) -> None:
        """One of our three arrangements."""
        self.show_page("training" if name == layouts.TRAIN else "stage")
        if name == layouts.TRAIN:
            return
        self.docks["library"].setFloating(False)
        self.docks["inspector"].setFloating(False)
        self.stage.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, self.docks["library"])
        self.stage.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.docks["inspector"])
        for tab in ("setlist", "sound"):
            self.stage.tabifyDockWidget(self.docks["library"], self.docks[tab])
        self.docks["library"].setVisible(name == layouts.EXPLORE)
        self.docks["inspector"].setVisible(True)
        self.own.setVisible(name == layouts.EXPLORE)
        height = max(1, self.split.height())
        self.split.setSizes([round(height * 0.44), round(height * 0.56)])
        self.stage.resizeDocks(
            [self.docks["library"], self.docks["inspector"]], [theme.px(248), theme.px(300)], Qt.Orientation.Horizontal
        )

    def toggle_dock(self, name: str) -> None:
        """Show or hide the library, the inspector or the set list."""
        self.show_page("stage")
        dock = self.docks[name]
        behind = dock.isVisible() and dock.visibleRegion().isEmpty()  # behind another tab
        dock.setVisible(behind or not dock.isVisible())
        dock.raise_()

    def toggle_own(self) -> None:
        """Show or hide the generator's own view; without it the decks have all the room."""
        self.show_page("stage")
        self.own.setVisible(not self.own.isVisible())

    def _output_key(self, event: QKeyEvent) -> bool:
        """A key pressed on the output window does what it does here, as far as it belongs to playing."""
        return self.actions_.press_of("Play", event)

    def take_snapshot(self) -> None:
        """Keep everything as it is, with a small picture of the programme."""
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        self.programme.picture().save(buffer, "JPEG", 85)  # type: ignore[call-overload]
        made = self.session.take_snapshot(picture=bytes(data.data()))
        self.session.notice(f"Snapshot {made.name} taken")

    def dropped_on(self, line: str, what: Dropped) -> None:
        """Something was dropped on a deck's picture."""
        from studio.ui.dropped import use_on

        use_on(self, line, what)

    def dropped_files(self, files: list[Path], line: str = "") -> None:
        """Files dropped on the window: a look returns, a picture becomes the input, and so on."""
        from studio.ui.library.dropping import use_file

        for path in files[:20]:
            use_file(self, path, line)

    def dragEnterEvent(self, event: Any) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:
        files = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        self.dropped_files(files)
        event.acceptProposedAction()

    # --- keys, places, end ---

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.actions_.press(event):
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._shown:
            self._shown = True
            QTimer.singleShot(0, self, self.screens.restore)
            if not self.places.get("stage"):
                QTimer.singleShot(0, lambda: self.layout_as(layouts.EXPLORE))

    def _restore_places(self) -> None:
        if geometry := layouts.decode(self.places.get("geometry")):
            self.restoreGeometry(geometry)
        if state := layouts.decode(self.places.get("stage")):
            self.stage.restoreState(state)
        if split := layouts.decode(self.places.get("split")):
            self.split.restoreState(split)
        if split := layouts.decode(self.places.get("decks")):
            self.decks.splitter.restoreState(split)

    def save_places(self) -> None:
        """Keep where everything is."""
        self.places.update(
            geometry=layouts.encode(bytes(self.saveGeometry().data())),
            stage=layouts.encode(bytes(self.stage.saveState().data())),
            split=layouts.encode(bytes(self.split.saveState().data())),
            decks=layouts.encode(bytes(self.decks.splitter.saveState().data())),
        )
        layouts.save_places(self.places)

    ask_before_close: Callable[[Callable[[], None]], bool] | None = None
    """Asks what must be asked (unsaved changes, running jobs); True when nothing needs asking. See ``commands``."""

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._closing and self.ask_before_close is not None and not self.ask_before_close(self.close_now):
            event.ignore()
            return
        self._closing = True
        self.timer.stop()
        self.learn_mode.end()
        self.save_places()
        self.screens.end_labels()
        self.output.close()
        self.output.deleteLater()
        self.programme.off()
        self.own.close_all()
        for page in self.pages.values():
            end = getattr(page, "close_page", None)
            if end is not None:
                end()
        self.session.close()
        event.accept()
        application = QApplication.instance()
        if application is not None and self.testAttribute(Qt.WidgetAttribute.WA_QuitOnClose):
            application.quit()

    def close_now(self) -> None:
        """Close without asking."""
        self._closing = True
        self.close()


