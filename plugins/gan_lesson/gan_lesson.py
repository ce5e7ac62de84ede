"""A small GAN that learns while it plays: its generator chases a density, or a curve, and the discriminator chases it.

Each step of the clock plays some rounds of the game of Goodfellow et al. (2014) and draws where it stands: as their
figure 1 for a density (target, generated, discriminator, and the lines along which noise goes to samples), and in the
plane for a curve. Every knob of the training is live.
"""

from __future__ import annotations

import torch

from studio.api import Bool, Choice, Color, Context, Float, Generator, Int, Seed, Trigger
from studio.nn.plot import Trace
from studio.nn.tiny_gan import LOSSES, Game, begin, perceptron

from .scene import Frame, Scene
from .targets import CURVES, DENSITIES, draw_density, place

MOST_ROUNDS = 60
"""Rounds in a step at the most: a picture that comes late must not bring a later one with it."""


class GanLesson(Generator):
    """A generator and a discriminator at play, before everybody's eyes."""

    id, version, makes, title = "reverie.gan_lesson", 1, "image", "GAN lesson"
    pixel_bytes = 60.0

    what = Choice("density", ("density", "curve"), group="Target", live=False,
                  help="What is learned: how numbers lie on a line, or points on a curve in the plane")
    density = Choice("two bells", DENSITIES, group="Target", applies={"what": "density"},
                     help="How the real numbers lie; may change while it learns")
    curve = Choice("heart", tuple(CURVES), group="Target", applies={"what": "curve"},
                   help="Where the real points lie; may change while it learns")
    scale = Float(1.0, 0.3, 1.6, group="Target", help="Size of the target")
    sway = Float(0.0, 0.0, 1.0, group="Target", applies={"what": "density"},
                 help="How far the target walks to and fro, so that it must be chased")
    turning = Float(0.0, -0.5, 0.5, unit="Hz", group="Target", applies={"what": "curve"},
                    help="Turns of the target per second, so that it must be chased")
    fuzz = Float(0.03, 0.0, 0.3, group="Target", applies={"what": "curve"}, help="How far points stray from the curve")

    pace = Float(90.0, 0.0, 1000.0, unit="1/s", curve="exp", group="Training", help="Rounds per second; 0 stands still")
    rate_g = Float(1e-3, 1e-5, 0.05, curve="log", label="Rate of generator", group="Training",
                   help="Learning rate of the generator")
    rate_d = Float(2e-3, 1e-5, 0.05, curve="log", label="Rate of discriminator", group="Training",
                   help="Learning rate of the discriminator")
    turns = Int(1, 1, 8, group="Training", help="Steps of the discriminator for each one of the generator")
    batch = Int(256, 8, 1024, curve="log", group="Training", help="Samples in a step")
    loss = Choice("non-saturating", LOSSES, group="Training", help="What the two play for")
    blur = Float(0.0, 0.0, 0.5, group="Training",
                 help="Noise on everything that the discriminator sees; steadies the game")

    noise = Choice("uniform", ("uniform", "normal"), group="Networks", help="What the generator makes samples from")
    noise_dims = Int(1, 1, 8, label="Noise numbers", group="Networks", live=False,
                     help="Numbers that a sample is made from; 1: a thread")
    width = Int(48, 4, 128, curve="log", group="Networks", live=False, help="Neurons in a layer")
    layers = Int(3, 1, 5, group="Networks", live=False, help="Hidden layers of both networks")
    seed = Seed(1, group="Networks", live=False, help="The first weights, and every throw after them")
    head_start = Int(0, 0, 3000, unit="rounds", group="Networks", live=False,
                     help="Rounds that are played before the first picture")
    restart = Trigger(group="Networks", help="Forget everything and begin anew")

    judge = Bool(True, label="Discriminator", group="Picture", help="Show what the discriminator thinks")
    threads = Bool(True, group="Picture", help="Show which noise becomes which sample")
    losses = Bool(True, group="Picture", help="Show both losses")
    labels = Bool(True, group="Picture", help="Words beside the curves")
    target_colour = Color((0.88, 0.70, 0.38), group="Picture", help="Colour of the target")
    made_colour = Color((0.36, 0.74, 0.95), group="Picture", help="Colour of what is generated")
    judge_colour = Color((0.95, 0.50, 0.70), group="Picture", help="Colour of the discriminator")

    def setup(self, ctx: Context) -> None:
        shape = (self.what, self.noise_dims, self.width, self.layers, self.seed, self.head_start)
        if getattr(self, "shape", None) != shape:  # another size alone does not end the lesson
            self.shape = shape
            self.phase, self.turn = 0.0, 0.0
            self._begin(ctx)

    def _begin(self, ctx: Context) -> None:
        self.draw = ctx.torch_rng(self.seed, 1)
        size = 1 if self.what == "density" else 2
        maker = perceptron(self.noise_dims, self.width, self.layers, size)
        judge = perceptron(size, self.width, self.layers, 1)
        for net in (maker, judge):
            begin(net, self.draw)
        self.game = Game(maker, judge)
        self.rounds, self.due = 0, 0.0
        self.traces = {"judge": Trace(), "maker": Trace()}
        # fixed noise to look with: what moves is the generator, not the throw
        self.looks = torch.rand(3000, self.noise_dims, generator=ctx.torch_rng(self.seed, 2))
        self.scene = Scene()
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
        self.phase += 6.2832 * 0.12 * ctx.dt
        self.turn += 6.2832 * self.turning * ctx.dt
        self.due = min(float(MOST_ROUNDS), self.due + self.pace * ctx.dt)
        while self.due >= 1.0:
            self.due -= 1.0
            self._round()
            ctx.check()
        if not self.game.sane():
            ctx.notice("GAN lesson: the weights ran away into numbers that are none; it begins anew")
            self._begin(ctx)
        with torch.no_grad():
            return self.scene.paint(ctx.size or (960, 540), self)

    # --- what the scene asks ---

    def shift(self) -> float:
        """Where the middle of the target is now."""
        return float(1.3 * self.sway * torch.sin(torch.tensor(self.phase)))

    def spread_noise(self, share: torch.Tensor) -> torch.Tensor:
        """Shares 0..1 as noise of the chosen kind."""
        if self.noise == "uniform":
            return 2 * share - 1
        return 1.4142136 * torch.erfinv((2 * share - 1).clamp(-0.9999, 0.9999))

    def points(self, t: torch.Tensor) -> torch.Tensor:
        """Points of the target curve."""
        return place(self.curve, t, self.turn, self.scale)

    # --- one round ---

    def _round(self) -> None:
        self.game.rates(self.rate_g, self.rate_d)
        count, draw = self.batch, self.draw

        def blurred(samples: torch.Tensor) -> torch.Tensor:
            noise = torch.randn(samples.shape, generator=draw)
            return samples + self.blur * noise if self.blur > 0 else samples

        def real() -> torch.Tensor:
            if self.what == "density":
                return blurred(draw_density(self.density, count, draw) * self.scale + self.shift())
            points = self.points(torch.rand(count, generator=draw))
            return blurred(points + self.fuzz * torch.randn(points.shape, generator=draw))

        def fake() -> torch.Tensor:
            noise = self.spread_noise(torch.rand(count, self.noise_dims, generator=draw))
            return blurred(self.game.maker(noise))

        told = self.game.play(real, fake, self.game.judge, loss=self.loss, turns=self.turns,
                              mix=lambda: torch.rand(count, 1, generator=draw))
        self.rounds += 1
        self.traces["judge"].add(told.judge)
        self.traces["maker"].add(told.maker)
