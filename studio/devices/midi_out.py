"""A MIDI port out: events with their times go in, a thread sends each at its time, and no note ever hangs."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.devices.listing import quiet_stderr
from studio.engine.threads import spawn
from studio.media import Note

SPIN = 0.0015
"""Seconds before its time from which an event is waited for without sleeping."""
LONGEST = 60.0
"""A note is ended after so many seconds, whatever its maker says."""
RETRY = 2.0
"""Seconds between two looks for a port that is not there."""
FRESH = 15
"""Looks after which the system's service is spoken to anew."""
_OFF, _ON, _CONTROL, _PROGRAM = 0x80, 0x90, 0xB0, 0xC0


class MidiError(RuntimeError):
    """A port cannot be had; the message says why, ``cure`` what helps."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure


def make_clients() -> list[Any]:
    """A fresh client for each of the system's MIDI services that answers. Raises MidiError when none does."""
    import rtmidi

    found = []
    with quiet_stderr():
        for api in rtmidi.get_compiled_api():
            if api == rtmidi.API_RTMIDI_DUMMY:
                continue
            with contextlib.suppress(Exception):  # rtmidi's own SystemError where a service is absent
                found.append(rtmidi.MidiOut(api, name="Reverie"))
    if not found:
        if sys.platform.startswith("linux") and not Path("/dev/snd/seq").exists():
            raise MidiError("the ALSA sequencer is missing (no /dev/snd/seq)", "sudo modprobe snd-seq")
        raise MidiError("the system's MIDI service does not answer", "restart it or the computer")
    return found


def midi_outputs() -> list[str]:
    """Names of the ports that can be played to. Raises MidiError with reason and cure when there is none."""
    names: list[str] = []
    with quiet_stderr():
        for client in make_clients():
            names += [name for name in client.get_ports() if name not in names]
            client.delete()
    if not names:
        raise MidiError("no MIDI port is there", "plug in an instrument, or start a software synthesizer")
    return names


def bare(name: str) -> str:
    """A port's name without the numbers that some systems change at every start (``Synth:0 129:0`` → ``Synth:0``)."""
    words = name.split(" ")
    return " ".join(words[:-1]) if len(words) > 1 and words[-1].replace(":", "").isdigit() else name


class MidiPort:
    """One port by name. It is opened, and opened again when it comes back, by the thread that sends.

    ``told(reason, cure)`` hears on that thread of a port that is not there, and ``("", "")`` when it is.
    """

    def __init__(self, name: str, *, told: Callable[[str, str], None] | None = None) -> None:
        self.name, self.reason = name, ""
        self.sent = 0
        self.latest = 0.0
        """Seconds that the last note-on was sent after its time."""
        self._told = told or (lambda reason, cure: None)
        self._condition = threading.Condition()
        self._events: list[tuple[float, int, int, str, bytes]] = []  # time, ends first, number, player, message
        self._numbers = itertools.count()
        self._sounding: dict[tuple[str, int, int], int] = {}  # player, channel, pitch → how many
        self._programs: dict[int, int] = {}
        self._panic: list[str | None] = []
        self._closed = False
        self._client: Any = None
        self._spares: list[Any] = []
        self._tries = 0
        self._thread = spawn(f"reverie midi {name}", self._work, self.close)

    @property
    def open(self) -> bool:
        """Whether the port is there."""
        return self._client is not None

    # --- the sink ---

    def prepare(self, player: str, notes: Sequence[Note], bpm: float, programs: Mapping[int, int]) -> None:
        """Nothing takes time here."""

    def play(self, player: str, note: Note, at: float, seconds: float, programs: Mapping[int, int]) -> None:
        """Send note-on at ``at`` (``perf_counter``) and note-off ``seconds`` later."""
        if self._client is None:
            return  # nothing is queued for a port that is away: it would all come at once
        end = at + min(max(seconds, 0.005), LONGEST)
        program = programs.get(note.channel)
        with self._condition:
            if program is not None and self._programs.get(note.channel) != program:
                self._programs[note.channel] = program
                self._push(at - 0.004, 0, player, bytes([_PROGRAM | note.channel, program]))
            self._push(at, 1, player, bytes([_ON | note.channel, note.pitch, note.velocity]))
            self._push(end, 0, player, bytes([_OFF | note.channel, note.pitch, 64]))
            self._condition.notify()

    def quiet(self, player: str | None = None) -> None:
        """End the notes of a player, or of all with the controllers that instruments know for it."""
        with self._condition:
            self._events = [event for event in self._events if player is not None and event[3] != player]
            heapq.heapify(self._events)
            self._panic.append(player)
            self._condition.notify()

    def close(self) -> None:
        """End all notes and let the port go; returns at once."""
        with self._condition:
            self._closed = True
            self._condition.notify()

    def join(self, seconds: float) -> None:
        """Wait for the end."""
        self._thread.join(seconds)

    def _push(self, at: float, rank: int, player: str, message: bytes) -> None:
        heapq.heappush(self._events, (at, rank, next(self._numbers), player, message))

    # --- the thread ---

    def _work(self) -> None:
        try:
            while not self._closed:
                if self._client is None and not self._open():
                    self._wait(time.perf_counter() + RETRY, idle=True)
                    continue
                try:
                    self._send_due()
                except Exception as error:  # rtmidi's own errors: the port went away
                    self._lost(f"the MIDI port {self.name} went away ({error})")
        finally:
            with contextlib.suppress(Exception):
                self._silence(None)
            self._shut()
            self._drop_spares()

    def _open(self) -> bool:
        try:
            clients = self._asked()
        except MidiError as error:
            self._lost(str(error), error.cure)
            return False
        names: list[str] = []
        with quiet_stderr():
            for client in clients:
                ports = client.get_ports()
                match = next((p for p in ports if p == self.name), None)
                match = match or next((p for p in ports if bare(p) == bare(self.name)), None)
                names += ports
                if match is not None and self._client is None:
                    with contextlib.suppress(Exception):
                        client.open_port(ports.index(match), "Reverie out")
                        self._client = client
        if self._client is None:
            known = ", ".join(names[:6]) or "none"
            self._lost(f"there is no MIDI port {self.name!r}", f"connect it, or choose another; there are: {known}")
            return False
        self._drop_spares()
        self._programs.clear()
        if self.reason:
            self.reason = ""
            self._told("", "")
        return True

    def _asked(self) -> list[Any]:
        """Clients to ask for ports: to make them stops all of Python for 60 ms, so they are kept while a port is
        waited for, and made anew now and then, in case the service was started again."""
        self._tries += 1
        if not self._spares or self._tries % FRESH == 0:
            self._drop_spares()
            self._spares = make_clients()
        return self._spares

    def _drop_spares(self) -> None:
        spares, self._spares = self._spares, []
        with contextlib.suppress(Exception), quiet_stderr():
            for client in spares:
                if client is not self._client:
                    client.delete()

    def _lost(self, reason: str, cure: str = "connect it again; it is taken up by itself") -> None:
        self._shut()
        with self._condition:
            self._events.clear()
            self._sounding.clear()
        if reason != self.reason:
            self.reason = reason
            self._told(reason, cure)

    def _shut(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception), quiet_stderr():
                client.close_port()
                client.delete()

    def _wait(self, until: float, *, idle: bool = False) -> None:
        with self._condition:
            if not self._closed and not self._panic and (idle or not self._events or self._events[0][0] >= until):
                self._condition.wait(max(0.0, until - time.perf_counter()))

    def _send_due(self) -> None:
        with self._condition:
            panics, self._panic = self._panic, []
            due = self._events[0][0] if self._events else None
        for player in panics:
            self._silence(player)
        now = time.perf_counter()
        if due is None:
            self._wait(now + 1.0)
        elif due - now > SPIN:
            self._wait(due - SPIN)
        else:
            while time.perf_counter() < due:  # an absolute time: errors do not add up
                pass
            with self._condition:
                if not self._events or self._events[0][0] > due:
                    return
                at, _, _, player, message = heapq.heappop(self._events)
            self._send(player, message, at)

    def _send(self, player: str, message: bytes, at: float) -> None:
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        if kind == _ON:
            key = player, channel, message[1]
            if any(k[1:] == key[1:] for k in self._sounding):  # a key that sounds is let go before it is struck again
                self._client.send_message(bytes([_OFF | channel, message[1], 64]))
            self._sounding[key] = self._sounding.get(key, 0) + 1
            self.latest = time.perf_counter() - at
        elif kind == _OFF:
            key = player, channel, message[1]
            left = self._sounding.get(key, 0) - 1
            if left > 0:
                self._sounding[key] = left
                return  # an earlier note of this key: the later one still sounds
            self._sounding.pop(key, None)
            if any(k[1:] == key[1:] for k in self._sounding):
                return
        self._client.send_message(message)
        self.sent += 1

    def _silence(self, player: str | None) -> None:
        if self._client is None:
            return
        for key in [key for key in self._sounding if player is None or key[0] == player]:
            del self._sounding[key]
            self._client.send_message(bytes([_OFF | key[1], key[2], 64]))
        if player is None:
            for channel in range(16):
                for controller in (64, 123, 120):  # pedal up, all notes off, all sound off
                    self._client.send_message(bytes([_CONTROL | channel, controller, 0]))
