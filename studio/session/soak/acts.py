"""What can happen in a soak. An act is a generator that goes on once per tick; it waits with ``show.until``.

``show.until`` raises Unhealed when what must come does not come in time: then the studio did not survive that fault.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from studio.control import midi
from studio.control.binding import Source, Target
from studio.files import FileError
from studio.session.mix import Span
from studio.session.recording import PART
from studio.session.soak.faulty import NAME
from studio.session.soak.score import Event

if TYPE_CHECKING:
    from studio.session.soak.show import Show

Steps = Iterator[None]
Rng = np.random.Generator

HEALED = 60.0
"""Seconds within which all must run again after a fault has ended; a dream on a machine with much else to do takes 30
to begin."""

FLOOD, FLOOD_SECONDS = 5000, 2.0
"""MIDI messages a second, and for how long."""

LOOKS = (
    ("reverie.latent_explorer", "garden-walk"), ("reverie.deep_dream", "the-long-way"), ("reverie.sample_scene", ""),
    ("reverie.style_camera", ""), (NAME, ""),
)


def knobs(show: Show, rng: Rng, event: Event) -> Steps:
    """A hand on one knob for a second."""
    line = str(rng.choice(["A", "B"]))
    moved = show.numbers(line)
    if not moved:
        return
    name = moved[int(rng.integers(len(moved)))]
    end = show.now + 1.0
    while show.now < end:
        if name in show.numbers(line):
            show.session.set_norm(line, 0, name, float(rng.random()), gesture=f"soak {event.at}")
        yield
    show.session.end_gesture()


def crossfade(show: Show, rng: Rng, event: Event) -> Steps:
    """To the other deck, in time; sometimes the hand takes over in the middle."""
    show.session.fade_to(float(rng.integers(2)), Span(float(rng.integers(1, 5)), "beats", "beat"))
    if rng.random() < 0.3:
        yield from show.rest(0.5)
        show.session.set_crossfade(float(rng.random()))


def undo(show: Show, rng: Rng, event: Event) -> Steps:
    """Back and forth through what was done; sometimes to the look of ten seconds ago."""
    yield from show.claim("A", "B")
    for _ in range(int(rng.integers(1, 4))):
        show.session.undo()
        yield
    show.session.redo()
    if rng.random() < 0.3:
        show.session.go_back(10.0)
    yield from show.healthy(HEALED)


def snapshot(show: Show, rng: Rng, event: Event) -> Steps:
    """Keep the look of now, or fade to one that was kept; sometimes to another in the middle."""
    yield from show.claim("A", "B")
    kept = show.session.snapshots
    if len(kept) < 4:
        show.session.take_snapshot(f"look {len(kept) + 1}")
        return
    show.session.recall(kept[int(rng.integers(len(kept)))], bars=float(rng.integers(1, 3)))
    yield from show.rest(1.5)
    show.session.recall(kept[int(rng.integers(len(kept)))], seconds=2.0)
    yield from show.rest(2.5)
    yield from show.healthy(HEALED)


def setlist(show: Show, rng: Rng, event: Event) -> Steps:
    """Go, or back."""
    yield from show.claim("A", "B")
    session = show.session
    while len(session.setlist.steps) < min(3, len(session.snapshots)):
        session.setlist.add(session.snapshots[len(session.setlist.steps)])
    if not session.setlist.go() and session.setlist.steps:
        session.setlist.jump(0)
    yield from show.healthy(HEALED)


def look(show: Show, rng: Rng, event: Event) -> Steps:
    """Another generator on the deck that is less seen."""
    line = "B" if show.session.mix.crossfade < 0.5 else "A"
    yield from show.claim(line)
    generator, preset = LOOKS[int(rng.integers(len(LOOKS)))]
    show.session.load(line, generator, preset=preset)
    yield from show.until(lambda: show.running(line), HEALED, f"{generator} runs on deck {line}")


def steer(show: Show, rng: Rng, event: Event) -> Steps:
    """A player pauses, goes on, or is stopped all of a sudden."""
    yield from show.claim("players")
    names = sorted(show.session.playback.playing)
    if not names:
        return
    name = names[int(rng.integers(len(names)))]
    what = rng.random()
    if what < 0.2:
        show.session.playback.panic()  # who plays, plays on
        show.session.playback.stop_all()
        yield from show.until(lambda: show.sounding() == 0, 5.0, "silence after panic and stop")
    elif what < 0.6:
        show.session.playback.pause(name)
    yield from show.rest(1.0)
    show.session.playback.play_all()


def tempo(show: Show, rng: Rng, event: Event) -> Steps:
    """Taps, then a tempo."""
    for _ in range(4):
        show.session.clock.tap()
        yield from show.rest(0.5)
    show.session.set_bpm(float(rng.uniform(70.0, 170.0)))


def panic_row(show: Show, rng: Rng, event: Event) -> Steps:
    """Blackout, freeze and safe look; black is black in the very next picture."""
    mix = show.session.mix
    name = ("blackout", "freeze", "safe")[int(rng.integers(3))]
    mix.set(name, True)
    yield
    if name == "blackout":
        yield from show.until(lambda: show.picture is not None and not show.picture.any(), 0.2, "blackout")
    yield from show.rest(1.0)
    mix.set(name, False)


def fault(show: Show, rng: Rng, event: Event) -> Steps:
    """A plugin of the user does its worst on one deck; the other one and the players go on as if nothing were."""
    line = "B" if show.session.mix.crossfade < 0.5 or rng.random() < 0.5 else "A"
    other = "A" if line == "B" else "B"
    yield from show.claim("A", "B")
    session = show.session
    yield from show.healthy(HEALED)
    before = session.copy_look(line)
    session.load(line, NAME)
    yield from show.until(lambda: show.running(line), HEALED, "the plugin runs before its fault")
    if not any(slot.generator == NAME for slot in session.decks[line].slots[:1]):
        return  # a fade of the set list came to its end, with another look
    healthy = show.running(other)
    pictures = show.pictures(other)
    session.set_value(line, 0, "fault", event.detail)
    if event.detail == "slow":
        yield from show.rest(2.0)
    else:
        yield from show.until(lambda: show.troubled(line), HEALED, f"the fault {event.detail} is seen")
        yield from show.rest(0.5)
    if healthy:
        yield from show.until(lambda: show.pictures(other) > pictures, 10.0, f"deck {other} goes on")
    show.survived(f"fault: {event.detail}")
    session.paste_look(line, before)
    session.restart(line)
    yield from show.until(lambda: show.running(line) or not show.occupied(line), HEALED, f"deck {line} runs again")


def midi_flood(show: Show, rng: Rng, event: Event) -> Steps:
    """5,000 messages a second from a controller; the last one counts."""
    yield from show.claim("knob")
    session = show.session
    session.controls.bind(Source(midi.CC, 7, device="soak"), Target("fade_length"), takeover="jump")
    yield
    last = int(rng.integers(20, 100))
    done = threading.Event()

    def pour() -> None:
        count = round(FLOOD * FLOOD_SECONDS)
        began = time.perf_counter()
        for number in range(count):
            value = last if number == count - 1 else number % 128
            session.controls.router.push_midi("soak", bytes((0xB0, 7, value)), time.perf_counter())
            if number % 50 == 49:
                time.sleep(max(0.0, began + number / FLOOD - time.perf_counter()))
        done.set()

    show.thread("flood", pour)
    yield from show.until(done.is_set, 30.0, "the flood ends")
    wanted = last / 127.0
    yield from show.until(
        lambda: abs(session.mix.norm("fade_length") - wanted) < 0.01, 1.0, "the last value of the flood counts")
    show.survived("MIDI flood")


def osc_flood(show: Show, rng: Rng, event: Event) -> Steps:
    """A thousand datagrams in a burst, good, wrong and damaged, on the real port."""
    session = show.session
    yield from show.claim("osc")
    port = show.osc_port
    if not port:
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for number in range(1000):
            out.sendto(_packet(number, rng), ("127.0.0.1", port))
            if number % 100 == 99:
                yield
        wanted = float(rng.uniform(0.1, 0.9))
        for _ in range(3):
            yield from show.rest(0.2)
            out.sendto(_osc("/reverie/fade", wanted), ("127.0.0.1", port))
    yield from show.until(lambda: abs(session.mix.fade - wanted) < 0.02, 3.0, "OSC is heard after the flood")
    session.mix.set("fade", 0.0)
    show.survived("OSC flood")


def _osc(address: str, value: float) -> bytes:
    name = address.encode() + b"\0" * (4 - len(address) % 4)
    return name + b",f\0\0" + struct.pack(">f", value)


def _packet(number: int, rng: Rng) -> bytes:
    kind = number % 4
    if kind == 0:
        return _osc("/reverie/fade", float(rng.random()))
    if kind == 1:
        return _osc("/reverie/nobody/is/here", 1.0)
    if kind == 2:
        return _osc("/reverie/{*,[!-z]}*/?" + "*" * 12, 1.0)
    return rng.bytes(int(rng.integers(1, 200)))


def input_loss(show: Show, rng: Rng, event: Event) -> Steps:
    """The camera or film that a deck looks at goes away; the sample scene takes its place, then it is back."""
    yield from show.claim("B")
    session = show.session
    before, spec = session.copy_look("B"), session.decks["B"].input
    session.load("B", "reverie.style_camera")
    session.set_input("B", "camera:7" if rng.random() < 0.5 else str(show.folder / "gone.mp4"))
    yield from show.until(
        lambda: (feed := session.decks["B"].feed) is not None and feed.state == "substitute", HEALED,
        "the scene stands in")
    yield from show.until(lambda: show.running("B"), HEALED, "the deck goes on with the scene")
    show.survived("camera or film gone")
    session.set_input("B", spec)
    session.paste_look("B", before)
    yield from show.until(lambda: show.running("B") or not show.occupied("B"), HEALED, "deck B as before")


def save(show: Show, rng: Rng, event: Event) -> Steps:
    """Save, also to a place that cannot be written; what is there stays."""
    place = show.folder / "evening.reverie"
    show.session.save(place)
    yield from show.until(lambda: place.exists() and place.stat().st_size > 0, 10.0, "the session is saved")
    size = place.stat().st_size
    try:
        show.session.save(show.folder / "no such folder" / "x" / "y.reverie")
    except FileError:
        pass
    yield from show.rest(0.5)
    if place.stat().st_size != size:
        raise Unhealed("a save that failed changed another file")
    show.session.path = place
    show.survived("save to a place that is not there")


def port_loss(show: Show, rng: Rng, event: Event) -> Steps:
    """The MIDI port that a player plays to goes away and comes back: nothing hangs, and it plays on."""
    if show.port is None:
        return
    yield from show.claim("players")
    port = show.port
    port.unplug()
    yield from show.until(lambda: not port.plugged, HEALED, "the system lets a MIDI port go")
    yield from show.rest(3.0)
    port.plug()
    yield from show.until(lambda: port.plugged, HEALED, "the system takes a MIDI port up again")
    yield from show.until(port.heard_since_plugged, HEALED, "notes arrive again after the port came back")
    show.survived("MIDI port gone and back")


def conductor_loss(show: Show, rng: Rng, event: Event) -> Steps:
    """The process that keeps the time is killed; another takes its place with everything."""
    conductor = show.session.playback.ports.conductor
    pid, starts = conductor.pid, conductor.starts
    if not pid or not conductor.alive:
        return
    os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    yield from show.until(lambda: conductor.starts > starts and conductor.alive, HEALED, "the conductor is back")
    show.survived("conductor killed")


def export(show: Show, rng: Rng, event: Event) -> Steps:
    """A small film is rendered beside the show; sometimes cancelled."""
    yield from show.claim("job")
    job = show.export(show.folder / "loop.gif")
    if job is None:
        return
    if rng.random() < 0.3:
        yield from show.rest(1.0)
        job.cancel()
    yield from show.until(lambda: job.state in ("done", "failed", "cancelled"), 300.0, "the export ends")
    if job.state == "failed":
        raise Unhealed(f"the export failed: {job.error}")


def disk_full(show: Show, rng: Rng, event: Event) -> Steps:
    """An export onto a disk that is full: a sentence, no half file, the show goes on."""
    if show.full_disk is None:
        return
    yield from show.claim("job")
    place = show.full_disk / "frames.gif"
    job = show.export(place)
    if job is None:
        return
    yield from show.until(lambda: job.state in ("done", "failed", "cancelled"), 300.0, "the export gives up")
    if job.state != "failed" or place.exists():
        left = "a file" if place.exists() else "nothing"
        raise Unhealed(f"an export onto a full disk is {job.state} and left {left}")
    show.survived("disk full")


def recording(show: Show, rng: Rng, event: Event) -> Steps:
    """The output is recorded for some seconds, video and take; the film has every second of it."""
    yield from show.claim("recording")
    recorder = show.session.recorder
    if show.full_disk is not None and rng.random() < 0.3:
        yield from _record_nowhere(show)
    seconds = float(rng.uniform(4.0, 8.0))
    before = set(recorder.recordings())
    if not recorder.start("both", on_bar=False, anew=False):
        raise Unhealed("a recording cannot be begun")
    began = show.now
    yield from show.rest(seconds)
    seconds = show.now - began
    recorder.stop()
    yield from show.until(lambda: not recorder.active, HEALED, "the recording ends")

    def films() -> list[Path]:
        return [path for path in set(recorder.recordings()) - before
                if path.suffix == ".mp4" and not path.name.endswith(PART)]

    def finishing() -> bool:
        return any(job.title.startswith("Finish") and job.state in ("waiting", "running")
                   for job in show.session.jobs.jobs)

    yield from show.until(lambda: films() and not finishing(), HEALED, "the film is there")
    length = _film_seconds(films()[0])
    if abs(length - seconds) > 1.0:
        raise Unhealed(f"a recording of {seconds:.1f} s holds {length:.1f} s")
    show.survived("recording")
    for path in set(recorder.recordings()) - before:
        path.unlink(missing_ok=True)


def _record_nowhere(show: Show) -> Steps:
    """On a disk that is full it cannot begin, and says so."""
    settings, recorder = show.session.settings, show.session.recorder
    kept = settings["record_folder"]
    settings.set("record_folder", str(show.full_disk))
    begun = recorder.start("both", on_bar=False, anew=False)
    settings.set("record_folder", kept)
    if begun:
        raise Unhealed("a recording began on a full disk")
    show.survived("recording on a full disk refused")
    yield


def _film_seconds(path: Path) -> float:
    import av

    with av.open(str(path)) as film:
        return float(film.duration or 0) / 1e6


class Unhealed(RuntimeError):
    """What must come after a fault did not come in time."""


ACTS: dict[str, Callable[[Show, Rng, Event], Steps]] = {
    act.__name__: act for act in (
        knobs, crossfade, undo, snapshot, setlist, look, steer, tempo, panic_row, fault, midi_flood, osc_flood,
        input_loss, save, port_loss, conductor_loss, export, disk_full, recording,
    )
}
