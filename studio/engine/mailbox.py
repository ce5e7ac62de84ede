"""How workers hand over what they made: a one-slot mailbox for pictures, a bounded queue for notes and text.

Neither can grow: pictures as queued signals once grew by 3 GB in four seconds in front of a slow reader.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """One slot, newest wins. Any thread may put, any thread may take.

    ``put_count`` counts what was put, ``dropped`` what was overwritten before anyone took it.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._item: T | None = None
        self._new = False
        self.put_count = self.dropped = 0

    def put(self, item: T) -> None:
        """Replace what is there. Never waits."""
        with self._condition:
            self.dropped += self._new
            self.put_count += 1
            self._item, self._new = item, True
            self._condition.notify_all()

    def take(self, timeout: float = 0.0) -> T | None:
        """The newest item if nobody took it yet, else None; waits up to ``timeout`` seconds for one."""
        with self._condition:
            if not self._new and timeout > 0:
                self._condition.wait_for(lambda: self._new, timeout)
            if not self._new:
                return None
            self._new = False
            self._condition.notify_all()
            return self._item

    def wait_taken(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until somebody has taken the newest item: for makers who work on demand."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._new, timeout)

    @property
    def last(self) -> T | None:
        """The newest item, taken or not: the last good picture."""
        return self._item

    def clear(self) -> None:
        """Forget the item (its memory is freed); the counters stay."""
        with self._condition:
            self._item, self._new = None, False


class PartQueue(Generic[T]):
    """At most ``size`` parts ahead of their reader; a full queue makes the writer wait, so nothing is lost."""

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a queue needs room for one part or more, not {size}")
        self.size = size
        self._condition = threading.Condition()
        self._items: deque[T] = deque()

    def put(self, item: T, give_up: Callable[[], bool]) -> bool:
        """Append, waiting for room; ``give_up`` is asked first and then ten times a second. False when it gave up."""
        with self._condition:
            while not (stop := give_up()) and len(self._items) >= self.size:
                self._condition.wait(0.1)
            if stop:
                return False
            self._items.append(item)
            self._condition.notify_all()
            return True

    def take(self, timeout: float = 0.0) -> T | None:
        """The oldest part, or None; waits up to ``timeout`` seconds for one."""
        with self._condition:
            if not self._items and timeout > 0:
                self._condition.wait_for(lambda: bool(self._items), timeout)
            if not self._items:
                return None
            item = self._items.popleft()
            self._condition.notify_all()
            return item

    def clear(self) -> None:
        """Forget what waits, for instance when its parameters changed so much that it would be stale."""
        with self._condition:
            self._items.clear()
            self._condition.notify_all()

    def __len__(self) -> int:
        return len(self._items)
