"""``reverie recipe FILE``: how an exported file was made."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from studio.cli import command_name, examples
from studio.cli.output import add_json, print_json, table


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("file", type=Path, help="a file that the studio exported, or a recipe as .json")
    add_json(parser)
    parser.epilog = examples("recipe dream.mp4", "recipe dream.mp4 --json > dream.json")


def run(args: argparse.Namespace) -> int:
    """Print the recipe and the command that makes the file again."""
    from studio.export import read_recipe

    recipe = read_recipe(args.file)
    if args.json:
        print_json(recipe)
        return 0
    for stage in recipe.get("stages", []):
        print(f"{stage.get('generator')} (version {stage.get('version')})")
        print(table([(str(name), _shown(value)) for name, value in stage.get("params", {}).items()], indent=4))
    general = ("seed", "size", "fps", "frames", "beats", "bpm")
    rows = [(name, _shown(recipe[name])) for name in general if recipe.get(name) is not None]
    if recipe.get("input"):
        rows.append(("input", f"{recipe['input'].get('path')} (sha256 {str(recipe['input'].get('sha256'))[:12]}…)"))
    rows += [(f"model {name}", f"sha256 {str(digest)[:12]}…") for name, digest in recipe.get("models", {}).items()]
    rows.append(("studio", str(recipe.get("studio"))))
    print(table(rows))
    print(f"\nagain: {command_name()} render --recipe {args.file} -o again{args.file.suffix}")
    return 0


def _shown(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 300 else text[:297] + "…"
