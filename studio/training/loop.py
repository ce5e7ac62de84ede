"""The one training loop: budget, validation, samples, checkpoint and exact resume, NaN guard, events.

A Recipe knows its data and networks; the loop knows time, files and failure. Events are dicts with a ``kind``:
``start`` (configuration, data report), ``step`` (losses, rate, time left), ``validate`` (figures), ``sample`` (files),
``checkpoint``, ``rollback`` (reason), ``done`` (figures). They are written as JSON lines to ``<model>.events.jsonl``.
"""

from __future__ import annotations

import datetime
import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from studio.nn.weights import save_model
from studio.training import checkpoint

Event = dict[str, Any]


class TrainingError(ValueError):
    """Training cannot start or go on; the message says why and what to do."""


@dataclass
class Config:
    """Settings every recipe has; a recipe subclasses it with its own."""

    steps: int = 1000
    """Optimisation steps in all."""
    seed: int = 0
    device: str = "cpu"
    validate_every: int = 250
    sample_every: int = 1000
    checkpoint_every: int = 250


@dataclass
class Export:
    """What a finished model is: tensors, architecture name, its configuration, and the card's figures."""

    tensors: dict[str, torch.Tensor]
    architecture: str
    config: dict[str, Any]
    card: dict[str, Any]


class Recipe(ABC):
    """One way to train one kind of network. Subclasses fill in the abstract methods; the loop calls them in this order:
    ``prepare``, ``build``, then ``step`` many times with ``validate`` and ``sample`` between, and ``export``.

    All randomness comes from ``self.rng`` (numpy) and torch's global generator: the loop saves and restores both,
    so a resumed run gives the same figures as an uninterrupted one.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    Settings: ClassVar[type[Config]] = Config

    def __init__(self, config: Config) -> None:
        self.config = config
        self.rng = np.random.default_rng(config.seed)
        self.modules: dict[str, torch.nn.Module] = {}
        self.optimisers: dict[str, torch.optim.Optimizer] = {}

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

    def _state(self) -> dict[str, Any]:
        return {
            "modules": {name: dict(module.state_dict()) for name, module in self.modules.items()},
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
            "rng": json.dumps(self.rng.bit_generator.state), "torch_rng": torch.get_rng_state(),
            "extra": self.extra_state(),
        }

    def _load_state(self, state: dict[str, Any], *, randomness: bool = True) -> None:
        for name, module in self.modules.items():
            module.load_state_dict(state["modules"][name])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        if randomness:
            self.rng.bit_generator.state = json.loads(state["rng"])
            torch.set_rng_state(state["torch_rng"].to(torch.uint8))
        self.load_extra_state(state["extra"])


def _copy(tree: Any) -> Any:
    if isinstance(tree, torch.Tensor):
        return tree.detach().clone()
    if isinstance(tree, dict):
        return {key: _copy(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_copy(value) for value in tree]
    return tree


def train(
    recipe: Recipe, data: Path, out: Path, *, resume: bool = False, command: str = "",
    on_event: Callable[[Event], None] | None = None, should_stop: Callable[[], bool] | None = None,
    max_rollbacks: int = 5,
) -> dict[str, Any]:
    """Run ``recipe`` on ``data`` and write the model to ``out``; returns the final figures.

    ``should_stop`` is asked between steps; stopping (or Ctrl-C) writes the checkpoint ``out`+ ".ckpt"``, from which
    ``resume=True`` goes on exactly. Raises TrainingError when the data is unusable or the loss will not stay finite.
    """
    config = recipe.config
    torch.manual_seed(config.seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    ckpt, log_path = out.with_name(out.name + ".ckpt"), out.with_name(out.name + ".events.jsonl")
    report = recipe.prepare(data)
    recipe.build()
    first, elapsed, best, best_state = 0, 0.0, math.inf, None
    if resume:
        saved = checkpoint.load(ckpt)
        recipe._load_state(saved["state"])
        first, elapsed, best, best_state = saved["step"], saved["seconds"], saved["best"], saved["best_state"]
        best = math.inf if best is None else best
    log = log_path.open("a" if resume else "w", encoding="utf-8")
    figures: dict[str, Any] = {}

    def emit(kind: str, **values: Any) -> None:
        event: Event = {"kind": kind, "step": index, **values}
        log.write(json.dumps(event) + "\n")
        log.flush()
        if on_event is not None:
            on_event(event)

    def keep() -> None:
        checkpoint.save(ckpt, {
            "config": asdict(config), "state": good, "step": good_step, "seconds": seconds(), "figures": figures,
            "best": None if math.isinf(best) else best, "best_state": best_state,
        })

    start = time.monotonic()

    def seconds() -> float:
        return elapsed + time.monotonic() - start

    index = first
    good, good_step, rollbacks = _copy(recipe._state()), first, 0
    last_told = 0.0
    stopped = False
    emit("start", recipe=recipe.name, config=asdict(config), data=report, resumed=resume)
    try:
        while index < config.steps:
            losses = recipe.step(index)
            index += 1
            if not all(math.isfinite(value) for value in losses.values()):
                rollbacks += 1
                if rollbacks > max_rollbacks:
                    raise TrainingError(f"the loss was not finite {rollbacks} times; lower the learning rate")
                recipe._load_state(good, randomness=False)  # go on with other batches than those that failed
                for optimiser in recipe.optimisers.values():
                    for group in optimiser.param_groups:
                        group["lr"] *= 0.5
                emit("rollback", reason="loss not finite", to=good_step)
                index = good_step
                good = _copy(recipe._state())
                continue
            if time.monotonic() - last_told > 1.0 or index == config.steps:
                last_told = time.monotonic()
                rate = (index - first) / max(1e-9, time.monotonic() - start)
                emit("step", losses=losses, rate=rate, left=(config.steps - index) / max(rate, 1e-9), seconds=seconds())
            if index % config.validate_every == 0 or index == config.steps:
                figures = recipe.validate()
                emit("validate", figures=figures)
                if figures.get("score", math.inf) < best:
                    best = figures["score"]
                    best_state = _copy({name: dict(m.state_dict()) for name, m in recipe.modules.items()})
            if index % config.sample_every == 0:
                emit("sample", files=[str(p) for p in recipe.sample(out.parent, index)])
            if index % config.checkpoint_every == 0:
                good, good_step = _copy(recipe._state()), index
                keep()
                emit("checkpoint", path=str(ckpt))
            if should_stop is not None and should_stop():
                good, good_step = _copy(recipe._state()), index
                stopped = True
                break
    except KeyboardInterrupt:
        stopped, index = True, good_step  # a half-done step is not kept
    try:
        if stopped:
            keep()
            emit("checkpoint", path=str(ckpt))
            return {**figures, "stopped": True, "step": index}
        good, good_step = _copy(recipe._state()), index
        keep()
        if best_state is not None:
            for name, module in recipe.modules.items():
                module.load_state_dict(best_state[name])
            figures = {**figures, **recipe.validate()}
        result = recipe.export()
        card = {
            "name": out.stem, **result.card, "recipe": recipe.name, "command": command, "config": asdict(config),
            "steps": index, "seed": config.seed, "seconds": round(seconds()), "date": datetime.date.today().isoformat(),
            "figures": {**figures, **result.card.get("figures", {})}, "data_report": report,
        }
        save_model(out, result.tensors, result.architecture, result.config, card)
        emit("done", figures=card["figures"], model=str(out))
        return dict(card["figures"])
    finally:
        log.close()
