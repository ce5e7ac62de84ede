"""Which MIDI ports are there, asked of a process of its own: ``python -m studio.devices.midi_ports``.

A client of the system's MIDI service must be fresh to see what was plugged in, and to make one stops all of Python
for 10 to 60 ms, for seconds where the service is busy.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import Any

from studio.devices.child import silence_errors, start_module
from studio.devices.midi_out import MidiError

SECONDS = 6.0
"""How long the system's MIDI service may take."""


def midi_inputs() -> list[str]:
    """Names of the ports that can be listened to. Raises MidiError with reason and cure when there is none."""
    return _ask("in")


def midi_outputs() -> list[str]:
    """Names of the ports that can be played to. Raises MidiError with reason and cure when there is none."""
    return _ask("out")


def _ask(direction: str) -> list[str]:
    try:
        child = start_module("studio.devices.midi_ports", direction)
    except OSError as error:
        why = f"the system's MIDI service cannot be asked ({error.strerror})"
        raise MidiError(why, "close other programs") from None
    try:
        answer, _ = child.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise MidiError("the system's MIDI service does not answer", "restart it or the computer") from None
    try:
        found: dict[str, Any] = json.loads(answer)
        names, reason, cure = [str(name) for name in found["names"]], str(found["reason"]), str(found["cure"])
    except (ValueError, KeyError, TypeError):  # the service's library took the process with it
        raise MidiError("the system's MIDI service is broken", "restart it or the computer") from None
    if reason:
        raise MidiError(reason, cure)
    return names


def main() -> int:
    """Print what is there in the direction that is asked for, or why nothing is."""
    from studio.devices.midi_in import list_inputs
    from studio.devices.midi_out import list_outputs

    silence_errors()
    answer: dict[str, Any] = {"names": [], "reason": "", "cure": ""}
    try:
        answer["names"] = list_inputs() if sys.argv[1:] == ["in"] else list_outputs()
    except MidiError as error:
        answer["reason"], answer["cure"] = str(error), error.cure
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(answer).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
