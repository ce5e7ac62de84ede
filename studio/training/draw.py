"""Recipe ``draw``: a network that draws pictures in strokes of attention (DRAW, Gregor et al. 2015).

DATA is a stroke font, of which no two writings are alike, or a folder of pictures; folders in it are classes. The loss
is the paper's bound: what it costs to code a picture, given the drawing, plus what the drawing costs, in nats.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from studio.nn.draw import ARCHITECTURE, DrawConfig, DrawNet
from studio.nn.strokes import StrokeFont, StrokesError, load_font, writings
from studio.training.pictures import read_pictures, save_sheet
from studio.training.rates import cosine, set_rate
from studio.training.recipe import Config, Export, Recipe, TrainingError

HELD_WRITINGS = 400
"""Writings of a stroke font on which the bound is measured."""


@dataclass
class DrawSettings(Config):
    """Settings of the ``draw`` recipe."""

    steps: int = 4000
    size: int = 28
    """Pixels per side."""
    glimpses: int = 12
    """Strokes in which a picture is drawn."""
    hidden: int = 128
    """Cells of the two LSTMs."""
    latent: int = 10
    """Random numbers for each stroke."""
    read: int = 5
    """Side of the window that reads, in filters."""
    write: int = 6
    """Side of the window that writes, in filters: smaller gives smaller strokes, and learns several times slower."""
    batch: int = 32
    """Pictures per step."""
    rate: float = 4e-3
    """Learning rate at the start; it falls along a cosine to a twentieth."""
    colour: bool = False
    """Learn colours too, from a folder of pictures; otherwise shades of grey."""
    classes: bool = True
    """Learn the signs of a font, or the folders within DATA, as classes that can be asked for."""
    source: str = ""
    """Where the pictures come from, for the card."""
    licence: str = ""
    """Their licence, for the card."""
    validate_every: int = 500
    sample_every: int = 500
    checkpoint_every: int = 250


class DrawRecipe(Recipe):
    """See the module."""

    name: ClassVar[str] = "draw"
    help: ClassVar[str] = "a network that draws stroke by stroke (for draw_writer) from a stroke font or pictures"
    Settings: ClassVar[type[Config]] = DrawSettings
    config: DrawSettings

    def prepare(self, data: Path) -> dict[str, Any]:
        s = self.config
        if s.batch < 1:
            raise TrainingError(f"batch must be at least 1, not {s.batch}")
        self.font: StrokeFont | None = None
        if data.is_file():
            return self._prepare_font(data)
        by_class = s.classes and data.is_dir() and any(path.is_dir() for path in data.iterdir())
        pictures, labels, names, report = read_pictures(data, s.size, by_class=by_class)
        self.names = list(names)
        if len(pictures) < 2:
            raise TrainingError(f"{data} has one usable picture only; give at least two, some hundreds to draw well")
        if not s.colour:
            pictures = _grey(pictures)
        order = np.random.default_rng(s.seed).permutation(len(pictures))
        held = max(1, min(500, len(pictures) // 10))
        self.held, self.held_labels = pictures[order[:held]], labels[order[:held]]
        self.pictures, self.labels = pictures[order[held:]], labels[order[held:]]
        return {**report, "train": len(self.pictures), "held_out": held, "classes": self.names}

    def _prepare_font(self, data: Path) -> dict[str, Any]:
        s = self.config
        try:
            self.font = load_font(data)
        except StrokesError as error:
            raise TrainingError(str(error)) from None
        if s.colour:
            raise TrainingError("colour: a stroke font has no colours; leave the setting out")
        self.names = self.font.names if s.classes else []
        # a seed that no training step has
        drawn, self.held_labels = writings(self.font, HELD_WRITINGS, s.size, np.random.default_rng([s.seed, 1]))
        self.held = drawn[:, None]
        return {"signs": len(self.font.signs), "classes": self.names, "held_out": len(self.held),
                "pictures": "drawn anew for every step"}

    def build(self) -> None:
        s = self.config
        try:
            shape = DrawConfig(s.size, 3 if s.colour else 1, s.glimpses, s.latent, s.hidden, s.read, s.write,
                               tuple(self.names))
        except ValueError as error:
            raise TrainingError(str(error).replace("steps:", "glimpses:")) from None
        self.net = DrawNet(shape).to(s.device)
        self.modules = {"net": self.net}
        self.optimisers = {"adam": torch.optim.Adam(self.net.parameters(), s.rate, (0.9, 0.99))}

    def _batch(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        if self.font is not None:
            drawn, labels = writings(self.font, self.config.batch, self.config.size, self.rng)
            return drawn[:, None], labels
        chosen = self.rng.integers(0, len(self.pictures), self.config.batch)
        return self.pictures[chosen], self.labels[chosen]

    def _tensors(self, pictures: NDArray[np.uint8], labels: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
        device = self.config.device
        return torch.from_numpy(pictures).to(device).float().div_(255.0), torch.from_numpy(labels).to(device)

    def step(self, index: int) -> dict[str, float]:
        s = self.config
        set_rate(self.optimisers["adam"], s.rate * cosine(index, s.steps))
        with self.fetching():
            pictures, labels = self._batch()
        # no mixed precision: the filters are sums of small shares, and recurrence adds their errors up
        picture_loss, latent_loss, _ = self.net(*self._tensors(pictures, labels))
        bound = (picture_loss + latent_loss).mean()
        self.optimisers["adam"].zero_grad(set_to_none=True)
        self.backward(bound)
        # the gain is an exponential: a single step may otherwise throw it far
        self.update("adam", clip=10.0)
        return {"bound": float(bound.detach()), "picture": float(picture_loss.detach().mean()),
                "drawing": float(latent_loss.detach().mean())}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The bound on held-out pictures and its two parts, in nats per picture."""
        s, made = self.config, []
        draw = torch.Generator().manual_seed(1)
        for start in range(0, len(self.held), 100):
            part = slice(start, start + 100)
            pictures, labels = self._tensors(self.held[part], self.held_labels[part])
            noise = torch.randn(s.glimpses, len(pictures), s.latent, generator=draw).to(s.device)
            picture_loss, latent_loss, _ = self.net(pictures, labels, noise)
            made.append(torch.stack([picture_loss, latent_loss], 1))
        picture, drawing = (float(value) for value in torch.cat(made).mean(0))
        return {"score": picture + drawing, "bound_nats": picture + drawing, "picture_nats": picture,
                "drawing_nats": drawing}

    @torch.no_grad()
    def sample(self, folder: Path, index: int) -> list[Path]:
        """A sheet: each row is one drawing, from its first stroke to its last."""
        s, rows = self.config, max(8, min(20, len(self.names)))
        z = torch.randn(s.glimpses, rows, s.latent, generator=torch.Generator().manual_seed(7)).to(s.device)
        labels = torch.arange(rows, device=s.device) % max(1, len(self.names))
        steps = list(self.net.draw(z, labels))
        shown = steps[:: max(1, len(steps) // 11)][:11] + steps[-1:]
        pictures = torch.stack([torch.sigmoid(stroke.canvas) for stroke in shown], 1).flatten(0, 1) * 2 - 1
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"sample_{index:06d}.png"
        save_sheet(path, pictures.expand(-1, 3, -1, -1), len(shown))
        return [path]

    def export(self) -> Export:
        tensors = {name: tensor.half() for name, tensor in self.net.state_dict().items()}
        card = {
            "title": f"Drawing network, {self.config.size} pixels in {self.config.glimpses} strokes",
            "about": "Draws in strokes, each through a window that it places itself (DRAW, Gregor et al. 2015)",
            "parameters": sum(p.numel() for p in self.net.parameters()),
        }
        for name in ("source", "licence"):
            if getattr(self.config, name):
                card["data" if name == "source" else name] = getattr(self.config, name)
        return Export(tensors, ARCHITECTURE, self.net.config.to_dict(), card)


def _grey(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Brightness of ``(N, 3, H, W)`` as ``(N, 1, H, W)``."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    return np.asarray(np.round(np.einsum("nchw,c->nhw", pictures, weights)), np.uint8)[:, None]
