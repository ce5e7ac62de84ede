"""Video: exact timing, tagged and correct colours, quality after the round trip, sizes. Decoded with PyAV."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from studio.export import open_writer


def moving(count: int, width: int = 128, height: int = 96) -> list[np.ndarray]:
    y, x = np.mgrid[0:height, 0:width]
    return [
        np.stack([
            128 + 100 * np.sin(x / 17 + i / 5), 128 + 100 * np.cos(y / 13 - i / 7),
            128 + 90 * np.sin((x + y) / 25 + i / 9),
        ], 2).astype(np.uint8)
        for i in range(count)
    ]


def write(path: Path, frames: list[np.ndarray], fps: Any = 30, **options: Any) -> Any:
    with open_writer(path, fps=fps, options=options) as writer:
        for frame in frames:
            writer.add(frame)
    return writer


def decode(path: Path) -> tuple[Any, list[Any], np.ndarray]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        facts = {
            "rate": stream.average_rate, "seconds": float(container.duration / av.time_base),
            "size": (stream.width, stream.height), "codec": stream.codec_context.codec.canonical_name,
            "pixels": stream.codec_context.pix_fmt,
        }
        frames = list(container.decode(stream))
        pictures = [
            f.reformat(
                format="rgb24", src_colorspace=Colorspace.ITU709, dst_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.MPEG, dst_color_range=ColorRange.JPEG,
                interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT,
            ).to_ndarray()
            for f in frames
        ]
    return facts, frames, np.stack(pictures)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


FORMATS = [
    ("a.mp4", {}, "h264", "yuv420p", 35), ("a.webm", {}, "vp9", "yuv420p", 33),
    ("b.webm", {"codec": "av1"}, "av1", "yuv420p", 30),
    ("a.mov", {}, "prores", "yuv422p10le", 38),
]


@pytest.mark.parametrize(("name", "options", "codec", "pixels", "quality"), FORMATS)
@pytest.mark.parametrize("fps", [30, 29.97, 24, 12.5])
def test_timing_colour_tags_and_quality(
    tmp_path: Path, name: str, options: dict[str, Any], codec: str, pixels: str, quality: float, fps: float
) -> None:
    made = moving(15)
    writer = write(tmp_path / name, made, fps, **options)
    facts, frames, pictures = decode(tmp_path / name)
    exact = Fraction(30000, 1001) if fps == 29.97 else Fraction(fps)
    assert facts["codec"] == codec and facts["pixels"] == pixels and facts["size"] == (128, 96)
    assert len(frames) == 15 and writer.report["seconds"] == pytest.approx(15 / exact)
    tolerance = 0.0006 if name.endswith("webm") else 1e-9  # Matroska counts milliseconds
    for index, frame in enumerate(frames):
        assert float(frame.pts * frame.time_base) == pytest.approx(index / float(exact), abs=tolerance)
    assert abs(float(facts["rate"]) - float(exact)) < 0.02
    assert (frames[0].color_range, frames[0].colorspace) == (1, 1)
    assert (frames[0].color_primaries, frames[0].color_trc) == (1, 1)
    assert psnr(pictures, np.stack(made)) > quality


@pytest.mark.parametrize(("name", "options"), [(f[0], f[1]) for f in FORMATS])
def test_flat_colours_are_right(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    colours = [(0, 0, 0), (255, 255, 255), (128, 128, 128), (255, 0, 0), (0, 255, 0), (0, 0, 255), (37, 91, 200)]
    made = [np.full((64, 64, 3), colour, np.uint8) for colour in colours]
    write(tmp_path / name, made, 1, **options)
    _, _, pictures = decode(tmp_path / name)
    for picture, colour in zip(pictures, colours, strict=True):
        assert np.abs(picture[16:48, 16:48].reshape(-1, 3).mean(axis=0) - colour).max() < 4.5, colour


@pytest.mark.parametrize(("name", "size"), [("a.mp4", (34, 36)), ("a.webm", (34, 36)), ("a.mov", (34, 35))])
def test_odd_sizes_are_padded_and_said(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    made = moving(4, 33, 35)
    writer = write(tmp_path / name, made)
    facts, _, pictures = decode(tmp_path / name)
    assert facts["size"] == size and any("padded from 33x35" in notice for notice in writer.notices)
    assert psnr(pictures[:, :35, :33], np.stack(made)) > 24


def test_quality_options_work(tmp_path: Path) -> None:
    made = moving(8)
    for name, low, high in (("a.mp4", {"crf": 35}, {"crf": 5}), ("a.webm", {"crf": 55}, {"crf": 10}),
                            ("a.mov", {"profile": "proxy"}, {"profile": "hq"})):
        small = write(tmp_path / name, made, **low).report["bytes"]
        assert write(tmp_path / name, made, **high).report["bytes"] > 1.3 * small


def test_the_index_of_an_mp4_stands_in_front(tmp_path: Path) -> None:
    data = write(tmp_path / "a.mp4", moving(4)).path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert b"Lavf" not in data and b"creation" not in data


def test_one_frame_makes_a_video(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.webm", "a.mov"):
        write(tmp_path / name, moving(1))
        assert len(decode(tmp_path / name)[1]) == 1
