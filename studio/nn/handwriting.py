"""Handwriting as pen strokes: the synthesis network of Graves 2013 ("Generating sequences with recurrent neural
networks", arXiv 1308.0850, sections 4 and 5).

A point is an offset from the point before and whether the pen leaves the paper after it: ``(dx, dy, up)``. Two LSTM
layers read points; between them a soft window slides along the text, a sum of Gaussians that only move forwards. The
output is a mixture of bivariate Gaussians for the next offset and a Bernoulli for the pen. Offsets are those of the
data divided by ``scale``, y upwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from studio.files import short_path
from studio.nn.weights import ModelFile, WeightsError, check_against

HANDWRITING = "handwriting-mdn"

MOST_SLANT = 3.5
"""Largest |r| of the correlation rho = tanh(r): it keeps 1 - rho**2 above 0.003."""
LEAST_LOG_SIGMA, MOST_LOG_SIGMA = -5.0, 4.0
STILL = 0.5
"""Steps shorter than this (standard deviations of the offsets) are no way to another stroke."""
_LIMITS = {"characters": 4096, "hidden": 2048, "windows": 64, "mixtures": 128}


@dataclass(frozen=True)
class PenSpec:
    """Shape of a network: how many characters it knows, units per layer, Gaussians of the window and of the output."""

    characters: int
    hidden: int = 160
    windows: int = 6
    mixtures: int = 12

    def __post_init__(self) -> None:
        for name, most in _LIMITS.items():
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= most:
                raise ValueError(f"{name}: {value!r} is not a whole number from 1 to {most}")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, tree: Any, *, where: str = "the model file") -> PenSpec:
        """The spec in a model's configuration. Raises WeightsError."""
        try:
            return cls(**{name: tree[name] for name in cls.__dataclass_fields__})
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"{where} has no usable network shape ({error}); train the model again") from None


class Mixture(NamedTuple):
    """What the next point may be. All but ``up`` ``(..., M)``; ``up`` ``(...)`` is a logit."""

    log_weight: torch.Tensor
    """Logarithms of the weights; they sum to 1 after exp."""
    mean: torch.Tensor
    """``(..., M, 2)``."""
    log_sigma: torch.Tensor
    """``(..., M, 2)``."""
    slant: torch.Tensor
    """r, of which the correlation is tanh."""
    up: torch.Tensor

    def sharpened(self, bias: float) -> Mixture:
        """Neater for ``bias`` > 0: narrower Gaussians, likelier ones preferred (Graves 2013, equations 61 and 62)."""
        return self._replace(
            log_weight=F.log_softmax(self.log_weight * (1.0 + bias), -1), log_sigma=self.log_sigma - bias,
        )


def split_mixture(raw: torch.Tensor, mixtures: int) -> Mixture:
    """Outputs of the network ``(..., 6 M + 1)`` as the parameters of the distribution (equations 15 to 22)."""
    m = mixtures
    weight, mean, sigma, slant, up = torch.split(raw, [m, 2 * m, 2 * m, m, 1], -1)
    return Mixture(
        F.log_softmax(weight, -1), mean.reshape(*raw.shape[:-1], m, 2),
        sigma.reshape(*raw.shape[:-1], m, 2).clamp(LEAST_LOG_SIGMA, MOST_LOG_SIGMA),
        slant.clamp(-MOST_SLANT, MOST_SLANT),
        up[..., 0],
    )


def log_likelihood(mixture: Mixture, points: torch.Tensor) -> torch.Tensor:
    """Exact log density ``(...)``, in nats, of points ``(..., 3)`` (equations 23 to 26).

    With rho = tanh(r) the normaliser needs no 1 - rho**2, which rounding would spoil: it is 1 / cosh(r)**2.
    """
    z = (points[..., None, :2] - mixture.mean) * torch.exp(-mixture.log_sigma)
    z1, z2 = z.unbind(-1)
    log_cosh = mixture.slant.abs() + F.softplus(-2.0 * mixture.slant.abs()) - math.log(2.0)
    rho = torch.tanh(mixture.slant)
    # (z1 - rho z2)**2 + (1 - rho**2) z2**2: never negative, however close rho is to 1
    quadratic = (z1 - rho * z2).square() * torch.exp(2.0 * log_cosh) + z2.square()
    log_density = -math.log(2.0 * math.pi) - mixture.log_sigma.sum(-1) + log_cosh - 0.5 * quadratic
    offset = torch.logsumexp(mixture.log_weight + log_density, -1)
    return offset - F.binary_cross_entropy_with_logits(mixture.up, points[..., 2], reduction="none")


class PenState(NamedTuple):
    """What is carried from point to point: two LSTM states ``(batch, hidden)``, the window's places and last look."""

    h1: torch.Tensor
    c1: torch.Tensor
    h2: torch.Tensor
    c2: torch.Tensor
    kappa: torch.Tensor
    """``(batch, windows)``: where in the text each Gaussian is (characters)."""
    window: torch.Tensor
    """``(batch, characters)``: what the window last saw."""


class PenRNN(nn.Module):
    """Points ``(batch, time, 3)`` and a text as one-hot rows ``(batch, length, characters)`` → the next points."""

    def __init__(self, spec: PenSpec) -> None:
        super().__init__()
        self.spec = spec
        h, v = spec.hidden, spec.characters
        self.first = nn.LSTMCell(3 + v, h)
        self.look = nn.Linear(h, 3 * spec.windows)
        self.second = nn.LSTM(3 + v + h, h, batch_first=True)
        self.head = nn.Linear(2 * h, 6 * spec.mixtures + 1)
        with torch.no_grad():
            # a window that goes a tenth of a character per point, about what letters take, learns to read at once
            self.look.bias[2 * spec.windows :] = -2.3
            self.look.bias[spec.windows : 2 * spec.windows] = 0.0
            self.first.bias_hh[h : 2 * h] = 1.0
            getattr(self.second, "bias_hh_l0")[h : 2 * h] = 1.0  # noqa: B009 - torch does not say its type

    def begin(self, batch: int) -> PenState:
        """The state before the first point."""
        zero = self.head.weight.new_zeros
        h = self.spec.hidden
        return PenState(
            zero(batch, h), zero(batch, h), zero(batch, h), zero(batch, h), zero(batch, self.spec.windows),
            zero(batch, self.spec.characters),
        )

    def forward(
        self, points: torch.Tensor, text: torch.Tensor, state: PenState | None = None
    ) -> tuple[Mixture, PenState, torch.Tensor]:
        """Mixtures for each next point, the state after the last one, and where the windows were, kappa
        ``(batch, time, windows)``. Padding of a text is rows of zeros."""
        batch, time, _ = points.shape
        state = state or self.begin(batch)
        h1, c1, h2, c2, kappa, window = state
        places = torch.arange(text.shape[1], device=text.device, dtype=text.dtype)
        seen, looked, moved = [], [], []
        for t in range(time):
            h1, c1 = self.first(torch.cat([points[:, t], window], 1), (h1, c1))
            alpha, beta, step = self.look(h1).exp().chunk(3, 1)  # (batch, windows) each; equations 48 to 51
            kappa = kappa + step
            phi = (alpha[:, :, None] * torch.exp(-beta[:, :, None] * (kappa[:, :, None] - places).square())).sum(1)
            window = torch.bmm(phi[:, None], text)[:, 0]  # (batch, characters): equation 47
            seen.append(h1)
            looked.append(window)
            moved.append(kappa)
        first, windows = torch.stack(seen, 1), torch.stack(looked, 1)
        second, (last_h, last_c) = self.second(torch.cat([points, windows, first], 2), (h2[None], c2[None]))
        raw = self.head(torch.cat([first, second], 2))
        after = PenState(h1, c1, last_h[0], last_c[0], kappa, window)
        return split_mixture(raw.float(), self.spec.mixtures), after, torch.stack(moved, 1)


def expected_shapes(spec: PenSpec) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of the network, without building it."""
    h, v, k = spec.hidden, spec.characters, spec.windows
    shapes: dict[str, tuple[int, ...]] = {
        "first.weight_ih": (4 * h, 3 + v), "first.weight_hh": (4 * h, h), "first.bias_ih": (4 * h,),
        "first.bias_hh": (4 * h,), "look.weight": (3 * k, h), "look.bias": (3 * k,),
        "second.weight_ih_l0": (4 * h, 3 + v + h), "second.weight_hh_l0": (4 * h, h),
        "second.bias_ih_l0": (4 * h,), "second.bias_hh_l0": (4 * h,),
    }
    return {**shapes, "head.weight": (6 * spec.mixtures + 1, 2 * h), "head.bias": (6 * spec.mixtures + 1,)}


def build_pen(model: ModelFile) -> PenRNN:
    """The trained network in a model file. Raises WeightsError."""
    spec = PenSpec.from_json(model.config.get("network"), where=short_path(model.path))
    tensors = {name: tensor.float() for name, tensor in model.tensors.items()}
    check_against(expected_shapes(spec), {n: tuple(t.shape) for n, t in tensors.items()}, where=short_path(model.path))
    network = PenRNN(spec)
    network.load_state_dict(tensors)
    return network.eval()


def one_hot(indices: Sequence[int], characters: int, length: int | None = None) -> torch.Tensor:
    """Rows ``(length, characters)`` for a text; beyond its end rows of zeros."""
    rows = torch.zeros(max(length or 0, len(indices)), characters)
    rows[torch.arange(len(indices)), torch.tensor(list(indices), dtype=torch.long)] = 1.0
    return rows


class Scribe:
    """Writes one text point by point: the network with its state, on the CPU (a step is a few small products).

    ``prime`` lets it read somebody's strokes first and then go on in that hand (section 5.4).
    """

    def __init__(self, network: PenRNN) -> None:
        self.network = network

    @torch.no_grad()
    def begin(self, text: Sequence[int], prime: NDArray[np.float32] | None = None, primed: Sequence[int] = ()) -> None:
        """A new text, by character numbers; ``prime`` are points ``(n, 3)`` in the network's units whose text is
        ``primed``: the network reads them first, then writes ``text``, beginning with the way there. Without it
        the pen stands on the paper where the text begins."""
        self.before = len(primed)
        self.length = len(primed) + len(text)
        self.text = one_hot([*primed, *text], self.network.spec.characters)[None]
        given = torch.zeros(1, 1, 3) if prime is None or not len(prime) else torch.from_numpy(
            np.asarray(prime, np.float32))[None]
        start = torch.zeros(1, 1, 3)
        start[0, 0, 2] = 1.0
        _, self.state, _ = self.network(torch.cat([start, given[:, :-1]], 1), self.text)
        self.point = given[:, -1:]
        self.still = False

    @property
    def place(self) -> float:
        """The character it is at, counted in ``text``: the mean of the window's Gaussians. Negative while priming."""
        return float(self.state.kappa.mean()) - self.before

    @property
    def finished(self) -> bool:
        """Whether the text is written. Its last character is the mark of the end, on which a trained pen lies still."""
        kappa = float(torch.sort(self.state.kappa[0]).values[self.network.spec.windows // 2])
        return kappa > self.length - 0.2 or (self.still and kappa > self.length - 2.0)

    @torch.no_grad()
    def write(self, bias: float, rng: np.random.Generator) -> NDArray[np.float32]:
        """The next point ``(dx, dy, up)``; uses exactly four random numbers."""
        mixture, self.state, _ = self.network(self.point, self.text, self.state)
        point = draw_point(mixture, bias, rng)
        # lifted before and after, without a way between: it lies still
        self.still = bool(self.point[0, 0, 2] > 0.5 and point[2] > 0.5) and math.hypot(*point[:2].tolist()) < STILL
        self.point = torch.from_numpy(point)[None, None]
        return point


def draw_point(mixture: Mixture, bias: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """One point out of the distribution of a single step; ``bias`` 0 as learned, 1 and more neat."""
    flat = Mixture(*(part.reshape(part.shape[2:]) for part in mixture)).sharpened(bias)
    weights = torch.exp(flat.log_weight).double().numpy()
    pick, first, second, up = rng.random(), rng.standard_normal(), rng.standard_normal(), rng.random()
    chosen = min(int(np.searchsorted(np.cumsum(weights), pick * weights.sum())), len(weights) - 1)
    mean, sigma = flat.mean[chosen].numpy(), torch.exp(flat.log_sigma[chosen]).numpy()
    rho = math.tanh(float(flat.slant[chosen]))
    other = rho * first + math.sqrt(1.0 - rho * rho) * second
    lifted = up < 1.0 / (1.0 + math.exp(-float(flat.up) * (1.0 + bias)))
    return np.array([mean[0] + sigma[0] * first, mean[1] + sigma[1] * other, lifted], np.float32)
