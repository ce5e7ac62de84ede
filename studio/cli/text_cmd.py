"""``reverie text``: what a text model says of a text."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from studio.cli import Parser, examples
from studio.cli.errors import DONE, Refusal
from studio.cli.output import add_json, print_json, table


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", parser_class=Parser, required=True)
    tell = actions.add_parser(
        "classify", help="by which label (author, mood...) a text was most likely written",
        description="Read a text as a model would write it under each of its labels: which is the most likely?",
        epilog=examples(
            "text classify poems.safetensors letter.txt", "text classify poems.safetensors letters/ --labels files",
            "text classify poems.safetensors poems/ --last 0.1",
        ),
    )
    tell.add_argument("model", help="a text model that knows labels: its name, or the path of a .safetensors file")
    tell.add_argument("data", type=Path, metavar="DATA", help="a text, or a folder of texts")
    tell.add_argument("--piece", type=int, default=200, help="characters that are judged at a time (default 200)")
    tell.add_argument("--pieces", type=int, default=100, help="most pieces of a text, from all over it (default 100)")
    tell.add_argument("--last", type=float, default=1.0, metavar="SHARE",
                      help="judge only this last part of each text, such as 0.1: what training held out")
    tell.add_argument("--labels", default="auto", metavar="HOW",
                      help="where the true labels are, to count how often they are found: auto, files, none or a table")
    add_json(tell)
    parser.epilog = examples("text classify poems.safetensors letter.txt")


def run(args: argparse.Namespace) -> int:
    """Classify, text by text; where the true labels are known, say how often they were found."""
    from studio.nn.classify import Judge
    from studio.nn.lstm import SEQUENCE
    from studio.nn.weights import load_model
    from studio.paths import find_model
    from studio.training.corpus import read_documents

    if args.piece < 1 or args.pieces < 1 or not 0.0 < args.last <= 1.0:
        raise Refusal("--piece and --pieces are whole numbers from 1, --last is above 0 and at most 1")
    judge = Judge(load_model(find_model(args.model), SEQUENCE))
    documents, report = read_documents(args.data, args.labels)
    results: list[dict[str, Any]] = []
    for document in documents:
        text = document.text[len(document.text) - round(len(document.text) * args.last) :]
        try:
            found = judge.judge(text, length=args.piece, most=args.pieces)
        except ValueError as error:
            report["skipped"].append(f"{document.path.name}: {error}")
            continue
        true = dict(document.labels)
        results += [{
            "file": document.path.name, "field": one.field, "best": one.best, "pieces": len(one.nats),
            "true": true.get(one.field), "votes": dict(zip(one.values, map(int, one.votes), strict=True)),
            "nats_per_character": dict(zip(one.values, map(float, one.per_character), strict=True)),
        } for one in found]
    if not results:
        raise Refusal(next(iter(report["skipped"]), f"{args.data} has no text"))
    figures = accuracy(results)
    if args.json:
        print_json({"texts": results, "accuracy": figures, "skipped": report["skipped"]})
        return DONE
    for result in results:
        print(f"{result['file']}: {result['field']} {result['best']}")
        print(table([
            (f"  {value}", f"{result['nats_per_character'][value]:.3f} nats per character",
             f"{count} of {result['pieces']} pieces") for value, count in result["votes"].items()
        ]))
    for field, share in figures.items():
        print(f"{field}: the true label was found for {100 * share:.1f} % of the pieces of {args.piece} characters")
    for line in report["skipped"]:
        print(line)
    return DONE


def accuracy(results: list[dict[str, Any]]) -> dict[str, float]:
    """Share of pieces whose true label was found, by field; only of texts whose label the model knows."""
    found: dict[str, float] = {}
    for field in dict.fromkeys(result["field"] for result in results):
        known = [r for r in results if r["field"] == field and r["true"] in r["votes"]]
        if known:
            found[field] = sum(r["votes"][r["true"]] for r in known) / sum(r["pieces"] for r in known)
    return found
