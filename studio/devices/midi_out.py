"""Which MIDI ports can be played to. What plays to them is the conductor's process (``studio.devices.conductor``)."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

from studio.devices.listing import quiet_stderr


class MidiError(RuntimeError):
    """A port cannot be had; the message says why, ``cure`` what helps."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure


def make_clients(name: str = "Reverie") -> list[Any]:
    """A fresh client for each of the system's MIDI services that answers. Raises MidiError when none does."""
    import rtmidi

    found = []
    with quiet_stderr():
        for api in rtmidi.get_compiled_api():
            if api == rtmidi.API_RTMIDI_DUMMY:
                continue
            with contextlib.suppress(Exception):  # rtmidi's own SystemError where a service is absent
                found.append(rtmidi.MidiOut(api, name=name))
    if not found:
        if sys.platform.startswith("linux") and not Path("/dev/snd/seq").exists():
            raise MidiError("the ALSA sequencer is missing (no /dev/snd/seq)", "sudo modprobe snd-seq")
        raise MidiError("the system's MIDI service does not answer", "restart it or the computer")
    return found


def list_outputs() -> list[str]:
    """Names of the ports that can be played to. Raises MidiError with reason and cure when there is none."""
    names: list[str] = []
    with quiet_stderr():
        for client in make_clients():
            names += [name for name in client.get_ports() if name not in names]
            client.delete()
    if not names:
        raise MidiError("no MIDI port is there", "plug in an instrument, or start a software synthesizer")
    return names


def bare(name: str) -> str:
    """A port's name without the numbers that some systems change at every start (``Synth:0 129:0`` → ``Synth:0``)."""
    words = name.split(" ")
    return " ".join(words[:-1]) if len(words) > 1 and words[-1].replace(":", "").isdigit() else name
