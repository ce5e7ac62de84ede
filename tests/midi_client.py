"""A system's MIDI client, and a session that listens with it in its own process instead of in one beside it."""

from __future__ import annotations

from typing import Any

import pytest

from studio.devices import midi_in
from studio.session import control_ports


class Client:
    """A system's MIDI client with the ports in ``ports``."""

    ports: list[str] = []  # noqa: RUF012
    made: list[Client] = []  # noqa: RUF012

    def __init__(self, *_: Any, **__: Any) -> None:
        self.seen, self.name, self.callback = list(Client.ports), "", None
        Client.made.append(self)

    def get_ports(self) -> list[str]:
        return self.seen

    def get_current_api(self) -> int:
        return 1

    def ignore_types(self, **_: bool) -> None: ...

    def set_callback(self, callback: Any) -> None:
        self.callback = callback

    def open_port(self, number: int, name: str) -> None:
        self.name = self.seen[number]

    def close_port(self) -> None:
        self.name = ""

    def delete(self) -> None: ...


def listen_here(monkeypatch: pytest.MonkeyPatch, *ports: str) -> type[Client]:
    """Controllers of these names are there, without lights; what they say comes from ``Client.made``."""
    import rtmidi

    monkeypatch.setattr(control_ports, "MidiEar", midi_in.MidiInputs)
    monkeypatch.setattr(midi_in, "_clients", lambda: [Client()])
    monkeypatch.setattr(midi_in, "POLL", 0.02)
    monkeypatch.setattr(rtmidi, "get_compiled_api", lambda: [])
    Client.ports, Client.made = list(ports), []
    return Client
