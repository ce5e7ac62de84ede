"""``reverie train anystyle``: teach a style network to take any picture as a style, at once.

The network and its styles stay as they are; a reader (studio/nn/style_reader.py) learns to make a row of scales and
shifts from a style picture, by the losses of the pictures painted with it (Ghiasi et al. 2017). What it learns on are
parts of paintings at several sizes and, so that it meets colours and textures of all kinds, photographs as well.
Before, it learns for some seconds by heart which rows the network has for paintings that it knows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from studio import paths
from studio.files import FileError
from studio.nn.features import FeatureError, load_features
from studio.nn.style import ARCHITECTURE, StyleNet
from studio.nn.style_reader import MAX_PARAMETERS, StyleReader, eyes_of, load_reader, tensors_of
from studio.nn.vgg import VGG
from studio.nn.weights import WeightsError
from studio.training.recipe import Config, Export, TrainingError
from studio.training.style_base import PaintConfig, PaintRecipe, average, held, sheet
from studio.training.style_data import (
    Picture,
    choose_styles,
    find_paintings,
    gather_photos,
    part_of,
    read_painting,
    to_batch,
)

HELD_STYLES = 3
"""Paintings that are kept to measure on, where there are enough."""
BY_HEART = 200
"""Steps of learning the known rows by heart, and parts of each painting that are used for it."""
PARTS = 12


@dataclass
class AnyStyleConfig(PaintConfig):
    """Settings of the anystyle recipe."""

    steps: int = 2000
    batch: int = 2
    """Style pictures per step, each with a photograph to paint."""
    learning_rate: float = 1e-3
    """Step size at the start; it falls along a cosine to a twentieth."""
    known: str = ""
    """Paintings whose rows the network has, as ``style=file`` with commas: the reader begins by learning these."""
    unseen: str = ""
    """Paintings to measure on instead of learning from, by name, with commas. Empty: three from all over the folder."""
    photo_share: float = 0.5
    """Share of photographs among the style pictures."""
    hidden: int = 128
    """Size of the reader's hidden layers, where the network has no reader yet."""
    eyes: str = "style_features"
    """What the reader looks with, where the network has no reader yet: the name of a VGG model, or a path."""


class AnyStyleRecipe(PaintRecipe):
    """Trains the reader of a style network on a folder of paintings."""

    name: ClassVar[str] = "anystyle"
    help: ClassVar[str] = "Teaches a style network to take any picture as a style at once, without training"
    Settings: ClassVar[type[Config]] = AnyStyleConfig
    config: AnyStyleConfig

    def prepare(self, data: Path) -> dict[str, Any]:
        config = self.config
        self._check()
        if config.initial in ("", "none"):
            raise TrainingError("initial: a reader needs a style network whose rows it makes; name a style model")
        if not 0.0 <= config.photo_share < 1.0:
            raise TrainingError(f"photo_share: {config.photo_share} must be from 0 to less than 1")
        files = find_paintings(data)
        self.known = choose_styles(config.known, files) if config.known.strip() else {}
        unseen = set(choose_styles(config.unseen, files).values()) if config.unseen.strip() else set(_spread(files))
        self.paintings: dict[str, Picture] = {}
        self.unseen: dict[str, Picture] = {}
        skipped: list[str] = []
        for path in files:
            try:
                (self.unseen if path in unseen else self.paintings)[path.stem] = read_painting(path, config.style_size)
            except (TrainingError, FileError):
                skipped.append(path.name)
        if not self.paintings:
            raise TrainingError(f"{data} holds no usable painting to learn from; give a folder of paintings, the more "
                                "and the more different the better")
        self.squares, report = gather_photos(data, config.photos, config.size)
        self.photos_from = report["photos_from"]
        kept = held(report["photos"])
        return {
            "styles": len(self.paintings), "unseen": sorted(self.unseen), **report, "photos": report["photos"] - kept,
            "held_out": kept, "skipped": [*skipped, *report["skipped"]][:20],
        }

    def build(self) -> None:
        config = self.config
        self._split(list(self.paintings.values()))
        self._open_features()
        self.net = self._open_initial().to(config.device).eval().requires_grad_(False)
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        fast, slow = self._new_reader(self.net), self._new_reader(self.net)
        count = sum(p.numel() for module in (fast, self.net) for p in module.parameters())
        if count > MAX_PARAMETERS:
            raise TrainingError(f"hidden: network and reader would have {count:,} parameters; at most "
                                f"{MAX_PARAMETERS:,} are allowed")
        self._begin(fast)
        slow.load_state_dict(fast.state_dict())
        self.modules = {"reader": fast, "average": slow.requires_grad_(False)}
        self.reader, self.average = fast, slow
        learned = [value for value in fast.parameters() if value.requires_grad]
        self.optimisers = {"adam": torch.optim.Adam(
            [{"params": learned, "share": 1.0}], config.learning_rate, betas=(0.9, 0.99)
        )}
        with torch.no_grad():
            # the same unseen styles and as many seen ones at each validation
            seen = list(self.paintings.values())[:: max(1, len(self.paintings) // 3)][:3]
            self.judged = {
                "seen": to_batch([_middle(p, config.style_size) for p in seen]).to(config.device),
                "unseen": to_batch([_middle(p, config.style_size) for p in self.unseen.values()]).to(config.device)
                if self.unseen else None,
            }

    def _new_reader(self, net: StyleNet) -> StyleReader:
        """The reader that the network has, else a new one."""
        config = self.config
        try:
            found = load_reader(paths.find_model(config.initial), device=config.device)
            if found is not None:
                return found
            eyes = load_features(paths.find_model(config.eyes))
            if not isinstance(eyes, VGG):
                raise FeatureError(f"{config.eyes} is no VGG; name one")
            return StyleReader(eyes_of(eyes), net.width, config.hidden).to(config.device)
        except (FileNotFoundError, FeatureError, WeightsError) as error:
            raise TrainingError(f"eyes: {error}") from None

    def _begin(self, reader: StyleReader) -> None:
        """A new reader learns in what units things are told to it, and the rows that the network has."""
        if bool(reader.last.weight.detach().any()):
            return  # it has learned before
        table = self.net.table()
        with torch.no_grad():
            told = torch.cat([reader.look(self._style_batch(4)) for _ in range(24)])
            reader.centre.copy_(told.mean(0))
            reader.spread.copy_(told.std(0).clamp_min(1e-3))
            reader.last.bias.copy_(table[:-1].mean(0))
        if not self.known:
            return
        size = self.config.style_size
        with torch.no_grad():
            parts = [
                reader.look(to_batch([part_of(self._read(path), size, self.rng, 0.6)]).to(self.config.device))
                for path in self.known.values() for _ in range(PARTS)
            ]
        unknown = [name for name in self.known if name not in self.net.styles]
        if unknown:
            raise TrainingError(f"known: the network has no style {unknown[0]!r}; it has {', '.join(self.net.styles)}")
        wanted = torch.stack([table[self.net.styles.index(name)] for name in self.known for _ in range(PARTS)])
        unit = wanted.std(0).clamp_min(1e-3)
        told, adam = torch.cat(parts), torch.optim.Adam(
            [value for value in reader.parameters() if value.requires_grad], 2e-3, weight_decay=1e-4
        )
        for _ in range(BY_HEART):
            adam.zero_grad()
            loss = ((reader.rows(told) - wanted) / unit).square().mean()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()

    def _read(self, path: Path) -> Picture:
        found = self.paintings.get(path.stem)
        return found if found is not None else self.unseen[path.stem]

    def _style_batch(self, count: int) -> Tensor:
        """Style pictures: parts of paintings and photographs, upright or mirrored ``(count, 3, size, size)``."""
        size, made = min(256, 2 * self.config.size), []
        paintings = list(self.paintings.values())
        for _ in range(count):
            if self.rng.random() < self.config.photo_share:
                source: Picture = self.photos[int(self.rng.integers(len(self.photos)))]
                part = part_of(source, size, self.rng, 0.6)
            else:
                part = part_of(paintings[int(self.rng.integers(len(paintings)))], size, self.rng, 0.4)
            made.append(part[:, ::-1] if self.rng.random() < 0.5 else part)
        return to_batch(made).to(self.config.device)

    def step(self, index: int) -> dict[str, float]:
        with self.fetching():
            picture, style = self._photo_batch(), self._style_batch(self.config.batch)
        strength = self._strengths()
        plain = self.net.table()[-1:]
        rows = torch.lerp(plain, self.reader(style), strength[:, None])
        losses = self._painted(index, picture, rows, self._aim(style), strength)
        figures = self._learn(index, losses, clip=1.0)
        if self.shard.last and math.isfinite(figures["total"]):
            average(self.average, self.reader, index)
        return figures

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean losses on held-out photographs, for paintings that were learned from and for others (``unseen``)."""
        figures: dict[str, float] = {}
        picture = self.held_out.to(self.config.device)
        for kind, styles in self.judged.items():
            losses = [self._judge(picture, one[None]) for one in styles] if styles is not None else []
            for name in ("style", "content", "total") if losses else ():
                figures[f"{name}_{kind}"] = round(float(np.mean([one[name] for one in losses])), 5)
        figures["score"] = figures.get("total_unseen", figures["total_seen"])
        return figures

    def _judge(self, picture: Tensor, style: Tensor) -> dict[str, float]:
        """The losses of ``picture (N, 3, H, W)`` painted in one style ``(1, 3, H, W)``."""
        count = len(picture)
        with self.mixed():
            out = self.net.paint(picture, self.average(style).float().expand(count, -1))
        aim = self._aim(style).of(torch.zeros(count, dtype=torch.long, device=picture.device))
        losses = self._losses(out, picture, aim, torch.ones(count, device=picture.device))
        return {"total": float(self._total(losses)), **{name: float(value) for name, value in losses.items()}}

    @torch.no_grad()
    def sample(self, folder: Path, index: int) -> list[Path]:
        """A sheet: held-out photographs across; a row for each unseen style, its picture first."""
        picture = self.held_out[:5].to(self.config.device)
        styles = [one for one in self.judged.values() if one is not None]
        rows = [torch.cat([torch.ones_like(picture[:1]), picture])]
        for style in torch.cat(styles):
            painted = self.net.paint(picture, self.average(style[None]).expand(len(picture), -1))
            small = torch.nn.functional.interpolate(style[None], picture.shape[2:], mode="area")
            rows.append(torch.cat([small, painted]))
        path = folder / f"anystyle_{index:06d}.png"
        path.write_bytes(sheet(rows))
        return [path]

    def export(self) -> Export:
        reader, net = self.average.cpu(), self.net.cpu()
        tensors = {**net.state_dict(), **tensors_of(reader)}
        card = {
            "title": "Styles for the camera, and any picture as a style",
            "about": "A feed-forward style network; each painting is one row of scales and shifts, and a reader makes "
            "such a row from any picture.",
            "data": f"{len(self.paintings)} paintings, and {len(self.photos)} pictures to paint on and as styles: "
            f"{self.photos_from}; the network is that of {Path(self.config.initial).stem}",
            "parameters": sum(p.numel() for module in (reader, net) for p in module.parameters()),
        }
        config = {**net.config, "reader": reader.config}
        return Export({name: value.half() for name, value in tensors.items()}, ARCHITECTURE, config, card)


def _spread(files: list[Path]) -> list[Path]:
    """Some of the files, from all over the list, where enough are left to learn from."""
    if len(files) < 3 * HELD_STYLES:
        return []
    step = len(files) // HELD_STYLES
    return files[step // 2 :: step][:HELD_STYLES]


def _middle(picture: Picture, size: int) -> Picture:
    top, left = ((side - size) // 2 for side in picture.shape[:2])
    return np.ascontiguousarray(picture[top : top + size, left : left + size])
