"""OSC addresses and packets: typed, in range, letter by letter, and nothing that arrives is trusted."""

from __future__ import annotations

import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from studio.api import Bool, Choice, Color, Float, Generator, Int, Point, Seed, Text, Trigger
from studio.control.binding import Target
from studio.control.osc import (
    MAX_PACKET,
    Message,
    OscProblem,
    address_of,
    arguments_for,
    control_table,
    control_value,
    parse_packet,
    position_of,
    table_of,
    target_of,
    value_for,
)

NAME = st.text("abcdefghijklmnop_", min_size=1, max_size=12)


class Look(Generator):
    speed = Float(1.0, 0.0, 4.0, unit="Hz", help="How fast")
    steps = Int(3, 1, 9)
    loud = Bool(False)
    kind = Choice("a", ("a", "b", "c"))
    tint = Color((1.0, 0.0, 0.0))
    place = Point((0.0, 0.5))
    words = Text("x")
    seed = Seed(1)
    go = Trigger()


def packet(address: str, *arguments: object) -> bytes:
    builder = OscMessageBuilder(address)
    for item in arguments:
        builder.add_arg(item)  # type: ignore[arg-type]
    return builder.build().dgram


def test_a_message_and_a_bundle() -> None:
    assert parse_packet(packet("/reverie/fade", 0.5)) == [Message("/reverie/fade", (0.5,))]
    bundle, inner = OscBundleBuilder(IMMEDIATELY), OscBundleBuilder(IMMEDIATELY)
    one, two = OscMessageBuilder("/a"), OscMessageBuilder("/b")
    one.add_arg(True)
    two.add_arg("x")
    inner.add_content(two.build())
    bundle.add_content(one.build())
    bundle.add_content(inner.build())
    assert parse_packet(bundle.build().dgram) == [Message("/a", (True,)), Message("/b", ("x",))]


def test_the_pattern_that_hangs_others_is_refused_at_once() -> None:
    begin = time.perf_counter()
    for address in ("/studio/" + "*" * 16 + "!", "/reverie/*", "/reverie/{a,b}", "/a/[a-z]", "/a?"):
        with pytest.raises(OscProblem, match="patterns"):
            parse_packet(packet(address))
    assert time.perf_counter() - begin < 1.0


def test_packets_that_are_none() -> None:
    deep = b"/a\0\0" + b"," + b"[" * 4000 + b"]" * 4000
    deep += b"\0" * (4 - len(deep) % 4)
    nested = b"#bundle\0" + struct.pack(">Q", 1)
    for _ in range(380):
        nested = b"#bundle\0" + struct.pack(">Q", 1) + struct.pack(">i", len(nested)) + nested
    for data in (b"", b"garbage", b"/a", b"/a\0\0,f\0\0", b"#bundle\0" + b"\xff" * 12, packet("no-slash"), deep,
                 b"/" + b"x" * (MAX_PACKET + 1), packet("/" + "x" * 300), nested):
        try:
            found = parse_packet(data)
        except OscProblem as problem:
            assert str(problem)
        else:  # python-osc reads it: an address without arguments, bundles with nothing in them
            assert len(found) <= 1


@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda b: b"/a\0\0," + b)
       | st.binary(max_size=200).map(lambda b: b"#bundle\0" + b))
def test_any_bytes_are_messages_or_a_sentence(data: bytes) -> None:
    try:
        messages = parse_packet(data)
    except OscProblem:
        return
    for message in messages:
        assert message.address.startswith("/") and (message.value is None or 0.0 <= message.value <= 1.0)


@given(NAME, st.sampled_from(["A", "B", "12"]), st.integers(0, 9998), st.booleans())
def test_an_address_and_back(name: str, line: str, slot: int, norm: bool) -> None:
    target = Target(name, line, slot)
    assert target_of(address_of(target, norm=norm)) == (target, norm)


def test_addresses_that_are_not_ours() -> None:
    assert target_of("/reverie/crossfade") == (Target("crossfade"), False)
    assert target_of("/reverie/crossfade/norm") == (Target("crossfade"), True)
    assert target_of("/reverie/A/1/norm") == (Target("norm", "A", 0), False), "a parameter may be called so"
    for address in ("/other/A/1/speed", "/reverie", "/reverie/", "/reverie/explode", "/reverie/A/0/speed",
                    "/reverie/A/x/speed", "/reverie/A/²/speed", "/reverie/A/1/speed/more", "reverie/fade",
                    "/reverie/A/" + "9" * 50 + "/x"):
        assert target_of(address) is None, address


@pytest.mark.parametrize(("name", "arguments", "wanted"), [
    ("speed", (2.5,), 2.5), ("speed", (2,), 2.0), ("steps", (4,), 4), ("steps", (4.4,), 4), ("loud", (True,), True),
    ("loud", (1,), True), ("kind", ("b",), "b"), ("kind", (2,), "c"), ("words", ("hi",), "hi"), ("seed", (9,), 9),
    ("tint", (0.0, 0.5, 1.0), (0.0, 0.5, 1.0)), ("place", (0.5, -1.0), (0.5, -1.0)), ("go", (), True),
    ("go", (1,), True), ("go", (0.0,), False),
])
def test_arguments_that_fit(name: str, arguments: tuple[object, ...], wanted: object) -> None:
    assert value_for(Look.params[name], arguments) == wanted


@pytest.mark.parametrize(("name", "arguments", "says"), [
    ("speed", ("fast",), "takes numbers, not text"), ("speed", (9.0,), "above 4"), ("speed", (), "1 argument, not 0"),
    ("speed", (True,), "takes numbers, not true"), ("speed", (float("nan"),), "takes numbers"),
    ("steps", (40,), "above 9"), ("loud", ("on",), "not text"), ("kind", (3,), "0..2"), ("kind", ("z",), "one of a"),
    ("words", (4,), "takes text"), ("place", (0.5,), "2 arguments"), ("place", (3.0, 0.0), "clamped"),
    ("tint", (0.1, 0.2), "3 arguments"), ("seed", (-4,), "wrapped"), ("speed", (1.0, 2.0), "1 argument"),
])
def test_arguments_that_do_not_fit_say_why(name: str, arguments: tuple[object, ...], says: str) -> None:
    with pytest.raises(OscProblem, match=says):
        value_for(Look.params[name], arguments)


@given(st.sampled_from(list(Look.params)),
       st.lists(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), max_size=4))
def test_any_arguments_give_a_valid_value_or_a_sentence(name: str, arguments: list[object]) -> None:
    param = Look.params[name]
    try:
        value = value_for(param, tuple(arguments))
    except OscProblem as problem:
        assert name in str(problem)
        return
    assert param.clean(value) == (value, "")
    if name != "go":
        assert value_for(param, tuple(arguments_for(param, value))) == value


def test_session_controls() -> None:
    assert control_value("crossfade", (0.25,)) == 0.25 and control_value("blackout", (1,)) is True
    assert control_value("tap", ()) is True and control_value("tap", (0,)) is None and control_value("bpm", (99,)) == 99
    assert control_value("snapshot", (3.0,)) == 3 and position_of("fade", (1,)) == 1.0
    for name, arguments in (("crossfade", (2.0,)), ("blackout", ("x",)), ("bpm", (1e9,)), ("snapshot", ()),
                            ("snapshot", (0,))):
        with pytest.raises(OscProblem, match=name):
            control_value(name, arguments)
    with pytest.raises(OscProblem, match="outside"):
        position_of("speed", (1.5,))


def test_the_reference_names_every_address() -> None:
    rows = table_of("A", 0, Look.params)
    addresses = [row[0] for row in rows]
    assert "/reverie/A/1/speed" in addresses and "/reverie/A/1/speed/norm" in addresses
    assert "/reverie/A/1/words/norm" not in addresses and "/reverie/A/1/go/norm" not in addresses
    assert ("/reverie/A/1/speed", "float, 0..4 Hz", "How fast") in rows
    for address, _, _ in rows + control_table():
        assert target_of(address) is not None
