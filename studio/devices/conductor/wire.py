"""What the studio and its conductor tell each other: one JSON array per line, the first item its name.

Beats are those of the session's clock, times seconds of ``time.perf_counter``, which is one clock for all processes of
a machine. ``out`` is any short name for an output (``synth``, ``midi:Port name``), ``player`` a player's name.

To the conductor::

    ["open", out, kind, settings]          kind: midi, log, synth (see outputs.KINDS); settings {"name": …}
    ["set", out, settings]                 other settings for an open output
    ["shut", out]                          ends its notes, lets it go
    ["tempo", at, beat, rate, owed, slew]  the line of the clock (tempo.Tempo): beats and beats per second
    ["note", out, player, channel, pitch, velocity, beat, end, program]       program -1: none is wished
    ["note_at", out, player, channel, pitch, velocity, at, end, program]      the same in seconds
    ["control", out, player, channel, number, value, beat]
    ["sound", out, player, path, channels, rate, at]   a file of float32 samples, which the output deletes
    ["level", out, player, gain]           0..2
    ["forget", out, player, beat]          takes back notes that begin on the beat or later
    ["quiet", out or null, player or null] ends what sounds, forgets what waits
    ["clock", out or null, running, beat, position]   MIDI clock out: where to; from ``beat`` on at a ``position``
    ["trace", on]                          report when each note-on was due and sent
    ["ping", n] | ["bye"]

From it::

    ["ready", version, pid, now] | ["pong", n, now]
    ["state", out, sounds, reason, cure]   when that changes
    ["alive", now, figures]                four times a second, see core.Core.figures
    ["figures", out, figures]              with it: what an output says of itself
    ["trace", out, [[due, sent], …]] | ["log", text]

The end of the conductor's input is the studio's end: every note ends and every output is let go.
"""

from __future__ import annotations

import json
from typing import Any

VERSION = 1
MOST = 65_536
"""Longest line, in bytes."""

Message = list[Any]


def encode(*message: Any) -> bytes:
    """A line. Raises ValueError for NaN and infinity, which JSON does not know."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def decode(line: bytes) -> Message | None:
    """The message of a line; None for what is none."""
    if len(line) > MOST:
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and found and isinstance(found[0], str) else None


class Lines:
    """Puts lines together from what arrives in pieces; an endless line is dropped."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are whole now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MOST:
            self._rest = b""
        return lines
