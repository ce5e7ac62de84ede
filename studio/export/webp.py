"""WebP: a still when one frame came, an animation when more did. Frames are compressed as they come.

An animation is a RIFF file of ``ANMF`` chunks, each a still WebP of the part of the picture that changed (RFC 9649).
"""

from __future__ import annotations

import contextlib
import struct

import numpy as np

from studio.export.recipe import xmp_packet
from studio.export.still import webp_bytes
from studio.export.writers import Writer
from studio.media import Frame
from studio.params import Choice, Int

_ANIMATION, _XMP = 0x02, 0x04
_LONGEST = 0xFFFFFF


class WebpWriter(Writer):
    """WebP: smaller than JPEG and GIF, in all browsers; animated when there is more than one frame."""

    largest = 16_383
    quality = Int(88, 1, 100, help="Quality")
    encoding = Choice("auto", ("auto", "lossless"), help="Lossless instead of by quality")
    loop = Int(0, 0, 65_535, help="How often an animation plays; 0 is for ever")
    frames = Choice("all", ("all", "last"), help="All frames as an animation, or the last one as a still picture")

    def _begin(self) -> None:
        self._file = self._temporary.open("wb")
        self._shown: Frame | None = None
        self._pending: Frame | None = None
        self._ticks = 0

    def _add(self, media: Frame) -> None:
        if self.frames == "last":
            self._pending = media
            return
        if self.count == 1:
            self._header()
        if self._pending is not None:
            self._write(self._pending, self.count)
        self._pending = media

    def _header(self) -> None:
        """Everything before the frames; the length of the file is filled in at the end."""
        assert self.size is not None
        flags = _ANIMATION | (_XMP if self.recipe is not None else 0)
        canvas = _u24(self.size[0] - 1) + _u24(self.size[1] - 1)
        self._file.write(b"RIFF\0\0\0\0WEBP" + _chunk(b"VP8X", bytes([flags, 0, 0, 0]) + canvas))
        self._file.write(_chunk(b"ANIM", b"\0\0\0\xff" + struct.pack("<H", self.loop)))

    def _write(self, frame: Frame, following: int) -> None:
        """One frame, shown until frame number ``following`` begins (times are rounded on the whole, not one by one)."""
        ends = round(1000 * following / self.fps)
        duration, self._ticks = ends - self._ticks, ends
        left, top, part = self._changed(frame)
        body = webp_bytes(part, None, self.quality, self.encoding == "lossless")
        position = _u24(left // 2) + _u24(top // 2) + _u24(part.shape[1] - 1) + _u24(part.shape[0] - 1)
        no_blend = 0x02
        head = position + _u24(min(duration, _LONGEST)) + bytes([no_blend])
        self._file.write(_chunk(b"ANMF", head + _bitstream(body)))
        if self._file.tell() > 2**32 - 2**24:
            raise self._fault("a WebP holds at most 4 GB; make it shorter")
        self._shown = frame

    def _changed(self, frame: Frame) -> tuple[int, int, Frame]:
        """Left, top (even) and pixels of the smallest rectangle that differs from the frame before."""
        if self._shown is None:
            return 0, 0, frame
        differs = (frame != self._shown).any(axis=2)
        rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
        if not len(rows):
            return 0, 0, np.ascontiguousarray(frame[:1, :1])
        top, left = int(rows[0]) & ~1, int(columns[0]) & ~1
        return left, top, np.ascontiguousarray(frame[top : rows[-1] + 1, left : columns[-1] + 1])

    def _finish(self) -> None:
        assert self._pending is not None
        if self.frames == "last" or self.count == 1:
            self._file.write(webp_bytes(self._pending, self.recipe, self.quality, self.encoding == "lossless"))
        else:
            self._write(self._pending, self.count)
            if self.recipe is not None:
                self._file.write(_chunk(b"XMP ", xmp_packet(self.recipe)))
            length = self._file.tell()
            self._file.seek(4)
            self._file.write(struct.pack("<I", length - 8))
        self._file.close()
        self.report.update(frames=self.count, size=self.size, seconds=self._ticks / 1000)

    def _abort(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()


def _u24(value: int) -> bytes:
    return value.to_bytes(3, "little")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _bitstream(data: bytes) -> bytes:
    """The picture chunks (VP8, VP8L, ALPH) of a still WebP."""
    found, position = b"", 12
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        end = position + 8 + length + length % 2
        if kind in (b"VP8 ", b"VP8L", b"ALPH"):
            found += data[position:end]
        position = end
    return found
