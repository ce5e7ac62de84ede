"""Another name for a modulator: routes, bindings and other modulators that name it follow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from studio.control.binding import MODULATOR
from studio.control.modulators import parse_modulators, to_json

if TYPE_CHECKING:
    from studio.session.controls import Controls

LONGEST = 60
_NAMING = ("source", "first", "second")
"""Fields of modulators that name another."""


def fault(controls: Controls, old: str, new: str) -> str:
    """What is wrong with a new name, '' when nothing is."""
    if not new.strip() or len(new.strip()) > LONGEST:
        return f"A name has 1 to {LONGEST} characters."
    taken = any(known.name == new.strip() for known in controls.modulators if known.name != old)
    return "There is already one of this name." if taken else ""


def rename_modulator(controls: Controls, old: str, new: str) -> None:
    """Call the modulator ``old`` ``new``; one step of undo. Raises KeyError without it, ValueError with a reason."""
    new = new.strip()
    if all(known.name != old for known in controls.modulators):
        raise KeyError(old)
    if why := fault(controls, old, new):
        raise ValueError(why)
    if new == old:
        return
    made = []
    for known in controls.modulators:
        tree = to_json(known)
        for field in _NAMING:
            if tree.get(field) == old:
                tree[field] = new
        tree["name"] = new if known.name == old else known.name
        fresh = known if tree == to_json(known) else parse_modulators([tree], "modulator", [])[0]
        if fresh is not known:  # it goes on from where it is
            vars(fresh).update({name: value for name, value in vars(known).items() if name not in tree})
        made.append(fresh)
    bindings = []
    for binding in controls.bindings:
        source = binding.source
        ours = source.kind == MODULATOR and source.address == old
        bindings.append(replace(binding, source=replace(source, address=new)) if ours else binding)
    routes = [replace(route, modulator=new) if route.modulator == old else route for route in controls.routes]
    with controls.session.edit(f"Rename {old}"):
        controls._use(bindings=bindings, modulators=made, routes=routes)
