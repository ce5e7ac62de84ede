"""The file of a live recording: fragmented MP4 that a killed process leaves readable, and its change into a plain one.

Each half second is written as a fragment of its own and flushed (ISO/IEC 14496-12, movie fragments), so whatever
happens, all but about the last second can be played. At the end the streams are copied, not coded anew, into an
ordinary MP4 with its index in front and the recipe in its metadata.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.export.recipe import KEY, pack
from studio.files import FileError, atomic_write, explain, short_path
from studio.media import Frame

SOUND_RATE = 48_000
"""Samples a second of a recording's sound (Hz)."""
FRAGMENT_SECONDS = 0.5
HARDWARE = ("h264_videotoolbox", "h264_nvenc", "h264_qsv", "h264_amf")
"""Encoders of the machine's own chips, in the order they are tried."""
SOFTWARE = "libx264"
_AAC_BLOCK = 1024
_AAC_DELAY = 1024
"""Samples that the encoder puts before the first one. So many are left out, or everything would begin before time 0."""
_BT709, _LIMITED = 1, 1
_SOUND_BITS = 192_000


@functools.lru_cache(maxsize=1)
def best_encoder() -> str:
    """The hardware encoder that really works here, else ``libx264``. Tries each with one picture; may take a second."""
    from av.logging import Capture

    for name in HARDWARE:
        with contextlib.suppress(Exception), Capture():
            if _works(name):
                return name
    return SOFTWARE


def load_encoder() -> None:
    """Choose the encoder and load its library, if that was not done yet. Where there is none a recording says so."""
    with contextlib.suppress(Exception):
        best_encoder()


def _works(name: str) -> bool:
    """Whether an encoder opens and takes a picture: to be in the library does not mean that the chip is there."""
    import av

    context: Any = av.CodecContext.create(name, "w")
    context.width, context.height, context.pix_fmt = 256, 256, "yuv420p"
    context.framerate, context.time_base = Fraction(30), Fraction(1, 30)
    frame = av.VideoFrame.from_ndarray(np.zeros((384, 256), np.uint8), format="yuv420p")
    frame.pts = 0
    packets = [*context.encode(frame), *context.encode(None)]
    return bool(packets)


def encoder_options(encoder: str, fps: Fraction, threads: int, crf: int) -> dict[str, str]:
    """Options of an encoder for a recording beside a show: quick first, a key frame a second, no look-ahead."""
    gop = str(max(1, round(fps)))
    if encoder == SOFTWARE:
        # one picture of delay at most: what waits in the encoder is lost when the process is killed
        speed = "veryfast" if threads >= 3 else "ultrafast"
        return {"preset": speed, "crf": str(crf), "g": gop, "bf": "0", "rc-lookahead": "4"}
    bits = {"b": "12M", "maxrate": "20M", "g": gop, "bf": "0"}
    if encoder == "h264_nvenc":
        return {**bits, "preset": "p4", "rc": "vbr", "cq": str(crf)}
    return bits


class MovieFile:
    """A video of constant rate with sound, being written. One thread uses it.

    ``size`` (width, height) in pixels, even; ``sound`` whether it has a stereo track of ``SOUND_RATE``. Raises
    FileError where it cannot be begun, OSError (a full disk) while it is written.
    """

    def __init__(
        self, path: Path, *, size: tuple[int, int], fps: Fraction, sound: bool, encoder: str = SOFTWARE,
        threads: int = 1, crf: int = 20, recipe: dict[str, Any] | None = None,
    ) -> None:
        import av
        from av.video.reformatter import VideoReformatter

        self.path, self.fps, self.size = path, fps, size
        self.frames, self.samples = 0, _AAC_DELAY
        self._skip = _AAC_DELAY
        flags = "frag_keyframe+empty_moov+default_base_moof+use_metadata_tags"
        options = {"movflags": flags, "frag_duration": str(round(FRAGMENT_SECONDS * 1e6)), "flush_packets": "1"}
        try:
            self._container: Any = av.open(str(path), "w", format="mp4", options=options)
        except OSError as error:
            raise explain(error, path, writing=True) from None
        if recipe is not None:
            self._container.metadata[KEY] = pack(recipe)
        stream: Any = self._container.add_stream(encoder, rate=fps, options=encoder_options(encoder, fps, threads, crf))
        stream.width, stream.height, stream.pix_fmt = size[0], size[1], "yuv420p"
        context = stream.codec_context
        stream.time_base = context.time_base = 1 / fps
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED
        context.thread_count = threads
        self._video, self._reformatter = stream, VideoReformatter()
        self._sound: Any = None
        if sound:
            self._sound = self._container.add_stream("aac", rate=SOUND_RATE, options={"b": str(_SOUND_BITS)})
            self._sound.codec_context.layout = "stereo"
        self._last: Any = None
        self._waiting: NDArray[np.float32] = np.zeros((0, 2), np.float32)

    def add(self, picture: Frame | None) -> None:
        """The next picture, uint8 ``(height, width, 3)``; None is the one before once more."""
        if picture is not None or self._last is None:
            self._last = self._convert(picture if picture is not None else self._black())
        frame = self._last
        frame.pts, frame.time_base = self.frames, 1 / self.fps
        self._mux(self._video.encode(frame))
        self.frames += 1

    def add_sound(self, samples: NDArray[np.float32]) -> None:
        """The next samples, float32 ``(count, 2)`` of -1..1; ignored without a sound track."""
        if self._sound is None:
            return
        skipped, self._skip = min(self._skip, len(samples)), max(0, self._skip - len(samples))
        self._waiting = np.concatenate([self._waiting, samples[skipped:]])
        while len(self._waiting) >= _AAC_BLOCK:
            block, self._waiting = self._waiting[:_AAC_BLOCK], self._waiting[_AAC_BLOCK:]
            self._encode_sound(block)

    def close(self) -> None:
        """Write what still waits; the file can be played without this, but ends up to a second earlier."""
        container, self._container = self._container, None
        if container is None:
            return
        try:
            if self.frames:
                self._flush(container)
        finally:
            container.close()

    def abort(self) -> None:
        """Let go of the file as it is, when it takes no more."""
        container, self._container = self._container, None
        if container is not None:
            with contextlib.suppress(Exception):  # the trailer cannot be written to a full disk either
                container.close()

    def _flush(self, container: Any) -> None:
        container.mux(self._video.encode(None))
        if self._sound is not None:
            if len(self._waiting):
                rest = np.zeros((_AAC_BLOCK, 2), np.float32)
                rest[: len(self._waiting)] = self._waiting
                self._encode_sound(rest, container)
            container.mux(self._sound.encode(None))

    def _encode_sound(self, block: NDArray[np.float32], container: Any = None) -> None:
        import av

        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, self.samples, Fraction(1, SOUND_RATE)
        self.samples += _AAC_BLOCK
        self._mux(self._sound.encode(frame), container)

    def _mux(self, packets: Any, container: Any = None) -> None:
        for packet in packets:
            (container or self._container).mux(packet)

    def _black(self) -> Frame:
        return np.zeros((self.size[1], self.size[0], 3), np.uint8)

    def _convert(self, picture: Frame) -> Any:
        import av
        from av.video.reformatter import ColorRange, Colorspace, Interpolation

        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        made = self._reformatter.reformat(
            frame, format="yuv420p", dst_colorspace=Colorspace.ITU709, src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG, threads=1, interpolation=Interpolation.FAST_BILINEAR,
        )
        made.color_primaries = made.color_trc = _BT709
        return made


# --- afterwards -----------------------------------------------------------------------------------------------------


def finish(
    part: Path, final: Path, *, recipe: dict[str, Any] | None = None, room: int | None = None,
    check: Callable[[float], None] = lambda share: None,
) -> dict[str, Any]:
    """Make a plain MP4 of a recording, whole or cut off, and remove ``part``. Returns a report (frames, seconds, bytes,
    ``cut`` where its end was torn).

    ``room`` is how many bytes the disk has left: where a copy does not fit, the file is kept as it was recorded, which
    plays as well. ``check(share)`` hears of the progress and may raise to stop: nothing is lost then. Raises FileError.
    """
    size = _size(part)
    if room is not None and room < size:
        report = _look(part)
        try:
            part.replace(final)
        except OSError as error:
            raise explain(error, final, writing=True) from None
        return {**report, "bytes": size, "plain": False}
    with atomic_write(final) as temporary:
        report = _copy(part, temporary, recipe, check)
    with contextlib.suppress(OSError):
        part.unlink()
    return {**report, "bytes": _size(final), "plain": True}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise explain(error, path) from None


def _opened(path: Path) -> Any:
    import av

    try:
        return av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        raise FileError(
            f"cannot read the recording {short_path(path)}: nothing in it can be played "
            f"({' '.join(str(error).split())[:60]}); remove it"
        ) from None


def _look(path: Path) -> dict[str, Any]:
    """Frames and seconds of a recording, without decoding it."""
    import av

    frames, end, cut = 0, 0.0, False
    with _opened(path) as container:
        try:
            for packet in container.demux(container.streams.video[0]):
                if packet.dts is not None and not packet.is_corrupt:
                    frames, end = frames + 1, float((packet.pts + (packet.duration or 0)) * packet.time_base)
        except (av.FFmpegError, OSError):
            cut = True
    return {"frames": frames, "seconds": end, "cut": cut}


def _copy(
    part: Path, temporary: Path, recipe: dict[str, Any] | None, check: Callable[[float], None],
) -> dict[str, Any]:
    import av

    frames, end, cut = 0, 0.0, False
    total = max(1, _size(part))
    with _opened(part) as source, av.open(
        str(temporary), "w", format="mp4", options={"movflags": "+faststart+use_metadata_tags"}
    ) as target:
        known = source.metadata.get(KEY)
        if recipe is not None or known:
            target.metadata[KEY] = pack(recipe) if recipe is not None else known
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams
                   if stream.type in ("video", "audio")}
        try:
            for packet in source.demux():
                if packet.dts is None or packet.stream.index not in streams:
                    continue
                if packet.is_corrupt:  # the file ends within it
                    cut = True
                    continue
                if packet.stream.type == "video":
                    frames += 1
                    end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                    if frames % 64 == 0:
                        check(min(1.0, (packet.pos or 0) / total))
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
        except av.FFmpegError as error:
            if isinstance(error, OSError) and error.errno in (27, 28):  # the disk of the copy, not the torn source
                raise OSError(error.errno, os.strerror(error.errno), str(temporary)) from None
            cut = True
    if not frames:
        raise FileError(f"the recording {short_path(part)} has no picture yet; remove it")
    return {"frames": frames, "seconds": end, "cut": cut}
