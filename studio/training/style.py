"""``reverie train style``: one painting or several into one fast network.

Perceptual losses as in Johnson et al. (2016): Gram matrices for the style, one deeper activation for the content. Every
style layer is divided by the distance that plain photographs have on it, so one weight fits every painting. Beside it:
a *plain* row that learns to give the picture back (the strength control mixes it in, so partial strengths are trained
too), and steadiness: a picture with camera noise on it, moved by some pixels, must come out the same, only moved.

A new style usually begins with the network of the house styles: most of what it takes to paint is there, and only the
row of the new style, some 1,800 numbers, is learned, beginning as that of the style that comes nearest (Dumoulin et al.
2017, section 3.3). The network itself stays as it is, and the model keeps all the styles that it had.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio import paths
from studio.nn import gram
from studio.nn.device import cpu_bf16
from studio.nn.features import FeatureError, load_features
from studio.nn.style import ARCHITECTURE, MAX_PARAMETERS, StyleNet, joined, load_net, with_rows
from studio.nn.weights import WeightsError
from studio.training.loop import Config, Export, Recipe, TrainingError
from studio.training.style_data import gather, own_photos, to_batch

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
CONTENT_LAYER = "relu3_1"
MOVE = 6
"""Largest shift (pixels) in the steadiness loss."""


@dataclass
class StyleConfig(Config):
    """Settings of the style recipe."""

    steps: int = 600
    photos: str = ""
    """Folder of photographs to paint on while it learns. Empty: a folder photos in the data, else the studio's own."""
    styles: str = ""
    """Paintings to learn, by name without ending, with commas; ``name=file`` gives another name. Empty: all."""
    initial: str = "house_styles"
    """Style model to begin with: a style takes minutes then, not hours. ``none``: from nothing, with more steps."""
    learn: Literal["new", "all"] = "new"
    """new: adds these styles to the model it begins with, which stays as it is. all: tunes the whole network to these
    paintings alone, which takes longer. From nothing all is learned."""
    features: str = "style_features"
    """Loss network: the name of a model, or a path."""
    size: int = 256
    """Side of the training pictures, pixels (a multiple of 8)."""
    style_size: int = 320
    """Shorter side of the paintings, pixels: larger gives larger strokes."""
    batch: int = 4
    """Pictures per step."""
    stem: int = 48
    """Channels at a quarter of the size, where it begins from nothing."""
    trunk: int = 128
    """Channels at an eighth of the size, where it begins from nothing."""
    blocks: int = 5
    """Residual convolutions at an eighth of the size, where it begins from nothing."""
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


class StyleRecipe(Recipe):
    """Trains one StyleNet on a painting or several; see ``style_data.gather`` for what DATA may be."""

    name: ClassVar[str] = "style"
    help: ClassVar[str] = "One painting or several into a network that styles a camera picture at frame rate"
    Settings: ClassVar[type[Config]] = StyleConfig
    config: StyleConfig

    def prepare(self, data: Path) -> dict[str, Any]:
        config = self.config
        if config.size % 8 or config.size < 64:
            raise TrainingError(f"size: {config.size} must be a multiple of 8 from 64")
        found = gather(
            data, styles=config.styles, photos=config.photos, size=config.size, style_size=config.style_size
        )
        self.paintings, self.squares, self.photos_from = found.paintings, found.photos, found.report["photos_from"]
        self.styles = list(self.paintings)
        held = _held(found.report["photos"])
        return {**found.report, "photos": found.report["photos"] - held, "held_out": held}

    def _split(self) -> None:
        """Photographs to learn on and some to measure on; the studio's own where there are no others."""
        squares = self.squares or own_photos(list(self.paintings.values()), self.config.size, self.config.seed)
        picks = set(np.linspace(0, len(squares) - 1, _held(len(squares))).astype(int).tolist())
        self.held_out = to_batch(square for index, square in enumerate(squares) if index in picks)
        self.photos = [square for index, square in enumerate(squares) if index not in picks]

    def build(self) -> None:
        config = self.config
        self._split()
        try:
            self.features = load_features(paths.find_model(config.features), device=config.device)
            self.features.resolve(STYLE_LAYERS[-1])
        except (FileNotFoundError, FeatureError, WeightsError) as error:
            raise TrainingError(f"features: {error}") from None
        self.autocast = torch.autocast(
            config.device.split(":")[0], torch.bfloat16, enabled=config.device != "cpu" or cpu_bf16()
        )
        self._measure()
        net = self._begin()
        if sum(p.numel() for p in net.parameters()) > MAX_PARAMETERS:
            raise TrainingError(f"stem, trunk, blocks: the network would have more than {MAX_PARAMETERS:,} parameters")
        # a moving average of the weights gives smoother pictures than the last weights do
        average = StyleNet(self.styles, net.stem, net.trunk, net.blocks)
        average.load_state_dict(net.state_dict())
        self.modules = {
            name: module.to(config.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            for name, module in (("net", net), ("average", average.requires_grad_(False)))
        }
        self.net: StyleNet = net
        self.average: StyleNet = average
        self.optimisers = {"adam": torch.optim.Adam(self._learned(net), config.learning_rate, betas=(0.9, 0.99))}

    def _begin(self) -> StyleNet:
        """The network as it begins: random, or that of ``initial`` with a row for each new style."""
        config = self.config
        self.base: StyleNet | None = None
        self.like: dict[str, str] = {}
        if config.initial in ("", "none"):
            return StyleNet(self.styles, config.stem, config.trunk, config.blocks)
        try:
            base = load_net(paths.find_model(config.initial))
        except (FileNotFoundError, WeightsError) as error:
            raise TrainingError(f"initial: {error}; 'none' begins from nothing") from None
        if config.learn == "new":
            self.base = base
        self.like = self._nearest(base.to(config.device))
        return with_rows(base.cpu(), self.styles, self.like)

    @torch.no_grad()
    def _nearest(self, base: StyleNet) -> dict[str, str]:
        """New style → the style of ``base`` that is the best begin for it, by the loss on some photographs."""
        picture = to_batch(self.photos[:: max(1, len(self.photos) // 4)][:4]).to(self.config.device)
        ones = torch.ones(len(picture), device=picture.device)
        best = {name: (math.inf, "") for name in self.styles if name not in base.styles}
        for row, style in enumerate(base.styles):
            mix = torch.zeros(len(picture), len(base.styles) + 1, device=picture.device)
            mix[:, row] = 1.0
            with self.autocast:
                out = base(picture, mix)
            for name in best:
                losses = self._losses(out, picture, (self.styles.index(name) * ones).long(), ones)
                best[name] = min(best[name], (float(self._total(losses)), style))
        return {name: style for name, (_, style) in best.items()}

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

    @torch.no_grad()
    def _measure(self) -> None:
        """Gram matrices of the paintings, and how far plain photographs are from each, layer by layer."""
        wanted = [self._grams(to_batch([painting]).to(self.config.device)) for painting in self.paintings.values()]
        self.wanted = {layer: torch.cat([grams[layer] for grams in wanted]) for layer in STYLE_LAYERS}
        photos = to_batch(self.photos[:: max(1, len(self.photos) // 16)][:16]).to(self.config.device)
        plain = self._grams(photos)
        self.start = {}
        for layer in STYLE_LAYERS:
            distances = [gram.gram_distance(plain[layer], one).mean() for one in self.wanted[layer]]
            self.start[layer] = torch.stack(distances).clamp_min(1e-12)

    def _grams(self, picture: Tensor) -> dict[str, Tensor]:
        return gram.grams(self.features.forward_to(picture.contiguous(memory_format=torch.channels_last), STYLE_LAYERS))

    def _batch(self) -> Tensor:
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

    def _losses(self, out: Tensor, picture: Tensor, style: Tensor, strength: Tensor) -> dict[str, Tensor]:
        """Losses of stylised pictures ``out``; ``style (N,)`` row numbers, ``strength (N,)`` 0..1."""
        with self.autocast:
            found = self.features.forward_to(out.contiguous(memory_format=torch.channels_last), STYLE_LAYERS)
            with torch.no_grad():
                content = self.features.forward_to(picture.contiguous(memory_format=torch.channels_last), CONTENT_LAYER)
        distances = [
            gram.gram_distance(gram.gram(found[layer]), self.wanted[layer][style]) / self.start[layer][style]
            for layer in STYLE_LAYERS
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
        total = config.style_weight * losses["style"] + losses["content"] + 40.0 * losses["plain"]
        total = total + config.variation_weight * losses["variation"] + 10.0 * losses["outside"]
        return total + config.steady_weight * losses["steady"] if "steady" in losses else total

    def _mix(self, style: Tensor, strength: Tensor) -> Tensor:
        mix = torch.zeros(len(style), len(self.styles) + 1, device=style.device)
        mix[torch.arange(len(style)), style] = strength
        mix[:, -1] += 1 - strength
        return mix

    def _steady(self, picture: Tensor, out: Tensor, mix: Tensor) -> Tensor:
        """Half of the pictures again, moved and with noise on: how much the result changes."""
        half = max(1, len(picture) // 2)
        dy, dx = (int(value) for value in self.rng.integers(-MOVE, MOVE + 1, 2))
        noise = float(self.rng.uniform(0.005, 0.04))
        moved = torch.roll(picture[:half], (dy, dx), (2, 3))
        with self.autocast:
            again = self.net(moved + noise * torch.randn(moved.shape).to(moved.device), mix[:half])
        change = again - torch.roll(out[:half], (dy, dx), (2, 3))
        return torch.as_tensor(change[:, :, 16:-16, 16:-16].square().mean())

    def step(self, index: int) -> dict[str, float]:
        config = self.config
        progress, warm = min(1.0, index / max(1, config.steps)), min(1.0, (index + 1) / 50)
        rate = config.learning_rate * warm * (0.05 + 0.475 * (1 + math.cos(math.pi * progress)))
        for group in self.optimisers["adam"].param_groups:
            if group["lr"] < 0.75 * group.get("given", 0.0):
                group["share"] *= 0.5  # the loop halved the rate after a roll-back: keep to that
            group["lr"] = group["given"] = rate * group["share"]
        picture = self._batch()
        # all styles come up equally often
        first = index * config.batch
        style = torch.tensor([(first + k) % len(self.styles) for k in range(config.batch)], device=config.device)
        partial = self.rng.random(config.batch) < config.partial
        chosen = np.where(partial, self.rng.random(config.batch) * (self.rng.random(config.batch) < 0.7), 1.0)
        strength = torch.tensor(chosen, dtype=torch.float32, device=config.device)
        mix = self._mix(style, strength)
        with self.autocast:
            out = self.net(picture, mix)
        losses = self._losses(out, picture, style, strength)
        if config.steady_weight > 0 and index % 4 == 0:
            losses["steady"] = self._steady(picture, out, mix)
        total = self._total(losses)
        self.optimisers["adam"].zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 10.0)
        self.optimisers["adam"].step()
        if math.isfinite(float(total.detach())):
            with torch.no_grad():
                decay = min(0.998, (1 + index) / (10 + index))
                for slow, fast in zip(self.average.parameters(), self.net.parameters(), strict=True):
                    slow.lerp_(fast, 1 - decay)
        return {"total": float(total.detach()), **{name: float(value.detach()) for name, value in losses.items()}}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean losses on the held-out photographs; ``style_NAME`` is the share of the distance to that style left."""
        figures: dict[str, float] = {}
        totals, contents = [], []
        picture = self.held_out.to(self.config.device)
        ones = torch.ones(len(picture), device=picture.device)
        for row, name in enumerate(self.styles):
            style = torch.full((len(picture),), row, device=picture.device)
            with self.autocast:
                out = self.average(picture, self._mix(style, ones))
            losses = self._losses(out, picture, style, ones)
            figures[f"style_{name}"] = round(float(losses["style"]), 5)
            contents.append(float(losses["content"]))
            totals.append(float(self._total(losses)))
        with self.autocast:
            plain = self.average(picture, self._mix(torch.zeros_like(ones, dtype=torch.long), 0 * ones))
        figures["content"] = round(float(np.mean(contents)), 4)
        figures["plain_mae"] = round(float((plain.clamp(0, 1) - picture).abs().mean()), 4)
        figures["score"] = round(float(np.mean(totals)), 5)
        return figures

    @torch.no_grad()
    def sample(self, folder: Path, index: int) -> list[Path]:
        """A sheet: held-out photographs across, the styles down, the plain row last."""
        import cv2

        picture = self.held_out[:5].to(self.config.device)
        rows = [picture]
        for row in range(len(self.styles) + 1):
            mix = torch.zeros(len(picture), len(self.styles) + 1, device=picture.device)
            mix[:, row] = 1
            rows.append(self.average(picture, mix))
        sheet = torch.cat([torch.cat(list(row.clamp(0, 1)), 2) for row in rows], 1)
        sheet = sheet.permute(1, 2, 0).mul(255).byte().cpu()
        path = folder / f"style_{index:06d}.png"
        ok, data = cv2.imencode(".png", sheet.numpy()[:, :, ::-1])
        path.write_bytes(data.tobytes() if ok else b"")
        return [path]

    def export(self) -> Export:
        net = self.average.cpu()
        card: dict[str, Any] = {
            "title": "Styles for the camera",
            "about": "A feed-forward style network; each painting is one row of scales and shifts.",
            "data": f"the paintings in data_report, and {len(self.photos)} pictures to paint on: {self.photos_from}",
        }
        if self.base is not None:
            learned = len(self.styles) * (sum(net.channels) * 2 + 1)
            net = joined(self.base, net)
            card |= {"learned_parameters": learned, "began_as": self.like}
            card["data"] += f"; the other styles are those of {Path(self.config.initial).stem}"
        card["parameters"] = sum(p.numel() for p in net.parameters())
        return Export({name: value.half() for name, value in net.state_dict().items()}, ARCHITECTURE, net.config, card)


def _without_plain(gradient: Tensor) -> Tensor:
    """The gradient of a table of rows with nothing in its last: the plain picture stays as it is."""
    return torch.cat([gradient[:-1], torch.zeros_like(gradient[-1:])])


def _held(count: int) -> int:
    """How many of the photographs are kept to measure on."""
    return max(1, min(8, count // 10))
