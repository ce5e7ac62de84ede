"""``reverie train RECIPE DATA -o MODEL``; the options are the fields of the recipe's Settings."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import itertools
import json
import shlex
import sys
import textwrap
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.cli import Parser, command_name, examples
from studio.cli.errors import FAILED, Refusal, UsageError
from studio.cli.progress import Bar, interruptible


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command; those of a recipe are read once it is known."""
    parser.add_argument("recipe", nargs="?", help="text, midi, drums, gan, style or features; none: a list")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="DATA -o MODEL …", help="see: train RECIPE --help")
    parser.epilog = examples(
        "train", "train text --help", "train text poems.txt -o poems.safetensors --steps 3000",
        "train text poems.txt -o poems.safetensors --resume",
    )


def run(args: argparse.Namespace) -> int:
    """Train, with progress; Ctrl-C saves a checkpoint. Exit code 1 when it was stopped before its end."""
    from studio.training.recipes import RECIPES

    if not args.recipe:
        return _list(RECIPES)
    if args.recipe not in RECIPES:
        raise UsageError(f"there is no recipe {args.recipe!r}; there are: {', '.join(RECIPES)}")
    recipe = load_recipe(RECIPES[args.recipe])
    parser = recipe_parser(args.recipe, recipe)
    options = parser.parse_args(args.rest)
    names = [field.name for field in dataclasses.fields(recipe.Settings)]
    config = recipe.Settings(**{field: getattr(options, field) for field in names})
    if config.device != "cpu":
        from studio.nn.device import choose

        config.device = choose(config.device)
    if not options.data.exists():
        raise Refusal(f"cannot read {options.data}: there is nothing there; check the name")
    if options.out.suffix != ".safetensors":
        raise UsageError(f"-o {options.out}: a model's name ends in .safetensors")
    return _train(args.recipe, recipe, config, options, args.rest)


def _list(recipes: dict[str, str]) -> int:
    from studio.cli.output import table

    print(table([(name, load_recipe(where).help) for name, where in recipes.items()]))
    print(f"\n{command_name()} train RECIPE --help shows its options")
    return 0


def load_recipe(where: str) -> Any:
    """The recipe class behind ``module:Class``."""
    import importlib

    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)


def recipe_parser(name: str, recipe: Any) -> argparse.ArgumentParser:
    """A parser with an option for every field of the recipe's Settings."""
    parser = Parser(
        prog=f"{command_name()} train {name}", description=recipe.help,
        epilog=examples(
            f"train {name} DATA -o model.safetensors --steps 2000", f"train {name} DATA -o model.safetensors --resume"
        ),
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="file or folder to learn from")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="MODEL", help="the model, .safetensors")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint beside MODEL")
    parser.add_argument("--json", action="store_true", help="print every event as a line of JSON")
    group = parser.add_argument_group("settings of this recipe")
    hints, texts = typing.get_type_hints(recipe.Settings), field_docs(recipe.Settings)
    for field in dataclasses.fields(recipe.Settings):
        default = field.default if field.default is not dataclasses.MISSING else _made(field)
        text = str(field.metadata.get("help") or texts.get(field.name, "")).replace("%", "%%")
        if isinstance(default, bool):
            switch = argparse.BooleanOptionalAction
            group.add_argument(f"--{_dashed(field.name)}", action=switch, default=default, help=text)
            continue
        shown = f"{text} (default {_show(default)})".strip()
        choices = typing.get_args(hints[field.name]) if typing.get_origin(hints[field.name]) is typing.Literal else None
        group.add_argument(
            f"--{_dashed(field.name)}", type=reader(hints[field.name]), default=default, help=shown, choices=choices,
            metavar=None if choices else {int: "N", float: "X"}.get(hints[field.name], "TEXT"), dest=field.name,
        )
    return parser


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _show(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return ",".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)


def _made(field: dataclasses.Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else None


def reader(hint: Any) -> Callable[[str], Any]:
    """How to read a value of this type from the command line; lists are written with commas."""
    if hint in (int, float, str, Path):
        return typing.cast("Callable[[str], Any]", hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        inner = reader(next(kind for kind in arguments if kind is not type(None)))
        return lambda text: None if text.lower() in ("none", "") else inner(text)
    if origin in (tuple, list):
        inner = reader(next((kind for kind in arguments if kind is not Ellipsis), str))
        return lambda text: origin(inner(part.strip()) for part in text.split(",") if part.strip())
    return str


def field_docs(settings: type) -> dict[str, str]:
    """The docstring below each field, of the class and those it builds on."""
    found: dict[str, str] = {}
    for kind in reversed(settings.__mro__):
        if not dataclasses.is_dataclass(kind):
            continue
        try:
            body = typing.cast(ast.ClassDef, ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]).body
        except (OSError, SyntaxError):
            continue
        for here, after in itertools.pairwise(body):
            if (
                isinstance(here, ast.AnnAssign) and isinstance(here.target, ast.Name) and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
            ):
                found[here.target.id] = " ".join(after.value.value.split())
    return found


def _train(name: str, recipe: Any, config: Any, options: argparse.Namespace, words: list[str]) -> int:
    from studio.training.loop import train

    # the card shows how it was made, not on whose machine
    kept = [word for word in words if word not in ("--resume", "--json")]
    shown = [Path(word).name if "/" in word or "\\" in word else word for word in kept]
    command = shlex.join(["reverie", "train", name, *shown])
    with Bar(f"training {name}", float(config.steps), quiet=options.json, unit="steps") as bar, interruptible() as stop:

        def tell(event: dict[str, Any]) -> None:
            if options.json:
                print(json.dumps(event), flush=True)
            else:
                _show_event(event, bar)

        figures = train(
            recipe(config), options.data, options.out, resume=options.resume, command=command, on_event=tell,
            should_stop=stop,
        )
    if figures.get("stopped"):
        again = shlex.join([*command_name().split(), "train", name, *words, *([] if options.resume else ["--resume"])])
        print(f"stopped at step {figures['step']}; go on with: {again}", file=sys.stderr)
        return FAILED
    if not options.json:
        print(f"{options.out}: {_figures(figures)}")
    return 0


def _show_event(event: dict[str, Any], bar: Bar) -> None:
    kind = event["kind"]
    if kind == "start":
        plain = {key: value for key, value in event["data"].items() if isinstance(value, (int, float, str))}
        bar.say("data: " + (", ".join(f"{key} {value}" for key, value in plain.items()) or "read"))
    elif kind == "step":
        bar.to(event["step"], f"{_figures(event['losses'])}  {event['rate']:.1f}/s")
    elif kind == "validate":
        bar.say(f"step {event['step']}: {_figures(event['figures'])}")
    elif kind == "sample" and event["files"]:
        bar.say(f"step {event['step']}: wrote {', '.join(event['files'])}")
    elif kind == "rollback":
        bar.say(f"step {event['step']}: {event['reason']}; back to step {event['to']} at half the learning rate")


def _figures(figures: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value:.4g}" for key, value in figures.items() if isinstance(value, (int, float)))
