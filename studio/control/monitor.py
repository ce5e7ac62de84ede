"""What comes in at the ports, for eyes: the newest messages, the same control again as one line. Any thread."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

MOST = 200
"""Lines that are kept."""
NEAR = 4
"""A control that is among so many of the newest lines counts there: two faders at a time are two lines."""
MOST_TEXT = 120
_NOTES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
_REALTIME = {
    0xF1: "time code", 0xF3: "song select", 0xF6: "tune request", 0xF8: "clock", 0xFA: "start", 0xFB: "continue",
    0xFC: "stop", 0xFE: "active sensing", 0xFF: "reset",
}


def note_name(pitch: int) -> str:
    """C4 for 60."""
    return f"{_NOTES[pitch % 12]}{pitch // 12 - 1}"


def describe(message: bytes) -> tuple[str, str]:
    """(what moved, how) of one MIDI message, for people. Never raises."""
    if not message:
        return "empty message", ""
    status = message[0]
    if status >= 0xF0:
        if status == 0xF2 and len(message) >= 3:
            return "song position", f"{(message[2] << 7 | message[1]) / 4:g} beats"
        return _REALTIME.get(status, "system message"), ""
    data = message[1:3]
    if status < 0x80 or len(data) < (1 if status & 0xE0 == 0xC0 else 2) or any(byte > 127 for byte in data):
        return "damaged message", message[:6].hex(" ")
    channel, first, second = f", channel {(status & 0x0F) + 1}", data[0], data[-1]
    kind = status & 0xF0
    if kind in (0x80, 0x90):
        down = kind == 0x90 and second > 0
        return f"note {first} {note_name(first)}{channel}", f"velocity {second}" if down else "off"
    if kind == 0xA0:
        return f"aftertouch of note {first}{channel}", str(second)
    if kind == 0xB0:
        return f"CC {first}{channel}", str(second)
    if kind == 0xC0:
        return f"program {first}{channel}", ""
    if kind == 0xD0:
        return f"aftertouch{channel}", str(first)
    return f"pitch bend{channel}", f"{(second << 7 | first) - 8192:+d}"


@dataclass
class Line:
    """One line: ``count`` messages of ``what`` came from ``port``, the last one at ``when`` (monotonic)."""

    number: int
    port: str
    what: str
    value: str
    when: float
    count: int = 1


class Monitor:
    """Keeps nothing until it is switched ``on``; then costs a line per message and never more than ``MOST`` lines."""

    def __init__(self) -> None:
        self.on = False
        self._lock = threading.Lock()
        self._raw: deque[tuple[int, str, Any, Any, float, int]] = deque(maxlen=MOST)
        self._number = 0

    def midi(self, port: str, message: bytes, now: float) -> None:
        """A message of a MIDI port."""
        if self.on:
            status = message[0] if message else 0
            # what a control is: its status and, where there are many, its number
            numbered = 0x80 <= status < 0xC0 and len(message) > 1
            self._add(port, message[:2] if numbered else message[:1], message[:8], now)

    def osc(self, address: str, arguments: tuple[Any, ...], now: float) -> None:
        """A message to an OSC address."""
        if self.on:
            self._add("OSC", address, arguments, now)

    def _add(self, port: str, key: Any, content: Any, now: float) -> None:
        with self._lock:
            for back in range(1, min(NEAR, len(self._raw)) + 1):
                number, known, same, _, _, count = self._raw[-back]
                if known == port and same == key:
                    self._raw[-back] = (number, port, key, content, now, count + 1)
                    return
            self._number += 1
            self._raw.append((self._number, port, key, content, now, 1))

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._raw.clear()

    def lines(self) -> list[Line]:
        """What came, oldest first."""
        with self._lock:
            raw = list(self._raw)
        return [_line(*item) for item in raw]


def _line(number: int, port: str, key: Any, content: Any, when: float, count: int) -> Line:
    if isinstance(key, str):
        shown = ", ".join(f"{item:.4g}" if isinstance(item, float) else str(item) for item in content)
        what, value = key[:MOST_TEXT], shown[:MOST_TEXT]
    else:
        what, value = describe(content)
    return Line(number, port, what, value, when, count)
