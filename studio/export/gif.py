"""Animated GIF: palettes made for it, dithering that stands still, and only what changed is stored.

Pillow's C code does the inner loops (nearest colour, LZW); the container around them is written here, because that is
where size, timing and memory are decided. Format: CompuServe GIF89a.
"""

from __future__ import annotations

import contextlib
import io
import struct
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.export.palette import Dither, Mapper, Palette, grain, make_palette, pack, spacing, squared_error, thin
from studio.export.recipe import marked
from studio.export.writers import Writer
from studio.files import FileError, short_path
from studio.media import Frame
from studio.params import Choice, Float, Int

_MEMORY = 192 * 1024 * 1024
"""Bytes of frames held back while it is not yet decided how the palette is made."""
_GLOBAL_LOSS = 0.75
"""Decibels that one palette for all frames may cost before each frame gets its own."""
_REUSE = 1.08
"""A frame's palette serves the next frame while the squared error grows by no more than this factor."""
_SHORTEST = 2
"""Hundredths of a second: browsers slow down anything shorter to a tenth of a second."""

Indices = NDArray[np.uint8]


class GifWriter(Writer):
    """GIF: plays everywhere, 256 colours a frame."""

    palette = Choice("auto", ("auto", "global", "frame"), help="One palette for all frames, or one each")
    dither = Choice(
        "blue", ("none", "ordered", "blue", "floyd"),
        help="none: flat areas; ordered, blue: a fixed pattern; floyd: finest gradients, but it shimmers and is large",
    )
    strength = Float(0.8, 0.0, 2.0, help="Strength of ordered and blue; noisy pictures get less by themselves")
    colours = Int(256, 2, 256, help="Most colours of a frame; fewer make a smaller file")
    loop = Int(0, 0, 65_535, help="How often it plays; 0 is for ever")
    tolerance = Int(
        0, 0, 64, unit="levels", help="Pixels that changed by no more than this are kept: smaller files"
    )

    def _begin(self) -> None:
        self._file = self._temporary.open("wb")
        # unnamed, on the disk that the result goes to; only an explicit global palette ever reaches the disk
        self._spool = tempfile.SpooledTemporaryFile(max_size=_MEMORY, dir=str(self._temporary.parent))  # noqa: SIM115
        self._held = 0
        self._screen: _Screen | None = None

    def _add(self, media: Frame) -> None:
        if self._screen is not None:
            self._screen.show(media)
            return
        self._spool.write(media.tobytes())
        self._held += 1
        if self.palette == "frame" or (self.palette == "auto" and self._held * media.nbytes > _MEMORY):
            self._start(None)

    def _start(self, fixed: Mapper | None) -> None:
        """Write the header and all frames held back; from here on frames go straight through."""
        assert self.size is not None
        self._screen = _Screen(self, self._file, fixed)
        for frame in self._frames():
            self._screen.show(frame)
        self._spool.close()

    def _frames(self, step: int = 1) -> Iterator[Frame]:
        assert self.size is not None
        width, height = self.size
        length = width * height * 3
        for index in range(0, self._held, step):
            self._spool.seek(index * length)
            yield np.frombuffer(self._spool.read(length), np.uint8).reshape(height, width, 3)

    def _finish(self) -> None:
        if self._screen is None:
            self._start(self._global())
        assert self._screen is not None
        self._screen.end()
        self._file.close()
        error = self._screen.error / max(1, self._screen.shown)
        self.report.update(
            frames=self._screen.shown, size=self.size, seconds=self._screen.ticks / 100,
            palette="frame" if self._screen.fixed is None else "global", palettes=self._screen.palettes,
            psnr=round(float(10 * np.log10(255**2 / error)), 2) if error else None,
        )
        if self._screen.shown < self.count:
            self.notices.append(
                f"{self.count - self._screen.shown} of {self.count} frames were left out: browsers show a GIF at "
                "no more than 50 frames a second"
            )

    def _global(self) -> Mapper | None:
        """One palette for all frames, or None when (in auto) it would serve them clearly worse than one each."""
        assert self.size is not None
        few = max(1, -(-self._held // 64))
        side = max(1, round((self.size[0] * self.size[1] * -(-self._held // few) / 400_000) ** 0.5))
        sample = np.concatenate([frame[::side, ::side] for frame in self._frames(few)], axis=0)
        # a thin picture lets the regular sampling of make_palette miss frames: lay the pixels out as a square
        flat = sample.reshape(-1, 3)
        across = max(1, int(len(flat) ** 0.5))
        order = np.random.default_rng(0).permutation(len(flat))[: across * (len(flat) // across)]
        common = make_palette(flat[order].reshape(-1, across, 3), self._colours(), rounds=6)
        if self.palette == "global" or self._held == 1:
            return common
        ratios = []
        for frame in self._frames(max(1, -(-self._held // 5))):
            small = thin(frame, 70_000)
            own = make_palette(small, self._colours())
            ratios.append((common.error(small) + 0.1) / (own.error(small) + 0.1))
        loss = 10 * np.log10(np.mean(ratios))
        return common if loss <= _GLOBAL_LOSS else None

    def _colours(self) -> int:
        """One index is kept for 'as before'."""
        return min(self.colours, 255)

    def _abort(self) -> None:
        with contextlib.suppress(OSError, AttributeError):
            self._file.close()
        with contextlib.suppress(OSError, AttributeError):
            self._spool.close()


class _Screen:
    """What a viewer sees while the frames are written: decides palette, dithering, what to store and for how long."""

    def __init__(self, writer: GifWriter, file: Any, fixed: Mapper | None) -> None:
        assert writer.size is not None
        self.width, self.height = writer.size
        self.writer, self.file, self.fixed = writer, file, fixed
        self.mapper = fixed
        self.built = np.inf
        self.palettes = 0 if fixed is None else 1
        self.spacing = spacing(fixed.palette) if fixed is not None else 0.0
        self.amplitude = 0.0
        self.dither = None
        if writer.dither in ("blue", "ordered") and writer.strength > 0:
            self.dither = Dither(writer.dither, self.height, self.width)
        self.seen: NDArray[np.uint32] | None = None
        self.source: NDArray[np.uint32] | None = None
        self.drawn: NDArray[np.int16] | None = None
        self.index = self.shown = self.ticks = 0
        self.error = 0.0
        self.waiting: tuple[bytes, bytes] | None = None
        self._header()

    def _header(self) -> None:
        palette = None if self.fixed is None else self.fixed.palette
        flags = 0x70 | (0x80 | _bits(palette) - 1 if palette is not None else 0)
        self.file.write(b"GIF89a" + struct.pack("<HHBBB", self.width, self.height, flags, 0, 0))
        if palette is not None:
            self.file.write(_table(palette))
        loop = self.writer.loop
        if loop != 1:
            self.file.write(b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", max(0, loop - 1)) + b"\0")
        if self.writer.recipe is not None:
            text = marked(self.writer.recipe)
            blocks = (text[i : i + 255] for i in range(0, len(text), 255))
            self.file.write(b"!\xfe" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0")

    def show(self, frame: Frame) -> None:
        """The next frame; left out when no time is left for it (more than 50 frames a second)."""
        starts = self._starts(self.index)
        self.index += 1
        if self.waiting is not None:
            if starts == self.ticks:
                return
            self._flush(starts)
        self.waiting = self._draw(frame)
        self.shown += 1

    def _starts(self, index: int) -> int:
        """Hundredths of a second at which a frame begins: rounded on the whole, not one by one."""
        if self.writer.fps * _SHORTEST > 100:
            return _SHORTEST * int(100 * index / (_SHORTEST * self.writer.fps))
        return round(100 * index / self.writer.fps)

    def end(self) -> None:
        self._flush(max(self.ticks + _SHORTEST, round(100 * self.index / self.writer.fps)))
        self.file.write(b";")

    def _flush(self, until: int) -> None:
        """Write the frame that waits, now that it is known how long it is shown."""
        assert self.waiting is not None
        flags, picture = self.waiting
        delay = min(65_535, until - self.ticks)
        self.ticks = until
        self.file.write(b"!\xf9\x04" + flags[:1] + struct.pack("<H", delay) + flags[1:] + b"\0" + picture)

    def _draw(self, frame: Frame) -> tuple[bytes, bytes]:
        """Graphic-control flags with the transparent index, and the image block."""
        palette, chosen = self._choose(frame)
        packed = pack(palette)
        colours: NDArray[np.uint32] = packed[chosen]
        source = pack(frame)
        same = None
        if self.seen is not None and self.source is not None:
            # what is there already: the very colour, or the colour drawn for a source pixel that has not changed
            same = (colours == self.seen) | (source == self.source)
            if self.writer.tolerance and self.drawn is not None:
                same |= (np.abs(self.drawn - frame) <= self.writer.tolerance).all(axis=2)
        table = b"" if self.fixed is not None else _table(palette)
        best = (b"\x04\0", self._image(0, 0, chosen, table, _bits(palette)))
        if same is not None and np.count_nonzero(same) > 0.02 * same.size:
            best = min(best, self._sparse(chosen, same, palette, table), key=lambda made: len(made[1]))
        if self.seen is None or best[0][0] & 1 == 0:
            self.seen, self.source = colours, source
            self.drawn = frame.astype(np.int16) if self.writer.tolerance else None
        else:
            assert same is not None and self.source is not None
            self.seen = np.where(same, self.seen, colours)
            self.source = np.where(same, self.source, source)
            if self.drawn is not None:
                self.drawn = np.where(same[..., None], self.drawn, frame)
        return best

    def _sparse(self, chosen: Indices, same: NDArray[np.bool_], palette: Palette, table: bytes) -> tuple[bytes, bytes]:
        """The smallest rectangle that changed; pixels in it that did not are transparent."""
        bits = _bits(palette)
        clear = len(palette)
        if clear >= 1 << bits:  # only when all 2, 4, ... 128 entries are used
            bits += 1
            table = _table(palette, bits)
        changed = ~same
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        top, left = (int(rows[0]), int(columns[0])) if len(rows) else (0, 0)
        bottom, right = (int(rows[-1]) + 1, int(columns[-1]) + 1) if len(rows) else (1, 1)
        part = np.where(same, np.uint8(clear), chosen)[top:bottom, left:right]
        return bytes([0x05, clear]), self._image(left, top, np.ascontiguousarray(part), table, bits)

    def _choose(self, frame: Frame) -> tuple[Palette, Indices]:
        """The palette for this frame and its indices."""
        if self.fixed is None or self.mapper is None:
            small = thin(frame, 70_000)
            error = np.inf if self.mapper is None else self.mapper.error(small)
            if self.mapper is None or error > self.built * _REUSE + 0.05:
                self.mapper = make_palette(frame, self.writer._colours())
                self.built = self.mapper.error(small)
                self.spacing = spacing(self.mapper.palette)
                self.palettes += 1
        palette, moved = self.mapper.palette, frame
        if self.dither is not None and not self.mapper.exact:
            moved = self.dither.apply(frame, self._strength(frame))
        chosen = self.mapper(moved, diffuse=self.writer.dither == "floyd")
        self.error += squared_error(frame, palette, chosen)
        return palette, chosen

    def _strength(self, frame: Frame) -> float:
        """Levels of dithering for a frame. Noise dithers by itself: what is added fills up to the same variance.

        Small changes from frame to frame are not followed, so that what stands still stays the same.
        """
        wanted = self.spacing * self.writer.strength
        wanted = max(0.0, wanted * wanted - 12.0 * grain(frame) ** 2) ** 0.5
        if abs(wanted - self.amplitude) > 0.2 * max(wanted, self.amplitude, 4.0):
            self.amplitude = wanted
        return self.amplitude

    def _image(self, left: int, top: int, chosen: Indices, table: bytes, bits: int) -> bytes:
        """Image descriptor, local palette, LZW data."""
        height, width = chosen.shape
        flags = 0x80 | (len(table) // 3).bit_length() - 2 if table else 0
        return b"," + struct.pack("<HHHHB", left, top, width, height, flags) + table + _lzw(chosen)


def _bits(palette: Palette | None) -> int:
    """Bits of an index into a palette (1..8)."""
    return max(1, (len(palette) - 1).bit_length()) if palette is not None else 8


def _table(palette: Palette, bits: int | None = None) -> bytes:
    """Colour table of a power of two entries."""
    return palette.tobytes() + bytes(3 * ((1 << (bits or _bits(palette))) - len(palette)))


def _lzw(chosen: Indices) -> bytes:
    """Indices -> LZW code size and sub-blocks, taken out of a one-frame GIF that Pillow wrote."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(chosen).save(out, "GIF", optimize=False, interlace=False)
    data = out.getbuffer()
    position = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    while data[position] == 0x21:
        position += 2
        while data[position]:
            position += data[position] + 1
        position += 1
    if data[position] != 0x2C:
        raise FileError(f"cannot write {short_path('a GIF')}: the picture library gave an unknown structure")
    flags = data[position + 9]
    position += 10 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    return bytes(data[position:-1])
