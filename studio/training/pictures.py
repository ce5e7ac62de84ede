"""Pictures to learn from: a folder of any size, a video or an animation, as squares of one size; and sheets of them.

Squares are prepared once and kept in a file that is mapped, not read: memory stays flat however many there are.
Random crops of stills, and sets that the disk has no room for, are decoded while training instead.
"""

from __future__ import annotations

import threading
import zlib
from abc import ABC, abstractmethod
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from studio.files import FileError
from studio.media import Frame
from studio.nn.gan_base import MAX_CLASSES
from studio.picture import read_image
from studio.training import pictures_prepare as prepare
from studio.training.recipe import Config, TrainingError

HELD_IN_MEMORY = 256 * 1024 * 1024
"""Bytes of decoded pictures that random crops keep at hand."""


@dataclass
class PictureSettings(Config):
    """Settings of every recipe that learns from pictures."""

    size: int = 64
    """Pixels per side, a power of two."""
    crop: Literal["centre", "random"] = "centre"
    """Which square of a picture: its centre, or another place each time (textures, canvases, few large pictures)."""
    crop_factor: float = 1.0
    """Side of that square as a share of the picture's shorter side; 0.5 to 0.8 brings centred faces nearer."""
    flip: bool = True
    """Mirror every other picture; no, where left and right matter (writing, signs)."""
    by_class: bool = False
    """Learn the folder's sub-folders as classes: each can then be asked for, and any two be blended."""
    frame_rate: float = 2.0
    """Pictures taken of each second of a video."""
    drop_duplicates: bool = False
    """Leave out pictures that are nearly the same as another; they are counted in any case."""


class PictureSet(ABC):
    """Squares ``uint8 (3, size, size)`` by number, the class of each, and the report of what was read."""

    def __init__(self, size: int, found: prepare.Prepared, keep: NDArray[np.int64]) -> None:
        self.size, self.classes, self.keep = size, found.classes, keep
        self.labels = found.labels[keep]
        self.report: dict[str, Any] = {}
        self.faults: list[str] = []
        """Sentences about pictures that could not be read any more while training."""

    def __len__(self) -> int:
        return len(self.keep)

    @abstractmethod
    def square(self, number: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Picture ``number``, ``(3, size, size)``; ``rng`` chooses the place of a random crop. From any thread."""

    def squares(self, numbers: NDArray[np.int64], seed: int) -> NDArray[np.uint8]:
        """Some pictures ``(N, 3, size, size)``, the same ones each time."""
        return np.stack([self.square(int(n), np.random.default_rng([seed, index])) for index, n in enumerate(numbers)])


class StoredPictures(PictureSet):
    """Squares in a mapped file."""

    def __init__(self, size: int, found: prepare.Prepared, keep: NDArray[np.int64]) -> None:
        super().__init__(size, found, keep)
        shape = (len(found.labels), 3, found.side, found.side)
        self._rows = np.memmap(found.file, np.uint8, "r", shape=shape) if found.file else np.empty(shape, np.uint8)

    def square(self, number: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        row = self._rows[self.keep[number]]
        room = row.shape[1] - self.size
        if not room:
            return np.array(row)
        top, left = rng.integers(0, room + 1, 2)
        return np.array(row[:, top : top + self.size, left : left + self.size])


class DecodedPictures(PictureSet):
    """Squares cut out of files that are decoded when they are needed; the last ones stay in memory."""

    def __init__(
        self, found: prepare.Prepared, keep: NDArray[np.int64], root: Path, settings: PictureSettings
    ) -> None:
        super().__init__(settings.size, found, keep)
        self._paths = [root / found.names[index] for index in keep]
        self._factor, self._random = settings.crop_factor, settings.crop == "random"
        self._lock = threading.Lock()
        self._held: OrderedDict[int, Frame] = OrderedDict()
        self._bytes = 0

    def square(self, number: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        for step in range(len(self)):
            try:
                frame = self._frame((number + step) % len(self))
            except FileError as error:
                # a picture that has gone since it was counted: the next one stands in for it
                with self._lock:
                    if str(error) not in self.faults:
                        self.faults.append(str(error))
                continue
            return prepare.square_of(frame, self.size, self._factor, rng if self._random else None)
        raise TrainingError("none of the pictures can be read any more; were they moved? put them back and resume")

    def _frame(self, number: int) -> Frame:
        with self._lock:
            if number in self._held:
                self._held.move_to_end(number)
                return self._held[number]
        frame = read_image(self._paths[number], at_least=prepare.needed(self.size, self._factor))
        with self._lock:
            if number not in self._held and frame.nbytes < HELD_IN_MEMORY // 4:
                self._held[number] = frame
                self._bytes += frame.nbytes
            while self._bytes > HELD_IN_MEMORY:
                self._bytes -= self._held.popitem(last=False)[1].nbytes
        return frame


def check_settings(settings: PictureSettings) -> None:
    """Raises TrainingError for settings that cannot be."""
    if not 8 <= settings.size <= 4096:
        raise TrainingError(f"size must be between 8 and 4096 pixels, not {settings.size}")
    if not 0.05 <= settings.crop_factor <= 1:
        raise TrainingError(f"crop_factor must be between 0.05 and 1, not {settings.crop_factor:g}")
    if not 0 < settings.frame_rate <= 120:
        raise TrainingError(f"frame_rate must be above 0 and at most 120 a second, not {settings.frame_rate:g}")


def open_pictures(data: Path, settings: PictureSettings) -> PictureSet:
    """Everything in a folder, a video or an animated picture as squares, with a report.

    Files that cannot be read are skipped and listed with their reasons. Raises TrainingError with a sentence when
    nothing usable is left, or classes are wished that are not there.
    """
    check_settings(settings)
    wish = prepare.Wish(
        settings.size, settings.crop == "random", settings.crop_factor, settings.by_class, settings.frame_rate
    )
    found = prepare.prepare(data, wish)
    _check_classes(data, found, settings)
    keep = np.arange(len(found.labels))
    if settings.drop_duplicates:
        extra = {index for group in found.groups for index in group[1:]}
        keep = np.array([index for index in keep if index not in extra], np.int64)
    if len(found.groups) == 1 and len(found.groups[0]) == len(found.labels):
        raise TrainingError(
            f"all {len(found.labels)} pictures of {data} are the same one; a network learns from their differences: "
            "add others"
        )
    root = data if data.is_dir() else data.parent
    pictures: PictureSet
    if found.file is None:
        pictures = DecodedPictures(found, keep, root, settings)
    else:
        pictures = StoredPictures(settings.size, found, keep)
    pictures.report = _report(found, keep)
    return pictures


def _check_classes(data: Path, found: prepare.Prepared, settings: PictureSettings) -> None:
    if not settings.by_class:
        return
    if len(found.classes) < 2:
        has = f"only {found.classes[0]!r}" if found.classes else "none"
        raise TrainingError(
            f"{data} has {has} of the two or more sub-folders with pictures that by_class needs; put each class into a "
            "folder of its own, or leave by_class off"
        )
    if len(found.classes) > MAX_CLASSES:
        raise TrainingError(f"{data} has {len(found.classes)} sub-folders; a model holds {MAX_CLASSES} classes at most")


def _report(found: prepare.Prepared, keep: NDArray[np.int64]) -> dict[str, Any]:
    extra = [index for group in found.groups for index in group[1:]]
    report: dict[str, Any] = {
        "pictures": len(keep), "skipped": len(found.skipped), "skipped_first": found.skipped[:100],
        "near_duplicates": len(extra),
        "near_duplicates_first": [
            " = ".join(found.names[index] for index in group[:4]) + (" …" if len(group) > 4 else "")
            for group in found.groups[:20]
        ],
        "smaller_than_size": found.smaller, "preparing_seconds": round(found.seconds, 2),
    }
    if found.classes:
        counts = np.bincount(found.labels[keep], minlength=len(found.classes))
        report["classes"] = ", ".join(f"{name} {count}" for name, count in zip(found.classes, counts, strict=True))
    notices = [found.note] if found.note else []
    if extra:
        many = f"{len(extra)} pictures are" if len(extra) > 1 else "one picture is"
        first = report["near_duplicates_first"][0]
        notices.append(f"{many} nearly the same as another ({first}); drop_duplicates leaves out what is double")
    if found.smaller > len(found.labels) // 4:
        notices.append(f"{found.smaller} of {len(found.labels)} pictures had to be enlarged; a smaller size is as good")
    report["notices"] = notices
    return report


def read_pictures(
    folder: Path, size: int, *, by_class: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.int64], tuple[str, ...], dict[str, Any]]:
    """All of a small set at once: ``uint8 (N, 3, size, size)`` (central squares), the number of each one's class, the
    names of the classes, and the report. Raises TrainingError as ``open_pictures``."""
    found = open_pictures(folder, PictureSettings(size=size, by_class=by_class))
    return found.squares(np.arange(len(found)), 0), found.labels, found.classes, found.report


def save_sheet(path: Path, pictures: torch.Tensor, columns: int, gap: int = 2) -> None:
    """Write pictures ``(N, 3, H, W)`` in -1..1 as one PNG of ``columns`` columns on black."""
    count, _, height, width = pictures.shape
    rows = -(-count // columns)
    sheet = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), np.uint8)
    frames = ((pictures.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    for index, frame in enumerate(frames):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = frame
    Image.fromarray(sheet).save(path)


def stream_seed(seed: int, name: str) -> int:
    """A seed of its own for one use of randomness, so that no two draw alike."""
    return (seed * 0x9E3779B1 + zlib.crc32(name.encode())) % 2**63
