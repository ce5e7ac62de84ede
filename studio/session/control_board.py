"""What controls move: parameters of generators and the session's own controls, by position 0..1.

Values go straight into the ParamSets and the mix, from the control thread: a window that is busy holds up no knob, and
a turn of a knob is no step of undo. What belongs to the session's thread is called there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from studio.control.binding import ACTIONS, CONTROLS, PLAYER, SWITCHES, Target
from studio.control.osc import OscProblem, control_value, position_of, value_for
from studio.library.session import StageData
from studio.params import Bool, ParamError, ParamSet, Point, Trigger
from studio.session.line import Slot

if TYPE_CHECKING:
    from studio.session.core import Core
    from studio.session.line import Line

_ITSELF = Slot("how it plays", StageData("", 1, {}))
_SLOWEST, _FASTEST = 20.0, 400.0


class SessionBoard:
    """The targets of a session; see ``studio.control.router.Board``."""

    def __init__(self, session: Core) -> None:
        self.session = session
        self.touched: set[str] = set()
        """Lines whose values were moved since somebody looked."""

    # --- finding ---

    def find(self, target: Target) -> tuple[Line, Slot, ParamSet] | None:
        """The line, slot and values that a target means now; None while they are not there."""
        line = self.session.decks.get(target.line) or self.session.players.get(target.line)
        if line is None:
            return None
        if target.slot == PLAYER:
            known = self.session.playback.playing.get(target.line)
            return (line, _ITSELF, known.feel) if known is not None and target.name in known.feel.params else None
        for slot in _candidates(line, target):
            if slot.stage is not None and target.name in slot.stage.values.params:
                return line, slot, slot.stage.values
        return None

    def why_not(self, target: Target) -> str:
        """Why a target is not there now, '' when it is."""
        if self.style(target):
            return ""
        if not target.line:
            return f"there is no snapshot {target.slot}" if target.name == "snapshot" else "it is not in this version"
        line = self.session.decks.get(target.line) or self.session.players.get(target.line)
        if line is None:
            return f"there is no line {target.line}"
        if target.slot == PLAYER:
            return f"there is no {target.name} of {line.title}"
        if target.generator and all(slot.generator != target.generator for slot in line.slots):
            return f"{target.generator} is not in {line.title}"
        if any(slot.stage is None for slot in _candidates(line, target)):
            return "it is loading"
        return f"there is no parameter {target.name} in place {target.slot + 1} of {line.title}"

    # --- the board ---

    def style(self, target: Target) -> str:
        """number, switch, action, or '' for what is not there."""
        if not target.line:
            if target.name == "snapshot":
                return "action" if 1 <= target.slot <= len(self.session.snapshots) else ""
            if target.name in ACTIONS:
                return "action"
            return "switch" if target.name in SWITCHES else "number" if target.name in CONTROLS else ""
        found = self.find(target)
        if found is None:
            return ""
        param = found[2].params[target.name]
        if not param.automatable:
            return ""
        return "action" if isinstance(param, Trigger) else "switch" if isinstance(param, Bool) else "number"

    def read(self, target: Target) -> float:
        """Where a target's control stands."""
        if not target.line:
            if target.name == "bpm":
                return (self.session.clock.bpm - _SLOWEST) / (_FASTEST - _SLOWEST)
            return 0.0 if target.name in ACTIONS else self.session.mix.norm(target.name)
        found = self.find(target)
        if found is None:
            return 0.0
        values, param = found[2], found[2].params[target.name]
        if isinstance(param, Point) and target.axis == "y":
            return (float(values[target.name][1]) - param.low) / (param.high - param.low)
        return values.norm(target.name)

    def write(self, target: Target, position: float) -> None:
        """Move a target's control."""
        session = self.session
        session.modified = True
        if not target.line:
            if target.name == "bpm":
                session.clock.bpm = _SLOWEST + position * (_FASTEST - _SLOWEST)
                session.post("session")
            elif target.name not in ACTIONS:
                session.mix.set_norm(target.name, position)
            return
        found = self.find(target)
        if found is None:
            return
        line, _, values = found
        param = values.params[target.name]
        if isinstance(param, Point) and target.axis == "y":
            values.set(target.name, (values[target.name][0], param.low + position * (param.high - param.low)))
        else:
            values.set_norm(target.name, position)
        self.touched.add(line.name)

    def fire(self, target: Target) -> None:
        """Press an action."""
        session = self.session
        if target.line:
            found = self.find(target)
            if found is not None:
                found[2].fire(target.name)
        elif target.name == "tap":
            session.clock.tap()  # at once: a tap is a moment
        elif target.name == "align":
            session.clock.align(bar=True)
        elif target.name == "double":
            session.clock.double()
        elif target.name == "halve":
            session.clock.halve()
        elif target.name == "panic":
            session.playback.panic()
        elif target.name == "snapshot":
            session.events.call(lambda: self._recall(target.slot))
        else:
            session.events.call(lambda: session.mix.set(target.name, True))

    def _recall(self, number: int) -> None:
        if 1 <= number <= len(self.session.snapshots):
            span = self.session.mix.span
            times = {span.unit: span.length} if span.length else {}
            self.session.recall(self.session.snapshots[number - 1], start=span.start, **times)  # type: ignore[attr-defined]

    # --- OSC ---

    def apply(self, target: Target, norm: bool, arguments: tuple[Any, ...]) -> None:
        """What an OSC message to one of our addresses asks for. Raises OscProblem."""
        if not target.line:
            self._apply_control(target, norm, arguments)
            return
        found = self.find(target)
        if found is None:
            raise OscProblem(self.why_not(target) or f"there is no parameter {target.name}")
        line, _, values = found
        param = values.params[target.name]
        self.session.modified = True
        if norm:
            if not param.automatable:
                raise OscProblem(f"{target.name}: a {param.kind} parameter has no position")
            values.set_norm(target.name, position_of(target.name, arguments))
        else:
            try:
                values.set(target.name, value_for(param, arguments))
            except ParamError as error:  # pragma: no cover - value_for has cleaned it
                raise OscProblem(str(error)) from None
        self.touched.add(line.name)

    def _apply_control(self, target: Target, norm: bool, arguments: tuple[Any, ...]) -> None:
        if norm:
            self.write(target, position_of(target.name, arguments))
            return
        value = control_value(target.name, arguments)
        if value is None:
            return
        if target.name == "snapshot":
            if not 1 <= int(value) <= len(self.session.snapshots):
                raise OscProblem(f"there is no snapshot {value}; there are {len(self.session.snapshots)}")
            self.fire(Target("snapshot", slot=int(value)))
        elif target.name in ACTIONS:
            self.fire(target)
        elif target.name == "bpm":
            self.session.clock.bpm = float(value)
            self.session.post("session")
        else:
            try:
                self.session.mix.set(target.name, value)
            except ValueError as error:
                raise OscProblem(str(error)) from None


def _candidates(line: Line, target: Target) -> Iterator[Slot]:
    """Slots that a target may mean: the one in its place, then those with its generator elsewhere in the line."""
    slots = list(line.slots)
    here = slots[target.slot] if target.slot < len(slots) else None
    if here is not None and target.generator in ("", here.generator):
        yield here
        return
    if target.generator:
        yield from (slot for slot in slots if slot.generator == target.generator)
