"""How an export that jumps at its end is made to close: the loop takes the wished length, or the export the loop's."""

from __future__ import annotations

from dataclasses import dataclass

from studio.params import ParamError
from studio.session.exporting import MIX, Look
from studio.session.line import Line
from studio.session.session import Session

NEAR = 0.01
"""Seconds by which a loop may miss the end."""


@dataclass(frozen=True)
class Cure:
    """What one button does: ``name`` of the first generator of ``line`` becomes ``value``; '' takes the loop's own
    length."""

    text: str
    line: str = ""
    index: int = 0
    name: str = ""
    value: float = 0.0


def closes(loop: float, seconds: float) -> bool:
    """Whether so many seconds are whole loops."""
    rounds = round(seconds / loop)
    return rounds >= 1 and abs(seconds - rounds * loop) < NEAR


def cure_for(session: Session, look: Look, loop: float, seconds: float) -> Cure:
    """What closes an export of ``seconds`` where a loop takes ``loop`` seconds."""
    own = Cure(f"Use its own loop of {loop:g} s")
    line = _line_of(session, look)
    stage = look.stages[0]
    for index, slot in enumerate(line.slots if line is not None else ()):
        if slot.bypass or slot.stage is None:
            continue
        if line is None or slot.stage.generator is not stage.generator:
            return own
        name = next((name for name in stage.values.params if name.startswith("loop")), "")
        if not name:
            return own
        values = stage.values.dump()
        try:  # it may count in beats, and it may have no effect in this mode: only what comes out tells
            values[name], _ = stage.values.params[name].clean(float(values[name]) * seconds / loop)
        except (ParamError, TypeError, ValueError):
            return own
        made = stage.generator.loop_seconds(values, look.bpm)
        if made is None or abs(made - seconds) >= NEAR:
            return own
        return Cure(f"Make its loop {seconds:g} s long", line.name, index, name, float(values[name]))
    return own


def _line_of(session: Session, look: Look) -> Line | None:
    """The line whose source is the first stage of the look; of a mixed programme that of deck A."""
    if look.name != MIX:
        return session.line(look.name)
    if look.second is not None:
        return session.decks["A"]
    return next((deck for deck in session.decks.values() if look.title == f"Programme ({deck.title})"), None)
