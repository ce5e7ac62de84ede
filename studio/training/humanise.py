"""Recipe ``humanise``: how drummers play what is written, from a folder of ``.mid`` files of real drumming.

Each performance is quantised to sixteenths and nine drums; the network reads the hits and learns velocity and offset of
each (Gillick et al. 2019, see ``studio.nn.humanise``). With the ``info.csv`` of the Groove MIDI dataset its official
split is used; without one every tenth file is kept for validation. Figures are mean absolute errors on held-out
performances, beside those of two plain guesses: one value for all hits, and one for each drum.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from studio.files import FileError
from studio.media import Note
from studio.midi_file import MidiSong, read_midi
from studio.nn.humanise import DRUMS, FEEL, GRID, PITCHES, Drummer, FeelRNN, FeelSpec, inputs_of, laplace_nats, step_of
from studio.nn.music import VoiceNote
from studio.training.drums import performances
from studio.training.events import write_sample
from studio.training.loop import Config, Export, TrainingError
from studio.training.recurrent import RecurrentRecipe

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Performance:
    """A drummer's playing on the grid: hits, velocities 0..1 and offsets in steps, each ``(steps, 9)``."""

    hits: Array
    velocities: Array
    offsets: Array
    bpm: float
    bar: int


@dataclass
class HumaniseSettings(Config):
    """Settings of ``reverie train humanise``."""

    steps: int = 800
    hidden: int = 96
    """Units of each direction of a layer."""
    layers: int = 2
    """Recurrent layers on top of each other."""
    dropout: float = 0.3
    """Share of activations dropped while training."""
    batch: int = 48
    """Passages per step."""
    window: int = 64
    """Sixteenths of a passage."""
    timing: float = 1.0
    """How much timing counts against velocity."""
    lr: float = 3e-3
    """Peak learning rate of Adam; it warms up over 100 steps and falls along a cosine."""
    weight_decay: float = 1e-4
    """Decay of the weights (AdamW)."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    source: str = ""
    """Name of the drumming for the model's card."""
    licence: str = ""
    """Licence of the drumming for the model's card."""


def performance_of(song: MidiSong) -> Performance | None:
    """The song's drums on the grid; of two hits of a drum on one step the louder counts. None without any."""
    notes = [note for note in song.notes if note.pitch in PITCHES]
    if not notes:
        return None
    length = max(step_of(note.start) for note in notes) + 1
    hits, velocities, offsets = (np.zeros((length, len(DRUMS)), np.float32) for _ in range(3))
    for note in notes:
        step, drum = step_of(note.start), PITCHES[note.pitch]
        if hits[step, drum] and velocities[step, drum] >= note.velocity / 127.0:
            continue
        hits[step, drum], velocities[step, drum] = 1.0, note.velocity / 127.0
        offsets[step, drum] = note.start * GRID - step
    upper, lower = song.time_signature
    beats = upper * 4 / lower
    return Performance(hits, velocities, offsets, song.bpm, int(beats) if beats == int(beats) and beats >= 1 else 4)


class HumaniseRecipe(RecurrentRecipe):
    """See the module."""

    name = "humanise"
    help = "how drummers play: velocity and timing for written drums, from a folder of .mid files"
    Settings: ClassVar[type[Config]] = HumaniseSettings
    shares = True

    config: HumaniseSettings
    network: FeelRNN

    def prepare(self, data: Path) -> dict[str, Any]:
        if not data.is_dir():
            raise TrainingError(f"{data} is not a folder; give a folder of .mid files of drums")
        if self.config.window < GRID:
            raise TrainingError(f"window: {self.config.window} is less than a beat; use {GRID} or more")
        skipped: list[str] = []
        self.splits: dict[str, list[Performance]] = {"train": [], "valid": [], "test": []}
        rows = performances(data)
        for path, split, _ in rows:
            try:
                found = performance_of(read_midi(path))
            except FileError as error:
                skipped.append(str(error))
                continue
            if found is None:
                skipped.append(f"{path.name} has no hits of drums that are known")
            elif len(np.unique(found.velocities[found.hits > 0])) == 1 and not np.abs(found.offsets).max() > 1e-4:
                skipped.append(f"{path.name} is written, not played: one velocity, no timing")
            else:
                self.splits[split].append(found)
        if not self.splits["valid"] and len(self.splits["train"]) > 1:  # what was to be held out cannot be used
            self.splits["valid"] = [self.splits["train"].pop()]
        if not self.splits["train"] or not self.splits["valid"]:
            why = skipped[0] if skipped else "give a folder of .mid files"
            raise TrainingError(f"{data} holds too few files of played drums: two are the least; {why}")
        self.chances = np.array([len(p.hits) for p in self.splits["train"]], float)
        self.chances /= self.chances.sum()
        return {"files": len(rows), "skipped": skipped, **{
            f"{name}_performances": len(found) for name, found in self.splits.items()
        }, "hits": int(sum(p.hits.sum() for p in self.splits["train"]))}

    def build(self) -> None:
        try:
            spec = FeelSpec(self.config.hidden, self.config.layers, self.config.dropout)
        except ValueError as error:
            raise TrainingError(str(error)) from None
        self.start(FeelRNN(spec))

    def _passages(self) -> tuple[torch.Tensor, ...]:
        """Random passages: inputs ``(b, t, INPUTS)``; hits, velocities and offsets ``(b, t, 9)``."""
        size = self.config.window
        chosen = self.rng.choice(len(self.chances), self.config.batch, p=self.chances)
        inputs, parts = [], []
        for number in chosen:
            one = self.splits["train"][number]
            begin = int(self.rng.integers(0, max(1, len(one.hits) - size + 1)))
            rows = np.zeros((3, size, len(DRUMS)), np.float32)
            for row, source in zip(rows, (one.hits, one.velocities, one.offsets), strict=True):
                row[: len(one.hits) - begin] = source[begin : begin + size]
            inputs.append(inputs_of(rows[0], one.bpm, begin, one.bar))
            parts.append(rows)
        hits, velocities, offsets = torch.from_numpy(np.array(parts)).to(self.config.device).unbind(1)
        return torch.from_numpy(np.array(inputs)).to(self.config.device), hits, velocities, offsets

    def step(self, index: int) -> dict[str, float]:
        drawn = self._passages()
        whole = float(drawn[1].sum().clamp(min=1.0)) / self.shard.count
        inputs, hits, velocities, offsets = (self.share(part) for part in drawn)
        self.network.train()
        with self.mixed():
            felt = self.network(inputs)
        nats = laplace_nats(velocities, felt.velocity, felt.velocity_width)
        nats = nats + self.config.timing * laplace_nats(offsets, felt.offset, felt.offset_width)
        loss = (nats * hits).sum() / whole
        self.descend(loss, index)
        return {"loss": float(loss.detach())}

    def validate(self) -> dict[str, float]:
        found = errors(self.network, self.splits["train"], self.splits["valid"], self.config.device)
        # both errors as shares of what one value for each drum makes of them
        score = found["velocity_error"] / max(0.1, found["velocity_error_per_drum"])
        return {"score": score + found["offset_error"] / max(1e-3, found["offset_error_per_drum"]), **found}

    def export(self) -> Export:
        stored = {name: tensor.cpu().half() for name, tensor in self.network.state_dict().items()}
        self.network.load_state_dict({name: tensor.float() for name, tensor in stored.items()})
        figures = {}
        if self.splits["test"]:
            found = errors(self.network, self.splits["train"], self.splits["test"], self.config.device)
            figures = {f"test_{name}": value for name, value in found.items()}
        card = {
            "title": f"Feel of {self.config.source.partition(' (')[0] or 'drummers'}",
            "data": {"name": self.config.source, "licence": self.config.licence},
            "note": "mean absolute errors per hit: velocity in MIDI units, offset in sixteenths and milliseconds; "
                    "'constant' guesses one median for all hits, 'per_drum' one for each of nine drums, both from the "
                    "training performances",
            "parameters": sum(tensor.numel() for tensor in self.network.parameters()), "figures": figures,
        }
        return Export(stored, FEEL, {"network": self.network.spec.to_json(), "kind": "drum-feel"}, card)

    def sample(self, folder: Path, index: int) -> list[Path]:
        """Four bars of a held-out performance: quantised, then as the network plays it."""
        one = self.splits["valid"][0]
        written = written_notes(one, 4 * one.bar)
        self.network.eval()
        network = self.network.cpu()
        played = Drummer(network).play(written, one.bpm, bar=one.bar)
        network.to(self.config.device)
        path = folder / "samples" / f"{self.name}-{index:06d}.mid"
        notes = [(note, 0.0) for note in written] + [(note, 4.0 * one.bar) for note in played]
        voices = [VoiceNote(0, note.pitch, note.start + later, note.duration, note.velocity) for note, later in notes]
        write_sample(path, voices, drums=True, bpm=one.bpm)
        return [path]


_PADS = (36, 38, 42, 46, 43, 47, 50, 49, 51)


def written_notes(one: Performance, beats: int) -> list[Note]:
    """The first ``beats`` beats of a performance as they would be written: on the grid, all at one velocity."""
    return [
        Note(_PADS[drum], 80, int(step) / GRID, 0.125, 9)
        for step, drum in np.argwhere(one.hits[: beats * GRID] > 0).tolist()
    ]


@torch.no_grad()
def errors(
    network: FeelRNN, train: list[Performance], held_out: list[Performance], device: str = "cpu"
) -> dict[str, float]:
    """Mean absolute errors over all hits of ``held_out``, each read whole, and those of the two plain guesses."""
    network.eval()
    table = [np.concatenate([_hits(p) for p in part]) for part in (train, held_out)]
    guesses = []
    for one in held_out:
        felt = network(torch.from_numpy(inputs_of(one.hits, one.bpm, 0, one.bar))[None].to(device))
        step, drum = np.nonzero(one.hits)
        said_of = [part[0].cpu().numpy()[step, drum] for part in (felt.velocity, felt.offset)]
        guesses.append(np.stack(said_of, 1))
    found = {}
    said = np.concatenate(guesses)
    known, asked = table
    drums = {drum: np.median(known[known[:, 0] == drum, 1:3], 0) for drum in np.unique(known[:, 0])}
    constant = np.median(known[:, 1:3], 0)
    per_drum = np.array([drums.get(drum, constant) for drum in asked[:, 0]])
    milliseconds = asked[:, 3]
    for ending, guess in (("", said), ("_constant", constant), ("_per_drum", per_drum)):
        wrong = np.abs(asked[:, 1:3] - guess)
        found[f"velocity_error{ending}"] = round(127.0 * float(wrong[:, 0].mean()), 3)
        found[f"offset_error{ending}"] = round(float(wrong[:, 1].mean()), 5)
        found[f"offset_ms{ending}"] = round(float((wrong[:, 1] * milliseconds).mean()), 3)
    return found


def _hits(one: Performance) -> NDArray[np.float64]:
    """Rows for the hits: drum, velocity, offset, milliseconds of a step."""
    step, drum = np.nonzero(one.hits)
    length = np.full(len(step), 60_000.0 / one.bpm / GRID)
    return np.stack([drum.astype(float), one.velocities[step, drum], one.offsets[step, drum], length], 1)
