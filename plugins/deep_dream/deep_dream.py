"""DeepDream as an instrument: a still, an endless flight, or the camera's picture seen through a network's eyes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path as FilePath
from typing import Any

import torch

from studio.api import Bool, Choice, Context, Float, Generator, Int, Model, Path, Point, Text, Trigger, read_image
from studio.nn import device as devices
from studio.nn.dream import Guide, Settings, Target, dream, fit_targets, make_guide, parse_targets, smallest_side
from studio.nn.features import FeatureError, FeatureNet, load_features
from studio.nn.googlenet import LAYERS
from studio.nn.imaging import clouds, fold, fractal, move, recolour, resize, soft_clip
from studio.nn.weights import read_header

from . import palette as palettes

START_SIDE = 1280
SHOWN = 640
"""Longer side (pixels) of the picture that the view compares with."""
CROSSFADE = 0.35
"""Share of a stay during which the next vision of a journey comes in."""


class DeepDream(Generator):
    """Gradient ascent on layers and channels of a feature network, with camera moves between frames."""

    id, version, title, makes, takes, wants = "reverie.deep_dream", 1, "DeepDream", "image", "image", "tensor"
    pixel_bytes = 260.0

    layer = Choice("4c", LAYERS, group="Vision",
                   applies=[{"targets": False, "weight": True}, {"targets": False, "weight_b": False}],
                   help="Early layers make strokes and fur, late ones animals and places")
    channel = Int(-1, -1, 1023, group="Vision", applies={"targets": False, "weight": True},
                  help="One channel of the layer (counted round), a motif each; -1: all")
    weight = Float(1.0, -2.0, 2.0, group="Vision", applies={"targets": False},
                   help="How strongly the first vision pulls; below 0 it is avoided")
    layer_b = Choice("3b", LAYERS, group="Vision", applies={"targets": False, "weight_b": True},
                     help="Layer of a second vision")
    channel_b = Int(-1, -1, 1023, group="Vision", applies={"targets": False, "weight_b": True},
                    help="Channel of the second vision; -1: all of them")
    weight_b = Float(0.0, -2.0, 2.0, group="Vision", applies={"targets": False},
                     help="How strongly the second vision pulls; 0 switches it off")
    targets = Text(
        "", group="Vision",
        help="Instead of the above: '4c:97*0.8 + 4d'; several with | between are a journey from one to the next")
    stay = Float(6.0, 0.5, 120.0, curve="log", unit="s", group="Vision", applies={"targets": True},
                 help="How long a journey stays at each vision")
    guide = Path("", accepts="image", group="Vision", applies={"guide_weight": True},
                 help="A picture whose features are dreamt of")
    guide_weight = Float(0.8, 0.0, 1.0, group="Vision", applies={"guide": True},
                         help="0: the layers alone, 1: the guide picture alone")

    octaves = Int(4, 1, 10, group="Ascent", help="Sizes worked on, small to large: more make larger figures")
    octave_scale = Float(1.4, 1.1, 2.0, group="Ascent", applies={"octaves": "> 1"},
                         help="Ratio from one octave's size to the next")
    steps = Int(3, 0, 60, unit="steps", group="Ascent", help="Steps of ascent per octave in each frame")
    opening = Int(14, 0, 200, unit="steps", group="Ascent", help="Steps per octave in the very first frame, or a still")
    rate = Float(0.007, 0.0005, 0.1, curve="log", group="Ascent", help="Mean change of a value (0..1) per step")
    jitter = Int(24, 0, 128, unit="px", group="Ascent", help="Random shift before each step, against a fixed grid")
    smooth = Float(0.5, 0.0, 1.0, group="Ascent", help="0: crisp and grainy, 1: soft and broad")
    natural = Float(0.5, 0.0, 1.0, group="Ascent", help="0: the network's garish colours, 1: those of photographs")
    tile = Int(640, 128, 2048, unit="px", group="Ascent", help="Largest piece worked on at once: a matter of memory")

    zoom = Float(0.3, -2.0, 2.0, unit="1/s", group="Flight", help="How fast the camera flies in; below 0 it flies out")
    rotation = Float(0.0, -180.0, 180.0, unit="°/s", group="Flight", help="How fast the picture turns, anticlockwise")
    drift = Point((0.0, 0.0), -1.0, 1.0, unit="frames/s", group="Flight", help="Sideways and downward flight")
    wander = Float(0.0, 0.0, 1.0, group="Flight", help="How much the flight sways of its own accord")
    mirrors = Int(0, 0, 12, group="Flight", help="1: left mirrors right; 2 and more: a kaleidoscope of so many parts")

    hold = Float(1.0, 0.0, 1.0, group="Colour", help="How firmly brightness, contrast and palette are held over time")
    palette = Choice("start", ("start", *palettes.PALETTES), group="Colour",
                     applies={"hold": True, "palette_picture": False}, help="Colours that are held")
    palette_picture = Path("", accepts="image", group="Colour", applies={"hold": True},
                           help="A picture whose colours are held instead")
    brightness = Float(0.0, -0.3, 0.3, group="Colour", applies={"hold": True},
                       help="Lighter or darker than the palette")
    contrast = Float(1.0, 0.3, 2.0, group="Colour", applies={"hold": True}, help="Contrast relative to the palette")
    saturation = Float(1.0, 0.0, 2.0, group="Colour", applies={"hold": True},
                       help="Colourfulness relative to the palette")

    start = Choice("input", ("input", "clouds", "noise", "grey"), group="Source", live=False,
                   applies={"picture": False},
                   help="What to begin with where there is no picture; input: what comes in, or clouds")
    picture = Path("", accepts="image", group="Source", live=False, help="A picture to begin with")
    live = Float(0.0, 0.0, 1.0, group="Source", help="How much incoming picture enters each frame; 0: only the first")
    mix = Float(1.0, 0.0, 1.0, group="Source", help="0: the incoming picture, 1: the dream")
    size = Int(448, 64, 4096, curve="log", unit="px", group="Source", live=False,
               help="Longer side worked at, unless the output has a size of its own")
    restart = Trigger(group="Source", help="Begin again from the start picture")

    model = Model("dream_features", architecture="features", group="Network", help="The eyes: a feature network")
    exact = Bool(False, group="Network", live=False, help="Compute in 32 bits even where 16 are quicker")

    @classmethod
    def begins_with_input(cls, values: dict[str, Any]) -> bool:
        return bool(values["start"] == "input" and not values["picture"])

    @classmethod
    def for_drop(cls, values: dict[str, Any], path: str, kind: str, direct: bool) -> dict[str, Any]:
        if direct and cls.begins_with_input(values):
            return {}
        if kind == "picture":
            return {"picture": path}
        return {"start": "input", "picture": ""} if direct else {}

    @classmethod
    def choices_now(cls, values: dict[str, Any], model: Callable[[str], FilePath]) -> dict[str, tuple[str, ...]]:
        """The layers that the chosen network has, where its file says so."""
        try:
            tensors = read_header(model(values["model"])).tensors
        except (OSError, ValueError):
            return {}  # a step says what is wrong
        there = tuple(n for n in LAYERS if n.startswith("conv") or f"inception{n}.branch1.conv.weight" in tensors)
        return {"layer": there, "layer_b": there} if len(there) > 2 else {}  # else another kind of network

    def setup(self, ctx: Context) -> None:
        key = (self.model, self.exact)
        if getattr(self, "_key", None) != key:
            net = load_features(ctx.model(self.model), device=ctx.device)
            quick = not self.exact and _quick(ctx.device)
            self._net: FeatureNet = net.lowered(torch.bfloat16) if quick else net
            self._key = key
            self._guides: dict[tuple[str, tuple[str, ...]], Guide | None] = {}
            self._said: set[str] = set()
        begin = ("" if self.picture else self.start, self.picture)
        if getattr(self, "_begin", None) != begin:
            self._begin = begin
            self._dream: torch.Tensor | None = None
            self._journey = self._sway = 0.0
            self._fed = False
        self._palettes: dict[str, tuple[torch.Tensor, torch.Tensor] | None] = {}

    def step(self, ctx: Context) -> Iterator[torch.Tensor]:
        # live, the first picture may come in after the first step: the dream shall still begin with it
        late = ctx.input is not None and not self._fed and self.start == "input" and not self.picture
        self._fed = ctx.input is not None
        if self.restart or late:
            self._dream, self._journey = None, 0.0
        incoming = None if ctx.input is None else ctx.input[None].float()
        opening = self._dream is None
        height, width = self._shape(ctx, incoming)
        if incoming is not None:
            incoming = _covering(incoming, (height, width)).clamp(0, 1)
        base = self._first(ctx, incoming, (height, width)) if opening else self._moved(ctx, (height, width))
        if incoming is not None and not opening and self.live > 0:
            base = torch.lerp(base, incoming, self.live)
        self._show(ctx, incoming, base, opening)
        base = fold(base, self.mirrors)
        base = (self._coloured(base) if opening else base).clamp(0, 1)
        self._advance(ctx.dt)
        wanted = self._targets(ctx)
        settings = Settings(
            targets=wanted, octaves=self.octaves, scale=self.octave_scale, rate=self.rate, jitter=self.jitter,
            steps=max(self.opening, self.steps) if opening else self.steps, smooth=self.smooth, natural=self.natural,
            tile=self.tile, guide_weight=self.guide_weight,
        )
        made = base
        if settings.steps:
            guide = self._guide(ctx, tuple(dict.fromkeys(target.layer for target in wanted)))
            for made in dream(
                self._net, base, settings, ctx.torch_rng(ctx.frame), guide=guide, check=ctx.check,
                notice=lambda text: self._say(ctx, text),
            ):
                if opening:
                    yield resize(made, (height, width))[0].clamp(0, 1)
        self._dream = self._coloured(made)
        shown = self._dream if incoming is None else torch.lerp(incoming, self._dream, self.mix)
        yield shown[0]

    def _show(self, ctx: Context, incoming: torch.Tensor | None, base: torch.Tensor, opening: bool) -> None:
        """What the view shows beside the dream: what it came from, and the size it is worked at."""
        if not ctx.exposes:
            return
        follows = incoming is not None and (self.live > 0 or self.mix < 1)
        if opening or follows:
            seen = incoming if follows and incoming is not None else base
            ratio = min(1.0, SHOWN / max(seen.shape[2:]))
            small = resize(seen, (round(seen.shape[2] * ratio), round(seen.shape[3] * ratio)))[0].clamp(0, 1)
            ctx.expose("before", small.permute(1, 2, 0).mul(255).to(torch.uint8).contiguous().cpu().numpy())
            ctx.expose("follows", follows)
        if opening:
            ctx.expose("smallest", smallest_side(self._net, self._targets(ctx)))

    def _shape(self, ctx: Context, incoming: torch.Tensor | None) -> tuple[int, int]:
        """Working height and width, large enough for the deepest layer."""
        if ctx.size is not None:
            width, height = ctx.size
        else:
            tall, wide = (1, 1) if incoming is None else incoming.shape[2:]
            if incoming is None and self._picture_shape(ctx) is not None:
                tall, wide = self._picture_shape(ctx) or (1, 1)
            longer = self.size / max(tall, wide)
            height, width = round(tall * longer), round(wide * longer)
        least = smallest_side(self._net, self._targets(ctx))
        return max(least, height), max(least, width)

    def _picture_shape(self, ctx: Context) -> tuple[int, int] | None:
        picture = self._read(ctx, self.picture)
        return None if picture is None else (picture.shape[2], picture.shape[3])

    def _read(self, ctx: Context, path: str) -> torch.Tensor | None:
        """A picture file as ``(1, 3, H, W)``, kept until another is asked for."""
        if not path:
            return None
        if getattr(self, "_kept", ("", None))[0] != path:
            frame = torch.from_numpy(read_image(path)).to(ctx.device)
            self._kept = (path, frame.permute(2, 0, 1)[None].float() / 255)
        return self._kept[1]

    def _first(self, ctx: Context, incoming: torch.Tensor | None, size: tuple[int, int]) -> torch.Tensor:
        picture = self._read(ctx, self.picture)
        if picture is None and self.start == "input":
            picture = incoming
        if picture is None:
            rng = ctx.torch_rng()
            # made no larger than this: its spectrum would take more memory than the dream itself
            smaller = min(1.0, START_SIDE / max(size))
            sides = (round(size[0] * smaller), round(size[1] * smaller))
            if self.start in ("clouds", "input"):
                picture = clouds(sides, rng)
            elif self.start == "noise":
                picture = 0.5 + 0.16 * fractal(sides, rng, slope=0.7)
            else:
                picture = 0.5 + 0.02 * fractal(sides, rng, slope=0.5)
        picture = _covering(picture.to(ctx.device), size).clamp(0, 1)
        self._palettes["start"] = palettes.of_picture(picture)
        return picture

    def _moved(self, ctx: Context, size: tuple[int, int]) -> torch.Tensor:
        """The last dream as the camera sees it now: movement is speed times the time that passed."""
        assert self._dream is not None
        before = _covering(self._dream, size)
        turn, right, down = self.rotation, *self.drift
        if self.wander > 0:
            turn += self.wander * 14.0 * math.sin(self._sway * 0.61 + 1.0) * math.sin(self._sway * 0.23)
            right += self.wander * 0.07 * math.sin(self._sway * 0.47)
            down += self.wander * 0.07 * math.sin(self._sway * 0.39 + 2.0)
        dt = ctx.dt
        return move(before, zoom=math.exp(self.zoom * dt), degrees=turn * dt, shift=(right * dt, down * dt)).clamp(0, 1)

    def _advance(self, dt: float) -> None:
        self._sway += dt
        self._journey += dt / self.stay

    def _coloured(self, picture: torch.Tensor) -> torch.Tensor:
        if self.hold <= 0:
            return picture
        with torch.autocast(picture.device.type, enabled=False):
            mean, covariance = palettes.adjust(
                *self._palette(picture), self.brightness, self.contrast, self.saturation)
            return soft_clip(recolour(picture, mean, covariance, self.hold))

    def _palette(self, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        key = self.palette_picture or self.palette
        if key not in self._palettes:
            if self.palette_picture:
                frame = torch.from_numpy(read_image(self.palette_picture)).to(picture.device)
                found = palettes.of_picture(frame.permute(2, 0, 1)[None].float() / 255)
            elif key == "start":
                found = palettes.of_picture(picture)
            else:
                mean, covariance = palettes.named(key)
                found = (mean.to(picture.device), covariance.to(picture.device))
            self._palettes[key] = found
        kept = self._palettes[key]
        assert kept is not None
        return kept

    def _targets(self, ctx: Context) -> tuple[Target, ...]:
        """What to dream of now, in the network's own layer names."""
        if self.targets.strip():
            stops = [parse_targets(part) for part in self.targets.split("|") if part.strip()]
            place = self._journey % len(stops)
            here, fade = stops[int(place)], max(0.0, (place % 1.0 - (1 - CROSSFADE)) / CROSSFADE)
            wished = list(here)
            if fade > 0 and len(stops) > 1:
                after = stops[(int(place) + 1) % len(stops)]
                wished = [Target(t.layer, t.channels, t.weight * (1 - fade)) for t in here]
                wished += [Target(t.layer, t.channels, t.weight * fade) for t in after]
        else:
            visions = ((self.layer, self.channel, self.weight), (self.layer_b, self.channel_b, self.weight_b))
            wished = [self._vision(ctx, *vision) for vision in visions if vision[2]]
            wished = wished or [self._vision(ctx, self.layer, -1, 1.0)]
        return fit_targets(self._net, wished, lambda text: self._say(ctx, text))

    def _vision(self, ctx: Context, layer: str, channel: int, weight: float) -> Target:
        """A layer, or one channel of it; channels are counted round, so that every number is a motif of the network."""
        layer = self._nearest(ctx, layer)
        count = self._net.channels(layer)
        if channel >= count:
            self._say(ctx, f"layer {layer} has channels 0 to {count - 1}; {channel} is taken as {channel % count}")
        return Target(layer, () if channel < 0 else (channel % count,), weight)

    def _nearest(self, ctx: Context, layer: str) -> str:
        """The layer itself; in a network without it the deepest one before it, else one at the same relative depth."""
        try:
            return self._net.resolve(layer)
        except FeatureError:
            earlier = [name for name in LAYERS[: LAYERS.index(layer)] if name in self._net.layers and name != "conv1"]
            share = LAYERS.index(layer) / (len(LAYERS) - 1)
            found = earlier[-1] if earlier else self._net.layers[round(share * (len(self._net.layers) - 1))]
            self._say(ctx, f"this network has no layer {layer}; {found} is used instead")
            return found

    def _guide(self, ctx: Context, layers: tuple[str, ...]) -> Guide | None:
        if not self.guide or self.guide_weight <= 0:
            return None
        key = (self.guide, layers)
        if key not in self._guides:
            frame = torch.from_numpy(read_image(self.guide)).to(ctx.device)
            self._guides = {key: make_guide(self._net, frame.permute(2, 0, 1)[None].float() / 255, layers)}
        return self._guides[key]

    def _say(self, ctx: Context, text: str) -> None:
        """Each notice once, not once per frame."""
        if text not in self._said:
            self._said.add(text)
            ctx.notice(text)


def _covering(picture: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """``(1, 3, H, W)`` at another height and width; of other proportions the middle is taken, nothing is stretched."""
    tall, wide = picture.shape[2:]
    scale = max(size[0] / tall, size[1] / wide)
    rows, columns = min(tall, max(1, round(size[0] / scale))), min(wide, max(1, round(size[1] / scale)))
    top, left = (tall - rows) // 2, (wide - columns) // 2
    return resize(picture[:, :, top : top + rows, left : left + columns], size)


def _quick(device: str) -> bool:
    """Whether this device computes bfloat16 quickly."""
    return any(found.name == device and found.fast_bf16 for found in devices.devices())
