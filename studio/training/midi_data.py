"""What is learned from MIDI files and what is left out: drum kits brought to one, tracks by program, and the counts.

Kits name their sounds by other numbers: an electronic one sends 22 and 26 for the edges of its hi-hat, which General
MIDI does not know. ``kit_of`` reads how pitches are brought to those of General MIDI.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from studio import safe_json
from studio.files import FileError, read_text
from studio.media import Note
from studio.midi_file import MidiSong
from studio.training.loop import TrainingError

DRUM_CHANNEL = 9
GENERAL_MIDI = range(35, 82)
"""Pitches that are percussion sounds in General MIDI 1."""

# zones of an electronic kit (TD-11, the notes of the Groove MIDI dataset) to the General MIDI sound of their drum
ROLAND = {22: 42, 26: 46, 40: 38, 47: 45, 50: 48, 52: 57, 55: 49, 58: 43, 59: 51}
# nine drums: the reduction that is published with the Groove MIDI dataset (Gillick et al. 2019, arXiv 1905.06118)
NINE = {
    35: 36, 36: 36, 37: 38, 38: 38, 39: 38, 40: 38, 41: 43, 43: 43, 58: 43, 45: 47, 47: 47, 48: 50, 50: 50, 22: 42,
    42: 42, 44: 42, 54: 42, 26: 46, 46: 46, 49: 49, 52: 49, 55: 49, 57: 49, 51: 51, 53: 51, 56: 51, 59: 51,
}
KITS = ("none", "general-midi", "roland", "nine")
MAX_KIT_BYTES = 64 * 1024

FAMILIES = ("piano", "bells", "organ", "guitar", "bass", "strings", "ensemble", "brass", "reeds", "pipes", "lead",
            "pads", "effects", "folk", "percussion", "sounds")
"""The sixteen families of eight General MIDI programs each, in their order."""


@dataclass(frozen=True)
class Kit:
    """How drum pitches are brought to others. ``to`` maps a pitch, None leaves it out; ``others`` are those that stay
    beside them."""

    name: str
    to: dict[int, int | None] = field(default_factory=dict)
    others: frozenset[int] = frozenset(range(128))

    def pitch(self, pitch: int) -> int | None:
        """Where a pitch goes, None for one that is left out."""
        if pitch in self.to:
            return self.to[pitch]
        return pitch if pitch in self.others else None

    def apply(self, notes: Iterable[Note], counts: Counter[str]) -> tuple[Note, ...]:
        """The notes with the kit's pitches; what was moved and left out is added to ``counts``."""
        made: list[Note] = []
        for note in notes:
            pitch = self.pitch(note.pitch)
            if pitch is None:
                counts[f"drum notes of pitch {note.pitch}, which the kit {self.name} leaves out"] += 1
                continue
            if pitch != note.pitch:
                counts[f"drum notes moved from pitch {note.pitch} to {pitch}"] += 1
            made.append(note if pitch == note.pitch else replace(note, pitch=pitch))
        return tuple(made)


def kit_of(wish: str) -> Kit:
    """The kit that a setting names: ``none`` (or nothing) keeps every pitch, ``general-midi`` keeps its percussion
    sounds, ``roland`` brings an electronic kit's zones to them, ``nine`` reduces to nine drums; else a file (TOML or
    JSON) of pitches and where they go, such as ``22 = 42`` and ``31 = "drop"``. Raises TrainingError.
    """
    word = wish.strip().lower().replace("_", "-")
    if word in ("", "none"):
        return Kit("none")
    if word in ("general-midi", "gm"):
        return Kit("general-midi", others=frozenset(GENERAL_MIDI))
    if word == "roland":
        return Kit("roland", dict(ROLAND), frozenset(GENERAL_MIDI))
    if word == "nine":
        return Kit("nine", dict(NINE), frozenset())
    path = Path(wish).expanduser()
    if not path.is_file():
        raise TrainingError(f"kit: {wish!r} is neither a file nor one of {', '.join(KITS)}")
    return Kit(path.stem, _read_kit(path))


def _read_kit(path: Path) -> dict[int, int | None]:
    try:
        text, _ = read_text(path, limit=MAX_KIT_BYTES)
        tree: Any = safe_json.loads(text.encode()) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (FileError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"kit: {path} cannot be read ({error}); write lines such as 22 = 42") from None
    table = tree.get("kit", tree) if isinstance(tree, dict) else None
    if not isinstance(table, dict) or not table:
        raise TrainingError(f"kit: {path} holds no pitches; write lines such as 22 = 42")
    made: dict[int, int | None] = {}
    for key, value in table.items():
        goal = None if value == "drop" else value
        if not (key.isdecimal() and int(key) < 128) or not (goal is None or (type(goal) is int and 0 <= goal < 128)):
            raise TrainingError(f"kit: {path}: {key} = {value!r} is not a pitch (0..127) and a pitch or \"drop\"")
        made[int(key)] = goal
    return made


def programs_of(wish: str) -> frozenset[int] | None:
    """The General MIDI programs (0..127 within) that a setting names: numbers from 1 to 128, ranges and families, such
    as ``piano, 41-46, brass``; None for all. Raises TrainingError."""
    found: set[int] = set()
    for word in (part.strip().lower() for part in wish.split(",")):
        if not word:
            continue
        first, dash, last = word.partition("-")
        if word in FAMILIES:
            start = FAMILIES.index(word) * 8
            found.update(range(start, start + 8))
        elif first.strip().isdecimal() and (last.strip().isdecimal() if dash else True):
            low, high = int(first), int(last or first)
            if not 1 <= low <= high <= 128:
                raise TrainingError(f"programs: {word!r} is not within 1 to 128")
            found.update(range(low - 1, high))
        else:
            known = ", ".join(FAMILIES)
            raise TrainingError(f"programs: {word!r} is neither a number from 1 to 128 nor one of {known}")
    return frozenset(found) or None


def pitched(song: MidiSong, programs: frozenset[int] | None, counts: Counter[str]) -> MidiSong:
    """The song without drums, and with the notes of these programs alone; what was left out is added to ``counts``."""
    tracks = []
    for track in song.tracks:
        kept: list[Note] = []
        for note in track.notes:
            # a track that names no program sounds as the first one, a piano
            program = song.programs.get(note.channel, track.program or 0)
            if note.channel == DRUM_CHANNEL:
                counts["notes on the drum channel were left out"] += 1
            elif programs is not None and program not in programs:
                counts[f"notes of other programs ({FAMILIES[program // 8]}) were left out"] += 1
            else:
                kept.append(note)
        tracks.append(replace(track, notes=tuple(kept)))
    notes = sorted((n for track in tracks for n in track.notes), key=lambda n: (n.start, n.channel, n.pitch))
    return replace(song, tracks=tuple(tracks), notes=tuple(notes))


def told(counts: Counter[str]) -> list[str]:
    """Counts as lines of a report, the largest first."""
    return [f"{count:,} {what}" for what, count in counts.most_common()]


def stretches_of(factors: Iterable[float]) -> tuple[float, ...]:
    """The factors by which pieces are stretched, without 1. Raises TrainingError."""
    made = tuple(float(factor) for factor in factors if factor != 1)
    wrong = [factor for factor in made if not 0.25 <= factor <= 4]
    if wrong:
        raise TrainingError(f"stretch: {wrong[0]:g} is not between 0.25 (four times as fast) and 4")
    return made
