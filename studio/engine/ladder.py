"""Degrade, do not die: what a worker gives up, in which order, when memory or time runs out, and how it comes back.

Memory: each refusal of the allocator halves the working size, twice at the most; after a minute without one the next
larger size is tried again. Time: a step that takes longer than the wished rate allows, over seconds, goes down one rung
of a smaller size, then less precision, then every other frame with a dissolve between. What does not help is left out.
Nothing here knows of threads; the worker tells it the time.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

MEMORY_SIZES = (1.0, 0.5, 0.25)
"""Working sizes as a part of the wished one; out of memory goes to the next."""

FIRST_SIZE = (512, 512)
"""Pixels that a smaller size is a part of where none was wished and none made yet."""

CLIMB, CLIMB_MOST = 60.0, 3600.0
"""Seconds without a failure after which the next larger size is tried again; twice as long after each that failed."""

SIZES = (0.7, 0.5)
"""Working sizes of a worker that is too slow: half and a quarter of the pixels."""

SETTLE, WINDOW, FEWEST = 1.5, 4.0, 4
"""Seconds after a change that are not judged; seconds, and steps, over which the time of a step is judged."""

LOOK = 0.2
"""Seconds between two judgements."""

TOO_SLOW, ROOM = 1.25, 0.85
"""A step slower than so many of its share of a second goes down; one that will take so little of it up."""

CALM, CALM_MOST, SOON = 10.0, 600.0, 30.0
"""Seconds on a rung before the one above is tried; twice as long after a climb that fell back within ``SOON``."""

UNHURRIED = 1.0
"""A generator whose step takes so many seconds is no instrument that could be made fast: it is left alone."""

HELPS = 1.1
"""How much faster a rung must be to be worth its loss."""

_USUAL_GAIN = {"size": 2.0, "precision": 1.5, "dissolve": 1.0}


@dataclass(frozen=True, slots=True)
class Rung:
    """What is given up: ``scale`` of the working size, less precision, every other frame with a dissolve between."""

    scale: float = 1.0
    reduced: bool = False
    dissolve: bool = False

    def text(self) -> str:
        """For the operator: ``70 % size · less precision``; '' at the top."""
        parts = [f"{self.scale:.0%} size".replace("%", " %")] if self.scale < 1.0 else []
        parts += ["less precision"] * self.reduced + ["every other frame"] * self.dissolve
        return " · ".join(parts)

    @property
    def kind(self) -> str:
        """What this rung gave up last."""
        return "dissolve" if self.dissolve else "precision" if self.reduced else "size"


class Pace:
    """Judges steps against the wished rate. ``rung`` is where it stands and ``why`` the sentence for it."""

    def __init__(self, can_reduce: Callable[[], bool] = lambda: False) -> None:
        self._can_reduce = can_reduce
        self.reset()

    def reset(self) -> None:
        """To the top, with everything forgotten: the chain or its size is another."""
        self.useless: set[str] = set()
        self.place, self.why = 0, ""
        self._gain: dict[Rung, float] = {}
        self._patience, self._climbed = CALM, -1e9
        self._fell_from: tuple[Rung, float] | None = None
        self._changed: float | None = None
        self._was_fine, self._looked = False, -1e9
        self._steps: deque[tuple[float, float]] = deque(maxlen=2000)

    def rungs(self) -> list[Rung]:
        """The whole way down, without what is known not to help."""
        found = [Rung()]
        if "size" not in self.useless:
            found += [Rung(scale) for scale in SIZES]
        if "precision" not in self.useless and self._can_reduce():
            found.append(replace(found[-1], reduced=True))
        return [*found, replace(found[-1], dissolve=True)]

    @property
    def rung(self) -> Rung:
        """Where it stands."""
        return self.rungs()[min(self.place, len(self.rungs()) - 1)] if self.place else Rung()

    def pause(self, now: float) -> None:
        """Something else than the generators decided how long the last steps took: judge anew from here."""
        self._steps.clear()
        self._changed = now

    def judge(self, now: float, spent: float, budget: float) -> str:
        """A step ended ``now`` and took ``spent`` of the ``budget`` seconds a picture has. down, up, or '' to stay."""
        if self._changed is None:
            self._changed = now
        if now - self._changed < SETTLE:
            return ""
        self._steps.append((now, spent))
        if now - self._changed < SETTLE + WINDOW or now - self._looked < LOOK:
            return ""
        self._looked = now
        while len(self._steps) > FEWEST and self._steps[0][0] < now - WINDOW:
            self._steps.popleft()
        if len(self._steps) < FEWEST:
            return ""
        middle = statistics.median(spent for _, spent in self._steps)
        if self._learn(middle):
            self.pause(now)
            return "up"
        room = budget * (2.0 if self.rung.dissolve else 1.0)
        if middle > TOO_SLOW * room and middle < UNHURRIED:
            return self._down(now, middle, budget)
        if self.place == 0:
            self._was_fine = middle <= budget
            if self._was_fine and now - self._changed > 2.0 * SOON:
                self._patience = CALM
                self.useless.clear()
            return ""
        gain = self._gain.get(self.rung, _USUAL_GAIN[self.rung.kind])
        if now - self._changed >= self._patience and middle * gain <= ROOM * budget:
            return self._up(now)
        return ""

    def _learn(self, middle: float) -> bool:
        """The first judgement on a rung says what the way down to it has brought; True when that was nothing."""
        if self._fell_from is None:
            return False
        _, before = self._fell_from
        self._fell_from = None
        kind = self.rung.kind
        # more than usual is not the rung's doing: the load has changed in the same moment
        self._gain[self.rung] = min(1.25 * _USUAL_GAIN[kind], max(1.0, before / max(middle, 1e-6)))
        useless = kind != "dissolve" and self._gain[self.rung] < HELPS
        if useless:
            self._drop(kind)
        return useless

    def _drop(self, kind: str) -> None:
        """Leave a kind of rung out, and stand on the highest rung that has all the others that were in use."""
        here = self.rung
        self.useless.add(kind)
        kept = replace(here, scale=1.0 if kind == "size" else here.scale,
                       reduced=here.reduced and kind != "precision")
        rungs = self.rungs()
        self.place = rungs.index(kept) if kept in rungs else 0

    def _down(self, now: float, middle: float, budget: float) -> str:
        rungs = self.rungs()
        if self.place + 1 >= len(rungs):
            return ""
        if now - self._climbed < SOON:
            self._patience = min(CALM_MOST, 2.0 * self._patience)
        self._fell_from = (self.rung, middle)
        figures = f"{1.0 / middle:.0f} of {1.0 / budget:.0f} pictures a second"
        self.why = (f"slower than before, the machine is hot or busy: {figures}" if self._was_fine
                    else f"too slow for this machine: {figures}")
        self.place += 1
        self.pause(now)
        return "down"

    def _up(self, now: float) -> str:
        self.place -= 1
        self._climbed = now
        if self.place == 0:
            self.why = ""
        self.pause(now)
        return "up"

    def blame(self) -> bool:
        """A generator failed right after the way down: whether less precision was why, which is then left out."""
        if not self.rung.reduced or self._fell_from is None:
            return False
        self._fell_from = None
        self._drop("precision")
        return True


class Ladder:
    """A worker's whole ladder: ``memory`` sizes and ``pace``. ``on`` switches the pace off; never used in a render.

    ``notice`` is told what is given up, ``better`` what comes back.
    """

    def __init__(
        self, name: str, device: Callable[[], str], notice: Callable[[str], None], better: Callable[[str], None],
    ) -> None:
        self._name, self._device, self._notice, self._better = name, device, notice, better
        self.pace = Pace(lambda: can_reduce(device()))
        self.on = True
        self.reset()

    def reset(self) -> None:
        """A new run: full size."""
        self.memory = 0
        self.patience, self._climbed = CLIMB, False
        self.full: tuple[int, int] | None = None
        """What the working size is a part of, where none is wished and while it is smaller."""
        self.pace.reset()

    @property
    def rung(self) -> Rung:
        """What is given up now."""
        pace = self.pace.rung if self.on else Rung()
        return replace(pace, scale=min(pace.scale, MEMORY_SIZES[self.memory]))

    @property
    def why(self) -> str:
        """The sentence for the operator, '' at the top."""
        full = "the memory was full" if self.memory else ""
        slow = self.pace.why if self.on and self.pace.place else ""
        return "; ".join(part for part in (full, slow) if part)

    def made(self, size: tuple[int, int] | None) -> None:
        """A picture of this size was made."""
        if self.rung.scale >= 1.0:
            self.full = size

    def size(self, wished: tuple[int, int] | None) -> tuple[int, int] | None:
        """The working size (width, height) in pixels; None is the generator's own."""
        scale = self.rung.scale
        if scale >= 1.0:
            return wished
        width, height = wished or self.full or FIRST_SIZE
        return max(16, round(width * scale)), max(16, round(height * scale))

    # --- memory ---

    @property
    def can_shrink(self) -> bool:
        """Whether there is a smaller size for a full memory."""
        return self.memory + 1 < len(MEMORY_SIZES)

    def shrink(self) -> None:
        """The memory is full."""
        if self._climbed:  # in vain: not so soon again
            self.patience = min(CLIMB_MOST, 2 * self.patience)
        self.memory += 1
        self._climbed = False
        free_memory(self._device())
        self._notice(f"{self._name}: the memory is full; going on at {MEMORY_SIZES[self.memory]:.0%} of the size")

    def may_grow(self, calm: float) -> bool:
        """Whether a larger size is due after so many seconds without a failure."""
        return self.memory > 0 and calm > self.patience

    def grow(self) -> None:
        """Try the next larger size."""
        self.memory -= 1
        self._climbed = True
        self._better(f"{self._name}: trying {MEMORY_SIZES[self.memory]:.0%} of the size again")

    # --- time ---

    def judge(self, now: float, spent: float, fps: float | None) -> bool:
        """A step ended; True when the rung is another now. Without a wished rate nothing is too slow."""
        if fps is None or not self.on:
            changed = self.pace.place > 0
            if changed:
                self.pace.reset()
            return changed
        before = self.rung
        move = self.pace.judge(now, spent, 1.0 / fps)
        if move == "down":
            self._notice(f"{self._name} is {self.pace.why}; going on with {self.rung.text()}")
        elif move == "up":
            self._better(f"{self._name}: back to {self.rung.text() or 'the full picture'}")
        return self.rung != before

    def precision(self) -> contextlib.AbstractContextManager[object]:
        """The precision that a step is computed with."""
        if not self.rung.reduced:
            return contextlib.nullcontext()
        import torch

        kind = self._device().split(":")[0]
        return torch.autocast(kind, dtype=torch.bfloat16 if kind == "cpu" else torch.float16)


def can_reduce(device: str) -> bool:
    """Whether networks run faster there with less precision; False until torch is in use."""
    if "torch" not in sys.modules:
        return False
    from studio.nn.device import cpu_bf16

    return device.startswith("cuda") or (device == "cpu" and cpu_bf16())


def free_memory(device: str) -> None:
    """Give what torch keeps for later back to the device."""
    if device.startswith("cuda") and "torch" in sys.modules:
        import torch

        torch.cuda.empty_cache()
