"""What the audience sees as an array, without a window: decks A and B under crossfader, blend, fade and panic row.

The window paints the same with Qt (``ui.programme.compose``); a test holds the two together. A recording, an output to
another program and the render of a take use this one.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.media import Frame
from studio.session.mix import Mix

if TYPE_CHECKING:
    from studio.session.core import Core

LUMA_EDGE = 0.12
"""How soft the edge of the luma wipe is, as a part of the whole range of brightness."""

SAFE_LOOK = ((0.0, (11, 16, 38)), (0.5, (36, 26, 58)), (1.0, (6, 7, 13)))
"""The safe look: colours (RGB, 0..255) along the diagonal from the top left corner."""


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the programme is made of at one instant; names and values are those of ``Mix``."""

    a: Frame | None = None
    b: Frame | None = None
    crossfade: float = 0.0
    blend: str = "mix"
    fade: float = 0.0
    blackout: bool = False
    safe: bool = False

    def same(self, other: Seen | None) -> bool:
        """Whether it looks the same: the same picture objects under the same mix. Cheap."""
        return other is not None and self.a is other.a and self.b is other.b and (
            self.crossfade, self.blend, self.fade, self.blackout, self.safe
        ) == (other.crossfade, other.blend, other.fade, other.blackout, other.safe)


class Shown:
    """What is seen now; frozen, what was seen then. Any thread may look: all who show the programme hold the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: Seen | None = None

    def look(self, mix: Mix, a: Frame | None, b: Frame | None) -> Seen:
        """What is seen when the decks have these pictures. Frozen, the crossfader moves on unseen: what is held is the
        picture, not what it is made of; fade and blackout still work."""
        with self._lock:
            if self._held is None or not mix.freeze:
                self._held = Seen(a, b, mix.crossfade, mix.blend)
            held = self._held
        return replace(held, fade=mix.fade, blackout=mix.blackout, safe=mix.safe)


def look(session: Core) -> Seen:
    """What the audience of a session sees now; from any thread."""
    return session.shown.look(session.mix, session.decks["A"].frame(), session.decks["B"].frame())


class Composer:
    """The programme at one size, composed anew only when something in it has changed.

    ``size`` is (width, height) in pixels, ``source`` says what is seen.
    """

    def __init__(self, size: tuple[int, int], source: Callable[[], Seen]) -> None:
        self.size, self._source = size, source
        self._seen: Seen | None = None
        self._picture: Frame | None = None

    def __call__(self) -> Frame:
        """The picture, uint8 ``(height, width, 3)``; the same object while nothing changes."""
        seen = self._source()
        if self._picture is None or not seen.same(self._seen):
            self._seen, self._picture = seen, compose(seen, self.size)
        return self._picture


def compose(seen: Seen, size: tuple[int, int]) -> Frame:
    """Paint the programme: uint8 ``(height, width, 3)`` for ``size`` (width, height), black where nothing is."""
    canvas: Frame = np.zeros((size[1], size[0], 3), np.uint8)
    if seen.blackout:
        return canvas
    if seen.safe:
        canvas = _safe_look(size).copy()
    else:
        _decks(canvas, seen)
    if seen.fade > 0.0:
        import cv2

        return np.asarray(cv2.convertScaleAbs(canvas, alpha=max(0.0, 1.0 - seen.fade)))
    return canvas


def _decks(canvas: Frame, seen: Seen) -> None:
    a, b, share = seen.a, seen.b, seen.crossfade
    if a is None or b is None:  # a fade to or from nothing
        for picture, part in ((a, 1.0 - share), (b, share)):
            if picture is not None:
                _lay(canvas, picture, part)
    elif share in (0.0, 1.0):
        _lay(canvas, b if share else a, 1.0)
    elif a.shape == b.shape:  # blended small, enlarged once
        both = np.ascontiguousarray(a).copy()
        _blend(both, a, b, share, seen.blend)
        _lay(canvas, both, 1.0)
    else:
        _blend(canvas, a, b, share, seen.blend)


def _blend(canvas: Frame, a: Frame, b: Frame, share: float, blend: str) -> None:
    if blend == "luma":
        _lay(canvas, a, 1.0)
        _lay(canvas, b, share, "luma")
    elif blend in _MEETINGS:
        # from A alone, over both blended in the middle, to B alone
        under, over = (a, b) if share <= 0.5 else (b, a)
        _lay(canvas, under, 1.0)
        _lay(canvas, over, 2.0 * min(share, 1.0 - share), blend)
    else:
        _lay(canvas, a, 1.0)
        _lay(canvas, b, share)


def _lay(canvas: Frame, picture: Frame, share: float, blend: str = "mix") -> None:
    """Lay a picture, whole and centred, over the canvas; ``share`` is how much of it is seen."""
    import cv2

    if share <= 0.0:
        return
    left, top, width, height = fitted((picture.shape[1], picture.shape[0]), (canvas.shape[1], canvas.shape[0]))
    if (width, height) != (picture.shape[1], picture.shape[0]):
        smaller = width < picture.shape[1]
        picture = np.asarray(cv2.resize(
            picture, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR))
    place = canvas[top : top + height, left : left + width]
    if blend == "luma":
        alpha = wipe_mask(picture, share)
        under = np.ascontiguousarray(place)
        place[:] = cv2.blendLinear(picture, under, alpha, np.float32(1.0) - alpha)
    elif share >= 1.0 and blend == "mix":
        place[:] = picture
    else:
        under = np.ascontiguousarray(place)
        over = _MEETINGS[blend](picture, under) if blend in _MEETINGS else picture
        place[:] = cv2.addWeighted(under, 1.0 - share, over, share, 0.0)


def _added(over: Frame, under: Frame) -> Any:
    import cv2

    return cv2.add(over, under)


def _screen(over: Frame, under: Frame) -> Any:
    import cv2

    return cv2.add(under, cv2.multiply(cv2.bitwise_not(under), over, scale=1.0 / 255.0))


def _multiplied(over: Frame, under: Frame) -> Any:
    import cv2

    return cv2.multiply(over, under, scale=1.0 / 255.0)


def _difference(over: Frame, under: Frame) -> Any:
    import cv2

    return cv2.absdiff(over, under)


_MEETINGS: dict[str, Callable[[Frame, Frame], Any]] = {
    "add": _added, "screen": _screen, "multiply": _multiplied, "difference": _difference,
}


def fitted(size: tuple[int, int], room: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, width and height (pixels) of a picture of ``size`` in ``room``, whole and centred."""
    scale = min(room[0] / size[0], room[1] / size[1])
    width, height = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    return (room[0] - width) // 2, (room[1] - height) // 2, width, height


def wipe_levels(share: float) -> np.ndarray[Any, Any]:
    """How opaque each of 256 grey levels is, uint8: none at ``share`` 0, all at 1, the bright ones first."""
    levels = np.arange(256, dtype=np.float32) / 255.0
    reach = (share * (1.0 + LUMA_EDGE) - (1.0 - levels)) / LUMA_EDGE
    return np.asarray(np.rint(np.clip(reach, 0.0, 1.0) * 255.0), np.uint8)


def wipe_mask(picture: Frame, share: float) -> np.ndarray[Any, Any]:
    """How much of each pixel is seen in a luma wipe, float32 ``(height, width)`` 0..1."""
    weighed, greys = _luminance()
    light = weighed[0][picture[:, :, 0]] + weighed[1][picture[:, :, 1]] + weighed[2][picture[:, :, 2]]
    return np.asarray((wipe_levels(share).astype(np.float32) / np.float32(255.0))[greys[light]])


@functools.lru_cache(maxsize=1)
def _luminance() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Tables: each channel's part of the light (0..65535 in all), and the sRGB grey of so much light, as in Qt."""
    codes = np.arange(256) / 255.0
    linear = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)
    weighed = np.floor(linear[None, :] * np.array([[0.2126], [0.7152], [0.0722]]) * 65535.0).astype(np.int32)
    light = np.arange(65536) / 65535.0
    grey = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return weighed, np.rint(grey * 255.0).astype(np.uint8)


@functools.lru_cache(maxsize=4)
def _safe_look(size: tuple[int, int]) -> Frame:
    width, height = size
    x, y = np.arange(width, dtype=np.float32) + 0.5, np.arange(height, dtype=np.float32) + 0.5
    along = (x[None, :] * width + y[:, None] * height) / (width * width + height * height)
    places = [at for at, _ in SAFE_LOOK]
    channels = [np.interp(along, places, [color[channel] for _, color in SAFE_LOOK]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=2)).astype(np.uint8)
