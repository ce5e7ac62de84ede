"""Recipe ``roll``: a recurrent network over piano rolls, measured as the literature measures it.

DATA is a JSON file with the keys ``train``, ``valid`` and ``test``, each a list of pieces, a piece a list of frames, a
frame the list of MIDI pitches that sound in it (the published layout of the J. S. Bach chorales, one frame per quarter
note). The figure is that of Bai et al. 2018 ("An empirical evaluation of generic convolutional and recurrent networks",
arXiv 1803.01271): the negative log-likelihood of a frame of 88 keys (binary cross-entropy summed over them), the mean
over all predicted frames of all pieces, in nats; the first frame of a piece is not predicted.

With ``nade`` the keys of a frame depend on each other (see ``nn.nade``), and the model can be played: it learns too how
pieces begin and when they end, from a silent frame before and after each. Neither counts in the figure.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray

from studio import safe_json
from studio.files import FileError
from studio.nn.lstm import KEYS, LOWEST_KEY, MAX_MEMBERS, ROLL, RollMixture, RollRNN, roll_of
from studio.nn.music import Limits
from studio.nn.roll_player import MAX_LIFT, MAX_RATE, MAX_VOICES, RollImproviser
from studio.nn.sampling import Sampling
from studio.training.events import write_sample
from studio.training.loop import Config, Export, TrainingError
from studio.training.recurrent import RecurrentRecipe, spec_of

Roll = NDArray[np.float32]
"""One piece, float32 ``(frames, 88)`` of 0 and 1."""

MAX_BYTES = 64 * 1024 * 1024
SAMPLE_BEATS = 64
"""Length of what is played while training goes on."""


@dataclass
class RollSettings(Config):
    """Settings of ``reverie train roll``."""

    steps: int = 4000
    cell: str = "lstm"
    """Kind of recurrent cell: lstm, gru or rnn (plain, with tanh)."""
    members: int = 1
    """Networks that are trained side by side, each on pieces of its own choice; the mean of what they say counts."""
    layers: int = 1
    """Recurrent layers on top of each other."""
    hidden: int = 256
    """Units per layer."""
    dropout: float = 0.3
    """Share of activations dropped before the output while training."""
    input_dropout: float = 0.0
    """Share of sounding keys that training leaves out at the input."""
    nade: int = 0
    """Hidden units that learn which keys sound together; 0: every key for itself, which is measured but not played."""
    order: str = "rising"
    """With nade: the key of a frame that is decided first, rising (the lowest) or falling (the highest)."""
    weight_dropout: float = 0.0
    """Share of the recurrent weights left out while training."""
    average: float = 0.0
    """Memory of the average of the weights that becomes the model, such as 0.998; 0: the last weights themselves."""
    batch: int = 16
    """Pieces per step."""
    frames_per_beat: int = 1
    """Frames per beat of the data; what is played from the model goes at that rate."""
    lift: int = 0
    """Semitones from the pitches of the data to those that are played; -12 for the published chorales, which stand
    an octave too high."""
    down: int = 5
    """Most semitones that training transposes a piece down."""
    up: int = 6
    """Most semitones that training transposes a piece up."""
    lr: float = 2e-3
    """Peak learning rate of Adam."""
    weight_decay: float = 0.0
    """Decay of the weights (AdamW)."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    embedding: int = 1
    """Not used by this network."""
    source: str = ""
    """Name of the music for the model's card."""
    licence: str = ""
    """Licence of the music for the model's card."""


def read_rolls(path: Path) -> dict[str, list[Roll]]:
    """Pieces by split. Raises TrainingError when the file has another layout."""
    try:
        tree = safe_json.load(path, max_bytes=MAX_BYTES)
    except FileError as error:
        raise TrainingError(str(error)) from None
    if not isinstance(tree, dict) or not all(isinstance(tree.get(split), list) for split in ("train", "valid", "test")):
        raise TrainingError(f"{path} does not hold the lists train, valid and test; give a file of piano rolls")
    return {split: [_roll(piece, path) for piece in tree[split]] for split in ("train", "valid", "test")}


def _roll(piece: Any, path: Path) -> Roll:
    try:
        roll = np.zeros((len(piece), KEYS), np.float32)
        for time, pitches in enumerate(piece):
            for pitch in pitches:
                if 0 <= pitch - LOWEST_KEY < KEYS:
                    roll[time, pitch - LOWEST_KEY] = 1.0
    except TypeError:
        raise TrainingError(f"{path}: a piece must be a list of frames, a frame a list of pitches") from None
    return roll


def pad(rolls: list[Roll], *, ends: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Pieces as one tensor ``(pieces, frames, 88)``, and 1 for each ``(pieces, frames - 1)`` predicted frame.

    With ``ends`` each piece stands between two silent frames: the network reads the first one and so predicts how the
    piece begins, and the other one says when it is over. ``counted`` tells these apart.
    """
    rolls = [np.pad(roll, ((1, 1), (0, 0))) for roll in rolls] if ends else rolls
    longest = max(len(roll) for roll in rolls)
    frames = np.zeros((len(rolls), longest, KEYS), np.float32)
    weight = np.zeros((len(rolls), longest - 1), np.float32)
    for row, roll in enumerate(rolls):
        frames[row, : len(roll)] = roll
        weight[row, : len(roll) - 1] = 1.0
    return torch.from_numpy(frames), torch.from_numpy(weight)


def counted(weight: torch.Tensor) -> torch.Tensor:
    """``weight`` of ``pad`` with ``ends``, for the figure: neither a piece's first frame nor the silence after it."""
    inner = weight.clone()
    inner[:, 0] = 0.0
    inner[torch.arange(len(weight)), weight.sum(1).long() - 1] = 0.0
    return inner


def roll_loss(
    network: RollRNN | RollMixture, frames: torch.Tensor, weight: torch.Tensor, inputs: torch.Tensor | None = None
) -> torch.Tensor:
    """Nats per predicted frame: see the module."""
    nats = -network.log_likelihood((frames if inputs is None else inputs)[:, :-1], frames[:, 1:])
    return (nats * weight).sum() / weight.sum()


@torch.no_grad()
def score_rolls(network: RollRNN | RollMixture, rolls: list[Roll], device: str = "cpu") -> float:
    """Nats per frame over all frames of ``rolls``, each piece read from its start."""
    network.eval()
    ends = network.spec.nade > 0
    frames, weight = pad(rolls, ends=ends)
    weight = counted(weight) if ends else weight
    return float(roll_loss(network, frames.to(device), weight.to(device)))


class RollRecipe(RecurrentRecipe):
    """See the module."""

    name = "roll"
    help = "a piano-roll model from a JSON file of pitch lists, with the figure of the literature"
    Settings: ClassVar[type[Config]] = RollSettings

    config: RollSettings
    network: RollRNN | RollMixture
    result: RollRNN | RollMixture

    def prepare(self, data: Path) -> dict[str, Any]:
        read = read_rolls(data)
        # of rests alone nothing is learned but silence
        splits = {name: [r for r in rolls if len(r) > 1 and r.any()] for name, rolls in read.items()}
        if not all(splits.values()):
            raise TrainingError(f"{data}: train, valid and test each need a piece of at least two frames with a note")
        skipped = [f"{len(read[name]) - len(rolls)} pieces of {name} have a single frame or rests only"
                   for name, rolls in splits.items() if len(rolls) < len(read[name])]
        self.training, self.valid, self.test = splits["train"], splits["valid"], splits["test"]
        self.voices = min(MAX_VOICES, max(int(roll.sum(1).max()) for roll in self.training))
        return {f"{name}_pieces": len(rolls) for name, rolls in splits.items()} | {
            f"{name}_frames": sum(map(len, rolls)) for name, rolls in splits.items()
        } | {"skipped": skipped}

    def build(self) -> None:
        if not 1 <= self.config.frames_per_beat <= MAX_RATE:
            raise TrainingError(f"frames-per-beat: {self.config.frames_per_beat} is not from 1 to {MAX_RATE}")
        if not -MAX_LIFT <= self.config.lift <= MAX_LIFT:
            raise TrainingError(f"lift: {self.config.lift} is not from {-MAX_LIFT} to {MAX_LIFT} semitones")
        if not 1 <= self.config.members <= MAX_MEMBERS:
            raise TrainingError(f"members: {self.config.members} is not from 1 to {MAX_MEMBERS}")
        spec = spec_of(KEYS, self.config, nade=self.config.nade, order=self.config.order)
        self.start(roll_of(spec, self.config.members))

    def step(self, index: int) -> dict[str, float]:
        self.network.train()
        members = self.network.members if isinstance(self.network, RollMixture) else [self.network]
        with self.mixed():
            losses = torch.stack([self._loss(cast(RollRNN, member)) for member in members])
        self.descend(losses.sum(), index)
        return {"loss": float(losses.mean().detach())}

    def _loss(self, network: RollRNN) -> torch.Tensor:
        config = self.config
        chosen = self.rng.choice(len(self.training), min(config.batch, len(self.training)), replace=False)
        shifts = self.rng.integers(-config.down, config.up + 1, len(chosen))
        rolls = [_transposed(self.training[piece], int(shift)) for piece, shift in zip(chosen, shifts, strict=True)]
        frames, weight = (tensor.to(config.device) for tensor in pad(rolls, ends=config.nade > 0))
        inputs = frames
        if config.input_dropout:
            inputs = frames * (torch.rand(frames.shape) >= config.input_dropout).to(frames)
        return roll_loss(network, frames, weight, inputs)

    def validate(self) -> dict[str, float]:
        nats = score_rolls(self.result, self.valid, self.config.device)
        return {"score": nats, "validation_nats_per_frame": nats}

    def export(self) -> Export:
        stored = self.store()
        figures = {
            "stored_validation_nats_per_frame": score_rolls(self.result, self.valid, self.config.device),
            "stored_test_nats_per_frame": score_rolls(self.result, self.test, self.config.device),
        }
        card = {
            "title": f"Piano roll of {self.config.source or 'polyphonic music'}",
            "data": {"name": self.config.source, "licence": self.config.licence},
            "note": "metric of arXiv 1803.01271: nats per frame, 88 keys, first frame not predicted; chosen by the "
                    "validation pieces; training transposes; the figures are those of the stored 8-bit rows",
            "parameters": sum(tensor.numel() for tensor in self.result.parameters()), "figures": figures,
        }
        config = {
            "network": self.result.spec.to_json(), "kind": "roll", "members": self.config.members,
            "voices": self.voices, "frames_per_beat": self.config.frames_per_beat, "lift": self.config.lift,
        }
        return Export(stored, ROLL, config, card)

    def sample(self, folder: Path, index: int) -> list[Path]:
        """Something to listen to, of a model that can be played."""
        if not self.config.nade:
            return []
        player = RollImproviser(
            copy.deepcopy(self.result).cpu(), voices=self.voices, frames_per_beat=self.config.frames_per_beat,
            lift=self.config.lift, seed=self.config.seed,
        )
        notes = player.play(SAMPLE_BEATS, Sampling(), Limits(full=True), may_end=lambda beat: beat >= SAMPLE_BEATS / 2)
        path = folder / "samples" / f"{self.name}-{index:06d}.mid"
        write_sample(path, notes)
        return [path]


def _transposed(roll: Roll, shift: int) -> Roll:
    """The piece ``shift`` semitones higher; a piece that would leave the keyboard stays where it is."""
    sounding = np.flatnonzero(roll.any(0))
    if not len(sounding) or sounding[0] + shift < 0 or sounding[-1] + shift >= KEYS:
        return roll
    return np.roll(roll, shift, axis=1)
