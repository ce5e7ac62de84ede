"""GIF: colours, timing, loops, size, memory; read back by Pillow."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.export import open_writer
from studio.export import palette as palettes
from studio.picture import read_animation


def smooth(count: int, size: int = 96, noise: float = 0.0) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:size, 0:size] / size
    frames = []
    for index in range(count):
        p = index / max(1, count)
        frame = np.stack([
            0.5 + 0.5 * np.sin(5 * x + 6.28 * p), 0.5 + 0.5 * np.cos(4 * y - 6.28 * p), 0.5 + 0.5 * np.sin(4 * (x + y)),
        ], 2) * 255
        frames.append(np.clip(frame + rng.normal(0, noise, frame.shape), 0, 255).astype(np.uint8))
    return frames


def moving_square(count: int, size: int = 96) -> list[np.ndarray]:
    background = smooth(1, size)[0]
    frames = []
    for index in range(count):
        frame = background.copy()
        frame[20:36, 4 + 4 * index : 20 + 4 * index] = (255, 40, 0)
        frames.append(frame)
    return frames


def write(path: Path, frames: list[np.ndarray], fps: float = 25.0, **options: Any) -> Any:
    with open_writer(path, fps=fps, options=options) as writer:
        for frame in frames:
            writer.add(frame)
    return writer


def psnr(a: Any, b: Any) -> float:
    error = np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def read(path: Path) -> list[np.ndarray]:
    return [frame for frame, _ in read_animation(path)]


@pytest.mark.parametrize("palette", ["auto", "global", "frame"])
@pytest.mark.parametrize("dither", ["none", "ordered", "blue", "floyd"])
def test_pictures_come_back_close(tmp_path: Path, palette: str, dither: str) -> None:
    frames = smooth(6)
    writer = write(tmp_path / "a.gif", frames, palette=palette, dither=dither)
    found = read(tmp_path / "a.gif")
    assert len(found) == 6
    quality = psnr(np.stack(found), np.stack(frames))
    assert quality > 30.0 - 2.8 * (palette == "global") - {"none": 0.0, "floyd": 2.0}.get(dither, 1.2)
    assert writer.report["psnr"] == pytest.approx(quality, abs=1.0)


def test_better_than_the_default_of_pillow(tmp_path: Path) -> None:
    for noise in (0.0, 6.0):
        frames = smooth(5, noise=noise)
        out = io.BytesIO()
        pictures = [Image.fromarray(f) for f in frames]
        pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:])
        (tmp_path / "p.gif").write_bytes(out.getvalue())
        theirs = psnr(np.stack(read(tmp_path / "p.gif")), np.stack(frames))
        write(tmp_path / "a.gif", frames)
        assert psnr(np.stack(read(tmp_path / "a.gif")), np.stack(frames)) >= theirs - 0.5


def test_noise_is_not_dithered_once_more(tmp_path: Path) -> None:
    frames = smooth(3, noise=8.0)
    write(tmp_path / "a.gif", frames, palette="frame")
    write(tmp_path / "b.gif", frames, palette="frame", dither="none")
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    assert palettes.grain(frames[0]) == pytest.approx(8.0, rel=0.2)


def test_few_colours_are_exact(tmp_path: Path) -> None:
    colours = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [1, 2, 3], [250, 128, 7]], np.uint8)
    frames = [colours[np.random.default_rng(i).integers(0, 5, (40, 50))] for i in range(4)]
    for palette in ("global", "frame", "auto"):
        write(tmp_path / "a.gif", frames, palette=palette)
        assert all(np.array_equal(a, b) for a, b in zip(read(tmp_path / "a.gif"), frames, strict=True))


@pytest.mark.parametrize("colours", [2, 3, 4, 16, 128, 255, 256])
def test_any_number_of_colours(tmp_path: Path, colours: int) -> None:
    frames = moving_square(4)
    write(tmp_path / "a.gif", frames, colours=colours, palette="global", dither="none")
    found = read(tmp_path / "a.gif")
    assert max(len(np.unique(f.reshape(-1, 3), axis=0)) for f in found) <= colours
    assert psnr(np.stack(found), np.stack(frames)) > 9


@pytest.mark.parametrize(
    ("fps", "count", "shown"), [(25, 10, 10), (30, 30, 30), (29.97, 30, 30), (60, 60, 50), (50, 20, 20), (10, 4, 4)]
)
def test_timing_is_right_on_the_whole(tmp_path: Path, fps: float, count: int, shown: int) -> None:
    frames = [np.full((8, 8, 3), index * 4, np.uint8) for index in range(count)]
    writer = write(tmp_path / "a.gif", frames, fps=fps)
    seconds = [s for _, s in read_animation(tmp_path / "a.gif")]
    assert sum(seconds) == pytest.approx(count / fps, abs=0.011)
    assert min(seconds) >= 0.0199 and len(seconds) == writer.report["frames"]
    assert len(seconds) == shown
    assert bool(writer.notices) == (fps > 50)


@pytest.mark.parametrize(("loop", "stored"), [(0, 0), (1, None), (2, 1), (5, 4)])
def test_loops(tmp_path: Path, loop: int, stored: int | None) -> None:
    write(tmp_path / "a.gif", smooth(2, 16), loop=loop)
    with Image.open(tmp_path / "a.gif") as image:
        assert image.info.get("loop") == stored


def test_only_what_changed_is_stored(tmp_path: Path) -> None:
    frames = moving_square(12)
    for palette in ("global", "frame"):
        writer = write(tmp_path / "a.gif", frames, palette=palette)
        one = write(tmp_path / "one.gif", frames[:1], palette=palette).report["bytes"]
        assert writer.report["bytes"] < (1.5 if palette == "global" else 3.0) * one
        assert psnr(np.stack(read(tmp_path / "a.gif")), np.stack(frames)) > 28


def test_a_picture_that_stands_still_costs_nearly_nothing(tmp_path: Path) -> None:
    frame = smooth(1)[0]
    one = write(tmp_path / "one.gif", [frame]).report["bytes"]
    assert write(tmp_path / "a.gif", [frame] * 20).report["bytes"] < one + 20 * 60
    assert len(read(tmp_path / "a.gif")) == 20


def test_tolerance_makes_noisy_stills_small(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base = smooth(1)[0].astype(np.int64)
    frames = [np.clip(base + rng.integers(-3, 4, base.shape), 0, 255).astype(np.uint8) for _ in range(8)]
    exact = write(tmp_path / "a.gif", frames, palette="global").report["bytes"]
    loose = write(tmp_path / "b.gif", frames, palette="global", tolerance=8).report["bytes"]
    assert loose < 0.5 * exact
    assert psnr(np.stack(read(tmp_path / "b.gif")), np.stack(frames)) > 27


def test_auto_takes_one_palette_when_it_serves_all_frames(tmp_path: Path) -> None:
    assert write(tmp_path / "a.gif", moving_square(6)).report["palette"] == "global"
    different = [np.clip(smooth(1)[0] // 4 + np.array(c), 0, 255).astype(np.uint8)
                 for c in ((0, 0, 0), (190, 0, 0), (0, 190, 0), (0, 0, 190), (190, 190, 0))]
    report = write(tmp_path / "b.gif", different).report
    assert report["palette"] == "frame" and report["palettes"] == 5


def test_memory_is_bounded_and_long_films_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = smooth(12, 48)
    expected = write(tmp_path / "a.gif", frames, palette="frame").path.read_bytes()
    monkeypatch.setattr("studio.export.gif._MEMORY", 3 * 48 * 48 * 3)
    with open_writer(tmp_path / "b.gif", fps=25) as writer:
        for index, frame in enumerate(frames):
            writer.add(frame)
            assert index < 3 or writer._spool.closed  # auto gives up waiting and streams
    assert (tmp_path / "b.gif").read_bytes() == expected
    write(tmp_path / "c.gif", frames, palette="global")  # asked for: the frames wait on the disk
    assert len(read(tmp_path / "c.gif")) == 12
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.gif", "b.gif", "c.gif"]


def test_odd_shapes(tmp_path: Path) -> None:
    for shape in ((1, 1, 3), (1, 300, 3), (301, 1, 3), (7, 13, 3)):
        frames = [np.random.default_rng(i).integers(0, 256, shape, np.uint8) for i in range(3)]
        write(tmp_path / "a.gif", frames)
        assert [f.shape for f in read(tmp_path / "a.gif")] == [shape] * 3


@pytest.mark.parametrize("kind", ["blue", "bayer"])
def test_thresholds_are_even_and_blue_noise_has_no_low_frequencies(kind: str) -> None:
    tile = palettes._blue_noise() if kind == "blue" else palettes._bayer()
    assert np.array_equal(np.sort((tile.ravel() + 0.5) * tile.size - 0.5).round(), np.arange(tile.size))
    if kind == "blue":
        power = np.abs(np.fft.fft2(tile)) ** 2
        radius = np.hypot(*np.meshgrid(*[np.fft.fftfreq(len(tile)) * len(tile)] * 2))
        assert power[(radius > 0) & (radius < 5)].mean() < 0.1 * power[radius > 10].mean()


def test_dithering_mixes_the_right_colour_on_average() -> None:
    grey = np.full((64, 64, 3), 100, np.uint8)
    palette = np.array([[80, 80, 80], [120, 120, 120]], np.uint8)
    mapper = palettes.Mapper(palette)
    for kind in ("blue", "ordered"):
        moved = palettes.Dither(kind, 64, 64).apply(grey, 40)
        assert abs(palette[mapper(moved)].mean() - 100) < 3
