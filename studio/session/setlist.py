"""The set list: looks in their order, gone through by hand or by itself.

Each step says how long the fade to it takes, its tempo, and how long it stays. ``tick`` comes from the session's pump:
a set list plays without a window. Unattended it begins again at its end and restarts lines that have given up.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, cast

from studio.session.mix import LONGEST, STARTS, UNITS, Span
from studio.session.snapshots import Snapshot

if TYPE_CHECKING:
    from studio.session.core import Core
    from studio.session.edits import Edits
    from studio.session.fades import Fade

MOST = 500
"""Most steps of a set list."""

LONGEST_HOLD = 86_400.0

UNATTENDED_HOLD = 60.0
"""Seconds that a step without a time of its own stays while nobody is there."""

RESTART_AFTER, RESTART_MOST = 5.0, 60.0
"""Seconds before a line that gave up is restarted unattended; doubled each time it gives up again soon, up to."""

CALM = 120.0
"""Seconds of good running after which the waiting begins small again."""

Looks = tuple[tuple[Snapshot, ...], tuple["Step", ...], bool, bool]
"""What undo keeps: snapshots, steps, ``auto`` and ``unattended``."""

GAVE_UP = ("paused", "failed", "hung", "finished")


@dataclass(frozen=True)
class Step:
    """One look of the set. ``hold`` is how long it stays before the next comes by itself, in ``hold_unit``; 0 waits for
    "go". ``bpm`` None takes the look's own tempo. ``flip`` (0..1): when in the fade switches change."""

    snapshot: Snapshot
    fade: float = 2.0
    unit: str = "seconds"
    start: str = "now"
    bpm: float | None = None
    hold: float = 0.0
    hold_unit: str = "seconds"
    flip: float = 0.5
    extra: dict[str, Any] = field(default_factory=dict, compare=False)
    """What a file says besides, kept."""

    @property
    def span(self) -> Span:
        """Its fade."""
        return Span(self.fade, self.unit, self.start)

    def text(self) -> str:
        """For people: ``2 bars · 96 bpm · stays 30 s``."""
        parts = [self.span.text()]
        if self.bpm is not None:
            parts.append(f"{self.bpm:g} bpm")
        if self.hold:
            unit = {"seconds": " s", "beats": " beats", "bars": " bars"}[self.hold_unit]
            parts.append(f"stays {self.hold:g}{unit}")
        return " · ".join(parts)


_STORED = tuple(entry.name for entry in fields(Step) if entry.name not in ("snapshot", "extra"))


@dataclass
class _Rest:
    """How a line that gives up is treated."""

    since: float | None = None
    wait: float = RESTART_AFTER
    well_since: float = field(default=0.0)


class SetList:
    """``steps`` in order; ``position`` is the step that was gone to last, -1 before the first. ``auto``: steps with a
    hold time go on by themselves. ``unattended``: all do, round and round."""

    def __init__(self, session: Core) -> None:
        self._session = cast("Edits", session)  # every session has the edits; its core is made first
        self.steps: list[Step] = []
        self.position = -1
        self.auto = True
        self.unattended = False
        self._fade: Fade | None = None
        self._arrived: tuple[float, float] | None = None
        self._rests: dict[str, _Rest] = {}

    # --- playing ---

    @property
    def following(self) -> int | None:
        """The step that "go" goes to; None at the end."""
        if self.position + 1 < len(self.steps):
            return self.position + 1
        return 0 if self.unattended and self.steps else None

    def go(self) -> bool:
        """To the next look; False at the end."""
        there = self.following
        return there is not None and self.jump(there)

    def back(self) -> bool:
        """To the look before; False at the beginning."""
        return self.position > 0 and self.jump(self.position - 1)

    def again(self) -> bool:
        """To the present look once more, as it was kept."""
        return self.jump(self.position)

    def jump(self, index: int) -> bool:
        """To any step; False where there is none."""
        if not 0 <= index < len(self.steps):
            return False
        step = self.steps[index]
        target = copy.deepcopy(step.snapshot.state)
        if step.bpm is not None:
            target["bpm"] = step.bpm
        self.position, self._arrived = index, None
        self._fade = self._session.fades.recall(step.snapshot.name, target, step.span, step.flip)
        self._changed(modified=False)
        return True

    def remaining(self) -> float | None:
        """Seconds until the next step comes by itself; None where it waits for a hand or the fade is under way."""
        step = self._present()
        if step is None or self._arrived is None or self.following is None:
            return None
        moment = self._session.clock.read()
        since, beat = self._arrived
        if step.hold and (self.auto or self.unattended):
            if step.hold_unit == "seconds":
                return max(0.0, step.hold - (moment.t - since))
            beats = step.hold * (self._session.clock.beats_per_bar if step.hold_unit == "bars" else 1)
            return max(0.0, beats - (moment.beat - beat)) * 60.0 / moment.bpm
        return max(0.0, UNATTENDED_HOLD - (moment.t - since)) if self.unattended else None

    def tick(self) -> None:
        """Go on where it is time; unattended, bring back what has given up."""
        if self._fade is not None and self._fade.done:
            moment = self._session.clock.read()
            self._fade, self._arrived = None, (moment.t, moment.beat)
        if self.unattended:
            if self.position < 0 and self.steps:
                self.jump(0)
            self._restart_lines()
        left = self.remaining()
        if left is not None and left <= 1e-9:
            self.go()

    def _restart_lines(self) -> None:
        now = self._session.clock.read().t
        for line in self._session.lines():
            rest = self._rests.setdefault(line.name, _Rest(well_since=now))
            if line.state not in GAVE_UP or line.stopped:
                if rest.since is not None:
                    rest.since, rest.well_since = None, now
                elif now - rest.well_since > CALM:
                    rest.wait = RESTART_AFTER
            elif rest.since is None:
                rest.since = now
            elif now - rest.since >= rest.wait:
                why = line.why()
                self._session.notice(f"{line.title} is restarted: {why or line.state}", level="warning")
                rest.since, rest.well_since, rest.wait = None, now, min(RESTART_MOST, rest.wait * 2)
                self._session.restart(line.name)

    def _present(self) -> Step | None:
        return self.steps[self.position] if 0 <= self.position < len(self.steps) else None

    # --- editing ---

    def add(self, snapshot: Snapshot, at: int | None = None) -> Step | None:
        """Put a look into the list, at its end or at ``at``, with the usual fade. None when the list is full."""
        if len(self.steps) >= MOST:
            self._session.notice(f"a set list holds {MOST} looks", level="warning", cure="take some out")
            return None
        mix = self._session.mix
        made = Step(snapshot, mix.fade_length, mix.fade_unit, mix.fade_start)
        place = len(self.steps) if at is None else max(0, min(at, len(self.steps)))
        with self._session.edit(f"Put {snapshot.name} into the set list"):
            self.steps.insert(place, made)
        if place <= self.position:
            self.position += 1
        self._changed()
        return made

    def remove(self, index: int) -> None:
        """Take a step out; what is seen stays."""
        if 0 <= index < len(self.steps):
            with self._session.edit(f"Take {self.steps[index].snapshot.name} out of the set list"):
                del self.steps[index]
            if index <= self.position:
                self.position -= 1
            self._changed()

    def move(self, index: int, to: int) -> None:
        """Move a step to another place; the present one stays the present one."""
        if not (0 <= index < len(self.steps) and 0 <= to < len(self.steps)) or index == to:
            return
        present = self._present()
        with self._session.edit(f"Move {self.steps[index].snapshot.name} in the set list"):
            self.steps.insert(to, self.steps.pop(index))
        if present is not None:
            self.position = next(place for place, step in enumerate(self.steps) if step is present)
        self._changed()

    def update(self, index: int, **changes: Any) -> Step:
        """Change a step: fade, unit, start, bpm, hold, hold_unit, flip. Raises ValueError with a sentence."""
        made = checked(replace(self.steps[index], **changes))
        with self._session.edit(f"Set list: {made.snapshot.name}", ("setlist", index, *changes)):
            self.steps[index] = made
        self._changed()
        return made

    def set_modes(self, *, auto: bool | None = None, unattended: bool | None = None) -> None:
        """Switch going on by itself, or playing with nobody there."""
        with self._session.edit("Set list by itself"):
            self.auto = self.auto if auto is None else auto
            self.unattended = self.unattended if unattended is None else unattended
        self._rests.clear()
        self._changed()

    def forget(self, snapshot: Snapshot) -> None:
        """A look is no more: its steps go."""
        for index in reversed([place for place, step in enumerate(self.steps) if step.snapshot is snapshot]):
            self.remove(index)

    def _changed(self, *, modified: bool = True) -> None:
        self._session.modified = self._session.modified or modified
        self._session.post("setlist")

    # --- undo ---

    def capture(self) -> Looks:
        """What undo brings back: the list, and the snapshots, which a step needs."""
        return tuple(self._session.snapshots), tuple(self.steps), self.auto, self.unattended

    def restore(self, target: Looks, current: Looks) -> None:
        """Put back what differs; snapshots that were taken since then stay."""
        if target == current:
            return
        snapshots, present = self._session.snapshots, self._present()
        for place, snapshot in enumerate(target[0]):
            if snapshot not in current[0] and snapshot not in snapshots:
                snapshots.insert(place, snapshot)
        for snapshot in current[0]:
            if snapshot not in target[0] and snapshot in snapshots:
                snapshots.remove(snapshot)
        self.steps, self.auto, self.unattended = list(target[1]), target[2], target[3]
        self.position = next((place for place, step in enumerate(self.steps) if step is present),
                             min(self.position, len(self.steps) - 1))
        self._changed()
        self._session.post("session")

    # --- files ---

    def to_json(self) -> dict[str, Any]:
        """As it stands in a session file; looks by their place among the snapshots."""
        places = {id(snapshot): place for place, snapshot in enumerate(self._session.snapshots)}
        steps = []
        for step in self.steps:
            item = {name: getattr(step, name) for name in _STORED}
            steps.append({**step.extra, "snapshot": places[id(step.snapshot)], **item})
        return {"steps": steps, "auto": self.auto, "unattended": self.unattended}

    def load(self, stored: Any, report: list[str]) -> None:
        """Replace it by what a file holds; what cannot be used is reported and left out."""
        self.steps, self.position, self._fade, self._arrived = [], -1, None, None
        self._rests.clear()
        stored = {} if stored is None else stored
        items = stored.get("steps", []) if isinstance(stored, dict) else None
        if not isinstance(items, list):
            report.append("setlist: it does not hold a list of steps; it is empty")
            stored, items = {}, []
        self.auto, self.unattended = stored.get("auto") is not False, stored.get("unattended") is True
        for index, item in enumerate(items[:MOST]):
            try:
                self.steps.append(self._read(item))
            except (TypeError, ValueError) as error:
                report.append(f"setlist.steps[{index}]: {error}; it was left out")
        if len(items) > MOST:
            report.append(f"setlist: {len(items)} steps; only the first {MOST} are used")
        self._session.post("setlist")

    def _read(self, item: Any) -> Step:
        place = item.get("snapshot") if isinstance(item, dict) else None
        if type(place) is not int or not 0 <= place < len(self._session.snapshots):
            raise ValueError("it does not name a snapshot of this session")
        extra = {name: value for name, value in item.items() if name not in _STORED and name != "snapshot"}
        known = {name: value for name, value in item.items() if name in _STORED}
        return checked(Step(self._session.snapshots[place], **known, extra=extra))


def checked(step: Step) -> Step:
    """The step, if it can be played. Raises ValueError with a sentence."""
    for name, value, low, high in (
        ("fade", step.fade, 0.0, LONGEST), ("hold", step.hold, 0.0, LONGEST_HOLD), ("flip", step.flip, 0.0, 1.0),
        ("bpm", 120.0 if step.bpm is None else step.bpm, 20.0, 400.0),
    ):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not (
            math.isfinite(value) and low <= value <= high
        ):
            raise ValueError(f"{name} is a number from {low:g} to {high:g}, not {str(value)[:40]}")
    for name, word, among in (("unit", step.unit, UNITS), ("hold_unit", step.hold_unit, UNITS),
                              ("start", step.start, STARTS)):
        if word not in among:
            raise ValueError(f"{name} is one of {', '.join(among)}, not {str(word)[:40]!r}")
    return step
