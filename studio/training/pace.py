"""How fast a training goes: steps and items a second, time left, and which waits: the data or the networks."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from typing import Any

from studio.training.recipe import Recipe

TELL = 1.0
"""Seconds between two accounts."""


class Pace:
    """Counts the steps of a recipe. ``before``: seconds of the runs that this one goes on from."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self.before = 0.0
        self._began = time.monotonic()
        self._told = -math.inf
        self._steps = 0
        self._inside = 0.0
        self._at_start = recipe.fetched

    def begin(self) -> None:
        """The first step comes now."""
        self._began, self._at_start = time.monotonic(), self._recipe.fetched

    def seconds(self) -> float:
        """Training time so far, in all runs, without pauses."""
        return self.before + time.monotonic() - self._began

    def leave_out(self, seconds: float) -> None:
        """Time that was no training."""
        self._began += seconds

    @contextlib.contextmanager
    def stepping(self) -> Iterator[None]:
        """A step runs inside."""
        began = time.perf_counter()
        yield
        self._inside += time.perf_counter() - began
        self._steps += 1

    def step(self, index: int, steps: int, last: bool) -> dict[str, Any] | None:
        """Step ``index`` of ``steps`` is done; about once a second, and at the last, what an event tells of the pace:
        ``rate`` (steps a second), ``left`` and ``seconds``, ``items`` (of the batch, a second), ``data_share``."""
        now = time.monotonic()
        if now - self._told <= TELL and not last:
            return None
        self._told = now
        rate = self._rate()
        told = {"rate": rate, "left": (steps - index) / max(rate, 1e-9), "seconds": self.seconds()}
        return {**told, **self._more()}

    def _rate(self) -> float:
        return self._steps / max(1e-9, time.monotonic() - self._began)

    def _more(self) -> dict[str, float]:
        more: dict[str, float] = {}
        batch = getattr(self._recipe.config, "batch", 0)
        if isinstance(batch, int) and batch and self._inside:
            more["items"] = round(self._steps * batch / self._inside, 3)
        fetched = self._recipe.fetched - self._at_start
        if fetched and self._inside:
            more["data_share"] = round(min(1.0, fetched / self._inside), 4)
        return more

    def summary(self) -> dict[str, Any]:
        """For the card: steps and items a second, the share of a step spent waiting for data, and what that means."""
        more = self._more()
        # of the steps alone: without validation, samples and checkpoints, which the time left counts in
        found: dict[str, Any] = {"steps_per_second": round(self._steps / max(1e-9, self._inside), 3)}
        if "items" in more:
            found["items_per_second"] = more["items"]
        if "data_share" in more:
            found["data_share"] = more["data_share"]
            found["waits"] = waits(more["data_share"])
        return found


def waits(share: float) -> str:
    """Which of the two waits, in words; ``share`` of a step's time is spent on data."""
    if share < 0.2:
        return f"the data is ready in time: a step waits for it {share:.0%} of its time"
    return f"the network waits for the data {share:.0%} of the time: smaller files or a faster disk would help"
