"""Fades in time: the crossfader, and from one look to another, over seconds, beats or bars.

A fade is driven by ``Fades.tick`` from the session's pump, against the session's clock: it works without a window, and
a new tempo changes its pace and never its place. It is one step of undo. A later fade takes over what it wants from
where it is, so that nothing jumps; what a hand or a controller takes hold of leaves the fade.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any

from studio.engine import GeneratorError
from studio.engine.clock import Moment
from studio.session import glides, state
from studio.session.glides import Flip, Glide
from studio.session.history import Step
from studio.session.line import Line, Slot
from studio.session.mix import PHRASE_BARS, Span

if TYPE_CHECKING:
    from studio.session.core import Core

TELL_SECONDS = 0.1
"""How often a fade tells of values that it moves."""

RECALL, CROSSFADE = "recall", "crossfade"


class Ramp:
    """The way of a fade through time: None before its beat, then 0 to 1. Exact however seldom it is asked."""

    def __init__(self, span: Span, moment: Moment, beats_per_bar: int) -> None:
        wait = 0.0
        if span.start == "beat":
            wait = math.ceil(moment.beat - 1e-6) - moment.beat
        elif span.start == "bar":
            wait = (math.ceil(moment.bar - 1e-6) - moment.bar) * beats_per_bar
        elif span.start == "phrase":
            phrases = moment.bar / PHRASE_BARS
            wait = (math.ceil(phrases - 1e-6) - phrases) * PHRASE_BARS * beats_per_bar
        self._from = moment.beat + max(0.0, wait)
        self._seconds = span.length if span.unit == "seconds" else 0.0
        self._beats = {"seconds": 0.0, "beats": span.length, "bars": span.length * beats_per_bar}[span.unit]
        self._began: float | None = None

    def at(self, moment: Moment) -> float | None:
        """How far it is, 0..1; None while it waits."""
        gone = moment.beat - self._from
        if gone < -1e-9:
            return None
        if self._beats:
            return _share(gone / self._beats)
        if not self._seconds:
            return 1.0
        if self._began is None:
            self._began = moment.t - max(0.0, gone) * 60.0 / moment.bpm
        return _share((moment.t - self._began) / self._seconds)


def _share(part: float) -> float:
    return 1.0 if part >= 1.0 - 1e-9 else max(0.0, part)


class Fade:
    """One fade: ``kind`` RECALL or CROSSFADE; ``progress`` 0..1, None while it waits for its beat; ``done`` at its end,
    however it ended; ``share`` where a crossfade goes."""

    def __init__(self, kind: str, label: str, span: Span, ramp: Ramp, plan: Callable[[], list[Glide]]) -> None:
        self.kind, self.label, self.span = kind, label, span
        self.share = 0.0
        self.progress: float | None = None
        self.done = False
        self.step: Step | None = None
        self.asked_after: Step | None = None
        """The newest step when it was asked for."""
        self.glides: list[Glide] = []
        self.lines: dict[str, Line] = {}
        self.plan, self.ramp = plan, ramp

    def give_up(self, keys: Iterable[Hashable]) -> None:
        """Another fade takes these over."""
        taken = set(keys)
        self.glides = [glide for glide in self.glides if not taken & set(glide.keys)]


class Fades:
    """All fades of a session; ``tick`` moves them, on the thread that owns the session."""

    def __init__(self, session: Core) -> None:
        self._session = session
        self.active: list[Fade] = []
        self._told: dict[str, float] = {}

    def of(self, kind: str) -> Fade | None:
        """The newest fade of a kind that is under way or waits for its beat."""
        return next((fade for fade in reversed(self.active) if fade.kind == kind), None)

    def crossfade(self, share: float, span: Span) -> Fade:
        """Move the crossfader to ``share``."""
        session = self._session
        plan = lambda: [glides.of_mix(session, "crossfade", share, 0.5)]  # noqa: E731
        there = "A" if share <= 0.0 else "B" if share >= 1.0 else f"{share:.0%}"
        made = Fade(CROSSFADE, f"Fade to {there}", span, self._ramp(span), plan)
        made.share = share
        return self._add(made)

    def recall(self, name: str, target: dict[str, Any], span: Span, flip: float = 0.5) -> Fade:
        """Go to a captured state; what is not in it stays. ``flip`` (0..1) is when what cannot glide changes."""
        def plan() -> list[Glide]:
            return plan_recall(self._session, copy.deepcopy(target), min(1.0, max(0.0, flip)))

        return self._add(Fade(RECALL, f"Snapshot {name}", span, self._ramp(span), plan))

    def _ramp(self, span: Span) -> Ramp:
        clock = self._session.clock
        return Ramp(span, clock.read(), clock.beats_per_bar)

    def _add(self, fade: Fade) -> Fade:
        for waiting in [other for other in self.active if other.kind == fade.kind and other.step is None]:
            self._end(waiting)
        fade.asked_after = self._session.history.newest
        self.active.append(fade)
        self.tick()
        self._session.post("mix")
        return fade

    def tick(self) -> None:
        """Move everything to where it is now."""
        if not self.active:
            return
        moment = self._session.clock.read()
        for fade in list(self.active):
            if fade.done:
                continue
            progress = fade.ramp.at(moment)
            if progress is None:
                continue
            if fade.step is None:
                self._begin(fade)
            fade.progress = progress
            fade.glides = [glide for glide in fade.glides if glide.move(progress)]
            self._tell(fade, moment.t, last=progress >= 1.0)
            if progress >= 1.0:
                self._end(fade)

    def _begin(self, fade: Fade) -> None:
        for other in [other for other in self.active if other is not fade and other.step is not None]:
            if fade.kind == RECALL:
                # where both looks agree by chance there is nothing to glide, and nothing may move on either
                self._end(other)
        fade.step = self._session.history.open(fade.label)
        self._session.modified = True
        fade.glides = fade.plan()
        fade.lines = {glide.line.name: glide.line for glide in fade.glides if glide.line is not None}
        keys = {key for glide in fade.glides for key in glide.keys}
        for other in self.active:
            if other is not fade:
                other.give_up(keys)

    def _tell(self, fade: Fade, now: float, *, last: bool) -> None:
        for name, line in fade.lines.items():
            if last or now - self._told.get(name, -1.0) >= TELL_SECONDS:
                self._told[name] = now
                self._session.post("values", line)

    def _end(self, fade: Fade) -> None:
        fade.done = True
        if fade in self.active:
            self.active.remove(fade)
        if fade.step is not None:
            self._session.history.close(fade.step)
            for line in fade.lines.values():
                self._session.post("values", line)
        self._session.post("mix")

    def stop(self, kind: str = "") -> None:
        """End all fades, or those of a kind, where they are."""
        for fade in [fade for fade in self.active if kind in ("", fade.kind)]:
            self._end(fade)

    def before_undo(self) -> str:
        """The newest step is to be taken back: if a fade is still making it, it ends here. One that waits for its beat
        and was asked for after the newest step is what is taken back: its label, else ''."""
        newest = self._session.history.newest
        for fade in reversed(self.active):
            if fade.step is None and fade.asked_after is newest:
                self._end(fade)
                return fade.label
        for fade in [fade for fade in self.active if fade.step is not None and fade.step is newest]:
            self._end(fade)
        return ""


# --- what a recall has to move ---


def plan_recall(session: Core, target: dict[str, Any], flip: float) -> list[Glide]:
    """Glides and flips from here to ``target``, a captured state."""
    found: list[Glide] = []
    for name, value in target.get("mix", {}).items():
        if getattr(session.mix, name, value) != value:
            found.append(glides.of_mix(session, name, value, flip))
    if target.get("bpm", session.clock.bpm) != session.clock.bpm:
        found.append(glides.of_tempo(session, target["bpm"]))
    for name, wanted in target["lines"].items():
        line = session.decks.get(name) or session.players.get(name)
        if line is not None:
            for slot, item in _matches(line, wanted["slots"]):
                item["uid"] = slot.uid
                found += glides.of_slot(line, slot, item, flip)
        if line is None or _shape(state.capture_line(line)) != _shape(wanted):
            found.append(_rebuilding(session, name, wanted, flip))
    return found


def _matches(line: Line, items: list[dict[str, Any]]) -> list[tuple[Slot, dict[str, Any]]]:
    """Which slot goes on as which stored one: the same slot, else one of the same generator, in order."""
    free = list(line.slots)
    found = []
    by_uid = [(item, next((slot for slot in free if slot.uid == item.get("uid")), None)) for item in items]
    for item, slot in by_uid:
        if slot is not None and slot in free and slot.generator == item["generator"]:
            free.remove(slot)
            found.append((slot, item))
    for item in items:
        if any(item is other for _, other in found):
            continue
        same = next((slot for slot in free if slot.generator == item["generator"]), None)
        if same is not None:
            free.remove(same)
            found.append((same, item))
    return found


def _shape(line: dict[str, Any]) -> dict[str, Any]:
    """What of a line cannot glide: its generators, their switches, its input, seed, size and how it is played."""
    size = line.get("size")
    return {
        "kind": line["kind"], "input": line["input"], "seed": line["seed"], "size": tuple(size) if size else None,
        "playback": line.get("playback"),
        "slots": [
            {key: value for key, value in item.items() if key not in ("params", "version")}
            for item in line["slots"]
        ],
    }


def _rebuilding(session: Core, name: str, wanted: dict[str, Any], flip: float) -> Glide:
    """The moment at which a line gets other generators; the values of those that stay go on gliding."""
    def write(_: Any) -> None:
        line = session.decks.get(name) or session.players.get(name) or session.make_player(name)
        here = {slot.uid: slot for slot in line.slots}
        for item in wanted["slots"]:
            slot = here.get(item.get("uid", 0))
            if slot is not None and slot.stage is not None:
                item["params"], item["version"] = slot.stage.values.dump(), slot.stage.generator.version
        try:
            state.restore_line(session, line, wanted, state.capture_line(line))
        except GeneratorError as error:
            session.notice(str(error), level="error", source=line.title)

    line = session.decks.get(name) or session.players.get(name)
    return Flip((("line", name),), lambda: None, write, None, flip, line)
