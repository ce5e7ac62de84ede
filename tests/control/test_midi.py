"""MIDI messages become events; nothing that arrives raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.control import midi
from studio.control.midi import MidiReader, message_for, turns

WORD = st.integers(0, 16383)


def read(*messages: bytes) -> list[midi.Event]:
    reader = MidiReader()
    return [event for message in messages for event in reader.read(message)]


def test_each_kind() -> None:
    kinds = {
        bytes([0x92, 60, 100]): ("note", 3, 60, 100 / 127, True), bytes([0x82, 60, 64]): ("note", 3, 60, 0.0, False),
        bytes([0x90, 60, 0]): ("note", 1, 60, 0.0, False), bytes([0xBF, 70, 64]): ("cc", 16, 70, 64 / 127, True),
        bytes([0xE0, 0, 64]): ("bend", 1, 0, 0.5, True), bytes([0xE0, 127, 127]): ("bend", 1, 0, 1.0, True),
        bytes([0xD1, 127]): ("pressure", 2, 0, 1.0, True), bytes([0xA0, 61, 127]): ("poly", 1, 61, 1.0, True),
        bytes([0xC0, 5]): ("program", 1, 5, 5 / 127, True),
    }
    for message, (kind, channel, number, value, on) in kinds.items():
        event = read(message)[0]
        assert (event.kind, event.channel, event.number, event.on) == (kind, channel, number, on)
        assert event.value == pytest.approx(value)


@given(st.lists(st.binary(max_size=6), max_size=40))
def test_garbage_gives_events_in_range_or_nothing(messages: list[bytes]) -> None:
    for event in read(*messages):
        assert 0.0 <= event.value <= 1.0 and 1 <= event.channel <= 16 and event.kind in midi.KINDS


@given(WORD, st.integers(0, 31))
def test_fourteen_bits_come_together(raw: int, number: int) -> None:
    events = read(*message_for("cc14", 4, number, raw / 16383))
    last = [event for event in events if event.kind == "cc14"][-1]
    assert (last.raw, last.number, last.channel) == (raw, number, 4)


@given(WORD, st.integers(0, 16382))
def test_nrpn_comes_together(raw: int, parameter: int) -> None:
    events = read(*message_for("nrpn", 1, parameter, raw / 16383))
    last = [event for event in events if event.kind == "nrpn"][-1]
    assert (last.raw, last.number) == (raw, parameter)


@given(WORD)
def test_a_bend_sent_is_the_bend_read(raw: int) -> None:
    value = read(bytes([0xE0, raw & 127, raw >> 7]))[0].value
    assert message_for("bend", 1, 0, value) == [bytes([0xE0, raw & 127, raw >> 7])]


def test_a_low_byte_that_stays_is_not_taken_for_zero() -> None:
    events = read(bytes([0xB0, 1, 64]), bytes([0xB0, 33, 100]), bytes([0xB0, 1, 64]), bytes([0xB0, 33, 101]))
    assert [event.raw for event in events if event.kind == "cc14"] == [64 << 7, 64 << 7 | 100, 64 << 7 | 101]


def test_a_registered_parameter_is_no_nrpn_and_the_null_parameter_is_none() -> None:
    rpn = [bytes([0xB0, 101, 0]), bytes([0xB0, 100, 0]), bytes([0xB0, 6, 2])]
    null = [bytes([0xB0, 99, 127]), bytes([0xB0, 98, 127]), bytes([0xB0, 6, 2])]
    assert not [event for event in read(*rpn) + read(*null) if event.kind == "nrpn"]


@pytest.mark.parametrize(("encoder", "raws"), [("twos", (1, 3, 127, 125)), ("offset", (65, 67, 63, 61)),
                                               ("sign", (1, 3, 65, 67))])
def test_the_three_encodings(encoder: str, raws: tuple[int, ...]) -> None:
    assert [turns(encoder, raw) for raw in raws] == [1, 3, -1, -3]
