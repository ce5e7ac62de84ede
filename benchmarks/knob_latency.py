"""From the knob to the screen: a value is set in the real window, until the programme is painted with it.

The target is one frame of the deck and the generator's own time: a value that is set just after a step began has to
wait for the next one, and the picture for the next tick of the window. Run: python benchmarks/knob_latency.py
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

TURNS = 60
OWN_MS = (0.0, 20.0)
"""How long the generator's step takes: nothing, and a small network's time."""

LEVEL = '''
import threading
import numpy as np
from studio.api import Float, Generator

class Level(Generator):
    """A grey that waits as long as a network would work."""
    id, version, makes, title = "bench.level", 1, "image", "Level"
    level = Float(0.0, 0.0, 1.0)
    own = Float(0.0, 0.0, 1.0, unit="s")

    def step(self, ctx):
        if self.own:
            threading.Event().wait(self.own)
        return np.full((360, 640, 3), self.level, np.float32)
'''


def run() -> dict[str, Any]:
    """The figures, as ``reverie bench`` prints them."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["REVERIE_HOME"] = home
        place = Path(home) / "level.py"
        place.write_text(LEVEL)
        return _measure(place)


def _measure(place: Path) -> dict[str, Any]:
    from PySide6.QtCore import QEventLoop

    from studio.engine.threads import be_prompt, stop_all
    from studio.plugins import Registry, read_plugin
    from studio.session.session import Session
    from studio.ui import app, theme
    from studio.ui.window import MainWindow

    sys.setswitchinterval(app.SWITCH_SECONDS)
    be_prompt()
    application = app.make_application()
    session = Session(Registry([read_plugin(place)]))
    theme.apply(application)
    window = MainWindow(session)
    window.show()
    session.load("A", "bench.level")

    def until(true: Any, seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
            if time.monotonic() > end:
                raise TimeoutError("the window does not show what was set")

    until(lambda: session.decks["A"].frame() is not None)
    frame_ms = 1000.0 / float(session.settings["fps"])
    rows = []
    for own in OWN_MS:
        session.set_value("A", 0, "own", own / 1000.0)
        found = []
        for turn in range(TURNS):
            before = window.figures.latency[0]
            session.set_value("A", 0, "level", (turn % 50 + 1) / 51)
            until(lambda before=before: window.figures.latency[0] > before)  # type: ignore[misc]
            found.append(window.figures.latency[1] * 1000.0)
            waited = time.monotonic() + (turn * 7 % 33) / 1000.0  # another moment of the frame each time
            until(lambda waited=waited: time.monotonic() > waited)  # type: ignore[misc]
        found.sort()
        rows.append((own, statistics.median(found), found[int(0.95 * len(found))], max(found)))
    window.close_now()
    session.close()
    stop_all(5.0)
    own, middle = rows[-1][:2]
    target = frame_ms + own
    detail = "; ".join(f"own time {o:.0f} ms: median {m:.1f}, p95 {p:.1f}, worst {w:.1f} ms" for o, m, p, w in rows)
    return {"name": "knob_latency", "ratio": target / middle, "target": 1.0, "ours": middle, "reference": target,
            "unit": "ms", "note": f"target {target:.0f} ms = one frame and the network's time; {detail}"}


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
    sys.stdout.flush()
    os._exit(0)
