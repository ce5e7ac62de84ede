"""What a file or model row must know about the disk. Nothing here touches Qt: it runs on a thread beside the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from studio.files import FileError, short_path
from studio.media import Frame

if TYPE_CHECKING:
    from studio.library.models import Model

ENDINGS: dict[str, tuple[str, ...]] = {
    "image": (".png", ".jpg", ".jpeg", ".jpe", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    "video": (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".gif"),
    "midi": (".mid", ".midi"),
    "text": (".txt", ".md"),
    "audio": (".wav", ".flac", ".ogg", ".mp3"),
    "model": (".safetensors", ".pt", ".pth"),
}
"""What a file of each kind is called; a parameter that accepts another kind takes any file."""

SIDE = 80
"""Longest side of a thumbnail (pixels)."""


@dataclass(frozen=True)
class FileInfo:
    """A file as a row shows it. ``fault`` is a sentence when it cannot be used; ``picture`` uint8 (h, w, 3)."""

    path: str
    name: str = ""
    note: str = ""
    fault: str = ""
    picture: Frame | None = field(default=None, compare=False)


def suits(path: str, accepts: str) -> str:
    """'' when a file's ending fits the kind, else a sentence."""
    endings = ENDINGS.get(accepts)
    if endings is None or Path(path).suffix.lower() in endings:
        return ""
    article = "an" if accepts[:1] in "aeiou" else "a"
    return f"{Path(path).name} is not {article} {accepts} file; choose one of {', '.join(endings)}"


def dialog_filter(accepts: str) -> str:
    """The filter of a file dialog."""
    endings = ENDINGS.get(accepts)
    if endings is None:
        return "All files (*)"
    return f"{accepts.capitalize()} files ({' '.join('*' + ending for ending in endings)});;All files (*)"


def look_at(path: str, accepts: str, folder: Path | None = None) -> FileInfo:
    """Whether a file is there and what is in it. ``folder`` is the plugin's, for its own files. Never raises."""
    try:
        place = Path(path).expanduser()
        if folder is not None and not place.is_absolute() and (folder / place).is_file():
            place = folder / place
        if not place.exists():
            why = f"There is no such file in {short_path(place.parent)}; choose it again or clear the field"
            return FileInfo(path, place.name or path, fault=why)
        if place.is_dir():
            return FileInfo(path, place.name, fault="This is a folder; choose a file in it")
        size = _size(place.stat().st_size)
    except (OSError, ValueError, RuntimeError) as error:
        return FileInfo(path, Path(path).name, fault=f"It cannot be read ({error}); choose another file")
    note = f"{short_path(place.parent)} · {size}"
    if accepts == "image" or (accepts == "any" and place.suffix.lower() in ENDINGS["image"]):
        return _picture(path, place, note)
    return FileInfo(path, place.name, note)


def _picture(path: str, place: Path, note: str) -> FileInfo:
    from studio.picture import read_image

    try:
        frame = read_image(place)
    except FileError as error:
        return FileInfo(path, place.name, note, fault=str(error))
    high, wide = frame.shape[:2]
    return FileInfo(path, place.name, f"{wide} × {high} · {note}", picture=thumbnail(frame))


def thumbnail(frame: Frame, side: int = SIDE) -> Frame:
    """A small square from the middle of a picture, uint8 ``(side, side, 3)``."""
    high, wide = frame.shape[:2]
    edge = min(high, wide)
    top, left = (high - edge) // 2, (wide - edge) // 2
    square = frame[top : top + edge, left : left + edge]
    step = edge / side
    parts = 4 if step > 4 else 1
    # the mean of a few samples in each cell: without it fine texture turns into noise
    at = np.minimum(((np.arange(side * parts) + 0.5) * step / parts).astype(int), edge - 1)
    sampled = square[at][:, at].reshape(side, parts, side, parts, 3)
    return np.ascontiguousarray(sampled.mean(axis=(1, 3)).astype(np.uint8))


def _size(size: int) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size} bytes"


@dataclass(frozen=True)
class ModelInfo:
    """A model as a row shows it; ``key`` is what the parameter holds."""

    key: str
    title: str
    note: str
    fault: str = ""
    picture: Frame | None = field(default=None, compare=False)


def models_of(architectures: Sequence[str]) -> list[ModelInfo]:
    """The models of these architectures, the user's own first."""
    from studio.library.models import list_models

    found = sorted(list_models(architectures), key=lambda model: (model.house, model.title.casefold()))
    return [_model(model) for model in found]


def _model(model: Model) -> ModelInfo:
    origin = "house" if model.house else "own"
    numbers = f"{model.parameters / 1e6:.1f} M weights" if model.parameters >= 1e5 else f"{model.parameters} weights"
    title = model.title[:1].upper() + model.title[1:]
    return ModelInfo(model.name, title, f"{origin} · {numbers} · {_size(model.size)}", picture=_beside(model.path))


def _beside(path: Path) -> Frame | None:
    """The picture that lies beside a model's file under the same name."""
    from studio.picture import read_image

    for ending in (".png", ".jpg", ".webp"):
        file = path.with_suffix(ending)
        if file.is_file():
            try:
                return thumbnail(read_image(file))
            except FileError:
                return None
    return None


def model_at(path: str, architectures: Sequence[str]) -> ModelInfo:
    """A model that is named by the path of its file, where one of these kinds is wanted. Never raises."""
    from studio.library.models import read_model

    wanted = " or ".join(architectures)
    place = Path(path).expanduser()
    if not place.is_file():
        cure = "choose another, or get it on the models page"
        if place.suffix:
            return ModelInfo(path, place.name, "", f"There is no such file in {short_path(place.parent)}; {cure}")
        return ModelInfo(path, path, "", f"There is no model {path!r} of the kind {wanted} here; {cure}")
    model = read_model(place)
    made = _model(model)
    fault = model.fault
    if not fault and model.architecture not in architectures:
        kind = model.architecture or "unknown"
        fault = f"It is of the kind {kind}, but {wanted} is wanted; choose another model"
    return ModelInfo(path, made.title, made.note.replace("own", "file", 1), fault, made.picture)
