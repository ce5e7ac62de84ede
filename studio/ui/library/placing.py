"""Where something from the library goes when it is simply opened: the selected line if it fits, else a free one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from studio.library.presets import Preset
from studio.plugins import Plugin
from studio.session.line import Line
from studio.session.session import Session


def line_for(session: Session, makes: str) -> Line:
    """A line that can hold what makes this kind of media; a player is made where none is free."""
    selected = session.decks.get(session.selection[0]) or session.players.get(session.selection[0])
    if makes == "image":
        if selected is not None and selected.kind == "deck":
            return selected
        return next((deck for deck in session.decks.values() if not deck.slots), session.decks["A"])
    if selected is not None and selected.kind == "player" and (not selected.slots or selected.makes == makes):
        return selected
    free = next((player for player in session.players.values() if not player.slots), None)
    return free or session.add_player()


def put(session: Session, plugin: Plugin, line: str = "", preset: str = "") -> None:
    """Open a generator: an effect is added, a source takes the place of the one that is there. One step of undo."""
    manifest = plugin.manifest
    if manifest is None or plugin.state in ("failed", "found"):
        session.notice(f"{plugin.title} cannot be used: {plugin.reason or 'it is not enabled'}", level="error",
                       cure="see the plugins page")
        return
    with session.edit(f"Load {plugin.title}"):
        target = session.line(line) if line else line_for(session, manifest.makes)
        if manifest.takes is not None:
            session.add_effect(target.name, plugin.id, preset=preset)
        else:
            session.load(target.name, plugin.id, preset=preset)


def ways_to_put(session: Session) -> dict[str, Callable[[], object]]:
    """What can be opened where, by words: ``Style camera on deck B   —   Generators``."""
    ways: dict[str, Callable[[], object]] = {}
    for plugin in session.registry:
        if plugin.manifest is None or plugin.state in ("failed", "found"):
            continue
        verb = "on" if plugin.manifest.takes is None else "as an effect on"
        if plugin.manifest.makes == "image":
            for name in session.decks:
                ways[f"{plugin.title} {verb} deck {name}   —   Generators"] = partial(put, session, plugin, name)
        else:
            ways[f"{plugin.title} in a player   —   Generators"] = partial(put, session, plugin)
    return ways


def apply_preset(session: Session, preset: Preset, line: str = "") -> None:
    """Apply a preset to the generator it is for: the selected one, one in the selected line, else a new one."""
    plugin = next((known for known in session.registry if known.id == preset.generator), None)
    if plugin is None or plugin.manifest is None:
        session.notice(f"{preset.name} is for {preset.generator}, which is not here", level="warning",
                       cure="install its plugin, then open the preset again")
        return
    name = line or session.selection[0]
    target = session.decks.get(name) or session.players.get(name)
    if target is not None:
        order = sorted(range(len(target.slots)), key=lambda place: (target.name, place) != session.selection)
        for index in order:
            slot = target.slots[index]
            if slot.generator == preset.generator and slot.stage is not None:
                session.apply_preset(target.name, index, preset)
                session.select(target.name, index)
                return
    put(session, plugin, line, preset.slug)
