"""When a parameter counts: a condition on other parameters, declared as plain data.

``applies={"mode": ("walk", "loop")}`` says that a parameter has an effect only while ``mode`` is walk or loop. Of
several names all must hold, and a list of such conditions holds when one of them does. What stands for a name is

- a choice, or several: ``"loop"``, ``("walk", "loop")``;
- ``True``: it is on, not 0, not empty; ``False``: it is off, 0, empty;
- a comparison with a number: ``"> 1"``, ``"< 0"``, ``">= 2"``, ``"<= 2"``, ``"= 0"``, ``"!= 1"``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.params.base import Param

Test = bool | str | Sequence[str]
Condition = Mapping[str, Test]
Applies = Condition | Sequence[Condition]
"""What ``applies=`` takes."""

LIMIT = 16
"""Most conditions, and most names or choices in one."""

_COMPARISON = re.compile(r"\s*(>=|<=|!=|=|>|<)\s*(-?\d+(?:\.\d+)?)\s*\Z")
_SIGNS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    ">": (operator.gt, "above"), "<": (operator.lt, "below"), ">=": (operator.ge, "at least"),
    "<=": (operator.le, "at most"), "=": (operator.eq, ""), "!=": (operator.ne, "other than"),
}
_NUMBERS = ("float", "int", "seed")
_TEXTS = ("text", "path", "model")


def clean(applies: Any) -> tuple[dict[str, bool | str | tuple[str, ...]], ...]:
    """The alternatives as plain data; empty: it always counts. Raises TypeError with a sentence."""
    given = [applies] if isinstance(applies, Mapping) else applies
    if not isinstance(given, (list, tuple)) or len(given) > LIMIT:
        raise TypeError('applies needs the form {"mode": ("walk", "loop")}, or a list of such')
    return tuple(_clean_one(one) for one in given)


def _clean_one(condition: Any) -> dict[str, bool | str | tuple[str, ...]]:
    if not isinstance(condition, Mapping) or not 0 < len(condition) <= LIMIT:
        raise TypeError('applies needs the form {"mode": ("walk", "loop")}, or a list of such')
    found: dict[str, bool | str | tuple[str, ...]] = {}
    for name, test in condition.items():
        if isinstance(test, (list, tuple)) and all(isinstance(part, str) for part in test):
            test = tuple(test)
        elif not isinstance(test, (bool, str)):
            raise TypeError(f"applies: {name!r} needs True, False, a choice, several, or a comparison like '> 1'")
        found[str(name)] = test
    return found


def check(param: Param[Any], params: Mapping[str, Param[Any]]) -> None:
    """Whether a declaration speaks of parameters that are there. Raises TypeError with a sentence."""
    for condition in param.applies:
        for name, test in condition.items():
            other = params.get(name)
            if other is None or other is param:
                raise TypeError(f"{param.name}: applies names {name!r}, which is no other parameter of the generator")
            if not _fits(other, test):
                raise TypeError(f"{param.name}: applies asks {name} for {test!r}, which a {other.kind} never is")


def _fits(other: Param[Any], test: bool | str | tuple[str, ...]) -> bool:
    if other.kind == "choice":
        known = getattr(other, "choices", ())
        return not isinstance(test, bool) and all(part in known for part in _names(test))
    if isinstance(test, bool):
        return other.kind in (*_NUMBERS, *_TEXTS, "bool")
    return other.kind in _NUMBERS and isinstance(test, str) and _COMPARISON.match(test) is not None


def _names(test: str | tuple[str, ...]) -> tuple[str, ...]:
    return (test,) if isinstance(test, str) else test


def holds(test: bool | str | tuple[str, ...], value: Any) -> bool:
    """Whether a value passes a test."""
    if isinstance(test, bool):
        return bool(value.strip() if isinstance(value, str) else value) is test
    if isinstance(value, str):
        return value in _names(test)
    match = _COMPARISON.match(test) if isinstance(test, str) else None
    return match is None or _SIGNS[match[1]][0](value, float(match[2]))


def missing(
    param: Param[Any], values: Mapping[str, Any], moving: Callable[[str], bool] = lambda name: False
) -> tuple[str, ...]:
    """The names that keep ``param`` from having an effect with these values; empty: it counts.

    What ``moving`` says is being moved by a modulation may be anything, so it keeps nothing back. Of several
    alternatives the one that is nearest to holding answers.
    """
    found: list[tuple[int, int, tuple[str, ...]]] = []
    for condition in param.applies:
        names = tuple(n for n, test in condition.items() if not moving(n) and not holds(test, values[n]))
        if not names:
            return ()
        found.append((len(names), len(names) - len(condition), names))
    return min(found, key=lambda one: one[:2])[2] if found else ()


def why_idle(
    param: Param[Any], params: Mapping[str, Param[Any]], values: Mapping[str, Any],
    moving: Callable[[str], bool] = lambda name: False,
) -> str:
    """A sentence that says why ``param`` does nothing with these values; '' while it counts."""
    names = missing(param, values, moving)
    if not names:
        return ""
    return f"Does nothing now: {' and '.join(f'{params[n].label} {_state(params[n], values[n])}' for n in names)}."


def _state(param: Param[Any], value: Any) -> str:
    if param.kind in _TEXTS:
        return "is set" if value.strip() else "is empty"
    if isinstance(value, bool):
        return "is on" if value else "is off"
    return f"is {value:g}" if isinstance(value, float) else f"is {value}"


def in_words(param: Param[Any], params: Mapping[str, Param[Any]]) -> str:
    """When it counts, in words: ``only while Mode is walk or loop``; '' when always."""
    parts = [" and ".join(_wish(params[name], test) for name, test in one.items()) for one in param.applies]
    return f"only while {', or '.join(parts)}" if parts else ""


def _wish(param: Param[Any], test: bool | str | tuple[str, ...]) -> str:
    if isinstance(test, bool):
        if param.kind == "bool":
            return f"{param.label} is {'on' if test else 'off'}"
        if param.kind in _TEXTS:
            return f"{param.label} is {'set' if test else 'empty'}"
        return f"{param.label} is {'not ' if test else ''}0"
    match = _COMPARISON.match(test) if isinstance(test, str) and param.kind in _NUMBERS else None
    if match is not None:
        return " ".join(filter(None, (param.label, "is", _SIGNS[match[1]][1], match[2])))
    *others, last = _names(test)
    return f"{param.label} is {', '.join(others)} or {last}" if others else f"{param.label} is {last}"
