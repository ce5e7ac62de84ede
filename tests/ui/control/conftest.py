"""A session with a MIDI controller that the tests play, and pages that are refreshed as the window would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtWidgets import QWidget

from studio.session.session import Session
from tests.midi_client import Client, listen_here
from tests.ui.pages.conftest import Wheels


@pytest.fixture
def pad(monkeypatch: pytest.MonkeyPatch, qtbot: Any) -> Callable[..., None]:
    """``pad((0xB0, 7, 100), …)``: the controller sends."""
    listen_here(monkeypatch, "Pad 20:0")

    def play(*messages: tuple[int, ...]) -> None:
        def listening() -> list[Client]:
            return [client for client in Client.made if client.name and client.callback]

        qtbot.waitUntil(lambda: bool(listening()), timeout=20_000)
        for message in messages:
            listening()[-1].callback((list(message), 0.0), None)

    return play


@pytest.fixture
def session(pad: Any, session: Session, qtbot: Any) -> Iterator[Session]:
    """Turns by itself and has one grey in deck A; the controller is there before it is made."""
    wheels = Wheels(session)
    session.wheels = wheels  # type: ignore[attr-defined]
    session.load("A", "test.shade")
    qtbot.waitUntil(lambda: session.decks["A"].state == "running", timeout=20_000)
    yield session
    wheels.stop()


@pytest.fixture
def show(session: Session, qtbot: Any) -> Callable[..., Any]:
    def shown(kind: type, size: tuple[int, int] = (1232, 590)) -> QWidget:
        page = kind(session)
        qtbot.addWidget(page)
        page.resize(*size)
        page.show()
        session.wheels.pages.append(page)  # type: ignore[attr-defined]
        return page

    return shown
