"""Model files: safetensors with the architecture in their metadata, and a JSON card beside them.

``NAME.safetensors`` holds the tensors; its metadata key ``reverie`` is JSON ``{"format": 1, "architecture", "config"}``.
``NAME.json`` is the card: title, data, licence, command, steps, seed, figures, date, sha256.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

FORMAT = 1


class WeightsError(ValueError):
    """A model file that cannot be used; the message names the file, the reason and the cure."""


@dataclass(frozen=True)
class ModelFile:
    """A loaded model file: tensors by name, and what they are for."""

    path: Path
    architecture: str
    config: dict[str, Any]
    tensors: dict[str, torch.Tensor] = field(repr=False)


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_model(
    path: Path, tensors: dict[str, torch.Tensor], architecture: str, config: dict[str, Any], card: dict[str, Any] | None = None
) -> None:
    """Write a model and its card atomically (temporary file beside the target, fsync, rename)."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"reverie": json.dumps({"format": FORMAT, "architecture": architecture, "config": config}, sort_keys=True)}
    temporary = path.with_name(f".{path.name}.part")
    try:
        save_file({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}, temporary, metadata)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    if card is not None:
        text = json.dumps({**card, "architecture": architecture, "sha256": sha256(path)}, indent=2, ensure_ascii=False)
        part = path.with_name(f".{path.stem}.json.part")
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(path.with_suffix(".json"))


def load_model(path: Path, architecture: str | None = None, *, device: str = "cpu") -> ModelFile:
    """Read a model file as float32 tensors. Raises WeightsError when it is damaged or of another architecture."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt", device=device) as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is not a readable safetensors file ({error}); train or fetch the model again") from None
    try:
        about = json.loads(metadata["reverie"])
        found, config = str(about["architecture"]), dict(about["config"])
    except (KeyError, TypeError, ValueError):
        raise WeightsError(f"{path} does not say which network it belongs to; import it with 'reverie models import'") from None
    if architecture is not None and found != architecture:
        raise WeightsError(f"{path} is a {found} model, this needs a {architecture} model; choose another one")
    tensors = {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
    return ModelFile(path, found, config, tensors)
