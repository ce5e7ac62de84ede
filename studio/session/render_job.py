"""One offline export from beginning to end: stages and length in, a file with its recipe out.

The same job serves the command line, the demo and the window. A job can be made from a recipe; it then makes the same
pictures or events again.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio import __version__, paths
from studio.engine import Stage, render
from studio.export import Writer, accepted_kinds, check_recipe, open_writer, writer_options
from studio.files import short_path
from studio.generator import Cancelled
from studio.library.presets import apply_params, find_preset
from studio.media import Drawing, MediaError, Notes
from studio.params import Int, Model, ParamSet, Seed
from studio.plugins import Registry
from studio.session.playback_words import Spoken, Writing, read_writings
from studio.session.render_sound import SoundTrack

if TYPE_CHECKING:
    from studio.devices.inputs import Source
    from studio.session.audio_score import AudioScore, ScoreHearing

DEFAULT_SECONDS = 4.0
"""Length of an animation when nothing else sets it."""

DEFAULT_BARS = 8
"""Length of a piece of music when nothing else sets it."""

STILL_ENDINGS = (".png", ".jpg", ".jpeg", ".svg")
BEATS_PER_BAR = 4
MAX_BLOCKS = 100_000
"""Most pieces of text or music in one file; a generator that never finishes ends here."""

log = logging.getLogger("reverie.render")


class JobError(ValueError):
    """A job that cannot be done as it stands; the message says why and what to change."""


@dataclass
class RenderJob:
    """What to render. ``frames`` or ``beats`` limit it (None: until the generator or the input ends).

    ``outs`` are the files, all written in one pass; a still among animations gets the last frame. ``size`` is the
    wished (width, height) in pixels; ``source`` a file or ``camera:N`` for a first stage that takes pictures;
    ``options`` go to every writer that has them, ``writings`` are players that write for generators that read words.
    """

    stages: list[Stage]
    outs: Sequence[Path | str]
    frames: int | None = None
    beats: float | None = None
    fps: float = 30.0
    seed: int = 0
    size: tuple[int, int] | None = None
    bpm: float = 120.0
    source: str | None = None
    device: str = "cpu"
    options: dict[str, Any] = field(default_factory=dict)
    audio: AudioScore | None = None
    """The sound that is heard, moves parameters and goes into a video."""
    writings: list[Writing] = field(default_factory=list)
    recipe: dict[str, Any] | None = None
    """What is embedded in place of the recipe that ``recipe_of`` would make."""

    @property
    def makes(self) -> str:
        """The kind of media that comes out of the last stage."""
        return self.stages[-1].generator.makes


@dataclass
class Result:
    """What was written: each file with its writer's report (bytes and more); pieces of media; seconds of work."""

    count: int
    seconds: float
    files: list[tuple[Path, dict[str, Any]]] = field(default_factory=list)
    cancelled: bool = False


def make_stage(
    registry: Registry, name: str, *, preset: str = "", sets: dict[str, Any] | None = None,
    notice: Callable[[str], None] = lambda text: None,
) -> Stage:
    """A stage from a plugin's name, a preset's name or path, and values to set.

    Raises PluginError, PresetError (both with the near matches) and ParamError.
    """
    plugin = registry.get(name)
    generator = plugin.load()
    values = ParamSet(generator.params)
    if preset:
        loaded = find_preset(generator.id, preset, [plugin.folder / "presets"])
        for line in loaded.apply(values, generator):
            notice(f"preset {loaded.name}: {line}")
    for key, value in (sets or {}).items():
        if note := values.set(key, value):
            notice(note)
    return Stage(generator, values, plugin.folder)


def give_seed(stage: Stage, seed: int) -> None:
    """Let the seed of the whole job also be that of a generator that shows one as its parameter ``seed``."""
    if isinstance(stage.generator.params.get("seed"), Seed):
        stage.values.set("seed", seed)


def recipe_of(job: RenderJob) -> dict[str, Any]:
    """The recipe to embed; models and input are named with the hashes of their files."""
    from studio.nn.weights import sha256

    models: dict[str, str] = {}
    for stage in job.stages:
        for name, param in stage.generator.params.items():
            if isinstance(param, Model) and stage.values[name]:
                try:
                    models[stage.values[name]] = sha256(paths.find_model(stage.values[name]))
                except OSError:
                    continue  # the generator itself says what is missing
    source = None
    if job.source is not None:
        path = Path(job.source).expanduser()
        # only the name: a recipe travels, and whose folder it was is nobody's business
        source = {"path": path.name, "sha256": sha256(path) if path.is_file() else None}
    recipe: dict[str, Any] = {
        "format": "reverie.recipe", "format_version": 1, "studio": __version__,
        "stages": [
            {"generator": s.generator.id, "version": s.generator.version, "params": s.values.dump()} for s in job.stages
        ],
        "seed": job.seed, "fps": job.fps, "frames": job.frames, "size": list(job.size) if job.size else None,
        "bpm": job.bpm, "input": source, "models": models, "options": dict(job.options),
    }
    if job.beats is not None:
        recipe["beats"] = job.beats
    if job.audio is not None:
        recipe["audio"] = job.audio.to_json()
    if job.writings:
        recipe["words"] = [writing.to_json() for writing in job.writings]
    return recipe


def job_from_recipe(
    recipe: dict[str, Any], registry: Registry, outs: Sequence[Path | str], *, source: str | None = None,
    near: Path | None = None, notice: Callable[[str], None] = lambda text: None, sound: str | None = None,
) -> RenderJob:
    """The job that a recipe describes; what is not as it was is told to ``notice``.

    ``source`` replaces the recipe's input file and ``sound`` its sound file, which are otherwise looked for in the
    present folder and in ``near`` (the folder of the recipe). Writer options are kept where a new ending has them.
    Raises RecipeError, JobError, PluginError.
    """
    check_recipe(recipe, where="the recipe")
    stages = []
    for entry in recipe["stages"]:
        plugin = registry.get(entry["generator"])
        generator = plugin.load()
        values = ParamSet(generator.params)
        for line in apply_params(entry["params"], entry["version"], values, generator):
            notice(line)
        stages.append(Stage(generator, values, plugin.folder))
    _check_models(recipe.get("models") or {}, notice)
    if source is None and recipe.get("input"):
        source = _find_input(recipe["input"], near, notice)
    known = {name for out in outs for name in writer_options(out)}
    mixed = None
    if isinstance(recipe.get("mix"), dict):
        from studio.session.export_parts import mix_from_recipe

        mixed = mix_from_recipe(recipe, registry, near=near, notice=notice)
        stages += [mixed] if mixed is not None else []
    beats = recipe.get("beats")
    limited = isinstance(beats, (int, float)) and math.isfinite(beats) and 0 < beats <= 1e6
    return RenderJob(
        stages, outs, frames=recipe.get("frames"),
        beats=float(recipe["beats"]) if limited else None, fps=recipe.get("fps", 30.0), seed=recipe.get("seed", 0),
        size=tuple(recipe["size"]) if recipe.get("size") else None, bpm=recipe.get("bpm", 120.0), source=source,
        options={name: value for name, value in (recipe.get("options") or {}).items() if name in known},
        recipe=recipe if mixed is not None else None, audio=_score(recipe.get("audio"), near, notice, sound),
        writings=read_writings(recipe.get("words"), registry, notice),
    )


def _score(tree: Any, near: Path | None, notice: Callable[[str], None], sound: str | None) -> AudioScore | None:
    if not isinstance(tree, dict):
        return None
    from studio.session.audio_score import parse_score

    return parse_score(tree, sound or _find_input(tree, near, notice, "sound", "--audio"), notice)


def _check_models(models: dict[str, Any], notice: Callable[[str], None]) -> None:
    from studio.nn.weights import sha256

    for name, digest in models.items():
        try:
            same = sha256(paths.find_model(str(name))) == digest
        except OSError as error:
            raise JobError(f"the recipe needs a model that is not here: {error}") from None
        if not same:
            notice(f"the model {name} is not the one of the recipe; the result will differ")


def _find_input(
    entry: dict[str, Any], near: Path | None, notice: Callable[[str], None], what: str = "input",
    option: str = "--input",
) -> str:
    from studio.nn.weights import sha256

    name = str(entry.get("path") or "")
    if name.startswith("camera:"):
        notice("the recipe's input is a live camera; the result will differ")
        return name
    # a recipe may come from a stranger: only the bare name is used, never a path that it brings
    bare = Path(name.replace("\\", "/")).name
    for folder in [Path.cwd(), *([near] if near else [])]:
        candidate = folder / bare
        if bare and candidate.is_file():
            if entry.get("sha256") and sha256(candidate) != entry["sha256"]:
                notice(f"{bare} is not the file that the recipe used; the result will differ")
            return str(candidate)
    raise JobError(f"the recipe's {what} {short_path(bare)} is not here; name it with {option} FILE")


def _prepare(job: RenderJob) -> None:
    """Fill in the length and refuse what cannot work, before anything is computed."""
    last = job.stages[-1].generator
    for out in job.outs:
        if last.makes not in accepted_kinds(out):
            fits = {"image": ".png, .gif or .mp4", "text": ".txt", "notes": ".mid or .wav", "audio": ".wav"}[last.makes]
            raise JobError(
                f"{last.title or last.id} makes {_plural(last.makes)}, which {short_path(Path(out).name)} cannot hold; "
                f"choose an ending such as {fits}"
            )
    if job.source is not None and job.stages[0].generator.takes != "image":
        first = job.stages[0].generator
        raise JobError(f"{first.title or first.id} takes no pictures; leave out --input, or put an effect first")
    if job.makes == "notes" and job.beats is None and job.frames is None and not own_bars(job.stages[-1]):
        job.beats = float(DEFAULT_BARS * BEATS_PER_BAR)


def own_bars(stage: Stage) -> int:
    """How long a generator itself wants to play: its whole-number parameter ``bars``; 0 where it plays without end.

    Such a generator finds an ending of its own; cutting its music at a bar line would take that away.
    """
    return int(stage.values["bars"]) if isinstance(stage.generator.params.get("bars"), Int) else 0


def _plural(kind: str) -> str:
    return {"image": "pictures", "notes": "notes", "text": "text", "audio": "sound"}[kind]


def run(
    job: RenderJob, *, cancelled: Callable[[], bool] | None = None, on_progress: Callable[[float], None] | None = None,
    on_notice: Callable[[str], None] | None = None, on_preview: Callable[[Any], None] | None = None,
) -> Result:
    """Render and write; ``on_progress`` gets 0..1. When cancelled nothing is written and the result says so.

    Raises JobError, GeneratorError, FileError, MediaError: one sentence each, and no half file is left.
    """
    started = time.monotonic()
    say = on_notice or (lambda text: None)
    _prepare(job)
    source = None
    if job.source is not None:
        from studio.devices.inputs import open_source

        source = open_source(job.source, job.fps)
    if job.frames is None and job.makes == "image":
        job.frames = _frames(job, source)
    result = Result(0, 0.0)
    writers: list[Writer] = []
    hearing: ScoreHearing | None = None
    try:
        with contextlib.ExitStack() as stack:
            if job.audio is not None:
                from studio.session.audio_score import ScoreHearing

                hearing = ScoreHearing(job.audio, job.bpm)
                stack.callback(hearing.close)
            recipe = job.recipe if job.recipe is not None else recipe_of(job)
            last_stage = job.stages[-1]
            wishes = last_stage.generator.export_options(last_stage.values.dump())
            for out in job.outs:
                options = options_for(out, {**wishes, **job.options})
                writer = open_writer(out, fps=job.fps, bpm=job.bpm, recipe=recipe, options=options)
                writers.append(stack.enter_context(writer))
            moving = [writer for writer, out in zip(writers, job.outs, strict=True) if not is_still(out)]
            last: Any = None
            track = SoundTrack(job, moving, stack)
            drawn: list[Drawing] = []
            for part in _media(job, source, cancelled, on_progress, say, on_preview, hearing, drawn.append):
                for writer in moving:
                    writer.add(part)
                track.follow(result.count + 1)
                last = part
                result.count += 1
                if cancelled is not None and cancelled():
                    raise Cancelled
            if last is None:
                name = job.stages[-1].generator.title or job.stages[-1].generator.id
                raise MediaError(f"{name} made nothing with these values; change them")
            for writer in writers:
                if writer not in moving:
                    writer.add(last)
                if writer.draws and drawn:
                    writer.draw(drawn[-1])
    except Cancelled:
        result.cancelled = True
    finally:
        if source is not None:
            source.close()
            if source.notice:
                say(source.notice)
        if hearing is not None and hearing.notice:
            say(hearing.notice)
    result.seconds = time.monotonic() - started
    if not result.cancelled:
        for writer, out in zip(writers, job.outs, strict=True):
            for line in writer.notices:
                say(line)
            result.files.append((Path(out), dict(writer.report)))
            log.info("%s: %d pieces, %s", out, result.count, writer.report)
    return result


def options_for(out: Path | str, options: dict[str, Any]) -> dict[str, Any]:
    """The options that the writer of ``out`` has; a general ``quality`` of 0..100 becomes a video's ``crf``."""
    known = writer_options(out)
    chosen = {name: value for name, value in options.items() if name in known}
    crf = known.get("crf")
    if "quality" in options and isinstance(crf, Int) and "crf" not in options:
        try:
            share = min(100.0, max(0.0, float(options["quality"]))) / 100.0
        except ValueError:
            raise JobError(f"quality: {options['quality']!r} is not a number from 0 to 100") from None
        chosen["crf"] = round(crf.high * (1.0 - share))
    return chosen


def is_still(out: Path | str) -> bool:
    """Whether a file of this name holds one picture only."""
    text = str(out)
    return Path(text).suffix.lower() in STILL_ENDINGS and "%" not in Path(text).name and not text.endswith("/")


def _frames(job: RenderJob, source: Source | None) -> int | None:
    """How many frames to make where nobody said: one for a still, the length of the input, else four seconds."""
    if all(is_still(out) or (source is None and Path(out).suffix.lower() == ".webp") for out in job.outs):
        return 1
    if source is not None and source.info.kind in ("video", "animation"):
        return source.info.frames
    if job.audio is not None and (seconds := job.audio.seconds()) > 0.0:
        return max(1, math.ceil(seconds * job.fps - 0.01))
    return max(1, round(DEFAULT_SECONDS * job.fps))


def _media(
    job: RenderJob, source: Source | None, cancelled: Callable[[], bool] | None,
    on_progress: Callable[[float], None] | None, on_notice: Callable[[str], None],
    on_preview: Callable[[Any], None] | None, hearing: ScoreHearing | None, on_drawing: Callable[[Drawing], None],
) -> Iterator[Any]:
    """Every piece of media; of music only ``beats`` beats."""
    by_beats = on_progress if job.beats is not None else None
    parts = render(
        job.stages, frames=job.frames, fps=job.fps, seed=job.seed, size=job.size, source=source, device=job.device,
        bpm=job.bpm, cancelled=cancelled, on_progress=None if by_beats else on_progress, on_notice=on_notice,
        on_preview=on_preview, audio=hearing, on_drawing=on_drawing,
        still=job.frames == 1 and all(is_still(out) for out in job.outs),
        spoken=Spoken(job.writings, job.bpm, job.device) if job.writings else None,
    )
    beats = 0.0
    for number, part in enumerate(parts, 1):
        if isinstance(part, Notes) and job.beats is not None:
            part = part.until(job.beats - beats)
            beats += part.length
            if by_beats:
                by_beats(min(1.0, beats / job.beats))
        yield part
        if job.beats is not None and beats >= job.beats - 1e-9:
            return
        if number >= MAX_BLOCKS and job.makes != "image":
            on_notice(f"ended after {MAX_BLOCKS:,} pieces; give a length")
            return
