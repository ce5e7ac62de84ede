"""A melody is kept, note for note, and an event model of voices adds the others beneath it.

The model writes from left to right and does not know what the melody will do next. So many harmonies are written side
by side (sequential Monte Carlo; Doucet, de Freitas and Gordon 2001): in each the melody's notes are set where they
come, and a harmony weighs as much as the model finds them likely there. After every beat the light ones are dropped and
the heavy ones go on several times; what is left at the end is drawn from what the model would have written, had it
known the melody.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from studio.media import Note
from studio.midi_file import MidiSong
from studio.nn.keys import key_fits, key_names, transposed
from studio.nn.mixture import Mixture
from studio.nn.music import END, KEYS, SCALES, EventVocabulary, Grammar, Limits, VoiceNote
from studio.nn.sampling import Sampling, chances, draw
from studio.nn.stepper import Stepper

DRUMS = 9
_TONES = {"major": SCALES["major"], "minor": (*SCALES["minor"], 11)}
"""Tones of a key: minor with both its sevenths."""
_CHORDS = [
    frozenset((root + step) % 12 for step in steps) for root in range(12)
    for steps in ((0, 4, 7, 10), (0, 3, 7, 10), (0, 4, 7, 11), (0, 3, 6, 10), (0, 3, 6, 9))
]
"""Triads and chords of the seventh."""
SHORTEST = 1 / 32
"""Shortest note (beats)."""
LONGEST = 2048
"""Most beats of a melody."""


class MelodyError(ValueError):
    """A melody that cannot be harmonised; the message says why."""


@dataclass(frozen=True)
class Harmony:
    """The melody as voice 0 and the voices beneath it, by start; its key; nats per beat by the model."""

    notes: tuple[VoiceNote, ...]
    key: str
    nats_per_beat: float


@dataclass
class _Row:
    """One harmony on its way."""

    grammar: Grammar
    weight: float = 0.0
    likelihood: float = 0.0
    """Log-chance of all its symbols by the model alone."""
    worth: float = 0.0
    """The same with what the key and the chords say."""
    notes: list[VoiceNote] = field(default_factory=list)
    until: dict[int, int] = field(default_factory=dict)
    """Voice → step at which its last note ends."""
    pitch: dict[int, int] = field(default_factory=dict)
    sung: int = -1
    """Step of the melody's last note."""

    def copy(self) -> _Row:
        return replace(
            self, grammar=self.grammar.copy(), notes=list(self.notes), until=dict(self.until), pitch=dict(self.pitch))


def melody_of(song: MidiSong) -> list[Note]:
    """The top line of a song: of the track that lies highest, at every moment the highest note. Raises MelodyError."""
    tracks = [[n for n in track.notes if n.channel != DRUMS] for track in song.tracks]
    tracks = [notes for notes in tracks if notes]
    if not tracks:
        raise MelodyError("there are no pitched notes in it; give a .mid file with a melody")
    return top_line(max(tracks, key=lambda notes: float(np.mean([note.pitch for note in notes]))))


def top_line(notes: Sequence[Note]) -> list[Note]:
    """One note at a time: of those that begin together the highest, each until the next one begins."""
    line: list[Note] = []
    for note in sorted(notes, key=lambda n: (round(n.start, 3), -n.pitch)):
        if line and note.start - line[-1].start < 1e-3:
            continue
        if line and line[-1].start + line[-1].duration > note.start:
            line[-1] = replace(line[-1], duration=note.start - line[-1].start)
        line.append(note)
    return line


class Harmoniser:
    """Harmonises with what ``stepper`` has learned of ``vocabulary``, which must have several voices.

    ``rows`` harmonies are written side by side; ``colour`` is how freely they leave the key and its chords (0: hardly,
    1: as the model likes); ``crossing`` allows a voice above the one over it.
    """

    def __init__(
        self, stepper: Stepper | Mixture, vocabulary: EventVocabulary, *, rows: int = 32, temperature: float = 0.9,
        colour: float = 0.1, crossing: bool = False, seed: int = 0,
    ) -> None:
        if vocabulary.voices < 2 or not vocabulary.durations:
            raise MelodyError("the model has no voices that could be added; choose one of several voices (chorales)")
        self.words, self.rows, self.crossing = vocabulary, max(1, rows), crossing
        self.sampling = Sampling(temperature=temperature, top_p=0.98)
        self.colour = math.log(max(colour, 1e-9))
        self._tinted: dict[tuple[frozenset[int], int, bool], NDArray[np.float64]] = {}
        self.rng = np.random.default_rng(seed)
        self.stepper = stepper.twin()

    def harmonise(
        self, melody: Sequence[Note], *, key: str = "", check: Callable[[float], None] = lambda share: None
    ) -> Harmony:
        """Voices for ``melody`` (one note at a time, beats), which comes back unchanged as voice 0.

        ``key`` such as ``G minor``; '': the one that fits the melody best. ``check`` is told the share that is
        done, and may raise. Raises MelodyError.
        """
        words = self.words
        name = self._set(melody, key)
        rows = [_Row(Grammar(words)) for _ in range(self.rows)]
        self.stepper.reset(self.rows)
        logits = self.stepper.step(words.label_symbol(self.label))
        for beat in range(self.beats):
            check(beat / self.beats)
            rows, logits = self._beat(rows, logits, beat)
            rows, logits = self._resampled(rows, logits)
        best = max(rows, key=lambda row: row.worth)
        given = [VoiceNote(0, n.pitch, n.start, n.duration, n.velocity) for n in melody]
        end = max(note.start + note.duration for note in given)
        others = [  # the model thinks in whole beats; the melody may end before
            replace(n, pitch=n.pitch - self.shift, duration=min(n.duration, end - n.start))
            for n in best.notes if n.voice and n.start < end - SHORTEST
        ]
        return Harmony(
            tuple(sorted([*given, *others], key=lambda n: (n.start, n.voice))), name, -best.likelihood / self.beats)

    def _set(self, melody: Sequence[Note], key: str) -> str:
        """Bring the melody onto the grid, and into the range of the model's highest voice in a key that it knows.

        Returns the key in which the melody is. Sets ``shift``, the semitones by which the model sees it higher.
        """
        if not melody:
            raise MelodyError("the melody has no notes")
        words, grid = self.words, self.words.grid
        self.beats = int(np.ceil(max(n.start + n.duration for n in melody) - 1e-6))
        if self.beats > LONGEST:
            raise MelodyError(f"the melody is {self.beats:,} beats long; at most {LONGEST:,} are harmonised")
        known = {pitch for voice, pitch in words.notes if voice == 0}
        pitches = {note.pitch for note in melody}
        shifts = [s for s in sorted(range(-48, 49), key=lambda s: (abs(s), s)) if {p + s for p in pitches} <= known]
        if not shifts:
            raise MelodyError(
                f"the melody goes from {min(pitches)} to {max(pitches)}, {max(pitches) - min(pitches)} semitones; the "
                f"model's highest voice has {max(known) - min(known)}"
            )
        name, self.shift, self.label = self._key(melody, key, shifts)
        self.home = transposed(name, self.shift)
        self.starts: dict[int, tuple[int, int]] = {}  # step → pitch, steps
        line = sorted(melody, key=lambda n: n.start)
        for note, after in zip(line, [*line[1:], None], strict=True):
            step = round(note.start * grid)
            stop = round((after.start if after else note.start + note.duration) * grid)
            steps = min(max(1, round((note.start + note.duration) * grid) - step), max(1, stop - step))
            self.starts.setdefault(step, (note.pitch + self.shift, steps))
        self.closing = max(self.starts)
        """Step of the melody's last note."""
        self._tinted.clear()
        return name

    def _key(self, melody: Sequence[Note], key: str, shifts: Sequence[int]) -> tuple[str, int, str]:
        """The melody's key, the shift (the first of ``shifts`` that will do), the label of the key it is moved to."""
        heard = np.zeros(12)
        for note in melody:
            heard[note.pitch % 12] += note.duration
        last = max(melody, key=lambda n: n.start).pitch % 12
        every = key_names(key_fits(heard, final=last))
        if key and key not in every:
            raise MelodyError(f"there is no key {key!r}; say it like {', '.join(sorted(every)[:4])}")
        name = key or every[0]
        for shift in shifts:
            if transposed(name, shift) in self.words.labels:
                return name, shift, transposed(name, shift)
        return name, shifts[0], ""

    # --- writing ---

    def _beat(
        self, rows: list[_Row], logits: NDArray[np.float32], beat: int
    ) -> tuple[list[_Row], NDArray[np.float32]]:
        """Write every row through beat ``beat``, up to where the next one (or the end) is to come."""
        done: list[tuple[tuple[torch.Tensor, ...], NDArray[np.float32]] | None] = [None] * len(rows)
        while True:
            tokens = np.zeros(len(rows), np.int64)
            going = False
            state = self.stepper.state
            for place, row in enumerate(rows):
                if done[place] is None:
                    mask = self._may(row)
                    if row.grammar.beat == beat and self._moves_on(row, mask):
                        done[place] = tuple(part[:, place : place + 1] for part in state), logits[place].copy()
                    else:
                        tokens[place] = self._write(row, logits[place], mask)
                        going = True
            if not going:
                break
            logits = self.stepper.step(tokens)
        kept = [item for item in done if item is not None]
        self.stepper.state = tuple(torch.cat(parts, 1) for parts in zip(*(state for state, _ in kept), strict=True))
        made = np.stack([values for _, values in kept])
        if beat == self.beats - 1:
            for row, values in zip(rows, made, strict=True):
                self._weigh(row, values, END)
        return rows, made

    def _moves_on(self, row: _Row, mask: NDArray[np.bool_]) -> bool:
        first_beat, first_position = self.words.bases[:2]
        return bool(mask[END] or mask[first_beat:first_position].any())

    def _write(self, row: _Row, logits: NDArray[np.float32], mask: NDArray[np.bool_]) -> int:
        """The next symbol of a row: the only one there is, or a drawn one."""
        allowed = np.flatnonzero(mask)
        if len(allowed) == 1:
            token = int(allowed[0])
            self._weigh(row, logits, token)
        else:
            # what the model finds likely, less where a tone is outside the key or the chord
            plain = _log_chances(logits)
            shares = plain + self._tints(row)
            token = draw(chances(shares.astype(np.float32), self.sampling, mask=mask), float(self.rng.random()))
            row.likelihood += float(plain[token])
            row.worth += float(shares[token])
            row.weight += float(np.logaddexp.reduce(shares[allowed]))
        note = row.grammar.push(token)
        if note is not None:
            row.notes.append(note)
            step = round(note.start * self.words.grid)
            row.until[note.voice] = step + round(note.duration * self.words.grid)
            row.pitch[note.voice] = note.pitch
            row.sung = step if note.voice == 0 else row.sung
        return token

    def _tints(self, row: _Row) -> NDArray[np.float64]:
        """What is added to the log-chances of symbols: less for notes that leave the key, once more less for those that
        make no chord with what sounds. What is sung is never wrong; the last chord is at home."""
        now = row.grammar.now
        heard = frozenset(row.pitch[voice] % 12 for voice, until in row.until.items() if until > now)
        sung = row.pitch[0] % 12 if row.until.get(0, 0) > now else -1
        known = (heard, sung, now >= self.closing)
        if known not in self._tinted:
            self._tinted[known] = self._tint(*known)
        return self._tinted[known]

    def _tint(self, heard: frozenset[int], sung: int, closing: bool) -> NDArray[np.float64]:
        words, first = self.words, self.words.bases[2]
        tonic, _, mode = self.home.partition(" ")
        keynote = KEYS.index(tonic)
        tones = {(keynote + step) % 12 for step in _TONES[mode]} | {sung}
        triad = {(keynote + step) % 12 for step in ((0, 3, 7) if mode == "minor" else (0, 4, 7))}
        closing = closing and sung in triad
        made = np.zeros(words.size)
        for place, (voice, pitch) in enumerate(words.notes):
            tone = pitch % 12
            if closing:
                fits = tone == keynote if voice == words.voices - 1 else tone in triad
                made[first + place] = 0.0 if fits else 2 * self.colour
            else:
                chord = any(heard | {tone} <= known for known in _CHORDS)
                made[first + place] = self.colour * ((tone not in tones) + (not chord))
        return made

    def _weigh(self, row: _Row, logits: NDArray[np.float32], token: int) -> None:
        """A symbol that is set, not chosen: the row weighs as much as the model likes it."""
        share = float(_log_chances(logits)[token])
        row.likelihood += share
        row.worth += share
        row.weight += share

    def _may(self, row: _Row) -> NDArray[np.bool_]:
        """Which symbols may follow, ``(vocabulary,)``: all voices sound all the time, and the melody as it is given."""
        words, grammar = self.words, row.grammar
        first_beat, first_position, first_note, first_duration, _, _ = words.bases
        if grammar.pending is not None:
            mask = grammar.allowed(Limits())
            if mask[first_duration : first_duration + len(words.durations)].any():
                self._bound_duration(mask, grammar)
            return mask
        mask = np.zeros(words.size, bool)
        if grammar.beat < 0:
            mask[first_beat] = True
            return mask
        now = grammar.now
        set_here = self.starts.get(now)
        if set_here and row.sung < now:
            mask[first_note + words.note_index[0, set_here[0]]] = True
            return mask
        silent = [voice for voice in range(1, words.voices) if row.until.get(voice, 0) <= now]
        if silent:
            mask[first_note:first_duration] = self._range(row, silent[0])
            return mask
        # nothing is to begin here: on to where the next note does
        ends = [row.until[voice] for voice in range(1, words.voices)]
        after = min([*ends, *(step for step in self.starts if step > now)])
        line = (grammar.beat + 1) * words.grid
        if after < line and after < self.beats * words.grid:
            mask[first_position + after - grammar.beat * words.grid - 1] = True
        elif grammar.beat + 1 < self.beats:
            mask[first_beat + (grammar.beat + 1) % words.bar] = True
        else:
            mask[END] = True
        return mask

    def _bound_duration(self, mask: NDArray[np.bool_], grammar: Grammar) -> None:
        """The melody's own duration; for the others none beyond the end."""
        words, first = self.words, self.words.bases[3]
        index = grammar.pending
        assert index is not None
        lengths = np.array(words.durations)
        if words.notes[index][0] == 0:
            wanted = self.starts[grammar.now][1]
            fits = lengths == lengths[lengths <= wanted].max(initial=lengths[0])
        else:
            fits = lengths <= max(self.beats * words.grid - grammar.now, lengths[0])
        mask[first : first + len(lengths)] &= fits

    def _range(self, row: _Row, voice: int) -> NDArray[np.bool_]:
        """The notes that ``voice`` may begin: no higher than the voice over it, no lower than the one beneath."""
        words = self.words
        own: NDArray[np.bool_] = np.array([v == voice for v, _ in words.notes])
        if self.crossing:
            return own
        now = row.grammar.now
        above = [row.pitch[v] for v in range(voice) if row.until.get(v, 0) > now]
        below = [row.pitch[v] for v in range(voice + 1, words.voices) if row.until.get(v, 0) > now]
        bounded = own & (words.pitches <= min(above, default=127)) & (words.pitches >= max(below, default=0))
        return bounded if bounded.any() else own

    def _resampled(
        self, rows: list[_Row], logits: NDArray[np.float32]
    ) -> tuple[list[_Row], NDArray[np.float32]]:
        """Heavy rows several times, light ones not at all, once the weights have become uneven (systematic)."""
        weights = np.exp([row.weight - max(r.weight for r in rows) for row in rows])
        weights /= weights.sum()
        if 1.0 / float((weights**2).sum()) > len(rows) / 2:
            return rows, logits
        places = (self.rng.random() + np.arange(len(rows))) / len(rows)
        chosen = np.searchsorted(np.cumsum(weights), places).clip(0, len(rows) - 1)
        order = torch.from_numpy(chosen)
        self.stepper.state = tuple(part[:, order] for part in self.stepper.state)
        made = [rows[place].copy() for place in chosen]
        for row in made:
            row.weight = 0.0
        return made, logits[chosen]


def _log_chances(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    shifted = logits.astype(np.float64) - float(logits.max())
    made: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum())
    return made
