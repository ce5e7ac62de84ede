"""A plugin that misbehaves on demand. Written to a file and found as any user's plugin, so in a process of its own."""

from __future__ import annotations

NAME = "soak.faulty"

FAULTS = ("raise", "hang", "nan", "shape", "slow", "memory", "leak", "exit", "segfault")
"""What it can do: raise in each step; never return; NaN; a picture of no size; half a second for a step; MemoryError;
take memory until none is left; end its process; crash it."""

SOURCE = '''
import os, signal, time
import numpy as np
from studio.api import Choice, Float, Generator


class Faulty(Generator):
    """Coloured bands that move, and on demand a fault."""

    id, version, makes, title = "soak.faulty", 1, "image", "Faulty"
    fault = Choice("none", ("none", "raise", "hang", "nan", "shape", "slow", "memory", "leak", "exit", "segfault"))
    speed = Float(0.3, 0.0, 4.0, unit="Hz")

    def setup(self, ctx):
        self.phase, self.kept = 0.0, []
        self.across = np.linspace(0.0, 6.0, 96, dtype=np.float32)[None, :, None]

    def step(self, ctx):
        self.phase += self.speed * ctx.dt
        if self.fault == "raise":
            raise ValueError("a fault on purpose")
        if self.fault == "hang":
            while True:
                time.sleep(0.01)
        if self.fault == "nan":
            return np.full((64, 96, 3), np.nan, np.float32)
        if self.fault == "shape":
            return np.zeros((0, 96, 3), np.float32)
        if self.fault == "slow":
            time.sleep(0.5)
        if self.fault == "memory":
            raise MemoryError
        if self.fault == "leak":
            for _ in range(1000):
                self.kept.append(bytearray(64_000_000))
        if self.fault == "exit":
            os._exit(3)
        if self.fault == "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        waves = np.sin(self.across + 2.0 * np.pi * self.phase + np.array([0.0, 2.1, 4.2], np.float32))
        return np.repeat(0.5 + 0.4 * waves, 64, axis=0).astype(np.float32)
'''
