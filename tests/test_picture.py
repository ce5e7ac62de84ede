"""Pictures from strangers: what comes back is upright sRGB; every fault is a sentence."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.files import FileError
from studio.picture import FORMATS, PictureError, picture_size, read_animation, read_image


def gradient(width: int = 40, height: int = 30) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // (width - 1), y * 255 // (height - 1), 255 - x * 255 // (width - 1)], 2).astype(np.uint8)


def save(path: Path, array: np.ndarray | Image.Image, **options: object) -> Path:
    (array if isinstance(array, Image.Image) else Image.fromarray(array)).save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("ending", ["png", "bmp", "tiff", "webp"])
def test_lossless_formats_come_back_unchanged(tmp_path: Path, ending: str) -> None:
    options = {"lossless": True} if ending == "webp" else {}
    frame = read_image(save(tmp_path / f"a.{ending}", gradient(), **options))
    assert frame.dtype == np.uint8 and frame.flags.c_contiguous and frame.flags.writeable
    assert np.array_equal(frame, gradient())


@pytest.mark.parametrize("ending", ["jpg", "gif"])
def test_lossy_formats_come_back_close(tmp_path: Path, ending: str) -> None:
    frame = read_image(save(tmp_path / f"a.{ending}", gradient(), **({"quality": 95} if ending == "jpg" else {})))
    assert np.abs(frame.astype(int) - gradient()).mean() < 6


def test_format_is_recognised_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    save(path, gradient(), format="PNG")
    assert np.array_equal(read_image(path), gradient())


def test_exif_orientation_turns_the_picture(tmp_path: Path) -> None:
    image = Image.fromarray(gradient())
    exif = image.getexif()
    exif[0x0112] = 6  # "rotate 90 degrees clockwise to show"
    path = save(tmp_path / "a.png", image, exif=exif)
    assert np.array_equal(read_image(path), np.rot90(gradient(), -1))
    assert picture_size(path) == (30, 40)


def test_transparency_is_laid_over_black(tmp_path: Path) -> None:
    rgba = np.dstack([np.full((4, 4, 3), 200, np.uint8), np.repeat([[0, 64, 128, 255]], 4, 0).astype(np.uint8)])
    frame = read_image(save(tmp_path / "a.png", rgba))
    assert frame[0, :, 0].tolist() == [0, 50, 100, 200]
    palette = Image.fromarray(gradient()).quantize(16)
    save(tmp_path / "p.png", palette, transparency=palette.getpixel((0, 0)))
    assert read_image(tmp_path / "p.png")[0, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_every_common_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    if mode in ("I;16", "I", "F"):
        values = np.linspace(0, 1 if mode == "F" else 65535, 256).reshape(16, 16)
        image = Image.fromarray(values.astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]))
    else:
        image = Image.fromarray(gradient(16, 16)).convert(mode)
    frame = read_image(save(tmp_path / "a.tiff", image))
    assert frame.shape == (16, 16, 3) and frame.max() > 200 and frame.min() < 60
    if mode in ("I;16", "I", "F"):
        assert np.abs(frame[:, :, 0].ravel().astype(int) - np.arange(256)).max() <= 1


def test_a_wide_colour_profile_is_brought_to_srgb(tmp_path: Path) -> None:
    from PIL import ImageCms

    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = save(tmp_path / "a.png", gradient(), icc_profile=lab)
    assert np.array_equal(read_image(path), gradient())
    path = save(tmp_path / "b.png", gradient(), icc_profile=b"x" * 500)
    assert np.array_equal(read_image(path), gradient())


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(
        b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(30_000, 30_000), (14_000, 14_000), (12_000, 9_000), (8_193, 8_192)])
def test_a_huge_picture_is_refused_from_its_header(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(png_header(*size))
    for reader in (read_image, picture_size, lambda p: list(read_animation(p))):
        with pytest.raises(PictureError, match="larger than 67 million pixels; make it smaller"):
            reader(path)


def test_own_limit(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", gradient())
    with pytest.raises(PictureError, match="40x30"):
        read_image(path, max_pixels=1000)


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "webp", "tiff", "bmp"])
@pytest.mark.parametrize("part", [0.0, 0.02, 0.3, 0.7])
def test_a_truncated_picture_is_a_sentence(tmp_path: Path, ending: str, part: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    data = save(tmp_path / f"a.{ending}", noise).read_bytes()
    path = tmp_path / f"cut.{ending}"
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(PictureError, match=rf"cannot read .*cut\.{ending}: "):
        read_image(path)


def test_other_files_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"hello, this is text")
    with pytest.raises(PictureError, match="not a picture in a known format"):
        read_image(tmp_path / "a.png")
    (tmp_path / "b.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    with pytest.raises(PictureError):
        read_image(tmp_path / "b.eps")
    with pytest.raises(FileError, match="there is no such file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(FileError, match="folder"):
        read_image(tmp_path)
    assert "EPS" not in FORMATS


def test_an_inflating_text_chunk_is_refused_or_ignored(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("a", "x" * 50_000_000, zip=True)
    path = tmp_path / "z.png"
    Image.fromarray(gradient()).save(path, pnginfo=info)
    try:
        assert read_image(path).shape == (30, 40, 3)
    except PictureError as error:
        assert "damaged" in str(error)


def animation(path: Path, frames: int, size: int = 16, duration: int = 40) -> Path:
    pictures = [Image.fromarray(np.full((size, size, 3), i * 9 % 256, np.uint8)) for i in range(frames)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=duration, loop=0)
    return path


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_animations_are_read_frame_by_frame(tmp_path: Path, ending: str) -> None:
    found = list(read_animation(animation(tmp_path / f"a.{ending}", 5)))
    assert len(found) == 5 and all(seconds == pytest.approx(0.04) for _, seconds in found)
    assert [int(frame[8, 8, 0]) for frame, _ in found] == pytest.approx([0, 9, 18, 27, 36], abs=3)


def test_animations_have_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = animation(tmp_path / "a.gif", 20)
    with pytest.raises(PictureError, match="20 frames of 16x16 are too many"):
        list(read_animation(path, max_frames=10))
    monkeypatch.setattr("studio.picture.MAX_ANIMATION_PIXELS", 16 * 16 * 10)
    with pytest.raises(PictureError, match="too many"):
        list(read_animation(path))


def test_a_truncated_animation_is_a_sentence(tmp_path: Path) -> None:
    data = animation(tmp_path / "a.gif", 8).read_bytes()
    (tmp_path / "cut.gif").write_bytes(data[: len(data) // 2])
    try:
        assert len(list(read_animation(tmp_path / "cut.gif"))) < 8
    except PictureError as error:
        assert "cut.gif" in str(error)


_SOURCES: dict[str, bytes] = {}


def source(kind: str) -> bytes:
    if kind not in _SOURCES:
        out = io.BytesIO()
        Image.fromarray(gradient(24, 18)).save(out, format=kind)
        _SOURCES[kind] = out.getvalue()
    return _SOURCES[kind]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(FORMATS), data=st.data())
def test_mutated_pictures_never_give_another_error(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    body = bytearray(source(kind))
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "fuzz.bin"
    path.write_bytes(bytes(body))
    try:
        frame = read_image(path, max_pixels=1_000_000)
    except FileError as error:
        assert str(error).startswith("cannot read")
    else:
        assert frame.ndim == 3 and frame.shape[2] == 3 and frame.dtype == np.uint8
