"""Palettes for pictures of at most 256 colours: median cut, refined by k-means, and dithering.

Median cut alone (what most GIF writers do) leaves one to two decibels on the table; two or three rounds of Lloyd's
algorithm take them. The assignment step of each round is Pillow's palette mapping in C, which makes a round cost a few
milliseconds for a quarter of a million pixels. Everything here is deterministic.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.media import Frame

Palette = NDArray[np.uint8]
"""``(colours, 3)`` RGB."""

SAMPLE = 1_800
"""Pixels from which a first palette is cut; after the refinement more make no difference."""
REFINE = 70_000
"""Pixels on which it is refined; more gain a few hundredths of a decibel."""
ROUNDS = 2
"""Rounds of k-means; a third one gains a hundredth of a decibel or two."""


def make_palette(pixels: Frame, colours: int, *, rounds: int = ROUNDS) -> Mapper:
    """At most ``colours`` (2..255) colours for ``pixels`` (uint8 ``(height, width, 3)``), ready to map pictures.

    A picture that has no more colours than that gets exactly these.
    """
    from PIL import Image

    sample = thin(pixels, SAMPLE)
    cut = Image.fromarray(sample).quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    flat = np.array(cut.getpalette() or [0, 0, 0], np.uint8)
    palette = np.unique(flat.reshape(-1, 3)[:colours], axis=0)
    if len(palette) < colours:  # few colours in the sample: perhaps few in the whole
        packed = np.unique(pack(pixels))
        if len(packed) <= min(colours, 255):
            every = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=1).astype(np.uint8)
            return Mapper(every, exact=True)
    pixels = thin(pixels, REFINE)
    for _ in range(rounds):
        palette = refine(pixels, palette, colours)
    return Mapper(palette)


def thin(pixels: Frame, most: int) -> Frame:
    """Every n-th pixel of every n-th row, so that about ``most`` remain."""
    step = max(1, round((pixels.shape[0] * pixels.shape[1] / most) ** 0.5))
    return np.ascontiguousarray(pixels[::step, ::step])


def refine(pixels: Frame, palette: Palette, colours: int) -> Palette:
    """One round of k-means; entries that no pixel uses move to the worst served pixels."""
    chosen = Mapper(palette)(pixels).ravel()
    flat = pixels.reshape(-1, 3)
    count = np.bincount(chosen, minlength=len(palette))
    total = np.stack([np.bincount(chosen, weights=flat[:, c], minlength=len(palette)) for c in range(3)], axis=1)
    used = count > 0
    better = np.rint(total[used] / count[used, None]).astype(np.uint8)
    free = colours - len(better)
    if free > 0:
        some = slice(None, None, max(1, len(flat) // 8192))
        error = ((flat[some].astype(np.int32) - palette[chosen[some]]) ** 2).sum(axis=1)
        worst = np.argsort(-error, kind="stable")[: 4 * free]
        worst = worst[error[worst] > 0][:: 4 if len(worst) >= 4 * free else 1][:free]
        better = np.concatenate([better, flat[some][worst]])
    return np.unique(better, axis=0)


_UNKNOWN = 255
_ROUND = [min(255, level + 2) for level in range(256)] * 3


class Mapper:
    """Finds the nearest colours of one palette. Keep it as long as the palette: what it has found it remembers.

    ``exact`` palettes hold all colours of a picture: those are found to the last bit, others to 6 bits.
    """

    def __init__(self, palette: Palette, *, exact: bool = False) -> None:
        from PIL import Image

        self.palette = palette
        self._table = Image.new("P", (1, 1))
        # unused entries repeat the last colour, so that they are never nearer than a real one
        self._table.putpalette(np.concatenate([palette, np.repeat(palette[-1:], 256 - len(palette), axis=0)]).tobytes())
        self._known: NDArray[np.uint8] | None = None
        if exact:
            self._known = np.full(1 << 24, _UNKNOWN, np.uint8)
            self._known[pack(palette)] = np.arange(len(palette))

    @property
    def exact(self) -> bool:
        """Whether the palette holds every colour of the picture it was made for."""
        return self._known is not None

    def __call__(self, pixels: Frame, *, diffuse: bool = False) -> NDArray[np.uint8]:
        """Index ``(height, width)`` of the nearest colour; ``diffuse`` with Floyd-Steinberg."""
        if self._known is None:
            return self._near(pixels, diffuse)
        found = self._known[pack(pixels)]
        missing = found == _UNKNOWN
        return np.where(missing, self._near(pixels, diffuse), found) if missing.any() else found

    def _near(self, pixels: Frame, diffuse: bool) -> NDArray[np.uint8]:
        from PIL import Image

        picture, how = Image.fromarray(pixels), Image.Dither.FLOYDSTEINBERG
        if not diffuse:  # Pillow cuts each channel to a multiple of four before it looks: make that rounding
            picture, how = picture.point(_ROUND), Image.Dither.NONE
        found: NDArray[np.uint8] = np.asarray(picture.quantize(palette=self._table, dither=how))
        return found if len(self.palette) == 256 else np.minimum(found, np.uint8(len(self.palette) - 1))

    def error(self, pixels: Frame) -> float:
        """Mean squared error (0..255 scale) without dithering, on a part of the pixels."""
        return squared_error(pixels, self.palette, self(pixels))


def squared_error(pixels: Frame, palette: Palette, chosen: NDArray[np.uint8]) -> float:
    """Mean squared error (0..255 scale) of at most some 30,000 pixels."""
    step = max(1, round((chosen.size / 30_000) ** 0.5))
    difference = pixels[::step, ::step].astype(np.int32) - palette[chosen[::step, ::step]]
    return float(np.mean(difference * difference))


def pack(pixels: Any) -> NDArray[np.uint32]:
    """uint8 ``(..., 3)`` -> one number per pixel, 0xRRGGBB."""
    packed: NDArray[np.uint32] = pixels[..., 0].astype(np.uint32) << 16
    packed |= pixels[..., 1].astype(np.uint32) << 8
    packed |= pixels[..., 2]
    return packed


class Dither:
    """Fixed offsets that are added before the nearest colour is taken, so that mixtures look like the colours between.

    The pattern stands still in time: it does not shimmer and does not disturb compression. ``kind`` is ``blue``
    (blue noise: no visible pattern) or ``ordered`` (Bayer matrix). Each channel has its own shift of the pattern.
    """

    def __init__(self, kind: str, height: int, width: int) -> None:
        tile = _blue_noise() if kind == "blue" else _bayer()
        side = len(tile)
        shifts = ((0, 0), (side // 2, side // 3), (side // 3, side // 2 + 1))
        tiles = np.stack([np.roll(tile, shift, axis=(0, 1)) for shift in shifts], axis=2)
        repeats = (-(-height // side), -(-width // side), 1)
        self._pattern = np.tile(tiles, repeats)[:height, :width].astype(np.float32)
        self._offsets: NDArray[np.int16] | None = None
        self._amplitude = -1

    def apply(self, pixels: Frame, amplitude: float) -> Frame:
        """``pixels`` plus the pattern, ``amplitude`` levels from its lowest to its highest value."""
        whole = round(amplitude)
        if not whole:
            return pixels
        if whole != self._amplitude or self._offsets is None:
            self._offsets = np.rint(self._pattern * whole).astype(np.int16)
            self._amplitude = whole
        moved = self._offsets + pixels
        np.clip(moved, 0, 255, out=moved)
        return moved.astype(np.uint8)


def grain(pixels: Frame) -> float:
    """Standard deviation (levels) of the noise a picture has already, from neighbouring pixels; edges do not count."""
    if pixels.shape[1] < 2:
        return 0.0
    step = max(1, pixels.shape[0] // 64)
    difference = np.diff(pixels[::step].astype(np.int16), axis=1)
    return float(np.median(np.abs(difference))) / 0.954


def spacing(palette: Palette) -> float:
    """Median distance of a palette's colours to their nearest neighbours (levels)."""
    if len(palette) < 2:
        return 0.0
    values = palette.astype(np.float32)
    square = (values * values).sum(axis=1)
    distance = square[:, None] + square[None] - 2 * values @ values.T
    np.fill_diagonal(distance, np.inf)
    return float(np.sqrt(max(0.0, float(np.median(distance.min(axis=1))))))


@lru_cache(maxsize=1)
def _bayer(order: int = 3) -> NDArray[np.float64]:
    """Bayer threshold matrix, -0.5..0.5."""
    matrix = np.zeros((1, 1))
    for _ in range(order):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return (matrix + 0.5) / matrix.size - 0.5


@lru_cache(maxsize=1)
def _blue_noise(side: int = 32, sigma: float = 1.9) -> NDArray[np.float64]:
    """Blue-noise thresholds -0.5..0.5 on a torus (Ulichney, "The void-and-cluster method", 1993)."""
    distance = np.minimum(np.arange(side), side - np.arange(side)).astype(np.float64)
    bump = np.exp(-(distance[:, None] ** 2 + distance[None] ** 2) / (2 * sigma * sigma))
    size = side * side
    moved = np.stack([np.roll(bump, (y, x), axis=(0, 1)) for y in range(side) for x in range(side)]).reshape(size, size)
    ones = np.zeros(size, bool)
    ones[np.random.default_rng(1).choice(size, size // 10, replace=False)] = True
    energy = moved[ones].sum(axis=0)
    while True:  # move the tightest cluster into the largest void until that changes nothing
        cluster = int(np.argmax(np.where(ones, energy, -np.inf)))
        ones[cluster] = False
        energy = energy - moved[cluster]
        void = int(np.argmin(np.where(ones, np.inf, energy)))
        ones[void] = True
        energy = energy + moved[void]
        if void == cluster:
            break
    rank = np.zeros(size)
    left, remaining = ones.copy(), energy.copy()
    for order in range(int(ones.sum()) - 1, -1, -1):
        cluster = int(np.argmax(np.where(left, remaining, -np.inf)))
        left[cluster] = False
        remaining = remaining - moved[cluster]
        rank[cluster] = order
    for order in range(int(ones.sum()), size):
        void = int(np.argmin(np.where(ones, np.inf, energy)))
        ones[void] = True
        energy = energy + moved[void]
        rank[void] = order
    return ((rank + 0.5) / size - 0.5).reshape(side, side)
