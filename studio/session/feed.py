"""Pictures into a deck: a camera, a video (over and over), a still, or the studio's own moving scene.

The reading is done on a thread of its own into the deck's input mailbox. When a source cannot be opened, or goes away,
the sample scene takes its place, and the user reads why and what helps.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator

from studio.engine import Mailbox
from studio.engine.chain import Chain, Stage
from studio.engine.threads import PICTURES, spawn
from studio.engine.worker import MAX_DT
from studio.files import FileError
from studio.generator import Cancelled, Context
from studio.media import Frame, MediaError
from studio.plugins import PluginError, Registry

log = logging.getLogger("reverie.session")

SCENE = "scene"
"""The name of the moving scene that the studio makes itself."""

SCENE_PLUGIN = "sample_scene"
SCENE_SIZE = (640, 480)
RETRY = 5.0
"""Seconds until a camera that went away is looked for again."""

UNSEEN = 1.0
"""Seconds between pictures of the scene while nobody takes them: drawing thirty a second for a network that looks at
three would cost half a core."""


class Feed:
    """Feeds ``mailbox`` from ``spec``: ``camera:N``, the path of a picture or video, or ``scene``.

    ``state`` is opening, playing, ``substitute`` (the scene stands in; ``reason`` says why) or stopped. ``arrived`` is
    the monotonic time of the last picture, ``pictures`` how many there were.
    """

    def __init__(
        self, spec: str, mailbox: Mailbox[Frame], registry: Registry, *, fps: float = 30.0,
        notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.spec, self.state, self.reason = spec, "opening", ""
        self.arrived, self.pictures = time.monotonic(), 0
        self._mailbox, self._registry, self._fps, self._notice = mailbox, registry, fps, notice
        self._stop = threading.Event()
        self._once: list[Callable[[], None]] = []
        self._gate = threading.Lock()
        spawn(f"reverie input {spec[-40:]}", self._work, self._stop.set, nice=PICTURES)

    def stop(self) -> None:
        """End soon; returns at once."""
        self._stop.set()
        self.state = "stopped"

    def once(self, begun: Callable[[], None]) -> None:
        """Call ``begun``, on the feed's thread or at once, when the first picture of the chosen source is there."""
        with self._gate:
            if not self.pictures:
                self._once.append(begun)
                return
        begun()

    @property
    def age(self) -> float:
        """Seconds since the last picture came."""
        return time.monotonic() - self.arrived

    def _work(self) -> None:
        with contextlib.suppress(Cancelled):
            self._run()

    def _run(self) -> None:
        live = self.spec.startswith("camera:")
        while not self._stop.is_set():
            if self.spec != SCENE:
                try:
                    self._play_source()
                except (FileError, MediaError, OSError, ValueError) as error:
                    self._substitute(str(error))
                else:
                    if live:
                        self._substitute(f"{self.spec} gives no more pictures")
            until = time.monotonic() + RETRY if live else None
            self._play(self._scene(), until)
            if self.spec == SCENE or (not live and self.reason):
                return

    def _substitute(self, why: str) -> None:
        if self._stop.is_set():
            return
        if why != self.reason:
            self._notice(f"{why}. The sample scene takes its place")
        self.state, self.reason = "substitute", why

    def _play_source(self) -> None:
        from studio.devices.inputs import open_source

        live = self.spec.startswith("camera:")
        while not self._stop.is_set():
            with open_source(self.spec, None if live else self._fps) as source:
                self.state, self.reason = "playing", ""
                if source.info.kind == "picture":
                    self._put(next(source))
                    self._stop.wait()
                    return
                self._play(source, None, paced=not live)
            if live:
                return

    def _play(self, frames: Iterator[Frame], until: float | None, *, paced: bool = True) -> None:
        due = time.monotonic()
        for frame in frames:
            if self._stop.is_set() or (until is not None and time.monotonic() > until):
                return
            self._put(frame)
            if paced:
                due = max(due + 1.0 / self._fps, time.monotonic())
                self._stop.wait(due - time.monotonic())

    def _put(self, frame: Frame) -> None:
        self.arrived = time.monotonic()
        self._mailbox.put(frame)
        with self._gate:
            self.pictures += 1
            begun, self._once = self._once, []
        for call in begun if self.state == "playing" else ():
            call()

    def _scene(self) -> Iterator[Frame]:
        from studio.session.render_job import make_stage

        try:
            stage = make_stage(self._registry, SCENE_PLUGIN)
        except PluginError as error:
            self._notice(f"the sample scene cannot be shown: {error}")
            return
        if not self.reason:
            self.state = "playing"
        yield from self._on_demand(stage)

    def _on_demand(self, stage: Stage) -> Iterator[Frame]:
        """The scene at the time of now, one picture for each that was taken; slower on a slow machine, never a jump."""
        def context(stage: Stage) -> Context:
            return Context(
                folder=stage.folder, size=SCENE_SIZE, fps=self._fps, offline=False, cancelled=self._stop.is_set)

        chain = Chain([stage], context)
        try:
            chain.setup()
            last = time.monotonic() - 1.0 / self._fps
            while not self._stop.is_set():
                now = time.monotonic()
                dt, last = min(MAX_DT, now - last), now
                for ctx in chain.contexts:
                    ctx.dt = dt
                with contextlib.closing(chain.step(None)) as parts:
                    yield from parts  # type: ignore[misc]
                chain.advance(dt)
                self._wait_taken()
        finally:
            chain.close()

    def _wait_taken(self) -> None:
        until = time.monotonic() + UNSEEN
        while not self._stop.is_set() and time.monotonic() < until and not self._mailbox.wait_taken(0.1):
            pass
