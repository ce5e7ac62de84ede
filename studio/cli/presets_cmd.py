"""``reverie presets``: the looks."""

from __future__ import annotations

import argparse

from studio.cli import command_name, examples
from studio.cli.output import add_json, print_json, table


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("generator", nargs="?", help="only those of this generator")
    add_json(parser)
    parser.epilog = examples("presets", "presets deep_dream")


def run(args: argparse.Namespace) -> int:
    """Print the presets by generator; a file that cannot be used is named."""
    from studio.library.presets import find_presets
    from studio.plugins import discover

    registry = discover()
    plugins = [registry.get(args.generator)] if args.generator else [p for p in registry.plugins if p.id]
    report: list[str] = []
    found = {p.name: find_presets(p.id, [p.folder / "presets"] if not p.file else [], report=report) for p in plugins}
    if args.json:
        print_json({
            name: [{key: getattr(p, key) for key in ("name", "slug", "about", "tags", "params")} for p in presets]
            for name, presets in found.items()
        })
        return 0
    for name, presets in found.items():
        if presets:
            print(f"{name}\n{table([(preset.slug, preset.about) for preset in presets])}")
    if not any(found.values()):
        print("  none")
    for line in dict.fromkeys(report):
        print(f"note: {line}")
    print(f"\n{command_name()} render GENERATOR --preset NAME -o FILE")
    return 0
