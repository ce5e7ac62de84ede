"""Stills, animations, videos and a camera stand-in as picture sources; what a hostile file may not do."""

from __future__ import annotations

import itertools
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from studio.devices import camera, inputs
from studio.devices.inputs import InputError, open_source, read_clip, resample
from studio.files import FileError


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take long to open a file; that is not what these tests are about."""
    monkeypatch.setattr(camera, "OPEN_SECONDS", 120.0)


def write_video(
    path: Path, count: int = 12, rate: int = 12, size: tuple[int, int] = (64, 48), codec: str = "mpeg4"
) -> Path:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.time_base = Fraction(1, rate)
        for index in range(count):
            level = 20 + 200 * index // count
            frame = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), level, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_still_repeats_for_ever(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    with open_source(tmp_path / "a.png", 24) as source:
        assert source.info == inputs.SourceInfo("picture", 30, 20, 24, None)
        assert all(np.array_equal(frame, picture) for frame in islice(source, 5))


def test_an_animation_keeps_its_time(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((16, 16, 3), level, np.uint8)) for level in (0, 80, 160, 240)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=[100, 300, 100, 100], loop=0)
    with open_source(tmp_path / "a.gif") as source:
        assert source.info.kind == "animation" and source.info.frames == 4
        assert len(list(source)) == 4
    with open_source(tmp_path / "a.gif", 10) as source:
        assert [int(frame[0, 0, 0]) for frame in source] == [0, 80, 80, 80, 160, 240]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.mov", "a b ü.mp4"])
def test_a_video_frame_by_frame(tmp_path: Path, name: str) -> None:
    path = write_video(tmp_path / name)
    with open_source(path) as source:
        info = source.info
        assert (info.kind, info.width, info.height, round(info.fps), info.frames) == ("video", 64, 48, 12, 12)
        levels = [int(frame.mean()) for frame in source]
        assert len(levels) == 12 and levels == sorted(levels)
    with open_source(path, 24) as source:
        assert source.info.frames == 24 and len(list(source)) == 24
    with open_source(path, 4) as source:
        assert len(list(source)) == 4


def test_a_cut_video_gives_what_is_there_and_says_so(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.avi", count=400)
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with open_source(cut) as source:
        frames = list(source)
    assert 1 <= len(frames) < 400
    half = tmp_path / "half.mp4"
    half.write_bytes(write_video(tmp_path / "b.mp4", count=40).read_bytes()[:2000])
    with pytest.raises(InputError, match=r"half\.mp4"):
        list(open_source(half))


@pytest.mark.parametrize("text", [
    "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "ffconcat version 1.0\nfile '/etc/passwd'\n", "[playlist]\nFile1=/x\n",
    '<?xml version="1.0"?><MPD></MPD>', "  #EXTM3U\nhttp://127.0.0.1/x", "v=0 \no=x",
])
@pytest.mark.parametrize("ending", [".m3u8", ".mp4", ".avi"])
def test_playlists_are_refused(tmp_path: Path, text: str, ending: str) -> None:
    path = tmp_path / f"list{ending}"
    path.write_text(text)
    with pytest.raises(InputError, match="playlist"):
        open_source(path)


@pytest.mark.parametrize("spec", [
    "http://127.0.0.1/x.mp4", "rtsp://a/b", "concat:a|b", "subfile:,,start,0,end,9,,:/etc/passwd", "camera:",
    "camera:x", "camera:-1", "pipe:0", "lavfi:testsrc",
])
def test_addresses_and_protocols_are_refused(spec: str) -> None:
    with pytest.raises(InputError):
        open_source(spec)


def test_only_listed_containers_are_opened(tmp_path: Path) -> None:
    script = tmp_path / "a.txt"
    script.write_text("not a video " * 50)
    (tmp_path / "a.bin").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "wav.wav").write_bytes(b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 60)
    for path in (script, *(tmp_path / name for name in ("a.bin", "empty.mp4", "wav.wav", "missing.mp4")), tmp_path):
        with pytest.raises(FileError) as caught:
            open_source(path)
        assert path.name in str(caught.value) and "\n" not in str(caught.value)


def test_a_picture_that_is_too_large_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    path = tmp_path / "huge.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b""))
    with pytest.raises(FileError, match="million pixels"):
        open_source(path)


def test_a_video_that_changes_its_size_keeps_the_first_one(tmp_path: Path) -> None:
    small, large = write_video(tmp_path / "a.mpg", 6, 25, (64, 48), "mpeg2video"), tmp_path / "b.mpg"
    write_video(large, 6, 25, (128, 96), "mpeg2video")
    both = tmp_path / "both.mpg"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    with open_source(both) as source:
        shapes = {frame.shape for frame in source}
    assert shapes == {(48, 64, 3)}


STARTS = [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF", b"\0\0\0\x20ftyp", b"\x1a\x45\xdf\xa3"]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300), start=st.sampled_from(STARTS))
def test_random_bytes_are_a_sentence(tmp_path: Path, data: bytes, start: bytes) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(start + data)
    try:
        with open_source(path) as source:
            list(islice(source, 3))
    except FileError as error:
        assert "\n" not in str(error) and "x.mp4" in str(error)


@given(
    gaps=st.lists(st.floats(0.0, 0.5), min_size=1, max_size=30), fps=st.floats(1.0, 60.0),
)
def test_resampling_keeps_order_and_length(gaps: list[float], fps: float) -> None:
    times, now = [0.0], 0.0
    for gap in gaps:
        now += gap
        times.append(now)
    marks = ((time, np.full((1, 1, 3), index, np.uint8)) for index, time in enumerate(times))
    shown = [int(frame[0, 0, 0]) for frame in resample(marks, fps)]
    assert shown == sorted(shown)
    steps = [after - before for before, after in itertools.pairwise(times) if after > before]
    end = now + (steps[-1] if steps else 0.0)
    assert abs(len(shown) - max(1.0, end * fps)) <= 2


# --- the camera's own code path: OpenCV's VideoCapture, here on a file --------------------------------------------


def test_the_camera_gives_frames_through_opencv(tmp_path: Path) -> None:
    path = write_video(tmp_path / "cam.mp4", 30)
    source = camera.CameraSource(path, reopen=False)
    assert (source.info.kind, source.info.width, source.info.height) == ("camera", 64, 48)
    frames = list(source)
    source.close()
    # the reader never waits for a slow consumer, so some may be missing; none comes twice or out of order
    levels = [int(frame.mean()) for frame in frames]
    assert 1 <= len(frames) <= 30 and levels == sorted(levels)
    assert frames[-1].dtype == np.uint8 and frames[-1].shape == (48, 64, 3)


def test_colours_come_as_red_green_blue(tmp_path: Path) -> None:
    import cv2

    path = tmp_path / "red.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for _ in range(5):
        writer.write(np.full((48, 64, 3), (0, 0, 255), np.uint8))
    writer.release()
    with camera.CameraSource(path, reopen=False) as source:
        red, green, blue = next(source).reshape(-1, 3).mean(0)
    assert red > 200 and green < 60 and blue < 60


class Scripted:
    """A capture that does as told: frames of given sizes, None for a failed read, an event to wait for (a stall)."""

    def __init__(self, script: list) -> None:
        self.script = script

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self.script != ["absent"]

    def read(self) -> tuple[bool, np.ndarray | None]:
        if not self.script:
            return False, None
        item = self.script.pop(0)
        if hasattr(item, "wait"):
            item.wait(30)
            return False, None
        return item is not None, None if item is None else np.zeros((item[1], item[0], 3), np.uint8)

    def release(self) -> None:
        pass


def test_an_absent_camera_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "open_capture", lambda device: Scripted(["absent"]))
    with pytest.raises(InputError, match="no such camera"):
        open_source("camera:0")


def test_a_camera_that_stalls_blocks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    release = threading.Event()
    monkeypatch.setattr(camera, "open_capture", lambda device: Scripted([(8, 6), release]))
    monkeypatch.setattr(camera, "STALE_SECONDS", 0.05)
    source = open_source("camera:0")
    assert next(source).shape == (6, 8, 3)
    with pytest.raises(InputError, match="no new picture"):
        next(source)
    release.set()
    source.close()


def test_a_camera_that_went_away_is_opened_again_and_may_change_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    unplug, release = threading.Event(), threading.Event()
    captures = [Scripted([(8, 6), unplug]), Scripted(["absent"]), Scripted([(16, 12), release])]
    monkeypatch.setattr(camera, "open_capture", lambda device: captures.pop(0) if captures else Scripted(["absent"]))
    monkeypatch.setattr(camera, "REOPEN_SECONDS", (0.0,))
    source = open_source("camera:1")
    unplug.set()
    assert source._camera.newer_than(1, 120) is not None
    assert next(source).shape == (6, 8, 3)
    assert source._camera.age < 120
    release.set()
    source.close()
    assert inputs.SourceInfo("camera", 8, 6, 30.0, None) == source.info


def test_a_clip_tells_its_length_and_rate(tmp_path: Path) -> None:
    still, moving = tmp_path / "still.png", tmp_path / "moving.gif"
    frames = [Image.fromarray(np.full((8, 8, 3), 40 * n, np.uint8)) for n in range(4)]
    frames[0].save(still)
    frames[0].save(moving, save_all=True, append_images=frames[1:], duration=[100, 200, 300, 200])
    assert read_clip(still) is None and read_clip("camera:0") is None
    clip = read_clip(moving)
    assert clip is not None and clip.seconds == pytest.approx(0.8) and clip.fps == pytest.approx(5.0)
    with pytest.raises(InputError):
        read_clip(tmp_path / "gone.mp4")
