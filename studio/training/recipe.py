"""What a recipe is: the interface between one way to train and the loop that runs it (studio/training/loop.py).

A batch may be cut into *shards*: over several processes (``--devices``, ``--nodes``), and one after the other within a
process (``--accumulate``, or because the memory did not suffice). Only when all have been seen do the optimisers move,
along the mean gradient. The loop sees to it behind ``optimiser.step()``; a recipe need not know, but may:

- ``self.share(rows)`` gives the rows of a whole batch that the present shard is for. A recipe that draws its whole
  batch from ``self.rng`` and then takes its share declares ``shares = True``, and has the same losses however the batch
  is cut. For the others the loop lowers ``config.batch`` for the time of a ``step`` and gives each shard random
  numbers of its own.
- ``self.shard.last`` says whether this call ends with a real step: the moment to move averages and places in the data.
- ``self.mixed()`` is the context for forward passes at ``config.precision``, ``self.backward(loss)`` the backward pass
  that goes with it (float16 scales its losses), ``self.update(name, clip=1.0)`` the optimiser's step behind a
  clipped gradient: clipped once, whatever the number of shards.
- ``with self.fetching():`` around whatever reads data tells the loop how long a step waits for it.
"""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, cast

import numpy as np
import torch

from studio.nn.device import cpu_bf16

Rows = TypeVar("Rows", bound=Any)
Event = dict[str, Any]


class TrainingError(ValueError):
    """Training cannot start or go on; the message says why and what to do."""


@dataclass
class Config:
    """Settings every recipe has; a recipe subclasses it with its own."""

    steps: int = 1000
    """Optimisation steps in all."""
    seed: int = 0
    """Chooses the first weights, the order of the data and every other throw."""
    device: str = "cpu"
    """cpu, cuda, mps or auto."""
    validate_every: int = 250
    """Steps between two validations."""
    sample_every: int = 1000
    """Steps between two samples to look at or listen to."""
    checkpoint_every: int = 250
    """Steps between two checkpoints, from which --resume goes on."""
    patience: int = 0
    """Validations in a row without a better score after which it ends early; 0: never."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Arithmetic of the networks while training; auto: bfloat16 where the processor has it. Weights stay float32."""
    accumulate: int = 1
    """Pieces that each batch is worked through in, one after the other: less memory, the same batch."""
    devices: int = 1
    """Processes on this machine, a GPU each (or, with ``device cpu``, some cores each). The batch is shared out."""
    nodes: int = 1
    """Machines that train together; see docs/training.md for the commands."""
    compile: bool = False
    """Compile the networks first (torch.compile): some minutes at the start, faster steps on a GPU."""


def check_config(config: Config) -> None:
    """The settings that every recipe has. Raises TrainingError."""
    for name in ("steps", "validate_every", "sample_every", "checkpoint_every", "accumulate", "devices", "nodes"):
        if getattr(config, name) < 1:
            raise TrainingError(f"{name}: {getattr(config, name)} is not a whole number from 1")
    if config.patience < 0:
        raise TrainingError(f"patience: {config.patience} is below 0; 0 trains to the end")


def check_parts(recipe: str, config: Config, least: int, parts: int) -> None:
    """Whether a batch can be cut into so many parts, of ``least`` rows or more. Raises TrainingError."""
    if parts == 1:
        return
    batch = getattr(config, "batch", 0)
    if not isinstance(batch, int) or batch < 1:
        raise TrainingError(f"the recipe {recipe} has no batch that could be shared out; train on one device")
    if batch % parts or batch // parts < least:
        rows = f" of {least} rows or more" if least > 1 else ""
        raise TrainingError(
            f"a batch of {batch} cannot be cut into {parts} equal parts{rows}; choose another batch, or fewer devices "
            "and pieces"
        )


@dataclass
class Control:
    """What somebody outside asks of a run. The loop looks between steps, so nothing half-done is lost; the fields may
    be set from any thread."""

    pause: bool = False
    """Wait, after writing a checkpoint; go on when it is False again."""
    stop: bool = False
    """Write a checkpoint and end, without a model."""
    finish: bool = False
    """End now and write the model as it is."""


@dataclass
class Export:
    """What a finished model is: tensors, architecture name, its configuration, and the card's figures."""

    tensors: dict[str, torch.Tensor]
    architecture: str
    config: dict[str, Any]
    card: dict[str, Any]


@dataclass(frozen=True)
class Shard:
    """Which part of a batch a call of ``step`` is for: number ``index`` of ``count`` equal ones."""

    index: int = 0
    count: int = 1
    first: bool = True
    """Whether it is the first of this process in this step."""
    last: bool = True
    """Whether the optimisers really move at its end."""

    def of(self, length: int) -> slice:
        """Its place among ``length`` rows, which ``count`` divides."""
        return slice(self.index * length // self.count, (self.index + 1) * length // self.count)


Update = Callable[[torch.optim.Optimizer, float], None]


class Recipe(ABC):
    """One way to train one kind of network. Subclasses fill in the abstract methods; the loop calls them in this order:
    ``prepare``, ``build``, then ``step`` many times with ``validate`` and ``sample`` between, and ``export``.

    All randomness comes from ``self.rng`` (numpy) and torch's global generator: the loop saves and restores both,
    so a resumed run gives the same figures as an uninterrupted one. After a roll-back the loop lowers the learning
    rate by itself; a schedule need not know of it.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    Settings: ClassVar[type[Config]] = Config
    shares: ClassVar[bool] = False
    """Whether ``step`` draws whole batches and takes its ``share`` of them; see the module."""
    least: ClassVar[int] = 1
    """Rows that a shard must have at the least: two where a network normalises over them."""
    watched: ClassVar[tuple[str, ...] | None] = None
    """Losses whose explosion makes the loop roll back; None: all of them. What is not finite always does."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.rng = np.random.default_rng(config.seed)
        self.modules: dict[str, torch.nn.Module] = {}
        self.optimisers: dict[str, torch.optim.Optimizer] = {}
        self.shard = Shard()
        self.warnings: list[str] = []
        """Sentences that a step wants told: the loop makes an event of each, and empties the list."""
        self.fetched = 0.0
        """Seconds spent in ``fetching`` so far."""
        self.loss_scale: Callable[[torch.Tensor], torch.Tensor] | None = None
        """Set by the loop for float16: what multiplies a loss before its backward pass."""
        self.gather: Callable[[torch.Tensor, int], torch.Tensor] = lambda tensor, dim: tensor
        """Set by the loop: a tensor whose rows along ``dim`` are a batch, each process knowing its own, made whole.
        Every process has to call it, as in ``extra_state``."""
        self.move: Update = _move

    @abstractmethod
    def prepare(self, data: Path) -> dict[str, Any]:
        """Read and check the data; return a report (counts, what was skipped and why). Raises TrainingError."""

    @abstractmethod
    def build(self) -> None:
        """Fill ``self.modules`` and ``self.optimisers``."""

    @abstractmethod
    def step(self, index: int) -> dict[str, float]:
        """One optimisation step (0-based); returns its losses. A non-finite loss makes the loop roll back."""

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """Figures on held-out data. If ``score`` is among them, lower is better and the best weights are kept."""

    @abstractmethod
    def export(self) -> Export:
        """The model as it stands (called with the best weights loaded)."""

    def sample(self, folder: Path, index: int) -> list[Path]:
        """Write something to look at or listen to; return the files."""
        return []

    def extra_state(self) -> dict[str, Any]:
        """More that a resumed run needs: position in the data, carried hidden state, moving averages."""
        return {}

    def load_extra_state(self, state: dict[str, Any]) -> None:  # noqa: B027 - most recipes have nothing more
        """Take back what ``extra_state`` gave."""

    # --- for the steps of subclasses ---

    def share(self, rows: Rows) -> Rows:
        """The rows of a whole batch (array, tensor or list) that the present shard is for."""
        return rows if self.shard.count == 1 else cast("Rows", rows[self.shard.of(len(rows))])

    def mixed(self) -> AbstractContextManager[Any]:
        """Forward passes of training run inside, at ``config.precision``; losses are computed in float32 outside."""
        kind = torch.device(self.config.device).type
        dtype = working_dtype(self.config.precision, kind)
        return torch.autocast(kind, dtype or torch.bfloat16, enabled=dtype is not None)

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradient of ``loss`` to the parameters."""
        if self.loss_scale is not None:
            loss = self.loss_scale(loss)
        loss.backward()  # type: ignore[no-untyped-call]

    def update(self, name: str, clip: float = 0.0) -> None:
        """Let the optimiser ``name`` move, along a gradient no longer than ``clip`` (0: of any length)."""
        self.move(self.optimisers[name], clip)

    @contextlib.contextmanager
    def fetching(self) -> Iterator[None]:
        """Time inside counts as waiting for data."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.fetched += time.perf_counter() - began


def working_dtype(precision: str, device: str) -> torch.dtype | None:
    """What ``precision`` means on a kind of device (cpu, cuda, mps): the type to compute in, None for float32.

    Raises TrainingError for float16 where it needs a GPU, and for a word that is none of them.
    """
    if precision == "auto":
        if device == "cuda":
            return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else None
        return torch.bfloat16 if device == "cpu" and cpu_bf16() else None
    if precision == "float16" and device == "cpu":
        raise TrainingError("precision: float16 needs a GPU; use bfloat16 or float32 on a CPU")
    known = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if precision not in known:
        raise TrainingError(f"precision: {precision!r} is not one of auto, {', '.join(known)}")
    return known[precision]


def _move(optimiser: torch.optim.Optimizer, clip: float) -> None:
    """A step without a loop around it."""
    if clip > 0:
        torch.nn.utils.clip_grad_norm_([p for group in optimiser.param_groups for p in group["params"]], clip)
    optimiser.step()
