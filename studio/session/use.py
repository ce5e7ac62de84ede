"""Putting a model to use: which generator plays it, and where it goes."""

from __future__ import annotations

from typing import Any

from studio.params import Model
from studio.plugins import Plugin
from studio.session.line import Line, Slot


def players_of(session: Any, architecture: str) -> list[Plugin]:
    """Plugins that work with models of an architecture, by what their manifests or their code say."""
    return [plugin for plugin in session.registry if plugin.state not in ("failed", "found")
            and (architecture in _declared(plugin) or _param(plugin, architecture))]


def _declared(plugin: Plugin) -> set[str]:
    return {weights.architecture for weights in plugin.manifest.weights} if plugin.manifest else set()


def _param(plugin: Plugin, architecture: str) -> str:
    """The parameter that takes such a model; '' where the code is not imported yet or has none."""
    if plugin.state not in ("loaded", "running"):
        return ""
    return _fitting(plugin.load().params, architecture)


def _fitting(params: dict[str, Any], architecture: str) -> str:
    return next((n for n, p in params.items() if isinstance(p, Model) and architecture in p.architectures), "")


def place_model(session: Any, model: str, architecture: str, prefer: str = "") -> tuple[str, int] | None:
    """See ``training.use_model``."""
    running = _running(session, architecture, prefer)
    if running is not None:
        line, index, name = running
        session.set_value(line.name, index, name, model)
        if line.stopped:
            session.start(line.name)
        session.select(line.name, index)
        return line.name, index
    wanted = [plugin for plugin in session.registry if prefer and plugin.id == prefer and plugin.state != "failed"]
    plugin = next(iter(wanted or players_of(session, architecture)), None)
    if plugin is None or plugin.manifest is None:
        session.notice(f"no generator here plays {architecture or 'such'} models", level="warning",
                       cure="the page Plugins lists what there is")
        return None
    params = {_param(plugin, architecture) or "model": model}
    line = _free_line(session, plugin.manifest.makes)
    slot = session.load(line.name, plugin.id, params=params)
    return None if slot is None else (line.name, line.slots.index(slot))


def said_where(session: Any, model: str, line: str) -> None:
    """Tell the user where a model plays, and how a deck that is faded out is brought on."""
    deck = session.decks.get(line)
    if deck is None:
        session.notice(f"{model} plays in {session.line(line).title}")
        return
    hidden = session.mix.crossfade >= 0.99 if line == "A" else session.mix.crossfade <= 0.01
    session.notice(f"{model} plays in {deck.title}", cure="move the crossfader to bring it on" if hidden else "")


def _running(session: Any, architecture: str, prefer: str) -> tuple[Line, int, str] | None:
    """A generator that stands in a line and takes such models; the selected one first, then ``prefer``."""
    found: list[tuple[int, Line, int, str]] = []
    for line in session.lines():
        for index, slot in enumerate(line.slots):
            name = _slot_param(slot, architecture)
            if name:
                rank = 0 if session.selection == (line.name, index) else 1 if slot.generator == prefer else 2
                if not prefer or slot.generator == prefer:
                    found.append((rank, line, index, name))
    if not found:
        return None
    _, line, index, name = min(found, key=lambda item: item[0])
    return line, index, name


def _slot_param(slot: Slot, architecture: str) -> str:
    return _fitting(slot.stage.values.params, architecture) if slot.stage is not None else ""


def _free_line(session: Any, makes: str) -> Line:
    """An empty line for this kind of media; where there is none, the deck that is faded out, or a new player."""
    if makes == "image":
        decks: list[Line] = list(session.decks.values())
        chosen = session.decks.get(session.selection[0])
        order = ([chosen] if chosen is not None else []) + decks
        hidden = session.decks["B" if session.mix.crossfade < 0.5 else "A"]
        deck: Line = next((deck for deck in order if not deck.slots), hidden)
        return deck
    players: list[Line] = list(session.players.values())
    return next((player for player in players if not player.slots), None) or _new_player(session)


def _new_player(session: Any) -> Line:
    made: Line = session.add_player()
    return made
