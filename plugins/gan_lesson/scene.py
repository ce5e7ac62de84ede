"""The picture of the game: densities over a line with the threads of noise below, or a curve and its pursuer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from studio.nn.plot import VIOLET, Plot, curves
from studio.nn.tiny_gan import chance_of_real

from .targets import density

if TYPE_CHECKING:
    from .gan_lesson import GanLesson

Frame = NDArray[np.uint8]

REACH = 4.2
"""The line is shown from -REACH to REACH."""
PLANE = 1.45
"""The plane is shown up to this above and below its middle."""
BINS = 240


class Scene:
    """Paints where a game stands."""

    def __init__(self) -> None:
        self.height = 0.0  # what the highest target density fills, followed slowly so that nothing jumps

    def paint(self, size: tuple[int, int], game: GanLesson) -> Frame:
        plot = Plot(*size)
        bottom = 0.95 if not game.losses else 0.83
        if game.what == "density":
            self._line(plot, game, bottom)
        else:
            self._plane(plot, game)
        if game.losses:
            box = (0.06 * plot.width, 0.87 * plot.height, 0.94 * plot.width, 0.96 * plot.height)
            curves(plot, [(game.traces["judge"], game.judge_colour), (game.traces["maker"], game.made_colour)], box)
        if game.labels:
            self._labels(plot, game)
        return plot.frame()

    def _labels(self, plot: Plot, game: GanLesson) -> None:
        x, y, line = 0.06 * plot.width, 0.085 * plot.height, 19 * plot.unit
        named: list[tuple[str, Any]] = [("target", game.target_colour), ("generated", game.made_colour)]
        if game.judge:
            named.append(("discriminator", game.judge_colour))
        for number, (words, colour) in enumerate(named):
            plot.text(words, x, y + number * line, colour)
        plot.text(f"{game.rounds:,} rounds", 0.94 * plot.width, y, align="right", strength=0.7)

    # --- a density on a line ---

    def _line(self, plot: Plot, game: GanLesson, bottom: float) -> None:
        width, height = plot.width, plot.height
        base = (0.60 if game.threads else bottom) * height
        top = 0.10 * height
        x = np.linspace(-REACH, REACH, BINS)
        across = x_to_pixels(x, width)
        wanted = density(game.density, (x - game.shift()) / game.scale) / game.scale
        samples = game.game.maker(game.spread_noise(game.looks))[:, 0]
        made = histogram(samples.numpy())
        highest = max(0.25, float(wanted.max()))
        self.height = highest if self.height == 0 else self.height + 0.1 * (highest - self.height)
        room = (base - top) * 0.80 / self.height
        for values, colour, strength in ((wanted, game.target_colour, 0.26), (made, game.made_colour, 0.30)):
            # a spike may be far higher than the target: the last tenth of the room takes all of it
            high = values * room / (base - top)
            high = np.where(high > 0.9, 0.9 + 0.1 * np.tanh((high - 0.9) / 0.4), high)
            outline = np.stack([across, base - high * (base - top)], 1)
            there = np.flatnonzero(values > 0.004 * highest)
            if len(there) == 0:
                continue
            outline = outline[max(0, there[0] - 1) : there[-1] + 2]
            plot.fill(np.concatenate([outline, [[outline[-1, 0], base], [outline[0, 0], base]]]), colour, strength)
            plot.line(outline, colour, 2.0, glow=0.9)
        if game.judge:
            self._judge_on_line(plot, game, x, across, (base, top), (wanted, made))
        plot.line(np.array([[across[0], base], [across[-1], base]]), (0.5, 0.5, 0.6), 1.0, strength=0.6)
        if game.threads:
            self._threads(plot, game, base, bottom * height)

    def _judge_on_line(
        self, plot: Plot, game: GanLesson, x: NDArray[np.float64], across: NDArray[np.float64],
        span: tuple[float, float], densities: tuple[NDArray[np.float64], NDArray[np.float64]],
    ) -> None:
        base, top = span
        scores = game.game.judge(torch.from_numpy(x).float()[:, None])[:, 0]
        chance = chance_of_real(scores, game.loss).double().numpy()
        plot.line(np.stack([across, base - chance * (base - top)], 1), game.judge_colour, 1.8, glow=0.8)
        half = base - 0.5 * (base - top)
        dashes = [np.array([[at, half], [at + 6 * plot.unit, half]])
                  for at in np.arange(across[0], across[-1], 14 * plot.unit)]
        plot.lines(dashes, game.judge_colour, 0.8, strength=0.35)
        # the best answer there is against this generator, p / (p + q) (Goodfellow et al. 2014, proposition 1)
        wanted, made = densities
        known = wanted + made > 0.15 * wanted.max()
        best = wanted / np.maximum(wanted + made, 1e-9)
        spots = np.stack([across, base - best * (base - top)], 1)[known][::3]
        plot.dots(spots, game.judge_colour, 1.0, strength=0.5)

    def _threads(self, plot: Plot, game: GanLesson, base: float, bottom: float) -> None:
        """From the noise, evenly along the bottom, to the samples on the line."""
        if game.noise_dims == 1:
            share = torch.linspace(0.004, 0.996, 121)[:, None]
        else:
            share = game.looks[:121][torch.argsort(game.looks[:121, 0])]
        samples = game.game.maker(game.spread_noise(share))[:, 0].double().numpy()
        ends = x_to_pixels(np.clip(samples, -1.2 * REACH, 1.2 * REACH), plot.width)
        starts = x_to_pixels((2 * share[:, 0].double().numpy() - 1) * 0.9 * REACH, plot.width)
        bend = np.linspace(0, 1, 14)
        ease = bend * bend * (3 - 2 * bend)
        down = base + 8 * plot.unit + (bottom - base - 12 * plot.unit) * (1 - bend)
        paths = [np.stack([start + (end - start) * ease, down], 1) for start, end in zip(starts, ends, strict=True)]
        plot.lines(paths, game.made_colour, 0.9, glow=0.6, strength=0.42)
        plot.dots(np.stack([starts, np.full(len(starts), down[0])], 1), VIOLET, 1.2, strength=0.8)
        plot.dots(np.stack([ends, np.full(len(ends), base)], 1), game.made_colour, 1.4, glow=0.5)

    # --- a curve in the plane ---

    def _plane(self, plot: Plot, game: GanLesson) -> None:
        if game.judge:
            self._judge_in_plane(plot, game)
        t = torch.linspace(0, 1, 500)
        wanted = self._pixels(plot, game.points(t))
        plot.line(wanted, game.target_colour, 1.4, glow=0.8, strength=0.7)
        if game.fuzz > 0:
            stray = torch.randn(260, 2, generator=torch.Generator().manual_seed(5))
            points = game.points(torch.linspace(0, 1, 260)) + game.fuzz * stray
            plot.dots(self._pixels(plot, points), game.target_colour, 1.1, strength=0.4)
        if game.threads and game.noise_dims == 1:
            thread = game.game.maker(game.spread_noise(torch.linspace(0.002, 0.998, 700)[:, None]))
            plot.line(self._pixels(plot, thread), game.made_colour, 2.0, glow=1.0, strength=0.9)
        samples = game.game.maker(game.spread_noise(game.looks[:420]))
        plot.dots(self._pixels(plot, samples), game.made_colour, 1.8, glow=0.7, strength=0.75)

    def _judge_in_plane(self, plot: Plot, game: GanLesson) -> None:
        """A glow where the discriminator believes what it sees."""
        columns, rows = 96, max(8, round(96 * plot.height / plot.width))
        wide = PLANE * plot.width / plot.height
        y, x = torch.meshgrid(torch.linspace(PLANE, -PLANE, rows), torch.linspace(-wide, wide, columns), indexing="ij")
        scores = game.game.judge(torch.stack([x, y], 2).view(-1, 2))[:, 0]
        chance = chance_of_real(scores, game.loss).view(rows, columns).numpy()
        glow = cv2.resize(chance, (plot.width, plot.height), interpolation=cv2.INTER_CUBIC)
        plot.add(np.clip(glow, 0, 1) ** 1.5, game.judge_colour, 0.20)
        levels = cv2.resize(chance, (plot.width, plot.height), interpolation=cv2.INTER_LINEAR)
        steepness = np.abs(cv2.Sobel(levels, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(levels, cv2.CV_32F, 0, 1)) + 1e-5
        even = np.clip(1.4 - np.abs(levels - 0.5) / steepness * 2.0, 0, 1)
        plot.add(even.astype(np.float32), game.judge_colour, 0.22)  # where it cannot tell

    def _pixels(self, plot: Plot, points: torch.Tensor) -> NDArray[np.float64]:
        scale = plot.height / (2 * PLANE)
        return points.double().numpy() * (scale, -scale) + (plot.width / 2, plot.height / 2)


def x_to_pixels(x: NDArray[Any], width: int) -> NDArray[np.float64]:
    """Places on the line as columns."""
    return np.asarray((0.5 + 0.5 * np.asarray(x) / REACH * 0.94) * width, np.float64)


def histogram(samples: NDArray[Any]) -> NDArray[np.float64]:
    """The density of samples at the places of the plot, softened by about a bin."""
    step = 2 * REACH / (BINS - 1)
    counts, _ = np.histogram(samples, BINS, (-REACH - step / 2, REACH + step / 2))
    kernel = np.exp(-0.5 * (np.arange(-6, 7) / 1.8) ** 2)
    return np.convolve(counts / (max(1, len(samples)) * step), kernel / kernel.sum(), "same")
