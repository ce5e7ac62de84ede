"""News inside the studio: any thread posts, one thread hears.

Workers, jobs and loaders post; the thread that owns the session calls ``pump`` (the window from a timer, a script when
it likes) and the callbacks run there. Nothing is ever pushed into another thread.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import time
from typing import Any

log = logging.getLogger("reverie.session")

MAX_WAITING = 4096
"""Most posts that wait; of more the oldest are dropped, which can only happen while nobody pumps."""


@dataclass(frozen=True)
class Notice:
    """A sentence for the user. ``level`` is info, warning or error; ``cure`` what helps; ``source`` who says it."""

    text: str
    level: str = "info"
    cure: str = ""
    source: str = ""
    when: float = field(default_factory=time)

    @property
    def said(self) -> str:
        """The sentence after who says it."""
        return f"{self.source}: {self.text}" if self.source else self.text


def without_name(text: str, name: str) -> str:
    """A worker's sentence without the worker's name at its beginning, for where the name stands before it anyway.

    >>> without_name("deck A is too slow for this machine", "Deck A")
    'Too slow for this machine'
    """
    if not text.casefold().startswith((f"{name} ".casefold(), f"{name}:".casefold())):
        return text
    rest = text[len(name):].removeprefix(":").strip().removeprefix("is ")
    return rest[:1].upper() + rest[1:]


def news_of(title: str, notice: Callable[..., None]) -> dict[str, Callable[[str], None]]:
    """A worker's ``on_notice`` (warnings) and ``on_better`` (good news, no warning) that say it under its title."""

    def at(level: str) -> Callable[[str], None]:
        return lambda text: notice(without_name(text, title), level=level, source=title)

    return {"on_notice": at("warning"), "on_better": at("info")}


class Events:
    """Callbacks by kind of news."""

    def __init__(self) -> None:
        self._callbacks: dict[str, list[Callable[[Any], None]]] = {}
        self._waiting: deque[tuple[str, Any]] = deque(maxlen=MAX_WAITING)
        self._calls: deque[Callable[[], object]] = deque()
        self._thread = threading.get_ident()

    def on(self, kind: str, callback: Callable[[Any], None]) -> Callable[[], None]:
        """Call ``callback(subject)`` for each news of this kind; the returned function ends that."""
        self._callbacks.setdefault(kind, []).append(callback)

        def off() -> None:
            if callback in self._callbacks.get(kind, []):
                self._callbacks[kind].remove(callback)

        return off

    def post(self, kind: str, subject: Any = None) -> None:
        """Tell of something; from any thread. News of the same kind and subject that still wait count once."""
        if not self._waiting or self._waiting[-1][0] != kind or self._waiting[-1][1] is not subject:
            self._waiting.append((kind, subject))

    def call(self, work: Callable[[], object]) -> None:
        """Run ``work`` in the next ``pump``; from any thread. Calls are never dropped."""
        self._calls.append(work)

    def pump(self) -> int:
        """Deliver what was posted until now; returns how much it was. A callback that raises stops nothing else."""
        count = 0
        for _ in range(len(self._calls)):
            self._safely(self._calls.popleft())
            count += 1
        for _ in range(len(self._waiting)):
            kind, subject = self._waiting.popleft()
            count += 1
            for callback in list(self._callbacks.get(kind, ())):
                self._safely(functools.partial(callback, subject))
        return count

    @staticmethod
    def _safely(work: Callable[[], object]) -> None:
        try:
            work()
        except Exception:
            log.exception("a listener failed")
