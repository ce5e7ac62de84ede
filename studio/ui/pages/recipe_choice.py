"""Which recipe fits what was dropped, in which order they stand, and what can be set in them."""

from __future__ import annotations

from pathlib import Path

from studio.training.describe import Setting, describe, load_recipe
from studio.training.recipes import PICTURE_FILES, RECIPES, about


def list_place(name: str) -> int:
    """Where a recipe stands in the list: those with a known use first."""
    order = ["gan", "few", "style", "text", "midi", "drums", "features", "dcgan", "wgan", "roll"]
    return order.index(name) if name in order else len(order)


def all_settings() -> dict[str, list[Setting]]:
    """The settings of every recipe by its name. Imports torch: not for the GUI thread."""
    return {name: describe(load_recipe(where).Settings) for name, where in RECIPES.items()}


def is_picture(path: Path) -> bool:
    """Whether a file is a picture by its name."""
    return path.suffix.lower() in PICTURE_FILES and path.is_file()


def recipe_for(path: Path) -> str:
    """The recipe that takes a single file of this kind, ''."""
    ending = path.suffix.lower()
    return next((name for name in sorted(RECIPES, key=list_place) if ending in about(name).endings), "")
