"""MIDI ports in, listened to by a process of its own: ``python -m studio.devices.midi_ear``.

To look what is plugged in needs a fresh client of the system's MIDI service. To make one stops all of Python for 10 to
60 ms, and for seconds while the service is busy: pictures would stand still. The process hears the ports
(``midi_in.MidiInputs``) and passes on what they say, with its time: ``perf_counter`` counts alike in all processes.

It writes frames: ``NUMBER LENGTH TIME`` (``FRAME``), then so many bytes: of the port of that number what it said, or
with ``NEWS`` a line of JSON: ``{"ports": {name: number}, "lights": [name], "reason": "", "cure": "", "looks": 1}``. It
reads lines of JSON: ``{"choose": [name] | null}``, ``{"look": true}``, ``{"light": [name, hex]}``; it ends with its
input.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection
from typing import Any

from studio.devices.child import let_go, silence_errors, start_module
from studio.devices.midi_in import POLL, Heard, MidiInputs
from studio.engine.threads import spawn

FRAME = struct.Struct("<BHd")
NEWS = 255
SILENT = 15.0
"""Seconds without news after which the process counts as hung; it sends some with every look (``POLL``)."""
BACKOFF = (0.0, 0.5, 2.0, 5.0)
STEADY = 20.0
"""Seconds after which the next failure counts as the first again."""
MOST_QUEUED = 4096

log = logging.getLogger(__name__)


class MidiEar:
    """The studio's side, with the face of ``MidiInputs``. ``heard`` and ``changed`` are called on a thread of ours."""

    def __init__(
        self, heard: Heard, *, wanted: Collection[str] | None = None,
        changed: Callable[[str, bool], None] | None = None,
        told: Callable[[str, str], None] | None = None,
        start: Callable[[], subprocess.Popen[bytes]] = lambda: start_module("studio.devices.midi_ear"),
    ) -> None:
        """``wanted`` are names of ports, None for all."""
        self._heard, self._changed = heard, changed or (lambda port, there: None)
        self._told = told or (lambda reason, cure: None)
        self._wanted, self._start = wanted, start
        self._ports: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._lit: frozenset[str] = frozenset()
        self.reason = self.cure = ""
        self.looks = self.starts = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._news_at = time.perf_counter()
        self._closed = threading.Event()
        self._commands: queue.Queue[dict[str, Any]] = queue.Queue(MOST_QUEUED)
        self._thread = spawn("reverie midi in", self._work, self.close)
        self._writer = spawn("reverie midi in commands", self._write, self.close)

    @property
    def ports(self) -> list[str]:
        """Ports that are open, by name without numbers."""
        return sorted(self._ports)

    def choose(self, wanted: Collection[str] | None) -> None:
        """Listen to these ports from now on; None for all."""
        self._wanted = wanted
        self._command({"choose": None if wanted is None else sorted(wanted)})

    def look(self) -> None:
        """Look at once at what is plugged in."""
        self._command({"look": True})

    def has_lights(self, name: str) -> bool:
        """Whether there is a way back to this controller."""
        return name in self._lit

    def light(self, name: str, message: bytes) -> None:
        """Send to the lights or motors of one controller."""
        self._command({"light": [name, message.hex()]})

    def close(self) -> None:
        """Let all ports go; returns at once."""
        self._closed.set()
        self._dismiss(self._child)

    def join(self, seconds: float) -> None:
        """Wait for the end."""
        self._thread.join(seconds)

    def _command(self, command: dict[str, Any]) -> None:
        with contextlib.suppress(queue.Full):  # it hangs, and is ended soon
            self._commands.put_nowait(command)

    # --- on our threads ---

    def _work(self) -> None:
        failures = 0
        while not self._closed.is_set():
            began = time.perf_counter()
            try:
                self._child = child = self._start()
            except OSError as error:
                self._say(f"MIDI in cannot be started ({error.strerror})", "close other programs")
            else:
                self.starts += 1
                self._news_at = time.perf_counter()
                if self._wanted is not None:
                    self.choose(self._wanted)
                if self._closed.is_set():
                    self._dismiss(child)
                self._listen(child)
                code = let_go(child)
                if not self._closed.is_set():
                    log.warning("the process that listens to MIDI ended (%s); it is started again", code)
            self._lose(set())
            failures = 0 if time.perf_counter() - began > STEADY else failures + 1
            self._closed.wait(BACKOFF[min(failures, len(BACKOFF) - 1)])

    def _listen(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None
        buffer = bytearray()
        while True:
            try:
                chunk = os.read(child.stdout.fileno(), 65_536)
            except OSError:
                return
            if not chunk:
                return
            buffer += chunk
            place = 0
            while len(buffer) - place >= FRAME.size:
                number, length, instant = FRAME.unpack_from(buffer, place)
                end = place + FRAME.size + length
                if len(buffer) < end:
                    break
                self._frame(number, bytes(buffer[end - length : end]), instant)
                place = end
            del buffer[:place]

    def _frame(self, number: int, body: bytes, instant: float) -> None:
        if number == NEWS:
            self._news(json.loads(body))
        elif (name := self._names.get(number)) is not None and not self._closed.is_set():
            try:
                self._heard(name, body, instant)
            except Exception:  # a fault of who listens ends neither the listening nor the other ports
                log.exception("a message of %s could not be used", name)

    def _news(self, news: dict[str, Any]) -> None:
        self._news_at = time.perf_counter()
        ports: dict[str, int] = news["ports"]
        self._lit = frozenset(news["lights"])
        self._names.update({number: name for name, number in ports.items()})
        self._lose(set(ports))
        for name in [name for name in ports if name not in self._ports]:
            self._ports = {**self._ports, name: ports[name]}
            self._changed(name, True)
        self._say(news["reason"], news["cure"])
        self.looks = int(news["looks"])

    def _lose(self, there: set[str]) -> None:
        for name in [name for name in self._ports if name not in there]:
            self._ports = {known: number for known, number in self._ports.items() if known != name}
            self._changed(name, False)

    def _say(self, reason: str, cure: str) -> None:
        if (reason, cure) != (self.reason, self.cure):
            self.reason, self.cure = reason, cure
            self._told(reason, cure)

    @staticmethod
    def _dismiss(child: subprocess.Popen[bytes] | None) -> None:
        """The end of its input lets it go."""
        if child is not None and child.stdin is not None:
            with contextlib.suppress(OSError):
                child.stdin.close()

    def _write(self) -> None:
        while not self._closed.is_set():
            try:
                command = self._commands.get(timeout=POLL)
            except queue.Empty:
                command = None
            child = self._child
            if child is None or child.stdin is None:
                continue
            if time.perf_counter() - self._news_at > SILENT:
                child.kill()
            elif command is not None:
                with contextlib.suppress(OSError, ValueError):  # it has just ended
                    child.stdin.write(json.dumps(command).encode() + b"\n")
        if (child := self._child) is not None:
            try:
                child.wait(3.0)
            except subprocess.TimeoutExpired:
                child.kill()


class _Process:
    """The other side: a ``MidiInputs`` whose words go out as frames."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._free = 0
        self.inputs = MidiInputs(self._heard, looked=self._looked)

    def _heard(self, port: str, message: bytes, instant: float) -> None:
        with self._lock:
            number = self._numbers.get(port)
            if number is None:
                number = self._number(port)
                self._tell()
            self._send(FRAME.pack(number, len(message), instant) + message)

    def _looked(self) -> None:
        with self._lock:
            self._tell()

    def _number(self, port: str) -> int:
        number = self._numbers[port] = self._free
        self._free = (self._free + 1) % NEWS
        return number

    def _tell(self) -> None:
        inputs = self.inputs
        ports = {port: self._numbers[port] if port in self._numbers else self._number(port) for port in inputs.ports}
        news = {"ports": ports, "lights": [name for name in ports if inputs.has_lights(name)],
                "reason": inputs.reason, "cure": inputs.cure, "looks": inputs.looks}
        body = json.dumps(news).encode()
        self._send(FRAME.pack(NEWS, len(body), time.perf_counter()) + body)

    def _send(self, frame: bytes) -> None:
        view = memoryview(frame)
        while view:
            view = view[os.write(1, view) :]

    def obey(self, command: dict[str, Any]) -> None:
        """Do what a line asks for."""
        if "choose" in command:
            self.inputs.choose(command["choose"])
        elif "light" in command:
            name, message = command["light"]
            self.inputs.light(name, bytes.fromhex(message))
        else:
            self.inputs.look()


def main() -> int:
    """Until the studio is gone."""
    silence_errors()
    process = _Process()
    with contextlib.suppress(OSError):
        for line in iter(lambda: sys.stdin.buffer.readline(65_536), b""):
            with contextlib.suppress(ValueError, TypeError, KeyError):
                process.obey(json.loads(line))
    process.inputs.close()
    process.inputs.join(2.0)
    os._exit(0)  # a driver that hangs keeps nobody waiting


if __name__ == "__main__":
    sys.exit(main())
