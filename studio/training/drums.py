"""Recipe ``drums``: an event model of drum playing, with its dynamics and its timing.

DATA is a folder of ``.mid`` files. An ``info.csv`` in the layout of the Groove MIDI dataset (columns midi_filename,
split, style, beat_type, time_signature) gives its official split and the style of each performance, which becomes
the label that a player can ask for; without one every tenth file is kept for validation.
All pitches are kept as they are, among them the hi-hat edges 22 and 26 of Roland kits, unless ``kit`` says where they
go (``midi_data.kit_of``).
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from studio.files import FileError, read_text
from studio.midi_file import MidiSong, read_midi
from studio.nn.music import EventVocabulary, VoiceNote
from studio.training.events import EventRecipe, EventSettings, Piece
from studio.training.loop import Config, TrainingError
from studio.training.midi import MAX_FILES, levels
from studio.training.midi_data import kit_of, told

_SPLITS = {"train": "train", "validation": "valid", "valid": "valid", "test": "test"}


@dataclass
class DrumSettings(EventSettings):
    """Settings of ``reverie train drums``."""

    grid: int = 4
    """Steps per beat: 4 are sixteenths; what lies between is micro-timing."""
    bar: int = 4
    """Beats per bar; performances in another metre are left out."""
    velocities: int = 12
    """Levels of velocity."""
    offsets: int = 9
    """Levels of micro-timing, from just before to just behind a step; 1: quantised."""
    kit: str = ""
    """Where drum pitches go: none (all stay), general-midi, roland (an electronic kit's zones), nine (nine drums), or a
    TOML or JSON file of your own with lines such as 22 = 42."""
    styles: int = 12
    """Most styles that become labels; the rest is unlabelled."""


class DrumRecipe(EventRecipe):
    """See the module."""

    name = "drums"
    help = "an event model of drum playing, with dynamics and micro-timing, from a folder of .mid files"
    Settings: ClassVar[type[Config]] = DrumSettings

    config: DrumSettings

    def read(self, data: Path) -> dict[str, Any]:
        config = self.config
        if not data.is_dir():
            raise TrainingError(f"{data} is not a folder; give a folder of .mid files")
        rows = performances(data)
        styles = Counter(style for _, split, style in rows if split == "train" and style)
        labels = tuple(sorted(style for style, _ in styles.most_common(config.styles)))
        skipped: list[str] = []
        kit, counts = kit_of(config.kit), Counter[str]()
        splits: dict[str, list[Piece]] = {"train": [], "valid": [], "test": []}
        for path, split, style in rows:
            try:
                song = read_midi(path)
            except FileError as error:
                skipped.append(str(error))
                continue
            if song.time_signature[0] * 4 != config.bar * song.time_signature[1]:
                skipped.append(f"{path.name} is in {song.time_signature[0]}/{song.time_signature[1]}")
            elif notes := kit.apply(song.notes, counts):
                splits[split].append(drum_piece(replace(song, notes=notes), style if style in labels else ""))
            else:
                skipped.append(f"{path.name} has no notes" + (f" of the kit {kit.name}" if song.notes else ""))
        if not splits["train"]:
            raise TrainingError(f"{data} holds no usable drum files; {skipped[0] if skipped else 'give .mid files'}")
        pitches = sorted({note.pitch for piece in splits["train"] for note in piece.notes})
        half = 0.5 - 0.5 / config.offsets
        offsets = [round(float(o), 4) for o in np.linspace(-half, half, config.offsets)] if config.offsets > 1 else []
        self.vocabulary = EventVocabulary(
            config.grid, config.bar, tuple((0, pitch) for pitch in pitches), (),
            levels(splits["train"], config.velocities), tuple(offsets), labels,
        )
        self.splits = splits
        self.shifts = [[0]] * len(splits["train"])
        return {"files": len(rows), "skipped": skipped, "pitches": pitches, "styles": dict(styles),
                "notices": told(counts)}


def performances(folder: Path) -> list[tuple[Path, str, str]]:
    """File, split and style of every performance."""
    table = folder / "info.csv"
    if not table.is_file():
        files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".mid", ".midi"))[:MAX_FILES]
        held = {1, *range(9, len(files), 10)}
        return [(path, "valid" if place in held else "train", "") for place, path in enumerate(files)]
    rows: list[tuple[Path, str, str]] = []
    text, _ = read_text(table)
    for row in csv.DictReader(io.StringIO(text)):
        split, name = _SPLITS.get(row.get("split") or ""), row.get("midi_filename") or ""
        path = (folder / name).resolve()
        if split and name and path.is_relative_to(folder.resolve()) and path.is_file():
            fill = row.get("beat_type") == "fill"
            rows.append((path, split, "fill" if fill else (row.get("style") or "").split("/")[0]))
    return rows


def drum_piece(song: MidiSong, label: str) -> Piece:
    """A performance as a piece; lengths of drum notes mean nothing and are dropped."""
    notes = tuple(VoiceNote(0, n.pitch, n.start, 0.25, n.velocity) for n in song.notes)
    return Piece(notes, max(1, int(np.ceil(song.notes[-1].start + 0.125))), label)
