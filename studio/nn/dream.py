"""DeepDream (Mordvintsev, Olah, Tyka 2015): change a picture until it excites chosen layers of a feature network.

``dream`` is a plain generator over tensors: octaves from small to large, in each a number of steps up the normalised
gradient, of which only the detail is carried to the next size. Large pictures are worked on in tiles whose grid is
shifted at random in every step, so memory depends on the tile and no seam stays in one place long enough to show.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from studio.nn.featurenet import FeatureError, FeatureNet
from studio.nn.imaging import blur, natural_colours, resize

_ENTRY = re.compile(
    r"\s*(?P<sign>[+-])?\s*(?P<layer>[A-Za-z0-9_./]+)"
    r"(?:\s*:\s*(?P<channels>\d+(?:\s*-\s*\d+)?(?:\s*,\s*\d+(?:\s*-\s*\d+)?)*))?"
    r"(?:\s*\*\s*(?P<weight>\d*\.?\d+))?\s*"
)
SILENT = 0.1
"""Share of the gradient that a channel objective keeps where the channel is silent, so that it can wake up anywhere."""


@dataclass(frozen=True)
class Target:
    """What to excite: a layer as a whole, or some of its channels. A negative weight calms it."""

    layer: str
    channels: tuple[int, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True)
class Settings:
    """How to dream. Sizes are pixels, ``rate`` is the mean change of a value 0..1 per step."""

    targets: tuple[Target, ...] = (Target("4c"),)
    octaves: int = 4
    scale: float = 1.4
    """Ratio of the sides of one octave to those of the next smaller one."""
    steps: int = 10
    rate: float = 0.008
    jitter: int = 24
    """Largest random shift of the picture before a step."""
    smooth: float = 0.5
    """0: the raw gradient; 1: mostly its coarse part (a sum of Gaussian blurs)."""
    natural: float = 0.5
    """0: the gradient's own colours; 1: the colours of photographs."""
    tile: int = 640
    """Largest side of what goes through the network at once."""
    guide_weight: float = 0.0
    """0: the targets alone; 1: the guide picture alone."""


@dataclass
class Guide:
    """Feature vectors ``(places, C)`` of a guide picture, by layer. See ``make_guide``."""

    vectors: Mapping[str, torch.Tensor] = field(default_factory=dict)


def parse_targets(text: str) -> tuple[Target, ...]:
    """``"4c:97*0.8 + 4d - 3b"`` as targets: a layer, perhaps channels (``12,40-43``), perhaps a weight.

    Raises FeatureError with a sentence where the text cannot be read.
    """
    targets: list[Target] = []
    place = 0
    while place < len(text):
        match = _ENTRY.match(text, place)
        if match is None or match.end() == place or (targets and match["sign"] is None):
            raise FeatureError(f"targets: cannot read {text[place:place + 40]!r}; write like '4c:97*0.8 + 4d'")
        weight = float(match["weight"] or 1.0) * (-1.0 if match["sign"] == "-" else 1.0)
        if not weight <= 1e4 or not weight >= -1e4:
            raise FeatureError(f"targets: a weight of {weight:g} is out of range; use -10000..10000")
        targets.append(Target(match["layer"], _channels(match["channels"] or ""), weight))
        place = match.end()
    if not targets:
        raise FeatureError("targets: nothing is named; write like '4c:97*0.8 + 4d'")
    return tuple(targets)


def _channels(text: str) -> tuple[int, ...]:
    found: list[int] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, _, last = part.partition("-")
        low, high = int(first), int(last or first)
        if high < low or high - low > 4096 or high > 1_000_000:
            raise FeatureError(f"targets: channels {part!r} are not a range; write like 12,40-43")
        found.extend(range(low, high + 1))
    return tuple(dict.fromkeys(found))


def fit_targets(net: FeatureNet, targets: Sequence[Target], notice: Callable[[str], None]) -> tuple[Target, ...]:
    """Targets in the network's own layer names; what it does not have is replaced or left out, with a notice.

    Raises FeatureError when nothing is left.
    """
    fitted: list[Target] = []
    for target in targets:
        try:
            layer = net.resolve(target.layer)
        except FeatureError as error:
            notice(str(error))
            continue
        count = net.channels(layer)
        channels = tuple(channel for channel in target.channels if channel < count)
        if len(channels) < len(target.channels):
            notice(f"layer {layer} has channels 0 to {count - 1}; the others were left out")
        if target.channels and not channels:
            continue
        if target.weight:
            fitted.append(Target(layer, channels, target.weight))
    if not fitted:
        raise FeatureError(f"no layer to dream on is left; this network has {', '.join(net.layers)}")
    return tuple(fitted)


def octave_sizes(size: tuple[int, int], octaves: int, scale: float, smallest: int) -> list[tuple[int, int]]:
    """Sizes (height, width) from small to large; the last is ``size``, those under ``smallest`` pixels are left out."""
    sizes = [size]
    for octave in range(1, max(1, octaves)):
        smaller = (round(size[0] / scale**octave), round(size[1] / scale**octave))
        if min(smaller) < smallest or smaller == sizes[-1]:
            break
        sizes.append(smaller)
    return sizes[::-1]


def smallest_side(net: FeatureNet, targets: Sequence[Target]) -> int:
    """The shortest side (pixels) on which the deepest target still has two places to be excited at."""
    return max(32, 2 * max(net.stride(target.layer) for target in targets))


class Objective:
    """The scalar to climb. Several targets are weighed against each other by the size each has on the picture as it is,
    measured once per octave: a weight then means the same on every layer."""

    def __init__(self, net: FeatureNet, settings: Settings, guide: Guide | None) -> None:
        self.net, self.targets, self.guide = net, settings.targets, guide
        self.guide_weight = settings.guide_weight if guide and guide.vectors else 0.0
        guided = set(guide.vectors) if guide is not None and self.guide_weight else set()
        self.layers = sorted({target.layer for target in self.targets} | guided)
        self.stride = max(net.stride(layer) for layer in self.layers)
        self.sizes = [1.0] * len(self.targets)
        self.guide_size = 1.0

    def parts(self, x: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor | None]:
        """The value of each target, summed over places, and of the guide."""
        found = self.net.forward_to(x, self.layers, before_relu=True)
        values = [excitement(found[target.layer], target.channels) for target in self.targets]
        if not self.guide_weight or self.guide is None:
            return values, None
        matched = [_match(torch.relu(found[layer]), vectors) for layer, vectors in self.guide.vectors.items()]
        return values, torch.stack(matched).sum()

    def measure(self, x: torch.Tensor) -> None:
        """Take the sizes of the parts from ``x``, which is not larger than a tile."""
        if len(self.targets) == 1 and not self.guide_weight:
            return
        with torch.no_grad():
            values, guided = self.parts(x)
        self.sizes = [max(float(value.abs()), 1e-6) for value in values]
        self.guide_size = 1.0 if guided is None else max(float(guided.abs()), 1e-6)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        values, guided = self.parts(x)
        own = 1.0 - self.guide_weight
        parts = zip(values, self.targets, self.sizes, strict=True)
        total = torch.stack([value * (own * target.weight / size) for value, target, size in parts]).sum()
        return total if guided is None else total + guided * (self.guide_weight / self.guide_size)


def excitement(pre: torch.Tensor, channels: tuple[int, ...]) -> torch.Tensor:
    """How excited a layer is, from its activations before the ReLU ``(1, C, H, W)``.

    The whole layer: half the sum of squares (its gradient is the activation itself, as in the original). Channels:
    the same for them, plus a small linear part, so that the gradient is not zero where they are silent.
    """
    if not channels:
        return 0.5 * torch.relu(pre).float().square().sum()
    chosen = pre[:, list(channels)].float()
    loud = torch.relu(chosen)
    level = loud.detach().square().mean().sqrt() + chosen.detach().abs().mean() + 1e-6
    return 0.5 * loud.square().sum() + SILENT * level * chosen.sum()


def make_guide(net: FeatureNet, picture: torch.Tensor, layers: Sequence[str], side: int = 256) -> Guide:
    """Feature vectors of a guide picture ``(1, 3, H, W)``, shrunk to ``side`` pixels on its longer side."""
    ratio = side / max(picture.shape[2:])
    if ratio < 1:
        picture = resize(picture, (max(32, round(picture.shape[2] * ratio)), max(32, round(picture.shape[3] * ratio))))
    with torch.no_grad():
        found = net.forward_to(picture.clamp(0, 1), layers)
    return Guide({layer: value[0].flatten(1).T.contiguous() for layer, value in found.items()})


def _match(found: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """Sum over places of the dot product with the guide's best fitting vector (Mordvintsev et al., guided dreams)."""
    places = found[0].flatten(1).T
    with torch.no_grad():
        best = (places @ vectors.T.to(places.dtype)).argmax(1)
    return (places * vectors[best].to(places.dtype)).float().sum()


def gradient(objective: Objective, x: torch.Tensor, tile: int, check: Callable[[], None]) -> torch.Tensor:
    """Gradient of the objective at ``x`` ``(1, 3, H, W)``, in even tiles of at most ``tile`` pixels a side."""
    rows, columns = (_cuts(side, tile, objective.stride) for side in x.shape[2:])
    if len(rows) == len(columns) == 1:
        return _tile_gradient(objective, x)
    out = torch.empty_like(x)
    for top, bottom in rows:
        for left, right in columns:
            check()
            out[:, :, top:bottom, left:right] = _tile_gradient(objective, x[:, :, top:bottom, left:right])
    return out


def _tile_gradient(objective: Objective, x: torch.Tensor) -> torch.Tensor:
    leaf = x.detach().clone(memory_format=torch.channels_last).requires_grad_(True)
    with torch.enable_grad():
        found, = torch.autograd.grad(objective(leaf), leaf)
    return found


def _cuts(side: int, tile: int, grid: int) -> list[tuple[int, int]]:
    """Even pieces of at most ``tile`` pixels, on multiples of ``grid``: so the network pools as in the whole."""
    count = max(1, math.ceil(side / tile))
    while True:
        edges = [*(round(side * index / count / grid) * grid for index in range(count)), side]
        pieces = list(itertools.pairwise(edges))
        if max(end - begin for begin, end in pieces) <= tile or count * grid >= side:
            return pieces
        count += 1


def shape_gradient(found: torch.Tensor, settings: Settings) -> torch.Tensor:
    """Smooth, recolour and normalise a gradient to a mean absolute value of 1 (0 where it vanishes)."""
    if settings.smooth > 0:
        # bands of equal strength: fine detail would otherwise drown the coarse (compare Laplacian normalisation)
        total = found * ((1.0 - 0.75 * settings.smooth) / _size(found))
        for sigma, gain in ((1.0, 0.7), (2.5, 1.0), (5.0, 1.0)):
            band = blur(found, sigma)
            total += band.mul_(settings.smooth * gain / _size(band))
        found = total
    found = natural_colours(found, settings.natural)
    return found / _size(found)


def _size(x: torch.Tensor) -> torch.Tensor:
    return x.abs().mean().clamp_min(1e-12)


def dream(
    net: FeatureNet, picture: torch.Tensor, settings: Settings, rng: torch.Generator, *, guide: Guide | None = None,
    notice: Callable[[str], None] = lambda _: None, check: Callable[[float], None] = lambda _: None,
) -> Iterator[torch.Tensor]:
    """Dream on ``picture`` ``(1, 3, H, W)`` in 0..1; yields the picture after each octave, the last one at full size.

    ``settings.targets`` must be the network's own (``fit_targets``). ``check`` is called with the progress 0..1 before
    each tile and step, and may raise to stop.
    """
    full = (picture.shape[2], picture.shape[3])
    smallest = smallest_side(net, settings.targets)
    if min(full) < smallest:
        raise FeatureError(f"the picture has {full[1]}x{full[0]} pixels; this layer needs at least {smallest} a side")
    sizes = octave_sizes(full, settings.octaves, settings.scale, smallest)
    if len(sizes) < settings.octaves:
        notice(f"{len(sizes)} of {settings.octaves} octaves used: the others are under {smallest} pixels a side")
    work = [settings.steps * size[0] * size[1] for size in sizes]
    done, objective = 0.0, Objective(net, settings, guide)
    detail: torch.Tensor | None = None
    x = picture
    for position, size in enumerate(sizes):
        base = resize(picture, size).clamp(0, 1)
        x = base if detail is None else base + resize(detail, size)
        objective.measure(_centre(x, settings.tile))
        for step in range(settings.steps):
            progress = (done + work[position] * step / settings.steps) / max(1, sum(work))
            x = _step(objective, x, settings, rng, lambda progress=progress: check(progress))  # type: ignore[misc]
        detail = x - base
        done += work[position]
        yield x


def _step(
    objective: Objective, x: torch.Tensor, settings: Settings, rng: torch.Generator, check: Callable[[], None]
) -> torch.Tensor:
    check()
    tiled = max(x.shape[2:]) > settings.tile
    shift = [
        int(torch.randint(0, side, (), generator=rng)) if tiled
        else int(torch.randint(-settings.jitter, settings.jitter + 1, (), generator=rng))
        for side in x.shape[2:]
    ]
    found = gradient(objective, x.roll(shift, (2, 3)), settings.tile, check).roll([-shift[0], -shift[1]], (2, 3))
    return (x + settings.rate * shape_gradient(found, settings)).clamp(0, 1)


def _centre(x: torch.Tensor, side: int) -> torch.Tensor:
    top, left = (max(0, (extent - side) // 2) for extent in x.shape[2:])
    return x[:, :, top : top + side, left : left + side].contiguous(memory_format=torch.channels_last)
