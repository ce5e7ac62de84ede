"""``reverie render``: a generator, perhaps effects after it, into one file."""

from __future__ import annotations

import argparse
import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cli import examples
from studio.cli.errors import Refusal, UsageError
from studio.cli.output import add_json, print_json
from studio.cli.progress import Bar, interruptible
from studio.cli.render_audio import add_audio

if TYPE_CHECKING:
    from studio.session.render_job import RenderJob, Result

WRITER_OPTIONS = ("quality", "loop", "palette", "dither", "codec")
"""Writer options with a name of their own on the command line; all others go through ``--option``."""


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    what = parser.add_argument_group("what")
    what.add_argument("generator", nargs="?", metavar="GENERATOR", help="name or id, or the path of a plugin")
    what.add_argument("--preset", metavar="P", help="a look: its name, or the path of a .json")
    what.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", dest="sets",
        help="set a parameter (repeatable); EFFECT.NAME=VALUE for an effect of the chain",
    )
    what.add_argument("--input", metavar="FILE|camera:N", help="pictures for an effect that comes first")
    what.add_argument(
        "--chain", action="append", default=[], metavar="EFFECT[:PRESET]", help="an effect after it (repeatable)"
    )
    what.add_argument("--audio", metavar="FILE", help="a sound that generators hear; a video carries it")
    what.add_argument(
        "--bind", action="append", default=[], metavar="NAME=FEATURE[:LOW..HIGH]", dest="binds",
        help="let the sound move a parameter (repeatable): level envelope bass mid treble onset beat phase centroid …",
    )
    what.add_argument(
        "--hear", action="append", default=[], metavar="NAME=VALUE", dest="hears",
        help="how the sound is heard (repeatable): gain automatic gate attack release sensitivity weighting channels",
    )
    what.add_argument("--recipe", type=Path, metavar="FILE", help="make an exported file again, from its recipe")
    what.add_argument("--seed", type=_whole, help="chooses among all that it can make (default 0)")
    size = parser.add_argument_group("length and size")
    length = size.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=_positive, help="length in seconds")
    length.add_argument("--frames", type=_count, help="number of frames (of pieces, for text and notes)")
    length.add_argument("--bars", type=_positive, help="length in bars of four beats")
    size.add_argument("--fps", type=_positive, help="frames per second (default 30)")
    size.add_argument("--bpm", type=_positive, help="beats per minute (default 120)")
    size.add_argument("--size", type=_size, metavar="WxH", help="wished width and height in pixels")
    out = parser.add_argument_group("output")
    out.add_argument(
        "-o", "--out", metavar="FILE", action="append", default=[],
        help="repeatable; the ending chooses: png jpg svg webp gif mp4 webm mov txt mid wav; frames/: a sequence",
    )
    out.add_argument("--quality", help="of JPEG, WebP, MP4 and WebM: 0 is small, 100 best")
    out.add_argument("--loop", help="how often a GIF or WebP plays; 0 is for ever")
    out.add_argument("--palette", help="of a GIF: auto, global or frame")
    out.add_argument("--dither", help="of a GIF: none, ordered, blue or floyd")
    out.add_argument("--codec", help="of a WebM: vp9 or av1 (MP4 is H.264, MOV is ProRes)")
    out.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="another option of the format (repeatable)"
    )
    out.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps or auto (default cpu)")
    out.add_argument("--quiet", action="store_true", help="no progress")
    add_json(out)  # type: ignore[arg-type]  # a group has the one method that is used
    parser.epilog = examples(
        "render deep_dream --preset cathedral --seconds 6 --size 640x360 -o dream.mp4",
        "render latent_explorer --set truncation=0.7 --seed 7 --frames 60 -o walk.gif --loop 0",
        "render style_camera --input clip.mp4 -o styled.mp4",
        "render latent_explorer --chain deep_dream --set deep_dream.mix=0.8 -o both.webm",
        "render midi_sequencer --bars 16 --bpm 90 -o chorale.mid",
        "render latent_explorer --audio song.wav --bind truncation=bass:0.4..1.1 -o song.mp4",
        "render --recipe dream.mp4 -o again.mp4",
    )


def run(args: argparse.Namespace) -> int:
    """Make the file; exit code 1 when it was stopped."""
    from studio.session import render_job

    if not args.out:
        raise UsageError("say where to write: -o FILE (its ending chooses the format)")
    notices: list[str] = []
    job = make_job(args, notices.append)
    for line in notices:
        print(f"note: {line}", file=sys.stderr)
    result = run_with_bar(job, Path(args.out[0]).name or args.out[0], quiet=args.quiet or args.json)
    if result.cancelled:
        raise Refusal(f"stopped after {result.count} {_pieces(job, result.count)}; nothing was written")
    if args.json:
        print_json({
            "files": [{"path": str(path), **report} for path, report in result.files], "count": result.count,
            "seconds": round(result.seconds, 3), "recipe": render_job.recipe_of(job),
        })
        return 0
    for path, report in result.files:
        print(f"{path}: {describe(report)}")
    print(f"{result.count} {_pieces(job, result.count)} in {result.seconds:.1f} s", file=sys.stderr)
    return 0


def make_job(args: argparse.Namespace, notice: Any) -> RenderJob:
    """The job that the arguments ask for. Raises UsageError and what its parts raise."""
    from studio.plugins import discover
    from studio.session import render_job

    registry = discover()
    if args.recipe is not None:
        if args.generator or args.preset or args.sets or args.chain:
            raise UsageError("--recipe brings its own generator, preset, values and chain; leave those out")
        from studio.export import read_recipe

        job = render_job.job_from_recipe(
            read_recipe(args.recipe), registry, args.out, source=args.input, near=args.recipe.parent, notice=notice,
            sound=args.audio,
        )
    else:
        if not args.generator:
            raise UsageError("name a generator ('generators' lists them), or give --recipe FILE")
        job = _fresh_job(args, registry, notice)
    for field in ("fps", "bpm", "size"):
        if getattr(args, field) is not None:
            setattr(job, field, getattr(args, field))
    if args.seed is not None:
        job.seed = args.seed
        for stage in job.stages:
            render_job.give_seed(stage, args.seed)
        # a value that was set by name is meant more than the general seed
        _apply_sets(job, args)
    add_audio(job, args, notice)
    _length(job, args)
    job.options |= _writer_options(args)
    job.device = _device(args.device)
    return job


def _fresh_job(args: argparse.Namespace, registry: Any, notice: Any) -> RenderJob:
    from studio.session import render_job

    stages = [render_job.make_stage(registry, args.generator, preset=args.preset or "", notice=notice)]
    for text in args.chain:
        name, _, preset = text.partition(":")
        stages.append(render_job.make_stage(registry, name, preset=preset, notice=notice))
    job = render_job.RenderJob(stages, args.out, source=args.input)
    for line in _apply_sets(job, args):
        notice(line)
    return job


def _apply_sets(job: RenderJob, args: argparse.Namespace) -> list[str]:
    """``--set``: a plain name belongs to the generator, ``effect.name`` to that effect of the chain."""
    from studio.params import ParamError

    by_name = {text.partition(":")[0]: stage for text, stage in zip(args.chain, job.stages[1:], strict=False)}
    notes = []
    for text in args.sets:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--set {text}: write NAME=VALUE, such as --set speed=0.5")
        stage, key = job.stages[0], name.strip()
        owner, dot, rest = key.rpartition(".")
        if dot:
            if owner not in by_name and owner != args.generator:
                known = ", ".join(by_name) or "none"
                raise UsageError(f"--set {text}: there is no effect {owner!r} in the chain (it has {known})")
            stage, key = by_name.get(owner, stage), rest
        try:
            notes.append(stage.values.set(key, value))
        except ParamError as error:
            raise UsageError(f"--set {text[:80]}: {error}") from None
    return [note for note in notes if note]


def _length(job: RenderJob, args: argparse.Namespace) -> None:
    from studio.params import Int
    from studio.session.render_job import BEATS_PER_BAR

    if args.seconds is None and args.frames is None and args.bars is None:
        return
    job.frames = job.beats = None
    if args.frames is not None:
        job.frames = args.frames
    elif job.makes == "notes":
        player = job.stages[-1]
        whole = args.bars is not None and args.bars == int(args.bars)
        if whole and isinstance(player.generator.params.get("bars"), Int):
            player.values.set("bars", int(args.bars))  # it ends by itself, with a cadence
            return
        job.beats = args.bars * BEATS_PER_BAR if args.bars is not None else args.seconds * job.bpm / 60
    elif job.makes == "text":
        raise UsageError("a text has no seconds or bars; use --frames, or the generator's own parameter for its length")
    else:
        seconds = args.seconds if args.seconds is not None else args.bars * BEATS_PER_BAR * 60 / job.bpm
        job.frames = max(1, round(seconds * job.fps))


def _writer_options(args: argparse.Namespace) -> dict[str, Any]:
    from studio.export import writer_options

    known = {name for out in args.out for name in writer_options(out)}
    known |= {"quality"} if "crf" in known else set()
    options: dict[str, Any] = {name: getattr(args, name) for name in WRITER_OPTIONS if getattr(args, name) is not None}
    for text in args.option:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--option {text}: write NAME=VALUE")
        options[name.strip()] = value
    for name in options:
        if name not in known:
            what = " and ".join(dict.fromkeys(Path(out).suffix or out for out in args.out))
            raise UsageError(f"{what} has no option {name!r}; there are: {', '.join(sorted(known)) or 'none'}")
    return options


def _device(name: str) -> str:
    if name == "cpu":
        return name
    from studio.nn.device import choose

    return choose(name)


def run_with_bar(job: RenderJob, label: str, *, quiet: bool = False) -> Result:
    """Run a job with a progress bar; Ctrl-C ends it cleanly."""
    from studio.session import render_job

    with Bar(label, 1.0, quiet=quiet, percent=True) as bar, interruptible() as cancelled:
        return render_job.run(
            job, cancelled=cancelled, on_progress=bar.to, on_notice=lambda text: bar.say(f"note: {text}")
        )


def describe(report: dict[str, Any]) -> str:
    """A writer's report in one line."""
    parts = [size_text(report["bytes"])] if isinstance(report.get("bytes"), int) else []
    parts += [f"{name} {_plain(value)}" for name, value in report.items() if name != "bytes" and _is_plain(value)]
    return ", ".join(parts)


def _pieces(job: RenderJob, count: int) -> str:
    word = {"image": "frame", "notes": "block of notes", "text": "piece of text", "audio": "block of sound"}[job.makes]
    return word if count == 1 else re.sub(r"^(frame|block|piece)", r"\1s", word)


def size_text(number: int) -> str:
    """Bytes for a person."""
    return f"{number / 1e6:.1f} MB" if number >= 1e6 else f"{number / 1e3:.1f} kB"


def _is_plain(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != ""


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not (math.isfinite(number) and 0 < number <= 1e6):
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and a million")
    return number


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:9]) <= 10_000_000 or len(text) > 8:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 10 million")
    return int(text)


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 2147483647")
    return int(text)


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})[xX×](\d{1,5})", text)
    if not match or not (16 <= int(match[1]) <= 8192 and 16 <= int(match[2]) <= 8192):
        raise argparse.ArgumentTypeError(f"{text!r} is not WIDTHxHEIGHT with sides from 16 to 8192, such as 640x360")
    return int(match[1]), int(match[2])
