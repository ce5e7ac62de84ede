"""Style transfer by optimisation: the pixels themselves are moved until they have the content of one picture and the
style of others (Gatys, Ecker, Bethge 2016), from coarse to fine (Gatys et al. 2017), as a generator to be watched.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from studio.nn import gram
from studio.nn.features import FeatureNet

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
CONTENT_LAYERS = ("relu3_1",)
STYLE_SCALE = 40.0
"""What a style weight of 1 means against a content weight of 1, with both losses in shares of their start."""
SMALLEST = 96
"""Shorter side (pixels) of the coarsest level."""


class PaintError(ValueError):
    """A painting that cannot be made from these pictures and settings; the message says what to change."""


@dataclass(frozen=True)
class Settings:
    """How to paint. ``steps`` are optimiser steps over all levels; ``preview`` steps lie between two previews.

    A content or style weight of 0 leaves that side out. ``mix`` is the share of noise at the start. ``style_scale`` is
    the size of the style pictures against the painting: more gives larger strokes. ``levels`` halve the size each.
    """

    steps: int = 150
    optimiser: Literal["lbfgs", "adam"] = "lbfgs"
    content: float = 1.0
    style: float = 1.0
    variation: float = 1.0
    mix: float = 0.0
    style_scale: float = 1.0
    levels: int = 2
    preview: int = 5
    rate: float = 0.03
    style_layers: Sequence[str] = STYLE_LAYERS
    content_layers: Sequence[str] = CONTENT_LAYERS


@dataclass
class _Targets:
    """What one level aims at."""

    content: dict[str, Tensor]
    style: dict[str, Tensor]
    start: dict[str, Tensor]


def resize(picture: Tensor, shape: tuple[int, int]) -> Tensor:
    """``(1, 3, H, W)`` to another height and width, without aliasing."""
    if tuple(picture.shape[2:]) == shape:
        return picture
    return F.interpolate(picture, shape, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)


def level_shapes(height: int, width: int, levels: int) -> list[tuple[int, int]]:
    """Sizes from coarse to fine; coarse levels that would be too small are left out."""
    shapes = [(max(1, round(height / 2**n)), max(1, round(width / 2**n))) for n in range(max(1, levels))]
    return [*(shape for shape in shapes[:0:-1] if min(shape) >= SMALLEST), shapes[0]]


def share_steps(steps: int, levels: int) -> list[int]:
    """Steps for each level: the coarse ones, which are cheap and set the composition, get twice those of the next."""
    weights = [2.0 ** (levels - 1 - n) for n in range(levels)]
    shares = [max(1, math.floor(steps * weight / sum(weights))) for weight in weights]
    shares[-1] = max(1, steps - sum(shares[:-1]))
    return shares


def paint(
    features: FeatureNet, shape: tuple[int, int], content: Tensor | None, styles: Sequence[tuple[Tensor, float]],
    settings: Settings, *, random: torch.Generator, check: Callable[[float], None] = lambda progress: None,
    first: Tensor | None = None,
) -> Iterator[Tensor]:
    """Yield the painting ``(3, H, W)`` in 0..1 as it grows: every few steps, and at the end (the last is the result).

    ``shape`` is its height and width; ``content`` a picture ``(3, h, w)`` or None; ``styles`` pictures with weights.
    ``first`` is a painting to go on from (a video's last frame) at full size only. ``check`` is called before and
    within every evaluation with the progress 0..1 and may raise to stop.
    Raises PaintError when there is nothing to aim at, FeatureError for an unknown layer.
    """
    device = features.mean.device
    wanted = [(picture.to(device, torch.float32)[None], weight) for picture, weight in styles if weight > 0]
    with_content = content is not None and settings.content > 0 and bool(settings.content_layers)
    with_style = bool(wanted) and settings.style > 0 and bool(settings.style_layers)
    if not with_content and not with_style:
        raise PaintError("nothing to aim at: give a content picture with a weight, or a style picture with a weight")
    shapes = level_shapes(*shape, settings.levels if first is None else 1)
    smallest = 2 * max(features.stride(layer) for layer in (*settings.style_layers, *settings.content_layers))
    if min(shapes[0]) < smallest:
        raise PaintError(f"{shape[1]}x{shape[0]} pixels are too few for these layers; they need {smallest} each way")
    ground = content.to(device, torch.float32)[None] if content is not None else None
    image = first.to(device, torch.float32)[None] if first is not None else None
    done, total = 0, sum(share_steps(settings.steps, len(shapes)))
    for size, steps in zip(shapes, share_steps(settings.steps, len(shapes)), strict=True):
        base = resize(ground, size) if ground is not None else None
        if image is None:
            noise = 0.5 + 0.2 * torch.randn(1, 3, *size, generator=random).to(device)
            image = noise if base is None else torch.lerp(base, noise, settings.mix)
        else:
            image = resize(image.clamp(0, 1), size)
        counted = _counted(check, done, total)
        targets = _targets(
            features, base, wanted, size, settings, image, with_content, with_style, functools.partial(counted, 0)
        )
        for step, seen in _level(features, image, targets, settings, steps, counted):
            image = seen
            if step == steps or step % max(1, settings.preview) == 0:
                yield resize(seen.clamp(0, 1), shape)[0]
        done += steps


def _counted(check: Callable[[float], None], done: int, total: int) -> Callable[[int], None]:
    return lambda step: check((done + step) / total)


@torch.no_grad()
def _targets(
    features: FeatureNet, base: Tensor | None, styles: Sequence[tuple[Tensor, float]], size: tuple[int, int],
    settings: Settings, image: Tensor, with_content: bool, with_style: bool, pause: Callable[[], None],
) -> _Targets:
    """What to aim at, at one size; ``pause`` is called between the passes of the network."""
    style: dict[str, Tensor] = {}
    start: dict[str, Tensor] = {}
    if with_style:
        tables = []
        for picture, _ in styles:
            # the strokes shall have the same size in the painting whatever the size of the style picture
            factor = settings.style_scale * math.sqrt(size[0] * size[1] / (picture.shape[2] * picture.shape[3]))
            sides = [max(48, round(side * factor)) for side in picture.shape[2:]]
            scaled = resize(picture, (sides[0], sides[1]))
            tables.append(gram.grams(features.forward_to(_last(scaled), settings.style_layers)))
            pause()
        style = gram.mix_grams(tables, [weight for _, weight in styles])
        plain = gram.grams(features.forward_to(_last(base if base is not None else image), settings.style_layers))
        # a content picture that has the style already must not make a layer infinitely heavy
        start = {
            layer: torch.maximum(gram.gram_distance(plain[layer], aim), 0.02 * aim.square().sum((1, 2)))
            for layer, aim in style.items()
        }
        pause()
    content = features.forward_to(_last(base), settings.content_layers) if with_content and base is not None else {}
    return _Targets(content, style, start)


def _last(picture: Tensor) -> Tensor:
    return picture.contiguous(memory_format=torch.channels_last)


def _loss(
    features: FeatureNet, image: Tensor, targets: _Targets, settings: Settings, pause: Callable[[], None],
) -> Tensor:
    """The loss of a picture. ``pause`` is called after the forward pass and on the way back through the layers."""
    found = features.forward_to(_last(image), [*targets.style, *targets.content])
    pause()
    for activations in found.values():
        if activations.requires_grad:
            activations.register_hook(lambda gradient: pause())  # type: ignore[no-untyped-call]
    total = 10.0 * gram.outside(image).sum() + settings.variation * gram.total_variation(image).sum()
    if targets.style:
        aims = targets.style.items()
        distances = [gram.gram_distance(gram.gram(found[k]), aim) / targets.start[k] for k, aim in aims]
        total = total + STYLE_SCALE * settings.style * torch.stack(distances).mean()
    if targets.content:
        distances = [gram.feature_distance(found[k], targets.content[k]) for k in targets.content]
        total = total + settings.content * torch.stack(distances).mean()
    return torch.as_tensor(total)


def _level(
    features: FeatureNet, image: Tensor, targets: _Targets, settings: Settings, steps: int,
    check: Callable[[int], None],
) -> Iterator[tuple[int, Tensor]]:
    """Optimise at one size; yields the number of the step and the picture after it."""
    # LBFGS flattens its parameter: it must be contiguous in the ordinary order
    pixels = image.detach().clone(memory_format=torch.contiguous_format).requires_grad_()

    def adam() -> torch.optim.Optimizer:
        return torch.optim.Adam([pixels], settings.rate, betas=(0.9, 0.99))

    def lbfgs() -> torch.optim.Optimizer:
        return torch.optim.LBFGS([pixels], max_iter=1, history_size=12, tolerance_grad=0.0, tolerance_change=0.0)

    optimiser = lbfgs() if settings.optimiser == "lbfgs" else adam()
    good, best = pixels.detach().clone(), math.inf
    for step in range(steps):
        pause = functools.partial(check, step)
        pause()

        def closure(pause: Callable[[], None] = pause) -> Tensor:
            with torch.enable_grad():
                pixels.grad = None
                loss = _loss(features, pixels, targets, settings, pause)
                loss.backward()  # type: ignore[no-untyped-call]
            return loss.detach()

        here = pixels.detach().clone()
        loss = float(optimiser.step(closure))  # type: ignore[arg-type]
        if not loss <= 5.0 * best or not bool(torch.isfinite(pixels).all()):
            # L-BFGS without a line search can overshoot: go on from the last good picture with careful steps
            with torch.no_grad():
                pixels.copy_(good)
            optimiser = adam()
        else:
            good, best = here, min(best, loss)
        yield step + 1, pixels.detach()
    with torch.no_grad():
        last = float(_loss(features, pixels, targets, settings, functools.partial(check, steps)))
    if not last <= 5.0 * best:
        yield steps, good
