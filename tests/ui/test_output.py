"""The output window on several screens of a computer that has none, one of them with two pixels a point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from studio.ui import layouts
from studio.ui.window import MainWindow

ROOT = Path(__file__).resolve().parents[2]
SCREENS = {"screens": [
    {"name": "laptop", "x": 0, "y": 0, "width": 1280, "height": 800, "logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1},
    {"name": "beamer", "x": 1280, "y": 0, "width": 3840, "height": 2160, "logicalDpi": 96, "logicalBaseDpi": 96,
     "dpr": 1},
]}
SCALES = "laptop=1;beamer=2"
"""Pixels a point; the platform's own "dpr" reaches its screens but not the windows on them."""

CHILD = '''
import json, sys, tempfile
from pathlib import Path
import numpy as np
from PySide6.QtCore import QEventLoop, QTimer
from studio.engine.threads import leave
from studio.ui import theme
from studio.ui.app import make_application
from studio.ui.window import MainWindow
from tests.ui.stand import make_session

application = make_application()
theme.apply(application, "dark", 1.0)
session = make_session(Path(tempfile.mkdtemp()))
window = MainWindow(session)
window.show()
told = {}

def turn(ms=30):
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()

turn()
told["at start"] = window.output.screen_name
window.screens.toggle()
turn()
output = window.output
area = output.geometry()
told["screen"], told["name"] = output.screen().name(), output.screen_name
told["area"] = [area.x(), area.y(), area.width(), area.height()]
told["full"], told["cursor"] = output.isFullScreen(), output.cursor().shape().name
told["own"] = window.screen().name()
told["frameless"] = bool(output.windowFlags() & output.windowFlags().FramelessWindowHint)
checks = np.zeros((200, 300, 3), np.uint8)
checks[::2, ::2] = checks[1::2, 1::2] = 255
session.decks["A"].worker.mailbox.put(checks)
window.programme.refresh()
window.screens.set_scaling("1:1")
turn()
image = output.grab().toImage()
told["pixels"] = [image.width(), image.height(), image.devicePixelRatio()]
left, top = (image.width() - 300) // 2, (image.height() - 200) // 2
seen = np.array([[image.pixelColor(left + x, top + y).red() for x in range(300)] for y in range(0, 200, 7)])
told["sharp"] = bool((seen == checks[::7, :, 0]).all())
window.screens.toggle_pattern()
turn()
told["label"] = window.decks.programme.label
told["pattern"] = output.grab().toImage().pixelColor(0, 0).name()
window.screens.identify()
turn()
told["labels"] = [[label.screen().name(), label.accessibleName()] for label in window.screens.labels]
if len(sys.argv) > 1:
    output.grab().save(sys.argv[1])
window.close_now()
print(json.dumps(told))
session.close()
leave(0)
'''


def child(folder: Path) -> dict[str, Any]:
    """What the window tells that runs on SCREENS; ``folder`` is its home."""
    (folder / "screens.json").write_text(json.dumps(SCREENS))
    done = subprocess.run(
        [sys.executable, "-c", CHILD], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "QT_QPA_PLATFORM": f"offscreen:configfile={folder / 'screens.json'}",
             "QT_SCREEN_SCALE_FACTORS": SCALES, "REVERIE_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_the_other_screen_sharp_at_two_pixels_a_point_and_remembered(tmp_path: Path) -> None:
    told = child(tmp_path)
    assert told["at start"] == "" and told["own"] == "laptop"
    assert (told["screen"], told["name"], told["full"], told["frameless"]) == ("beamer", "beamer", True, True)
    assert told["cursor"] == "BlankCursor"
    area = told["area"]
    assert told["pixels"] == [area[2] * 2, area[3] * 2, 2.0] and told["sharp"]
    assert told["label"] == "PROGRAMME → beamer · TEST PATTERN" and told["pattern"] == "#ff3030"
    assert {screen for screen, _ in told["labels"]} == {"laptop", "beamer"}
    kept = json.loads((tmp_path / "home" / "config" / "window.json").read_text())["output"]
    assert kept == {"screen": "beamer", "scaling": "1:1", "open": True}
    again = child(tmp_path)
    assert again["at start"] == "beamer"  # it was open at the end: there it is again


def press(widget: Any, key: Qt.Key, mods: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QApplication.sendEvent(widget, QKeyEvent(QEvent.Type.KeyPress, key, mods))


def test_keys_of_playing_work_on_the_output_too_and_escape_closes_it(window: MainWindow, qtbot: Any) -> None:
    name = window.screen().name()
    window.screens.show(name)
    assert window.output.isVisible() and window.output.screen_name == name
    session = window.session
    for key, switch in ((Qt.Key.Key_F10, "blackout"), (Qt.Key.Key_F11, "freeze"), (Qt.Key.Key_F12, "safe")):
        press(window.output, key)
        assert getattr(session.mix, switch)
        press(window.output, key)
        assert not getattr(session.mix, switch)
    press(window.output, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)  # a new session is no business of the stage
    assert QApplication.activeModalWidget() is None
    press(window.output, Qt.Key.Key_Escape)
    assert not window.output.isVisible() and window.output.screen_name == ""


def test_alone_it_says_how_to_get_a_second_screen(window: MainWindow) -> None:
    window.screens.toggle()
    window.session.pump()
    assert not window.output.isVisible()
    assert any(notice.text == "There is no second screen" for notice in window.session.notices)


def test_the_menu_names_screens_and_scalings(window: MainWindow) -> None:
    menu = window.transport.output.menu()
    menu.aboutToShow.emit()
    texts = [action.text() for action in menu.actions()]
    assert texts[0].startswith(window.screen().name()) and "this screen" in texts[0]
    next(action for action in menu.actions() if action.text().startswith("Fill")).trigger()
    assert window.output.scaling == "fill" and layouts.load_places()["output"]["scaling"] == "fill"
    next(action for action in menu.actions() if action.text() == "Test pattern").trigger()
    assert window.output.pattern
    with pytest.raises(ValueError, match="not by 'huge'"):
        window.output.set_scaling("huge")
