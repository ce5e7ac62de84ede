"""What generators make: images, notes, text, sound. Plain values over numpy; no torch import.

Colour convention of the whole studio: sRGB, channel order RGB. Host frames are ``uint8 (height, width, 3)``.
A generator may return an image as ``uint8`` or float 0..1 array ``(height, width, 3)`` (or ``(height, width)`` grey),
or as a torch tensor ``(3, height, width)`` of floats 0..1, which stays on its device along a chain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

MediaKind = Literal["image", "notes", "text", "audio"]
MEDIA_KINDS: tuple[str, ...] = ("image", "notes", "text", "audio")
Frame = NDArray[np.uint8]
MAX_PIXELS = 8192 * 8192
"""Largest picture (pixels) that is read or made."""


class MediaError(ValueError):
    """Media that cannot be used; its message says what is wrong in one sentence."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note. ``pitch`` and ``velocity`` as in MIDI (0..127, 1..127); ``start`` and ``duration`` in beats
    (quarter notes), ``start`` relative to its block; ``channel`` 0..15 (9 is drums)."""

    pitch: int
    velocity: int
    start: float
    duration: float
    channel: int = 0

    def shifted(self, beats: float) -> Note:
        return replace(self, start=self.start + beats)


@dataclass(frozen=True, slots=True)
class Notes:
    """A block of notes ``length`` beats long, to be followed by the next block."""

    notes: tuple[Note, ...]
    length: float

    def until(self, length: float) -> Notes:
        """The first ``length`` beats; a note that would sound longer ends there."""
        if self.length <= length:
            return self
        inside = [note for note in self.notes if note.start < length - 1e-9]
        return Notes(tuple(replace(n, duration=min(n.duration, length - n.start)) for n in inside), length)


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of text that a ``player``, by its name such as ``1``, wrote. A form feed in it begins a new page."""

    text: str
    player: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """One stroke of a pen: float ``points`` ``(n, 2)`` in pixels, y downwards; ``widths`` ``(n,)`` of the line there
    (pixels); ``colour`` such as ``#1c2f66``."""

    points: NDArray[np.float32]
    widths: NDArray[np.float32]
    colour: str = "#000000"


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A picture as strokes, in the order in which they were drawn, on ``paper`` of ``width`` x ``height`` pixels."""

    width: int
    height: int
    strokes: tuple[Stroke, ...]
    paper: str = "#ffffff"


@dataclass(frozen=True, slots=True)
class Audio:
    """Samples float32 ``(frames, channels)`` in -1..1 at ``rate`` Hz."""

    samples: NDArray[np.float32]
    rate: int = 48_000


MAX_NOTES = 100_000
"""Most notes of one block."""
MAX_BEATS = 100_000.0
"""Latest start and longest duration (quarter notes) in one block: about 14 hours at 120 beats per minute."""


def check_notes(value: Any) -> Notes:
    """The block itself when every note can be played and written. Raises MediaError that names the note."""
    if not isinstance(value, Notes):
        raise MediaError(f"a notes generator returned {type(value).__name__}; it must return Notes")
    if not 0.0 <= value.length <= MAX_BEATS:  # also refuses NaN
        raise MediaError(f"a block of notes has a length of {value.length} beats; it must be 0..{MAX_BEATS:g}")
    if len(value.notes) > MAX_NOTES:
        raise MediaError(f"a block holds {len(value.notes)} notes; at most {MAX_NOTES} are taken")
    for place, note in enumerate(value.notes):
        if not isinstance(note, Note):
            raise MediaError(f"note {place} of a block is a {type(note).__name__}, not a Note")
        for name, low, high in (("pitch", 0, 127), ("velocity", 1, 127), ("channel", 0, 15)):
            part = getattr(note, name)
            if not isinstance(part, (int, np.integer)) or not low <= part <= high:
                rule = f"it must be a whole number {low}..{high}"
                raise MediaError(f"note {place} of a block has the {name} {part}; {rule}")
        if not (0.0 <= note.start <= MAX_BEATS and 0.0 < note.duration <= MAX_BEATS):
            raise MediaError(f"note {place} of a block starts at {note.start} and lasts {note.duration} beats")
    return value


def check_audio(value: Any) -> Audio:
    """The sound itself when it can be played and written. Raises MediaError."""
    if not isinstance(value, Audio):
        raise MediaError(f"an audio generator returned {type(value).__name__}; it must return Audio")
    samples = value.samples
    if not isinstance(samples, np.ndarray) or samples.ndim != 2 or samples.dtype != np.float32:
        raise MediaError("sound must be a float32 array of the shape (frames, channels)")
    if not 1 <= samples.shape[1] <= 32 or not 1_000 <= value.rate <= 768_000:
        raise MediaError(f"sound of {samples.shape[1]} channels at {value.rate} Hz cannot be played")
    if not np.isfinite(samples).all():
        raise MediaError("the sound contains NaN or infinity")
    return value


def is_tensor(value: Any) -> bool:
    """Whether ``value`` is a torch tensor, without importing torch."""
    return type(value).__module__.split(".")[0] == "torch" and hasattr(value, "detach")


def to_frame(value: Any) -> Frame:
    """Host frame ``uint8 (height, width, 3)``, contiguous, from whatever an image generator returned.

    Always memory of its own: a generator may go on painting into the array that it returned. Raises MediaError for a
    wrong shape, an empty or too large picture, NaN or infinity.
    """
    if is_tensor(value):
        return _tensor_to_frame(value)
    if not isinstance(value, np.ndarray):
        raise MediaError(f"an image generator returned {type(value).__name__}; it must return an array or a tensor")
    if value.ndim == 3 and value.shape[2] == 1:
        value = value[:, :, 0]
    if value.ndim == 2:
        value = np.repeat(value[:, :, None], 3, axis=2)
    if value.ndim != 3 or value.shape[2] not in (3, 4) or 0 in value.shape:
        hint = "; use transpose(1, 2, 0)" if value.ndim == 3 and value.shape[0] in (1, 3) else ""
        raise MediaError(f"an image must have the shape (height, width, 3), this one has {value.shape}{hint}")
    _check_size(value.shape[1], value.shape[0])
    value = value[:, :, :3]
    if value.dtype == np.uint8:
        return np.array(value, order="C")
    if value.dtype.kind != "f":
        raise MediaError(f"image values must be uint8 or floats 0..1, these are {value.dtype}")
    _check_finite(value.min(), value.max())
    work = np.empty(value.shape, np.float32)
    np.clip(value, 0.0, 1.0, out=work, casting="same_kind")
    work *= 255.0
    work += 0.5
    return work.astype(np.uint8)


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise MediaError(f"an image of {width}x{height} is larger than {MAX_PIXELS} pixels")


def _check_finite(low: Any, high: Any) -> None:
    if not (np.isfinite(float(low)) and np.isfinite(float(high))):
        raise MediaError("the image contains NaN or infinity")


def _image_tensor(value: Any) -> Any:
    """A tensor as ``(3, height, width)``, detached. Raises MediaError."""
    value = value.detach()
    if value.ndim == 4 and value.shape[0] == 1:
        value = value[0]
    if value.ndim != 3 or value.shape[0] not in (1, 3) or 0 in value.shape:
        raise MediaError(f"an image tensor must have the shape (3, height, width), this one has {tuple(value.shape)}")
    _check_size(value.shape[2], value.shape[1])
    return value.expand(3, -1, -1)


def _tensor_to_frame(value: Any) -> Frame:
    """One copy to the host: quantised on the device, so that a quarter of the bytes travel."""
    value = _image_tensor(value)
    if value.is_floating_point():
        _check_finite(*value.aminmax())
        # float32 before quantising: bfloat16 cannot hold 256 levels
        value = (value.float() * 255.0).add_(0.5).clamp_(0.0, 255.0).byte()
    elif str(value.dtype) != "torch.uint8":
        raise MediaError(f"image values must be uint8 or floats 0..1, these are {value.dtype}")
    planes = value.cpu().numpy()
    frame = np.empty((*planes.shape[1:], 3), np.uint8)
    for channel in range(3):  # four times faster than one transposed copy
        frame[:, :, channel] = planes[channel]
    return frame


def to_float(value: Any) -> NDArray[np.float32]:
    """Image as float32 ``(height, width, 3)`` in 0..1 (a copy). Raises MediaError as ``to_frame`` does."""
    if is_tensor(value) and value.is_floating_point():
        value = _image_tensor(value).float().permute(1, 2, 0).cpu().numpy()
    floats = isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 0
    if floats and value.ndim == 3 and value.shape[2] == 3:
        _check_size(value.shape[1], value.shape[0])
        _check_finite(value.min(), value.max())
        return np.array(np.clip(value, 0.0, 1.0), np.float32, order="C")
    return to_frame(value).astype(np.float32) / np.float32(255)
