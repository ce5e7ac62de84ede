"""Sound in a render: the file is analysed at each frame's exact time and moves what it is bound to, as it does live.

A score holds everything that this needs as plain data; it travels in recipes, so that a file can be made again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from studio.control.audio import FEATURES, SETTINGS, SILENT, Analyser, mixed, parse_channels
from studio.control.audio_push import AudioPusher
from studio.control.binding import AUDIO, MODULATOR, Binding, Source, Target, parse_bindings
from studio.control.modulators import Bank, FromAudio, Hold, Math, Modulator, Step, parse_modulators, to_json
from studio.control.router import Router
from studio.control.routes import Route, offsets, parse_routes
from studio.devices.sound_file import SoundFile, SoundReader
from studio.engine import Stage
from studio.params import Bool, ParamError, ParamSet, Point, Trigger

RATE = 48_000
"""Hz at which files are heard and written beside pictures."""
CHAIN = "chain"
"""The line of targets in a score; their slot is the place in the chain, from 0."""
_OF_THE_PORT = ("source", "device", "file", "aloud")


class ScoreError(ValueError):
    """A wish about sound that cannot be met; the message says why and what to write."""


@dataclass
class AudioScore:
    """``path`` is the sound file, ``settings`` differ from the defaults of ``SETTINGS``; targets are in ``CHAIN``."""

    path: str
    settings: dict[str, Any] = field(default_factory=dict)
    bindings: list[Binding] = field(default_factory=list)
    modulators: list[Modulator] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """For a recipe: the file's name and hash, not whose folder it was in."""
        from studio.nn.weights import sha256

        path = Path(self.path).expanduser()
        own = {name: value for name, value in self.settings.items() if name not in _OF_THE_PORT}
        return {
            "path": path.name, "sha256": sha256(path) if path.is_file() else None, "settings": own,
            "bindings": [binding.to_json() for binding in self.bindings],
            "modulators": [to_json(modulator) for modulator in self.modulators],
            "routes": [route.to_json() for route in self.routes],
        }

    def seconds(self) -> float:
        """How long the file says it is. Raises InputError."""
        with SoundFile(self.path) as file:
            return file.seconds


def parse_score(tree: Mapping[str, Any], path: str, notice: Callable[[str], None]) -> AudioScore:
    """A score from a recipe, for the sound file ``path``; what cannot be used is told."""
    report: list[str] = []
    values = ParamSet(SETTINGS)
    report += values.load(tree.get("settings") or {})
    made = AudioScore(
        path, {name: values[name] for name in SETTINGS if values[name] != SETTINGS[name].default},
        parse_bindings(tree.get("bindings"), "audio.bindings", report),
        parse_modulators(tree.get("modulators"), "audio.modulators", report),
        parse_routes(tree.get("routes"), "audio.routes", report),
    )
    for line in report:
        notice(f"the recipe's sound: {line}")
    return made


def heard_by(modulators: list[Modulator]) -> set[str]:
    """Names of modulators that sound moves, directly or through others."""
    names = {item.name for item in modulators if isinstance(item, FromAudio)}
    while True:
        more = {item.name for item in modulators if (
            (isinstance(item, Math) and {item.first, item.second} & names)
            or (isinstance(item, Hold) and item.source in names))}
        if more <= names:
            return names
        names |= more


def for_chain(
    place: Callable[[Target], int | None], bindings: list[Binding], modulators: list[Modulator], routes: list[Route],
) -> AudioScore:
    """What sound does to a chain; ``place`` says where in it a target is (None: it is not). The path is left open."""
    moved = heard_by(modulators)
    made = AudioScore("", modulators=parse_modulators([to_json(item) for item in modulators], "", []))
    for binding in bindings:
        source, at = binding.source, place(binding.target)
        if at is not None and (source.kind == AUDIO or (source.kind == MODULATOR and source.address in moved)):
            made.bindings.append(replace(binding, target=_in_chain(binding.target, at)))
    for route in routes:
        at = place(route.target)
        if at is not None and route.modulator in moved:
            made.routes.append(replace(route, target=_in_chain(route.target, at)))
    return made


def _in_chain(target: Target, place: int) -> Target:
    return replace(target, line=CHAIN, slot=place, generator="")


def binding_from_text(text: str, find: Callable[[str], tuple[int, Stage, str]]) -> Binding:
    """``PARAM=FEATURE`` or ``PARAM=FEATURE:LOW..HIGH`` with values of the parameter. ``find`` says for a parameter's
    name its place in the chain, stage and own name. Raises ScoreError."""
    name, equals, rest = text.partition("=")
    feature, colon, way = rest.partition(":")
    feature = feature.strip().removeprefix("audio.")
    if not equals or not name.strip() or not feature:
        raise ScoreError(f"{text[:80]}: write PARAM=FEATURE or PARAM=FEATURE:LOW..HIGH, such as zoom=bass:1.0..1.2")
    if feature not in FEATURES:
        raise ScoreError(f"{text[:80]}: {feature!r} is nothing that is heard; there are: {', '.join(FEATURES)}")
    place, stage, own = find(name.strip())
    param = stage.values.params.get(own)
    if param is None:
        raise ScoreError(f"{text[:80]}: there is no parameter {own!r}; it has {', '.join(stage.values.params)}")
    if not param.automatable:
        raise ScoreError(f"{text[:80]}: a {param.kind} parameter cannot be moved by sound")
    ends = [0.0, 1.0]
    if colon:
        parts = way.split("..")
        if len(parts) != 2:
            raise ScoreError(f"{text[:80]}: write the range as LOW..HIGH, such as 0.2..0.8")
        try:
            ends = [float(part) if isinstance(param, Point) else param.to_norm(param.clean(part.strip())[0])
                    for part in parts]
        except (ParamError, ValueError) as error:
            raise ScoreError(f"{text[:80]}: {error}") from None
    low, high = (min(1.0, max(0.0, end)) for end in ends)
    return Binding(Source(AUDIO, address=feature), Target(own, CHAIN, place), low, high)


class _Board:
    """The chain's values as what a router moves."""

    def __init__(self) -> None:
        self.values: list[ParamSet] = []

    def _find(self, target: Target) -> ParamSet | None:
        inside = target.line == CHAIN and 0 <= target.slot < len(self.values)
        return self.values[target.slot] if inside and target.name in self.values[target.slot].params else None

    def style(self, target: Target) -> str:
        values = self._find(target)
        if values is None or not values.params[target.name].automatable:
            return ""
        param = values.params[target.name]
        return "action" if isinstance(param, Trigger) else "switch" if isinstance(param, Bool) else "number"

    def read(self, target: Target) -> float:
        values = self._find(target)
        if values is None:
            return 0.0
        param = values.params[target.name]
        if isinstance(param, Point) and target.axis == "y":
            return (float(values[target.name][1]) - param.low) / (param.high - param.low)
        return values.norm(target.name)

    def write(self, target: Target, position: float) -> None:
        values = self._find(target)
        if values is None:
            return
        param = values.params[target.name]
        if isinstance(param, Point) and target.axis == "y":
            values.set(target.name, (values[target.name][0], param.low + position * (param.high - param.low)))
        else:
            values.set_norm(target.name, position)

    def fire(self, target: Target) -> None:
        values = self._find(target)
        if values is not None:
            values.fire(target.name)


class ScoreHearing:
    """A score at work: call it with the seconds and the chain's values before each step. Close it."""

    def __init__(self, score: AudioScore, bpm: float = 120.0) -> None:
        """Raises InputError when the file cannot be read."""
        settings = ParamSet(SETTINGS)
        settings.load(score.settings)
        self._channels = parse_channels(settings["channels"])
        self._reader = SoundReader(score.path, RATE)
        self._analyser = Analyser(RATE, settings)
        self._score, self._bpm = score, bpm
        self._router, self._board, self._bank = Router(), _Board(), Bank()
        self._router.set_bindings(score.bindings)
        self._bank.set(parse_modulators([to_json(item) for item in score.modulators], "", []))
        self._pusher = AudioPusher(self._router)
        self._values: Mapping[str, float] = SILENT
        self._t = 0.0

    @property
    def notice(self) -> str:
        """What is to be said about the file, '' when all was well."""
        return self._reader.file.notice

    def __call__(self, t: float, values: list[ParamSet]) -> Mapping[str, float]:
        """Hear up to ``t`` seconds and move ``values``; returns the features, 0..1."""
        self._board.values = values
        sound = self._reader.read(round(t * RATE))
        for frame in self._analyser.feed(mixed(sound, self._channels)):
            self._values = frame.values
            self._pusher.push(frame, frame.at / RATE)
        dt, self._t = max(0.0, t - self._t), t
        moved = self._bank.step(Step(dt, dt * self._bpm / 60.0, (), self._values))
        for modulator in self._bank.modulators:
            self._router.push_value(MODULATOR, modulator.name, modulator.value, t, on=modulator.pressed)
        self._router.tick(t, self._board)
        for target, amount in offsets(self._score.routes, moved).items():
            if 0 <= target.slot < len(values) and target.name in values[target.slot].params:
                values[target.slot].modulate(target.name, amount)
        return self._values

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()
