"""What a GIF will look like, before it is made: its palette, a picture before and after, and about how large it is.

A few frames are rendered small and written with the very writer and options of the export; nothing is guessed that can
be measured.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.engine import render
from studio.export import open_writer
from studio.files import FileError
from studio.generator import Cancelled
from studio.media import Frame
from studio.session.exporting import ExportPlan, Look

LONGEST = 256
"""Pixels of the longer side of the trial."""
FRAMES = 8
"""Frames that are tried; more change the estimate by a few per cent."""
SHRINK = 0.94
"""Exponent from pixels to bytes: larger pictures compress a little better."""


@dataclass
class GifPreview:
    """``palette`` is uint8 ``(colours, 3)``, ``before`` and ``after`` one frame without and with it, ``size`` the
    estimate (bytes) of the whole file, ``frame_seconds`` how long a frame of the real size may take."""

    palette: NDArray[np.uint8]
    before: Frame
    after: Frame
    size: int
    psnr: float | None
    palettes: str


def trial_size(size: tuple[int, int]) -> tuple[int, int]:
    """The size (width, height) of the trial for a GIF of ``size``."""
    scale = min(1.0, LONGEST / max(size))
    return max(16, round(size[0] * scale)), max(16, round(size[1] * scale))


def trial_frames(look: Look, plan: ExportPlan, cancelled: Callable[[], bool]) -> list[Frame]:
    """The first frames of an export, small; of a deck that looks through a camera only what is on screen."""
    size = trial_size(plan.size or look.size or (512, 512))
    if look.live is not None:
        return [_small(look.frame, size)] if look.frame is not None else []
    found = []
    count = min(FRAMES, plan.frames or FRAMES)
    with contextlib.ExitStack() as stack:
        source = None
        if look.source is not None:
            from studio.devices.inputs import open_source

            source = stack.enter_context(open_source(look.source, plan.fps))
        for frame in render(look.stages, frames=count, fps=plan.fps, seed=look.seed, size=size, source=source,
                            device=look.device, bpm=look.bpm, cancelled=cancelled):
            assert isinstance(frame, np.ndarray)
            found.append(_small(frame, size))
    return found


def preview(
    look: Look, plan: ExportPlan, *, frames: list[Frame] | None = None, cancelled: Callable[[], bool] = lambda: False
) -> GifPreview:
    """Try a GIF with the options of ``plan``; ``frames`` are those of an earlier trial. Raises FileError and what a
    render raises; Cancelled when nobody wants it any more."""
    frames = frames or trial_frames(look, plan, cancelled)
    if not frames:
        raise FileError(f"{look.title} has made no picture yet; wait for its first one")
    with tempfile.TemporaryDirectory(prefix="reverie-") as folder:
        place = Path(folder) / "trial.gif"
        report = _write(place, frames, plan)
        palette, after = _read(place)
        first = _bytes(Path(folder) / "one.gif", frames[:1], plan)
        each = (place.stat().st_size - first) / max(1, len(frames) - 1) if len(frames) > 1 else first
    if cancelled():
        raise Cancelled
    size = plan.size or look.size or (frames[0].shape[1], frames[0].shape[0])
    small = frames[0].shape[0] * frames[0].shape[1]
    larger = (size[0] * size[1] / small) ** SHRINK
    count = plan.frames or 1
    total = (first + each * (count - 1)) * larger
    return GifPreview(palette, frames[-1], after, int(total), report.get("psnr"), str(report.get("palette")))


def _write(place: Path, frames: list[Frame], plan: ExportPlan) -> dict[str, Any]:
    with open_writer(place, fps=plan.fps, options=plan.options) as writer:
        for frame in frames:
            writer.add(frame)
    return writer.report


def _bytes(place: Path, frames: list[Frame], plan: ExportPlan) -> int:
    _write(place, frames, plan)
    return place.stat().st_size


def _read(place: Path) -> tuple[NDArray[np.uint8], Frame]:
    """The colours of the first palette, and the last frame as it is seen."""
    from PIL import Image

    with Image.open(place) as picture:
        palette = np.array(picture.getpalette() or [0, 0, 0], np.uint8).reshape(-1, 3)
        last = int(np.flatnonzero(palette.any(axis=1))[-1]) if palette.any() else 0
        palette = palette[: last + 1]  # a table is filled up with black to a power of two
        picture.seek(getattr(picture, "n_frames", 1) - 1)
        after = np.asarray(picture.convert("RGB"), np.uint8)
    return _sorted(palette), after


def _sorted(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """By hue, greys first, then by brightness: so that a person sees what is there."""
    import colorsys

    def place(colour: NDArray[np.uint8]) -> tuple[int, float]:
        hue, light, saturation = colorsys.rgb_to_hls(*(float(part) / 255 for part in colour))
        return (0 if saturation < 0.12 else 1 + int(hue * 11.99)), light

    return np.array(sorted(palette, key=place), np.uint8).reshape(-1, 3)


def _small(frame: Frame, size: tuple[int, int]) -> Frame:
    """At most ``size``: some generators make what they like."""
    if frame.shape[1] <= size[0] and frame.shape[0] <= size[1]:
        return frame
    from PIL import Image

    scale = min(size[0] / frame.shape[1], size[1] / frame.shape[0])
    whole = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
    return np.asarray(Image.fromarray(frame).resize(whole, Image.Resampling.LANCZOS), np.uint8)
