"""``reverie screenshots``: pictures of the window's pages."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from studio.cli import errors, examples


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="where the PNG files go")
    parser.add_argument("--only", default="", metavar="NAME", help="only pages whose name holds this")
    parser.epilog = examples("screenshots pictures", "screenshots pictures --only latent")


def run(args: argparse.Namespace) -> int:
    """Take them. Without a display they are taken on one that only exists in memory."""
    from studio.ui import app

    if app.display_missing():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from studio.ui.screenshots import take_all

    files = take_all(args.folder, lambda name: print(f"  {name}", flush=True), only=args.only)
    print(f"{len(files)} pictures in {args.folder}")
    return errors.DONE
