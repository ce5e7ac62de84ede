"""The feel of a drummer: from hits on a grid to how hard and how early or late each is played.

The task is "humanisation" of Gillick, Roberts, Engel, Eck and Bamman 2019 ("Learning to groove with inverse sequence
transformations", arXiv 1905.06118): a performance is a grid of sixteenths by nine drums, and for each hit a velocity
and an offset from its step are learned. Here a bidirectional LSTM reads the hits and states, for every hit, a Laplace
distribution of both: its middle is the likeliest absolute guess, its width how freely drummers play there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from studio.files import short_path
from studio.media import Note
from studio.nn.weights import ModelFile, WeightsError, check_against

FEEL = "drum-feel"

DRUMS = ("kick", "snare", "closed hi-hat", "open hi-hat", "low tom", "mid tom", "high tom", "crash", "ride")
"""The nine drums that pads are counted among, as in the paper."""
PITCHES: dict[int, int] = {
    35: 0, 36: 0, 37: 1, 38: 1, 39: 1, 40: 1, 22: 2, 42: 2, 44: 2, 54: 2, 69: 2, 70: 2, 26: 3, 46: 3, 41: 4, 43: 4,
    58: 4, 45: 5, 47: 5, 48: 6, 50: 6, 49: 7, 52: 7, 55: 7, 57: 7, 51: 8, 53: 8, 56: 8, 59: 8,
}
"""MIDI pitch, of General MIDI and of Roland kits, to its place in DRUMS. What is not here is left as it is."""
GRID = 4
"""Steps of a beat."""
PLACES = 16
"""Steps of a bar that the network tells apart; longer bars go on with the last four."""
INPUTS = len(DRUMS) + PLACES + 1
OUTPUTS = 4 * len(DRUMS)
_LIMITS = {"hidden": 2048, "layers": 8}


@dataclass(frozen=True)
class FeelSpec:
    """Shape of a network: units per direction and layer, layers."""

    hidden: int = 96
    layers: int = 2
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name, most in _LIMITS.items():
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= most:
                raise ValueError(f"{name}: {value!r} is not a whole number from 1 to {most}")
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout: {self.dropout!r} is not from 0 to below 1")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, tree: Any, *, where: str = "the model file") -> FeelSpec:
        """The spec in a model's configuration. Raises WeightsError."""
        try:
            return cls(**{name: tree[name] for name in cls.__dataclass_fields__})
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"{where} has no usable network shape ({error}); train the model again") from None


@dataclass(frozen=True)
class Felt:
    """Laplace distributions for every cell of the grid, each ``(..., steps, 9)``: middle and width.

    Velocities are 0..1 (of 127), offsets -0.5..0.5 steps.
    """

    velocity: torch.Tensor
    velocity_width: torch.Tensor
    offset: torch.Tensor
    offset_width: torch.Tensor


class FeelRNN(nn.Module):
    """Hits ``(batch, steps, INPUTS)`` as ``inputs_of`` makes them → `Felt`."""

    def __init__(self, spec: FeelSpec) -> None:
        super().__init__()
        self.spec = spec
        between = spec.dropout if spec.layers > 1 else 0.0
        self.rnn = nn.LSTM(INPUTS, spec.hidden, spec.layers, batch_first=True, bidirectional=True, dropout=between)
        self.dropout = nn.Dropout(spec.dropout)
        self.head = nn.Linear(2 * spec.hidden, OUTPUTS)

    def forward(self, inputs: torch.Tensor) -> Felt:
        outputs, _ = self.rnn(inputs)
        raw = self.head(self.dropout(outputs)).float().unflatten(-1, (len(DRUMS), 4))
        velocity, velocity_width, offset, offset_width = raw.unbind(-1)
        return Felt(
            torch.sigmoid(velocity), 0.12 * torch.exp(velocity_width.clamp(-4.0, 3.0)),
            0.5 * torch.tanh(offset), 0.1 * torch.exp(offset_width.clamp(-4.0, 3.0)),
        )


def laplace_nats(value: torch.Tensor, middle: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
    """Minus the log density of a Laplace distribution, in nats."""
    return torch.log(2.0 * width) + (value - middle).abs() / width


def expected_shapes(spec: FeelSpec) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of the network, without building it."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in range(spec.layers):
        inputs = 2 * spec.hidden if layer else INPUTS
        for side in ("", "_reverse"):
            shapes |= {
                f"rnn.weight_ih_l{layer}{side}": (4 * spec.hidden, inputs),
                f"rnn.weight_hh_l{layer}{side}": (4 * spec.hidden, spec.hidden),
                f"rnn.bias_ih_l{layer}{side}": (4 * spec.hidden,), f"rnn.bias_hh_l{layer}{side}": (4 * spec.hidden,),
            }
    return {**shapes, "head.weight": (OUTPUTS, 2 * spec.hidden), "head.bias": (OUTPUTS,)}


def build_feel(model: ModelFile) -> FeelRNN:
    """The trained network in a model file. Raises WeightsError."""
    spec = FeelSpec.from_json(model.config.get("network"), where=short_path(model.path))
    tensors = {name: tensor.float() for name, tensor in model.tensors.items()}
    check_against(expected_shapes(spec), {n: tuple(t.shape) for n, t in tensors.items()}, where=short_path(model.path))
    network = FeelRNN(spec)
    network.load_state_dict(tensors)
    return network.eval()


def step_of(beat: float) -> int:
    """The step that a time in beats belongs to: the nearest one."""
    return int(np.floor(beat * GRID + 0.5))


def inputs_of(
    hits: NDArray[np.float32], bpm: float, first: int = 0, bar: int = 4
) -> NDArray[np.float32]:
    """What the network reads: hits ``(steps, 9)`` of 0 and 1, the place in the bar, the tempo.

    ``first`` is the number of the first step, counted from a bar line; ``bar`` beats of a bar.
    """
    steps = len(hits)
    place = (first + np.arange(steps)) % (bar * GRID)
    # of a bar longer than four beats the last beat's places are repeated
    place = np.where(place < PLACES, place, PLACES - GRID + place % GRID)
    rows = np.zeros((steps, INPUTS), np.float32)
    rows[:, : len(DRUMS)] = hits
    rows[np.arange(steps), len(DRUMS) + place] = 1.0
    rows[:, -1] = np.clip((bpm - 110.0) / 40.0, -3.0, 3.0)
    return rows


class Drummer:
    """Plays written drums as the network learned it."""

    def __init__(self, network: FeelRNN) -> None:
        self.network = network

    @torch.no_grad()
    def play(
        self, notes: Sequence[Note], bpm: float, *, amount: float = 1.0, freedom: float = 0.0, bar: int = 4,
        rng: np.random.Generator | None = None, before: Sequence[Note] = (),
    ) -> list[Note]:
        """``notes`` of drums with another velocity and start (beats); all else stays, and so does their order.

        ``amount`` 0..1 goes from what is written to what the network would play. ``freedom`` 0..1 draws from how
        freely drummers play there, with ``rng``, instead of taking the middle. ``before`` is what was played before
        them, heard but not changed; all starts count from a bar line. No start becomes negative.
        """
        rng = rng or np.random.default_rng(0)
        known = [(place, note, PITCHES[note.pitch]) for place, note in enumerate(notes) if note.pitch in PITCHES]
        made = list(notes)
        if not known or amount <= 0.0:
            return made
        heard = [(step_of(n.start), PITCHES[n.pitch]) for n in before if n.pitch in PITCHES]
        steps = [step_of(note.start) for _, note, _ in known]
        first = min([*steps, *(step for step, _ in heard)])
        first -= first % (bar * GRID)
        hits = np.zeros((max(steps) + 1 - first, len(DRUMS)), np.float32)
        for step, drum in [*heard, *((s, d) for s, (_, _, d) in zip(steps, known, strict=True))]:
            if first <= step < first + len(hits):
                hits[step - first, drum] = 1.0
        felt = self.network(torch.from_numpy(inputs_of(hits, bpm, first, bar))[None])
        table = [part[0].numpy() for part in (felt.velocity, felt.velocity_width, felt.offset, felt.offset_width)]
        for (place, note, drum), step in zip(known, steps, strict=True):
            velocity, wide, offset, loose = (float(part[step - first, drum]) for part in table)
            draws = rng.laplace(0.0, 1.0, 2).clip(-2.5, 2.5) * freedom
            velocity = 127.0 * min(1.0, max(0.0, velocity + wide * draws[0]))
            start = (step + min(0.5, max(-0.5, offset + loose * draws[1]))) / GRID
            made[place] = replace(
                note, velocity=min(127, max(1, round(note.velocity + amount * (velocity - note.velocity)))),
                start=max(0.0, note.start + amount * (start - note.start)),
            )
        return made
