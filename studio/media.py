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


@dataclass(frozen=True, slots=True)
class Audio:
    """Samples float32 ``(frames, channels)`` in -1..1 at ``rate`` Hz."""

    samples: NDArray[np.float32]
    rate: int = 48_000


def is_tensor(value: Any) -> bool:
    """Whether ``value`` is a torch tensor, without importing torch."""
    return type(value).__module__.split(".")[0] == "torch" and hasattr(value, "detach")


def to_frame(value: Any) -> Frame:
    """Host frame ``uint8 (height, width, 3)``, contiguous, from whatever an image generator returned.

    Raises MediaError for a wrong shape, an empty picture, NaN or infinity.
    """
    if is_tensor(value):
        value = _tensor_to_array(value)
    if not isinstance(value, np.ndarray):
        raise MediaError(f"an image generator returned {type(value).__name__}; it must return an array or a tensor")
    if value.ndim == 3 and value.shape[2] == 1:
        value = value[:, :, 0]
    if value.ndim == 2:
        value = np.repeat(value[:, :, None], 3, axis=2)
    if value.ndim != 3 or value.shape[2] not in (3, 4) or 0 in value.shape:
        raise MediaError(f"an image must have the shape (height, width, 3), this one has {value.shape}")
    if value.shape[0] * value.shape[1] > MAX_PIXELS:
        raise MediaError(f"an image of {value.shape[1]}x{value.shape[0]} is larger than {MAX_PIXELS} pixels")
    value = value[:, :, :3]
    if value.dtype != np.uint8:
        if value.dtype.kind != "f":
            raise MediaError(f"image values must be uint8 or floats 0..1, these are {value.dtype}")
        low, high = float(value.min()), float(value.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise MediaError("the image contains NaN or infinity")
        value = (np.clip(value, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    return np.ascontiguousarray(value)


def _tensor_to_array(value: Any) -> NDArray[Any]:
    """One copy to the host: quantised on the device, so that a quarter of the bytes travel."""
    value = value.detach()
    if value.ndim == 4 and value.shape[0] == 1:
        value = value[0]
    if value.ndim != 3 or value.shape[0] not in (1, 3):
        raise MediaError(f"an image tensor must have the shape (3, height, width), this one has {tuple(value.shape)}")
    if value.is_floating_point():
        low, high = (float(bound) for bound in value.aminmax())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise MediaError("the image contains NaN or infinity")
        # float32 before quantising: bfloat16 cannot hold 256 levels
        value = value.float().clamp(0, 1).mul(255.0).add(0.5).byte()
    array: NDArray[Any] = value.permute(1, 2, 0).contiguous().cpu().numpy()
    return array


def to_float(value: Any) -> NDArray[np.float32]:
    """Image as float32 ``(height, width, 3)`` in 0..1 (a copy)."""
    if isinstance(value, np.ndarray) and value.dtype == np.float32 and value.ndim == 3 and value.shape[2] == 3:
        return np.asarray(np.clip(np.nan_to_num(value), 0.0, 1.0), np.float32)
    return to_frame(value).astype(np.float32) / np.float32(255)
