"""What sound moves in a line, for an export: live bindings and modulation, with their targets in the export's chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from studio.control.audio import FILE
from studio.control.binding import Target
from studio.engine import Stage
from studio.session.audio_score import AudioScore, for_chain

if TYPE_CHECKING:
    from studio.session.core import Core
    from studio.session.export_plan import Look


def heard_in(session: Core, stages: Sequence[Stage], shift: int) -> AudioScore:
    """What sound does to ``stages`` of a line, which begin at place ``shift`` of the chain. On the session's thread."""
    controls = session.controls

    def place(target: Target) -> int | None:
        found = controls.board.find(target)
        stage = found[1].stage if found is not None else None
        return next((at + shift for at, known in enumerate(stages) if known is stage), None)

    score = for_chain(place, controls.bindings, controls.modulators, controls.routes)
    score.settings = controls.audio.dump()
    if controls.audio.settings["source"] == FILE:
        score.path = str(controls.audio.settings["file"])
    return score


def score_of(look: Look, sound: str) -> AudioScore | None:
    """The score of an export with this sound file, None for silence."""
    if not sound:
        return None
    return replace(look.heard or AudioScore(""), path=sound)
