"""Undo, redo, and the way back to how everything looked a while ago.

States are plain dicts, ``{"lines": {name: {...}}, "mix": {...}, "bpm": …}``. A step keeps the state before and after;
going back changes only what the step changed, so that values which a controller or an LFO moved meanwhile stay.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

State = dict[str, Any]

MOST = 500
"""Steps that can be undone."""

ROLLING_SECONDS, ROLLING_EVERY = 600.0, 1.0
"""How far back the rolling history reaches, and how often it looks."""

NOT_BY_TIME = ("looks",)
"""Parts of the state that only their own steps change: snapshots that were taken during a fade, or in the last ten
seconds, stay when the fade is undone or the studio goes back."""

MERGE_SECONDS = 1.0
"""Edits without an end of their own (a wheel, arrow keys) count as one within this time."""


@dataclass(eq=False)
class Step:
    """One undoable step."""

    label: str
    before: State
    after: State | None = None


class History:
    """Steps and samples. ``capture`` gives the present state, ``restore(target, changed_from)`` sets what differs."""

    def __init__(
        self, capture: Callable[[], State], restore: Callable[[State, State], None],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._capture, self._restore, self._changed = capture, restore, changed
        self._undo: deque[Step] = deque(maxlen=MOST)
        self._redo: list[Step] = []
        self._open: tuple[Hashable, float] | None = None
        self._samples: deque[tuple[float, State]] = deque()

    def begin(self, label: str, gesture: Hashable = None) -> None:
        """Call before a change. The same ``gesture`` again goes on with the same step."""
        now = time.monotonic()
        if gesture is not None and self._open is not None and self._open[0] == gesture:
            held = isinstance(gesture, tuple) and bool(gesture) and gesture[0] == "hold"
            if held or now - self._open[1] < MERGE_SECONDS:
                self._open = (gesture, now)
                return
        self._drop_empty()
        self._undo.append(Step(label, self._capture()))
        self._redo.clear()
        self._open = (gesture, now) if gesture is not None else None
        self._changed()

    def commit(self) -> None:
        """Call after the change: what others change from here on is not part of the step."""
        if self._undo:
            self._undo[-1].after = self._capture()

    def open(self, label: str) -> Step:
        """A step that goes on while others come and go (a fade); ``close`` ends it."""
        self._drop_empty()
        step = Step(label, self._capture())
        self._undo.append(step)
        self._redo.clear()
        self._changed()
        return step

    def close(self, step: Step) -> None:
        """What ``open`` began is over: what it changed until now is one step back."""
        step.after = self._capture()
        step.before = self._with_present(step.before, step.after)
        if step.before == step.after and step in self._undo:
            self._undo.remove(step)
        self._changed()

    @staticmethod
    def _with_present(state: State, now: State) -> State:
        return {**state, **{name: now[name] for name in NOT_BY_TIME if name in now}}

    @property
    def newest(self) -> Step | None:
        """The step that ``undo`` would take back."""
        return self._undo[-1] if self._undo else None

    def end(self) -> None:
        """The gesture is over: what comes next is a step of its own."""
        self._open = None

    def _drop_empty(self) -> None:
        """Forget the newest step when nothing came of it."""
        self._open = None
        if self._undo and self._undo[-1].before == self._undo[-1].after:
            self._undo.pop()

    @property
    def can_undo(self) -> bool:
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        return bool(self._redo)

    @property
    def undo_label(self) -> str:
        return self._undo[-1].label if self._undo else ""

    @property
    def redo_label(self) -> str:
        return self._redo[-1].label if self._redo else ""

    def undo(self) -> str:
        """Take the newest step back; returns its label, '' when there is none."""
        self._drop_empty()
        if not self._undo:
            self._changed()
            return ""
        step = self._undo.pop()
        step.after = step.after or self._capture()
        self._restore(step.before, step.after)
        self._redo.append(step)
        self._changed()
        return step.label

    def redo(self) -> str:
        """Do the step that was taken back last once more."""
        if not self._redo:
            return ""
        step = self._redo.pop()
        assert step.after is not None  # a step is taken back only after its end
        self._restore(step.after, step.before)
        self._undo.append(step)
        self._changed()
        return step.label

    def clear(self) -> None:
        """Forget all: another session was opened."""
        self._undo.clear()
        self._redo.clear()
        self._samples.clear()
        self._open = None
        self._changed()

    # --- the rolling history ---

    def sample(self) -> None:
        """Remember the present state, at most once a second and only when it differs from the last."""
        now = time.monotonic()
        if self._samples and now - self._samples[-1][0] < ROLLING_EVERY:
            return
        state = self._capture()
        if not self._samples or self._samples[-1][1] != state:
            self._samples.append((now, state))
        # the newest sample that is older than the reach still says how it was then
        while len(self._samples) > 1 and now - self._samples[1][0] > ROLLING_SECONDS:
            self._samples.popleft()

    def go_back(self, seconds: float) -> bool:
        """Return to how everything was so long ago, as one step that can be undone. False when nothing is known."""
        then = time.monotonic() - seconds
        past = [state for when, state in self._samples if when <= then] or [s for _, s in list(self._samples)[:1]]
        if not past:
            return False
        self.begin(f"Back {seconds:g} seconds")
        now = self._capture()
        self._restore(self._with_present(past[-1], now), now)
        self.commit()
        self.end()
        return True
