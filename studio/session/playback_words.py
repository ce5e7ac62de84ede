"""What text players write, for the decks while they play and again for an export."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.engine import Stage, render
from studio.library.presets import apply_params
from studio.media import Words
from studio.params import ParamSet
from studio.plugins import PluginError, Registry
from studio.session.playback_line import MOST_RATE, Options

if TYPE_CHECKING:
    from studio.session.core import Core
    from studio.session.line import Line
    from studio.session.playback_line import Playing

NEW_PAGE = "\f"


class WordsOut:
    """Finds what was typed since it looked last; used by the session's ``pump``."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[Playing, int, int]] = {}

    def tell(self, session: Core) -> None:
        """Hand what players wrote since the last look to the decks that run."""
        words = self.fresh(list(session.playback.playing.items()))
        for deck in session.decks.values() if words else ():
            if deck.slots and not deck.stopped:
                deck.worker.send_words(words)

    def fresh(self, playing: Iterable[tuple[str, Playing]]) -> list[Words]:
        """The new words of all players, by (name, player). A transcript that became another begins a new page."""
        found: list[Words] = []
        for name, known in playing:
            text = known.text
            with text.lock:
                end = text.dropped + len(text.letters)
                old, version, at = self._read.get(name, (known, text.version, end))
                anew = old is not known or version != text.version or at > end
                if anew:
                    at = end
                typed = "".join(letter.character for letter in text.letters[max(0, at - text.dropped) :])
                self._read[name] = known, text.version, end
            if anew:
                typed = NEW_PAGE + typed
            if typed:
                found.append(Words(typed, name))
        return found


@dataclass
class Writing:
    """A text player as an export has it write again: its chain, and how fast it types."""

    player: str
    stages: list[Stage]
    seed: int
    rate: float
    per_beat: bool


    def to_json(self) -> dict[str, Any]:
        """As it stands in a recipe."""
        return {"player": self.player, "seed": self.seed, "rate": self.rate, "per_beat": self.per_beat, "stages": [
            {"generator": one.generator.id, "version": one.generator.version, "params": one.values.dump()}
            for one in self.stages]}


def read_writings(stored: Any, registry: Registry, notice: Callable[[str], None]) -> list[Writing]:
    """Those of a recipe; one that cannot be used is told and left out."""
    found: list[Writing] = []
    for item in stored if isinstance(stored, list) else []:
        try:
            stages = []
            for entry in item["stages"]:
                plugin = registry.get(str(entry["generator"]))
                generator = plugin.load()
                values = ParamSet(generator.params)
                for text in apply_params(dict(entry["params"]), int(entry["version"]), values, generator):
                    notice(text)
                stages.append(Stage(generator, values, plugin.folder))
            rate, seed = float(item["rate"]), int(item["seed"])
            if not (0.1 <= rate <= MOST_RATE and 0 <= seed < 2**63) or stages[-1].generator.makes != "text":
                raise ValueError("its values are out of range")
            found.append(Writing(str(item["player"])[:60], stages, seed, rate, item.get("per_beat") is True))
        except (KeyError, IndexError, TypeError, ValueError, OverflowError, PluginError) as error:
            notice(f"the words of a player cannot be written again ({error}); they are left out")
    return found


def writings_of(lines: Iterable[Line]) -> list[Writing]:
    """The text players among ``lines`` as they are now, in copies."""
    found = []
    for line in lines:
        stages = [Stage(one.generator, _copy(one.values), one.folder) for one in line.stages() if not one.bypass]
        if line.stopped or not stages or stages[-1].generator.makes != "text":
            continue
        options = Options.of(line)
        found.append(Writing(line.name, stages, line.seed, options.rate, options.per_beat))
    return found


def _copy(values: ParamSet) -> ParamSet:
    made = ParamSet(values.params)
    made.load(values.dump())
    return made


class Spoken:
    """The words of players in an export, at the times at which they type them; see ``engine.render``.

    A text is made as it is needed. One that fails or ends is simply over: the picture goes on.
    """

    def __init__(self, writings: list[Writing], bpm: float, device: str = "cpu") -> None:
        self._bpm = bpm
        self._open: list[tuple[Writing, Iterator[Any]]] = [
            (writing, render(writing.stages, frames=10**9, seed=writing.seed, bpm=bpm, device=device))
            for writing in writings
        ]
        self._waiting = {writing.player: "" for writing in writings}
        self._typed = {writing.player: 0 for writing in writings}

    def __call__(self, seconds: float) -> tuple[Words, ...]:
        """What was typed since the last call, until ``seconds`` from the start."""
        found: list[Words] = []
        for entry in list(self._open):
            writing, pieces = entry
            rate = writing.rate * (self._bpm / 60.0 if writing.per_beat else 1.0)
            due = int(seconds * rate + 1e-6) - self._typed[writing.player]
            waiting = self._waiting[writing.player]
            while len(waiting) < due:
                piece = next(pieces, None)
                if piece is None:
                    self._open.remove(entry)
                    break
                waiting += str(piece)
            if due > 0 and waiting:
                found.append(Words(waiting[:due], writing.player))
            self._waiting[writing.player] = waiting[max(0, due) :]
            self._typed[writing.player] += max(0, due)
        return tuple(found)
