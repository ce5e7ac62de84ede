"""What trained models reach on their data, measured again, beside what their cards say and what is wanted of them.

A model is measured by the recipe that made it: the recipe reads the data and splits it as the card's settings say, is
given the model's weights, and computes its figures. ``resources/measure.toml`` names the data of the house models and
their targets. Figures of chance (a generator's pictures) come from fixed seeds.
"""

from __future__ import annotations

import dataclasses
import math
import shlex
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from studio import paths
from studio.files import FileError, read_text, short_path
from studio.training.describe import load_recipe
from studio.training.loop import Config, TrainingError
from studio.training.recipes import RECIPES

TOLERANCE = 0.01
"""Share of a card's figure by which a measured one may differ: another processor rounds otherwise."""

SHARES = 0.02
"""Difference that figures which are shares (0..1, such as an accuracy) may have at least."""


class MeasureError(ValueError):
    """A model that is not measured; the message says why."""


@dataclass(frozen=True)
class Subject:
    """A model to measure: its name, file and card; ``house`` when it came with the studio."""

    name: str
    path: Path
    card: dict[str, Any]
    house: bool = False


@dataclass(frozen=True)
class Target:
    """What is wanted of a figure: at most, or at least, a number."""

    most: float = math.inf
    least: float = -math.inf

    def met(self, value: float) -> bool:
        """Whether a figure is good enough."""
        return self.least <= value <= self.most

    def __str__(self) -> str:
        return f"≤ {self.most:g}" if self.most < math.inf else f"≥ {self.least:g}" if self.least > -math.inf else ""


@dataclass(frozen=True)
class Figure:
    """A figure of a model: as measured, as its card has it (None: not there), and what is wanted."""

    model: str
    name: str
    measured: float
    card: float | None = None
    target: Target = Target()
    tolerance: float = TOLERANCE

    @property
    def fault(self) -> str:
        """'' for a figure that is as its card says and meets its target, else what is wrong."""
        if not math.isfinite(self.measured):
            return "is no number"
        if self.card is not None:
            room = max(self.tolerance * abs(self.card), SHARES * 0.25 if abs(self.card) <= 1 else 0.0)
            if abs(self.measured - self.card) > room:
                return "is not what its card says"
        return "" if self.target.met(self.measured) else "misses its target"


@dataclass(frozen=True)
class Entry:
    """A table of ``measure.toml``."""

    data: str = ""
    features: str = ""
    skip: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)


@cache
def entries() -> dict[str, Entry]:
    """The house's table, by model; ``*`` holds targets of figures of any model."""
    text, _ = read_text(paths.bundled("resources") / "measure.toml")
    found: dict[str, Entry] = {}
    for name, table in tomllib.loads(text).items():
        targets = {figure: Target(**limits) for figure, limits in table.pop("targets", {}).items()}
        found[name] = Entry(**table, targets=targets)
    return found


def measure(model: Subject, folder: Path, say: Callable[[str], None] = lambda line: None) -> list[Figure]:
    """The figures of a model on the data below ``folder``. Raises MeasureError where it cannot be measured."""
    entry = entries().get(model.name, Entry()) if model.house else Entry()
    if entry.skip:
        raise MeasureError(entry.skip)
    recipe = str(model.card.get("recipe", ""))
    if recipe not in RECIPES:
        reason = f"its card names a recipe that is not here: {recipe}" if recipe else "its card names no recipe"
        raise MeasureError(f"{reason}; only models that were trained here can be measured")
    data = data_of(model, entry, folder)
    say(f"{model.name}: measuring on {short_path(data)}")
    try:
        found = _figures(model, recipe, entry, data, folder, say)
    except (TrainingError, FileError) as error:
        raise MeasureError(str(error)) from None
    figures = model.card.get("figures")
    said = figures if isinstance(figures, dict) else {}
    targets = {**entries().get("*", Entry()).targets, **entry.targets}
    return [
        Figure(model.name, name, value, _number(said.get(name)), targets.get(name, Target()))
        for name, value in found.items()
    ]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def data_of(model: Subject, entry: Entry, folder: Path) -> Path:
    """Where a model's data is: as the table says, else what the command in its card names, else ``folder`` itself.

    Raises MeasureError when it is not there.
    """
    if not folder.exists():
        raise MeasureError(f"{short_path(folder)} is not there; --data names the folder that holds the data")
    if entry.data:
        ours = entry.data.removeprefix("resources/")
        wanted = folder / entry.data if ours == entry.data else paths.bundled("resources") / ours
        if not wanted.exists():
            raise MeasureError(f"{short_path(wanted)} is not there")
        return wanted
    words = shlex.split(str(model.card.get("command", "")))
    named = Path(words[3]).name if len(words) > 3 and words[1] == "train" else ""
    if not named or folder.name == named or not folder.is_dir():
        return folder
    found = sorted(folder.rglob(named), key=lambda path: (len(path.parts), path))
    if not found and model.house:
        raise MeasureError(f"{short_path(folder)} has no {named}, on which it was trained")
    return found[0] if found else folder


def settings_of(model: Subject, recipe: Any, entry: Entry, folder: Path) -> Config:
    """The recipe's settings as the card has them; files that it names are looked for below ``folder``."""
    said = model.card.get("config")
    known = {field.name: field for field in dataclasses.fields(recipe.Settings)}
    made: Config = recipe.Settings()
    for name, value in (said if isinstance(said, dict) else {}).items():
        if name in known and name not in ("device", "devices", "nodes"):
            setattr(made, name, _as_setting(value, getattr(made, name)))
    for name, value in entry.settings.items():
        setattr(made, name, str(folder / value))
    if "features" in known and "features" not in entry.settings:
        made.features = _found(str(made.features), folder)  # type: ignore[attr-defined]
    return made


def _as_setting(value: Any, default: Any) -> Any:
    """A value from JSON as the setting has it: lists become the tuples they were."""
    return tuple(value) if isinstance(default, tuple) and isinstance(value, list) else value


def _found(name: str, folder: Path) -> str:
    """A model that a setting names: one that is here, else a file of that name below ``folder``."""
    try:
        return str(paths.find_model(name))
    except FileNotFoundError:
        ending = "" if name.endswith(".safetensors") else ".safetensors"
        return next((str(path) for path in sorted(folder.rglob(f"{Path(name).name}{ending}"))), name)


def _figures(
    model: Subject, name: str, entry: Entry, data: Path, folder: Path, say: Callable[[str], None]
) -> dict[str, float]:
    import torch

    from studio.training import measure_kinds

    recipe = load_recipe(RECIPES[name])
    settings = settings_of(model, recipe, entry, folder)
    torch.manual_seed(settings.seed)
    found = measure_kinds.figures(name, recipe, settings, model, data)
    if entry.features:
        eyes = folder / entry.features
        if eyes.is_file():
            say(f"{model.name}: looking at pictures with {eyes.stem}")
            found |= measure_kinds.kernel_figures(recipe, settings, model, data, eyes)
        else:
            say(f"{model.name}: {short_path(eyes)} is not there: without the figures that need it")
    return {figure: float(value) for figure, value in found.items() if figure != "score" and _number(value) is not None}

