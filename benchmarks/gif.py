"""Animated GIF: our writer against Pillow's default animated save, both in the same run; time, quality and size.

The frames are noisy, slowly moving colour at 512x512: a hard case for 256 colours, and Pillow's slowest.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from studio.export import open_writer  # noqa: E402
from studio.picture import read_animation  # noqa: E402

FRAMES, SIZE, ROUNDS = 60, 512, 3


def content(frames: int = FRAMES, size: int = SIZE, noise: float = 6.0, cells: int = 5) -> list[np.ndarray]:
    """uint8 frames: a coarse random colour field, smoothly enlarged and cross-faded, plus Gaussian noise."""
    from PIL import Image

    rng = np.random.default_rng(1)
    fields = []
    for _ in range(frames // 10 + 2):
        coarse = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), np.uint8))
        fields.append(np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), np.float32))
    made = []
    for index in range(frames):
        place, part = divmod(index, 10)
        mix = (part / 10) ** 2 * (3 - 2 * part / 10)
        frame = fields[place] * (1 - mix) + fields[place + 1] * mix + rng.normal(0, noise, (size, size, 3))
        made.append(np.clip(frame, 0, 255).astype(np.uint8))
    return made


def by_pillow(frames: list[np.ndarray], path: Path) -> float:
    """Seconds of Pillow's default animated save."""
    from PIL import Image

    begun = time.perf_counter()
    pictures = [Image.fromarray(frame) for frame in frames]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=33, loop=0)
    return time.perf_counter() - begun


def by_us(frames: list[np.ndarray], path: Path, **options: Any) -> float:
    """Seconds of our writer with its default options."""
    begun = time.perf_counter()
    with open_writer(path, fps=30, options=options) as writer:
        for frame in frames:
            writer.add(frame)
    return time.perf_counter() - begun


def psnr(path: Path, frames: list[np.ndarray]) -> float:
    """Peak signal-to-noise ratio (dB) over all frames."""
    errors = [np.mean((found.astype(np.float32) - frame) ** 2)
              for (found, _), frame in zip(read_animation(path), frames, strict=True)]
    return float(10 * np.log10(255**2 / np.mean(errors)))


def run(rounds: int = ROUNDS, frames: int = FRAMES) -> dict[str, Any]:
    """Interleaved medians. ``ratio`` is how many times faster we are; the note holds quality and size."""
    made = content(frames)
    theirs, ours = [], []
    with tempfile.TemporaryDirectory() as folder:
        a, b = Path(folder) / "pillow.gif", Path(folder) / "ours.gif"
        for _ in range(rounds):
            theirs.append(by_pillow(made, a))
            ours.append(by_us(made, b))
        quality = (psnr(b, made), psnr(a, made))
        sizes = (b.stat().st_size / 1e6, a.stat().st_size / 1e6)
    reference, own = statistics.median(theirs), statistics.median(ours)
    return {
        "name": f"GIF, {frames} noisy frames of {SIZE}x{SIZE}", "ratio": reference / own, "target": 5.0,
        "ours": own, "reference": reference, "unit": "s",
        "note": f"PSNR {quality[0]:.2f} dB (Pillow {quality[1]:.2f}); {sizes[0]:.1f} MB (Pillow {sizes[1]:.1f})",
    }


if __name__ == "__main__":
    result = run()
    print(
        f"{result['name']}: {result['ours']:.2f} {result['unit']}, reference {result['reference']:.2f}, "
        f"{result['ratio']:.1f}x (target {result['target']:g}x); {result['note']}"
    )
