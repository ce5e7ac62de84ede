"""The state of the studio as a plain dict: taken for undo, snapshots and looks, and put back with little disturbance.

Putting a state back touches only what differs between ``target`` and ``current``: a value that a controller moved
meanwhile stays, and a generator that is the same in both goes on running with its memory.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from studio.library.presets import apply_params
from studio.library.session import StageData
from studio.params import Trigger
from studio.session.line import Line, Slot

if TYPE_CHECKING:
    from studio.session.core import Core

GRAVEYARD = 200
"""Most removed slots that are remembered whole, so that undo brings the same generator back."""


def capture_slot(slot: Slot) -> dict[str, Any]:
    """One slot with its values."""
    return {"uid": slot.uid, **slot.current().to_json()}


def capture_line(line: Line) -> dict[str, Any]:
    """One line with its slots."""
    return {
        "kind": line.kind, "input": line.input, "seed": line.seed, "size": line.size,
        "slots": [capture_slot(slot) for slot in line.slots],
        "playback": copy.deepcopy(line.extra.get("playback")),
    }


def capture(session: Core) -> dict[str, Any]:
    """Everything that undo brings back."""
    return {
        "lines": {line.name: capture_line(line) for line in session.lines()},
        "mix": session.mix.state(), "bpm": session.clock.bpm,
    }


def restore(session: Core, target: dict[str, Any], current: dict[str, Any]) -> None:
    """Put ``target`` back where it differs from ``current``."""
    if target["bpm"] != current["bpm"]:
        session.clock.bpm = target["bpm"]
    if target["mix"] != current["mix"]:
        for name, value in target["mix"].items():
            session.mix.set(name, value)
    for name in [name for name in session.players if name not in target["lines"]]:
        session.drop_line(name)
    for name, wanted in target["lines"].items():
        before = current["lines"].get(name)
        if wanted != before:
            line = session.decks.get(name) or session.players.get(name) or session.make_player(name)
            restore_line(session, line, wanted, before)


def restore_line(session: Core, line: Line, wanted: dict[str, Any], before: dict[str, Any] | None) -> None:
    """Bring one line to the state ``wanted``; ``before`` is the state the difference is taken from."""
    fresh = False
    for name in ("input", "seed", "size"):
        if before is None or wanted[name] != before[name]:
            setattr(line, name, wanted[name])
            fresh = fresh or name != "input"
    if before is None or wanted.get("playback") != before.get("playback"):
        line.extra.pop("playback", None)
        if wanted.get("playback"):
            line.extra["playback"] = copy.deepcopy(wanted["playback"])
    old = {item["uid"]: item for item in before["slots"]} if before else {}
    slots: list[Slot] = []
    for index, item in enumerate(wanted["slots"]):
        slot = _find(session, line, item, index, taken=slots)
        if slot is None:
            slot = new_slot(session, item)
            slot.uid = item.get("uid", slot.uid)
        elif item != old.get(item.get("uid")):
            _set_values(slot, item, old.get(item.get("uid")))
        slots.append(slot)
    bury(session, [slot for slot in line.slots if slot not in slots])
    line.slots = slots
    session.settle(line, fresh=fresh)


def new_slot(session: Core, item: dict[str, Any]) -> Slot:
    """A slot from its stored form; the session then imports its plugin."""
    rest = {key: value for key, value in item.items() if key not in ("uid", "generator", "version", "params")}
    data = StageData(item["generator"], item.get("version", 1), copy.deepcopy(item.get("params", {})), rest)
    return slot_from(session, data)


def slot_from(session: Core, data: StageData) -> Slot:
    """A slot that knows its plugin, if it is here; its code is not yet imported."""
    locked = data.extra.get("locked")
    slot = Slot(
        data.generator, data, bypass=data.extra.get("bypass") is True, preset=str(data.extra.get("preset") or "")[:200],
        locked={name for name in locked if isinstance(name, str)} if isinstance(locked, list) else set(),
    )
    session.find_plugin(slot)
    return slot


def bury(session: Core, slots: list[Slot]) -> None:
    """Remember slots that were taken out."""
    for slot in slots:
        session.graveyard[slot.uid] = slot
    while len(session.graveyard) > GRAVEYARD:
        session.graveyard.pop(next(iter(session.graveyard)))


def _find(session: Core, line: Line, item: dict[str, Any], index: int, taken: list[Slot]) -> Slot | None:
    """The slot that this stored one was, or one in its place with the same generator."""
    here = next((slot for slot in line.slots if slot.uid == item.get("uid")), None)
    here = here or session.graveyard.pop(item.get("uid", 0), None)
    if here is None and index < len(line.slots):
        same = line.slots[index]
        here = same if same.generator == item["generator"] else None
    if here is None or here in taken or here.generator != item["generator"]:
        return None
    return here


def _set_values(slot: Slot, item: dict[str, Any], before: dict[str, Any] | None) -> None:
    slot.bypass = item.get("bypass") is True
    slot.locked = set(item.get("locked", ()))
    slot.preset = item.get("preset", "")
    if slot.stage is None:
        slot.data = StageData(item["generator"], item.get("version", 1), copy.deepcopy(item["params"]), slot.data.extra)
        return
    old = before["params"] if before else {}
    changed = {name: value for name, value in item["params"].items() if name not in old or old[name] != value}
    kinds = slot.stage.generator.params
    known = {name: value for name, value in changed.items() if name in kinds and not isinstance(kinds[name], Trigger)}
    unknown = slot.stage.values.unknown
    apply_params(known, item.get("version", 1), slot.stage.values, slot.stage.generator)
    slot.stage.values.unknown = unknown
