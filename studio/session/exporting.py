"""Exports beside the live picture: the look of a line, or of the mix, at one moment becomes a file.

What runs live is not touched: a ``Look`` holds copies of the values, and the job renders them anew with generators of
its own. A deck that looks through a camera is recorded first, in real time, so that the export moves as the camera did.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio import paths
from studio.engine import Deck, Job, Stage
from studio.export import open_writer
from studio.generator import Cancelled
from studio.session import memory
from studio.session.audio_look import heard_in, score_of
from studio.session.core import Core
from studio.session.export_parts import mix_stage, ready_source
from studio.session.export_plan import FORMATS, ExportPlan, Format, Look, copy_values, formats_for
from studio.session.feed import SCENE, SCENE_PLUGIN
from studio.session.line import Line
from studio.session.playback_line import Options
from studio.session.playback_words import writings_of
from studio.session.render_job import (
    JobError,
    RenderJob,
    Result,
    make_stage,
    recipe_of,
    run,
)

__all__ = [
    "FORMATS", "MIX", "ExportPlan", "Exported", "Format", "Look", "copy_values", "export", "export_folder", "file_name",
    "formats_for", "full_recipe", "look_of", "refuse", "start_export",
]

MIX = "mix"
"""The name of the programme, beside those of the lines."""


def look_of(session: Core, name: str) -> Look:
    """The look of a line, or of the programme (``mix``), as it is now. Raises JobError where there is nothing to see.

    Called on the session's thread; quick.
    """
    return _mixed(session) if name == MIX else _line_look(session, session.line(name))


def _mixed(session: Core) -> Look:
    decks = [deck for deck in session.decks.values() if deck.stages()]
    share = session.mix.crossfade
    if not decks:
        raise JobError("both decks are empty; load a generator into one of them")
    first, second = session.decks["A"], session.decks["B"]
    if len(decks) == 1 or share in (0.0, 1.0):
        seen = decks[0] if len(decks) == 1 else (second if share == 1.0 else first)
        return replace(_line_look(session, seen), name=MIX, title=f"Programme ({seen.title})")
    look = _line_look(session, first)
    look.second, look.share = _line_look(session, second), share
    look.name, look.title = MIX, "Programme"
    blend = getattr(session.mix, "blend", "mix")
    if blend != "mix":
        look.warnings.append(f"the decks are crossfaded: {blend} is not exported")
    return look


def _line_look(session: Core, line: Line) -> Look:
    stages = [
        Stage(stage.generator, copy_values(stage.values), stage.folder) for stage in line.stages() if not stage.bypass
    ]
    if not stages:
        raise JobError(f"{line.title} is {line.state}: there is nothing to export; load a generator into it")
    look = Look(line.name, line.title, stages, line.seed, session.clock.bpm, frame=line.frame(), device=session.device)
    if any(stage.generator.reads_words for stage in stages):
        look.writings = writings_of(session.players.values())
    if stages[-1].generator.makes == "text":
        options = Options.of(line)
        look.options = {"rate": options.rate, "per_beat": options.per_beat}
    kept = [stage for stage in line.stages() if not stage.bypass]
    absent = [slot.title for slot in line.slots if slot.stage is None]
    if absent:
        look.warnings.append(f"{', '.join(absent)} is not loaded and will be missing")
    if line.wants_input and stages[0].generator.takes == "image":
        spec = line.input_spec
        if spec == SCENE:
            # recipes are made of generators: the scene is one
            look.stages.insert(0, make_stage(session.registry, SCENE_PLUGIN))
        elif spec.startswith("camera:"):
            worker = line.worker
            assert isinstance(worker, Deck)
            look.source, look.live = spec, lambda: worker.input.last
        else:
            look.source = spec
    elif stages[0].generator.takes == "image":
        look.stages.insert(0, make_stage(session.registry, SCENE_PLUGIN))  # its source is bypassed
    look.heard = heard_in(session, kept, len(look.stages) - len(kept))
    return look


def refuse(look: Look, plan: ExportPlan, free: int | None = None) -> str:
    """Why this export cannot be done, as a sentence with the cure; '' when it can."""
    size = plan.size or look.size
    if look.makes != "image" or size is None or plan.screen:
        return ""
    wanted = memory.needed(size, look.peaks, plan.format.key)
    have = memory.available() if free is None else free
    if have is None or wanted <= have * memory.RESERVE:
        return ""
    room = have * memory.RESERVE - memory.BASE
    per_pixel = (wanted - memory.BASE) / (size[0] * size[1])
    share = (room / per_pixel / (size[0] * size[1])) ** 0.5 if room > 0 else 0.0
    width, height = int(size[0] * share) // 16 * 16, int(size[1] * share) // 16 * 16
    cure = f"choose {width}x{height} or less" if width >= 64 and height >= 64 else "choose a smaller size"
    return (
        f"{size[0]}x{size[1]} needs about {memory.text(wanted)} of memory and {memory.text(have)} are free; "
        f"{cure}, or close other programs"
    )


@dataclass
class Exported:
    """What a finished export leaves: the file (or folder) to open and to show."""

    path: Path
    report: dict[str, Any]
    seconds: float


def start_export(session: Core, look: Look, plan: ExportPlan) -> Job[Exported]:
    """Run an export as a job of the session; returns at once."""
    job: Job[Exported] = session.jobs.run(f"Export {plan.path.name}", lambda job: export(session, look, plan, job))
    return job


def export(session: Core, look: Look, plan: ExportPlan, job: Job[Any]) -> Exported:
    """Render and write, on the job's thread. Raises what ``render_job.run`` raises, and Cancelled."""
    if why := refuse(look, plan):
        raise JobError(why)
    if plan.screen:
        return _write_frame(look, plan)
    with contextlib.ExitStack() as stack:
        sources = [ready_source(part, plan, job, stack) for part in (look, look.second) if part is not None]
        made = _render_job(session, look, plan, sources)
        result = run(
            made, cancelled=job.cancelled, on_progress=lambda share: job.check(share, f"rendering {plan.path.name}"),
            on_notice=lambda text: session.notice(text, source=job.title),
        )
    return _exported(result, plan)


def _exported(result: Result, plan: ExportPlan) -> Exported:
    if result.cancelled:
        raise Cancelled
    path, report = result.files[0]
    return Exported(path.parent if plan.format.many else path, report, result.seconds)


def _write_frame(look: Look, plan: ExportPlan) -> Exported:
    """The picture that was on screen, as it was."""
    if look.frame is None:
        raise JobError(f"{look.title} has made no picture yet; wait for its first one")
    started = time.monotonic()
    with open_writer(plan.out, recipe=full_recipe(look, plan), options=plan.options) as writer:
        writer.add(look.frame)
    return Exported(plan.path, dict(writer.report), time.monotonic() - started)


def _render_job(session: Core, look: Look, plan: ExportPlan, sources: list[str | None]) -> RenderJob:
    stages = list(look.stages)
    if look.second is not None:
        stages.append(mix_stage(look.second, look.share, plan, sources[1]))
    beats = plan.beats if look.makes == "notes" else None
    return RenderJob(
        stages, [plan.out], frames=plan.frames, beats=beats, fps=plan.fps, seed=look.seed, size=plan.size,
        bpm=look.bpm, source=sources[0], device=look.device, options=dict(plan.options),
        recipe=full_recipe(look, plan), audio=score_of(look, plan.sound), writings=look.writings,
    )


def full_recipe(look: Look, plan: ExportPlan) -> dict[str, Any]:
    """The recipe of a look: that of its first line; of a mix also the second's, under ``mix``."""
    made = recipe_of(RenderJob(
        look.stages, [plan.out], frames=plan.frames, beats=plan.beats, fps=plan.fps, seed=look.seed, size=plan.size,
        bpm=look.bpm, source=look.source, options=dict(plan.options), audio=score_of(look, plan.sound),
        writings=look.writings,
    ))
    if look.second is not None:
        made["mix"] = {"crossfade": look.share, "second": full_recipe(look.second, plan)}
    return made


# --- names ----------------------------------------------------------------------------------------------------------


def export_folder(session: Core) -> Path:
    """Where exports go: the folder of the settings, else the user's pictures."""
    chosen = str(session.settings["export_folder"] or "")
    if chosen:
        return Path(chosen).expanduser()
    pictures = Path.home() / "Pictures"
    base = pictures if pictures.is_dir() and not _redirected() else paths.user_folder("data")
    return base / "Reverie" if base == pictures else base / "exports"


def _redirected() -> bool:
    import os

    return bool(os.environ.get("REVERIE_HOME"))


def file_name(look: Look, form: Format, folder: Path, when: float | None = None) -> Path:
    """A name that is free: the generator, the day and time."""
    from studio.library.presets import slug

    title = look.stages[-1].generator.title or look.stages[-1].generator.id
    stamp = time.strftime("%Y-%m-%d %H-%M-%S", time.localtime(when))
    ending = "" if form.many else form.ending
    stem = f"{slug(title)} {stamp}"
    place, number = folder / f"{stem}{ending}", 2
    while place.exists():
        place = folder / f"{stem} ({number}){ending}"
        number += 1
    return place
