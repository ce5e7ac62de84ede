"""``reverie devices``."""

from __future__ import annotations

import argparse

from studio.cli import examples
from studio.cli.output import add_json, print_json, table

HEADINGS = {"compute": "Compute", "cameras": "Cameras", "audio": "Audio", "MIDI": "MIDI ports", "screens": "Screens"}


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    add_json(parser)
    parser.epilog = examples("devices", "devices --json")


def run(args: argparse.Namespace) -> int:
    """Print what is there, and for what is not: why, and the cure."""
    from dataclasses import asdict

    from studio.devices.listing import list_devices

    kinds = list_devices()
    if args.json:
        print_json([asdict(kind) for kind in kinds])
        return 0
    for kind in kinds:
        print(HEADINGS.get(kind.name, kind.name))
        if kind.found:
            print(table(kind.found))
        if kind.reason:
            print(f"  {'' if kind.found else 'none: '}{kind.reason}")
        if kind.cure:
            print(f"  cure: {kind.cure}" + (" (render … --input FILE)" if kind.name == "cameras" else ""))
    return 0
