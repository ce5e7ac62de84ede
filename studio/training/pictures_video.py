"""Frames of a video or an animated picture, a few a second, as pictures to learn from; memory holds one frame."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from studio.files import FileError, explain, short_path
from studio.media import MAX_PIXELS, Frame
from studio.picture import ENDINGS, frame_count, read_animation

VIDEO_ENDINGS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ogv")
"""Endings of the video files that are read."""

# demuxers that read one file and nothing else: a playlist could name any other file or address
_CONTAINERS = "mov,matroska,webm,avi,mpeg,mpegts,ogg"
_SHORTEST = 0.01
"""Seconds; a frame of an animation that claims less is shown a tenth of a second, as browsers do."""


class VideoError(FileError):
    """A video that cannot be read; the message names the file, the reason and the cure."""


def is_moving(path: Path) -> bool:
    """Whether a file is a video (by its ending) or an animated picture. Raises FileError for one that is damaged."""
    if path.suffix.lower() in VIDEO_ENDINGS:
        return True
    return path.suffix.lower() in ENDINGS and frame_count(path) > 1


def moving_frames(path: Path, rate: float) -> Generator[Frame]:
    """``rate`` frames of each second, by their own times, uint8 ``(height, width, 3)``; a damaged end is left out.

    Raises FileError when not a single one can be read.
    """
    timed = _animation(path) if path.suffix.lower() in ENDINGS else _video(path)
    due = 0.0
    for seconds, frame in timed:
        if seconds + 1e-6 >= due:
            yield frame
            due = (np.floor(seconds * rate + 1e-3) + 1) / rate


def _animation(path: Path) -> Generator[tuple[float, Frame]]:
    at = 0.0
    for frame, seconds in read_animation(path):
        yield at, frame
        at += seconds if seconds > _SHORTEST else 0.1


def _video(path: Path) -> Generator[tuple[float, Frame]]:
    import av

    options = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
    try:
        container: Any = av.open(f"file:{path}", options=options, metadata_errors="replace")
    except OSError as error:
        if error.strerror and type(error) in (FileNotFoundError, PermissionError):
            raise VideoError(str(explain(error, path))) from None
        raise _damaged(path, error) from None
    except Exception as error:  # FFmpeg's own errors, UnicodeDecodeError and IndexError for random bytes
        raise _damaged(path, error) from None
    count = 0
    with container:
        if not container.streams.video:
            raise VideoError(f"cannot read {short_path(path)}: it has no picture track; choose another video")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        own = float(stream.average_rate or stream.guessed_rate or 30)
        try:
            for frame in container.decode(stream):
                if frame.width * frame.height > MAX_PIXELS:
                    break
                at = float(frame.time) if frame.time is not None else count / own
                yield at, np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
                count += 1
        except GeneratorExit:
            raise
        except Exception as error:
            if not count:
                raise _damaged(path, error) from None
    if not count:
        raise VideoError(f"cannot read {short_path(path)}: no frame of it could be decoded; choose another file")


def _damaged(path: Path, error: Exception) -> VideoError:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    reason = " ".join(str(reason).split())[:120]
    return VideoError(f"cannot read {short_path(path)}: damaged or of an unknown kind ({reason}); choose another file")
