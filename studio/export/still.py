"""Single pictures (the last frame that came) and sequences of numbered pictures."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from studio.export.recipe import KEY, jpeg_segments, pack, xmp_packet
from studio.export.writers import Writer
from studio.files import explain, short_path, sync
from studio.media import Frame
from studio.params import Bool, Choice, Int

_PATTERN = re.compile(r"%0?(\d*)d")


def png_bytes(frame: Frame, recipe: dict[str, Any] | None, compress: int = 6) -> bytes:
    """uint8 RGB ``(height, width, 3)`` -> PNG, tagged sRGB, the recipe in an iTXt chunk."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add(b"sRGB", b"\0")
    if recipe is not None:
        info.add_itxt(KEY, pack(recipe))
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "PNG", pnginfo=info, compress_level=compress)
    return out.getvalue()


def jpeg_bytes(frame: Frame, recipe: dict[str, Any] | None, quality: int = 92, full_colour: bool = True) -> bytes:
    """uint8 RGB -> JPEG, the recipe in comment segments after the file header."""
    from PIL import Image

    out = io.BytesIO()
    # baseline: Pillow's buffer for progressive and optimised files is too small for noisy pictures
    Image.fromarray(frame).save(out, "JPEG", quality=quality, subsampling="4:4:4" if full_colour else "4:2:0")
    data = out.getvalue()
    if recipe is None:
        return data
    after = 4 + int.from_bytes(data[4:6], "big") if data[2:4] == b"\xff\xe0" else 2
    return data[:after] + jpeg_segments(recipe) + data[after:]


def webp_bytes(frame: Frame, recipe: dict[str, Any] | None, quality: int = 88, lossless: bool = False) -> bytes:
    """uint8 RGB -> WebP, the recipe in its XMP packet."""
    from PIL import Image

    out = io.BytesIO()
    xmp = {} if recipe is None else {"xmp": xmp_packet(recipe)}
    Image.fromarray(frame).save(out, "WEBP", quality=quality, lossless=lossless, method=4, exact=True, **xmp)
    return out.getvalue()


class _LastFrame(Writer):
    """Keeps only the newest frame: a generator's earlier ones are previews of it."""

    _last: Frame | None = None

    def _add(self, media: Frame) -> None:
        self._last = media

    def _encode(self, frame: Frame) -> bytes:
        raise TypeError(f"{type(self).__name__} has no encoder")

    def _finish(self) -> None:
        assert self._last is not None
        self._temporary.write_bytes(self._encode(self._last))
        self.report.update(frames=self.count, size=self.size)


class PngWriter(_LastFrame):
    """PNG: lossless."""

    compress = Int(6, 0, 9, help="Effort of the lossless compression; the picture is the same")

    def _encode(self, frame: Frame) -> bytes:
        return png_bytes(frame, self.recipe, self.compress)


class JpegWriter(_LastFrame):
    """JPEG: small, for photographs."""

    quality = Int(92, 1, 100, help="Quality; above 95 the file only grows")
    full_colour = Bool(True, help="Keep colour as sharp as brightness (4:4:4)")

    def _encode(self, frame: Frame) -> bytes:
        return jpeg_bytes(frame, self.recipe, self.quality, self.full_colour)


class SequenceWriter(Writer):
    """Numbered pictures ``out/00000.png``…; the ending of the pattern (``out/%05d.jpg``) chooses the format.

    All are written into a hidden folder first and moved to their names when the last one is done.
    """

    first = Int(0, 0, 1_000_000, help="Number of the first picture")
    compress = Int(3, 0, 9, help="PNG: effort of the lossless compression")
    quality = Int(92, 1, 100, help="JPEG and WebP: quality")
    encoding = Choice("auto", ("auto", "lossless"), help="WebP: lossless instead of by quality")

    def _open(self, stack: contextlib.ExitStack) -> Path:
        folder = self.path.parent
        missing = folder
        while not missing.parent.exists() and missing != missing.parent:
            missing = missing.parent
        self._new = None if folder.exists() else missing
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            beside = folder if folder.is_dir() else folder.parent
            hidden = Path(tempfile.mkdtemp(prefix=f".{folder.name or 'frames'}.", suffix=".part", dir=beside))
        except (OSError, ValueError) as error:
            raise explain(error, self.path, writing=True) from error
        stack.callback(self._clear, hidden)
        stack.push(self._explain)
        return hidden

    def _explain(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, OSError) and error.errno is not None:
            raise explain(error, self.path, writing=True) from error

    def _clear(self, hidden: Path) -> None:
        shutil.rmtree(hidden, ignore_errors=True)
        if self._new is not None and not self.report:  # folders that were made for nothing
            for folder in (self.path.parent, *self.path.parent.parents):
                with contextlib.suppress(OSError):
                    folder.rmdir()
                if folder == self._new:
                    break

    def _name(self, index: int) -> str:
        found = _PATTERN.search(self.path.name)
        assert found is not None
        number = str(self.first + index).zfill(int(found[1] or 0))
        return self.path.name[: found.start()] + number + self.path.name[found.end() :]

    def _add(self, media: Frame) -> None:
        recipe = None if self.recipe is None else {**self.recipe, "frame": self.count}
        ending = self.path.suffix.lower()
        if ending == ".png":
            data = png_bytes(media, recipe, self.compress)
        elif ending == ".webp":
            data = webp_bytes(media, recipe, self.quality, self.encoding == "lossless")
        else:
            data = jpeg_bytes(media, recipe, self.quality)
        (self._temporary / self._name(self.count)).write_bytes(data)
        self.report_bytes = getattr(self, "report_bytes", 0) + len(data)

    def _finish(self) -> None:
        folder = self.path.parent
        if folder.exists() and not folder.is_dir():
            raise self._fault(f"{short_path(folder)} is a file; choose another folder")
        folder.mkdir(parents=True, exist_ok=True)
        names = [self._name(index) for index in range(self.count)]
        for name in names:
            sync(self._temporary / name)
        for name in names:
            (self._temporary / name).replace(folder / name)
        older = self._older(folder, set(names))
        if older:
            self.notices.append(
                f"{len(older)} numbered picture(s) of an earlier, longer sequence stay in {short_path(folder)} "
                f"({older[0]}…); delete them if they are not wanted"
            )
        self.report.update(frames=self.count, size=self.size, bytes=self.report_bytes)

    def _older(self, folder: Path, ours: set[str]) -> list[str]:
        found = _PATTERN.search(self.path.name)
        assert found is not None
        before, after = re.escape(self.path.name[: found.start()]), re.escape(self.path.name[found.end() :])
        same = re.compile(rf"{before}\d{{{max(1, int(found[1] or 1))},}}{after}\Z")
        return sorted(entry.name for entry in os.scandir(folder) if same.match(entry.name) and entry.name not in ours)
