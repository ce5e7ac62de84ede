"""Warming up: every look of the session is loaded and run once beside the show, so that nothing loads on stage.

Code is imported, networks are read and run, drivers choose their kernels; what is on stage is not touched.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studio.engine import GeneratorError, Job
from studio.engine.chain import reason
from studio.generator import Cancelled
from studio.library.presets import apply_params
from studio.params import ParamSet
from studio.plugins import PluginError, Registry
from studio.session.feed import SCENE_PLUGIN

if TYPE_CHECKING:
    from studio.engine import Stage
    from studio.session.core import Core


@dataclass(frozen=True)
class Look:
    """One chain to be warmed: who uses it, and its generators as (name, version, values) in their order."""

    title: str
    slots: tuple[tuple[str, int, dict[str, Any]], ...] = field(hash=False)
    size: tuple[int, int] | None = None


@dataclass
class Warmed:
    """What is warm: seconds by key; and what cannot be, with the reason. Read by anyone, written by one job."""

    seconds: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def looks_of(session: Core) -> list[Look]:
    """What stands on decks and players now, then what snapshots hold; the set list's first. Equal ones count once."""
    found: list[Look] = []
    for line in session.lines():
        slots = tuple((slot.generator, slot.current().version, dict(slot.current().params))
                      for slot in line.slots if not slot.bypass)
        if slots:
            found.append(Look(line.title, slots, line.size))
    steps = [step.snapshot for step in session.setlist.steps]
    for snapshot in [*steps, *(kept for kept in session.snapshots if kept not in steps)]:
        for name, line_state in snapshot.state.get("lines", {}).items():
            slots = tuple((str(item["generator"]), int(item.get("version", 1)), dict(item.get("params", {})))
                          for item in line_state.get("slots", []) if item.get("bypass") is not True)
            if slots:
                size = line_state.get("size")
                where = f"{'Player' if name.isdecimal() else 'Deck'} {name}"
                found.append(Look(f"{snapshot.name}, {where}", slots, tuple(size) if size else None))
    kept: dict[str, Look] = {}
    for look in found:
        kept.setdefault(json.dumps([look.slots, look.size], sort_keys=True, default=str), look)
    return list(kept.values())


def stages_of(registry: Registry, look: Look) -> list[Stage]:
    """Its stages, with the values that it has. Imports code: not for the window's thread.

    Raises PluginError.
    """
    from studio.engine import Stage

    made = []
    for name, version, params in look.slots:
        plugin = registry.get(name)
        generator = plugin.load()
        values = ParamSet(generator.params)
        apply_params(params, version, values, generator)
        made.append(Stage(generator, values, plugin.folder))
    return made


def key_of(stages: list[Stage], size: tuple[int, int] | None) -> str:
    """What must be the same for a look to be warm: generators, and values that restart them (models, sizes)."""
    content = [[stage.generator.id, stage.generator.version,
                {name: value for name, value in stage.values.dump().items()
                 if name in stage.generator.params and not stage.generator.params[name].live}] for stage in stages]
    return hashlib.sha256(json.dumps([content, size], sort_keys=True, default=str).encode()).hexdigest()[:20]


def warm_look(registry: Registry, look: Look, device: str, cancelled: Callable[[], bool] = lambda: False) -> str:
    """Load a look and run one step of it; returns its key. Raises PluginError, GeneratorError and Cancelled."""
    from studio.engine import render
    from studio.session.render_job import make_stage

    stages = stages_of(registry, look)
    key = key_of(stages, look.size)
    if stages[0].generator.takes == "image":
        stages.insert(0, make_stage(registry, SCENE_PLUGIN))
    previewed: list[bool] = []
    try:
        # a painting takes a minute: its first preview has loaded everything
        for _ in render(stages, frames=1, size=look.size, device=device, on_preview=lambda _: previewed.append(True),
                        cancelled=lambda: bool(previewed) or cancelled()):
            break
    except Cancelled:
        if not previewed or cancelled():
            raise
    return key


def warm_all(session: Core, looks: list[Look], job: Job[Any]) -> int:
    """Warm these, one after the other, on the job's thread; returns how many are warm. What fails is remembered."""
    warmed, count = session.warmed, 0
    for place, look in enumerate(looks):
        job.check(place / max(1, len(looks)), look.title)
        begin = time.perf_counter()
        try:
            key = warm_look(session.registry, look, session.device, job.cancelled)
        except Cancelled:
            raise
        except (PluginError, GeneratorError) as error:
            warmed.failed[look.title] = str(error)
        except Exception as error:  # a plugin's own fault stops no other look
            warmed.failed[look.title] = reason(error)
        else:
            warmed.failed.pop(look.title, None)
            warmed.seconds[key] = time.perf_counter() - begin
            count += 1
        session.post("soundcheck")
    return count


def start_warm_up(session: Core) -> Job[int]:
    """Warm everything up as a job beside the show."""
    looks = looks_of(session)

    def work(job: Job[Any]) -> int:
        count = warm_all(session, looks, job)
        bad = len(looks) - count
        session.notice(f"{count} of {len(looks)} looks are warm" if bad else f"all {count} looks are warm",
                       level="warning" if bad else "info", cure="the sound check says why the others are not" if bad
                       else "", source="Warm-up")
        return count

    return session.jobs.run("Warm everything up", work)
