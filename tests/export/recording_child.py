"""A real recording in a process of its own, for tests that kill it or take its disk away.

``recording_child.py FILE SECONDS [BYTES]``: records numbered pictures; BYTES is the most that a file may have.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from studio.export.recording import Recording


class Tone:
    """440 Hz."""

    def read(self, when: float, count: int) -> np.ndarray:
        wave = 0.5 * np.sin(2 * np.pi * 440.0 * (when + np.arange(count) / 48_000))
        return np.stack([wave, wave], axis=1).astype(np.float32)


def main() -> None:
    path, seconds = Path(sys.argv[1]), float(sys.argv[2])
    if len(sys.argv) > 3:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
    noise = np.random.default_rng(0).integers(0, 256, (8, 120, 160, 3), dtype=np.uint8)
    count = 0

    def picture() -> np.ndarray:
        nonlocal count
        count += 1
        return noise[count % 8].copy()

    recording = Recording(path, picture, size=(160, 120), fps=30, sound=Tone(), encoder="libx264").start()
    print("recording", flush=True)
    end = time.monotonic() + seconds
    while time.monotonic() < end and not recording.wait(0.05):
        print(json.dumps({**asdict(recording.progress()), "t": time.monotonic()}), flush=True)
    recording.stop()
    recording.wait(20.0)
    print(json.dumps({**asdict(recording.progress()), "t": time.monotonic()}), flush=True)


if __name__ == "__main__":
    main()
