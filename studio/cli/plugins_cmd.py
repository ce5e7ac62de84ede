"""``reverie plugins``: list, new, check, install, enable, disable."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli import Parser, command_name, examples
from studio.cli.output import add_json, print_json, table


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    add_json(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", parser_class=Parser)
    actions.add_parser("list", help="all plugins and their states (the default)", epilog=examples("plugins list"))
    new = actions.add_parser(
        "new", help="write a plugin that runs at once", epilog=examples("plugins new my_waves", "plugins new x --to .")
    )
    new.add_argument("name", help="its name; a folder of this name is made")
    new.add_argument("--to", type=Path, help="folder to put it in (default: your plugins folder)")
    check = actions.add_parser("check", help="say every fault of a plugin", epilog=examples("plugins check my_waves/"))
    check.add_argument("path", type=Path, help="a plugin's folder, or a lone .py file")
    check.add_argument("--no-run", action="store_true", help="only read it")
    install = actions.add_parser(
        "install", help="put a plugin from a zip into your plugins folder", epilog=examples("plugins install waves.zip")
    )
    install.add_argument("archive", type=Path, help="a .zip that holds one plugin")
    for name, line in (("enable", "use a plugin of an installed package"), ("disable", "do not use a plugin")):
        action = actions.add_parser(name, help=line, epilog=examples(f"plugins {name} someone.waves"))
        action.add_argument("name", help="id or name of the plugin")
    for sub in actions.choices.values():
        sub.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    parser.epilog = examples("plugins", "plugins new my_waves", "plugins check my_waves/")


def run(args: argparse.Namespace) -> int:
    """Do the chosen action; listing is the default."""
    actions = {"new": _new, "check": _check, "install": _install, "enable": _switch, "disable": _switch}
    return actions.get(args.action, _list)(args)


def _list(args: argparse.Namespace) -> int:
    from studio.plugins import discover

    plugins = discover().plugins
    if args.json:
        print_json([
            {
                "name": p.name, "id": p.id, "title": p.title, "state": p.state, "reason": p.reason or None,
                "origin": p.origin, "path": str(p.place),
            }
            for p in plugins
        ])
        return 0
    print(table([(p.name, p.state, p.origin, p.reason or p.title) for p in plugins]) or "  none")
    return 0


def _new(args: argparse.Namespace) -> int:
    from studio.plugins.template import create_plugin

    made = create_plugin(args.name, args.to)
    folder = next(path for path in made if path.name == "plugin.toml").parent
    if args.json:
        print_json([str(path) for path in made])
        return 0
    for path in made:
        print(path)
    target = folder if args.to else folder.name
    print(f"\ntry it:   {command_name()} render {target} --seconds 4 -o {folder.name}.gif")
    print(f"check it: {command_name()} plugins check {folder}")
    return 0


def _check(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from studio.plugins.check import check_plugin

    findings = check_plugin(args.path, run=not args.no_run)
    if args.json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            print(finding)
        if not findings:
            print(f"{args.path}: nothing to mend")
    return 1 if any(finding.level == "fault" for finding in findings) else 0


def _install(args: argparse.Namespace) -> int:
    from studio.plugins import install_plugin

    plugin = install_plugin(args.archive)
    if args.json:
        print_json({"id": plugin.id, "state": plugin.state, "reason": plugin.reason, "path": str(plugin.place)})
        return 0
    print(f"{plugin.id}: {plugin.place}")
    if plugin.reason:
        print(f"note: {plugin.reason}")
    print("A plugin can do anything that you can: have a look at its code before you use it.")
    print(f"check it: {command_name()} plugins check {plugin.name}")
    return 0


def _switch(args: argparse.Namespace) -> int:
    from studio.plugins import disable, discover, enable

    plugin = discover().get(args.name)
    (enable if args.action == "enable" else disable)(plugin)
    print_json({"id": plugin.id, "state": plugin.state}) if args.json else print(f"{plugin.id}: {plugin.state}")
    return 0
