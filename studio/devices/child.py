"""Processes of our own that look after drivers, so that a driver that takes its time stops nothing but itself."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def start_module(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    """``python -m module`` with pipes to its input and from its output. Raises OSError."""
    folders = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", module, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
        env={**os.environ, "PYTHONPATH": folders, "JACK_NO_START_SERVER": "1"},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def let_go(child: subprocess.Popen[bytes]) -> int | None:
    """Close the pipes of a process that said its last word; its exit code."""
    for stream in (child.stdin, child.stdout):
        with contextlib.suppress(OSError):
            assert stream is not None
            stream.close()
    try:
        return child.wait(2.0)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait(2.0)


def silence_errors() -> None:
    """In a child: what C libraries write to stderr says nothing to a user."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
