"""Sound files as samples: decoded piece by piece through FFmpeg, with the allow-lists of ``inputs``; sample-exact for
lossless files, and the same samples each time for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.devices.inputs import InputError
from studio.files import explain, short_path

Samples = NDArray[np.float32]

CONTAINERS = "wav,w64,flac,mp3,ogg,mov,matroska,webm,aiff,aac,avi,mpegts,mpeg"
"""FFmpeg demuxers that read one file and nothing else (mov stands for m4a, mp4 and 3gp too)."""
MOST_HOURS = 24.0
_LONGEST_GAP = 60.0


class SoundFile(Iterator[Samples]):
    """Stereo float32 ``(frames, 2)`` at ``rate`` Hz, from the beginning to the end; a mono file is on both sides.

    ``rate`` None keeps the file's own. ``seconds`` is how long the file says it is, 0.0 where it does not. A damaged
    end becomes ``notice``. Raises InputError.
    """

    def __init__(self, path: Path | str, rate: int | None = None) -> None:
        import av

        self.path = Path(path).expanduser()
        self.notice = ""
        self._container: Any = None
        try:
            if not self.path.is_file():
                with self.path.open("rb"):
                    raise InputError(f"cannot read {short_path(self.path)}: it is not a file; choose a sound file")
        except InputError:
            raise
        except (OSError, ValueError) as error:
            raise InputError(str(explain(error, self.path))) from None
        options = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
        try:
            self._container = av.open(f"file:{self.path}", options=options, metadata_errors="replace")
        except Exception as error:  # FFmpeg's errors, and UnicodeDecodeError, IndexError for random bytes
            raise self._damaged(error) from None
        try:
            if not self._container.streams.audio:
                raise InputError(f"cannot read {short_path(self.path)}: there is no sound in it; choose another file")
            self._stream = self._container.streams.audio[0]
            own = int(self._stream.codec_context.sample_rate or 0)
            if not 1_000 <= own <= 768_000:
                raise InputError(f"cannot read {short_path(self.path)}: sound at {own} Hz is not usable; convert it")
            self.rate = rate or own
            self.seconds = self._length()
            # FFmpeg would make one channel 3 dB softer on its way to two
            sides = "mono" if int(self._stream.codec_context.channels) == 1 else "stereo"
            self._resampler = av.AudioResampler(format="fltp", layout=sides, rate=self.rate)
        except BaseException:
            self._container.close()
            raise
        self._parts = self._decode()

    def _length(self) -> float:
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        return float(self._container.duration or 0) / 1e6

    def _damaged(self, error: Exception) -> InputError:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return InputError(f"cannot read {short_path(self.path)}: damaged or of an unknown kind "
                          f"({' '.join(str(why).split())[:120]}); choose a WAV, FLAC, MP3, OGG or M4A")

    def _decode(self) -> Iterator[Samples]:
        made, first = 0, True
        try:
            for frame in self._container.decode(self._stream):
                if first and frame.time is not None and 0.0 < frame.time < _LONGEST_GAP and self._late():
                    # sound that begins later than the picture of its file is later here too
                    silent = round(frame.time * self.rate)
                    yield np.zeros((silent, 2), np.float32)
                    made += silent
                first = False
                frame.pts = None  # the resampler would fill gaps of rounded timestamps
                for part in self._resampler.resample(frame):
                    samples = _samples(part)
                    made += len(samples)
                    yield samples
                if made > MOST_HOURS * 3600.0 * self.rate:
                    self.notice = f"{self.path.name}: only its first {MOST_HOURS:g} hours are used"
                    return
        except GeneratorExit:
            raise
        except Exception as error:
            if not made:
                raise self._damaged(error) from None
            self.notice = f"{self.path.name}: damaged after {made / self.rate:.1f} s; the rest was left out"
        for part in self._resampler.resample(None):
            samples = _samples(part)
            made += len(samples)
            yield samples
        if not made:
            raise InputError(f"cannot read {short_path(self.path)}: no sound in it could be decoded; choose another")

    def _late(self) -> bool:
        """Whether timestamps tell of a late beginning, not of an encoder's padding."""
        return bool(self._container.streams.video)

    def __next__(self) -> Samples:
        return next(self._parts)

    def close(self) -> None:
        """Let go of the file."""
        self._parts.close()  # type: ignore[attr-defined]  # the decoder lets go before its container does
        self._container.close()

    def __enter__(self) -> SoundFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _samples(part: Any) -> Samples:
    finite = np.nan_to_num(part.to_ndarray().T, nan=0.0, posinf=0.0, neginf=0.0)
    return np.ascontiguousarray(np.broadcast_to(finite, (len(finite), 2)), np.float32)


class SoundReader:
    """A file read by place: ``read(until)`` gives all samples up to the one with this number; silence after its end."""

    def __init__(self, path: Path | str, rate: int = 48_000) -> None:
        self.file = SoundFile(path, rate)
        self.rate = rate
        self.at = 0
        self.ended = False
        self._rest: Samples = np.zeros((0, 2), np.float32)

    def read(self, until: int) -> Samples:
        """The samples ``(frames, 2)`` from where the last call ended to ``until``."""
        parts, missing = [], max(0, until - self.at)
        while missing:
            if not len(self._rest):
                if not self.ended:
                    try:
                        self._rest = next(self.file)
                        continue
                    except StopIteration:
                        self.ended = True
                self._rest = np.zeros((missing, 2), np.float32)
            part, self._rest = self._rest[:missing], self._rest[missing:]
            parts.append(part)
            missing -= len(part)
        made = np.concatenate(parts) if parts else np.zeros((0, 2), np.float32)
        self.at += len(made)
        return made

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()
