"""What happens when in a soak: a list of events from a seed, the same for the same seed and length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.session.soak.faulty import FAULTS

PERIODS = {
    "knobs": 5.0, "crossfade": 11.0, "undo": 13.0, "snapshot": 17.0, "steer": 19.0, "fault": 23.0, "midi_flood": 29.0,
    "look": 31.0, "osc_flood": 37.0, "tempo": 41.0, "panic_row": 43.0, "input_loss": 47.0, "save": 53.0,
    "recording": 59.0, "port_loss": 61.0, "export": 67.0, "disk_full": 71.0, "conductor_loss": 79.0, "setlist": 83.0,
}
"""Seconds from one to the next, on average; primes, so that over an evening each meets each."""

FIRST, LAST = 6.0, 12.0
"""Seconds at the beginning and at the end in which nothing new happens."""


@dataclass(frozen=True)
class Event:
    """``at`` seconds from the beginning; ``act`` is a name in ``acts.ACTS``; ``seed`` decides what is open in it."""

    at: float
    act: str
    seed: int
    detail: str = ""


def compose(seed: int, seconds: float) -> list[Event]:
    """The events of a show of ``seconds``, in order. Each act comes once at least when there is a minute for it."""
    rng = np.random.default_rng(seed)
    found: list[Event] = []
    room = max(0.0, seconds - FIRST - LAST)
    faults = list(FAULTS)
    for act, period in PERIODS.items():
        # in a short show the rare ones come closer together, so that all are met
        period = min(period, max(2.0, room * 0.8))
        if act == "fault":
            period = min(period, max(6.0, room / (1.2 * len(FAULTS) + 0.5)))
        at = FIRST + float(rng.uniform(0.0, 0.5)) * period
        while at < FIRST + room:
            detail = ""
            if act == "fault":
                detail = faults.pop(int(rng.integers(len(faults))))
                faults = faults or list(FAULTS)
            found.append(Event(round(at, 3), act, int(rng.integers(2**31)), detail))
            at += period * float(rng.uniform(0.8, 1.2))
    return sorted(found, key=lambda event: (event.at, event.act))
