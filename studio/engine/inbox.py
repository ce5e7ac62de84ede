"""What comes to a worker while it is at work: notes that begin and words that are written, for its next step."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from studio.media import Note, Words

MOST_NOTES, MOST_WORDS = 256, 1024
"""Most that wait for one step; of more the oldest are forgotten."""


class Inbox:
    """Any thread puts in, the worker takes out."""

    def __init__(self) -> None:
        self._notes: deque[Note] = deque(maxlen=MOST_NOTES)
        self._words: deque[Words] = deque(maxlen=MOST_WORDS)

    def put_notes(self, notes: Sequence[Note]) -> None:
        """Notes that began now."""
        self._notes.extend(notes)

    def put_words(self, words: Sequence[Words]) -> None:
        """Words that were written now."""
        self._words.extend(words)

    def take(self) -> tuple[tuple[Note, ...], tuple[Words, ...]]:
        """All that came since the last time."""
        return (tuple(self._notes.popleft() for _ in range(len(self._notes))),
                tuple(self._words.popleft() for _ in range(len(self._words))))
