"""A chain on its own thread, alive whatever its generators do: the common part of deck and player.

A step that raises is tried again with the generator as it is, then with a new one after a growing pause; after
MAX_FAILURES in a row the worker pauses with the reason. When memory or time runs out it goes down its ``ladder``.
The values stand outside, in the stages' ParamSets, so a restart keeps them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from studio.engine.chain import Chain, GeneratorError, Stage, check_stages, seconds
from studio.engine.clock import Clock
from studio.engine.convert import Media
from studio.engine.inbox import Inbox
from studio.engine.journal import Journal
from studio.engine.ladder import Ladder
from studio.engine.status import Run, Status, figures
from studio.engine.threads import STOP_SECONDS, spawn, use_torch_threads
from studio.generator import Cancelled, Context, Finished
from studio.media import Note, Words

log = logging.getLogger("reverie.engine")

MAX_FAILURES = 3
"""Failures in a row after which a worker pauses."""

BACK_OFF = (0.0, 0.5, 1.0)
"""Seconds before each new attempt."""

RECOVERED = 10.0
"""Seconds without a failure after which the count of failures starts again."""

HUNG_RUNNING, HUNG_STARTING = 4.0, 60.0
"""Seconds without a sign of life after which a worker counts as hung: in a step, and in setup (it loads models)."""

HUNG_STEPS, HUNG_LATEST, HUNG_MOST = 3.0, 5, 20.0
"""So many times the longest of its latest steps may pass as well, within the last (seconds): slow is not hung."""

REPEAT = 5.0
"""Seconds before the same notice is shown again."""

HOLD_LOOK = 0.02
"""How often a worker on hold looks whether it may go on (seconds)."""

MAX_DT = 0.1
"""Longest time step (seconds) a generator sees: after a stall the picture goes on, it does not leap."""

class _Larger(Exception):  # noqa: N818 - a turn of the work, not an error
    """All has gone well for a while at a smaller size: time to try a larger one."""


class Worker:
    """Runs stages on a thread. Subclasses say where media go (``_publish``) and what comes in (``_input``).

    ``nice`` is of its thread. ``follows_clock``: each step sees the beat of now; without it a generator works ahead and
    counts its own beats.
    """

    follows_clock = True
    nice = 0

    def __init__(
        self, name: str, *, clock: Clock | None = None, device: str = "cpu", size: tuple[int, int] | None = None,
        seed: int = 0, fps: float | None = None, threads: int | None = None,
        on_notice: Callable[[str], None] | None = None, on_better: Callable[[str], None] | None = None,
    ) -> None:
        """``fps`` paces the steps (None: as fast as they go). ``threads`` are torch's while live: None leaves one core
        free, 0 changes nothing. ``on_notice`` and, for good news, ``on_better`` are called on the worker thread."""
        self.name, self.clock, self.device = name, clock or Clock(), device
        self.size, self.seed, self.fps, self.threads = size, seed, fps, threads
        self.stages: list[Stage] = []
        self.hold = False
        """While set, no step is made; the generators stay as they are and go on from there."""
        self.audio: dict[str, float] = {}
        self._wanted: list[Stage] | None = None
        self._on_notice = on_notice
        self._lock = threading.Lock()
        self._current: Run | None = None
        self._state, self._reason = "stopped", ""
        self._inbox = Inbox()
        self._wishes: dict[str, Any] = {}
        self.runs = 0
        self.made_from = 0.0  # when the step began that made the newest media: it knows all values set before
        self.journal = Journal()
        self.ladder = Ladder(name, lambda: self.device, self._notice, lambda text: self._notice(text, on_better))
        self._told = ("", 0.0)
        self._reset_figures()

    def _reset_figures(self) -> None:
        self._steps = self._late = self._failures = 0
        self.ladder.reset()
        self._times: deque[tuple[float, float]] = deque(maxlen=240)  # (end, seconds) of steps

    # --- from any thread ---

    def start(self, stages: Sequence[Stage], *, wait: bool = True) -> None:
        """Run ``stages`` from the start, in place of what runs now. Raises GeneratorError when they do not fit.

        Without ``wait`` the thread before is told to end and left to do so: whatever it still makes is ignored.
        """
        self._check(stages)
        self.stop((0.5 if self.status().state == "hung" else STOP_SECONDS) if wait else 0.0)
        run = Run()
        with self._lock:
            self.stages = list(stages)
            self._wanted = None
            self._reset_figures()
            self._current, self._state, self._reason = run, "starting", ""
            self.runs += 1
        run.thread = spawn(f"reverie {self.name}", lambda: self._work(run), run.stop.set, nice=self.nice)

    def change(self, stages: Sequence[Stage]) -> None:
        """Run ``stages`` from the next step on; those that run already go on undisturbed where they are.

        A newcomer that cannot be set up is left out, with a notice: the picture goes on without it.
        Raises GeneratorError when the stages do not fit.
        """
        self._check(stages)
        with self._lock:
            if self._current is not None and self._state in ("running", "starting"):
                self._wanted = list(stages)
                return
        self.start(stages, wait=False)

    @property
    def asked(self) -> list[Stage]:
        """The stages that were asked for last; ``stages`` run until the next step takes these."""
        with self._lock:
            return list(self._wanted or self.stages)

    def restart(self, *, wait: bool = True) -> None:
        """The same stages and values again, with new generators, at full size."""
        self.start(self.asked, wait=wait)

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """End the thread; False when it did not end in time and was left behind (whatever it makes is ignored)."""
        with self._lock:
            run, self._current = self._current, None
            self._state, self._reason = "stopped", ""
        if run is None or run.thread is None:
            return True
        run.stop.set()
        if seconds > 0 and run.thread is not threading.current_thread():
            run.thread.join(seconds)
        return not run.thread.is_alive()

    def send_notes(self, notes: Sequence[Note]) -> None:
        """Notes that began now; the generators see them in their next step."""
        self._inbox.put_notes(notes)
        self.journal.notes(notes)

    def send_words(self, words: Sequence[Words]) -> None:
        """Words that players wrote now; the generators see them in their next step."""
        self._inbox.put_words(words)
        self.journal.words(words)

    def wish(self, **wishes: Any) -> None:
        """Hand something of the generator's own view to its next step (``ctx.wishes``); the newest of a name wins."""
        with self._lock:
            self._wishes.update(wishes)
        self.journal.wishes(wishes)

    def status(self) -> Status:
        """How it is doing; cheap, from any thread."""
        with self._lock:
            run, state, why = self._current, self._state, self._reason
            times = list(self._times)
        now = time.monotonic()
        age = now - run.heartbeat if run is not None and state in ("running", "starting") else 0.0
        usual = max((spent for _, spent in times[-HUNG_LATEST:]), default=0.0)
        patience = {"running": max(HUNG_RUNNING + 2.0 / (self.fps or 60.0), min(HUNG_STEPS * usual, HUNG_MOST)),
                    "starting": HUNG_STARTING}
        if run is not None and age > patience.get(state, 1e9):
            state, why = "hung", f"no sign of life for {age:.1f} s; replace or restart it"
        fps, middle = figures(times, now)
        rung = self.ladder.rung
        return Status(
            state, why, fps, middle * 1000.0, age, self._steps, self._late, self._dropped(), self._failures,
            rung.scale, rung.text(), self.ladder.why,
        )

    # --- for subclasses, on the worker thread ---

    def _check(self, stages: Sequence[Stage]) -> None:
        check_stages(stages)

    def _publish(self, media: Media, run: Run) -> None:
        raise TypeError(f"{type(self).__name__} does not say where its media go")

    def _input(self) -> Any:
        return None

    def _begin_step(self, run: Run) -> dict[str, Any]:
        with self._lock:
            return self._take_wishes()

    def _take_wishes(self) -> dict[str, Any]:
        """With the lock held."""
        wishes, self._wishes = self._wishes, {}
        return wishes

    def _renewed(self, run: Run) -> None:
        """The source was set up again: what it makes now does not go on from what it made before."""

    def _preview(self, run: Run) -> Callable[[Any], None] | None:
        return None

    def _dropped(self) -> int:
        return 0

    def _is_current(self, run: Run) -> bool:
        return run is self._current and not run.stop.is_set()

    # --- the thread ---

    def _notice(self, text: str, tell: Callable[[str], None] | None = None) -> None:
        now = time.monotonic()
        if text == self._told[0] and now - self._told[1] < REPEAT:
            return  # a generator that says the same in each step
        self._told = (text, now)
        tell = tell or self._on_notice
        if tell is None:
            log.info("%s", text)
            return  # who is told writes the log, so that it stands there once
        try:
            tell(text)
        except Exception:
            log.exception("a notice could not be shown")

    def _set(self, run: Run, state: str, why: str = "") -> None:
        with self._lock:
            if run is self._current:
                self._state, self._reason = state, why

    def _work(self, run: Run) -> None:
        chain: Chain | None = None
        try:
            while self._is_current(run):
                try:
                    if chain is None:
                        self._set(run, "starting")
                        chain = self._make_chain(run)
                    self._loop(chain, run)
                except (Cancelled, Finished) as end:
                    if isinstance(end, Finished):
                        self._set(run, "finished")
                    return
                except _Larger:
                    assert chain is not None
                    chain.close()
                    chain = None
                    self.ladder.grow()
                except GeneratorError as error:
                    keep = self._after_failure(error, run)
                    if not keep and chain is not None:
                        chain.close()
                        chain = None
                except Exception as error:  # ours: not to be tried again
                    log.exception("%s: the engine failed", self.name)
                    self._set(run, "paused", f"{self.name} stopped by a fault of the studio: {error}")
                    return
        finally:
            if chain is not None:
                chain.close()

    def _make_chain(self, run: Run) -> Chain:
        def context(stage: Stage) -> Context:
            return Context(
                seed=self.seed, device=self.device, folder=stage.folder, size=self._size(),
                fps=self.fps or 60.0, bpm=self.clock.bpm, beats_per_bar=self.clock.beats_per_bar, offline=False,
                cancelled=run.cancelled, on_notice=self._notice, on_detail=stage.details.__setitem__,
            )

        with self._lock:
            self.stages, self._wanted = self._wanted or self.stages, None
        chain = Chain(self.stages, context)
        try:
            chain.setup()
        except BaseException:
            chain.close()
            raise
        use_torch_threads(self.threads)
        self.journal.chain(self.stages, True)
        return chain

    def _size(self) -> tuple[int, int] | None:
        return self.ladder.size(self.size)

    def _made_size(self) -> tuple[int, int] | None:
        return None

    def _loop(self, chain: Chain, run: Run) -> None:
        self._set(run, "running")
        last, good_since = self.clock.read(), time.monotonic()
        due = time.monotonic()
        preview, renewed, stepped = self._preview(run), chain.runners[0].renewed, last.t
        while not run.cancelled():
            while self.hold and self._wanted is None and not run.cancelled():
                run.stop.wait(HOLD_LOOK)
                last = self.clock.read()
                self.ladder.pace.pause(time.monotonic())
            if self._wanted is not None:
                self._rearrange(chain)
                self.ladder.pace.reset()
                chain.resize(self._size())
                renewed = chain.runners[0].renewed
                last = self.clock.read()
            began = time.monotonic()
            moment = self.clock.read()
            notes, words = self._inbox.take()
            dt = min(MAX_DT, max(0.0, moment.t - last.t))
            self.journal.step(moment.t, moment.t - stepped, dt)
            last, stepped = moment, moment.t
            wishes = self._begin_step(run)
            for ctx in chain.contexts:
                ctx.bpm, ctx.notes, ctx.words, ctx.audio, ctx.wishes = moment.bpm, notes, words, self.audio, wishes
                if self.follows_clock:
                    ctx.beat, ctx.bar, ctx.dt = moment.beat, moment.bar, dt or ctx.dt
            length = 0.0
            with self.ladder.precision(), closing(chain.step(self._input(), preview)) as parts:
                for part in parts:
                    if chain.runners[0].renewed != renewed:
                        renewed = chain.runners[0].renewed
                        self._renewed(run)
                    length += seconds(part, moment.bpm)
                    self.made_from = began
                    self._publish(part, run)
            chain.advance(length or dt)
            now = time.monotonic()
            with self._lock:
                self._times.append((now, now - began))
                self._steps += 1
            if self._failures and now - good_since > RECOVERED:
                self._failures = 0
            if self.ladder.may_grow(now - good_since):
                raise _Larger
            self.ladder.made(self._made_size())
            if self.ladder.judge(now, now - began, self.fps):  # the same generators at another size or precision
                chain.resize(self._size())
            if self.fps is not None:
                due = self._pace(run, due, now - began, (2.0 if self.ladder.rung.dissolve else 1.0) / self.fps)
        raise Cancelled

    def _rearrange(self, chain: Chain) -> None:
        with self._lock:
            wanted, self._wanted = self._wanted, None
        if wanted is None:
            return
        for _, why in chain.rearrange(wanted):
            self._notice(f"{self.name}: {why}; it was left out")
        with self._lock:
            self.stages = [runner.stage for runner in chain.runners]
        self.journal.chain(self.stages, False)

    def _pace(self, run: Run, due: float, spent: float, budget: float) -> float:
        """Wait for the next deadline; deadlines are absolute, so that errors do not add up."""
        self._late += spent > budget
        due += budget
        now = time.monotonic()
        if due <= now:
            return now  # too late for that one: count from here, do not hurry after it
        run.stop.wait(due - now)
        return due

    def _after_failure(self, error: GeneratorError, run: Run) -> bool:
        """Decide how to go on; True keeps the generators as they are. Pauses the run when nothing helps."""
        first = self._failures == 0
        if first:  # the sentence itself is a notice, which is logged
            log.error("%s: where the error came from", self.name, exc_info=error)
        self._failures += 1
        if error.out_of_memory and self.ladder.can_shrink:
            self._failures -= 1
            self.ladder.made(self._made_size())
            self.ladder.shrink()
            return False
        if self.ladder.pace.blame():
            self._failures -= 1
            self._notice(f"{self.name}: {error}; it is computed with full precision again")
            return True
        # a setup that says what is missing will say so again: only a person can help
        hopeless = error.when == "setup" and isinstance(error.__cause__, (ValueError, FileNotFoundError))
        if hopeless or self._failures > MAX_FAILURES:
            self._pause(run, error)
            return False
        self._set(run, "failed", str(error))
        self._notice(f"{self.name}: {error}; trying again")
        run.stop.wait(BACK_OFF[min(self._failures, len(BACK_OFF)) - 1])
        return self._failures == 1 and error.when == "step"

    def _pause(self, run: Run, error: GeneratorError) -> None:
        """Nothing is tried again, unless other stages have just been asked for: the failures are not theirs."""
        times = f" ({self._failures} times)" if self._failures > 1 else ""
        with self._lock:
            if self._wanted is not None:
                self._failures = 0
                return
            if run is self._current:
                self._state, self._reason = "paused", f"{error}{times}; change a value and restart it"
        self._notice(f"{self.name} is paused: {error}")
        run.stop.set()
