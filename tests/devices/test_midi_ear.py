"""MIDI in by a process of its own: what it says arrives with its time, and its end is not the studio's."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from studio.devices import midi_ear
from studio.devices.midi_ear import FRAME, NEWS, MidiEar
from studio.devices.midi_out import MidiError
from studio.devices.midi_ports import midi_inputs, midi_outputs
from studio.engine.threads import stop_all
from tests.devices.test_midi_in import Watch
from tests.midi_client import virtual_port

TELLS = """
import json, os, struct, sys
frame = struct.Struct("<BHd")
def news(**told):
    body = json.dumps({"ports": {}, "lights": [], "reason": "", "cure": "", "looks": 1, **told}).encode()
    return frame.pack(255, len(body), 0.0) + body
def said(number, *data, at=12.5):
    return frame.pack(number, len(data), at) + bytes(data)
def put(data, size=65536):
    for place in range(0, len(data), size):
        os.write(1, data[place : place + size])
"""


@pytest.fixture
def watch() -> Iterator[Watch]:
    yield Watch()
    assert not stop_all(5.0)


def process(program: str) -> Callable[[], subprocess.Popen[bytes]]:
    """A process that speaks as the real one does."""
    return lambda: subprocess.Popen([sys.executable, "-c", TELLS + program], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, bufsize=0)


def test_what_the_ports_say_arrives_whole_in_order_and_with_its_time(watch: Watch) -> None:
    times: list[float] = []

    def heard(port: str, message: bytes, instant: float) -> None:
        times.append(instant)
        watch.hear(port, message, instant)

    ear = MidiEar(heard, changed=watch.change, told=watch.tell, start=process("""
put(news(ports={"Pad": 3}, lights=["Pad"]))
put(b"".join(said(3, 0xB0, 7, place % 128, at=float(place)) for place in range(2000)) + said(9, 0x90, 1, 1), 7)
sys.stdin.buffer.read()
"""))
    watch.until(lambda: len(watch.heard) == 2000)
    assert watch.heard == [("Pad", bytes([0xB0, 7, place % 128])) for place in range(2000)]
    assert times == [float(place) for place in range(2000)]
    assert ear.ports == ["Pad"] and ear.has_lights("Pad") and not ear.has_lights("Keys")
    assert watch.changes == [("Pad", True)], "a port that nobody named is not heard"


def test_a_fault_of_who_listens_does_not_end_the_listening(watch: Watch) -> None:
    def heard(port: str, message: bytes, instant: float) -> None:
        if message == b"\xb0\x07\x00":
            raise ValueError("a broken binding")
        watch.hear(port, message, instant)

    ear = MidiEar(heard, changed=watch.change, told=watch.tell, start=process("""
put(news(ports={"Pad": 0}) + said(0, 0xB0, 7, 0) + said(0, 0xB0, 7, 1))
sys.stdin.buffer.read()
"""))
    watch.until(lambda: watch.heard)
    assert watch.heard == [("Pad", b"\xb0\x07\x01")] and ear.ports == ["Pad"] and ear.starts == 1


def test_commands_reach_it(watch: Watch) -> None:
    ear = MidiEar(watch.hear, wanted=["Pad"], changed=watch.change, told=watch.tell, start=process("""
put(news(ports={"Pad": 0}))
for line in sys.stdin.buffer:
    put(said(0, *line[:200]))
"""))
    watch.until(lambda: watch.changes)
    ear.look()
    ear.light("Pad", b"\x90\x01\x7f")
    ear.choose(None)
    watch.until(lambda: len(watch.heard) == 4)
    assert [message.decode().strip() for _, message in watch.heard] == [
        '{"choose": ["Pad"]}', '{"look": true}', '{"light": ["Pad", "90017f"]}', '{"choose": null}']


def test_a_process_that_ends_loses_its_ports_and_is_started_again(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(midi_ear, "BACKOFF", (0.0,))
    ear = MidiEar(watch.hear, changed=watch.change, told=watch.tell, start=process('put(news(ports={"Pad": 0}))'))
    watch.until(lambda: len(watch.changes) >= 4)
    assert watch.changes[:4] == [("Pad", True), ("Pad", False)] * 2 and ear.starts >= 2


def test_a_process_that_hangs_is_ended(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(midi_ear, "SILENT", 0.2)
    monkeypatch.setattr(midi_ear, "POLL", 0.05)
    monkeypatch.setattr(midi_ear, "BACKOFF", (0.0,))
    MidiEar(watch.hear, changed=watch.change, told=watch.tell, start=process("""
import time
put(news(ports={"Pad": 0}))
time.sleep(60)
"""))
    watch.until(lambda: ("Pad", False) in watch.changes)


def test_one_that_cannot_be_started_is_told(watch: Watch) -> None:
    def nothing() -> subprocess.Popen[bytes]:
        raise OSError(12, "no memory")

    MidiEar(watch.hear, changed=watch.change, told=watch.tell, start=nothing)
    watch.until(lambda: any("no memory" in reason for reason in watch.reasons))


def test_the_real_process_says_what_is_there_and_goes_with_its_studio(watch: Watch) -> None:
    ear = MidiEar(watch.hear, changed=watch.change, told=watch.tell)
    watch.until(lambda: ear.looks or watch.reasons or watch.changes)
    child = ear._child
    assert child is not None
    ear.close()
    ear.join(5.0)
    assert child.wait(5.0) is not None


def test_a_real_controller_is_heard_through_it(watch: Watch) -> None:
    sender = virtual_port("MidiOut", "Controller", "pads")
    names: list[str] = []
    if sender is not None:
        try:
            names = midi_inputs()
        except MidiError:
            names = []
    if sender is None or not any("Controller" in name for name in names):
        pytest.skip("the system has no MIDI service with virtual ports")
    MidiEar(watch.hear, changed=watch.change, told=watch.tell)
    watch.until(lambda: any("Controller" in port for port, there in watch.changes if there))
    before = time.perf_counter()
    sender.send_message([0x90, 60, 100])
    watch.until(lambda: watch.heard)
    assert watch.heard[0][1] == bytes([0x90, 60, 100]) and time.perf_counter() - before < 5.0
    sender.close_port()
    sender.delete()
    watch.until(lambda: any("Controller" in port for port, there in watch.changes if not there))


def test_ports_are_asked_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for ask in (midi_inputs, midi_outputs):
        try:
            assert all(isinstance(name, str) for name in ask())
        except MidiError as error:
            assert error.cure
    from studio.devices import midi_ports

    monkeypatch.setattr(midi_ports, "start_module", lambda *_: process("put(b'no JSON')")())
    with pytest.raises(MidiError, match="broken"):
        midi_inputs()
    monkeypatch.setattr(midi_ports, "SECONDS", 0.2)
    hangs = "sys.stdin.read()\nimport time\ntime.sleep(60)"
    monkeypatch.setattr(midi_ports, "start_module", lambda *_: process(hangs)())
    with pytest.raises(MidiError, match="does not answer"):
        midi_inputs()


def test_a_frame_is_as_the_documentation_says() -> None:
    assert FRAME.size == 11 and NEWS == 255
