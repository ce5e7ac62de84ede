"""Through a real port: JACK's dummy server, under a name of its own. Skipped where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.devices.conductor.client import Conductor
from studio.devices.conductor.tempo import Tempo
from studio.devices.listing import quiet_stderr
from studio.engine.threads import stop_all

ROOT = Path(__file__).resolve().parents[3]
SERVER = f"reverie-test-{os.getpid()}"


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


class Server:
    """The JACK server of these tests."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        for how in (["--realtime", "-P", "20"], ["--no-realtime"]):  # without priority a busy machine loses notes
            self.process = server = subprocess.Popen(
                ["jackd", "-n", SERVER, *how, "-d", "dummy", "-r", "48000", "-p", "256"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            until(lambda server=server: answers() or server.poll() is not None, 15.0)  # type: ignore[misc]
            if server.poll() is None:
                return
        raise AssertionError("it does not start")

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(10)


def answers() -> bool:
    import rtmidi

    with quiet_stderr():
        try:
            rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="probe").delete()
        except Exception:
            return False
    return True


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    if shutil.which("jackd") is None:
        pytest.skip("no JACK server is installed here (apt install jackd2)")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", SERVER)
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    made = Server()
    try:
        made.start()
    except AssertionError:
        made.stop()
        pytest.skip("the JACK server does not start here")
    yield made
    made.stop()


LISTENER = """
import sys, time
import rtmidi
port = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="Keys")
out = open(sys.argv[1], "a", buffering=1)
port.set_callback(lambda event, _: out.write(f"{time.perf_counter():.6f} {bytes(event[0]).hex()}\\n"))
port.ignore_types(timing=False)
port.open_virtual_port("in")
print("ready", flush=True)
sys.stdin.read()
"""


class Synth:
    """An instrument that is listened in on: a process of its own, which no fault of the server can take along."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = subprocess.Popen([sys.executable, "-c", LISTENER, str(path)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._process.stdout is not None and self._process.stdout.readline() == b"ready\n"

    @property
    def heard(self) -> list[tuple[float, bytes]]:
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        return [(float(when), bytes.fromhex(message)) for when, message in
                (line.split() for line in lines if len(line.split()) == 2)]

    def messages(self) -> list[bytes]:
        return [message for _, message in self.heard]

    def down(self) -> Counter[int]:
        keys: Counter[int] = Counter()
        for message in self.messages():
            if message[0] & 0xF0 == 0x90:
                keys[message[1]] += 1
            elif message[0] & 0xF0 == 0x80:
                keys[message[1]] = 0
        return +keys

    def unplug(self) -> None:
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._process.wait(10)


@pytest.fixture
def synth(server: Server, tmp_path: Path) -> Iterator[Synth]:
    made = Synth(tmp_path / "heard")
    yield made
    made.unplug()


def test_a_port_in_time_unplugged_and_back(synth: Synth, tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    conductor = Conductor(lambda out, reason, cure: told.append((out, reason)))
    other: Synth | None = None
    try:
        conductor.open("keys", "midi", {"name": "Keys:in"})
        until(lambda: conductor.state("keys")[0])
        now = time.perf_counter()
        conductor.tempo(Tempo(now, 0.0, 2.0))
        for place in range(16):
            conductor.plan("keys", "1", 0, 60 + place, 90, 0.5 + place * 0.125, 0.6 + place * 0.125)
        until(lambda: bytes([0x80, 75, 64]) in synth.messages())
        late = sorted(at - (now + (0.5 + (message[1] - 60) * 0.125) / 2.0)
                      for at, message in synth.heard if message[0] == 0x90)
        assert len(late) >= 12 and late[0] >= 0.0 and late[6] < 0.02
        begin = (time.perf_counter() - now) * 2.0 + 1.0
        conductor.plan("keys", "1", 0, 40, 90, begin, begin + 60.0)
        until(lambda: synth.down() == {40: 1})
        synth.unplug()
        until(lambda: told)
        assert told[0][0] == "keys" and "went away" in told[0][1]
        other = Synth(tmp_path / "again")
        until(lambda: told[-1] == ("keys", ""))
        until(lambda: bytes([0xBF, 120, 0]) in other.messages())
        assert bytes([0x80, 40, 64]) in other.messages(), "what hung when it went is let go"
        assert bytes([0xB0, 64, 0]) in other.messages()
    finally:
        conductor.close()
        assert not stop_all(8.0)
        if other is not None:
            other.unplug()


STUDIO = '''
import sys, time
from pathlib import Path
from studio.plugins import Registry, read_plugin
from studio.session.session import Session
session = Session(Registry([read_plugin(Path(sys.argv[1]))]))
session.add_player()
session.playback.set_options("1", sink="midi", port="Keys:in")
session.settings.set("clock_out", True)
session.settings.set("clock_out_port", "Keys:in")
end = time.monotonic() + 30
while not session.playback.ports.conductor.state("midi:Keys:in")[0] and time.monotonic() < end:
    session.pump()
    time.sleep(0.01)
session.load("1", "test.pad")
print("ready", flush=True)
end = time.monotonic() + 60
while time.monotonic() < end:
    session.pump()
    time.sleep(0.01)
'''
PAD = '''
from studio.api import Generator, Note, Notes

class Pad(Generator):
    """A long chord and an arpeggio over it."""
    id, version, makes = "test.pad", 1, "notes"

    def step(self, ctx):
        chord = tuple(Note(pitch, 90, 0.0, 4.0) for pitch in (48, 52, 55))
        return Notes(chord + tuple(Note(72 + n, 90, n / 4, 0.3) for n in range(16)), 4.0)
'''


def test_a_studio_killed_while_it_plays_leaves_no_note_and_no_clock(synth: Synth, tmp_path: Path) -> None:
    (tmp_path / "pad.py").write_text(PAD)
    env = {**os.environ, "REVERIE_HOME": str(tmp_path / "home")}
    studio = subprocess.Popen([sys.executable, "-c", STUDIO, str(tmp_path / "pad.py")], cwd=ROOT, env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        until(lambda: {48, 52, 55} <= set(synth.down()) and len(synth.messages()) > 60, 40.0)
    finally:
        studio.kill()
        studio.wait(10)
        assert studio.stdout is not None
        studio.stdout.close()
    until(lambda: not synth.down())
    until(lambda: bytes([0xFC]) in synth.messages())
    messages = synth.messages()
    assert {bytes([0xFA]), bytes([0xFB])} & set(messages), "the clock started with the music"
    assert messages.count(bytes([0xF8])) > 12
    until(lambda: synth.messages()[-1] == bytes([0xBF, 120, 0]))  # the last word is silence


@pytest.mark.slow
def test_the_server_dies_and_comes_back(server: Server, synth: Synth, tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    other: Synth | None = None
    conductor = Conductor(lambda out, reason, cure: told.append((out, reason)))
    try:
        conductor.open("keys", "midi", {"name": "Keys:in"})
        until(lambda: conductor.state("keys")[0])
        conductor.tempo(Tempo(time.perf_counter(), 0.0, 2.0))
        server.stop()

        def noticed() -> object:
            conductor.look(time.perf_counter())
            return told and told[0][0] == "keys"

        until(noticed)
        assert conductor.alive and conductor.starts == 1, "the process that keeps the time is not hurt"
        synth.unplug()
        server.start()
        other = Synth(tmp_path / "again")
        until(lambda: conductor.state("keys")[0], 30.0)
        begin = 1.0 + 2.0 * (time.perf_counter() - conductor._tempo.at)  # type: ignore[union-attr]
        conductor.plan("keys", "1", 0, 60, 90, begin, begin + 0.2)
        until(lambda: bytes([0x80, 60, 64]) in other.messages())
    finally:
        conductor.close()
        assert not stop_all(8.0)
        if other is not None:
            other.unplug()
