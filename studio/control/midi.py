"""MIDI messages as events: what a controller sends, with 14-bit controllers and NRPN put together again.

An event's ``value`` is 0..1 whatever the message was; ``raw`` is the number as it was sent (for relative encoders).
"""

from __future__ import annotations

from dataclasses import dataclass

NOTE, CC, CC14, NRPN, BEND = "note", "cc", "cc14", "nrpn", "bend"
PRESSURE, POLY, PROGRAM = "pressure", "poly", "program"
KINDS = (NOTE, CC, CC14, NRPN, BEND, PRESSURE, POLY, PROGRAM)
NUMBERED = (NOTE, CC, CC14, NRPN, POLY, PROGRAM)
"""Kinds of which a channel has many; the others are one per channel."""

ENCODERS = ("", "twos", "offset", "sign")
"""How a relative encoder sends its turns: not at all, two's complement, offset from 64, sign bit and size."""

_NRPN_HIGH, _NRPN_LOW, _DATA_HIGH, _DATA_LOW, _RPN_HIGH, _RPN_LOW = 99, 98, 6, 38, 101, 100
_NONE = 16383  # "no parameter": data entry goes nowhere until another is chosen


@dataclass(frozen=True, slots=True)
class Event:
    """One movement of one control. ``channel`` is 1..16, ``on`` whether a button is down (a note with velocity)."""

    kind: str
    channel: int
    number: int
    value: float
    raw: int
    on: bool = False


class MidiReader:
    """Turns the messages of one port into events; keeps what belongs together across messages. Never raises."""

    def __init__(self) -> None:
        self._high: dict[tuple[int, int], int] = {}
        self._low: dict[tuple[int, int], int] = {}
        self._parameter: dict[int, tuple[int, int]] = {}  # channel → NRPN high, low
        self._data: dict[int, tuple[int, int]] = {}

    def read(self, message: bytes) -> list[Event]:
        """The events of one message; [] for what is no control (system messages) and for damaged ones."""
        if len(message) < 2 or not 0x80 <= message[0] < 0xF0 or any(byte > 127 for byte in message[1:3]):
            return []
        status, channel, first = message[0] & 0xF0, (message[0] & 0x0F) + 1, message[1]
        if status == 0xC0:
            return [Event(PROGRAM, channel, first, first / 127.0, first, True)]
        if status == 0xD0:
            return [Event(PRESSURE, channel, 0, first / 127.0, first, first >= 64)]
        if len(message) < 3:
            return []
        second = message[2]
        if status in (0x80, 0x90):
            velocity = second if status == 0x90 else 0
            return [Event(NOTE, channel, first, velocity / 127.0, velocity, velocity > 0)]
        if status == 0xA0:
            return [Event(POLY, channel, first, second / 127.0, second, second >= 64)]
        if status == 0xE0:
            bend = second << 7 | first
            # the middle, 8192, is exactly one half
            value = bend / 16384.0 if bend <= 8192 else 0.5 + (bend - 8192) / 16382.0
            return [Event(BEND, channel, 0, value, bend, bend >= 8192)]
        return self._control(channel, first, second)

    def _control(self, channel: int, number: int, value: int) -> list[Event]:
        found = [Event(CC, channel, number, value / 127.0, value, value >= 64)]
        if number in (_NRPN_HIGH, _NRPN_LOW):
            high, low = self._parameter.get(channel, (127, 127))
            self._parameter[channel] = (value, low) if number == _NRPN_HIGH else (high, value)
            self._data.pop(channel, None)
        elif number in (_RPN_HIGH, _RPN_LOW):
            self._parameter.pop(channel, None)
        elif number in (_DATA_HIGH, _DATA_LOW) and channel in self._parameter:
            found += self._nrpn(channel, number, value)
        if number < 64:
            found += self._pair(channel, number, value)
        return found

    def _nrpn(self, channel: int, number: int, value: int) -> list[Event]:
        high, low = self._parameter[channel]
        parameter = high << 7 | low
        if parameter == _NONE:
            return []
        old = self._data.get(channel)
        if number == _DATA_HIGH:
            # a low byte belongs to the high byte before it: a new high byte begins at 0
            data = (value, old[1] if old is not None and old[0] == value else 0)
        else:
            data = (old[0] if old is not None else 0, value)
        self._data[channel] = data
        return [_wide(NRPN, channel, parameter, data[0] << 7 | data[1])]

    def _pair(self, channel: int, number: int, value: int) -> list[Event]:
        key = channel, number % 32
        if number < 32:
            if self._high.get(key) == value and key in self._low:
                return []  # its low byte follows or stays
            self._high[key] = value
            self._low.pop(key, None)
        elif key not in self._high:
            return []  # a controller of its own, no low byte
        else:
            self._low[key] = value
        return [_wide(CC14, channel, key[1], self._high[key] << 7 | self._low.get(key, 0))]


def _wide(kind: str, channel: int, number: int, raw: int) -> Event:
    return Event(kind, channel, number, raw / 16383.0, raw, raw >= 8192)


def turns(encoder: str, raw: int) -> int:
    """Clicks of a relative encoder, positive to the right, of one 7-bit value."""
    raw = min(127, max(0, raw))
    if encoder == "twos":
        return raw if raw < 64 else raw - 128
    if encoder == "offset":
        return raw - 64
    if encoder == "sign":
        return raw if raw < 64 else 64 - raw
    return 0


def message_for(kind: str, channel: int, number: int, value: float) -> list[bytes]:
    """The messages that set a controller's light, ring or fader to ``value`` 0..1; [] for what cannot be set."""
    channel = min(16, max(1, channel)) - 1
    value = min(1.0, max(0.0, value))
    low7, wide = round(value * 127), round(value * 16383)
    if kind == NOTE:
        return [bytes([0x90 | channel, number, low7])]
    if kind == CC:
        return [bytes([0xB0 | channel, number, low7])]
    if kind == CC14:
        return [bytes([0xB0 | channel, number, wide >> 7]), bytes([0xB0 | channel, number + 32, wide & 127])]
    if kind == NRPN:
        pairs = ((_NRPN_HIGH, number >> 7), (_NRPN_LOW, number & 127), (_DATA_HIGH, wide >> 7), (_DATA_LOW, wide & 127))
        return [bytes([0xB0 | channel, control, data]) for control, data in pairs]
    if kind == BEND:
        bend = round(value * 16384) if value <= 0.5 else 8192 + round((value - 0.5) * 16382)
        bend = min(16383, bend)
        return [bytes([0xE0 | channel, bend & 127, bend >> 7])]
    return []
