"""Answers on stdout: aligned columns for people, JSON for programs."""

from __future__ import annotations

import argparse
import json
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option ``--json``, the same everywhere."""
    parser.add_argument("--json", action="store_true", help="print JSON for a program to read")


def print_json(data: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(data, indent=2, ensure_ascii=False))


def table(rows: Sequence[Sequence[str]], *, indent: int = 2) -> str:
    """Columns aligned; the last one is wrapped to the terminal's width."""
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    start = indent + sum(widths) + 2 * len(widths)
    room = max(30, min(140, shutil.get_terminal_size().columns) - start - 1)
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        wrapped = textwrap.wrap(row[-1], room) or [""]
        lines.append((" " * indent + "  ".join([*cells, wrapped[0]])).rstrip())
        lines += [" " * start + more for more in wrapped[1:]]
    return "\n".join(lines)
