"""What the transport says of the running decks: frames per second, late ones, the way from a knob to the screen."""

from __future__ import annotations

import time
from typing import Any

from studio.session.session import Session

LATENCY_SHOWN = 10.0
"""Seconds that the last measured way from knob to screen is shown."""


class Figures:
    """Measures how long an edit takes to be seen, and puts the figures into words."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._edit_seen: dict[str, tuple[float, int]] = {}
        self._latency = (0.0, 0.0)

    def edited(self, line: Any) -> None:
        """A value was changed: remember when, to tell how long it takes to be seen."""
        mailbox = getattr(line.worker, "mailbox", None)
        if mailbox is not None and line.name not in self._edit_seen and line.state == "running":
            self._edit_seen[line.name] = (time.monotonic(), mailbox.put_count)

    def seen(self, now: float) -> None:
        """A new picture is on the screen at ``now`` (seconds)."""
        # the first picture after the edit may have been begun before it, the second was not
        for name, (when, count) in list(self._edit_seen.items()):
            if self.session.decks[name].worker.mailbox.put_count >= count + 2:  # type: ignore[union-attr]
                self._latency = (now, now - when)
                del self._edit_seen[name]
            elif now - when > 2.0:
                del self._edit_seen[name]

    def text(self) -> str:
        """Device, frames per second, knob to screen, late frames."""
        states = [line.status() for line in self.session.decks.values() if line.slots]
        running = [state for state in states if state.state == "running"]
        parts = [self.session.device.upper()]
        if running:
            parts.append(f"{max(state.fps for state in running):.0f} fps")
        measured, latency = self._latency
        if measured and time.monotonic() - measured < LATENCY_SHOWN:
            parts.append(f"knob to screen {latency * 1000:.0f} ms")
        late = sum(state.late for state in states)
        parts.append(f"{late} late" if late else "none late")
        return " · ".join(parts)
