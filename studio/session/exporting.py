"""Exports beside the live picture: the look of a line, or of the mix, at one moment becomes a file.

What runs live is not touched: a ``Look`` holds copies of the values, and the job renders them anew with generators of
its own. A deck that looks through a camera is recorded first, in real time, so that the export moves as the camera did.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from studio import paths
from studio.engine import Deck, Job, Stage, render
from studio.export import open_writer
from studio.files import FileError
from studio.generator import Cancelled, Context, Generator
from studio.media import Frame, to_float
from studio.params import Int, ParamSet
from studio.session import memory
from studio.session.core import Core
from studio.session.feed import SCENE, SCENE_PLUGIN
from studio.session.line import Line
from studio.session.render_job import JobError, RenderJob, Result, make_stage, own_bars, recipe_of, run

MIX = "mix"
"""The name of the programme, beside those of the lines."""


@dataclass(frozen=True)
class Format:
    """What can come out. ``ending`` chooses the writer; ``moving`` ones have a length, ``many`` are a folder."""

    key: str
    title: str
    about: str
    ending: str
    kinds: tuple[str, ...]
    moving: bool = False
    many: bool = False

    @property
    def pattern(self) -> str:
        """A name of this format, for the choice of its options."""
        return f"x/%05d{self.ending}" if self.many else f"x{self.ending}"


FORMATS: tuple[Format, ...] = (
    Format("png", "Still picture", "PNG, lossless", ".png", ("image",)),
    Format("jpg", "Photograph", "JPEG, small", ".jpg", ("image",)),
    Format("gif", "GIF", "plays everywhere, 256 colours a frame", ".gif", ("image",), moving=True),
    Format("webp", "Animated WebP", "smaller and finer than GIF, for the web", ".webp", ("image",), moving=True),
    Format("mp4", "Video MP4", "H.264, plays everywhere", ".mp4", ("image",), moving=True),
    Format("webm", "Video WebM", "VP9 or AV1, for the web", ".webm", ("image",), moving=True),
    Format("mov", "Video MOV", "ProRes, for editing and VJ software", ".mov", ("image",), moving=True),
    Format("sequence", "Picture sequence", "a folder of numbered PNGs", ".png", ("image",), moving=True, many=True),
    Format("txt", "Text", "plain text, its recipe beside it", ".txt", ("text",)),
    Format("mid", "MIDI", "a score for every sequencer", ".mid", ("notes",), moving=True),
    Format("wav", "Sound WAV", "played by the built-in synthesiser", ".wav", ("notes", "audio"), moving=True),
)


def formats_for(makes: str) -> list[Format]:
    """What a line that makes this kind of media can be written as."""
    return [found for found in FORMATS if makes in found.kinds]


@dataclass
class Look:
    """How a line was at one moment, in copies that nothing moves any more. ``second`` is what is mixed over it by
    ``share`` (0..1), for the programme."""

    name: str
    title: str
    stages: list[Stage]
    seed: int = 0
    bpm: float = 120.0
    source: str | None = None
    live: Callable[[], Frame | None] | None = None
    frame: Frame | None = None
    second: Look | None = None
    share: float = 0.0
    device: str = "cpu"
    warnings: list[str] = field(default_factory=list)

    @property
    def makes(self) -> str:
        """The kind of media that comes out."""
        return self.stages[-1].generator.makes

    @property
    def peaks(self) -> list[float]:
        """Memory that each generator takes in its turn, in bytes a pixel."""
        own = [float(stage.generator.pixel_bytes) for stage in self.stages]
        return own + (self.second.peaks if self.second else [])

    @property
    def size(self) -> tuple[int, int] | None:
        """Pixels (width, height) of the picture on screen."""
        return None if self.frame is None else (self.frame.shape[1], self.frame.shape[0])

    def loop_seconds(self) -> float | None:
        """After how many seconds its source comes back to where it began; None where it never does."""
        for stage in self.stages[:1]:
            found = stage.generator.loop_seconds(stage.values.dump(), self.bpm)
            if found is not None and found > 0:
                return float(found)
        return None

    def own_bars(self) -> int:
        """Bars after which a player finds an ending of its own; 0 where it plays on."""
        return own_bars(self.stages[-1])


def copy_values(values: ParamSet) -> ParamSet:
    """The same values in a set of their own."""
    made = ParamSet(values.params)
    made.load(values.dump())
    return made


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
    return look


def _line_look(session: Core, line: Line) -> Look:
    stages = [
        Stage(stage.generator, copy_values(stage.values), stage.folder) for stage in line.stages() if not stage.bypass
    ]
    if not stages:
        raise JobError(f"{line.title} is {line.state}: there is nothing to export; load a generator into it")
    look = Look(line.name, line.title, stages, line.seed, session.clock.bpm, frame=line.frame(), device=session.device)
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
    return look


@dataclass
class ExportPlan:
    """What to write: ``frames`` or ``beats`` limit it, ``size`` is (width, height) in pixels or None for the
    generator's own. ``screen`` writes the very picture that was on screen, without rendering."""

    format: Format
    path: Path
    size: tuple[int, int] | None = None
    fps: float = 30.0
    frames: int | None = None
    beats: float | None = None
    options: dict[str, Any] = field(default_factory=dict)
    screen: bool = False

    @property
    def out(self) -> str:
        """What the writer is given: a sequence is a pattern inside a folder."""
        return str(self.path / f"%05d{self.format.ending}") if self.format.many else str(self.path)


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
        sources = [_ready_source(part, plan, job, stack) for part in (look, look.second) if part is not None]
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
        stages.append(_mix_stage(look.second, look.share, plan, sources[1]))
    beats = plan.beats if look.makes == "notes" else None
    return RenderJob(
        stages, [plan.out], frames=plan.frames, beats=beats, fps=plan.fps, seed=look.seed, size=plan.size,
        bpm=look.bpm, source=sources[0], device=look.device, options=dict(plan.options),
        recipe=full_recipe(look, plan),
    )


def full_recipe(look: Look, plan: ExportPlan) -> dict[str, Any]:
    """The recipe of a look: that of its first line; of a mix also the second's, under ``mix``."""
    made = recipe_of(RenderJob(
        look.stages, [plan.out], frames=plan.frames, beats=plan.beats, fps=plan.fps, seed=look.seed, size=plan.size,
        bpm=look.bpm, source=look.source, options=dict(plan.options),
    ))
    if look.second is not None:
        made["mix"] = {"crossfade": look.share, "second": full_recipe(look.second, plan)}
    return made


# --- the mix --------------------------------------------------------------------------------------------------------


class _Mixed(Generator):
    """What stands in for the second deck in the chain of the first: renders it in step and lays it over."""

    id, makes, takes, title = "reverie.mix", "image", "image", "Mix"
    look: ClassVar[Look]
    share: ClassVar[float]
    plan: ClassVar[ExportPlan]
    source: ClassVar[str | None]

    def setup(self, ctx: Context) -> None:
        self._opened: Any = None
        if self.source is not None:
            from studio.devices.inputs import open_source

            self._opened = open_source(self.source, self.plan.fps)
        look = self.look
        self._frames: Iterator[Any] = render(
            look.stages, frames=10**9, fps=self.plan.fps, seed=look.seed, size=self.plan.size, source=self._opened,
            device=look.device, bpm=look.bpm, on_notice=ctx.notice,
        )

    def step(self, ctx: Context) -> Any:
        ctx.check()
        return blend(to_float(ctx.input), to_float(next(self._frames)), self.share)

    def close(self) -> None:
        for part in (getattr(self, "_frames", None), getattr(self, "_opened", None)):
            if part is not None:
                part.close()


def blend(first: Any, second: Any, share: float) -> Any:
    """Two float pictures ``(height, width, 3)`` crossfaded; the second is brought into the first one's size, whole."""
    if first.shape != second.shape:
        second = _contain(second, (first.shape[1], first.shape[0]))
    return first * np.float32(1.0 - share) + second * np.float32(share)


def _contain(picture: Any, size: tuple[int, int]) -> Any:
    from PIL import Image

    height, width = picture.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = Image.fromarray((picture * 255 + 0.5).astype(np.uint8)).resize(inner, Image.Resampling.LANCZOS)
    made = np.zeros((size[1], size[0], 3), np.float32)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    made[top : top + inner[1], left : left + inner[0]] = np.asarray(small, np.float32) / np.float32(255)
    return made


def _mix_stage(look: Look, share: float, plan: ExportPlan, source: str | None) -> Stage:
    made: type[Generator] = type("Mixed", (_Mixed,), {"look": look, "share": share, "plan": plan, "source": source})
    return Stage(made, ParamSet(made.params))


# --- cameras --------------------------------------------------------------------------------------------------------


def _ready_source(look: Look, plan: ExportPlan, job: Job[Any], stack: contextlib.ExitStack) -> str | None:
    """The file to read pictures from; what a camera sees is recorded into one first."""
    if look.live is None:
        return look.source
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="reverie-"))
    frames = plan.frames or 1
    still = Path(folder) / "camera.png"
    if frames == 1:
        _record(look.live, still, 1, plan.fps, job)
        return str(still)
    place = Path(folder) / "camera.mp4"
    _record(look.live, place, frames, plan.fps, job)
    return str(place)


def _record(live: Callable[[], Frame | None], place: Path, frames: int, fps: float, job: Job[Any]) -> None:
    """``frames`` pictures of what is live, in real time."""
    wait = threading.Event()
    options = {"crf": 12, "speed": "veryfast"} if place.suffix == ".mp4" else {}
    begun = time.monotonic()
    with open_writer(place, fps=fps, options=options) as writer:
        for index in range(frames):
            job.check(0.0, f"recording the camera, {index / fps:.0f} of {frames / fps:.0f} s")
            while (frame := live()) is None:
                if time.monotonic() > begun + 10.0:
                    raise FileError("the camera gives no picture; choose another input for this deck")
                job.check()
                wait.wait(0.05)
            writer.add(frame)
            wait.wait(max(0.0, begun + (index + 1) / fps - time.monotonic()))


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


def has_bars(look: Look) -> bool:
    """Whether the generator itself has a length in bars."""
    return isinstance(look.stages[-1].generator.params.get("bars"), Int)
