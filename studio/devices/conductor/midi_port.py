"""The instrument "midi": one MIDI port by name, taken up again when it comes back.

To make a client of the system's MIDI service takes 10 to 25 ms in which nothing else happens, so clients are made
before anything plays, or when nothing is due; to ask one for its ports takes a fifth of a millisecond.
"""

from __future__ import annotations

import contextlib
import math
import time
from typing import Any

from studio.devices.midi_out import MidiError, bare, make_clients

LOOK = 0.5
"""Seconds between two looks whether the port is there."""
OWN = "Reverie out"
FREE = 0.08
"""Seconds without anything due in which a client may be made."""
PATIENCE = 2.0
"""Seconds that such a moment is waited for."""
FRESH = 6.0
"""Seconds after which the system's service is spoken to anew while a port is missing: it may have been restarted."""
_OFF, _ON, _CONTROL, _PROGRAM = 0x80, 0x90, 0xB0, 0xC0


class Pool:
    """Clients that are ready to open a port: at most one for each of the system's MIDI services."""

    def __init__(self) -> None:
        self.clients: list[Any] = []
        self.trouble: tuple[str, str] = ("", "")
        self._made = -FRESH
        self._lost = 0

    def fill(self, now: float) -> None:
        """Make new clients in place of those that are here."""
        self.drop()
        self._made = now
        try:
            name = "Reverie" if not self._lost else f"Reverie {self._lost + 1}"
            self.clients, self.trouble = make_clients(name), ("", "")
        except MidiError as error:
            self.trouble = str(error), error.cure

    def tend(self, now: float, slack: float, *, missing: bool) -> None:
        """Have clients ready, made when there is time for it."""
        age = now - self._made
        wait = LOOK if not self.clients else FRESH if missing else math.inf
        if age > wait + (0.0 if slack > FREE else PATIENCE):
            self.fill(now)

    def take(self, name: str) -> tuple[Any, list[str]]:
        """A client with the port ``name`` opened (or None), and the names of all ports."""
        names: list[str] = []
        for client in self.clients:
            ports: list[str] = client.get_ports()
            names += ports
            place = find(name, ports)
            if place is not None:
                client.open_port(place, OWN)
                self.clients.remove(client)
                return client, names
        return None, names

    def lost(self) -> None:
        """A port went away, or its whole service: clients from now on have another name, since JACK wakes clients by
        their names, and one of a server that died would be woken in place of ours."""
        self._lost += 1
        self.drop()

    def drop(self) -> None:
        """Let all go."""
        _DEAD.extend(self.clients)
        self.clients = []


POOL = Pool()
_DEAD: list[Any] = []
"""Clients whose service may have died are never touched again: to close one can end the process, and when the service
is back they list its ports, but what is sent through them goes nowhere."""


def find(name: str, ports: list[str]) -> int | None:
    """The place of a port, by its name or by the name without numbers."""
    if name in ports:
        return ports.index(name)
    return next((place for place, port in enumerate(ports) if bare(port) == bare(name)), None)


class MidiPort:
    """See the module. Settings: ``name``; ``hanging``, (channel, pitch) pairs that are let go when it opens."""

    lead = 0.0
    shared = True

    def __init__(self, settings: dict[str, Any], pool: Pool = POOL) -> None:
        self.name = str(settings.get("name", ""))
        self._pool = pool
        self._client: Any = None
        self._state = False, "", ""
        self._down = {(int(c) & 15, int(p) & 127) for c, p in settings.get("hanging", [])}
        self._clean = not self._down
        self._looked = -LOOK
        self._unseen = 0
        self._gone = False
        now = time.perf_counter()
        if not pool.clients:
            pool.tend(now, FREE * 2, missing=False)
        self._look(now)

    @property
    def state(self) -> tuple[bool, str, str]:
        return self._state

    # --- events ---

    def note_on(self, player: str, channel: int, pitch: int, velocity: int, at: float) -> None:
        self._down.add((channel, pitch))
        self._send(_ON | channel, pitch, velocity)

    def note_off(self, player: str, channel: int, pitch: int, at: float) -> None:
        self._send(_OFF | channel, pitch, 64)
        self._down.discard((channel, pitch))

    def control(self, player: str, channel: int, number: int, value: int, at: float) -> None:
        self._send(_CONTROL | channel, number, value)

    def program(self, player: str, channel: int, number: int, at: float) -> None:
        self._send(_PROGRAM | channel, number)

    def sound(self, player: str, path: str, channels: int, rate: int, at: float) -> None:
        """A port knows no samples."""

    def raw(self, message: bytes) -> None:
        self._send(*message)

    def quiet(self, player: str | None) -> None:
        if player is not None or self._client is None:
            return
        for channel, pitch in sorted(self._down):
            self._send(_OFF | channel, pitch, 64)
        self._down.clear()
        for channel in range(16):
            for controller in (64, 123, 120):  # pedal up, all notes off, all sound off
                self._send(_CONTROL | channel, controller, 0)

    def level(self, player: str, gain: float) -> None: ...

    def set(self, settings: dict[str, Any]) -> None:
        """``ports``: the names that a fresh client sees (``scout``), whatever ours say."""
        names = settings.get("ports")
        if not isinstance(names, list):
            return
        there = bare(self.name) in [bare(str(name)) for name in names]
        self._unseen = 0 if there else self._unseen + 1
        if self._client is None and there:
            self._pool.lost()  # they do not see it: they belong to a service that died
        elif self._client is not None and self._unseen >= 2:  # the first list may be older than the port
            self._lost(f"the MIDI port {self.name} went away")

    def figures(self) -> dict[str, Any]:
        return {}

    def _send(self, *message: int) -> None:
        if self._client is None:
            return
        try:
            self._client.send_message(message)
        except Exception as error:  # rtmidi's own errors
            self._lost(f"the MIDI port {self.name} went away ({error})")

    # --- the port ---

    def tend(self, now: float, slack: float) -> None:
        missing = self._client is None
        self._pool.tend(now, slack, missing=missing)
        if now - self._looked > LOOK and (slack > 0.005 or missing):
            self._look(now)

    def _look(self, now: float) -> None:
        self._looked = now
        if self._client is not None:
            if find(self.name, self._client.get_ports()) is None:
                self._lost(f"the MIDI port {self.name} went away")
            return
        if self._pool.trouble[0]:
            if not self._gone:  # else why it went is not to be forgotten
                self._state = False, *self._pool.trouble
            return
        try:
            self._client, names = self._pool.take(self.name)
        except Exception as error:
            self._state = False, f"the MIDI port {self.name} cannot be opened ({error})", "close what else uses it"
            return
        if self._client is None:
            if self._gone:
                return
            known = ", ".join(names[:6]) or "none"
            self._state = (False, f"there is no MIDI port {self.name!r}",
                           f"connect it, or choose another; there are: {known}")
            return
        self._state, self._gone, self._unseen = (True, "", ""), False, 0
        if not self._clean:  # it was away while notes sounded
            self.quiet(None)
            self._clean = True

    def _lost(self, reason: str) -> None:
        _DEAD.append(self._client)
        self._client = None
        self._pool.lost()
        self._clean, self._gone = False, True
        self._state = False, reason, "connect it again; it is taken up by itself"

    def close(self) -> None:
        client, self._client = self._client, None
        self._state = False, "closed", ""
        if client is not None:
            with contextlib.suppress(Exception):
                client.close_port()
                client.delete()
