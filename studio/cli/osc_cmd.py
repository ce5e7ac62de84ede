"""``reverie osc``: the OSC addresses of a session or a generator, from the declarations of their parameters."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli import examples
from studio.cli.output import add_json, print_json, table
from studio.session.osc_reference import Parts, markdown, place_text


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("what", nargs="?", default="",
                        help="a generator, or a session file (*.reverie); without it, the studio's own controls")
    parser.add_argument("--line", default="A", help="the deck or player that the generator is in (A, B, 1, …)")
    parser.add_argument("--slot", type=int, default=1, help="its place in the line, from 1")
    parser.add_argument("--markdown", action="store_true", help="print a page of reference")
    add_json(parser)
    parser.epilog = examples("osc", "osc deep_dream", "osc my_set.reverie --markdown > osc.md")


def run(args: argparse.Namespace) -> int:
    """Print addresses, their arguments and what they do."""
    parts = addresses(args.what, args.line, max(1, args.slot))
    if args.json:
        print_json({title: [{"address": a, "arguments": b, "help": c} for a, b, c in rows] for title, rows in parts})
    elif args.markdown:
        print(markdown(parts), end="")
    else:
        for title, rows in parts:
            print(title)
            print(table(rows) if rows else "  nothing")
    return 0


def addresses(what: str, line: str = "A", slot: int = 1) -> Parts:
    """(heading, rows) of the studio's controls and of what ``what`` names. Raises FileError or PluginError."""
    from studio.control.osc import control_table, table_of

    parts: Parts = [("The studio", control_table())]
    if what.endswith(".reverie"):
        parts += _of_session(Path(what))
    elif what:
        from studio.plugins import discover

        plugin = discover().get(what)
        params = plugin.load().params
        parts.append((f"{plugin.title}, {place_text(line, slot)}", table_of(line, slot - 1, params)))
    return parts


def _of_session(path: Path) -> Parts:
    from studio.control.osc import table_of
    from studio.library.session import load_session
    from studio.plugins import PluginError, discover

    session, _ = load_session(path)
    registry = discover()
    parts: Parts = []
    for line in [*session.decks, *session.players]:
        for place, stage in enumerate(line.stages):
            try:
                plugin = registry.get(stage.generator)
                rows = table_of(line.name, place, plugin.load().params)
            except PluginError as error:
                parts.append((f"{stage.generator}, {place_text(line.name, place + 1)}: {error}", []))
                continue
            parts.append((f"{plugin.title}, {place_text(line.name, place + 1)}", rows))
    return parts
