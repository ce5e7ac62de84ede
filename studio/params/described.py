"""A declaration as plain data and back: for a generator whose class lives in another process."""

from __future__ import annotations

from typing import Any

from studio.params.base import Param
from studio.params.compound import Color, Model, Path, Point, Text
from studio.params.scalar import Bool, Choice, Float, Int, Seed, Trigger

_KINDS: dict[str, Any] = {
    cls.kind: cls for cls in (Bool, Choice, Color, Float, Int, Model, Path, Point, Seed, Text, Trigger)
}
_COMMON = ("label", "help", "unit", "group", "live", "applies")
_OWN: dict[str, tuple[str, ...]] = {
    "float": ("low", "high", "curve"), "int": ("low", "high", "curve"), "choice": ("choices",),
    "point": ("low", "high"), "path": ("accepts",), "model": ("architecture", "also"),
    "text": ("place_of", "names_in"),
}
_LEFT_OUT = {
    "choice": ("unit",), "path": ("unit",), "model": ("unit",), "trigger": ("unit", "live"),
}
"""What a kind's declaration does not take."""


def to_dict(param: Param[Any]) -> dict[str, Any]:
    """Everything that ``from_dict`` needs, as JSON data."""
    names = (*(name for name in _COMMON if name not in _LEFT_OUT.get(param.kind, ())), *_OWN.get(param.kind, ()))
    found = {name: getattr(param, name) for name in names}
    found["applies"] = [dict(condition) for condition in param.applies]
    if "choices" in found:
        found["choices"] = list(found["choices"])
    return {"kind": param.kind, "default": param.to_json(param.default), **found}


def from_dict(data: dict[str, Any]) -> Param[Any]:
    """The parameter again. Raises TypeError or ValueError with a sentence when the data declares none."""
    if not isinstance(data, dict) or data.get("kind") not in _KINDS:
        raise TypeError(f"{str(data)[:80]} declares no parameter")
    kind = data["kind"]
    words = {name: value for name, value in data.items() if name not in ("kind", "default")}
    cls = _KINDS[kind]
    if kind == "trigger":
        return cls(**words)  # type: ignore[no-any-return]
    default = data.get("default")
    if kind in ("color", "point") and isinstance(default, list):
        default = tuple(default)
    if kind == "color" and isinstance(default, str):
        default = Color((0.0, 0.0, 0.0)).clean(default)[0]
    return cls(default, **words)  # type: ignore[no-any-return]
