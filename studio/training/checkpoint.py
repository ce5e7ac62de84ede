"""One-file checkpoints without pickle: a tree of dicts, lists, numbers, texts and tensors as safetensors + JSON."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from studio.files import FileError, atomic_write, explain, short_path
from studio.nn.weights import CURE, read_header

MARGIN = 32_000_000
"""Bytes that shall stay free besides: for samples and events."""


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
    """Write ``tree`` atomically to one file. Raises FileError when that fails; the file of before is then untouched."""
    tensors: dict[str, torch.Tensor] = {}
    structure = json.dumps(_pack(tree, tensors))
    with atomic_write(path) as temporary:
        try:
            save_file(tensors or {"empty": torch.zeros(1)}, temporary, {"reverie.checkpoint": structure})
        except SafetensorError as error:
            code = _SYSTEM_ERROR.search(str(error))  # the library tells an error of the system by its number alone
            if code is None:
                raise
            raise explain(OSError(int(code[1]), os.strerror(int(code[1]))), path, writing=True) from None


_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")


def check_space(path: Path, size: int) -> None:
    """Refuse a training whose checkpoints, of about ``size`` bytes, will not fit beside ``path``.

    A new one is written while the old one is still there, and the model comes beside them. Raises FileError.
    """
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError:  # a disk that does not say
        return
    need = 3 * size + MARGIN
    if free < need:
        raise FileError(
            f"{short_path(path.parent)}: {_shown(free)} are free, a training of this size needs {_shown(need)} for its "
            "checkpoints and the model; free some space or choose another disk with -o"
        )


def _shown(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


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
