"""Whether memory and threads stay flat while the whole window plays for half an hour.

A GAN on deck A, a DeepDream on deck B, a chorale player, the crossfader on its way to and fro; every ten seconds a
value moves, every half minute the look is stirred, undone, or fades to a snapshot. After ten minutes, in which
everything was used once, what the process holds may grow by 5 % at most until the end.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

MINUTES = float(os.environ.get("REVERIE_BENCH_MINUTES", "40"))
WARM = min(10.0, MINUTES / 4)
GROWTH = 0.05


def resident() -> float:
    """Memory of this process in MiB: its own and what it shares, without what is only mapped."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def run() -> dict[str, Any]:
    """The row for ``reverie bench``."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as home:
        os.environ["REVERIE_HOME"] = home
        return _measure()


def _measure() -> dict[str, Any]:
    from PySide6.QtCore import QEventLoop, QTimer

    from studio.engine.threads import stop_all
    from studio.ui import app, theme
    from studio.ui.window import MainWindow

    sys.setswitchinterval(app.SWITCH_SECONDS)
    application = app.make_application()
    session = app.make_session()
    theme.apply(application)
    window = MainWindow(session)
    window.resize(1280, 720)
    window.show()
    began = time.monotonic()
    session.load("A", "reverie.latent_explorer", preset="garden-walk")
    session.load("B", "reverie.deep_dream", preset="the-long-way")
    player = session.add_player()
    session.load(player.name, "reverie.midi_sequencer")
    app.tame_garbage(window)
    levels: list[tuple[float, float, int]] = []
    snapshots: list[Any] = []
    turn = 0

    def play() -> None:
        nonlocal turn
        turn += 1
        session.set_crossfade(0.5 + 0.5 * math.sin(0.1 * turn))
        if turn % 10 == 0:
            session.set_norm("A", 0, "truncation", (turn // 10 % 10) / 10.0)
        if turn % 30 == 0:
            if len(snapshots) < 4:
                snapshots.append(session.take_snapshot(f"look {turn}"))
            else:
                session.recall(snapshots[turn // 30 % 4], seconds=4.0)
        if turn % 30 == 15:
            session.randomise("A", 0)
        if turn % 30 == 20:
            session.undo()

    def note() -> None:
        levels.append((time.monotonic() - began, resident(), threading.active_count()))
        print(f"{levels[-1][0] / 60:5.1f} min  {levels[-1][1]:7.1f} MiB  {levels[-1][2]} threads", file=sys.stderr)

    timers = []
    for work, seconds in ((play, 1.0), (note, 60.0)):
        timer = QTimer()
        timer.timeout.connect(work)
        timer.start(round(seconds * 1000))
        timers.append(timer)
    loop = QEventLoop()
    QTimer.singleShot(round(MINUTES * 60_000), loop.quit)
    loop.exec()
    note()
    frames = {name: line.worker.status().steps for name, line in session.decks.items()}
    window.close_now()
    stop_all()
    early = [level for level in levels if level[0] >= WARM * 60] or levels
    quarter = max(1, len(early) // 4)
    first = sorted(level[1] for level in early[:quarter])[quarter // 2]
    last = sorted(level[1] for level in early[-quarter:])[quarter // 2]
    grown = last / first - 1.0
    return {
        "name": "memory", "ratio": (1.0 + GROWTH) * first / last, "target": 1.0, "ours": last, "reference": first,
        "unit": "MiB",
        "note": f"median of the first and last quarter of {(MINUTES - WARM):g} minutes: {100 * grown:+.1f} % "
                f"(at most {100 * GROWTH:+.0f} %); threads {early[0][2]} and {early[-1][2]}; frames {frames}",
    }


if __name__ == "__main__":
    print(run())
    os._exit(0)
