"""Plays a score of events on a real session and watches how late pictures and notes are.

The loop is that of a window without one: it pumps the session and composes the programme ``FPS`` times a second.
Plugins that misbehave, ports that vanish, a disk that is full and a flood of messages are real.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from studio.engine import Deck, Job
from studio.engine.threads import PICTURES, be_prompt, spawn, stop_all
from studio.generator import Cancelled
from studio.media import Frame
from studio.params import Float
from studio.plugins import discover
from studio.session import exporting
from studio.session.exporting import ExportPlan
from studio.session.programme import Composer
from studio.session.programme import look as seen_now
from studio.session.render_job import JobError
from studio.session.session import Session
from studio.session.soak import faulty
from studio.session.soak.acts import ACTS, Unhealed
from studio.session.soak.figures import Levels, Pace
from studio.session.soak.ports import Port
from studio.session.soak.report import Report
from studio.session.soak.score import Event, compose

log = logging.getLogger("reverie.soak")

FPS = 60.0
SIZE = (640, 360)
SWITCH_SECONDS = 0.0005
LEVELS_EVERY = 5.0
TROUBLE = ("failed", "paused", "hung")
_FULL_DISK = 1_000_000


class Show:
    """One soak. ``told(text)`` hears a line about what happens, for who watches."""

    def __init__(self, seed: int, seconds: float, told: Callable[[str], None] = lambda text: None) -> None:
        self.seconds, self.told = seconds, told
        self.events = compose(seed, seconds)
        self.report = Report(seed, seconds)
        self.picture: Frame | None = None
        self.now = 0.0
        self.osc_port = 0
        self.port: Port | None = None
        self.full_disk: Path | None = None
        self._claimed: dict[str, int] = {}
        self._act = 0
        self._running: list[tuple[int, Event, Iterator[None]]] = []
        self._stop = threading.Event()
        self._left: contextlib.ExitStack = contextlib.ExitStack()

    def stop(self) -> None:
        """End early, from any thread; the report tells of what was played."""
        self._stop.set()

    # --- the whole evening ---

    def play(self) -> Report:
        """Play it to the end. What the show itself raised is in the report."""
        before, sys_switch = time.perf_counter(), sys.getswitchinterval()
        with self._left:
            self.folder = Path(self._left.enter_context(tempfile.TemporaryDirectory(prefix="reverie-soak-")))
            plugin = self.folder / "faulty.py"
            plugin.write_text(faulty.SOURCE, encoding="utf-8")
            self.session = Session(discover([plugin], contain=True))
            sys.setswitchinterval(SWITCH_SECONDS)
            self._left.callback(sys.setswitchinterval, sys_switch)
            be_prompt()
            try:
                self._set_up()
                self._loop()
            finally:
                self._end()
        self.report.seconds = time.perf_counter() - before
        return self.report

    def _set_up(self) -> None:
        self._full_disk()
        session = self.session
        session.load("A", "reverie.latent_explorer", preset="garden-walk")
        session.load("B", "reverie.deep_dream", preset="the-long-way")
        self.port = Port.make()
        for generator in ("reverie.midi_sequencer", "reverie.text_sequencer"):
            line = session.add_player()
            session.load(line.name, generator)
            if generator.endswith("midi_sequencer"):
                sink: dict[str, Any] = {"sink": "midi", "port": self.port.address} if self.port else {"sink": "synth"}
                session.playback.set_options(line.name, **sink)
        session.settings.set("record_folder", str(self.folder / "recordings"))
        session.settings.set("record_size", "640x360")
        session.settings.set("osc_port", _free_port())
        session.settings.set("osc", True)
        session.pump()
        server = session.controls.ports.server
        self.osc_port = int(session.settings["osc_port"]) if server is not None else 0
        session.playback.play_all()
        session.history.clear()  # nobody undoes the building of the stage
        if self.port is None:
            self.report.skipped["port_loss"] = Port.reason
        if self.full_disk is None:
            self.report.skipped["disk_full"] = "a small disk can only be made by root, on Linux"

    def _full_disk(self) -> None:
        """A disk of one megabyte, where the system lets us have one."""
        if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mount"):
            return
        place = self.folder / "full"
        place.mkdir()
        made = subprocess.run(  # noqa: S603 - nothing in it comes from outside
            ["mount", "-t", "tmpfs", "-o", f"size={_FULL_DISK}", "tmpfs", str(place)],  # noqa: S607
            capture_output=True, check=False)
        if made.returncode == 0:
            self.full_disk = place
            with contextlib.suppress(OSError):
                (place / "filling").write_bytes(b"\0" * (_FULL_DISK - 3 * 4096))
            self._left.callback(subprocess.run, ["umount", "-l", str(place)], capture_output=True, check=False)

    def _loop(self) -> None:
        session, period = self.session, 1.0 / FPS
        composer = Composer(SIZE, lambda: seen_now(session))
        self.pace = Pace(period)
        decks = {name: Pace(1.0 / float(session.settings["fps"])) for name in session.decks}
        levels, next_look = Levels(), 0.0
        waiting = list(self.events)
        began = due = time.perf_counter()
        while not self._stop.is_set():
            instant = time.perf_counter()
            self.now = instant - began
            if self.now >= self.seconds and not self._running:
                break
            session.pump()
            while waiting and waiting[0].at <= self.now and self.now < self.seconds:
                self._begin(waiting.pop(0))
            self._go_on()
            self.picture = composer()
            self.pace.mark(time.perf_counter())
            for name, pace in decks.items():
                self._deck_pace(name, pace)
            if self.now >= next_look:
                levels.note(self.now)
                next_look = self.now + LEVELS_EVERY
            due += period
            instant = time.perf_counter()
            if due > instant:
                self._stop.wait(due - instant)
            else:
                due = instant
        self.report.take(self.pace, decks, levels)

    def _deck_pace(self, name: str, pace: Pace) -> None:
        """A deck's pictures are judged while nobody works on the deck: not during its own faults and changes."""
        worker = self.session.decks[name].worker
        if worker.status().state != "running" or name in self._claimed:
            pace.pause()
            return
        assert isinstance(worker, Deck)
        if worker.mailbox.put_count != pace.seen:
            pace.seen = worker.mailbox.put_count
            pace.mark(time.perf_counter())

    def _end(self) -> None:
        session = self.session
        session.playback.stop_all()
        self._wait_silent()
        self.report.stuck = self.sounding()
        self._notes()
        for job in list(session.jobs.jobs):
            job.cancel()
        session.close()
        if self.port is not None:  # what the port heard is judged after the end: an overloaded JACK loses messages
            self._wait_silent()
            self.report.stuck = max(self.report.stuck, self.port.sounding())
            self.port.close()
        self.report.left_behind = [thread.name for thread in stop_all(8.0)]

    def _wait_silent(self) -> None:
        until = time.perf_counter() + 3.0
        while time.perf_counter() < until and (
            self.sounding() or (self.port is not None and self.port.sounding())
        ):
            self.session.pump()
            time.sleep(0.02)

    def _notes(self) -> None:
        """What the conductor counted."""
        conductor = self.session.playback.ports.conductor
        for out in sorted(conductor.outputs()):
            self.report.notes[out] = conductor.figures(out)

    # --- acts ---

    def _begin(self, event: Event) -> None:
        if event.act in self.report.skipped:
            return
        self._act += 1
        rng = np.random.default_rng(event.seed)
        self.told(f"{self.now:7.1f} s  {event.act} {event.detail}".rstrip())
        self._running.append((self._act, event, ACTS[event.act](self, rng, event)))
        self.report.count(event.act)

    def _go_on(self) -> None:
        for item in list(self._running):
            self._current, event, steps = item
            try:
                next(steps)
                continue
            except StopIteration:
                pass
            except Unhealed as error:
                self._failed(event, str(error))
            except (JobError, Cancelled, ValueError, OSError, KeyError) as error:
                log.exception("the act %s", event.act)
                self._failed(event, f"{type(error).__name__}: {error}")
            self._running.remove(item)
            self._claimed = {name: act for name, act in self._claimed.items() if act != item[0]}

    def _failed(self, event: Event, why: str) -> None:
        self.told(f"{self.now:7.1f} s  NOT SURVIVED: {event.act} {event.detail}: {why}")
        self.report.failures.append(f"{event.at:.0f} s, {event.act} {event.detail}: {why}")

    # --- for acts ---

    def until(self, true: Callable[[], object], seconds: float, what: str) -> Iterator[None]:
        """Go on when it is true; Unhealed when it is not in ``seconds``."""
        end = self.now + seconds
        while not true():
            if self.now > end:
                raise Unhealed(f"{what}: not within {seconds:g} s ({self._state()})")
            yield

    def rest(self, seconds: float) -> Iterator[None]:
        """Let time pass."""
        end = self.now + seconds
        while self.now < end:
            yield

    def claim(self, *names: str) -> Iterator[None]:
        """Wait until nobody else works on these; they are free again at the act's end."""
        mine, names = self._current, tuple(sorted(names))
        while any(self._claimed.get(name, mine) != mine for name in names):
            yield
        self._claimed.update(dict.fromkeys(names, mine))

    def survived(self, what: str) -> None:
        """A fault was injected and is over."""
        self.report.survived[what] = self.report.survived.get(what, 0) + 1

    def thread(self, name: str, work: Callable[[], None]) -> None:
        """Work beside the loop."""
        spawn(f"reverie soak {name}", work, lambda: None, nice=PICTURES)

    def numbers(self, line: str) -> list[str]:
        """Names of the numbers of a deck's source."""
        slots = self.session.decks[line].slots
        stage = slots[0].stage if slots else None
        return [] if stage is None else [
            name for name, param in stage.values.params.items() if isinstance(param, Float) and param.live]

    def occupied(self, line: str) -> bool:
        """Whether something is on the deck."""
        return bool(self.session.decks[line].slots)

    def pictures(self, line: str) -> int:
        """How many pictures a deck has made."""
        worker = self.session.decks[line].worker
        assert isinstance(worker, Deck)
        return worker.mailbox.put_count

    def running(self, line: str) -> bool:
        """Whether a deck's generators are set up and at work. The first picture of a dream may take a while."""
        deck = self.session.decks[line]
        status = deck.worker.status()
        ready = all(slot.stage is not None for slot in deck.slots)
        return ready and status.state == "running"

    def troubled(self, line: str) -> bool:
        """Whether a deck says that something is wrong: failed, paused, hung, or it was restarted."""
        status = self.session.decks[line].worker.status()
        return status.state in TROUBLE or status.failures > 0 or status.scale < 1.0

    def healthy(self, seconds: float) -> Iterator[None]:
        """Wait until every deck that has something on it runs. A fault that undo brought back is ended first."""
        for name, deck in self.session.decks.items():
            for index, slot in enumerate(deck.slots):
                if slot.generator == faulty.NAME and slot.stage is not None and slot.stage.values["fault"] != "none":
                    self.session.set_value(name, index, "fault", "none")
                    self.session.restart(name)
        return self.until(lambda: all(self.running(name) or not self.occupied(name) for name in self.session.decks),
                          seconds, "both decks run")

    def sounding(self) -> int:
        """Notes that sound now, by the conductor's count."""
        conductor = self.session.playback.ports.conductor
        return sum(int(conductor.figures(out).get("sounding", 0)) for out in conductor.outputs())

    def export(self, path: Path) -> Job[Any] | None:
        """Begin a small GIF of deck A; None when there is nothing on it, or the faulty plugin."""
        if any(slot.generator == faulty.NAME for slot in self.session.decks["A"].slots):
            return None
        with contextlib.suppress(JobError):
            look = exporting.look_of(self.session, "A")
            plan = ExportPlan(next(f for f in exporting.FORMATS if f.key == "gif"), path, (160, 160), 15.0, 30)
            return exporting.start_export(self.session, look, plan)
        return None

    def _state(self) -> str:
        found = []
        for name, line in self.session.decks.items():
            status = line.worker.status()
            titles = " + ".join(slot.title for slot in line.slots) or "empty"
            found.append(f"{name}: {titles}, {status.state} {status.reason}".rstrip())
        return "; ".join(found)


def _free_port() -> int:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
