"""A picture network as it is played: places on the CPU, pictures on the device, classes by name, living texture."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

import torch

from studio.nn.gan_base import PictureGenerator, blend_means, blended, seed_shares
from studio.nn.latent import LatentError, lerp, seed_latent

TEXTURE_SEED = 7


class Played:
    """A network for one generator. ``device`` and ``dtype`` are where and how precisely its pictures are computed."""

    def __init__(self, net: PictureGenerator, device: str, dtype: torch.dtype) -> None:
        self.latent, self.layers, self.classes = net.shape.latent, net.layers, net.classes
        self.directions, self.sigmas = net.directions.float().cpu(), net.sigmas.float().cpu()
        self._mean = net.w_mean.float().cpu()
        self._class_means = net.class_means.float().cpu() if net.classes else None
        # a few small vectors a frame, in full precision: not worth the way to a graphics processor
        self._mapping = copy.deepcopy(net.mapping).float().cpu()
        self._net = net.to(device, dtype)
        self._device, self._dtype = device, dtype
        draw = torch.Generator().manual_seed(TEXTURE_SEED)
        self._texture = [
            (torch.randn(1, 1, *shape, generator=draw).to(device, dtype),
             torch.randn(1, 1, *shape, generator=draw).to(device, dtype))
            for shape in net.noise_shapes()
        ]
        self._fixed = net.fixed_noise()
        self._inside: tuple[float, ...] | None = None

    def z(self, seed: int) -> torch.Tensor:
        """The z ``(1, latent)`` of a seed."""
        return seed_latent(seed, self.latent)

    def w(self, z: torch.Tensor, shares: Sequence[float]) -> torch.Tensor:
        """w ``(1, latent)`` under a blend of classes; a single class is exactly its own."""
        with torch.inference_mode():
            return blended(self._mapping, z, len(self.classes), shares)

    def centre(self, shares: Sequence[float]) -> torch.Tensor:
        """The middle ``(latent,)`` of all places under a blend of classes."""
        return self._mean if self._class_means is None else blend_means(self._class_means, shares)

    def picture(self, w: torch.Tensor, noise: float = 0.0, phase: float = 0.0, *, grain: bool = True) -> torch.Tensor:
        """The network's own picture ``(3, side, side)`` in 0..1 of w ``(1, layers, latent)``; one at a time, so that
        the bits never differ. ``noise`` is the strength of the texture, which comes round after ``phase`` 1.

        A network that was trained with fixed noise shows it unless ``grain`` is off; up to a ``noise`` of 1 the moving
        texture takes its place little by little, always as strong in all.
        """
        maps = self._maps(noise, phase, grain)
        with torch.inference_mode():
            made = self._net.synthesis(w.to(self._device, self._dtype), maps)
        return (made[0].float() + 1).mul(0.5).clone()

    def _maps(self, noise: float, phase: float, grain: bool) -> Sequence[torch.Tensor | None] | None:
        if not self._texture:
            return None
        if noise <= 0:
            return None if grain else [None] * len(self._texture)
        turn = 2 * math.pi * phase
        moving = [(first * math.cos(turn) + second * math.sin(turn)) * noise for first, second in self._texture]
        if not self._fixed or not grain or noise >= 1:
            return moving
        kept = math.sqrt(1 - noise * noise)
        return [fixed * kept + new for fixed, new in zip(self._fixed, moving, strict=True)]

    def layered(self, w: torch.Tensor, other: torch.Tensor, amount: float, first: float, last: float) -> torch.Tensor:
        """A w for each layer ``(1, layers, latent)``: from ``first`` to ``last`` (0..1 of the layers, coarse to fine)
        that of ``other`` by ``amount`` (Karras et al. 2019, style mixing)."""
        rows = [w] * self.layers
        for index in range(int(first * self.layers + 1e-6), round(last * self.layers)):
            rows[index] = lerp(w, other, amount)
        return torch.stack(rows, 1)

    def move(self, x: float, y: float, degrees: float, zoom: float) -> None:
        """Where a network that can moves its picture inside itself: see ``PictureGenerator.place``."""
        if (x, y, degrees, zoom) != self._inside:
            self._inside = (x, y, degrees, zoom)
            self._net.place(x, y, degrees, zoom)

    def shares(self, text: str, seed: int) -> list[float]:
        """The shares of the classes that a text asks for; an empty one: the class that the seed falls into.

        Raises LatentError.
        """
        if not self.classes or not text.strip():
            return seed_shares(seed, len(self.classes))
        return parse_classes(text, self.classes)

    def blend(self, text: str, other: str, amount: float, seed: int, tell: Callable[[str], None]) -> list[float]:
        """From the classes of ``text`` to those of ``other``, if it is not empty, by ``amount``; a text that cannot be
        read counts as empty, and ``tell`` is told."""
        ends: list[list[float]] = []
        for name, wish in (("class", text), ("other class", other)):
            try:
                ends.append(self.shares(wish, seed))
            except LatentError as error:
                tell(f"{name}: {error}")
                ends.append(self.shares("", seed))
        return mix(ends[0], ends[1], amount if other.strip() else 0.0)


def mix(first: list[float], second: list[float], t: float) -> list[float]:
    """From one blend to another: exactly ``first`` at 0 and ``second`` at 1. A blend counts by its proportions."""
    if t <= 0 or first == second:
        return first
    if t >= 1:
        return second
    one, two = sum(first) or 1.0, sum(second) or 1.0
    return [a / one * (1 - t) + b / two * t for a, b in zip(first, second, strict=True)]


def parse_classes(text: str, names: Sequence[str]) -> list[float]:
    """Shares of the classes from ``rose``, ``2`` (the second), or ``rose:0.7 tulip:0.3``; commas part names that have
    blanks. Raises LatentError with a sentence."""
    shares = [0.0] * len(names)
    whole = _number(text.strip(), names)
    if whole is not None:
        shares[whole] = 1.0
        return shares
    for term in text.split(",") if "," in text else text.split():
        name, colon, weight = term.strip().rpartition(":")
        if not colon:
            name, weight = weight, "1"
        if not name.strip():
            continue
        place = _number(name.strip(), names)
        if place is None:
            raise LatentError(f"there is no class {name.strip()[:40]!r}; this network has {_known(names)}")
        try:
            share = float(weight)
        except ValueError:
            share = math.nan
        if not (math.isfinite(share) and 0 <= share <= 1e6):
            raise LatentError(f"the share of {name.strip()!r} must be a number from 0, not {weight[:20]!r}")
        shares[place] += share
    if not any(shares):
        raise LatentError(f"no class has a share above 0; this network has {_known(names)}")
    return shares


def _known(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (" …" if len(names) > 12 else "")


def _number(name: str, names: Sequence[str]) -> int | None:
    """The place of a class by its name, in any case, or by its number from 1."""
    if name in names:
        return names.index(name)
    folded = [known.casefold() for known in names]
    if name.casefold() in folded:
        return folded.index(name.casefold())
    if name.isascii() and name.isdigit() and 1 <= int(name[:6]) <= len(names):
        return int(name[:6]) - 1
    return None
