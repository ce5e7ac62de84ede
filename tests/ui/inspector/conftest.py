"""A real session whose plugins were written as a user writes them, and its inspector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers_inspector import BROKEN, EFFECT, ZOO, Desk
from pytestqt.qtbot import QtBot

from studio.engine.threads import stop_all
from studio.plugins import Registry
from studio.plugins.discovery import read_plugin
from studio.session.session import Session


@pytest.fixture
def session(tmp_path: Path, qtbot: QtBot) -> Iterator[Session]:
    plugins = []
    for name, text in (("zoo", ZOO), ("veil", EFFECT), ("broken", BROKEN)):
        path = tmp_path / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        plugin = read_plugin(path)
        plugin.state = "enabled" if plugin.state == "found" else plugin.state
        plugin.reason = ""
        plugins.append(plugin)
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
