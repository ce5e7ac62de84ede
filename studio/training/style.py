"""``reverie train style``: one painting or several into one fast network.

A new style usually begins with the network of the house styles: most of what it takes to paint is there, and only the
row of the new style, some 1,800 numbers, is learned, beginning as what its reader says of the painting, or as the style
that comes nearest (Dumoulin et al. 2017, section 3.3). The network itself stays as it is, and the model keeps all the
styles that it had. The losses are those of studio/training/style_base.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from studio import paths
from studio.nn.style import ARCHITECTURE, MAX_PARAMETERS, StyleNet, joined, with_rows
from studio.nn.style_reader import StyleReader, load_reader, tensors_of
from studio.training.recipe import Config, Export, TrainingError
from studio.training.style_base import Aim, PaintConfig, PaintRecipe, average, held, sheet
from studio.training.style_data import gather, to_batch

READ = "what the reader says"
"""Where a row begins that is like no other."""


@dataclass
class StyleConfig(PaintConfig):
    """Settings of the style recipe."""

    steps: int = 400
    styles: str = ""
    """Paintings to learn, by name without ending, with commas; ``name=file`` gives another name. Empty: all."""
    learn: Literal["new", "all"] = "new"
    """new: adds these styles to the model it begins with, which stays as it is. all: tunes the whole network to these
    paintings alone, which takes longer. From nothing all is learned."""
    stem: int = 48
    """Channels at a quarter of the size, where it begins from nothing."""
    trunk: int = 128
    """Channels at an eighth of the size, where it begins from nothing."""
    blocks: int = 5
    """Residual convolutions at an eighth of the size, where it begins from nothing."""


class StyleRecipe(PaintRecipe):
    """Trains one StyleNet on a painting or several; see ``style_data.gather`` for what DATA may be."""

    name: ClassVar[str] = "style"
    help: ClassVar[str] = "One painting or several into a network that styles a camera picture at frame rate"
    Settings: ClassVar[type[Config]] = StyleConfig
    config: StyleConfig

    def prepare(self, data: Path) -> dict[str, Any]:
        config = self.config
        self._check()
        found = gather(
            data, styles=config.styles, photos=config.photos, size=config.size, style_size=config.style_size
        )
        self.paintings, self.squares, self.photos_from = found.paintings, found.photos, found.report["photos_from"]
        self.styles = list(self.paintings)
        kept = held(found.report["photos"])
        return {**found.report, "photos": found.report["photos"] - kept, "held_out": kept}

    def build(self) -> None:
        config = self.config
        self._split(list(self.paintings.values()))
        self._open_features()
        aims = [self._aim(to_batch([painting]).to(config.device)) for painting in self.paintings.values()]
        self.aim = Aim(*({k: torch.cat([getattr(one, part)[k] for one in aims]) for k in aims[0].grams}
                         for part in ("grams", "start")))
        net = self._begin()
        if sum(p.numel() for p in net.parameters()) > MAX_PARAMETERS:
            raise TrainingError(f"stem, trunk, blocks: the network would have more than {MAX_PARAMETERS:,} parameters")
        slow = StyleNet(self.styles, net.stem, net.trunk, net.blocks)
        slow.load_state_dict(net.state_dict())
        self.modules = {
            name: module.to(config.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            for name, module in (("net", net), ("average", slow.requires_grad_(False)))
        }
        self.net, self.average = net, slow
        self.optimisers = {"adam": torch.optim.Adam(self._learned(net), config.learning_rate, betas=(0.9, 0.99))}

    def _begin(self) -> StyleNet:
        """The network as it begins: random, or that of ``initial`` with a row for each new style."""
        config = self.config
        self.base: StyleNet | None = None
        self.reader: StyleReader | None = None
        self.like: dict[str, str] = {}
        if config.initial in ("", "none"):
            return StyleNet(self.styles, config.stem, config.trunk, config.blocks)
        base = self._open_initial()
        self.reader = load_reader(paths.find_model(config.initial))
        self.like, read = self._nearest(base.to(config.device))
        if config.learn == "new":
            self.base = base
        net = with_rows(base.cpu(), self.styles, {new: old for new, old in self.like.items() if old != READ})
        with torch.no_grad():
            for name, row in read.items():
                place, whole = self.styles.index(name), sum(net.channels)
                for table, part in ((net.gamma, row[:whole]), (net.beta, row[whole:-1]), (net.keep, row[-1:])):
                    table[place] = part
        return net

    @torch.no_grad()
    def _nearest(self, base: StyleNet) -> tuple[dict[str, str], dict[str, Tensor]]:
        """The best begin of each new style, by the loss on some photographs: the name of a style of ``base``, or the
        row that the reader makes of the painting."""
        picture = self._some_photos(4)
        like: dict[str, str] = {}
        read: dict[str, Tensor] = {}
        for place, name in enumerate(self.styles):
            if name in base.styles:
                continue
            begins = dict(zip(base.styles, base.table(), strict=False))
            if self.reader is not None:
                painting = to_batch([self.paintings[name]])[0]
                begins[READ] = self.reader.read(painting).to(picture.device)
            scores = {other: self._score(base, row, place, picture) for other, row in begins.items()}
            best = min(scores, key=lambda other: scores[other])
            like[name] = best
            if best == READ:
                read[name] = begins[READ]
        return like, read

    def _score(self, net: StyleNet, row: Tensor, style: int, picture: Tensor) -> float:
        """The loss of painting ``picture`` with ``row``, as the style number ``style``."""
        count = len(picture)
        with self.mixed():
            out = net.paint(picture, row.expand(count, -1))
        aim = self.aim.of(torch.full((count,), style, device=picture.device))
        return float(self._total(self._losses(out, picture, aim, torch.ones(count, device=picture.device))))

    def _learned(self, net: StyleNet) -> list[dict[str, Any]]:
        """What the optimiser moves: a row is moved by its own pictures only, and takes larger steps for that."""
        table = [net.gamma, net.beta, net.keep]
        shared = [value for name, value in net.named_parameters() if name not in ("gamma", "beta", "keep")]
        if self.base is None:
            return [{"params": shared, "share": 1.0}, {"params": table, "share": 12.0 if self.like else 4.0}]
        for value in shared:
            value.requires_grad_(False)
        for value in table:
            value.register_hook(_without_plain)  # type: ignore[no-untyped-call]
        return [{"params": table, "share": 30.0}]

    def _rows(self, style: Tensor, strength: Tensor) -> Tensor:
        """Rows ``(N, width)`` for style numbers ``(N,)``, mixed with the plain one where ``strength`` is below 1."""
        table = self.net.table()
        return torch.lerp(table[-1:], table[style], strength[:, None])

    def step(self, index: int) -> dict[str, float]:
        config = self.config
        with self.fetching():
            picture = self._photo_batch()
        # all styles come up equally often
        first = (index * self.shard.count + self.shard.index) * config.batch
        style = torch.tensor([(first + k) % len(self.styles) for k in range(config.batch)], device=config.device)
        strength = self._strengths()
        losses = self._painted(index, picture, self._rows(style, strength), self.aim.of(style), strength)
        figures = self._learn(index, losses, clip=10.0)
        if self.shard.last and math.isfinite(figures["total"]):
            average(self.average, self.net, index)
        return figures

    @torch.no_grad()
    def by_style(self) -> dict[str, dict[str, float]]:
        """The losses of each style on the held-out photographs, and their weighted sum ``total``."""
        found: dict[str, dict[str, float]] = {}
        picture = self.held_out.to(self.config.device)
        count, table = len(picture), self.average.table()
        ones = torch.ones(count, device=picture.device)
        for row, name in enumerate(self.styles):
            with self.mixed():
                out = self.average.paint(picture, table[row].expand(count, -1))
            losses = self._losses(out, picture, self.aim.of(torch.full((count,), row, device=picture.device)), ones)
            found[name] = {"total": float(self._total(losses)), **{key: float(one) for key, one in losses.items()}}
        return found

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean losses on the held-out photographs; ``style_NAME`` is the share of the distance to that style left."""
        found = self.by_style()
        picture = self.held_out.to(self.config.device)
        with self.mixed():
            plain = self.average.paint(picture, self.average.table()[-1].expand(len(picture), -1))
        return {
            **{f"style_{name}": round(losses["style"], 5) for name, losses in found.items()},
            "content": round(float(np.mean([losses["content"] for losses in found.values()])), 4),
            "plain_mae": round(float((plain.clamp(0, 1) - picture).abs().mean()), 4),
            "score": round(float(np.mean([losses["total"] for losses in found.values()])), 5),
        }

    @torch.no_grad()
    def sample(self, folder: Path, index: int) -> list[Path]:
        """A sheet: held-out photographs across, the styles down, the plain row last."""
        picture = self.held_out[:5].to(self.config.device)
        rows = [self.average.paint(picture, row.expand(len(picture), -1)) for row in self.average.table()]
        path = folder / f"style_{index:06d}.png"
        path.write_bytes(sheet([picture, *rows]))
        return [path]

    def export(self) -> Export:
        net = self.average.cpu()
        card: dict[str, Any] = {
            "title": "Styles for the camera",
            "about": "A feed-forward style network; each painting is one row of scales and shifts.",
            "data": f"the paintings in data_report, and {len(self.photos)} pictures to paint on: {self.photos_from}",
        }
        config, tensors = net.config, {}
        if self.base is not None:
            card |= {"learned_parameters": len(self.styles) * net.width, "began_as": self.like}
            card["data"] += f"; the other styles are those of {Path(self.config.initial).stem}"
            net = joined(self.base, net)
            config = net.config
            if self.reader is not None:
                tensors = tensors_of(self.reader.cpu())
                config["reader"] = self.reader.config
        tensors |= net.state_dict()
        card["parameters"] = sum(p.numel() for p in net.parameters())
        return Export({name: value.half() for name, value in tensors.items()}, ARCHITECTURE, config, card)


def _without_plain(gradient: Tensor) -> Tensor:
    """The gradient of a table of rows with nothing in its last: the plain picture stays as it is."""
    return torch.cat([gradient[:-1], torch.zeros_like(gradient[-1:])])
