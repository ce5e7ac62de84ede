"""The models that are here: house models and the user's own, their cards, and whether their bytes fit the card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio import paths, safe_json
from studio.files import FileError, short_path
from studio.nn.weights import Header, WeightsError, read_about, read_header, sha256


@dataclass(frozen=True)
class Model:
    """A model file. ``fault`` is a sentence when it cannot be used; then the rest may be empty."""

    name: str
    path: Path
    architecture: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    parameters: int = 0
    """Numbers in all its tensors."""
    size: int = 0
    """Bytes of the file."""
    house: bool = False
    """Whether it came with the studio."""
    fault: str = ""

    @property
    def title(self) -> str:
        """For people: what the card says; of a model trained here the name it was given, which tells it from others."""
        title = self.card.get("title")
        if not isinstance(title, str) or not title or (not self.house and "recipe" in self.card):
            return self.name
        return title


def read_card(path: Path) -> dict[str, Any]:
    """The card beside a model file; empty when there is none. Raises FileError when it is damaged."""
    card = path.with_suffix(".json")
    return safe_json.load_object(card, max_bytes=1 << 20) if card.is_file() else {}


def read_model(path: Path, *, house: bool = False) -> Model:
    """What a model file is, from its header and card; its tensors are not read. Never raises: see ``Model.fault``."""
    from studio.library.layouts import detect

    try:
        header = read_header(path)
        size = path.stat().st_size
    except (WeightsError, OSError) as error:
        return Model(path.stem, path, house=house, fault=str(error))
    fault = ""
    try:
        card = read_card(path)
    except FileError as error:
        card, fault = {}, f"its card cannot be read: {error}"
    config: dict[str, Any] = {}
    layout = detect(header.shapes)
    try:
        architecture, config = read_about(header, path)
    except WeightsError as error:
        architecture = layout.architecture if layout else ""
        fault = fault or ("" if layout else str(error))
    return Model(path.stem, path, architecture, config, card, _count(header), size, house, fault)


def _count(header: Header) -> int:
    from math import prod

    return sum(prod(shape) for shape in header.shapes.values())


def list_models(architecture: str | Sequence[str] | None = None) -> list[Model]:
    """All models by name, the user's before the house's of one name. With ``architecture``, or several of them, only
    sound ones of these."""
    found: dict[str, Model] = {}
    house = paths.bundled("resources") / "models"
    for folder in paths.model_folders():
        for path in sorted(folder.glob("*.safetensors")) if folder.is_dir() else []:
            if path.stem not in found and not path.name.startswith("."):
                found[path.stem] = read_model(path, house=folder == house)
    models = sorted(found.values(), key=lambda model: model.name)
    wanted = (architecture,) if isinstance(architecture, str) else architecture
    return [m for m in models if wanted is None or (m.architecture in wanted and not m.fault)]


def verify(path: Path) -> str:
    """Compare a model's bytes with its card's sha256. Returns '' when they agree, else a sentence."""
    try:
        wanted = read_card(path).get("sha256")
        found = sha256(path)
    except (FileError, OSError) as error:
        return f"{short_path(path)} cannot be checked: {error}"
    if not wanted:
        return f"{short_path(path)} has no card with a sha256, so it cannot be checked"
    if wanted != found:
        return f"{short_path(path)} is not the file its card describes (sha256 {found[:12]}…, not {str(wanted)[:12]}…)"
    return ""
