"""Deck: pictures live, through a mailbox. Player: notes, text or sound live, through a short queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from studio.engine.chain import GeneratorError, Stage, title
from studio.engine.convert import Media
from studio.engine.dissolve import Dissolver
from studio.engine.mailbox import Mailbox, PartQueue
from studio.engine.status import Run
from studio.engine.threads import PICTURES, STOP_SECONDS
from studio.engine.worker import Worker
from studio.media import Audio, Frame, Notes

FIRST_INPUT = 1.0
"""Seconds that the first step of a deck waits for its input."""


class Deck(Worker):
    """A source of pictures and its effects. ``mailbox`` holds the newest frame, and the last good one when the
    generators fail; ``input`` takes camera or video frames for a first stage that is an effect. With ``awaits_input``
    the first step waits a moment for the first of them."""

    nice = PICTURES

    def __init__(self, name: str = "deck", **settings: Any) -> None:
        super().__init__(name, **settings)
        self.mailbox: Mailbox[Frame] = Mailbox()
        self.input: Mailbox[Frame] = Mailbox()
        self.awaits_input = False
        self._dissolver = Dissolver(name, self.mailbox)

    def _check(self, stages: Sequence[Stage]) -> None:
        super()._check(stages)
        last = stages[-1].generator
        if last.makes != "image":
            text = f"{title(last)} makes {last.makes}, but a deck shows pictures; use a player"
            raise GeneratorError(text, generator=last.id, stage=len(stages) - 1, when="setup")

    def _publish(self, media: Media, run: Run) -> None:
        if not self._is_current(run) or isinstance(media, (str, Notes, Audio)):
            return
        if self.ladder.rung.dissolve and self.fps is not None:
            self._dissolver.show(media, self.fps)
        else:
            self._dissolver.end()
            self.mailbox.put(media)

    def _input(self) -> Frame | None:
        first = self.awaits_input and self.input.last is None
        newest = self.input.take(FIRST_INPUT if first else 0.0)
        return self._smaller(newest if newest is not None else self.input.last)

    def _smaller(self, frame: Frame | None) -> Frame | None:
        """What effects work on is as small as the ladder says."""
        scale = self.ladder.rung.scale
        if frame is None or scale >= 1.0:
            return frame
        import cv2

        size = max(16, round(frame.shape[1] * scale)), max(16, round(frame.shape[0] * scale))
        return cast(Frame, cv2.resize(frame, size, interpolation=cv2.INTER_AREA))

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """As for every worker."""
        self._dissolver.end()
        return super().stop(seconds)

    def _preview(self, run: Run) -> Callable[[Any], None]:
        return lambda frame: self._publish(frame, run)

    def _dropped(self) -> int:
        return self.mailbox.dropped

    def _made_size(self) -> tuple[int, int] | None:
        frame = self.mailbox.last
        return None if frame is None else (frame.shape[1], frame.shape[0])


class Anew:
    """In a player's queue: what follows does not go on from what came before."""


ANEW = Anew()


class Player(Worker):
    """A generator of notes, text or sound. It works at most ``ahead`` parts ahead of who takes them from ``parts``.

    ``steer`` turns it to something else: what it made before and nobody has taken is forgotten. It is forgotten too
    when the generator was set up again, and ``ANEW`` stands in the queue before what it makes then.
    """

    follows_clock = False

    def __init__(self, name: str = "player", *, ahead: int = 2, **settings: Any) -> None:
        super().__init__(name, **settings)
        self.parts: PartQueue[Media | Anew] = PartQueue(ahead)
        self._epoch = 0

    def start(self, stages: Sequence[Stage], *, wait: bool = True) -> None:
        """As for every worker; parts of the run before are forgotten."""
        self._check(stages)
        self._forget({})
        super().start(stages, wait=wait)

    def steer(self, **wishes: Any) -> None:
        """Hand ``wishes`` to the next step (``ctx.wishes``), and forget every part that an earlier step made."""
        self._forget(wishes)

    def _forget(self, wishes: dict[str, Any]) -> None:
        with self._lock:
            self._epoch += 1
            self._wishes.update(wishes)
        self.parts.clear()

    def _begin_step(self, run: Run) -> dict[str, Any]:
        with self._lock:  # together: a part is of a step that knew these wishes, or it is forgotten
            run.epoch = self._epoch
            return self._take_wishes()

    def _renewed(self, run: Run) -> None:
        with self._lock:
            if run.epoch != self._epoch:
                return  # steered meanwhile: whoever did it knows
            self._epoch += 1
            run.epoch = self._epoch
        self.parts.clear()
        self.parts.put(ANEW, lambda: run.cancelled() or run.epoch != self._epoch)

    def _publish(self, media: Media, run: Run) -> None:
        if self._is_current(run):
            self.parts.put(media, lambda: run.cancelled() or run.epoch != self._epoch)
