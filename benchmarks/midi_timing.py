"""Are notes in time? Sixteenths in four voices from a session, through the conductor and a real virtual port.

    python benchmarks/midi_timing.py [--notes 2000] [--only idle] [--bpm 140] [--period 128]

A player of a whole session sends four notes each sixteenth to a MIDI port that another process listens to; JACK's dummy
server carries them (``apt install jackd2``), started here under a name of its own. It is played with nothing beside it
(idle), with a deck of the same studio that keeps one core busy (deck), and with every core busy (all). Printed, in
milliseconds: the error of each send against the ideal grid of the clock, and how long after the grid the note arrived
at the other process. A server hands notes on once per period, so arrival may be a period later. Where there is no
server this says so and ends.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

from studio.devices.listing import quiet_stderr
from studio.engine.threads import leave

SERVER, PORT = "reverie-timing", "Timing:in"
VOICES = 4
PLUGIN = f'''
from studio.api import Generator, Note, Notes

class Sixteenths(Generator):
    """Four voices in sixteenths, a bar at a time."""
    id, version, makes, title = "bench.sixteenths", 1, "notes", "Sixteenths"

    def step(self, ctx):
        return Notes(tuple(Note(36 + 16 * voice + place, 90, place / 4, 0.2, voice)
                           for place in range(16) for voice in range({VOICES})), 4.0)
'''
LISTENER = f'''
import contextlib, json, os, sys, time
import rtmidi
with contextlib.suppress(OSError, AttributeError):  # an instrument is a machine of its own: it has time to listen
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(15))
heard = []
listener = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="{PORT.partition(":")[0]}")
listener.set_callback(lambda event, _: heard.append((time.perf_counter(), *event[0])))
listener.open_virtual_port("{PORT.partition(":")[2]}")
print("ready", flush=True)
sys.stdin.read()
print(json.dumps(heard), flush=True)
'''
BUSY = "while True: pass"


def start_server(period: int) -> subprocess.Popen[bytes] | None:
    """A JACK server without a sound card; None where there is none, with the reason on the screen."""
    if shutil.which("jackd") is None:
        print("skipped: no JACK server is installed (apt install jackd2)")
        return None
    os.environ.update(JACK_DEFAULT_SERVER=SERVER, JACK_NO_START_SERVER="1")
    dummy = ["-d", "dummy", "-r", "48000", "-p", str(period)]
    import rtmidi

    for how in (["--realtime", "-P", "20"], ["--no-realtime"]):
        server = subprocess.Popen(["jackd", "-n", SERVER, *how, *dummy],  # noqa: S603, S607 - a fixed command
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(50):
            time.sleep(0.1)
            try:
                with quiet_stderr():
                    rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="probe").delete()
            except Exception:
                if server.poll() is not None:
                    break
            else:
                print(f"the server runs with {how[0][2:]} priority")
                return server
        server.kill()
        server.wait()
    print("skipped: the JACK server does not start")
    return None


class Listener:
    """The other process."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", LISTENER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        self._out: IO[str] = self._child.stdout  # type: ignore[assignment]
        assert self._out.readline() == "ready\n"

    def stop(self) -> list[list[float]]:
        """What it heard: (time, status, pitch, velocity)."""
        heard, _ = self._child.communicate("", timeout=30)
        return [row for row in json.loads(heard) if int(row[1]) & 0xF0 == 0x90]


def play(name: str, notes: int, bpm: float, folder: Path) -> dict[str, Any]:
    """One condition: the errors in milliseconds."""
    from studio.plugins import Registry, discover, read_plugin
    from studio.session.session import Session

    listener = Listener()
    place = folder / "sixteenths.py"
    place.write_text(PLUGIN)
    house = discover(builtin_only=True)
    session = Session(Registry([*house, read_plugin(place)]))
    burners: list[subprocess.Popen[bytes]] = []
    try:
        session.set_bpm(bpm)
        if name != "idle":
            session.load("A", "reverie.deep_dream")
            pump(session, 60.0, lambda: session.decks["A"].status().steps > 3)
        if name == "all":
            burners = [subprocess.Popen([sys.executable, "-c", BUSY])  # noqa: S603 - our own interpreter
                       for _ in range((os.cpu_count() or 2) - 1)]
        conductor = session.playback.ports.conductor
        session.add_player()
        session.playback.set_options("1", sink="midi", port=PORT)
        pump(session, 10.0, lambda: conductor.state(f"midi:{PORT}")[0])
        conductor.trace(True)
        session.load("1", "bench.sixteenths")
        started = session.decks["A"].status().steps if name != "idle" else 0
        began, cpu = time.perf_counter(), time.process_time()
        pump(session, notes / VOICES * 15.0 / bpm + 20.0, lambda: len(sent(conductor)) >= notes)
        seconds = time.perf_counter() - began
        share = (time.process_time() - cpu) / seconds
        steps = session.decks["A"].status().steps - started if name != "idle" else 0
        loops = session.playback.playing["1"].notes.loops
        session.playback.panic()
        time.sleep(0.3)
        pairs = sent(conductor)[:notes]
        heard = listener.stop()[:notes]
        return {
            "name": name, "due": [due for due, _ in pairs], "send": [(at - due) * 1e3 for due, at in pairs],
            "receive": [(row[0] - due) * 1e3 for row, (due, _) in zip(heard, pairs, strict=False)],
            "lost": len(pairs) - len(heard), "share": share, "fps": steps / seconds, "loops": loops,
            "allowed": list(conductor.allowed),
        }
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
        session.close()


def sent(conductor: Any) -> list[tuple[float, float]]:
    """(due, sent) of every note so far."""
    return conductor.sent.get(f"midi:{PORT}", [])


def pump(session: Any, seconds: float, until: Any) -> None:
    """The window's timer, without a window."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end and not until():
        session.pump()
        time.sleep(0.016)


def at(values: list[float], share: float) -> float:
    """A percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def off_grid(due: list[float], bpm: float) -> float:
    """How far, in milliseconds, the planned times lie from a plain ruler of sixteenths."""
    step = 15.0 / bpm
    return max(abs((when - due[0]) / step - round((when - due[0]) / step)) * step for when in due) * 1e3


def report(found: dict[str, Any], bpm: float, period: float) -> bool:
    """A line of the table; whether the aims hold."""
    send, receive = found["send"], found["receive"]
    over = [late - max(0.0, error) for late, error in zip(receive, send, strict=False)]
    print(f"{found['name']:5} {len(send):5d}   {at(send, .5):6.3f} {at(send, .99):6.3f} {max(send):6.3f}   "
          f"{at(receive, .5):6.2f} {at(receive, .99):6.2f} {max(receive, default=float('nan')):6.2f}   "
          f"{at(over, .99):6.2f}   {found['lost']:4d} {found['loops']:5d}   {found['share']:5.0%} {found['fps']:6.1f}")
    ruler = off_grid(found["due"], bpm)
    assert ruler < 0.01, f"the planned times are off the grid by {ruler:.3f} ms"
    return at(send, 0.99) <= 0.5 and max(send) <= 3.0 and found["lost"] == 0


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    words.add_argument("--notes", type=int, default=2000)
    words.add_argument("--bpm", type=float, default=140.0)
    words.add_argument("--period", type=int, default=128)
    words.add_argument("--only", choices=("idle", "deck", "all"), action="append")
    options = words.parse_args()
    server = start_server(options.period)
    if server is None:
        return 0
    sys.setswitchinterval(0.0005)  # as the studio does
    period = options.period / 48.0
    print(f"{options.bpm:g} bpm, sixteenths in {VOICES} voices; {os.cpu_count()} cores; period {period:.2f} ms; "
          f"milliseconds after the grid")
    print("      notes     send: p50    p99  worst   arrival: p50   p99  worst   on top   lost loops  studio    fps")
    holds = True
    found: dict[str, Any] = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["REVERIE_HOME"] = folder
            for name in options.only or ("idle", "deck", "all"):
                found = play(name, options.notes, options.bpm, Path(folder))
                holds = report(found, options.bpm, period) and holds
    finally:
        server.kill()
        server.wait()
    granted = ", ".join(found.get("allowed", [])) or "nothing"
    print(f"the system granted the conductor: {granted}")
    print("what limits the send: how soon the system lets the process run again after a sleep; real-time priority "
          "makes\nthat certain. What limits the arrival: the server hands notes on once per period, so up to one is"
          " on top.")
    print("p99 <= 0.5 ms, worst <= 3 ms, none lost: " + ("holds" if holds else "does not hold"))
    return 0 if holds else 1


if __name__ == "__main__":
    leave(main())
