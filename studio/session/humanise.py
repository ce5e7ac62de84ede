"""Drums out of a ``.mid`` file, played with the feel that a network learned from drummers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studio.export import open_writer
from studio.files import short_path
from studio.media import Note, Notes
from studio.midi_file import MidiSong, read_midi

DRUMS = 9
STRAIGHT = 4
"""Steps of a beat that ``straight`` brings hits to first."""


class HumaniseError(ValueError):
    """A file that cannot be humanised; the message says why and what to do."""


@dataclass(frozen=True)
class Humanised:
    """What was done: hits that were moved, hits of drums that the network does not know, and remarks."""

    path: Path
    hits: int
    unknown: int
    velocity: float
    """Mean change of velocity."""
    milliseconds: float
    """Mean change of time."""
    notices: tuple[str, ...]
    report: dict[str, Any]


def humanise_file(
    source: Path, out: Path, *, model: str = "house_feel", amount: float = 1.0, freedom: float = 0.3, seed: int = 0,
    straight: bool = False, every_channel: bool = False,
) -> Humanised:
    """Write ``out`` (.mid, or .wav as the synth plays it) with the drums of ``source`` as ``model`` feels them.

    ``amount`` 0..1 of the way from what is written; ``freedom`` 0..1 of the drummers' own spread, by ``seed``;
    ``straight`` quantises first and forgets the written dynamics. Notes of other channels stay as they are.
    Raises HumaniseError, MidiFileError, WeightsError, FileError.
    """
    from studio import paths
    from studio.nn.humanise import FEEL, PITCHES, Drummer, build_feel
    from studio.nn.weights import load_model

    song = read_midi(source)
    places = [i for i, note in enumerate(song.notes) if every_channel or note.channel == DRUMS]
    if not places:
        raise HumaniseError(
            f"{short_path(source)} has no drums: no note is on channel 10; --all takes the notes of every channel"
        )
    drummer = Drummer(build_feel(load_model(paths.find_model(model), FEEL)))
    written = [_straight(song.notes[i]) if straight else song.notes[i] for i in places]
    upper, lower = song.time_signature
    whole = upper * 4 % lower == 0
    played = drummer.play(
        written, song.bpm, amount=amount, freedom=freedom, bar=max(1, upper * 4 // lower) if whole else 4,
        rng=np.random.default_rng(seed),
    )
    notes = list(song.notes)
    for place, note in zip(places, played, strict=True):
        notes[place] = note
    known = [note.pitch in PITCHES for note in written]
    notices = [*song.repairs]
    if len(song.tempos) > 1:
        notices.append(f"its {len(song.tempos)} tempi become the first one, {song.bpm:g}; beats stay where they are")
    if not whole:
        notices.append(f"its bars of {upper}/{lower} are no whole beats; the feel counts in fours")
    report = _write(out, song, notes)
    moved = [(abs(a.velocity - b.velocity), abs(a.start - b.start)) for a, b in zip(written, played, strict=True)]
    means = np.mean(moved, 0)
    return Humanised(out, sum(known), len(known) - sum(known), float(means[0]), float(means[1]) * 60_000.0 / song.bpm,
                     tuple(notices), report)


def _straight(note: Note) -> Note:
    return Note(note.pitch, 80, round(note.start * STRAIGHT) / STRAIGHT, note.duration, note.channel)


def _write(out: Path, song: MidiSong, notes: Sequence[Note]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if song.programs:
        options["programs"] = ", ".join(f"{channel}={program}" for channel, program in sorted(song.programs.items()))
    if out.suffix.lower() in (".mid", ".midi"):
        options |= {"beats_per_bar": song.time_signature[0], "beat_unit": song.time_signature[1]}
    length = max([song.length, *(note.start + note.duration for note in notes)])
    with open_writer(out, bpm=song.bpm, options=options) as writer:
        writer.add(Notes(tuple(sorted(notes, key=lambda n: (n.start, n.channel, n.pitch))), length))
    return dict(writer.report)
