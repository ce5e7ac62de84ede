"""What a GIF will look like, before it is made: its palette, a picture before and after, and about how large it is.

Nothing is guessed that can be measured. Small frames, as many as there is time for, say how much changes in the course
of the export; a few in its own size say how well such a picture can be packed. Both are written with the very writer
and options of the export.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
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
"""Pixels of the longer side of the small frames."""
MOST_SMALL = 64
"""Small frames that are tried at the most."""
MOST_PIXELS = 1_200_000
"""Pixels of the largest frames of a trial."""
PATIENCE = 3.0
"""Seconds that the small frames may take together, and again the large ones."""
FRAMES = 8
"""Small frames that are tried in any case, and large ones at the most."""
SHRINK = 0.94
"""Exponent from pixels to bytes where the trial is smaller than the export: larger pictures are packed better."""


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


@dataclass
class Trial:
    """The first frames of an export: ``small`` ones, and fewer ``large`` ones, in its own size where that is quick."""

    small: list[Frame]
    large: list[Frame]


def trial_frames(look: Look, plan: ExportPlan, cancelled: Callable[[], bool]) -> Trial:
    """Frames to try. Of a deck that looks through a camera only what is on screen."""
    whole = plan.size or look.size or (512, 512)
    size = trial_size(whole)
    if look.live is not None:
        shown = [look.frame] if look.frame is not None else []
        return Trial([_small(frame, size) for frame in shown], [_small(frame, whole) for frame in shown])
    least = min(FRAMES, plan.frames or FRAMES)
    times: list[float] = []
    small = _rendered(look, plan, size, (least, min(MOST_SMALL, plan.frames or FRAMES)), cancelled, times)
    if size == whole or not small:
        return Trial(small, small)
    larger = quick_size(whole, size, sorted(times)[len(times) // 2] * least)
    return Trial(small, _rendered(look, plan, larger, (least, least), cancelled, times))


def quick_size(whole: tuple[int, int], small: tuple[int, int], seconds: float) -> tuple[int, int]:
    """The largest size for a trial, up to ``whole``, when all its frames take ``seconds`` in the size ``small``."""
    pixels = min(whole[0] * whole[1], MOST_PIXELS, small[0] * small[1] * PATIENCE / max(seconds, 1e-3))
    scale = min(1.0, (pixels / (whole[0] * whole[1])) ** 0.5)
    return max(small[0], round(whole[0] * scale)), max(small[1], round(whole[1] * scale))


def _rendered(
    look: Look, plan: ExportPlan, size: tuple[int, int], counts: tuple[int, int], cancelled: Callable[[], bool],
    times: list[float],
) -> list[Frame]:
    """Frames in one size, the smaller of ``counts`` in any case and the larger while there is time; ``times`` gets the
    seconds that each took."""
    found = []
    with contextlib.ExitStack() as stack:
        source = None
        if look.source is not None:
            from studio.devices.inputs import open_source

            source = stack.enter_context(open_source(look.source, plan.fps))
        start = begun = time.monotonic()
        for frame in render(look.stages, frames=counts[1], fps=plan.fps, seed=look.seed, size=size, source=source,
                            device=look.device, bpm=look.bpm, cancelled=cancelled):
            assert isinstance(frame, np.ndarray)
            found.append(_small(frame, size))
            times.append(time.monotonic() - begun)
            begun = time.monotonic()
            if len(found) >= counts[0] and begun - start > PATIENCE:
                break
    return found


def preview(
    look: Look, plan: ExportPlan, *, trial: Trial | None = None, cancelled: Callable[[], bool] = lambda: False
) -> GifPreview:
    """Try a GIF with the options of ``plan``; ``trial`` has the frames of an earlier one. Raises FileError and what a
    render raises; Cancelled when nobody wants it any more."""
    trial = trial or trial_frames(look, plan, cancelled)
    frames = trial.large
    if not frames:
        raise FileError(f"{look.title} has made no picture yet; wait for its first one")
    with tempfile.TemporaryDirectory(prefix="reverie-") as folder:
        place = Path(folder) / "trial.gif"
        report = _write(place, frames, plan)
        palette, after = _read(place)
        first, each = _shares(Path(folder), frames, plan, place.stat().st_size)
        course = 1.0 if cancelled() else _course(Path(folder), trial, plan)
    if cancelled():
        raise Cancelled
    size = plan.size or look.size or (frames[0].shape[1], frames[0].shape[0])
    larger = (size[0] * size[1] / (frames[0].shape[0] * frames[0].shape[1])) ** SHRINK
    total = (first + each * course * ((plan.frames or 1) - 1)) * larger
    return GifPreview(palette, frames[-1], after, int(total), report.get("psnr"), str(report.get("palette")))


def _shares(folder: Path, frames: list[Frame], plan: ExportPlan, whole: int = 0) -> tuple[float, float]:
    """Bytes of the first frame, and of each that follows, in one file of all of them (``whole`` bytes, if known)."""
    first = float(_bytes(folder / "one.gif", frames[:1], plan))
    if len(frames) == 1:
        return first, first
    return first, max(1.0, ((whole or _bytes(folder / "all.gif", frames, plan)) - first) / (len(frames) - 1))


def _course(folder: Path, trial: Trial, plan: ExportPlan) -> float:
    """How much larger a frame is in the course of the export than one at its beginning."""
    few = len(trial.large)
    if len(trial.small) <= few:
        return 1.0
    return _shares(folder, trial.small, plan)[1] / _shares(folder, trial.small[:few], plan)[1]


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
