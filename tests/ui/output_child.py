"""The studio's window with its output, for ``test_output_x11``: says on each turn where the output is, does as told."""

from __future__ import annotations

import functools
import json
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication

from studio.engine.threads import leave
from studio.ui import theme
from studio.ui.app import make_application
from studio.ui.window import MainWindow
from tests.ui.stand import make_session


def main() -> int:
    application = make_application()
    theme.apply(application, "dark", 1.0)
    session = make_session(Path(tempfile.mkdtemp()))
    session.load("A", "test.shade", params={"level": 1.0})
    window = MainWindow(session)
    window.show()
    said = ""

    def say() -> None:
        nonlocal said
        output, area = window.output, window.output.geometry()
        text = json.dumps({
            "visible": output.isVisible(), "area": [area.x(), area.y(), area.width(), area.height()],
            "on": output.screen().name() if output.screen() else "", "wanted": output.screen_name,
            "screens": [screen.name() for screen in QGuiApplication.screens()], "own": window.screen().name(),
            "running": session.decks["A"].state, "notices": [notice.text for notice in session.notices],
        })
        if text != said:
            said = text
            print(text, flush=True)

    def obey() -> None:
        for line in sys.stdin:
            words = line.split()
            session.events.call(functools.partial(_do, window, words))

    # every state that the event loop can show is written down, so that a single wrong one is found
    timer = QTimer()
    timer.timeout.connect(say)
    timer.start(0)
    threading.Thread(target=obey, daemon=True).start()
    code = application.exec()
    session.close()
    leave(code)
    return code


def _do(window: MainWindow, words: list[str]) -> None:
    if words[0] == "show":
        window.screens.show(words[1])
    elif words[0] == "quit":
        window.close_now()


if __name__ == "__main__":
    main()
