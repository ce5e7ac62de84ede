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
    parser.add_argument("--size", action="append", type=_size, default=[], metavar="WxH",
                        help="width and height of the window, as often as wanted (default 1280x720 and 1920x1080)")
    parser.add_argument("--theme", default="", choices=("dark", "contrast"),
                        help="colours (default: as in the preferences)")
    parser.add_argument("--scale", type=float, default=0.0, metavar="FACTOR",
                        help="size of everything, 0.75 to 2 (default: as in the preferences)")
    parser.epilog = examples("screenshots pictures", "screenshots pictures --only latent --size 3840x2160 --scale 2")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    try:
        size = int(width), int(height)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no size; write width and height such as 1920x1080") from None
    if not (960 <= size[0] <= 16384 and 600 <= size[1] <= 16384):
        raise argparse.ArgumentTypeError(f"{text} is out of range; the window is from 960x600 to 16384x16384")
    return size


def run(args: argparse.Namespace) -> int:
    """Take them. Without a display they are taken on one that only exists in memory."""
    from studio.ui import app

    if app.display_missing():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from studio.ui.screenshots import take_all

    files = take_all(
        args.folder, lambda name: print(f"  {name}", flush=True), only=args.only, sizes=args.size, look=args.theme,
        scale=args.scale,
    )
    print(f"{len(files)} pictures in {args.folder}")
    return errors.DONE
