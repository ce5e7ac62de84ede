"""Modulators: values 0..1 that move by themselves or with what players emit. No clock of their own, no global chance.

They are stepped with moments; the same seed and the same moments give the same values, and shapes of chance do not
depend on how many moments there are: a take renders the same at any frame rate.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from studio.control.waves import SHAPES as SHAPES
from studio.control.waves import chance as chance
from studio.control.waves import wave as wave

EVENTS = ("note", "velocity", "pitch", "pitch_class", "word")
OPERATIONS = ("add", "subtract", "multiply", "average", "least", "greatest", "difference")
KINDS = ("lfo", "walk", "envelope", "player", "audio", "hold", "math")

MOST = 256
"""Most modulators in a session."""


@dataclass(frozen=True)
class Happening:
    """What a player emitted: a note that began (``pitch``, ``velocity`` 0..127, ``seconds``), or a word."""

    player: str
    pitch: int = 0
    velocity: int = 0
    seconds: float = 0.0
    word: str = ""


@dataclass(frozen=True)
class Step:
    """One moment: ``dt`` seconds and ``beats`` since the last one, what players emitted in between, and what is heard
    (``studio.control.audio.FEATURES``, 0..1)."""

    dt: float
    beats: float
    happenings: tuple[Happening, ...] = ()
    audio: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Modulator(ABC):
    """``name`` is how routes and bindings call it. ``value`` is 0..1, after each ``step``."""

    name: str
    seed: int = 0
    value: float = field(default=0.0, compare=False)

    kind = ""

    @abstractmethod
    def step(self, step: Step, others: Mapping[str, float]) -> float:
        """The value after ``step``; ``others`` are the values of all modulators as they are now."""

    def reset(self) -> None:
        """As at the start."""
        self.value = 0.0

    @property
    def pressed(self) -> bool:
        """Whether it counts as a button that is down, for a binding."""
        return self.value >= 0.5


@dataclass
class Lfo(Modulator):
    """``rate`` in Hz, or with ``synced`` in turns per beat (0.25: once in four beats); ``phase`` in turns.

    The phase is integrated: another rate goes on from where it is. Synced, it stays in step with the beat.
    """

    shape: str = "sine"
    rate: float = 0.5
    synced: bool = False
    phase: float = 0.0
    turns: float = field(default=0.0, compare=False)
    kind = "lfo"

    def step(self, step: Step, others: Mapping[str, float]) -> float:
        self.turns += self.rate * (step.beats if self.synced else step.dt)
        self.value = wave(self.shape, self.turns + self.phase, self.seed)
        return self.value

    def align(self, beat: float) -> None:
        """Count turns from beat 0, so that two synced LFOs of one rate agree."""
        if self.synced:
            self.turns = beat * self.rate

    def reset(self) -> None:
        self.value = self.turns = 0.0


@dataclass
class Walk(Modulator):
    """A random walk: ``rate`` steps a second (or a beat, ``synced``) of at most ``size``, turned back at the ends."""

    rate: float = 4.0
    size: float = 0.2
    synced: bool = False
    turns: float = field(default=0.0, compare=False)
    _index: int = field(default=0, compare=False, repr=False)
    _from: float = field(default=0.5, compare=False, repr=False)
    kind = "walk"

    def step(self, step: Step, others: Mapping[str, float]) -> float:
        self.turns += max(0.0, self.rate) * (step.beats if self.synced else step.dt)
        index = int(self.turns)
        if index - self._index > 100_000:  # a jump of hours: where it would be does not matter
            self._index = index - 1
        while self._index < index:
            self._from = self._next(self._from, self._index)
            self._index += 1
        goal = self._next(self._from, index)
        self.value = self._from + (goal - self._from) * (self.turns - index)
        return self.value

    def _next(self, here: float, index: int) -> float:
        there = abs(here + (2.0 * chance(self.seed, index) - 1.0) * self.size)
        return 2.0 - there if there > 1.0 else there

    def reset(self) -> None:
        self.value, self.turns, self._index, self._from = 0.5, 0.0, 0, 0.5


@dataclass
class Envelope(Modulator):
    """Attack, decay and release in seconds, sustain 0..1, opened by the notes of a ``player`` ('' for any).

    A new note starts the attack from where the envelope is, so it never clicks. Segments are straight lines: the value
    does not depend on how often it is stepped.
    """

    player: str = ""
    attack: float = 0.01
    decay: float = 0.2
    sustain: float = 0.6
    release: float = 0.4
    _stage: str = field(default="off", compare=False, repr=False)
    _gate: float = field(default=0.0, compare=False, repr=False)
    _drop: float = field(default=1.0, compare=False, repr=False)
    kind = "envelope"

    def step(self, step: Step, others: Mapping[str, float]) -> float:
        for happening in step.happenings:
            if happening.velocity > 0 and self.player in ("", happening.player):
                self._stage = "attack"
                self._gate = max(self._gate, happening.seconds, 0.005)
        left = step.dt
        while left > 0.0:
            spent = self._segment(min(left, self._gate) if self._gate > 0.0 else left)
            if self._gate > 0.0:
                self._gate -= spent
                if self._gate <= 1e-9:
                    self._gate, self._stage, self._drop = 0.0, "release", self.value
            left -= spent
        return self.value

    def _segment(self, most: float) -> float:
        """Go on for at most so many seconds, to the end of a segment at the latest; returns the seconds."""
        goal, speed, after = {
            "attack": (1.0, 1.0 / self.attack if self.attack > 0.0 else math.inf, "decay"),
            "decay": (self.sustain, (1.0 - self.sustain) / self.decay if self.decay > 0.0 else math.inf, "sustain"),
            "release": (0.0, self._drop / self.release if self.release > 0.0 else math.inf, "off"),
        }.get(self._stage, (self.value, 0.0, ""))
        if not after:
            return most
        way = goal - self.value
        if (way > 0.0) != (self._stage == "attack") or way == 0.0 or speed <= 0.0:
            self.value, self._stage = goal, after
            return 0.0
        left = abs(way) / speed
        if most < left:
            self.value += math.copysign(most * speed, way)
            return most
        self.value, self._stage = goal, after
        return left

    def reset(self) -> None:
        self.value, self._stage, self._gate = 0.0, "off", 0.0


@dataclass
class FromPlayer(Modulator):
    """What a player emits. ``event``: note and word jump to 1 and fall within ``fall`` seconds; velocity, pitch and
    pitch_class stay until the next note. ``word`` is compared without case and punctuation.
    """

    player: str = ""
    event: str = "note"
    word: str = ""
    fall: float = 0.3
    hit: bool = field(default=False, compare=False)
    kind = "player"

    def step(self, step: Step, others: Mapping[str, float]) -> float:
        self.hit = False
        if self.event in ("note", "word"):
            self.value = max(0.0, self.value - step.dt / self.fall) if self.fall > 0.0 else 0.0
        for happening in step.happenings:
            if self.player not in ("", happening.player):
                continue
            if self.event == "word":
                if happening.word and happening.word == plain(self.word):
                    self.value, self.hit = 1.0, True
            elif happening.velocity > 0:
                self.hit = True
                self.value = {
                    "note": 1.0, "velocity": happening.velocity / 127.0, "pitch": happening.pitch / 127.0,
                    "pitch_class": happening.pitch % 12 / 11.0,
                }[self.event]
        return self.value

    @property
    def pressed(self) -> bool:
        return self.hit if self.event in ("note", "word") else self.value >= 0.5


@dataclass
class FromAudio(Modulator):
    """What is heard: a ``feature`` of the sound that comes in, such as level, bass or onset."""

    feature: str = "level"
    kind = "audio"

    def step(self, step: Step, others: Mapping[str, float]) -> float:
        self.value = min(1.0, max(0.0, step.audio.get(self.feature, 0.0)))
        return self.value


@dataclass
class Hold(Modulator):
    """Sample and hold: takes the value of ``source`` with each turn of ``rate`` (Hz, or per beat ``synced``), or, with
    ``rate`` 0, with each note of ``player``. Without a source it takes a number by chance."""

    source: str = ""
    rate: float = 1.0
    synced: bool = False
    player: str = ""
    turns: float = field(default=0.0, compare=False)
    _taken: int = field(default=-1, compare=False, repr=False)
    kind = "hold"

    def step(self, step: Step, others: Mapping[str, float]) -> float:
        if self.rate > 0.0:
            self.turns += self.rate * (step.beats if self.synced else step.dt)
            count = int(self.turns)
        else:
            notes = sum(h.velocity > 0 and self.player in ("", h.player) for h in step.happenings)
            count = max(0, self._taken) + notes
        if count != self._taken:
            self._taken = count
            self.value = others.get(self.source, 0.0) if self.source else chance(self.seed, count)
        return self.value

    def reset(self) -> None:
        self.value, self.turns, self._taken = 0.0, 0.0, -1


@dataclass
class Math(Modulator):
    """Two others together, 0..1."""

    operation: str = "average"
    first: str = ""
    second: str = ""
    kind = "math"

    def step(self, step: Step, others: Mapping[str, float]) -> float:
        a, b = others.get(self.first, 0.0), others.get(self.second, 0.0)
        made = {
            "add": a + b, "subtract": a - b, "multiply": a * b, "average": (a + b) / 2.0, "least": min(a, b),
            "greatest": max(a, b), "difference": abs(a - b),
        }[self.operation]
        self.value = min(1.0, max(0.0, made))
        return self.value


CLASSES: dict[str, type[Modulator]] = {
    "lfo": Lfo, "walk": Walk, "envelope": Envelope, "player": FromPlayer, "audio": FromAudio, "hold": Hold,
    "math": Math,
}


class Bank:
    """All modulators, stepped together. One that reads another sees its newest value; a circle sees the step before."""

    def __init__(self) -> None:
        self.modulators: list[Modulator] = []
        self.values: dict[str, float] = {}

    def set(self, modulators: list[Modulator]) -> None:
        """Use these from now on."""
        names = {modulator.name for modulator in modulators}
        self.modulators = list(modulators)
        self.values = {name: value for name, value in self.values.items() if name in names}

    def step(self, step: Step) -> dict[str, float]:
        """Move all on; returns their values by name."""
        for modulator in self.modulators:
            value = modulator.step(step, self.values)
            self.values[modulator.name] = value if math.isfinite(value) else 0.0
        return self.values

    def reset(self) -> None:
        """As at the start of a take."""
        self.values = {}
        for modulator in self.modulators:
            modulator.reset()


def plain(word: str) -> str:
    """A word as words are compared."""
    return word.strip(" \t\n.,;:!?\"'()[]{}*_-–—…«»“”‘’").casefold()


def to_json(modulator: Modulator) -> dict[str, Any]:
    """As a file holds it."""
    hidden = {"value", "turns", "hit"}
    fields = {k: v for k, v in vars(modulator).items() if not k.startswith("_") and k not in hidden}
    return {"kind": modulator.kind, **fields}


_CHOICES = {"shape": SHAPES, "event": EVENTS, "operation": OPERATIONS}
_RANGES = {
    "rate": (0.0, 100.0), "phase": (0.0, 1.0), "size": (0.0, 1.0), "sustain": (0.0, 1.0), "attack": (0.0, 60.0),
    "decay": (0.0, 60.0), "release": (0.0, 60.0), "fall": (0.0, 60.0),
}


def parse_modulators(tree: Any, where: str, report: list[str]) -> list[Modulator]:
    """Modulators from a file's list; what cannot be used is reported. Never raises."""
    if not isinstance(tree, list):
        if tree is not None:
            report.append(f"{where}: not a list; there are no modulators")
        return []
    found: dict[str, Modulator] = {}
    for index, item in enumerate(tree[:MOST]):
        place = f"{where}[{index}]"
        kind = item.get("kind") if isinstance(item, dict) else None
        made = CLASSES.get(kind) if isinstance(kind, str) else None
        if made is None:
            report.append(f"{place}: it is not one of {', '.join(KINDS)}; it was left out")
            continue
        name = item.get("name")
        if not isinstance(name, str) or not name or len(name) > 60 or name in found:
            report.append(f"{place}: it needs a name of its own; it was left out")
            continue
        modulator = made(name)
        found[name] = modulator
        known = to_json(modulator)
        for key in list(item)[:MOST]:
            if key not in known:
                report.append(f"{place}.{key}: a {made.__name__} has nothing of this name; it was left out")
            elif key not in ("kind", "name"):
                _set(modulator, key, item[key], f"{place}.{key}", report)
    if len(tree) > MOST:
        report.append(f"{where}: {len(tree)} modulators; only the first {MOST} are used")
    return list(found.values())


def _set(modulator: Modulator, key: str, value: Any, where: str, report: list[str]) -> None:
    old = getattr(modulator, key)
    if isinstance(old, float) and isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = _RANGES.get(key, (-1e9, 1e9))
        inside = min(high, max(low, float(value))) if math.isfinite(value) else old
        if inside != value:
            report.append(f"{where}: {value:g} is outside {low:g}..{high:g}; {inside:g} is used")
        setattr(modulator, key, inside)
        return
    fits = type(value) is type(old) and value in _CHOICES.get(key, (value,))
    if (isinstance(value, str) and len(value) > 200) or (type(value) is int and not 0 <= value < 2**63):
        fits = False
    if fits:
        setattr(modulator, key, value)
    else:
        report.append(f"{where}: it cannot be used; {old!r} stays")
