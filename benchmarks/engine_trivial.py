"""The live engine with a generator that costs nothing: frames per second at 512x512 that reach the mailbox.

The reference is the promise, 300 frames per second; a bare loop that makes the same pictures is in the note.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.engine import SIZE, Trivial, deck_fps
from studio.api import Context

PROMISED, FRAMES, ROUNDS = 300.0, 600, 5


def loop_fps(frames: int) -> float:
    """The generator alone, its pictures thrown away."""
    generator, ctx = Trivial(), Context()
    generator.setup(ctx)
    began = time.perf_counter()
    for _ in range(frames):
        generator.step(ctx)
        ctx.advance(1 / 60)
    return frames / (time.perf_counter() - began)


def run() -> dict[str, Any]:
    pairs = [(deck_fps(Trivial, FRAMES, threads=0)[0], loop_fps(FRAMES)) for _ in range(ROUNDS)]
    ours, loop = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {
        "name": "engine_trivial", "ratio": ours / PROMISED, "target": 1.0, "ours": ours, "reference": PROMISED,
        "unit": "frames/s", "note": f"trivial generator at {SIZE}x{SIZE}; the generator's loop alone makes {loop:.0f}",
    }


if __name__ == "__main__":
    print(run())
