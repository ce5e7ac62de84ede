"""``reverie models info`` and ``reverie models measure``: what a model is, and what it reaches on its data."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cli import examples
from studio.cli.errors import DONE, FAILED
from studio.cli.output import print_json, table
from studio.cli.render_cmd import size_text

if TYPE_CHECKING:
    from studio.library.models import Model
    from studio.training.measure import Figure

MOST_TENSORS = 12
"""Tensors of a layout that are listed."""


def add(actions: Any) -> None:
    """The two actions."""
    info = actions.add_parser(
        "info", help="what a model is: layout, size, licence, checksum, figures", epilog=examples("models info flowers")
    )
    info.add_argument("name", help="name of a model, or the path of a .safetensors file")
    again = actions.add_parser(
        "measure", help="measure models on their data, beside what their cards say and what is wanted",
        epilog=examples("models measure --data data", "models measure shakespeare drums --data data --json"),
    )
    again.add_argument("names", nargs="*", metavar="NAME", help="models; none: all house models")
    again.add_argument("--data", type=Path, required=True, metavar="FOLDER",
                       help="the folder that holds the data of the house models, or the data of a model of your own")


def info(args: argparse.Namespace) -> int:
    """Print what is known of a model; exit code 1 where its file is not as its card says."""
    from studio import paths
    from studio.library.models import read_model, verify
    from studio.nn.weights import read_header, sha256

    path = paths.find_model(args.name)
    model = read_model(path, house=_is_house(path))
    shapes = {} if model.fault and not model.architecture else read_header(model.path).tensors
    checksum = sha256(model.path)
    fault = model.fault or (verify(model.path) if model.card.get("sha256") else "")
    if args.json:
        print_json({
            "name": model.name, "path": str(model.path), "architecture": model.architecture, "bytes": model.size,
            "parameters": model.parameters, "sha256": checksum, "fault": fault or None, "config": model.config,
            "layout": {name: {"dtype": dtype, "shape": list(shape)} for name, (dtype, shape) in shapes.items()},
            "card": model.card,
        })
        return FAILED if fault else DONE
    print(f"{model.title} ({model.architecture or 'unknown architecture'})\n")
    print(table(_about(model, checksum)))
    figures = model.card.get("figures")
    if isinstance(figures, dict) and figures:
        print("\nfigures")
        print(table([(name, _plain(value)) for name, value in figures.items()]))
    if shapes:
        print(f"\nlayout: {len(shapes)} tensors")
        print(table([(name, dtype, " x ".join(map(str, shape)) or "1")
                     for name, (dtype, shape) in list(shapes.items())[:MOST_TENSORS]]))
        if len(shapes) > MOST_TENSORS:
            print(f"  and {len(shapes) - MOST_TENSORS} more")
    if fault:
        print(f"\nfault: {fault}")
    return FAILED if fault else DONE


def _about(model: Model, checksum: str) -> list[tuple[str, str]]:
    card = model.card
    data = card.get("data")
    named = data if isinstance(data, dict) else {"name": data}
    agrees = {None: "", checksum: " (as its card says)"}.get(card.get("sha256"), " (not its card's)")
    rows = [
        ("file", str(model.path)), ("size", size_text(model.size)), ("parameters", f"{model.parameters:,}"),
        ("licence", str(card.get("licence") or "not stated")),
        ("data", str(named.get("name") or "")), ("data's licence", str(named.get("licence") or "")),
        ("made by", str(card.get("command") or "")), ("on", str(card.get("date") or "")),
        ("sha256", checksum + agrees),
    ]
    return [(name, text) for name, text in rows if text]


def _plain(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def measure(args: argparse.Namespace) -> int:
    """Measure and print a table; exit code 1 when a figure is off, or nothing could be measured."""
    from studio import paths
    from studio.library.models import list_models, read_model
    from studio.training.measure import MeasureError, Subject
    from studio.training.measure import measure as measured

    files = [paths.find_model(name) for name in args.names]
    models = [read_model(path, house=_is_house(path)) for path in files]
    models = models or [model for model in list_models() if model.house and model.card]
    figures: list[Figure] = []
    skipped: dict[str, str] = {}
    for model in models:
        try:
            if model.fault:
                raise MeasureError(model.fault)
            subject = Subject(model.name, model.path, model.card, model.house)
            found = measured(subject, args.data, lambda line: print(line, file=sys.stderr, flush=True))
        except MeasureError as error:
            skipped[model.name] = str(error)
            continue
        figures += found
    if args.json:
        print_json({"figures": [_row(figure) for figure in figures], "skipped": skipped})
    else:
        _print(figures, skipped)
    return FAILED if any(figure.fault for figure in figures) or not figures else DONE


def _is_house(path: Path) -> bool:
    from studio import paths

    return path.parent == paths.bundled("resources") / "models"


def _row(figure: Figure) -> dict[str, Any]:
    return {
        "model": figure.model, "figure": figure.name, "measured": figure.measured, "card": figure.card,
        "target": str(figure.target) or None, "fault": figure.fault or None,
    }


def _print(figures: list[Figure], skipped: dict[str, str]) -> None:
    if figures:
        head = ("model", "figure", "measured", "card", "target", "")
        rows = [
            (f.model, f.name, _plain(f.measured), "" if f.card is None else _plain(f.card), str(f.target),
             f.fault or ("ok" if f.card is not None or math.isfinite(f.target.most) or str(f.target) else ""))
            for f in figures
        ]
        print(table([head, *rows]))
    for name, why in skipped.items():
        print(f"  {name}: skipped, {why}")
    off = [figure for figure in figures if figure.fault]
    print(f"\n{len(figures)} figures, {len(off)} off, {len(skipped)} models skipped")
