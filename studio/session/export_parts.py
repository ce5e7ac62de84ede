"""What an export needs beside a chain: the second deck of a mix, and cameras recorded in real time."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from studio.engine import Job, Stage, render
from studio.export import open_writer
from studio.files import FileError
from studio.generator import Context, Generator
from studio.media import Frame, to_float
from studio.params import ParamSet
from studio.plugins import Registry
from studio.session.audio_look import score_of
from studio.session.audio_score import ScoreHearing
from studio.session.export_plan import FORMATS, ExportPlan, Look
from studio.session.playback_words import Spoken
from studio.session.render_job import job_from_recipe

# --- the mix --------------------------------------------------------------------------------------------------------


class _Mixed(Generator):
    """What stands in for the second deck in the chain of the first: renders it in step and lays it over."""

    id, makes, takes, title = "reverie.mix", "image", "image", "Mix"
    look: ClassVar[Look]
    share: ClassVar[float]
    plan: ClassVar[ExportPlan]
    source: ClassVar[str | None]

    def setup(self, ctx: Context) -> None:
        self._opened: Any = None
        if self.source is not None:
            from studio.devices.inputs import open_source

            self._opened = open_source(self.source, self.plan.fps)
        look = self.look
        self._hearing = None
        if (score := score_of(look, self.plan.sound)) is not None:
            self._hearing = ScoreHearing(score, look.bpm)
        self._frames: Iterator[Any] = render(
            look.stages, frames=10**9, fps=self.plan.fps, seed=look.seed, size=self.plan.size, source=self._opened,
            device=look.device, bpm=look.bpm, on_notice=ctx.notice, audio=self._hearing,
            spoken=Spoken(look.writings, look.bpm, look.device) if look.writings else None,
        )

    def step(self, ctx: Context) -> Any:
        ctx.check()
        return blend(to_float(ctx.input), to_float(next(self._frames)), self.share)

    def close(self) -> None:
        for part in (getattr(self, name, None) for name in ("_frames", "_opened", "_hearing")):
            if part is not None:
                part.close()


def blend(first: Any, second: Any, share: float) -> Any:
    """Two float pictures ``(height, width, 3)`` crossfaded; the second is brought into the first one's size, whole."""
    if first.shape != second.shape:
        second = _contain(second, (first.shape[1], first.shape[0]))
    return first * np.float32(1.0 - share) + second * np.float32(share)


def _contain(picture: Any, size: tuple[int, int]) -> Any:
    from PIL import Image

    height, width = picture.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = Image.fromarray((picture * 255 + 0.5).astype(np.uint8)).resize(inner, Image.Resampling.LANCZOS)
    made = np.zeros((size[1], size[0], 3), np.float32)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    made[top : top + inner[1], left : left + inner[0]] = np.asarray(small, np.float32) / np.float32(255)
    return made


def mix_stage(look: Look, share: float, plan: ExportPlan, source: str | None) -> Stage:
    made: type[Generator] = type("Mixed", (_Mixed,), {"look": look, "share": share, "plan": plan, "source": source})
    return Stage(made, ParamSet(made.params))


def mix_from_recipe(
    recipe: dict[str, Any], registry: Registry, *, near: Path | None, notice: Callable[[str], None]
) -> Stage | None:
    """What lays the second deck of a recipe over the first; None where the recipe's mix cannot be used."""
    from studio.session.restoring import second_of

    second = second_of(recipe)
    share = recipe["mix"].get("crossfade")
    if second is None or isinstance(share, bool) or not isinstance(share, (int, float)):
        notice("the recipe's second deck cannot be used; only the first is rendered")
        return None
    job = job_from_recipe(second, registry, [], near=near, notice=notice)
    look = Look("B", "Deck B", job.stages, job.seed, job.bpm, job.source, writings=job.writings)
    plan = ExportPlan(FORMATS[0], Path(), job.size, job.fps)
    if job.audio is not None:
        look.heard, plan.sound = job.audio, job.audio.path
    return mix_stage(look, min(1.0, max(0.0, float(share))), plan, job.source)


# --- cameras --------------------------------------------------------------------------------------------------------


def ready_source(look: Look, plan: ExportPlan, job: Job[Any], stack: contextlib.ExitStack) -> str | None:
    """The file to read pictures from; what a camera sees is recorded into one first."""
    if look.live is None:
        return look.source
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="reverie-"))
    frames = plan.frames or 1
    still = Path(folder) / "camera.png"
    if frames == 1:
        _record(look.live, still, 1, plan.fps, job)
        return str(still)
    place = Path(folder) / "camera.mp4"
    _record(look.live, place, frames, plan.fps, job)
    return str(place)


def _record(live: Callable[[], Frame | None], place: Path, frames: int, fps: float, job: Job[Any]) -> None:
    """``frames`` pictures of what is live, in real time."""
    wait = threading.Event()
    options = {"crf": 12, "speed": "veryfast"} if place.suffix == ".mp4" else {}
    begun = time.monotonic()
    with open_writer(place, fps=fps, options=options) as writer:
        for index in range(frames):
            job.check(0.0, f"recording the camera, {index / fps:.0f} of {frames / fps:.0f} s")
            while (frame := live()) is None:
                if time.monotonic() > begun + 10.0:
                    raise FileError("the camera gives no picture; choose another input for this deck")
                job.check()
                wait.wait(0.05)
            writer.add(frame)
            wait.wait(max(0.0, begun + (index + 1) / fps - time.monotonic()))
