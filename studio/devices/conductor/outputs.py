"""What the conductor plays: the interface of an instrument, and the kinds that there are.

An instrument lives in the conductor's process. All its methods are called on the one thread that keeps the time, and
return within a fifth of a millisecond (``set`` and ``close`` may take longer); what takes time belongs to a thread of
its own, best a native one. An exception shows the output as lost with the reason; ``tend`` goes on being called, so
that the instrument may come back by itself.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol, cast

KINDS = {
    "midi": "studio.devices.conductor.midi_port:MidiPort",
    "log": "studio.devices.conductor.log_output:LogOutput",
    "synth": "studio.session.conducted_synth:make",
}
"""Kind → ``module:function`` that makes the instrument of its settings; imported when the first one is opened."""


class OutputError(RuntimeError):
    """An output cannot be had; the message says why, ``cure`` what helps."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure


class Instrument(Protocol):
    """Something that sounds. Channels are 0..15 (9: drums), pitches, velocities and controllers 0..127.

    The conductor counts notes: a note-on of a key that sounds comes after a note-off of it, and every note is ended.
    """

    lead: float
    """Seconds before its time that an event is handed over; 0 for the moment itself."""
    shared: bool
    """Whether players that use one channel share its keys, as on a MIDI port."""

    @property
    def state(self) -> tuple[bool, str, str]:
        """Whether it can sound; else the reason and the cure."""

    def note_on(self, player: str, channel: int, pitch: int, velocity: int, at: float) -> None:
        """Begin a note at a time (``perf_counter``)."""

    def note_off(self, player: str, channel: int, pitch: int, at: float) -> None:
        """End one."""

    def control(self, player: str, channel: int, number: int, value: int, at: float) -> None:
        """Move a controller."""

    def program(self, player: str, channel: int, number: int, at: float) -> None:
        """Choose a voice."""

    def sound(self, player: str, path: str, channels: int, rate: int, at: float) -> None:
        """Play a file of float32 samples, and delete it; what plays no samples ignores it."""

    def raw(self, message: bytes) -> None:
        """Send a system message (clock) now; what does not know such ignores it."""

    def quiet(self, player: str | None) -> None:
        """Now end all notes of a player, or of all; pedals up; forget what was handed over for later."""

    def level(self, player: str, gain: float) -> None:
        """Loudness of a player, 0..2."""

    def set(self, settings: dict[str, Any]) -> None:
        """Other settings (a device, a file); names that it does not know are ignored. Raises OutputError."""

    def tend(self, now: float, slack: float) -> None:
        """About twenty times a second: look after the device. ``slack`` seconds nothing else is due."""

    def figures(self) -> dict[str, Any]:
        """What is worth showing: latency, peak, gaps."""

    def close(self) -> None:
        """End all notes and let the device go."""


def make(kind: str, settings: dict[str, Any]) -> Instrument:
    """A new instrument. Raises OutputError."""
    place = KINDS.get(kind)
    if place is None:
        raise OutputError(f"there is no kind of output {kind[:40]!r}", f"use one of: {', '.join(KINDS)}")
    module, _, name = place.partition(":")
    try:
        maker = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, OSError) as error:
        raise OutputError(f"the output {kind} cannot be used ({error})", "install the studio's requirements again"
                          ) from None
    return cast(Instrument, maker(settings))
