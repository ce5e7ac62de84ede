"""MIDI in: ports that come and go are taken up by name. Real ports where the system has them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from studio.devices import midi_in
from studio.devices.midi_in import Lights, MidiInputs, list_inputs, matching_output
from studio.devices.midi_out import MidiError
from studio.engine.threads import stop_all
from tests.midi_client import Client, virtual_port


class Watch:
    """What was told, and a way to wait for it."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.heard: list[tuple[str, bytes]] = []
        self.changes: list[tuple[str, bool]] = []
        self.reasons: list[str] = []

    def hear(self, port: str, message: bytes, now: float) -> None:
        with self.condition:
            self.heard.append((port, message))
            self.condition.notify_all()

    def change(self, port: str, there: bool) -> None:
        with self.condition:
            self.changes.append((port, there))
            self.condition.notify_all()

    def tell(self, reason: str, cure: str) -> None:
        with self.condition:
            assert not reason or cure
            self.reasons.append(reason)
            self.condition.notify_all()

    def until(self, true: Callable[[], object]) -> None:
        with self.condition:
            # longer than a process that hangs in the system's MIDI service is left alone (``midi_ear.SILENT``)
            assert self.condition.wait_for(true, 45.0), (self.changes, self.reasons, self.heard)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    Client.plug_in("Pad:Pad MIDI 1 20:0", "Keys 24:0", "Reverie:Reverie out 1:0")
    monkeypatch.setattr(midi_in, "_clients", lambda: [Client()])
    monkeypatch.setattr(midi_in, "POLL", 0.005)
    yield Watch()
    assert not stop_all(5.0)
    assert all(client.deleted for client in Client.made), "every client is let go"


def client(name: str) -> Client:
    return next(made for made in Client.made if made.name == name and not made.deleted)


def test_all_ports_are_listened_to_but_our_own(watch: Watch) -> None:
    inputs = MidiInputs(watch.hear, changed=watch.change, told=watch.tell)
    watch.until(lambda: len(watch.changes) == 2)
    assert inputs.ports == ["Keys", "Pad:Pad MIDI 1"] and inputs.reason == ""
    client("Keys 24:0").callback(([0x90, 60, 100], 0.0), None)
    assert watch.heard == [("Keys", bytes([0x90, 60, 100]))]


def test_a_port_that_is_unplugged_comes_back_by_name(watch: Watch) -> None:
    inputs = MidiInputs(watch.hear, wanted=["Pad:Pad MIDI 1 99:3"], changed=watch.change, told=watch.tell)
    watch.until(lambda: watch.changes == [("Pad:Pad MIDI 1", True)])
    Client.ports = []
    watch.until(lambda: watch.changes[-1] == ("Pad:Pad MIDI 1", False) and watch.reasons)
    assert "Pad:Pad MIDI 1 is not there" in watch.reasons[-1] and inputs.ports == []
    Client.ports = ["Other 3:0", "Pad:Pad MIDI 1 31:0"]  # another number
    watch.until(lambda: watch.changes[-1] == ("Pad:Pad MIDI 1", True) and watch.reasons[-1] == "")
    client("Pad:Pad MIDI 1 31:0").callback(([0xB0, 7, 1], 0.0), None)
    assert watch.heard == [("Pad:Pad MIDI 1", bytes([0xB0, 7, 1]))]


def test_another_choice_of_ports(watch: Watch) -> None:
    inputs = MidiInputs(watch.hear, wanted=[], changed=watch.change, told=watch.tell)
    watch.until(lambda: watch.reasons)
    assert inputs.ports == []
    inputs.choose(["Keys"])
    watch.until(lambda: watch.changes == [("Keys", True)])
    inputs.choose(None)
    watch.until(lambda: len(watch.changes) == 2)


def test_a_port_in_use_is_a_sentence_and_is_tried_again(watch: Watch) -> None:
    Client.taken = {"Keys 24:0"}
    MidiInputs(watch.hear, changed=watch.change, told=watch.tell)
    watch.until(lambda: watch.reasons)
    assert watch.reasons == ["the MIDI port Keys cannot be opened"] and watch.changes == [("Pad:Pad MIDI 1", True)]
    Client.taken = set()
    watch.until(lambda: watch.reasons[-1] == "" and len(watch.changes) == 2)


def test_no_service_is_told_and_waited_for(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    there = threading.Event()

    def clients() -> list[Any]:
        if there.is_set():
            return [Client()]
        raise MidiError("the ALSA sequencer is missing (no /dev/snd/seq)", "sudo modprobe snd-seq")

    monkeypatch.setattr(midi_in, "_clients", clients)
    inputs = MidiInputs(watch.hear, changed=watch.change, told=watch.tell)
    watch.until(lambda: watch.reasons)
    assert "sequencer" in inputs.reason and "modprobe" in inputs.cure
    there.set()
    watch.until(lambda: len(watch.changes) == 2)


def test_no_service_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    import rtmidi

    monkeypatch.setattr(rtmidi, "get_compiled_api", lambda: [])
    with pytest.raises(MidiError) as caught:
        list_inputs()
    assert caught.value.cure


def test_a_real_port_is_heard_and_its_loss_is_seen() -> None:
    sender = virtual_port("MidiOut", "Controller", "knobs")
    try:
        names = list_inputs() if sender is not None else []
    except MidiError:
        names = []
    if not any("Controller" in name for name in names):
        pytest.skip("the system has no MIDI service with virtual ports")
    watch = Watch()
    inputs = MidiInputs(watch.hear, changed=watch.change, told=watch.tell)
    watch.until(lambda: any("Controller" in name for name, there in watch.changes if there))
    for _ in range(40):  # in blocks: the sending side's buffer is not what is tested
        count = len(watch.heard) + 50
        for place in range(50):
            sender.send_message([0xB0, 7, place])
        watch.until(lambda count=count: len(watch.heard) == count)
    assert watch.heard[-1][1] == bytes([0xB0, 7, 49])
    sender.close_port()
    sender.delete()
    inputs.look()
    watch.until(lambda: any("Controller" in name for name, there in watch.changes if not there))
    inputs.close()
    inputs.join(5.0)
    assert not stop_all(5.0)


def test_which_output_belongs_to_a_controller() -> None:
    outputs = ["Synth:in 1:0", "nano:nano CTRL 20:0", "Pad 3:0"]
    assert matching_output("Pad", outputs) == 2 and matching_output("nano:nano SLIDE", outputs) == 1
    assert matching_output("Keys", outputs) is None and matching_output("Sy", outputs) is None


def test_lights_of_a_real_controller() -> None:
    got: list[list[int]] = []
    heard = threading.Event()
    ear = virtual_port("MidiIn", "Lamp", "in")
    lights = Lights()
    if ear is not None:
        lights.there("Lamp:out")
    if not lights._clients:
        pytest.skip("the system has no MIDI service with virtual ports")
    ear.set_callback(lambda event, _: (got.append(event[0]), heard.set()))
    lights.send("Somebody", bytes([0xB0, 1, 1]))
    lights.send("Lamp:out", bytes([0xB0, 7, 99]))
    assert heard.wait(10.0) and got == [[0xB0, 7, 99]]
    lights.close()
    lights.there("Lamp:out")
    assert not lights._clients, "nothing is opened after the end"
    ear.close_port()
    ear.delete()
