"""What can be dragged inside the window, and files from outside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMimeData, QUrl

GENERATOR = "application/x-reverie-generator"
PRESET = "application/x-reverie-preset"
SNAPSHOT = "application/x-reverie-snapshot"
AUDIO = "application/x-reverie-audio"
"""A feature of the sound that is heard, by its name; rows of the inspector take it."""
OURS = (GENERATOR, PRESET, SNAPSHOT)


@dataclass(frozen=True)
class Dropped:
    """What was dropped: ``kind`` is a mime type of this module or ``"files"``; ``text`` is the id, path or key.

    ``files`` are local files and folders, in the order they were dropped.
    """

    kind: str
    text: str = ""
    files: tuple[Path, ...] = ()


def make(kind: str, text: str) -> QMimeData:
    """Data to drag: one of this module's types with an id, path or key. A path goes along as a file as well."""
    data = QMimeData()
    data.setData(kind, text.encode())
    if kind == PRESET:
        data.setUrls([QUrl.fromLocalFile(text)])
    return data


def files(paths: list[Path]) -> QMimeData:
    """Files to drag, also out of the window."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def read(data: QMimeData) -> Dropped | None:
    """What ``data`` holds that the window can take, or None. Nothing is opened or checked."""
    for kind in OURS:
        if data.hasFormat(kind):
            return Dropped(kind, bytes(data.data(kind).data()).decode("utf-8", "replace"))
    if data.hasUrls():
        local = tuple(Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile())
        if local:
            return Dropped("files", str(local[0]), local)
    return None
