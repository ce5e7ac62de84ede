"""What the transport says of the running decks: frames per second, late ones, the way from a knob to the screen."""

from __future__ import annotations

import time
from typing import Any

from studio.session.session import Session

LOST = 2.0
"""Seconds after which an edit that was not seen is given up: nothing shows it."""

LATENCY_SHOWN = 10.0
"""Seconds that the last measured way from knob to screen is shown."""


class Figures:
    """Measures how long an edit takes from the value that is set to the picture that is painted; words for the
    transport."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._edits: dict[str, float] = {}
        self._coming: dict[str, float] = {}
        self._latency = (0.0, 0.0)

    def edited(self, line: Any) -> None:
        """A value was changed: remember when it was set, to tell how long it takes to be seen."""
        if line.kind != "deck" or line.name in self._edits or line.state != "running" or not self._is_seen(line.name):
            return
        when = max((slot.stage.values.changed_at for slot in line.slots if slot.stage is not None), default=0.0)
        if time.monotonic() - when < LOST:
            self._edits[line.name] = when

    def _is_seen(self, name: str) -> bool:
        mix = self.session.mix
        share = dict(zip(("A", "B"), mix.weights(), strict=True)).get(name, 0.0)
        return share > 0.0 and not (mix.blackout or mix.freeze or mix.safe)

    def seen(self, now: float) -> None:
        """The programme took up a new picture at ``now`` (seconds); it will be painted next."""
        for name, when in list(self._edits.items()):
            # only a step that began after the value was set has made a picture with it
            if self.session.decks[name].worker.made_from >= when:
                self._coming[name] = self._edits.pop(name)
            elif now - when > LOST:
                del self._edits[name]

    def painted(self) -> None:
        """The programme was painted: what was coming is on the screen now."""
        if self._coming:
            now = time.monotonic()
            self._latency = (now, now - min(self._coming.values()))
            self._coming.clear()

    @property
    def latency(self) -> tuple[float, float]:
        """When the way from a knob to the screen was measured last, and how long it was (seconds)."""
        return self._latency

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
