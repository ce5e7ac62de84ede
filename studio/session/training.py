"""Training beside the show: in a process of its own, seen as a job, paused, stopped, gone on with, and used."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio import paths, safe_json
from studio.files import FileError, atomic_write
from studio.generator import Cancelled
from studio.library.presets import slug
from studio.session.train_child import TrainChild
from studio.training.curves import add
from studio.training.recipes import about
from studio.training.remarks import remark

FORMAT = "reverie.training"
SLOW_DATA = 0.2
"""From this share of its time spent waiting for data on, a training says so."""
LASTING = 20.0
"""Seconds that a word on what happened (rolled back, out of memory) stands beside the progress."""


class TrainingFailed(RuntimeError):
    """A training that ended without a model; the message says why."""


def trainings() -> Path:
    """Where trainings keep their checkpoints, events and samples, a folder each."""
    return paths.user_folder("data") / "trainings"


@dataclass
class Plan:
    """What a training was asked for; kept beside its checkpoint so that it can be gone on with."""

    recipe: str
    data: Path
    name: str
    settings: dict[str, str] = field(default_factory=dict)
    """Settings other than the recipe's defaults, as text."""
    step: int = 0
    steps: int = 0

    @property
    def folder(self) -> Path:
        return trainings() / self.name

    @property
    def model(self) -> Path:
        """Where the process writes the model; it is copied to the user's models when it is done."""
        return self.folder / f"{self.name}.safetensors"

    @property
    def checkpoint(self) -> Path:
        return self.model.with_name(self.model.name + ".ckpt")

    def save(self) -> None:
        """Keep it. Raises FileError."""
        tree = {
            "format": FORMAT, "format_version": 1, "recipe": self.recipe, "data": str(self.data), "name": self.name,
            "settings": self.settings, "step": self.step, "steps": self.steps,
        }
        safe_json.save(self.folder / "plan.json", tree, parents=True)

    def arguments(self, *, resume: bool = False) -> list[str]:
        """What follows ``reverie train``."""
        options = [word for name, text in self.settings.items() for word in _option(name, text)]
        return [self.recipe, str(self.data), "-o", str(self.model), *options, *(["--resume"] if resume else [])]


def _option(name: str, text: str) -> list[str]:
    dashed = name.replace("_", "-")
    if text in ("true", "false"):
        return [f"--{dashed}" if text == "true" else f"--no-{dashed}"]
    return [f"--{dashed}={text}"]


def free_name(wanted: str) -> str:
    """A name that neither a model nor a training has: ``poems``, ``poems-2`` …"""
    base = slug(wanted) or "model"
    taken = {path.stem for folder in paths.model_folders() if folder.is_dir() for path in folder.glob("*.safetensors")}
    with contextlib.suppress(OSError):
        taken |= {path.name for path in trainings().iterdir()}
    return next(name for name in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if name not in taken)


def unfinished() -> list[Plan]:
    """Trainings that were stopped and can be gone on with, the newest first. Reads files: not for the GUI thread."""
    found: list[tuple[float, Plan]] = []
    root = trainings()
    for folder in root.iterdir() if root.is_dir() else ():
        try:
            tree = safe_json.load_object(folder / "plan.json", max_bytes=1 << 20)
            plan = Plan(
                str(tree["recipe"]), Path(str(tree["data"])), folder.name,
                {str(k): str(v) for k, v in dict(tree["settings"]).items()}, int(tree["step"]), int(tree["steps"]),
            )
            found.append((plan.checkpoint.stat().st_mtime, plan))
        except (FileError, safe_json.JsonError, KeyError, TypeError, ValueError, OSError):
            continue
    return [plan for _, plan in sorted(found, key=lambda pair: -pair[0])]


def discard(plan: Plan) -> None:
    """Delete a training's checkpoint, samples and events; its model, if there is one among the models, stays."""
    shutil.rmtree(plan.folder, ignore_errors=True)


class TrainingRun:
    """A training, with the attributes of an engine ``Job``, so that the list of jobs shows it.

    ``state``: waiting, running, paused, done, failed, cancelled (stopped, with a checkpoint). ``phase`` says what it is
    doing. ``train`` and ``valid`` hold the curves, name → list of (step, value); ``samples`` the files so far,
    ``events`` all events but those of single steps. The lists only grow; read them from any thread.
    """

    def __init__(
        self, plan: Plan, *, resume: bool = False, on_change: Callable[[Any], None] | None = None,
    ) -> None:
        self.plan, self._resume, self._on_change = plan, resume, on_change
        self.title = f"Train {plan.name}"
        self.state, self.message, self.error, self.progress = "waiting", "waiting", "", 0.0
        self.exception: BaseException | None = None
        self.events: list[dict[str, Any]] = []
        self.train: dict[str, list[tuple[int, float]]] = {}
        self.valid: dict[str, list[tuple[int, float]]] = {}
        self.samples: list[Path] = []
        self.report: dict[str, Any] = {}
        self.config: dict[str, Any] = {}
        self.phase = "starting"
        self.step, self.steps, self.rate = plan.step, plan.steps, 0.0
        self.items = self.data_share = 0.0
        """Items of the batch a second, and the share of a step's time spent waiting for data."""
        self.remarks: list[str] = []
        """What happened on the way: rolled back, out of memory, ended early, not saved."""
        self.model: Path | None = None
        """The finished model, among the user's models."""
        self._left: tuple[float, float] | None = None
        self._began = self._spent = self._told = self._kept = 0.0
        self._remarked = -LASTING
        self._ended, self._stopping = threading.Event(), False
        self._child = TrainChild(plan.arguments(resume=resume), self._hear, self._end)

    # --- as a job ---

    def start(self) -> TrainingRun:
        """Begin; returns itself."""
        if self.state != "waiting":
            raise RuntimeError(f"{self.title!r} was already started")
        self.state, self._began, self.message = "running", time.monotonic(), "starting"
        self._child.start(self.title)
        return self

    def cancel(self) -> None:
        """Stop at the next step, with a checkpoint to go on from."""
        self._stopping = True
        self.message = "stopping: writing a checkpoint"
        if self.phase in ("starting", "preparing", "reading the data"):
            self._child.kill()  # there is nothing to save yet
        else:
            self._child.say("stop")
        self._changed()

    stop = cancel

    def finish(self) -> None:
        """End at the next step and write the model as it is."""
        self.message = "finishing: writing the model"
        self._child.say("finish")
        self._changed()

    def pause(self) -> None:
        """Wait at the next step boundary, after writing a checkpoint."""
        self._child.say("pause")

    def resume(self) -> None:
        """Go on after a pause."""
        self._child.say("resume")

    def kill(self) -> None:
        """End it at once, without a checkpoint."""
        self._stopping = True
        self._child.kill()

    def cancelled(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopping

    @property
    def elapsed(self) -> float:
        """Seconds since its start."""
        return 0.0 if self.state == "waiting" else self._spent or time.monotonic() - self._began

    @property
    def left(self) -> float | None:
        """Seconds it still needs; None while that cannot be told."""
        if self.state != "running" or self._left is None:
            return None
        seconds, then = self._left
        return max(0.0, seconds - (time.monotonic() - then))

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; False when it has not ended in ``timeout`` seconds."""
        return self._ended.wait(timeout)

    def result(self) -> Path:
        """The model, waiting for it. Raises TrainingFailed or Cancelled."""
        self._ended.wait()
        if self.exception is not None:
            raise self.exception
        assert self.model is not None
        return self.model

    # --- what the process tells ---

    def _hear(self, event: dict[str, Any]) -> None:
        kind = event.get("kind")
        self.step = int(event.get("step", self.step))
        if kind == "step":
            self._heard_step(event)
        else:
            self.events.append(event)
        if kind == "preparing":
            self.phase = self.message = "reading the data"
        elif kind == "start":
            self.report, self.config = event.get("data", {}), event.get("config", {})
            self.steps = self.plan.steps = int(self.config.get("steps", 0))
            self.phase = self.message = "first steps"
        elif kind == "validate":
            for name, value in _numbers(event.get("figures")):
                add(self.valid, name, self.step, value)
        elif kind == "sample":
            self.samples += [Path(str(path)) for path in event.get("files", [])]
        elif kind in ("paused", "resumed"):
            self.state = "paused" if kind == "paused" else "running"
            self.message = f"paused at step {self.step}" if kind == "paused" else self._line()
        elif kind == "checkpoint":
            self.plan.step = self.step
            with contextlib.suppress(FileError):
                self.plan.save()
        elif kind == "failed":
            self.error = str(event.get("message", ""))
        elif words := remark(event):
            self.remarks.append(words)
            self.message, self._remarked = f"step {self.step:,}: {words}", time.monotonic()
        if self.steps:
            self.progress = min(1.0, self.step / self.steps)
        now = time.monotonic()
        if kind != "step" or now - self._told > 0.05:
            self._told = now
            self._changed()

    def _heard_step(self, event: dict[str, Any]) -> None:
        for name, value in _numbers(event.get("losses")):
            add(self.train, name, self.step, value)
        self.rate, self.items = float(event.get("rate", 0.0)), float(event.get("items", 0.0))
        self.data_share = float(event.get("data_share", 0.0))
        self._left = (float(event.get("left", 0.0)), time.monotonic())
        self.phase = "training"
        if not self._stopping and time.monotonic() - self._remarked > LASTING:
            self.message = self._line()

    def _line(self) -> str:
        losses = ", ".join(f"{name} {points[-1][1]:.3g}" for name, points in list(self.train.items())[:2] if points)
        speed = f"{self.rate:.1f} steps/s" if self.rate >= 0.1 else f"{60 * self.rate:.1f} steps/min"
        speed += f", {self.items:,.0f} items/s" if self.items >= 1 else ""
        speed += f", waits for data {self.data_share:.0%} of the time" if self.data_share >= SLOW_DATA else ""
        return f"step {self.step:,} of {self.steps:,}" + (f"  {losses}  {speed}" if losses else "")

    def _end(self, code: int, words: str) -> None:
        kinds = {str(event.get("kind")) for event in self.events[-3:]}
        state = "failed"
        try:
            if "done" in kinds and code == 0:
                self.model = self._keep_model()
                state, self.progress = "done", 1.0 if self.step >= self.steps else self.progress
                self.message = f"done: the model {self.plan.name} is among your models"
            elif self._stopping or "stopped" in kinds:
                state = "cancelled"
                self.message = f"stopped at step {self.step:,}; it can be gone on with"
                self.exception = Cancelled()
            else:
                raise TrainingFailed(self.error or _ending(code, words, self.plan.checkpoint.is_file()))
        except (TrainingFailed, FileError, OSError) as error:
            self.error, self.exception = f"{self.title}: {error}", error
            self.message = str(error)
        self._spent = time.monotonic() - self._began
        self.phase = self.state = state
        self._ended.set()
        self._changed()

    def _keep_model(self) -> Path:
        """Copy the finished model and its card to the user's models."""
        target = paths.model_folders()[0] / self.plan.model.name
        for suffix in (".json", ".safetensors"):  # the card first: a model without one could not be verified
            with atomic_write(target.with_suffix(suffix), parents=True) as temporary:
                shutil.copyfile(self.plan.model.with_suffix(suffix), temporary)
        if self.step >= self.steps:
            for path in (self.plan.checkpoint, self.plan.folder / "plan.json"):
                path.unlink(missing_ok=True)
        return target

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change(self)


def _numbers(tree: Any) -> Iterable[tuple[str, float]]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e30:
                yield str(name), float(value)


def _ending(code: int, words: str, saved: bool) -> str:
    cure = "go on from its last checkpoint" if saved else "start it again"
    if code in (-9, 137):
        why = "most likely for want of memory; a smaller batch helps"
        return f"the training process was ended by the system, {why}; {cure}"
    said = f": {words.removeprefix('reverie: ')}" if words else ""
    return f"the training process ended with code {code}{said}; {cure}"


class DataCheck:
    """What a recipe says of data, found by a process of its own. ``state``: running, done, failed, cancelled."""

    def __init__(
        self, recipe: str, data: Path, settings: dict[str, str], on_end: Callable[[DataCheck], None],
    ) -> None:
        self.recipe, self.data, self.state, self.error = recipe, data, "running", ""
        self.report: dict[str, Any] = {}
        self._on_end = on_end
        options = [word for name, text in settings.items() for word in _option(name, text)]
        self._child = TrainChild([recipe, str(data), "--check-data", *options], self._hear, self._end)
        self._child.start(f"check of {data.name}")

    def cancel(self) -> None:
        """Nobody wants to know any more."""
        self.state = "cancelled"
        self._child.kill()

    def _hear(self, event: dict[str, Any]) -> None:
        if event.get("kind") == "data":
            self.report = event.get("report", {})
        elif event.get("kind") == "failed":
            self.error = str(event.get("message", ""))

    def _end(self, code: int, words: str) -> None:
        if self.state == "cancelled":
            return
        if code != 0 and not self.error:
            self.error = words.removeprefix("reverie: ") or f"the check ended with code {code}; try again"
        self.state = "failed" if self.error else "done"
        self._on_end(self)


def start_training(session: Any, plan: Plan, *, resume: bool = False) -> TrainingRun:
    """Start a training as one of the session's jobs. Raises FileError when its folder cannot be written."""
    plan.save()

    said = 0

    def changed(run: TrainingRun) -> None:
        nonlocal said
        session.post("jobs", run)
        for words in run.remarks[said:]:
            said += 1
            session.notice(f"{run.plan.name}: {words}", level="warning", source="Training")
        if run.state == "done":
            session.post("library")
            session.notice(f"{run.plan.name} is trained and among your models", source="Training")
        elif run.state == "failed":
            session.notice(run.error, level="error", source="Training")

    run = TrainingRun(plan, resume=resume, on_change=changed)
    session.jobs.add(run)
    return run


def use_model(session: Any, model: str, architecture: str, *, prefer: str = "") -> tuple[str, int] | None:
    """Play a model at once: in the selected generator if it takes such models, else in one that runs, else newly loaded
    into a free line. ``prefer`` is a generator's id. Returns line and stage index, or None, with a notice, when nothing
    here plays it."""
    from studio.session.use import place_model

    return place_model(session, model, architecture, prefer)


def fitting_generator(recipe: str) -> str:
    """Id of the generator that plays what a recipe makes; ''."""
    return about(recipe).plays
