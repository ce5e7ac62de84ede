"""The card of a trained model: what it is, how it was made, how good it is."""

from __future__ import annotations

import datetime
from dataclasses import asdict
from pathlib import Path
from typing import Any

from studio.training.recipe import Recipe


def made_card(recipe: Recipe, said: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """``said``: what the recipe says of its model; ``own``: what the loop knows (name, command, steps, figures ...)."""
    config = recipe.config
    return {
        "name": own["name"], **said, "recipe": recipe.name, "config": _public(asdict(config)), "seed": config.seed,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(), **own,
    }


def _public(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings for a card, which travels with the model: of a file or folder only its name."""
    return {name: Path(value).name if isinstance(value, str) and value and _is_there(Path(value)) else value
            for name, value in settings.items()}


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a long list is no name of a file
        return False
