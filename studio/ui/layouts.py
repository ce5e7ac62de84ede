"""Where the docks are: three arrangements of ours, and the user's own, kept between starts."""

from __future__ import annotations

import base64
import binascii
import logging
from pathlib import Path
from typing import Any

from studio import paths, safe_json
from studio.files import FileError

log = logging.getLogger("reverie.ui")

EXPLORE, PERFORM, TRAIN = "explore", "perform", "train"


def window_file() -> Path:
    """Where the window keeps its places."""
    return paths.user_folder("config") / "window.json"


def load_places() -> dict[str, Any]:
    """What was kept; an unreadable file counts as none."""
    place = window_file()
    if not place.is_file():
        return {}
    try:
        found = safe_json.load(place)
    except FileError as error:
        log.warning("the places of the window could not be read: %s", error)
        return {}
    return found if isinstance(found, dict) else {}


def save_places(places: dict[str, Any]) -> None:
    """Keep them; a folder that cannot be written is no reason to stop."""
    try:
        safe_json.save(window_file(), places, parents=True)
    except FileError as error:
        log.warning("the places of the window could not be kept: %s", error)


def encode(data: bytes) -> str:
    """Qt's own state as text."""
    return base64.b64encode(data).decode("ascii")


def decode(text: Any) -> bytes:
    """Back again; b'' for what is not such a text."""
    if not isinstance(text, str):
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
