"""The ports of a session's controls: MIDI in with its lights, OSC in and out, as settings and bindings ask for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.control import midi
from studio.control.binding import CHOICES, OSC, SHARES, SWITCHES, Target
from studio.control.monitor import Monitor
from studio.control.osc import Message, OscProblem, address_of, arguments_for, target_of
from studio.control.router import Router
from studio.devices.midi_ear import MidiEar
from studio.devices.osc import OscError, OscSender, OscServer
from studio.params import Trigger
from studio.session.control_board import SessionBoard
from studio.session.control_sources import MasterClock

if TYPE_CHECKING:
    from studio.session.core import Core

MOST_ADDRESSES = 4096
"""Most different OSC addresses that wait for one tick."""
MOST_SHOTS = 8
PROBLEMS = 200
SEND_EVERY = 0.05
MOST_PLACES = 16
"""Most places that OSC is sent to."""
BETWEEN = ";"
"""Stands between names of ports in a setting."""
_CLOCK = frozenset((0xF8, 0xFA, 0xFB, 0xFC, 0xF2))


@dataclass(frozen=True)
class PortState:
    """A MIDI port in as a list shows it. ``bindings`` are those that name it; ``lights`` whether there is a way back
    to it, ``feedback`` whether it is used."""

    name: str
    here: bool
    bindings: int
    lights: bool
    feedback: bool


class Ports:
    """Opened and closed by ``apply`` on the session's thread; at work on theirs and on the control thread."""

    def __init__(
        self, session: Core, router: Router, board: SessionBoard, wake: Callable[[], None],
        again: Callable[[str], None],
    ) -> None:
        self.session, self.router, self.board = session, router, board
        self.master = MasterClock(session.clock)
        self.inputs: MidiEar | None = None
        self.server: OscServer | None = None
        self.senders: list[OscSender] = []
        self.osc_trouble = self.send_trouble = ""
        self.osc_free = 0
        """The next free port, where the one that is wanted is taken; else 0."""
        self.monitor = Monitor()
        self.problems: dict[str, str] = {}
        """What could not be used of OSC, by address (or packet): the newest reason."""
        self._wake, self._again = wake, again
        self._dark: frozenset[str] = frozenset()  # controllers that nothing is sent to
        self._known: set[str] = set()
        self._wanted: tuple[Any, ...] = ()
        self._lock = threading.Lock()
        self._mail: dict[str, tuple[Message, int]] = {}
        self._sent: dict[str, Any] = {}
        self._sent_at = 0.0
        self._closed = False

    @property
    def active(self) -> bool:
        """Whether anything is open."""
        return self.inputs is not None or self.server is not None or bool(self.senders)

    @property
    def midi_trouble(self) -> tuple[str, str]:
        """Why no controller is heard, and the cure; ('', '') when one is."""
        return (self.inputs.reason, self.inputs.cure) if self.inputs is not None else ("", "")

    def apply(self, *, wants_midi: bool) -> None:
        """Open and close what the settings ask for."""
        self._shade()
        wanted = (wants_midi, *(self._setting(name) for name in (
            "midi_clock", "osc", "osc_port", "osc_open", "osc_send", "safe_mode")))
        if wanted == self._wanted or self._closed:
            return
        self._wanted = wanted
        _, clock, osc, port, opened, send, safe = wanted
        if (wants_midi or clock) and self.inputs is None:
            self.inputs = MidiEar(self._midi, changed=self._midi_changed, told=self._midi_told)
        elif self.inputs is not None and not (wants_midi or clock):
            self.inputs.close()
            self.inputs = None
        self._listen(bool(osc) and not safe, int(port or 0), bool(opened))
        self._send_to("" if safe else str(send or ""))

    def _setting(self, name: str) -> Any:
        settings = self.session.settings
        return settings[name] if name in settings.params else None

    # --- MIDI ---

    def _midi(self, port: str, message: bytes, now: float) -> None:
        """On the system's MIDI thread."""
        self.monitor.midi(port, message, now)
        self.session.playback.ear.hear(message)
        if message and message[0] in _CLOCK:
            if self._setting("midi_clock"):
                self.master.hear(port, message, now)
        elif self.router.push_midi(port, message, now):
            self._wake()

    def _midi_changed(self, port: str, there: bool) -> None:
        self._known.add(port)
        self._again(port)
        self.session.notice(f"the controller {port} is {'connected' if there else 'not there any more'}",
                            level="info" if there else "warning", source="MIDI",
                            cure="" if there else "connect it again; its bindings are kept")
        self.session.post("controls")

    def _midi_told(self, reason: str, cure: str) -> None:
        if reason and self.router.learning:  # who waits for a knob is to know why none comes
            self.session.notice(reason, level="warning", cure=cure, source="MIDI")
        self.session.post("controls")

    def _shade(self) -> None:
        """Leave the lights alone of those that the setting names; those that it names no more are set anew."""
        dark = frozenset(name.strip() for name in str(self._setting("midi_dark") or "").split(BETWEEN) if name.strip())
        if dark != self._dark:
            again, self._dark = self._dark - dark, dark
            for name in again:
                self._again(name)

    def port_list(self) -> list[PortState]:
        """Ports that are here, that were, and that bindings name; by name."""
        here = set(self.inputs.ports) if self.inputs is not None else set()
        named: dict[str, int] = {}
        for binding in self.router.bindings:
            if binding.source.kind in midi.KINDS and binding.source.device:
                named[binding.source.device] = named.get(binding.source.device, 0) + 1
        lit = {name for name in here if self.inputs is not None and self.inputs.has_lights(name)}
        return [PortState(name, name in here, named.get(name, 0), name in lit, name not in self._dark)
                for name in sorted(here | self._known | set(named))]

    def feedback_setting(self, port: str, on: bool) -> str:
        """What the setting ``midi_dark`` is to be, so that feedback to a port is on or off."""
        names = set(self._dark) - {port} if on else set(self._dark) | {port}
        return f"{BETWEEN} ".join(sorted(names))

    def light(self, device: str, message: bytes) -> None:
        """Send to a controller's lights or motors, with '' to all."""
        inputs = self.inputs
        if inputs is not None:
            for name in [device] if device else inputs.ports:
                if name not in self._dark and inputs.has_lights(name):
                    inputs.light(name, message)

    # --- OSC in ---

    def _listen(self, on: bool, port: int, opened: bool) -> None:
        server = self.server
        if server is not None and (not on or server.port != port or server.open_to_network != opened):
            server.close()
            server.join(1.0)
            self.server = None
        self.osc_trouble, self.osc_free = "", 0
        if on and self.server is None:
            try:
                self.server = OscServer(self._osc, port=port, open_to_network=opened,
                                        problem=lambda text: self._problem("packet", text))
            except OscError as error:
                self.osc_trouble, self.osc_free = str(error), error.free
                self.session.notice(str(error), level="error", cure=error.cure, source="OSC")

    def _osc(self, messages: list[Message]) -> None:
        """On the server's thread: one mailbox per address."""
        with self._lock:
            for message in messages:
                self.monitor.osc(message.address, message.arguments, time.perf_counter())
                if message.address not in self._mail and len(self._mail) >= MOST_ADDRESSES:
                    continue
                _, count = self._mail.get(message.address, (message, 0))
                self._mail[message.address] = message, count + _presses(message)
        self._wake()

    def _problem(self, address: str, text: str) -> None:
        with self._lock:
            self.problems.pop(address, None)
            self.problems[address] = text
            if len(self.problems) > PROBLEMS:
                del self.problems[next(iter(self.problems))]
        self.session.post("controls")

    def take_osc(self, now: float) -> None:
        """Do what the messages since the last time ask for."""
        with self._lock:
            if not self._mail:
                return
            mail, self._mail = self._mail, {}
        for address, (message, count) in mail.items():
            try:
                self._use(message, count, now)
            except OscProblem as error:
                self._problem(address, str(error))

    def _use(self, message: Message, count: int, now: float) -> None:
        bound = message.value is not None and self.router.push_value(OSC, message.address, message.value or 0.0, now)
        found = target_of(message.address)
        if found is None:
            if not bound:
                raise OscProblem(f"nothing here has the address {message.address}")
            return
        target, norm = found
        if self.board.style(target) == "action" and not norm:
            for _ in range(min(count, MOST_SHOTS)):
                self.board.apply(target, False, message.arguments if _presses(message) else (1,))
            return
        self.board.apply(target, norm, message.arguments)
        if self.senders:
            self._sent[address_of(target)] = self._value_of(target)  # no echo

    def forget_problems(self) -> None:
        """The list has been read."""
        with self._lock:
            self.problems.clear()
        if self.server is not None:
            self.server.forget_problems()
        self.session.post("controls")

    # --- OSC out ---

    def _send_to(self, places: str) -> None:
        """``places`` are host:port with ; or , between them. One that cannot be is said; the others are used."""
        for sender in self.senders:
            sender.close()
        made = []
        self.send_trouble = ""
        for place in places_of(places)[:MOST_PLACES]:
            host, _, port = place.rpartition(":")
            try:
                if not host or not port.isdecimal() or len(port) > 5:
                    raise OscError(f"{place[:60]!r} is no place to send OSC to",
                                   "give host:port, such as 127.0.0.1:9000")
                made.append(OscSender(host, int(port)))
            except OscError as error:
                self.send_trouble = f"{error}; {error.cure}"
                self.session.notice(str(error), level="error", cure=error.cure, source="OSC")
        self.senders = made
        self._sent = {}

    def send_osc(self, now: float) -> None:
        """Send what changed, to where the settings say."""
        senders = self.senders
        if not senders or now - self._sent_at < SEND_EVERY:
            return
        self._sent_at = now
        for address, arguments in self._present():
            if self._sent.get(address) != arguments:
                self._sent[address] = arguments
                for sender in senders:
                    sender.send(address, arguments)

    def _present(self) -> list[tuple[str, list[Any]]]:
        mix = self.session.mix
        found: list[tuple[str, list[Any]]] = [
            (f"/reverie/{name}", [getattr(mix, name)]) for name in (*SHARES, *CHOICES, *SWITCHES) if name != "bpm"]
        found.append(("/reverie/bpm", [self.session.clock.bpm]))
        for line in self.session.lines():
            for place, slot in enumerate(list(line.slots)):
                stage = slot.stage
                if stage is None:
                    continue
                found += [(address_of(Target(name, line.name, place)), arguments_for(param, stage.values[name]))
                          for name, param in stage.values.params.items() if not isinstance(param, Trigger)]
        return found

    def _value_of(self, target: Target) -> Any:
        wanted = address_of(target)
        if not target.line:
            return next((arguments for address, arguments in self._present() if address == wanted), None)
        found = self.board.find(target)
        return None if found is None else arguments_for(found[2].params[target.name], found[2][target.name])

    def close(self) -> None:
        """Let everything go; returns at once."""
        self._closed = True
        for port in (self.inputs, self.server, *self.senders):
            if port is not None:
                port.close()


def _presses(message: Message) -> int:
    """1 for a press, 0 for a button let go."""
    return int(not message.arguments or bool(message.arguments[0]))


def places_of(text: str) -> list[str]:
    """The places of the setting ``osc_send``."""
    return [place.strip() for place in text.replace(",", BETWEEN).split(BETWEEN) if place.strip()]
