"""``reverie demo``: every generator once, into a folder with a page that shows it all."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import shlex
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from studio.cli import Parser, command_name, errors, examples
from studio.cli.errors import FAILED, Refusal, UsageError
from studio.cli.output import add_json, print_json


@dataclass(frozen=True)
class Step:
    """One render: its arguments, what the page says about it ('' keeps it off the page)."""

    arguments: str
    caption: str = ""

    def words(self, seed: int) -> list[str]:
        """The command line, with the seed of the demo."""
        return [*shlex.split(self.arguments), "--seed", str(seed)]

    @property
    def files(self) -> list[str]:
        """The files that it writes, in the order of the page."""
        words = shlex.split(self.arguments)
        return [word for before, word in itertools.pairwise(words) if before == "-o"]


@dataclass(frozen=True)
class Part:
    """One chapter of the gallery."""

    title: str
    medium: str
    about: str
    steps: tuple[Step, ...]


PARTS: dict[str, Part] = {
    "text": Part(
        "A voice", "text", "A recurrent network writes one character after the other, in the manner of what it read.",
        (Step("text_sequencer --set length=900 --set temperature=0.6 -o text.txt", "A character at a time."),),
    ),
    "latent": Part(
        "Latent walk", "picture",
        "A closed path through the space of a generative network: the last picture meets the first.",
        (
            Step(
                "latent_explorer --preset mandala-loop --set loop_length=4 --set stops=4 --seconds 4 --fps 20 "
                "--size 320x320 -o latent.gif",
                "A seamless loop, in six-fold mirrors.",
            ),
            Step(
                "latent_explorer --preset sheet --size 768x768 -o seeds.png",
                "Neighbours only by number: a sheet of seeds.",
            ),
        ),
    ),
    "chorale": Part(
        "Chorale", "music", "Four voices, note after note, from a network that learned from chorales.",
        (Step("midi_sequencer --bars 12 --bpm 84 -o chorale.mid -o chorale.wav", "Score and sound."),),
    ),
    "drums": Part(
        "Drums", "music", "Played, not programmed: the network learned the timing and touch of drummers.",
        (Step("midi_sequencer --set model=drums --bars 8 --bpm 104 -o drums.mid -o drums.wav", "Score and sound."),),
    ),
    "style": Part(
        "In another hand", "video", "Each frame of a moving scene, painted by one small network as it comes.",
        (
            Step(
                "sample_scene --preset golden-hour --seconds 4 --fps 24 --size 640x360 -o scene.mp4",
                "The scene, drawn by rule.",
            ),
            Step("style_camera --preset fauve --input scene.mp4 --fps 24 -o styled.mp4", "The same seconds, painted."),
        ),
    ),
    "painting": Part(
        "A still, painted slowly", "picture", "Gatys' way: a picture changed until its textures are those of another.",
        (
            Step("sample_scene --preset red-sunset --size 480x320 -o still.png"),
            Step(
                "style_painting --preset night-swirl --input still.png --size 480x320 --set steps=80 -o painting.png",
                "Optimised for this one picture.",
            ),
        ),
    ),
    "dream": Part(
        "Dream zoom", "video", "What a network sees is strengthened in the picture, and the picture is flown into.",
        (
            Step(
                "deep_dream --preset temples-at-dusk --seconds 4 --fps 12 --size 480x320 -o dream.mp4 -o dream.gif",
                "An endless zoom.",
            ),
        ),
    ),
}
ON_PAGE = ("style", "text", "dream", "chorale", "painting", "drums", "latent")
"""The order on the page, media in turn; the work goes from quick to slow."""

SMALLEST = "text"
"""The part that takes least; what continuous integration runs from an installed copy."""


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("--out", type=Path, default=Path("gallery"), metavar="DIR", help="folder (default: gallery)")
    parser.add_argument("--part", action="append", choices=[*PARTS, "smallest"], help="only this part (repeatable)")
    parser.add_argument("--seed", type=int, default=7, help="the same seed makes the same files (default 7)")
    add_json(parser)
    parser.epilog = examples("demo", "demo --out my_gallery --seed 11", "demo --part dream --part latent")


def run(args: argparse.Namespace) -> int:
    """Make the parts one after the other; one that fails is told and left out, and makes the exit code 1."""
    from studio.files import write_text

    if not 0 <= args.seed < 2**31:
        raise UsageError("--seed: give a whole number from 0 to 2147483647")
    wanted = [SMALLEST if name == "smallest" else name for name in args.part or PARTS]
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        from studio.files import explain

        raise explain(error, args.out, writing=True) from None
    began = time.monotonic()
    skipped: dict[str, str] = {}
    for number, name in enumerate(dict.fromkeys(wanted), 1):
        started = time.monotonic()
        print(f"[{number}/{len(wanted)}] {PARTS[name].title}", file=sys.stderr, flush=True)
        with _inside(args.out):
            reason = _make(PARTS[name], args.seed)
        if reason:
            skipped[name] = reason
            print(f"  left out: {reason}", file=sys.stderr)
        else:
            print(f"  done in {time.monotonic() - started:.1f} s", file=sys.stderr)
    index = args.out / "index.html"
    write_text(index, _page(args.out, args.seed, skipped))
    if args.json:
        files = {name: [f for step in PARTS[name].steps for f in step.files] for name in wanted if name not in skipped}
        seconds = round(time.monotonic() - began, 1)
        print_json({"index": str(index), "files": files, "skipped": skipped, "seconds": seconds})
    else:
        print(f"{index}: {len(wanted) - len(skipped)} of {len(wanted)} parts in {time.monotonic() - began:.0f} s")
    return FAILED if skipped else 0


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Work inside the folder, so that recipes hold plain file names."""
    with contextlib.chdir(folder):
        yield


def _make(part: Part, seed: int) -> str:
    """Do the steps of a part; returns the reason when one cannot be done. Ctrl-C ends the whole demo."""
    from studio.cli import render_cmd

    parser = Parser(prog="render")
    render_cmd.add(parser)
    for step in part.steps:
        try:
            job = render_cmd.make_job(parser.parse_args(step.words(seed)), lambda text: None)
            result = render_cmd.run_with_bar(job, f"  {step.files[0]}")
        except Exception as error:
            import logging

            logging.getLogger("reverie.demo").error("%s", step.arguments, exc_info=error)
            return errors.sentence(error) or f"{type(error).__name__}: {error}; details: {errors.log_path()}"
        if result.cancelled:
            raise Refusal(f"stopped; what was finished lies in {Path.cwd().name}/")
        for path, report in result.files:
            print(f"  {path}  {render_cmd.describe(report)}", file=sys.stderr)
    return ""


def _page(folder: Path, seed: int, skipped: dict[str, str]) -> str:
    """The page for what is in the folder: parts of an earlier run are shown as well."""
    from studio.cli.gallery import Exhibit, Section, page

    sections = []
    for name in sorted(PARTS, key=lambda name: ON_PAGE.index(name) if name in ON_PAGE else len(ON_PAGE)):
        part = PARTS[name]
        section = Section(part.title, part.medium, part.about, skipped=skipped.get(name, ""))
        for step in part.steps:
            if step.caption and all((folder / file).is_file() for file in step.files):
                command = shlex.join([*command_name().split(), "render", *step.words(seed)])
                section.exhibits.append(Exhibit(step.files, step.caption, command))
        if section.skipped or section.exhibits:
            sections.append(section)
    return page(sections, folder, seed=seed, command=command_name())
