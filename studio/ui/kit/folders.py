"""Where file dialogs open: where the last file of that kind came from or went, else in the user's exports folder."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from studio import paths, safe_json
from studio.files import FileError

log = logging.getLogger("reverie.ui")
MOST = 100
"""Kinds that are remembered."""

_default: Callable[[], Path] = Path.home


def begin_in(folder: Callable[[], Path]) -> None:
    """Where dialogs open that have no last folder."""
    global _default
    _default = folder


def start(kind: str) -> Path:
    """The folder in which a dialog for a kind of files opens; one that is gone gives way to the nearest that is there.

    Never where the program happened to be started.
    """
    last = _known().get(kind)
    wished = Path(last) if last else _default()
    if not wished.is_dir() and last:
        wished = _default()
    return next((place for place in (wished, *wished.parents) if place.is_dir() and place != place.parent), Path.home())


def remember(kind: str, folder: Path) -> None:
    """The next dialog for this kind opens here. A place that cannot be kept is no reason to stop."""
    if not kind or not folder.is_absolute():
        return
    known = {**{k: v for k, v in _known().items() if k != kind}, kind: str(folder)}
    while len(known) > MOST:
        known.pop(next(iter(known)))
    try:
        safe_json.save(_file(), known, parents=True)
    except FileError as error:
        log.warning("the last folder could not be kept: %s", error)


def _file() -> Path:
    return paths.user_folder("config") / "folders.json"


def _known() -> dict[str, str]:
    place = _file()
    if not place.is_file():
        return {}
    try:
        found = safe_json.load_object(place)
    except FileError as error:
        log.warning("the last folders could not be read: %s", error)
        return {}
    return {kind: folder for kind, folder in found.items() if isinstance(folder, str) and "\0" not in folder}
