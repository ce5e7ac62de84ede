"""What is dropped on a deck's picture: a generator, a look, a snapshot, or files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.ui.kit.mime import GENERATOR, PRESET, SNAPSHOT, Dropped

if TYPE_CHECKING:
    from studio.session.session import Session
    from studio.ui.window import MainWindow


def use_on(window: MainWindow, line: str, what: Dropped) -> None:
    """Use what was dropped on the picture of deck ``line``."""
    from studio.library.presets import load_preset
    from studio.ui.decks.chain_strip import put_generator

    if what.kind == GENERATOR:
        put_generator(window.session, window.session.line(line), what.text)
    elif what.kind == PRESET:
        try:
            preset, _ = load_preset(Path(what.text))
        except ValueError as error:
            window.session.notice(str(error), level="error")
            return
        _preset_on(window.session, line, preset)
    elif what.kind == SNAPSHOT:
        found = next((item for item in window.session.snapshots if item.key == what.text), None)
        if found is not None:
            window.session.recall(found)
    else:
        window.dropped_files(list(what.files), line)


def _preset_on(session: Session, line: str, preset: Any) -> None:
    target = session.line(line)
    for index, slot in enumerate(target.slots):
        if slot.generator == preset.generator and slot.stage is not None:
            session.apply_preset(line, index, preset)
            return
    session.load(line, preset.generator, preset=preset.slug)
