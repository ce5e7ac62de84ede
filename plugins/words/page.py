"""The lines that stand on the page: what was written last, broken into lines; each letter knows its beat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

LONGEST_WORD = 60
"""Letters after which a word is broken."""


@dataclass
class Letter:
    """A letter and the beat on which it appears."""

    character: str
    born: float
    number: int


@dataclass
class Line:
    """Letters beside each other. ``row`` counts from the first line ever; ``left_at`` is the beat it began to leave."""

    row: int
    letters: list[Letter] = field(default_factory=list)
    closed: bool = False
    left_at: float | None = None
    x: float | None = None
    """Where it is shown now, for a line that grows and stays centred without a jerk; see ``setting``."""

    @property
    def text(self) -> str:
        """Its letters, without the space at its end."""
        return "".join(letter.character for letter in self.letters).rstrip()

    @property
    def born(self) -> float:
        """The beat of its last letter."""
        return self.letters[-1].born if self.letters else -1e9


class Page:
    """Lines that stand and lines that leave. ``fits`` says whether a text is one line."""

    def __init__(self) -> None:
        self.standing: list[Line] = []
        self.leaving: list[Line] = []
        self._number = self._row = 0

    def write(self, text: str, born: Callable[[int], float], fits: Callable[[str], bool]) -> None:
        """Write more: letter number i of ``text`` appears on beat ``born(i)``. A line end closes the line, a form feed
        the page."""
        for index, character in enumerate(text):
            when = born(index)
            if character == "\f":
                self.clear(when)
            elif character == "\n":
                if self.standing and self.standing[-1].letters:
                    self.standing[-1].closed = True
            elif character.isprintable():
                self._add(Letter(character, when, self._number), fits)
                self._number += 1

    def _open(self) -> Line:
        if not self.standing or self.standing[-1].closed:
            self.standing.append(Line(self._row))
            self._row += 1
        return self.standing[-1]

    def _add(self, letter: Letter, fits: Callable[[str], bool]) -> None:
        line = self._open()
        if letter.character == " " and not line.letters:
            return  # no line begins with a space
        line.letters.append(letter)
        if letter.character == " " or fits(line.text):
            return
        # the word that does not fit goes to the next line, whole if it can
        text = "".join(one.character for one in line.letters)
        at = text.rstrip().rfind(" ") + 1
        if at <= 0 or len(text) - at > LONGEST_WORD:
            at = len(line.letters) - 1
        if at <= 0:
            return  # a single letter wider than the line
        moved = line.letters[at:]
        del line.letters[at:]
        line.closed = True
        self._open().letters.extend(moved)

    def begun(self, now: float) -> list[Line]:
        """The standing lines of which something is seen."""
        return [line for line in self.standing if line.letters and line.letters[0].born <= now]

    def keep(self, lines: int, now: float) -> None:
        """Let the oldest lines leave until ``lines`` of those that have begun are left."""
        for _ in range(len(self.begun(now)) - lines):
            self._leave(self.standing.pop(0), now)

    def clear(self, when: float) -> None:
        """Let all lines leave."""
        while self.standing:
            self._leave(self.standing.pop(0), when)

    def age(self, now: float, stay: float, gone: float) -> None:
        """Lines whose last letter is ``stay`` beats old leave (0: they stay); those that left ``gone`` ago are gone."""
        if stay > 0:
            while self.standing and now - self.standing[0].born > stay:
                if not self.standing[0].closed and len(self.standing) > 1:
                    break
                self._leave(self.standing.pop(0), now)
        self.leaving = [line for line in self.leaving if line.left_at is not None and now - line.left_at < gone]

    def _leave(self, line: Line, when: float) -> None:
        line.left_at, line.closed = when, True
        self.leaving.append(line)

    def resized(self) -> None:
        """Every line finds its place anew."""
        for line in [*self.standing, *self.leaving]:
            line.x = None

    @property
    def empty(self) -> bool:
        """Whether nothing stands or leaves."""
        return not self.standing and not self.leaving

    @property
    def last_born(self) -> float:
        """The beat of the last letter; long ago on an empty page."""
        return self.standing[-1].born if self.standing else -1e9


def balanced(text: str, fits: Callable[[str], bool]) -> int:
    """The fewest letters in a line with which ``text`` takes no more lines than it must: no word is left alone."""
    def count(most: int) -> int:
        lines, line = 1, ""
        for word in text.split():
            longer = f"{line} {word}".strip()
            if line and not (fits(longer) and len(longer) <= most):
                lines, line = lines + 1, word
            else:
                line = longer
        return lines

    whole = len(text)
    wanted, low, high = count(whole), max(map(len, text.split()), default=1), whole
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if count(middle) <= wanted else (middle + 1, high)
    return low
