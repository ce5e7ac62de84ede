"""``reverie models``: list, info, verify, measure, import, dream, and the catalogue of public weights."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from studio.cli import Parser, command_name, examples, models_figures
from studio.cli.errors import FAILED, Refusal
from studio.cli.output import add_json, print_json, table
from studio.cli.progress import Bar, interruptible
from studio.cli.render_cmd import size_text


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    add_json(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", parser_class=Parser)
    actions.add_parser("list", help="the models that are here (the default)", epilog=examples("models list"))
    card = actions.add_parser("card", help="data, licence, command and figures", epilog=examples("models card gan"))
    card.add_argument("name", help="name of a model, or the path of a .safetensors file")
    models_figures.add(actions)
    check = actions.add_parser("verify", help="compare a model's bytes with its card", epilog=examples("models verify"))
    check.add_argument("name", nargs="?", help="name or path; without one all that have a card")
    bring = actions.add_parser(
        "import", help="bring in a checkpoint from elsewhere; nothing in it is run",
        epilog=examples(
            "models import googlenet.pth", "models import net.pth --name mine --licence CC0-1.0",
            "models import animals.pkl --classes 'cat, dog, fox'",
        ),
    )
    bring.add_argument("file", type=Path, help="a .pth, .pt or .safetensors file, or a StyleGAN's .pkl")
    bring.add_argument("--classes", default="", help="names of a StyleGAN's classes in their order, with commas")
    bring.add_argument("--replace", action="store_true", help="replace a model of the same name")
    bring.add_argument("--name", help="the name it gets (default: that of the file)")
    bring.add_argument("--licence", default="unknown", help="said in its card")
    dream = actions.add_parser(
        "dream", help="pictures of what the layers of a feature network dream",
        epilog=examples("models dream dream_features", "models dream mine -o tiles --channels 12"),
    )
    dream.add_argument("name", help="name of a feature network, or the path of a .safetensors file")
    dream.add_argument("-o", "--output", type=Path, help="folder (default: the cache, where the window looks)")
    dream.add_argument("--channels", type=int, default=5, help="channels of each layer, those its dream shows most")
    actions.add_parser(
        "catalogue", help="well-known public weights that can be fetched", epilog=examples("models catalogue")
    )
    get = actions.add_parser(
        "fetch", help="fetch a model of the catalogue, after asking; goes on where it broke off",
        epilog=examples("models fetch googlenet", "models fetch squeezenet1-1 --yes"),
    )
    get.add_argument("name", help="its name in the catalogue")
    get.add_argument("--yes", action="store_true", help="do not ask")
    drop = actions.add_parser("remove", help="delete a model of your own", epilog=examples("models remove mine"))
    drop.add_argument("name", help="its name")
    drop.add_argument("--yes", action="store_true", help="do not ask")
    for sub in actions.choices.values():
        sub.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    parser.epilog = examples("models", "models card shakespeare", "models import googlenet.pth")


def run(args: argparse.Namespace) -> int:
    """Do the chosen action; listing is the default."""
    actions = {
        "card": _card, "info": models_figures.info, "measure": models_figures.measure, "verify": _verify,
        "import": _import, "dream": _dream, "catalogue": _catalogue,
        "fetch": _fetch, "remove": _remove,
    }
    return actions.get(args.action, _list)(args)


def _list(args: argparse.Namespace) -> int:
    from studio.library.models import list_models

    models = list_models()
    if args.json:
        print_json([
            {
                "name": m.name, "title": m.title, "architecture": m.architecture, "parameters": m.parameters,
                "bytes": m.size, "house": m.house, "path": str(m.path), "fault": m.fault or None,
            }
            for m in models
        ])
        return 0
    rows = [
        (
            m.name, m.architecture or "?", f"{m.parameters / 1e6:.2f} M", size_text(m.size),
            "house" if m.house else "yours", m.fault or m.title,
        )
        for m in models
    ]
    print(table(rows) or "  none")
    print(f"\n{command_name()} models info NAME shows data, licence and figures.")
    return 0


def _card(args: argparse.Namespace) -> int:
    from studio import paths
    from studio.library.models import read_model

    model = read_model(paths.find_model(args.name))
    if args.json:
        print_json({"name": model.name, "architecture": model.architecture, "config": model.config, "card": model.card})
        return 0
    print(f"{model.title} ({model.architecture or 'unknown architecture'}, {model.parameters:,} parameters)\n")
    rows = [(key, text) for key, value in model.card.items() if key != "title" and (text := _flat(value))]
    print(table(rows) or "  there is no card beside this model")
    if model.fault:
        print(f"\nfault: {model.fault}")
    return 0


def _flat(value: Any) -> str:
    """One line for a value of a card."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_flat(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_flat(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)


def _verify(args: argparse.Namespace) -> int:
    from studio import paths
    from studio.library.models import list_models, verify

    if args.name:
        files = [paths.find_model(args.name)]
    else:
        files = [model.path for model in list_models() if model.card]
    faults = {str(path): verify(path) for path in files}
    if args.json:
        print_json(faults)
    else:
        for path, fault in faults.items():
            print(fault or f"{Path(path).stem}: as its card says")
    return 1 if any(faults.values()) else 0


def _import(args: argparse.Namespace) -> int:
    from studio.library.importer import import_model

    classes = [name.strip() for name in args.classes.split(",") if name.strip()]
    done = import_model(
        args.file, name=args.name or "", licence=args.licence, replace=args.replace, classes=classes
    )
    known = done.about or (f"a {done.layout.architecture} network" if done.layout else "a network of an unknown layout")
    if args.json:
        print_json({"path": str(done.path), "architecture": done.layout.architecture if done.layout else None})
        return 0
    print(f"{done.path}: {known}")
    for line in done.report:
        print(f"note: {line}")
    return 0


def _dream(args: argparse.Namespace) -> int:
    from studio import paths
    from studio.library.dream_tiles import make_set

    folder = args.output or paths.user_folder("cache") / "dream_layers"
    with Bar("dreaming", None, quiet=args.json, percent=True) as bar:
        made = make_set(args.name, folder, channels=max(0, args.channels), progress=lambda share, at: bar.to(share, at))
    if args.json:
        print_json(made)
    else:
        print(f"{made['folder']}: {made['pictures']} pictures, {size_text(made['bytes'])}")
    return 0


def _catalogue(args: argparse.Namespace) -> int:
    from studio.library.catalogue import catalogue

    entries = catalogue()
    if args.json:
        print_json([{**asdict(entry), "present": entry.present} for entry in entries])
        return 0
    print(table([(e.name, size_text(e.size), "here" if e.present else "", e.about) for e in entries]))
    print(f"\n{command_name()} models fetch NAME asks, then fetches one. --json adds address, sha256, licence, layout.")
    return 0


def _agreed(question: str, yes: bool) -> bool:
    """Whether the user wants it; asked on the terminal unless they said so already."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise Refusal(f"{question} Say --yes to agree.")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _fetch(args: argparse.Namespace) -> int:
    from studio.generator import Cancelled
    from studio.library.catalogue import fetch_model, find_entry

    entry = find_entry(args.name)
    if not _agreed(entry.question(), args.yes):
        print("nothing was fetched")
        return FAILED
    with Bar(f"fetching {entry.name}", 1.0, quiet=args.json, percent=True) as bar, interruptible() as stop:

        def check(share: float, line: str) -> None:
            if stop():
                raise Cancelled
            bar.to(share, line)

        try:
            done = fetch_model(entry, check=check, cancelled=stop)
        except Cancelled:
            print("stopped; the next time it goes on from there", file=sys.stderr)
            return FAILED
    if args.json:
        print_json({"path": str(done.path)})
    else:
        print(f"{done.path}: {entry.title}")
    return 0


def _remove(args: argparse.Namespace) -> int:
    from studio import paths
    from studio.library.catalogue import remove_model

    path = paths.find_model(args.name)
    if not _agreed(f"Delete {path}?", args.yes):
        return FAILED
    remove_model(path)
    if not args.json:
        print(f"{path.stem}: deleted")
    return 0
