"""MIDI ports in: all that are wanted are open, and those that come back are taken up again by name.

The studio listens by a process of its own, in which this runs (``midi_ear``). A port that went away tells nobody: the
system's client says it is open, and lists what was there when it began. So every two seconds a fresh client is asked
what is there now.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from studio.devices.listing import quiet_stderr
from studio.devices.midi_out import MidiError, bare
from studio.engine.threads import spawn

POLL = 2.0
"""Seconds between two looks at what is plugged in."""
OWN = "Reverie"
"""Our own ports begin so; they are not listened to."""

Heard = Callable[[str, bytes, float], None]


def _clients() -> list[Any]:
    """A fresh client for each of the system's MIDI services that answers. Raises MidiError when none does."""
    import rtmidi

    found = []
    with quiet_stderr():
        for api in rtmidi.get_compiled_api():
            if api != rtmidi.API_RTMIDI_DUMMY:
                with contextlib.suppress(Exception):  # rtmidi's own SystemError where a service is absent
                    found.append(rtmidi.MidiIn(api, name=f"{OWN} control", queue_size_limit=1024))
    if not found:
        if sys.platform.startswith("linux") and not Path("/dev/snd/seq").exists():
            raise MidiError("the ALSA sequencer is missing (no /dev/snd/seq)", "sudo modprobe snd-seq")
        raise MidiError("the system's MIDI service does not answer", "restart it or the computer")
    return found


def _delete(client: Any) -> None:
    with contextlib.suppress(Exception), quiet_stderr():
        client.close_port()
        client.delete()


def _ours(name: str) -> bool:
    return name.startswith(OWN) or "Midi Through" in name


def list_inputs() -> list[str]:
    """Names of the ports that can be listened to. Raises MidiError with reason and cure when there is none."""
    names: list[str] = []
    for client in _clients():
        with quiet_stderr():
            names += [name for name in client.get_ports() if name not in names and not _ours(name)]
        _delete(client)
    if not names:
        raise MidiError("no MIDI controller is there", "plug one in; it is taken up by itself")
    return names


class MidiInputs:
    """The ports that are listened to. ``heard(port, message, time)`` is called on the system's MIDI thread with the
    port's name without its number, the raw bytes, and ``perf_counter`` at arrival.

    ``changed(port, there)`` tells of ports that come and go, ``told(reason, cure)`` why there is none (``""`` when one
    is); both on the thread that looks.
    """

    def __init__(
        self, heard: Heard, *, wanted: Collection[str] | None = None,
        changed: Callable[[str, bool], None] | None = None,
        told: Callable[[str, str], None] | None = None,
        looked: Callable[[], None] | None = None,
    ) -> None:
        """``wanted`` are names of ports, None for all. ``looked()`` is called after every look."""
        self._heard, self._changed = heard, changed or (lambda port, there: None)
        self._told, self._looked = told or (lambda reason, cure: None), looked or (lambda: None)
        self._lights = Lights()
        self._wanted = {bare(name) for name in wanted} if wanted is not None else None
        self._open: dict[str, Any] = {}
        self.reason = self.cure = ""
        self.looks = 0
        self._condition = threading.Condition()
        self._closed = self._look_now = False
        self._thread = spawn("reverie midi in", self._work, self.close)

    @property
    def ports(self) -> list[str]:
        """Ports that are open, by name without numbers."""
        return sorted(self._open)

    def has_lights(self, name: str) -> bool:
        """Whether there is a way back to this controller."""
        return self._lights.has(name)

    def light(self, name: str, message: bytes) -> None:
        """Send to the lights or motors of one controller."""
        self._lights.send(name, message)

    def choose(self, wanted: Collection[str] | None) -> None:
        """Listen to these ports from now on; None for all."""
        with self._condition:
            self._wanted = {bare(name) for name in wanted} if wanted is not None else None
            self._look_now = True
            self._condition.notify()

    def look(self) -> None:
        """Look at once at what is plugged in."""
        with self._condition:
            self._look_now = True
            self._condition.notify()

    def close(self) -> None:
        """Let all ports go; returns at once."""
        with self._condition:
            self._closed = True
            self._condition.notify()

    def join(self, seconds: float) -> None:
        """Wait for the end."""
        self._thread.join(seconds)

    def _work(self) -> None:
        try:
            while not self._closed:
                self._look()
                self.looks += 1
                self._looked()
                with self._condition:
                    if not self._closed and not self._look_now:
                        self._condition.wait(POLL)
                    self._look_now = False
        finally:
            for client in self._open.values():
                _delete(client)
            self._open = {}
            self._lights.close()

    def _look(self) -> None:
        """Open what came, close what went."""
        try:
            clients = _clients()
        except MidiError as error:
            self._close_all_but(set())
            self._say(str(error), error.cure)
            return
        there: dict[str, tuple[Any, int]] = {}
        failed: list[str] = []
        used: set[int] = set()
        for client in clients:
            with quiet_stderr(), contextlib.suppress(Exception):
                for number, name in enumerate(client.get_ports()):
                    if not _ours(name) and (self._wanted is None or bare(name) in self._wanted):
                        there.setdefault(bare(name), (client, number))
        self._close_all_but(set(there))
        for name, (client, number) in there.items():
            if name in self._open:
                continue
            # each open port needs a client of its own
            mine = client if id(client) not in used else self._another(client)
            used.add(id(client))
            if mine is None or not self._listen(mine, number, name):
                failed.append(name)
        for client in clients:
            if client not in self._open.values():
                _delete(client)
        if failed:
            self._say(f"the MIDI port {failed[0]} cannot be opened", "close other programs that use it")
        elif self._open:
            self._say("", "")
        elif self._wanted:
            self._say(f"the MIDI port {min(self._wanted)} is not there", "connect it; it is taken up by itself")
        else:
            self._say("no MIDI controller is there", "plug one in; it is taken up by itself")

    @staticmethod
    def _another(client: Any) -> Any:
        """One more client of the same service."""
        with contextlib.suppress(Exception), quiet_stderr():
            return type(client)(client.get_current_api(), name=f"{OWN} control", queue_size_limit=1024)
        return None

    def _listen(self, client: Any, number: int, name: str) -> bool:
        def arrived(event: tuple[list[int], float], _: Any) -> None:
            # the time between messages that the library gives is lost with a full queue: this one is not
            self._heard(name, bytes(event[0]), time.perf_counter())

        try:
            with quiet_stderr():
                client.ignore_types(sysex=True, timing=False, active_sense=True)
                client.set_callback(arrived)
                client.open_port(number, f"{OWN} in")
        except Exception:  # rtmidi's own errors: taken by another program, or just gone
            _delete(client)
            return False
        self._open = {**self._open, name: client}
        self._lights.there(name)
        self._changed(name, True)
        return True

    def _close_all_but(self, there: set[str]) -> None:
        for name in [name for name in self._open if name not in there]:
            client = self._open[name]
            self._open = {known: other for known, other in self._open.items() if known != name}
            _delete(client)
            self._lights.gone(name)
            self._changed(name, False)

    def _say(self, reason: str, cure: str) -> None:
        if (reason, cure) != (self.reason, self.cure):
            self.reason, self.cure = reason, cure
            self._told(reason, cure)


class Lights:
    """The way back to controllers: messages for lights and motors, to the output that belongs to an input's name.

    ``there`` and ``gone`` follow the inputs, on the thread that looks; ``send`` may be called from another one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._closed = False

    def has(self, name: str) -> bool:
        """Whether there is a way back to this controller."""
        return name in self._clients

    def there(self, name: str) -> None:
        """Open the output of a controller, if it has one."""
        import rtmidi

        with quiet_stderr():
            for api in rtmidi.get_compiled_api():
                if api == rtmidi.API_RTMIDI_DUMMY or name in self._clients:
                    continue
                with contextlib.suppress(Exception):
                    client = rtmidi.MidiOut(api, name=f"{OWN} lights")
                    number = matching_output(name, client.get_ports())
                    if number is None:
                        client.delete()
                        continue
                    client.open_port(number, f"{OWN} lights")
                    with self._lock:
                        if not self._closed:
                            self._clients[name] = client
                    if self._closed:
                        _delete(client)

    def gone(self, name: str) -> None:
        """Let it go."""
        with self._lock:
            client = self._clients.pop(name, None)
        if client is not None:
            _delete(client)

    def send(self, name: str, message: bytes) -> None:
        """Send to one controller."""
        with self._lock:
            client = self._clients.get(name)
            if client is not None:
                with contextlib.suppress(Exception):  # unplugged: the next look lets it go
                    client.send_message(message)

    def close(self) -> None:
        """Let all go."""
        with self._lock:
            self._closed = True
        for name in list(self._clients):
            self.gone(name)


def matching_output(name: str, outputs: list[str]) -> int | None:
    """Which output belongs to the input ``name``: the same name, else the same device."""
    bares = [bare(output) for output in outputs]
    if name in bares:
        return bares.index(name)
    device = name.split(":")[0]
    same = [number for number, output in enumerate(bares) if ":" in name and output.split(":")[0] == device]
    return same[0] if same else None
