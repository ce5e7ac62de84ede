"""What a binding is: a source, a target and how one moves the other; as JSON in sessions and controller profiles."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from studio.control import midi
from studio.control.mapping import CURVES

OSC, AUDIO, MODULATOR = "osc", "audio", "mod"
SOURCE_KINDS = (*midi.KINDS, OSC, AUDIO, MODULATOR)
MODES = ("auto", "absolute", "toggle", "momentary")
"""auto: a button switches a switch over and fires an action; everything else is absolute."""
TAKEOVERS = ("jump", "pickup", "scale")

SHARES = ("crossfade", "fade", "bpm", "fade_length")
CHOICES = ("blend", "fade_unit", "fade_start")
SWITCHES = ("blackout", "freeze", "safe")
ACTIONS = ("auto", "cut", "go", "back", "tap", "double", "halve", "align", "panic", "snapshot")
CONTROLS = (*SHARES, *CHOICES, *SWITCHES, *ACTIONS)
"""What a session has beside its generators' parameters; ``snapshot`` is numbered from 1."""

PLAYER = -1
"""The ``slot`` of what belongs to a player itself: its volume, its swing (``studio.session.feel``)."""

MOST = 2000
"""Most bindings in a session."""
MOST_SECONDS = 30.0


@dataclass(frozen=True)
class Source:
    """Where movements come from. ``channel`` 0 is any, ``device`` '' is any port.

    ``address`` is an OSC address, the name of an audio feature or of a modulator. ``encoder``: see ``midi.ENCODERS``.
    """

    kind: str
    number: int = 0
    channel: int = 0
    device: str = ""
    address: str = ""
    encoder: str = ""

    def text(self) -> str:
        """What a person reads: CC 7, channel 1."""
        if self.kind in (OSC, AUDIO, MODULATOR):
            return {OSC: self.address, AUDIO: f"audio {self.address}", MODULATOR: self.address}[self.kind]
        names = {
            midi.NOTE: f"note {self.number}", midi.CC: f"CC {self.number}", midi.CC14: f"CC {self.number} (14 bit)",
            midi.NRPN: f"NRPN {self.number}", midi.BEND: "pitch bend", midi.PRESSURE: "aftertouch",
            midi.POLY: f"aftertouch of note {self.number}", midi.PROGRAM: f"program {self.number}",
        }
        channel = f", channel {self.channel}" if self.channel else ""
        turns = ", encoder" if self.encoder else ""
        return f"{names[self.kind]}{turns}{channel}"


@dataclass(frozen=True)
class Target:
    """What is moved: a parameter of the slot ``slot`` (from 0) of a line, with ``PLAYER`` of a player itself, or with
    ``line`` '' a session control.

    ``generator`` names the parameter's owner: the binding finds it again when it was moved, and rests while it is
    away. ``axis`` "y" is the second axis of an XY pad. For the control ``snapshot``, ``slot`` is its number from 1.
    """

    name: str
    line: str = ""
    slot: int = 0
    generator: str = ""
    axis: str = ""

    def text(self) -> str:
        """What a person reads."""
        if not self.line:
            return f"{self.name} {self.slot}" if self.name == "snapshot" else self.name
        place = self.line if self.slot == PLAYER else f"{self.line}.{self.slot + 1}"
        return f"{place} {self.name}{' y' if self.axis == 'y' else ''}"


@dataclass(frozen=True)
class Binding:
    """``low`` and ``high`` are positions 0..1 of the target; ``smooth`` a time constant in seconds.

    ``step`` is the way of one click of a relative encoder. ``feedback`` sends the target's value to the controller.
    """

    source: Source
    target: Target
    low: float = 0.0
    high: float = 1.0
    invert: bool = False
    curve: str = "linear"
    smooth: float = 0.0
    mode: str = "auto"
    takeover: str = "pickup"
    step: float = 1.0 / 128.0
    feedback: bool = True
    extra: dict[str, Any] = field(default_factory=dict, compare=False)

    def to_json(self) -> dict[str, Any]:
        """As a file holds it: what is as declared is left out."""
        tree: dict[str, Any] = {
            "source": _without(self.source, Source("")), "target": _without(self.target, Target("")),
        }
        plain = Binding(self.source, self.target)
        for name in ("low", "high", "invert", "curve", "smooth", "mode", "takeover", "step", "feedback"):
            if getattr(self, name) != getattr(plain, name):
                tree[name] = getattr(self, name)
        return {**self.extra, **tree}


def _without(item: Source | Target, plain: Source | Target) -> dict[str, Any]:
    return {name: value for name, value in vars(item).items() if value != getattr(plain, name)}


class _Bad(ValueError):
    pass


def _text(tree: dict[str, Any], name: str, choices: tuple[str, ...] | None = None, default: str = "") -> str:
    value = tree.get(name, default)
    if not isinstance(value, str) or len(value) > 300:
        raise _Bad(f"{name} must be text")
    if choices is not None and value not in choices:
        raise _Bad(f"{name} {value[:30]!r} is not one of {', '.join(choice or 'none' for choice in choices)}")
    return value


def _whole(tree: dict[str, Any], name: str, low: int, high: int) -> int:
    value = tree.get(name, 0)
    if type(value) is not int or not low <= value <= high:
        raise _Bad(f"{name} must be a whole number in {low}..{high}")
    return value


def _source(tree: Any) -> Source:
    if not isinstance(tree, dict):
        raise _Bad("source must be an object")
    kind = _text(tree, "kind", SOURCE_KINDS, "?")
    address = _text(tree, "address")
    if kind in (OSC, AUDIO, MODULATOR) and not address:
        raise _Bad(f"a source of the kind {kind} needs an address")
    most = {midi.NRPN: 16382, midi.CC14: 31}.get(kind, 127)
    return Source(kind, _whole(tree, "number", 0, most), _whole(tree, "channel", 0, 16), _text(tree, "device"),
                  address, _text(tree, "encoder", midi.ENCODERS))


def plain_target(target: Target) -> dict[str, Any]:
    """A target as a file holds it."""
    return _without(target, Target(""))


def parse_target(tree: Any) -> Target:
    """A target from a file. Raises ValueError with a reason."""
    if not isinstance(tree, dict):
        raise _Bad("target must be an object")
    name, line = _text(tree, "name", default="?"), _text(tree, "line")
    if not line and name not in CONTROLS:
        raise _Bad(f"there is no session control {name[:30]!r}; there are: {', '.join(CONTROLS)}")
    slot, generator = _whole(tree, "slot", PLAYER, 9999), _text(tree, "generator")
    return Target(name, line, slot, generator, _text(tree, "axis", ("", "y")))


_KNOWN = frozenset(("source", "target", "low", "high", "invert", "curve", "smooth", "mode", "takeover", "step",
                    "feedback"))


def parse_binding(tree: Any) -> tuple[Binding, list[str]]:
    """A binding from JSON and what was clamped. Raises ValueError with a reason when it cannot be used."""
    if not isinstance(tree, dict):
        raise _Bad("it is not an object")
    notes: list[str] = []

    def number(name: str, default: float, low: float, high: float) -> float:
        value = tree.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            notes.append(f"{name}: not a number; {default:g} is used")
            return default
        inside = min(high, max(low, float(value)))
        if inside != value:
            notes.append(f"{name}: {value:g} is outside {low:g}..{high:g}; {inside:g} is used")
        return inside

    def word(name: str, choices: tuple[str, ...], default: str) -> str:
        try:
            return _text(tree, name, choices, default)
        except _Bad as error:
            notes.append(f"{error}; {default} is used")
            return default

    def switch(name: str, default: bool) -> bool:
        value = tree.get(name, default)
        if not isinstance(value, bool):
            notes.append(f"{name}: not true or false; {str(default).lower()} is used")
            return default
        return value

    made = Binding(
        _source(tree.get("source")), parse_target(tree.get("target")), number("low", 0.0, 0.0, 1.0),
        number("high", 1.0, 0.0, 1.0), switch("invert", False), word("curve", CURVES, "linear"),
        number("smooth", 0.0, 0.0, MOST_SECONDS), word("mode", MODES, "auto"), word("takeover", TAKEOVERS, "pickup"),
        number("step", 1.0 / 128.0, 0.0, 1.0), switch("feedback", True),
        {key: value for key, value in tree.items() if key not in _KNOWN},
    )
    for part, kind in (("source", Source), ("target", Target)):
        notes += [f"{part}.{key}: nothing has this name here; it was left out"
                  for key in list(tree[part])[:MOST] if key not in kind.__dataclass_fields__]
    return made, notes


def parse_bindings(tree: Any, where: str, report: list[str]) -> list[Binding]:
    """Bindings from a file's list; what cannot be used is reported and left out. Never raises."""
    if not isinstance(tree, list):
        if tree is not None:
            report.append(f"{where}: not a list; there are no bindings")
        return []
    found: list[Binding] = []
    for index, item in enumerate(tree[:MOST]):
        try:
            binding, notes = parse_binding(item)
        except ValueError as error:
            report.append(f"{where}[{index}]: {error}; it was left out")
            continue
        report += [f"{where}[{index}].{note}" for note in notes]
        found.append(binding)
    if len(tree) > MOST:
        report.append(f"{where}: {len(tree)} bindings; only the first {MOST} are used")
    return found
