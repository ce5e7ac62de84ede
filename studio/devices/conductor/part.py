"""One output in the conductor: what waits for it, what sounds on it, and that nothing is left hanging.

Pure: time is given, nothing waits. Every note is one object from its plan to its end, so that an end can never belong
to another note of the same key.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from studio.devices.conductor.outputs import Instrument
from studio.devices.conductor.tempo import Tempo

LONGEST = 30.0
"""Seconds after which a note is ended, whatever its maker says."""
LATE = 0.06
"""A note that comes so many seconds after its time is left out: what was missed never comes as a burst."""
PEDALS = (64, 66, 69)
"""Sustain, sostenuto and hold: up, when a player ends."""
MOST_WAITING = 50_000
"""Most events that wait for one output; more than that are no music."""
_END, _CONTROL, _BEGIN = 0, 1, 2


class Note:
    """A note from its plan to its end."""

    __slots__ = ("began", "begin", "channel", "gone", "pitch", "player", "program", "velocity")

    def __init__(self, player: str, channel: int, pitch: int, velocity: int, program: int = -1) -> None:
        self.player, self.channel, self.pitch, self.velocity = player, channel, pitch, velocity
        self.program, self.begin = program, 0.0
        self.began: float | None = None
        self.gone = False
        """Ended, taken back, or never begun: its other events mean nothing any more."""


@dataclass(frozen=True, slots=True)
class Control:
    """A controller's movement."""

    player: str
    channel: int
    number: int
    value: int


Event = tuple[float, int, int, "Note | Control"]  # when, ends first, number


class Part:
    """One output. ``fire`` does what is due; ``due`` says when that is."""

    def __init__(self, instrument: Instrument, clock: Callable[[], float] = time.perf_counter) -> None:
        self.instrument, self._clock = instrument, clock
        self.sent = self.late = self.dropped = 0
        self.away_until = 0.0
        """Until then it takes no notes: it has just failed."""
        self.worst = 0.0
        """Seconds that the latest note-on was sent after its time, since it was last asked for."""
        self.trace: list[tuple[float, float]] | None = None
        self._beats: list[Event] = []
        self._times: list[Event] = []
        self._numbers = itertools.count()
        self._sounding: dict[tuple[str, int, int], list[Note]] = {}
        self._pedals: set[tuple[str, int, int]] = set()
        self._programs: dict[tuple[str, int], int] = {}

    @property
    def waiting(self) -> int:
        """Events that wait."""
        return len(self._beats) + len(self._times)

    @property
    def sounding(self) -> int:
        """Notes that sound."""
        return sum(map(len, self._sounding.values()))

    @property
    def _takes(self) -> bool:
        return self.instrument.state[0] and self.waiting <= MOST_WAITING and self._clock() >= self.away_until

    # --- what comes ---

    def plan(self, note: Note, begin: float, end: float, *, beats: bool) -> None:
        """A note from ``begin`` to ``end``, in beats or seconds. An output that is away takes none."""
        if not self._takes:
            self.dropped += 1
            return
        heap = self._beats if beats else self._times
        note.begin = begin
        heapq.heappush(heap, (begin, _BEGIN, next(self._numbers), note))
        heapq.heappush(heap, (max(begin, end), _END, next(self._numbers), note))

    def plan_control(self, control: Control, beat: float) -> None:
        """A controller's movement on a beat."""
        if self._takes:
            heapq.heappush(self._beats, (beat, _CONTROL, next(self._numbers), control))

    def forget(self, player: str, beat: float) -> None:
        """Take back what a player begins on the beat or later."""
        def wanted(event: Event) -> bool:
            item = event[3]
            if isinstance(item, Control):
                return item.player != player or event[0] < beat
            if item.player == player and item.began is None and item.begin >= beat:
                item.gone = True
            return not item.gone

        self._beats = [event for event in self._beats if wanted(event)]
        heapq.heapify(self._beats)

    def quiet(self, player: str | None, now: float) -> None:
        """End what sounds of a player (of all with None), pedals up, forget what waits."""
        self._drop_waiting(player)
        for key in [key for key, notes in self._sounding.items() for note in notes
                    if player is None or note.player == player]:
            for note in [note for note in self._sounding.get(key, []) if player is None or note.player == player]:
                self._end(note, now)
        for pedal in [pedal for pedal in self._pedals if player is None or pedal[0] == player]:
            self._pedals.discard(pedal)
            self.instrument.control(*pedal, 0, now)
        self.instrument.quiet(player)

    def _drop_waiting(self, player: str | None) -> None:
        for heap in (self._beats, self._times):
            heap[:] = [event for event in heap if player is not None and event[3].player != player]
            heapq.heapify(heap)

    def lost(self) -> None:
        """The output went away: nothing waits for it, nothing is known to sound, its voices are unknown."""
        self._beats, self._times = [], []
        self._sounding, self._pedals, self._programs = {}, set(), {}

    # --- what is due ---

    def due(self, tempo: Tempo | None) -> float | None:
        """When the next event is to be handed over."""
        times = [self._times[0][0]] if self._times else []
        if self._beats and tempo is not None:
            times.append(tempo.time_of(self._beats[0][0]))
        return min(times) - self.instrument.lead if times else None

    def fire(self, tempo: Tempo | None, now: float) -> None:
        """Hand over everything that is due at ``now``, in its order."""
        until = now + self.instrument.lead
        while self._times and self._times[0][0] <= until:
            at, _, _, item = heapq.heappop(self._times)
            self._do(item, at, now)
        if tempo is None or not self._beats:
            return
        beat = tempo.beat_at(until) + 1e-9
        while self._beats and self._beats[0][0] <= beat:
            when, _, _, item = heapq.heappop(self._beats)
            self._do(item, tempo.time_of(when), now)

    def _do(self, item: Note | Control, at: float, now: float) -> None:
        if isinstance(item, Control):
            self._move(item, at)
        elif item.gone:
            pass
        elif item.began is not None:
            self._end(item, at)
        elif now - at > LATE:
            item.gone = True
            self.dropped += 1
        else:
            self._begin(item, at)

    def _key(self, note: Note) -> tuple[str, int, int]:
        return ("" if self.instrument.shared else note.player), note.channel, note.pitch

    def _begin(self, note: Note, at: float) -> None:
        place = ("" if self.instrument.shared else note.player), note.channel
        if note.program >= 0 and self._programs.get(place) != note.program:
            self._programs[place] = note.program
            self.instrument.program(note.player, note.channel, note.program, at)
        sounding = self._sounding.setdefault(self._key(note), [])
        if sounding:  # a key that sounds is let go before it is struck again
            self.instrument.note_off(sounding[-1].player, note.channel, note.pitch, at)
        sounding.append(note)
        note.began = at
        self.instrument.note_on(note.player, note.channel, note.pitch, note.velocity, at)
        self._count(at, self._clock())

    def _count(self, at: float, sent: float) -> None:
        self.sent += 1
        error = max(0.0, sent - at)
        self.worst = max(self.worst, error)
        self.late += error > 0.003
        if self.trace is not None and len(self.trace) < 20_000:
            self.trace.append((at, sent))

    def _end(self, note: Note, at: float) -> None:
        note.gone = True
        sounding = self._sounding.get(self._key(note), [])
        if note not in sounding:
            return
        sounding.remove(note)
        if not sounding:  # else another of the same key still holds it
            del self._sounding[self._key(note)]
            self.instrument.note_off(note.player, note.channel, note.pitch, at)

    def _move(self, control: Control, at: float) -> None:
        if control.number in PEDALS:
            pedal = control.player, control.channel, control.number
            (self._pedals.add if control.value else self._pedals.discard)(pedal)
        self.instrument.control(control.player, control.channel, control.number, control.value, at)

    def end_too_long(self, now: float) -> int:
        """End notes that have sounded longer than any is meant to; how many."""
        old = [note for notes in self._sounding.values() for note in notes
               if note.began is not None and now - note.began > LONGEST]
        for note in old:
            self._end(note, now)
        return len(old)

    def hanging(self) -> Iterator[tuple[int, int]]:
        """(channel, pitch) of what sounds."""
        return ((channel, pitch) for _, channel, pitch in self._sounding)

    def figures(self) -> dict[str, Any]:
        """Counts since it was opened, and the latest note since the last time."""
        worst, self.worst = self.worst, 0.0
        return {"sent": self.sent, "late": self.late, "dropped": self.dropped, "worst": worst,
                "waiting": self.waiting, "sounding": self.sounding}
