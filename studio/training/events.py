"""What the note recipes share: pieces as symbols, random crops and transpositions, scoring, samples to listen to."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from studio.files import atomic_write
from studio.media import Note
from studio.nn.keys import key_fits, key_names
from studio.nn.lstm import SequenceRNN, State
from studio.nn.music import END, EVENTS, KEYS, START, EventVocabulary, Grammar, Limits, VoiceNote
from studio.nn.sampling import Sampling, choose
from studio.nn.stepper import Stepper
from studio.training.loop import Config, Export, TrainingError
from studio.training.midi_data import stretches_of
from studio.training.recurrent import RecurrentRecipe

IGNORED = -100
"""Target of a place that is not scored."""


@dataclass
class EventSettings(Config):
    """Settings that all note recipes have."""

    steps: int = 3000
    cell: str = "lstm"
    """Kind of recurrent cell: lstm or gru."""
    layers: int = 2
    """Recurrent layers on top of each other."""
    hidden: int = 256
    """Units per layer."""
    embedding: int = 64
    """Numbers that stand for a symbol at the input."""
    dropout: float = 0.3
    """Share of activations dropped between layers while training."""
    batch: int = 16
    """Pieces (or parts of them) per step."""
    window: int = 512
    """Symbols of a piece per step; longer pieces are entered at a random bar."""
    lr: float = 2e-3
    """Peak learning rate of Adam; it warms up over 100 steps and falls along a cosine."""
    weight_decay: float = 0.0
    """Decay of the weights (AdamW)."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    stretch: tuple[float, ...] = ()
    """Factors by which training also stretches pieces in time: 0.5,2 for double and half time, 0.95,1.05 for playing
    that follows no click. Nothing: none."""
    unlabelled: float = 0.1
    """Share of the pieces that training shows without their label, so that the model also plays without one."""
    initial: str = ""
    """Event model to go on from; its vocabulary and the size of its network are kept. Empty: from scratch."""
    source: str = ""
    """Name of the music for the model's card."""
    licence: str = ""
    """Licence of the music for the model's card."""


@dataclass(frozen=True)
class Piece:
    """One piece of music: its notes, its length in beats, its label."""

    notes: tuple[VoiceNote, ...]
    beats: int
    label: str = ""

    def transposed(self, shift: int) -> Piece:
        """The piece ``shift`` semitones higher; a key in its label moves along."""
        if not shift:
            return self
        notes = tuple(replace(note, pitch=note.pitch + shift) for note in self.notes)
        tonic, _, mode = self.label.partition(" ")
        label = f"{KEYS[(KEYS.index(tonic) + shift) % 12]} {mode}" if tonic in KEYS else self.label
        return Piece(notes, self.beats, label)

    def stretched(self, factor: float) -> Piece:
        """The piece ``factor`` times as long."""
        if factor == 1:
            return self
        notes = tuple(replace(n, start=n.start * factor, duration=n.duration * factor) for n in self.notes)
        return Piece(notes, max(1, math.ceil(self.beats * factor - 1e-6)), self.label)


def find_key(notes: Sequence[VoiceNote]) -> str:
    """The key such as ``G minor``: Krumhansl's profiles, with weight on the lowest of the last notes."""
    if not notes:
        return ""
    heard = np.zeros(12)
    for note in notes:
        heard[note.pitch % 12] += note.duration
    finish = max(note.start + note.duration for note in notes)
    final = min((note for note in notes if note.start + note.duration > finish - 0.5), key=lambda n: n.pitch)
    return key_names(key_fits(heard, final=final.pitch % 12))[0]


class EventRecipe(RecurrentRecipe):
    """A recipe over pieces. Subclasses implement ``read``, which fills ``splits`` and ``vocabulary``."""

    shares: ClassVar[bool] = True
    config: EventSettings
    network: SequenceRNN
    vocabulary: EventVocabulary
    splits: dict[str, list[Piece]]
    shifts: Sequence[Sequence[int]]
    """Semitones by which each training piece may be transposed."""

    @abstractmethod
    def read(self, data: Path) -> dict[str, Any]:
        """Read the data; return a report. Raises TrainingError."""

    def prepare(self, data: Path) -> dict[str, Any]:
        report = self.read(data)
        self.initial = self.initial_model(EVENTS)
        if self.initial is not None:
            try:
                self.vocabulary = EventVocabulary.from_json(self.initial.config["vocabulary"])
            except (KeyError, ValueError) as error:
                raise TrainingError(f"initial: {self.config.initial} has no usable vocabulary ({error})") from None
        if not (self.splits["train"] and self.splits["valid"]):
            raise TrainingError(f"{data}: at least two usable pieces are needed, one of them to validate on")
        # long performances come up more often than short ones, but not as often as they are longer
        weights = np.clip([len(piece.notes) for piece in self.splits["train"]], 64, 1024).astype(float)
        self._weights = weights / weights.sum()
        self._stretches = (1.0, *stretches_of(self.config.stretch))
        self._cache: dict[tuple[int, int, float], NDArray[np.int64]] = {}
        self._scored = {name: self._encoded(pieces) for name, pieces in self.splits.items() if name != "train"}
        return {**report, **{f"{name}_pieces": len(pieces) for name, pieces in self.splits.items()},
                "symbols": self.vocabulary.size}

    def _encoded(self, pieces: list[Piece]) -> list[NDArray[np.int64]]:
        return [np.array(self.vocabulary.encode(p.notes, p.beats, p.label), np.int64) for p in pieces]

    def build(self) -> None:
        self.begin_with(self.initial, self.vocabulary.size)

    def _crop(self) -> NDArray[np.int64]:
        """A random piece, transposed, from its start or (when longer than the window) from a random bar."""
        config = self.config
        index = int(self.rng.choice(len(self._weights), p=self._weights))
        shift = int(self.rng.choice(self.shifts[index]))
        factor = float(self.rng.choice(self._stretches)) if len(self._stretches) > 1 else 1.0
        key = (index, shift, factor)
        if key not in self._cache:
            piece = self.splits["train"][index].transposed(shift).stretched(factor)
            self._cache[key] = self._encoded([piece])[0]
        symbols = self._cache[key]
        if len(symbols) > config.window + 1:
            bars = np.flatnonzero(symbols == self.vocabulary.bases[0])
            bars = bars[bars <= len(symbols) - config.window // 2]
            begin = int(self.rng.choice(bars)) if len(bars) else 1
            symbols = np.concatenate([symbols[:1], symbols[begin : begin + config.window]])
        if self.rng.random() < config.unlabelled:
            symbols = np.concatenate([[START], symbols[1:]])
        return symbols

    def step(self, index: int) -> dict[str, float]:
        config = self.config
        with self.fetching():
            crops = [self._crop() for _ in range(config.batch)]
        symbols = pad(self.share(crops)).to(config.device)
        self.network.train()
        with self.mixed():
            logits, _ = self.network(symbols[:, :-1].clamp_min(0))
        targets = symbols[:, 1:].flatten()
        total = F.cross_entropy(logits.flatten(0, 1).float(), targets, ignore_index=IGNORED, reduction="sum")
        # the mean over the whole batch, whose shares are of different length
        loss = total * self.shard.count / sum(len(crop) - 1 for crop in crops)
        self.descend(loss, index)
        return {"loss": float(loss.detach())}

    def validate(self) -> dict[str, float]:
        nats, per_beat = self._score("valid")
        return {"score": nats, "validation_nats_per_symbol": nats, "validation_nats_per_beat": per_beat}

    def _score(self, split: str) -> tuple[float, float]:
        """Nats per symbol and per beat, every piece read whole from its start with its label."""
        total, symbols = score_pieces(self.network, self._scored[split], self.config.device)
        return total / symbols, total / sum(piece.beats for piece in self.splits[split])

    def export(self) -> Export:
        stored = self.store()
        nats, per_beat = self._score("valid")
        figures = {"stored_validation_nats_per_symbol": nats, "stored_validation_nats_per_beat": per_beat}
        if self.splits.get("test"):
            nats, per_beat = self._score("test")
            figures |= {"stored_test_nats_per_symbol": nats, "stored_test_nats_per_beat": per_beat}
        card = {
            "title": f"Events of {self.config.source or 'music'}",
            "data": {"name": self.config.source, "licence": self.config.licence},
            "note": "weights are stored in 8-bit rows; figures whose names begin with 'stored' are those of the file",
            "parameters": sum(tensor.numel() for tensor in self.network.parameters()), "figures": figures,
        }
        config = {"network": self.network.spec.to_json(), "kind": self.name, "vocabulary": self.vocabulary.to_json()}
        return Export(stored, EVENTS, config, card)

    def sample(self, folder: Path, index: int) -> list[Path]:
        label = self.vocabulary.labels[index % len(self.vocabulary.labels)] if self.vocabulary.labels else ""
        notes = improvise(self.network, self.vocabulary, label=label, beats=64, seed=self.config.seed)
        path = folder / "samples" / f"{self.name}-{index:06d}.mid"
        write_sample(path, notes, drums=self.name == "drums")
        return [path]


def pad(rows: list[NDArray[np.int64]]) -> torch.Tensor:
    """Rows of different lengths as one tensor, filled up with IGNORED."""
    filled = np.full((len(rows), max(map(len, rows))), IGNORED, np.int64)
    for place, row in enumerate(rows):
        filled[place, : len(row)] = row
    return torch.from_numpy(filled)


@torch.no_grad()
def score_pieces(
    network: SequenceRNN, pieces: list[NDArray[np.int64]], device: str = "cpu", *, batch: int = 16, chunk: int = 512
) -> tuple[float, int]:
    """Nats of all symbols of ``pieces`` but their first (the label), and how many those are; state is carried along."""
    network.eval()
    total, count = 0.0, 0
    for start in range(0, len(pieces), batch):
        symbols = pad(sorted(pieces, key=len)[start : start + batch]).to(device)
        state: State | None = None
        for begin in range(0, symbols.shape[1] - 1, chunk):
            part = symbols[:, begin : begin + chunk + 1]
            logits, state = network(part[:, :-1].clamp_min(0), state)
            targets = part[:, 1:].flatten()
            total += float(F.cross_entropy(logits.flatten(0, 1), targets, ignore_index=IGNORED, reduction="sum"))
            count += int((targets != IGNORED).sum())
    return total, count


def improvise(
    network: SequenceRNN, vocabulary: EventVocabulary, *, label: str = "", beats: int = 64, seed: int = 0,
    temperature: float = 0.9,
) -> list[VoiceNote]:
    """What the network plays by itself, for at most ``beats`` beats."""
    stepper, grammar = Stepper(network.eval()), Grammar(vocabulary)
    rng, limits, sampling = np.random.default_rng(seed), Limits(), Sampling(temperature=temperature)
    symbol, notes = vocabulary.label_symbol(label), []
    while grammar.beat < beats and not grammar.ended:
        mask = grammar.allowed(limits, may_end=grammar.beat >= 8)
        symbol = choose(stepper.step(symbol)[0], sampling, rng, mask=mask)
        note = grammar.push(symbol)
        notes += [note] if note is not None else []
    return [note for note in notes if note.start < beats]


def write_sample(path: Path, notes: Sequence[VoiceNote], *, drums: bool = False, bpm: float = 80.0) -> None:
    """A plain ``.mid`` to listen to while training goes on."""
    import mido

    ticks = 480
    events = []
    for note in notes:
        begin = max(0, round(note.start * ticks))
        channel = 9 if drums else note.voice
        events.append((begin, 1, mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)))
        finish = begin + max(1, round(note.duration * ticks) - 1)
        events.append((finish, 0, mido.Message("note_off", channel=channel, note=note.pitch)))
    song, track, now = mido.MidiFile(ticks_per_beat=ticks), mido.MidiTrack(), 0
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm)))
    for time, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=time - now))
        now = time
    song.tracks.append(track)
    with atomic_write(path, parents=True) as temporary:
        song.save(temporary)


def as_notes(notes: Sequence[VoiceNote]) -> list[Note]:
    """Voices as channels, to look at with ``piano_roll``."""
    return [Note(n.pitch, n.velocity, n.start, n.duration, n.voice) for n in notes]


__all__ = [
    "END", "EventRecipe", "EventSettings", "Piece", "as_notes", "find_key", "improvise", "pad", "score_pieces",
    "write_sample",
]
