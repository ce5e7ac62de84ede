"""The router: movements come in from any thread, one mailbox per source; ``tick`` moves the targets.

A flood costs a mailbox write per message and a target write per tick: it neither lags nor loses the last value. Button
presses are counted, so that a press and release between two ticks is not missed.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from studio.control import midi
from studio.control.audio import PRESSES
from studio.control.binding import AUDIO, OSC, Binding, Source, Target
from studio.control.learn import Learner
from studio.control.mapping import approach, place, unplace

MOST_PRESSES = 8
"""Most presses of one button that count between two ticks."""
CAUGHT = 1.0 / 100.0
"""Way (0..1) from the target's value at which a knob has picked it up."""
MOVED_ALONE = 1e-6
"""A target that differs by more from what was written was moved by something else."""
HELD_SECONDS = 0.25
"""No feedback is sent to a control so long after it was moved: a motor must not work against a hand."""
MOST_FEEDBACK = 64
"""Most values that go back to controllers in one tick."""
FEEDBACK_EVERY = 0.05
"""Seconds between two looks at what controllers should show."""

_SOFT = (midi.CC, midi.CC14, midi.NRPN, OSC)
_ANSWERING = (midi.NOTE, midi.CC, midi.CC14, midi.NRPN, midi.BEND)

Key = tuple[str, int, int, str, str]


class Board(Protocol):
    """What the router moves. ``style`` is number, switch, action, or '' for a target that is not there now."""

    def style(self, target: Target) -> str: ...

    def read(self, target: Target) -> float: ...

    def write(self, target: Target, position: float) -> None: ...

    def fire(self, target: Target) -> None: ...


@dataclass(slots=True)
class _Mail:
    """The newest movement of one source; ``turns`` and ``presses`` add up until they are taken."""

    value: float = math.nan
    turns: int = 0
    presses: int = 0
    on: bool = False
    new: bool = False
    device: str = ""
    channel: int = 0
    low: float = 0.0
    high: float = 0.0
    """The way it went since the last tick: a knob may cross a value in between."""
    count: int = 0
    """Movements since it is heard, for meters."""


@dataclass(slots=True)
class _State:
    """A binding at work. ``x`` is where its control stands, ``goal`` the position it asks for, ``position`` how far
    the smoothing has got, ``written`` what the target then said."""

    x: float | None = None
    goal: float | None = None
    position: float = 0.0
    written: float | None = None
    caught: bool = False
    moved_at: float = -1e9
    sent: int | None = None


def key_of(source: Source) -> Key:
    """Which mailbox a source reads."""
    number = source.number if source.kind in midi.NUMBERED else 0
    if source.kind in midi.KINDS:
        return source.kind, source.channel, number, source.device, source.encoder
    return source.kind, 0, 0, "", source.address


class Router:
    """Bindings at work. ``push…`` and ``learn`` from any thread; ``tick`` from one."""

    def __init__(self) -> None:
        self.bindings: list[Binding] = []
        self.received = 0
        self._lock = threading.Lock()
        self._mail: dict[Key, _Mail] = {}
        self._routes: dict[tuple[str, int, int, str], list[tuple[str, _Mail]]] = {}
        self._states: list[_State] = []
        self._readers: dict[str, midi.MidiReader] = {}
        self._learner: Learner | None = None
        self._found: Callable[[Source], None] | None = None
        self._last: float | None = None
        self._feedback_at = -1e9

    def set_bindings(self, bindings: Iterable[Binding]) -> None:
        """Work with these from now on; those that stay keep what they caught."""
        wanted = list(bindings)
        with self._lock:
            known = {id(binding): state for binding, state in zip(self.bindings, self._states, strict=True)}
            self._states = [known.get(id(binding)) or _State() for binding in wanted]
            self.bindings = wanted
            self._mail = {key: self._mail.get(key) or _Mail() for key in (key_of(b.source) for b in wanted)}
            self._routes = {}
            for (kind, channel, number, device, rest), mail in self._mail.items():
                if kind in midi.KINDS:
                    self._routes.setdefault((kind, channel, number, device), []).append((rest, mail))

    def __len__(self) -> int:
        return len(self.bindings)

    # --- from any thread ---

    def push_midi(self, device: str, message: bytes, now: float) -> bool:
        """A message of a port. True for a button that is bound: it wants a tick soon."""
        with self._lock:
            self.received += 1
            reader = self._readers.get(device)
            if reader is None:
                reader = self._readers[device] = midi.MidiReader()
            soon = False
            for event in reader.read(message):
                if self._learner is not None:
                    self._learner.hear(event, device, now)
                number = event.number if event.kind in midi.NUMBERED else 0
                for channel in (event.channel, 0):
                    for port in (device, "") if device else ("",):
                        for encoder, mail in self._routes.get((event.kind, channel, number, port), ()):
                            mail.device, mail.channel = device, event.channel
                            self._deliver(mail, encoder, event)
                            soon = soon or event.kind in (midi.NOTE, midi.PROGRAM)
            return soon

    def push_value(self, kind: str, address: str, value: float, now: float, *, on: bool | None = None) -> bool:
        """A value 0..1 of an OSC address, an audio feature or a modulator. False when nothing hears it."""
        with self._lock:
            if kind == OSC and self._learner is not None:
                self._learner.hear_osc(address, now)
            mail = self._mail.get((kind, 0, 0, "", address))
            if mail is None:
                return kind == OSC and self._learner is not None
            if mail.value != value or kind == OSC or on:
                mail.count += 1
                self._put(mail, value, value >= 0.5 if on is None else on)
            return True

    def _deliver(self, mail: _Mail, encoder: str, event: midi.Event) -> None:
        mail.count += 1
        if encoder:
            mail.turns += midi.turns(encoder, event.raw)
            mail.new = True
        elif event.kind == midi.NOTE and not event.on:
            mail.on, mail.new = False, True  # the velocity that was struck stays the value
        else:
            if event.kind == midi.PROGRAM:
                mail.on = False  # each one is a press
            self._put(mail, event.value, event.on)

    @staticmethod
    def _put(mail: _Mail, value: float, down: bool) -> None:
        mail.presses += down and not mail.on
        mail.low, mail.high = (min(mail.low, value), max(mail.high, value)) if mail.new else (value, value)
        mail.value, mail.on, mail.new = value, down, True

    def learn(self, found: Callable[[Source], None] | None) -> None:
        """Tell ``found`` (once, from ``tick``) which control moves next; None ends that."""
        with self._lock:
            self._learner, self._found = (Learner() if found is not None else None), found

    @property
    def learning(self) -> bool:
        """Whether it waits for a control."""
        return self._learner is not None

    def hears(self, kind: str, address: str) -> bool:
        """Whether a binding listens to this address."""
        return (kind, 0, 0, "", address) in self._mail

    def activity(self, source: Source) -> tuple[float | None, int]:
        """(where a bound source stands, 0..1, movements until now), for meters; None for encoders, which stand nowhere,
        and for what has not moved yet."""
        mail = self._mail.get(key_of(source))
        if mail is None or not mail.count:
            return None, 0
        button = source.kind == midi.NOTE
        return None if source.encoder else mail.value * (mail.on or not button), mail.count

    def forget(self, device: str) -> None:
        """A port went away or came back: half messages are forgotten, its lights are set anew, and pads that were held
        are let go, since nobody will say so any more."""
        with self._lock:
            self._readers.pop(device, None)
            held = {key_of(binding.source) for binding in self.bindings
                    if binding.mode == "momentary" and binding.source.kind in midi.KINDS}
            for key, mail in self._mail.items():
                if (key[0] == midi.NOTE or key in held) and mail.on and mail.device == device:
                    mail.on, mail.new = False, True
            for binding, state in zip(self.bindings, self._states, strict=True):
                if binding.source.device in ("", device):
                    state.sent = None

    # --- from one thread ---

    def tick(self, now: float, board: Board) -> list[tuple[str, bytes]]:
        """Move what is to be moved; returns (device, message) for the controllers' lights and motors ('' is any)."""
        dt = 0.0 if self._last is None else max(0.0, now - self._last)
        self._last = now
        with self._lock:
            news = {}
            for key, mail in self._mail.items():
                if mail.new:
                    news[key] = replace(mail)
                    mail.new, mail.turns, mail.presses = False, 0, 0
            pairs = list(zip(self.bindings, self._states, strict=True))
            learned = self._learner.decide(now) if self._learner is not None else None
            found = self._found if learned is not None else None
            if learned is not None:
                self._learner = self._found = None
        if found is not None and learned is not None:
            found(learned)
        for binding, state in pairs:
            mail_now = news.get(key_of(binding.source))
            if mail_now is not None or state.goal is not None:
                self._move(binding, state, mail_now, now, dt, board)
        if now - self._feedback_at < FEEDBACK_EVERY:
            return []
        self._feedback_at = now
        return self._feedback(pairs, now, board)

    def _move(self, binding: Binding, state: _State, mail: _Mail | None, now: float, dt: float, board: Board) -> None:
        style = board.style(binding.target)
        if not style:
            state.goal, state.caught, state.written = None, False, None
            return
        if mail is not None:
            state.moved_at = now
            if style == "action":
                for _ in range(min(mail.presses, MOST_PRESSES)):
                    board.fire(binding.target)
                return
            self._aim(binding, state, mail, style, board)
        if state.goal is None or (mail is None and state.position == state.goal):
            return
        here = board.read(binding.target)
        if mail is None and _moved_alone(state, here):
            state.goal, state.caught = None, False  # somebody else has taken it over
            return
        state.position = approach(state.position, state.goal, binding.smooth, dt)
        board.write(binding.target, state.position)
        state.written = board.read(binding.target)
        if state.position == state.goal and not binding.source.encoder:
            state.goal = None

    def _aim(self, binding: Binding, state: _State, mail: _Mail, style: str, board: Board) -> None:
        """Set the goal that a movement asks for, if any."""
        here = board.read(binding.target)
        alone = _moved_alone(state, here)
        if state.goal is None or alone:
            state.position = here
        source = binding.source
        button = source.kind in (midi.NOTE, midi.PROGRAM)
        mode = binding.mode
        if mode == "auto":
            happens = button or (source.kind == AUDIO and source.address in PRESSES)
            mode = "toggle" if happens and style == "switch" else "absolute"
        low, high = _ends(binding)
        if source.encoder:
            state.sent = None
            base = here if state.goal is None or alone else state.goal
            way = mail.turns * binding.step * (-1.0 if binding.invert else 1.0)
            bottom, top = min(binding.low, binding.high), max(binding.low, binding.high)
            state.goal = min(top, max(bottom, base + way))
        elif mode == "toggle":
            state.sent = None  # many pads switch their own light: say how it is
            if mail.presses % 2:
                state.goal = low if abs(here - high) < abs(here - low) else high
        elif mode == "momentary":
            state.sent = None
            state.goal = high if mail.on else low
        elif not button or mail.presses:
            self._follow(binding, state, mail, style, here, alone)
        elif button:
            state.sent = None

    def _follow(
        self, binding: Binding, state: _State, mail: _Mail, style: str, here: float, alone: bool
    ) -> None:
        """An absolute control that moved: jump, pick up or scale."""
        x = mail.value
        before, state.x = state.x, x
        state.sent = _quantised(binding.source.kind, x)
        soft = binding.takeover if binding.source.kind in _SOFT and style == "number" else "jump"
        if alone or state.written is None:
            state.caught = False
        if soft == "jump" or state.caught:
            state.goal = _placed(binding, x)
            return
        # what was written last is finer than what a whole number or a choice says back
        exact = here if alone or state.written is None else state.position
        there = unplace(exact, binding.low, binding.high, binding.curve, binding.invert)
        way = (mail.low, mail.high) if before is None else (min(before, mail.low), max(before, mail.high))
        crossed = way[0] <= there <= way[1]
        if abs(x - there) <= CAUGHT or crossed:
            state.caught = True
            state.goal = _placed(binding, x)
        elif soft == "scale" and before is not None and x != before:
            # the way left to the end shrinks as the knob's own does, so both arrive together
            there += (x - before) * ((1.0 - there) / (1.0 - before) if x > before else there / before)
            state.goal = _placed(binding, there)

    def _feedback(
        self, pairs: list[tuple[Binding, _State]], now: float, board: Board
    ) -> list[tuple[str, bytes]]:
        out: list[tuple[str, bytes]] = []
        for binding, state in pairs:
            source = binding.source
            if not binding.feedback or source.kind not in _ANSWERING or now - state.moved_at < HELD_SECONDS:
                continue
            style = board.style(binding.target)
            if style not in ("number", "switch"):
                continue
            x = unplace(board.read(binding.target), binding.low, binding.high, binding.curve, binding.invert)
            raw = _quantised(source.kind, x)
            if raw == state.sent:
                continue
            state.sent = raw
            mail = self._mail.get(key_of(source))
            device = source.device or (mail.device if mail is not None else "")
            channel = source.channel or (mail.channel if mail is not None else 0)
            out += [(device, message) for message in midi.message_for(source.kind, channel or 1, source.number, x)]
            if len(out) >= MOST_FEEDBACK:
                self._feedback_at = -1e9  # the rest with the next tick
                break
        return out


def _moved_alone(state: _State, here: float) -> bool:
    """Whether the target was moved by something else since it was written."""
    return state.written is not None and abs(here - state.written) > MOVED_ALONE


def _placed(binding: Binding, x: float) -> float:
    return place(x, binding.low, binding.high, binding.curve, binding.invert)


def _ends(binding: Binding) -> tuple[float, float]:
    return _placed(binding, 0.0), _placed(binding, 1.0)


def _quantised(kind: str, x: float) -> int:
    return round(x * (16383 if kind in (midi.CC14, midi.NRPN, midi.BEND) else 127))
