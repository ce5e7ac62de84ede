"""A digit-sized GAN (after DCGAN, Radford et al. 2016) that learns while it plays, on digits drawn by script.

The real digits come from the studio's stroke font, each written anew. The sheet shows what the generator makes of the
same noise again and again: each row a moment of the training, the last one now. Every knob of the training is live.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from studio.api import Bool, Choice, Color, Context, Float, Generator, Int, Seed, Trigger
from studio.nn.plot import BLUE, PINK, Plot, Trace, curves
from studio.nn.strokes import Hand, house_font, writings
from studio.nn.tiny_gan import LOSSES, DigitJudge, DigitMaker, Game, begin

Frame = NDArray[np.uint8]

SIDE = 28
POOL = 1500
"""Digits that are drawn before the lesson begins; each is met again every thousand steps or so."""
MOST_ROUNDS = 8
"""Rounds in a step at the most."""
CLASSES = 10
MOST_CELLS = 24 * 40


class DigitLesson(Generator):
    """A generator of digits that learns before everybody's eyes."""

    id, version, makes, title = "reverie.digit_lesson", 1, "image", "Digit lesson"
    pixel_bytes = 60.0

    pace = Float(20.0, 0.0, 120.0, unit="1/s", curve="exp", group="Training", help="Rounds per second; 0 stands still")
    rate_g = Float(2e-3, 1e-5, 0.02, curve="log", label="Rate of generator", group="Training",
                   help="Learning rate of the generator")
    rate_d = Float(3e-4, 1e-5, 0.02, curve="log", label="Rate of discriminator", group="Training",
                   help="Learning rate of the discriminator")
    turns = Int(1, 1, 4, group="Training", help="Steps of the discriminator for each one of the generator")
    batch = Int(32, 8, 128, curve="log", group="Training", help="Digits in a step")
    loss = Choice("non-saturating", LOSSES, group="Training", help="What the two play for")
    blur = Float(0.2, 0.0, 0.8, group="Training",
                 help="Noise on everything that the discriminator sees; steadies the game")
    wildness = Float(1.0, 0.0, 2.5, group="Training", live=False,
                     help="How much the real digits differ from each other; 0: always the same hand")

    by_digit = Bool(True, group="Networks", live=False,
                    help="The generator is told which digit to write, and each column is one digit")
    width = Int(24, 8, 64, group="Networks", live=False, help="Channels of both networks")
    latent = Int(16, 2, 64, group="Networks", live=False, help="Numbers that a digit is made from")
    seed = Seed(1, group="Networks", live=False, help="The first weights, and every throw after them")
    head_start = Int(0, 0, 3000, unit="rounds", group="Networks", live=False,
                     help="Rounds that are played before the first picture")
    restart = Trigger(group="Networks", help="Forget everything and begin anew")

    view = Choice("growth", ("growth", "now"), group="Picture",
                  help="growth: each row is a moment of the training, the last one now; now: all rows are now")
    rows = Int(6, 1, 24, group="Picture", help="Rows of the sheet")
    columns = Int(10, 1, 40, group="Picture", help="Columns of the sheet")
    row_every = Int(25, 1, 1000, curve="log", unit="rounds", group="Picture", applies={"view": "growth"},
                    help="Rounds from one row to the next at first; when the sheet is full every second row is kept")
    wander = Float(0.0, 0.0, 2.0, unit="Hz", group="Picture", help="How fast the noise of the present rows moves on")
    losses = Bool(True, group="Picture", help="Show both losses")
    labels = Bool(True, group="Picture", help="Words beside the sheet")
    ink = Color((0.36, 0.74, 0.95), group="Picture", help="Colour of the digits")
    fresh = Color((0.88, 0.70, 0.38), group="Picture", help="Colour of the present row")

    def setup(self, ctx: Context) -> None:
        shape = (self.wildness, self.by_digit, self.width, self.latent, self.seed, self.head_start)
        if getattr(self, "shape", None) == shape:
            return  # another size alone does not end the lesson
        self.shape = shape
        hand, w = Hand(), self.wildness
        hand = Hand(hand.turn * w, hand.slant * w, hand.size * w, hand.place * w, hand.shake * w,
                    (hand.pen[0], hand.pen[0] + (hand.pen[1] - hand.pen[0]) * min(1.0, w)))
        drawn, names = writings(house_font(), POOL, SIDE, np.random.default_rng([self.seed, 3]), hand)
        self.real = torch.from_numpy(drawn).float().div_(127.5).sub_(1.0)[:, None]
        self.names = torch.from_numpy(names)
        self._begin(ctx)

    def _begin(self, ctx: Context) -> None:
        self.draw = ctx.torch_rng(self.seed, 1)
        classes = CLASSES if self.by_digit else 0
        maker, judge = DigitMaker(self.latent, self.width, classes), DigitJudge(self.width, classes)
        for net in (maker, judge):
            begin(net, self.draw)
        self.game = Game(maker, judge)
        self.rounds, self.due, self.way = 0, 0.0, 0.0
        self.traces = {"judge": Trace(), "maker": Trace()}
        self.history: list[Frame] = []
        self.every = 0
        self.ends = torch.randn(2, MOST_CELLS, self.latent, generator=ctx.torch_rng(self.seed, 2))
        for number in range(self.head_start):
            self._round()
            ctx.check(number / self.head_start)

    def step(self, ctx: Context) -> Frame:
        # so small a network gains nothing by less precision, and learns worse
        with torch.autocast("cpu", enabled=False):
            return self._step(ctx)

    def _step(self, ctx: Context) -> Frame:
        if self.restart:
            self._begin(ctx)
        self.way += self.wander * ctx.dt
        self.due = min(float(MOST_ROUNDS), self.due + self.pace * ctx.dt)
        while self.due >= 1.0:
            self.due -= 1.0
            self._round()
            ctx.check()
        if not self.game.sane():
            ctx.notice("Digit lesson: the weights ran away into numbers that are none; it begins anew")
            self._begin(ctx)
        return self._paint(ctx.size or (960, 540))

    def _round(self) -> None:
        self.game.rates(self.rate_g, self.rate_d)
        count, draw = self.batch, self.draw
        # both networks are asked for the same classes: what is compared is how they are written
        state: dict[str, torch.Tensor] = {}

        def blurred(pictures: torch.Tensor) -> torch.Tensor:
            return pictures + self.blur * torch.randn(pictures.shape, generator=draw) if self.blur > 0 else pictures

        def fake() -> torch.Tensor:
            chosen = torch.randint(0, POOL, (count,), generator=draw)
            state["chosen"], state["labels"] = chosen, self.names[chosen]
            return blurred(self.game.maker(torch.randn(count, self.latent, generator=draw), state["labels"]))

        def real() -> torch.Tensor:
            return blurred(self.real[state["chosen"]])

        told = self.game.play(
            real, fake, lambda pictures: self.game.judge(pictures, state["labels"]), loss=self.loss, turns=self.turns,
            mix=lambda: torch.rand(count, 1, 1, 1, generator=draw),
        )
        self.rounds += 1
        self.traces["judge"].add(told.judge)
        self.traces["maker"].add(told.maker)
        if self.every == 0:
            self.every = self.row_every
        if self.rounds % self.every == 0:
            self.history.append(self._row(0))
            if len(self.history) >= max(1, self.rows - 1):
                self.history = self.history[1::2]
                self.every *= 2

    # --- the picture ---

    @torch.no_grad()
    def _row(self, number: int) -> Frame:
        """One row of digits as they are written now, ``uint8 (columns, SIDE, SIDE)``."""
        count = self.columns
        one, two = self.ends[0, number * count :], self.ends[1, number * count :]
        angle = self.way * 2 * math.pi * 0.25
        # round and round on a circle of as likely noise everywhere
        z = (math.cos(angle) * one + math.sin(angle) * two)[:count]
        labels = torch.arange(count) * CLASSES // count if count < CLASSES else torch.arange(count) % CLASSES
        self.game.maker.eval()
        made = self.game.maker(z, labels)
        self.game.maker.train()
        return np.asarray(((made[:, 0].clamp(-1, 1) + 1) * 127.5).round().byte().numpy(), np.uint8)

    def _paint(self, size: tuple[int, int]) -> Frame:
        plot = Plot(*size)
        bottom = (0.82 if self.losses else 0.96) * plot.height
        top = (0.11 if self.labels else 0.05) * plot.height
        present = self.rows if self.view == "now" else 1
        past = [] if self.view == "now" else [row for row in self.history if len(row) == self.columns]
        past = past[-(self.rows - 1) :] if self.rows > 1 else []
        shown = [(row, self.ink) for row in past]
        shown += [(self._row(number), self.fresh if self.view == "growth" else self.ink) for number in range(present)]
        cell = min((bottom - top) / self.rows, 0.90 * plot.width / self.columns)
        side = max(1, int(cell * 0.94))
        left, start = (plot.width - cell * self.columns) / 2, top + ((bottom - top) - cell * self.rows) / 2
        for number, (row, colour) in enumerate(shown):
            self._lay(plot, row, colour, (left, start + number * cell), (cell, side))
        if self.losses:
            box = (left, 0.86 * plot.height, plot.width - left, 0.96 * plot.height)
            curves(plot, [(self.traces["judge"], PINK), (self.traces["maker"], BLUE)], box)
        if self.labels:
            plot.text(f"{self.rounds:,} rounds", plot.width - left, 0.075 * plot.height, align="right", strength=0.7)
            plot.text("generated", left, 0.075 * plot.height, self.ink)
            plot.text("now", left - 9 * plot.unit, start + (len(shown) - 0.4) * cell, self.fresh, align="right",
                      strength=1.0 if self.view == "growth" else 0.0)
            if self.losses:
                plot.text("discriminator", left, 0.855 * plot.height, PINK, size=10, strength=0.7)
                plot.text("generator", left + 80 * plot.unit, 0.855 * plot.height, BLUE, size=10, strength=0.7)
        return plot.frame()

    def _lay(
        self, plot: Plot, row: Frame, colour: tuple[float, float, float], place: tuple[float, float],
        cell: tuple[float, int],
    ) -> None:
        step, side = cell
        how = cv2.INTER_AREA if side < SIDE else cv2.INTER_CUBIC
        for column, digit in enumerate(row):
            x, y = round(place[0] + column * step), round(place[1])
            light = cv2.resize(digit, (side, side), interpolation=how)
            rows, columns = slice(y, min(plot.height, y + side)), slice(x, min(plot.width, x + side))
            plot.light_up(light[: rows.stop - y, : columns.stop - x], (rows, columns), colour)
