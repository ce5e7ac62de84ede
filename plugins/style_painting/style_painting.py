"""A still in the style of other pictures, by optimisation (Gatys et al. 2016), growing before your eyes.

The picture comes from a file, from whatever stands before this effect in a chain, or is the one that came with the
plugin. The styles are our own swatches or any pictures of yours, as many as you like, with weights.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from studio.api import Choice, Context, Float, Generator, Int, MediaError, Model, Path, Seed, Text
from studio.nn.features import FeatureNet, load_features
from studio.nn.gatys import Settings, paint, resize

from .swatches import SWATCHES

MAX_PIXELS = 8192 * 8192
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
LUMA = (0.299, 0.587, 0.114)
LAYERS: dict[str, tuple[str, ...]] = {
    "all": ("relu1_1", "relu2_1", "relu3_1", "relu4_1"),
    "colour and grain": ("relu1_1", "relu2_1"),
    "strokes": ("relu2_1", "relu3_1"),
    "shapes": ("relu3_1", "relu4_1"),
    "deep": ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
}


KEEPS = {"mode": ("both", "content only")}
"""A picture is painted."""
TAKES = {"mode": ("both", "style only")}
"""Styles are taken over."""


class StylePainting(Generator):
    """A picture painted anew in another style, slowly and well."""

    id, version, makes, takes, wants = "reverie.style_painting", 1, "image", "image", "tensor"
    pixel_bytes = 200.0
    title = "Style painting"

    content = Path("", accepts="image", group="Pictures", applies=KEEPS,
                   help="The picture to paint; '' takes the input of the chain")
    style = Choice("swirl", list(SWATCHES), group="Pictures", applies={**TAKES, "own_style": False, "blend": "< 1"},
                   help="One of our own style pictures")
    own_style = Path("", accepts="image", group="Pictures", applies={**TAKES, "blend": "< 1"},
                     help="A style picture of yours; wins over style")
    second = Choice("mosaic", list(SWATCHES), label="Second style", group="Pictures",
                    applies={**TAKES, "own_second": False, "blend": True}, help="What blend goes to")
    own_second = Path("", accepts="image", group="Pictures", applies={**TAKES, "blend": True},
                      help="A second style picture of yours")
    blend = Float(0.0, 0.0, 1.0, group="Pictures", applies=TAKES, help="From the first style to the second")
    more = Text("", label="More styles", group="Pictures", applies=TAKES,
                help="Further pictures: 'file = weight; file = weight'")
    mode = Choice(
        "both", ["both", "content only", "style only"], group="Painting",
        help="Content only shows what a layer keeps of a picture, style only makes a texture",
    )
    content_weight = Float(1.0, 0.01, 100.0, curve="log", group="Painting", applies=KEEPS,
                           help="How true to the picture")
    style_weight = Float(1.0, 0.01, 100.0, curve="log", group="Painting", applies=TAKES,
                         help="How much of the style")
    stroke = Float(1.0, 0.3, 3.0, curve="log", label="Stroke size", group="Painting", applies=TAKES,
                   help="Size of the strokes")
    style_layers = Choice("all", list(LAYERS), group="Painting", applies={**TAKES, "own_layers": False},
                          help="Which sides of the style are taken over")
    content_layer = Choice(
        "relu3_1", ["relu1_1", "relu2_1", "relu3_1", "relu4_1"], group="Painting", applies=KEEPS,
        help="Deeper leaves more freedom"
    )
    own_layers = Text("", group="Painting", applies=TAKES,
                      help="Style layers by name, with commas; wins over style layers")
    variation = Float(1.0, 0.0, 30.0, label="Smoothing", group="Painting", help="Total variation: quiet in flat parts")
    pooling = Choice("max", ["max", "avg"], group="Painting", live=False, help="Average pooling is softer")
    colour = Float(0.0, 0.0, 1.0, label="Keep colours", group="Painting", applies=KEEPS,
                   help="The picture's own colours")
    start = Choice("content", ["content", "noise", "mix", "previous"], group="Work", help="Where it begins")
    noise = Float(0.5, 0.0, 1.0, group="Work", applies={**KEEPS, "start": "mix"},
                  help="Share of noise when the start is a mix")
    optimiser = Choice("lbfgs", ["lbfgs", "adam"], group="Work", help="L-BFGS gets there in fewer steps")
    rate = Float(0.03, 0.001, 0.2, curve="log", group="Work", help="Step size of Adam")
    steps = Int(120, 1, 2000, group="Work", help="Optimiser steps over all sizes")
    levels = Int(2, 1, 5, group="Work", help="Sizes from coarse to fine, each twice the one before")
    size = Int(448, 64, 2048, unit="px", group="Work", help="Longer side of the painting")
    preview = Int(4, 1, 100, group="Work", help="Steps between two previews")
    seed = Seed(0, group="Work", applies=[{"start": ("noise", "mix")}, {"mode": "style only"}],
                help="The noise of the start")
    model = Model("style_features", architecture="features", group="Work", help="The network that judges likeness")

    @classmethod
    def for_drop(cls, values: dict[str, Any], path: str, kind: str, direct: bool) -> dict[str, Any]:
        if kind == "picture" and (values["content"] or not direct):
            return {"content": path}
        return {"content": ""} if values["content"] and direct else {}

    def setup(self, ctx: Context) -> None:
        self.features: FeatureNet = load_features(ctx.model(self.model), pooling=self.pooling, device=ctx.device)
        self.pictures: dict[tuple[str, int], Tensor] = {}
        self.result: Tensor | None = None
        self.made: Any = None
        self._began = 0.0

    def step(self, ctx: Context) -> Iterator[Tensor]:
        content = None if self.mode == "style only" else self._content(ctx)
        values = self.in_use()
        if self.result is not None and self.made is not None:
            before, shown = self.made
            if before == values and (content is None or (shown.shape == content.shape and torch.equal(shown, content))):
                yield self.result  # nothing changed: the painting is finished
                return
        height, width = content.shape[1:] if content is not None else self._shape(ctx.size or (4, 3))
        layers = tuple(part.strip() for part in self.own_layers.split(",") if part.strip())
        settings = Settings(
            steps=self.steps, optimiser="lbfgs" if self.optimiser == "lbfgs" else "adam", rate=self.rate,
            content=0.0 if self.mode == "style only" else self.content_weight,
            style=0.0 if self.mode == "content only" else self.style_weight,
            variation=self.variation, style_scale=self.stroke, levels=self.levels, preview=self.preview,
            mix={"noise": 1.0, "mix": self.noise}.get(self.start, 0.0),
            style_layers=layers or LAYERS[self.style_layers], content_layers=(self.content_layer,),
        )
        first = self.result if self.start == "previous" else None
        random = ctx.torch_rng(self.seed)
        styles = [] if self.mode == "content only" else self._styles()
        painting: Tensor | None = None
        self._show_work(ctx, content, 0.0)

        def check(share: float) -> None:
            ctx.check(share)
            self._show_progress(ctx, share)

        for seen in paint(
            self.features, (height, width), content, styles, settings, random=random, check=check, first=first
        ):
            painting = seen
            yield self._coloured(seen, content)
        if painting is not None:
            self.result = self._coloured(painting, content)
            self.made = (values, content)
        self._show_progress(ctx, 1.0)

    def _show_work(self, ctx: Context, content: Tensor | None, share: float) -> None:
        """What the view shows beside the painting: the picture that is painted, and how far it is."""
        if ctx.exposes:
            seen = None if content is None else content.permute(1, 2, 0).clamp(0, 1).mul(255).to(torch.uint8)
            ctx.expose("content", None if seen is None else seen.contiguous().cpu().numpy())
            self._began = time.monotonic()
            self._show_progress(ctx, share)

    def _show_progress(self, ctx: Context, share: float) -> None:
        if ctx.exposes:
            spent = time.monotonic() - self._began
            step = round(share * self.steps)
            ctx.expose("progress", {"share": share, "step": step, "steps": self.steps, "spent": spent})

    @staticmethod
    def swatch(name: str) -> Any:
        """One of our own style pictures, ``uint8 (height, width, 3)``. Raises KeyError."""
        return (SWATCHES[name]() * 255).round().astype(np.uint8)

    def _coloured(self, painting: Tensor, content: Tensor | None) -> Tensor:
        """With the content's own colours, brightness from the painting."""
        if content is None or self.colour <= 0:
            return painting
        weights = torch.tensor(LUMA, device=painting.device).view(3, 1, 1)
        light = (weights * (painting - content.to(painting.device))).sum(0, keepdim=True)
        return torch.lerp(painting, content.to(painting.device) + light, self.colour).clamp(0, 1)

    def _shape(self, size: tuple[int, int]) -> tuple[int, int]:
        factor = self.size / max(size)
        return max(32, round(size[1] * factor)), max(32, round(size[0] * factor))

    def _content(self, ctx: Context) -> Tensor:
        """The picture to paint, at working size."""
        if self.content:
            picture = self._file(self.content, 4 * self.size)
        elif ctx.input is not None:
            picture = torch.as_tensor(ctx.input).to(ctx.device, torch.float32)
        else:
            picture = self._file(str(ctx.asset("valley.jpg")), 4 * self.size)
        return resize(picture.to(ctx.device)[None], self._shape((picture.shape[2], picture.shape[1])))[0]

    def _styles(self) -> list[tuple[Tensor, float]]:
        chosen: list[tuple[Tensor, float]] = []
        if self.blend < 1:
            first = self._file(self.own_style, 1024) if self.own_style else self._swatch(self.style)
            chosen.append((first, 1.0 - self.blend))
        if self.blend > 0:
            other = self._file(self.own_second, 1024) if self.own_second else self._swatch(self.second)
            chosen.append((other, self.blend))
        for entry in self.more.split(";"):
            if not entry.strip():
                continue
            name, separator, weight = entry.rpartition("=")
            name = (name if separator else entry).strip()
            try:
                share = float(weight) if separator else 1.0
            except ValueError:
                raise MediaError(f"more styles: the weight {weight.strip()!r} of {name} is not a number") from None
            chosen.append((self._swatch(name) if name in SWATCHES else self._file(name, 1024), max(0.0, share)))
        return chosen

    def _swatch(self, name: str) -> Tensor:
        key = (name, -1)
        if key not in self.pictures:
            self.pictures[key] = torch.from_numpy(np.ascontiguousarray(SWATCHES[name]().transpose(2, 0, 1)))
        return self.pictures[key]

    def _file(self, name: str, longest: int) -> Tensor:
        """A picture from disk, at most ``longest`` pixels on its longer side. Raises MediaError with a sentence."""
        key = (name, longest)
        if key in self.pictures:
            return self.pictures[key]
        path = FilePath(name).expanduser()
        try:
            with Image.open(path) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    raise MediaError(f"{path} has {opened.width}x{opened.height} pixels; use a smaller copy of it")
                opened.draft("RGB", (longest, longest))
                picture = opened.convert("RGB")
        except FileNotFoundError:
            raise MediaError(f"there is no picture {path}; give the path of a PNG, JPEG or WebP file") from None
        except MediaError:
            raise
        except (OSError, SyntaxError, ValueError, *BOMBS) as error:
            raise MediaError(f"{path} cannot be read as a picture ({error}); save it again as PNG or JPEG") from None
        picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
        tensor = torch.from_numpy(np.asarray(picture, np.float32).transpose(2, 0, 1).copy()) / 255
        if min(tensor.shape[1:]) < 32:
            tensor = F.interpolate(tensor[None], scale_factor=32 / min(tensor.shape[1:]), mode="bilinear")[0]
        self.pictures[key] = tensor
        return tensor
