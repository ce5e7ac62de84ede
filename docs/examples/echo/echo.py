"""An effect in torch: feedback. It works on whatever device the picture is on."""

import math

import torch
import torch.nn.functional as F  # noqa: N812

from studio.api import Float, Generator


class Echo(Generator):
    """The picture leaves turning, growing copies of itself."""

    id, version, makes, takes, wants = "example.echo", 1, "image", "image", "tensor"

    memory = Float(0.9, 0.0, 0.99, help="How much of the last picture stays")
    growth = Float(0.5, -1.0, 2.0, unit="octaves/s", help="How fast the copies grow, or shrink")
    turn = Float(25.0, -180.0, 180.0, unit="°/s", help="How fast the copies turn")

    def setup(self, ctx):
        self.last = None

    def step(self, ctx):
        if ctx.input is None:
            return None  # no camera yet: nothing new
        now = ctx.input.float()  # (3, height, width), 0..1; feedback adds up what half precision rounds away
        if self.last is None or self.last.shape != now.shape:
            self.last = now
        height, width = now.shape[1:]
        angle, scale = math.radians(self.turn) * ctx.dt, 2.0 ** (-self.growth * ctx.dt)
        cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
        move = now.new_tensor([[[cos, -sin * height / width, 0], [sin * width / height, cos, 0]]])
        grid = F.affine_grid(move, (1, 3, height, width), align_corners=False)
        past = F.grid_sample(self.last[None], grid, padding_mode="reflection", align_corners=False)[0]
        self.last = torch.maximum(now * 0.5, torch.lerp(now, past, self.memory))
        return self.last
