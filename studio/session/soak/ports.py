"""A virtual MIDI port that listens to a player, counts what sounds, and can be unplugged.

It lives in a process of its own (``python -m studio.session.soak.ports NAME``), as an instrument would: to make and to
close a port stops all of Python in its process for as long as the system's MIDI service takes. The process prints lines
of JSON, ``{"plugged": true, "heard": 12, "mark": 0, "sounding": 1, "reason": ""}``, whenever one of them changes, and
obeys the lines ``plug`` and ``unplug``.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

from studio.devices.child import let_go, silence_errors, start_module
from studio.devices.midi_out import MidiError
from studio.devices.midi_ports import midi_outputs
from studio.engine.threads import spawn

SECONDS = 10.0
"""How long the system may take to make the first port."""
POLL = 0.005


class Port:
    """Made by ``make``, where the system has virtual ports (ALSA, JACK, CoreMIDI); ``reason`` says why not."""

    reason: ClassVar[str] = ""

    def __init__(self, name: str) -> None:
        self.name = name
        self._state: dict[str, Any] = {"plugged": False, "heard": 0, "mark": 0, "sounding": 0, "reason": ""}
        self._news = threading.Condition()
        self._child = start_module("studio.session.soak.ports", name)
        self._thread = spawn("reverie soak port", self._listen, self.close)

    @classmethod
    def make(cls) -> Port | None:
        """A port that players can be sent to; None where there can be none."""
        made = cls(f"reverie soak {os.getpid()}")
        with made._news:
            made._news.wait_for(lambda: made._state["plugged"] or made._state["reason"], SECONDS)
        if made._state["plugged"]:
            return made
        cls.reason = made._state["reason"] or "the system's MIDI service does not answer"
        made.close()
        return None

    @property
    def address(self) -> str:
        """The name under which the system lists it."""
        with contextlib.suppress(MidiError):
            return next((name for name in midi_outputs() if self.name in name), self.name)
        return self.name

    @property
    def plugged(self) -> bool:
        """Whether it is there."""
        return bool(self._state["plugged"])

    @property
    def heard(self) -> int:
        """Notes that began."""
        return int(self._state["heard"])

    def plug(self) -> None:
        """Be there, as soon as the system makes it so."""
        self._command(b"plug\n")

    def unplug(self) -> None:
        """Be gone, as if the cable were pulled; what sounded there is the device's own affair."""
        self._command(b"unplug\n")

    def close(self) -> None:
        """For good."""
        with contextlib.suppress(OSError):
            assert self._child.stdin is not None
            self._child.stdin.close()

    def heard_since_plugged(self) -> bool:
        """Whether notes came since it was plugged in last."""
        return bool(self._state["plugged"] and self._state["heard"] > self._state["mark"])

    def sounding(self) -> int:
        """Notes that were begun and not ended."""
        return int(self._state["sounding"])

    def _command(self, line: bytes) -> None:
        with contextlib.suppress(OSError, ValueError):
            assert self._child.stdin is not None
            self._child.stdin.write(line)

    def _listen(self) -> None:
        out = self._child.stdout
        assert out is not None
        for line in iter(lambda: out.readline(4096), b""):
            with self._news:
                self._state = json.loads(line)
                self._news.notify_all()
        let_go(self._child)


class _Virtual:
    """The port itself, in its process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._api = -1
        self._input: Any = None
        self._sounding: dict[tuple[int, int], int] = {}
        self.heard = self.mark = 0

    def plug(self) -> str:
        """Be there; why it cannot, where it cannot."""
        import rtmidi

        if self._input is not None:
            return ""
        apis = rtmidi.get_compiled_api()
        order = [rtmidi.API_LINUX_ALSA] if Path("/dev/snd/seq").exists() else []
        order += [rtmidi.API_MACOSX_CORE, rtmidi.API_UNIX_JACK]
        reason = "this system has no virtual MIDI ports"
        for api in order:
            if api not in apis:
                continue
            try:
                port = rtmidi.MidiIn(api, name=self.name)
                port.set_error_callback(lambda *_: None)
                port.open_virtual_port(self.name)
            except Exception as error:  # RtMidi raises many kinds
                reason = f"no virtual MIDI port can be made ({error})"
                continue
            self._input, self.mark = port, self.heard
            return ""
        return reason

    def unplug(self) -> None:
        """Be gone."""
        port, self._input = self._input, None
        self._sounding.clear()
        if port is not None:
            port.close_port()
            port.delete()

    def state(self, reason: str) -> dict[str, Any]:
        """What a line tells."""
        return {"plugged": self._input is not None, "heard": self.heard, "mark": self.mark,
                "sounding": sum(self._sounding.values()), "reason": reason}

    def listen(self) -> None:
        """Take what came. Polled: closing a JACK port waits for its callback, which would wait for Python's lock."""
        while self._input is not None and (event := self._input.get_message()) is not None:
            self.hear(event[0])

    def hear(self, message: list[int]) -> None:
        """Count a message."""
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


def _obeyed(port: _Virtual, *, plug: bool) -> str:
    if plug:
        return port.plug()
    port.unplug()
    return ""


def main() -> int:
    """Until the input ends."""
    silence_errors()
    port = _Virtual(sys.argv[1])
    wanted: list[bool] = [True]
    ended = threading.Event()

    def obey() -> None:
        for line in iter(lambda: sys.stdin.buffer.readline(64), b""):
            wanted.append(line == b"plug\n")
        ended.set()

    threading.Thread(target=obey, daemon=True).start()
    told, reason = b"", ""
    with contextlib.suppress(OSError):
        while not ended.is_set():
            while wanted:
                reason = _obeyed(port, plug=wanted[0])
                wanted.pop(0)
            port.listen()
            line = json.dumps(port.state(reason)).encode() + b"\n"
            if line != told:
                os.write(1, line)
                told = line
            time.sleep(POLL)
    last = threading.Thread(target=port.unplug, daemon=True)
    last.start()
    last.join(1.0)
    os._exit(0)  # a JACK client whose server is busy may never close


if __name__ == "__main__":
    sys.exit(main())
