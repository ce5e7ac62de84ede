"""Writing a take while the show runs: what every control did in the end, and when.

What is written is the result, not its cause: a parameter's new value whoever moved it (hand, controller, address,
fade, snapshot, undo), the modulation in it, the chain that a deck really ran, how its time went, the clock's beat. So
a replay needs no controller, no player and no microphone. Changes are taken where they happen, with their time; a
thread writes them some 120 times a second. Of many changes of one value between two such moments the newest counts, as
it does live.
"""

from __future__ import annotations

import bisect
import json
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.engine import Stage
from studio.engine.journal import Journal
from studio.engine.threads import spawn
from studio.files import FileError
from studio.media import Note, Words
from studio.session.mix import KINDS as MIX_KINDS
from studio.session.takes import TakeWriter

if TYPE_CHECKING:
    from studio.session.core import Core
    from studio.session.line import Line

log = logging.getLogger("reverie.take")

TICK = 0.008
"""Seconds between two times that the log is written."""
LOST = 0.002
"""Seconds that a deck's generators must miss before it is written."""
STRAY = 1e-6
"""Beats by which the clock must leave its straight line before a new point of it is written."""
MOST_WAITING = 200_000
"""Most events that wait to be written; more can only be where the disk does not answer."""

MIXED = tuple(name for name, kind in MIX_KINDS.items() if kind != "trigger" and not name.startswith("fade_"))
"""What of the mix is seen."""


class TakeLog:
    """One take being written. ``ended(reason)`` is called on its thread when the disk takes no more.

    ``size`` (width, height) and ``fps`` are those of the programme now, the usual ones of a render.
    """

    def __init__(
        self, session: Core, path: Path, *, size: tuple[int, int], fps: float,
        ended: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._session, self._ended = session, ended
        self._lock = threading.Lock()
        self._values: dict[tuple[int, str, str], dict[str, Any]] = {}
        self._events: list[dict[str, Any]] = []
        self._numbers: dict[int, tuple[int, Stage]] = {}
        self._written = 0
        self._stop = threading.Event()
        self._decks: dict[str, _DeckState] = {name: _DeckState() for name in session.decks}
        self._ears: dict[str, tuple[Any, float]] = {}
        moment = session.clock.read()
        self.began, self.path, self.reason = moment.t, path, ""
        here = self._clock_now()
        self._point = self._previous = (0.0, here[1] - here[0] * here[2] / 60.0, *here[2:])
        header = {
            "size": list(size), "fps": fps, "clock": list(self._point[1:]),
            "mix": {name: getattr(session.mix, name) for name in MIXED},
        }
        self._writer = TakeWriter(path, header)
        self._off = session.on("history", lambda _: self._mark())
        self._marked = session.history.undo_label
        session.mix.heard = self._heard_mix
        for name, line in session.decks.items():
            journal = DeckJournal(self, name, line)
            line.worker.journal = journal
            if line.busy and line.worker.stages:
                journal.chain(line.worker.stages, True, at=0.0)
        self._thread = spawn("reverie take", self._work, self._stop.set)

    @property
    def seconds(self) -> float:
        """How long it is by now."""
        return self._session.clock.read().t - self.began

    def close(self, seconds: float = 2.0) -> None:
        """End it; waits up to ``seconds`` until all is written."""
        self._detach()
        self._stop.set()
        if seconds > 0 and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def _detach(self) -> None:
        self._off()
        self._session.mix.heard = None
        for line in self._session.decks.values():
            line.worker.journal = Journal()
        for _, stage in list(self._numbers.values()):
            stage.values.heard = None

    # --- what is heard, on any thread ---

    def now(self) -> float:
        """Seconds since the take began."""
        return max(0.0, self._session.clock.read().t - self.began)

    def add(self, event: dict[str, Any]) -> None:
        """Write an event soon; without a ``t`` it is of now."""
        event.setdefault("t", self.now())
        with self._lock:
            if len(self._events) < MOST_WAITING:
                self._events.append(event)

    def number(self, stage: Stage) -> int:
        """The number of a stage in this take; from the first time on its values are heard."""
        with self._lock:
            known = self._numbers.get(id(stage))
            if known is None:
                known = self._numbers[id(stage)] = (len(self._numbers) + 1, stage)
        if stage.values.heard is None:
            stage.values.heard = self._hearer(known[0], stage)
        return known[0]

    def _hearer(self, number: int, stage: Stage) -> Callable[[str, str, Any], None]:
        kinds = stage.values.params

        def heard(what: str, name: str, value: Any) -> None:
            # the set's lock is held: newest wins, and the time is that of the newest
            if what == "mod":
                row = {"t": self.now(), "e": "mod", "id": number, "name": name, "offset": value}
            else:
                row = {"t": self.now(), "e": "set", "id": number, "name": name, "value": kinds[name].to_json(value)}
            with self._lock:
                self._values.pop((number, what, name), None)
                self._values[number, what, name] = row

        return heard

    def _heard_mix(self, name: str, value: float | bool | str) -> None:
        if name in MIXED:
            row = {"t": self.now(), "e": "mix", "name": name, "value": value}
            with self._lock:
                self._values[0, "mix", name] = row

    def _mark(self) -> None:
        label = self._session.history.undo_label
        if label and label != self._marked:
            self.add({"e": "mark", "text": label[:200]})
        self._marked = label

    # --- what is looked at, on the take's own thread ---

    def _work(self) -> None:
        try:
            while not self._stop.wait(TICK):
                self.tick()
            self.tick()
            self._write([{"t": self.now(), "e": "end"}])
        except FileError as error:
            self.reason = str(error)
        except Exception as error:
            log.exception("the take failed")
            self.reason = f"the take {self.path.name} ended by a fault of the studio: {error}"
        self._writer.close()
        if self.reason:
            self._detach()
            self._ended(self.reason)

    def tick(self) -> None:
        """Look at what changes without telling, and write everything that waits."""
        self._look_at_clock()
        for name, line in list(self._session.decks.items()):
            self._look_at_deck(name, line)
        self._listen()
        with self._lock:
            rows = [*self._events, *self._values.values()]
            self._events, self._values = [], {}
        self._write(rows)

    def _write(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._writer.write(sorted(rows, key=lambda row: row["t"]))

    def _clock_now(self) -> tuple[float, float, float, float, int]:
        """Time in the take, beat, tempo, the beat that bar one is counted from, beats of a bar."""
        clock = self._session.clock
        moment, beats = clock.read(), clock.beats_per_bar
        return moment.t - self.began, moment.beat, moment.bpm, moment.beat - moment.bar * beats, beats

    def _look_at_clock(self) -> None:
        here, last, point = self._clock_now(), self._previous, self._point
        straight = point[1] + (here[0] - point[0]) * point[2] / 60.0
        moved = abs(here[1] - straight) > STRAY or abs(here[3] - point[3]) > STRAY
        if moved or here[2] != point[2] or here[4] != point[4]:
            if last[0] > point[0]:
                self.add({"t": last[0], "e": "clock", "clock": [last[1], point[2], point[3], point[4]]})
            self.add({"t": here[0], "e": "clock", "clock": list(here[1:])})
            self._point = here
        self._previous = here

    def _look_at_deck(self, name: str, line: Line) -> None:
        known, worker = self._decks[name], line.worker
        frame = line.frame()
        empty = frame is None
        if frame is not None and frame.shape != known.shape and line.status().scale == 1.0:
            known.shape = frame.shape
            self.add({"e": "shape", "line": name, "size": [frame.shape[1], frame.shape[0]]})
        if empty and not known.empty:
            self.add({"e": "clear", "line": name})
        known.empty = empty
        still = worker.hold or not line.busy
        if still != known.still:
            known.still = still
            self.add({"e": "hold", "line": name, "on": still})
        if worker.audio != known.heard:
            known.heard = dict(worker.audio)
            values = {key: round(float(value), 5) for key, value in known.heard.items()}
            self.add({"e": "audio", "line": name, "values": values})
        for stage in list(worker.stages):
            number = self._numbers.get(id(stage))
            if number is not None and known.bypassed.get(number[0], False) != stage.bypass:
                known.bypassed[number[0]] = stage.bypass
                self.add({"e": "bypass", "id": number[0], "on": stage.bypass})

    def _listen(self) -> None:
        """Notes that players handed over, by the time at which they sound."""
        moment, now = self._session.clock.read(), self.now()
        for name, known in list(self._session.playback.playing.items()):
            track = known.notes
            if track.time.origin is None or track.time.paused_at is not None:
                self._ears.pop(name, None)
                continue
            position = track.time.position(moment)
            old, last = self._ears.get(name, (track.time, position))
            last = last if old is track.time else position
            with track.lock:
                first = bisect.bisect_right(track.played, last, key=lambda item: item.beat)
                fresh = track.played[first:]
            beat = 60.0 / moment.bpm
            for item in fresh:
                self.add({
                    "t": now, "e": "note", "line": name, "at": round(max(0.0, now + (item.beat - position) * beat), 6),
                    "pitch": item.note.pitch, "velocity": item.note.velocity, "channel": item.note.channel,
                    "seconds": round(max(0.001, item.note.duration * beat), 6),
                    **({"program": known.programs[item.note.channel]} if item.note.channel in known.programs else {}),
                })
            self._ears[name] = track.time, max(last, fresh[-1].beat if fresh else last)


class _DeckState:
    """What of a deck was written last."""

    def __init__(self) -> None:
        self.empty, self.still = True, False
        self.shape: tuple[int, ...] = ()
        self.heard: dict[str, float] = {}
        self.bypassed: dict[int, bool] = {}


class DeckJournal(Journal):
    """Hears one deck's worker."""

    def __init__(self, take: TakeLog, name: str, line: Line) -> None:
        self._take, self._name, self._line = take, name, line

    def chain(self, stages: Sequence[Stage], fresh: bool, *, at: float | None = None) -> None:
        take, line = self._take, self._line
        rows = []
        for stage in stages:
            number = take.number(stage)
            rows.append({
                "id": number, "generator": stage.generator.id, "version": stage.generator.version,
                "params": stage.values.dump(), "offsets": stage.values.offsets, "bypass": stage.bypass,
            })
        worker = line.worker
        take.add({
            "t": take.now() if at is None else at, "e": "chain", "line": self._name, "fresh": fresh,
            "seed": worker.seed,
            "size": list(worker.size) if worker.size else None,
            "input": line.input_spec if line.wants_input else None, "stages": rows,
        })

    def step(self, t: float, took: float, moved: float) -> None:
        if took > moved + LOST and t > self._take.began:
            self._take.add({"t": t - self._take.began, "e": "pace", "line": self._name, "took": round(took, 6),
                            "moved": round(moved, 6)})

    def notes(self, notes: Sequence[Note]) -> None:
        rows = [[note.pitch, note.velocity, note.duration, note.channel] for note in notes]
        self._take.add({"e": "notes", "line": self._name, "notes": rows})

    def words(self, words: Sequence[Words]) -> None:
        self._take.add({"e": "words", "line": self._name, "words": [[piece.player, piece.text] for piece in words]})

    def wishes(self, wishes: dict[str, Any]) -> None:
        try:
            json.dumps(wishes, allow_nan=False)
        except (TypeError, ValueError):
            return  # an object of a view: it cannot be played again
        self._take.add({"e": "wish", "line": self._name, "values": dict(wishes)})
