"""Recipe ``gan``: a picture generator from a folder of pictures, with a projected discriminator (Sauer et al. 2021).

Given a feature network (``--features``), small heads on its frozen features judge the pictures: several times fewer
pictures are needed than from scratch. Without one, a plain discriminator does it. Hinge loss, DiffAugment, an average
of the generator's weights. One generated batch serves both updates of a step, so its features are computed once.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from studio.nn import gan
from studio.nn.augment import diff_augment
from studio.nn.device import cpu_bf16
from studio.nn.featurenet import FeatureError, FeatureNet
from studio.nn.features import load_features
from studio.nn.weights import WeightsError
from studio.training.loop import Config, Export, Recipe, TrainingError
from studio.training.pictures import read_pictures, save_sheet


@dataclass
class GanSettings(Config):
    """Settings of the ``gan`` recipe."""

    steps: int = 20_000
    size: int = 64
    """Pixels per side, a power of two from 32."""
    latent: int = 128
    """Numbers in a latent vector."""
    base: int = 256
    """Channels at 4x4 pixels; finer levels have fewer in proportion."""
    batch: int = 16
    """Pictures made, and real ones shown, in a step."""
    rate: float = 1.5e-4
    """Learning rate of the generator."""
    judge_rate: float = 5e-4
    """Learning rate of the discriminator; it must learn faster than it is deceived."""
    augment: float = 0.6
    """Strength of the discriminator's augmentation, 0..1: 1 for a few hundred pictures, less for thousands."""
    memory: float = 5.0
    """Half-life of the weight average, in thousands of pictures."""
    features: str = ""
    """Safetensors file of a feature network for the discriminator; 'none' or nothing: a plain discriminator."""
    view: int = 0
    """Pixels per side at which the feature network looks; 0: one and a half times ``size``, at least 96."""
    check: int = 1000
    """Pictures generated for the validation figures."""
    validate_every: int = 1000
    sample_every: int = 500
    checkpoint_every: int = 500


def widths_for(size: int, base: int) -> tuple[int, ...]:
    """Channels at 8, 16 ... size/2 pixels: full, then about 0.63, 0.38, 0.19 of ``base``, multiples of 16."""
    shares = (1.0, 0.625, 0.375, 0.1875, 0.125, 0.125, 0.0625)
    return tuple(max(16, round(base * share / 16) * 16) for share in shares[: int(math.log2(size)) - 3])


class GanRecipe(Recipe):
    """See the module."""

    name: ClassVar[str] = "gan"
    help: ClassVar[str] = "a picture generator (for latent_explorer) from a folder of pictures"
    Settings: ClassVar[type[Config]] = GanSettings

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if not isinstance(config, GanSettings):
            raise TrainingError("the gan recipe needs GanSettings")
        self.settings = config
        self.projector: gan.Projector | None = None
        self.features: FeatureNet | None = None
        self._known: torch.Tensor | None = None
        self.autocast = (config.device == "cpu" and cpu_bf16()) or config.device.startswith("cuda")

    def prepare(self, data: Path) -> dict[str, Any]:
        s = self.settings
        if s.size < 32 or s.size & (s.size - 1):
            raise TrainingError(f"size must be a power of two from 32, not {s.size}")
        if s.batch < 2:
            raise TrainingError(f"batch must be at least 2, not {s.batch}")
        if not 0 <= s.augment <= 1:
            raise TrainingError(f"augment must be between 0 and 1, not {s.augment:g}")
        pictures, report = read_pictures(data, s.size)
        if len(pictures) < 2 * s.batch:
            found = f"{data} has {len(pictures)} usable pictures"
            raise TrainingError(f"{found}; a batch of {s.batch} needs at least {2 * s.batch}")
        order = np.random.default_rng(s.seed).permutation(len(pictures))
        held = max(2, len(pictures) // 10)
        self.held, self.pictures = pictures[order[:held]], pictures[order[held:]]
        if s.features and s.features != "none":
            try:
                self.features = load_features(Path(s.features), device=s.device)
            except (FeatureError, WeightsError) as error:
                raise TrainingError(f"--features: {error}") from None
        return {**report, "train": len(self.pictures), "held_out": held}

    def build(self) -> None:
        s = self.settings
        shape = gan.GanConfig(size=s.size, latent=s.latent, base=s.base, widths=widths_for(s.size, s.base))
        self.generator, self.average = gan.GeneratorNet(shape), gan.GeneratorNet(shape)
        self.average.load_state_dict(self.generator.state_dict())
        self.average.requires_grad_(False)
        self.discriminator: nn.Module
        if self.features is not None:
            self.projector = gan.Projector(self.features, gan.pyramid_layers(self.features)).to(s.device)
            self.projector.calibrate(self._enlarged(to_tensor(self.pictures[:64], s.device)))
            self.discriminator = gan.ProjectedHeads(len(self.projector.layers), self.projector.width)
        else:
            self.discriminator = gan.PlainDiscriminator(s.size)
        self.modules = {"generator": self.generator, "average": self.average, "discriminator": self.discriminator}
        for module in self.modules.values():
            module.to(s.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        # the mapping network learns five times slower, as in StyleGAN: everything hangs on it
        mapping = list(self.generator.mapping.parameters())
        others = [p for name, p in self.generator.named_parameters() if not name.startswith("mapping.")]
        groups: list[dict[str, Any]] = [{"params": others}, {"params": mapping, "lr": s.rate * 0.2}]
        self.optimisers = {
            "generator": torch.optim.Adam(groups, s.rate, (0.0, 0.99)),
            "discriminator": torch.optim.Adam(self.discriminator.parameters(), s.judge_rate, (0.0, 0.99)),
        }

    def _mixed(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.settings.device.split(":")[0], torch.bfloat16, enabled=bool(self.autocast))

    def _reals(self) -> torch.Tensor:
        chosen = self.pictures[self.rng.integers(0, len(self.pictures), self.settings.batch)]
        flip = self.rng.random(len(chosen)) < 0.5
        chosen[flip] = chosen[flip][:, :, :, ::-1]
        return to_tensor(chosen, self.settings.device)

    def _views(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """What the discriminator judges: augmented, through the frozen features where there are some."""
        pictures = diff_augment(pictures.float(), self.settings.augment).contiguous(memory_format=torch.channels_last)
        if self.projector is None:
            return [pictures]
        # the features were learned on larger objects than a small picture shows
        views: list[torch.Tensor] = self.projector(self._enlarged(pictures))
        return views

    def _enlarged(self, pictures: torch.Tensor) -> torch.Tensor:
        side = self.settings.view or max(96, self.settings.size * 3 // 2)
        if side == self.settings.size:
            return pictures
        return F.interpolate(pictures, (side, side), mode="bilinear", align_corners=False)

    def _scores(self, views: list[torch.Tensor]) -> torch.Tensor:
        scores = self.discriminator(views if self.projector is not None else views[0])
        return torch.as_tensor(scores).float()

    def step(self, index: int) -> dict[str, float]:
        s = self.settings
        self.generator.train()
        self.discriminator.train()
        z = torch.randn(s.batch, s.latent).to(s.device)
        with self._mixed():
            views = self._views(self.generator(z))
            with torch.no_grad():
                real_views = self._views(self._reals())
            self.discriminator.requires_grad_(True)
            real, fake = self._scores(real_views), self._scores([view.detach() for view in views])
            judged = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        judge = self.optimisers["discriminator"]
        judge.zero_grad(set_to_none=True)
        judged.backward()  # type: ignore[no-untyped-call]
        judge.step()
        self.discriminator.requires_grad_(False)
        with self._mixed():
            made = -self._scores(views).mean()
        maker = self.optimisers["generator"]
        maker.zero_grad(set_to_none=True)
        made.backward()  # type: ignore[no-untyped-call]
        losses = {
            "discriminator": float(judged.detach()), "generator": float(made.detach()),
            "real": float(real.detach().mean()), "fake": float(fake.detach().mean()),
        }
        if all(math.isfinite(value) for value in losses.values()):
            maker.step()
            self._follow(index)
        return losses

    @torch.no_grad()
    def _follow(self, index: int) -> None:
        """Move the averaged generator towards the present one; early on it follows faster."""
        seen = (index + 1) * self.settings.batch
        half_life = min(self.settings.memory * 1000, seen * 0.1)
        keep = 0.5 ** (self.settings.batch / max(half_life, 1e-8))
        for mean, now in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            mean.lerp_(now, 1 - keep)
        for kept, fresh in zip(self.average.buffers(), self.generator.buffers(), strict=True):
            kept.copy_(fresh)

    @torch.no_grad()
    def settle(self) -> gan.GeneratorNet:
        """The averaged generator with normalisation statistics measured for its own weights, and its w surveyed."""
        net = self.average
        net.train()
        norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the plain mean over what follows
        draw = torch.Generator().manual_seed(self.settings.seed)
        for _ in range(12):
            z = torch.randn(32, self.settings.latent, generator=draw).to(self.settings.device)
            with self._mixed():
                net(z)
        for norm in norms:
            norm.momentum = 0.1
        net.eval()
        net.survey()
        return net

    @torch.no_grad()
    def _describe(self, pictures: torch.Tensor) -> torch.Tensor:
        """What the figures compare, ``(N, features)``: pooled deepest features, or 4x4 averages of the pixels."""
        if self.features is None:
            return F.adaptive_avg_pool2d(pictures, 4).flatten(1)
        found = torch.as_tensor(self.features((self._enlarged(pictures) + 1) * 0.5))
        return found.float().mean((2, 3))

    def validate(self) -> dict[str, float]:
        s, net = self.settings, self.settle()
        made: list[torch.Tensor] = []
        small: list[torch.Tensor] = []
        draw = torch.Generator().manual_seed(1)
        with torch.no_grad(), self._mixed():
            for start in range(0, s.check, 50):
                z = torch.randn(min(50, s.check - start), s.latent, generator=draw).to(s.device)
                pictures = net(z).float()
                made.append(self._describe(pictures).float())
                small.append(F.adaptive_avg_pool2d(pictures, 32).flatten(1))
            real_parts = [to_tensor(part, s.device) for part in np.array_split(self.held, max(1, len(self.held) // 50))]
            real = torch.cat([self._describe(part).float() for part in real_parts])
            real_small = torch.cat([F.adaptive_avg_pool2d(part, 32).flatten(1) for part in real_parts])
        # features of unit power: the figures do not depend on the feature network's scale
        power = real.square().mean().sqrt().clamp_min(1e-9)
        real, fake = real / power, torch.cat(made) / power
        kernel = kernel_distance(real, fake)
        return {
            "score": kernel, "kernel_distance": kernel, "frechet_distance": frechet_distance(real, fake),
            "kernel_distance_of_training_pictures": kernel_distance(real, self._known_pictures() / power),
            "spread_features": spread(fake) / max(1e-9, spread(real)),
            "spread_pixels": spread(torch.cat(small)) / max(1e-9, spread(real_small)),
        }

    @torch.no_grad()
    def _known_pictures(self) -> torch.Tensor:
        """Features of as many training pictures as are generated: what a perfect generator would score."""
        if self._known is None:
            chosen = self.pictures[: self.settings.check]
            parts = np.array_split(chosen, max(1, len(chosen) // 50))
            with self._mixed():
                found = [self._describe(to_tensor(part, self.settings.device)).float() for part in parts]
            self._known = torch.cat(found)
        return self._known

    @torch.no_grad()
    def sample(self, folder: Path, index: int) -> list[Path]:
        net = self.settle()
        seeds = np.stack([np.random.default_rng(seed).standard_normal(self.settings.latent) for seed in range(1, 37)])
        z = torch.from_numpy(seeds).float().to(self.settings.device)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"sample_{index:06d}.png"
        save_sheet(path, net(z), 6)
        return [path]

    def export(self) -> Export:
        net = self.settle()
        # the discriminator is not part of the model; half precision is finer than eight-bit pixels need
        tensors = {
            name: tensor.half() if tensor.is_floating_point() and "running_" not in name else tensor
            for name, tensor in net.state_dict().items()
        }
        return Export(tensors, gan.ARCHITECTURE, net.config.to_dict(), {
            "title": f"Picture generator, {self.settings.size} pixels",
            "parameters": sum(p.numel() for p in net.parameters()),
        })


def to_tensor(pictures: NDArray[np.uint8], device: str) -> torch.Tensor:
    """uint8 ``(N, 3, H, W)`` to float -1..1 on ``device``."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).to(device).float().div_(127.5).sub_(1.0)


def kernel_distance(real: torch.Tensor, fake: torch.Tensor) -> float:
    """Kernel inception distance's estimator (Binkowski et al. 2018), cubic kernel, unbiased; rows are pictures."""
    a, b = real.double(), fake.double()
    dim = a.shape[1]
    aa, bb, ab = ((x @ y.T / dim + 1) ** 3 for x, y in ((a, a), (b, b), (a, b)))
    n, m = len(a), len(b)
    same = (aa.sum() - aa.diagonal().sum()) / (n * (n - 1)) + (bb.sum() - bb.diagonal().sum()) / (m * (m - 1))
    return float(same - 2 * ab.mean())


def frechet_distance(real: torch.Tensor, fake: torch.Tensor) -> float:
    """Frechet distance of two Gaussians fitted to the rows (Heusel et al. 2017)."""
    a, b = real.double(), fake.double()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    values, vectors = torch.linalg.eigh(cov_a)
    root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp_min(0).sqrt().sum()
    return float((a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross)


def spread(rows: torch.Tensor) -> float:
    """Mean Euclidean distance between different rows."""
    return float(F.pdist(rows.float()).mean())
