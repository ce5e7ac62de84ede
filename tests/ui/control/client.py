"""A system's MIDI client for the tests of the page Control."""

from __future__ import annotations

from typing import Any


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
