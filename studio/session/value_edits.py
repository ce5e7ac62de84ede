"""What a user can do to the values of a generator: set, reset, lock, randomise, presets; each is one step of undo."""

from __future__ import annotations

import logging
import random
from collections.abc import Hashable, Iterable
from typing import Any

from studio import paths
from studio.library.presets import Preset
from studio.params import Bool, Choice, Color, Int, ParamError, Point, Seed, Trigger
from studio.session.core import Core
from studio.session.line import Line, Slot

log = logging.getLogger("reverie.session")

MUTATION = 0.25
"""Standard deviation (of the control's way, 0..1) of a mutation of strength 1."""


class ValueEdits(Core):
    """The edits of values."""

    def _values(self, line: str, index: int) -> tuple[Line, Slot]:
        target = self.line(line)
        slot = target.slots[index]
        if slot.stage is None:
            raise ParamError(f"{slot.title} is not loaded yet")
        return target, slot

    def set_value(
        self, line: str, index: int, name: str, value: Any, *, gesture: Hashable = None
    ) -> str:
        """Set a parameter; returns the note about clamping, ''. Calls with one ``gesture`` (a drag) are one step.

        A gesture that is a tuple beginning with "hold" lasts until ``end_gesture``. Raises ParamError.
        """
        target, slot = self._values(line, index)
        assert slot.stage is not None
        slot.stage.values.params[name].clean(value) if name in slot.stage.values.params else None
        with self.edit(f"{_label(slot, name)}", gesture):
            note = slot.stage.values.set(name, value)
        self.post("values", target)
        return note

    def set_norm(
        self, line: str, index: int, name: str, position: float, *, gesture: Hashable = None
    ) -> None:
        """Move a parameter's control to a position 0..1. Raises ParamError."""
        target, slot = self._values(line, index)
        assert slot.stage is not None
        with self.edit(f"{_label(slot, name)}", gesture):
            slot.stage.values.set_norm(name, position)
        self.post("values", target)

    def end_gesture(self) -> None:
        """The drag is over; the next change is a step of its own."""
        self.history.end()

    def fire(self, line: str, index: int, name: str) -> None:
        """Fire a trigger; there is nothing to undo."""
        _, slot = self._values(line, index)
        assert slot.stage is not None
        slot.stage.values.fire(name)

    def reset_value(self, line: str, index: int, name: str) -> None:
        """Back to the declared default."""
        target, slot = self._values(line, index)
        assert slot.stage is not None
        with self.edit(f"Reset {_label(slot, name)}"):
            slot.stage.values.reset(name)
        self.post("values", target)

    def reset_all(self, line: str, index: int) -> None:
        """Every parameter that is not locked back to its default."""
        target, slot = self._values(line, index)
        assert slot.stage is not None
        with self.edit(f"Reset {slot.title}"):
            for name, param in slot.stage.values.params.items():
                if name not in slot.locked and not isinstance(param, Trigger):
                    slot.stage.values.reset(name)
            slot.preset = ""
        self.post("values", target)

    def set_lock(self, line: str, index: int, name: str, on: bool) -> None:
        """A locked parameter is left alone by randomise, mutate and reset all."""
        slot = self.line(line).slots[index]
        with self.edit(f"{'Lock' if on else 'Unlock'} {_label(slot, name)}"):
            (slot.locked.add if on else slot.locked.discard)(name)
        self.post("values", self.line(line))

    def is_locked(self, line: str, index: int, name: str) -> bool:
        """Whether a parameter is locked."""
        return name in self.line(line).slots[index].locked

    def randomise(
        self, line: str, index: int, strength: float = 1.0, names: Iterable[str] | None = None
    ) -> None:
        """Move what makes the look towards random places; ``strength`` 1 goes all the way, 0.1 a tenth of it."""
        self._stir(line, index, "Randomise", names, lambda here: here + strength * (random.random() - here), strength)

    def mutate(self, line: str, index: int, strength: float = 0.3) -> None:
        """Small random steps away from here, all at once."""
        self._stir(line, index, "Mutate", None,
                   lambda here: here + random.gauss(0.0, MUTATION * strength), strength * MUTATION)

    def _stir(
        self, line: str, index: int, verb: str, names: Iterable[str] | None, move: Any, chance: float
    ) -> None:
        target, slot = self._values(line, index)
        assert slot.stage is not None
        values = slot.stage.values
        chosen = set(names) if names is not None else {n for n, p in values.params.items() if _makes_the_look(p)}
        offered = _offered(slot)
        with self.edit(f"{verb} {slot.title}"):
            for name in sorted(chosen - slot.locked):
                param = values.params[name]
                if isinstance(param, Trigger) or not param.automatable:
                    continue
                if isinstance(param, Seed):
                    if names is not None or random.random() < chance:
                        values.set(name, random.randrange(2**31))
                elif isinstance(param, Choice):
                    if random.random() < chance:
                        values.set(name, random.choice(offered.get(name) or param.choices))
                elif isinstance(param, Bool):
                    if random.random() < chance:
                        values.set_norm(name, random.random())
                elif isinstance(param, Point):
                    x, y = ((part - param.low) / (param.high - param.low) for part in values[name])
                    values.set(name, tuple(param.low + (param.high - param.low) * min(1.0, max(0.0, move(part)))
                                           for part in (x, y)))
                else:
                    here = param.to_norm(values[name])
                    wrapped = move(here) % 1.0 if isinstance(param, Color) else move(here)
                    values.set_norm(name, wrapped)
        self.post("values", target)

    def apply_preset(self, line: str, index: int, preset: Preset) -> None:
        """Put a preset's values in; what it does not name goes to its default, locked parameters stay."""
        target, slot = self._values(line, index)
        assert slot.stage is not None
        if preset.generator != slot.generator:
            self.notice(f"{preset.name} is a preset for {preset.generator}, not for {slot.title}", level="warning")
            return
        values = slot.stage.values
        kept = {name: values[name] for name in slot.locked if name in values.params}
        with self.edit(f"Preset {preset.name}"):
            for name, param in values.params.items():
                if not isinstance(param, Trigger) and name not in kept:
                    values.reset(name)
            for text in preset.apply(values, slot.stage.generator):
                self.notice(f"{preset.name}: {text}", source=target.title)
            for name, value in kept.items():
                values.set(name, value)
            slot.preset = preset.slug
        self.post("values", target)
        self.post("line", target)

    def make_preset(self, line: str, index: int, name: str) -> Preset:
        """The present values as a preset, not yet saved. Raises ParamError while nothing is loaded."""
        _, slot = self._values(line, index)
        assert slot.stage is not None
        made = slot.stage.generator
        return Preset(made.id, name, slot.stage.values.dump(), made.version)


def _label(slot: Slot, name: str) -> str:
    param = slot.stage.values.params.get(name) if slot.stage is not None else None
    return param.label if param is not None else name


def _offered(slot: Slot) -> dict[str, tuple[str, ...]]:
    """The names of its choices that make sense with its values, where the generator says so (``choices_now``)."""
    assert slot.stage is not None
    values = slot.stage.values
    try:
        found = slot.stage.generator.choices_now({name: values[name] for name in values.params}, paths.find_model)
        return {name: tuple(n for n in names if n in getattr(values.params.get(name), "choices", ()))
                for name, names in found.items()}
    except Exception:  # a plugin's own code: then all of them are taken
        log.exception("%s does not say which choices it offers", slot.title)
        return {}


def _makes_the_look(param: Any) -> bool:
    """Whether randomise touches it unasked: not what restarts the generator, and not how large the picture is."""
    return bool(param.live and param.automatable and not (isinstance(param, Int) and param.unit == "px"))
