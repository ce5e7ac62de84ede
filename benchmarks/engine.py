"""The live engine against the bare network: frames per second of a deck as a part of the network's alone.

The network is the well-known transform network at a quarter of its width on 512x512, a frame of which costs what the
studio's own live effects cost. Both run on the threads a live deck uses (one core stays free), in turns.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from torch import nn

from studio.api import Context, Float, Generator
from studio.engine import Deck, Stage
from studio.nn.device import live_threads
from studio.params import ParamSet

SIZE, FRAMES, ROUNDS = 512, 16, 7


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, kernel, stride)
    return nn.Sequential(nn.ReflectionPad2d(kernel // 2), conv, nn.InstanceNorm2d(outputs, affine=True), nn.ReLU())


def network() -> nn.Module:
    """8-16-32 channels, three convolutions down, two up, sigmoid."""
    torch.manual_seed(0)
    layers = [_conv(3, 8, 9), _conv(8, 16, 3, 2), _conv(16, 32, 3, 2), _conv(32, 32, 3), _conv(32, 32, 3)]
    layers += [nn.Upsample(scale_factor=2), _conv(32, 16, 3), nn.Upsample(scale_factor=2), _conv(16, 8, 3)]
    return nn.Sequential(*layers, nn.ReflectionPad2d(4), nn.Conv2d(8, 3, 9), nn.Sigmoid()).eval()


class Network(Generator):
    """The bare network as a generator: nothing else happens in its step."""

    id = "bench.network"
    strength = Float(1.0, 0.0, 1.0)

    def setup(self, ctx: Context) -> None:
        self.net = network()
        self.x = torch.rand(1, 3, SIZE, SIZE, generator=ctx.torch_rng())

    @torch.inference_mode()
    def step(self, ctx: Context) -> torch.Tensor:
        return torch.as_tensor(self.net(self.x)[0])


class Trivial(Generator):
    """A picture that is already there, with one pixel that counts."""

    id = "bench.trivial"
    level = Float(0.5, 0.0, 1.0)

    def setup(self, ctx: Context) -> None:
        self.picture = np.zeros((SIZE, SIZE, 3), np.uint8)

    def step(self, ctx: Context) -> np.ndarray:
        picture = self.picture.copy()  # a generator makes a new picture for each frame
        picture[0, 0] = ctx.frame % 256
        return picture


def deck_fps(generator: type[Generator], frames: int, threads: int | None = None) -> tuple[float, float]:
    """Frames per second that reach the mailbox, while a reader takes them as a window does, 60 times a second.

    The second figure is frames per second of CPU time, which a busy machine disturbs less.
    """
    deck = Deck("bench", threads=threads)
    deck.start([Stage(generator, ParamSet(generator.params))])
    try:
        while deck.mailbox.put_count < 3:  # it is set up and warm
            if deck.status().state not in ("starting", "running"):
                raise RuntimeError(deck.status().reason)
            time.sleep(0.001)
        first, began, busy = deck.mailbox.put_count, time.perf_counter(), time.process_time()
        while deck.mailbox.put_count < first + frames:
            deck.mailbox.take()
            time.sleep(1 / 60)
        made = deck.mailbox.put_count - first
        return made / (time.perf_counter() - began), made / (time.process_time() - busy)
    finally:
        deck.stop()


@torch.inference_mode()
def raw_fps(frames: int) -> tuple[float, float]:
    """Frames per second of the network alone, nothing done with its output; by the clock and by CPU time."""
    torch.set_num_threads(live_threads())
    net, x = network(), torch.rand(1, 3, SIZE, SIZE)
    for _ in range(3):
        net(x)
    began, busy = time.perf_counter(), time.process_time()
    for _ in range(frames):
        net(x)
    return frames / (time.perf_counter() - began), frames / (time.process_time() - busy)


def run() -> dict[str, Any]:
    pairs = [(deck_fps(Network, FRAMES), raw_fps(FRAMES)) for _ in range(ROUNDS)]
    ours, reference = (statistics.median(pair[side][0] for pair in pairs) for side in (0, 1))
    ratio, busy = (statistics.median(deck[kind] / raw[kind] for deck, raw in pairs) for kind in (0, 1))
    return {
        "name": "engine", "ratio": ratio, "target": 0.95, "ours": ours, "reference": reference, "unit": "frames/s",
        "note": f"deck with a real network at {SIZE}x{SIZE}, against the network alone; by CPU time {busy:.3f}",
    }


if __name__ == "__main__":
    print(run())
