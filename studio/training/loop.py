"""The one training loop: budget, validation, samples, checkpoint and exact resume, guards, events.

A Recipe knows its data and networks; the loop knows time, files and failure; ``stepping`` cuts batches, ``team`` joins
processes, ``guard`` tells divergence. Events are dicts with a ``kind``, see docs/formats.md, written as JSON
lines to ``<model>.events.jsonl``; their curves are drawn to ``<model>.curves.png``.
"""

from __future__ import annotations

import contextlib
import gc
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from studio.files import FileError, explain
from studio.nn.weights import save_model
from studio.training import checkpoint
from studio.training.card import made_card
from studio.training.curves import Curves
from studio.training.event_log import EventLog
from studio.training.guard import Guard
from studio.training.pace import Pace
from studio.training.recipe import Config, Control, Event, Export, Recipe, Shard, TrainingError, check_config
from studio.training.state import (
    copied,
    expected_bytes,
    load_state,
    random_state,
    set_random_state,
    state_of,
    untouched_randomness,
    weights_of,
)
from studio.training.stepping import Stepper, compile_networks, out_of_memory, tune
from studio.training.team import Team

PAUSE_LOOK = 0.05
"""Seconds between two looks whether a pause has ended."""
DRAWN = 20.0
"""Seconds, at the least, between two pictures of the curves."""


class _Run:
    """One run of the loop: where it stands, the last good state, the event file."""

    def __init__(
        self, recipe: Recipe, out: Path, team: Team, on_event: Callable[[Event], None] | None, max_rollbacks: int
    ) -> None:
        self.recipe, self.out, self.team, self.on_event = recipe, out, team, on_event
        self.checkpoint_path = out.with_name(out.name + ".ckpt")
        self.stepper = Stepper(recipe, team, recipe.config.accumulate)
        self.guard = Guard(recipe.watched)
        self.pace = Pace(recipe)
        self.curves, self._drawn = Curves(), time.monotonic()
        self.index = 0
        self.figures: dict[str, Any] = {}
        self.best = math.inf
        self.best_state: dict[str, Any] | None = None
        self.stale = 0
        """Validations since the best one."""
        self.rollbacks, self.max_rollbacks = 0, max_rollbacks
        self.log: EventLog | None = None
        """Open while the run lasts; None in all processes but the first."""

    # --- the state ---

    def restore(self) -> None:
        """Go on from the checkpoint beside the model."""
        saved = checkpoint.load(self.checkpoint_path)
        try:
            load_state(self.recipe, saved["state"])
            self.index, self.pace.before = saved["step"], saved["seconds"]
            self.figures, self.best_state = saved["figures"], saved["best_state"]
            self.best = math.inf if saved["best"] is None else saved["best"]
            self.rollbacks, self.stale = saved.get("rollbacks", 0), saved.get("stale", 0)
            stepper = self.stepper
            stepper.factor, stepper.tries = saved.get("factor", 1.0), saved.get("tries", 0)
            stepper.pieces = max(stepper.pieces, saved.get("pieces", 1) if self.team.size == 1 else 1)
            if stepper.scale is not None and saved.get("scale"):
                stepper.scale.value, stepper.scale.good = saved["scale"]
        except (KeyError, ValueError, RuntimeError, TypeError) as error:
            raise checkpoint.CheckpointError(
                f"{self.checkpoint_path} does not fit these settings ({error}); use the settings it was started with, "
                "or start again without --resume"
            ) from None

    def remember(self) -> None:
        """Make the present state the one to go back to. Every process has to."""
        self.good, self.good_step = copied(state_of(self.recipe)), self.index

    def keep(self) -> None:
        """Write the last good state to the checkpoint file. When that fails the file of before is still there."""
        if not self.team.chief:
            return
        scale = self.stepper.scale
        try:
            checkpoint.save(self.checkpoint_path, {
                "config": asdict(self.recipe.config), "state": self.good, "step": self.good_step,
                "seconds": self.pace.seconds(), "figures": self.figures,
                "best": None if math.isinf(self.best) else self.best, "best_state": self.best_state,
                "rollbacks": self.rollbacks, "stale": self.stale, "factor": self.stepper.factor,
                "tries": self.stepper.tries, "pieces": self.stepper.pieces,
                "scale": None if scale is None else [scale.value, scale.good],
            })
        except FileError as error:
            self.emit("unsaved", message=f"{error}; the checkpoint of before is kept, and the training goes on")
        else:
            self.emit("checkpoint", path=str(self.checkpoint_path))

    def emit(self, kind: str, **values: Any) -> None:
        """Tell an event, if this is the process that speaks."""
        if self.log is None:
            return
        event: Event = {"kind": kind, "step": self.index, **values}
        self.curves.hear(event)
        self.log.write(event)
        if self.on_event is not None:
            self.on_event(event)

    # --- the steps ---

    def run(self, start: Event, should_stop: Callable[[], bool], control: Control) -> bool:
        """Step until the budget is used or ``control.finish``; False when stopped before."""
        config = self.recipe.config
        self.remember()
        self.emit("start", **start)
        self.pace.begin()
        try:
            while self.index < config.steps:
                losses, stop, pause, finish = self._advance(should_stop, control)
                self.index += 1
                fault = self.guard.see(losses)
                if fault:
                    self._roll_back(fault)
                    continue
                if self._after_step(losses) or self.index == config.steps or finish:
                    break
                if pause:
                    stop = self._wait(should_stop, control)
                if stop:
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

    def _advance(
        self, should_stop: Callable[[], bool], control: Control
    ) -> tuple[dict[str, float], bool, bool, bool]:
        """One step, tried again in smaller pieces where the memory does not suffice; its losses, and what is asked."""
        while True:
            before = random_state(self.recipe)
            try:
                with self.pace.stepping():
                    losses = self.stepper.step(self.index)
                break
            except (MemoryError, RuntimeError) as error:
                reason = out_of_memory(error)
                if not reason:
                    raise
            # outside of the handler, which holds on to everything of the failed step
            self._make_room(reason, before)
        asked = [should_stop() or control.stop, control.pause, control.finish]
        if self.team.size > 1:
            names = list(losses)
            losses = dict(zip(names, self.team.mean([losses[name] for name in names]), strict=True))
            asked = [value > 0.5 for value in self.team.told([float(value) for value in asked])]
        return losses, asked[0], asked[1], asked[2]

    def _make_room(self, reason: str, before: dict[str, Any]) -> None:
        stepper, recipe = self.stepper, self.recipe
        for optimiser in recipe.optimisers.values():
            optimiser.zero_grad(set_to_none=True)
        if self.team.size > 1:
            raise TrainingError(
                f"out of memory in process {self.team.rank} ({reason}); go on with --resume --accumulate "
                f"{2 * stepper.pieces}"
            )
        if not stepper.cut_finer():
            rows = f", even with {stepper.part} at a time" if stepper.part else ""
            raise TrainingError(f"out of memory{rows} ({reason}); choose a smaller size or network")
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if stepper.moved:  # some networks have moved in the failed step and others have not
            load_state(recipe, self.good)
            self.index = self.good_step
        else:
            set_random_state(recipe, before)
        self.emit("memory", reason=reason, batch=stepper.part * stepper.shards, piece=stepper.part,
                  pieces=stepper.pieces, to=self.index)

    def _wait(self, should_stop: Callable[[], bool], control: Control) -> bool:
        """A pause: everything is on the disk first, and the time does not count. True when it ended in a stop."""
        began = time.monotonic()
        self.remember()
        self.keep()
        self.emit("paused")
        while True:
            stop = should_stop() or control.stop
            waiting = control.pause and not (stop or control.finish)
            stop, waiting = (value > 0.5 for value in self.team.told([float(stop), float(waiting)]))
            if not waiting:
                break
            time.sleep(PAUSE_LOOK)
        self.pace.leave_out(time.monotonic() - began)
        self.emit("resumed")
        return stop

    def _roll_back(self, reason: str) -> None:
        self.rollbacks += 1
        if self.rollbacks > self.max_rollbacks:
            raise TrainingError(f"{reason}, for the {self.rollbacks}th time; lower the learning rate")
        # the random state is not put back: the run goes on with other batches than those that failed
        load_state(self.recipe, self.good, randomness=False)
        self.stepper.factor *= 0.5
        self.stepper.tries += 1
        self.guard.forget()
        self.emit("rollback", reason=reason, to=self.good_step, factor=self.stepper.factor)
        self.index = self.good_step
        self.remember()
        self.keep()

    def _after_step(self, losses: dict[str, float]) -> bool:
        """Tell, validate, sample, save, as it is time; True when it is to end early."""
        config, last = self.recipe.config, self.index == self.recipe.config.steps
        told = self.pace.step(self.index, config.steps, last)
        if told:
            self.emit("step", losses=losses, **told)
        while self.recipe.warnings:
            self.emit("warning", message=self.recipe.warnings.pop(0))
        enough = False
        if self.index % config.validate_every == 0 or last:
            enough = self._validate()
        if self.index % config.sample_every == 0:
            self._sample()
        if self.index % config.checkpoint_every == 0 and not last and self.guard.calm():
            self.remember()
            self.keep()
        return enough

    def _validate(self) -> bool:
        """Measure, keep the best weights; True when patience is at its end."""
        with untouched_randomness(self.recipe):
            figures = self.recipe.validate()
        # every process has measured; what counts is what the first one found, for all must decide alike
        self.figures = dict(zip(figures, self.team.told(list(figures.values())), strict=True))
        self.emit("validate", figures=self.figures)
        self._draw()
        score, patience = self.figures.get("score"), self.recipe.config.patience
        if score is None:
            return False
        if score < self.best:
            self.best, self.stale = score, 0
            self.best_state = copied(weights_of(self.recipe))
            return False
        self.stale += 1
        if not patience or self.stale < patience:
            return False
        self.emit("early", best=self.best, validations=self.stale)
        return True

    def _sample(self) -> None:
        if not self.team.chief:
            return
        try:
            with untouched_randomness(self.recipe):
                files = self.recipe.sample(self.out.parent, self.index)
        except (OSError, FileError) as error:
            said = error if isinstance(error, FileError) else explain(error, self.out.parent, writing=True)
            self.emit("unsaved", message=f"{said}; no sample this time, the training goes on")
        else:
            self.emit("sample", files=[str(path) for path in files])

    def _draw(self, *, last: bool = False) -> None:
        """The curves as a picture beside the model."""
        now = time.monotonic()
        if not self.team.chief or not (last or now - self._drawn > DRAWN):
            return
        self._drawn = now
        try:
            self.curves.draw(self.out.with_name(self.out.name + ".curves.png"), self.out.stem, self.recipe.name)
        except FileError as error:
            self.emit("unsaved", message=f"{error}; the curves are in the events")

    def finish(self, report: dict[str, Any], command: str) -> dict[str, Any]:
        """Write the model with the best weights, and its card."""
        if self.best_state is not None:
            for name, module in self.recipe.modules.items():
                module.load_state_dict(self.best_state[name])
        if self.best_state is not None or not self.figures:
            self.figures = self.recipe.validate()
        result = self.recipe.export()
        figures = {**self.figures, **result.card.get("figures", {})}
        if not self.team.chief:
            return figures
        own = {
            "name": self.out.stem, "command": command, "steps": self.index, "seconds": round(self.pace.seconds()),
            "throughput": self.pace.summary(), "figures": figures, "data_report": report,
        }
        card = made_card(self.recipe, result.card, own)
        save_model(self.out, result.tensors, result.architecture, result.config, card)
        self._draw(last=True)
        self.emit("done", figures=card["figures"], model=str(self.out), throughput=card["throughput"])
        return figures


def train(
    recipe: Recipe, data: Path, out: Path, *, resume: bool = False, command: str = "",
    on_event: Callable[[Event], None] | None = None, should_stop: Callable[[], bool] = lambda: False,
    control: Control | None = None, max_rollbacks: int = 5, team: Team | None = None,
) -> dict[str, Any]:
    """Run ``recipe`` on ``data`` and write the model to ``out``; returns the final figures.

    ``should_stop`` is asked between steps; stopping (or Ctrl-C) writes the checkpoint ``<out>.ckpt``, from which
    ``resume=True`` goes on exactly; the result then has ``stopped`` and ``step``. ``control`` can also pause the
    run, or end it early with a model. ``team`` (from ``team.assemble``): the processes that train together, each of
    which calls this; files are written and events told by the first. Raises TrainingError when the data is unusable,
    the disk too small or the loss diverges again and again, CheckpointError when there is nothing to resume.
    """
    team = team or Team()
    check_config(recipe.config)
    if team.size == 1 and recipe.config.devices * recipe.config.nodes > 1:
        raise TrainingError("devices: several processes are started by the command line only; use reverie train")
    tune(recipe.config)
    torch.manual_seed(recipe.config.seed)
    report = _prepared(recipe, data, team)
    recipe.build()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain(error, out.parent, writing=True) from None
    checkpoint.check_space(out, expected_bytes(recipe))
    run = _Run(recipe, out, team, on_event, max_rollbacks)
    if resume:
        run.restore()
    team.begin(recipe.modules.values())
    if recipe.config.compile:
        compile_networks(recipe)
    start = {
        "recipe": recipe.name, "config": asdict(recipe.config), "data": report, "resumed": resume,
        "processes": team.size,
    }
    events = out.with_name(out.name + ".events.jsonl")
    if resume:
        run.curves.read(events)
    with EventLog(events, more=resume) if team.chief else contextlib.nullcontext() as run.log:
        if not run.run(start, should_stop, control or Control()):
            return {**run.figures, "stopped": True, "step": run.index}
        return run.finish(report, command)


def _prepared(recipe: Recipe, data: Path, team: Team) -> dict[str, Any]:
    """The report of ``prepare``, which the first process does before the others: what it keeps they find."""
    report: dict[str, Any] = {}
    fine = False
    try:
        if team.chief:
            report = recipe.prepare(data)
        fine = True
    finally:
        fine = team.told([float(fine)])[0] > 0.5
    if not fine:
        raise SystemExit(1)  # the first process says why
    return report if team.chief else recipe.prepare(data)


__all__ = ["Config", "Control", "Event", "Export", "Recipe", "Shard", "TrainingError", "train"]
