"""The studio's side of the conductor: feeds it, hears of it, and starts it again with everything when it ended.

Every method may be called from any thread and returns at once; a thread of ours writes to the process and one reads.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from studio.devices.child import let_go, start_module
from studio.devices.conductor.scout import Scout
from studio.devices.conductor.tempo import Tempo
from studio.devices.conductor.wire import Lines, Message, decode, encode
from studio.engine.threads import spawn

SILENT = 6.0
"""Seconds without a word after which the process counts as hung."""
BACKOFF = (0.0, 0.2, 1.0, 3.0)
"""Seconds before each further start, while the process ends soon after the one before."""
STEADY = 10.0
GOODBYE = 1.5
"""Seconds that a process gets to end its notes."""
MOST_QUEUED = 20_000
KEPT = 4096
SUMS = ("sent", "late", "dropped")
"""Counts of notes that add up over processes."""

Told = Callable[[str, str, str], None]


@dataclass
class _Output:
    kind: str
    settings: dict[str, Any]
    state: tuple[bool, str, str] = (False, "", "")
    levels: dict[str, float] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    before: Counter[str] = field(default_factory=Counter)  # the sums of processes that are gone
    worst: float = 0.0
    planned: list[tuple[float, float, Message]] = field(default_factory=list)  # begin, end in beats, message


class Conductor:
    """One process, started by the first ``open``.

    ``told(out, reason, cure)`` hears on a thread of ours that an output (``""``: the process) is lost, and
    ``(out, "", "")`` when it is back.
    """

    def __init__(self, told: Told | None = None) -> None:
        self.starts = 0
        self.pid = 0
        self.sent: dict[str, list[tuple[float, float]]] = {}
        """With ``trace``: when each note-on of an output was due and sent."""
        self.allowed: list[str] = []
        """What the system granted the process, and what it said of damaged messages."""
        self._told = told or (lambda out, reason, cure: None)
        self._outputs: dict[str, _Output] = {}
        self._tempo: Tempo | None = None
        self._clock: Message | None = None
        self._tracing = False
        self._lock = threading.RLock()
        self._filled = threading.Condition(self._lock)
        self._queue: deque[bytes] = deque()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._ready = False
        self._heard = 0.0
        self._suspect = 0
        self._wake = threading.Event()
        self._scout = Scout(start_module, self._seen)

    # --- outputs ---

    @property
    def alive(self) -> bool:
        """Whether the process runs and has answered."""
        return self._ready

    def outputs(self) -> list[str]:
        """Names of the outputs that are open, or are to be."""
        with self._lock:
            return list(self._outputs)

    def open(self, out: str, kind: str, settings: dict[str, Any]) -> None:
        """Open an output, again after every restart until ``shut``. Asking for the same again does nothing."""
        with self._lock:
            known = self._outputs.get(out)
            if self._closed or (known is not None and (known.kind, known.settings) == (kind, settings)):
                return
            self._outputs[out] = _Output(kind, dict(settings))
            self._send("open", out, kind, settings)
            if self._thread is None:
                self._thread = spawn("reverie conductor", self._work, self.close)

    def shut(self, out: str) -> None:
        """End an output's notes and let it go."""
        with self._lock:
            if self._outputs.pop(out, None) is not None:
                self._send("shut", out)

    def set(self, out: str, settings: dict[str, Any]) -> None:
        """Change settings of an open output; the others stay."""
        with self._lock:
            known = self._outputs.get(out)
            if known is not None and {**known.settings, **settings} != known.settings:
                known.settings.update(settings)
                self._send("set", out, settings)

    def level(self, out: str, player: str, gain: float) -> None:
        """Loudness of a player on an output, 0..2."""
        with self._lock:
            known = self._outputs.get(out)
            if known is not None and known.levels.get(player) != gain:
                known.levels[player] = gain
                self._send("level", out, player, gain)

    def state(self, out: str) -> tuple[bool, str, str]:
        """Whether an output sounds; else the reason and the cure ('' while it is being opened)."""
        known = self._outputs.get(out)
        return known.state if known is not None else (False, "", "")

    def figures(self, out: str) -> dict[str, Any]:
        """What an output said of itself last, and its counts: ``sent``, ``late`` and ``dropped`` since it was opened,
        ``waiting`` and ``sounding`` now; ``worst`` (seconds late) of the last moments, ``worst_ever`` of all."""
        known = self._outputs.get(out)
        if known is None:
            return {}
        sums = {name: known.before[name] + int(known.counts.get(name, 0)) for name in SUMS}
        return {**known.figures, **known.counts, **sums, "worst_ever": known.worst}

    # --- notes ---

    def tempo(self, tempo: Tempo) -> None:
        """The clock's line; sent on only where it says something new."""
        with self._lock:
            if self._tempo is None or self._tempo.differs(tempo):
                self._tempo = tempo
                self._send("tempo", tempo.at, tempo.beat, tempo.rate, tempo.owed, tempo.slew)

    def plan(
        self, out: str, player: str, channel: int, pitch: int, velocity: int, begin: float, end: float,
        program: int = -1,
    ) -> None:
        """A note from ``begin`` to ``end``, in beats of the clock."""
        with self._lock:
            known = self._outputs.get(out)
            if known is None:
                return
            message = ["note", out, player, channel, pitch, velocity, round(begin, 9), round(end, 9), program]
            known.planned.append((begin, end, message))
            if len(known.planned) > KEPT and self._tempo is not None:
                beat = self._tempo.beat_at(time.perf_counter()) - 1.0
                known.planned = [item for item in known.planned if item[1] >= beat][-KEPT * 4 :]
            self._send(*message)

    def plan_at(
        self, out: str, player: str, channel: int, pitch: int, velocity: int, at: float, seconds: float,
        program: int = -1,
    ) -> None:
        """A note at a time of ``perf_counter``."""
        self._send("note_at", out, player, channel, pitch, velocity, at, at + seconds, program)

    def sound(self, out: str, player: str, path: str, channels: int, rate: int, at: float) -> None:
        """Samples (a file of float32, which the output deletes) at a time of ``perf_counter``."""
        self._send("sound", out, player, path, channels, rate, at)

    def control(self, out: str, player: str, channel: int, number: int, value: int, beat: float) -> None:
        """A controller's movement on a beat."""
        self._send("control", out, player, channel, number, value, beat)

    def forget(self, out: str, player: str, beat: float) -> None:
        """Take back a player's notes that begin on the beat or later."""
        with self._lock:
            known = self._outputs.get(out)
            if known is not None:
                known.planned = [item for item in known.planned if item[2][2] != player or item[0] < beat]
                self._send("forget", out, player, beat)

    def quiet(self, out: str | None = None, player: str | None = None) -> None:
        """End what sounds and forget what waits: of an output or all, of a player or all."""
        with self._lock:
            for name, known in self._outputs.items():
                if out in (None, name):
                    known.planned = [item for item in known.planned if player not in (None, item[2][2])]
            self._send("quiet", out, player)

    def clock(self, out: str | None, running: bool = False, beat: float = 0.0, position: float = 0.0) -> None:
        """Send MIDI clock to an output (None: to none); a song runs from ``beat`` on, where it is at ``position``."""
        with self._lock:
            self._clock = ["clock", out, running, beat, position]
            self._send(*self._clock)

    def trace(self, on: bool) -> None:
        """Note when each note was due and sent, in ``sent``."""
        with self._lock:
            self._tracing, self.sent = on, {}
            self._send("trace", on)

    # --- the process ---

    def look(self, now: float) -> None:
        """About once a second: end a process that says nothing any more; another is started."""
        self._scout.run(not self._closed and any(known.kind == "midi" for known in list(self._outputs.values())))
        with self._lock:
            child = self._child
            silent = self._ready and now - self._heard > SILENT
            # a computer that wakes up has been silent too: only who stays so is ended
            self._suspect = self._suspect + 1 if silent else 0
            if self._suspect < 3 and len(self._queue) < MOST_QUEUED:
                return
            self._suspect = 0
        if child is not None:
            with contextlib.suppress(OSError):
                child.kill()

    def close(self) -> None:
        """End all notes and the process; returns at once."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._send("bye")
                self._wake.set()
                self._filled.notify_all()
        self._scout.close()

    def join(self, seconds: float) -> None:
        """Wait for the end."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _seen(self, names: list[str]) -> None:
        """From the scout: the ports that are there."""
        with self._lock:
            for out, known in self._outputs.items():
                if known.kind == "midi":
                    self._send("set", out, {"ports": names})

    def _send(self, *message: Any) -> None:
        with self._lock:
            if self._child is not None and len(self._queue) < MOST_QUEUED:
                with contextlib.suppress(ValueError, TypeError):  # NaN: nothing that could be played
                    self._queue.append(encode(*message))
                    self._filled.notify()

    def _work(self) -> None:
        tries = 0
        while not self._closed:
            began = time.perf_counter()
            try:
                self._run()
            except OSError as error:
                self._lost(f"the process that keeps the time cannot be started ({error})")
            if self._closed:
                return
            tries = 0 if time.perf_counter() - began > STEADY else tries + 1
            self._wake.wait(BACKOFF[min(tries, len(BACKOFF) - 1)])

    def _run(self) -> None:
        """One process, from its start to its end."""
        child = start_module("studio.devices.conductor")
        assert child.stdin is not None and child.stdout is not None
        self.starts += 1
        with self._lock:
            self._child, self.pid, self._heard = child, child.pid, time.perf_counter()
            self._queue.clear()
            self._tell_all()
        writer = threading.Thread(target=self._write, args=(child,), name="reverie conductor out", daemon=True)
        writer.start()
        lines = Lines()
        descriptor = child.stdout.fileno()
        while data := os.read(descriptor, 65_536):
            for line in lines.feed(data):
                message = decode(line)
                if message is not None:
                    self._hear(message)
        with self._lock:
            self._child, self._ready = None, False
            self._filled.notify_all()
        writer.join(2.0)
        code = let_go(child)
        if not self._closed:
            self._lost(f"the process that keeps the time ended ({_how(code)})")

    def _tell_all(self) -> None:
        """Everything a new process needs to know: outputs, what may hang there, and what is still to be played."""
        now = time.perf_counter()
        if self._tempo is not None:
            line = self._tempo
            self._send("tempo", line.at, line.beat, line.rate, line.owed, line.slew)
        beat = self._tempo.beat_at(now) if self._tempo is not None else 0.0
        for out, known in self._outputs.items():
            begun = [message for begin, _, message in known.planned if begin <= beat + 0.05]
            hanging = sorted({(message[3], message[4]) for message in begun}) if self.starts > 1 else []
            self._send("open", out, known.kind, {**known.settings, **({"hanging": hanging} if hanging else {})})
            for player, gain in known.levels.items():
                self._send("level", out, player, gain)
            for begin, _, message in known.planned:
                if begin > beat:
                    self._send(*message)
        if self._clock is not None:
            self._send(*self._clock)
        if self._tracing:
            self._send("trace", True)
        if self._closed:
            self._send("bye")

    def _write(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdin is not None
        descriptor = child.stdin.fileno()
        while True:
            with self._lock:
                while not self._queue and not self._closed and self._child is child:
                    self._filled.wait(1.0)
                if self._child is not child:
                    return
                data = b"".join(self._queue)
                self._queue.clear()
            try:
                while data:
                    data = data[os.write(descriptor, data) :]
            except OSError:
                return
            if self._closed and not self._queue:
                return self._see_off(child)

    @staticmethod
    def _see_off(child: subprocess.Popen[bytes]) -> None:
        """It was told to end: one that does not is ended."""
        try:
            child.wait(GOODBYE)
        except subprocess.TimeoutExpired:
            child.kill()

    def _hear(self, message: Message) -> None:
        self._heard = time.perf_counter()
        name, *rest = message
        if name == "ready":
            self._ready = True
            if self.starts > 1:
                self._told("", "", "")
        elif name == "state" and len(rest) == 4:
            self._state(str(rest[0]), (bool(rest[1]), str(rest[2]), str(rest[3])))
        elif name == "alive" and len(rest) == 2 and isinstance(rest[1], dict):
            for out, counts in rest[1].items():
                if out in self._outputs:
                    self._outputs[out].counts = counts
                    self._outputs[out].worst = max(self._outputs[out].worst, float(counts.get("worst", 0.0)))
        elif name == "figures" and len(rest) == 2 and rest[0] in self._outputs:
            self._outputs[rest[0]].figures = rest[1]
        elif name == "trace" and len(rest) == 2:
            self.sent.setdefault(rest[0], []).extend((a, b) for a, b in rest[1])
        elif name == "log" and len(self.allowed) < 200:
            self.allowed.append(str(rest[0]))

    def _state(self, out: str, state: tuple[bool, str, str]) -> None:
        known = self._outputs.get(out)
        if known is None:
            return
        before, known.state = known.state, state
        if not state[0] and state[1] != before[1]:
            self._told(out, state[1], state[2])
        elif state[0] and before[1]:
            self._told(out, "", "")

    def _lost(self, reason: str) -> None:
        with self._lock:
            for known in self._outputs.values():
                known.before.update({name: int(known.counts.get(name, 0)) for name in SUMS})
                known.state, known.counts = (False, "", ""), {}
        self._told("", reason, "it is started again by itself, and ends what may hang")


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {-code}"
    return "it hung" if code == 4 else f"exit code {code}"
