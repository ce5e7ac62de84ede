"""One-file checkpoints without pickle: a tree of dicts, lists, numbers, texts and tensors as safetensors + JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from studio.nn.weights import CURE, read_header


class CheckpointError(ValueError):
    """A checkpoint that cannot be read; the message names the file and the cure."""


def _pack(tree: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(tree, torch.Tensor):
        key = f"t{len(tensors)}"
        tensors[key] = tree.detach().cpu().contiguous().clone()
        return {"tensor": key}
    if isinstance(tree, dict):
        # keys may be whole numbers (torch optimisers number their parameters): keep their type
        return {"dict": [[key, _pack(value, tensors)] for key, value in tree.items()]}
    if isinstance(tree, (list, tuple)):
        return {"list": [_pack(value, tensors) for value in tree]}
    if tree is None or isinstance(tree, (bool, int, float, str)):
        return {"value": tree}
    raise TypeError(f"a checkpoint cannot hold a {type(tree).__name__}")


def _unpack(packed: Any, tensors: dict[str, torch.Tensor]) -> Any:
    (kind, value), = packed.items()
    if kind == "tensor":
        return tensors[value]
    if kind == "dict":
        return {key: _unpack(item, tensors) for key, item in value}
    if kind == "list":
        return [_unpack(item, tensors) for item in value]
    return value


def save(path: Path, tree: dict[str, Any]) -> None:
    """Write ``tree`` atomically to one file."""
    tensors: dict[str, torch.Tensor] = {}
    structure = json.dumps(_pack(tree, tensors))
    temporary = path.with_name(f".{path.name}.part")
    try:
        save_file(tensors or {"empty": torch.zeros(1)}, temporary, {"reverie.checkpoint": structure})
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load(path: Path) -> dict[str, Any]:
    """Read what ``save`` wrote. Raises CheckpointError."""
    try:
        read_header(path)  # ours: the library would take a name twice and any offsets
        with safe_open(path, framework="pt") as file:
            structure = json.loads((file.metadata() or {})["reverie.checkpoint"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        tree = _unpack(structure, tensors)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        reason = str(error).removesuffix(f"; {CURE}")
        raise CheckpointError(f"{path} is not a readable checkpoint ({reason}); start again without --resume") from None
    if not isinstance(tree, dict):
        raise CheckpointError(f"{path} is not a checkpoint; start again without --resume")
    return tree
