"""What goes wrong becomes one sentence for the user and a traceback in the log."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from studio import files, paths

DONE, FAILED, WRONG = 0, 1, 2
"""Exit codes: done; failed, with a sentence; wrong arguments."""


class UsageError(Exception):
    """Arguments that cannot be meant; the message says why and what to write instead. Exit code 2."""


class Refusal(Exception):
    """Something that cannot be done here; the message is the whole sentence. Exit code 1."""


def log_path() -> Path:
    """The studio's log file."""
    return paths.user_folder("log") / "reverie.log"


def start_log() -> None:
    """Send everything from INFO up, and Python's warnings, to the log (four files of 1 MB in rotation).

    A log that cannot be written never stops the work.
    """
    from logging.handlers import RotatingFileHandler

    root = logging.getLogger()
    handler: logging.Handler
    try:
        log_path().parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(log_path(), maxBytes=1_000_000, backupCount=3, encoding="utf-8", delay=True)
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.setLevel(logging.INFO)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.raiseExceptions = False  # a full disk under the log is not the user's problem now
    logging.captureWarnings(True)


def stop_log() -> None:
    """Close what ``start_log`` opened."""
    logging.captureWarnings(False)
    root = logging.getLogger()
    for handler in [*root.handlers]:
        if isinstance(handler, (logging.FileHandler, logging.NullHandler)):
            root.removeHandler(handler)
            handler.close()


def sentence(error: BaseException) -> str | None:
    """The sentence to show for an error that was foreseen; None for one that was not.

    The studio's own errors carry their sentence; errors of the system are explained by their file.
    """
    text = str(error).strip()
    if isinstance(error, (UsageError, Refusal)):
        return text
    if isinstance(error, OSError) and error.errno is not None:
        if error.filename is not None:
            return str(files.explain(error, str(error.filename)))
        return f"the system refused: {error.strerror or text}"
    if isinstance(error, OSError) and text:
        return text  # raised by the studio with a sentence (``paths.find_model``)
    if isinstance(error, MemoryError):
        return "there is not enough memory; use a smaller --size or close other programs"
    if isinstance(error, (ValueError, LookupError, RuntimeError)) and type(error).__module__.startswith("studio."):
        return text
    return None


def report(error: Exception) -> int:
    """Tell the user, keep the traceback, and return the exit code."""
    known = sentence(error)
    log = logging.getLogger("reverie.cli")
    if isinstance(error, UsageError):
        print(f"reverie: {known}", file=sys.stderr)
        return WRONG
    log.error("%s", known or "unforeseen", exc_info=error)
    if known:
        print(f"reverie: {known}", file=sys.stderr)
        if error.__cause__ is None:
            return FAILED  # the sentence is all there is to know
    else:
        brief = " ".join(str(error).split())[:200] or "no more is known"
        print(f"reverie: something unforeseen happened ({type(error).__name__}: {brief})", file=sys.stderr)
    print(f"         details: {log_path()}", file=sys.stderr)
    return FAILED
