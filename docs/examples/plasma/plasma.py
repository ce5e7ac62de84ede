"""A source in numpy: waves that run against each other, coloured by a palette."""

import numpy as np

from studio.api import Choice, Float, Generator, Int

PALETTES = {"ice": (0.35, 0.45, 0.60), "ember": (0.05, 0.20, 0.35), "orchid": (0.85, 0.10, 0.25)}


class Plasma(Generator):
    """Interfering sine waves, coloured."""

    id, version, makes = "example.plasma", 1, "image"

    speed = Float(0.1, 0.0, 2.0, unit="Hz", curve="exp", help="How fast the waves run")
    scale = Float(6.0, 1.0, 40.0, curve="log", help="Waves per picture")
    bands = Float(1.0, 0.2, 4.0, curve="log", help="How often the palette repeats")
    palette = Choice("ice", PALETTES, help="Colours")
    size = Int(256, 64, 1024, unit="px", live=False, help="Height; restarts the waves")

    def setup(self, ctx):
        width, height = ctx.size or (self.size * 4 // 3, self.size)
        self.y, self.x = np.mgrid[0:height, 0:width].astype(np.float32) / height
        self.centres = ctx.rng.uniform(0.0, width / height, (3, 2))
        self.phase = 0.0

    def step(self, ctx):
        self.phase += 2 * np.pi * self.speed * ctx.dt  # add up: a turned knob bends the motion, it never jumps
        wave = np.sin(self.scale * self.x + self.phase) + np.sin(self.scale * self.y - 0.6 * self.phase)
        for number, (x, y) in enumerate(self.centres, 1):
            wave += np.sin(self.scale * np.hypot(self.x - x, self.y - y) - number * self.phase)
        hue = self.bands * wave[..., None] / 5 + np.array(PALETTES[self.palette], np.float32)
        return (0.5 + 0.5 * np.cos(2 * np.pi * hue)).astype(np.float32)
