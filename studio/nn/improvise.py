"""Playing from an event model: label or primer in, bar after bar of notes out, within limits, none of them hanging."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from studio.media import Note
from studio.midi_file import MidiSong
from studio.nn.lstm import SequenceRNN
from studio.nn.mixture import Mixture
from studio.nn.music import END, EventVocabulary, Grammar, Limits, VoiceNote
from studio.nn.sampling import Sampling, chances, draw
from studio.nn.stepper import Precision, Stepper

MOST_PER_BEAT = 400
"""Symbols in one beat after which time must go on, whatever the model wants."""
REREAD = 1024
"""Symbols of the past that a network reads which joins."""
DRUMS = 9
"""Channel of drums (channel 10 of the specification, which counts from 1)."""


class Improviser:
    """A network, what it has read, and the rules of what it may play next. Times are beats since the start."""

    def __init__(
        self, network: SequenceRNN, vocabulary: EventVocabulary, *, seed: int = 0, precision: Precision = "float32"
    ) -> None:
        if network.spec.vocabulary != vocabulary.size:
            raise ValueError(f"the network has {network.spec.vocabulary} outputs for {vocabulary.size} symbols")
        self.vocabulary = vocabulary
        self.stepper: Stepper | Mixture = Stepper(network, precision=precision)
        self.rng = np.random.default_rng(seed)
        self.watch: list[tuple[float, NDArray[np.float64]]] | None = None
        """Where a list is put here, ``play`` adds the beat and the chances of each note symbol whenever it chose."""
        self.begin("")

    def twin(self) -> Improviser:
        """Another improviser that has read the same: what one plays on changes nothing in the other."""
        made = copy.copy(self)
        made.stepper, made.grammar = self.stepper.twin(), self.grammar.copy()
        made.history, made.rng, made.watch = list(self.history), copy.deepcopy(self.rng), None
        return made

    def rethink(self) -> None:
        """Forget what was thought ahead: nothing is, each note knows its own end."""

    def join(self, network: SequenceRNN | None, *, precision: Precision = "float32") -> None:
        """Let a second network of the same vocabulary play along (None: alone again); it reads what was played.

        ``mix`` says how much it decides, from the next symbol but one.
        """
        first = self.stepper.steppers[0] if isinstance(self.stepper, Mixture) else self.stepper
        if network is None:
            self.stepper = first
            return
        if network.spec.vocabulary != self.vocabulary.size:
            raise ValueError(f"the second network has {network.spec.vocabulary} outputs, not {self.vocabulary.size}")
        second = Stepper(network, precision=precision)
        second.keep(0, first.batch)
        second.prime(np.array(self.history[-REREAD:]))
        self.stepper = Mixture(first, second)

    def mix(self, amount: float) -> None:
        """How much the second network decides, 0..1; nothing without one."""
        if isinstance(self.stepper, Mixture):
            self.stepper.mix = amount

    def begin(self, label: str) -> None:
        """Forget everything and open a piece with ``label`` ('' or an unknown one: without)."""
        self.stepper.reset(1)
        self.grammar = Grammar(self.vocabulary)
        self._label = self.vocabulary.label_symbol(label)
        self.logits = self.stepper.step(self._label)[0]
        self.history: list[int] = [self._label]
        self.ended = False

    def read(self, notes: Sequence[VoiceNote], beats: int) -> list[VoiceNote]:
        """Read ``beats`` beats of music as what has been played so far; returns what of it the vocabulary holds."""
        symbols = self.vocabulary.encode(notes, beats, end=False)[1:]
        heard = [note for symbol in symbols if (note := self.grammar.push(symbol)) is not None]
        if symbols:
            self.logits = self.stepper.prime(np.array(symbols))[0]
            self.history += symbols
        return heard

    @property
    def now(self) -> float:
        """Beats played."""
        return max(0.0, self.grammar.now / self.vocabulary.grid)

    def play(
        self, until: float, sampling: Sampling, limits: Limits, *, candidates: int = 1,
        may_end: Callable[[float], bool] = lambda beat: True, wish_to_end: float = 0.0,
        judge: Callable[[list[VoiceNote], bool], float] = lambda notes, ended: 0.0,
        check: Callable[[], None] = lambda: None,
    ) -> list[VoiceNote]:
        """Play on until everything before beat ``until`` is decided, or the piece ends (``ended``).

        With several ``candidates`` that many continuations are played side by side, and the one is kept that the model
        itself finds most likely (nats per symbol) after adding ``judge(notes, ended)``. ``wish_to_end`` is added to
        the logit of the end where the piece may end.
        """
        count = max(1, candidates)
        self.stepper.keep(0, count)
        grammars = [self.grammar.copy() for _ in range(count)]
        histories = [list(self.history) for _ in range(count)]
        notes: list[list[VoiceNote]] = [[] for _ in range(count)]
        likelihood, length = np.zeros(count), np.zeros(count)
        logits = np.repeat(self.logits[None], count, 0)
        first_note, first_duration = self.vocabulary.bases[2:4]
        final: list[tuple[tuple[torch.Tensor, ...], NDArray[np.float32]] | None] = [None] * count
        in_beat = np.zeros(count, np.int64)
        watched: list[list[tuple[float, NDArray[np.float64]]]] = [[] for _ in range(count)]
        while None in final:
            check()
            tokens = np.zeros(count, np.int64)
            for row, grammar in enumerate(grammars):
                if final[row] is not None:
                    continue
                bounded = limits if in_beat[row] < MOST_PER_BEAT else Limits(per_beat=0)
                mask = grammar.allowed(bounded, may_end=may_end(grammar.now / self.vocabulary.grid))
                wishes = logits[row].copy()
                wishes[END] += wish_to_end
                odds = chances(wishes, sampling, mask=mask, history=np.array(histories[row][-256:]))
                token = draw(odds, float(self.rng.random()))
                if self.watch is not None and mask[first_note:first_duration].any():
                    beat = max(0.0, grammar.now / self.vocabulary.grid)
                    watched[row].append((beat, odds[first_note:first_duration]))
                tokens[row] = token
                likelihood[row] += _log_chance(logits[row], token)
                length[row] += 1
                before = grammar.beat
                note = grammar.push(token)
                in_beat[row] = 0 if grammar.beat > before else in_beat[row] + 1
                notes[row] += [note] if note is not None else []
                histories[row].append(token)
            logits = self.stepper.step(tokens)
            state = self.stepper.state
            for row, grammar in enumerate(grammars):
                if final[row] is None and (grammar.ended or grammar.now >= until * self.vocabulary.grid):
                    final[row] = tuple(part[:, row : row + 1].clone() for part in state), logits[row].copy()
        worth = [judge(row, grammar.ended) for row, grammar in zip(notes, grammars, strict=True)]
        best = int(np.argmax(likelihood / np.maximum(length, 1) + np.array(worth)))
        kept = final[best]
        assert kept is not None
        self.stepper.state, self.logits = kept
        self.grammar, self.history = grammars[best], histories[best][-4096:]
        self.ended = self.grammar.ended
        if self.watch is not None:
            self.watch += watched[best]
        return notes[best]


def _log_chance(logits: NDArray[np.float32], token: int) -> float:
    peak = float(logits.max())
    return float(logits[token]) - peak - float(np.log(np.exp(logits.astype(np.float64) - peak).sum()))


def voiced(song: MidiSong, voices: int, *, drums: bool = False) -> list[VoiceNote]:
    """The notes of a song for a model of ``voices`` voices.

    As many tracks as voices become voices by their mean pitch, the highest first. Otherwise the notes that begin
    together are dealt out from the top. ``drums`` takes the drum channel (all notes when it is silent) and leaves the
    others out; else it is the other way round.
    """
    beating = [note for note in song.notes if note.channel == DRUMS]
    if drums:
        return [VoiceNote(0, n.pitch, n.start, n.duration, n.velocity) for n in beating or song.notes]
    tracks = [[n for n in track.notes if n.channel != DRUMS] for track in song.tracks]
    tracks = [notes for notes in tracks if notes]
    if voices == 1:
        return [VoiceNote(0, n.pitch, n.start, n.duration, n.velocity) for notes in tracks for n in notes]
    if len(tracks) == voices:
        tracks.sort(key=lambda notes: -float(np.mean([n.pitch for n in notes])))
        return [VoiceNote(v, n.pitch, n.start, n.duration, n.velocity) for v, part in enumerate(tracks) for n in part]
    return dealt([n for notes in tracks for n in notes], voices)


def dealt(notes: Sequence[Note], voices: int) -> list[VoiceNote]:
    """Notes that begin together, from the top into the voices that are free then; those too many are left out."""
    free = [0.0] * voices
    result: list[VoiceNote] = []
    for note in sorted(notes, key=lambda n: (round(n.start, 3), -n.pitch)):
        for voice in range(voices):
            if free[voice] <= note.start + 1e-3:
                result.append(VoiceNote(voice, note.pitch, note.start, note.duration, note.velocity))
                free[voice] = note.start + note.duration
                break
    return result


