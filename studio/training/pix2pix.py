"""Recipe ``pix2pix``: a network that turns a map into a picture (Isola et al. 2017), from pairs or from pictures alone.

The paper's objective: cross entropy against a 70x70 PatchGAN that sees the map too, plus 100 times the mean absolute
difference; Adam at 2e-4 with momentum 0.5; jitter and mirroring. Here beyond the paper: a light network for live use,
and a moving average of its weights, which is what is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import nn

from studio.files import FileError
from studio.nn.pix2pix import ARCHITECTURE, PatchDiscriminator, Pix2PixConfig, adversarial, make_net
from studio.training.pairs import Picture, find_pairs
from studio.training.pictures import save_sheet
from studio.training.rates import set_rate
from studio.training.recipe import Config, Export, Recipe, TrainingError

SHOWN = 8
"""Held-out pairs on the sample sheet."""


@dataclass
class Pix2PixSettings(Config):
    """Settings of the ``pix2pix`` recipe."""

    steps: int = 4000
    source: Literal["auto", "lines", "edges", "shapes", "folders", "beside"] = "auto"
    """What the network begins from: lines, edges or flat shapes computed from the pictures; pairs in two folders A and
    B, or beside each other in one picture. auto: pairs where there are some, else lines."""
    direction: Literal["AtoB", "BtoA"] = "AtoB"
    """Of pairs: which side is the map (AtoB: the first folder, the left half)."""
    network: Literal["light", "paper"] = "light"
    """light: live on a CPU; paper: the U-Net of 54 million weights, for a GPU."""
    size: int = 128
    """Pixels per side of what it learns from: a multiple of 64 (light) or 256 (paper)."""
    width: int = 0
    """Channels of the first level; 0: 24 for light, 64 for paper."""
    batch: int = 4
    """Pairs per step."""
    rate: float = 2e-4
    """Learning rate of both networks; in the second half of the training it falls to zero."""
    l1: float = 100.0
    """Weight of the mean absolute difference against the judgement (1): less is livelier and less faithful."""
    dropout: float = 0.0
    """Share of features left out at the innermost levels while training; the paper has 0.5."""
    judge_width: int = 32
    """Channels of the first level of the discriminator; the paper has 64."""
    licence: str = ""
    """Licence of the pictures, for the card."""
    origin: str = ""
    """Where the pictures come from, for the card."""
    validate_every: int = 500
    sample_every: int = 500
    checkpoint_every: int = 250


class Pix2PixRecipe(Recipe):
    """See the module."""

    name: ClassVar[str] = "pix2pix"
    help: ClassVar[str] = "drawing, edges or flat shapes to picture (for edges_to_picture), from pairs or pictures"
    Settings: ClassVar[type[Config]] = Pix2PixSettings
    watched: ClassVar[tuple[str, ...] | None] = ("l1",)
    config: Pix2PixSettings

    def prepare(self, data: Path) -> dict[str, Any]:
        s = self.config
        levels = 8 if s.network == "paper" else 6
        if s.size < 1 << levels or s.size % (1 << levels):
            wanted = f"a multiple of {1 << levels}, which the {s.network} network needs"
            raise TrainingError(f"size: {s.size} is not {wanted}")
        if s.batch < 1:
            raise TrainingError(f"batch must be at least 1, not {s.batch}")
        self.pairs, report = find_pairs(data, source=s.source, size=s.size, swapped=s.direction == "BtoA")
        order = np.random.default_rng(s.seed).permutation(len(self.pairs.files))
        # of a handful of pictures none can be spared: then the figures are those of pictures that it knows
        held = min(64, len(order) // 10)
        self.held, self.train = order[: held or min(8, len(order))], order[held:]
        try:
            source = self.pairs.source if self.pairs.source in ("lines", "edges", "shapes") else "pairs"
            self.shape = Pix2PixConfig(s.network, s.width or (64 if s.network == "paper" else 24), levels, s.dropout,
                                       source, s.size)
        except ValueError as error:
            raise TrainingError(str(error)) from None
        return {**report, "train": len(self.train), "held_out": held}

    def build(self) -> None:
        s = self.config
        self.net, self.average = make_net(self.shape), make_net(self.shape)
        self.average.load_state_dict(self.net.state_dict())
        self.average.requires_grad_(False).eval()
        self.judge = PatchDiscriminator(s.judge_width)
        self.modules = {"net": self.net, "average": self.average, "judge": self.judge}
        for module in self.modules.values():
            module.to(s.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimisers = {
            name: torch.optim.Adam(self.modules[name].parameters(), s.rate, (0.5, 0.999)) for name in ("net", "judge")
        }

    def _tensor(self, pictures: Picture) -> torch.Tensor:
        """``uint8 (N, H, W, 3)`` to -1..1 ``(N, 3, H, W)``."""
        tensor = torch.from_numpy(pictures).to(self.config.device).permute(0, 3, 1, 2)
        return tensor.float().div_(127.5).sub_(1.0).contiguous(memory_format=torch.channels_last)

    def step(self, index: int) -> dict[str, float]:
        s = self.config
        for optimiser in self.optimisers.values():
            set_rate(optimiser, s.rate * min(1.0, 2.0 * (1.0 - index / max(1, s.steps))))
        with self.fetching():
            drawn, wanted = (self._tensor(part) for part in self.pairs.draw(self.rng, self.train, s.batch))
        with self.mixed():
            made = self.net(drawn)
        # the judge: its loss is halved, so that it learns slower than what it judges (section 3.3)
        self.judge.requires_grad_(True)
        with self.mixed():
            real, fake = self.judge(drawn, wanted), self.judge(drawn, made.detach())
        judged = 0.5 * (adversarial(real.float(), True) + adversarial(fake.float(), False))
        self.optimisers["judge"].zero_grad(set_to_none=True)
        self.backward(judged)
        self.update("judge")
        self.judge.requires_grad_(False)
        with self.mixed():
            scores = self.judge(drawn, made)
        deceived, differs = adversarial(scores.float(), True), (made - wanted).abs().mean()
        total = deceived + s.l1 * differs
        self.optimisers["net"].zero_grad(set_to_none=True)
        self.backward(total)
        losses = {"gan": float(deceived.detach()), "l1": float(differs.detach()), "judge": float(judged.detach())}
        if all(math.isfinite(value) for value in losses.values()):
            self.update("net")
            if self.shard.last:
                self._follow(index)
        return losses

    @torch.no_grad()
    def _follow(self, index: int) -> None:
        keep = min(0.998, (1 + index) / (10 + index))
        for mean, now in zip(self.average.parameters(), self.net.parameters(), strict=True):
            mean.lerp_(now, 1 - keep)

    @torch.no_grad()
    def settle(self) -> nn.Module:
        """The averaged network, its normalisations measured with its own weights on training pairs."""
        net = self.average
        norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the plain mean over what follows
            norm.train()
        rng = np.random.default_rng([self.config.seed, 2])
        for _ in range(16):
            drawn, _ = self.pairs.draw(rng, self.train, max(4, self.config.batch))
            with self.mixed():
                net(self._tensor(drawn))
        for norm in norms:
            norm.momentum = 0.1
        return net.eval()

    def _held(self, most: int) -> tuple[torch.Tensor, torch.Tensor]:
        found = []
        for index in self.held[:most]:
            try:
                found.append(self.pairs.still(int(index)))
            except FileError:
                continue  # unreadable since it was looked at; listed there
        if not found:
            raise TrainingError("none of the held-out pictures can be read any more; is the disk still there?")
        return self._tensor(np.stack([pair[0] for pair in found])), self._tensor(np.stack([pair[1] for pair in found]))

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean absolute difference on held-out pairs, of the value range -1..1, and how colourful it dares to be."""
        net = self.settle()
        drawn, wanted = self._held(64)
        with self.mixed():
            made = torch.cat([net(part) for part in torch.split(drawn, 8)]).float()
        texture = (made - nn.functional.avg_pool2d(made, 5, 1, 2)).std() / (
            wanted - nn.functional.avg_pool2d(wanted, 5, 1, 2)).std().clamp_min(1e-6)
        # no "score": the smallest difference is the blurriest picture, not the best; the last weights are kept
        return {"l1": float((made - wanted).abs().mean()), "texture": float(texture)}

    @torch.no_grad()
    def sample(self, folder: Path, index: int) -> list[Path]:
        """A sheet of held-out pairs: the map, what is made of it, the picture."""
        net = self.settle()
        drawn, wanted = self._held(SHOWN)
        with self.mixed():
            made = net(drawn).float()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"sample_{index:06d}.png"
        save_sheet(path, torch.cat([drawn, made, wanted]), len(drawn))
        return [path]

    def export(self) -> Export:
        net = self.settle()
        tensors = {
            name: tensor.half() if tensor.is_floating_point() and "running_" not in name else tensor
            for name, tensor in net.state_dict().items()
        }
        begins = {"pairs": "maps", "shapes": "flat shapes"}.get(self.shape.source, self.shape.source)
        card = {
            "title": f"{begins.capitalize()} to picture, {self.config.size} pixels",
            "about": "Makes a picture of a map that a hand could have drawn (pix2pix, Isola et al. 2017)",
            "parameters": sum(p.numel() for p in net.parameters()),
        }
        for name, value in (("data", self.config.origin), ("licence", self.config.licence)):
            if value:
                card[name] = value
        return Export(tensors, ARCHITECTURE, self.shape.to_dict(), card)
