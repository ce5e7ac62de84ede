"""Pictures for an effect: a still (repeated for ever), an animation or video file, or a live camera.

Files are opened with short allow-lists: a few picture formats, a few containers, the ``file`` protocol only. Playlists
are refused, because a playlist can name any other file or address. Sizes are checked before pixels are decoded.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio import picture
from studio.files import FileError, explain, read_bytes, short_path
from studio.media import MAX_PIXELS, Frame

CONTAINERS = "mov,matroska,webm,avi,mpeg,mpegts,ogg,flv,yuv4mpegpipe"
"""FFmpeg demuxers that read one file and nothing else (mov stands for mp4, m4v and 3gp too)."""

_PICTURE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_PLAYLIST = re.compile(rb"\s*(#EXTM3U|ffconcat|\[playlist\]|<\?xml|<MPD|<asx|<smil|v=0\s|RTSPtext|\[Reference\])", re.I)


class InputError(FileError):
    """A picture source that cannot be used; the message names it, the reason and the cure."""


def _cannot(path: Path | str, why: str) -> InputError:
    return InputError(f"cannot read {short_path(path)}: {why}")


@dataclass(frozen=True)
class SourceInfo:
    """What is known before the first frame: pixels, frames per second, frames in all (None: endless or unknown)."""

    kind: str
    width: int
    height: int
    fps: float
    frames: int | None


class Source(Iterator[Frame]):
    """Frames ``uint8 (height, width, 3)``, all of one size. Close it when done; ``notice`` tells of a damaged end."""

    info: SourceInfo
    notice = ""

    def close(self) -> None:
        """Let go of the file or device."""

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_source(spec: str | Path, fps: float | None = None) -> Source:
    """Open ``camera:N`` or a file. ``fps`` resamples a video to that rate by its own timestamps.

    Raises InputError (missing, damaged, too large, a playlist, no such camera).
    """
    text = str(spec)
    match = re.fullmatch(r"camera:(\d{1,3})", text)
    if match:
        from studio.devices.camera import CameraSource

        return CameraSource(int(match[1]))
    if text.startswith("camera:"):
        raise _cannot(text, "write camera:0 for the first camera, camera:1 for the second")
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+:(?![\\])", text) and not Path(text).exists():
        raise _cannot(text, "only files and cameras are opened, no addresses; save it first")
    path = Path(text).expanduser()
    head = _head(path)
    if _PLAYLIST.match(head) or path.suffix.lower() in (".m3u", ".m3u8", ".pls", ".asx", ".sdp", ".mpd", ".ffconcat"):
        raise _cannot(path, "playlists are not opened; name the video file itself")
    if head.startswith(_PICTURE_STARTS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        frames = picture.frame_count(path)
        return AnimationSource(path, fps, frames) if frames > 1 else StillSource(path, fps)
    return VideoSource(path, fps)


@dataclass(frozen=True)
class Clip:
    """How long a moving file takes, and its pictures a second."""

    seconds: float
    fps: float


def read_clip(path: str | Path) -> Clip | None:
    """The length and rate of a video or an animation; None for a still, a camera or a length nobody knows.

    Raises InputError.
    """
    if str(path).startswith("camera:"):
        return None
    with open_source(path) as source:
        info = source.info
        if info.frames is None or info.frames < 2:
            return None
        if info.kind != "animation":
            return Clip(info.frames / info.fps, info.fps)
    # every picture of an animation has a time of its own; what browsers do with absurdly short ones
    times = [lasts if lasts > 0.01 else 0.1 for _, lasts in picture.read_animation(Path(path).expanduser())]
    return Clip(sum(times), len(times) / sum(times))


def _head(path: Path) -> bytes:
    """The first bytes of an ordinary file. Raises InputError."""
    try:
        if path.is_file():
            with path.open("rb") as file:
                head = file.read(512)
            if not head:
                raise _cannot(path, "the file is empty; choose another one")
            return head
        read_bytes(path, limit=0)  # says why it is no ordinary file
    except FileError as error:
        raise InputError(str(error)) from None
    except (OSError, ValueError) as error:
        raise InputError(str(explain(error, path))) from None
    raise _cannot(path, "it is not an ordinary file; name a picture or a video")


class StillSource(Source):
    """One picture, for ever."""

    def __init__(self, path: Path, fps: float | None) -> None:
        self._frame = picture.read_image(path)
        height, width = self._frame.shape[:2]
        self.info = SourceInfo("picture", width, height, fps or 30.0, None)

    def __next__(self) -> Frame:
        return self._frame


class AnimationSource(Source):
    """An animated GIF, WebP or PNG, once through, at its own speed."""

    def __init__(self, path: Path, fps: float | None, frames: int) -> None:
        width, height = picture.picture_size(path)
        self._path = path
        parts = self._decode()
        self._frames: Generator[Frame] = resample(parts, fps) if fps else (frame for _, frame in parts)
        self.info = SourceInfo("animation", width, height, fps or 30.0, None if fps else frames)

    def _decode(self) -> Generator[tuple[float, Frame]]:
        at, count = 0.0, 0
        try:
            for frame, seconds in picture.read_animation(self._path):
                yield at, frame
                count += 1
                at += seconds if seconds > 0.01 else 0.1  # what browsers do with absurdly short times
        except picture.PictureError:
            if not count:
                raise
            self.notice = f"{self._path.name}: damaged after {count} frames; the rest was left out"

    def __next__(self) -> Frame:
        return next(self._frames)

    def close(self) -> None:
        self._frames.close()


def _damaged(path: Path, error: Exception) -> InputError:
    if type(error) in (FileNotFoundError, PermissionError, OSError) and isinstance(error, OSError) and error.strerror:
        return InputError(str(explain(error, path)))
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return _cannot(path, f"damaged or of an unknown kind ({' '.join(reason.split())[:120]}); choose another file")


class VideoSource(Source):
    """A video file through FFmpeg, frame by frame; memory holds one frame."""

    def __init__(self, path: Path, fps: float | None) -> None:
        import av

        self._path = path
        options = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
        try:
            self._container = av.open(f"file:{path}", options=options, metadata_errors="replace")
        except Exception as error:  # FFmpeg's errors, and UnicodeDecodeError, IndexError for random bytes
            raise _damaged(path, error) from None
        try:
            if not self._container.streams.video:
                raise _cannot(path, "it has no picture track; choose a video or a picture")
            self._stream = self._container.streams.video[0]
            self._stream.thread_type = "AUTO"
            width, height = self._stream.codec_context.width, self._stream.codec_context.height
            if width * height > MAX_PIXELS or width < 1 or height < 1:
                raise _cannot(path, f"frames of {width}x{height} are not usable; convert it first")
            own = float(self._stream.average_rate or self._stream.guessed_rate or 30)
            seconds = self._seconds(own)
            rate = fps or own
            self.info = SourceInfo("video", width, height, rate, round(seconds * rate) if seconds else None)
            frames = self._decode(own)
            self._frames: Generator[Frame] = resample(frames, fps) if fps else (frame for _, frame in frames)
        except BaseException:
            self._container.close()
            raise

    def _seconds(self, rate: float) -> float:
        if self._stream.frames:
            return float(self._stream.frames) / rate
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        return float(self._container.duration or 0) / 1e6

    def _decode(self, rate: float) -> Generator[tuple[float, Frame]]:
        """Frames with their seconds from the first. A damaged end becomes a notice."""
        count, first = 0, None
        width, height = self.info.width, self.info.height
        try:
            for frame in self._container.decode(self._stream):
                if frame.width * frame.height > MAX_PIXELS:
                    raise _cannot(self._path, f"a frame has {frame.width}x{frame.height} pixels")
                # a size that changes on the way is brought back to the first one
                array = np.asarray(frame.reformat(width=width, height=height, format="rgb24").to_ndarray(), np.uint8)
                at = float(frame.time) if frame.time is not None else count / rate
                first = at if first is None else first
                yield at - first, array
                count += 1
        except InputError:
            raise
        except Exception as error:
            if not count:
                raise _damaged(self._path, error) from None
            self.notice = f"{self._path.name}: damaged after {count} frames; the rest was left out"
        if not count:
            raise _cannot(self._path, "no picture in it could be decoded; choose another file")

    def __next__(self) -> Frame:
        return next(self._frames)

    def close(self) -> None:
        self._frames.close()  # the decoder lets go before its container does
        self._container.close()


def resample(frames: Iterator[tuple[float, Frame]], fps: float) -> Generator[Frame]:
    """One frame per ``1/fps``: the newest at each moment, repeated or left out as needed. Times must not fall."""
    held: Frame | None = None
    index, last, gap = 0, 0.0, 0.0
    for seconds, frame in frames:
        while held is not None and index / fps < seconds - 1e-6:
            yield held
            index += 1
        gap = max(0.0, seconds - last) or gap
        held, last = frame, seconds
    # the last frame lasts as long as the one before it; timestamps of a millisecond must not make one more
    while held is not None and (index == 0 or (index + 0.25) / fps < last + gap):
        yield held
        index += 1


