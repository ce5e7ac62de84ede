"""Starting the window and ending it well."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from studio import __version__
from studio.engine.threads import be_prompt, leave, spawn
from studio.files import FileError
from studio.library.settings import load_settings
from studio.session.live_reload import LiveReload
from studio.session.session import Session
from studio.ui import theme
from studio.ui.faults import Faults
from studio.ui.garbage import Garbage
from studio.ui.recording.commands import finish_left
from studio.ui.window import MainWindow

log = logging.getLogger("reverie.ui")

SWITCH_SECONDS = 0.0005
"""How often threads of Python take turns: with the usual 5 ms a busy plugin makes the window's worst gap 28 ms, with
this 2 ms."""

FIRST_GENERATOR, FIRST_PRESET = "reverie.latent_explorer", "garden-walk"
"""What moves before anybody has touched anything."""


def make_application(arguments: list[str] | None = None) -> QApplication:
    """The one application object, with our name and theme."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    QGuiApplication.setDesktopFileName("reverie")
    application = QApplication(arguments or sys.argv[:1])
    application.setApplicationName("Reverie Studio")
    application.setApplicationVersion(__version__)
    return application


def make_session(report: list[str] | None = None) -> Session:
    """A session with the user's settings."""
    settings, notes = load_settings()
    session = Session(settings=settings)
    for line in [*notes, *(report or [])]:
        session.notice(line, level="warning")
    return session


def first_look(session: Session) -> None:
    """Something beautiful, moving."""
    session.load("A", FIRST_GENERATOR, preset=FIRST_PRESET)
    session.history.clear()
    session.modified = False


def _choose_device(session: Session) -> None:
    """Ask torch for a GPU on another thread, since importing it takes a while; decks loaded later use it."""
    wanted = str(session.settings["device"])

    def work() -> None:
        from studio.nn.device import choose

        try:
            device = choose(wanted)
        except ValueError as error:
            session.notice(str(error), level="warning")
            return

        def use() -> None:
            session.device = device
            for line in session.lines():
                line.worker.device = device

        session.events.call(use)

    spawn("reverie device", work, lambda: None)


def run(path: str = "", arguments: list[str] | None = None) -> int:
    """Show the window and stay until it is closed; ``path`` is a session, picture or other file to open."""
    sys.setswitchinterval(SWITCH_SECONDS)
    be_prompt()
    application = make_application(arguments)
    garbage = Garbage()
    session = make_session()
    theme.apply(application, str(session.settings["theme"]), float(session.settings["scale"]))
    faults = Faults(session)
    live = LiveReload(session)
    window = MainWindow(session)
    _stop_on_signals(application, window)
    window.show()
    QTimer.singleShot(0, lambda: _begin(window, path))
    code = application.exec()
    faults.remove()
    live.stop()
    session.close()
    garbage.end()
    leave(code)
    return code


def _begin(window: MainWindow, path: str) -> None:
    session = window.session
    _choose_device(session)
    if path:
        window.dropped_files([Path(path).expanduser()])
    else:
        first_look(session)
        if window.places.get("welcome", True) is not False:
            window.welcome()
    finish_left(session)
    try:
        window.files.offer_recovery()
    except FileError as error:
        session.notice(str(error), level="warning")


def _stop_on_signals(application: QApplication, window: MainWindow) -> None:
    """Ctrl-C in the terminal, a log-out or a kind kill end the studio as its own menu does, without questions."""

    def stop(number: int, frame: FrameType | None) -> None:
        window.session.autosave()
        window.close_now()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    application.commitDataRequest.connect(lambda _: window.session.autosave())


def display_missing() -> str:
    """Why no window can be shown here, '' when one can."""
    if sys.platform.startswith("linux") and not os.environ.get("QT_QPA_PLATFORM"):
        if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            return "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    return ""
