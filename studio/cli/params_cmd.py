"""``reverie params GENERATOR``: what can be set, from the declarations in the generator itself."""

from __future__ import annotations

import argparse
import inspect
from typing import Any

from studio.cli import examples
from studio.cli.output import add_json, print_json, table
from studio.params.applies import in_words


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("generator", help="name or id of a generator, or the path of a plugin")
    add_json(parser)
    parser.epilog = examples("params deep_dream", "params style_camera --json")


def run(args: argparse.Namespace) -> int:
    """Print the parameters with range, unit and default."""
    from studio.plugins import discover

    plugin = discover().get(args.generator)
    generator = plugin.load()
    described = {name: describe(param) for name, param in generator.params.items()}
    for name, param in generator.params.items():
        described[name]["applies"] = [dict(condition) for condition in param.applies]
        described[name]["when"] = in_words(param, generator.params)
    if args.json:
        print_json({"id": generator.id, "makes": generator.makes, "takes": generator.takes, "params": described})
        return 0
    about = inspect.getdoc(generator) or ""
    print(f"{generator.title or plugin.title}: {about.split(chr(10) * 2)[0]}\n")
    groups: dict[str, list[tuple[str, str, str, str]]] = {}
    for name, row in described.items():
        default = row["default"] if not isinstance(row["default"], str) else repr(row["default"])
        live = "" if row["live"] else " (restarts it)"
        when = f" ({row['when']})" if row["when"] else ""
        text = f"{row['help']}{live}{when}".strip()
        groups.setdefault(row["group"], []).append((name, row["range"], f"= {_short(default)}", text))
    for group, rows in groups.items():
        if group:
            print(group)
        print(table(rows))
    return 0


def describe(param: Any) -> dict[str, Any]:
    """A parameter as a JSON object; ``range`` is the text a person reads."""
    choices = getattr(param, "choices", None)
    low, high = getattr(param, "low", None), getattr(param, "high", None)
    unit = f" {param.unit}" if param.unit else ""
    if choices:
        shown = " | ".join(choices[:6]) + (" | …" if len(choices) > 6 else "")
    elif low is not None:
        shown = f"{low:g}..{high:g}{unit}" + (" each" if param.kind == "point" else "")
    else:
        shown = {"bool": "on | off", "color": "#rrggbb", "seed": "whole number"}.get(param.kind, param.kind)
    row = {
        "kind": param.kind, "label": param.label, "help": param.help, "unit": param.unit, "group": param.group,
        "live": param.live, "default": param.to_json(param.default), "range": shown,
    }
    if choices:
        row["choices"] = list(choices)
    if low is not None:
        row |= {"low": low, "high": high, "curve": getattr(param, "curve", "linear")}
    return row


def _short(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 30 else text[:27] + "…"
