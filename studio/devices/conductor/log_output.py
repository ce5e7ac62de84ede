"""An output that writes every message with its time into a file: for tests and for looking into a timing problem."""

from __future__ import annotations

import os
import time
from typing import Any

from studio.devices.conductor.outputs import OutputError


class LogOutput:
    """Lines ``seconds hex`` appended to the file ``path``; what was written survives any end of the process."""

    lead = 0.0
    shared = True

    def __init__(self, settings: dict[str, Any]) -> None:
        path = str(settings.get("path", ""))
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except (OSError, ValueError) as error:
            raise OutputError(f"{path}: cannot be written ({error})", "choose another file") from None

    @property
    def state(self) -> tuple[bool, str, str]:
        return True, "", ""

    def _write(self, *message: int) -> None:
        self.raw(bytes(message))

    def raw(self, message: bytes) -> None:
        os.write(self._file, f"{time.perf_counter():.6f} {message.hex()}\n".encode())

    def note_on(self, player: str, channel: int, pitch: int, velocity: int, at: float) -> None:
        self._write(0x90 | channel, pitch, velocity)

    def note_off(self, player: str, channel: int, pitch: int, at: float) -> None:
        self._write(0x80 | channel, pitch, 64)

    def control(self, player: str, channel: int, number: int, value: int, at: float) -> None:
        self._write(0xB0 | channel, number, value)

    def program(self, player: str, channel: int, number: int, at: float) -> None:
        self._write(0xC0 | channel, number)

    def sound(self, player: str, path: str, channels: int, rate: int, at: float) -> None: ...

    def quiet(self, player: str | None) -> None:
        if player is None:
            self._write(0xB0, 123, 0)

    def level(self, player: str, gain: float) -> None: ...

    def set(self, settings: dict[str, Any]) -> None: ...

    def tend(self, now: float, slack: float) -> None: ...

    def figures(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
