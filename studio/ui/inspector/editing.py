"""What a row may do: read and change the values of one stage. Changes go through the session, to be undone there."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from studio.params import Param, ParamSet, Seed

if TYPE_CHECKING:
    from PySide6.QtCore import QObject

    from studio.session.session import Session

T = TypeVar("T")
HISTORY = 20
"""How many earlier seeds a row offers."""


class SeedHistory:
    """The seeds that a parameter had, oldest first, without immediate repeats, ``HISTORY`` at the most."""

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def saw(self, seed: int) -> None:
        """Remember a seed; one already known moves to the end."""
        if self.seeds and self.seeds[-1] == seed:
            return
        self.seeds = [*(s for s in self.seeds if s != seed), seed][-HISTORY:]


class StageEdits:
    """The values of one stage of one line, as rows see them. ``values`` is read, never written, here."""

    def __init__(
        self, session: Session, line: str, index: int, values: ParamSet, kind: str = "image",
        folder: Path | None = None,
    ) -> None:
        """``kind`` is the kind of media the generator makes: rows wear its colour. ``folder`` is the plugin's."""
        self.session, self.line, self.index, self.values, self.kind = session, line, index, values, kind
        self.folder = folder
        self._seeds: dict[str, SeedHistory] = {}

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def revision(self) -> int:
        """Grows with every change, whoever made it."""
        return self.values.revision

    def param(self, name: str) -> Param[Any]:
        return self.values.params[name]

    def set(self, name: str, value: Any, gesture: Hashable | None = None) -> None:
        """Change one value; calls with one gesture after another are one step of undo."""
        self.session.set_value(self.line, self.index, name, value, gesture=gesture)

    def reset(self, name: str, gesture: Hashable | None = None) -> None:
        """Back to the default."""
        self.set(name, self.param(name).default, gesture)

    def randomise(self, name: str) -> None:
        """A new value at random for this one; a locked one stays."""
        self.session.randomise(self.line, self.index, 1.0, [name])

    def fire(self, name: str) -> None:
        self.session.fire(self.line, self.index, name)

    def lock(self, name: str, on: bool) -> None:
        """Leave it out of (or let it into) randomising."""
        self.session.set_lock(self.line, self.index, name, on)

    def locked(self, name: str) -> bool:
        return self.session.is_locked(self.line, self.index, name)

    def step(self, label: str) -> AbstractContextManager[Any]:
        """Everything done inside is one step of undo."""
        return self.session.edit(label)

    def seeds(self, name: str) -> SeedHistory:
        """The seeds this stage had under a name."""
        assert isinstance(self.param(name), Seed)
        return self._seeds.setdefault(name, SeedHistory())

    def later(
        self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[str], None] | None = None,
        *, owner: QObject,
    ) -> None:
        """Run ``work`` on a thread and ``done`` with its result here, unless ``owner`` is gone by then."""
        from studio.ui.background import background

        background(self.session, work, done, failed, owner=owner)
