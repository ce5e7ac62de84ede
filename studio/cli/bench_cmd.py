"""``reverie bench``: the studio against plain references, as ratios measured in one run on this machine."""

from __future__ import annotations

import argparse
import importlib.util
import logging
import sys
from pathlib import Path
from typing import Any

from studio.cli import examples
from studio.cli.errors import Refusal, UsageError
from studio.cli.output import add_json, print_json, table


def folder() -> Path:
    """Where the benchmarks are: beside ``studio/`` in a checkout."""
    return Path(__file__).resolve().parents[2] / "benchmarks"


def available() -> list[Path]:
    """The benchmarks by name; helpers that start with an underscore are none."""
    return sorted(path for path in folder().glob("*.py") if not path.name.startswith("_"))


def add(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these (default: all)")
    parser.add_argument("--check", action="store_true", help="exit code 1 when a ratio misses its target")
    add_json(parser)
    parser.epilog = examples("bench", "bench gif --check", "bench --json > figures.json")


def run(args: argparse.Namespace) -> int:
    """Run them one after the other; a failure is a row of the table."""
    scripts = available()
    if not scripts:
        raise Refusal(
            "the benchmarks do not come with the installed package; get the source of Reverie Studio and run "
            "'python3 main.py bench' there"
        )
    names = {script.stem for script in scripts}
    for name in args.names:
        if name not in names:
            raise UsageError(f"there is no benchmark {name!r}; there are: {', '.join(sorted(names))}")
    results = []
    sys.path.insert(0, str(folder()))  # they share helpers
    for script in scripts:
        if args.names and script.stem not in args.names:
            continue
        print(f"measuring {script.stem} …", file=sys.stderr, flush=True)
        results += _measure(script)
    missed = [row for row in results if "error" in row or not _holds(row)]
    if args.json:
        print_json(results)
    else:
        print(table([("benchmark", "ratio", "target", "ours", "reference", "")] + [_row(result) for result in results]))
    return 1 if args.check and missed else 0


def _measure(script: Path) -> list[dict[str, Any]]:
    try:
        spec = importlib.util.spec_from_file_location(f"reverie_bench_{script.stem}", script)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        result = module.run()
        return [dict(row) for row in result] if isinstance(result, list) else [dict(result)]
    except Exception as error:  # a model that is missing, too little memory: the others still run
        logging.getLogger("reverie.bench").exception("benchmark %s", script.stem)
        return [{"name": script.stem, "error": f"{type(error).__name__}: {error}"}]


def _holds(row: dict[str, Any]) -> bool:
    target, ratio = row.get("target"), row.get("ratio")
    return target is None or (ratio is not None and ratio >= target)


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    if "error" in row:
        return (row["name"], "–", "", "", "", f"did not run: {row['error']}")
    target, unit = row.get("target"), row.get("unit", "")
    verdict = "" if target is None else "reached" if _holds(row) else "MISSED"
    wanted = "" if target is None else f"≥ {target:g}"
    note = f"{verdict} {row.get('note', '')}".strip()
    ratio = row.get("ratio")
    ours, reference = (f"{row[key]:.4g} {unit}" if row.get(key) is not None else "" for key in ("ours", "reference"))
    return (str(row.get("name")), f"{ratio:.2f}×" if ratio is not None else "–", wanted, ours, reference, note)
