"""Recipe ``few``: a picture generator from a hundred to two thousand pictures, at 256 pixels and more.

FastGAN (Liu et al. 2021): skip-layer excitation in the generator, and a discriminator that has to draw again what it
saw, so that it looks at all of a picture, not at what betrays it.

The drawings are compared by pixels at two sizes, and by features where there is a feature network (the paper: LPIPS).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from studio.nn.augment import colour, translate
from studio.nn.gan_base import PictureGenerator
from studio.nn.gan_fast import FastConfig, FastDiscriminator, FastGenerator, Judged, without_spectral_norm
from studio.training import gan_common
from studio.training.gan_common import PictureRecipe
from studio.training.recipe import Config, TrainingError


@dataclass
class FewSettings(gan_common.GanSettings):
    """Settings of the ``few`` recipe."""

    steps: int = 50_000
    size: int = 256
    """Pixels per side: 64, 128, 256, 512 or 1024."""
    latent: int = 256
    batch: int = 8
    base: int = 32
    """Channels at 128 pixels, more at smaller sides (the paper: 64, four times the work)."""
    augment: float = 1.0
    """Strength of the discriminator's augmentation (colour and shift), 0..1; less for thousands of pictures."""
    drawing: float = 1.0
    """Weight of what the discriminator draws again; 0: it only judges."""


class FewRecipe(PictureRecipe):
    """See the module."""

    name: ClassVar[str] = "few"
    help: ClassVar[str] = "a picture generator from few pictures, a hundred to two thousand, at 256 pixels and more"
    Settings: ClassVar[type[Config]] = FewSettings

    generator: FastGenerator
    discriminator: FastDiscriminator

    def check_settings(self) -> None:
        super().check_settings()
        s = self.settings
        if not 0 <= s.augment <= 1:
            raise TrainingError(f"augment must be between 0 and 1, not {s.augment:g}")
        if s.drawing < 0:
            raise TrainingError(f"drawing must not be below 0, not {s.drawing:g}")

    def networks(self) -> tuple[PictureGenerator, nn.Module]:
        s = self.settings
        shape = FastConfig(s.size, s.latent, s.base, self.classes)
        return FastGenerator(shape), FastDiscriminator(shape)

    def optimise(self) -> dict[str, torch.optim.Optimizer]:
        s = self.settings
        return {
            "generator": torch.optim.Adam(self.generator.parameters(), s.rate, (0.5, 0.999)),
            "discriminator": torch.optim.Adam(self.discriminator.parameters(), s.judge_rate, (0.5, 0.999)),
        }

    def _augmented(self, pictures: torch.Tensor) -> torch.Tensor:
        """Coloured and moved, as the authors do; nothing is covered, for all of it has to be drawn."""
        strength = self.settings.augment
        return translate(colour(pictures.float(), strength), 0.125 * strength) if strength else pictures.float()

    def step(self, index: int) -> dict[str, float]:
        self.generator.train()
        self.discriminator.train()
        real, labels = self.reals(index)
        seen = self._augmented(real)
        w = self.generator.mapping(self.latents(), labels)
        part = int(self.rng.integers(4))
        with self.mixed():
            made, made_small = self.generator.both(w)
            shown = self._augmented(made), self._augmented(made_small)
            self.discriminator.requires_grad_(True)
            said: Judged = self.discriminator(seen, seen, labels, part)
            heard: Judged = self.discriminator(*(picture.detach() for picture in shown), labels)
        judged = _hinge(said.scores.float(), 1.0) + _hinge(heard.scores.float(), -1.0)
        drawn = self._drawn(said)
        self.optimisers["discriminator"].zero_grad(set_to_none=True)
        self.backward(judged + self.settings.drawing * drawn)
        self.update("discriminator")
        self.discriminator.requires_grad_(False)
        with self.mixed():
            deceived = -self.discriminator(*shown, labels).scores.float().mean()
        self.optimisers["generator"].zero_grad(set_to_none=True)
        self.backward(deceived)
        if math.isfinite(float(deceived.detach())) and math.isfinite(float(judged.detach())):
            self.update("generator")
            self.follow(index)
        return {
            "discriminator": float(judged.detach()), "generator": float(deceived.detach()),
            "drawing": float(drawn.detach()), "variety": self.watch_variety(index, real, made),
        }

    def _drawn(self, said: Judged) -> torch.Tensor:
        """How far what the discriminator drew is from what it saw."""
        total = torch.zeros((), device=said.scores.device)
        for drawn, seen in said.drawn:
            drawn, seen = drawn.float(), seen.float().clamp(-1, 1)
            total = total + (drawn - seen).abs().mean()
            total = total + (F.avg_pool2d(drawn, 8) - F.avg_pool2d(seen, 8)).abs().mean()
            if self.features is not None:
                with self.mixed():
                    mine, wanted = (self.features((x + 1) * 0.5) for x in (drawn, seen))
                total = total + (F.normalize(mine.float(), dim=1) - F.normalize(wanted.float(), dim=1)).square().mean()
        return total

    def finished(self, net: PictureGenerator) -> PictureGenerator:
        without_spectral_norm(net)
        return net


def _hinge(scores: torch.Tensor, side: float) -> torch.Tensor:
    """Hinge loss whose margin is thrown between 0.8 and 1 for each score, as the authors have it."""
    return F.relu(torch.rand_like(scores) * 0.2 + 0.8 - side * scores).mean()
