"""Recipe ``midi``: an event model of pitched music.

DATA is a folder of ``.mid`` files (every tenth one is kept for validation), or a JSON file with the keys ``train``,
``valid`` and ``test``, each a list of pieces, a piece a list of frames, a frame the MIDI pitch of every voice from the
highest down (-1: silent), ``frames_per_beat`` of them to a beat: the published layout of the J. S. Bach chorales.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from studio import safe_json
from studio.files import FileError
from studio.midi_file import MidiSong, read_midi
from studio.nn.music import KEYS, EventVocabulary, VoiceNote, duration_grid
from studio.training.events import EventRecipe, EventSettings, Piece, find_key
from studio.training.loop import Config, TrainingError
from studio.training.midi_data import DRUM_CHANNEL, pitched, programs_of, told

MAX_BYTES = 64 * 1024 * 1024
MAX_FILES = 20_000
HOME = {"major": "C major", "minor": "A minor"}
"""Where ``one_key`` brings pieces."""


@dataclass
class MidiSettings(EventSettings):
    """Settings of ``reverie train midi``."""

    grid: int = 4
    """Steps per beat: 4 are sixteenths, 12 hold triplets too."""
    bar: int = 0
    """Beats per bar; 0: from the files' time signatures, 1: the model counts beats only."""
    voices: int = 0
    """Voices that never overlap themselves, one per track, highest first; 0: the most tracks that all files have, if
    their notes do not overlap, else one voice with chords."""
    programs: str = ""
    """Programs (instruments) to learn from: numbers 1 to 128, ranges and families, as piano,41-46,brass. Nothing: all;
    drums never."""
    velocities: int = 12
    """Levels of velocity; 1: not modelled. Files of one velocity are recognised."""
    down: int = 6
    """Most semitones that training transposes a piece down, within the range of the music."""
    up: int = 5
    """Most semitones that training transposes a piece up, within the range of the music."""
    frames_per_beat: int = 4
    """Frames per beat of a JSON file."""
    keys: bool = True
    """Give the model each piece's key, so that a player can ask for one."""
    one_key: bool = False
    """Bring every piece to C major or A minor: the model learns one key well instead of twelve a little, and the player
    transposes."""
    weight_dropout: float = 0.0
    """Share of the recurrent weights left out while training."""
    average: float = 0.0
    """Memory of the average of the weights that becomes the model, such as 0.998; 0: the last weights themselves."""


class MidiRecipe(EventRecipe):
    """See the module."""

    name = "midi"
    help = "an event model of pitched music from a folder of .mid files or a JSON file of voices"
    Settings: ClassVar[type[Config]] = MidiSettings

    config: MidiSettings

    def read(self, data: Path) -> dict[str, Any]:
        config = self.config
        if data.is_dir():
            splits, report = self._folder(data)
        else:
            self.silent: list[str] = []
            splits = self._json(data)
            report = {"skipped": self.silent} if self.silent else {}
        if not splits["train"]:
            why = [*report.get("skipped", []), "give .mid files"][0]
            raise TrainingError(f"{data} holds no usable pieces; {why}")
        if config.keys:
            splits = {
                name: [Piece(p.notes, p.beats, find_key(p.notes)) for p in pieces] for name, pieces in splits.items()
            }
        if config.one_key:
            if not config.keys:
                raise TrainingError("one-key: the keys of the pieces must be known for that; leave keys on")
            splits = {name: [p.transposed(_way_home(p)) for p in pieces] for name, pieces in splits.items()}
        self.splits = splits
        train = splits["train"]
        spans = voice_spans(train)
        down, up = (0, 0) if config.one_key else (config.down, config.up)
        self.shifts = [fitting_shifts(piece, spans, down, up) for piece in train]
        notes = sorted({
            (note.voice, note.pitch + shift)
            for piece, shifts in zip(train, self.shifts, strict=True) for note in piece.notes for shift in shifts
        })
        if config.one_key:  # what no piece sings, others may, at the edges of each voice
            notes = [
                (voice, pitch) for voice, (low, high) in sorted(spans.items())
                for pitch in range(max(0, low - 2), min(127, high + 2) + 1)
            ]
        labels = [f"{tonic} {mode}" for mode in ("major", "minor") for tonic in KEYS] if config.keys else []
        labels = list(HOME.values()) if config.one_key else labels
        self.vocabulary = EventVocabulary(
            config.grid, self.bar, tuple(notes), duration_grid(config.grid), levels(train, config.velocities), (),
            tuple(labels),
        )
        return {**report, "voices": self.vocabulary.voices, "pitches": [min(spans[v][0] for v in spans), max(
            spans[v][1] for v in spans)], "bar": self.bar}

    def _json(self, data: Path) -> dict[str, list[Piece]]:
        try:
            tree = safe_json.load(data, max_bytes=MAX_BYTES)
        except FileError as error:
            raise TrainingError(str(error)) from None
        if not isinstance(tree, dict) or not all(isinstance(tree.get(key), list) for key in ("train", "valid")):
            raise TrainingError(f"{data} does not hold the lists train and valid; give a folder of .mid files")
        self.bar = self.config.bar or 1
        rate = self.config.frames_per_beat
        made: dict[str, list[Piece]] = {}
        for name in ("train", "valid", "test"):
            made[name] = []
            for number, frames in enumerate(tree.get(name, [])):
                try:
                    notes = notes_of_frames(frames, rate)
                except (TypeError, ValueError) as error:
                    raise TrainingError(f"{data}: a frame must be a list of pitches, one per voice ({error})") from None
                if notes:
                    made[name].append(Piece(tuple(notes), -(-len(frames) // rate)))
                else:
                    self.silent.append(f"piece {number + 1} of {name} has rests only")
        return made

    def _folder(self, folder: Path) -> tuple[dict[str, list[Piece]], dict[str, Any]]:
        files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".mid", ".midi"))[:MAX_FILES]
        songs: list[MidiSong] = []
        skipped: list[str] = []
        programs, counts = programs_of(self.config.programs), Counter[str]()
        for path in files:
            try:
                song = read_midi(path)
            except FileError as error:
                skipped.append(str(error))
                continue
            song = pitched(song, programs, counts)
            if song.notes:
                songs.append(song)
            else:
                of = " of these programs" if programs is not None else ""
                skipped.append(f"{path.name} has no pitched notes{of}")
        self.bar = self.config.bar or _common_bar(songs)
        voices = self.config.voices or _common_voices(songs)
        pieces = [piece_of(song, voices) for song in songs]
        order = np.random.default_rng(self.config.seed).permutation(len(pieces))
        held = max(1, len(pieces) // 10) if len(pieces) > 1 else 0
        parts = {"valid": order[:held], "train": order[held:]}
        return (
            {name: [pieces[i] for i in sorted(places)] for name, places in parts.items()},
            {"files": len(files), "skipped": skipped, "notices": told(counts)},
        )


def notes_of_frames(frames: Sequence[Sequence[int]], rate: int) -> list[VoiceNote]:
    """Notes of a piece of frames; equal pitches in a row are one note. Raises ValueError for an impossible pitch."""
    notes: list[VoiceNote] = []
    if not frames:
        return notes
    for voice in range(len(frames[0])):
        line = [int(frame[voice]) if voice < len(frame) else -1 for frame in frames]
        start = 0
        for place in range(1, len(line) + 1):
            if place == len(line) or line[place] != line[start]:
                if line[start] > 127:
                    raise ValueError(f"pitch {line[start]}")
                if line[start] >= 0:
                    notes.append(VoiceNote(voice, line[start], start / rate, (place - start) / rate))
                start = place
    return notes


def piece_of(song: MidiSong, voices: int) -> Piece:
    """A song as a piece of ``voices`` voices (tracks by mean pitch, highest first), or of one with chords."""
    tracks = [[n for n in t.notes if n.channel != DRUM_CHANNEL] for t in song.tracks]
    tracks = [notes for notes in tracks if notes]
    if voices > 1 and len(tracks) >= voices:
        tracks.sort(key=lambda notes: -float(np.mean([n.pitch for n in notes])))
        parts = list(enumerate(tracks[:voices]))
    else:
        parts = [(0, [n for notes in tracks for n in notes])]
    notes = [VoiceNote(v, n.pitch, n.start, n.duration, n.velocity) for v, part in parts for n in part]
    return Piece(tuple(notes), max(1, int(np.ceil(max(n.start + n.duration for n in notes) - 1e-6))))


def _common_bar(songs: list[MidiSong]) -> int:
    """Beats per bar that most songs have; 1 when their bars are no whole number of beats."""
    counts = Counter(song.time_signature for song in songs)
    upper, lower = counts.most_common(1)[0][0] if counts else (4, 4)
    beats = upper * 4 / lower
    return int(beats) if beats == int(beats) and 1 <= beats <= 16 else 1


def _common_voices(songs: list[MidiSong]) -> int:
    """Number of tracks that all songs have when no track overlaps itself, else 1."""
    counts: set[int] = set()
    for song in songs:
        tracks = [sorted(t.notes, key=lambda n: n.start) for t in song.tracks if t.notes]
        if any(a.start + a.duration > b.start + 1e-3 for t in tracks for a, b in itertools.pairwise(t)):
            return 1
        counts.add(len(tracks))
    return counts.pop() if len(counts) == 1 and 2 <= max(counts) <= 8 else 1


def voice_spans(pieces: Sequence[Piece]) -> dict[int, tuple[int, int]]:
    """Lowest and highest pitch of each voice."""
    spans: dict[int, tuple[int, int]] = {}
    for piece in pieces:
        for note in piece.notes:
            low, high = spans.get(note.voice, (note.pitch, note.pitch))
            spans[note.voice] = (min(low, note.pitch), max(high, note.pitch))
    return spans


def _way_home(piece: Piece) -> int:
    """Semitones, -6..5, that bring a piece from the key in its label to C major or A minor."""
    tonic, _, mode = piece.label.partition(" ")
    home = HOME[mode].partition(" ")[0]
    return (KEYS.index(home) - KEYS.index(tonic) + 6) % 12 - 6


def fitting_shifts(piece: Piece, spans: dict[int, tuple[int, int]], down: int, up: int) -> list[int]:
    """Transpositions that keep every voice within what it sings somewhere in the music; 0 always."""
    own = voice_spans([piece])
    room_below = max(spans[voice][0] - low for voice, (low, _) in own.items())
    room_above = min(spans[voice][1] - high for voice, (_, high) in own.items())
    return list(range(max(-down, room_below), min(up, room_above) + 1))


def levels(pieces: Sequence[Piece], most: int) -> tuple[int, ...]:
    """Velocity levels at equal shares of the notes, at most ``most``; none when the music has a single velocity."""
    found = np.array([note.velocity for piece in pieces for note in piece.notes])
    if most < 2 or len(np.unique(found)) < 2:
        return ()
    shares = (np.arange(most) + 0.5) / most
    return tuple(sorted({max(1, round(float(level))) for level in np.quantile(found, shares)}))
