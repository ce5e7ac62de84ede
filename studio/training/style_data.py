"""What the style recipe learns from: the paintings, and photographs to paint on while it learns.

One painting is enough. Where nobody gives photographs, the studio draws its own: its sample scene at many hours and in
all seasons, pictures of its house generator, and parts of the paintings themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio import paths
from studio.engine.chain import GeneratorError, Stage
from studio.engine.render import render
from studio.files import FileError
from studio.nn.gan import load_generator
from studio.nn.weights import WeightsError
from studio.params import ParamSet
from studio.picture import ENDINGS, read_image
from studio.plugins import PluginError, discover
from studio.training.loop import TrainingError

Picture = NDArray[np.uint8]

MAX_STYLES = 64
LEAST_PHOTOS = 4
"""Fewest photographs that will do."""
MANY_PHOTOS = 50
"""From here on more photographs help little; below, the report says so."""
SCENES, FLOWERS, PARTS = 44, 18, 14
"""How many pictures of each kind the studio draws itself: landscapes, sheets of flowers, parts of the paintings."""


@dataclass
class Material:
    """Name → painting ``(H, W, 3)``, photographs ``(size, size, 3)``, and what was found on the way.

    Without photographs the studio is to draw its own (``own_photos``), which takes some seconds: not to check data.
    """

    paintings: dict[str, Picture]
    photos: list[Picture]
    report: dict[str, Any] = field(default_factory=dict)


def gather(data: Path, *, styles: str, photos: str, size: int, style_size: int) -> Material:
    """Paintings and photographs of a training.

    ``data`` is one painting, a folder of paintings, or a folder with a folder ``paintings`` and perhaps one ``photos``.
    ``photos`` names another folder of photographs. ``size`` and ``style_size`` are the shorter sides in pixels.
    Raises TrainingError with a sentence.
    """
    files = find_paintings(data)
    chosen = choose_styles(styles, files)
    paintings = {name: read_painting(path, style_size) for name, path in chosen.items()}
    squares, report = gather_photos(data, photos, size)
    return Material(paintings, squares, {"styles": {name: path.name for name, path in chosen.items()}, **report})


def gather_photos(data: Path, photos: str, size: int) -> tuple[list[Picture], dict[str, Any]]:
    """Photographs to paint on, squares of ``size`` pixels, and what is to be said about them.

    None where the studio is to draw its own. Raises TrainingError with a sentence.
    """
    folder = Path(photos).expanduser() if photos else data / "photos"
    if photos or folder.is_dir():
        squares, skipped = read_photos(folder, size)
        report: dict[str, Any] = {"photos": len(squares), "photos_from": folder.name, "skipped": skipped[:20]}
        if len(squares) < MANY_PHOTOS:
            report["helps"] = f"{MANY_PHOTOS} or more photographs of what your camera will see"
    else:
        squares = []
        report = {
            "photos": SCENES + FLOWERS + PARTS, "skipped": [],
            "photos_from": "the studio's own: its sample scene by day and night and in all seasons, flowers of its "
            "house generator, parts of the paintings",
            "helps": f"photographs of your own, {MANY_PHOTOS} or more of what your camera will see: name their folder "
            "under Photos",
        }
    return squares, report


def find_pictures(folder: Path) -> list[Path]:
    """The pictures in a folder, by name. Raises TrainingError when it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())
    except OSError as error:
        raise TrainingError(f"{folder} cannot be read ({error.strerror or error}); choose another folder") from None


def find_paintings(data: Path) -> list[Path]:
    """The picture files that are to be learned. Raises TrainingError when there is none."""
    if data.is_file():
        return [data]
    inner = data / "paintings"
    found = find_pictures(inner if inner.is_dir() else data)
    if not found:
        where = f"{inner} holds" if inner.is_dir() else f"{data} holds"
        raise TrainingError(f"{where} no picture; give one painting, or a folder of paintings (.jpg, .png, .webp …)")
    return found


def choose_styles(wanted: str, found: list[Path]) -> dict[str, Path]:
    """Name → picture from the ``styles`` setting. Raises TrainingError for unknown or doubled names."""
    stems = {path.stem: path for path in found}
    chosen: dict[str, Path] = {}
    for entry in [part.strip() for part in wanted.split(",") if part.strip()] or list(stems):
        name, _, stem = entry.rpartition("=")
        name, stem = (name or stem).strip(), stem.strip()
        if stem not in stems:
            known = ", ".join(stems) or "none"
            raise TrainingError(f"styles: there is no picture {stem!r} among the paintings; there are: {known}")
        if name in chosen:
            raise TrainingError(f"styles: the name {name!r} is used twice; write other-name={stem}")
        chosen[name] = stems[stem]
    if not 1 <= len(chosen) <= MAX_STYLES:
        raise TrainingError(
            f"styles: {len(chosen)} pictures; one network takes 1 to {MAX_STYLES}: name those you want, with commas"
        )
    return chosen


def read_painting(path: Path, shorter: int) -> Picture:
    """A painting ``(H, W, 3)`` whose shorter side is ``shorter`` pixels. Raises TrainingError."""
    try:
        return _scaled(read_image(path), shorter)
    except FileError as error:
        raise TrainingError(f"{error}; a painting is a picture of 32 pixels or more each way") from None


def read_photos(folder: Path, size: int) -> tuple[list[Picture], list[str]]:
    """The photographs of a folder as squares ``(size, size, 3)``, and the names of those that would not do.

    Raises TrainingError when there are too few.
    """
    if not folder.is_dir():
        raise TrainingError(f"photos: {folder} is not a folder; name one, or none: the studio has pictures of its own")
    squares: list[Picture] = []
    skipped: list[str] = []
    for path in find_pictures(folder):
        try:
            squares.append(_middle(_scaled(read_image(path), size), size))
        except FileError:
            skipped.append(path.name)
    if len(squares) < LEAST_PHOTOS:
        raise TrainingError(
            f"{folder} has {len(squares)} usable photographs; at least {LEAST_PHOTOS} are needed, or give none: the "
            "studio has some of its own"
        )
    return squares, skipped


def own_photos(paintings: list[Picture], size: int, seed: int) -> list[Picture]:
    """What the studio has to paint on, squares ``(size, size, 3)``: the same ones for the same seed and paintings.

    Landscapes come from the sample scene, flowers from the house generator; where one of them is missing the others
    have to do. Raises TrainingError when nothing can be drawn.
    """
    rng = np.random.default_rng([seed, 20])
    made: list[Picture] = []
    reasons: list[str] = []
    try:
        made += [part_of(frame, size, rng) for frame in _scenes(rng)]
    except (KeyError, PluginError, GeneratorError) as error:
        reasons.append(f"the sample scene: {error}")
    try:
        made += _flowers(size, rng)
    except (FileNotFoundError, WeightsError) as error:
        reasons.append(str(error))
    for _ in range(PARTS if made else 0):
        made.append(part_of(paintings[int(rng.integers(len(paintings)))], size, rng))
    if len(made) < LEAST_PHOTOS:
        raise TrainingError(
            f"there are no photographs to paint on, and the studio cannot draw its own ({'; '.join(reasons)}); name a "
            "folder under photos"
        )
    return made


def _scenes(rng: np.random.Generator) -> Iterator[Picture]:
    """Frames ``(360, 480, 3)`` of the sample scene: lands, seasons, hours and weathers as chance has them."""
    plugin = discover(builtin_only=True).get("reverie.sample_scene")
    scene = plugin.load()
    seasons = ("spring", "summer", "autumn", "winter")
    for number in range(SCENES):
        hour = float(rng.uniform(6.0, 20.5)) if number % 7 else float(rng.uniform(20.5, 29.0)) % 24.0
        values = ParamSet(scene.params)
        values.load({
            "hour": hour, "clouds": float(rng.uniform(0.1, 0.9)), "wind": float(rng.random()),
            "waves": float(rng.random()), "season": seasons[number % 4], "birds": int(rng.integers(0, 20)),
            "grain": float(rng.choice([0.0, 0.0, 0.02])), "seed": int(rng.integers(1, 1000)),
        })
        frames = render([Stage(scene, values, plugin.folder)], frames=1, seed=number, size=(480, 360))
        yield from (np.asarray(frame, np.uint8) for frame in frames)


@torch.no_grad()
def _flowers(size: int, rng: np.random.Generator) -> list[Picture]:
    """Pictures of the house generator: every third one large, the others sheets of four or nine."""
    import cv2

    net = load_generator(paths.find_model("flowers"))
    chance = torch.Generator().manual_seed(int(rng.integers(2**31)))
    made: list[Picture] = []
    for number in range(FLOWERS):
        across = 1 + number % 3
        z = torch.randn(across * across, net.config.latent, generator=chance) * 0.8
        pictures = ((net(z).clamp(-1, 1) + 1) * 127.5).byte().permute(0, 2, 3, 1).numpy()
        rows = [np.concatenate(list(pictures[across * row : across * (row + 1)]), 1) for row in range(across)]
        sheet = np.concatenate(rows, 0)
        made.append(np.ascontiguousarray(cv2.resize(sheet, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8))
    return made


def part_of(picture: Picture, size: int, rng: np.random.Generator, least: float = 0.5) -> Picture:
    """A square out of a picture, of ``least`` of its shorter side or more, scaled to ``size``."""
    import cv2

    height, width = picture.shape[:2]
    side = int(min(height, width) * rng.uniform(least, 1.0))
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    how = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    part = cv2.resize(picture[top : top + side, left : left + side], (size, size), interpolation=how)
    return np.ascontiguousarray(part, np.uint8)


def to_batch(pictures: Iterable[Picture]) -> Tensor:
    """Pictures of one size to ``(N, 3, H, W)`` in 0..1."""
    return torch.from_numpy(np.stack(list(pictures))).permute(0, 3, 1, 2).float().div_(255)


def _scaled(picture: Picture, shorter: int) -> Picture:
    """A picture ``(H, W, 3)`` whose shorter side is ``shorter`` pixels. Raises FileError for a tiny one."""
    import cv2

    if min(picture.shape[:2]) < 32:
        raise FileError(f"a picture of {picture.shape[1]}x{picture.shape[0]} pixels is too small")
    factor = shorter / min(picture.shape[:2])
    if factor != 1.0:
        shape = (max(shorter, round(picture.shape[1] * factor)), max(shorter, round(picture.shape[0] * factor)))
        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        picture = np.asarray(cv2.resize(picture, shape, interpolation=how), np.uint8)
    return np.ascontiguousarray(picture)


def _middle(picture: Picture, size: int) -> Picture:
    y, x = ((length - size) // 2 for length in picture.shape[:2])
    return np.ascontiguousarray(picture[y : y + size, x : x + size])
