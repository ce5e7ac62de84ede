"""The conductor's work without its process: messages in, events out at their time. Time is given, nothing waits."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from studio.devices.conductor import outputs
from studio.devices.conductor.clock_out import ClockOut
from studio.devices.conductor.outputs import Instrument, OutputError
from studio.devices.conductor.part import Control, Note, Part
from studio.devices.conductor.tempo import Tempo
from studio.devices.conductor.wire import VERSION, Message

Tell = Callable[..., None]
MOST_OUTPUTS = 64
MOST_TRACE = 60
REST = 1.0
"""Seconds that an output which raised takes no notes."""


class Core:
    """All outputs, the clock's line, the clock out. ``tell`` takes the items of a message for the studio."""

    def __init__(
        self, tell: Tell, *, now: Callable[[], float] = time.perf_counter,
        make: Callable[[str, dict[str, Any]], Instrument] = outputs.make,
    ) -> None:
        self.parts: dict[str, Part] = {}
        self.tempo: Tempo | None = None
        self.closed = False
        self._tell, self._now, self._make = tell, now, make
        self._states: dict[str, tuple[bool, str, str]] = {}
        self._clock = ClockOut()
        self._clock_to: str | None = None
        self._tracing = False

    # --- messages ---

    def take(self, message: Message) -> None:
        """Do what a message asks for; a damaged one is told of and changes nothing."""
        handler = getattr(self, f"_on_{message[0]}", None)
        try:
            if handler is None:
                raise ValueError("unknown")
            handler(*message[1:])
        except (TypeError, ValueError, KeyError, IndexError) as error:
            self._tell("log", f"the message {str(message)[:120]} means nothing ({error})")

    def _on_open(self, out: str, kind: str, settings: dict[str, Any]) -> None:
        if out in self.parts:
            self._on_shut(out)
        if len(self.parts) >= MOST_OUTPUTS:
            self._tell("state", out, False, f"more than {MOST_OUTPUTS} outputs are open", "close some")
            return
        try:
            made = self._make(kind, settings)
        except OutputError as error:
            self._tell("state", out, False, str(error), error.cure)
            return
        self.parts[out] = part = Part(made, self._now)
        part.trace = [] if self._tracing else None
        self._look(out)

    def _on_set(self, out: str, settings: dict[str, Any]) -> None:
        self._guarded(out, lambda part: part.instrument.set(settings))
        self._look(out)

    def _on_shut(self, out: str) -> None:
        if out in self.parts:
            self._end(out)
            self.parts.pop(out)
            self._states.pop(out, None)

    def _on_tempo(self, at: float, beat: float, rate: float, owed: float, slew: float) -> None:
        made = Tempo(*map(_finite, (at, beat, rate, owed, slew)))
        if not (made.rate > 0.0 and 0.0 < made.slew < 1.0):
            raise ValueError("no tempo")
        self.tempo = made

    def _on_note(
        self, out: str, player: str, channel: int, pitch: int, velocity: int, begin: float, end: float,
        program: int = -1,
    ) -> None:
        self._plan(out, _note(player, channel, pitch, velocity, program), begin, end, beats=True)

    def _on_note_at(
        self, out: str, player: str, channel: int, pitch: int, velocity: int, begin: float, end: float,
        program: int = -1,
    ) -> None:
        self._plan(out, _note(player, channel, pitch, velocity, program), begin, end, beats=False)

    def _plan(self, out: str, note: Note, begin: float, end: float, *, beats: bool) -> None:
        begin, end = _finite(begin), _finite(end)
        self._guarded(out, lambda part: part.plan(note, begin, end, beats=beats))

    def _on_control(self, out: str, player: str, channel: int, number: int, value: int, beat: float) -> None:
        control, beat = Control(str(player), _seven(channel, 15), _seven(number), _seven(value)), _finite(beat)
        self._guarded(out, lambda part: part.plan_control(control, beat))

    def _on_sound(self, out: str, player: str, path: str, channels: int, rate: int, at: float) -> None:
        sound = str(player), str(path), min(2, max(1, int(channels))), int(rate), _finite(at)
        self._guarded(out, lambda part: part.instrument.sound(*sound))

    def _on_level(self, out: str, player: str, gain: float) -> None:
        player, gain = str(player), min(2.0, max(0.0, _finite(gain)))
        self._guarded(out, lambda part: part.instrument.level(player, gain))

    def _on_forget(self, out: str, player: str, beat: float) -> None:
        player, beat = str(player), _finite(beat)
        self._guarded(out, lambda part: part.forget(player, beat))

    def _on_quiet(self, out: str | None, player: str | None) -> None:
        for name in [out] if out is not None else list(self.parts):
            self._guarded(name, lambda part: part.quiet(player, self._now()))

    def _on_clock(self, out: str | None, running: bool = False, beat: float = 0.0, position: float = 0.0) -> None:
        if out != self._clock_to or not running:
            self._stop_clock()
        if out != self._clock_to:
            self._clock_to, self._clock = out, ClockOut()
        if out is not None and running:
            soonest = self.tempo.beat_at(self._now()) if self.tempo is not None else None
            self._clock.run(_finite(beat), max(0.0, _finite(position)), soonest=soonest)

    def _on_trace(self, on: bool) -> None:
        self._tracing = bool(on)
        for part in self.parts.values():
            part.trace = [] if self._tracing else None

    def _on_ping(self, number: int) -> None:
        self._tell("pong", number, self._now())

    def _on_hello(self, version: int) -> None:
        if version != VERSION:
            self._tell("log", f"the studio speaks version {version}, the conductor {VERSION}")

    def _on_bye(self) -> None:
        self.closed = True

    # --- time ---

    def due(self) -> float | None:
        """When something is to be done next (seconds)."""
        times = [due for part in self.parts.values() if (due := part.due(self.tempo)) is not None]
        if self._clock_sounds and (pulse := self._clock.due(self.tempo, self._now())) is not None:
            times.append(pulse)
        return min(times, default=None)

    def fire(self, now: float) -> None:
        """Do everything that is due."""
        if self._clock_sounds:  # before the notes of its beat
            for message in self._clock.fire(self.tempo, now):
                self._raw(message)
        for out, part in list(self.parts.items()):
            due = part.due(self.tempo)
            if due is not None and due <= now:
                self._guarded(out, lambda part: part.fire(self.tempo, now))

    @property
    def _clock_sounds(self) -> bool:
        part = self.parts.get(self._clock_to or "")
        return part is not None and part.instrument.state[0]

    def tend(self, slack: float) -> None:
        """Look after the outputs, when ``slack`` seconds nothing is due."""
        now = self._now()
        for out in list(self.parts):
            self._guarded(out, lambda part: part.instrument.tend(now, slack))
            self._guarded(out, lambda part: part.end_too_long(now))
            self._look(out)

    def report(self) -> None:
        """Tell the studio how things are."""
        figures = {out: part.figures() for out, part in self.parts.items()}
        self._tell("alive", self._now(), figures)
        for out, part in self.parts.items():
            try:
                self._tell("figures", out, part.instrument.figures())
            except Exception as error:
                self._tell("log", f"{out}: {error}")
            if part.trace:
                for place in range(0, len(part.trace), MOST_TRACE):
                    pairs = [[round(a, 7), round(b, 7)] for a, b in part.trace[place : place + MOST_TRACE]]
                    self._tell("trace", out, pairs)
                part.trace.clear()

    def close(self) -> None:
        """End every note and let every output go, whatever else fails."""
        self.closed = True
        self._stop_clock()
        for part in self.parts.values():  # all are silent before the first is let go: a driver may crash at that
            self._attempt(lambda part=part: part.quiet(None, self._now()))  # type: ignore[misc]
        for out in list(self.parts):
            self._end(out)
        self.parts.clear()

    # --- outputs that fail ---

    def _end(self, out: str) -> None:
        part = self.parts[out]
        if self._clock_to == out:
            self._stop_clock()
        self._attempt(lambda: part.quiet(None, self._now()))
        self._attempt(part.instrument.close)

    def _attempt(self, last: Callable[[], None]) -> None:
        try:
            last()
        except Exception as error:
            self._tell("log", f"at the end: {error}")

    def _stop_clock(self) -> None:
        message = self._clock.stop()
        if message is not None and self._clock_to in self.parts:
            self._raw(message)

    def _raw(self, message: bytes) -> None:
        self._guarded(self._clock_to or "", lambda part: part.instrument.raw(message))

    def _guarded(self, out: str, work: Callable[[Part], object]) -> None:
        """Let one output work; what it raises is its own loss and nobody else's."""
        part = self.parts.get(out)
        if part is None:
            return
        try:
            work(part)
        except Exception as error:
            part.lost()
            part.away_until = self._now() + REST
            cure = error.cure if isinstance(error, OutputError) else "it is taken up again by itself"
            self._say(out, (False, str(error) or type(error).__name__, cure))

    def _look(self, out: str) -> None:
        part = self.parts.get(out)
        if part is None or self._now() < part.away_until:
            return
        state = part.instrument.state
        if not state[0] and self._states.get(out, (False, "", ""))[0]:
            part.lost()
        self._say(out, state)

    def _say(self, out: str, state: tuple[bool, str, str]) -> None:
        if self._states.get(out) != state:
            self._states[out] = state
            self._tell("state", out, *state)


def _note(player: Any, channel: Any, pitch: Any, velocity: Any, program: Any) -> Note:
    return Note(str(player), _seven(channel, 15), _seven(pitch), max(1, _seven(velocity)), min(127, int(program)))


def _seven(value: Any, most: int = 127) -> int:
    return min(most, max(0, int(value)))


def _finite(value: Any) -> float:
    if not math.isfinite(found := float(value)):
        raise ValueError("not a number")
    return found
