"""Pairs of a map and its picture, for image-to-image networks: from two folders, from pictures side by side, or from
pictures alone, whose map is computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.files import FileError
from studio.nn.maps import KINDS, make_map
from studio.picture import ENDINGS, read_image
from studio.training.recipe import TrainingError

Picture = NDArray[np.uint8]

SOURCES = ("auto", *KINDS, "folders", "beside")
MEMORY = 1_500_000_000
"""Bytes of decoded pictures that are kept; the others are read again when their turn comes."""
FOLDERS = (("A", "B"), ("maps", "pictures"), ("input", "target"), ("from", "to"))
"""Names of two folders that hold pairs, the maps first; upper or lower case."""
JITTER = 286 / 256
"""Pairs are enlarged so much before a part is cut out (pix2pix, section 6.2)."""
LEAST_DETAIL, MOST_DETAIL = 0.15, 0.9
"""Computed maps are made bolder and finer at random, as drawings are."""


@dataclass
class Pairs:
    """What a training draws its pairs from. ``held`` are the numbers of files that are only measured on."""

    files: list[tuple[Path, Path]]
    source: str
    size: int
    swapped: bool = False
    least: int = 0
    """Shorter side down to which pictures are made smaller when read, pixels."""
    skipped: list[str] = field(default_factory=list)
    kept: dict[int, tuple[Picture, Picture]] = field(default_factory=dict, repr=False)
    bytes: int = 0

    def read(self, index: int) -> tuple[Picture, Picture]:
        """Map and picture of one file (for a computed map twice the picture). Raises FileError."""
        found = self.kept.get(index)
        if found is None:
            found = self._decode(*self.files[index])
            size = found[1].nbytes if found[0] is found[1] else found[0].nbytes + found[1].nbytes
            if self.bytes + size <= MEMORY:
                self.kept[index] = found
                self.bytes += size
        return found

    def _decode(self, first: Path, second: Path) -> tuple[Picture, Picture]:
        picture = read_image(second)
        if self.source == "beside":
            half = picture.shape[1] // 2
            if half < 2:
                raise FileError(f"{second} is too narrow to hold two pictures side by side")
            pair = picture[:, :half], picture[:, half : 2 * half]
        elif self.source == "folders":
            drawn = read_image(first)
            height, width = picture.shape[:2]
            if abs(drawn.shape[1] / drawn.shape[0] - width / height) > 0.02 * width / height:
                raise FileError(f"{first} and {second} are of different proportions; a pair must show the same")
            fitting = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA)
            pair = np.asarray(fitting, np.uint8), picture
        else:
            smaller = self._shrunk(picture)
            return smaller, smaller
        drawn, picture = (self._shrunk(part) for part in (pair[::-1] if self.swapped else pair))
        return drawn, picture

    def _shrunk(self, picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        factor = self.least / min(height, width)
        if factor >= 1:
            return picture
        size = max(1, round(width * factor)), max(1, round(height * factor))
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)

    def draw(self, rng: np.random.Generator, among: NDArray[np.int64], count: int) -> tuple[Picture, Picture]:
        """``count`` random parts of random files: maps and pictures ``uint8 (count, size, size, 3)``."""
        maps, pictures = (np.empty((count, self.size, self.size, 3), np.uint8) for _ in range(2))
        for place in range(count):
            drawn, picture = self._readable(rng, among)
            height, width = picture.shape[:2]
            if self.source in KINDS:
                # from the whole shorter side down to the size itself, so that near and far are learned
                side = min(height, width) * float(rng.uniform(min(1.0, self.size / min(height, width)), 1.0))
            else:
                side = min(height, width) / JITTER
            top, left = rng.uniform(0, height - side), rng.uniform(0, width - side)
            flip, detail = rng.random() < 0.5, float(rng.uniform(LEAST_DETAIL, MOST_DETAIL))
            maps[place], pictures[place] = self._part(drawn, picture, (top, left, side), detail, bool(flip))
        return maps, pictures

    def _readable(self, rng: np.random.Generator, among: NDArray[np.int64]) -> tuple[Picture, Picture]:
        for _ in range(100):
            index = int(rng.choice(among))
            try:
                return self.read(index)
            except FileError as error:
                if len(self.skipped) < 1000 and str(error) not in self.skipped:
                    self.skipped.append(str(error))
        raise TrainingError("a hundred pictures in a row could not be read; is the disk still there?")

    def still(self, index: int) -> tuple[Picture, Picture]:
        """The middle of one file, the same every time. Raises FileError."""
        drawn, picture = self.read(index)
        height, width = picture.shape[:2]
        side = float(min(height, width))
        return self._part(drawn, picture, ((height - side) / 2, (width - side) / 2, side), 0.5, False)

    def _part(
        self, drawn: Picture, picture: Picture, place: tuple[float, float, float], detail: float, flip: bool
    ) -> tuple[Picture, Picture]:
        cut = _cut(picture, place, self.size)
        cut = np.ascontiguousarray(cut[:, ::-1]) if flip else cut
        if self.source in KINDS:
            return make_map(cut, self.source, detail), cut
        shown = _cut(drawn, place, self.size)
        return (np.ascontiguousarray(shown[:, ::-1]) if flip else shown), cut


def _cut(picture: Picture, place: tuple[float, float, float], size: int) -> Picture:
    top, left, side = place
    rows, columns = (slice(int(start), max(int(start) + 1, int(start + side))) for start in (top, left))
    how = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture[rows, columns], (size, size), interpolation=how), np.uint8)


def find_pairs(data: Path, *, source: str, size: int, swapped: bool) -> tuple[Pairs, dict[str, Any]]:
    """The pairs in a folder and a report on them. ``source`` auto: two folders with usual names, else pictures twice as
    wide as high, else lines are computed. Raises TrainingError with a sentence.
    """
    if source not in SOURCES:
        raise TrainingError(f"source: {source!r} is not one of {', '.join(SOURCES)}")
    if not data.is_dir():
        raise TrainingError(f"{data} is not a folder of pictures; give the folder that holds them")
    both = _two_folders(data)
    chosen = source
    if source == "folders" and both is None:
        names = " or ".join(f"{a} and {b}" for a, b in FOLDERS)
        raise TrainingError(f"{data} does not hold two folders of pairs; name them {names}")
    if source == "auto":
        chosen = "folders" if both is not None else "beside" if _all_beside(data) else "lines"
    report: dict[str, Any] = {"source": chosen}
    if chosen == "folders":
        assert both is not None
        files, lonely = _matched(*both)
        report |= {"without_partner": len(lonely), "without_partner_first": lonely[:10]}
    else:
        files = [(path, path) for path in _pictures(data)]
    if not files:
        raise TrainingError(f"{data} holds no {'pairs of equal names' if chosen == 'folders' else 'pictures'}")
    pairs = Pairs(files, chosen, size, swapped, least=round(3 * size if chosen in KINDS else JITTER * size))
    good = []
    for index, (_, path) in enumerate(files):
        if pairs.bytes > MEMORY * 0.95:  # the rest is read when its turn comes, and a fault is found then
            good.append(index)
            continue
        try:
            smallest = min(pairs.read(index)[1].shape[:2])
            if smallest < 16:
                raise FileError(f"{path} is only {smallest} pixels wide or high")
            good.append(index)
        except FileError as error:
            pairs.skipped.append(str(error))
    if len(good) < 2:
        reason = f"; the first of {len(pairs.skipped)} faults: {pairs.skipped[0]}" if pairs.skipped else ""
        raise TrainingError(f"{data}: usable pictures {len(good)}, at least 2 are needed{reason}")
    pairs.files = [files[index] for index in good]
    pairs.kept = {place: pairs.kept[index] for place, index in enumerate(good) if index in pairs.kept}
    return pairs, {
        **report, "pictures": len(good), "skipped": len(pairs.skipped), "skipped_first": pairs.skipped[:10],
    }


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())


def _two_folders(data: Path) -> tuple[Path, Path] | None:
    here = {path.name.lower(): path for path in data.iterdir() if path.is_dir()}
    for first, second in FOLDERS:
        if first.lower() in here and second.lower() in here:
            return here[first.lower()], here[second.lower()]
    return None


def _matched(first: Path, second: Path) -> tuple[list[tuple[Path, Path]], list[str]]:
    one, two = ({path.relative_to(folder).with_suffix("").as_posix(): path for path in _pictures(folder)}
                for folder in (first, second))
    return [(one[name], two[name]) for name in one if name in two], sorted(one.keys() ^ two.keys())


def _all_beside(data: Path) -> bool:
    """Whether the first pictures are all exactly twice as wide as high, as pairs side by side are."""
    seen = 0
    for path in _pictures(data)[:12]:
        try:
            height, width = read_image(path).shape[:2]
        except FileError:
            continue
        seen += 1
        if width != 2 * height:
            return False
    return seen > 0
