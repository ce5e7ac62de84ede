"""``reverie soak``: a set plays by itself with every fault that a stage has in store, and is measured."""

from __future__ import annotations

import argparse
import signal
import sys
from dataclasses import asdict
from typing import Any

from studio.cli import examples
from studio.cli.output import add_json, print_json, table


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("--minutes", type=float, default=60.0, help="how long it plays (0.2 to 1440; 60)")
    parser.add_argument("--seed", type=int, default=1, help="what happens when; the same seed plays the same evening")
    parser.add_argument("--list", action="store_true", help="only print what would happen when")
    add_json(parser)
    parser.epilog = examples("soak --minutes 2", "soak --minutes 60 --seed 7", "soak --minutes 2 --list")


def run(args: argparse.Namespace) -> int:
    """Play; exit code 1 when something was not survived, a note hung, or memory grew."""
    if not 0.2 <= args.minutes <= 1440.0:
        print(f"--minutes: {args.minutes:g} is not between 0.2 and 1440", file=sys.stderr)
        return 2
    if args.seed < 0:
        print(f"--seed: {args.seed} is below 0", file=sys.stderr)
        return 2
    if args.list:
        return _list(args)
    from studio.session.soak.show import Show

    def told(text: str) -> None:
        if not args.json:
            print(text, flush=True)

    show = Show(args.seed, 60.0 * args.minutes, told)

    def interrupt(number: int, frame: Any) -> None:
        show.stop()

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        report = show.play()
    finally:
        signal.signal(signal.SIGINT, before)
    if args.json:
        print_json(report.to_json())
    else:
        print()
        print(table(report.rows()))
    return 1 if report.faults else 0


def _list(args: argparse.Namespace) -> int:
    from studio.session.soak.score import compose

    events = compose(args.seed, 60.0 * args.minutes)
    if args.json:
        print_json([asdict(event) for event in events])
    else:
        print(table([(f"{event.at:.1f} s", event.act, event.detail) for event in events]))
    return 0
