"""OSC over real sockets on loopback: floods, taken ports, packets that are none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from pythonosc.osc_message_builder import OscMessageBuilder

from studio.control.osc import Message
from studio.devices import osc
from studio.devices.osc import OscError, OscSender, OscServer
from studio.engine.threads import stop_all


class Ear:
    """What was heard, and a way to wait for it."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.heard: list[Message] = []
        self.problems: list[str] = []

    def __call__(self, messages: list[Message]) -> None:
        with self.condition:
            self.heard += messages
            self.condition.notify_all()

    def problem(self, text: str) -> None:
        with self.condition:
            self.problems.append(text)
            self.condition.notify_all()

    def until(self, true: Callable[[], object]) -> None:
        with self.condition:
            assert self.condition.wait_for(true, 15.0), (self.heard[-3:], self.problems)


@pytest.fixture
def ear() -> Iterator[Ear]:
    yield Ear()
    assert not stop_all(5.0)


def packet(address: str, value: float) -> bytes:
    builder = OscMessageBuilder(address)
    builder.add_arg(value, "f")
    return builder.build().dgram


def send(server: OscServer, *packets: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        for data in packets:
            made.sendto(data, ("127.0.0.1", server.port))


def test_what_is_sent_is_heard(ear: Ear) -> None:
    server = OscServer(ear, port=0)
    sender = OscSender("127.0.0.1", server.port)
    sender.send("/reverie/A/1/speed", [0.5])
    sender.send("/reverie/A/1/kind", ["b"])
    sender.send("/reverie/blackout", [True, 2**40])
    ear.until(lambda: len(ear.heard) == 3)
    assert ear.heard[0] == Message("/reverie/A/1/speed", (0.5,)) and ear.heard[1].arguments == ("b",)
    assert ear.heard[2].arguments == (True, 2.0**40)
    sender.close()


def test_what_is_no_osc_is_listed_and_the_rest_is_heard(ear: Ear) -> None:
    server = OscServer(ear, port=0, problem=ear.problem)
    send(server, b"garbage", b"/a\0\0f\0\0\0", packet("/studio/" + "*" * 16 + "!", 1.0), b"/" + b"x" * 60_000,
         packet("/after", 1.0))
    ear.until(lambda: ear.heard)
    assert ear.heard == [Message("/after", (1.0,))] and server.refused == 4
    assert any("patterns" in text for text in ear.problems) and any("at most 8192" in text for text in ear.problems)
    for _ in range(300):
        server._refuse("the same")
    assert list(server.problems).count("the same") == 1, "a flood of faults does not fill the list"


def test_a_flood_over_the_limit_keeps_the_last_value_of_each_address(
    ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(osc, "MOST_PER_SECOND", 200)
    server = OscServer(ear, port=0)
    for block in range(20):  # in blocks that a socket's buffer holds
        count = server.received
        send(server, *[packet(f"/knob/{place % 3}", block * 100 + place) for place in range(100)])
        pause, waited = threading.Event(), 0
        while server.received < count + 100 and waited < 10_000:
            pause.wait(0.001)
            waited += 1
    ear.until(lambda: {"/knob/0": 1999.0, "/knob/1": 1997.0, "/knob/2": 1998.0}
              == {m.address: m.arguments[0] for m in ear.heard[-3:]})
    assert server.limited > 0 and len(ear.heard) < 2000


def test_one_who_hears_and_fails_does_not_end_it(ear: Ear) -> None:
    def hear(messages: list[Message]) -> None:
        if messages[0].address == "/bad":
            raise KeyError("bad")
        ear(messages)

    server = OscServer(hear, port=0)
    send(server, packet("/bad", 1.0), packet("/good", 1.0))
    ear.until(lambda: ear.heard)
    assert server.refused == 1


def test_a_port_in_use_is_a_sentence_and_the_next_is_offered(ear: Ear) -> None:
    first = OscServer(ear, port=0)
    with pytest.raises(OscError, match="another program") as caught:
        OscServer(ear, port=first.port)
    assert caught.value.free > first.port and str(caught.value.free) in caught.value.cure
    second = OscServer(ear, port=caught.value.free)
    assert second.port == caught.value.free
    first.close()
    first.join(5.0)
    again = OscServer(ear, port=first.port)
    assert again.port == first.port


def test_only_this_machine_is_heard_unless_it_is_opened(ear: Ear) -> None:
    assert OscServer(ear, port=0)._socket.getsockname()[0] == "127.0.0.1"
    assert OscServer(ear, port=0, open_to_network=True)._socket.getsockname()[0] == "0.0.0.0"
    with pytest.raises(OscError, match="70000"):
        OscServer(ear, port=70000)


def test_a_place_to_send_to_that_is_none() -> None:
    with pytest.raises(OscError, match="no host"):
        OscSender("no such host.invalid", 9000)
    sender = OscSender("127.0.0.1", 9)  # nobody listens: nothing happens
    sender.send("/a", [1.0])
    sender.close()
