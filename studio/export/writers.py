"""The writer protocol and the choice of a writer by a path's ending.

A writer is a context manager. ``add`` takes media as it comes; memory stays bounded. Nothing stands under the final
name until the block has ended well; an exception, a cancellation or a full disk leaves what was there before.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from studio.files import FileError, atomic_write, explain, short_path
from studio.media import Audio, Drawing, Frame, Notes, to_frame
from studio.params import Param, ParamError, ParamSet

_WRITERS: dict[str, str] = {
    ".png": "still:PngWriter", ".jpg": "still:JpegWriter", ".jpeg": "still:JpegWriter",
    ".svg": "svg:SvgWriter", ".webp": "webp:WebpWriter", ".gif": "gif:GifWriter",
    ".mp4": "video:Mp4Writer", ".m4v": "video:Mp4Writer", ".webm": "video:WebmWriter", ".mov": "video:MovWriter",
    ".txt": "text:TextWriter", ".srt": "captions:SrtWriter", ".vtt": "captions:VttWriter",
    ".mid": "midi:MidiWriter", ".midi": "midi:MidiWriter", ".wav": "audio:WavWriter",
}
_SEQUENCE = "still:SequenceWriter"
_KINDS: dict[str, tuple[str, ...]] = {
    "still": ("image",), "svg": ("image",), "webp": ("image",), "gif": ("image",), "video": ("image",),
    "text": ("text",), "captions": ("text",),
    "midi": ("notes",), "audio": ("audio", "notes"),
}
_PATTERN = re.compile(r"%0?(\d*)d")
_NTSC = {Fraction(24000, 1001), Fraction(30000, 1001), Fraction(48000, 1001), Fraction(60000, 1001),
         Fraction(120000, 1001)}


class Writer:
    """Base of all writers. A subclass declares its options as parameters and fills ``_begin``, ``_add``, ``_finish``.

    After the block ``report`` holds figures about the file (``bytes`` always; frames, seconds, palette and so on) and
    ``notices`` sentences about what was changed on the way (an option clamped, a frame padded).
    """

    kind: ClassVar[str] = "image"
    """The media kind it is made for; ``takes`` lists all that it accepts."""
    takes: ClassVar[tuple[str, ...]] = ("image",)
    carries_sound: ClassVar[bool] = False
    """Whether pictures can have a sound beside them: see ``with_sound``."""
    draws: ClassVar[bool] = False
    """Whether it writes strokes of a pen, not pixels: then it has to be given them with ``draw``."""
    largest: ClassVar[int] = 65_535
    """Longest side of a picture (pixels) that the format holds."""

    def __init__(
        self, path: Path, *, fps: Fraction, bpm: float, recipe: dict[str, Any] | None, options: Mapping[str, Any]
    ) -> None:
        self.path, self.fps, self.bpm = path, fps, bpm
        self.notices: list[str] = []
        self.report: dict[str, Any] = {}
        values = ParamSet(self.options())
        for name, value in options.items():
            try:
                note = values.set(name, value)
            except ParamError as error:
                message = str(error).replace("parameter", "option")
                raise FileError(f"cannot write {short_path(path)}: {message}") from None
            if note:
                self.notices.append(f"option {note}")
        self._values = values.take()
        self.recipe = None if recipe is None else {**recipe, "options": values.dump()}
        self.size: tuple[int, int] | None = None
        self.count = 0
        self._stack = contextlib.ExitStack()
        self._temporary = path

    @classmethod
    def options(cls) -> dict[str, Param[Any]]:
        """The options of this writer by name, as parameters with range, unit and help."""
        found: dict[str, Param[Any]] = {}
        for base in reversed(cls.__mro__):
            found.update({name: value for name, value in vars(base).items() if isinstance(value, Param)})
        return found

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._temporary = self._open(stack)
            try:
                self._begin()
            except BaseException:
                self._abort()
                raise
            self._stack = stack.pop_all()
        return self

    def add(self, media: Any) -> None:
        """Take the next frame, block of notes, piece of text or sound. Raises FileError, MediaError."""
        if self._media_kind(media) not in self.takes:
            raise self._fault(
                f"{self.path.suffix or 'this'} files hold {' or '.join(self.takes)}, "
                f"this is {self._media_kind(media)}; choose another ending"
            )
        self._add(self._frame(media) if self._media_kind(media) == "image" else media)
        self.count += 1

    def with_sound(self, rate: int) -> None:
        """A sound at ``rate`` Hz will come along; said before the first picture, where ``carries_sound``."""
        raise TypeError(f"{type(self).__name__} carries no sound")

    def add_sound(self, samples: NDArray[np.float32]) -> None:
        """The next samples ``(frames, 2)``, -1..1, of the sound that belongs to the pictures so far."""
        raise TypeError(f"{type(self).__name__} carries no sound")

    def draw(self, drawing: Drawing) -> None:
        """What the pen has drawn in the end; said after the last picture, where ``draws``."""
        raise TypeError(f"{type(self).__name__} writes no strokes")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if error is not None:
            self._abort()
            return self._stack.__exit__(kind, error, trace)
        with self._stack:
            try:
                if not self.count:
                    raise self._fault("nothing was made, so there is nothing to write")
                self._finish()
            except BaseException:
                self._abort()
                raise
        with contextlib.suppress(OSError):
            self.report.setdefault("bytes", self.path.stat().st_size)
        return None

    def _open(self, stack: contextlib.ExitStack) -> Path:
        """Where to write until all is done."""
        return stack.enter_context(atomic_write(self.path))

    def _begin(self) -> None:
        """Open what is needed."""

    def _add(self, media: Any) -> None:
        """Take one piece of checked media."""
        raise TypeError(f"{type(self).__name__} takes no media")

    def _finish(self) -> None:
        """Write what is left and close."""

    def _abort(self) -> None:
        """Close what is open; the file is thrown away."""

    def _fault(self, reason: str) -> FileError:
        return FileError(f"cannot write {short_path(self.path)}: {reason}")

    @staticmethod
    def _media_kind(media: Any) -> str:
        if isinstance(media, str):
            return "text"
        if isinstance(media, Notes):
            return "notes"
        return "audio" if isinstance(media, Audio) else "image"

    def _frame(self, media: Any) -> Frame:
        frame = to_frame(media)
        size = (frame.shape[1], frame.shape[0])
        if self.size is None:
            if max(size) > self.largest:
                raise self._fault(
                    f"the format holds pictures up to {self.largest} pixels wide and "
                    f"high, this one is {size[0]}x{size[1]}; make it smaller or choose another ending"
                )
            self.size = size
        elif size != self.size:
            raise self._fault(
                f"frame {self.count} is {size[0]}x{size[1]} where "
                f"{self.size[0]}x{self.size[1]} came before; keep the size while it is written"
            )
        return frame


def open_writer(
    path: Path | str, *, fps: float | Fraction = 30.0, bpm: float = 120.0, recipe: dict[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Writer:
    """The writer for ``path``, chosen by its ending; use it in a ``with`` block.

    ``out/%05d.png`` and a path that ends in ``/`` write a sequence of pictures. ``fps`` is frames per second, ``bpm``
    beats per minute, ``recipe`` is embedded in the file, ``options`` are the writer's own (see ``writer_options``).
    Raises FileError for an unknown ending or option.
    """
    target, spec = _choose(path)
    if not (isinstance(bpm, (int, float)) and math.isfinite(bpm) and 1 <= bpm <= 1000):
        raise FileError(f"cannot write {short_path(target)}: a tempo of {bpm} is not between 1 and 1000 beats a minute")
    if recipe is not None:
        from studio.export.recipe import check_recipe

        check_recipe(recipe, where="the recipe to embed")
    writer = _load(spec)(
        target, fps=exact_fps(fps), bpm=float(bpm), recipe=recipe, options=dict(options or {})
    )
    _check_folder(writer)
    return writer


def writer_options(path: Path | str) -> dict[str, Param[Any]]:
    """The options of the writer that ``path`` chooses, by name. Raises FileError for an unknown ending."""
    return _load(_choose(path)[1]).options()


def media_kind(path: Path | str) -> str:
    """The media kind a file of this name is made for: image, text, notes or audio. Raises FileError."""
    return accepted_kinds(path)[0]


def accepted_kinds(path: Path | str) -> tuple[str, ...]:
    """All media kinds the writer of ``path`` takes (a WAV takes notes too, and plays them). Raises FileError."""
    return _KINDS[_choose(path)[1].split(":")[0]]


def endings() -> tuple[str, ...]:
    """All endings there is a writer for."""
    return tuple(_WRITERS)


def exact_fps(fps: float | Fraction) -> Fraction:
    """Frames per second as an exact fraction: 29.97 is 30000/1001. Raises FileError outside 0.01..1000."""
    try:
        exact = Fraction(fps)
    except (TypeError, ValueError, OverflowError):
        raise FileError(f"{fps!r} is not a number of frames per second") from None
    if not Fraction(1, 100) <= exact <= 1000:
        raise FileError(f"{float(exact):g} frames per second is not between 0.01 and 1000")
    for ntsc in _NTSC:
        if abs(exact - ntsc) < Fraction(6, 1000) and exact.denominator != 1:
            return ntsc
    return exact.limit_denominator(1001)


def _choose(path: Path | str) -> tuple[Path, str]:
    text = os.fspath(path)
    target = Path(text).expanduser()
    if text.endswith(("/", os.sep)) or target.is_dir():
        return target / "%05d.png", _SEQUENCE
    ending = target.suffix.lower()
    if ending not in _WRITERS:
        what = f"the ending {ending}" if ending else "a name without an ending"
        raise FileError(f"cannot write {short_path(text)}: {what} is not one of {', '.join(_WRITERS)}; choose another")
    if _PATTERN.search(target.name):
        if ending in (".png", ".jpg", ".jpeg", ".webp"):
            return target, _SEQUENCE
        raise FileError(f"cannot write {short_path(text)}: only PNG, JPEG and WebP are written as a sequence")
    return target, _WRITERS[ending]


def _load(spec: str) -> type[Writer]:
    module, name = spec.split(":")
    found: type[Writer] = getattr(importlib.import_module(f"studio.export.{module}"), name)
    return found


def _check_folder(writer: Writer) -> None:
    """Say now, not after an hour of rendering, that the folder cannot be written to."""
    folder = writer.path.parent
    if writer.__class__.__name__ == "SequenceWriter":
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
    try:
        if not folder.is_dir():
            raise explain(FileNotFoundError(2, "no such folder", str(folder)), writer.path, writing=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise explain(PermissionError(13, "denied", str(folder)), writer.path, writing=True)
    except (OSError, ValueError) as error:
        raise (error if isinstance(error, FileError) else explain(error, writer.path, writing=True)) from None
