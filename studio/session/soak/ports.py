"""A virtual MIDI port that listens to a player, counts what sounds, and can be unplugged."""

from __future__ import annotations

import contextlib
import threading
from typing import Any, ClassVar

from studio.devices.midi_out import MidiError
from studio.devices.midi_ports import midi_outputs
from studio.engine.threads import spawn


class Port:
    """Made by ``make``, where the system has virtual ports (ALSA, JACK, CoreMIDI); ``reason`` says why not."""

    reason: ClassVar[str] = ""

    def __init__(self, api: int, name: str) -> None:
        self._api, self.name = api, name
        self._lock = threading.Lock()
        self._sounding: dict[tuple[int, int], int] = {}
        self._input: Any = None
        self.heard = self._mark = 0
        self._stop = threading.Event()
        self._thread = spawn("reverie soak port", self._listen, self._stop.set)

    @classmethod
    def make(cls) -> Port | None:
        """A port that players can be sent to; None where there can be none."""
        import os
        from pathlib import Path

        try:
            import rtmidi
        except ImportError as error:
            cls.reason = str(error)
            return None
        apis = rtmidi.get_compiled_api()
        order = [rtmidi.API_LINUX_ALSA] if Path("/dev/snd/seq").exists() else []
        order += [rtmidi.API_MACOSX_CORE, rtmidi.API_UNIX_JACK]
        for api in order:
            if api not in apis:
                continue
            made = cls(api, f"reverie soak {os.getpid()}")
            try:
                made.plug()
            except Exception as error:  # RtMidi raises many kinds
                cls.reason = f"no virtual MIDI port can be made ({error})"
                continue
            return made
        cls.reason = cls.reason or "this system has no virtual MIDI ports"
        return None

    @property
    def address(self) -> str:
        """The name under which the system lists it."""
        with contextlib.suppress(MidiError):
            return next((name for name in midi_outputs() if self.name in name), self.name)
        return self.name

    def plug(self) -> None:
        """Be there."""
        import rtmidi

        port = rtmidi.MidiIn(self._api, name=self.name)
        port.set_error_callback(lambda *_: None)
        port.open_virtual_port(self.name)
        with self._lock:
            self._input, self._mark = port, self.heard

    def unplug(self) -> None:
        """Be gone, as if the cable were pulled; what sounded there is the device's own affair."""
        with self._lock:
            port, self._input = self._input, None
            self._sounding.clear()
        if port is not None:
            port.close_port()
            port.delete()

    def close(self) -> None:
        """For good."""
        self._stop.set()
        self.unplug()

    def heard_since_plugged(self) -> bool:
        """Whether notes came since it was plugged in last."""
        return self.heard > self._mark

    def sounding(self) -> int:
        """Notes that were begun and not ended."""
        with self._lock:
            return sum(self._sounding.values())

    def _listen(self) -> None:
        # polled: closing a JACK port waits for its callback, which would wait for Python's lock that the closer holds
        while not self._stop.wait(0.005):
            with self._lock:
                while self._input is not None and (event := self._input.get_message()) is not None:
                    self._hear(event[0])

    def _hear(self, message: list[int]) -> None:
        if len(message) < 3:
            return
        kind, key = message[0] & 0xF0, (message[0] & 0x0F, message[1])
        if kind == 0x90 and message[2]:
            self.heard += 1
            self._sounding[key] = self._sounding.get(key, 0) + 1
        elif kind in (0x80, 0x90):
            self._sounding.pop(key, None)
        elif kind == 0xB0 and message[1] in (120, 123):
            self._sounding = {held: n for held, n in self._sounding.items() if held[0] != message[0] & 0x0F}
