"""A session with three tiny generators, for tests of the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.plugins import Registry
from studio.session.session import Session
from tests.stand import COUNT, DIM, SHADE, write_plugins


def make_session(folder: Path) -> Session:
    """A session whose only plugins are one grey, half the light and four notes a bar."""
    return Session(Registry(write_plugins(folder, {"shade": SHADE, "dim": DIM, "count": COUNT})))


def pumped(session: Session, qtbot: Any, true: Callable[[], object], timeout: int = 20_000) -> None:
    """Pump the session and the event loop until ``true()``."""

    def look() -> bool:
        session.pump()
        return bool(true())

    qtbot.waitUntil(look, timeout=timeout)


def level(session: Session, name: str = "A") -> int:
    """The grey that a deck shows, -1 for nothing."""
    frame = session.decks[name].frame()
    return -1 if frame is None else int(frame[0, 0, 0])
