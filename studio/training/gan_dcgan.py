"""Recipes ``dcgan`` (Radford et al. 2015) and ``wgan`` (WGAN-GP, Gulrajani et al. 2017): two classics.

DCGAN trains with the sigmoid cross-entropy of Goodfellow et al. (2014), in the form that does not saturate, and Adam at
2e-4 with momentum 0.5. WGAN-GP asks a critic without normalisation for a score instead of a verdict, five times for
each step of the generator, and keeps its slope near 1: slower, hardly ever collapses, and its loss tells how far it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from studio.nn.gan_base import PictureGenerator
from studio.nn.gan_dcgan import DcganConfig, DcganDiscriminator, DcganGenerator
from studio.nn.gan_losses import gradient_penalty
from studio.training import gan_common
from studio.training.gan_common import PictureRecipe
from studio.training.recipe import Config, TrainingError


@dataclass
class DcganSettings(gan_common.GanSettings):
    """Settings of the ``dcgan`` recipe; the defaults are the paper's."""

    latent: int = 100
    batch: int = 128
    base: int = 64
    """Channels at half the picture's size, twice as many at each half of that."""
    momentum: float = 0.5
    """Adam's first beta; 0.9 made the training swing, says the paper."""
    memory: float = 0.0


@dataclass
class WganSettings(gan_common.GanSettings):
    """Settings of the ``wgan`` recipe; the defaults are the paper's."""

    latent: int = 128
    batch: int = 64
    base: int = 64
    """Channels at half the picture's size, twice as many at each half of that."""
    rate: float = 1e-4
    judge_rate: float = 1e-4
    """Learning rate of the critic."""
    critic_steps: int = 5
    """Steps of the critic for each of the generator."""
    penalty: float = 10.0
    """Weight of the gradient penalty."""


class _Classic(PictureRecipe):
    """The networks that both share."""

    normalise: ClassVar[bool] = True

    def check_settings(self) -> None:
        super().check_settings()
        if self.settings.base < 1 or self.settings.latent < 1:
            raise TrainingError("base and latent are whole numbers from 1")

    def networks(self) -> tuple[PictureGenerator, nn.Module]:
        s = self.settings
        shape = DcganConfig(s.size, s.latent, s.base, self.classes)
        return DcganGenerator(shape), DcganDiscriminator(shape, normalise=self.normalise)

    def _adam(self, betas: tuple[float, float]) -> dict[str, torch.optim.Optimizer]:
        s = self.settings
        return {
            "generator": torch.optim.Adam(self.generator.parameters(), s.rate, betas),
            "discriminator": torch.optim.Adam(self.discriminator.parameters(), s.judge_rate, betas),
        }

    def _scored(self, pictures: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        return torch.as_tensor(self.discriminator(pictures, labels)).float()

    def _learn(self, name: str, loss: torch.Tensor) -> None:
        self.optimisers[name].zero_grad(set_to_none=True)
        self.backward(loss)
        self.update(name)


class DcganRecipe(_Classic):
    """See the module."""

    name: ClassVar[str] = "dcgan"
    help: ClassVar[str] = "a picture generator as the DCGAN paper made it: the classic, to compare and to learn with"
    Settings: ClassVar[type[Config]] = DcganSettings

    def optimise(self) -> dict[str, torch.optim.Optimizer]:
        return self._adam((self.settings.momentum, 0.999))

    def step(self, index: int) -> dict[str, float]:
        self.generator.train()
        self.discriminator.train()
        real, labels = self.reals(index)
        with self.mixed():
            fake = self.generator(self.latents(), labels=labels)
            self.discriminator.requires_grad_(True)
            # batches of their own for the statistics of real and made pictures
            said, heard = self._scored(real, labels), self._scored(fake.detach(), labels)
            judged = F.softplus(-said).mean() + F.softplus(heard).mean()
        self._learn("discriminator", judged)
        self.discriminator.requires_grad_(False)
        with self.mixed():
            deceived = F.softplus(-self._scored(fake, labels)).mean()
        if math.isfinite(float(deceived.detach())):
            self._learn("generator", deceived)
            self.follow(index)
        return {
            "discriminator": float(judged.detach()), "generator": float(deceived.detach()),
            "real": float(said.detach().sigmoid().mean()), "fake": float(heard.detach().sigmoid().mean()),
            "variety": self.watch_variety(index, real, fake),
        }


class WganRecipe(_Classic):
    """See the module."""

    name: ClassVar[str] = "wgan"
    help: ClassVar[str] = "a picture generator trained with a gradient penalty (WGAN-GP): slow and steady"
    Settings: ClassVar[type[Config]] = WganSettings
    normalise: ClassVar[bool] = False
    watched: ClassVar[tuple[str, ...] | None] = ("penalty",)

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.batches = max(1, self.settings.critic_steps)  # type: ignore[misc]

    def check_settings(self) -> None:
        super().check_settings()
        if self.settings.critic_steps < 1:
            raise TrainingError(f"critic_steps is a whole number from 1, not {self.settings.critic_steps}")
        if self.settings.penalty < 0:
            raise TrainingError(f"penalty must not be below 0, not {self.settings.penalty:g}")

    def optimise(self) -> dict[str, torch.optim.Optimizer]:
        return self._adam((0.0, 0.9))

    def step(self, index: int) -> dict[str, float]:
        self.generator.train()
        self.discriminator.train().requires_grad_(True)
        told: dict[str, float] = {}
        for number in range(self.batches):
            told = self._judge(index, number)
        self.discriminator.requires_grad_(False)
        real, labels = self._last
        with self.mixed():
            fake = self.generator(self.latents(), labels=labels)
            lost = -self._scored(fake, labels).mean()
        if math.isfinite(float(lost.detach())):
            self._learn("generator", lost)
            self.follow(index)
        return {**told, "generator": float(lost.detach()), "variety": self.watch_variety(index, real, fake)}

    def _judge(self, index: int, number: int) -> dict[str, float]:
        """One step of the critic. ``distance`` is its estimate of the Wasserstein distance: it falls as one learns."""
        real, labels = self.reals(index, number)
        self._last = real, labels
        with self.mixed():
            with torch.no_grad():
                fake = self.generator(self.latents(), labels=labels).float()
            distance = self._scored(real, labels).mean() - self._scored(fake, labels).mean()
        # a gradient of a gradient, in full precision
        penalty = gradient_penalty(lambda x: self._scored(x, labels), real, fake, self.settings.penalty)
        self._learn("discriminator", penalty - distance)
        return {"discriminator": float((penalty - distance).detach()), "distance": float(distance.detach()),
                "penalty": float(penalty.detach())}
