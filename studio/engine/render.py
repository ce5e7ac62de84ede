"""Offline render: the chain with a fixed time step. Nothing is dropped; one seed gives the same media, bit for bit."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from studio.engine.chain import Chain, GeneratorError, Stage, seconds, title
from studio.engine.convert import Media
from studio.generator import Cancelled, Context, Finished
from studio.media import Drawing, Frame, MediaError, Words
from studio.params import ParamSet

MAX_IDLE = 10_000
"""Steps in a row without any media after which a render gives up."""

Automation = Callable[[int, list[ParamSet]], None]

Spoken = Callable[[float], tuple[Words, ...]]
"""The words that were written since it was asked last, until so many seconds from the start."""
Hearing = Callable[[float, list[ParamSet]], Mapping[str, float]]


def render(
    stages: Sequence[Stage], *, frames: int | None = None, fps: float = 30.0, seed: int = 0,
    size: tuple[int, int] | None = None, source: Iterator[Frame] | None = None, device: str = "cpu",
    bpm: float = 120.0, cancelled: Callable[[], bool] | None = None,
    on_progress: Callable[[float], None] | None = None, on_notice: Callable[[str], None] | None = None,
    on_preview: Callable[[Media], None] | None = None, automate: Automation | None = None,
    spoken: Spoken | None = None,
    audio: Hearing | None = None, still: bool = False, on_drawing: Callable[[Drawing], None] | None = None,
) -> Iterator[Media]:
    """Run a chain offline and yield host media: frames ``uint8 (height, width, 3)``, Notes, text or Audio.

    ``frames`` is how many pieces are yielded; None runs until a generator raises ``Finished`` or ``source`` ends.
    ``source`` gives RGB frames to a first stage that takes an image; when it ends before ``frames`` are made, its last
    picture is held. ``size`` is the wished (width, height). ``automate(frame, values)`` is called before each step with
    the stages' ParamSets; ``audio(t, values)`` too, with the seconds since the start: it may move them and returns what
    is heard then (``ctx.audio``). ``on_progress`` gets 0..1, ``on_preview`` unfinished pictures of the last stage.
    ``still`` says that one finished picture is wanted (``ctx.still``); ``on_drawing`` gets what the last stage's pen
    has drawn in the end, where it has one.

    Raises GeneratorError (a sentence that names the generator; its cause has the traceback) and Cancelled.
    """
    if not (math.isfinite(fps) and 0.01 <= fps <= 1000.0):
        raise ValueError(f"fps: {fps} is not between 0.01 and 1000 frames per second")
    if not (math.isfinite(bpm) and 1.0 <= bpm <= 1000.0):
        raise ValueError(f"bpm: {bpm} is not between 1 and 1000 beats per minute")
    if size is not None and not all(1 <= side <= 16384 for side in size):
        raise ValueError(f"size: {size[0]}x{size[1]} is not between 1x1 and 16384x16384 pixels")
    made = 0

    def inner(progress: float) -> None:
        if on_progress is not None:
            on_progress(min(1.0, (made + progress) / frames) if frames else progress)

    def context(stage: Stage) -> Context:
        return Context(
            seed=seed, device=device, folder=stage.folder, size=size, fps=fps, bpm=bpm, offline=True,
            cancelled=cancelled, on_progress=inner, on_notice=on_notice,
        )

    chain = Chain(stages, context)
    for ctx in chain.contexts:
        ctx.still = still
    pictures = _Source(source, chain.takes == "image", hold=frames is not None, on_notice=on_notice)
    values = [stage.values for stage in stages]
    step = idle = 0
    try:
        while frames is None or made < frames:
            if cancelled is not None and cancelled():
                raise Cancelled
            if automate is not None:
                automate(step, values)
            if audio is not None:
                heard = dict(audio(chain.contexts[0].t, values))
                for ctx in chain.contexts:
                    ctx.audio = heard
            if step == 0:
                chain.setup()
            if spoken is not None:
                words = spoken(chain.contexts[0].t)
                for ctx in chain.contexts:
                    ctx.words = words
            picture = pictures.next()
            if pictures.ended:
                return
            length = 0.0
            before = made
            with contextlib.closing(chain.step(picture, on_preview)) as parts:
                for part in parts:
                    length += seconds(part, bpm)
                    made += 1
                    if on_progress is not None and frames is not None:
                        on_progress(made / frames)
                    yield part
                    if made == frames:
                        return
            idle = idle + 1 if made == before else 0
            if idle >= MAX_IDLE:
                last = stages[-1].generator
                raise GeneratorError(f"{title(last)} made nothing in {idle:,} steps and was ended", generator=last.id)
            chain.advance(length or 1.0 / fps)
            step += 1
    except Finished:
        return
    finally:
        if on_drawing is not None and (drawing := chain.drawing()) is not None:
            on_drawing(drawing)
        chain.close()
        pictures.close()


class _Source:
    """The pictures from outside: the next one, the last one held, or none."""

    def __init__(
        self, source: Iterator[Frame] | None, wanted: bool, *, hold: bool, on_notice: Callable[[str], None] | None
    ) -> None:
        self.source, self.hold, self.on_notice = source, hold, on_notice
        self.count = 0
        self.last: Frame | None = None
        self.ended = False
        self.running = source is not None and wanted
        if source is not None and not wanted and on_notice is not None:
            on_notice("the input is not used: the first generator takes no picture")

    def next(self) -> Frame | None:
        if not self.running:
            return self.last
        assert self.source is not None
        try:
            self.last = next(self.source)
        except StopIteration:
            self.running = False
            if self.count == 0:
                raise MediaError("the input holds no pictures; choose another file") from None
            self.ended = not self.hold
            if self.count > 1 and self.hold and self.on_notice is not None:
                self.on_notice(f"the input ended after {self.count} pictures; its last one is held")
        else:
            self.count += 1
        return self.last

    def close(self) -> None:
        close = getattr(self.source, "close", None)
        if close is not None:
            close()
