"""A line: one deck or one player, with its generators in their order and the thread that runs them."""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass, field
from typing import Any

from studio.engine import Deck, GeneratorError, Player, Stage, Status
from studio.engine.chain import check_stages
from studio.library.session import StageData
from studio.media import Frame
from studio.params import Trigger
from studio.plugins import Plugin
from studio.session.feed import SCENE, Feed

log = logging.getLogger("reverie.session")

_uids = itertools.count(1)


@dataclass(eq=False)
class Slot:
    """One place in a line. ``stage`` is None while its plugin is being imported, is not here, or failed.

    ``data`` is what a session file knows of it: of an absent plugin it is all there is, and it is written back as it
    came. ``uid`` stays the same through undo.
    """

    generator: str
    data: StageData
    plugin: Plugin | None = None
    stage: Stage | None = None
    state: str = "loading"
    reason: str = ""
    bypass: bool = False
    locked: set[str] = field(default_factory=set)
    preset: str = ""
    uid: int = field(default_factory=lambda: next(_uids))

    @property
    def title(self) -> str:
        """What a person reads."""
        return self.plugin.title if self.plugin is not None else self.generator

    def current(self) -> StageData:
        """What a session keeps of it now."""
        if self.stage is None:
            return self.data
        kept = StageData.of(self.stage.generator, self.stage.values)
        kept.extra = {key: value for key, value in self.data.extra.items() if key not in ("bypass", "locked", "preset")}
        if self.bypass:
            kept.extra["bypass"] = True
        if self.locked:
            kept.extra["locked"] = sorted(self.locked)
        if self.preset:
            kept.extra["preset"] = self.preset
        return kept


class Line:
    """A deck ("A", "B") or a player ("1", "2", …). Its worker runs while there is something that can run."""

    def __init__(self, name: str, kind: str, worker: Deck | Player) -> None:
        self.name, self.kind, self.worker = name, kind, worker
        self.slots: list[Slot] = []
        self.input = ""
        self.seed = 0
        self.size: tuple[int, int] | None = None
        self.extra: dict[str, Any] = {}
        self.stopped = False
        self.reason = ""
        self.feed: Feed | None = None

    @property
    def title(self) -> str:
        """Deck A, Player 1."""
        return f"{'Deck' if self.kind == 'deck' else 'Player'} {self.name}"

    @property
    def degrades(self) -> bool:
        """Whether it gives up size, precision and pictures when it is too slow (see ``engine.ladder``); kept in files.
        A full memory leads to a smaller size in any case."""
        return self.extra.get("degrade") is not False

    @degrades.setter
    def degrades(self, on: bool) -> None:
        if on:
            self.extra.pop("degrade", None)
        else:
            self.extra["degrade"] = False
        self.worker.ladder.on = on

    def stages(self) -> list[Stage]:
        """Those that can run, in their order."""
        return [slot.stage for slot in self.slots if slot.stage is not None]

    @property
    def makes(self) -> str:
        """The kind of media of its last generator; image for an empty deck, notes for an empty player."""
        stages = self.stages()
        if stages:
            return stages[-1].generator.makes
        manifest = self.slots[-1].plugin.manifest if self.slots and self.slots[-1].plugin else None
        return manifest.makes if manifest else ("image" if self.kind == "deck" else "notes")

    def sync(self, *, fresh: bool = False) -> None:
        """Let the worker run what stands in the slots; with ``fresh`` from the beginning. Never waits."""
        stages = self.stages()
        for slot in self.slots:
            if slot.stage is not None:
                slot.stage.bypass = slot.bypass
        self.reason = ""
        # a deck that is stopped keeps its generators, to go on from there; a player begins anew
        self.worker.hold = self.stopped and self.kind == "deck" and self.busy
        if not stages or (self.stopped and not self.worker.hold):
            self.worker.stop(0.0)
            return
        self.worker.seed, self.worker.size, self.worker.ladder.on = self.seed, self.size, self.degrades
        try:
            if fresh:
                self.worker.start(stages, wait=False)
            elif [id(stage) for stage in stages] != [id(stage) for stage in self.worker.asked] or not self.busy:
                self.worker.change(stages)
        except GeneratorError as error:
            self.reason = str(error)
            self.worker.stop(0.0)

    @property
    def busy(self) -> bool:
        """Whether the worker's thread is alive."""
        return self.worker.status().state in ("starting", "running", "failed", "hung")

    def fits(self, generators: list[Any]) -> str:
        """Why these generator classes cannot stand in this line, or ''."""
        try:
            check_stages([Stage(generator, None) for generator in generators])  # type: ignore[arg-type]
        except GeneratorError as error:
            return str(error)
        return ""

    @property
    def wants_input(self) -> bool:
        """Whether its first generator takes pictures."""
        stages = self.stages()
        return self.kind == "deck" and bool(stages) and stages[0].generator.takes == "image"

    @property
    def input_spec(self) -> str:
        """What feeds it; where nothing was chosen, the sample scene."""
        return self.input or SCENE

    def status(self) -> Status:
        """How the worker does."""
        return self.worker.status()

    @property
    def state(self) -> str:
        """empty, loading, absent, stopped, starting, running, hung, failed, paused, finished."""
        if not self.slots:
            return "empty"
        if self.reason:
            return "failed"
        if not self.stages():
            states = {slot.state for slot in self.slots}
            return "loading" if states & {"loading", "importing"} else "failed" if "failed" in states else "absent"
        if self.stopped:
            return "stopped"
        state = self.worker.status().state
        return "starting" if state == "stopped" else state

    def why(self) -> str:
        """The sentence that belongs to the state, '' where all is well."""
        if self.reason:
            return self.reason
        for slot in self.slots:
            if slot.reason:
                return slot.reason
        return self.worker.status().reason

    def frame(self) -> Frame | None:
        """The newest picture; the last good one when the generators fail."""
        return self.worker.mailbox.last if isinstance(self.worker, Deck) else None

    def details(self, index: int) -> dict[str, Any]:
        """What the generator in this slot exposed for its own view."""
        stage = self.slots[index].stage if 0 <= index < len(self.slots) else None
        return dict(stage.details) if stage is not None else {}


def begin_anew(line: Line) -> None:
    """Its source begins again where it would otherwise never show another input. For any thread."""
    stage = line.slots[0].stage if line.slots else None
    if stage is None or not isinstance(stage.values.params.get("restart"), Trigger):
        return
    try:
        wanted = stage.generator.begins_with_input({name: stage.values[name] for name in stage.values.params})
    except Exception:  # a plugin's own code
        log.exception("%s does not say whether it begins with its input", stage.generator.id)
        return
    if wanted:
        stage.values.fire("restart")
