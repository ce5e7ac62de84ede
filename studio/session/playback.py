"""Playing what players make: parts are taken from their queues and played on the beats of the session's clock.

One thread does it. It only places, hands over (``playback_sinks``) and types; whoever draws looks at ``Playing``, and
no news is posted per note.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from studio.engine import Player
from studio.engine.clock import Moment
from studio.engine.deck import Anew
from studio.engine.threads import spawn
from studio.media import Audio, Note, Notes
from studio.session.playback_line import MOST_RATE, SINKS, Options, Playing, programs_of
from studio.session.playback_listen import Listening
from studio.session.playback_ports import PortsOut, plan_ahead
from studio.session.playback_sinks import HORIZON, Conducted, Silence, Sink
from studio.session.playback_synth import Synth

if TYPE_CHECKING:
    from studio.session.core import Core
    from studio.session.line import Line

log = logging.getLogger("reverie.playback")

__all__ = ["MOST_RATE", "SINKS", "Options", "Playback", "Playing"]

TICK = 0.006
"""Seconds between two looks at what is due."""
LATEST = 0.12
"""Seconds before the end of what is known at which the last bar is placed again, if nothing new is there."""
SAY_LATE = 20.0
"""Seconds between two sentences about a player that is late."""


class Playback(Listening):
    """All players. Every method belongs to the session's thread, except where it says otherwise."""

    def __init__(self, session: Core) -> None:
        self.session, self.clock = session, session.clock
        self.now = time.perf_counter
        self.playing: dict[str, Playing] = {}
        self.ports = PortsOut(session)
        self.synth = Synth(self.ports.conductor, device=self._device())
        self.silence = Silence()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._events: list[tuple[float, int, Note]] = []
        self._numbers = itertools.count()
        self._plans: dict[str, tuple[float, Any]] = {}
        self._checked = 0.0
        session.on("values", self._values_changed)
        session.on("settings", lambda _: self._lead())
        self._lead()

    def _device(self) -> str:
        settings = self.session.settings
        return str(settings["sound_output"]) if "sound_output" in settings.params else ""

    def _lead(self) -> None:
        """Others follow our clock whether anything plays or not."""
        if self.ports.clock_wanted() and not self._stop.is_set():
            self._start()

    # --- following the session ---

    def follow(self, line: Line) -> None:
        """A player was made, loaded, changed or stopped."""
        if line.kind != "player" or self._stop.is_set():
            return
        if self.session.players.get(line.name) is not line:
            self.forget(line)
            return
        known = self.playing.get(line.name)
        if known is None or known.line is not line:
            known = self.playing[line.name] = Playing(line, self.clock.read)
        self._apply(known)
        if line.stopped or not line.slots:
            with known.notes.lock:
                self._sink(known).quiet(line.name)
                known.notes.reset()
                known.paused = False
        if line.slots and not line.stopped:
            self._start()

    def forget(self, line: Line) -> None:
        """A player is gone."""
        known = self.playing.get(line.name)
        if known is not None and known.line is line:
            del self.playing[line.name]
            self._sink(known).quiet(line.name)
            self._drop_ports()

    def close(self) -> None:
        """End all notes, let the devices go; returns at once."""
        self._stop.set()
        self.synth.close()
        self.ports.close()

    def _apply(self, known: Playing) -> None:
        with known.notes.lock:
            old = known.options
            known.read()
            name, new = known.line.name, known.options
            if (old.sink, old.port) != (new.sink, new.port):
                self._sink_of(old).quiet(name)
                self._again(known, 0.0)
                self._drop_ports()
            self._sink(known)  # a port is opened before the first note
            self._levels(known, changed=(old.mute, old.volume) != (new.mute, new.volume))

    def _levels(self, known: Playing, *, changed: bool = True) -> None:
        name, options = known.line.name, known.options
        self.synth.set_level(name, options.gain)
        if options.sink == "midi" and changed:
            if options.mute:
                self._sink(known).quiet(name)
            self._again(known, 0.02)

    def _again(self, known: Playing, seconds: float) -> None:
        """What was handed over and begins more than ``seconds`` from now is handed over again."""
        if known.notes.time.origin is not None:
            moment = self.clock.read()
            known.notes.take_back(known.notes.time.position(moment) + seconds * moment.bpm / 60.0)

    def set_options(self, line: str, *, gesture: Any = None, **changes: Any) -> None:
        """Change how a player is heard; one step of undo, saved with the session. Names are those of ``Options``."""
        known = self.playing[line]
        label = {"volume": "Volume", "mute": "Mute", "rate": "Typing speed"}.get(next(iter(changes)), "Sound output")
        with self.session.edit(f"{label} of {known.line.title}", gesture):
            stored = known.line.extra.get("playback")
            kept = {"feel": stored["feel"]} if isinstance(stored, dict) and "feel" in stored else {}
            known.line.extra["playback"] = {**asdict(replace(Options.of(known.line), **changes)), **kept}
            self._apply(known)

    def choose_output(self, device: str) -> None:
        """Let the synth play through another sound output, by name; '' is the system's choice. It is a setting."""
        if "sound_output" in self.session.settings.params:
            self.session.settings.set("sound_output", device)
        self.synth.output.choose(device)

    # --- transport ---

    def play(self, line: str) -> None:
        """Play, or go on after a pause; a text or piece that has ended begins anew."""
        known = self.playing[line]
        ended = known.state == "finished"
        if known.line.stopped or ended:
            self.session.restart(line)  # type: ignore[attr-defined]
        if known.paused:
            known.notes.time.resume(self.clock.read(), self._grid(known))
            known.paused = known.text.paused = False
        self.session.post("line", known.line)

    def pause(self, line: str) -> None:
        """Stand still; sounding notes end."""
        known = self.playing[line]
        if known.state in ("empty", "stopped", "paused"):
            return
        with known.notes.lock:
            known.notes.time.pause(self.clock.read())
            known.paused = known.text.paused = True
            self._sink(known).quiet(line)
            self._again(known, 0.0)
        self.session.post("line", known.line)

    def toggle(self, line: str) -> None:
        """Play or pause."""
        known = self.playing[line]
        (self.pause if known.state in ("playing", "waiting") else self.play)(line)

    def stop(self, line: str) -> None:
        """Stop a player; it begins anew when it is played again."""
        self.session.stop(line)  # type: ignore[attr-defined]

    def play_all(self) -> None:
        """Every player that holds something."""
        for name, known in list(self.playing.items()):
            if known.line.slots:
                self.play(name)

    def pause_all(self) -> None:
        """All stand still."""
        for name in list(self.playing):
            self.pause(name)

    def stop_all(self) -> None:
        """All stop."""
        for name, known in list(self.playing.items()):
            if known.line.slots:
                self.stop(name)

    def panic(self) -> None:
        """End every note everywhere, now; who plays, plays on."""
        self.ports.conductor.quiet()
        for known in list(self.playing.values()):
            if isinstance(self._sink(known), Conducted):
                self._again(known, 0.02)

    # --- sinks ---

    def _sink(self, known: Playing) -> Sink:
        return self._sink_of(known.options)

    def _sink_of(self, options: Options) -> Sink:
        if options.sink == "midi" and options.port:
            return self.silence if self._stop.is_set() else self.ports.sink(options.port)
        return self.synth if options.sink == "synth" else self.silence

    def _drop_ports(self) -> None:
        self.ports.keep({known.options.port for known in self.playing.values() if known.options.sink == "midi"})

    def trouble(self, line: str) -> str:
        """Why a player is not heard, '' where it is."""
        options = self.playing[line].options
        if options.sink == "synth":
            return self.synth.output.reason
        if options.sink == "midi":
            return self.ports.trouble(options.port)
        return ""

    # --- the thread ---

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = spawn("reverie playback", self._work, self._stop.set)
        if any(known.options.sink == "synth" and known.line.makes in ("notes", "audio")
               for known in self.playing.values()):
            self.synth.start()

    def _work(self) -> None:
        while not self._stop.is_set():
            self.tick()
            self._stop.wait(TICK)

    def tick(self) -> None:
        """Do what is due now; on the playback thread, or in a test that brings its own clock."""
        moment, now = self.clock.read(), self.now()
        while self.ports.renewed:
            port = self.ports.renewed.pop()
            for known in list(self.playing.values()):
                if known.options.port == port if known.options.sink == "midi" else known.options.sink == port:
                    self._again(known, 0.02)
        self.ports.tick(self.clock, list(self.playing.values()), now)
        for known in list(self.playing.values()):
            try:
                self._advance(known, moment, now)
            except Exception as error:
                if str(error) != known.failure:
                    known.failure = str(error)
                    log.exception("playing %s failed", known.line.name)
        self.listen(moment, now)
        self._tell_decks(now)
        if now - self._checked > 1.0:  # the preferences may have chosen another output
            self._checked = now
            self.synth.output.choose(self._device())

    def _advance(self, known: Playing, moment: Moment, now: float) -> None:
        worker = known.line.worker
        assert isinstance(worker, Player)
        if worker.runs != known.runs:
            known.runs = worker.runs
            self._begin_anew(known)
        if known.paused or known.line.stopped or not known.line.slots:
            known.text.due(moment, 0.0, known.options.per_beat)
            return
        self.feel(known, moment, now)
        self._plan(known, moment, now)
        if not known.felt.latch or known.notes.time.origin is None:
            self._take(known, worker, moment)
            if known.felt.latch and known.notes.time.origin is not None:
                self._hold(known, moment)  # held before it began: its first bar is the one that is held
        self._type(known, moment)
        if known.notes.time.origin is not None:
            self._go_on(known, worker, moment, now)
            self._hand_over(known, moment, now)
        if not len(worker.parts) and known.line.status().state == "finished":
            notes = known.notes
            # the last notes are to ring out before it is said that it ended
            notes.finished = notes.time.origin is not None and notes.time.position(moment) > notes.end
            known.text.finished = bool(known.text.letters) and known.text.next_letter() is None

    def _begin_anew(self, known: Playing) -> None:
        with known.notes.lock:
            self._sink(known).quiet(known.line.name)
            known.notes.reset()
        known.latched = None
        if known.keep_text:
            known.keep_text = False
        else:
            known.text.reset()
        known.text.finished = False

    def _take(self, known: Playing, worker: Player, moment: Moment) -> None:
        text = known.line.makes == "text"
        # taken and placed in one: whoever steers meanwhile waits, and finds nothing stale afterwards
        with known.text.lock if text else known.notes.lock:
            while known.text.wants(known.options.rate) if text else known.notes.wants(moment):
                part = worker.parts.take()
                if isinstance(part, str):
                    known.text.add(part)
                elif isinstance(part, (Notes, Audio)):
                    self._place(known, part, moment)
                elif isinstance(part, Anew):
                    self._anew(known, moment)
                else:
                    return

    def _anew(self, known: Playing, moment: Moment) -> None:
        """Another model, seed or prime: music changes after the block that plays, a text is another page."""
        known.text.replace([])
        placed = self.placed_now(known, moment, 0.1)
        if placed is not None:
            known.notes.cut(placed.end)

    def _place(self, known: Playing, part: Notes | Audio, moment: Moment) -> None:
        notes = known.notes
        if notes.time.origin is None:
            notes.time.begin(moment, self._grid(known), self._zero(moment))
        placed = notes.add(part, moment)
        known.spare.append((placed.beat - notes.time.position(moment)) * 60.0 / moment.bpm)
        if isinstance(part, Notes):
            known.programs = programs_of(known.line)
            ahead = max(0.0, placed.beat - notes.time.position(moment))
            shifted = [note.shifted(ahead) for note in part.notes]
            self._sink(known).prepare(known.line.name, shifted, moment.bpm, known.programs)

    def _grid(self, known: Playing) -> float:
        """Beats that a start is brought to: a bar beside others, a beat alone."""
        others = any(
            other is not known and other.notes.time.origin is not None and not other.paused and not other.line.stopped
            for other in self.playing.values()
        )
        return float(self.clock.beats_per_bar) if others else 1.0

    def _zero(self, moment: Moment) -> float:
        return float(moment.beat - moment.bar * self.clock.beats_per_bar)

    def _type(self, known: Playing, moment: Moment) -> None:
        known.text.due(moment, known.options.rate, known.options.per_beat)

    def _go_on(self, known: Playing, worker: Player, moment: Moment, now: float) -> None:
        """The model is late: the bar that plays comes once more. Never silence, and what is late waits its turn."""
        notes = known.notes
        with notes.lock:
            left = (notes.end - notes.time.position(moment)) * 60.0 / moment.bpm
            held = known.felt.latch
            if left > LATEST or (not held and (len(worker.parts) or known.line.status().state == "finished")):
                return
            if notes.loop(float(self.clock.beats_per_bar)) is None or held or now - known.told_late < SAY_LATE:
                return
        known.told_late = now
        self.session.notice(f"{known.line.title} is late; the last bar plays again until more is ready",
                            level="warning", cure="choose a smaller model, or a slower tempo", source="Players")

    def _hand_over(self, known: Playing, moment: Moment, now: float) -> None:
        notes = known.notes
        with notes.lock:
            if known.paused or known.line.stopped or notes.time.origin is None:
                return  # meanwhile, by the session's thread
            position, beat = notes.time.position(moment), 60.0 / moment.bpm
            until = position + HORIZON / beat
            sink = self._sink(known)
            if isinstance(sink, Conducted):
                plan_ahead(known, sink, max(until, position + self.clock.beats_per_bar), self.felt(known, moment.bpm))
            else:
                notes.revised = None
                for item in notes.due(until, self.felt(known, moment.bpm)):
                    at = max(now + (item.beat - position) * beat, now)
                    sink.play(known.line.name, item.note, at, item.note.duration * beat, known.programs)
            for item in notes.settle(position):
                heapq.heappush(self._events, (now + (item.beat - position) * beat, next(self._numbers), item.note))
            for sound in notes.due_sounds(until):
                if known.options.sink == "synth" and isinstance(sound.block, Audio):
                    self.synth.sound(known.line.name, sound.block, now + (sound.beat - position) * beat)
            notes.forget_past(position)

    def _tell_decks(self, now: float) -> None:
        """Notes that begin now, for the effects of the decks."""
        begun: list[Note] = []
        while self._events and self._events[0][0] <= now:
            begun.append(heapq.heappop(self._events)[2])
        if begun:
            for deck in self.session.decks.values():
                if deck.slots and not deck.stopped:
                    deck.worker.send_notes(begun)
