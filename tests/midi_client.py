"""A system's MIDI client, a session that listens with it in its own process, and a real port where there can be one."""

from __future__ import annotations

from typing import Any

import pytest

from studio.devices import midi_in
from studio.session import control_ports


class Client:
    """A system's MIDI client with the ports of a test; its list stays as it was when it was made, as the real one's."""

    ports: list[str] = []  # noqa: RUF012
    made: list[Client] = []  # noqa: RUF012
    taken: set[str] = set()  # noqa: RUF012

    def __init__(self, *_: Any, **__: Any) -> None:
        self.seen, self.name, self.callback, self.deleted = list(Client.ports), "", None, False
        Client.made.append(self)

    @classmethod
    def plug_in(cls, *ports: str) -> None:
        """These ports are there and free; the clients of the test before are forgotten."""
        cls.ports, cls.made, cls.taken = list(ports), [], set()

    def get_ports(self) -> list[str]:
        return self.seen

    def get_current_api(self) -> int:
        return 1

    def ignore_types(self, **_: bool) -> None: ...

    def set_callback(self, callback: Any) -> None:
        self.callback = callback

    def open_port(self, number: int, name: str) -> None:
        if self.seen[number] in Client.taken:
            raise RuntimeError("busy")
        self.name = self.seen[number]

    def close_port(self) -> None:
        self.name = ""

    def delete(self) -> None:
        self.deleted = True


def listen_here(monkeypatch: pytest.MonkeyPatch, *ports: str) -> type[Client]:
    """Controllers of these names are there, without lights; what they say comes from ``Client.made``."""
    import rtmidi

    monkeypatch.setattr(control_ports, "MidiEar", midi_in.MidiInputs)
    monkeypatch.setattr(midi_in, "_clients", lambda: [Client()])
    monkeypatch.setattr(midi_in, "POLL", 0.02)
    monkeypatch.setattr(rtmidi, "get_compiled_api", lambda: [])
    Client.plug_in(*ports)
    return Client


def virtual_port(kind: str, client: str, port: str) -> Any:
    """An rtmidi ``kind`` ("MidiIn" or "MidiOut") with a port that others see; None where the system has none."""
    import rtmidi

    for api in rtmidi.get_compiled_api():
        try:
            made = getattr(rtmidi, kind)(api, name=client)
            made.open_virtual_port(port)
            return made
        except Exception:
            continue
    return None
