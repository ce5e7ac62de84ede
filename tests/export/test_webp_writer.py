"""Animated and still WebP, read back by Pillow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.export import open_writer
from studio.picture import read_animation


def frames(count: int, width: int = 65, height: int = 47) -> list[np.ndarray]:
    y, x = np.mgrid[0:height, 0:width]
    return [np.stack([x * 3 + i * 6, y * 4, (x + y) * 2], 2).astype(np.uint8) for i in range(count)]


def write(path: Path, made: list[np.ndarray], fps: float = 30.0, **options: Any) -> Any:
    with open_writer(path, fps=fps, options=options) as writer:
        for frame in made:
            writer.add(frame)
    return writer


def test_lossless_animation_comes_back_exactly_with_its_timing(tmp_path: Path) -> None:
    made = frames(9)
    made[4] = made[3].copy()  # nothing changes
    made[5] = made[4].copy()
    made[5][11:20, 31:40] = 255  # a part changes, at odd coordinates
    writer = write(tmp_path / "a.webp", made, encoding="lossless", loop=3)
    found = list(read_animation(tmp_path / "a.webp"))
    assert all(np.array_equal(a, b) for (a, _), b in zip(found, made, strict=True))
    assert sum(s for _, s in found) == pytest.approx(0.3, abs=0.001) and writer.report["frames"] == 9
    with Image.open(tmp_path / "a.webp") as image:
        assert image.info["loop"] == 3 and image.n_frames == 9


def test_lossy_animation_comes_back_close(tmp_path: Path) -> None:
    made = frames(5)
    write(tmp_path / "a.webp", made)
    for (found, _), wanted in zip(read_animation(tmp_path / "a.webp"), made, strict=True):
        assert np.abs(found.astype(int) - wanted).mean() < 4


def test_one_frame_or_the_last_make_a_still(tmp_path: Path) -> None:
    write(tmp_path / "a.webp", frames(1), encoding="lossless")
    write(tmp_path / "b.webp", frames(4), encoding="lossless", frames="last")
    for name, wanted in (("a", frames(1)[0]), ("b", frames(4)[3])):
        with Image.open(tmp_path / f"{name}.webp") as image:
            assert not image.is_animated
            assert np.array_equal(np.asarray(image.convert("RGB")), wanted)


def test_small_changes_make_a_small_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    still = rng.integers(0, 256, (96, 96, 3), np.uint8)
    made = []
    for index in range(10):
        frame = still.copy()
        frame[8 * index : 8 * index + 8, :8] = 0
        made.append(frame)
    one = write(tmp_path / "one.webp", made[:1]).report["bytes"]
    assert write(tmp_path / "a.webp", made).report["bytes"] < 3 * one
