"""What comes in, as lines for people: any bytes are described, the same control in a row is one, few are kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from studio.control.monitor import MOST, Monitor, describe, note_name


@given(st.binary(max_size=12))
def test_any_message_has_words(message: bytes) -> None:
    what, value = describe(message)
    assert what and isinstance(value, str) and len(what) < 60


def test_words_for_what_controllers_send() -> None:
    assert describe(bytes([0xB1, 7, 100])) == ("CC 7, channel 2", "100")
    assert describe(bytes([0x90, 60, 100])) == ("note 60 C4, channel 1", "velocity 100")
    assert describe(bytes([0x90, 60, 0]))[1] == describe(bytes([0x80, 60, 64]))[1] == "off"
    assert describe(bytes([0xE0, 0, 64])) == ("pitch bend, channel 1", "+0")
    assert describe(bytes([0xC3, 5]))[0] == "program 5, channel 4"
    assert describe(bytes([0xF2, 4, 0])) == ("song position", "1 beats")
    assert describe(bytes([0xF8]))[0] == "clock" and describe(b"\xb0\x07\xff")[0] == "damaged message"
    assert note_name(69) == "A4" and note_name(0) == "C-1"


def test_nothing_is_kept_while_nobody_looks_and_never_too_much() -> None:
    monitor = Monitor()
    monitor.midi("Pad", bytes([0xB0, 7, 1]), 0.0)
    assert monitor.lines() == []
    monitor.on = True
    for step in range(5000):
        monitor.midi("Pad", bytes([0xB0, 7, step % 128]), float(step))
    assert [(line.count, line.value) for line in monitor.lines()] == [(5000, str(4999 % 128))]
    for step in range(1000):
        monitor.midi("Pad", bytes([0xB0, step % 100, 1]), float(step))
    monitor.osc("/a", (0.123456, "x"), 0.0)
    lines = monitor.lines()
    assert len(lines) == MOST and lines[-1].what == "/a" and lines[-1].value == "0.1235, x"
    assert [line.number for line in lines] == sorted(line.number for line in lines)
    monitor.clear()
    assert monitor.lines() == []
