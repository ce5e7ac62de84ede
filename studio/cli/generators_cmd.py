"""``reverie generators``: what can be rendered."""

from __future__ import annotations

import argparse

from studio.cli import command_name, examples
from studio.cli.output import add_json, print_json, table


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    add_json(parser)
    parser.epilog = examples("generators", "generators --json")


def run(args: argparse.Namespace) -> int:
    """Print the usable plugins from their manifests; no plugin code runs."""
    from studio.plugins import discover

    usable = [plugin for plugin in discover().plugins if plugin.manifest and plugin.state != "failed"]
    if args.json:
        print_json([
            {
                "name": plugin.name, "id": plugin.id, "title": plugin.title, "makes": plugin.manifest.makes,
                "takes": plugin.manifest.takes or None, "presets": len(plugin.presets),
            }
            for plugin in usable if plugin.manifest
        ])
        return 0
    rows = []
    for plugin in usable:
        assert plugin.manifest is not None
        kind = f"{plugin.manifest.takes} → {plugin.manifest.makes}" if plugin.manifest.takes else plugin.manifest.makes
        rows.append((plugin.name, kind, f"{len(plugin.presets)} presets", plugin.title))
    print(table(rows) or "  none: the plugins folder is empty")
    print(f"\n{command_name()} params NAME shows what can be set; {command_name()} presets NAME shows the looks.")
    return 0
