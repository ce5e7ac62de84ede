"""Turning a player elsewhere while it plays: new values from the next block on, k continuations, text from the cursor.

A generator of notes that can do so exposes ``branches``: pairs of a block that it returned and a branch, the place
after that block. A branch has ``options(count, beats, seed, check)``, which any thread may call and which makes ways to
go on, each with its ``blocks``. What is wished is handed to its next step in ``ctx.wishes``: ``resume`` (a branch),
``take`` (one of the options), ``restart``. A generator of text may heed ``continue_from`` (the text to go on from).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from studio.engine import Player
from studio.engine.clock import Moment
from studio.engine.threads import spawn
from studio.generator import Cancelled
from studio.media import Notes
from studio.params.applies import missing
from studio.session.playback_track import Letter, Placed

if TYPE_CHECKING:
    from studio.session.core import Core
    from studio.session.line import Line
    from studio.session.playback_line import Playing

SETTLE = 0.06
"""Seconds that a value is to rest before the music is planned anew: a drag is not a hundred plans."""
MARGIN = 0.45
"""Seconds that a generator gets to make the next block."""
MOST_PRIME = 2000
"""Characters before the cursor that a text model reads again."""


class Option(Protocol):
    """A way to go on."""

    blocks: Sequence[Notes]


class Steering(ABC):
    """The part of ``Playback`` that changes what comes."""

    session: Core
    playing: dict[str, Playing]
    clock: Any
    now: Callable[[], float]
    _plans: dict[str, tuple[float, Any]]

    @abstractmethod
    def _keep_feel(self, known: Playing) -> None:
        """What a controller moved of a player is saved with the session."""

    def placed_now(self, known: Playing, moment: Moment, margin: float) -> Placed | None:
        """The block after which something else can still be played: the present one, or the next when it soon ends."""
        position = known.notes.time.position(moment)
        placed = known.notes.current(position)
        if placed is None and known.notes.blocks:
            return known.notes.blocks[0]  # it is about to begin
        if placed is not None and placed.end - position < margin * moment.bpm / 60.0:
            placed = next((other for other in known.notes.blocks if other.beat > position), placed)
        return placed

    # --- notes ---

    def _branch(self, known: Playing, placed: Placed | None) -> Any:
        """The branch after a block that plays, or None."""
        if placed is None or not known.line.slots:
            return None
        pairs = known.line.details(0).get("branches")
        for pair in pairs if isinstance(pairs, tuple) else ():  # what a plugin shows can be anything
            if isinstance(pair, tuple) and len(pair) == 2 and pair[0] is placed.block:
                return pair[1]
        return None

    def branch_now(self, line: str) -> tuple[Any, Placed | None]:
        """The place from which other continuations can be made now, and the block before it."""
        known = self.playing[line]
        placed = self.placed_now(known, self.clock.read(), MARGIN)
        return self._branch(known, placed), placed

    def _values_changed(self, line: Any) -> None:
        """On the session's thread: values that changed are heard from the next block on."""
        known = self.playing.get(getattr(line, "name", ""))
        if known is None or known.line is not line:
            return
        self._keep_feel(known)
        if not line.stages():
            return
        values = [stage.values.dump() for stage in line.stages()]
        before = self._plans.get(line.name, (0.0, None))[1]
        # a generator that is set up again says so itself, and has no place to go on from
        follows = before is not None and before != values and not _restarts(line, before, values)
        due = self.now() + SETTLE if follows else 0.0
        if before != values:
            self._plans[line.name] = (due, values)

    def _plan(self, known: Playing, moment: Moment, now: float) -> None:
        """On the playback thread: go on with the new values after the block that plays."""
        due, values = self._plans.get(known.line.name, (0.0, None))
        if not due or now < due:
            return
        self._plans[known.line.name] = (0.0, values)
        placed = self.placed_now(known, moment, MARGIN)
        branch = self._branch(known, placed)
        if branch is not None and placed is not None:
            self._turn(known, placed.end, resume=branch)

    def _turn(self, known: Playing, beat: float, **wishes: Any) -> None:
        worker = known.line.worker
        assert isinstance(worker, Player)
        with known.notes.lock:
            worker.steer(**wishes)
            known.notes.cut(beat)

    def new_piece(self, line: str) -> None:
        """Begin anew: music that can, after the bar that plays; everything else from the start."""
        known = self.playing[line]
        branch, placed = self.branch_now(line)
        if branch is not None and placed is not None and known.state == "playing":
            self._turn(known, placed.end, resume=branch, restart=True)
        else:
            self.session.restart(line)  # type: ignore[attr-defined]

    def propose(
        self, line: str, count: int, beats: float, done: Callable[[Sequence[Option], Placed | None], None],
        failed: Callable[[str], None], *, seed: int = 0,
    ) -> Callable[[], None]:
        """Let a thread make ``count`` ways to go on for ``beats``; ``done`` or ``failed`` is called in ``pump``.

        Returns a function that gives up.
        """
        branch, placed = self.branch_now(line)
        stopped: list[bool] = []
        if branch is None:
            why = "it plays nothing yet, or its generator cannot go on in other ways"
            self.session.events.call(lambda: failed(why))
            return lambda: None

        def check() -> None:
            if stopped or self.session.closed:
                raise Cancelled

        def work() -> None:
            try:
                made = branch.options(count, beats, seed, check)
            except Cancelled:
                return
            except Exception as error:
                why = str(error) or type(error).__name__
                self.session.events.call(lambda: None if stopped else failed(why))
            else:
                self.session.events.call(lambda: None if stopped else done(made, placed))

        spawn("reverie continuations", work, lambda: stopped.append(True))
        return lambda: stopped.append(True)

    def take(self, line: str, option: Option, after: Placed | None) -> None:
        """Play an option next: after the block it goes on from while that still plays, else after the present one."""
        known = self.playing[line]
        placed = self.place_of(line, after)
        self._turn(known, placed.end if placed is not None else known.notes.end, take=option)

    def place_of(self, line: str, after: Placed | None) -> Placed | None:
        """The block after which an option would play now: ``after`` while it has not ended, else the present one."""
        placed = self.placed_now(self.playing[line], self.clock.read(), 0.05)
        return after if after is not None and (placed is None or after.beat >= placed.beat) else placed

    # --- text ---

    def continue_from(self, line: str, kept: list[Letter]) -> None:
        """Write on from these characters: they are the transcript now, whoever wrote them."""
        known = self.playing[line]
        text = "".join(letter.character for letter in kept)
        worker = known.line.worker
        assert isinstance(worker, Player)
        running = known.line.status().state in ("running", "starting", "failed")
        with known.text.lock:
            known.text.replace(kept)
            if running:
                worker.steer(continue_from=text[-MOST_PRIME:])
        if not running:
            known.keep_text = True
            self._restart(known.line)
            worker.wish(continue_from=text[-MOST_PRIME:])

    def _restart(self, line: Line) -> None:
        self.session.restart(line.name)  # type: ignore[attr-defined]

    def force(self, line: str, characters: str) -> None:
        """Let the text go on with these characters, then as the model likes."""
        known = self.playing[line]
        with known.text.lock:
            kept = list(known.text.letters)
            first = known.text.next_letter()
        chances = dict(first.choices) if first is not None else {}
        made = [Letter(character, chances.get(character) if not place else None, first.choices if first and not place
                       else ()) for place, character in enumerate(characters)]
        self.continue_from(line, kept + made)
        if known.paused:
            self.session.post("line", known.line)


def _restarts(line: Line, before: list[dict[str, Any]], now: list[dict[str, Any]]) -> bool:
    """Whether a value changed with which a generator is set up again."""
    return len(before) != len(now) or any(
        not param.live and old.get(name) != new.get(name) and not missing(param, new)
        for stage, old, new in zip(line.stages(), before, now, strict=True)
        for name, param in stage.generator.params.items()
    )
