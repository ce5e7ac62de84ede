"""``reverie take``: what is in a take, and rendering it again at any size and rate."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from studio.cli import Parser, examples
from studio.cli.errors import Refusal, UsageError
from studio.cli.output import add_json, print_json, table
from studio.cli.progress import Bar, interruptible
from studio.cli.render_cmd import WRITER_OPTIONS, _device, _positive, _size, describe


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", parser_class=Parser, required=True)
    info = actions.add_parser("info", help="length, decks, generators and what happened", epilog=examples(
        "take info show.take", "take info show.take --json"))
    info.add_argument("file", type=Path, metavar="FILE", help="a .take file")
    add_json(info)
    make = actions.add_parser("render", help="play the show again, offline and exactly, into a file", epilog=examples(
        "take render show.take -o show.mp4", "take render show.take -o show.mp4 --size 3840x2160 --fps 60",
        "take render show.take -o encore.mov --from 3600 --to 3780", "take render show.take -o show.mid -o show.wav"))
    make.add_argument("file", type=Path, metavar="FILE", help="a .take file")
    make.add_argument(
        "-o", "--out", metavar="FILE", action="append", required=True,
        help="repeatable; mp4 and mov (with the players' sound), webm, gif, frames/; mid and wav of the players",
    )
    make.add_argument("--size", type=_size, metavar="WxH", help="pixels (default: those of the show)")
    make.add_argument("--fps", type=_positive, help="frames per second (default: those of the show)")
    make.add_argument("--from", type=_seconds, dest="start", default=0.0, metavar="S", help="first second (default 0)")
    make.add_argument("--to", type=_seconds, dest="end", metavar="S", help="last second (default: the end)")
    make.add_argument("--quality", help="of JPEG, WebP, MP4 and WebM: 0 is small, 100 best")
    make.add_argument("--codec", help="of a WebM: vp9 or av1 (MP4 is H.264, MOV is ProRes)")
    make.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps or auto (default cpu: bit-identical)")
    make.add_argument("--quiet", action="store_true", help="no progress")
    add_json(make)
    parser.epilog = examples("take info show.take", "take render show.take -o show.mp4 --size 3840x2160 --fps 60")


def _seconds(text: str) -> float:
    return 0.0 if text.strip() in ("0", "0.0") else _positive(text)


def run(args: argparse.Namespace) -> int:
    """Do the chosen action; exit code 1 when it was stopped."""
    return _info(args) if args.action == "info" else _render(args)


def _info(args: argparse.Namespace) -> int:
    from studio.session.take_jobs import summary
    from studio.session.takes import read_take

    take = read_take(args.file)
    facts = summary(take)
    if args.json:
        print_json({"path": str(args.file), **facts})
        return 0
    rows = [
        ("made", str(facts["made"])), ("length", f"{facts['seconds']:.1f} s"),
        ("picture", f"{take.size[0]}x{take.size[1]}, {take.fps:g} frames per second"),
        ("decks", ", ".join(f"{name}: {', '.join(used)}" for name, used in facts["decks"].items()) or "none ran"),
        ("tempo", " – ".join(f"{bpm:g}" for bpm in facts["tempo"]) + " beats per minute"),
        ("events", ", ".join(f"{count} {name}" for name, count in facts["events"].items())),
        ("players", f"{facts['notes']} notes" if facts["notes"] else "no notes"),
    ]
    print(table(rows))
    for mark in facts["marks"][:40]:
        print(f"  {mark['t']:9.2f} s  {mark['text']}")
    if len(facts["marks"]) > 40:
        print(f"  and {len(facts['marks']) - 40} more; --json has all")
    for line in take.report:
        print(f"note: {line}", file=sys.stderr)
    return 0


def _render(args: argparse.Namespace) -> int:
    from studio.generator import Cancelled
    from studio.plugins import discover
    from studio.session.take_render import render_take
    from studio.session.takes import read_take

    if args.fps is not None and not 1 <= args.fps <= 240:
        raise UsageError(f"--fps {args.fps:g}: write a number of 1 to 240")
    take = read_take(args.file)
    for line in take.report:
        print(f"note: {line}", file=sys.stderr)
    options = {name: getattr(args, name) for name in WRITER_OPTIONS if getattr(args, name, None) is not None}
    outs = [Path(out) if not out.endswith("/") else Path(out) / "%05d.png" for out in args.out]
    label = outs[0].name or str(outs[0])
    with Bar(label, 1.0, quiet=args.quiet or args.json, percent=True) as bar, interruptible() as cancelled:
        try:
            result = render_take(
                take, outs, discover(), size=args.size, fps=args.fps, start=args.start, end=args.end,
                device=_device(args.device), options=options, name=args.file.name, cancelled=cancelled,
                on_progress=bar.to, notice=lambda text: bar.say(f"note: {text}"),
            )
        except Cancelled:
            raise Refusal("stopped; nothing was written") from None
    if args.json:
        print_json({"files": [{"path": str(path), **_plain(report)} for path, report in result.files],
                    "frames": result.frames, "seconds": round(result.seconds, 3)})
        return 0
    for path, report in result.files:
        print(f"{path}: {describe(report)}")
    frames = f"{result.frames} frames " if result.frames else ""
    print(f"{frames}in {result.seconds:.1f} s", file=sys.stderr)
    return 0


def _plain(report: dict[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, (int, float, str, bool)) else str(value) for name, value in report.items()}
