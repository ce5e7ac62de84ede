"""The way from a knob to the screen is measured from the value that is set to the picture that is painted."""

from __future__ import annotations

import time
from typing import Any

from studio.session.session import Session
from studio.ui.window import MainWindow
from tests.ui.stand import level


def test_it_ends_with_the_painting_of_a_picture_that_knows_the_value(session: Session, qtbot: Any) -> None:
    window = MainWindow(session)
    qtbot.addWidget(window)
    window.show()
    session.load("A", "test.shade")
    qtbot.waitUntil(lambda: level(session) == 255, timeout=20_000)
    painted: list[tuple[float, int]] = []
    figures, measured = window.figures, window.figures.painted
    window.decks.programme.on_painted = lambda: (
        painted.append((time.monotonic(), window.programme.picture(4, 4).pixelColor(1, 1).red())), measured())
    before = time.monotonic()
    session.set_value("A", 0, "level", 0.5)
    after = time.monotonic()
    qtbot.waitUntil(lambda: figures.latency[0] > before, timeout=20_000)
    when, took = figures.latency
    shown = next(at for at, red in painted if red == 128)
    assert took > 0 and before <= when - took <= after  # it began with the value
    assert when >= shown - 0.002  # and ended when it was painted, not before
    qtbot.waitUntil(lambda: f"knob to screen {took * 1000:.0f} ms" in figures.text(), timeout=5_000)
    window.close_now()


def test_what_nobody_sees_is_not_measured(session: Session, qtbot: Any) -> None:
    window = MainWindow(session)
    qtbot.addWidget(window)
    window.show()
    session.load("B", "test.shade")
    qtbot.waitUntil(lambda: level(session, "B") == 255, timeout=20_000)
    session.set_value("B", 0, "level", 0.5)  # the crossfader is at A
    qtbot.waitUntil(lambda: level(session, "B") == 128, timeout=20_000)
    session.pump()
    assert window.figures.latency == (0.0, 0.0) and "knob to screen" not in window.figures.text()
    window.close_now()
