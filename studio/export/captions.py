"""Captions: what a text player writes as SubRip (.srt) or WebVTT (.vtt), with the times at which it is typed."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from studio.export.recipe import pack, sidecar
from studio.export.writers import Writer
from studio.files import atomic_write
from studio.params import Bool, Float, Int
from studio.safe_json import dumps

LEAST_SECONDS = 0.4
"""How long the last caption is shown at the least, after its last letter."""


@dataclass(frozen=True)
class Caption:
    """Lines that are shown from ``start`` to ``end``, in seconds."""

    start: float
    end: float
    lines: tuple[str, ...]


def captions(
    typed: Iterable[tuple[str, float]], *, columns: int = 42, lines: int = 2, stay: float = 4.0
) -> Iterator[Caption]:
    """Captions of (character, second it is typed) pairs: at most ``lines`` lines of ``columns`` letters.

    A caption begins with its first letter. It ends with the beginning of the next, or ``stay`` seconds after its last
    letter. A line end begins a line, an empty line a caption.
    """
    waiting: tuple[float, float, list[str]] | None = None
    for start, last, text in _pages(typed, columns, lines):
        if waiting is not None:
            yield _caption(waiting, stay, start)
        waiting = (start, last, text)
    if waiting is not None:
        yield _caption(waiting, max(stay, LEAST_SECONDS), None)


def _caption(page: tuple[float, float, list[str]], stay: float, following: float | None) -> Caption:
    start, last, text = page
    end = last + stay
    if following is not None:
        end = min(end, following)
    return Caption(start, max(end, start + 0.001), tuple(text))


def _pages(
    typed: Iterable[tuple[str, float]], columns: int, lines: int
) -> Iterator[tuple[float, float, list[str]]]:
    """(first letter, last letter, lines) of each caption."""
    page: list[tuple[str, float, float]] = []
    for line in _lines(typed, columns):
        if line is None or len(page) >= lines:
            if page:
                yield page[0][1], page[-1][2], [text for text, _, _ in page]
            page = []
        if line is not None:
            page.append(line)
    if page:
        yield page[0][1], page[-1][2], [text for text, _, _ in page]


def _lines(typed: Iterable[tuple[str, float]], columns: int) -> Iterator[tuple[str, float, float] | None]:
    """Broken lines (text, first letter, last letter); None for an empty line."""
    line: list[tuple[str, float]] = []
    empty = False

    def made(part: list[tuple[str, float]]) -> tuple[str, float, float] | None:
        shown = [(letter, when) for letter, when in part if not letter.isspace()]
        text = "".join(letter for letter, _ in part).strip()
        return (" ".join(text.split()), shown[0][1], shown[-1][1]) if shown else None

    for letter, when in typed:
        if letter in "\n\f\r\v\x85\u2028\u2029":
            found = made(line)
            line = []
            if found is not None:
                yield found
            elif empty or letter == "\f":
                yield None
            empty = True
            if letter == "\f":
                yield None
            continue
        if not letter.isprintable() and not letter.isspace():
            continue
        empty = False
        line.append((letter, when))
        if len("".join(one for one, _ in line).strip()) > columns:
            at = next((place for place in range(len(line) - 1, 0, -1) if line[place][0].isspace()), len(line) - 1)
            found = made(line[:at])
            line = line[at:]
            while line and line[0][0].isspace():
                line.pop(0)
            if found is not None:
                yield found
    found = made(line)
    if found is not None:
        yield found


def clock(seconds: float, mark: str) -> str:
    """``00:01:02,345`` with ``mark`` before the thousandths."""
    whole = round(seconds * 1000)
    return f"{whole // 3_600_000:02d}:{whole // 60_000 % 60:02d}:{whole // 1000 % 60:02d}{mark}{whole % 1000:03d}"


class _Captions(Writer):
    """Text is timed as a player types it: at a steady rate of letters."""

    kind, takes = "text", ("text",)
    mark: ClassVar[str] = ","
    rate = Float(24.0, 0.1, 2000.0, curve="log", unit="letters", help="Letters in a second, or in a beat")
    per_beat = Bool(False, help="The rate counts beats of the tempo, not seconds")
    columns = Int(42, 8, 120, help="Letters in a line at the most")
    lines = Int(2, 1, 6, help="Lines in a caption at the most")
    stay = Float(4.0, 0.0, 60.0, unit="s", help="How long a caption stays after its last letter, if no other comes")

    def _open(self, stack: contextlib.ExitStack) -> Path:
        self._recipe_file: Path | None = None
        path = super()._open(stack)
        if self.recipe is not None:
            self._recipe_file = stack.enter_context(atomic_write(sidecar(self.path)))
        return path

    def _begin(self) -> None:
        self._file = self._temporary.open("w", encoding="utf-8", errors="replace", newline="\n")
        self._letters: deque[str] = deque()

    def _add(self, media: Any) -> None:
        self._letters.append(media)

    def _typed(self) -> Iterator[tuple[str, float]]:
        rate = float(self._values["rate"]) * (self.bpm / 60.0 if self._values["per_beat"] else 1.0)
        count = 0
        for piece in self._letters:
            for letter in piece:
                count += 1
                yield letter, count / rate  # a letter is typed when its share of the time is over

    def _finish(self) -> None:
        values = self._values
        written = 0
        self._file.write(self._head())
        for number, one in enumerate(captions(
            self._typed(), columns=values["columns"], lines=values["lines"], stay=values["stay"]), 1,
        ):
            times = f"{clock(one.start, self.mark)} --> {clock(one.end, self.mark)}"
            self._file.write(f"{number}\n{times}\n" + "\n".join(map(self._text, one.lines)) + "\n\n")
            written = number
        self._file.close()
        if not written:
            raise self._fault("the text has no letters, so there is nothing to caption")
        if self._recipe_file is not None:
            pack(self.recipe or {})  # the size limit of all recipes
            self._recipe_file.write_text(dumps(self.recipe), encoding="utf-8", newline="\n")
        self.report.update(captions=written)

    def _head(self) -> str:
        return ""

    def _text(self, line: str) -> str:
        return line

    def _abort(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()


class SrtWriter(_Captions):
    """SRT: SubRip, for players, editors and video sites."""


class VttWriter(_Captions):
    """VTT: WebVTT, for video in web pages."""

    mark = "."

    def _head(self) -> str:
        return "WEBVTT\n\n"

    def _text(self, line: str) -> str:
        return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
