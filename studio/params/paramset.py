"""The values of one running generator: any thread sets, the worker takes one consistent snapshot."""

from __future__ import annotations

import difflib
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from studio.params.applies import why_idle
from studio.params.base import Param, ParamError, brief, unit
from studio.params.compound import Color
from studio.params.scalar import Trigger


class ParamSet:
    """The current values of a set of parameters; any thread may set, the worker takes.

    This is one mailbox per parameter: a set overwrites (newest wins), and ``take`` hands the worker one
    consistent snapshot between two steps. ``unknown`` keeps names from files that this version does not know, so
    that saving again loses nothing.

    Modulation (an LFO, a player's notes) is an offset on the control's way, 0..1, that only ``take`` adds: the value
    itself, files, undo and every export stay what the user set.
    """

    def __init__(self, params: Mapping[str, Param[Any]]) -> None:
        self.params = dict(params)
        self.unknown: dict[str, Any] = {}
        self.revision = 0
        self.changed_at = 0.0
        """When a value was set last (``time.monotonic``)."""
        self._lock = threading.Lock()
        self._values: dict[str, Any] = {name: param.default for name, param in self.params.items()}
        self._held: set[str] = set()
        self._offsets: dict[str, float] = {}
        self.heard: Callable[[str, str, Any], None] | None = None
        """Hears ``("set", name, value)`` and ``("mod", name, offset or None)`` of every change, in their order, on the
        thread that makes it and with the lock held: it must be quick and may not come back here."""

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def _param(self, name: str) -> Param[Any]:
        try:
            return self.params[name]
        except KeyError:
            near = difflib.get_close_matches(name, self.params, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(self.params) or 'none'}"
            raise ParamError(f"there is no parameter {name!r}{hint}") from None

    def set(self, name: str, value: Any) -> str:
        """Set one value, clamped; returns the note about what was changed ('' if nothing). Raises ParamError."""
        param = self._param(name)
        cleaned, note = param.clean(value)
        if isinstance(param, Trigger) and not cleaned:
            return note  # only a step ends a shot: press and release may both fall between two steps
        with self._lock:
            self._keep(name, cleaned)
        return note

    def _keep(self, name: str, value: Any) -> None:
        self._values[name] = value
        self.revision += 1
        self.changed_at = time.monotonic()
        if self.heard is not None:
            self.heard("set", name, value)

    def set_norm(self, name: str, position: float) -> None:
        """Set one value by control position 0..1 (clamped). Raises ParamError for a kind that no control moves."""
        param = self._param(name)
        if isinstance(param, Trigger):
            high = param.from_norm(position)
            with self._lock:
                rising = high and name not in self._held
                (self._held.add if high else self._held.discard)(name)
            if rising:
                self.fire(name)
            return
        with self._lock:  # read and write as one, so that a value set meanwhile on the other axis is not undone
            self._keep(name, param.moved(self._values[name], position))

    def norm(self, name: str) -> float:
        """Control position of the current value."""
        return self._param(name).to_norm(self._values[name])

    def fire(self, name: str) -> None:
        """Fire a Trigger."""
        self.set(name, True)

    def reset(self, name: str) -> None:
        """Back to the declared default."""
        self.set(name, self._param(name).default)

    def modulate(self, name: str, amount: float | None) -> None:
        """Add ``amount`` (-1..1 of the control's way) to what the next steps see; None or 0 ends that.

        Raises ParamError for a parameter that no control moves, for a trigger, and for one whose change would run
        ``setup`` again with every step.
        """
        param = self._param(name)
        if amount is not None:
            if isinstance(param, Trigger) or not param.automatable:
                raise ParamError(f"{name}: a {param.kind} parameter cannot be modulated; bind it to the source instead")
            if not param.live:
                raise ParamError(f"{name}: each change restarts the generator, so it cannot be modulated")
        with self._lock:
            if amount is None or not math.isfinite(amount) or amount == 0.0:
                self._offsets.pop(name, None)
            else:
                self._offsets[name] = min(1.0, max(-1.0, float(amount)))
            if self.heard is not None:
                self.heard("mod", name, self._offsets.get(name))

    @property
    def offsets(self) -> dict[str, float]:
        """The modulation of now, by name."""
        with self._lock:
            return dict(self._offsets)

    def modulated(self, name: str) -> float | None:
        """Control position, 0..1, with the modulation in it; None where there is none."""
        param = self._param(name)
        if name not in self._offsets:  # asked for every slider, many times a second
            return None
        with self._lock:
            offset, value = self._offsets.get(name), self._values[name]
        return None if offset is None else _displaced(param, value, offset)

    def why_idle(self, name: str) -> str:
        """A sentence that says why the parameter has no effect with the values of now; '' while it has one."""
        param = self._param(name)
        if not param.applies:
            return ""
        return why_idle(param, self.params, self._values, self._offsets.__contains__)

    def take(self) -> dict[str, Any]:
        """One consistent snapshot for a step, modulation included; triggers that were fired are in it once."""
        with self._lock:
            values = dict(self._values)
            for name, offset in self._offsets.items():
                param, value = self.params[name], values[name]
                values[name] = param.moved(value, _displaced(param, value, offset))
            for name, param in self.params.items():
                if isinstance(param, Trigger):
                    self._values[name] = False
        return values

    def dump(self) -> dict[str, Any]:
        """Values as JSON, by name, with unknown names kept; triggers are left out."""
        with self._lock:
            values = dict(self._values)
        known = {n: p.to_json(values[n]) for n, p in self.params.items() if not isinstance(p, Trigger)}
        return {**self.unknown, **known}

    def load(self, data: Mapping[str, Any]) -> list[str]:
        """Take values from a file: clamp and report, keep unknown names, never fail. Returns the report.

        Parameters that ``data`` does not name stay as they are; the unknown names kept are those of the last file.
        """
        report: list[str] = []
        self.unknown = {}
        if not isinstance(data, Mapping):
            return [f"the parameters are {brief(data)}, not values with names; nothing was changed"]
        for name, value in data.items():
            if name not in self.params:
                self.unknown[name] = value
                report.append(f"{str(name)[:60]}: unknown parameter, kept but not used")
                continue
            if isinstance(self.params[name], Trigger):
                continue
            try:
                note = self.set(name, value)
            except ParamError as error:
                note = f"{error}; the value {brief(self._values[name])} was kept"
            if note:
                report.append(note)
        return report


def _displaced(param: Param[Any], value: Any, offset: float) -> float:
    """The control's position with an offset: it stops at the ends, a hue goes round."""
    position = param.to_norm(value) + offset
    return position % 1.0 if isinstance(param, Color) else unit(position)
