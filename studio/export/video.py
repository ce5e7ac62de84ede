"""Video through PyAV: H.264 in MP4, VP9 or AV1 in WebM, ProRes 422 HQ in MOV. Exact timing, colours tagged BT.709."""

from __future__ import annotations

import contextlib
import importlib
import os
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from studio.export.recipe import KEY, pack
from studio.export.writers import Writer
from studio.media import Frame
from studio.params import Choice, Int

_BT709, _LIMITED = 1, 1


def _has_avx512() -> bool:
    """Whether this processor has AVX-512, as numpy found out for itself."""
    try:
        features = importlib.import_module("numpy._core._multiarray_umath").__cpu_features__
    except (ImportError, AttributeError):
        return False
    return any(present for name, present in features.items() if name.startswith("AVX512"))


class _VideoWriter(Writer):
    """One video stream; frames are converted to limited-range BT.709, as every player assumes."""

    largest = 16_384
    carries_sound = True
    container: ClassVar[str] = ""
    sound_codec: ClassVar[tuple[str, dict[str, str]]] = ("aac", {"b": "192000"})
    container_options: ClassVar[dict[str, str]] = {}
    even: ClassVar[tuple[int, int]] = (2, 2)
    """Width and height must be multiples of these (chroma is stored at half size)."""

    _container: Any = None
    _stream: Any = None
    _sound: Any = None
    _sound_rate = _sounded = 0

    def with_sound(self, rate: int) -> None:
        self._sound_rate = rate

    def add_sound(self, samples: NDArray[np.float32]) -> None:
        import av

        if self._sound is None or not len(samples):
            return
        planes = np.ascontiguousarray(np.clip(samples, -1.0, 1.0).T, np.float32)
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base = self._sound_rate, Fraction(1, self._sound_rate)
        frame.pts = self._sounded
        self._sounded += len(samples)
        for packet in self._sound.encode(frame):
            self._container.mux(packet)

    def _start_sound(self) -> None:
        import av

        name, options = self.sound_codec
        sound = self._container.add_stream(name, rate=self._sound_rate, options=options)
        sound.codec_context.layout = "stereo"
        sound.codec_context.flags |= av.codec.context.Flags.bitexact
        self._sound = sound

    def _codec(self) -> tuple[str, str, dict[str, str]]:
        """Encoder, pixel format, its options."""
        raise TypeError(f"{type(self).__name__} has no codec")

    def _start(self, frame: Frame) -> None:
        import av
        from av.video.reformatter import VideoReformatter

        height, width = frame.shape[:2]
        across, down = self.even
        self._pad = (-height % down, -width % across)
        if any(self._pad):
            self.notices.append(
                f"the picture was padded from {width}x{height} to {width + self._pad[1]}x{height + self._pad[0]}: "
                "this format needs even sides"
            )
        codec, pixels, options = self._codec()
        # bitexact: no version string, date or random identifier, so that the same frames give the same file
        self._container = av.open(
            str(self._temporary), "w", format=self.container, options={**self.container_options, "fflags": "+bitexact"}
        )
        if self.recipe is not None:
            self._container.metadata[KEY] = pack(self.recipe)
        stream = self._container.add_stream(codec, rate=self.fps, options=options)
        stream.width, stream.height, stream.pix_fmt = width + self._pad[1], height + self._pad[0], pixels
        stream.time_base = 1 / self.fps
        context = stream.codec_context
        context.time_base = 1 / self.fps
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED
        context.flags |= av.codec.context.Flags.bitexact
        context.thread_type = "FRAME"
        self._stream, self._pixels, self._reformatter = stream, pixels, VideoReformatter()
        if self._sound_rate:
            self._start_sound()

    def _add(self, media: Frame) -> None:
        import av
        from av.video.reformatter import ColorRange, Colorspace, Interpolation

        if self._container is None:
            self._start(media)
        if any(self._pad):
            media = np.pad(media, ((0, self._pad[0]), (0, self._pad[1]), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(media), format="rgb24")
        frame = self._reformatter.reformat(
            frame, format=self._pixels, dst_colorspace=Colorspace.ITU709, src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG, threads=1,
            interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP,
        )
        frame.pts, frame.time_base = self.count, 1 / self.fps
        frame.color_primaries, frame.color_trc = _BT709, _BT709
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def _finish(self) -> None:
        for stream in (self._stream, self._sound):
            for packet in stream.encode(None) if stream is not None else ():
                self._container.mux(packet)
        container, self._container = self._container, None
        container.close()
        if self._temporary.stat().st_size == 0:
            raise self._fault("the encoder gave nothing; try another format")
        self.report.update(
            frames=self.count, size=(self._stream.width, self._stream.height), fps=str(self.fps),
            seconds=float(self.count / self.fps),
        )
        if self._sound is not None:
            self.report["sound"] = self.sound_codec[0].removeprefix("lib")

    def _abort(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            with contextlib.suppress(Exception):  # the trailer cannot be written to a full disk either
                container.close()


class Mp4Writer(_VideoWriter):
    """MP4: H.264, 4:2:0, plays everywhere; its index stands in front, for the web."""

    container = "mp4"
    container_options: ClassVar[dict[str, str]] = {"movflags": "+faststart+use_metadata_tags"}
    crf = Int(18, 0, 51, help="Quality: 0 is nearly lossless, 18 looks it, 28 is small")
    speed = Choice(
        "medium", ("ultrafast", "veryfast", "fast", "medium", "slow"), help="Effort: slower makes smaller files"
    )

    def _codec(self) -> tuple[str, str, dict[str, str]]:
        options = {"crf": str(self.crf), "preset": self.speed}
        if _has_avx512():
            # x264's AVX-512 macroblock tree reads past its rows: the same frames gave up to eleven different files
            options["x264-params"] = "asm=avx2"
        return "libx264", "yuv420p", options


class WebmWriter(_VideoWriter):
    """WebM: VP9 or AV1, free formats for the web, about half the size of MP4."""

    container = "webm"
    sound_codec = ("libopus", {"b": "160000"})
    codec = Choice("vp9", ("vp9", "av1"), help="VP9 plays in all browsers, AV1 is smaller still")
    crf = Int(30, 0, 63, help="Quality: 15 looks lossless, 30 good, 45 small")
    speed = Int(4, 0, 8, help="Effort: 0 is slow and small, 8 fast and large")

    def _codec(self) -> tuple[str, str, dict[str, str]]:
        if self.codec == "av1":
            os.environ.setdefault("SVT_LOG", "1")  # errors only: it would print its settings on the terminal
            return "libsvtav1", "yuv420p", {"crf": str(self.crf), "preset": str(min(13, self.speed + 4))}
        return "libvpx-vp9", "yuv420p", {
            "crf": str(self.crf), "b": "0", "deadline": "good", "cpu-used": str(self.speed), "row-mt": "1",
        }


class MovWriter(_VideoWriter):
    """MOV: Apple ProRes 422 HQ, 10 bit, for editing and VJ software; large."""

    container = "mov"
    sound_codec = ("pcm_s16le", {})
    container_options: ClassVar[dict[str, str]] = {"movflags": "+faststart+use_metadata_tags"}
    even = (2, 1)
    profile = Choice("hq", ("proxy", "lt", "standard", "hq"), help="ProRes 422 profile")

    def _codec(self) -> tuple[str, str, dict[str, str]]:
        return "prores_ks", "yuv422p10le", {"profile": self.profile, "vendor": "apl0"}
