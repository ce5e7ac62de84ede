"""``reverie place``: the place of a photograph in a latent space, as a text that the latent explorer reads."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from studio.cli import command_name, examples
from studio.cli.errors import DONE, FAILED, UsageError
from studio.cli.progress import Bar, interruptible

LOOK = 0.1
"""Seconds between two looks at the search."""


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("photo", type=Path, help="a picture file")
    parser.add_argument("--model", default="flowers", help="generator network, by name or path (default flowers)")
    parser.add_argument("--steps", type=int, default=160, help="steps of the refinement; 0: the first guess alone")
    parser.add_argument("--truncation", type=float, default=1.0, help="truncation under which the place will be shown")
    parser.add_argument("--class", dest="kind", default="", help="class or mixture of classes, if the network has any")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, mps or auto")
    parser.add_argument("-o", "--output", type=Path, metavar="PNG", help="what the network makes of it, as a picture")
    parser.add_argument("--json", action="store_true", help="print every guess as a line of JSON")
    parser.epilog = examples(
        "place me.jpg", "place me.jpg --model flowers -o found.png", "place me.jpg --steps 0 --json",
    )


def run(args: argparse.Namespace) -> int:
    """Search, tell of every better guess, print the place. Ctrl-C ends the search and keeps the best so far."""
    from studio.engine import Job
    from studio.files import atomic_write
    from studio.nn.device import choose
    from studio.session.photos import Found, Shown, search

    if args.steps < 0:
        raise UsageError("--steps must not be below 0")
    if args.output is not None and args.output.suffix.lower() != ".png":
        raise UsageError(f"-o {args.output}: the picture's name ends in .png")
    shown, found = Shown(args.model, args.truncation, classes=(args.kind, "")), Found()
    device = choose(args.device)
    job: Job[Any] = Job(args.photo.name, lambda job: search(job, args.photo, shown, device, found, args.steps))
    with Bar(f"looking for {args.photo.name}", 1.0, quiet=args.json, percent=True) as bar, interruptible() as stop:
        job.start()
        told = 0
        while not job.wait(LOOK):
            if stop():
                job.cancel()
            if found.count != told:
                told = found.count
                _tell(args.json, "guess", found, job.progress)
            bar.to(job.progress, f"distance {found.distance:.3f}" if found.count else "")
    if job.state == "failed" and job.exception is not None:
        raise job.exception
    if found.place is None or found.picture is None:
        return FAILED
    if args.output is not None:
        from studio.export.still import png_bytes

        with atomic_write(args.output, parents=True) as temporary:
            temporary.write_bytes(png_bytes(found.picture, None))
    if args.json:
        _tell(True, "done", found, job.progress)
        return DONE
    if found.fault:
        print(f"note: the first guess came from seeds: {found.fault}")
    guess = "the encoder's first guess" if found.encoded else "the nearest seed"
    print(f"{found.place}\n\ndistance {found.distance:.3f}, from {found.first:.3f} of {guess}")
    print(f"{command_name()} render latent_explorer --set mode=still --set model={args.model} "
          f"--set truncation={args.truncation:g} --set 'place={found.place}' -o picture.png")
    return DONE


def _tell(as_json: bool, kind: str, found: Any, progress: float) -> None:
    if as_json:
        print(json.dumps({
            "kind": kind, "distance": round(found.distance, 5), "progress": round(progress, 4),
            "place": str(found.place), "encoder": found.encoded,
        }), flush=True)
