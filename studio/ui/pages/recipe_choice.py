"""Which recipe fits what was dropped, in which order they stand, and what can be set in them."""

from __future__ import annotations

from pathlib import Path

from studio.training.describe import Setting, describe, load_recipe
from studio.training.recipes import PICTURE_FILES, RECIPES, about

SHELVES = (
    ("Pictures", "image", ("gan", "few", "pix2pix", "draw", "dcgan", "wgan", "encoder")),
    ("Styles and dreams", "", ("style", "anystyle", "features")),
    ("Words and pens", "text", ("text", "handwriting")),
    ("Music", "notes", ("midi", "drums", "humanise", "roll")),
)
"""Headings of the list, the kind of media whose other recipes stand there too, and names in their order: those with a
use that everyone knows first."""


def shelves() -> list[tuple[str, list[str]]]:
    """All recipes as the list shows them: heading, names."""
    named = {name for _, _, names in SHELVES for name in names}
    return [
        (title, [*(name for name in names if name in RECIPES),
                 *(name for name in RECIPES if name not in named and kind and about(name).kind == kind)])
        for title, kind, names in SHELVES]


def all_settings() -> dict[str, list[Setting]]:
    """The settings of every recipe by its name. Imports torch: not for the GUI thread."""
    return {name: describe(load_recipe(where).Settings) for name, where in RECIPES.items()}


def is_picture(path: Path) -> bool:
    """Whether a file is a picture by its name."""
    return path.suffix.lower() in PICTURE_FILES and path.is_file()


def recipe_for(path: Path) -> str:
    """The recipe that takes a single file of this kind, ''."""
    ending = path.suffix.lower()
    listed = [name for _, names in shelves() for name in names]
    return next((name for name in listed if ending in about(name).endings), "")
