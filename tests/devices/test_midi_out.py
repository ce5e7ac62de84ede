"""MIDI out: in time, nothing hanging, ports that come and go. Real ports where the system has them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from studio.devices import midi_out
from studio.devices.midi_out import MidiError, MidiPort, bare, midi_outputs
from studio.engine.threads import stop_all
from studio.media import Note


def until(true: Callable[[], object], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


class Client:
    """A system's MIDI client with the ports of a test."""

    ports: list[str] = ["Synth 128:0"]  # noqa: RUF012
    sent: list[tuple[float, bytes]] = []  # noqa: RUF012
    broken = False

    def get_ports(self) -> list[str]:
        return list(Client.ports)

    def open_port(self, number: int, name: str) -> None: ...

    def close_port(self) -> None: ...

    def delete(self) -> None: ...

    def send_message(self, message: bytes) -> None:
        if Client.broken:
            raise RuntimeError("gone")
        Client.sent.append((time.perf_counter(), bytes(message)))


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[MidiPort]:
    Client.sent, Client.ports, Client.broken = [], ["Synth 128:0"], False
    monkeypatch.setattr(midi_out, "make_clients", lambda: [Client()])
    monkeypatch.setattr(midi_out, "RETRY", 0.01)
    made = MidiPort("Synth 131:0")  # the number of another start
    until(lambda: made.open)
    yield made
    made.close()
    made.join(5.0)
    assert not stop_all(5.0)


def messages() -> list[bytes]:
    return [message for _, message in Client.sent]


def test_notes_are_sent_in_their_order_and_time(port: MidiPort) -> None:
    begin = time.perf_counter() + 0.1
    for place in range(8):
        port.play("1", Note(60 + place, 90, 0.0, 0.5), begin + place * 0.03, 0.02, {0: 19} if place == 0 else {})
    until(lambda: len(Client.sent) == 17)
    assert messages()[0] == bytes([0xC0, 19])
    assert messages()[1:5] == [bytes([0x90, 60, 90]), bytes([0x80, 60, 64]), bytes([0x90, 61, 90]),
                               bytes([0x80, 61, 64])]
    on = [(at, begin + (message[1] - 60) * 0.03) for at, message in Client.sent if message[0] == 0x90]
    assert all(at >= due for at, due in on), "nothing is early"


def test_a_key_struck_again_is_let_go_first_and_ends_once(port: MidiPort) -> None:
    now = time.perf_counter() + 0.05
    port.play("1", Note(60, 90, 0.0, 1.0), now, 0.2, {})
    port.play("1", Note(60, 91, 0.0, 1.0), now + 0.05, 0.3, {})
    until(lambda: len(Client.sent) >= 4)
    assert messages() == [bytes([0x90, 60, 90]), bytes([0x80, 60, 64]), bytes([0x90, 60, 91]), bytes([0x80, 60, 64])]
    assert Client.sent[-1][0] - now > 0.3, "the end of the first note does not cut the second"


def test_quiet_ends_what_sounds_and_forgets_what_waits(port: MidiPort) -> None:
    now = time.perf_counter()
    port.play("1", Note(60, 90, 0.0, 1.0), now, 30.0, {})
    port.play("2", Note(64, 90, 0.0, 1.0), now, 30.0, {})
    port.play("1", Note(62, 90, 0.0, 1.0), now + 0.4, 30.0, {})
    until(lambda: len(Client.sent) == 2)
    port.quiet("1")
    until(lambda: len(Client.sent) == 3)
    assert messages()[2] == bytes([0x80, 60, 64])
    port.quiet()
    until(lambda: len(Client.sent) >= 4 + 48)
    assert messages()[3] == bytes([0x80, 64, 64])
    assert bytes([0xB9, 123, 0]) in messages() and bytes([0xB0, 64, 0]) in messages()
    assert bytes([0x90, 62, 90]) not in messages()


def test_closing_ends_every_note(port: MidiPort) -> None:
    port.play("1", Note(60, 90, 0.0, 1.0, 3), time.perf_counter(), 30.0, {})
    until(lambda: Client.sent)
    port.close()
    port.join(5.0)
    assert bytes([0x83, 60, 64]) in messages() and bytes([0xB3, 120, 0]) in messages()


def test_a_port_that_goes_away_comes_back(port: MidiPort) -> None:
    told: list[str] = []
    port._told = lambda reason, cure: told.append(reason)
    Client.ports, Client.broken = [], True
    port.play("1", Note(60, 90, 0.0, 1.0), time.perf_counter(), 0.1, {})
    until(lambda: len(told) >= 2)
    assert "went away" in told[0] and "Synth" in told[1]
    port.play("1", Note(61, 90, 0.0, 1.0), time.perf_counter(), 0.1, {})  # dropped: nothing is queued for later
    Client.ports, Client.broken = ["Synth 140:0"], False
    until(lambda: port.open)
    assert told[-1] == "" and port.reason == ""
    port.play("1", Note(62, 90, 0.0, 1.0), time.perf_counter(), 0.01, {})
    until(lambda: len(Client.sent) == 2)
    assert messages()[0] == bytes([0x90, 62, 90])


def test_names_without_their_numbers() -> None:
    assert bare("Synth:Port 128:0") == "Synth:Port" and bare("Synth") == "Synth" and bare("in 2") == "in"


def test_no_service_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import rtmidi

    monkeypatch.setattr(rtmidi, "get_compiled_api", lambda: [])
    with pytest.raises(MidiError) as caught:
        midi_outputs()
    assert caught.value.cure


def test_a_real_port_gets_the_notes() -> None:
    import rtmidi

    got: list[tuple[float, list[int]]] = []
    listener: Any = None
    for api in rtmidi.get_compiled_api():
        try:
            listener = rtmidi.MidiIn(api, name="Reverie test")
            listener.open_virtual_port("in")
            break
        except Exception:
            listener = None
    name = next((n for n in _there() if "Reverie test" in n), "")
    if listener is None or not name:
        pytest.skip("the system has no MIDI service with virtual ports")
    listener.set_callback(lambda event, _: got.append((time.perf_counter(), event[0])))
    port = MidiPort(name)
    until(lambda: port.open)
    begin = time.perf_counter() + 0.2
    for place in range(20):
        port.play("1", Note(60, 90, 0.0, 1.0), begin + place * 0.05, 0.03, {})
    until(lambda: len(got) >= 40)
    on = [at for at, message in got if message[0] == 0x90]
    assert len(on) == 20
    gaps = sorted(abs(at - begin - place * 0.05) for place, at in enumerate(on))
    assert gaps[10] < 0.02, "the median note is within a screen's frame"
    port.close()
    port.join(5.0)
    listener.close_port()
    listener.delete()
    assert not stop_all(5.0)


def _there() -> list[str]:
    try:
        return midi_outputs()
    except MidiError:
        return []
