"""The one training loop: budget, validation, samples, checkpoint and exact resume, NaN guard, events.

A Recipe knows its data and networks; the loop knows time, files and failure. Events are dicts with a ``kind``:
``start`` (configuration, data report), ``step`` (losses, rate, time left), ``validate`` (figures), ``sample`` (files),
``checkpoint``, ``rollback`` (reason), ``paused``, ``resumed``, ``stopped``, ``done`` (figures, model). They are written
as JSON lines to ``<model>.events.jsonl``; docs/formats.md describes them.
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
from typing import IO, Any, ClassVar

import numpy as np
import torch

from studio.nn.weights import save_model
from studio.training import checkpoint

Event = dict[str, Any]

PAUSE_LOOK = 0.05
"""Seconds between two looks whether a pause has ended."""


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


def _public(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings for a card, which travels with the model: of a file or folder only its name."""
    return {name: Path(value).name if isinstance(value, str) and value and _is_there(Path(value)) else value
            for name, value in settings.items()}


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a long list is no name of a file
        return False


def _copy(tree: Any) -> Any:
    if isinstance(tree, torch.Tensor):
        return tree.detach().clone()
    if isinstance(tree, dict):
        return {key: _copy(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_copy(value) for value in tree]
    return tree


class _Run:
    """One run of the loop: where it stands, the last good state, the event file."""

    def __init__(self, recipe: Recipe, out: Path, on_event: Callable[[Event], None] | None) -> None:
        self.recipe, self.out, self.on_event = recipe, out, on_event
        self.checkpoint_path = out.with_name(out.name + ".ckpt")
        self.index = self.first = 0
        self.figures: dict[str, Any] = {}
        self.best = math.inf
        self.best_state: dict[str, Any] | None = None
        self.elapsed, self.started = 0.0, time.monotonic()
        self.rollbacks = 0
        self.told = -math.inf
        self.log: IO[str]  # open while the run lasts

    def restore(self) -> None:
        """Go on from the checkpoint beside the model."""
        saved = checkpoint.load(self.checkpoint_path)
        try:
            self.recipe._load_state(saved["state"])
            self.index = self.first = saved["step"]
            self.elapsed, self.figures, self.best_state = saved["seconds"], saved["figures"], saved["best_state"]
            self.best = math.inf if saved["best"] is None else saved["best"]
        except (KeyError, ValueError, RuntimeError) as error:
            raise checkpoint.CheckpointError(
                f"{self.checkpoint_path} does not fit these settings ({error}); use the settings it was started with, "
                "or start again without --resume"
            ) from None

    def remember(self) -> None:
        """Make the present state the one to go back to."""
        self.good, self.good_step = _copy(self.recipe._state()), self.index

    def keep(self) -> None:
        """Write the last good state to the checkpoint file."""
        checkpoint.save(self.checkpoint_path, {
            "config": asdict(self.recipe.config), "state": self.good, "step": self.good_step,
            "seconds": self.seconds(), "figures": self.figures,
            "best": None if math.isinf(self.best) else self.best, "best_state": self.best_state,
        })
        self.emit("checkpoint", path=str(self.checkpoint_path))

    def seconds(self) -> float:
        return self.elapsed + time.monotonic() - self.started

    def emit(self, kind: str, **values: Any) -> None:
        event: Event = {"kind": kind, "step": self.index, **values}
        self.log.write(json.dumps(event) + "\n")
        self.log.flush()
        if self.on_event is not None:
            self.on_event(event)

    def run(
        self, report: dict[str, Any], resume: bool, should_stop: Callable[[], bool], control: Control,
        max_rollbacks: int,
    ) -> bool:
        """Step until the budget is used or ``control.finish``; False when stopped before."""
        config = self.recipe.config
        self.remember()
        self.emit("start", recipe=self.recipe.name, config=asdict(config), data=report, resumed=resume)
        try:
            while self.index < config.steps:
                losses = self.recipe.step(self.index)
                self.index += 1
                if not all(math.isfinite(value) for value in losses.values()):
                    self._roll_back(max_rollbacks)
                    continue
                self._after_step(losses)
                if self.index == config.steps or control.finish:
                    break
                if control.pause:
                    self._wait(control, should_stop)
                if should_stop() or control.stop:
                    self.remember()
                    self.keep()
                    self.emit("stopped", path=str(self.checkpoint_path))
                    return False
        except KeyboardInterrupt:
            self.index = self.good_step  # a half-done step is not kept
            self.keep()
            self.emit("stopped", path=str(self.checkpoint_path))
            return False
        self.remember()
        self.keep()
        return True

    def _wait(self, control: Control, should_stop: Callable[[], bool]) -> None:
        """A pause: everything is on the disk first, and the time does not count."""
        began = time.monotonic()
        self.remember()
        self.keep()
        self.emit("paused")
        while control.pause and not (should_stop() or control.stop or control.finish):
            time.sleep(PAUSE_LOOK)
        self.started += time.monotonic() - began
        self.emit("resumed")

    def _roll_back(self, most: int) -> None:
        self.rollbacks += 1
        if self.rollbacks > most:
            raise TrainingError(f"the loss was not finite {self.rollbacks} times; lower the learning rate")
        # the random state is not put back: the run goes on with other batches than those that failed
        self.recipe._load_state(self.good, randomness=False)
        for optimiser in self.recipe.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] *= 0.5
        self.emit("rollback", reason="loss not finite", to=self.good_step)
        self.index = self.good_step
        self.remember()

    def _after_step(self, losses: dict[str, float]) -> None:
        config, last = self.recipe.config, self.index == self.recipe.config.steps
        now = time.monotonic()
        if now - self.told > 1.0 or last:
            self.told = now
            rate = (self.index - self.first) / max(1e-9, now - self.started)
            left = (config.steps - self.index) / max(rate, 1e-9)
            self.emit("step", losses=losses, rate=rate, left=left, seconds=self.seconds())
        if self.index % config.validate_every == 0 or last:
            self.figures = self.recipe.validate()
            self.emit("validate", figures=self.figures)
            if self.figures.get("score", math.inf) < self.best:
                self.best = self.figures["score"]
                self.best_state = _copy({name: dict(m.state_dict()) for name, m in self.recipe.modules.items()})
        if self.index % config.sample_every == 0:
            self.emit("sample", files=[str(path) for path in self.recipe.sample(self.out.parent, self.index)])
        if self.index % config.checkpoint_every == 0 and not last:
            self.remember()
            self.keep()

    def finish(self, report: dict[str, Any], command: str) -> dict[str, Any]:
        """Write the model with the best weights, and its card."""
        if self.best_state is not None:
            for name, module in self.recipe.modules.items():
                module.load_state_dict(self.best_state[name])
        if self.best_state is not None or not self.figures:
            self.figures = self.recipe.validate()
        result = self.recipe.export()
        config = self.recipe.config
        card = {
            "name": self.out.stem, **result.card, "recipe": self.recipe.name, "command": command,
            "config": _public(asdict(config)), "steps": self.index, "seed": config.seed,
            "seconds": round(self.seconds()),
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "figures": {**self.figures, **result.card.get("figures", {})}, "data_report": report,
        }
        save_model(self.out, result.tensors, result.architecture, result.config, card)
        self.emit("done", figures=card["figures"], model=str(self.out))
        return dict(card["figures"])


def train(
    recipe: Recipe, data: Path, out: Path, *, resume: bool = False, command: str = "",
    on_event: Callable[[Event], None] | None = None, should_stop: Callable[[], bool] = lambda: False,
    control: Control | None = None, max_rollbacks: int = 5,
) -> dict[str, Any]:
    """Run ``recipe`` on ``data`` and write the model to ``out``; returns the final figures.

    ``should_stop`` is asked between steps; stopping (or Ctrl-C) writes the checkpoint ``<out>.ckpt``, from which
    ``resume=True`` goes on exactly; the result then has ``stopped`` and ``step``. ``control`` can also pause the
    run, or end it early with a model. Raises TrainingError when the data is unusable or the loss will not stay finite,
    CheckpointError when there is nothing to resume.
    """
    torch.manual_seed(recipe.config.seed)
    report = recipe.prepare(data)
    recipe.build()
    run = _Run(recipe, out, on_event)
    if resume:
        run.restore()
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.with_name(out.name + ".events.jsonl").open("a" if resume else "w", encoding="utf-8") as run.log:
        if not run.run(report, resume, should_stop, control or Control(), max_rollbacks):
            return {**run.figures, "stopped": True, "step": run.index}
        return run.finish(report, command)
