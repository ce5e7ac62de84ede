"""What all recipes for picture generators share: pictures, averaged weights, figures, sample sheets, export."""

from __future__ import annotations

import copy
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from studio import paths
from studio.nn.featurenet import FeatureError, FeatureNet
from studio.nn.features import load_features
from studio.nn.gan import ARCHITECTURE
from studio.nn.gan_base import PictureGenerator
from studio.nn.weights import WeightsError
from studio.training.gan_figures import VarietyWatch, frechet_distance, kernel_distance, spread, twins
from studio.training.pictures import PictureSet, PictureSettings, open_pictures, save_sheet, stream_seed
from studio.training.pictures_loader import Loader
from studio.training.recipe import Config, Export, Recipe, TrainingError

SETTLE_BATCHES = 8
"""Batches of 32 from which the statistics of normalisation are measured."""


@dataclass
class GanSettings(PictureSettings):
    """Settings of every recipe for a picture generator."""

    steps: int = 20_000
    latent: int = 128
    """Numbers in a latent vector."""
    batch: int = 16
    """Pictures made, and real ones shown, in a step."""
    rate: float = 2e-4
    """Learning rate of the generator."""
    judge_rate: float = 2e-4
    """Learning rate of the discriminator."""
    memory: float = 5.0
    """Half-life of the average of the generator's weights, in thousands of pictures; 0: no average."""
    features: str = ""
    """A feature network (a model's name, or a file) that measures the pictures; 'none' or nothing: pixels do."""
    check: int = 1000
    """Pictures generated for the validation figures."""
    validate_every: int = 1000
    sample_every: int = 500
    checkpoint_every: int = 500


class PictureRecipe(Recipe):
    """A generator against a discriminator. Subclasses make the networks and take the step."""

    Settings: ClassVar[type[Config]] = GanSettings
    shares: ClassVar[bool] = True
    least: ClassVar[int] = 2
    watched: ClassVar[tuple[str, ...] | None] = ("discriminator", "generator")
    batches: ClassVar[int] = 1
    """Batches of real pictures that a step looks at."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if not isinstance(config, self.Settings) or not isinstance(config, GanSettings):
            raise TrainingError(f"the {self.name} recipe needs {self.Settings.__name__}")
        self.settings: Any = config
        self.features: FeatureNet | None = None
        self.loader: Loader | None = None
        self.watch = VarietyWatch()
        self.generator: PictureGenerator
        self.discriminator: nn.Module
        self._settled: tuple[list[int], PictureGenerator] | None = None
        self._known: tuple[torch.Tensor, torch.Tensor] | None = None

    # --- what subclasses say ---

    @abstractmethod
    def networks(self) -> tuple[PictureGenerator, nn.Module]:
        """Generator and discriminator, with first weights. Raises ValueError for impossible sizes."""

    @abstractmethod
    def optimise(self) -> dict[str, torch.optim.Optimizer]:
        """Their optimisers."""

    def check_settings(self) -> None:
        """Raises TrainingError for settings that cannot be."""
        s = self.settings
        if s.size < 32 or s.size & (s.size - 1):
            raise TrainingError(f"size must be a power of two from 32, not {s.size}")
        if s.batch < 2:
            raise TrainingError(f"batch must be at least 2, not {s.batch}")
        if s.check < 2:
            raise TrainingError(f"check must be at least 2 pictures, not {s.check}")
        if s.memory < 0:
            raise TrainingError(f"memory must not be below 0, not {s.memory:g}; 0 keeps no average")

    # --- data ---

    def prepare(self, data: Path) -> dict[str, Any]:
        s = self.settings
        self.check_settings()
        self.pictures: PictureSet = open_pictures(data, s)
        count = len(self.pictures)
        # places of a crop are many, so a few large pictures will do
        least = 2 if s.crop == "random" else 2 * s.batch
        if count < least:
            found = f"{data} has {count} usable pictures" if count != 1 else f"{data} has one usable picture"
            first = "raise frame_rate" if data.is_file() else "add pictures, take the frames of a video"
            cure = f"{first}, lower the batch, or crop at random"
            raise TrainingError(f"{found}; a batch of {s.batch} needs at least {least}: {cure}")
        order = np.random.default_rng(s.seed).permutation(count)
        held = max(2, count // 10) if count > 3 else 1
        self.held, self.train = order[:held], order[held:]
        self.classes = self.pictures.classes
        self.loader = Loader(self.pictures, self.train, s.batch, seed=s.seed, flip=s.flip)
        self._load_features()
        return {**self.pictures.report, "train": len(self.train), "held_out": held}

    def _load_features(self) -> None:
        s = self.settings
        if not s.features or s.features == "none":
            return
        try:
            path = paths.find_model(s.features)
            self.features = load_features(path, device=s.device).frozen()
        except (FeatureError, WeightsError, FileNotFoundError) as error:
            raise TrainingError(f"--features: {error}") from None

    def reals(self, index: int, number: int = 0) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Batch ``number`` of step ``index``: pictures ``(N, 3, size, size)`` and their classes, this shard's share."""
        assert self.loader is not None
        with self.fetching():
            batch = self.loader.at(index * self.batches + number, self.shard)
        while self.pictures.faults:
            self.warnings.append(f"a picture is left out from now on: {self.pictures.faults.pop(0)}")
        return self._tensor(batch.pictures), self._labels(batch.labels)

    def latents(self) -> torch.Tensor:
        """z for this shard's share of a batch, ``(N, latent)``."""
        z = self.rng.standard_normal((self.settings.batch, self.settings.latent), np.float32)
        return torch.from_numpy(self.share(z)).to(self.settings.device)

    def _tensor(self, pictures: NDArray[np.uint8]) -> torch.Tensor:
        return to_tensor(pictures, self.settings.device)

    def _labels(self, labels: NDArray[np.int64]) -> torch.Tensor | None:
        return torch.from_numpy(labels).to(self.settings.device) if self.classes else None

    # --- networks ---

    def build(self) -> None:
        s = self.settings
        try:
            self.generator, self.discriminator = self.networks()
        except ValueError as error:
            raise TrainingError(str(error)) from None
        self.modules = {"generator": self.generator, "discriminator": self.discriminator}
        self.average = self.generator
        if s.memory:
            self.average = copy.deepcopy(self.generator).requires_grad_(False)
            self.modules["average"] = self.average
        for module in self.modules.values():
            module.to(s.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimisers = self.optimise()

    @torch.no_grad()
    def follow(self, index: int) -> None:
        """Move the averaged generator towards the present one, once a step; early on it follows faster."""
        s = self.settings
        if not s.memory or not self.shard.last:
            return
        half_life = min(s.memory * 1000, (index + 1) * s.batch * 0.1)
        keep = 0.5 ** (s.batch / max(half_life, 1e-8))
        for mean, now in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            mean.lerp_(now, 1 - keep)
        for kept, fresh in zip(self.average.buffers(), self.generator.buffers(), strict=True):
            kept.copy_(fresh)

    def settle(self) -> PictureGenerator:
        """The generator as it will be played: statistics of its normalisation measured for its own weights, w surveyed.
        A copy, which serves until the weights move: the training goes on as if nobody had looked."""
        versions = [parameter._version for parameter in self.average.parameters()]
        if self._settled is None or self._settled[0] != versions:
            self._settled = versions, self._settle(copy.deepcopy(self.average))
        return self._settled[1]

    @torch.no_grad()
    def _settle(self, net: PictureGenerator) -> PictureGenerator:
        s = self.settings
        norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
        net.eval()
        for norm in norms:
            norm.train()
            norm.reset_running_stats()
            norm.momentum = None  # the plain mean over what follows
        draw = torch.Generator().manual_seed(s.seed)
        for _ in range(SETTLE_BATCHES if norms else 0):
            z = torch.randn(32, s.latent, generator=draw).to(s.device)
            with self.mixed():
                net(z, labels=self._every_class(32))
        for norm in norms:
            norm.momentum = 0.1
        net.eval()
        net.survey()
        return net

    def _every_class(self, count: int) -> torch.Tensor | None:
        return self._labels(np.arange(count) % max(1, len(self.classes)))

    # --- looking and measuring ---

    def watch_variety(self, index: int, real: torch.Tensor, fake: torch.Tensor) -> float:
        """How varied the generated pictures are, compared with real ones; warns of a collapse."""
        said = self.watch.look(index, real, fake)
        if said:
            self.warnings.append(said)
        return self.watch.value

    @torch.no_grad()
    def describe(self, pictures: torch.Tensor) -> torch.Tensor:
        """What the figures compare, ``(N, features)``: pooled deepest features, or 4x4 averages of the pixels."""
        if self.features is None:
            return F.adaptive_avg_pool2d(pictures, 4).flatten(1)
        found = torch.as_tensor(self.features((self.enlarged(pictures) + 1) * 0.5))
        return found.float().mean((2, 3))

    def enlarged(self, pictures: torch.Tensor) -> torch.Tensor:
        """As large as a feature network sees them: it was trained on larger objects than a small picture shows."""
        view = int(getattr(self.settings, "view", 0)) or max(96, min(256, self.settings.size * 3 // 2))
        if view == pictures.shape[-1]:
            return pictures
        return F.interpolate(pictures, (view, view), mode="bilinear", align_corners=False)

    def validate(self) -> dict[str, float]:
        s, net = self.settings, self.settle()
        made: list[torch.Tensor] = []
        small: list[torch.Tensor] = []
        draw = torch.Generator().manual_seed(1)
        held_labels = self.pictures.labels[self.held]
        with torch.no_grad(), self.mixed():
            for start in range(0, s.check, 50):
                z = torch.randn(min(50, s.check - start), s.latent, generator=draw).to(s.device)
                # in the classes of the held-out pictures, so that the figures compare like with like
                wanted = held_labels[np.arange(start, start + len(z)) % len(held_labels)]
                pictures = net(z, labels=self._labels(wanted)).float()
                made.append(self.describe(pictures).float())
                small.append(F.adaptive_avg_pool2d(pictures, 32).flatten(1))
        if self._known is None:
            count = s.check if s.crop == "random" else min(s.check, len(self.train))
            self._known = self._described(self.train, count)
        # pictures cropped at random are many more than there are files; a single held-out picture is no cloud
        count = max(len(self.held), s.check // 4 if s.crop == "random" else 0)
        real, real_small = self._described(self.held, count) if count > 1 else self._known
        # features of unit power: the figures do not depend on the feature network's scale
        power = real.square().mean().sqrt().clamp_min(1e-9)
        real, fake, known = real / power, torch.cat(made) / power, self._known[0] / power
        kernel = kernel_distance(real, fake)
        return {
            "score": kernel, "kernel_distance": kernel, "frechet_distance": frechet_distance(real, fake),
            "kernel_distance_of_training_pictures": kernel_distance(real, known),
            "spread_features": spread(fake) / max(1e-9, spread(real)),
            "spread_pixels": spread(torch.cat(small)) / max(1e-9, spread(real_small)),
            "twins": twins(known, fake),
        }

    @torch.no_grad()
    def _described(self, numbers: NDArray[np.int64], count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Features and small pixels of ``count`` real pictures (the same ones each time)."""
        chosen = np.resize(numbers, count)
        seed = stream_seed(self.settings.seed, "figures")
        found: list[torch.Tensor] = []
        small: list[torch.Tensor] = []
        with self.mixed():
            for number, part in enumerate(np.array_split(chosen, max(1, count // 50))):
                pictures = self._tensor(self.pictures.squares(part, seed + number))
                found.append(self.describe(pictures).float())
                small.append(F.adaptive_avg_pool2d(pictures, 32).flatten(1))
        return torch.cat(found), torch.cat(small)

    @torch.no_grad()
    def sample(self, folder: Path, index: int) -> list[Path]:
        net, count = self.settle(), len(self.classes)
        # with classes a row for each, so that one sees whether they are told apart
        columns, rows = (8, min(8, count)) if count else (6, 6)
        made: list[torch.Tensor] = []
        for row in range(rows):
            shares = [float(number == row) for number in range(count)] if count else None
            seeds = range(1 + row * columns, 1 + (row + 1) * columns)
            made.append(net.synthesis(torch.cat([net.seed_w(seed, shares) for seed in seeds])).float())
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"sample_{index:06d}.png"
        save_sheet(path, torch.cat(made), columns)
        return [path]

    # --- state and result ---

    def extra_state(self) -> dict[str, Any]:
        return {"variety": self.watch.state()}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        if "variety" in state:
            self.watch.load(state["variety"])

    def finished(self, net: PictureGenerator) -> PictureGenerator:
        """The network as it is kept; a subclass may fold something into its weights."""
        return net

    def export(self) -> Export:
        net = self.finished(copy.deepcopy(self.settle()))
        if self.loader is not None:
            self.loader.close()
        # the discriminator is not part of the model; half precision is finer than eight-bit pixels need
        tensors = {
            name: tensor.half() if tensor.is_floating_point() and "running_" not in name else tensor
            for name, tensor in net.state_dict().items()
        }
        kinds = f", {len(self.classes)} classes" if self.classes else ""
        return Export(tensors, ARCHITECTURE, net.shape.to_dict(), {
            "title": f"Picture generator, {self.settings.size} pixels{kinds}",
            "parameters": sum(p.numel() for p in net.parameters()),
            **({"classes": list(self.classes)} if self.classes else {}),
        })


def to_tensor(pictures: NDArray[np.uint8], device: str) -> torch.Tensor:
    """uint8 ``(N, 3, H, W)`` to float -1..1 on ``device``."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).to(device).float().div_(127.5).sub_(1.0)
