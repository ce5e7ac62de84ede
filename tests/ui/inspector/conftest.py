"""A real session whose plugins were written as a user writes them, and its inspector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers_inspector import BROKEN, EFFECT, ZOO, Desk
from pytestqt.qtbot import QtBot

from studio.engine.threads import stop_all
from studio.plugins import Registry
from studio.session.session import Session
from tests.stand import write_plugins


@pytest.fixture
def session(tmp_path: Path, qtbot: QtBot) -> Iterator[Session]:
    plugins = write_plugins(tmp_path, {"zoo": ZOO, "veil": EFFECT, "broken": BROKEN})
    for plugin in plugins:
        plugin.state = "enabled" if plugin.state == "found" else plugin.state
        plugin.reason = ""
    made = Session(Registry(plugins))
    yield made
    made.close()
    stop_all(5.0)


@pytest.fixture
def desk(qtbot: QtBot, session: Session) -> Desk:
    return Desk(qtbot, session)


@pytest.fixture
def zoo(desk: Desk) -> Desk:
    desk.show()
    return desk
