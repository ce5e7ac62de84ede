"""Every writer: the right one by the ending, whole files or none, the recipe inside, the same bytes each time."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.export import accepted_kinds, endings, media_kind, open_writer, read_recipe, writer_options
from studio.export.writers import exact_fps
from studio.files import FileError
from studio.media import Audio, MediaError, Note, Notes

RECIPE: dict[str, Any] = {
    "format": "reverie.recipe", "format_version": 1, "studio": "0.1.0",
    "stages": [
        {"generator": "reverie.x", "version": 1, "params": {"a": 0.25, "prime": "Ä — 日本 <&>\"'\n😀 -->", "on": True}},
        {"generator": "reverie.y", "version": 3, "params": {}},
    ],
    "seed": 7, "fps": 29.97, "frames": 6, "size": [64, 48], "bpm": 90.0, "input": None, "models": {"m": "ab" * 32},
    "options": {},
}
NAMES = ["a.png", "a.jpg", "a.jpeg", "a.webp", "a.gif", "a.mp4", "a.webm", "a.mov", "a.txt", "a.mid", "a.wav",
         "seq/%04d.png", "seq/f%d.jpg", "seq/%03d.webp"]


def frame(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    wave = 120 + 60 * np.sin((x + y + index) / 9)
    return np.stack([x * 3 + index * 5, y * 4, wave], 2).astype(np.int64).astype(np.uint8)


def media(name: str, index: int) -> Any:
    kind = media_kind(name)
    if kind == "text":
        return f"line {index} — ä\n"
    if kind == "notes":
        return Notes((Note(60 + index, 80, 0.0, 1.0), Note(36, 90, 0.5, 0.25, 9)), 2.0)
    if kind == "audio":
        return Audio(np.sin(np.arange(2400) / (10 + index)).astype(np.float32)[:, None] * 0.5)
    return frame(index)


def write(path: Path | str, count: int = 6, **keywords: Any) -> Any:
    with open_writer(path, **{"fps": 29.97, "recipe": RECIPE, **keywords}) as writer:
        for index in range(count):
            writer.add(media(str(path), index))
    return writer


def first_file(path: Path) -> Path:
    return next(p for p in sorted(path.parent.iterdir())) if "%" in path.name else path


def everything(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.mark.parametrize("name", NAMES)
def test_the_recipe_comes_back_from_every_format(tmp_path: Path, name: str) -> None:
    writer = write(tmp_path / name)
    found = read_recipe(first_file(tmp_path / name))
    assert {k: v for k, v in found.items() if k not in ("options", "frame")} == {
        k: v for k, v in RECIPE.items() if k != "options"
    }
    assert set(found["options"]) == set(writer_options(tmp_path / name))
    assert writer.report["bytes"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_same_frames_give_the_same_bytes(tmp_path: Path, name: str) -> None:
    digests = set()
    for folder in ("one", "two", "three", "four"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / name)
        files = [p for p in sorted((tmp_path / folder).rglob("*")) if p.is_file()]
        digests.add(hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest())
    assert len(digests) == 1


class Stop(BaseException):
    """As a KeyboardInterrupt: not an Exception."""


@pytest.mark.parametrize("error", [RuntimeError("broken"), Stop()])
@pytest.mark.parametrize("name", NAMES)
def test_an_exception_leaves_nothing_and_keeps_what_was_there(tmp_path: Path, name: str, error: BaseException) -> None:
    path = tmp_path / name
    if "%" not in name:
        path.write_bytes(b"before")
    before = everything(tmp_path)
    with pytest.raises(type(error)), open_writer(path, recipe=RECIPE) as writer:
        for index in range(4):
            writer.add(media(name, index))
        raise error
    assert everything(tmp_path) == before
    if "%" not in name:
        assert path.read_bytes() == b"before"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_made_is_a_sentence_and_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError, match="nothing was made"), open_writer(tmp_path / name):
        pass
    assert everything(tmp_path) == []


@pytest.mark.parametrize("name", ["a.png", "a.gif", "a.mp4", "a.mid"])
def test_the_name_appears_only_at_the_end(tmp_path: Path, name: str) -> None:
    with open_writer(tmp_path / name) as writer:
        writer.add(media(name, 0))
        assert not (tmp_path / name).exists()
    assert (tmp_path / name).exists()
    assert everything(tmp_path) == [name]


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    folder.mkdir()
    command = shutil.which("mount")
    if not command or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("a full disk is made with a small tmpfs, which only root can mount")
    done = subprocess.run([command, "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)], check=False,
                          capture_output=True)
    if done.returncode:
        pytest.skip("this system does not let a test mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


NOISE = np.random.default_rng(0)


def large(name: str) -> Any:
    kind = media_kind(name)
    if kind == "text":
        return "x" * 100_000
    if kind == "notes":
        return Notes(tuple(Note(30 + i % 90, 1 + i % 127, i / 16, 0.05) for i in range(20_000)), 1250.0)
    if kind == "audio":
        return Audio(NOISE.random((48_000, 2), np.float32))
    return NOISE.integers(0, 256, (256, 256, 3), np.uint8)


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    options: dict[str, Any] = {}
    if name in ("a.mp4", "a.webm"):
        options = {"crf": 0, "speed": "ultrafast" if name == "a.mp4" else 8}
    with small_disk(tmp_path / "disk", 64) as disk:
        with pytest.raises(FileError, match=r"cannot write .*: the disk is full; free some space"):
            with open_writer(disk / name, recipe=RECIPE, options=options) as writer:
                for _ in range(60 if media_kind(name) == "image" else 3):
                    writer.add(large(name))
        assert everything(disk) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_read_only_folder_is_a_sentence_before_the_work(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # root may write anywhere: the question itself is answered for it
        monkeypatch.setattr(os, "access", lambda path, mode, **_: not mode & os.W_OK)
    else:
        tmp_path.chmod(0o500)
    try:
        with pytest.raises(FileError, match="permission denied; choose another folder"):
            open_writer(tmp_path / name)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("name", [n for n in NAMES if "%" not in n])
def test_a_missing_folder_is_a_sentence_before_the_work(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError, match=r"folder .* does not exist; create it first"):
        open_writer(tmp_path / "none" / name)


def test_an_error_of_the_operating_system_inside_a_writer_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    for name in ("a.png", "a.mid", "seq/%03d.png"):
        with pytest.raises(FileError, match="disk is full"):
            write(tmp_path / name)
    assert everything(tmp_path) == []


def test_endings() -> None:
    assert media_kind("x.GIF") == "image" and media_kind("x.mid") == "notes" and media_kind("x.txt") == "text"
    assert media_kind("frames/") == "image" and accepted_kinds("x.wav") == ("audio", "notes")
    assert ".webm" in endings()
    for path, reason in (("x.avi", r"the ending \.avi is not one of \.png"), ("x", "a name without an ending"),
                         ("x%03d.gif", "only PNG, JPEG and WebP")):
        with pytest.raises(FileError, match=reason):
            media_kind(path)


@pytest.mark.parametrize(("name", "wrong"), [
    ("a.png", "text"), ("a.gif", Notes((), 1.0)), ("a.txt", frame(0)), ("a.mid", "text"), ("a.mp4", "text"),
    ("a.wav", frame(0)),
])
def test_the_wrong_kind_of_media_is_a_sentence(tmp_path: Path, name: str, wrong: Any) -> None:
    with pytest.raises(FileError, match="choose another ending"), open_writer(tmp_path / name) as writer:
        writer.add(wrong)


def test_options_are_checked_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no option 'colors'; did you mean colours"):
        open_writer(tmp_path / "a.gif", options={"colors": 3})
    with pytest.raises(FileError, match="dither: 'x' is not one of none"):
        open_writer(tmp_path / "a.gif", options={"dither": "x"})
    writer = write(tmp_path / "a.jpg", options={"quality": "400"})
    assert any("lowered" in notice for notice in writer.notices)
    assert read_recipe(tmp_path / "a.jpg")["options"]["quality"] == 100
    for path in NAMES:
        for name, option in writer_options(path).items():
            assert option.help, (path, name)


def test_a_recipe_that_is_none_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="the recipe to embed cannot be used: seed is not a whole number"):
        open_writer(tmp_path / "a.png", recipe={**RECIPE, "seed": "7"})


@pytest.mark.parametrize("name", ["a.gif", "a.mp4", "a.webp", "seq/%03d.png"])
def test_a_frame_of_another_size_is_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError, match="frame 1 is 32x48 where 64x48 came before"):
        with open_writer(tmp_path / name) as writer:
            writer.add(frame(0))
            writer.add(frame(1, 32, 48))
    assert everything(tmp_path) == []


def test_floats_and_bad_frames(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.png") as writer:
        writer.add(np.full((8, 8, 3), 0.5, np.float32))
    with pytest.raises(MediaError, match="NaN"), open_writer(tmp_path / "b.png") as writer:
        writer.add(np.full((8, 8, 3), np.nan, np.float32))
    assert everything(tmp_path) == ["a.png"]


def test_too_large_for_the_format(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="up to 16383 pixels"), open_writer(tmp_path / "a.webp") as writer:
        writer.add(np.zeros((2, 20_000, 3), np.uint8))


@pytest.mark.parametrize(("given", "exact"), [
    (29.97, Fraction(30000, 1001)), (23.976, Fraction(24000, 1001)), (59.94, Fraction(60000, 1001)), (30, Fraction(30)),
    (30.0, Fraction(30)), (12.5, Fraction(25, 2)), (24, Fraction(24)), (Fraction(30000, 1001), Fraction(30000, 1001)),
])
def test_frame_rates_are_exact(given: float, exact: Fraction) -> None:
    assert exact_fps(given) == exact


@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf"), 5000, "fast"])
def test_bad_frame_rates_are_sentences(tmp_path: Path, bad: Any) -> None:
    with pytest.raises(FileError, match="frames per second"):
        open_writer(tmp_path / "a.gif", fps=bad)


def test_a_sequence_into_a_folder(tmp_path: Path) -> None:
    write(f"{tmp_path}/deep/er/", count=3)
    assert sorted(p.name for p in (tmp_path / "deep" / "er").iterdir()) == ["00000.png", "00001.png", "00002.png"]
    assert read_recipe(tmp_path / "deep" / "er")["seed"] == 7
    assert read_recipe(tmp_path / "deep" / "er" / "00002.png")["frame"] == 2
    writer = write(f"{tmp_path}/deep/er/", count=2)
    assert any("1 numbered picture(s) of an earlier, longer sequence" in notice for notice in writer.notices)
    write(tmp_path / "x_%03d_y.png", count=2, options={"first": 9})
    assert {"x_009_y.png", "x_010_y.png"} <= {p.name for p in tmp_path.iterdir()}


def test_the_documentation_names_every_ending_and_option() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    for ending in endings():
        assert f"`{ending}`" in page
        for name in writer_options(f"x{ending}"):
            assert f"`{name}" in page, (ending, name)
