"""Recipe ``gan``: a picture generator from a folder of pictures, with a projected discriminator (Sauer et al. 2021).

Given a feature network (``--features``), small heads on its frozen features judge the pictures: several times fewer
pictures are needed than from scratch. Without one, a plain discriminator does it. Hinge loss, DiffAugment or adaptive
augmentation, R1, an average of the generator's weights. One generated batch serves both updates of a step, so its
features are computed once. With ``--by-class`` both networks know the classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from studio import paths
from studio.nn import gan
from studio.nn.augment import diff_augment
from studio.nn.gan_augment import augment_some
from studio.nn.gan_base import PictureGenerator
from studio.nn.gan_losses import Adaptive, r1_penalty
from studio.nn.weights import WeightsError, load_model
from studio.training import gan_common
from studio.training.gan_common import PictureRecipe, to_tensor
from studio.training.gan_figures import frechet_distance, kernel_distance, spread
from studio.training.pictures import stream_seed
from studio.training.recipe import Config, TrainingError

__all__ = ["GanRecipe", "GanSettings", "adopt", "frechet_distance", "kernel_distance", "spread", "to_tensor",
           "widths_for"]

R1_EVERY = 16
"""Steps between two R1 penalties, which are weighed by it: lazy regularisation (Karras et al. 2020, "StyleGAN2", B)."""


@dataclass
class GanSettings(gan_common.GanSettings):
    """Settings of the ``gan`` recipe."""

    base: int = 256
    """Channels at 4x4 pixels; finer levels have fewer in proportion."""
    rate: float = 1.5e-4
    judge_rate: float = 5e-4
    """Learning rate of the discriminator; it must learn faster than it is deceived."""
    augment: float = 0.6
    """Strength of the discriminator's augmentation, 0..1: 1 for a few hundred pictures, less for thousands."""
    adaptive: bool = False
    """Augment as much as it takes to keep the discriminator from learning the pictures by heart, not by ``augment``."""
    r1: float = 0.0
    """Weight of the R1 penalty, which keeps a plain discriminator's slopes flat; 1 to 10 where training is restless."""
    features: str = ""
    """A feature network (a model's name, or a file) for the discriminator; 'none' or nothing: a plain discriminator."""
    view: int = 0
    """Pixels per side at which the feature network looks; 0: one and a half times ``size``, 96 to 256."""
    initial: str = ""
    """A picture model to begin with, also one of another size; what fits of it is taken over."""


def widths_for(size: int, base: int) -> tuple[int, ...]:
    """Channels at 8, 16 ... size/2 pixels: full, then about 0.63, 0.38, 0.19 of ``base``, multiples of 16."""
    shares = (1.0, 0.625, 0.375, 0.1875, 0.125, 0.125, 0.0625)
    return tuple(max(16, round(base * share / 16) * 16) for share in shares[: int(math.log2(size)) - 3])


class GanRecipe(PictureRecipe):
    """See the module."""

    name: ClassVar[str] = "gan"
    help: ClassVar[str] = "a picture generator (for latent_explorer) from a folder of pictures"
    Settings: ClassVar[type[Config]] = GanSettings

    projector: gan.Projector | None = None
    adapt: Adaptive | None = None

    def check_settings(self) -> None:
        super().check_settings()
        if not 0 <= self.settings.augment <= 1:
            raise TrainingError(f"augment must be between 0 and 1, not {self.settings.augment:g}")
        if self.settings.r1 < 0:
            raise TrainingError(f"r1 must not be below 0, not {self.settings.r1:g}")

    def networks(self) -> tuple[PictureGenerator, nn.Module]:
        s = self.settings
        widths = widths_for(s.size, s.base)
        generator = gan.GeneratorNet(
            gan.GanConfig(size=s.size, latent=s.latent, base=s.base, widths=widths, classes=self.classes)
        )
        if s.initial and s.initial != "none":
            try:
                adopt(generator, load_model(paths.find_model(s.initial), gan.ARCHITECTURE).tensors)
            except (WeightsError, FileNotFoundError) as error:
                raise TrainingError(f"--initial: {error}") from None
        if self.features is None:
            return generator, gan.PlainDiscriminator(s.size, classes=len(self.classes))
        # the fixed random filters are no part of a checkpoint: they must be the same whatever was drawn before
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream_seed(s.seed, "projector"))
            self.projector = gan.Projector(self.features, gan.pyramid_layers(self.features)).to(s.device)
        some = self.pictures.squares(self.train[:64], s.seed)
        self.projector.calibrate(self.enlarged(to_tensor(some, s.device)))
        heads = gan.ProjectedHeads(len(self.projector.layers), self.projector.width, classes=len(self.classes))
        return generator, heads

    def optimise(self) -> dict[str, torch.optim.Optimizer]:
        s = self.settings
        if s.adaptive:
            self.adapt = Adaptive().to(s.device)
            self.modules["adaptive"] = self.adapt
        # the mapping network learns five times slower, as in StyleGAN: everything hangs on it
        mapping = list(self.generator.mapping.parameters())
        others = [p for name, p in self.generator.named_parameters() if not name.startswith("mapping.")]
        groups: list[dict[str, Any]] = [{"params": others}, {"params": mapping, "lr": s.rate * 0.2}]
        return {
            "generator": torch.optim.Adam(groups, s.rate, (0.0, 0.99)),
            "discriminator": torch.optim.Adam(self.discriminator.parameters(), s.judge_rate, (0.0, 0.99)),
        }

    def _augmented(self, pictures: torch.Tensor) -> torch.Tensor:
        pictures = pictures.float()
        if self.adapt is not None:
            pictures = augment_some(pictures, float(self.adapt.probability))
        else:
            pictures = diff_augment(pictures, self.settings.augment)
        return pictures.contiguous(memory_format=torch.channels_last)

    def _views(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """What the discriminator judges of augmented pictures: themselves, or their frozen features."""
        if self.projector is None:
            return [pictures]
        views: list[torch.Tensor] = self.projector(self.enlarged(pictures))
        return views

    def _scores(self, views: list[torch.Tensor], labels: torch.Tensor | None) -> torch.Tensor:
        scores = self.discriminator(views if self.projector is not None else views[0], labels)
        return torch.as_tensor(scores).float()

    def step(self, index: int) -> dict[str, float]:
        self.generator.train()
        self.discriminator.train()
        reals, labels = self.reals(index)
        with self.mixed():
            # the made ones are asked for in the classes of the real ones: the classes are as frequent as in the data
            made = self.generator(self.latents(), labels=labels)
            views = self._views(self._augmented(made))
            with torch.no_grad():
                real_views = self._views(self._augmented(reals))
            self.discriminator.requires_grad_(True)
            real, fake = self._scores(real_views, labels), self._scores([view.detach() for view in views], labels)
            judged = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        judge = self.optimisers["discriminator"]
        judge.zero_grad(set_to_none=True)
        self.backward(judged)
        losses = {"discriminator": float(judged.detach())}
        if self.settings.r1 and index % R1_EVERY == 0:
            self.backward(self._flatness(reals, labels) * R1_EVERY)
        self.update("discriminator")
        self.discriminator.requires_grad_(False)
        with self.mixed():
            deceived = -self._scores(views, labels).mean()
        self.optimisers["generator"].zero_grad(set_to_none=True)
        self.backward(deceived)
        losses |= {"generator": float(deceived.detach()), "real": float(real.detach().mean()),
                   "fake": float(fake.detach().mean()), "variety": self.watch_variety(index, reals, made)}
        if all(math.isfinite(value) for value in losses.values()):
            self.update("generator")
            self.follow(index)
        if self.adapt is not None:
            if self.shard.last:
                self.adapt.sense(real.detach(), self.settings.batch)
            losses |= {"augment": float(self.adapt.probability), "overfit": float(self.adapt.overfit)}
        return losses

    def _flatness(self, reals: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """R1 at augmented real pictures, in full precision: a gradient of a gradient."""
        pictures = self._augmented(reals).detach()
        return r1_penalty(lambda x: self._scores(self._views(x), labels), pictures, self.settings.r1)


def adopt(net: nn.Module, tensors: dict[str, torch.Tensor]) -> int:
    """Take over what fits of another network's tensors by name and shape; returns how many. A matrix that has grown by
    columns (the mapping of a network that learns classes) takes the old ones and forgets little."""
    own = net.state_dict()
    fitting: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        mine = own.get(name)
        if mine is None or not tensor.is_floating_point():
            continue
        if mine.shape == tensor.shape:
            fitting[name] = tensor.to(mine)
        elif mine.ndim == tensor.ndim == 2 and mine.shape[0] == tensor.shape[0] and mine.shape[1] > tensor.shape[1]:
            fitting[name] = torch.cat([tensor.to(mine), mine[:, tensor.shape[1]:] * 0.1], 1)
    net.load_state_dict(fitting, strict=False)
    return len(fitting)
