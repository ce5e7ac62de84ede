"""What the two style recipes share: photographs to paint on, the judge of a painted picture, the schedule.

Perceptual losses as in Johnson et al. (2016): Gram matrices for the style, one deeper activation for the content. Every
style layer is divided by the distance that plain photographs have on it, so one weight fits every painting. Beside it:
a *plain* row that learns to give the picture back (the strength control mixes it in, so partial strengths are trained
too), and steadiness: a picture with camera noise on it, moved by some pixels, must come out the same, only moved.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio import paths
from studio.nn import gram
from studio.nn.features import FeatureError, FeatureNet, load_features
from studio.nn.style import StyleNet, load_net
from studio.nn.weights import WeightsError
from studio.training.recipe import Config, Recipe, TrainingError
from studio.training.style_data import own_photos, to_batch

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
CONTENT_LAYER = "relu3_1"
MOVE = 6
"""Largest shift (pixels) in the steadiness loss."""
PLAIN_WEIGHT, OUTSIDE_WEIGHT = 40.0, 10.0
"""Weights of giving the plain picture back, and of values that leave 0..1."""


@dataclass
class PaintConfig(Config):
    """Settings of both style recipes."""

    photos: str = ""
    """Folder of photographs to paint on while it learns. Empty: a folder photos in the data, else the studio's own."""
    initial: str = "house_styles"
    """Style model to begin with: a style takes minutes then, not hours. ``none``: from nothing, with more steps."""
    features: str = "style_features"
    """Loss network: the name of a model, or a path."""
    size: int = 256
    """Side of the training pictures, pixels (a multiple of 8)."""
    style_size: int = 320
    """Shorter side of the paintings, pixels: larger gives larger strokes."""
    batch: int = 2
    """Pictures per step."""
    learning_rate: float = 1.5e-3
    """Step size at the start; it falls along a cosine to a twentieth."""
    style_weight: float = 20.0
    """Weight of the style against the content (1)."""
    variation_weight: float = 2.0
    """Weight of total variation: more is smoother."""
    steady_weight: float = 10.0
    """Weight of steadiness under noise and motion: more flickers less."""
    partial: float = 0.15
    """Share of the training pictures with a random strength between plain and full style."""


@dataclass
class Aim:
    """What pictures are to come near: by layer, Gram matrices ``(N, C, C)`` and distances ``(N,)`` of photographs."""

    grams: dict[str, Tensor]
    start: dict[str, Tensor]

    def of(self, rows: Tensor) -> Aim:
        """Those of some rows."""
        return Aim({k: v[rows] for k, v in self.grams.items()}, {k: v[rows] for k, v in self.start.items()})


class PaintRecipe(Recipe):
    """Photographs, losses and schedule of a style recipe."""

    config: PaintConfig
    squares: list[NDArray[np.uint8]]
    net: StyleNet
    watched = ("total",)

    def _check(self) -> None:
        config = self.config
        if config.size % 8 or config.size < 64:
            raise TrainingError(f"size: {config.size} must be a multiple of 8 from 64")

    def _split(self, paintings: list[NDArray[np.uint8]]) -> None:
        """Photographs to learn on and some to measure on; the studio's own where there are no others."""
        squares = self.squares or own_photos(paintings, self.config.size, self.config.seed)
        picks = set(np.linspace(0, len(squares) - 1, held(len(squares))).astype(int).tolist())
        self.held_out = to_batch(square for index, square in enumerate(squares) if index in picks)
        self.photos = [square for index, square in enumerate(squares) if index not in picks]

    def _open_features(self) -> None:
        """The loss network, and what it sees in plain photographs."""
        config = self.config
        try:
            self.features: FeatureNet = load_features(paths.find_model(config.features), device=config.device)
            self.features.resolve(STYLE_LAYERS[-1])
        except (FileNotFoundError, FeatureError, WeightsError) as error:
            raise TrainingError(f"features: {error}") from None
        with torch.no_grad():
            self.plain = self._grams(self._some_photos(16))

    def _open_initial(self) -> StyleNet:
        try:
            return load_net(paths.find_model(self.config.initial))
        except (FileNotFoundError, WeightsError) as error:
            raise TrainingError(f"initial: {error}; 'none' begins from nothing") from None

    def _some_photos(self, count: int) -> Tensor:
        """Photographs from all over the set ``(count, 3, H, W)``."""
        return to_batch(self.photos[:: max(1, len(self.photos) // count)][:count]).to(self.config.device)

    def _grams(self, picture: Tensor) -> dict[str, Tensor]:
        return gram.grams(self.features.forward_to(picture.contiguous(memory_format=torch.channels_last), STYLE_LAYERS))

    @torch.no_grad()
    def _aim(self, paintings: Tensor) -> Aim:
        """What pictures in the style of each of ``paintings (N, 3, H, W)`` come near."""
        wanted = self._grams(paintings)
        start = {
            layer: torch.stack([gram.gram_distance(self.plain[layer], one).mean() for one in wanted[layer]])
            for layer in STYLE_LAYERS
        }
        return Aim(wanted, {layer: value.clamp_min(1e-12) for layer, value in start.items()})

    def _photo_batch(self) -> Tensor:
        """Photographs, flipped at random; half of them enlarged from a part, as camera pictures are smoother."""
        import cv2

        size, chosen = self.config.size, []
        for index in self.rng.integers(0, len(self.photos), self.config.batch):
            photo: NDArray[Any] = self.photos[int(index)]
            if self.rng.random() < 0.5:
                side = int(self.rng.integers(size // 2, size + 1))
                y, x = (int(self.rng.integers(0, size - side + 1)) for _ in range(2))
                photo = cv2.resize(photo[y : y + side, x : x + side], (size, size), interpolation=cv2.INTER_LINEAR)
            chosen.append(photo[:, ::-1] if self.rng.random() < 0.5 else photo)
        return to_batch(chosen).to(self.config.device)

    def _strengths(self) -> Tensor:
        """How much of the style each picture of a batch is to get ``(N,)``: mostly all of it."""
        config = self.config
        partial = self.rng.random(config.batch) < config.partial
        chosen = np.where(partial, self.rng.random(config.batch) * (self.rng.random(config.batch) < 0.7), 1.0)
        return torch.tensor(chosen, dtype=torch.float32, device=config.device)

    def _losses(self, out: Tensor, picture: Tensor, aim: Aim, strength: Tensor) -> dict[str, Tensor]:
        """Losses of stylised pictures ``out``, each with its own aim; ``strength (N,)`` 0..1."""
        with self.mixed():
            found = self.features.forward_to(out.contiguous(memory_format=torch.channels_last), STYLE_LAYERS)
            with torch.no_grad():
                content = self.features.forward_to(picture.contiguous(memory_format=torch.channels_last), CONTENT_LAYER)
        distances = [
            gram.gram_distance(gram.gram(found[layer]), aim.grams[layer]) / aim.start[layer] for layer in STYLE_LAYERS
        ]
        styled = torch.stack(distances).mean(0)
        same = gram.feature_distance(found[CONTENT_LAYER], content[CONTENT_LAYER])
        return {
            "style": (strength.square() * styled).mean(), "content": same.mean(),
            "variation": gram.total_variation(out).mean(), "outside": gram.outside(out).mean(),
            "plain": ((1 - strength).square() * (out - picture).square().mean((1, 2, 3))).mean(),
        }

    def _total(self, losses: dict[str, Tensor]) -> Tensor:
        config = self.config
        total = config.style_weight * losses["style"] + losses["content"] + PLAIN_WEIGHT * losses["plain"]
        total = total + config.variation_weight * losses["variation"] + OUTSIDE_WEIGHT * losses["outside"]
        return total + config.steady_weight * losses["steady"] if "steady" in losses else total

    def _steady(self, picture: Tensor, out: Tensor, rows: Tensor) -> Tensor:
        """Half of the pictures again, moved and with noise on: how much the result changes."""
        half = max(1, len(picture) // 2)
        dy, dx = (int(value) for value in self.rng.integers(-MOVE, MOVE + 1, 2))
        noise = float(self.rng.uniform(0.005, 0.04))
        moved = torch.roll(picture[:half], (dy, dx), (2, 3))
        with self.mixed():
            again = self.net.paint(moved + noise * torch.randn(moved.shape).to(moved.device), rows[:half])
        change = again - torch.roll(out[:half], (dy, dx), (2, 3))
        return torch.as_tensor(change[:, :, 16:-16, 16:-16].square().mean())

    def _painted(self, index: int, picture: Tensor, rows: Tensor, aim: Aim, strength: Tensor) -> dict[str, Tensor]:
        """The losses of painting ``picture`` with ``rows`` of scales and shifts; every fourth time with steadiness."""
        with self.mixed():
            out = self.net.paint(picture, rows)
        losses = self._losses(out, picture, aim, strength)
        if self.config.steady_weight > 0 and index % 4 == 0:
            losses["steady"] = self._steady(picture, out, rows)
        return losses

    def _learn(self, index: int, losses: dict[str, Tensor], clip: float) -> dict[str, float]:
        """The backward pass and the optimiser's step, at the rate of this step; returns the losses as numbers."""
        config = self.config
        progress, warm = min(1.0, index / max(1, config.steps)), min(1.0, (index + 1) / 50)
        rate = config.learning_rate * warm * (0.05 + 0.475 * (1 + math.cos(math.pi * progress)))
        for group in self.optimisers["adam"].param_groups:
            group["lr"] = rate * group["share"]
        total = self._total(losses)
        if self.shard.first:
            self.optimisers["adam"].zero_grad()
        self.backward(total)
        self.update("adam", clip=clip)
        return {"total": float(total.detach()), **{name: float(value.detach()) for name, value in losses.items()}}


def average(slow: torch.nn.Module, fast: torch.nn.Module, index: int) -> None:
    """Move the parameters of ``slow`` towards those of ``fast``: a moving average gives smoother pictures."""
    decay = min(0.998, (1 + index) / (10 + index))
    with torch.no_grad():
        for kept, new in zip(slow.parameters(), fast.parameters(), strict=True):
            kept.lerp_(new, 1 - decay)


def held(count: int) -> int:
    """How many of the photographs are kept to measure on."""
    return max(1, min(8, count // 10))


def sheet(rows: list[Tensor]) -> bytes:
    """Rows of pictures ``(N, 3, H, W)`` in 0..1, one below the other, as a PNG."""
    import cv2

    whole = torch.cat([torch.cat(list(row.clamp(0, 1)), 2) for row in rows], 1)
    pixels = whole.permute(1, 2, 0).mul(255).byte().cpu().numpy()
    ok, data = cv2.imencode(".png", pixels[:, :, ::-1])
    return data.tobytes() if ok else b""
