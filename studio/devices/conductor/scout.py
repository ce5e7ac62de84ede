"""Which MIDI ports are there, asked again and again by a process of its own.

A client of a MIDI service that died goes on listing what was there, and only a fresh one knows better. To make one
stops all of Python for 10 to 60 ms, so neither the studio nor the conductor does it: ``python -m
studio.devices.conductor.scout`` prints the names as a line of JSON every ``PERIOD`` seconds until its input ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from studio.devices.child import silence_errors

PERIOD = 2.0


class Scout:
    """The studio's side: ``seen(names)`` is called on a thread of ours with every list."""

    def __init__(self, start: Callable[[str], subprocess.Popen[bytes]], seen: Callable[[list[str]], None]) -> None:
        self._start, self._seen = start, seen
        self._child: subprocess.Popen[bytes] | None = None
        self._began = -1e9

    def run(self, wanted: bool) -> None:
        """Start or stop it; called again and again, so that one that ended is started anew."""
        child = self._child
        if not wanted:
            self.close()
        elif (child is None or child.poll() is not None) and time.perf_counter() - self._began > PERIOD:
            self.close()
            self._began = time.perf_counter()
            with contextlib.suppress(OSError):
                self._child = child = self._start("studio.devices.conductor.scout")
                threading.Thread(target=self._listen, args=(child,), name="reverie scout", daemon=True).start()

    def close(self) -> None:
        """End it; it waits for nothing, so it is gone at once."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait(2.0)
            assert child.stdin is not None
            with contextlib.suppress(OSError):
                child.stdin.close()

    def _listen(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None
        with child.stdout as out:
            for line in iter(lambda: out.readline(65_536), b""):
                with contextlib.suppress(ValueError):
                    names = json.loads(line)
                    if isinstance(names, list):
                        self._seen([str(name) for name in names])


def look() -> list[str]:
    """The names of all ports that can be played to, from fresh clients."""
    from studio.devices.midi_out import MidiError, list_outputs

    try:
        return list_outputs()
    except MidiError:
        return []


def main() -> int:
    """Until the studio is gone."""
    silence_errors()
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, 0, 5)
    ended = threading.Event()

    def wait() -> None:
        while os.read(0, 4096):
            pass
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    with contextlib.suppress(OSError):
        while not ended.is_set():
            os.write(1, json.dumps(look()).encode() + b"\n")
            ended.wait(PERIOD)
    return 0


if __name__ == "__main__":
    sys.exit(main())
