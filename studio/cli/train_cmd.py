"""``reverie train RECIPE DATA -o MODEL``; the options are the fields of the recipe's Settings."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from studio.cli import Parser, command_name, examples
from studio.cli.errors import DONE, FAILED, Refusal, UsageError, sentence
from studio.cli.progress import Bar, interruptible
from studio.cli.train_report import settings_line, show_event, show_numbers
from studio.training.describe import describe, load_recipe, reader, shown


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command; those of a recipe are read once it is known."""
    parser.add_argument("recipe", nargs="?", help="text, midi, drums, gan, style or features; none: a list")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="DATA -o MODEL …", help="see: train RECIPE --help")
    parser.epilog = examples(
        "train", "train text --help", "train text poems.txt -o poems.safetensors --steps 3000",
        "train text poems.txt -o poems.safetensors --resume", "train style painting.jpg -o mine.safetensors",
    )


def run(args: argparse.Namespace) -> int:
    """Train, with progress; Ctrl-C saves a checkpoint. Exit code 1 when it was stopped before its end."""
    from studio.cli import train_stream
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
    if options.out is None and not options.check_data:
        parser.error("the following arguments are required: -o/--out")
    if not options.data.exists():
        raise Refusal(f"cannot read {options.data}: there is nothing there; check the name")
    if options.out is not None and options.out.suffix != ".safetensors":
        raise UsageError(f"-o {options.out}: a model's name ends in .safetensors")
    if options.out is not None and options.data.resolve() in (
        options.out.resolve(), options.out.with_suffix(".json").resolve(),
    ):
        raise UsageError(f"-o {options.out}: the model or its card would replace the data; give the model another name")
    if options.low_priority:
        train_stream.step_back()
    if options.events:
        return _streamed(args.recipe, recipe, config, options, args.rest)
    if options.check_data:
        return _check(recipe(config), options)
    return _train(args.recipe, recipe, config, options, args.rest)


def _list(recipes: dict[str, str]) -> int:
    from studio.cli.output import table

    print(table([(name, load_recipe(where).help) for name, where in recipes.items()]))
    print(f"\n{command_name()} train RECIPE --help shows its options")
    return 0


def recipe_parser(name: str, recipe: Any) -> argparse.ArgumentParser:
    """A parser with an option for every field of the recipe's Settings."""
    parser = Parser(
        prog=f"{command_name()} train {name}", description=recipe.help,
        epilog=examples(
            f"train {name} DATA -o model.safetensors --steps 2000", f"train {name} DATA -o model.safetensors --resume"
        ),
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="file or folder to learn from")
    parser.add_argument("-o", "--out", type=Path, metavar="MODEL", help="the model, .safetensors")
    parser.add_argument("--check-data", action="store_true", help="only read the data and say what is there")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint beside MODEL")
    parser.add_argument("--json", action="store_true", help="print every event as a line of JSON")
    parser.add_argument(
        "--events", metavar="FILE", help="write every event to FILE ('-' for stdout) and obey pause, resume, finish "
        "and stop on stdin; see docs/formats.md",
    )
    parser.add_argument("--low-priority", action="store_true", help="let other programs go first; leave one core free")
    group = parser.add_argument_group("settings of this recipe")
    for setting in describe(recipe.Settings):
        text = setting.help.replace("%", "%%")
        option = f"--{_dashed(setting.name)}"
        if setting.kind == "bool":
            switch = argparse.BooleanOptionalAction
            group.add_argument(option, action=switch, default=setting.default, help=text)
            continue
        group.add_argument(
            option, type=reader(setting.hint), default=setting.default, choices=setting.choices or None,
            help=f"{text} (default {shown(setting.default)})".strip(), dest=setting.name,
            metavar=None if setting.choices else {int: "N", float: "X"}.get(setting.hint, "TEXT"),
        )
    return parser


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _command(name: str, words: list[str]) -> str:
    """The command for the card: how the model was made, not on whose machine or beside what."""
    kept: list[str] = []
    skip = False
    for word in words:
        if not skip and word not in ("--resume", "--json", "--low-priority", "--events"):
            option, equals, value = word.rpartition("=") if word.startswith("--") else ("", "", word)
            kept.append(option + equals + (Path(value).name if "/" in value or "\\" in value else value))
        skip = word == "--events"
    return shlex.join(["reverie", "train", name, *kept])


def _streamed(name: str, recipe: Any, config: Any, options: argparse.Namespace, words: list[str]) -> int:
    """Train, or only check the data, for a program that watches and steers."""
    from studio.cli import train_stream
    from studio.training.loop import Control, train
    from studio.training.team import assemble

    team = assemble(recipe, config)
    if not team.chief:
        return _help(recipe(config), options, team)
    control = Control()
    listening = train_stream.obey(control, sys.stdin)
    with train_stream.open_stream(options.events) as stream, interruptible() as stop, listening:
        stream.write({"kind": "preparing", "recipe": name, "pid": os.getpid()})
        try:
            if options.check_data:
                report = recipe(config).prepare(options.data)
                stream.write({"kind": "data", "report": report})
                return DONE
            figures = train(
                recipe(config), options.data, options.out, resume=options.resume, command=_command(name, words),
                on_event=stream.write, should_stop=stop, control=control, team=team,
            )
        except Exception as error:
            stream.write({"kind": "failed", "message": sentence(error) or f"{type(error).__name__}: {error}"})
            raise
    return FAILED if figures.get("stopped") else DONE


def _check(recipe: Any, options: argparse.Namespace) -> int:
    report = recipe.prepare(options.data)
    if options.json:
        print(json.dumps(report))
        return DONE
    for key, value in report.items():
        if isinstance(value, list):
            print(f"{key}: {len(value)}" + "".join(f"\n  {item}" for item in value[:20]))
        else:
            print(f"{key}: {value}")
    return DONE


def _train(name: str, recipe: Any, config: Any, options: argparse.Namespace, words: list[str]) -> int:
    from studio.training.loop import train
    from studio.training.team import assemble

    team = assemble(recipe, config)
    if not team.chief:
        return _help(recipe(config), options, team)
    with Bar(f"training {name}", float(config.steps), quiet=options.json, unit="steps") as bar, interruptible() as stop:

        def tell(event: dict[str, Any]) -> None:
            if options.json:
                print(json.dumps(event), flush=True)
            else:
                show_event(event, bar)

        if not options.json:
            bar.say(settings_line(name, config))
        figures = train(
            recipe(config), options.data, options.out, resume=options.resume, command=_command(name, words),
            on_event=tell, should_stop=stop, team=team,
        )
    if figures.get("stopped"):
        again = shlex.join([*command_name().split(), "train", name, *words, *([] if options.resume else ["--resume"])])
        print(f"stopped at step {figures['step']}; go on with: {again}", file=sys.stderr)
        return FAILED
    if not options.json:
        print(f"{options.out}: {show_numbers(figures)}")
    return DONE


def _help(recipe: Any, options: argparse.Namespace, team: Any) -> int:
    """Train as one of several processes that is not the first: it says nothing and writes nothing."""
    from studio.training.loop import train

    with interruptible() as stop:
        figures = train(recipe, options.data, options.out, resume=options.resume, should_stop=stop, team=team)
    return FAILED if figures.get("stopped") else DONE
