"""What was played or typed, as a file with its recipe. Written by a job: models are hashed for the recipe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.engine import Job, Stage
from studio.export import open_writer, writer_options
from studio.media import Notes
from studio.params import ParamSet
from studio.session.playback_track import Played
from studio.session.render_job import RenderJob, recipe_of

if TYPE_CHECKING:
    from studio.session.core import Core
    from studio.session.line import Line


def gathered(played: Sequence[Played], bar: int) -> Notes:
    """Played notes as one block that begins with the bar of the first of them; ``bar`` is beats per bar."""
    if not played:
        return Notes((), 0.0)
    first = math.floor(min(item.beat for item in played) / bar) * bar
    notes = tuple(item.note.__class__(
        item.note.pitch, item.note.velocity, item.beat - first, item.note.duration, item.note.channel
    ) for item in sorted(played, key=lambda item: item.beat))
    end = max(note.start + note.duration for note in notes)
    return Notes(notes, float(math.ceil(end / bar - 1e-6) * bar))


def save_played(session: Core, line: Line, path: Path) -> Job[Any]:
    """Write the notes that a player has played, as ``.mid`` or ``.wav``. The job fails with a sentence."""
    known = session.playback.playing[line.name]
    with known.notes.lock:
        block = gathered(known.notes.played, session.clock.beats_per_bar)
    programs = ", ".join(f"{channel}={program}" for channel, program in sorted(known.programs.items()))
    stages, bpm = _copies(line), session.clock.bpm

    def work(job: Job[Any]) -> Path:
        recipe = recipe_of(RenderJob(stages, [path], seed=line.seed, bpm=bpm, beats=block.length or None))
        options = {"programs": programs} if programs and "programs" in writer_options(path) else {}
        with open_writer(path, bpm=bpm, recipe=recipe, options=options) as writer:
            if block.notes:  # a writer says itself that nothing was made
                writer.add(block)
        return path

    return session.jobs.run(f"Save {path.name}", work)


def save_text(session: Core, line: Line, path: Path) -> Job[Any]:
    """Write what a player has typed, as ``.txt`` with its recipe beside it. The job fails with a sentence."""
    text = session.playback.playing[line.name].text.text
    stages, bpm = _copies(line), session.clock.bpm

    def work(job: Job[Any]) -> Path:
        with open_writer(path, recipe=recipe_of(RenderJob(stages, [path], seed=line.seed, bpm=bpm))) as writer:
            if text:
                writer.add(text)
        return path

    return session.jobs.run(f"Save {path.name}", work)


def _copies(line: Line) -> list[Stage]:
    """The stages as they are now: values may move while the job works."""
    made = []
    for stage in line.stages():
        values = ParamSet(stage.generator.params)
        values.load(stage.values.dump())
        made.append(Stage(stage.generator, values, stage.folder))
    return made
