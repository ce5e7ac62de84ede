"""``reverie humanise``: the drums of a .mid file, played as drummers play."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from studio.cli import examples
from studio.cli.errors import UsageError
from studio.cli.output import add_json, print_json


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a .mid file with drums on channel 10")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help=".mid, or .wav to hear it")
    parser.add_argument("--model", default="house_feel", help="a feel model, see 'train humanise' (default house_feel)")
    parser.add_argument("--amount", type=_share, default=1.0, help="0: as written, 1: as the network plays (default 1)")
    parser.add_argument("--freedom", type=_share, default=0.3, help="0: always alike, 1: as freely as drummers (0.3)")
    parser.add_argument("--seed", type=int, default=0, help="another one plays it another time (default 0)")
    parser.add_argument("--straight", action="store_true", help="quantise to sixteenths and one velocity first")
    parser.add_argument("--all", action="store_true", help="take the notes of every channel as drums")
    add_json(parser)
    parser.epilog = examples(
        "humanise beat.mid -o played.mid", "humanise beat.mid -o played.wav --amount 0.7 --seed 3",
        "humanise stiff.mid -o loose.mid --straight --freedom 0.6",
    )


def run(args: argparse.Namespace) -> int:
    """Write the file."""
    from studio.export import accepted_kinds
    from studio.session.humanise import humanise_file

    if "notes" not in accepted_kinds(args.out):
        raise UsageError(f"-o {args.out}: write a .mid file, or a .wav to hear it")
    if not 0 <= args.seed < 2**63:
        raise UsageError(f"--seed {args.seed}: write a whole number from 0")
    done = humanise_file(
        args.file, args.out, model=args.model, amount=args.amount, freedom=args.freedom, seed=args.seed,
        straight=args.straight, every_channel=args.all,
    )
    if args.json:
        print_json({
            "path": str(done.path), "hits": done.hits, "unknown": done.unknown, "notices": list(done.notices),
            "velocity_change": round(done.velocity, 2), "milliseconds_change": round(done.milliseconds, 2),
        })
        return 0
    for line in done.notices:
        print(f"note: {line}", file=sys.stderr)
    if done.unknown:
        print(f"note: {done.unknown} notes are no drums that it knows and stay as they are", file=sys.stderr)
    print(f"{done.path}: {done.hits} hits, on average {done.milliseconds:.1f} ms earlier or later and "
          f"{done.velocity:.1f} steps of velocity softer or louder")
    return 0


def _share(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return number
