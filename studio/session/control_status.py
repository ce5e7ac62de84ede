"""What there is to control, by name, and why a binding or a route does nothing just now. Headless."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.control import midi
from studio.control.audio import FEATURES
from studio.control.binding import ACTIONS, AUDIO, CONTROLS, MODULATOR, OSC, Binding, Target
from studio.control.routes import Route
from studio.params import Trigger

if TYPE_CHECKING:
    from studio.session.core import Core

TITLES = {
    "crossfade": "Crossfader", "fade": "Master fade", "bpm": "Tempo", "fade_length": "Time of fades",
    "fade_unit": "Unit of fades", "fade_start": "What fades wait for", "blend": "Blend", "blackout": "Blackout",
    "freeze": "Freeze", "safe": "Safe look", "auto": "Fade to the other deck", "cut": "Cut to the other deck",
    "go": "Set list: go", "back": "Set list: back", "tap": "Tap the tempo", "double": "Twice the tempo",
    "halve": "Half the tempo", "align": "Now is one", "panic": "End all notes",
}
STUDIO = "Studio"


@dataclass(frozen=True)
class Offer:
    """Something that can be moved: its target, the group it stands in and its title."""

    target: Target
    group: str
    title: str
    modulated: bool
    """Whether a modulator can move it too."""


def targets(session: Core) -> list[Offer]:
    """Everything that can be bound now: the studio's own controls, then each generator's parameters."""
    found = [Offer(Target(name), STUDIO, title_of(session, Target(name)), False)
             for name in CONTROLS if name != "snapshot"]
    found += [Offer(target, STUDIO, title_of(session, target), False)
              for target in (Target("snapshot", slot=place) for place in range(1, len(session.snapshots) + 1))]
    for line in session.lines():
        for place, slot in enumerate(line.slots):
            if slot.stage is None:
                continue
            for name, param in slot.stage.values.params.items():
                if not param.automatable:
                    continue
                modulated = param.live and not isinstance(param, Trigger)
                for axis in ("", "y") if param.kind == "point" else ("",):
                    target = Target(name, line.name, place, slot.generator, axis)
                    title = param.label if param.kind != "point" else f"{param.label} {axis or 'x'}"
                    found.append(Offer(target, f"{line.title} · {slot.title}", title, modulated and not axis))
    return found


def title_of(session: Core, target: Target) -> str:
    """A target as people call it, without its line."""
    if not target.line:
        if target.name == "snapshot":
            kept = session.snapshots
            known = kept[target.slot - 1].name if 1 <= target.slot <= len(kept) else ""
            return f"Snapshot {target.slot}" + (f": {known}" if known else "")
        return TITLES.get(target.name, target.name.replace("_", " ").capitalize())
    found = session.controls.board.find(target)
    label = found[2].params[target.name].label if found is not None else target.name.replace("_", " ").capitalize()
    return f"{label}{' y' if target.axis == 'y' else ''}"


def place_of(session: Core, target: Target) -> str:
    """Where a target is: ``Deck A · Plasma``; ``Studio`` for a session control."""
    if not target.line:
        return STUDIO
    found = session.controls.board.find(target)
    if found is not None:
        return f"{found[0].title} · {found[1].title}"
    line = session.decks.get(target.line) or session.players.get(target.line)
    where = line.title if line is not None else f"{'Player' if target.line.isdecimal() else 'Deck'} {target.line}"
    return f"{where} · {target.generator}" if target.generator else where


def asleep(session: Core, binding: Binding) -> str:
    """Why a binding does nothing now, as a sentence without a full stop; '' when it works."""
    return _source_asleep(session, binding) or session.controls.board.why_not(binding.target)


def _source_asleep(session: Core, binding: Binding) -> str:
    source, ports = binding.source, session.controls.ports
    if source.kind in midi.KINDS:
        inputs = ports.inputs
        if inputs is None or not inputs.looks:
            return "" if inputs is not None else "MIDI is not listened to"
        if source.device and source.device not in inputs.ports:
            return f"{source.device} is not connected; connect it, the binding is kept"
        return "" if inputs.ports else inputs.reason
    if source.kind == OSC:
        if ports.server is None:
            return ports.osc_trouble or "OSC is off; switch it on under OSC"
        return ""
    if source.kind == MODULATOR:
        names = {modulator.name for modulator in session.controls.modulators}
        return "" if source.address in names else f"there is no modulator {source.address}"
    if source.kind == AUDIO:
        return _audio_asleep(session, source.address)
    return ""


def _audio_asleep(session: Core, feature: str) -> str:
    ear = session.controls.audio
    if feature not in FEATURES:
        return f"{feature[:40]} is nothing that is heard in a sound"
    if not ear.on:
        return "no sound is listened to; choose an input or a file under Sound in"
    return f"{ear.reason}; {ear.cure}" if ear.reason else ""


def route_asleep(session: Core, route: Route) -> str:
    """Why a route does nothing now, '' when it works."""
    if route.modulator not in {modulator.name for modulator in session.controls.modulators}:
        return f"there is no modulator {route.modulator}"
    why = session.controls.board.why_not(route.target)
    found = session.controls.board.find(route.target)
    if why or found is None:
        return why or "it is not there"
    param = found[2].params[route.target.name]
    if isinstance(param, Trigger) or not param.live:
        return "each change restarts the generator, so it cannot be modulated"
    return ""


def reach_of(session: Core, line: str, slot: int, name: str) -> tuple[float, float] | None:
    """How far the routes of a parameter can push its control: (down, up), -1..1; None without a route."""
    controls = session.controls
    if not controls.routes:
        return None
    names = {modulator.name for modulator in controls.modulators}
    ends = [(route.offset(0.0), route.offset(1.0)) for route in controls.routes_of(line, slot, name)
            if route.modulator in names]
    if not ends:
        return None
    return max(-1.0, sum(min(pair) for pair in ends)), min(1.0, sum(max(pair) for pair in ends))


def is_action(target: Target) -> bool:
    """Whether a target of the studio's own is pressed, not turned."""
    return not target.line and target.name in ACTIONS
