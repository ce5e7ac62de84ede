"""The MIDI sequencer's drums with the feel of another network."""

from __future__ import annotations

from typing import Any

import numpy as np

from studio.engine import Stage, render
from studio.media import Note
from studio.params import ParamSet
from studio.plugins import discover

PLUGIN = discover(builtin_only=True).get("reverie.midi_sequencer")


def play(bars: int = 4, notices: list[str] | None = None, **values: Any) -> list[Note]:
    made = PLUGIN.load()
    found = ParamSet(made.params)
    for name, value in {"model": "drums", "style": "funk", "seed": 3, **values}.items():
        found.set(name, value)
    notes, start = [], 0.0
    for block in render([Stage(made, found, PLUGIN.folder)], frames=bars, bpm=100.0,
                        on_notice=None if notices is None else notices.append):
        notes += [note.shifted(start) for note in block.notes]  # type: ignore[union-attr]
        start += block.length  # type: ignore[union-attr]
    return notes


def test_the_feel_changes_how_not_what() -> None:
    plain, felt, again = play(), play(feel=1.0), play(feel=1.0)
    assert felt == again
    assert [n.pitch for n in sorted(felt, key=lambda n: (n.pitch, n.start))][:20] == [
        n.pitch for n in sorted(plain, key=lambda n: (n.pitch, n.start))][:20]
    assert abs(len(felt) - len(plain)) <= 3, "a hit at the very edge may fall out of the last bar"
    early = {(n.pitch, round(4 * n.start)): n for n in plain}
    pairs = [(early[n.pitch, round(4 * n.start)], n) for n in felt if (n.pitch, round(4 * n.start)) in early]
    assert len(pairs) > 0.8 * len(plain)
    assert np.mean([abs(a.velocity - b.velocity) for a, b in pairs]) > 3.0
    assert all(abs(a.start - b.start) < 0.26 for a, b in pairs)
    assert len({n.velocity for n in felt}) > 8


def test_without_feel_nothing_is_loaded_and_a_missing_model_is_said_once() -> None:
    notices: list[str] = []
    plain = play(2, notices, feel_model="nowhere")
    assert notices == [] and plain == play(2)
    assert play(2, notices, feel=1.0, feel_model="nowhere") == plain
    assert len(notices) == 1 and notices[0].startswith("feel:") and "nowhere" in notices[0]
