"""What can be done about a line of the sound check without a window: sounds, notes, restarts, fetching, warming."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from studio.engine import Job
from studio.engine.threads import spawn
from studio.media import Note
from studio.session.playback_line import Options
from studio.session.soundcheck import Act
from studio.session.warmup import start_warm_up

if TYPE_CHECKING:
    from studio.session.session import Session

WHO = "sound check"
TONES = (60, 64, 67, 72)
OPENS = 6.0
"""Seconds that a device may take until it is open."""


def do(session: Session, act: Act) -> bool:
    """Do it; returns at once. False for what only a window can do (pages, test pattern, output)."""
    work = _ACTS.get(act.name)
    if work is None:
        return False
    work(session, act.value)
    return True


def _tone(session: Session, _: str) -> None:
    """A rising chord through the synth."""
    playback = session.playback
    playback.synth.start()
    _when(session, lambda: playback.synth.output.running, lambda: _play(session, Options(sink="synth")),
          lambda: playback.synth.output.reason or "the sound output does not open")


def _note(session: Session, port: str) -> None:
    """One note to a MIDI port."""
    ports = session.playback.ports
    options = Options(sink="midi", port=port)
    out = ports.sink(port).out
    _when(session, lambda: ports.conductor.state(out)[0], lambda: _play(session, options, TONES[:1]),
          lambda: ports.trouble(port) or f"the MIDI port {port} does not open")


def _play(session: Session, options: Options, pitches: tuple[int, ...] = TONES) -> None:
    sink, begin = session.playback._sink_of(options), time.perf_counter() + 0.1
    for place, pitch in enumerate(pitches):
        sink.play(WHO, Note(pitch, 90, 0.0, 1.0), begin + 0.25 * place, 0.6, {})


def _when(
    session: Session, there: Callable[[], object], work: Callable[[], None], why: Callable[[], str]
) -> None:
    """Do the work once a device is open; say why when it does not open."""
    stop = threading.Event()

    def wait() -> None:
        end = time.monotonic() + OPENS
        while not there():
            if time.monotonic() > end:
                session.notice(why(), level="warning", source="Sound check")
                return
            if stop.wait(0.02):
                return
        work()

    spawn("reverie sound check", wait, stop.set)


def _osc_port(session: Session, port: str) -> None:
    session.settings.set("osc_port", int(port))
    session.controls.apply_settings()
    session.post("settings")


def _reload(session: Session, plugin: str) -> None:
    session.reload_plugin(plugin)


def _fetch(session: Session, name: str) -> None:
    """Fetch a model of the catalogue, as a job. Whoever calls this has asked."""
    from studio.library.catalogue import fetch_model, find_entry

    entry = find_entry(name)

    def work(job: Job[Any]) -> Any:
        done = fetch_model(entry, check=job.check, cancelled=job.cancelled)
        session.notice(f"{entry.title} is among your models")
        session.post("library")
        session.post("soundcheck")
        return done

    session.jobs.run(f"Fetch {entry.title}", work)


_ACTS: dict[str, Callable[[Session, str], object]] = {
    "tone": _tone, "note": _note, "osc_port": _osc_port, "restart": lambda session, name: session.restart(name),
    "reload": _reload, "fetch": _fetch, "warm": lambda session, _: start_warm_up(session),
}
