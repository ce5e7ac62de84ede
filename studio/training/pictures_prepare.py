"""From files to squares: finding pictures, decoding them on several threads, and the mapped file that keeps them.

The file lies in the user's cache under a name made of what was read (names, sizes, times) and how; a second start
finds it there. Whatever a file holds, one fault is one line of the report.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import shutil
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studio import paths
from studio.files import FileError, atomic_write, explain
from studio.media import Frame
from studio.nn.device import cores
from studio.picture import ENDINGS, read_image
from studio.training.pictures_hash import difference_hash, near_groups
from studio.training.pictures_video import VIDEO_ENDINGS, is_moving, moving_frames
from studio.training.recipe import TrainingError

VERSION = 1
SMALLEST = 8
"""Pixels of the shorter side below which a picture is nothing to learn from."""

MOST_STORED_SIDE = 1024
SPARE_BYTES = 500 * 1024 * 1024
"""What a prepared set leaves free on the disk."""

FORGET_SECONDS = 30 * 24 * 3600.0
"""Age after which a prepared set that nobody used is deleted."""


@dataclass(frozen=True)
class Wish:
    """How pictures become squares of ``size`` pixels; ``factor`` is the square's share of the shorter side."""

    size: int
    random: bool = False
    factor: float = 1.0
    by_class: bool = False
    rate: float = 2.0
    """Frames taken of each second of a video."""


@dataclass
class Prepared:
    """What was found: a row per picture. ``file`` holds the squares ``uint8 (N, 3, side, side)``; None: decode them."""

    file: Path | None
    side: int
    names: list[str]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    groups: list[list[int]]
    """Rows that show nearly the same."""
    skipped: list[str]
    smaller: int
    """How many had to be enlarged."""
    seconds: float = 0.0
    note: str = ""


@dataclass
class _Rows:
    """What is gathered while reading."""

    names: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    hashes: list[int] = field(default_factory=list)
    means: list[tuple[float, float, float]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    smaller: int = 0

    def add(self, name: str, kind: str, seen: _Seen) -> None:
        self.names.append(name)
        self.kinds.append(kind)
        self.hashes.append(seen.hash)
        self.means.append(seen.mean)
        self.smaller += seen.small


@dataclass(frozen=True)
class _Seen:
    """One decoded picture: its square, or None where only its hash was wanted."""

    square: NDArray[np.uint8] | None
    hash: int
    mean: tuple[float, float, float]
    small: bool


def needed(size: int, factor: float) -> int:
    """Pixels of a picture's shorter side that squares of ``size`` need."""
    return math.ceil(size / factor)


def square_of(frame: Frame, size: int, factor: float, rng: np.random.Generator | None = None) -> NDArray[np.uint8]:
    """A square ``(3, size, size)`` of ``factor`` times the shorter side: the centre, or with ``rng`` anywhere."""
    height, width = frame.shape[:2]
    short = min(height, width)
    side = max(1, round(short * factor))
    if rng is not None:
        side = min(short, max(side, size))  # a picture that has the pixels is not enlarged
        top, left = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
    else:
        top, left = (height - side) // 2, (width - side) // 2
    part = Image.fromarray(np.ascontiguousarray(frame[top : top + side, left : left + side]))
    if side != size:
        part = part.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.ascontiguousarray(np.asarray(part, np.uint8).transpose(2, 0, 1))


def prepare(data: Path, wish: Wish) -> Prepared:
    """Read everything below ``data`` (or the frames of one video), or find it read. Raises TrainingError."""
    began = time.monotonic()
    files, root, skipped = _find(data, wish.by_class)
    stills = not any(path.suffix.lower() in VIDEO_ENDINGS for path in files) and data.is_dir()
    side = wish.size
    if wish.random and not stills:
        # a place in a video is far from its start: its frames are kept whole enough to be cropped later
        side = min(MOST_STORED_SIDE, max(wish.size, needed(wish.size, wish.factor)))
    folder = paths.user_folder("cache") / "pictures"
    store = not (wish.random and stills)
    note = ""
    if store and stills and not _room(folder, len(files) * 3 * side * side):
        store = False
        note = f"the disk of {folder} has no room for all prepared pictures: they are decoded while training"
    base = folder / _key(files, root, wish, store)
    found = _load(base, side)
    if found is None:
        _sweep(folder)
        found = _read(files, root, data, wish, side, base, store, skipped)
    found.seconds, found.note = time.monotonic() - began, note
    if not found.names:
        reason = f"; the first of {len(found.skipped)} faults: {found.skipped[0]}" if found.skipped else ""
        raise TrainingError(
            f"{data} holds no picture that can be read{reason}; choose a folder of pictures or a video"
        )
    return found


def _find(data: Path, by_class: bool) -> tuple[list[Path], Path, list[str]]:
    """All candidate files in order, the folder their names start from, and what is left out at once."""
    if data.is_file():
        try:
            if is_moving(data):
                return [data], data.parent, []
        except FileError as error:
            raise TrainingError(str(error)) from None
        raise TrainingError(f"{data} is one file, not a folder of pictures or a video; give the folder that holds many")
    if not data.is_dir():
        raise TrainingError(f"{data} is not a folder of pictures; give the folder that holds them")
    files: list[Path] = []
    outside = 0
    for where, folders, names in os.walk(data):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(where)
        usable = [name for name in sorted(names) if name.lower().endswith(ENDINGS + VIDEO_ENDINGS)]
        if by_class and here == data:
            outside, usable = len(usable), []
        files += [here / name for name in usable if not name.startswith(".")]
    skipped = [f"{data.name}: pictures that lie in none of its sub-folders have no class; {outside} left out"]
    return files, data, skipped if outside else []


def _key(files: list[Path], root: Path, wish: Wish, store: bool) -> str:
    """A name for exactly these files, read exactly so."""
    digest = hashlib.sha256(json.dumps([VERSION, str(root.resolve()), dataclasses.astuple(wish), store]).encode())
    for path in files:
        try:
            about = path.stat()
        except OSError:
            continue
        digest.update(f"{path.relative_to(root)}\0{about.st_size}\0{about.st_mtime_ns}\n".encode("utf-8", "replace"))
    return digest.hexdigest()[:32]


def _room(folder: Path, wanted: int) -> bool:
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return shutil.disk_usage(place).free > wanted + SPARE_BYTES


def _sweep(folder: Path) -> None:
    """Delete prepared sets that were not used for long."""
    for path in folder.glob("*.*") if folder.is_dir() else ():
        with contextlib.suppress(OSError):
            if path.suffix in (".squares", ".json") and time.time() - path.stat().st_mtime > FORGET_SECONDS:
                path.unlink()


def _load(base: Path, side: int) -> Prepared | None:
    """A set that was prepared before, if it is whole."""
    squares, about = base.with_suffix(".squares"), base.with_suffix(".json")
    try:
        saved: dict[str, Any] = json.loads(about.read_text(encoding="utf-8"))
        stored = bool(saved["stored"])
        names = [str(name) for name in saved["names"]]
        if stored and squares.stat().st_size != len(names) * 3 * side * side:
            return None
        for path in (squares, about) if stored else (about,):
            os.utime(path)
        return Prepared(
            squares if stored else None, side, names, np.array(saved["labels"], np.int64), tuple(saved["classes"]),
            saved["groups"], saved["skipped"], int(saved["smaller"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read(
    files: list[Path], root: Path, data: Path, wish: Wish, side: int, base: Path, store: bool, skipped: list[str]
) -> Prepared:
    rows = _Rows(skipped=skipped)
    squares = base.with_suffix(".squares")
    try:
        if store:
            with atomic_write(squares, parents=True) as temporary, temporary.open("wb") as out:
                for name, kind, seen in _decoded(files, root, data, wish, side, rows):
                    rows.add(name, kind, seen)
                    if seen.square is not None:
                        out.write(seen.square.tobytes())
        else:
            for name, kind, seen in _decoded(files, root, data, wish, 0, rows):
                rows.add(name, kind, seen)
        found = _gathered(rows, wish, squares if store and rows.names else None, side)
        if rows.names:
            _save(base, found)
    except FileError as error:
        raise TrainingError(f"the pictures cannot be prepared: {error}") from None
    except OSError as error:
        raise TrainingError(f"the pictures cannot be prepared: {explain(error, squares, writing=True)}") from None
    return found


def _gathered(rows: _Rows, wish: Wish, file: Path | None, side: int) -> Prepared:
    classes = tuple(sorted(set(rows.kinds))) if wish.by_class else ()
    place = {name: index for index, name in enumerate(classes)}
    labels = np.array([place.get(kind, 0) for kind in rows.kinds], np.int64)
    groups = near_groups(np.array(rows.hashes, np.uint64), np.array(rows.means, np.float32).reshape(-1, 3))
    return Prepared(file, side, rows.names, labels, classes, groups, rows.skipped, rows.smaller)


def _save(base: Path, found: Prepared) -> None:
    about = {
        "stored": found.file is not None, "names": found.names, "labels": found.labels.tolist(),
        "classes": found.classes, "groups": found.groups, "skipped": found.skipped, "smaller": found.smaller,
    }
    with atomic_write(base.with_suffix(".json"), parents=True) as temporary:
        temporary.write_text(json.dumps(about), encoding="utf-8")


def _decoded(
    files: list[Path], root: Path, data: Path, wish: Wish, side: int, rows: _Rows
) -> Iterator[tuple[str, str, _Seen]]:
    """Name, sub-folder and picture, in the order of the files; several threads decode ahead. Faults go to ``rows``."""
    with ThreadPoolExecutor(max(1, cores()), thread_name_prefix="pictures") as pool:
        waiting: deque[tuple[Path, Future[_Seen | str] | None]] = deque()
        todo = iter(files)
        ended = False
        while waiting or not ended:
            while not ended and len(waiting) < 4 * cores():
                path = next(todo, None)
                if path is None:
                    ended = True
                    break
                moving = path == data or path.suffix.lower() in VIDEO_ENDINGS
                waiting.append((path, None if moving else pool.submit(_still, path, wish, side)))
            if not waiting:
                break
            path, future = waiting.popleft()
            name = path.relative_to(root).as_posix()
            kind = path.relative_to(root).parts[0]
            if future is None:
                yield from ((f"{name}#{number}", kind, seen) for number, seen in _moving(path, wish, side, rows))
                continue
            seen = future.result()
            if isinstance(seen, str):
                rows.skipped.append(seen)
            else:
                yield name, kind, seen


def _still(path: Path, wish: Wish, side: int) -> _Seen | str:
    """One picture, or a sentence about what is wrong with it."""
    try:
        return _seen(read_image(path, at_least=max(SMALLEST * 4, needed(wish.size, wish.factor))), path, wish, side)
    except FileError as error:
        return str(error)


def _moving(path: Path, wish: Wish, side: int, rows: _Rows) -> Iterator[tuple[int, _Seen]]:
    try:
        for number, frame in enumerate(moving_frames(path, wish.rate)):
            seen = _seen(frame, path, wish, side)
            if isinstance(seen, str):
                rows.skipped.append(seen)
                return
            yield number, seen
    except FileError as error:
        rows.skipped.append(str(error))


def _seen(frame: Frame, path: Path, wish: Wish, side: int) -> _Seen | str:
    height, width = frame.shape[:2]
    if min(height, width) < SMALLEST:
        return f"{path.name}: {width}x{height} pixels are too few to learn from; leave it out or use a larger copy"
    square: NDArray[np.uint8] | None = None
    if side:
        # for random crops the square is kept larger than it will be, hence not yet cropped
        square = square_of(frame, side, 1.0 if wish.random else wish.factor)
        thumb = square.transpose(1, 2, 0)
    else:
        thumb = frame
    bits, mean = difference_hash(np.ascontiguousarray(thumb))
    return _Seen(square, bits, mean, min(height, width) * wish.factor < wish.size - 0.5)
